//! BNC203: flagged as bounced in CRM, active in marketing.

use crate::rules::predicates::{flagged_in_crm, same_address, well_in_marketing};
use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "BNC203",
    name: "flagged as bounced in CRM, active in marketing",
    severity: Severity::Low,
    finds: "A bounce field of the CRM contact is filled and the platform has the same address as active.",
    matters: "The flag may be old: the person may be left out of mail that would arrive.",
    action: "If the address works, clear the bounce fields in the CRM.",
    example: "Salesforce: Email Bounced Reason = mailbox full; Marketing Cloud: Status = Active.",
    clock: false,
    finder: Finder::Pair { a: flagged_in_crm, b: well_in_marketing, both: same_address },
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
                ("crm active flagged | marketing active", "salesforce marketing_cloud"),
                ("crm active flagged | marketing bounced", ""),
                ("crm active flagged | marketing unsubscribed", ""),
                ("crm active flagged | marketing held", ""),
                ("crm active | marketing active", ""),
                ("crm active flagged | marketing active email=else@example.org", ""),
                ("crm active flagged", ""),
                ("marketing active", ""),
            ],
        );
    }
}
