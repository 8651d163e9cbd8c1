//! Correction files: what a system's importer takes, as its profile describes it.

use serde::{Deserialize, Serialize};

use crate::columns::{Field, Purpose};

/// One correction file: when it is written and what its columns hold.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CorrectionFile {
    /// The kinds whose records it corrects.
    pub kinds: Vec<String>,
    /// What it changes.
    pub purpose: Purpose,
    /// Its name under `corrections/`; the ending decides the format, `.csv` or `.xlsx`.
    pub file: String,
    /// Whether every list has a file of its own: the list's name is put before the ending.
    #[serde(default)]
    pub one_a_list: bool,
    /// Whether every value is quoted.
    #[serde(default)]
    pub quote_all: bool,
    /// Whether it begins with a byte-order mark, by which an importer knows UTF-8.
    #[serde(default)]
    pub bom: bool,
    /// Whether columns with `of` are called as the export calls them and answer in its words, and are left out where
    /// it lacks them.
    #[serde(default)]
    pub as_exported: bool,
    /// The file instead, where the export is a workbook that the system takes back.
    #[serde(default)]
    pub workbook: Option<Reloadable>,
    /// What clears a text where an empty cell would mean "no change".
    #[serde(default)]
    pub clear_with: Option<String>,
    /// Its columns, in order.
    pub columns: Vec<CorrectionColumn>,
}

/// A workbook that its system takes back: the exported one, cut down to the rows that change.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Reloadable {
    /// Its name under `corrections/`.
    pub file: String,
    /// Columns by which the system knows its own rows again; without them it takes no workbook back.
    pub needs: Vec<String>,
}

/// One column of a correction file: exactly one of `take`, `set`, `write`, `keep` and `blank`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CorrectionColumn {
    /// Its header.
    pub header: String,
    /// Copied from the record or its context.
    #[serde(default)]
    pub take: Option<Take>,
    /// What stands there where `take` finds nothing.
    #[serde(default)]
    pub otherwise: Option<String>,
    /// A constant: the new value.
    #[serde(default)]
    pub set: Option<String>,
    /// The new value of a field.
    #[serde(default)]
    pub write: Option<Field>,
    /// A field's present value.
    #[serde(default)]
    pub keep: Option<Field>,
    /// Left empty for people to fill in.
    #[serde(default)]
    pub blank: bool,
    /// A record without it cannot be written.
    #[serde(default)]
    pub required: bool,
    /// The changed field's name in the system itself, where it is not the header; of a column that is taken, what
    /// the file makes or deletes.
    #[serde(default)]
    pub field: Option<String>,
    /// The field whose header in the export, as the configuration maps it, the column takes over.
    #[serde(default)]
    pub of: Option<Field>,
}

/// What a correction column can copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "named as the field or as the column of the request sheet")]
pub enum Take {
    /// The system's own key of the record.
    RecordId,
    /// The CRM id of the person.
    ContactId,
    /// The contact that the record itself names.
    LinkedId,
    /// The record's first address.
    Email,
    /// The business unit.
    Unit,
    /// The list.
    List,
    /// The record's present status, in its own word.
    Present,
    /// What staff call that status.
    Shirt,
    /// Why, in a sentence.
    Why,
    /// The date of the opt-in that wins.
    OptInAt,
    /// The evidence of that opt-in.
    OptInEvidence,
    /// The date from which the change holds: the decision's, else the run's.
    Effective,
    /// The system that the decision came from.
    Origin,
}
