//! OPT109: preference blank here, known elsewhere.

use polars::prelude::Expr;

use crate::rules::predicates::{not_opted_back_in, opted_out, two_systems, unknown};
use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "OPT109",
    name: "preference blank here, known elsewhere",
    severity: Severity::Low,
    finds: "A record's preference is blank, which in that system means unknown, and another system has the person opted out.",
    matters: "A blank is easily read as yes: the opt-out must stand in every system.",
    action: "Load the system's opt-out file.",
    example: "CU Ascend: Email Opt Out blank; Salesforce: Email Opt Out = true.",
    clock: false,
    finder: Finder::Pair { a: unknown, b: opted_out, both },
};

fn both() -> Expr {
    two_systems().and(not_opted_back_in())
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
                ("source blank | crm out", "ascend salesforce"),
                ("marketing blank | source out", "marketing_cloud ascend"),
                ("source blank | crm out | marketing unsubscribed", "ascend marketing_cloud, ascend salesforce"),
                ("source blank | crm active", ""),
                ("source blank | code NE | crm active", ""),
                ("crm blank | source out", ""),
                ("source blank", ""),
                ("crm out", ""),
                ("source blank | marketing unsubscribed at=2026-11-01T10:00 | crm active in=2026-11-05 proof", ""),
            ],
        );
    }
}
