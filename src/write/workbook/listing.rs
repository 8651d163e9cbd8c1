//! A sheet that is one table: title, a sentence on what it shows, a link back, header, rows.
//!
//! Rows are streamed to disk as they are written, so cells go strictly from top to bottom.

use anyhow::Result;
use rust_xlsxwriter::{
    ColNum, ConditionalFormatFormula, IgnoreError, RowNum, Table, TableColumn, TableStyle, Workbook, Worksheet,
};

use super::cell::{Cell, Look};
use super::context::Context;
use super::style::{Style, page};
use super::words;
use crate::progress;

/// Row of the header.
const HEADER: RowNum = 3;
/// Height of a line of text, in points.
const LINE: f64 = 15.0;

/// A column of a table and where its cells come from.
pub struct Column<'a> {
    heading: &'a str,
    widest: usize,
    printed: bool,
    hidden: bool,
    cell: Box<dyn Fn(usize) -> Cell<'a> + 'a>,
}

impl<'a> Column<'a> {
    /// A column that is as wide as its text needs, up to `widest` characters; longer text is wrapped.
    pub fn new(heading: &'a str, widest: usize, cell: impl Fn(usize) -> Cell<'a> + 'a) -> Column<'a> {
        Column { heading, widest, printed: true, hidden: false, cell: Box::new(cell) }
    }

    /// The same column, for the screen alone: paper has no room for it. Such columns stand behind the others.
    pub fn unprinted(self) -> Column<'a> {
        Column { printed: false, ..self }
    }

    /// The same column, for the next run alone.
    pub fn hidden(self) -> Column<'a> {
        Column { printed: false, hidden: true, ..self }
    }

    /// Whether it has that heading.
    pub fn is(&self, heading: &str) -> bool {
        self.heading == heading
    }

    /// Whether any of the rows has something here.
    pub fn any(&self, rows: usize) -> bool {
        (0..rows).any(|row| !matches!((self.cell)(row), Cell::Blank))
    }

    /// Its width for these rows and whether text must be wrapped in it.
    fn fit(&self, rows: usize) -> (usize, bool) {
        let longest = (0..rows).map(|row| (self.cell)(row).length()).max().unwrap_or(0);
        let word = self.heading.split(' ').map(|word| word.chars().count()).max().unwrap_or(0);
        // Beside its longest word a heading shows the filter's button.
        let least = (word + 3).max(self.heading.chars().count().div_ceil(2) + 3);
        let takes_input = (0..rows).any(|row| matches!((self.cell)(row), Cell::Input | Cell::InputDay));
        let input = if takes_input { self.widest } else { 0 };
        (longest.min(self.widest).max(least).max(input), longest > self.widest.max(least))
    }
}

/// A column as it is laid out.
struct Fitted<'s> {
    width: usize,
    look: Look<'s>,
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
        let fitted = self.lay_out(sheet, context, shown)?;
        let last = HEADER + shown as RowNum;
        self.add_table(sheet, style, last)?;
        for row in progress::rows(shown) {
            let at = HEADER + 1 + row as RowNum;
            let mut lines = 1;
            for (position, (column, fitted)) in self.columns.iter().zip(&fitted).enumerate() {
                let cell = (column.cell)(row);
                if !column.hidden {
                    lines = lines.max(cell.lines(fitted.width));
                }
                fitted.look.write(sheet, at, position as ColNum, cell)?;
            }
            if lines > 1 {
                sheet.set_row_height(at, LINE * lines as f64)?;
            }
        }
        // Without a row after it, a last row with a height of its own would be written twice.
        sheet.write_blank(last + 1, 0, &style.about)?;
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

    /// Widths, frozen header, printed titles and columns.
    fn lay_out<'s>(&self, sheet: &mut Worksheet, context: &'s Context, shown: usize) -> Result<Vec<Fitted<'s>>> {
        let style = &context.style;
        let mut fitted = Vec::with_capacity(self.columns.len());
        for (position, column) in self.columns.iter().enumerate() {
            let (width, wrap) = column.fit(shown);
            let text = if wrap { &style.wrapped } else { &style.text };
            let mut look = Look { style, zone: context.report.timezone, text, base: None };
            look.base = (0..shown).find_map(|row| look.base_of((column.cell)(row)));
            sheet.set_column_width(position as ColNum, width as f64 + 1.5)?;
            if let Some(base) = look.base {
                sheet.set_column_format(position as ColNum, base)?;
            }
            if column.hidden {
                sheet.set_column_hidden(position as ColNum)?;
            }
            fitted.push(Fitted { width, look });
        }
        sheet.set_row_height(HEADER, 32)?;
        sheet.set_freeze_panes(HEADER + 1, 0)?;
        sheet.set_repeat_rows(HEADER, HEADER)?;
        let printed = self.columns.iter().take_while(|column| column.printed).count();
        if printed < self.columns.len() {
            sheet.set_print_area(0, 0, HEADER + shown as RowNum, printed as ColNum - 1)?;
        }
        Ok(fitted)
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
        // A rule draws the lines between the rows: lines of the cells' own would cost a format each, and end with the text.
        let lines = ConditionalFormatFormula::new().set_rule("=TRUE").set_format(&style.row);
        sheet.add_conditional_format(HEADER + 1, 0, last, right, &lines)?;
        sheet.ignore_error_range(HEADER, 0, last, right, IgnoreError::NumberStoredAsText)?;
        Ok(())
    }
}
