//! DAT607: key repeated in one export (the most restrictive row counts).

use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "DAT607",
    name: "key repeated in one export (the most restrictive row counts)",
    severity: Severity::Medium,
    finds: "The same key stands on several rows of one export; the most restrictive row is used. To a platform that keeps a contact id as its key, its 15 and its 18 characters are two keys, and both rows are compared.",
    matters: "Two rows of one record can disagree, and loading a file may change the wrong one.",
    action: "Find out why the export repeats the record and merge the two.",
    example: "Marketing Cloud: SubscriberKey 003… on two rows, Active and Unsubscribed.",
    clock: false,
    finder: Finder::Noted,
};
