//! Rows of cells to the columns of a table: one table row a data row, what does not fit among the rejects.
//!
//! Invariant: every row that is pushed ends in the table, among the rejects, or in the footer.

use anyhow::Result;
use polars::prelude::{Column, DataFrame, IntoSeries, NamedFrom, Series, StringChunkedBuilder};

use super::keys::{KeyReader, Keys};
use super::limits::{MAX_CELL_CHARS, MAX_FOOTER_ROWS, MAX_QUOTED_CHARS};
use super::{MappedColumn, Reject};

/// Takes the rows below a header.
pub struct Builder<'a> {
    file: &'a str,
    sheet: &'a str,
    width: usize,
    mapped: &'a [(usize, MappedColumn)],
    rows: Vec<u32>,
    columns: Vec<StringChunkedBuilder>,
    keys: KeyReader,
    rejects: Vec<Reject>,
    /// Rows that may turn out to be the footer: they are, if nothing but such rows follows.
    pending: Vec<Pending>,
}

struct Pending {
    row: u32,
    after_blank: bool,
    total: bool,
    cells: Vec<String>,
}

/// The last rows of a file or sheet.
#[derive(Debug)]
pub struct Built {
    /// Column `row`, then the mapped columns.
    pub frame: DataFrame,
    /// Rows that the table could not take.
    pub rejects: Vec<Reject>,
    /// The cells of the footer that are not blank.
    pub footer: Vec<String>,
    /// The keys of all rows, also of those that left before.
    pub keys: Keys,
}

impl<'a> Builder<'a> {
    /// A table of the mapped columns, each given with its position in the file; about `capacity` rows.
    pub fn new(file: &'a str, sheet: &'a str, width: usize, mapped: &'a [(usize, MappedColumn)], capacity: usize) -> Self {
        let columns = mapped.iter().map(|(_, column)| StringChunkedBuilder::new(column.name.as_str().into(), capacity)).collect();
        Builder {
            file,
            sheet,
            width,
            mapped,
            rows: Vec::with_capacity(capacity),
            columns,
            keys: KeyReader::new(mapped),
            rejects: Vec::new(),
            pending: Vec::new(),
        }
    }

    /// Columns that the header has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Takes a row that is not blank; `after_blank` where the row before it was.
    pub fn push(&mut self, cells: &[&str], row: u32, after_blank: bool) {
        let total = is_total(cells);
        if total || filled(cells.iter().copied()).nth(1).is_none() {
            if self.pending.len() == MAX_FOOTER_ROWS {
                let first = self.pending.remove(0);
                self.add_pending(first);
            }
            let cells = cells.iter().map(|cell| (*cell).to_owned()).collect();
            self.pending.push(Pending { row, after_blank, total, cells });
            return;
        }
        self.settle();
        self.add(cells, row);
    }

    fn add_pending(&mut self, pending: Pending) {
        let cells: Vec<&str> = pending.cells.iter().map(String::as_str).collect();
        self.add(&cells, pending.row);
    }

    /// Sets a whole row aside.
    pub fn reject_row(&mut self, row: u32, text: &str, reason: &str) {
        self.settle();
        self.reject(row, "", text, reason.to_owned());
    }

    /// Other rows follow: what was pending is no footer.
    fn settle(&mut self) {
        if !self.pending.is_empty() {
            std::mem::take(&mut self.pending).into_iter().for_each(|pending| self.add_pending(pending));
        }
    }

    fn reject(&mut self, row: u32, column: &str, value: &str, reason: String) {
        self.rejects.push(Reject {
            file: self.file.to_owned(),
            sheet: self.sheet.to_owned(),
            row: u64::from(row),
            column: column.to_owned(),
            value: value.chars().take(MAX_QUOTED_CHARS).collect(),
            reason,
        });
    }

