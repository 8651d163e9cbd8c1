//! Whose a record may be that nothing but an address ties to a person: families and offices share one, and nobody is opted
//! in on the permission of another.

use anyhow::Result;
use foldhash::{HashMap, HashSet};
use polars::prelude::{IntoLazy, col as column};

use crate::classify::World;
use crate::columns::Role;
use crate::ledger::Absent;
use crate::matching::{cols, is_by_address};
use crate::normalise::{Facts, col};
use crate::systems::Grain;

/// What tells that a record is somebody else's.
pub(super) struct Strangers<'a> {
    world: &'a World<'a>,
    facts: &'a Facts<'a>,
    /// Records that nothing but an address ties to anybody.
    by_address: HashSet<u32>,
    /// Whom records of this run named in earlier exports, where their row does not say it any more: by system and record.
    formerly: HashMap<(usize, &'a str), &'a Absent>,
    /// Constituents that an id ties to a person, by the person and the source.
    constituents: HashMap<(u32, usize), u32>,
    /// How many have nothing but the person's address.
    at_address: HashMap<(u32, usize), usize>,
}

impl<'a> Strangers<'a> {
    pub fn of(world: &'a World<'a>, facts: &'a Facts<'a>) -> Result<Strangers<'a>> {
        let by_address = world.matched.by_address_alone()?;
        let links = world.matched.links.clone().lazy();
        let is_by_address = is_by_address().alias("is_by_address");
        let tied = links.filter(column(cols::IN_HUB)).select([column(col::IX), column(cols::PERSON), is_by_address]).collect()?;
        let pairs = tied.column(col::IX)?.u32()?.iter().flatten().zip(tied.column(cols::PERSON)?.u32()?.iter().flatten());
        let links_by_address = tied.column("is_by_address")?.bool()?.iter();
        let (mut constituents, mut at_address) = (HashMap::default(), HashMap::<(u32, usize), usize>::default());
        for ((ix, person), link_is_by_address) in pairs.zip(links_by_address) {
            if facts.profile(ix).role == Role::Source && facts.kind(ix).grain == Grain::Contact {
                let of = (person, facts.system(ix));
                if link_is_by_address != Some(true) {
                    constituents.insert(of, ix);
                } else if by_address.contains(&ix) {
                    *at_address.entry(of).or_default() += 1;
                }
            }
        }
        let formerly = world.consent.recalled.absent.iter().filter(|absent| !absent.gone);
        Ok(Strangers {
            world,
            facts,
            by_address,
            formerly: formerly.map(|absent| ((absent.system, absent.record.as_str()), absent)).collect(),
            constituents,
            at_address,
        })
    }

    /// Why a record that its address alone ties to a person may well be somebody else's: it names another contact or
    /// constituent by id or did so in an earlier export, another constituent is the person's, or several may be.
    pub fn doubt(&self, record: u32, person: u32) -> Option<String> {
        if !self.by_address.contains(&record) {
            return None;
        }
        let (facts, system) = (self.facts, self.facts.system(record));
        let (contact, id) = self.world.matched.contact(person)?;
        let id = self.world.texts.get(id);
        let given = |text: &'a str| Some(text).filter(|text| !text.is_empty());
        let own = given(facts.text(col::SOURCE_ID, contact));
        // The ids of another source are their own.
        let apart = format!("{}:", facts.profile(record).name);
        let other = |contact: Option<&str>, source: Option<&str>| {
            if contact == Some(id) || own.is_some() && source == own {
                return None;
            }
            let constituent = source.filter(|source| own.is_some() && !source.starts_with(&apart));
            let named = contact.map(|contact| format!("the contact {contact}"));
            named.or_else(|| constituent.map(|constituent| format!("the constituent {constituent}")))
        };
        let alone = "an address alone does not say that it is the same person.";
        if let Some(other) = other(given(facts.text(col::CONTACT_ID, record)), given(facts.text(col::SOURCE_ID, record))) {
            return Some(format!("It names {other}, whom no export of the CRM has: {alone}"));
        }
        let formerly = self.formerly.get(&(system, facts.name(record)));
        if let Some(other) = formerly.and_then(|absent| other(given(&absent.contact_id), given(&absent.source_id))) {
            return Some(format!("An earlier export named {other} there: {alone}"));
        }
        if facts.kind(record).grain != Grain::Contact {
            return None;
        }
        if let Some(constituent) = self.constituents.get(&(person, system)) {
            return Some(format!("The person's constituent is {}, and this is another one: {alone}", facts.name(*constituent)));
        }
        let several = self.at_address.get(&(person, system)).filter(|several| **several > 1)?;
        Some(format!("{several} constituents have the person's address, and no id says which of them is the person: {alone}"))
    }
}
