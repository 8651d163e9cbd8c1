//! OPT104: opted out in source, active in marketing.

use crate::rules::predicates::{active_in_marketing, not_opted_back_in, opted_out_in_source};
use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "OPT104",
    name: "opted out in source, active in marketing",
    severity: Severity::Critical,
    finds: "The source system's record is opted out, the marketing platform still mails the person; no opt-in wins.",
    matters: "This is mail to a person who said no.",
    action: "Load the platform's unsubscribe file today.",
    example: "CU Ascend: Email Opt Out = Y; Marketing Cloud: Status = Active.",
    clock: true,
    finder: Finder::Pair { a: opted_out_in_source, b: active_in_marketing, both: not_opted_back_in },
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
                ("source out | marketing active", "ascend marketing_cloud"),
                ("source out | marketing bounced | crm out", "ascend marketing_cloud"),
                ("source out | marketing held", ""),
                ("source active | marketing active", ""),
                ("source blank | marketing active", ""),
                ("source out", ""),
                ("marketing active", ""),
                ("source out at=2026-11-01 | marketing active | crm active in=2026-11-05 proof", ""),
            ],
        );
    }
}
