//! An exported workbook, cut down to the rows that change.
//!
//! The system takes back only what it gave: the same columns in the same order, hidden ones and hidden sheets
//! unchanged. So nothing is made anew. Rows that do not change are left out of the sheet, cells that change get
//! their new text, and every other byte is the export's own. A file that would be too big is split.

mod rows;
mod xml;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Cursor, Read, Write};

use anyhow::{Context, Result, bail};
use csv::StringRecord;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::ingest::limits::unpacked_limit;
use crate::ingest::spreadsheet::Workbook;
use crate::ingest::{FileReport, content};
use crate::systems::fold_header;
use rows::{Row, Sheet};
use xml::{Piece, attribute, full_name, with_attribute, without_attribute};

/// The system takes no file of this many bytes.
const TOO_BIG: usize = 8_000_000;

/// A row that changes: its number in the sheet, and each header with the cell's new text.
pub type Change = (u32, Vec<(String, String)>);

/// A workbook to load: its bytes, and which of the changed rows it holds, in their order.
#[derive(Debug)]
pub struct Part {
    /// The file.
    pub bytes: Vec<u8>,
    /// The row of its sheet in which the first of them stands.
    pub first_row: u32,
    /// Its changed rows.
    pub rows: usize,
}

/// Cuts the workbook of an input down to the rows that change, in the order in which they are given.
///
/// # Errors
/// The file is gone or holds something else by now; see [`cut_bytes`].
pub fn cut(input: &FileReport, changes: &[Change]) -> Result<Vec<Part>> {
    let bytes = content(input)?;
    let sheet = input.sheet.as_deref().unwrap_or_default();
    let header_row = input.header_row.unwrap_or(1);
    let (_, heads) = Workbook::open(&bytes)?;
    let head = heads.into_iter().find(|head| head.name == sheet).with_context(|| format!("the sheet {sheet} is not there"))?;
    let header = head.rows.into_iter().find(|(row, _)| *row == header_row).context("its header is not there")?.1;
    cut_bytes(&bytes, sheet, header_row, &header, changes)
}

/// The same of a workbook's bytes.
///
/// # Errors
/// It is no workbook of this shape: a part, the sheet, a header or a row is missing.
fn cut_bytes(bytes: &[u8], sheet: &str, header_row: u32, header: &StringRecord, changes: &[Change]) -> Result<Vec<Part>> {
    let book = Book::read(bytes, sheet, header_row, header, changes)?;
    let mut parts = Vec::new();
    book.split(0, book.rows.len(), TOO_BIG, &mut parts)?;
    Ok(parts)
}

/// A workbook that is being cut.
struct Book<'a> {
    bytes: &'a [u8],
    sheet: Sheet,
    /// The changed rows, in the order in which they are written.
    rows: Vec<Row>,
    /// The part that holds the sheet.
    sheet_part: String,
    /// The parts that hold its tables.
    table_parts: Vec<String>,
    shared: Option<Shared>,
}

/// The texts that several cells share.
struct Shared {
    part: String,
    root: Vec<u8>,
    /// The texts that cells of this sheet or another hold.
    texts: BTreeMap<u32, Vec<u8>>,
    /// How many there are.
    count: u32,
    /// Of these, the ones that other sheets hold.
    elsewhere: BTreeSet<u32>,
}

