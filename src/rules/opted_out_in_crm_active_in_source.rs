//! OPT101: opted out in CRM, active in source.

use crate::rules::predicates::{active_in_source, opted_out_in_crm, whatever};
use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "OPT101",
    name: "opted out in CRM, active in source",
    severity: Severity::Critical,
    finds: "The CRM contact is opted out of all e-mail, the source system's record of the same person is not.",
    matters: "The source feeds the CRM: its next manual load may overwrite the opt-out, and mail goes out to a person who said no.",
    action: "Load the source's opt-out file. If the person came back, record the opt-in with its date and evidence in the CRM first.",
    example: "Salesforce: Email Opt Out = true; CU Ascend: Email Opt Out = N.",
    clock: true,
    finder: Finder::Pair { a: opted_out_in_crm, b: active_in_source, both: whatever },
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
                ("crm out | source active", "salesforce ascend"),
                ("crm out | source out", ""),
                ("crm active | source active", ""),
                ("crm out | source blank", ""),
                ("crm out | marketing active", ""),
                ("source active", ""),
                ("crm out #1 | source active #2", ""),
                ("crm out | source active no-contact-id", "salesforce ascend"),
                ("lead out | source active contact=lead", "salesforce ascend"),
                ("crm odd | source active", ""),
            ],
        );
    }
}
