//! OPT107: opted back in in CRM, still out in source.

use crate::rules::predicates::{active_in_crm, opted_back_in, opted_out_in_source};
use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "OPT107",
    name: "opted back in in CRM, still out in source",
    severity: Severity::Medium,
    finds: "The person gave permission again, with a date later than every opt-out and with evidence, and the source system is still opted out.",
    matters: "The person asked for mail and does not get it; and the source's next load may opt the CRM out again.",
    action: "Load the source's opt-in file; where a code opted the person out, end the code.",
    example: "Salesforce: Email Opt In Date = 2026-11-05, channel web form; CU Ascend: opted out since 2026-11-01.",
    clock: false,
    finder: Finder::Pair { a: active_in_crm, b: opted_out_in_source, both: opted_back_in },
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
                ("crm active in=2026-11-05 proof | source out at=2026-11-01", "salesforce ascend"),
                ("crm active in=2026-11-05 proof | code NE start=2026-11-01 | source active", "salesforce ascend"),
                ("crm active in=2026-11-05 | source out at=2026-11-01", ""),
                ("crm active in=2026-11-05 proof | source out", ""),
                ("crm active in=2026-11-01 proof | source out at=2026-11-05", ""),
                ("crm active in=2026-11-05 proof | source active", ""),
                ("crm out in=2026-11-05 proof | source out at=2026-11-01", ""),
                ("source out at=2026-11-01", ""),
                ("crm active in=2026-11-05 proof", ""),
            ],
        );
    }
}
