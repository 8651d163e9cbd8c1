//! The rows of a sheet as they are stored: one [`Row`] is one row, its cells byte for byte but for those that change.

use std::collections::BTreeMap;
use std::io::{BufRead, Result};

use super::xml::{Piece, attribute, escaped, prefix, with_attribute};

/// A sheet without its rows: what stands before and after them, and the rows that are kept.
#[derive(Debug, Default)]
pub struct Sheet {
    /// Up to the first row.
    pub before: Vec<u8>,
    /// The header and what stands above it.
    pub head: Vec<Row>,
    /// The rows that are wanted, by their number.
    pub kept: BTreeMap<u32, Row>,
    /// From the last row on.
    pub after: Vec<u8>,
}

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    tag: Vec<u8>,
    /// By their column, the first being 0.
    cells: BTreeMap<u32, Cell>,
}

#[derive(Clone, Debug)]
struct Cell {
    /// The tag that opens it.
    tag: Vec<u8>,
    /// What follows the tag, the one that ends it included.
    rest: Vec<u8>,
    /// Which of the shared texts it holds.
    shared: Option<u32>,
}

impl Sheet {
    /// Reads a sheet, leaving out the rows below the header that are not wanted.
    ///
    /// # Errors
    /// It cannot be read on.
    pub fn read(mut document: impl BufRead, header_row: u32, wanted: &dyn Fn(u32) -> bool) -> Result<Sheet> {
        let (mut sheet, mut piece) = (Sheet::default(), Piece::default());
        let (mut within, mut number) = (false, 0);
        while piece.next(&mut document)? {
            if !within && piece.opens("sheetData") {
                within = !piece.is_empty();
                sheet.before.extend_from_slice(piece.bytes());
            } else if within && piece.opens("row") {
                number = attribute(piece.tag(), "r").and_then(number_of).unwrap_or(number + 1);
                let row = Row::read(piece.clone(), &mut document)?;
                if number <= header_row {
                    sheet.head.push(row);
                } else if wanted(number) {
                    sheet.kept.insert(number, row);
                }
            } else if sheet.head.is_empty() && sheet.kept.is_empty() && !piece.ends("sheetData") {
                sheet.before.extend_from_slice(piece.bytes());
            } else {
                within = within && !piece.ends("sheetData");
                sheet.after.extend_from_slice(piece.bytes());
            }
        }
        Ok(sheet)
    }
}

impl Row {
    fn read(open: Piece, document: &mut impl BufRead) -> Result<Row> {
        let mut row = Row { tag: open.tag().to_vec(), cells: BTreeMap::new() };
        if open.is_empty() {
            row.tag = [&open.tag()[..open.tag().len() - 2], b">"].concat();
            return Ok(row);
        }
        let (mut piece, mut column) = (Piece::default(), 0);
        while piece.next(document)? && !piece.ends("row") {
            if !piece.opens("c") {
                continue;
            }
            let at = attribute(piece.tag(), "r").and_then(column_of).unwrap_or(column);
            column = at + 1;
            let cell = Cell::read(piece.clone(), document)?;
            row.cells.insert(at, cell);
        }
        Ok(row)
    }

    /// Puts a text into a column.
    pub fn set(&mut self, column: u32, text: &str) {
        let prefix = String::from_utf8_lossy(prefix(&self.tag)).into_owned();
        let blank = || Cell { tag: format!("<{prefix}c r=\"A1\">").into_bytes(), rest: Vec::new(), shared: None };
        let cell = self.cells.entry(column).or_insert_with(blank);
        let style = attribute(&cell.tag, "s").map(|style| format!(" s=\"{}\"", String::from_utf8_lossy(style)));
        let style = style.unwrap_or_default();
        let boolean = attribute(&cell.tag, "t") == Some(b"b");
        let (kind, content) = match text.to_lowercase().as_str() {
            "true" if boolean => ("b", format!("<{prefix}v>1</{prefix}v>")),
            "false" if boolean => ("b", format!("<{prefix}v>0</{prefix}v>")),
            _ => ("inlineStr", format!("<{prefix}is><{prefix}t>{}</{prefix}t></{prefix}is>", escaped(text))),
        };
        cell.tag = format!("<{prefix}c r=\"A1\"{style} t=\"{kind}\">").into_bytes();
        cell.rest = format!("{content}</{prefix}c>").into_bytes();
        cell.shared = None;
    }

    /// The shared texts that it holds.
    pub fn shared(&self) -> impl Iterator<Item = u32> {
        self.cells.values().filter_map(|cell| cell.shared)
    }

    /// Writes it under a number.
    pub fn write(&self, number: u32, to: &mut Vec<u8>) {
        to.extend_from_slice(&with_attribute(&self.tag, "r", &number.to_string()));
        for (column, cell) in &self.cells {
            to.extend_from_slice(&with_attribute(&cell.tag, "r", &format!("{}{number}", letters(*column))));
            to.extend_from_slice(&cell.rest);
        }
        to.extend_from_slice(format!("</{}row>", String::from_utf8_lossy(prefix(&self.tag))).as_bytes());
    }
}

impl Cell {
    fn read(open: Piece, document: &mut impl BufRead) -> Result<Cell> {
        let mut cell = Cell { tag: open.tag().to_vec(), rest: Vec::new(), shared: None };
        if open.is_empty() {
            return Ok(cell);
        }
        let is_shared = attribute(open.tag(), "t") == Some(b"s");
        let mut piece = Piece::default();
        while piece.next(document)? {
            cell.rest.extend_from_slice(piece.bytes());
            if is_shared && piece.ends("v") {
                cell.shared = number_of(piece.text());
            }
            if piece.ends("c") {
                break;
            }
        }
        Ok(cell)
    }
}

fn number_of(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

/// The column of a reference such as `AB17`.
fn column_of(reference: &[u8]) -> Option<u32> {
    let letters = reference.iter().take_while(|byte| byte.is_ascii_alphabetic());
    let column = letters.take(3).fold(0, |column, byte| column * 26 + u32::from(byte.to_ascii_uppercase() - b'A') + 1);
    column.checked_sub(1)
}

/// The letters of a column.
fn letters(column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        letters.push(char::from(b'A' + ((rest - 1) % 26) as u8));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_their_letters() {
        for (column, name) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16_383, "XFD")] {
            assert_eq!((letters(column).as_str(), column_of(format!("{name}7").as_bytes())), (name, Some(column)));
        }
    }
}
