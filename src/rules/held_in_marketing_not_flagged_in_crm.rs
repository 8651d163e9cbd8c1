//! BNC202: held in marketing, not flagged in CRM.

use polars::prelude::Expr;

use crate::rules::predicates::{held_in_marketing, not_flagged_in_crm, opted_in_after_a_failed, same_address};
use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "BNC202",
    name: "held in marketing, not flagged in CRM",
    severity: Severity::High,
    finds: "The platform holds the address after repeated bounces and no bounce field of the CRM contact is filled.",
    matters: "The person gets no mail at all and nobody in the CRM can see it.",
    action: "Load the CRM's bounce file, then ask the person for another address.",
    example: "Marketing Cloud: Status = Held since 2026-10-30; Salesforce: Email Bounced Reason blank.",
    clock: false,
    finder: Finder::Pair { a: held_in_marketing, b: not_flagged_in_crm, both },
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
                ("marketing held | crm active", "marketing_cloud salesforce"),
                ("marketing held | crm active flagged", ""),
                ("marketing held email=else@example.org | crm active", ""),
                ("marketing bounced | crm active", ""),
                ("marketing held", ""),
                ("crm active", ""),
                ("marketing held at=2026-11-01T10:00 | crm active in=2026-11-05 proof", ""),
            ],
        );
    }
}
