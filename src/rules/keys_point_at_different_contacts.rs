//! IDN504: keys point at different contacts.

use anyhow::Result;

use crate::classify::{Found, World};
use crate::columns::Severity;
use crate::rules::search::{Contradiction, contradictions};
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "IDN504",
    name: "keys point at different contacts",
    severity: Severity::High,
    finds: "By an id the record belongs to one contact, by its source id or its address only to another. The contact id wins, then the source id.",
    matters: "An opt-out may be entered for the wrong person.",
    action: "Correct the key that is wrong, in the system that the record is from.",
    example: "CU Ascend: Contact ID of 003…A, address of 003…B.",
    clock: false,
    finder: Finder::Search(search),
};

fn search(world: &World<'_>, rule: &'static Rule) -> Result<Vec<Found>> {
    contradictions(world, rule, Contradiction::OtherContact)
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
                ("crm active #1 | crm active #2 | marketing active #1 email=p2@example.org", "marketing_cloud"),
                ("crm active #1 | crm active #2 | source active #2 contact=1 email=p1@example.org", "ascend"),
                ("crm active #1 | crm active #2 | source active #1 email=p2@example.org no-contact-id", "ascend"),
                ("crm active #1 | crm active #2 | source active #2 contact=1 email=new@example.org", "ascend"),
                ("crm active #1 | crm active #2 | source active #2 contact=9", ""),
                ("crm active #1 email=x@example.org | crm active #2 email=x@example.org | marketing active #1 email=x@example.org", ""),
                ("crm active #1 | crm active #2 | marketing active #1", ""),
                ("crm active | source active email=other@example.org", ""),
                ("crm active #1", ""),
                ("source active #1", ""),
            ],
        );
    }
}
