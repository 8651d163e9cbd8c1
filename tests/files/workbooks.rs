//! The same cells as a workbook of every format, as small as a reader takes them.

use std::io::{Cursor, Write};

use super::zip;

/// A cell as a spreadsheet program keeps it.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Blank,
    Text(String),
    /// A number, shown with zeros before it up to so many digits.
    Number(f64, usize),
    Bool(bool),
    /// Days since 30 December 1899.
    Day(u32),
}

/// A row of a sheet, from the first column on.
pub type Cells = Vec<Cell>;

/// What a spreadsheet program makes of a table: all texts, or `typed`, what looks like a number, a boolean or a date as such.
pub fn cells(table: &[Vec<String>], typed: bool) -> Vec<Cells> {
    let cell = |text: &String| match text.as_str() {
        "" => Cell::Blank,
        "true" | "false" if typed => Cell::Bool(text == "true"),
        number if typed && number.len() < 16 && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            Cell::Number(number.parse().unwrap(), number.len())
        }
        day if typed && day.len() == 10 => match chrono::NaiveDate::parse_from_str(day, "%Y-%m-%d") {
            Ok(day) => Cell::Day((day - chrono::NaiveDate::from_ymd_opt(1899, 12, 30).unwrap()).num_days() as u32),
            Err(_) => Cell::Text(day.to_owned()),
        },
        _ => Cell::Text(text.clone()),
    };
    table.iter().map(|row| row.iter().map(cell).collect()).collect()
}

/// What writes a workbook of a format.
pub type WriteWorkbook = fn(&[Cells]) -> Vec<u8>;

/// Each format: its ending and what writes it.
pub const FORMATS: [(&str, WriteWorkbook); 5] = [("xlsx", xlsx), ("xlsm", xlsm), ("xlsb", xlsb), ("xls", xls), ("ods", ods)];

/// The widths of numbers that are shown with zeros: each is a style of its own.
fn widths(rows: &[Cells]) -> Vec<usize> {
    let number = |cell: &Cell| if let Cell::Number(_, width) = cell { Some(*width) } else { None };
    let mut widths: Vec<usize> = rows.iter().flatten().filter_map(number).collect();
    widths.sort_unstable();
    widths.dedup();
    widths
}

/// The cells that are not blank, with their places.
fn filled(rows: &[Cells]) -> impl Iterator<Item = (usize, usize, &Cell)> {
    let places = rows.iter().enumerate().flat_map(|(row, cells)| cells.iter().enumerate().map(move |(at, cell)| (row, at, cell)));
    places.filter(|(_, _, cell)| **cell != Cell::Blank)
}

pub fn xlsx(rows: &[Cells]) -> Vec<u8> {
    use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let format = |code: &str| Format::new().set_num_format(code);
    for (row, column, cell) in filled(rows) {
        let (row, column) = (row as u32, column as u16);
        match cell {
            Cell::Blank => continue,
            Cell::Text(text) => sheet.write_string(row, column, text),
            Cell::Number(number, width) => sheet.write_number_with_format(row, column, *number, &format(&"0".repeat(*width))),
            Cell::Bool(value) => sheet.write_boolean(row, column, *value),
            Cell::Day(day) => {
                let day = ExcelDateTime::from_serial_datetime(f64::from(*day)).unwrap();
                sheet.write_datetime_with_format(row, column, &day, &format("yyyy-mm-dd"))
            }
        }
        .unwrap();
    }
    workbook.save_to_buffer().unwrap()
}

