//! OPT110: unsubscribed in a business unit, active at the enterprise (or the reverse).

use polars::prelude::Expr;

use crate::rules::predicates::{at_the_enterprise, has_a_contact, in_a_unit, one_out_one_mailed, same_record};
use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "OPT110",
    name: "unsubscribed in a business unit, active at the enterprise (or the reverse)",
    severity: Severity::Medium,
    finds: "A business unit of the platform has the subscriber unsubscribed while the enterprise mails it, or the unit shows it active while the enterprise has it unsubscribed.",
    matters: "Other units go on mailing the person. Whether a unit's unsubscribe speaks for the person is the policy `unit_unsubscribe`.",
    action: "With `unit_unsubscribe = \"all\"` load the unsubscribe file; with \"unit\" nothing is to be done.",
    example: "Marketing Cloud: unit 51000123 unsubscribed on 2026-11-12, All Subscribers = Active.",
    clock: false,
    finder: Finder::Pair { a: in_a_unit, b: at_the_enterprise, both },
};

fn both() -> Expr {
    has_a_contact().and(same_record()).and(one_out_one_mailed())
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
                ("crm out | marketing active | unit 7", "marketing_cloud marketing_cloud 7"),
                ("crm active | marketing bounced | unit 7", "marketing_cloud marketing_cloud 7"),
                ("crm out | marketing unsubscribed | marketing active unit=7", "marketing_cloud marketing_cloud 7"),
                ("crm out | marketing unsubscribed | unit 7", ""),
                ("crm out | marketing held | unit 7", ""),
                ("crm out | marketing active", ""),
                ("crm out | unit 7", ""),
                ("marketing active | unit 7", ""),
                ("crm active | marketing active | event 7", "marketing_cloud marketing_cloud 7"),
                ("crm active | marketing unsubscribed | event 7", ""),
                ("crm active in=2026-11-05 proof | marketing active | event 7 at=2026-11-01T10:00", ""),
            ],
        );
    }
}
