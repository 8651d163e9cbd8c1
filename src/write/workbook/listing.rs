//! A sheet that is one table: title, a sentence on what it shows, a link back, header, rows.
//!
//! Rows are streamed to disk as they are written, so cells go strictly from top to bottom.

use std::borrow::Cow;

use anyhow::Result;
use rust_xlsxwriter::{ColNum, Format, IgnoreError, RowNum, Table, TableColumn, TableStyle, Workbook, Worksheet};

use super::context::{Context, Time};
use super::style::{Style, page};
use super::words;
use crate::columns::{Outcome, Severity};

/// Row of the header.
const HEADER: RowNum = 3;
/// Characters that a cell may hold, with room for the mark of a cut.
const LONGEST: usize = 32_700;

/// What a cell shows.
pub enum Cell<'a> {
    /// Nothing.
    Blank,
    /// Nothing yet: a person writes here.
    Input,
    /// Text, whatever it looks like.
    Text(Cow<'a, str>),
    /// A whole number.
    Number(u64),
    /// A date or a time as the outputs write them.
    Time(&'a str),
    /// A severity in its colours.
    Severity(Severity),
    /// What happens to a discrepancy.
    Outcome(Outcome),
    /// A word in the colours of a severity.
    Badge(&'static str, Severity),
}

impl<'a> Cell<'a> {
    /// Text, or nothing.
    pub fn text(text: Option<&'a str>) -> Cell<'a> {
        text.map_or(Cell::Blank, |text| Cell::Text(Cow::Borrowed(text)))
    }

    /// A time, or nothing.
    pub fn time(text: Option<&'a str>) -> Cell<'a> {
        text.map_or(Cell::Blank, Cell::Time)
    }

    /// Characters that it takes to show it.
    fn length(&self) -> usize {
        match self {
            Cell::Blank | Cell::Input => 0,
            Cell::Text(text) => text.chars().count(),
            Cell::Number(number) => words::thousands(*number).len(),
            Cell::Time(text) => text.len().min("2026-11-22 06:00".len()),
            Cell::Severity(severity) => words::severity(*severity).chars().count() + 1,
            Cell::Outcome(outcome) => words::outcome(*outcome).len(),
            Cell::Badge(word, _) => word.chars().count() + 1,
        }
    }
}

/// A column of a table and where its cells come from.
pub struct Column<'a> {
    heading: &'a str,
    widest: usize,
    cell: Box<dyn Fn(usize) -> Cell<'a> + 'a>,
}

impl<'a> Column<'a> {
    /// A column that is as wide as its text needs, up to `widest` characters; longer text is wrapped.
    pub fn new(heading: &'a str, widest: usize, cell: impl Fn(usize) -> Cell<'a> + 'a) -> Column<'a> {
        Column { heading, widest, cell: Box::new(cell) }
    }

    /// Whether any of the rows has something here.
    pub fn any(&self, rows: usize) -> bool {
        (0..rows).any(|row| !matches!((self.cell)(row), Cell::Blank))
    }

    /// Its width for these rows and whether text must be wrapped in it.
    fn fit(&self, rows: usize) -> (f64, bool) {
        let longest = (0..rows).map(|row| (self.cell)(row).length()).max().unwrap_or(0);
        let word = self.heading.split(' ').map(|word| word.chars().count()).max().unwrap_or(0);
        // Beside its longest word a heading shows the filter's button.
        let least = (word + 3).max(self.heading.chars().count().div_ceil(2) + 3);
        let input = if rows > 0 && matches!((self.cell)(0), Cell::Input) { self.widest } else { 0 };
        (longest.min(self.widest).max(least).max(input) as f64 + 1.5, longest > self.widest)
    }
}

/// A sheet to write.
pub struct Listing<'a> {
    /// Its name on the tab.
    pub name: &'a str,
    /// The table's name, unique in the workbook.
    pub table: &'a str,
    /// One sentence that says what it shows.
    pub about: String,
    /// Its columns.
    pub columns: Vec<Column<'a>>,
    /// Rows that there are.
    pub rows: usize,
    /// The file that has all rows where the sheet cannot.
    pub rest: &'a str,
    /// The sentence that stands there when there are no rows.
    pub empty: &'a str,
}

/// A sheet that was written, for what is particular to it.
pub struct Placed<'b> {
    /// The sheet.
    pub sheet: &'b mut Worksheet,
    /// First and last row of the table's body, where there is one.
    pub body: Option<(RowNum, RowNum)>,
    /// The next free row.
    pub next: RowNum,
}

impl Listing<'_> {
    /// Adds the sheet to the workbook.
    pub fn write<'b>(&self, book: &'b mut Workbook, context: &Context) -> Result<Placed<'b>> {
        let shown = self.rows.min(context.max_rows);
        let style = &context.style;
        let sheet = book.add_worksheet_with_constant_memory()?;
        sheet.set_name(self.name)?;
        page(sheet, &context.report.organisation);
        self.top(sheet, style, shown)?;
        if shown == 0 {
            sheet.write_string_with_format(HEADER, 0, self.empty, &style.heading)?;
            return Ok(Placed { sheet, body: None, next: HEADER + 2 });
        }
        let texts = self.lay_out(sheet, style, shown)?;
        let last = HEADER + shown as RowNum;
        self.add_table(sheet, style, last)?;
        let cells = Cells { style, zone: context.report.timezone };
        for row in 0..shown {
            for (position, (column, text)) in self.columns.iter().zip(&texts).enumerate() {
                cells.write(sheet, HEADER + 1 + row as RowNum, position as ColNum, (column.cell)(row), text)?;
            }
        }
        Ok(Placed { sheet, body: Some((HEADER + 1, last)), next: last + 2 })
    }

    fn top(&self, sheet: &mut Worksheet, style: &Style, shown: usize) -> Result<()> {
        let mut about = self.about.clone();
        if shown < self.rows {
            let (shown, all) = (words::thousands(shown as u64), words::thousands(self.rows as u64));
            about = format!("{about} Only the first {shown} of {all} rows are here: all are in {}.", self.rest);
        }
        sheet.write_string_with_format(0, 0, self.name, &style.title)?;
        sheet.write_string_with_format(1, 0, about, &style.about)?;
        sheet.write_url_with_options(2, 0, "internal:Summary!A1", "← Summary", "", Some(&style.link))?;
        Ok(())
    }

    /// Widths, frozen header and printed titles; gives each column's format of text.
    fn lay_out<'s>(&self, sheet: &mut Worksheet, style: &'s Style, shown: usize) -> Result<Vec<&'s Format>> {
        let mut texts = Vec::with_capacity(self.columns.len());
        for (position, column) in self.columns.iter().enumerate() {
            let (width, wrap) = column.fit(shown);
            sheet.set_column_width(position as ColNum, width)?;
            texts.push(if wrap { &style.wrapped } else { &style.text });
        }
        sheet.set_row_height(HEADER, 32)?;
        sheet.set_freeze_panes(HEADER + 1, 0)?;
        sheet.set_repeat_rows(HEADER, HEADER)?;
        Ok(texts)
    }

    fn add_table(&self, sheet: &mut Worksheet, style: &Style, last: RowNum) -> Result<()> {
        let headings: Vec<TableColumn> = self
            .columns
            .iter()
            .map(|column| TableColumn::new().set_header(column.heading).set_header_format(&style.header))
            .collect();
        let table = Table::new()
            .set_name(self.table)
            .set_style(TableStyle::Light1)
            .set_alt_text_title(self.name)
            .set_alt_text(&self.about)
            .set_columns(&headings);
        let right = self.columns.len() as ColNum - 1;
        sheet.add_table(HEADER, 0, last, right, &table)?;
        sheet.ignore_error_range(HEADER, 0, last, right, IgnoreError::NumberStoredAsText)?;
        Ok(())
    }
}

