//! DAT606: date in the future.

use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "DAT606",
    name: "date in the future",
    severity: Severity::Low,
    finds: "A date lies after the run, by more than clocks can be apart; it counts as unknown.",
    matters: "It would win over everything that happened.",
    action: "Correct the date where it is kept.",
    example: "Salesforce, Email Opt In Date: 2062-11-05.",
    clock: false,
    finder: Finder::Noted,
};
