//! The contacts that records of earlier runs were of, where those records are there no more.

use anyhow::Result;
use foldhash::{HashMap, HashSet};
use polars::prelude::DataFrame;

use crate::columns::Role;
use crate::ledger::{Absent, Recalled};
use crate::matching::{Matched, cols};
use crate::normalise::col as of;
use crate::systems::Systems;
use crate::texts::{Text, Texts};

/// The contacts that records which are not there any more were of, by id, source id and address.
pub(super) struct Contacts<'a> {
    by_id: HashMap<&'a str, Vec<u32>>,
    by_source: HashMap<&'a str, Vec<u32>>,
    by_address: HashMap<&'a str, Vec<u32>>,
}

impl<'a> Contacts<'a> {
    pub fn new(
        records: &DataFrame,
        matched: &Matched,
        recalled: &Recalled,
        systems: &Systems,
        texts: &'a Texts,
    ) -> Result<Contacts<'a>> {
        let wanted = |of: &dyn Fn(&Absent) -> &str| -> HashSet<String> {
            recalled.absent.iter().map(of).filter(|text| !text.is_empty()).map(str::to_owned).collect()
        };
        let crm = |absent: &Absent| systems.profiles()[absent.system].role == Role::Crm;
        let ids = wanted(&|absent| if crm(absent) { &absent.record } else { &absent.contact_id });
        let (sources, addresses) = (wanted(&|absent| &absent.source_id), wanted(&|absent| &absent.email));
        let source_ids = records.column(of::SOURCE_ID)?.u32()?;
        let mut contacts = Contacts { by_id: HashMap::default(), by_source: HashMap::default(), by_address: HashMap::default() };
        for (person, (ix, id)) in (0u32..).zip(&matched.contacts) {
            let id = texts.get(*id);
            if ids.contains(id) {
                contacts.by_id.entry(id).or_default().push(person);
            }
            let source = source_ids.get(*ix as usize).map(|source| texts.get(Text::from_number(source)));
            if let Some(source) = source.filter(|source| sources.contains(*source)) {
                contacts.by_source.entry(source).or_default().push(person);
            }
        }
        let (persons, shared) = (matched.addresses.column(cols::PERSON)?.u32()?, matched.addresses.column("address")?.u32()?);
        for (person, address) in persons.iter().flatten().zip(shared.iter().flatten()) {
            let address = texts.get(Text::from_number(address));
            if addresses.contains(address) {
                contacts.by_address.entry(address).or_default().push(person);
            }
        }
        Ok(contacts)
    }

    pub fn of(&self, absent: &Absent, role: Role) -> &[u32] {
        let id = if role == Role::Crm { &absent.record } else { &absent.contact_id };
        let found = [(&self.by_id, id), (&self.by_source, &absent.source_id), (&self.by_address, &absent.email)];
        found.into_iter().find_map(|(known, key)| known.get(key.as_str())).map(Vec::as_slice).unwrap_or_default()
    }
}
