//! LST402: unsubscribed from every list, not opted out.

use crate::rules::predicates::{active_in_crm, not_opted_back_in, unsubscribed_from_every_list};
use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "LST402",
    name: "unsubscribed from every list, not opted out",
    severity: Severity::High,
    finds: "The person is unsubscribed from every list of the platform, complained, is on its suppression list, or bounced for good where the platform counts that as an opt-out; the CRM contact is not opted out, and no opt-in wins.",
    matters: "Nobody on the platform mails the person any more, but the CRM does not know: other tools that mail from it will not honour the wish.",
    action: "Load the CRM's opt-out file.",
    example: "ActiveCampaign: Unsubscribed from Alumni News and from Events; Salesforce: Email Opt Out = false.",
    clock: true,
    finder: Finder::Pair { a: unsubscribed_from_every_list, b: active_in_crm, both: not_opted_back_in },
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
                ("member News unsubscribed | crm active", "campaign_monitor salesforce"),
                ("member News unsubscribed | member Events unsubscribed | crm active", "campaign_monitor salesforce"),
                ("member News unsubscribed | member Events removed | crm active", "campaign_monitor salesforce"),
                ("member News unsubscribed | member Events unconfirmed | crm active", "campaign_monitor salesforce"),
                ("member News unsubscribed | member Events bounced | crm active", "campaign_monitor salesforce"),
                ("member News spam | member Events active | crm active", "campaign_monitor salesforce"),
                ("suppressed | member Events active | crm active", "campaign_monitor salesforce"),
                ("suppressed bounced | crm active", ""),
                ("ac News;Events unsubscribed | crm active", "activecampaign salesforce"),
                ("ac News;Events 2;1 | crm active", ""),
                ("ac unsubscribed | crm active", "activecampaign salesforce"),
                ("ac News bounced hard=1 | crm active", "activecampaign salesforce"),
                ("ac News bounced hard=0 | crm active", ""),
                ("member News bounced | crm active", ""),
                ("ac News 91 | crm active", ""),
                ("member News unsubscribed | member Events active | crm active", ""),
                ("member News unsubscribed | crm out", ""),
                ("member News unsubscribed at=2026-11-01T10:00 | crm active in=2026-11-05 proof", ""),
                ("member News unsubscribed at=2026-11-01T10:00 | member Events unsubscribed at=2026-11-05T10:00 | crm active in=2026-11-05 proof", "campaign_monitor salesforce"),
                ("marketing unsubscribed | crm active", ""),
                ("member News unsubscribed", ""),
            ],
        );
    }
}
