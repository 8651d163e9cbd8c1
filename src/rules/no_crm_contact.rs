//! IDN505: subscriber or constituent without a CRM contact.

use anyhow::Result;
use polars::prelude::col;

use crate::classify::{Found, World, rows};
use crate::columns::{Role, Severity};
use crate::matching::{cols, is_role};
use crate::normalise::col as of;
use crate::rules::search::{is_complete, members_that, once_a_contact, once_a_record};
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "IDN505",
    name: "subscriber or constituent without a CRM contact",
    severity: Severity::Low,
    finds: "A record of the platform or the source system fits no contact or lead of the CRM, by id or by address.",
    matters: "The CRM cannot keep the person's preference: an opt-out there or here is not passed on.",
    action: "Create the contact, or remove the subscriber.",
    example: "Marketing Cloud: subscriber bo@example.org; no contact or lead with that key or address.",
    clock: false,
    finder: Finder::Search(search),
};

fn search(world: &World<'_>, rule: &'static Rule) -> Result<Vec<Found>> {
    if !is_complete(world, Role::Crm) {
        return Ok(Vec::new());
    }
    let alone = col(cols::IN_HUB).not().and(is_role(Role::Crm).not()).and(col(of::MAIN));
    once_a_contact(world, once_a_record(world, rows(&members_that(world, alone, &[])?, rule)?))
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
                ("crm active #1 | marketing active #2", "marketing_cloud"),
                ("crm active #1 | source active #2", "ascend"),
                ("crm active #1 | source active #2 | marketing active #2 email=p2@example.org", "ascend, marketing_cloud"),
                ("crm active #1 | marketing active #2 | unit 7 #2", "marketing_cloud"),
                ("crm active #1 | unit 7 #2", "marketing_cloud"),
                ("crm active #1 | marketing active #1", ""),
                ("crm active #1 | marketing active #2 email=p1@example.org", ""),
                ("marketing active #2", ""),
                ("crm active #1 | member News active #2 | member Events active #2", "campaign_monitor"),
            ],
        );
    }
}
