//! The reader of workbooks: what runs in a process of its own, with limits on its memory and its processor time.

use std::io::{BufReader, BufWriter, Cursor, Read, Write};

use anyhow::{Context, Result, bail};

use super::cells::{Book, Kind, PASSWORD};
use super::wire;
use crate::ingest::limits::{
    HEAD_ROWS, MAX_SHEETS, WORKBOOK_MEMORY_BYTES, WORKBOOK_SECONDS, WORKBOOK_SECONDS_PER_MEGABYTE, unpacked_limit,
};

/// Reads a workbook from `input` and hands its rows to `output`, within limits that end the process.
///
/// # Errors
/// The program at the other end has gone away.
pub fn serve_limited(input: impl Read, output: impl Write) -> Result<()> {
    // A workbook's content must not end in a file that nobody knows of.
    limit(Limit::CoreFile, 0)?;
    limit(Limit::Memory, WORKBOOK_MEMORY_BYTES)?;
    serve(input, output, &|unpacked| limit(Limit::Seconds, WORKBOOK_SECONDS + (unpacked >> 20) * WORKBOOK_SECONDS_PER_MEGABYTE))
}

/// What a process can be limited in.
#[derive(Clone, Copy, Debug)]
enum Limit {
    CoreFile,
    Memory,
    Seconds,
}

#[cfg(unix)]
fn limit(what: Limit, most: u64) -> Result<()> {
    let resource = match what {
        Limit::CoreFile => rlimit::Resource::CORE,
        Limit::Memory => rlimit::Resource::AS,
        Limit::Seconds => rlimit::Resource::CPU,
    };
    let hard = resource.get_hard().unwrap_or(rlimit::INFINITY);
    let allowed = hard.min(most);
    // At the soft limit on time the system says so; at the hard one it only ends the process.
    resource.set(allowed, hard.min(most.saturating_add(1))).with_context(|| format!("cannot limit {what:?}"))
}

#[cfg(not(unix))]
fn limit(_what: Limit, _most: u64) -> Result<()> {
    Ok(())
}

/// Reads a workbook from `input` and hands its rows to `output`; `begin` is told its unpacked size before it is opened.
///
/// # Errors
/// The program at the other end has gone away.
pub fn serve(input: impl Read, output: impl Write, begin: &dyn Fn(u64) -> Result<()>) -> Result<()> {
    let mut input = BufReader::new(input);
    let mut output = BufWriter::with_capacity(1 << 16, output);
    let bytes = wire::read_workbook(&mut input)?;
    let mut book = match open(bytes, begin) {
        Ok(book) => book,
        Err(error) => return Ok(wire::write_refused(&mut output, &format!("{error:#}"))?),
    };
    for (sheet, is_hidden) in book.sheets().iter().take(MAX_SHEETS) {
        wire::write_sheet(&mut output, sheet, *is_hidden)?;
        match rows(&mut book, sheet, Some(HEAD_ROWS as u32), &mut output)? {
            // Nobody sees what is damaged there.
            Err(why) if !is_hidden => return Ok(wire::write_refused(&mut output, &why)?),
            _ => {}
        }
    }
    wire::write_end(&mut output)?;

    // No sheet is wanted where the other end is closed.
    let Ok(sheet) = wire::read_text(&mut input) else { return Ok(()) };
    match rows(&mut book, &sheet, None, &mut output)? {
        Ok(()) => wire::write_end(&mut output)?,
        Err(why) => wire::write_refused(&mut output, &why)?,
    }
    Ok(())
}

/// Writes the rows of a sheet; inside, why the sheet cannot be read.
fn rows(book: &mut Book, sheet: &str, first_rows: Option<u32>, output: &mut impl Write) -> Result<Result<(), String>> {
    let mut gone = None;
    let read = book.rows(sheet, first_rows, &mut |row, cells| {
        wire::write_row(output, row, cells).map_err(|error| {
            gone = Some(error.kind());
            error.into()
        })
    });
    match (read, gone) {
        (_, Some(kind)) => bail!(std::io::Error::from(kind)),
        (read, None) => Ok(read.map_err(|error| format!("{error:#}"))),
    }
}

/// What the workbook unpacks to is checked by what its directory says; what that does not say, the limits see.
fn open(bytes: Vec<u8>, begin: &dyn Fn(u64) -> Result<()>) -> Result<Book> {
    // An encrypted workbook of any format is wrapped in the container of the old one.
    let encrypted: Vec<u8> = "EncryptedPackage".bytes().flat_map(|byte| [byte, 0]).collect();
    if !bytes.starts_with(b"PK") && bytes.windows(encrypted.len()).any(|window| window == encrypted) {
        bail!(PASSWORD);
    }
    let (kind, unpacked) = if bytes.starts_with(b"PK") { look_into(&bytes)? } else { (Kind::Xls, bytes.len() as u64) };
    begin(unpacked)?;
    Book::open(kind, bytes)
}

fn look_into(bytes: &[u8]) -> Result<(Kind, u64)> {
    let damaged = "the workbook is damaged: copy or export it again; it may have been cut off";
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).context(damaged)?;
    let mut unpacked: u64 = 0;
    let mut kind = Kind::Xlsx;
    for at in 0..archive.len() {
        let entry = archive.by_index_raw(at).context(damaged)?;
        unpacked = unpacked.saturating_add(entry.size());
        match entry.name().context(damaged)?.as_ref() {
            "xl/workbook.bin" => kind = Kind::Xlsb,
            "content.xml" | "encrypted-package" => kind = Kind::Ods,
            _ => {}
        }
    }
    let limit = unpacked_limit(bytes.len() as u64);
    if unpacked > limit {
        bail!(
            "unpacked it would take {} MB, where {} MB are allowed for its size: save it again as CSV, or in parts",
            unpacked >> 20,
            limit >> 20
        );
    }
    Ok((kind, unpacked))
}
