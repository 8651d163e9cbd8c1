//! OPT108: opted back in in CRM, still unsubscribed, held or bounced in marketing.

use polars::prelude::Expr;

use crate::rules::predicates::{active_in_crm, opted_back_in, stopped_in_marketing, unsubscribed_or_failed_before_the_opt_in};
use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "OPT108",
    name: "opted back in in CRM, still unsubscribed, held or bounced in marketing",
    severity: Severity::Medium,
    finds: "The person gave permission again, later than every opt-out and with evidence, and the platform still has the address unsubscribed, or held or bounced since a known date before the opt-in.",
    matters: "The person asked for mail and does not get it.",
    action: "Complete the re-subscribe request sheet: enterprise first, then the business unit.",
    example: "Salesforce: Email Opt In Date = 2026-11-05; Marketing Cloud: Unsubscribed on 2026-11-01.",
    clock: false,
    finder: Finder::Pair { a: active_in_crm, b: stopped_in_marketing, both },
};

fn both() -> Expr {
    opted_back_in().and(unsubscribed_or_failed_before_the_opt_in())
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
                ("crm active in=2026-11-05 proof | marketing unsubscribed at=2026-11-01T10:00", "salesforce marketing_cloud"),
                ("crm active in=2026-11-05 proof | marketing held at=2026-11-01T10:00", "salesforce marketing_cloud"),
                ("crm active in=2026-11-05 proof | marketing bounced at=2026-11-01T10:00", "salesforce marketing_cloud"),
                ("crm active in=2026-11-05 proof | marketing active | unit 7 at=2026-11-01T10:00", "salesforce marketing_cloud 7"),
                ("crm active in=2026-11-05 proof | marketing held", ""),
                ("crm active in=2026-11-05 proof | marketing held at=2026-11-06T10:00", ""),
                ("crm active in=2026-11-05 proof | marketing unsubscribed", ""),
                ("crm active in=2026-11-05 | marketing unsubscribed at=2026-11-01T10:00", ""),
                ("crm active in=2026-11-05 proof | marketing active", ""),
                ("crm active in=2026-11-05 proof | source out at=2026-11-10 | marketing unsubscribed at=2026-11-01T10:00", ""),
                ("marketing unsubscribed at=2026-11-01T10:00", ""),
                ("crm active in=2026-11-05 proof | member News unsubscribed at=2026-11-01T10:00", "salesforce campaign_monitor"),
                ("crm active in=2026-11-05 proof | member News unsubscribed at=2026-11-01T10:00 | member Events active", ""),
            ],
        );
    }
}
