//! The persons that records of earlier runs were of, where those records are there no more.

use anyhow::Result;
use foldhash::{HashMap, HashSet};
use polars::prelude::DataFrame;

use crate::columns::Role;
use crate::ledger::{Absent, Recalled};
use crate::matching::{Matched, cols};
use crate::normalise::col as of;
use crate::systems::{Grain, Systems};
use crate::texts::{Text, Texts};

/// Persons by contact id, source id and address.
#[derive(Default)]
struct Known<'a>([HashMap<&'a str, Vec<u32>>; 3]);

impl<'a> Known<'a> {
    fn learn(&mut self, by: usize, key: &'a str, person: u32) {
        self.0[by].entry(key).or_default().push(person);
    }

    /// Each person once, in the order of their numbers.
    fn settled(mut self) -> Known<'a> {
        for persons in self.0.iter_mut().flat_map(|known| known.values_mut()) {
            persons.sort_unstable();
            persons.dedup();
        }
        self
    }

    /// By one of the ids, else by the addresses.
    fn find(&self, keys: [&str; 3], further: &[String]) -> Vec<u32> {
        let by_id = self.0.iter().zip(keys).take(ADDRESS).find_map(|(known, key)| known.get(key));
        let addresses = || [keys[ADDRESS]].into_iter().chain(further.iter().map(String::as_str));
        let by_address = || addresses().filter_map(|address| self.0[ADDRESS].get(address)).flatten().copied().collect();
        by_id.cloned().unwrap_or_else(by_address)
    }
}

/// The persons that records which are not there any more were of: contacts of the CRM, and where none of them is, whoever
/// else has one of the keys.
pub(super) struct Persons<'a> {
    contacts: Known<'a>,
    others: Known<'a>,
}

const ID: usize = 0;
const SOURCE_ID: usize = 1;
const ADDRESS: usize = 2;

impl<'a> Persons<'a> {
    pub fn new(
        records: &DataFrame,
        matched: &Matched,
        recalled: &Recalled,
        systems: &Systems,
        texts: &'a Texts,
    ) -> Result<Persons<'a>> {
        let mut wanted: [HashSet<&str>; 3] = Default::default();
        for absent in &recalled.absent {
            for (wanted, key) in wanted.iter_mut().zip(keys(absent, systems)) {
                wanted.extend(Some(key).filter(|key| !key.is_empty()));
            }
            wanted[ADDRESS].extend(absent.further.iter().map(String::as_str));
        }
        let wanted =
            |by: usize, key: Option<u32>| key.map(|key| texts.get(Text::from_number(key))).filter(|key| wanted[by].contains(key));
        let numbers = |name: &str| records.column(name).and_then(|column| column.u32());
        let (contact_ids, source_ids) = (numbers(of::CONTACT_ID)?, numbers(of::SOURCE_ID)?);
        let mut persons = Persons { contacts: Known::default(), others: Known::default() };
        for (person, (ix, id)) in (0u32..).zip(&matched.contacts) {
            for (by, key) in [(ID, Some(id.number())), (SOURCE_ID, source_ids.get(*ix as usize))] {
                wanted(by, key).into_iter().for_each(|key| persons.contacts.learn(by, key, person));
            }
        }
        let addresses = &matched.addresses;
        for (person, address) in addresses.column(cols::PERSON)?.u32()?.iter().zip(addresses.column("address")?.u32()?.iter()) {
            if let (Some(person), Some(address)) = (person, wanted(ADDRESS, address)) {
                persons.contacts.learn(ADDRESS, address, person);
            }
        }
        let emails = of::EMAILS.map(numbers).into_iter().collect::<Result<Vec<_>, _>>()?;
        let links = &matched.links;
        let linked = links.column(of::IX)?.u32()?.iter().zip(links.column(cols::PERSON)?.u32()?.iter());
        for ((ix, person), in_hub) in linked.zip(links.column(cols::IN_HUB)?.bool()?.iter()) {
            let (Some(ix), Some(person), Some(false)) = (ix, person, in_hub) else { continue };
            let of_record = [(ID, contact_ids), (SOURCE_ID, source_ids)].into_iter();
            for (by, numbers) in of_record.chain(emails.iter().map(|emails| (ADDRESS, *emails))) {
                wanted(by, numbers.get(ix as usize)).into_iter().for_each(|key| persons.others.learn(by, key, person));
            }
        }
        Ok(Persons { contacts: persons.contacts.settled(), others: persons.others.settled() })
    }

    /// The persons that a record was of, each once.
    pub fn of(&self, absent: &Absent, systems: &Systems) -> Vec<u32> {
        let keys = keys(absent, systems);
        let mut persons = self.contacts.find(keys, &absent.further);
        if persons.is_empty() {
            persons = self.others.find(keys, &absent.further);
        }
        let with = |by: usize| self.contacts.0[by].get(keys[by]).into_iter().flatten().copied();
        if is_unsubscribe(absent, systems) {
            // It bars its address, and the contact that it is linked to besides.
            persons.extend(with(ADDRESS));
        } else if systems.profiles()[absent.system].role == Role::Source
            && with(SOURCE_ID).any(|double| persons.contains(&double))
        {
            persons.extend(with(SOURCE_ID));
        }
        persons.sort_unstable();
        persons.dedup();
        persons
    }
}

fn is_unsubscribe(absent: &Absent, systems: &Systems) -> bool {
    systems.profiles()[absent.system].kinds[absent.kind].grain == Grain::Unsubscribe
}

/// Contact id, source id and address of a record that is not there.
fn keys<'a>(absent: &'a Absent, systems: &Systems) -> [&'a str; 3] {
    let is_contact = systems.profiles()[absent.system].role == Role::Crm && !is_unsubscribe(absent, systems);
    [if is_contact { &absent.record } else { &absent.contact_id }, &absent.source_id, &absent.email]
}
