//! Bytes to text: what a file is by its first bytes, and the character set of a text file.

use std::borrow::Cow;
use std::io::{Read, Seek};

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};
use memchr::memchr_iter;

/// What a file is, by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Delimited text.
    Text,
    /// A workbook: `XLSX`, `XLSM`, `XLSB`, `XLS` or `ODS`.
    Workbook(&'static str),
    /// One packed content.
    Gzip,
    /// Files in one, none of them a workbook's part.
    Zip,
    /// Something that is not read: its name, and what to do.
    Other(&'static str, &'static str),
}

const SAVE_AS: &str = "open it and save it as XLSX or CSV";
const EXPORT_AGAIN: &str = "export it again as CSV or XLSX";

/// Tells a file's format from its first bytes, and an archive's from the names in it.
pub fn format(head: &[u8], archive: impl Read + Seek) -> Format {
    let text = head.trim_ascii_start().to_ascii_lowercase();
    match head {
        [] => Format::Other("empty", "it has no content: export it again"),
        [b'P', b'K', 3 | 5, ..] => archive_format(archive),
        [0x1f, 0x8b, ..] => Format::Gzip,
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Format::Workbook("XLS"),
        // Workbooks of the years before 1995 have no container around them.
        [9, 0 | 2 | 4, ..] if looks_binary(head) => Format::Other("a workbook of Excel 4 or older", SAVE_AS),
        [b'R', b'a', b'r', b'!', ..] | [b'7', b'z', 0xbc, 0xaf, ..] | [b'B', b'Z', b'h', b'1'..=b'9', b'1', ..] => {
            Format::Other("an archive of another kind than ZIP and GZIP", "unpack it first and drop the files that are in it")
        }
        [b'%', b'P', b'D', b'F', ..] => Format::Other("PDF", EXPORT_AGAIN),
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] | [b'G', b'I', b'F', b'8', ..] => {
            Format::Other("a picture", EXPORT_AGAIN)
        }
        _ if [&b"<html"[..], b"<!doctype", b"<table", b"<?xml", b"<meta"].iter().any(|start| text.starts_with(start)) => {
            Format::Other("a web page or XML", SAVE_AS)
        }
        _ if looks_binary(head) => Format::Other("neither text nor a workbook", EXPORT_AGAIN),
        _ => Format::Text,
    }
}

fn archive_format(archive: impl Read + Seek) -> Format {
    let Ok(archive) = zip::ZipArchive::new(archive) else {
        return Format::Other("a damaged workbook or archive", "copy or export it again: it may have been cut off");
    };
    let has = |wanted: &str| archive.file_names().flatten().any(|name| name.eq_ignore_ascii_case(wanted));
    let under = |folder: &str| archive.file_names().flatten().any(|name| name.starts_with(folder));
    if has("xl/workbook.bin") {
        Format::Workbook("XLSB")
    } else if has("xl/vbaProject.bin") {
        Format::Workbook("XLSM")
    } else if under("word/") || under("ppt/") {
        Format::Other("a document or a presentation", EXPORT_AGAIN)
    } else if has("[Content_Types].xml") || under("xl/") {
        Format::Workbook("XLSX")
    } else if has("mimetype") && (has("content.xml") || has("encrypted-package")) {
        Format::Workbook("ODS")
    } else {
        Format::Zip
    }
}

/// NUL bytes that are not the half of UTF-16; a text may hold a stray one.
fn looks_binary(head: &[u8]) -> bool {
    head.iter().filter(|byte| **byte == 0).count() * 100 > head.len() && utf16(head).is_none()
}

/// UTF-16 by its byte-order mark, else by the NUL bytes that ASCII leaves on one side.
fn utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [0xff, 0xfe, ..] => return Some(UTF_16LE),
        [0xfe, 0xff, ..] => return Some(UTF_16BE),
        _ => {}
    }
    let head = &bytes[..bytes.len().min(4096)];
    let (mut even, mut odd) = (0, 0);
    for pair in head.chunks_exact(2) {
        even += usize::from(pair[0] == 0);
        odd += usize::from(pair[1] == 0);
    }
    let half = head.len() / 2;
    match (even * 10 > half * 4, odd * 10 > half * 4) {
        (true, false) => Some(UTF_16BE),
        (false, true) => Some(UTF_16LE),
        _ => None,
    }
}

/// The text of a file and its character set in words.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded<'b> {
    /// The text, without a byte-order mark.
    pub text: Cow<'b, str>,
    /// `UTF-8 with BOM`, `windows-1252 (guessed)` and so on.
    pub charset: String,
}

/// Reads bytes as text: byte-order mark, NUL parity, strict UTF-8, else a guess that is said. NUL characters mean nothing
/// in a text and are left out.
pub fn decode(bytes: &[u8]) -> Decoded<'_> {
    let Decoded { text, charset } = decode_all(bytes);
    match memchr_iter(0, text.as_bytes()).count() {
        0 => Decoded { text, charset },
        nuls => Decoded { text: text.replace('\0', "").into(), charset: format!("{charset} without {nuls} NUL characters") },
    }
}

fn decode_all(bytes: &[u8]) -> Decoded<'_> {
    if let Some(encoding) = utf16(bytes) {
        let (text, had_errors) = encoding.decode_with_bom_removal(bytes);
        let damaged = if had_errors { " with damaged characters" } else { "" };
        return Decoded { text, charset: format!("{}{damaged}", encoding.name()) };
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => match text.strip_prefix('\u{feff}') {
            Some(text) => Decoded { text: text.into(), charset: "UTF-8 with BOM".to_owned() },
            None => Decoded { text: text.into(), charset: "UTF-8".to_owned() },
        },
        Err(_) => decode_legacy(bytes),
    }
}

