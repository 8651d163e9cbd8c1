//! The plain contacts of the CRM by the hashes of their keys, and what is known to touch them.
//!
//! Two texts with one hash of 64 bits would only make records of a person who needed none, or leave aside a
//! disagreement of two ids that nobody will ever see.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU32, Ordering};

use foldhash::HashMap;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use rayon::prelude::*;

use super::delivery;
use crate::columns::{Delivery, Opt, Role};
use crate::normalise::packed::{Packed, Plain};
use crate::texts::Text;

/// The number of no contact.
pub(super) const NOBODY: u32 = u32::MAX;
/// Systems that can be told apart, the CRM included.
pub(super) const MOST_SYSTEMS: usize = 12;

/// Something about the person is not as everywhere else.
const SPOILT: u32 = 1;
/// The source has a record.
const IN_SOURCE: u32 = 2;
/// Earlier runs saw the person opted out.
const REMEMBERED: u32 = 4;
/// A record, other than of the CRM, says that the person opted in.
const OPTED_IN: u32 = 8;
/// The first of the bits that say which systems have a record; those between are of [`delivery`].
const FIRST_SYSTEM: u32 = 1 << 16;

const HASH: FixedState = FixedState::with_seed(0x7175_6965);

/// One plain contact.
#[derive(Clone, Copy)]
struct Contact {
    id: u64,
    /// Zero for none.
    source_id: u64,
    /// The first address; zero for none.
    email: u64,
    categories: Option<Text>,
    opt: Opt,
    delivery: Delivery,
    /// Whether it says that the person opted in.
    opted_in: bool,
}

impl Contact {
    fn of(plain: &Plain<'_>) -> Contact {
        Contact {
            id: hash(plain.record),
            source_id: hash_of(plain.source_id),
            email: hash_of(plain.email),
            categories: current(plain),
            opt: plain.manner.opt,
            delivery: plain.manner.delivery,
            opted_in: plain.opted_in.is_some(),
        }
    }
}

/// What a rule misses where a person has none.
#[derive(Clone, Copy)]
pub(super) struct Expected {
    /// A record of the source.
    pub source: bool,
    /// An unsubscribe record of whoever is opted out.
    pub unsubscribe_record: bool,
}

/// A key by which a contact is known, and that is not among its own id, source id and first address.
#[derive(Clone, Copy)]
pub(super) struct Further {
    key: u64,
    contact: u32,
    of_source: bool,
}

/// The hashes of the keys that a record names, zero for none, and the contact of the first.
#[derive(Clone, Copy)]
struct Named {
    contact_id: u64,
    source_id: u64,
    email: u64,
    contact: Option<u32>,
}

impl Named {
    fn by(plain: &Plain<'_>) -> Named {
        let [contact_id, source_id, email] = [plain.contact_id, plain.source_id, plain.email].map(hash_of);
        Named { contact_id, source_id, email, contact: None }
    }
}

/// Records whose contacts are looked up one right after another, so that the processor waits for the memory of several at
/// once. Among millions of contacts hardly one is in its cache.
const LOOKED_UP_AT_ONCE: usize = 64;

/// All of them, by number: their order among the packed rows.
pub(super) struct Contacts {
    all: Vec<Contact>,
    marks: Vec<AtomicU32>,
    by_id: HashTable<u32>,
    by_source_id: HashTable<u32>,
    by_email: HashTable<u32>,
    /// Who has a key as a further one: source ids, and everything else.
    further: [HashMap<u64, u32>; 2],
}

fn hash(text: &str) -> u64 {
    HASH.hash_one(text).max(1)
}

fn hash_of(text: Option<&str>) -> u64 {
    text.map_or(0, hash)
}

/// What systems are compared by; none where the record keeps no categories.
fn current(plain: &Plain<'_>) -> Option<Text> {
    Some(plain.manner.categories?.current)
}

