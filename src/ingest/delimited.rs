//! Delimited text to rows: one row a record, with the number of the line that it starts on.
//!
//! Every row that is read goes to the table or to the rejects, also when a quotation mark that is never
//! closed would swallow the rows below it: then its first line is rejected and reading goes on at the next.
//! A long text is read in pieces side by side, with the same result as from end to end.

use std::borrow::Cow;

use anyhow::{Result, bail};
use csv::StringRecord;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use memchr::{memchr_iter, memchr2, memchr3};
use rayon::prelude::*;

use super::limits::{HEAD_BYTES, HEAD_ROWS, MAX_OPEN_QUOTES, MAX_ROW_LINES, PIECE_BYTES};
use super::table::{Builder, filled};
use crate::progress;

/// The name of a delimiter in reports.
pub fn delimiter_name(delimiter: u8) -> String {
    match DELIMITERS.iter().find(|(known, _)| *known == delimiter) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("delimiter `{}`", delimiter as char),
    }
}

/// Delimiters that exports use, and their names.
pub const DELIMITERS: [(u8, &str); 4] = [(b',', "comma"), (b';', "semicolon"), (b'\t', "tab"), (b'|', "pipe")];

/// A row near the top of a file.
#[derive(Clone, Debug)]
pub struct HeadRow {
    /// Its line or the row of the sheet, 1 being the first.
    pub row: u32,
    /// Where the next row starts.
    pub end: Place,
    /// Its cells.
    pub cells: StringRecord,
}

/// A place in a text, at the start of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Bytes before it.
    pub byte: usize,
    /// Line breaks before it.
    pub lines: u64,
}

/// A text and how its rows are told apart.
#[derive(Clone, Copy, Debug)]
pub struct Dialect<'t> {
    /// The text.
    pub text: &'t str,
    /// What stands between the cells of a row.
    pub delimiter: u8,
    /// Whether lone carriage returns break lines too.
    lone_cr: bool,
}

impl<'t> Dialect<'t> {
    /// A text with a delimiter.
    pub fn new(text: &'t str, delimiter: u8) -> Dialect<'t> {
        Dialect { text, delimiter, lone_cr: has_lone_cr(text) }
    }
}

/// A part of a text that begins at the start of a row.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// Where it begins.
    pub from: Place,
    /// The byte from which on no further row begins in it.
    pub until: usize,
}

/// How the reading of a piece ended.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// Behind the last row.
    pub at: Place,
    /// Quotation marks without an end.
    pub open_quotes: usize,
}

/// The first rows of a text, blank lines left out.
pub fn head(text: &str, delimiter: u8) -> Vec<HeadRow> {
    let text = match text.as_bytes().get(..HEAD_BYTES) {
        Some(start) => &text[..start.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1)],
        None => text,
    };
    let mut records = Records::new(Dialect::new(text, delimiter), Place::default());
    let mut rows = Vec::new();
    while rows.len() < HEAD_ROWS && records.read() {
        let Some(row) = records.row() else { break };
        rows.push(HeadRow { row, end: records.end, cells: StringRecord::from(records.cells().into_owned()) });
    }
    rows
}

/// Reads a text from a place to its end, in pieces side by side, and gives what each came to, in their order.
///
/// Where a line ends in the middle of a cell only reading from the start can tell. So pieces are cut where a line ends, and
/// a piece is read again from where the one before it really ended, should that be another place.
///
/// # Errors
/// What `read` says; more quotation marks without an end than a file may have.
pub fn in_pieces<T: Send>(dialect: &Dialect, from: Place, read: impl Fn(Piece) -> Result<(T, End)> + Sync) -> Result<Vec<T>> {
    let pieces = pieces(dialect, from);
    let told = |piece: &Piece| {
        let part = read(*piece);
        progress::advance((piece.until - piece.from.byte) as u64);
        part
    };
    let parts: Vec<Result<(T, End)>> = pieces.par_iter().map(told).collect();
    let (mut at, mut open_quotes, mut read_parts) = (from, 0, Vec::with_capacity(parts.len()));
    for (piece, part) in pieces.into_iter().zip(parts) {
        if at.byte >= piece.until {
            continue;
        }
        let (part, end) = if at == piece.from { part? } else { read(Piece { from: at, ..piece })? };
        at = end.at;
        open_quotes += end.open_quotes;
        refuse_open_quotes(open_quotes)?;
        read_parts.push(part);
    }
    Ok(read_parts)
}

