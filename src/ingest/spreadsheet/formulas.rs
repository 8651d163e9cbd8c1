//! Formulas whose results were not saved, as scripts write them: whoever opens the workbook sees a value, and the reader a blank.

use std::io::{BufReader, Cursor, Read};

use anyhow::Result;
use memchr::memmem;
use quick_xml::Reader;
use quick_xml::events::Event;
use zip::ZipArchive;

/// The first cell of a workbook (Office Open XML) with such a formula.
///
/// # Errors
/// A part is damaged.
pub fn without_result(bytes: &[u8]) -> Result<Option<String>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    for at in 0..archive.len() {
        let is_sheet = archive.by_index_raw(at)?.name()?.to_lowercase().starts_with("xl/worksheets/sheet");
        if !is_sheet || !has_formula(archive.by_index(at)?)? {
            continue;
        }
        if let Some(cell) = first_in(Reader::from_reader(BufReader::new(archive.by_index(at)?)))? {
            return Ok(Some(cell));
        }
    }
    Ok(None)
}

/// Whether a part may hold a formula: most hold none, and a look at the bytes is fast.
fn has_formula(mut part: impl Read) -> Result<bool> {
    const BEGINNING: &[u8] = b"<f";
    let (mut bytes, mut kept) = (vec![0; 1 << 16], 0);
    loop {
        let read = part.read(&mut bytes[kept..])?;
        if read == 0 {
            return Ok(false);
        }
        let known = &bytes[..kept + read];
        if memmem::find_iter(known, BEGINNING).any(|at| matches!(known.get(at + 2), Some(b'>' | b' ' | b'/'))) {
            return Ok(true);
        }
        // What may be the beginning of one goes on in the next bytes.
        let rest = known.len().min(BEGINNING.len());
        let from = known.len() - rest;
        bytes.copy_within(from..from + rest, 0);
        kept = rest;
    }
}

/// The first cell with a formula and without a result. A text that is empty is a result, and is marked as a text.
fn first_in(mut part: Reader<impl std::io::BufRead>) -> Result<Option<String>> {
    let (mut cell, mut is_text, mut has_formula, mut has_result, mut in_value) = (String::new(), false, false, false, false);
    let mut buffer = Vec::new();
    loop {
        match part.read_event_into(&mut buffer)? {
            Event::Start(tag) => match tag.local_name().as_ref() {
                "c" => {
                    let attribute = |name: &str| tag.try_get_attribute(name).ok().flatten().map(|found| found.value.into_owned());
                    cell = attribute("r").unwrap_or_default().to_string();
                    (is_text, has_formula, has_result) = (attribute("t").is_some_and(|kind| kind == "str"), false, false);
                }
                "f" => has_formula = true,
                "v" | "is" => in_value = true,
                _ => {}
            },
            Event::Empty(tag) if tag.local_name().as_ref() == "f" => has_formula = true,
            Event::Text(text) if in_value => has_result |= !text.is_empty(),
            Event::End(tag) => match tag.local_name().as_ref() {
                "v" | "is" => in_value = false,
                "c" if has_formula && !has_result && !is_text => return Ok(Some(cell)),
                _ => {}
            },
            Event::Eof => return Ok(None),
            _ => {}
        }
        buffer.clear();
    }
}
