//! DAT604: unknown word or code.

use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "DAT604",
    name: "unknown word or code",
    severity: Severity::High,
    finds: "A status, a yes or no, or a preference code is not among the known words. A row whose preference cannot be read is rejected; a code without a meaning holds its person's corrections.",
    matters: "It may be an opt-out: until somebody says what it means, nothing is opted in.",
    action: "Say what a code means in [systems.NAME.codes]. Correct a cell with another word; a word that the system itself uses goes into a profile of your own.",
    example: "CU Ascend, Code: XQ7.",
    clock: false,
    finder: Finder::Noted,
};
