//! A workbook to rows of text: each cell as a person sees it. With its neighbours [`rows`](super::rows) and
//! [`text`](super::text) the only module that knows calamine.
//!
//! What crosses this border is plain: bytes in; names of sheets, and numbered rows of text, out.

use std::fmt::Display;
use std::io::Cursor;
use std::rc::Rc;

use anyhow::{Result, anyhow, bail};
use calamine::{Data, DataRef, Range, Reader, Sheet, SheetType, SheetVisible, Xls, XlsError, Xlsb, XlsbError, Xlsx, XlsxError};
use zip::ZipArchive;

use super::ods::Ods;
use super::rows::{Rows, SAVE_AGAIN, Take};
use super::text::{self, NumberStyle, PLAIN};
use super::{formulas, repair, xls, xlsb};

/// What to say of a workbook that is encrypted.
pub const PASSWORD: &str = "it has a password: take it off and save it again";

/// An open workbook.
pub struct Book {
    bytes: Bytes,
    reader: BookReader,
}

enum BookReader {
    /// Office Open XML: cells are streamed.
    Xlsx(Box<Xlsx<Cursor<Bytes>>>),
    /// Its binary sister: cells are streamed.
    Xlsb(Box<Xlsb<Cursor<Bytes>>>, xlsb::Formats),
    /// The format before: sheets are loaded whole. Without its number formats no whole number is read.
    Xls(Box<Xls<Cursor<Bytes>>>, Result<xls::Formats>),
    /// OpenDocument: the content is loaded whole.
    Ods(Ods),
}

