//! What calamine does not say of an XLSB workbook: the number format of each cell.
//!
//! A part is a run of records: a number that says what it is, its length, its bytes (MS-XLSB 2.1.4).

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Cursor, ErrorKind, Read};

use anyhow::{Context, Result};
use quick_xml::XmlVersion;
use quick_xml::events::Event;
use zip::ZipArchive;

use super::text::{self, NumberStyle};

/// The number formats of a workbook.
pub struct Formats {
    /// By the number that a cell gives.
    pub styles: Vec<NumberStyle>,
    /// The parts that hold the sheets, by the sheet's name.
    parts: HashMap<String, String>,
}

// What records are.
const ROW: u16 = 0x0000;
const SHEET: u16 = 0x009C;
const END_OF_CELLS: u16 = 0x0092;
const FORMAT: u16 = 0x002C;
const CELL_FORMAT: u16 = 0x002F;
const CELL_FORMATS: u16 = 0x0269;
const END_OF_CELL_FORMATS: u16 = 0x026A;

type Archive<'b> = ZipArchive<Cursor<&'b [u8]>>;

/// Reads the number formats.
///
/// # Errors
/// A part is missing or cut off.
pub fn formats(bytes: &[u8]) -> Result<Formats> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    let relations = relations(&mut archive)?;
    let mut parts = HashMap::new();
    let mut workbook = records(&mut archive, "xl/workbook.bin")?;
    while let Some(kind) = workbook.next()? {
        let body = &workbook.body;
        let Some((relation, name)) = (kind == SHEET).then(|| body.get(8..).and_then(two_texts)).flatten() else { continue };
        if let Some(target) = relations.get(&relation) {
            parts.insert(name, format!("xl/{target}"));
        }
    }
    drop(workbook);
    Ok(Formats { styles: styles(&mut archive)?, parts })
}

fn styles(archive: &mut Archive) -> Result<Vec<NumberStyle>> {
    let mut styles = Vec::new();
    let mut codes: HashMap<u16, NumberStyle> = HashMap::new();
    // Without the part every cell is plain.
    let Ok(mut records) = records(archive, "xl/styles.bin") else { return Ok(styles) };
    let mut of_cells = false;
    while let Some(kind) = records.next()? {
        let body = &records.body;
        match kind {
            FORMAT => {
                if let (Some(code), Some((format, _))) = (u16_at(body, 0), body.get(2..).and_then(a_text)) {
                    codes.insert(code, text::style(&format));
                }
            }
            CELL_FORMATS => of_cells = true,
            END_OF_CELL_FORMATS => break,
            CELL_FORMAT if of_cells => {
                let code = u16_at(body, 2).unwrap_or_default();
                styles.push(codes.get(&code).cloned().unwrap_or_else(|| text::built_in(code)));
            }
            _ => {}
        }
    }
    Ok(styles)
}

impl Formats {
    /// The place and the style of every cell of a sheet that is not blank, in the order of the file.
    ///
    /// # Errors
    /// The sheet's part is not there.
    pub fn cells<'b>(&self, archive: &'b mut Archive, sheet: &str) -> Result<Cells<'b>> {
        let part = self.parts.get(sheet).context("the part of the sheet is not named")?;
        Ok(Cells { records: records(archive, part)?, row: 0 })
    }
}

/// Cells of a sheet.
pub struct Cells<'b> {
    records: Records<'b>,
    row: u32,
}

impl Cells<'_> {
    /// The row and the column of the next cell, 0 being the first, and its style.
    pub fn next(&mut self) -> Result<Option<((u32, u32), usize)>> {
        // Blank cells are 1, and errors of formulas 11, which calamine leaves out.
        const FILLED: std::ops::RangeInclusive<u16> = 2..=10;
        while let Some(kind) = self.records.next()? {
            let body = &self.records.body;
            match kind {
                ROW => self.row = u32_at(body, 0).context("a row is cut off")?,
                END_OF_CELLS => return Ok(None),
                _ if FILLED.contains(&kind) => {
                    let (column, style) = u32_at(body, 0).zip(u32_at(body, 4)).context("a cell is cut off")?;
                    return Ok(Some(((self.row, column), (style & 0xFF_FFFF) as usize)));
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

struct Records<'b> {
    part: BufReader<Box<dyn Read + 'b>>,
    body: Vec<u8>,
}

fn records<'b>(archive: &'b mut Archive, part: &str) -> Result<Records<'b>> {
    let name = archive.file_names().flatten().find(|name| name.eq_ignore_ascii_case(part)).map(|name| name.into_owned());
    let part = archive.by_name(&name.with_context(|| format!("{part} is missing"))?)?;
    Ok(Records { part: BufReader::new(Box::new(part)), body: Vec::new() })
}

impl Records<'_> {
    /// What the next record is; its bytes are in the body. Nothing at the end.
    fn next(&mut self) -> Result<Option<u16>> {
        let low = match self.byte() {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            byte => u16::from(byte?),
        };
        let kind = if low & 0x80 == 0 { low } else { low & 0x7F | u16::from(self.byte()? & 0x7F) << 7 };
        let mut length = 0;
        for at in 0..4 {
            let byte = self.byte()?;
            length |= u64::from(byte & 0x7F) << (7 * at);
            if byte & 0x80 == 0 {
                break;
            }
        }
        self.body.clear();
        let read = self.part.by_ref().take(length).read_to_end(&mut self.body)?;
        anyhow::ensure!(read as u64 == length, "a record is cut off");
        Ok(Some(kind))
    }

    fn byte(&mut self) -> std::io::Result<u8> {
        let byte = *self.part.fill_buf()?.first().ok_or(ErrorKind::UnexpectedEof)?;
        self.part.consume(1);
        Ok(byte)
    }
}

/// The parts that the workbook names, by the name of the relation.
fn relations(archive: &mut Archive) -> Result<HashMap<String, String>> {
    let mut xml = String::new();
    archive.by_name("xl/_rels/workbook.bin.rels")?.read_to_string(&mut xml)?;
    let mut reader = quick_xml::Reader::from_str(&xml);
    let mut relations = HashMap::new();
    loop {
        match reader.read_event()? {
            Event::Start(element) | Event::Empty(element) if element.name().as_ref() == "Relationship" => {
                let value = |name: &str| -> Result<Option<String>> {
                    let attribute = element.try_get_attribute(name)?;
                    Ok(attribute.map(|it| it.normalized_value(XmlVersion::Implicit1_0)).transpose()?.map(|it| it.into_owned()))
                };
                if let (Some(id), Some(target)) = (value("Id")?, value("Target")?) {
                    relations.insert(id, target);
                }
            }
            Event::Eof => return Ok(relations),
            _ => {}
        }
    }
}

/// Two texts, one after the other.
fn two_texts(bytes: &[u8]) -> Option<(String, String)> {
    let (first, rest) = a_text(bytes)?;
    Some((first, a_text(rest)?.0))
}

/// A text in UTF-16 with its length before it, and what comes after.
fn a_text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let length = u32_at(bytes, 0)? as usize;
    let (text, rest) = bytes.get(4..)?.split_at_checked(length.checked_mul(2)?)?;
    let units: Vec<u16> = text.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    Some((String::from_utf16_lossy(&units), rest))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
