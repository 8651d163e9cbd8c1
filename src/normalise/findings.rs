//! What is wrong with a cell or a row: the DAT group's raw material.

use crate::columns::Field;
use crate::texts::Text;

/// One bad cell or row. The rule is named by its code, the catalogue says the rest.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule's code.
    pub code: &'static str,
    /// Position of the system among the profiles.
    pub system: usize,
    /// The record's own key, where the row has one.
    pub record: Option<Text>,
    /// The record's first address.
    pub email: Option<Text>,
    /// The field that is bad.
    pub field: Field,
    /// What stood there.
    pub value: Option<Text>,
    /// What is wrong, as the rest of a sentence that begins with file, row and column.
    pub reason: Text,
    /// Position of the file among the inputs.
    pub input: u32,
    /// Row of the file.
    pub row: u32,
}
