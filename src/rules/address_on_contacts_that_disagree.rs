//! IDN502: one address on several contacts that disagree on opt-out.

use anyhow::Result;

use crate::classify::{Found, World};
use crate::columns::{Opt, Severity};
use crate::rules::search::shared_by_contacts;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "IDN502",
    name: "one address on several contacts that disagree on opt-out",
    severity: Severity::High,
    finds: "Contacts or leads of the CRM share an address, and taken by themselves some are opted out and some are not.",
    matters: "The platform mails addresses: mail for one reaches the other, who said no. Salesforce's own consent service answers with the most restrictive of them.",
    action: "Load the opt-out file, which opts the others out too, unless one of them opted in later, with evidence.",
    example: "Salesforce: 003…A opted out, 003…B not, both ana@example.org.",
    clock: false,
    finder: Finder::Search(search),
};

fn search(world: &World<'_>, rule: &'static Rule) -> Result<Vec<Found>> {
    let is_out = |person: &u32| world.consent.wishes.get(person).is_some_and(|wish| wish.own == Some(Opt::Out));
    let disagree = |persons: &[u32]| persons.iter().any(is_out) && !persons.iter().all(is_out);
    let shared = shared_by_contacts(world, rule)?;
    Ok(shared.into_iter().filter(|(_, persons)| disagree(persons)).map(|(found, _)| found).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::check;

    #[test]
    fn fires_and_does_not() {
        check(
            &RULE,
            &[
                // records | found
                ("crm out #1 email=x@example.org | crm active #2 email=x@example.org", "salesforce salesforce"),
                ("crm active #1 email=x@example.org | lead out email=x@example.org", "salesforce salesforce"),
                ("crm active #1 email=x@example.org | crm active #2 email=x@example.org | source out #2 email=z@example.org", "salesforce salesforce"),
                ("crm out #1 email=x@example.org | crm out #2 email=x@example.org", ""),
                ("crm active #1 email=x@example.org | crm active #2 email=x@example.org", ""),
                ("crm out #1 | crm active #2", ""),
                ("crm active #1 email=x@example.org | crm active #2 email=x@example.org | marketing unsubscribed #9 email=x@example.org", ""),
            ],
        );
    }
}