impl<'a> Book<'a> {
    fn read(bytes: &'a [u8], sheet: &str, header_row: u32, header: &StringRecord, changes: &[Change]) -> Result<Book<'a>> {
        let mut archive = ZipArchive::new(Cursor::new(bytes))?;
        let sheet_id = sheet_id(part(&mut archive, "xl/workbook.xml")?, sheet)?;
        let relations = relations(part(&mut archive, "xl/_rels/workbook.xml.rels")?)?;
        let target = |wanted: &dyn Fn(&Relation) -> bool| {
            relations.iter().find(|relation| wanted(relation)).map(|relation| resolved("xl", &relation.target))
        };
        let sheet_part =
            target(&|relation| relation.id == sheet_id).with_context(|| format!("the sheet {sheet} is not there"))?;
        let shared_part = target(&|relation| relation.kind.ends_with("/sharedStrings"));
        let wanted: BTreeSet<u32> = changes.iter().map(|(row, _)| *row).collect();
        let mut read = Sheet::read(part(&mut archive, &sheet_part)?, header_row, &|row| wanted.contains(&row))?;
        let folded: Vec<String> = header.iter().map(fold_header).collect();
        let mut rows = Vec::new();
        for (number, cells) in changes {
            let mut row = read.kept.remove(number).with_context(|| format!("row {number} is not there"))?;
            for (header, text) in cells {
                let column = folded.iter().position(|folded| *folded == fold_header(header));
                row.set(column.with_context(|| format!("the column {header} is not there"))? as u32, text);
            }
            rows.push(row);
        }
        let mut elsewhere = BTreeSet::new();
        let names: Vec<String> = archive.file_names().map(|name| name.map(|name| name.into_owned())).collect::<Result<_, _>>()?;
        for name in
            names.iter().filter(|name| name.starts_with("xl/worksheets/") && name.ends_with(".xml") && **name != sheet_part)
        {
            let other = Sheet::read(part(&mut archive, name)?, u32::MAX, &|_| true)?;
            elsewhere.extend(other.head.iter().flat_map(Row::shared));
        }
        let used: BTreeSet<u32> = read.head.iter().chain(&rows).flat_map(Row::shared).chain(elsewhere.iter().copied()).collect();
        let shared =
            shared_part.map(|name| Shared::read(part(&mut archive, &name)?, name.clone(), &used, elsewhere)).transpose()?;
        let (folder, file) = sheet_part.rsplit_once('/').unwrap_or(("", &sheet_part));
        let own_relations = match part(&mut archive, &format!("{folder}/_rels/{file}.rels")) {
            Ok(document) => self::relations(document)?,
            Err(_) => Vec::new(),
        };
        let tables = own_relations.iter().filter(|relation| relation.kind.ends_with("/table"));
        let table_parts = tables.map(|relation| resolved(folder, &relation.target)).collect();
        Ok(Book { bytes, sheet: read, rows, sheet_part, table_parts, shared })
    }

    /// Writes some of the rows, in as many files as it takes.
    fn split(&self, from: usize, to: usize, too_big: usize, parts: &mut Vec<Part>) -> Result<()> {
        let bytes = self.write(&self.rows[from..to])?;
        if bytes.len() < too_big {
            parts.push(Part { bytes, first_row: self.sheet.head.len() as u32 + 1, rows: to - from });
            return Ok(());
        }
        if to - from < 2 {
            bail!("a single row of it takes more than {} MB, which the system does not take back", too_big / 1_000_000);
        }
        let middle = from + (to - from) / 2;
        self.split(from, middle, too_big, parts)?;
        self.split(middle, to, too_big, parts)
    }

    fn write(&self, rows: &[Row]) -> Result<Vec<u8>> {
        let head = self.sheet.head.len() as u32;
        let last = head + rows.len() as u32;
        let used: BTreeSet<u32> = self.sheet.head.iter().chain(rows).flat_map(Row::shared).collect();
        let mut archive = ZipArchive::new(Cursor::new(self.bytes))?;
        let mut out = ZipWriter::new(Cursor::new(Vec::new()));
        for at in 0..archive.len() {
            let entry = archive.by_index_raw(at)?;
            let name = entry.name()?.into_owned();
            let changed = if name == self.sheet_part {
                let mut sheet = ends_in(&self.sheet.before, last);
                for (at, row) in self.sheet.head.iter().chain(rows).enumerate() {
                    row.write(at as u32 + 1, &mut sheet);
                }
                sheet.extend(ends_in(&self.sheet.after, last));
                sheet
            } else if let Some(texts) = self.shared.as_ref().filter(|shared| shared.part == name) {
                texts.write(&used)
            } else if self.table_parts.contains(&name) {
                drop(entry);
                let mut table = Vec::new();
                archive.by_index(at)?.take(unpacked_limit(self.bytes.len() as u64)).read_to_end(&mut table)?;
                ends_in(&table, last)
            } else {
                out.raw_copy_file(entry)?;
                continue;
            };
            out.start_file(name, SimpleFileOptions::default())?;
            out.write_all(&changed)?;
        }
        Ok(out.finish()?.into_inner())
    }
}

impl Shared {
    /// Reads the texts that are used.
    fn read(mut document: impl BufRead, part: String, used: &BTreeSet<u32>, elsewhere: BTreeSet<u32>) -> Result<Shared> {
        let mut shared = Shared { part, root: Vec::new(), texts: BTreeMap::new(), count: 0, elsewhere };
        let (mut piece, mut number) = (Piece::default(), 0);
        while piece.next(&mut document)? {
            if shared.texts.is_empty() && number == 0 && !piece.opens("si") {
                let root = if piece.opens("sst") { without_attribute(piece.tag(), "count") } else { piece.bytes().to_vec() };
                let root = if piece.opens("sst") { without_attribute(&root, "uniqueCount") } else { root };
                shared.root.extend_from_slice(&root);
                continue;
            }
            if !piece.opens("si") {
                continue;
            }
            let mut text = piece.tag().to_vec();
            while !piece.ends("si") && piece.next(&mut document)? {
                text.extend_from_slice(piece.bytes());
            }
            if used.contains(&number) {
                shared.texts.insert(number, text);
            }
            number += 1;
        }
        shared.count = number;
        Ok(shared)
    }

