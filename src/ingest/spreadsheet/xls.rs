//! What calamine does not say of an XLS workbook: the number format of each cell.
//!
//! A workbook is a run of records: a number that says what it is, its length, its bytes (MS-XLS 2.1.4).

use std::collections::HashMap;
use std::io::{Cursor, Read};

use anyhow::{Context, Result, bail};

use super::text::{self, NumberStyle, PLAIN};

/// The number formats of a workbook.
pub struct Formats {
    styles: Vec<NumberStyle>,
    /// For each sheet in order, the cells whose format says something: their row, their column and their style.
    sheets: Vec<HashMap<(u16, u16), u16>>,
}

// What records are.
const BEGIN: u16 = 0x0809;
const END: u16 = 0x000A;
const SHEET: u16 = 0x0085;
const FORMAT: u16 = 0x041E;
const CELL_FORMAT: u16 = 0x00E0;
const FORMULA: u16 = 0x0006;
const NUMBER: u16 = 0x0203;
const SHORT_NUMBER: u16 = 0x027E;
const SHORT_NUMBERS: u16 = 0x00BD;

/// The version in which texts are Unicode, and the one before.
const BIFF8: u16 = 0x0600;
const BIFF5: u16 = 0x0500;

/// Reads the number formats.
///
/// # Errors
/// The container is damaged, or the workbook is of an older version.
pub fn formats(bytes: &[u8]) -> Result<Formats> {
    let mut container = cfb::CompoundFile::open(Cursor::new(bytes))?;
    let path = container.walk().find(|entry| {
        let name = entry.name();
        entry.is_stream() && (name.eq_ignore_ascii_case("Workbook") || name.eq_ignore_ascii_case("Book"))
    });
    let path = path.context("there is no workbook in it")?.path().to_owned();
    let mut stream = Vec::new();
    container.open_stream(path)?.read_to_end(&mut stream)?;

    let mut version = None;
    let mut codes: HashMap<u16, NumberStyle> = HashMap::new();
    let mut cell_formats = Vec::new();
    let mut starts = Vec::new();
    for (kind, body) in records(&stream) {
        match kind {
            BEGIN => version = u16_at(body, 0),
            SHEET => starts.push(u32_at(body, 0).context("a sheet is cut off")? as usize),
            FORMAT => {
                if let (Some(code), Some(format)) = (u16_at(body, 0), format_text(body, version)) {
                    codes.insert(code, text::style(&format));
                }
            }
            CELL_FORMAT => cell_formats.push(u16_at(body, 2).context("a format is cut off")?),
            END => break,
            _ => {}
        }
    }
    if !matches!(version, Some(BIFF8 | BIFF5)) {
        bail!("it is of a version that is too old");
    }
    let styles = cell_formats.iter().map(|code| codes.get(code).cloned().unwrap_or_else(|| text::built_in(*code)));
    let styles: Vec<NumberStyle> = styles.collect();
    let sheets = starts.into_iter().map(|start| sheet(stream.get(start..).unwrap_or_default(), &styles)).collect();
    Ok(Formats { styles, sheets })
}

impl Formats {
    /// The style of a cell: the sheet by its position, the row and the column, 0 being the first.
    pub fn style(&self, sheet: usize, (row, column): (u32, u32)) -> &NumberStyle {
        let place = u16::try_from(row).ok().zip(u16::try_from(column).ok());
        let style = place.and_then(|place| self.sheets.get(sheet)?.get(&place));
        style.and_then(|style| self.styles.get(usize::from(*style))).unwrap_or(&PLAIN)
    }
}

fn sheet(stream: &[u8], styles: &[NumberStyle]) -> HashMap<(u16, u16), u16> {
    let mut cells = HashMap::new();
    let mut keep = |row: u16, column: u16, style: u16| {
        if styles.get(usize::from(style)).is_some_and(|style| *style != PLAIN) {
            cells.insert((row, column), style);
        }
    };
    // Charts within the sheet hold cells of their own.
    let mut depth = 0;
    for (kind, body) in records(stream) {
        match kind {
            BEGIN => depth += 1,
            END if depth <= 1 => break,
            END => depth -= 1,
            NUMBER | SHORT_NUMBER | FORMULA if depth == 1 => {
                if let (Some(row), Some(column), Some(style)) = (u16_at(body, 0), u16_at(body, 2), u16_at(body, 4)) {
                    keep(row, column, style);
                }
            }
            SHORT_NUMBERS if depth == 1 => {
                let (Some(row), Some(first)) = (u16_at(body, 0), u16_at(body, 2)) else { continue };
                let numbers = body.get(4..body.len().saturating_sub(2)).unwrap_or_default().chunks_exact(6);
                for (column, number) in (first..).zip(numbers) {
                    keep(row, column, u16::from_le_bytes([number[0], number[1]]));
                }
            }
            _ => {}
        }
    }
    cells
}

/// A format's text. Formats that show zeros are ASCII, so that the high bytes and the code page do not matter.
fn format_text(body: &[u8], version: Option<u16>) -> Option<String> {
    let characters = if version == Some(BIFF8) {
        let text = body.get(5..)?;
        let width = if body[4] & 1 == 1 { 2 } else { 1 };
        let length = usize::from(u16_at(body, 2)?);
        text.chunks(width)
            .take(length)
            .map(|unit| if unit.get(1).is_none_or(|high| *high == 0) { unit[0] } else { b'?' })
            .collect()
    } else {
        body.get(3..)?.to_vec()
    };
    Some(characters.into_iter().map(char::from).collect())
}

/// The records of a stream, to its end or to where it is cut off.
fn records(stream: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (kind, length) = (u16_at(stream, at)?, usize::from(u16_at(stream, at + 2)?));
        let body = stream.get(at + 4..at + 4 + length)?;
        at += 4 + length;
        Some((kind, body))
    })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
