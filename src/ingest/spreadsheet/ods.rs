//! An OpenDocument workbook: its content is XML in which every cell carries its value and the text that a person sees.

use std::collections::HashSet;
use std::io::{Cursor, Read};

use anyhow::{Context, Result, bail};
use calamine::DataRef;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use zip::ZipArchive;

use super::cells::PASSWORD;
use super::rows::Rows;
use super::text::{NumberStyle, PERCENT};
use crate::ingest::limits::MAX_CELL_CHARS;

/// An open workbook.
pub struct Ods {
    content: String,
    sheets: Vec<Sheet>,
}

struct Sheet {
    name: String,
    visible: bool,
    /// Where it begins in the content.
    start: usize,
}

impl Ods {
    /// Opens a workbook.
    ///
    /// # Errors
    /// It has a password or is damaged.
    pub fn open(bytes: &[u8]) -> Result<Ods> {
        let mut archive = ZipArchive::new(Cursor::new(bytes))?;
        let mut part = |name: &str| -> Result<String> {
            let mut text = String::new();
            archive.by_name(name)?.read_to_string(&mut text).with_context(|| format!("{name} is damaged"))?;
            Ok(text)
        };
        if part("encrypted-package").is_ok() || part("META-INF/manifest.xml")?.contains("encryption-data") {
            bail!(PASSWORD);
        }
        let content = part("content.xml")?;
        let sheets = sheets(&content)?;
        Ok(Ods { content, sheets })
    }

    /// The sheets in order, each with whether people do not see it.
    pub fn sheets(&self) -> impl Iterator<Item = (&str, bool)> {
        self.sheets.iter().map(|sheet| (sheet.name.as_str(), !sheet.visible))
    }

    /// Gives every row of a sheet that has a cell that is not blank.
    ///
    /// # Errors
    /// The sheet is damaged; what `rows` says.
    pub fn rows(&self, sheet: &str, rows: &mut Rows) -> Result<()> {
        let sheet = self.sheets.iter().find(|known| known.name == sheet).context("there is no such sheet")?;
        let mut reader = reader(&self.content[sheet.start..]);
        // Charts hold tables of their own.
        let mut depth = 0;
        let mut row: u32 = 0;
        while rows.wants(row) {
            match reader.read_event().map_err(|error| rows.unreadable(&error))? {
                Event::Start(element) => match element.name().as_ref() {
                    "table:table" => depth += 1,
                    "table:table-row" if depth == 1 => {
                        let repeated =
                            repeated(&element, "table:number-rows-repeated").map_err(|error| rows.unreadable(&error))?;
                        let cells = cells(&mut reader).map_err(|error| rows.unreadable(&error))?;
                        give(&cells, row, repeated, rows)?;
                        row = row.saturating_add(repeated);
                    }
                    _ => {}
                },
                Event::End(element) if element.name().as_ref() == "table:table" && depth == 1 => break,
                Event::End(element) if element.name().as_ref() == "table:table" => depth -= 1,
                Event::Eof => return Err(rows.unreadable(&"its end is missing")),
                _ => {}
            }
        }
        Ok(())
    }
}

/// A cell that is not blank, and how many columns show it.
struct Cell {
    column: u32,
    repeated: u32,
    value: DataRef<'static>,
    style: NumberStyle,
}

