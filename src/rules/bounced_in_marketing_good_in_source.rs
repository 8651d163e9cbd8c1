//! BNC204: bounced or held in marketing, address still good in source.

use polars::prelude::Expr;

use crate::rules::predicates::{bounced_or_held_in_marketing, good_in_source, opted_in_after_a_failed, same_address};
use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "BNC204",
    name: "bounced or held in marketing, address still good in source",
    severity: Severity::Medium,
    finds: "The platform bounced or holds the address and the source system's status of the same address is Active, Valid or blank.",
    matters: "The source will give the dead address to every other system.",
    action: "Load the source's file of addresses known bad.",
    example: "Marketing Cloud: Status = Held; CU Ascend: Email Status = Active.",
    clock: false,
    finder: Finder::Pair { a: bounced_or_held_in_marketing, b: good_in_source, both },
};

fn both() -> Expr {
    same_address().and(opted_in_after_a_failed().not())
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
                ("marketing bounced | source active", "marketing_cloud ascend"),
                ("marketing held | source out", "marketing_cloud ascend"),
                ("marketing held | source active invalid", ""),
                ("marketing held email=else@example.org | source active", ""),
                ("marketing active | source active", ""),
                ("marketing held", ""),
                ("source active", ""),
                ("marketing held at=2026-11-01T10:00 | source active | crm active in=2026-11-05 proof", ""),
            ],
        );
    }
}