    fn add(&mut self, cells: &[&str], row: u32) {
        if cells.len() != self.width {
            let reason = format!(
                "the row has {} cells where the header has {}: look for a missing or an extra delimiter or quotation mark, \
                 and export it again",
                cells.len(),
                self.width
            );
            return self.reject(row, "", &cells.join(" | "), reason);
        }
        let is_long = |(at, _): &&(usize, MappedColumn)| {
            let cell = cells.get(*at).copied().unwrap_or_default();
            cell.len() > MAX_CELL_CHARS && cell.chars().count() > MAX_CELL_CHARS
        };
        if let Some((at, column)) = self.mapped.iter().find(is_long) {
            let reason = format!("the cell holds more than {MAX_CELL_CHARS} characters: shorten it and export it again");
            return self.reject(row, &column.header, cells[*at], reason);
        }
        self.rows.push(row);
        self.keys.add(cells, row);
        for ((at, mapped), column) in self.mapped.iter().zip(&mut self.columns) {
            match mapped.constant.as_deref().unwrap_or_else(|| trimmed(cells.get(*at).copied().unwrap_or_default())) {
                "" => column.append_null(),
                cell => column.append_value(cell),
            }
        }
    }

    /// Rows that the table has so far.
    pub fn height(&self) -> usize {
        self.rows.len()
    }

    /// The rows so far, which leave the builder; those that may be the footer stay.
    pub fn take(&mut self) -> Result<DataFrame> {
        let rows = std::mem::take(&mut self.rows);
        let empty = self.mapped.iter().map(|(_, column)| StringChunkedBuilder::new(column.name.as_str().into(), rows.len()));
        let columns = std::mem::replace(&mut self.columns, empty.collect());
        let height = rows.len();
        let mut all: Vec<Column> = vec![Series::new("row".into(), rows).into()];
        all.extend(columns.into_iter().map(|column| Column::from(column.finish().into_series())));
        Ok(DataFrame::new(height, all)?)
    }

    /// Cuts the footer and gives the rows that are left. Where `more` of the file follows there is none.
    pub fn finish(mut self, more: bool) -> Result<Built> {
        let mut pending = std::mem::take(&mut self.pending);
        let cut = if more { pending.len() } else { footer_start(&pending) };
        pending.drain(..cut).for_each(|row| self.add_pending(row));
        let cells = pending.iter().flat_map(|row| row.cells.iter().map(String::as_str));
        let footer = filled(cells).map(str::to_owned).collect();
        Ok(Built { frame: self.take()?, rejects: self.rejects, footer, keys: self.keys.finish() })
    }
}

/// The footer starts at the first row of the trailing run that stands below a blank row, or at the totals above it.
fn footer_start(run: &[Pending]) -> usize {
    let mut cut = run.iter().position(|row| row.after_blank).unwrap_or(run.len());
    while cut > 0 && run[cut - 1].total {
        cut -= 1;
    }
    cut
}

/// `Total`, `Grand Totals (31 records)` and the like in the first cell that is filled.
fn is_total(cells: &[&str]) -> bool {
    let first = filled(cells.iter().copied()).next().unwrap_or_default();
    if !matches!(first.as_bytes().first(), Some(b't' | b'T' | b'g' | b'G' | b's' | b'S')) || first.len() > 60 {
        return false;
    }
    let words: String = first.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    let words = words.trim_end_matches("records").trim_end_matches("record").trim_end_matches("rows");
    matches!(words, "total" | "totals" | "grandtotal" | "grandtotals" | "subtotal" | "subtotals")
}

/// The cells that are not blank.
pub fn filled<'c>(cells: impl IntoIterator<Item = &'c str>) -> impl Iterator<Item = &'c str> {
    cells.into_iter().map(trimmed).filter(|cell| !cell.is_empty())
}