fn give(cells: &[Cell], row: u32, repeated: u32, rows: &mut Rows) -> Result<()> {
    if cells.is_empty() {
        return Ok(());
    }
    for row in row..row.saturating_add(repeated) {
        for cell in cells {
            for column in cell.column..cell.column.saturating_add(cell.repeated) {
                if !rows.cell((row, column), &cell.value, &cell.style)? {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

fn sheets(content: &str) -> Result<Vec<Sheet>> {
    let mut reader = reader(content);
    let (mut sheets, mut hidden, mut style) = (Vec::new(), HashSet::new(), None);
    loop {
        let start = reader.buffer_position() as usize;
        match reader.read_event()? {
            Event::Start(element) => match element.name().as_ref() {
                "style:style" => style = attribute(&element, "style:name")?,
                "style:table-properties" if attribute(&element, "table:display")?.as_deref() == Some("false") => {
                    hidden.extend(style.take());
                }
                "table:table" => {
                    let name = attribute(&element, "table:name")?.context("a sheet has no name")?;
                    let visible = attribute(&element, "table:style-name")?.is_none_or(|style| !hidden.contains(&style));
                    sheets.push(Sheet { name, visible, start });
                    reader.read_to_end(element.name())?;
                }
                _ => {}
            },
            Event::Eof => return Ok(sheets),
            _ => {}
        }
    }
}

/// The cells of a row that are not blank.
fn cells(reader: &mut Reader<&[u8]>) -> Result<Vec<Cell>> {
    let mut cells = Vec::new();
    let mut column: u32 = 0;
    loop {
        match reader.read_event()? {
            Event::Start(element) => match element.name().as_ref() {
                "table:table-cell" | "table:covered-table-cell" => {
                    let repeated = repeated(&element, "table:number-columns-repeated")?;
                    let (value, style) = cell(&element, reader)?;
                    if value != DataRef::Empty {
                        cells.push(Cell { column, repeated, value, style });
                    }
                    column = column.saturating_add(repeated);
                }
                _ => {
                    reader.read_to_end(element.name())?;
                }
            },
            Event::End(_) => return Ok(cells),
            Event::Eof => bail!("its end is missing"),
            _ => {}
        }
    }
}

fn cell(element: &BytesStart, reader: &mut Reader<&[u8]>) -> Result<(DataRef<'static>, NumberStyle)> {
    let (mut kind, mut is_error, mut value) = (None, false, None);
    for attribute in element.attributes() {
        let attribute = attribute?;
        let text = || attribute.normalized_value(XmlVersion::Implicit1_0).map(|text| text.into_owned());
        match attribute.key.as_ref() {
            "office:value-type" => kind = Some(text()?),
            "calcext:value-type" => is_error = text()? == "error",
            "office:value" | "office:date-value" | "office:time-value" | "office:boolean-value" | "office:string-value" => {
                value = Some(text()?);
            }
            _ => {}
        }
    }
    let shown = shown(reader)?;
    let number = |value: Option<String>| -> Result<f64> {
        let value = value.context("a number has no value")?;
        value.parse().with_context(|| format!("{value} is no number"))
    };
    let mut style = NumberStyle::default();
    let value = match kind.as_deref() {
        _ if is_error => DataRef::String(shown),
        Some("float" | "currency") => match number(value)? {
            number if shows_zeros(&shown, number) => DataRef::String(shown),
            number => DataRef::Float(number),
        },
        Some("percentage") => {
            style = PERCENT;
            DataRef::Float(number(value)?)
        }
        Some("date") => value.map_or(DataRef::Empty, DataRef::DateTimeIso),
        Some("time") => value.map_or(DataRef::Empty, DataRef::DurationIso),
        Some("boolean") => value.map_or(DataRef::Empty, |value| DataRef::Bool(value.eq_ignore_ascii_case("true"))),
        _ => DataRef::String(value.unwrap_or(shown)),
    };
    let blank = matches!(&value, DataRef::String(text) if text.is_empty());
    Ok((if blank { DataRef::Empty } else { value }, style))
}

/// Whether a number is shown with zeros before it, as ids are.
fn shows_zeros(shown: &str, number: f64) -> bool {
    let digits: String = shown.chars().filter(char::is_ascii_digit).collect();
    let plain = shown.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | ' ' | '(' | ')' | '+'));
    plain && digits.len() > 1 && digits.starts_with('0') && digits.parse::<f64>().is_ok_and(|shown| shown == number.abs())
}

/// The text of a cell, to its end: a line a paragraph; annotations and pictures are not of it.
fn shown(reader: &mut Reader<&[u8]>) -> Result<String> {
    let mut text = String::new();
    let (mut depth, mut paragraphs, mut within) = (0, 0, 0);
    loop {
        match reader.read_event()? {
            Event::Start(element) => {
                match element.name().as_ref() {
                    "office:annotation" | "draw:frame" | "draw:custom-shape" | "draw:control" | "table:table" => {
                        reader.read_to_end(element.name())?;
                        continue;
                    }
                    "text:p" => {
                        if paragraphs > 0 {
                            text.push('\n');
                        }
                        paragraphs += 1;
                        within += 1;
                    }
                    "text:s" => {
                        let spaces = repeated(&element, "text:c")? as usize;
                        text.extend(std::iter::repeat_n(' ', spaces.min(MAX_CELL_CHARS)));
                    }
                    "text:tab" => text.push('\t'),
                    "text:line-break" => text.push('\n'),
                    _ => {}
                }
                depth += 1;
            }
            Event::End(element) => {
                if depth == 0 {
                    return Ok(text);
                }
                depth -= 1;
                within -= i32::from(element.name().as_ref() == "text:p");
            }
            Event::Text(piece) if within > 0 => text.push_str(&piece.xml10_content()),
            Event::CData(piece) if within > 0 => text.push_str(&piece.xml10_content()),
            Event::GeneralRef(reference) if within > 0 => match reference.resolve_char_ref()? {
                Some(character) => text.push(character),
                None => {
                    let name = reference.xml10_content();
                    text.push_str(
                        quick_xml::escape::resolve_predefined_entity(&name).with_context(|| format!("&{name}; means nothing"))?,
                    );
                }
            },
            Event::Eof => bail!("its end is missing"),
            _ => {}
        }
    }
}

fn reader(content: &str) -> Reader<&[u8]> {
    let mut reader = Reader::from_str(content);
    reader.config_mut().expand_empty_elements = true;
    reader
}

fn repeated(element: &BytesStart, name: &str) -> Result<u32> {
    attribute(element, name)?.map_or(Ok(1), |text| text.parse().with_context(|| format!("{text} is no count")))
}

fn attribute(element: &BytesStart, name: &str) -> Result<Option<String>> {
    let attribute = element.try_get_attribute(name)?;
    Ok(attribute.map(|it| it.normalized_value(XmlVersion::Implicit1_0)).transpose()?.map(|text| text.into_owned()))
}
