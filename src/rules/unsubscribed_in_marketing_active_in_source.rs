//! OPT106: unsubscribed in marketing, active in source.

use crate::rules::predicates::{active_in_source, not_opted_back_in, unsubscribed_in_marketing};
use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "OPT106",
    name: "unsubscribed in marketing, active in source",
    severity: Severity::High,
    finds: "The person unsubscribed on the platform and the source system's record is not opted out; no opt-in wins.",
    matters: "The source feeds the CRM and may bring the person back.",
    action: "Load the source's opt-out file.",
    example: "Marketing Cloud: Status = Unsubscribed; CU Ascend: Email Opt Out = N.",
    clock: true,
    finder: Finder::Pair { a: unsubscribed_in_marketing, b: active_in_source, both: not_opted_back_in },
};

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
                ("marketing unsubscribed | source active", "marketing_cloud ascend"),
                ("marketing unsubscribed | source out", ""),
                ("marketing unsubscribed | source blank", ""),
                ("marketing active | source active", ""),
                ("marketing unsubscribed", ""),
                ("source active", ""),
                ("marketing unsubscribed at=2026-11-01T10:00 | source active | crm active in=2026-11-05 proof", ""),
            ],
        );
    }
}