/// The workbook's bytes, which several readers share.
#[derive(Clone)]
struct Bytes(Rc<Vec<u8>>);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

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
        let bytes = Bytes(Rc::new(bytes));
        let open = || Cursor::new(bytes.clone());
        let damaged = |error: &dyn Display| anyhow!("the workbook is damaged ({error}): {SAVE_AGAIN}");
        let reader = match kind {
            Kind::Xlsx => match Xlsx::new(open()) {
                Ok(book) => {
                    // What is damaged is said where it is read.
                    if let Ok(Some(cell)) = formulas::without_result(bytes.as_ref()) {
                        bail!(
                            "cell {cell} holds a formula whose result was not saved, so that it would read as blank: open it in a \
                             spreadsheet program and save it, or write the values and not formulas"
                        );
                    }
                    BookReader::Xlsx(Box::new(book))
                }
                Err(XlsxError::Password) => bail!(PASSWORD),
                Err(error) => return Err(damaged(&error)),
            },
            Kind::Xlsb => match Xlsb::new(open()) {
                Ok(book) => {
                    let formats = xlsb::formats(bytes.as_ref()).map_err(|error| damaged(&error))?;
                    BookReader::Xlsb(Box::new(book), formats)
                }
                Err(XlsbError::Password) => bail!(PASSWORD),
                Err(error) => return Err(damaged(&error)),
            },
            Kind::Xls => match Xls::new(open()) {
                Ok(book) => BookReader::Xls(Box::new(book), xls::formats(bytes.as_ref())),
                Err(XlsError::Password) => bail!(PASSWORD),
                Err(error) => return Err(damaged(&error)),
            },
            Kind::Ods => match Ods::open(bytes.as_ref()) {
                Ok(book) => BookReader::Ods(book),
                Err(error) if error.to_string() == PASSWORD => return Err(error),
                Err(error) => return Err(damaged(&error)),
            },
        };
        Ok(Book { bytes, reader })
    }

    /// The sheets in order, each with whether people do not see it.
    pub fn sheets(&self) -> Vec<(String, bool)> {
        let sheets: &[Sheet] = match &self.reader {
            BookReader::Xlsx(book) => book.sheets_metadata(),
            BookReader::Xlsb(book, _) => book.sheets_metadata(),
            BookReader::Xls(book, _) => book.sheets_metadata(),
            BookReader::Ods(book) => return book.sheets().map(|(name, is_hidden)| (name.to_owned(), is_hidden)).collect(),
        };
        sheets
            .iter()
            .filter(|sheet| sheet.typ == SheetType::WorkSheet)
            .map(|sheet| (sheet.name.clone(), sheet.visible != SheetVisible::Visible))
            .collect()
    }

    /// Gives each row of a sheet that has a cell that is not blank, of its first rows only where `first_rows` is given.
    ///
    /// # Errors
    /// The sheet is damaged, its rows are out of order, or it holds cells beyond the grid; what `take` says.
    pub fn rows(&mut self, sheet: &str, first_rows: Option<u32>, take: Take) -> Result<()> {
        let mut rows = Rows::new(sheet, first_rows, take);
        let damaged = |error: &dyn Display| anyhow!("the sheet `{sheet}` is damaged ({error}): {SAVE_AGAIN}");
        match &mut self.reader {
            BookReader::Xlsx(book) => {
                if let Xlsxed::NewError = xlsx(book, sheet, &mut rows)? {
                    let repaired = repair::errors_as_text(self.bytes.as_ref()).map_err(|error| damaged(&error))?;
                    **book = Xlsx::new(Cursor::new(Bytes(Rc::new(repaired)))).map_err(|error| damaged(&error))?;
                    rows.again();
                    if let Xlsxed::NewError = xlsx(book, sheet, &mut rows)? {
                        return Err(rows.unreadable(&"an error value"));
                    }
                }
            }
            BookReader::Xlsb(book, formats) => {
                let mut archive = ZipArchive::new(Cursor::new(self.bytes.as_ref()))?;
                let mut places = formats.cells(&mut archive, sheet).map_err(|error| damaged(&error))?;
                let mut reader = book.worksheet_cells_reader(sheet).map_err(|error| damaged(&error))?;
                loop {
                    let place = places.next().map_err(|error| rows.unreadable(&error))?;
                    let unknown = DataRef::String("#UNKNOWN!".to_owned());
                    let (position, value) = match (reader.next_cell(), place) {
                        (Ok(Some(cell)), Some(_)) => (cell.get_position(), cell.get_value().clone()),
                        (Err(XlsbError::CellError(_)), Some((position, _))) => (position, unknown),
                        (Ok(None), None) => break,
                        (Err(error), _) => return Err(rows.unreadable(&error)),
                        _ => return Err(rows.unreadable(&"its cells cannot be counted")),
                    };
                    let style = place.filter(|(expected, _)| *expected == position).map(|(_, style)| style);
                    let style = style.ok_or_else(|| rows.unreadable(&"its cells cannot be told apart"))?;
                    if !rows.cell(position, &value, formats.styles.get(style).unwrap_or(&PLAIN))? {
                        break;
                    }
                }
            }
            BookReader::Xls(book, formats) => {
                let at = book.sheets_metadata().iter().position(|known| known.name == sheet).unwrap_or_default();
                whole(&book.worksheet_range(sheet).map_err(|error| damaged(&error))?, formats, at, &mut rows)?;
            }
            BookReader::Ods(book) => book.rows(sheet, &mut rows)?,
        }
        rows.flush()
    }
}

/// How far the cells of a sheet were read.
enum Xlsxed {
    ToTheEnd,
    /// To an error value that calamine does not know.
    NewError,
}