impl Contacts {
    pub fn of<'p>(packed: impl Iterator<Item = &'p Packed>) -> Contacts {
        let packed: Vec<&Packed> = packed.collect();
        let number = |next: &mut u32, packed: &&Packed| {
            let first = *next;
            *next += packed.len() as u32;
            Some(first)
        };
        let firsts: Vec<u32> = packed.iter().scan(0, number).collect();
        let of_batch = |(packed, first): (&&Packed, u32)| -> (Vec<Contact>, Vec<Further>) {
            let mut seconds = Vec::new();
            let contact = |(contact, plain): (u32, Plain<'_>)| {
                seconds.extend(plain.second.map(|second| Further { key: hash(second), contact, of_source: false }));
                Contact::of(&plain)
            };
            ((first..).zip(packed.iter()).map(contact).collect(), seconds)
        };
        let (parts, seconds): (Vec<_>, Vec<_>) = packed.par_iter().zip(firsts).map(of_batch).unzip();
        let all: Vec<Contact> = parts.concat();
        drop(parts);
        let marks: Vec<AtomicU32> = all.iter().map(|_| AtomicU32::new(0)).collect();
        let keys: [fn(&Contact) -> u64; 3] = [|contact| contact.id, |contact| contact.source_id, |contact| contact.email];
        let mut tables: Vec<HashTable<u32>> = keys.par_iter().map(|key| index(&all, &marks, *key)).collect();
        let (by_email, by_source_id, by_id) = (tables.pop(), tables.pop(), tables.pop());
        let [by_id, by_source_id, by_email] = [by_id, by_source_id, by_email].map(Option::unwrap_or_default);
        let mut contacts = Contacts { all, marks, by_id, by_source_id, by_email, further: Default::default() };
        contacts.know(seconds.concat());
        contacts
    }

    fn with_id(&self, id: u64) -> Option<u32> {
        self.known(&self.by_id, id, |contact| contact.id)
    }

    fn with_source_id(&self, id: u64) -> Option<u32> {
        self.known(&self.by_source_id, id, |contact| contact.source_id)
    }

    fn with_email(&self, email: u64) -> Option<u32> {
        self.known(&self.by_email, email, |contact| contact.email)
    }

    fn known(&self, table: &HashTable<u32>, key: u64, own: impl Fn(&Contact) -> u64) -> Option<u32> {
        if key == 0 { None } else { table.find(key, |at| own(&self.all[*at as usize]) == key).copied() }
    }

    /// Whoever has a key as a further one.
    fn with_further(&self, key: u64, of_source: bool) -> Option<u32> {
        self.further[usize::from(of_source)].get(&key).copied()
    }

    /// The contact with that source id, or whose record of the source has it.
    pub fn of_source_id(&self, id: &str) -> u32 {
        let id = hash(id);
        self.with_source_id(id).or_else(|| self.with_further(id, true)).unwrap_or(NOBODY)
    }

    /// Everybody who has a key, as whatever kind of key.
    fn with(&self, key: u64) -> [Option<u32>; 5] {
        let further = [false, true].map(|of_source| self.with_further(key, of_source));
        [self.with_id(key), self.with_source_id(key), self.with_email(key), further[0], further[1]]
    }

    fn mark(&self, contact: u32, mark: u32) {
        self.marks[contact as usize].fetch_or(mark, Ordering::Relaxed);
    }

    /// Takes further keys of contacts. A key that another contact has too spoils both.
    pub fn know(&mut self, further: Vec<Further>) {
        for Further { key, contact, of_source } in further {
            for other in self.with(key).into_iter().flatten().filter(|other| *other != contact) {
                self.mark(other, SPOILT);
                self.mark(contact, SPOILT);
            }
            self.further[usize::from(of_source)].entry(key).or_insert(contact);
        }
    }

    /// Something touches whoever has this key.
    pub fn spoil_all(&self, key: &str) {
        self.with(hash(key)).into_iter().flatten().for_each(|contact| self.mark(contact, SPOILT));
    }

    /// Earlier runs saw a record with these keys opted out.
    pub fn remember(&self, keys: &[Option<&str>]) {
        let of_key: Vec<[Option<u32>; 5]> = keys.iter().flatten().map(|key| self.with(hash(key))).collect();
        for contact in of_key.iter().flatten().flatten() {
            let is_whole = of_key.iter().all(|persons| persons.contains(&Some(*contact)));
            self.mark(*contact, if is_whole { REMEMBERED } else { REMEMBERED | SPOILT });
        }
    }

    /// The contacts of the plain records of a system with that number, where everything agrees, else [`NOBODY`]; keys of
    /// records that their contacts have not go to `further`.
    pub fn tie_all(&self, packed: &Packed, system: usize, role: Role, further: &mut Vec<Further>) -> Vec<u32> {
        let mut owners = Vec::with_capacity(packed.len());
        let mut records = packed.iter().map(|plain| (plain, Named::by(&plain)));
        let mut some: Vec<(Plain<'_>, Named)> = Vec::with_capacity(LOOKED_UP_AT_ONCE);
        while owners.len() < packed.len() {
            some.clear();
            some.extend(records.by_ref().take(LOOKED_UP_AT_ONCE));
            some.iter_mut().for_each(|(_, named)| named.contact = self.with_id(named.contact_id));
            owners.extend(some.iter().map(|(plain, named)| self.tie(plain, *named, system, role, further)));
        }
        owners
    }

    /// The contact of one of them.
    fn tie(&self, plain: &Plain<'_>, named: Named, system: usize, role: Role, further: &mut Vec<Further>) -> u32 {
        let Named { contact_id, source_id, email, contact } = named;
        let by_id = contact.or_else(|| self.with_source_id(source_id));
        // An address alone ties nobody who is opted out: on how many contacts it may be then is a matter of policy.
        let by_email = || self.with_address(email).filter(|at| self.all[*at as usize].opt != Opt::Out);
        let Some(at) = by_id.or_else(by_email) else { return NOBODY };
        let contact = &self.all[at as usize];
        let has_address = email == 0 || email == contact.email || self.with_further(email, false) == Some(at);
        let agrees = (has_address || contact.email == 0)
            && (contact.opt == Opt::Out) == (plain.manner.opt == Opt::Out)
            && (source_id == 0 || source_id == contact.source_id || contact.source_id == 0)
            && (contact.categories.is_none() || current(plain).is_none_or(|own| Some(own) == contact.categories))
            && plain.second.is_none();
        if !agrees {
            return NOBODY;
        }
        let own = [contact.id, contact.source_id, contact.email];
        let mut know = |key: u64, is_known: bool, of_source: bool| {
            if key != 0 && !is_known && (of_source || !own.contains(&key)) {
                further.push(Further { key, contact: at, of_source });
            }
        };
        if ![plain.contact_id, plain.source_id].contains(&Some(plain.record)) {
            know(hash(plain.record), false, false);
        }
        know(contact_id, false, false);
        know(source_id, source_id == contact.source_id, role == Role::Source);
        know(email, has_address, false);
        let is_first = email != 0 && email == contact.email;
        let says_in = if plain.opted_in.is_some() { OPTED_IN } else { 0 };
        let in_source = if role == Role::Source { IN_SOURCE } else { 0 };
        let bit = FIRST_SYSTEM << system;
        let says = bit | in_source | says_in | delivery::of(plain, role, is_first);
        let before = self.marks[at as usize].fetch_or(says, Ordering::Relaxed);
        if before & bit != 0 {
            self.mark(at, SPOILT);
        }
        at
    }

    fn with_address(&self, email: u64) -> Option<u32> {
        self.with_email(email).or_else(|| self.with_further(email, false))
    }

    /// A plain record that is tied to nobody spoils whoever has a key of it.
    pub fn spoil_by(&self, plain: &Plain<'_>) {
        let keys = [Some(plain.record), plain.contact_id, plain.source_id, plain.email, plain.second];
        keys.into_iter().flatten().for_each(|key| self.spoil_all(key));
    }

    /// Whether there is nothing to find about a contact. Whoever was opted out before and is so everywhere still is.
    pub fn is_quiet(&self, contact: u32, rules: Expected) -> bool {
        let marks = self.marks[contact as usize].load(Ordering::Relaxed);
        let contact = &self.all[contact as usize];
        let (spoilt, is_backed) = match contact.opt {
            Opt::Out => (SPOILT, !rules.unsubscribe_record),
            _ => (SPOILT | REMEMBERED, true),
        };
        marks & spoilt == 0
            && is_backed
            && (!rules.source || marks & IN_SOURCE != 0)
            && delivery::agrees(contact.delivery, marks)
            && !((contact.opted_in || marks & OPTED_IN != 0) && delivery::has_failed(marks))
    }
}

/// The contacts by one of their keys. A key that several have is spoilt for all of them.
fn index(all: &[Contact], marks: &[AtomicU32], key: fn(&Contact) -> u64) -> HashTable<u32> {
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
