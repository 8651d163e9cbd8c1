//! Opted-out records that fit no contact, while another system mails their address for one: matching goes by the addresses
//! of the CRM, and the person may have said no to that very address.

use anyhow::Result;
use foldhash::HashMap;

use crate::classify::{Found, World};
use crate::columns::{Delivery, Opt};
use crate::matching::cols;
use crate::normalise::{Facts, col};
use crate::rules::RULES;

/// By opted-out record, the first by name that is mailed at its address.
#[derive(Default)]
pub(super) struct Overlooked(HashMap<u32, u32>);

impl Overlooked {
    pub fn of(found: &[Found], world: &World<'_>, facts: &Facts<'_>) -> Result<Overlooked> {
        let emails = |name: &str| -> Result<_> { Ok(world.records.column(name)?.u32()?.clone()) };
        let first = emails(col::EMAILS[0])?;
        let mut wanted: HashMap<u32, Vec<u32>> = HashMap::default();
        for ix in found.iter().filter(|found| RULES[found.rule].code == "IDN505").filter_map(|found| found.a) {
            if let Some(email) = first.get(ix as usize).filter(|_| facts.opt(ix) == Opt::Out) {
                wanted.entry(email).or_default().push(ix);
            }
        }
        let mut overlooked = Overlooked::default();
        if wanted.is_empty() {
            return Ok(overlooked);
        }
        let is_mailed = |ix: u32, person: u32| {
            let wish = world.consent.wishes.get(&person);
            facts.is_main(ix)
                && facts.opt(ix) != Opt::Out
                && !matches!(facts.delivery(ix), Delivery::Held | Delivery::Removed)
                && wish.is_none_or(|wish| wish.decision != Some(Opt::Out))
        };
        let addresses = col::EMAILS.into_iter().map(emails).collect::<Result<Vec<_>>>()?;
        let links = &world.matched.links;
        let (ixs, persons) = (links.column(col::IX)?.u32()?, links.column(cols::PERSON)?.u32()?);
        let in_hub = links.column(cols::IN_HUB)?.bool()?;
        for ((ix, person), in_hub) in ixs.iter().zip(persons.iter()).zip(in_hub.iter()) {
            let (Some(ix), Some(person), Some(true)) = (ix, person, in_hub) else { continue };
            let of_record = addresses.iter().filter_map(|emails| wanted.get(&emails.get(ix as usize)?));
            for out in of_record.flatten().filter(|_| is_mailed(ix, person)) {
                let name = |ix: &u32| (&facts.profile(*ix).title, facts.name(*ix));
                let known = overlooked.0.entry(*out).or_insert(ix);
                *known = [*known, ix].into_iter().min_by_key(name).unwrap_or(ix);
            }
        }
        Ok(overlooked)
    }

    /// The record that is mailed at the address of an opted-out one.
    pub fn mailed(&self, found: &Found) -> Option<u32> {
        self.0.get(&found.a?).copied().filter(|_| RULES[found.rule].code == "IDN505")
    }
}
