//! What the reader of a workbook and the program say to each other: frames of length-prefixed fields.
//!
//! The program sends the workbook. The reader answers with the head of every sheet. The program names one sheet,
//! and the reader answers with its rows.

use std::io::{self, ErrorKind, Read, Write};

use csv::StringRecord;

use crate::ingest::limits::{MAX_COLUMNS, MAX_SHEET_ROWS};

/// One thing that the reader says.
#[derive(Debug, PartialEq)]
pub enum Frame {
    /// The head of a sheet begins: its name.
    Sheet(String),
    /// Likewise, of one that people do not see.
    Hidden(String),
    /// A row of the sheet: its number, 1 being the first, and its cells.
    Row(u32, StringRecord),
    /// Everything that was asked for has been said.
    End,
    /// The workbook cannot be read: a sentence that says why and what to do.
    Refused(String),
}

const SHEET: u8 = b'S';
const HIDDEN: u8 = b'H';
const ROW: u8 = b'R';
const END: u8 = b'E';
const REFUSED: u8 = b'X';

/// A text that would take more was not sent by the reader.
const MAX_TEXT: usize = 1 << 28;

/// Writes that a sheet begins.
pub fn write_sheet(output: &mut impl Write, name: &str, is_hidden: bool) -> io::Result<()> {
    output.write_all(&[if is_hidden { HIDDEN } else { SHEET }])?;
    write_text(output, name.as_bytes())
}

/// Writes a row.
pub fn write_row(output: &mut impl Write, row: u32, cells: &StringRecord) -> io::Result<()> {
    output.write_all(&[ROW])?;
    output.write_all(&row.to_le_bytes())?;
    write_number(output, cells.len())?;
    cells.iter().try_for_each(|cell| write_text(output, cell.as_bytes()))
}

/// Writes that everything has been said.
pub fn write_end(output: &mut impl Write) -> io::Result<()> {
    output.write_all(&[END])?;
    output.flush()
}

/// Writes why the workbook cannot be read.
pub fn write_refused(output: &mut impl Write, why: &str) -> io::Result<()> {
    output.write_all(&[REFUSED])?;
    write_text(output, why.as_bytes())?;
    output.flush()
}

/// Reads the next frame.
///
/// # Errors
/// The reader has gone away, or says what it cannot say.
pub fn read_frame(input: &mut impl Read) -> io::Result<Frame> {
    let mut kind = [0];
    input.read_exact(&mut kind)?;
    match kind[0] {
        SHEET => read_text(input).map(Frame::Sheet),
        HIDDEN => read_text(input).map(Frame::Hidden),
        REFUSED => read_text(input).map(Frame::Refused),
        END => Ok(Frame::End),
        ROW => {
            let row = read_number(input)?;
            let count = read_number(input)?;
            if row > MAX_SHEET_ROWS || count as usize > MAX_COLUMNS {
                return Err(ErrorKind::InvalidData.into());
            }
            let mut cells = StringRecord::new();
            let mut cell = Vec::new();
            for _ in 0..count {
                read_bytes(input, &mut cell)?;
                cells.push_field(std::str::from_utf8(&cell).map_err(|_| ErrorKind::InvalidData)?);
            }
            Ok(Frame::Row(row, cells))
        }
        _ => Err(ErrorKind::InvalidData.into()),
    }
}

/// Writes the workbook.
pub fn write_workbook(output: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    output.write_all(&(bytes.len() as u64).to_le_bytes())?;
    output.write_all(bytes)?;
    output.flush()
}

/// Reads the workbook.
pub fn read_workbook(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 8];
    input.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    let mut bytes = Vec::new();
    input.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

/// Writes bytes with their length before them.
pub fn write_text(output: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    write_number(output, bytes.len())?;
    output.write_all(bytes)
}

/// Reads a text with its length before it.
pub fn read_text(input: &mut impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    read_bytes(input, &mut bytes)?;
    String::from_utf8(bytes).map_err(|_| ErrorKind::InvalidData.into())
}

fn read_bytes(input: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    let length = read_number(input)? as usize;
    if length > MAX_TEXT {
        return Err(ErrorKind::InvalidData.into());
    }
    bytes.resize(length, 0);
    input.read_exact(bytes)
}

fn write_number(output: &mut impl Write, number: usize) -> io::Result<()> {
    let number = u32::try_from(number).map_err(|_| ErrorKind::InvalidData)?;
    output.write_all(&number.to_le_bytes())
}

fn read_number(input: &mut impl Read) -> io::Result<u32> {
    let mut number = [0; 4];
    input.read_exact(&mut number)?;
    Ok(u32::from_le_bytes(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_as_they_were_sent() {
        let cells = StringRecord::from(vec!["a", "", "zoë\n\""]);
        let mut sent = Vec::new();
        write_sheet(&mut sent, "Data", false).unwrap();
        write_sheet(&mut sent, "Old", true).unwrap();
        write_row(&mut sent, 7, &cells).unwrap();
        write_end(&mut sent).unwrap();
        write_refused(&mut sent, "why").unwrap();
        let mut input = &sent[..];
        let sheets = [Frame::Sheet("Data".to_owned()), Frame::Hidden("Old".to_owned())];
        for expected in sheets.into_iter().chain([Frame::Row(7, cells), Frame::End, Frame::Refused("why".to_owned())]) {
            assert_eq!(read_frame(&mut input).unwrap(), expected);
        }
        assert_eq!(read_frame(&mut input).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn what_no_reader_says_is_an_error() {
        for bytes in [&b"?"[..], b"R\x01\0\0\0\xff\xff\xff\xff", b"S\xff\xff\xff\xff", b"S\x01\0\0\0\xff"] {
            assert_eq!(read_frame(&mut &bytes[..]).unwrap_err().kind(), ErrorKind::InvalidData, "{bytes:?}");
        }
    }
}