/// The cell without the white space around it; a glance settles nearly every cell.
pub fn trimmed(cell: &str) -> &str {
    let plain = |byte: Option<&u8>| byte.is_none_or(|byte| (b'!'..=b'~').contains(byte));
    if plain(cell.as_bytes().first()) && plain(cell.as_bytes().last()) { cell } else { cell.trim() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Field;

    /// Rows as (cells, after a blank row), to (rows of the table, rejected rows, footer).
    fn build(rows: &[(&[&str], bool)]) -> (Vec<u32>, Vec<u64>, Vec<String>) {
        let column =
            |name: &str| MappedColumn { name: name.to_owned(), field: Field::Name, header: name.to_owned(), constant: None };
        let mapped = [(0, column("a")), (2, column("c"))];
        let mut builder = Builder::new("f.csv", "", 3, &mapped, 0);
        for (at, (cells, after_blank)) in rows.iter().enumerate() {
            builder.push(cells, at as u32 + 2, *after_blank);
        }
        let built = builder.finish(false).unwrap();
        let rows = built.frame.column("row").unwrap().u32().unwrap().into_no_null_iter().collect();
        (rows, built.rejects.iter().map(|reject| reject.row).collect(), built.footer)
    }

    #[test]
    fn only_a_trailing_run_is_a_footer() {
        let data: &[&str] = &["1", "x", "y"];
        let lone: &[&str] = &["Copyright", "", ""];
        let short: &[&str] = &["Copyright"];
        let total: &[&str] = &["Grand Totals (2 records)", "", "7"];
        // rows | rows of the table | rejected | footer
        for (rows, expected, rejected, footer) in [
            (vec![(data, false), (lone, true), (short, false)], vec![2], vec![], vec!["Copyright", "Copyright"]),
            (vec![(data, false), (lone, true), (data, false)], vec![2, 3, 4], vec![], vec![]),
            (vec![(data, false), (short, true), (data, false)], vec![2, 4], vec![3], vec![]),
            (vec![(data, false), (lone, false)], vec![2, 3], vec![], vec![]),
            (vec![(data, false), (total, false)], vec![2], vec![], vec!["Grand Totals (2 records)", "7"]),
            (
                vec![(data, false), (total, false), (lone, true)],
                vec![2],
                vec![],
                vec!["Grand Totals (2 records)", "7", "Copyright"],
            ),
            (vec![(total, false), (data, false)], vec![2, 3], vec![], vec![]),
            (vec![(lone, true), (short, false)], vec![], vec![], vec!["Copyright", "Copyright"]),
        ] {
            let footer: Vec<String> = footer.into_iter().map(str::to_owned).collect();
            assert_eq!(build(&rows), (expected, rejected, footer), "{rows:?}");
        }
    }

    #[test]
    fn more_rows_than_a_footer_has_are_data() {
        let lone: &[&str] = &["1", "", ""];
        let rows: Vec<(&[&str], bool)> = (0..MAX_FOOTER_ROWS + 5).map(|at| (lone, at == 0)).collect();
        assert_eq!(build(&rows).0.len(), MAX_FOOTER_ROWS + 5);
    }

    #[test]
    fn cells_are_trimmed_and_blank_ones_are_null() {
        let column = MappedColumn { name: "a".to_owned(), field: Field::Name, header: "A".to_owned(), constant: None };
        let mapped = [(0, column)];
        let mut builder = Builder::new("f.csv", "", 2, &mapped, 0);
        for cell in [" x ", "\u{a0}y\u{a0}", "\u{a0} \t", "", "a b", "é "] {
            builder.push(&[cell, "z"], 2, false);
            builder.push(&["-", "z"], 3, false);
        }
        let frame = builder.finish(false).unwrap().frame;
        let cells: Vec<Option<&str>> = frame.column("a").unwrap().str().unwrap().iter().step_by(2).collect();
        assert_eq!(cells, [Some("x"), Some("y"), None, None, Some("a b"), Some("é")]);
    }

    #[test]
    fn a_cell_beyond_the_limit_rejects_its_row() {
        let column = MappedColumn { name: "a".to_owned(), field: Field::Name, header: "A".to_owned(), constant: None };
        let mapped = [(0, column)];
        let long = "x".repeat(MAX_CELL_CHARS + 1);
        let mut builder = Builder::new("f.csv", "", 2, &mapped, 0);
        builder.push(&[long.as_str(), "z"], 2, false);
        builder.push(&["z", long.as_str()], 3, false);
        let built = builder.finish(false).unwrap();
        assert_eq!((built.frame.height(), built.rejects.len(), built.rejects[0].column.as_str()), (1, 1, "A"));
        assert_eq!(built.rejects[0].value.chars().count(), MAX_QUOTED_CHARS);
    }
}
