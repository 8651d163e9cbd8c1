//! A workbook to rows of text: each cell as a person sees it. The only module that knows calamine.
//!
//! What crosses this border is plain: bytes in; names of sheets, and numbered rows of text, out.

use std::fmt::Display;
use std::io::Cursor;

use anyhow::{Result, anyhow, bail};
use calamine::{Data, DataRef, Ods, OdsError, Range, Reader, Sheet, SheetType, SheetVisible, Xls, XlsError, Xlsb, XlsbError};
use calamine::{Xlsx, XlsxError};
use csv::StringRecord;

use super::text::{self, NumberStyle};
use crate::ingest::limits::{MAX_COLUMNS, MAX_SHEET_ROWS};

const SAVE_AGAIN: &str = "open it in a spreadsheet program and save it again as XLSX or CSV";
/// What to say of a workbook that is encrypted.
pub const PASSWORD: &str = "it has a password: take it off and save it again";

/// An open workbook.
pub enum Book {
    /// Office Open XML: cells are streamed.
    Xlsx(Box<Xlsx<Bytes>>),
    /// Its binary sister: cells are streamed.
    Xlsb(Box<Xlsb<Bytes>>),
    /// The format before: sheets are loaded whole.
    Xls(Box<Xls<Bytes>>),
    /// OpenDocument: sheets are loaded whole.
    Ods(Box<Ods<Bytes>>),
}

type Bytes = Cursor<Vec<u8>>;

/// The format of a workbook, told by its first bytes and the names in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Office Open XML, with macros or without.
    Xlsx,
    /// Its binary sister.
    Xlsb,
    /// The format before.
    Xls,
    /// OpenDocument.
    Ods,
}

impl Book {
    /// Opens a workbook.
    ///
    /// # Errors
    /// It has a password or is damaged.
    pub fn open(kind: Kind, bytes: Vec<u8>) -> Result<Book> {
        let bytes = Cursor::new(bytes);
        let damaged = |error: &dyn Display| anyhow!("the workbook is damaged ({error}): {SAVE_AGAIN}");
        match kind {
            Kind::Xlsx => match Xlsx::new(bytes) {
                Ok(book) => Ok(Book::Xlsx(Box::new(book))),
                Err(XlsxError::Password) => bail!(PASSWORD),
                Err(error) => Err(damaged(&error)),
            },
            Kind::Xlsb => match Xlsb::new(bytes) {
                Ok(book) => Ok(Book::Xlsb(Box::new(book))),
                Err(XlsbError::Password) => bail!(PASSWORD),
                Err(error) => Err(damaged(&error)),
            },
            Kind::Xls => match Xls::new(bytes) {
                Ok(book) => Ok(Book::Xls(Box::new(book))),
                Err(XlsError::Password) => bail!(PASSWORD),
                Err(error) => Err(damaged(&error)),
            },
            Kind::Ods => match Ods::new(bytes) {
                Ok(book) => Ok(Book::Ods(Box::new(book))),
                Err(OdsError::Password) => bail!(PASSWORD),
                Err(error) => Err(damaged(&error)),
            },
        }
    }

    /// The sheets that people see, in order.
    pub fn visible_sheets(&self) -> Vec<String> {
        let sheets: &[Sheet] = match self {
            Book::Xlsx(book) => book.sheets_metadata(),
            Book::Xlsb(book) => book.sheets_metadata(),
            Book::Xls(book) => book.sheets_metadata(),
            Book::Ods(book) => book.sheets_metadata(),
        };
        sheets
            .iter()
            .filter(|sheet| sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet)
            .map(|sheet| sheet.name.clone())
            .collect()
    }

