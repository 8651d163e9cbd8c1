//! A workbook with error values that calamine does not know to one that it reads: there they are text.

use std::io::{BufRead, BufReader, Cursor, Write};

use anyhow::Result;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// The same workbook (Office Open XML), its error values turned to text.
///
/// # Errors
/// A part is damaged.
pub fn errors_as_text(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    let mut repaired = ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..archive.len() {
        let entry = archive.by_index_raw(at)?;
        let name = entry.name()?.into_owned();
        if name.to_lowercase().ends_with(".xml") {
            drop(entry);
            repaired.start_file(name, SimpleFileOptions::default().compression_level(Some(1)))?;
            rewrite(BufReader::new(archive.by_index(at)?), &mut repaired)?;
        } else {
            repaired.raw_copy_file(entry)?;
        }
    }
    Ok(repaired.finish()?.into_inner())
}

/// Tag by tag, so that a part is never in memory as a whole.
fn rewrite(mut part: impl BufRead, output: &mut impl Write) -> Result<()> {
    const ERROR: [&[u8]; 2] = [b" t=\"e\"", b" t='e'"];
    let mut piece = Vec::new();
    while part.read_until(b'>', &mut piece)? > 0 {
        let tag = piece.iter().rposition(|byte| *byte == b'<').unwrap_or(piece.len());
        let name = piece[tag..].split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
        if name == b"<c" || name.ends_with(b":c") {
            let at = ERROR.iter().find_map(|error| piece[tag..].windows(error.len()).position(|window| window == *error));
            if let Some(at) = at.map(|at| tag + at) {
                piece.splice(at..at + ERROR[0].len(), *b" t=\"str\"");
            }
        }
        output.write_all(&piece)?;
        piece.clear();
    }
    Ok(())
}
