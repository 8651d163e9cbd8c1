//! The discrepancies of a report, one row a discrepancy, a cell by its column's name.

use anyhow::{Context as _, Result};
use polars::prelude::{DataFrame, StringType};

use crate::column_cells::ColumnCells;
use crate::columns::{Outcome, Severity};

/// The columns of `discrepancies.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the column of that name")]
pub enum Of {
    Rule,
    Severity,
    Outcome,
    ContactId,
    Email,
    Subject,
    ASystem,
    ARecord,
    AValue,
    AChanged,
    BSystem,
    BRecord,
    BValue,
    BChanged,
    MatchedBy,
    Why,
    State,
    FirstSeen,
    Due,
}

/// Their names, in the order of [`Of`]; more follow.
pub use crate::report::DISCREPANCY_COLUMNS as NAMES;

/// All discrepancies, in the order of the report.
pub struct Found {
    columns: Vec<ColumnCells<StringType>>,
    /// How bad each is and what became of it: asked many times a row.
    severities: Vec<Option<Severity>>,
    outcomes: Vec<Option<Outcome>>,
    /// How many.
    pub rows: usize,
}

impl Found {
    /// Finds the columns of the report's frame.
    pub fn new(frame: &DataFrame) -> Result<Found> {
        let columns: Vec<ColumnCells<StringType>> =
            NAMES.iter().map(|name| texts(frame, name)).collect::<Result<_>>().context("the frame of discrepancies")?;
        let words = |column: Of| columns[column as usize].iter();
        let severities = words(Of::Severity).map(|word| word.and_then(Severity::from_word)).collect();
        let outcomes = words(Of::Outcome).map(|word| word.and_then(Outcome::from_word)).collect();
        Ok(Found { columns, severities, outcomes, rows: frame.height() })
    }

    /// A cell, unless blank.
    pub fn get(&self, row: usize, column: Of) -> Option<&str> {
        self.columns[column as usize].get(row).filter(|text| !text.is_empty())
    }

    /// How bad it is.
    pub fn severity(&self, row: usize) -> Option<Severity> {
        self.severities[row]
    }

    /// What became of it.
    pub fn outcome(&self, row: usize) -> Option<Outcome> {
        self.outcomes[row]
    }

    /// The person it is about: the contact or, without one, the address or the record.
    pub fn person(&self, row: usize) -> Option<&str> {
        [Of::ContactId, Of::Email, Of::ARecord].into_iter().find_map(|column| self.get(row, column))
    }
}

/// A text column.
pub fn texts(frame: &DataFrame, name: &str) -> Result<ColumnCells<StringType>> {
    let column = frame.column(name).with_context(|| format!("column `{name}`"))?;
    Ok(ColumnCells::of(column.str().with_context(|| format!("column `{name}`"))?))
}
