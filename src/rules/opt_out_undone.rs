//! OPT113: opted out before, active now without an opt-in.

use anyhow::Result;
use foldhash::HashMap;
use polars::prelude::{IntoLazy, col};

use crate::classify::{Found, World, member, rows_of};
use crate::columns::{Delivery, Opt, Severity};
use crate::matching::{cols, is_of_office};
use crate::normalise::col as of;
use crate::rules::search::once_a_record;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "OPT113",
    name: "opted out before, active now without an opt-in",
    severity: Severity::Critical,
    finds: "An earlier run saw the record opted out, or another record of the person that is gone, was not exported this time, or is not mailed any more. Now it is active, and no opt-in with evidence explains it.",
    matters: "A manual load has most likely overwritten the opt-out, and mail may go to a person who said no.",
    action: "Load the correction file, which opts the record out again. If the person did ask to be mailed again, record the date and the evidence of that first.",
    example: "Salesforce: Email Opt Out was ticked on 15 November and is not on 22 November; there is no opt-in date.",
    clock: true,
    finder: Finder::Search(search),
};

fn search(world: &World<'_>, rule: &'static Rule) -> Result<Vec<Found>> {
    let recalled = &world.consent.recalled;
    let opts = world.records.column(of::OPT)?.to_physical_repr();
    let deliveries = world.records.column(of::DELIVERY)?.to_physical_repr();
    let (opts, deliveries) = (opts.u8()?, deliveries.u8()?);
    let is_mailed = |ix: &u32| {
        let stopped = [Delivery::Held, Delivery::Removed].map(|delivery| Some(delivery as u8));
        opts.get(*ix as usize) != Some(Opt::Out as u8) && !stopped.contains(&deliveries.get(*ix as usize))
    };
    let alone = records_without_contact(world)?;
    let excepted = world.desk.excepted();
    let mut found = Vec::new();
    for (person, wish) in world.consent.wishes.iter().filter(|(_, wish)| wish.decision == Some(Opt::Out)) {
        let undone = || wish.undone.iter().copied().filter(|ix| recalled.undone(*ix).is_some());
        // Where no record says it any more, nor is one mailed that did, the person's others are what is wrong. A log or an extract
        // says it once, and an export may be late, stale, or older than the one that said it: who said no is not mailed for that.
        // Nor for an exception that leaves what another record says.
        let is_said = !excepted.contains(person) && wish.outs.iter().any(|ix| !wish.undone.contains(ix));
        let is_remembered = !wish.undone.is_empty() || !wish.absent.is_empty();
        let gone = is_remembered && !is_said && !undone().any(|ix| is_mailed(&ix));
        let contact = world.matched.contact(*person).map(|(ix, _)| ix).filter(|_| gone);
        let others = alone.get(person).filter(|_| gone).into_iter().flatten().copied();
        found.extend(undone().chain(contact).chain(others).filter(is_mailed).map(|ix| (*person, ix)));
    }
    let mut found = rows_of(world, rule, &found)?;
    let of_offices: Vec<(u32, u32)> = undone_of_offices(world)?.into_iter().filter(|(_, ix)| is_mailed(ix)).collect();
    found.extend(rows_of(world, rule, &of_offices)?.into_iter().map(|found| Found { office: true, ..found }));
    Ok(once_a_record(world, found))
}

/// Records of an office's address that were opted out before, each with everybody at the address: it opts nobody out.
fn undone_of_offices(world: &World<'_>) -> Result<Vec<(u32, u32)>> {
    let links = world.matched.links.clone().lazy().filter(is_of_office(world.config.policy.max_shared));
    let links = links.select([col(cols::PERSON), col(of::IX)]).collect()?;
    let pairs = links.column(cols::PERSON)?.u32()?.iter().flatten().zip(links.column(of::IX)?.u32()?.iter().flatten());
    Ok(pairs.filter(|(_, ix)| world.consent.recalled.undone(*ix).is_some()).collect())
}

/// The records of persons without a contact in the CRM, of whom a record was opted out before.
fn records_without_contact(world: &World<'_>) -> Result<HashMap<u32, Vec<u32>>> {
    let mut records: HashMap<u32, Vec<u32>> = HashMap::default();
    let wishes = world.consent.wishes.iter().filter(|(_, wish)| !wish.absent.is_empty() || !wish.undone.is_empty());
    records.extend(wishes.filter(|(person, _)| world.matched.contact(**person).is_none()).map(|(person, _)| (*person, Vec::new())));
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
