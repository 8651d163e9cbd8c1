//! IDN503: same contact, different address.

use anyhow::Result;

use crate::classify::{Found, World};
use crate::columns::Severity;
use crate::rules::search::{Contradiction, contradictions};
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "IDN503",
    name: "same contact, different address",
    severity: Severity::Medium,
    finds: "A record that names the contact by an id has an address that the contact does not have, nor has any other.",
    matters: "Mail goes to an address that the CRM does not know, and an opt-out by that address finds nobody.",
    action: "Find out which address is right and correct the other system.",
    example: "Salesforce: ana@example.org; Marketing Cloud, same key: ana.old@example.org.",
    clock: false,
    finder: Finder::Search(search),
};

fn search(world: &World<'_>, rule: &'static Rule) -> Result<Vec<Found>> {
    contradictions(world, rule, Contradiction::OtherAddress)
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
                ("crm active | marketing active email=other@example.org", "salesforce marketing_cloud"),
                ("crm active | source active email=other@example.org", "salesforce ascend"),
                ("crm active | source active email=other@example.org no-contact-id", "salesforce ascend"),
                ("crm active | marketing active", ""),
                ("crm active campus=c@example.org | marketing active email=c@example.org", ""),
                ("crm active email= | marketing active", ""),
                ("crm active | marketing active email=", ""),
                ("crm active #1 | crm active #2 | marketing active #1 email=p2@example.org", ""),
                ("marketing active email=other@example.org", ""),
                ("crm active", ""),
            ],
        );
    }
}