/// The pieces of a text, each with the lines before it. The last is long enough for any footer.
fn pieces(dialect: &Dialect, from: Place) -> Vec<Piece> {
    let bytes = dialect.text.as_bytes();
    let end_of_line = |at: usize| {
        let rest = bytes[at..].windows(2).position(|pair| pair[0] == b'\n' && !matches!(pair[1], b'\r' | b'\n'));
        rest.map(|rest| at + rest + 1)
    };
    let mut starts = vec![from.byte];
    let mut next = from.byte + PIECE_BYTES;
    while !dialect.lone_cr && next + PIECE_BYTES < bytes.len() {
        let Some(start) = end_of_line(next).filter(|start| start + PIECE_BYTES < bytes.len()) else { break };
        starts.push(start);
        next = start + PIECE_BYTES;
    }
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([bytes.len()]).collect();
    let lines: Vec<usize> =
        starts.par_iter().zip(&ends).map(|(start, end)| memchr_iter(b'\n', &bytes[*start..*end]).count()).collect();
    let mut before = from.lines;
    let with_lines = starts.into_iter().zip(ends).zip(lines).map(|((byte, until), lines)| {
        let from = Place { byte, lines: before };
        before += lines as u64;
        Piece { from, until }
    });
    with_lines.collect()
}

fn refuse_open_quotes(open_quotes: usize) -> Result<()> {
    if open_quotes > MAX_OPEN_QUOTES {
        bail!("more than {MAX_OPEN_QUOTES} of its rows have a quotation mark that is never closed: export it again");
    }
    Ok(())
}

/// Reads every row of a piece.
///
/// # Errors
/// More lines, or more quotation marks without an end, than a file may have.
pub fn read(dialect: &Dialect, piece: Piece, table: &mut Builder) -> Result<End> {
    let mut records = Records::new(*dialect, piece.from);
    let mut blank_before = false;
    let mut open_quotes = 0;
    while records.end.byte < piece.until && records.read() {
        let Some(row) = records.row() else { bail!("it has too many lines: export it in parts") };
        if filled(records.cells().iter().copied()).next().is_none() {
            blank_before = true;
            continue;
        }
        let after_blank = std::mem::take(&mut blank_before) || records.after_blank;
        if records.swallowed_rows(table.width()) {
            open_quotes += 1;
            refuse_open_quotes(open_quotes)?;
            let line = records.first_line();
            let reason = "a quotation mark is opened and not closed in this row, or the row does not have the cells of the \
                          header: put it right and export it again";
            table.reject_row(row, line.trim_end(), reason);
            records.resume_at_second_line();
            continue;
        }
        table.push(&records.cells(), row, after_blank);
    }
    Ok(End { at: records.end, open_quotes })
}

/// Records with true line numbers.
pub struct Records<'t> {
    dialect: Dialect<'t>,
    /// The cells of a record that is one plain line.
    plain: Vec<&'t str>,
    is_plain: bool,
    quoted: Quoted,
    start: Place,
    end: Place,
    after_blank: bool,
}

impl<'t> Records<'t> {
    /// The records of a text from a place on.
    pub fn new(dialect: Dialect<'t>, origin: Place) -> Records<'t> {
        let quoted = Quoted::new(dialect.delimiter);
        Records { dialect, plain: Vec::new(), is_plain: true, quoted, start: origin, end: origin, after_blank: false }
    }

    /// The line that the present record starts on, where a file may have so many.
    pub fn row(&self) -> Option<u32> {
        u32::try_from(self.start.lines + 1).ok()
    }

    /// The cells of the present record.
    pub fn cells(&self) -> Cow<'_, [&str]> {
        if self.is_plain { Cow::Borrowed(&self.plain) } else { Cow::Owned(self.quoted.cells().collect()) }
    }

    /// Reads the next record; blank lines before it are skipped.
    pub fn read(&mut self) -> bool {
        let bytes = self.dialect.text.as_bytes();
        let mut start = self.end;
        while let Some(b'\n' | b'\r') = bytes.get(start.byte) {
            start = Place { byte: start.byte + break_length(bytes, start.byte), lines: start.lines + 1 };
        }
        if start.byte == bytes.len() {
            return false;
        }
        self.after_blank = start != self.end;
        self.start = start;
        let plain = self.read_plain();
        self.is_plain = plain.is_some();
        self.end = match plain {
            Some(length) => Place { byte: start.byte + length, lines: start.lines + 1 },
            None => {
                let length = self.quoted.read(&bytes[start.byte..]);
                let raw = &bytes[start.byte..start.byte + length];
                let lines = if self.dialect.lone_cr { line_breaks(raw) } else { memchr_iter(b'\n', raw).count() as u64 };
                Place { byte: start.byte + length, lines: start.lines + lines }
            }
        };
        true
    }

