//! DAT602: bad or damaged id.

use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "DAT602",
    name: "bad or damaged id",
    severity: Severity::Medium,
    finds: "An id does not have the shape of its system, its checksum does not fit, or a spreadsheet turned it into a number; the record is kept without it.",
    matters: "The record may be matched to nobody, or only by address.",
    action: "Export the column again as text; never save an export from a spreadsheet.",
    example: "CU Ascend, Constituent ID: 1.23457E+11.",
    clock: false,
    finder: Finder::Noted,
};
