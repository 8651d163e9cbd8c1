//! CSV files: those that people open, and those that a system imports.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};

use crate::systems::is_formula;

/// Who reads a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// People, in a spreadsheet: what it would take for a formula is neutralised.
    People,
    /// A system's importer, which wants every value quoted.
    ImporterQuoted,
    /// A system's importer that knows UTF-8 by a byte-order mark.
    ImporterMarked,
    /// A system's importer.
    Importer,
}

/// A CSV file that is being written.
pub(super) struct CsvFile {
    writer: Writer<BufWriter<File>>,
    reader: Reader,
    place: String,
}

impl CsvFile {
    /// Begins a file with its header.
    pub fn create(path: &Path, reader: Reader, header: &[&str]) -> Result<CsvFile> {
        let quotes = if reader == Reader::ImporterQuoted { QuoteStyle::Always } else { QuoteStyle::Necessary };
        let mut file = BufWriter::with_capacity(1 << 18, create(path)?);
        if reader == Reader::ImporterMarked {
            file.write_all("\u{feff}".as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let writer = WriterBuilder::new().quote_style(quotes).terminator(Terminator::CRLF).from_writer(file);
        let mut file = CsvFile { writer, reader, place: path.display().to_string() };
        file.row(header.iter().copied())?;
        Ok(file)
    }

    /// Writes a row.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) -> Result<()> {
        for cell in cells {
            let written = match self.reader {
                Reader::People if is_formula(cell) => self.writer.write_field(format!("'{}", cell.replace('\0', ""))),
                // An importer counts lines: a break inside a value would end its row.
                Reader::Importer | Reader::ImporterMarked | Reader::ImporterQuoted if cell.contains(['\r', '\n']) => self
                    .writer
                    .write_field(cell.split(['\r', '\n']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")),
                _ => self.writer.write_field(cell),
            };
            written.with_context(|| format!("cannot write {}", self.place))?;
        }
        self.writer.write_record(None::<&[u8]>).with_context(|| format!("cannot write {}", self.place))
    }

    /// Ends the file and brings it to the disk.
    pub fn finish(self) -> Result<()> {
        let place = self.place;
        let buffer =
            self.writer.into_inner().map_err(|error| error.into_error()).with_context(|| format!("cannot write {place}"))?;
        let file = buffer.into_inner().map_err(|error| error.into_error()).with_context(|| format!("cannot write {place}"))?;
        file.sync_all().with_context(|| format!("cannot write {place}"))
    }
}

/// A file that only its owner can read; its folder, likewise, is made where it is missing.
pub(super) fn create(path: &Path) -> Result<File> {
    if let Some(folder) = path.parent() {
        crate::workspace::create_folder(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a whole text.
pub(crate) fn text(path: &Path, text: &str) -> Result<()> {
    bytes(path, text.as_bytes())
}

/// Writes a whole file.
pub(super) fn bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = create(path)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_no_formulas_and_importers_see_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        for (reader, expected) in [
            (Reader::People, "a\r\n'=1+1\r\n"),
            (Reader::Importer, "a\r\n=1+1\r\n"),
            (Reader::ImporterMarked, "\u{feff}a\r\n=1+1\r\n"),
            (Reader::ImporterQuoted, "\"a\"\r\n\"=1+1\"\r\n"),
        ] {
            let path = folder.path().join("file.csv");
            let mut file = CsvFile::create(&path, reader, &["a"]).unwrap();
            file.row(["=1+1"]).unwrap();
            file.finish().unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), expected, "{reader:?}");
        }
    }
}