    /// Reads a record that is one plain line, which nearly all are: each cell is quoted or not, and has no quotation mark or
    /// line break within. Gives the bytes of the line with its break; none where the record is not such a line.
    fn read_plain(&mut self) -> Option<usize> {
        let Dialect { text, delimiter, lone_cr } = self.dialect;
        let rest = &text[self.start.byte..];
        let bytes = rest.as_bytes();
        if lone_cr {
            return None;
        }
        self.plain.clear();
        let mut from = 0;
        loop {
            let end = if bytes.get(from) == Some(&b'"') {
                let end = from + 1 + memchr2(b'"', b'\n', &bytes[from + 1..])?;
                let behind = if bytes[end..].starts_with(b"\"\r\n") { end + 2 } else { end + 1 };
                let is_closed =
                    bytes[end] == b'"' && matches!(bytes.get(behind), Some(byte) if [delimiter, b'\n'].contains(byte));
                self.plain.push(is_closed.then_some(&rest[from + 1..end])?);
                behind
            } else {
                let end = from + memchr3(delimiter, b'"', b'\n', &bytes[from..]).filter(|at| bytes[from + at] != b'"')?;
                let cell = &rest[from..end];
                let is_last = bytes[end] == b'\n';
                self.plain.push(if is_last { cell.strip_suffix('\r').unwrap_or(cell) } else { cell });
                end
            };
            from = end + 1;
            if bytes[end] == b'\n' {
                return Some(from);
            }
        }
    }

    /// Whether a quotation mark without an end has taken rows that follow into this one.
    pub fn swallowed_rows(&self, width: usize) -> bool {
        let lines = self.end.lines - self.start.lines;
        let raw = &self.dialect.text[self.start.byte..self.end.byte];
        if lines == 0 || lines == 1 && raw.ends_with(['\n', '\r']) {
            return false;
        }
        let at_the_end = self.end.byte == self.dialect.text.len();
        lines > MAX_ROW_LINES
            || self.cells().len() != width
            || at_the_end && raw.bytes().filter(|byte| *byte == b'"').count() % 2 == 1
            || self.holds_a_row(raw.trim_end_matches(['\r', '\n']), width)
    }

    /// Whether a line below the first has all the cells of a row, read by itself: a delimiter in a quoted cell is none. The
    /// last line may, when the first has no delimiter.
    fn holds_a_row(&self, raw: &str, width: usize) -> bool {
        let delimiters = |line: &str| {
            let mut records = Records::new(Dialect { text: line, ..self.dialect }, Place::default());
            if records.read() { records.cells().len() - 1 } else { 0 }
        };
        let lines: Vec<usize> = raw.split(['\r', '\n']).map(delimiters).collect();
        let below = if lines[0] == 0 { 1..lines.len() - 1 } else { 1..lines.len() };
        width > 1 && lines[below].contains(&(width - 1))
    }

    fn first_line(&self) -> &'t str {
        let rest = &self.dialect.text[self.start.byte..self.end.byte];
        rest.split(['\r', '\n']).next().unwrap_or_default()
    }

    /// Goes on at the line below the first line of the present record.
    fn resume_at_second_line(&mut self) {
        let at = self.start.byte + self.first_line().len();
        self.end = Place { byte: at + break_length(self.dialect.text.as_bytes(), at), lines: self.start.lines + 1 };
    }
}

/// Reads records with quotation marks, and whatever else is no plain line.
struct Quoted {
    reader: Reader,
    bytes: Vec<u8>,
    /// Where each cell ends in the bytes.
    ends: Vec<usize>,
    /// Cells of the record that was read.
    count: usize,
}

impl Quoted {
    fn new(delimiter: u8) -> Quoted {
        let reader = ReaderBuilder::new().delimiter(delimiter).build();
        Quoted { reader, bytes: vec![0; 1 << 10], ends: vec![0; 1 << 6], count: 0 }
    }

