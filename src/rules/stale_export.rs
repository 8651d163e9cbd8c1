//! DAT608: stale export.

use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "DAT608",
    name: "stale export",
    severity: Severity::Medium,
    finds: "A file was made longer ago than `max_age_days` allows. It is compared all the same; corrections that rest on it alone are held.",
    matters: "What it says may have changed since.",
    action: "Export again and drop the new file into the inbox.",
    example: "Salesforce leads, made on 2026-11-08, run on 2026-11-22.",
    clock: false,
    finder: Finder::Noted,
};