    /// Writes the texts that are used; the others stay as blanks, so that every text keeps its number.
    fn write(&self, used: &BTreeSet<u32>) -> Vec<u8> {
        let mut part = self.root.clone();
        let prefix = self.root.iter().rposition(|byte| *byte == b'<').map(|at| xml::prefix(&self.root[at..]));
        let prefix = String::from_utf8_lossy(prefix.unwrap_or_default()).into_owned();
        let blank = format!("<{prefix}si><{prefix}t/></{prefix}si>");
        for number in 0..self.count {
            let wanted = used.contains(&number) || self.elsewhere.contains(&number);
            let text = self.texts.get(&number).filter(|_| wanted);
            part.extend_from_slice(text.map_or(blank.as_bytes(), Vec::as_slice));
        }
        let root = self.root.iter().rposition(|byte| *byte == b'<').map(|at| &self.root[at..]).unwrap_or_default();
        [&part[..], b"</", full_name(root), b">"].concat()
    }
}

/// The same text with every range of its table, filter and dimension ending in another row.
fn ends_in(document: &[u8], last: u32) -> Vec<u8> {
    let (mut rest, mut piece, mut changed) = (document, Piece::default(), Vec::new());
    while piece.next(&mut rest).unwrap_or(false) {
        changed.extend_from_slice(piece.text());
        let range = ["dimension", "table", "autoFilter"].iter().any(|name| piece.opens(name));
        let reference = attribute(piece.tag(), "ref").filter(|_| range).and_then(|range| std::str::from_utf8(range).ok());
        match reference.and_then(|range| range.split_once(':')) {
            Some((from, to)) => {
                let to = format!("{from}:{}{last}", to.trim_end_matches(|c: char| c.is_ascii_digit()));
                changed.extend(with_attribute(piece.tag(), "ref", &to));
            }
            None => changed.extend_from_slice(piece.tag()),
        }
    }
    changed
}

/// A part of the workbook, unpacked as it is read.
fn part<'z, 'b>(archive: &'z mut ZipArchive<Cursor<&'b [u8]>>, name: &str) -> Result<impl BufRead + use<'z, 'b>> {
    let limit = archive.by_name(name).map(|entry| entry.compressed_size()).map(unpacked_limit);
    let limit = limit.with_context(|| format!("its part {name} is not there"))?;
    Ok(BufReader::new(archive.by_name(name)?.take(limit)))
}

struct Relation {
    id: String,
    kind: String,
    target: String,
}

fn relations(mut document: impl BufRead) -> Result<Vec<Relation>> {
    let (mut piece, mut relations) = (Piece::default(), Vec::new());
    while piece.next(&mut document)? {
        let text = |name: &str| attribute(piece.tag(), name).map(|text| String::from_utf8_lossy(text).into_owned());
        if let (true, Some(id), Some(kind), Some(target)) =
            (piece.opens("Relationship"), text("Id"), text("Type"), text("Target"))
        {
            relations.push(Relation { id, kind, target });
        }
    }
    Ok(relations)
}

fn sheet_id(mut document: impl BufRead, sheet: &str) -> Result<String> {
    let mut piece = Piece::default();
    while piece.next(&mut document)? {
        let text = |name: &str| attribute(piece.tag(), name).map(|text| String::from_utf8_lossy(text).into_owned());
        if piece.opens("sheet") && text("name").is_some_and(|name| name == sheet || name == xml::escaped(sheet)) {
            return text("id").context("the sheet has no part");
        }
    }
    bail!("the sheet {sheet} is not there")
}

/// A target below a folder of the archive: `../tables/table1.xml`, `/xl/sharedStrings.xml`, `worksheets/sheet1.xml`.
fn resolved(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut path: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            ".." => drop(path.pop()),
            "." | "" => {}
            part => path.push(part),
        }
    }
    path.join("/")
}

#[cfg(test)]
mod tests;
