//! LST401: opted out, active list membership.

use crate::rules::predicates::{active_membership, opted_out_in_crm, whatever};
use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "LST401",
    name: "opted out, active list membership",
    severity: Severity::Critical,
    finds: "The CRM contact is opted out of all e-mail and is still active on a list of the marketing platform; one discrepancy a list.",
    matters: "This is mail to a person who said no: who is opted out must be unsubscribed from every list, not only from the one whose link was used.",
    action: "Load the platform's unsubscribe file today.",
    example: "Salesforce: Email Opt Out = true; Campaign Monitor: Active on the list Alumni News.",
    clock: true,
    finder: Finder::Pair { a: opted_out_in_crm, b: active_membership, both: whatever },
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
                ("crm out | member News active", "salesforce campaign_monitor News"),
                ("crm out | member Events active | member News active", "salesforce campaign_monitor Events, salesforce campaign_monitor News"),
                ("crm out | member Events unsubscribed | member News active", "salesforce campaign_monitor News"),
                ("crm out | ac Events;News active", "salesforce activecampaign Events, salesforce activecampaign News"),
                ("crm out | ac active", "salesforce activecampaign"),
                ("crm out | ac News 1", "salesforce activecampaign News"),
                ("crm out | ac News 91", ""),
                ("crm out | ac News 0", ""),
                ("crm out | ac News bounced", ""),
                ("crm out | member News bounced", ""),
                ("crm out | member News unconfirmed", ""),
                ("crm out | member News removed", ""),
                ("crm out | member News unsubscribed", ""),
                ("crm out | member News spam | member Events active", ""),
                ("crm out | member News active | suppressed", ""),
                ("crm active | member News active", ""),
                ("crm out | marketing active", ""),
                ("crm out", ""),
            ],
        );
    }
}