struct Cells<'s> {
    style: &'s Style,
    zone: chrono_tz::Tz,
}

impl Cells<'_> {
    fn write(&self, sheet: &mut Worksheet, row: RowNum, col: ColNum, cell: Cell, text: &Format) -> Result<()> {
        let style = self.style;
        match cell {
            Cell::Blank => sheet.write_blank(row, col, text)?,
            Cell::Input => sheet.write_blank(row, col, &style.input)?,
            Cell::Text(words) => sheet.write_string_with_format(row, col, shortened(words), text)?,
            Cell::Number(number) => sheet.write_number_with_format(row, col, number as f64, &style.number)?,
            Cell::Time(words) => match Time::read(words, self.zone) {
                Some(Time::Day(day)) => sheet.write_datetime_with_format(row, col, day, &style.day)?,
                Some(Time::Moment(moment)) => sheet.write_datetime_with_format(row, col, moment, &style.moment)?,
                None => sheet.write_string_with_format(row, col, words, text)?,
            },
            Cell::Severity(severity) => {
                sheet.write_string_with_format(row, col, words::severity(severity), &style.severity[severity as usize])?
            }
            Cell::Outcome(outcome) => sheet.write_string_with_format(row, col, words::outcome(outcome), text)?,
            Cell::Badge(word, severity) => sheet.write_string_with_format(row, col, word, &style.severity[severity as usize])?,
        };
        Ok(())
    }
}

/// The text as far as a cell can hold it.
fn shortened(text: Cow<str>) -> Cow<str> {
    // A cell counts UTF-16 units, of which no text has more than bytes.
    if text.len() <= LONGEST {
        return text;
    }
    let mut units = 0;
    let end = text.char_indices().find(|(_, letter)| {
        units += letter.len_utf16();
        units > LONGEST
    });
    match end {
        Some((end, _)) => Cow::Owned(format!("{} … [cut: too long for a cell]", &text[..end])),
        None => text,
    }
}
