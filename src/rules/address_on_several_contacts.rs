//! IDN501: one address on several contacts.

use anyhow::Result;

use crate::classify::{Found, World};
use crate::columns::Severity;
use crate::rules::search::shared_by_contacts;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "IDN501",
    name: "one address on several contacts",
    severity: Severity::Info,
    finds: "Two or more contacts or leads of the CRM have the same address: spouses, a duplicate, an office.",
    matters: "An opt-out that comes by address speaks for all of them, and an opt-in of one would mail the others.",
    action: "Merge duplicates. An address on more contacts than `max_shared` is an office's and never spreads an opt-out.",
    example: "Salesforce: 003…A and 003…B both have ana@example.org.",
    clock: false,
    finder: Finder::Search(search),
};

fn search(world: &World<'_>, rule: &'static Rule) -> Result<Vec<Found>> {
    Ok(shared_by_contacts(world, rule)?.into_iter().map(|(found, _)| found).collect())
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
                ("crm active #1 email=x@example.org | crm active #2 email=x@example.org", "salesforce salesforce"),
                ("crm active #1 email=x@example.org | lead active email=x@example.org", "salesforce salesforce"),
                ("crm active #1 email=x@example.org | crm active #2 email=y@example.org campus=x@example.org", "salesforce salesforce"),
                ("crm active #1 | crm active #2", ""),
                ("crm active #1 | source active #1", ""),
            ],
        );
    }
}
