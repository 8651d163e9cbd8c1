//! OPT112: bulk e-mail not allowed, but no unsubscribe record (fail-safe missing).

use anyhow::Result;

use crate::classify::{Found, World};
use crate::columns::Severity;
use crate::rules::search::{once_a_record, without_unsubscribe_record};
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "OPT112",
    name: "bulk e-mail not allowed, but no unsubscribe record (fail-safe missing)",
    severity: Severity::Low,
    finds: "A contact or lead does not allow bulk e-mail, and no unsubscribe record bars its address; or a subscription preference is Out, and none bars that list.",
    matters: "A duplicate of the contact, or one that is created anew, would be mailed: the record bars the address, whoever has it.",
    action: "Load the file of unsubscribe records to create.",
    example: "Microsoft Dynamics: Do not allow Bulk Emails = Do Not Allow; no unsubscribe record for ana@example.org.",
    clock: false,
    finder: Finder::Search(search),
};

fn search(world: &World<'_>, rule: &'static Rule) -> Result<Vec<Found>> {
    let unbacked = without_unsubscribe_record(world, rule)?.into_iter().filter(|unbacked| unbacked.is_out);
    Ok(once_a_record(world, unbacked.map(|unbacked| unbacked.found).collect()))
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
                ("dynamics out | unsubscribe #2", "dynamics"),
                ("dynamics barred | unsubscribe #2", "dynamics"),
                ("dynamics-lead out | unsubscribe #2", "dynamics"),
                ("dynamics out | unsubscribe list=News", "dynamics"),
                ("dynamics active | preference Out list=News | unsubscribe #2", "dynamics News"),
                ("dynamics active | preference Out list=News | unsubscribe list=Events", "dynamics News"),
                ("dynamics active | preference Out list=News | unsubscribe list=News", ""),
                ("dynamics out | unsubscribe", ""),
                ("dynamics out | preference Out list=News | unsubscribe", ""),
                ("dynamics out | unsubscribe inactive no-contact-id", ""),
                ("dynamics out | unsubscribe email=old@example.org", ""),
                ("dynamics out email= | unsubscribe #2", ""),
                ("dynamics active | unsubscribe #2", ""),
                // Without their export nobody knows which records there are.
                ("dynamics out", ""),
                ("crm out | marketing unsubscribed", ""),
            ],
        );
    }
}
