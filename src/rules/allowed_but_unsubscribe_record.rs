//! OPT111: bulk e-mail allowed, but an unsubscribe record for the address.

use polars::prelude::Expr;

use crate::columns::Severity;
use crate::rules::predicates::{allowed, same_list, same_system, unsubscribe_record};
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "OPT111",
    name: "bulk e-mail allowed, but an unsubscribe record for the address",
    severity: Severity::Critical,
    finds: "A contact or lead allows bulk e-mail while an unsubscribe record bars one of its addresses, or a subscription preference is In while an unsubscribe record bars that list. A record counts also while it is inactive or linked to another contact.",
    matters: "The person said no, and only the record keeps mail back: everything else that reads the contact takes it for a yes.",
    action: "Load the update file, which sets Do Not Allow. If the person came back with permission, the file of unsubscribe records to delete instead.",
    example: "Microsoft Dynamics: Do not allow Bulk Emails = Allow; an unsubscribe record of 2026-11-12 for ana@example.org.",
    clock: true,
    finder: Finder::Pair { a: allowed, b: unsubscribe_record, both },
};

fn both() -> Expr {
    same_system().and(same_list())
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
                ("dynamics active | unsubscribe", "dynamics dynamics"),
                ("dynamics active | unsubscribe inactive", "dynamics dynamics"),
                ("dynamics active | unsubscribe no-contact-id", "dynamics dynamics"),
                ("dynamics active | unsubscribe email=old@example.org", "dynamics dynamics"),
                ("dynamics active | unsubscribe #2 email=p1@example.org", "dynamics dynamics"),
                ("dynamics active in=2026-11-05 proof | unsubscribe at=2026-11-01T10:00Z", "dynamics dynamics"),
                ("dynamics-lead active | unsubscribe no-contact-id email=plead@example.org", "dynamics dynamics"),
                ("dynamics active | unsubscribe list=News | preference In list=News", "dynamics dynamics News"),
                ("dynamics out | unsubscribe", ""),
                ("dynamics barred | unsubscribe", ""),
                ("dynamics active | unsubscribe #2", ""),
                ("dynamics active | unsubscribe list=News", ""),
                ("dynamics active | unsubscribe list=News | preference Out list=News", ""),
                ("dynamics active | unsubscribe list=News | preference In list=Events", ""),
                ("dynamics active | unsubscribe list=News #2 | preference In list=News", ""),
                ("crm active | marketing unsubscribed", ""),
            ],
        );
    }
}