fn xlsx(book: &mut Xlsx<Cursor<Bytes>>, sheet: &str, rows: &mut Rows) -> Result<Xlsxed> {
    let damaged = |error: &dyn Display| anyhow!("the sheet `{sheet}` is damaged ({error}): {SAVE_AGAIN}");
    let mut reader = book.worksheet_cells_reader(sheet).map_err(|error| damaged(&error))?;
    let format = |style: &calamine::Style| {
        style.number_format.as_ref().map_or_else(NumberStyle::default, |format| text::style(&format.format_code))
    };
    let styles: Vec<NumberStyle> = reader.styles().iter().map(format).collect();
    loop {
        match reader.next_cell_with_style_id() {
            Ok(Some((cell, style))) => {
                if !rows.cell(cell.get_position(), cell.get_value(), styles.get(style).unwrap_or(&PLAIN))? {
                    return Ok(Xlsxed::ToTheEnd);
                }
            }
            Ok(None) => return Ok(Xlsxed::ToTheEnd),
            Err(XlsxError::CellError(_)) => return Ok(Xlsxed::NewError),
            Err(error) => return Err(rows.unreadable(&error)),
        }
    }
}

/// A sheet of an XLS workbook, by its position.
fn whole(range: &Range<Data>, formats: &Result<xls::Formats>, sheet: usize, rows: &mut Rows) -> Result<()> {
    let Some((first_row, first_column)) = range.start() else { return Ok(()) };
    for (row, column, value) in range.used_cells() {
        let place = (first_row + row as u32, first_column + column as u32);
        let style = match formats {
            Ok(formats) => formats.style(sheet, place),
            Err(error) if matches!(value, Data::Int(_)) || matches!(value, Data::Float(value) if value.fract() == 0.0) => {
                bail!("its number formats cannot be read ({error:#}), so that ids could lose their leading zeros: {SAVE_AGAIN}")
            }
            Err(_) => &PLAIN,
        };
        if !rows.cell(place, &by_reference(value), style)? {
            break;
        }
    }
    Ok(())
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

    use csv::StringRecord;
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
        assert_eq!(book.sheets(), [("Sheet1".to_owned(), false), ("Sheet2".to_owned(), true)]);
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
        opened(rows).unwrap()
    }

    fn opened(rows: &str) -> Result<Book> {
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
        Book::open(Kind::Xlsx, archive.finish().unwrap().into_inner())
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
            ("<row r=\"1\"><c r=\"A1\" t=\"n\"><v>#NEW!</v></c></row>", "at or below row 1"),
        ] {
            let error = format!("{:#}", rows(&mut raw_workbook(xml), "S", None).unwrap_err());
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_formula_without_its_result_is_refused() {
        let empty_text =
            "<row r=\"1\"><c r=\"A1\" t=\"str\"><f>IF(1=2,\"x\",\"\")</f><v></v></c><c r=\"B1\"><f>1+1</f><v>2</v></c></row>";
        assert_eq!(rows(&mut raw_workbook(empty_text), "S", None).unwrap(), [(1, StringRecord::from(vec!["", "2"]))]);
        for result in ["", "<v></v>", "<v/>", "<v />"] {
            let xml = format!("{}<row r=\"2\"><c r=\"A2\" s=\"0\"><f>TRUE()</f>{result}</c></row>", empty_text);
            let error = format!("{:#}", opened(&xml).err().unwrap());
            assert!(error.starts_with("cell A2 holds a formula whose result was not saved"), "{error}");
        }
    }

    #[test]
    fn an_error_value_that_is_new_is_text_and_no_row_comes_twice() {
        let mut book = raw_workbook(
            "<row r=\"1\"><c r=\"A1\"><v>1</v></c></row>\
             <row r=\"2\"><c r=\"A2\" t=\"e\"><f>A1:A3</f><v>#SPILL!</v></c><c r=\"B2\" t='e'><v>#N/A</v></c></row>\
             <row><c t=\"e\"><v>#CALC!</v></c><c><v>2</v></c></row>",
        );
        let expected = [(1, vec!["1"]), (2, vec!["#SPILL!", "#N/A"]), (3, vec!["#CALC!", "2"])];
        let expected = expected.map(|(row, cells)| (row, StringRecord::from(cells)));
        assert_eq!(rows(&mut book, "S", None).unwrap(), expected);
        assert_eq!(rows(&mut book, "S", Some(2)).unwrap(), expected[..2]);
    }
}
