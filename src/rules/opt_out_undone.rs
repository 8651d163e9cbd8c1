//! OPT113: opted out before, active now without an opt-in.

use anyhow::Result;

use crate::classify::{Found, World, rows_of};
use crate::columns::{Delivery, Opt, Severity};
use crate::normalise::col as of;
use crate::rules::search::once_a_record;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "OPT113",
    name: "opted out before, active now without an opt-in",
    severity: Severity::Critical,
    finds: "An earlier run saw the record opted out, or another record of the person that is gone. Now it is active, and no opt-in with evidence explains it.",
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
    let mut found = Vec::new();
    for (person, wish) in world.consent.wishes.iter().filter(|(_, wish)| wish.decision == Some(Opt::Out)) {
        let undone = wish.undone.iter().copied().filter(|ix| recalled.undone(*ix).is_some());
        let gone = || wish.outs.is_empty() && wish.absent.iter().any(|at| recalled.absent[*at].gone);
        let contact = world.matched.contact(*person).map(|(ix, _)| ix).filter(|_| gone());
        found.extend(undone.chain(contact).filter(is_mailed).map(|ix| (*person, ix)));
    }
    Ok(once_a_record(world, rows_of(world, rule, &found)?))
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