    /// Gives each row of a sheet that has a cell that is not blank, of its first rows only where `first_rows` is given.
    ///
    /// # Errors
    /// The sheet is damaged, its rows are out of order, or it holds cells beyond the grid; what `take` says.
    pub fn rows(&mut self, sheet: &str, first_rows: Option<u32>, take: Take) -> Result<()> {
        let damaged = |error: &dyn Display| anyhow!("the sheet `{sheet}` is damaged ({error}): {SAVE_AGAIN}");
        let mut rows =
            Rows { sheet, first_rows: first_rows.unwrap_or(u32::MAX), take, row: 0, text: String::new(), cells: vec![] };
        match self {
            Book::Xlsx(book) => {
                let mut reader = book.worksheet_cells_reader(sheet).map_err(|error| damaged(&error))?;
                let styles: Vec<NumberStyle> = reader
                    .styles()
                    .iter()
                    .map(|style| {
                        style.number_format.as_ref().map_or_else(NumberStyle::default, |it| text::style(&it.format_code))
                    })
                    .collect();
                while let Some((cell, style)) = reader.next_cell_with_style_id().map_err(|error| rows.unreadable(&error))? {
                    if !rows.cell(cell.get_position(), cell.get_value(), styles.get(style).copied().unwrap_or_default())? {
                        break;
                    }
                }
            }
            Book::Xlsb(book) => {
                let mut reader = book.worksheet_cells_reader(sheet).map_err(|error| damaged(&error))?;
                while let Some(cell) = reader.next_cell().map_err(|error| rows.unreadable(&error))? {
                    if !rows.cell(cell.get_position(), cell.get_value(), NumberStyle::default())? {
                        break;
                    }
                }
            }
            Book::Xls(book) => rows.range(&book.worksheet_range(sheet).map_err(|error| damaged(&error))?)?,
            Book::Ods(book) => rows.range(&book.worksheet_range(sheet).map_err(|error| damaged(&error))?)?,
        }
        rows.flush()
    }
}

/// What becomes of a row: its number, 1 being the first, and its cells from the first column on.
pub type Take<'a> = &'a mut dyn FnMut(u32, &StringRecord) -> Result<()>;

/// The row that is being read.
struct Rows<'a> {
    sheet: &'a str,
    first_rows: u32,
    take: Take<'a>,
    /// Its number, 0 being the first.
    row: u32,
    text: String,
    cells: Vec<Cell>,
}

#[derive(Clone, Copy)]
struct Cell {
    column: u32,
    start: usize,
    end: usize,
}

impl Rows<'_> {
    fn range(&mut self, range: &Range<Data>) -> Result<()> {
        let Some((first_row, first_column)) = range.start() else { return Ok(()) };
        for (row, column, value) in range.used_cells() {
            let place = (first_row + row as u32, first_column + column as u32);
            if !self.cell(place, &by_reference(value), NumberStyle::default())? {
                break;
            }
        }
        Ok(())
    }

    /// Takes a cell; false where it is below the rows that are wanted.
    fn cell(&mut self, (row, column): (u32, u32), value: &DataRef, style: NumberStyle) -> Result<bool> {
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

    fn flush(&mut self) -> Result<()> {
        if !self.cells.is_empty() {
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
            (self.take)(self.row + 1, &record)?;
        }
        self.cells.clear();
        self.text.clear();
        Ok(())
    }

    fn unreadable(&self, error: &dyn Display) -> anyhow::Error {
        anyhow!("the sheet `{}` cannot be read at or below row {} ({error}): {SAVE_AGAIN}", self.sheet, self.row + 1)
    }
}

