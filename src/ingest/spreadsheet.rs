//! A workbook to rows of text: each cell as a person sees it. The only module that knows calamine.
//!
//! What crosses this border is plain: a path in; names of sheets, and numbered rows of text, out.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx, XlsxError, open_workbook};
use chrono::{NaiveDate, NaiveTime, TimeDelta, Timelike};
use csv::StringRecord;

use super::limits::{MAX_COLUMNS, MAX_SHEET_ROWS};

/// An open workbook.
pub struct Workbook {
    xlsx: Xlsx<BufReader<File>>,
}

/// The cells of a sheet that are not blank, in order.
#[derive(Debug, Default)]
pub struct Sheet {
    text: String,
    cells: Vec<Cell>,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    row: u32,
    column: u32,
    start: usize,
    end: usize,
}

impl Workbook {
    /// Opens a workbook.
    ///
    /// # Errors
    /// It has a password or is damaged.
    pub fn open(path: &Path) -> Result<Workbook> {
        match open_workbook(path) {
            Ok(xlsx) => Ok(Workbook { xlsx }),
            Err(XlsxError::Password) => bail!("it has a password: take it off and save it again"),
            Err(error) => Err(anyhow!(error).context("the workbook is damaged: open it and save it again as XLSX or CSV")),
        }
    }

    /// The sheets that people see, in order.
    pub fn visible_sheets(&self) -> Vec<String> {
        let sheets = self.xlsx.sheets_metadata().iter();
        sheets
            .filter(|sheet| sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet)
            .map(|sheet| sheet.name.clone())
            .collect()
    }

    /// The cells of a sheet, of its first rows only where `first_rows` is given.
    ///
    /// # Errors
    /// The sheet is damaged or holds cells beyond the grid.
    pub fn read(&mut self, sheet: &str, first_rows: Option<u32>) -> Result<Sheet> {
        let damaged = || format!("the sheet `{sheet}` is damaged: open the workbook and save it again as XLSX or CSV");
        let mut reader = self.xlsx.worksheet_cells_reader(sheet).with_context(damaged)?;
        let widths: Vec<usize> = reader
            .styles()
            .iter()
            .map(|style| style.number_format.as_ref().map_or(0, |format| zero_padding(&format.format_code)))
            .collect();
        let mut read = Sheet::default();
        while let Some((cell, style)) = reader.next_cell_with_style_id().with_context(damaged)? {
            let (row, column) = cell.get_position();
            if first_rows.is_some_and(|rows| row >= rows) {
                break;
            }
            if row >= MAX_SHEET_ROWS || column as usize >= MAX_COLUMNS {
                bail!("the sheet `{sheet}` has a cell beyond the last row or column that a sheet can have: save it again");
            }
            let start = read.text.len();
            write(cell.get_value(), widths.get(style).copied().unwrap_or_default(), &mut read.text);
            if !read.text[start..].trim().is_empty() {
                read.cells.push(Cell { row, column, start, end: read.text.len() });
            }
        }
        // Cells may come out of order or twice: the last one counts, as for a spreadsheet program.
        if !read.cells.is_sorted_by(|a, b| (a.row, a.column) < (b.row, b.column)) {
            read.cells.sort_by_key(|cell| (cell.row, cell.column));
            read.cells.reverse();
            read.cells.dedup_by_key(|cell| (cell.row, cell.column));
            read.cells.reverse();
        }
        Ok(read)
    }
}

impl Sheet {
    /// Rows with a cell that is not blank: the row's number, 1 being the first, and its cells from the first column on.
    pub fn rows(&self) -> impl Iterator<Item = (u32, StringRecord)> + '_ {
        self.cells.chunk_by(|a, b| a.row == b.row).map(|row| {
            let mut cells = StringRecord::new();
            for cell in row {
                while cells.len() < cell.column as usize {
                    cells.push_field("");
                }
                cells.push_field(&self.text[cell.start..cell.end]);
            }
            (row[0].row + 1, cells)
        })
    }

    /// Cells that are not blank.
    pub fn len(&self) -> usize {
        self.cells.len()
    }
}

