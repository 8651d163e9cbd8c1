//! OPT103: opted out in source, active in CRM.

use crate::rules::predicates::{active_in_crm, not_opted_back_in, opted_out_in_source};
use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "OPT103",
    name: "opted out in source, active in CRM",
    severity: Severity::Critical,
    finds: "The source system's record is opted out, by its box or by a code, and the CRM contact is not; no later, evidenced opt-in of the person wins.",
    matters: "Lists are drawn from the CRM: the person will be mailed although the system of record says no.",
    action: "Load the CRM's opt-out file.",
    example: "CU Ascend: code NE since 2026-05-01; Salesforce: Email Opt Out = false.",
    clock: true,
    finder: Finder::Pair { a: opted_out_in_source, b: active_in_crm, both: not_opted_back_in },
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
                ("source out | crm active", "ascend salesforce"),
                ("source active | code NE | crm active", "ascend salesforce"),
                ("source active | code AWR3 | crm active", "ascend salesforce"),
                ("source active | code NES | crm active", ""),
                ("source active | code NE end=2026-11-01 | crm active", ""),
                ("source active | code NE start=2027-01-01 | crm active", ""),
                ("source active | code NE status=Inactive | crm active", ""),
                ("source out | crm out", ""),
                ("source active | crm active", ""),
                ("source out", ""),
                ("crm active", ""),
                ("source out at=2026-11-01 | crm active in=2026-11-05 proof", ""),
                ("source out at=2026-11-01 | crm active in=2026-11-05", "ascend salesforce"),
                ("source out at=2026-11-05 | crm active in=2026-11-05 proof", "ascend salesforce"),
                ("source out | crm active in=2026-11-05 proof", "ascend salesforce"),
                // The record names the contact by id, and the lead names the record.
                ("source out | crm active | lead active sid=S1 email=l@example.org", "ascend salesforce, ascend salesforce"),
                ("source out | crm active sid=S9 | lead active sid=S1 email=l@example.org", "ascend salesforce"),
            ],
        );
    }
}
