//! OPT105: unsubscribed in marketing, active in CRM.

use crate::rules::predicates::{active_in_crm, not_opted_back_in, unsubscribed_subscriber};
use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "OPT105",
    name: "unsubscribed in marketing, active in CRM",
    severity: Severity::Critical,
    finds: "The person unsubscribed on the platform, as a whole or in a business unit whose unsubscribes count for all, and the CRM contact is not opted out; no opt-in wins.",
    matters: "The person used the link in an e-mail and the CRM does not know: other tools that mail from the CRM will not honour it.",
    action: "Load the CRM's opt-out file.",
    example: "Marketing Cloud: Status = Unsubscribed on 2026-11-10; Salesforce: Email Opt Out = false.",
    clock: true,
    finder: Finder::Pair { a: unsubscribed_subscriber, b: active_in_crm, both: not_opted_back_in },
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
                ("marketing unsubscribed | crm active", "marketing_cloud salesforce"),
                ("marketing active | unit 7 | crm active", "marketing_cloud salesforce 7"),
                ("marketing unsubscribed | crm out", ""),
                ("marketing held | crm active", ""),
                ("marketing removed | crm active", ""),
                ("marketing unsubscribed", ""),
                ("crm active", ""),
                ("member News unsubscribed | crm active", ""),
                ("marketing unsubscribed at=2026-11-01T10:00 | crm active in=2026-11-05 proof", ""),
                ("marketing unsubscribed at=2026-11-04T20:00 | crm active in=2026-11-05 proof", "marketing_cloud salesforce"),
            ],
        );
    }
}
