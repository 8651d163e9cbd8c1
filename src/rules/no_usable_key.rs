//! DAT603: row without a usable key (rejected).

use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "DAT603",
    name: "row without a usable key (rejected)",
    severity: Severity::Medium,
    finds: "A row has no id and no address that can be used; it is rejected.",
    matters: "Nobody can tell whom it is about: an opt-out in it is lost unless another system has it.",
    action: "Look the row up in the file (rejected_rows.csv names it) and complete it at its source.",
    example: "Marketing Cloud, row 17: no SubscriberKey, no address.",
    clock: false,
    finder: Finder::Noted,
};