fn xlsm(rows: &[Cells]) -> Vec<u8> {
    let workbook = xlsx(rows);
    let mut archive = zip::ZipWriter::new_append(Cursor::new(workbook)).unwrap();
    archive.start_file("xl/vbaProject.bin", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(b"macros").unwrap();
    archive.finish().unwrap().into_inner()
}

/// Its parts are records: what it is, its length and its bytes, numbers in groups of seven bits.
fn xlsb(rows: &[Cells]) -> Vec<u8> {
    fn record(part: &mut Vec<u8>, kind: u16, body: &[u8]) {
        if kind < 0x80 {
            part.push(kind as u8);
        } else {
            part.extend([kind as u8 | 0x80, (kind >> 7) as u8]);
        }
        let mut length = body.len();
        while length > 0x7f {
            part.push(length as u8 | 0x80);
            length >>= 7;
        }
        part.push(length as u8);
        part.extend(body);
    }
    let text = |text: &str| {
        let units: Vec<u16> = text.encode_utf16().collect();
        let bytes = units.iter().flat_map(|unit| unit.to_le_bytes());
        (units.len() as u32).to_le_bytes().into_iter().chain(bytes).collect::<Vec<u8>>()
    };
    let number = u32::to_le_bytes;

    let mut workbook = Vec::new();
    record(&mut workbook, 0x83, &[]);
    record(&mut workbook, 0x99, &[0; 12]);
    record(&mut workbook, 0x8f, &[]);
    record(&mut workbook, 0x9c, &[&number(0)[..], &number(1), &text("r1"), &text("Data")].concat());
    record(&mut workbook, 0x90, &[]);
    record(&mut workbook, 0x9d, &[]);
    record(&mut workbook, 0x84, &[]);

    let widths = widths(rows);
    let mut styles = Vec::new();
    record(&mut styles, 0x267, &number(widths.len() as u32 + 1));
    for (code, width) in (164_u16..).zip(&widths) {
        record(&mut styles, 0x2c, &[&code.to_le_bytes()[..], &text(&"0".repeat(*width))].concat());
    }
    let day = 164 + widths.len() as u16;
    record(&mut styles, 0x2c, &[&day.to_le_bytes()[..], &text("yyyy\\-mm\\-dd")].concat());
    record(&mut styles, 0x268, &[]);
    record(&mut styles, 0x269, &number(widths.len() as u32 + 2));
    for code in std::iter::once(0).chain(164..=day) {
        record(&mut styles, 0x2f, &[&[0, 0][..], &code.to_le_bytes(), &[0; 12]].concat());
    }
    record(&mut styles, 0x26a, &[]);

    let mut sheet = Vec::new();
    record(&mut sheet, 0x81, &[]);
    record(&mut sheet, 0x94, &[0; 16]);
    record(&mut sheet, 0x91, &[]);
    for (row, cells) in rows.iter().enumerate() {
        record(&mut sheet, 0, &[&number(row as u32)[..], &[0; 13]].concat());
        for (column, cell) in (0..).map(number).zip(cells) {
            let style = |at: usize| number(at as u32);
            match cell {
                Cell::Blank => record(&mut sheet, 1, &[column, style(0)].concat()),
                Cell::Text(cell) => record(&mut sheet, 6, &[&column[..], &style(0), &text(cell)].concat()),
                // A whole number that fits 30 bits is kept short.
                Cell::Number(value, width) => {
                    let style = style(1 + widths.iter().position(|known| known == width).unwrap());
                    if *value < f64::from(1 << 28) {
                        record(&mut sheet, 2, &[column, style, number((*value as u32) << 2 | 2)].concat());
                    } else {
                        record(&mut sheet, 5, &[&column[..], &style, &value.to_le_bytes()].concat());
                    }
                }
                Cell::Bool(value) => record(&mut sheet, 4, &[&column[..], &style(0), &[u8::from(*value)]].concat()),
                Cell::Day(value) => {
                    record(&mut sheet, 5, &[&column[..], &style(1 + widths.len()), &f64::from(*value).to_le_bytes()].concat());
                }
            }
        }
    }
    record(&mut sheet, 0x92, &[]);
    record(&mut sheet, 0x82, &[]);

    let relations =
        "<Relationships><Relationship Id=\"r1\" Type=\"worksheet\" Target=\"worksheets/sheet1.bin\"/></Relationships>";
    zip(&[
        ("[Content_Types].xml", b"<Types/>".to_vec()),
        ("xl/workbook.bin", workbook),
        ("xl/_rels/workbook.bin.rels", relations.as_bytes().to_vec()),
        ("xl/styles.bin", styles),
        ("xl/worksheets/sheet1.bin", sheet),
    ])
}

/// One stream of records in a container: what it is, its length and its bytes.
fn xls(rows: &[Cells]) -> Vec<u8> {
    fn record(stream: &mut Vec<u8>, kind: u16, body: &[u8]) {
        stream.extend(kind.to_le_bytes());
        stream.extend((body.len() as u16).to_le_bytes());
        stream.extend(body);
    }
    fn begin(stream: &mut Vec<u8>, kind: u16) {
        let words = [0x0600, kind, 0x0dbb, 0x07cc, 0, 0, 0, 0];
        record(stream, 0x809, &words.map(u16::to_le_bytes).concat());
    }
    let text = |text: &str| {
        let units: Vec<u16> = text.encode_utf16().collect();
        let bytes = units.iter().flat_map(|unit| unit.to_le_bytes());
        (units.len() as u16).to_le_bytes().into_iter().chain([1]).chain(bytes).collect::<Vec<u8>>()
    };
    let widths = widths(rows);
    let day = 164 + widths.len() as u16;
    let mut stream = Vec::new();
    begin(&mut stream, 5);
    for (code, width) in (164_u16..).zip(&widths) {
        record(&mut stream, 0x41e, &[&code.to_le_bytes()[..], &text(&"0".repeat(*width))].concat());
    }
    record(&mut stream, 0x41e, &[&day.to_le_bytes()[..], &text("yyyy\\-mm\\-dd")].concat());
    for code in std::iter::once(0).chain(164..=day) {
        record(&mut stream, 0xe0, &[&[0, 0][..], &code.to_le_bytes(), &[0; 16]].concat());
    }
    // The name of the sheet in bytes, and where it begins: behind this record and the last one.
    let start = stream.len() as u32 + 4 + 12 + 4;
    record(&mut stream, 0x85, &[&start.to_le_bytes()[..], &[0, 0, 4, 0], b"Data"].concat());
    record(&mut stream, 0x0a, &[]);
    assert_eq!(stream.len(), start as usize);

    begin(&mut stream, 0x10);
    for (row, column, cell) in filled(rows) {
        let style = match cell {
            Cell::Number(_, width) => 1 + widths.iter().position(|known| known == width).unwrap(),
            Cell::Day(_) => 1 + widths.len(),
            _ => 0,
        };
        let place = [row, column, style].map(|number| (number as u16).to_le_bytes()).concat();
        match cell {
            Cell::Blank => {}
            Cell::Text(cell) => record(&mut stream, 0x204, &[place, text(cell)].concat()),
            Cell::Number(value, _) => record(&mut stream, 0x203, &[&place[..], &value.to_le_bytes()].concat()),
            Cell::Bool(value) => record(&mut stream, 0x205, &[&place[..], &[u8::from(*value), 0]].concat()),
            Cell::Day(value) => record(&mut stream, 0x203, &[&place[..], &f64::from(*value).to_le_bytes()].concat()),
        }
    }
    record(&mut stream, 0x0a, &[]);

    let mut container = cfb::CompoundFile::create_with_version(cfb::Version::V3, Cursor::new(Vec::new())).unwrap();
    container.create_stream("/Workbook").unwrap().write_all(&stream).unwrap();
    container.into_inner().into_inner()
}

/// Each cell carries its value and the text that is shown.
fn ods(rows: &[Cells]) -> Vec<u8> {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let cell = |cell: &Cell| match cell {
        Cell::Blank => "<table:table-cell/>".to_owned(),
        Cell::Text(text) => {
            let lines: Vec<String> = text.lines().map(|line| format!("<text:p>{}</text:p>", escape(line))).collect();
            format!("<table:table-cell office:value-type=\"string\">{}</table:table-cell>", lines.concat())
        }
        Cell::Number(value, width) => format!(
            "<table:table-cell office:value-type=\"float\" office:value=\"{value}\"><text:p>{value:0width$}</text:p></table:table-cell>"
        ),
        Cell::Bool(value) => format!(
            "<table:table-cell office:value-type=\"boolean\" office:boolean-value=\"{value}\"><text:p>{}</text:p></table:table-cell>",
            value.to_string().to_uppercase()
        ),
        Cell::Day(value) => {
            let day = chrono::NaiveDate::from_ymd_opt(1899, 12, 30).unwrap() + chrono::Days::new(u64::from(*value));
            let shown = day.format("%m/%d/%y");
            format!(
                "<table:table-cell office:value-type=\"date\" office:date-value=\"{day}\"><text:p>{shown}</text:p></table:table-cell>"
            )
        }
    };
    let row = |cells: &Cells| format!("<table:table-row>{}</table:table-row>", cells.iter().map(cell).collect::<String>());
    let names =
        ["office", "table", "text"].map(|name| format!(" xmlns:{name}=\"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0\""));
    let content = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<office:document-content{}><office:body><office:spreadsheet>\
         <table:table table:name=\"Data\">{}</table:table></office:spreadsheet></office:body></office:document-content>",
        names.concat(),
        rows.iter().map(row).collect::<String>()
    );
    zip(&[
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", "<manifest:manifest/>"),
        ("content.xml", &content),
    ])
}
