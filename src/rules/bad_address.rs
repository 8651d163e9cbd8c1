//! DAT601: bad e-mail address.

use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "DAT601",
    name: "bad e-mail address",
    severity: Severity::Low,
    finds: "A cell that should hold one e-mail address holds none or several; the record is kept without it.",
    matters: "The record cannot be matched by address, and nobody can be mailed at it.",
    action: "Correct the address where it is kept.",
    example: "Salesforce, Email: ana.example.org.",
    clock: false,
    finder: Finder::Noted,
};