/// Text that is nearly all good UTF-8 was cut somewhere; reading it in another character set would spoil every name.
fn decode_legacy(bytes: &[u8]) -> Decoded<'_> {
    let (mut good, mut bad) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    if good > 9 * bad {
        let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
        let charset = format!("UTF-8 with {bad} damaged character{}", if bad == 1 { "" } else { "s" });
        return Decoded { text, charset };
    }
    let encoding = guess(bytes);
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    Decoded { text, charset: format!("{} (guessed)", encoding.name()) }
}

/// The detector sees the surroundings of the bytes that are not ASCII: the rest tells it nothing.
fn guess(bytes: &[u8]) -> &'static Encoding {
    const AROUND: usize = 32;
    const ENOUGH: usize = 256 * 1024;
    let mut sample = Vec::new();
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| !byte.is_ascii()).map(|at| from + at) {
        let until = (at + AROUND).min(bytes.len());
        sample.extend_from_slice(&bytes[at.saturating_sub(AROUND).max(from)..until]);
        from = until;
        if sample.len() >= ENOUGH {
            break;
        }
    }
    Encoding::for_label(csv_nose::detect_encoding(&sample).name.as_bytes())
        .filter(|encoding| encoding.is_single_byte())
        .unwrap_or(WINDOWS_1252)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn utf16_bytes(text: &str, bom: bool, big: bool) -> Vec<u8> {
        let bom = bom.then_some(0xfeff);
        bom.into_iter()
            .chain(text.encode_utf16())
            .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect()
    }

    #[test]
    fn every_character_set_is_told() {
        let text = "Id,Name\n003,Zoë Müller\n";
        let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
        // bytes | charset
        for (bytes, charset) in [
            (text.as_bytes().to_vec(), "UTF-8"),
            (format!("\u{feff}{text}").into_bytes(), "UTF-8 with BOM"),
            (utf16_bytes(text, true, false), "UTF-16LE"),
            (utf16_bytes(text, false, false), "UTF-16LE"),
            (utf16_bytes(text, true, true), "UTF-16BE"),
            (utf16_bytes(text, false, true), "UTF-16BE"),
            (latin, "windows-1252 (guessed)"),
        ] {
            assert_eq!(decode(&bytes), Decoded { text: text.into(), charset: charset.to_owned() });
        }
    }

    #[test]
    fn nul_characters_are_left_out() {
        let decoded = decode(b"Id,Na\0me\n\0");
        assert_eq!((&*decoded.text, decoded.charset.as_str()), ("Id,Name\n", "UTF-8 without 2 NUL characters"));
    }

    #[test]
    fn one_damaged_character_does_not_spoil_the_rest() {
        let mut bytes = "Zoë,Müller,Ana Peña,Noël,Siân,Zoë,Müller,Ana Peña,Noël,Siân".repeat(2).into_bytes();
        bytes.extend_from_slice(b"\xc3");
        let decoded = decode(&bytes);
        assert!(decoded.text.starts_with("Zoë") && decoded.text.ends_with('\u{fffd}'), "{decoded:?}");
        assert_eq!(decoded.charset, "UTF-8 with 1 damaged character");
    }

    #[test]
    fn formats_are_told_by_content() {
        // first bytes | text | its name otherwise
        for (head, expected) in [
            (&b"Id,Email"[..], "text"),
            (b"I\0d\0,\0E\0", "text"),
            (b"\xff\xfeI\0", "text"),
            (b"", "empty"),
            (b"\x1f\x8b\x08\0", "gzip"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1", "XLS"),
            (b"7z\xbc\xaf'\x1c", "an archive of another kind than ZIP and GZIP"),
            (b"PK\x03\x04cut", "a damaged workbook or archive"),
            (b"\n<HTML><table>", "a web page or XML"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a picture"),
            (b"RIFF\x24\0\0\0WAVEfmt ", "neither text nor a workbook"),
        ] {
            let said = match format(head, Cursor::new(head)) {
                Format::Text => "text",
                Format::Gzip => "gzip",
                Format::Zip => "zip",
                Format::Workbook(name) | Format::Other(name, _) => name,
            };
            assert_eq!(said, expected);
        }
    }

    #[test]
    fn archives_are_told_by_their_entries() {
        use std::io::Write;
        // entries | name
        for (entries, expected) in [
            (&["xl/workbook.xml"][..], "XLSX"),
            (&["xl/workbook.xml", "xl/vbaProject.bin"], "XLSM"),
            (&["xl/workbook.bin"], "XLSB"),
            (&["mimetype", "content.xml"], "ODS"),
            (&["[Content_Types].xml", "word/document.xml"], "a document or a presentation"),
            (&["[Content_Types].xml", "book.xml"], "XLSX"),
            (&["export.csv"], "ZIP"),
        ] {
            let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
            for entry in entries {
                archive.start_file(*entry, zip::write::SimpleFileOptions::default()).unwrap();
                archive.write_all(b"x").unwrap();
            }
            let bytes = archive.finish().unwrap().into_inner();
            match format(&bytes, Cursor::new(&bytes)) {
                Format::Workbook(name) | Format::Other(name, _) => assert_eq!(name, expected),
                other => assert_eq!((other, "ZIP"), (Format::Zip, expected)),
            }
        }
    }
}
