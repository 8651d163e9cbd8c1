//! Cells to rows of text, whatever workbook they come from.

use std::fmt::Display;

use anyhow::{Result, anyhow, bail};
use calamine::DataRef;
use csv::StringRecord;

use super::text::{self, NumberStyle};
use crate::ingest::limits::{MAX_COLUMNS, MAX_SHEET_ROWS};

/// What to do about a workbook that is damaged.
pub const SAVE_AGAIN: &str = "open it in a spreadsheet program and save it again as XLSX or CSV";

/// What becomes of a row: its number, 1 being the first, and its cells from the first column on.
pub type Take<'a> = &'a mut dyn FnMut(u32, &StringRecord) -> Result<()>;

/// The rows of a sheet, and the one that is being read.
pub struct Rows<'a> {
    sheet: &'a str,
    first_rows: u32,
    take: Take<'a>,
    /// Its number, 0 being the first.
    row: u32,
    /// Rows above this one have been given.
    given: u32,
    text: String,
    cells: Vec<Cell>,
}

#[derive(Clone, Copy)]
struct Cell {
    column: u32,
    start: usize,
    end: usize,
}

impl<'a> Rows<'a> {
    /// Rows of a sheet that go to `take`; of its first rows only where `first_rows` is given.
    pub fn new(sheet: &'a str, first_rows: Option<u32>, take: Take<'a>) -> Rows<'a> {
        Rows { sheet, first_rows: first_rows.unwrap_or(u32::MAX), take, row: 0, given: 0, text: String::new(), cells: vec![] }
    }

    /// Takes a cell; false where it is below the rows that are wanted.
    ///
    /// # Errors
    /// It is beyond the grid or out of order; what `take` says.
    pub fn cell(&mut self, (row, column): (u32, u32), value: &DataRef, style: &NumberStyle) -> Result<bool> {
        if row >= self.first_rows {
            return Ok(false);
        }
        if row >= MAX_SHEET_ROWS || column as usize >= MAX_COLUMNS {
            bail!("the sheet `{}` has a cell beyond the last row or column that a sheet can have: {SAVE_AGAIN}", self.sheet);
        }
        if row < self.row {
            bail!("the sheet `{}` has row {} below row {}: {SAVE_AGAIN}", self.sheet, row + 1, self.row + 1);
        }
        if row > self.row {
            self.flush()?;
            self.row = row;
        }
        let start = self.text.len();
        text::write(value, style, &mut self.text);
        if self.text[start..].contains('\0') {
            let cell = self.text.split_off(start);
            self.text.extend(cell.chars().filter(|c| *c != '\0'));
        }
        if !self.text[start..].trim().is_empty() {
            self.cells.push(Cell { column, start, end: self.text.len() });
        }
        Ok(true)
    }

    /// Gives the row that is being read.
    pub fn flush(&mut self) -> Result<()> {
        if !self.cells.is_empty() && self.row >= self.given {
            // Cells may come out of order or twice: the last one counts, as for a spreadsheet program.
            if !self.cells.is_sorted_by(|a, b| a.column < b.column) {
                self.cells.reverse();
                self.cells.sort_by_key(|cell| cell.column);
                self.cells.dedup_by_key(|cell| cell.column);
            }
            let mut record = StringRecord::new();
            for cell in &self.cells {
                while record.len() < cell.column as usize {
                    record.push_field("");
                }
                record.push_field(&self.text[cell.start..cell.end]);
            }
            self.given = self.row + 1;
            (self.take)(self.row + 1, &record)?;
        }
        self.cells.clear();
        self.text.clear();
        Ok(())
    }

    /// The sheet is read from its top again; what was given is not given twice.
    pub fn again(&mut self) {
        self.cells.clear();
        self.text.clear();
        self.row = 0;
    }

    /// Whether a row, 0 being the first, is wanted.
    pub fn wants(&self, row: u32) -> bool {
        row < self.first_rows
    }

    /// What to say of a sheet that breaks off.
    pub fn unreadable(&self, error: &dyn Display) -> anyhow::Error {
        anyhow!("the sheet `{}` cannot be read at or below row {} ({error}): {SAVE_AGAIN}", self.sheet, self.row + 1)
    }
}
