//! A table while its file is open: its rows are handed on a batch at a time, several batches at once, so that no
//! more text is in memory than the batches at work take.

use std::sync::{Mutex, PoisonError};

use anyhow::{Result, bail};
use polars::prelude::DataFrame;
use rayon::prelude::*;

use super::delimited::{self, Dialect, Piece, Place};
use super::keys::Keys;
use super::limits::{MAX_ROWS, USUAL_ROW_BYTES};
use super::table::{Builder, Built};
use super::{MappedColumn, Reject};

/// A table whose rows can be read, as often as it takes.
pub struct Table<'a> {
    /// Path of its file below the inbox.
    pub file: &'a str,
    /// Its sheet, empty for text.
    pub sheet: &'a str,
    /// Position of its system among the profiles.
    pub system: usize,
    /// Position of its kind in the profile.
    pub kind: usize,
    /// The mapped columns, in the order of a batch.
    pub columns: Vec<MappedColumn>,
    rows: Rows<'a>,
    outcome: Mutex<Outcome>,
}

enum Rows<'a> {
    Text { dialect: Dialect<'a>, from: Place, width: usize, mapped: &'a [(usize, MappedColumn)] },
    Read(Vec<DataFrame>),
}

/// What the table's rows were, beside those that were handed on.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Data rows, rejected ones included.
    pub rows: u64,
    /// Rows that the table could not take.
    pub rejects: Vec<Reject>,
    /// The cells of the footer that are not blank.
    pub footer: Vec<String>,
    /// The keys of its rows.
    pub keys: Keys,
}

impl<'a> Table<'a> {
    /// A table of delimited text, whose rows begin at a place.
    pub(super) fn of_text(
        file: &'a str,
        whose: (usize, usize),
        mapped: &'a [(usize, MappedColumn)],
        width: usize,
        dialect: Dialect<'a>,
        from: Place,
    ) -> Table<'a> {
        let rows = Rows::Text { dialect, from, width, mapped };
        let columns = mapped.iter().map(|(_, column)| column.clone()).collect();
        Table { file, sheet: "", system: whose.0, kind: whose.1, columns, rows, outcome: Mutex::default() }
    }

    /// A table whose batches are in memory: column `row` (u32: the line of the file, or the row of the sheet), then
    /// one String column a mapped column, named as [`MappedColumn::name`]; blank cells are null.
    pub fn of_batches(
        file: &'a str,
        sheet: &'a str,
        whose: (usize, usize),
        columns: Vec<MappedColumn>,
        batches: Vec<DataFrame>,
    ) -> Table<'a> {
        let outcome = Outcome { rows: batches.iter().map(|batch| batch.height() as u64).sum(), ..Outcome::default() };
        let rows = Rows::Read(batches);
        Table { file, sheet, system: whose.0, kind: whose.1, columns, rows, outcome: Mutex::new(outcome) }
    }

    /// The same, with the rows that came to nothing.
    pub(super) fn beside(self, rejects: Vec<Reject>, footer: Vec<String>, keys: Keys) -> Table<'a> {
        let mut outcome = self.outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
        outcome.rows += rejects.len() as u64;
        Table { outcome: Mutex::new(Outcome { rejects, footer, keys, ..outcome }), ..self }
    }

    /// Reads every row and gives what `take` makes of each batch, in the order of the file.
    ///
    /// # Errors
    /// More rows, or more quotation marks without an end, than a file may have.
    pub fn batches<B: Send>(&self, take: impl Fn(&DataFrame) -> B + Sync) -> Result<Vec<B>> {
        let (dialect, from, width, mapped) = match &self.rows {
            Rows::Read(batches) => return Ok(batches.par_iter().map(&take).collect()),
            Rows::Text { dialect, from, width, mapped } => (dialect, *from, *width, *mapped),
        };
        let (mut taken, mut outcome) = (Vec::new(), Outcome::default());
        let read = |piece: Piece| {
            let mut builder =
                Builder::new(self.file, self.sheet, width, mapped, (piece.until - piece.from.byte) / USUAL_ROW_BYTES);
            let end = delimited::read(dialect, piece, &mut builder)?;
            let Built { frame, rejects, footer, keys } = builder.finish(piece.until < dialect.text.len())?;
            Ok(((take(&frame), frame.height() + rejects.len(), rejects, footer, keys), end))
        };
        for (batch, rows, rejects, footer, keys) in delimited::in_pieces(dialect, from, read)? {
            taken.push(batch);
            outcome.rows += rows as u64;
            outcome.rejects.extend(rejects);
            outcome.footer = footer;
            outcome.keys.merge(keys);
        }
        if outcome.rows > MAX_ROWS {
            bail!("it has more than {MAX_ROWS} rows: export it in parts");
        }
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = outcome;
        Ok(taken)
    }

    pub(super) fn outcome(self) -> Outcome {
        self.outcome.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
