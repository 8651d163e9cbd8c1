//! Bytes as a text file: they are decoded, and read to their end with every delimiter; no row comes twice.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use prefrecon_fuzz::ingest::decode::{Format, decode, format};
use prefrecon_fuzz::ingest::delimited::{DELIMITERS, Dialect, Piece, Place, head, read};
use prefrecon_fuzz::ingest::table::Builder;

fuzz_target!(|bytes: &[u8]| {
    if format(bytes, Cursor::new(bytes)) != Format::Text {
        return;
    }
    let decoded = decode(bytes);
    let text = &*decoded.text;
    for (delimiter, _) in DELIMITERS {
        let Some(first) = head(text, delimiter).into_iter().next() else { continue };
        let mut table = Builder::new(first.cells.len());
        let piece = Piece { from: first.end, until: text.len() };
        if let Ok(end) = read(&Dialect::new(text, delimiter), piece, &mut table) {
            assert!(end.at.byte <= text.len());
        }
        let mut whole = Builder::new(first.cells.len());
        let _ = read(&Dialect::new(text, delimiter), Piece { from: Place::default(), until: text.len() }, &mut whole);
        assert!(whole.rows.len() >= table.rows.len());
    }
});
