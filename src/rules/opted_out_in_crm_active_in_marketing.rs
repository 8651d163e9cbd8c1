//! OPT102: opted out in CRM, active in marketing.

use crate::rules::predicates::{active_subscriber, opted_out_in_crm, whatever};
use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "OPT102",
    name: "opted out in CRM, active in marketing",
    severity: Severity::Critical,
    finds: "The CRM contact is opted out of all e-mail, the marketing platform still mails it (active, or bounced and not yet held).",
    matters: "This is mail to a person who said no. Ticking Email Opt Out in the CRM does not unsubscribe on the platform.",
    action: "Load the platform's unsubscribe file today.",
    example: "Salesforce: Email Opt Out = true; Marketing Cloud: Status = Active.",
    clock: true,
    finder: Finder::Pair { a: opted_out_in_crm, b: active_subscriber, both: whatever },
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
                ("crm out | marketing active", "salesforce marketing_cloud"),
                ("crm out | marketing bounced", "salesforce marketing_cloud"),
                ("crm out | marketing held", ""),
                ("crm out | marketing unsubscribed", ""),
                ("crm out | marketing removed", ""),
                ("crm out | marketing blank", ""),
                ("crm active | marketing active", ""),
                ("crm out", ""),
                ("crm out | member News active | ac Events active", ""),
                ("marketing active", ""),
                ("crm out | marketing active key=address", "salesforce marketing_cloud"),
                // One contact's id in 15 and in 18 characters are two subscribers; in two cases they are one.
                (
                    "crm out | marketing active key=003Hs0000000001 | marketing active key=003Hs0000000001IAA",
                    "salesforce marketing_cloud, salesforce marketing_cloud",
                ),
                (
                    "crm out | marketing active key=003hs0000000001iaa | marketing active key=003Hs0000000001IAA",
                    "salesforce marketing_cloud",
                ),
            ],
        );
    }
}
