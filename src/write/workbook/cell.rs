//! What a cell shows, how it looks and how much room it takes.

use std::borrow::Cow;

use chrono_tz::Tz;
use rust_xlsxwriter::{ColNum, Format, IntoExcelDateTime, RowNum, Worksheet};

use super::context::Time;
use super::style::Style;
use super::words;
use crate::columns::{Outcome, Severity};

/// Characters that a cell may hold, with room for the mark of a cut.
const LONGEST: usize = 32_700;
/// Lines that a row shows at most.
const MOST_LINES: usize = 12;

/// What a cell shows.
pub enum Cell<'a> {
    /// Nothing.
    Blank,
    /// Nothing yet: a person writes here.
    Input,
    /// Nothing yet: a person writes a day here.
    InputDay,
    /// Text, whatever it looks like.
    Text(Cow<'a, str>),
    /// A whole number.
    Number(u64),
    /// A position in a file.
    Place(u64),
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
    pub fn length(&self) -> usize {
        match self {
            Cell::Blank | Cell::Input | Cell::InputDay => 0,
            Cell::Text(text) => text.chars().count(),
            Cell::Number(number) => words::thousands(*number).len() + 1,
            Cell::Place(number) => number.to_string().len() + 1,
            Cell::Time(text) => text.len().min("2026-11-22 06:00".len()),
            Cell::Severity(severity) => words::severity(*severity).chars().count() + 1,
            Cell::Outcome(outcome) => words::outcome(*outcome).len(),
            Cell::Badge(word, _) => word.chars().count() + 1,
        }
    }

    /// Lines that it takes in a column of that width. Programs do not agree on when they make a row higher, so
    /// they are told.
    pub fn lines(&self, width: usize) -> usize {
        match self {
            // No character takes less than a byte.
            Cell::Text(text) if text.len() > width => match text.chars().count() {
                short if short <= width => 1,
                // A column is a little wider than told, most letters are narrower than digits, and words do not fill their lines.
                long => (long * 19).div_ceil(width * 20 + 30).min(MOST_LINES),
            },
            _ => 1,
        }
    }
}

/// How the cells of a column look.
pub struct Look<'s> {
    /// The formats.
    pub style: &'s Style,
    /// The zone of its times.
    pub zone: Tz,
    /// The format of its texts.
    pub text: &'s Format,
    /// The format that the whole column has: cells that need no other carry none, which writes much faster.
    pub base: Option<&'s Format>,
}

/// What is stored in a cell.
enum Stored<'a> {
    Text(Cow<'a, str>),
    Number(f64),
}

impl<'s> Look<'s> {
    /// Writes a cell of the column.
    pub fn write(&self, sheet: &mut Worksheet, row: RowNum, col: ColNum, cell: Cell) -> anyhow::Result<()> {
        let (stored, format) = match cell {
            Cell::Blank => return Ok(()),
            Cell::Input => {
                sheet.write_blank(row, col, &self.style.input)?;
                return Ok(());
            }
            Cell::InputDay => {
                sheet.write_blank(row, col, &self.style.input_day)?;
                return Ok(());
            }
            cell => self.stored(cell),
        };
        let plain = self.base.is_some_and(|base| std::ptr::eq(base, format));
        match stored {
            Stored::Text(text) if plain => sheet.write_string(row, col, text)?,
            Stored::Text(text) => sheet.write_string_with_format(row, col, text, format)?,
            Stored::Number(number) if plain => sheet.write_number(row, col, number)?,
            Stored::Number(number) => sheet.write_number_with_format(row, col, number, format)?,
        };
        Ok(())
    }

    /// The format that a whole column takes after this cell. Colours end with their cells.
    pub fn base_of(&self, cell: Cell) -> Option<&'s Format> {
        match cell {
            Cell::Blank | Cell::Input | Cell::InputDay | Cell::Severity(_) | Cell::Badge(..) => None,
            cell => Some(self.stored(cell).1),
        }
    }

    fn stored<'c>(&self, cell: Cell<'c>) -> (Stored<'c>, &'s Format) {
        let style = self.style;
        let badge = |severity: Severity| &style.severity[severity as usize];
        let word = |word: &'static str| Stored::Text(Cow::Borrowed(word));
        match cell {
            Cell::Blank | Cell::Input | Cell::InputDay => (word(""), self.text),
            Cell::Text(text) => (Stored::Text(shortened(text)), self.text),
            Cell::Number(number) => (Stored::Number(number as f64), &style.number),
            Cell::Place(number) => (Stored::Number(number as f64), &style.place),
            Cell::Time(text) => match Time::read(text, self.zone) {
                Some(Time::Day(day)) => (Stored::Number(day.to_excel_serial_date()), &style.day),
                Some(Time::Moment(moment)) => (Stored::Number(moment.to_excel_serial_date()), &style.moment),
                None => (Stored::Text(Cow::Borrowed(text)), self.text),
            },
            Cell::Severity(severity) => (word(words::severity(severity)), badge(severity)),
            Cell::Outcome(outcome) => (word(words::outcome(outcome)), self.text),
            Cell::Badge(text, severity) => (word(text), badge(severity)),
        }
    }
}

/// The text as far as a cell can hold it.
pub fn shortened(text: Cow<str>) -> Cow<str> {
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
