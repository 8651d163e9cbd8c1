//! OPT113: opted out before, active now without an opt-in.

use anyhow::Result;
use foldhash::{HashMap, HashSet};
use polars::prelude::{IntoLazy, UInt8Chunked, col};

use crate::classify::{Found, World, member, rows_of};
use crate::columns::{Delivery, Opt, Severity};
use crate::consent::Wish;
use crate::decisions::What;
use crate::matching::{cols, is_of_office};
use crate::normalise::col as of;
use crate::rules::search::once_a_record;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "OPT113",
    name: "opted out before, active now without an opt-in",
    severity: Severity::Critical,
    finds: "An earlier run saw the record opted out, or another record of the person that is gone, was not exported this time, or is not mailed any more; or a reviewer opted the person out. Now it is active, and no opt-in with evidence explains it.",
    matters: "A manual load has most likely overwritten the opt-out, and mail may go to a person who said no.",
    action: "Load the correction file, which opts the record out again. If the person did ask to be mailed again, record the date and the evidence of that first.",
    example: "Salesforce: Email Opt Out was ticked on 15 November and is not on 22 November; there is no opt-in date.",
    clock: true,
    finder: Finder::Search(search),
};

fn search(world: &World<'_>, rule: &'static Rule) -> Result<Vec<Found>> {
    let recalled = &world.consent.recalled;
    let mailed = Mailed::new(world)?;
    let wishes = || world.consent.wishes.iter().filter(|(_, wish)| wish.decision == Some(Opt::Out));
    let is_remembered = |wish: &Wish| !wish.undone.is_empty() || !wish.absent.is_empty();
    let alone = records_without_contact(world, wishes().filter(|(_, wish)| is_remembered(wish)).map(|(person, _)| *person))?;
    let excepted = world.desk.excepted();
    let mut found = Vec::new();
    for (person, wish) in wishes() {
        let undone = || wish.undone.iter().copied().filter(|ix| recalled.undone(*ix).is_some());
        // Where no record says it any more, nor is one mailed that did, the person's others are what is wrong. A log or an extract
        // says it once, and an export may be late, stale, or older than the one that said it: who said no is not mailed for that.
        // Nor for an exception that leaves what another record says.
        let is_said = !excepted.contains(person) && wish.outs.iter().any(|ix| !wish.undone.contains(ix));
        let gone = is_remembered(wish) && !is_said && !undone().any(|ix| mailed.is(ix));
        let contact = world.matched.contact(*person).map(|(ix, _)| ix).filter(|_| gone);
        let others = alone.get(person).filter(|_| gone).into_iter().flatten().copied();
        found.extend(undone().chain(contact).chain(others).filter(|ix| mailed.is(*ix)).map(|ix| (*person, ix)));
    }
    let mut found = rows_of(world, rule, &found)?;
    let of_offices: Vec<(u32, u32)> = undone_of_offices(world)?.into_iter().filter(|(_, ix)| mailed.is(*ix)).collect();
    found.extend(rows_of(world, rule, &of_offices)?.into_iter().map(|found| Found { office: true, ..found }));
    Ok(once_a_record(world, found))
}

/// Persons whom a reviewer has opted out, but for those of whom something else tells it: they are mailed as if nobody had
/// decided, until the corrections are loaded.
///
/// # Errors
/// Only what Polars cannot do, which is a defect.
pub fn beside_decisions(world: &World<'_>, told: &HashSet<u32>) -> Result<Vec<Found>> {
    let rulings = world.desk.rulings.iter().zip(&world.desk.persons).filter(|(ruling, _)| ruling.what == What::OptOut);
    let is_out = |person: &u32| world.consent.wishes.get(person).is_some_and(|wish| wish.decision == Some(Opt::Out));
    let persons = rulings.flat_map(|(_, persons)| persons).copied();
    let untold: HashSet<u32> = persons.filter(|person| is_out(person) && !told.contains(person)).collect();
    if untold.is_empty() {
        return Ok(Vec::new());
    }
    let mailed = Mailed::new(world)?;
    let alone = records_without_contact(world, untold.iter().copied())?;
    let contacts = untold.iter().filter_map(|person| Some((*person, world.matched.contact(*person)?.0)));
    let others = alone.iter().flat_map(|(person, records)| records.iter().map(|ix| (*person, *ix)));
    let active: Vec<(u32, u32)> = contacts.chain(others).filter(|(_, ix)| mailed.is(*ix)).collect();
    Ok(once_a_record(world, rows_of(world, &RULE, &active)?))
}

/// Which records are mailed.
struct Mailed {
    opts: UInt8Chunked,
    deliveries: UInt8Chunked,
}

impl Mailed {
    fn new(world: &World<'_>) -> Result<Mailed> {
        let numbers = |name: &str| -> Result<UInt8Chunked> { Ok(world.records.column(name)?.to_physical_repr().u8()?.clone()) };
        Ok(Mailed { opts: numbers(of::OPT)?, deliveries: numbers(of::DELIVERY)? })
    }

    fn is(&self, ix: u32) -> bool {
        let stopped = [Delivery::Held, Delivery::Removed].map(|delivery| Some(delivery as u8));
        self.opts.get(ix as usize) != Some(Opt::Out as u8) && !stopped.contains(&self.deliveries.get(ix as usize))
    }
}

/// Records of an office's address that were opted out before, each with everybody at the address: it opts nobody out.
fn undone_of_offices(world: &World<'_>) -> Result<Vec<(u32, u32)>> {
    let links = world.matched.links.clone().lazy().filter(is_of_office(world.config.policy.max_shared));
    let links = links.select([col(cols::PERSON), col(of::IX)]).collect()?;
    let pairs = links.column(cols::PERSON)?.u32()?.iter().flatten().zip(links.column(of::IX)?.u32()?.iter().flatten());
    Ok(pairs.filter(|(_, ix)| world.consent.recalled.undone(*ix).is_some()).collect())
}

/// The records of those of some persons who have no contact in the CRM.
fn records_without_contact(world: &World<'_>, persons: impl Iterator<Item = u32>) -> Result<HashMap<u32, Vec<u32>>> {
    let without = persons.filter(|person| world.matched.contact(*person).is_none());
    let mut records: HashMap<u32, Vec<u32>> = without.map(|person| (person, Vec::new())).collect();
    if !records.is_empty() {
        let speaking = world.members.clone().lazy().filter(col(member::SPEAKS)).select([col(of::IX), col(cols::PERSON)]).collect()?;
        let (ixs, persons) = (speaking.column(of::IX)?.u32()?, speaking.column(cols::PERSON)?.u32()?);
        for (ix, person) in ixs.iter().flatten().zip(persons.iter().flatten()) {
            records.entry(person).and_modify(|records| records.push(ix));
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::check;

    /// What earlier runs saw is tested over whole weeks, in `tests/weeks.rs`.
    #[test]
    fn without_earlier_runs_nothing_is_found() {
        check(&RULE, &[("crm active #1 | source out #1", ""), ("crm out #1 | marketing active #1", ""), ("crm active #1", "")]);
    }
}
