//! IDN506: CRM contact without a source record.

use anyhow::Result;
use polars::prelude::{IntoLazy, JoinArgs, JoinType, col};

use crate::classify::{Found, World, rows};
use crate::columns::{Method, Role, Severity};
use crate::matching::{cols, is_method, is_role};
use crate::rules::search::{is_complete, members_that};
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "IDN506",
    name: "CRM contact without a source record",
    severity: Severity::Info,
    finds: "No record of the source system belongs to a contact or lead of the CRM.",
    matters: "The source cannot hold the person's preference, and its next load may create a second contact.",
    action: "Nothing urgent: many contacts begin in the CRM.",
    example: "Salesforce: 003…A; no constituent with that contact id, constituent id or address.",
    clock: false,
    finder: Finder::Search(search),
};

fn search(world: &World<'_>, rule: &'static Rule) -> Result<Vec<Found>> {
    if !is_complete(world, Role::Source) {
        return Ok(Vec::new());
    }
    let hub = is_method(Method::Hub).and(col(cols::IN_HUB));
    let in_source = world.members.clone().lazy().filter(is_role(Role::Source)).select([col(cols::PERSON)]);
    let without = members_that(world, hub, &[])?
        .lazy()
        .join(in_source, [col(cols::PERSON)], [col(cols::PERSON)], JoinArgs::new(JoinType::Anti))
        .collect()?;
    rows(&without, rule)
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
                ("crm active #1 | source active #2", "salesforce"),
                ("lead active | source active #2", "salesforce"),
                ("crm active #1 | source active #1", ""),
                ("crm active #1 | source active #2 email=p1@example.org", ""),
                ("crm active #1", ""),
                ("crm active #1 | lead active sid=S1 email=l@example.org | source active #1", ""),
                ("crm active #1 | crm active #2 sid=S3 | source active #3 contact=1", "salesforce"),
                ("source active #1", ""),
            ],
        );
    }
}
