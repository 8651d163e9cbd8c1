//! Bytes as the content of an OpenDocument workbook: every sheet is read to its end or refused.

#![no_main]

use std::io::{Cursor, Write};

use libfuzzer_sys::fuzz_target;
use prefrecon_fuzz::ingest::limits::{MAX_COLUMNS, MAX_SHEET_ROWS};
use prefrecon_fuzz::ingest::spreadsheet::Workbook;

/// Rows after which a sheet has said enough: a row can be repeated a million times.
const ENOUGH: u32 = 100;

fuzz_target!(|content: &[u8]| {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let plain = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, part) in [
        ("mimetype", &b"application/vnd.oasis.opendocument.spreadsheet"[..]),
        ("META-INF/manifest.xml", b"<m/>"),
        ("content.xml", content),
    ] {
        archive.start_file(name, plain).unwrap();
        archive.write_all(part).unwrap();
    }
    let bytes = archive.finish().unwrap().into_inner();
    let Ok((workbook, heads)) = Workbook::open(&bytes) else { return };
    let Some(head) = heads.first() else { return };
    let mut last = 0;
    let _ = workbook.read(&head.name, |row, cells| {
        assert!(row > last && row <= MAX_SHEET_ROWS && cells.len() <= MAX_COLUMNS);
        last = row;
        anyhow::ensure!(row < ENOUGH, "enough");
        Ok(())
    });
});
