//! The catalogue of rules.

use crate::columns::Severity;

/// One kind of disagreement between records.
#[derive(Debug)]
pub struct Rule {
    /// Its code: a group of three letters and a number.
    pub code: &'static str,
    /// The defect in a few words.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it finds.
    pub finds: &'static str,
    /// Why it matters.
    pub matters: &'static str,
    /// What to do about it.
    pub action: &'static str,
    /// A row that it finds, in words.
    pub example: &'static str,
}

/// Every rule, in code order.
pub static RULES: &[&Rule] = &[];