fn by_reference(value: &Data) -> DataRef<'_> {
    match value {
        Data::Empty => DataRef::Empty,
        Data::Int(value) => DataRef::Int(*value),
        Data::Float(value) => DataRef::Float(*value),
        Data::String(value) => DataRef::SharedString(value),
        Data::Bool(value) => DataRef::Bool(*value),
        Data::DateTime(value) => DataRef::DateTime(*value),
        Data::DateTimeIso(value) => DataRef::DateTimeIso(value.clone()),
        Data::DurationIso(value) => DataRef::DurationIso(value.clone()),
        Data::Error(value) => DataRef::Error(value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

    use super::*;

    fn rows(book: &mut Book, sheet: &str, first_rows: Option<u32>) -> Result<Vec<(u32, StringRecord)>> {
        let mut rows = Vec::new();
        book.rows(sheet, first_rows, &mut |row, cells| {
            rows.push((row, cells.clone()));
            Ok(())
        })?;
        Ok(rows)
    }

    #[test]
    fn cells_become_the_text_that_a_person_sees() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        let format = |code: &str| Format::new().set_num_format(code);
        let day = ExcelDateTime::from_ymd(2026, 11, 20).unwrap();
        sheet.write_string(0, 0, "Id").unwrap();
        sheet.write_number_with_format(1, 0, 1_234_567, &format("0000000000")).unwrap();
        sheet.write_number(1, 1, 123_456_789_012_345.0).unwrap();
        sheet.write_number(1, 2, 1.5).unwrap();
        sheet.write_boolean(1, 3, true).unwrap();
        sheet.write_datetime_with_format(1, 4, &day, &format("yyyy-mm-dd")).unwrap();
        let noon = ExcelDateTime::from_ymd(2026, 11, 20).unwrap().and_hms(12, 34, 56).unwrap();
        sheet.write_datetime_with_format(1, 5, &noon, &format("m/d/yyyy h:mm")).unwrap();
        sheet.write_number_with_format(1, 6, 0.25, &format("0%")).unwrap();
        sheet.write_number(1, 7, 1.234_567_890_123_456_8e18).unwrap();
        sheet.write_string(3, 1, "below a gap").unwrap();
        sheet.set_column_hidden(1).unwrap();
        let hidden = workbook.add_worksheet();
        hidden.set_hidden(true);

        let mut book = Book::open(Kind::Xlsx, workbook.save_to_buffer().unwrap()).unwrap();
        assert_eq!(book.visible_sheets(), ["Sheet1"]);
        let seen =
            ["0001234567", "123456789012345", "1.5", "TRUE", "2026-11-20", "2026-11-20T12:34:56", "25%", "1.23456789012346E+18"];
        assert_eq!(
            rows(&mut book, "Sheet1", None).unwrap(),
            [
                (1, StringRecord::from(vec!["Id"])),
                (2, StringRecord::from(seen.to_vec())),
                (4, StringRecord::from(vec!["", "below a gap"])),
            ]
        );
        assert_eq!(rows(&mut book, "Sheet1", Some(1)).unwrap().len(), 1);
    }

    /// A workbook with one sheet, from the XML of its rows.
    fn raw_workbook(rows: &str) -> Book {
        let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
        let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        let package = "http://schemas.openxmlformats.org/package/2006/relationships";
        let relation = |kind: &str, target: &str| {
            format!(
                "<Relationships xmlns=\"{package}\"><Relationship Id=\"r1\" Type=\"{relations}/{kind}\" Target=\"{target}\"/>\
                 </Relationships>"
            )
        };
        let sheets = "<sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets>";
        let parts = [
            ("_rels/.rels", relation("officeDocument", "xl/workbook.xml")),
            ("xl/_rels/workbook.xml.rels", relation("worksheet", "worksheets/sheet1.xml")),
            ("xl/workbook.xml", format!("<workbook xmlns=\"{main}\" xmlns:r=\"{relations}\">{sheets}</workbook>")),
            ("xl/worksheets/sheet1.xml", format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>")),
        ];
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in parts {
            archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(text.as_bytes()).unwrap();
        }
        Book::open(Kind::Xlsx, archive.finish().unwrap().into_inner()).unwrap()
    }

    #[test]
    fn cells_out_of_order_or_twice_and_rows_that_no_program_writes() {
        let mut book = raw_workbook(
            "<row r=\"1\"><c r=\"A1\"><v>3</v></c><c r=\"A1\"><v>4</v></c></row>\
             <row r=\"2\"><c r=\"B2\"><v>2</v></c><c r=\"A2\"><v>1</v></c></row>",
        );
        let expected = [(1, StringRecord::from(vec!["4"])), (2, StringRecord::from(vec!["1", "2"]))];
        assert_eq!(rows(&mut book, "S", None).unwrap(), expected);
        // rows | what the message must say
        for (xml, said) in [
            ("<row r=\"1\"><c r=\"ZZZ1\"><v>3</v></c></row>", "beyond the last row or column"),
            ("<row r=\"2\"><c r=\"A2\"><v>3</v></c></row><row r=\"1\"><c r=\"A1\"><v>3</v></c></row>", "has row 1 below row 2"),
            ("<row r=\"1\"><c r=\"A1\" t=\"e\"><v>#NEW!</v></c></row>", "at or below row 1"),
        ] {
            let error = format!("{:#}", rows(&mut raw_workbook(xml), "S", None).unwrap_err());
            assert!(error.contains(said), "{error}");
        }
    }
}