/// The digits that a number format such as `00000` fills up to, 0 where it does not.
fn zero_padding(format: &str) -> usize {
    let first = format.split(';').next().unwrap_or_default().trim();
    if first.len() > 1 && first.bytes().all(|byte| byte == b'0') { first.len() } else { 0 }
}

fn write(value: &DataRef, zeros: usize, text: &mut String) {
    match value {
        DataRef::Empty => {}
        DataRef::String(cell) | DataRef::DurationIso(cell) => text.push_str(cell),
        DataRef::SharedString(cell) => text.push_str(cell),
        DataRef::DateTimeIso(cell) => text.push_str(cell.strip_suffix("T00:00:00").unwrap_or(cell)),
        DataRef::Bool(cell) => text.push_str(if *cell { "TRUE" } else { "FALSE" }),
        DataRef::Int(cell) => text.push_str(&format!("{cell:0zeros$}")),
        DataRef::Float(cell) => text.push_str(&number(*cell, zeros)),
        DataRef::Error(cell) => text.push_str(&cell.to_string()),
        DataRef::DateTime(cell) => text.push_str(&moment(cell).unwrap_or_else(|| number(cell.as_f64(), 0))),
    }
}

/// A number without exponent, and without a fraction where it has none.
fn number(value: f64, zeros: usize) -> String {
    if value == 0.0 {
        format!("{:0zeros$}", 0)
    } else if value.fract() == 0.0 && value.abs() < 1e15 {
        format!("{:0zeros$}", value as i64)
    } else {
        value.to_string()
    }
}

