//! BNC201: bounced in marketing, not flagged in CRM.

use polars::prelude::Expr;

use crate::rules::predicates::{bounced_in_marketing, not_flagged_in_crm, opted_in_after_a_failed, same_address};
use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "BNC201",
    name: "bounced in marketing, not flagged in CRM",
    severity: Severity::High,
    finds: "Mail to the address bounced on the platform and no bounce field of the CRM contact is filled.",
    matters: "Staff go on using an address that does not work, and the sender's reputation suffers.",
    action: "Load the CRM's bounce file, then ask the person for another address.",
    example: "Marketing Cloud: Status = Bounced; Salesforce: Email Bounced Reason blank.",
    clock: false,
    finder: Finder::Pair { a: bounced_in_marketing, b: not_flagged_in_crm, both },
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
                ("crm active | bounce Hard", "marketing_cloud salesforce"),
                ("crm active | marketing blank | bounce Hard", "marketing_cloud salesforce"),
                ("crm active | marketing active | bounce Hard", ""),
                ("crm active | bounce Soft", ""),
                ("marketing bounced | crm active", "marketing_cloud salesforce"),
                ("marketing bounced | crm out", "marketing_cloud salesforce"),
                ("marketing bounced | crm active flagged", ""),
                ("marketing bounced email=else@example.org | crm active", ""),
                ("marketing held | crm active", ""),
                ("marketing active | crm active", ""),
                ("marketing bounced", ""),
                ("member News bounced | member Events bounced | crm active", "campaign_monitor salesforce"),
                ("ac News bounced hard=0 | crm active", "activecampaign salesforce"),
                ("crm active", ""),
                ("marketing bounced at=2026-11-01T10:00 | crm active in=2026-11-05 proof", ""),
                ("marketing bounced | crm active in=2026-11-05 proof", "marketing_cloud salesforce"),
            ],
        );
    }
}
