//! DAT605: unreadable or ambiguous date.

use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "DAT605",
    name: "unreadable or ambiguous date",
    severity: Severity::Low,
    finds: "A date cannot be read, or day and month could be either way round and nothing settles it; it counts as unknown.",
    matters: "An opt-out without a date is never beaten by an opt-in; an opt-in without one does not count.",
    action: "Settle the order with `date_order` in [systems.NAME], or correct the cell.",
    example: "CU Ascend, Opt Out Date: 03/04/2026 in a column where nothing is above 12.",
    clock: false,
    finder: Finder::Noted,
};
