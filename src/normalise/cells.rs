//! The cells of a batch of rows by field.

use polars::prelude::{DataFrame, StringChunked, StringType, UInt32Chunked};

use crate::column_cells::ColumnCells;
use crate::columns::Field;
use crate::ingest::{MappedColumn, Table};

/// Rows of a table whose columns are found by what they mean. Placeholders read as blank.
pub(super) struct Cells<'a> {
    rows: &'a UInt32Chunked,
    columns: Vec<(&'a MappedColumn, ColumnCells<StringType>)>,
    /// Columns where an error of a spreadsheet program is none of the placeholders: a formula has failed there, and nobody
    /// knows what it would have said.
    keeps_errors: Vec<bool>,
    by_field: [Option<usize>; Field::ALL.len()],
    placeholders: &'a [String],
    /// The bit of each length that a placeholder has.
    lengths: u64,
}

/// The bit that stands for texts of a length; the last for all longer ones.
fn length_bit(length: usize) -> u64 {
    1 << length.min(63)
}

impl<'a> Cells<'a> {
    /// The cells of a batch of a table's rows, with the texts that stand for a blank in its system.
    pub fn new(table: &'a Table<'_>, batch: &'a DataFrame, placeholders: &'a [String]) -> Cells<'a> {
        let rows = batch.column("row").and_then(|rows| rows.u32()).expect("every text table numbers its rows");
        let mut by_field = [None; Field::ALL.len()];
        let mut columns = Vec::new();
        for (at, column) in table.columns.iter().enumerate() {
            let texts: &StringChunked =
                batch.column(&column.name).and_then(|texts| texts.str()).expect("mapped columns are text");
            by_field[column.field as usize].get_or_insert(at);
            columns.push((column, ColumnCells::of(texts)));
        }
        let lengths = placeholders.iter().fold(length_bit(0), |bits, blank| bits | length_bit(blank.len()));
        let says_preference = |column: &MappedColumn| match column.field {
            Field::OptOut => true,
            Field::Status => by_field[Field::OptOut as usize].is_none(),
            Field::Categories => column.category().is_some(),
            _ => false,
        };
        let keeps_errors = columns.iter().map(|(column, _)| says_preference(column)).collect();
        Cells { rows, columns, keeps_errors, by_field, placeholders, lengths }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The row of the file.
    pub fn row(&self, at: usize) -> u32 {
        self.rows.get(at).unwrap_or_default()
    }

    /// Whether the table has a column of that meaning.
    pub fn has(&self, field: Field) -> bool {
        self.by_field[field as usize].is_some()
    }

    /// The cell of a field's first column, `None` where it is blank.
    #[inline]
    pub fn get(&self, field: Field, at: usize) -> Option<&str> {
        self.cell(self.by_field[field as usize]?, at)
    }

    /// The first cell of a field's columns that is not blank.
    pub fn first(&self, field: Field, at: usize) -> Option<&str> {
        let further = || self.all(field).skip(1).find_map(|(column, _)| self.cell(column, at));
        self.get(field, at).or_else(further)
    }

    /// The header of a field's first column.
    pub fn header(&self, field: Field) -> &str {
        self.by_field[field as usize].map_or(field.name(), |column| &self.columns[column].0.header)
    }

    /// Every column of a field.
    pub fn all(&self, field: Field) -> impl Iterator<Item = (usize, &'a MappedColumn)> + '_ {
        self.columns
            .iter()
            .enumerate()
            .filter(move |(_, (column, _))| column.field == field)
            .map(|(at, (column, _))| (at, *column))
    }

    /// A cell by the position of its column, `None` where it is blank.
    #[inline]
    pub fn cell(&self, column: usize, at: usize) -> Option<&str> {
        let cell = self.columns[column].1.get(at)?;
        let is_error = || self.keeps_errors[column] && cell.starts_with('#');
        let is_blank = || cell.is_empty() || !is_error() && self.placeholders.iter().any(|blank| blank == cell);
        (self.lengths & length_bit(cell.len()) == 0 || !is_blank()).then_some(cell)
    }

    /// All cells of a field's first column that are not blank.
    pub fn values(&self, field: Field) -> impl Iterator<Item = &str> {
        let column = self.by_field[field as usize];
        column.into_iter().flat_map(move |column| (0..self.len()).filter_map(move |at| self.cell(column, at)))
    }
}
