//! The plain contacts of the CRM by the hashes of their keys, and what is known to touch them.
//!
//! Two texts with one hash of 64 bits would only make records of a person who needed none, or leave aside a
//! disagreement of two ids that nobody will ever see.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU16, Ordering};

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use rayon::prelude::*;

use crate::columns::Opt;
use crate::normalise::packed::{Packed, Plain};
use crate::texts::Text;

/// The number of no contact.
pub(super) const NOBODY: u32 = u32::MAX;
/// Systems that can be told apart, the CRM included.
pub(super) const MOST_SYSTEMS: usize = 12;

/// Something about the person is not as everywhere else.
const SPOILT: u16 = 1;
/// Earlier runs saw the person opted out.
const REMEMBERED: u16 = 8;
/// The source has a record.
const IN_SOURCE: u16 = 2;
/// The first of the bits that say which systems have a record.
const FIRST_SYSTEM: u16 = 16;

const HASH: FixedState = FixedState::with_seed(0x7175_6965);

/// One plain contact.
#[derive(Clone, Copy)]
struct Contact {
    id: u64,
    /// Zero for none.
    source_id: u64,
    email: u64,
    opt: Opt,
    categories: Option<Text>,
}

/// What a rule misses where a person has none.
#[derive(Clone, Copy)]
pub(super) struct Expected {
    /// A record of the source.
    pub source: bool,
    /// An unsubscribe record of whoever is opted out.
    pub unsubscribe_record: bool,
}

/// All of them, by number: their order among the packed rows.
pub(super) struct Contacts {
    all: Vec<Contact>,
    marks: Vec<AtomicU16>,
    by_id: HashTable<u32>,
    by_source_id: HashTable<u32>,
    by_email: HashTable<u32>,
}

fn hash(text: &str) -> u64 {
    HASH.hash_one(text).max(1)
}

/// What systems are compared by; none where the record keeps no categories.
fn current(plain: Plain<'_>) -> Option<Text> {
    Some(plain.manner.categories?.current)
}

impl Contacts {
    pub fn of<'p>(packed: impl Iterator<Item = &'p Packed>) -> Contacts {
        let packed: Vec<&Packed> = packed.collect();
        let contact = |plain: Plain<'_>| Contact {
            id: hash(plain.record),
            source_id: plain.source_id.map_or(0, hash),
            email: hash(plain.email),
            opt: plain.manner.opt,
            categories: current(plain),
        };
        let parts: Vec<Vec<Contact>> = packed.par_iter().map(|packed| packed.iter().map(contact).collect()).collect();
        let all = parts.concat();
        let marks: Vec<AtomicU16> = all.iter().map(|_| AtomicU16::new(0)).collect();
        let keys: [fn(&Contact) -> u64; 3] = [|contact| contact.id, |contact| contact.source_id, |contact| contact.email];
        let mut tables: Vec<HashTable<u32>> = keys.par_iter().map(|key| index(&all, &marks, *key)).collect();
        let (by_email, by_source_id, by_id) = (tables.pop(), tables.pop(), tables.pop());
        let [by_id, by_source_id, by_email] = [by_id, by_source_id, by_email].map(Option::unwrap_or_default);
        Contacts { all, marks, by_id, by_source_id, by_email }
    }

    fn with_id(&self, id: u64) -> Option<u32> {
        self.by_id.find(id, |at| self.all[*at as usize].id == id).copied()
    }

    fn with_source_id(&self, id: u64) -> Option<u32> {
        self.by_source_id.find(id, |at| self.all[*at as usize].source_id == id).copied()
    }

    fn with_email(&self, email: u64) -> Option<u32> {
        self.by_email.find(email, |at| self.all[*at as usize].email == email).copied()
    }

    /// The contact with that source id.
    pub fn of_source_id(&self, id: &str) -> u32 {
        self.with_source_id(hash(id)).unwrap_or(NOBODY)
    }

    fn mark(&self, contact: u32, mark: u16) {
        self.marks[contact as usize].fetch_or(mark, Ordering::Relaxed);
    }

    fn mark_all(&self, key: &str, mark: u16) {
        let key = hash(key);
        for contact in [self.with_id(key), self.with_source_id(key), self.with_email(key)].into_iter().flatten() {
            self.mark(contact, mark);
        }
    }

    /// Something touches whoever has this key.
    pub fn spoil_all(&self, key: &str) {
        self.mark_all(key, SPOILT);
    }

    /// Earlier runs saw whoever has this key opted out.
    pub fn remember_all(&self, key: &str) {
        self.mark_all(key, REMEMBERED);
    }

    /// The contact of a plain record of the system with that number, if an id ties it and everything agrees.
    pub fn tie(&self, plain: Plain<'_>, system: usize, of_source: bool) -> u32 {
        let (id, source_id, email) = (plain.contact_id.map(hash), plain.source_id.map(hash), hash(plain.email));
        let by_id = id.and_then(|id| self.with_id(id));
        let by_source_id = || source_id.and_then(|id| self.with_source_id(id));
        if let Some(at) = by_id.or_else(by_source_id) {
            let contact = &self.all[at as usize];
            let agrees = contact.email == email
                && contact.opt == plain.manner.opt
                && id.is_none_or(|id| id == contact.id)
                && source_id.is_none_or(|id| id == contact.source_id)
                && (contact.categories.is_none() || current(plain).is_none_or(|own| Some(own) == contact.categories));
            if agrees {
                let bit = FIRST_SYSTEM << system;
                let before = self.marks[at as usize].fetch_or(if of_source { bit | IN_SOURCE } else { bit }, Ordering::Relaxed);
                if before & bit != 0 {
                    self.mark(at, SPOILT);
                }
                return at;
            }
        }
        for contact in [by_id, by_source_id(), self.with_email(email)].into_iter().flatten() {
            self.mark(contact, SPOILT);
        }
        NOBODY
    }

    /// Whether there is nothing to find about a contact. Whoever was opted out before and is so everywhere still is.
    pub fn is_quiet(&self, contact: u32, rules: Expected) -> bool {
        let marks = self.marks[contact as usize].load(Ordering::Relaxed);
        let (spoilt, is_backed) = match self.all[contact as usize].opt {
            Opt::Out => (SPOILT, !rules.unsubscribe_record),
            _ => (SPOILT | REMEMBERED, true),
        };
        marks & spoilt == 0 && is_backed && (!rules.source || marks & IN_SOURCE != 0)
    }
}

/// The contacts by one of their keys. A key that several have is spoilt for all of them.
fn index(all: &[Contact], marks: &[AtomicU16], key: fn(&Contact) -> u64) -> HashTable<u32> {
    let mut table = HashTable::with_capacity(all.len());
    for (at, contact) in all.iter().enumerate().filter(|(_, contact)| key(contact) != 0) {
        let own = key(contact);
        match table.find(own, |other: &u32| key(&all[*other as usize]) == own) {
            Some(other) => {
                marks[*other as usize].fetch_or(SPOILT, Ordering::Relaxed);
                marks[at].fetch_or(SPOILT, Ordering::Relaxed);
            }
            None => drop(table.insert_unique(own, at as u32, |other| key(&all[*other as usize]))),
        }
    }
    table
}