/// A date, a date and time, or a time of day or duration; nothing for a serial number that is none of them.
fn moment(cell: &ExcelDateTime) -> Option<String> {
    let serial = cell.as_f64();
    if !(0.0..2_958_466.0).contains(&serial) {
        return None;
    }
    if cell.is_duration() || serial < 1.0 {
        let seconds = (serial * 86_400.0).round() as u64;
        return Some(format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
    }
    let (year, month, day, hour, minute, second, milli) = cell.to_ymd_hms_milli();
    let date = NaiveDate::from_ymd_opt(year.into(), month.into(), day.into())?;
    let exact = date.and_hms_milli_opt(hour.into(), minute.into(), second.into(), milli.into())?;
    // Serial numbers are inexact: to the nearest second.
    let moment = (exact + TimeDelta::milliseconds(500)).with_nanosecond(0)?;
    let format = if moment.time() == NaiveTime::MIN { "%Y-%m-%d" } else { "%Y-%m-%dT%H:%M:%S" };
    Some(moment.format(format).to_string())
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;
    use rust_xlsxwriter::{ExcelDateTime as Moment, Format, Workbook as Written};

    use super::*;

    #[test]
    fn cells_become_the_text_that_a_person_sees() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("export.xlsx");
        let mut workbook = Written::new();
        let sheet = workbook.add_worksheet();
        let format = |code: &str| Format::new().set_num_format(code);
        let day = Moment::from_ymd(2026, 11, 20).unwrap();
        sheet.write_string(0, 0, "Id").unwrap();
        sheet.write_number_with_format(1, 0, 1_234_567, &format("0000000000")).unwrap();
        sheet.write_number(1, 1, 123_456_789_012_345.0).unwrap();
        sheet.write_number(1, 2, 1.5).unwrap();
        sheet.write_boolean(1, 3, true).unwrap();
        sheet.write_datetime_with_format(1, 4, &day, &format("yyyy-mm-dd")).unwrap();
        let noon = Moment::from_ymd(2026, 11, 20).unwrap().and_hms(12, 34, 56).unwrap();
        sheet.write_datetime_with_format(1, 5, &noon, &format("m/d/yyyy h:mm")).unwrap();
        sheet.write_string(3, 1, "below a gap").unwrap();
        let hidden = workbook.add_worksheet();
        hidden.set_hidden(true);
        workbook.save(&path).unwrap();

        let mut workbook = Workbook::open(&path).unwrap();
        assert_eq!(workbook.visible_sheets(), ["Sheet1"]);
        let sheet = workbook.read("Sheet1", None).unwrap();
        let rows: Vec<(u32, StringRecord)> = sheet.rows().collect();
        assert_eq!(
            rows,
            [
                (1, StringRecord::from(vec!["Id"])),
                (
                    2,
                    StringRecord::from(vec!["0001234567", "123456789012345", "1.5", "TRUE", "2026-11-20", "2026-11-20T12:34:56"])
                ),
                (4, StringRecord::from(vec!["", "below a gap"])),
            ]
        );
        assert_eq!(workbook.read("Sheet1", Some(1)).unwrap().len(), 1);
    }

    /// A workbook with one sheet, from the XML of its rows.
    fn raw_workbook(path: &Path, rows: &str) {
        use std::io::Write;
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
        let mut archive = zip::ZipWriter::new(File::create(path).unwrap());
        for (name, text) in parts {
            archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(text.as_bytes()).unwrap();
        }
        archive.finish().unwrap();
    }

    #[test]
    fn cells_out_of_order_or_twice_and_beyond_the_grid() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.xlsx");
        raw_workbook(
            &path,
            "<row r=\"2\"><c r=\"B2\"><v>2</v></c><c r=\"A2\"><v>1</v></c></row>\
             <row r=\"1\"><c r=\"A1\"><v>3</v></c><c r=\"A1\"><v>4</v></c></row>",
        );
        let sheet = Workbook::open(&path).unwrap().read("S", None).unwrap();
        let rows: Vec<(u32, StringRecord)> = sheet.rows().collect();
        assert_eq!(rows, [(1, StringRecord::from(vec!["4"])), (2, StringRecord::from(vec!["1", "2"]))]);

        raw_workbook(&path, "<row r=\"1\"><c r=\"ZZZ1\"><v>3</v></c></row>");
        let error = Workbook::open(&path).unwrap().read("S", None).unwrap_err();
        assert!(error.to_string().contains("beyond the last row or column"), "{error}");
    }

    #[test]
    fn numbers_and_serials() {
        // value | zeros | text
        for (value, zeros, expected) in [
            (DataRef::Float(0.0), 0, "0"),
            (DataRef::Float(-0.0), 0, "0"),
            (DataRef::Float(7.0), 5, "00007"),
            (DataRef::Float(1e14), 0, "100000000000000"),
            (DataRef::Float(1.5e21), 0, "1500000000000000000000"),
            (DataRef::Float(0.1), 0, "0.1"),
            (DataRef::Bool(false), 0, "FALSE"),
            (DataRef::DateTimeIso("2026-11-20T00:00:00".to_owned()), 0, "2026-11-20"),
            (DataRef::Error(calamine::CellErrorType::NA), 0, "#N/A"),
        ] {
            let mut text = String::new();
            write(&value, zeros, &mut text);
            assert_eq!(text, expected, "{value:?}");
        }
        // serial | text
        for (serial, expected) in [
            (46_346.0, "2026-11-20"),
            (46_346.25, "2026-11-20T06:00:00"),
            (46_346.999_999_9, "2026-11-21"),
            (0.5, "12:00:00"),
            (-1.0, "-1"),
            (60.0, "60"),
        ] {
            let mut text = String::new();
            write(&DataRef::DateTime(ExcelDateTime::new(serial, ExcelDateTimeType::DateTime, false)), 0, &mut text);
            assert_eq!(text, expected, "{serial}");
        }
    }

    #[test]
    fn number_formats_that_keep_zeros() {
        for (format, expected) in [("00000", 5), ("0", 0), ("0.00", 0), ("General", 0), ("0000;-0000", 4), ("@", 0)] {
            assert_eq!(zero_padding(format), expected, "{format}");
        }
    }
}