    /// Reads the record that a text begins with, and gives its bytes with the break behind it.
    fn read(&mut self, text: &[u8]) -> usize {
        let (mut length, mut bytes, mut ends) = (0, 0, 0);
        self.reader.reset();
        loop {
            let (result, read, written, ended) =
                self.reader.read_record(&text[length..], &mut self.bytes[bytes..], &mut self.ends[ends..]);
            (length, bytes, ends) = (length + read, bytes + written, ends + ended);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.bytes.resize(self.bytes.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record | ReadRecordResult::End => break,
            }
        }
        self.count = ends;
        // The reader stops between CR and LF.
        let is_within = length > 0 && text[length - 1] == b'\r' && text.get(length) == Some(&b'\n');
        length + usize::from(is_within)
    }

    fn cells(&self) -> impl Iterator<Item = &str> {
        let ends = &self.ends[..self.count];
        let starts = [0].into_iter().chain(ends.iter().copied());
        let cell = |(start, end): (usize, &usize)| std::str::from_utf8(&self.bytes[start..*end]);
        starts.zip(ends).map(move |place| cell(place).expect("a part of a text between ASCII characters is text"))
    }
}

fn break_length(bytes: &[u8], at: usize) -> usize {
    if bytes[at..].starts_with(b"\r\n") { 2 } else { 1 }
}

fn has_lone_cr(text: &str) -> bool {
    memchr_iter(b'\r', text.as_bytes()).any(|at| text.as_bytes().get(at + 1) != Some(&b'\n'))
}

/// Line breaks: LF, CR LF or CR, as editors count them.
pub fn line_breaks(bytes: &[u8]) -> u64 {
    let after = bytes.iter().skip(1).chain([&0]);
    bytes.iter().zip(after).filter(|(byte, after)| **byte == b'\n' || **byte == b'\r' && **after != b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::columns::Field;
    use crate::ingest::MappedColumn;

    /// Rows of the table as (line, first cell), and the lines of the rejects.
    fn rows(text: &str, delimiter: u8) -> (Vec<(u32, String)>, Vec<u64>) {
        let head = head(text, delimiter);
        let column = MappedColumn { name: "a".to_owned(), field: Field::Name, header: "A".to_owned(), constant: None };
        let mapped = [(0, column)];
        let mut table = Builder::new("f.csv", "", head[0].cells.len(), &mapped, 0);
        let piece = Piece { from: head[0].end, until: text.len() };
        read(&Dialect::new(text, delimiter), piece, &mut table).unwrap();
        let built = table.finish(false).unwrap();
        let cells = built.frame.column("a").unwrap().str().unwrap();
        let lines = built.frame.column("row").unwrap().u32().unwrap();
        let rows = lines.into_no_null_iter().zip(cells.iter().map(|cell| cell.unwrap_or("-").to_owned())).collect();
        (rows, built.rejects.iter().map(|reject| reject.row).collect())
    }

    #[test]
    fn rows_carry_the_line_that_they_start_on() {
        // text | rows | rejected lines
        for (text, expected, rejected) in [
            ("a,b\n1,x\n2,y\n", vec![(2, "1"), (3, "2")], vec![]),
            ("a,b\r\n1,x\r\n2,y", vec![(2, "1"), (3, "2")], vec![]),
            ("a,b\r1,x\r2,y\r", vec![(2, "1"), (3, "2")], vec![]),
            ("\n\na,b\n\n\n1,x\n\n2,y\n\n", vec![(6, "1"), (8, "2")], vec![]),
            ("\r\na,b\r\n\r\n1,x\r\n,\r\n2,y\r\n", vec![(4, "1"), (6, "2")], vec![]),
            ("a,b\n1,\"x\nx\r\nx\"\n2,y\n", vec![(2, "1"), (5, "2")], vec![]),
            ("a,b\n1,\"x\rx\"\n2,y\n", vec![(2, "1"), (4, "2")], vec![]),
            ("a,b\n1\n2,y,z\n3,w\n", vec![(4, "3")], vec![2, 3]),
            ("a,b\n1,x,\n2,y\n", vec![(3, "2")], vec![2]),
        ] {
            let expected: Vec<(u32, String)> = expected.into_iter().map(|(row, cell)| (row, cell.to_owned())).collect();
            assert_eq!(rows(text, b','), (expected, rejected), "{text:?}");
        }
    }

    #[test]
    fn a_quotation_mark_without_an_end_costs_its_own_row_only() {
        // text | rows | rejected lines
        for (text, expected, rejected) in [
            ("a,b,c\n1,x,\"y\n2,x,y\n3,x,y\n", vec![(3, "2"), (4, "3")], vec![2]),
            ("a,b,c\n1,x,\"y\n2,x,y\"\n3,x,y\n", vec![(3, "2"), (4, "3")], vec![2]),
            ("a,b,c\n1,\"x,y\n2,x,y\n3,x,y\n4,\"x\",y\n", vec![(3, "2"), (4, "3"), (5, "4")], vec![2]),
            ("a,b,c\n\"1\nof 2\",x,y\n2,x,y\n", vec![(2, "1\nof 2"), (4, "2")], vec![]),
            ("a,b,c\n1,\"x\ny\",\"z,z\"\n2,x,y\n", vec![(2, "1"), (4, "2")], vec![]),
            ("a,b,c\n1,x,\"y\n", vec![(2, "1")], vec![]),
        ] {
            let expected: Vec<(u32, String)> = expected.into_iter().map(|(row, cell)| (row, cell.to_owned())).collect();
            assert_eq!(rows(text, b','), (expected, rejected), "{text:?}");
        }
    }

    #[test]
    fn every_delimiter_is_read() {
        for (delimiter, name) in DELIMITERS {
            let text = format!("a,b\n1,\"x{0}x\"\n", delimiter as char).replace(',', &(delimiter as char).to_string());
            assert_eq!(rows(&text, delimiter), (vec![(2, "1".to_owned())], vec![]), "{name}");
        }
    }

    #[test]
    fn pieces_are_what_reading_from_end_to_end_gives() {
        // Every row can be cut in its quoted cell, and some quotation marks are never closed.
        for (line, odd) in [("\n", "7,\"x\n"), ("\r\n", "8,x\r\n"), ("\n", "\n\n"), ("\n", "9,\"x\n\n\ny\"\n")] {
            let row = |at: usize| {
                let cell = if at.is_multiple_of(3) { format!("\"{at}{line}of{line}2\"") } else { format!("{at}") };
                let odd = if at.is_multiple_of(50_001) { odd } else { "" };
                format!("{cell},a word or two of every row{line}{odd}")
            };
            let text: String = (0..5 * PIECE_BYTES / 40).map(row).collect();
            let dialect = Dialect::new(&text, b',');
            let read_rows = |piece: Piece| {
                let column = MappedColumn { name: "a".to_owned(), field: Field::Name, header: "A".to_owned(), constant: None };
                let mapped = [(0, column)];
                let mut table = Builder::new("f.csv", "", 2, &mapped, 0);
                let end = read(&dialect, piece, &mut table)?;
                let built = table.finish(piece.until < text.len())?;
                let rows: Vec<u32> = built.frame.column("row")?.u32()?.into_no_null_iter().collect();
                Ok(((rows, built.rejects), end))
            };
            let ((rows, rejects), _) = read_rows(Piece { from: Place::default(), until: text.len() }).unwrap();
            let parts = in_pieces(&dialect, Place::default(), read_rows).unwrap();
            assert!(parts.len() > 3, "{}", parts.len());
            let (of_pieces, rejects_of_pieces): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
            assert_eq!(of_pieces.concat(), rows, "{odd:?}");
            assert_eq!(rejects_of_pieces.concat(), rejects, "{odd:?}");
        }
    }

    proptest! {
        /// Records are those of the csv crate, whether or not they are plain lines.
        #[test]
        fn records_are_those_of_the_crate(text in "[ab,\" \r\n\u{e9}]{0,60}") {
            let mut records = Records::new(Dialect::new(&text, b','), Place::default());
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            for expected in reader.records() {
                prop_assert!(records.read());
                let expected = expected.unwrap();
                prop_assert_eq!(records.cells(), expected.iter().collect::<Vec<_>>());
            }
            prop_assert!(!records.read());
        }

        /// Whatever the text, reading ends, and lines are counted up, each once.
        #[test]
        fn any_text_is_read_to_its_end(text in "[ab,\" \r\n]{0,200}") {
            let text = format!("a,b\n{text}");
            let lines = text.split(['\r', '\n']).count() as u64;
            let (rows, rejected) = rows(&text, b',');
            prop_assert!(rows.is_sorted_by(|a, b| a.0 < b.0));
            prop_assert!(rejected.is_sorted_by(|a, b| a < b));
            prop_assert!(rows.iter().all(|(row, _)| u64::from(*row) <= lines && !rejected.contains(&u64::from(*row))));
        }
    }
}
