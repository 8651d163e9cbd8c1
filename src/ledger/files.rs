//! The files of a set: written with their checksums, read only where these hold.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use polars::polars_utils::compression::ZstdLevel;
use polars::prelude::{Column, DataFrame, Int64Chunked, IntoColumn, NewChunkedArray, PolarsError, PolarsResult, TimeUnit};
use polars_io::SerReader;
use polars_io::parquet::write::{BatchedWriter, ParquetCompression, ParquetWriter, RowGroupIterColumns, StatisticsOptions};
use polars_io::prelude::ParquetReader;
use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::hash::{hexadecimal, sha256};
use crate::ledger::manifest::FileEntry;

/// Writes a table of one frame, with the bytes that it has elsewhere.
pub(super) fn write(frame: DataFrame, path: &Path) -> Result<FileEntry> {
    let table = TableFile::new(path, &frame, |file| file)?;
    table.write(frame)?;
    table.finish()
}

/// A table that is being written, for the owner alone: each frame becomes a row group, so that all rows need never be
/// in memory at once.
pub(super) struct TableFile {
    path: PathBuf,
    file: BatchedWriter<Shared>,
    hashed: Shared,
    rows: AtomicU64,
}

/// The file, which the writer of tables would otherwise keep for itself.
#[derive(Clone)]
struct Shared(Arc<Mutex<Hashing>>);

impl Shared {
    fn file(&self) -> MutexGuard<'_, Hashing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file().flush()
    }
}

/// Nobody looks for rows of a table by what they hold.
const STATISTICS: StatisticsOptions = StatisticsOptions {
    min_value: false,
    max_value: false,
    distinct_count: false,
    null_count: true,
    binary_statistics_truncate_length: None,
};

/// The lowest level takes a third less time than the usual one, and two bytes in a hundred more on the disk.
const LEVEL: i32 = 1;

/// Rows that are ready to be written behind those before.
struct RowGroup {
    rows: u64,
    columns: Vec<RowGroupIterColumns<'static, PolarsError>>,
}

/// Row groups that are made at once, while those before are compressed and written: what one thread writes, two can make.
const GROUPS_AT_ONCE: usize = 2;

impl TableFile {
    /// A table of many rows, with the columns of a frame.
    pub fn create(path: &Path, columns: &DataFrame) -> Result<TableFile> {
        let compression = ParquetCompression::Zstd(Some(ZstdLevel::try_new(LEVEL)?));
        TableFile::new(path, columns, |file| file.with_compression(compression).with_statistics(STATISTICS))
    }

    fn new(
        path: &Path,
        columns: &DataFrame,
        how: impl FnOnce(ParquetWriter<Shared>) -> ParquetWriter<Shared>,
    ) -> Result<TableFile> {
        let hashed = Shared(Arc::new(Mutex::new(Hashing::create(path)?)));
        let file = how(ParquetWriter::new(hashed.clone())).batched(columns.schema()).with_context(|| cannot_write(path))?;
        Ok(TableFile { path: path.to_owned(), file, hashed, rows: AtomicU64::new(0) })
    }

    /// Adds rows.
    pub fn write(&self, rows: DataFrame) -> Result<()> {
        self.add(vec![self.encode(rows)?])
    }

    /// Adds what is made of all parts, in their order: some are made beside one another while those before are written.
    pub fn write_all<P: Send>(
        &self,
        parts: impl IntoIterator<Item = P>,
        make: impl Fn(P) -> Result<DataFrame> + Sync,
    ) -> Result<()> {
        let mut parts = parts.into_iter();
        let mut ready: Vec<RowGroup> = Vec::new();
        loop {
            let next: Vec<P> = parts.by_ref().take(GROUPS_AT_ONCE).collect();
            if next.is_empty() {
                return self.add(ready);
            }
            let make = || next.into_par_iter().map(|part| self.encode(make(part)?)).collect::<Result<Vec<_>>>();
            let (added, made) = rayon::join(|| self.add(ready), make);
            added?;
            ready = made?;
        }
    }

    /// Makes rows ready, as far as this needs no rows before them.
    fn encode(&self, mut rows: DataFrame) -> Result<RowGroup> {
        rows.rechunk_mut();
        let columns = self.file.encode_and_compress(&rows).collect::<PolarsResult<_>>();
        Ok(RowGroup { rows: rows.height() as u64, columns: columns.with_context(|| cannot_write(&self.path))? })
    }

    /// Compresses and writes rows, which only happens one after another.
    fn add(&self, groups: Vec<RowGroup>) -> Result<()> {
        self.rows.fetch_add(groups.iter().map(|group| group.rows).sum(), Relaxed);
        let columns = groups.into_iter().flat_map(|group| group.columns).collect();
        self.file.write_row_groups(columns).with_context(|| cannot_write(&self.path))
    }

    /// Brings it to the disk.
    pub fn finish(self) -> Result<FileEntry> {
        let TableFile { path, file, hashed, rows } = self;
        file.finish().with_context(|| cannot_write(&path))?;
        drop(file);
        let hashed = Arc::into_inner(hashed.0).expect("the writer that shared it is gone");
        let hashed = hashed.into_inner().unwrap_or_else(PoisonError::into_inner);
        hashed.entry(rows.into_inner()).with_context(|| cannot_write(&path))
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

/// Writes bytes likewise.
fn write_bytes(bytes: &[u8], path: &Path) -> Result<()> {
    let written = create(path)?;
    (&written).write_all(bytes).and_then(|()| written.sync_all()).with_context(|| cannot_write(path))
}

/// Writes a manifest, and beside it its hash as `sha256sum` writes and checks it.
pub(super) fn write_manifest(manifest: &impl Serialize, folder: &Path, name: &str, checksum: &str) -> Result<()> {
    let text = serde_json::to_string_pretty(manifest).context("the ledger's manifest is no JSON")? + "\n";
    write_bytes(text.as_bytes(), &folder.join(name))?;
    write_bytes(format!("{}  {name}\n", sha256(text.as_bytes())).as_bytes(), &folder.join(checksum))
}

fn create(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).with_context(|| format!("cannot write {}", path.display()))
}

/// The bytes of a file, if they are those that were written.
///
/// # Errors
/// What is wrong with it, in a few words.
pub(super) fn verified(path: &Path, entry: &FileEntry) -> Result<Vec<u8>, String> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err("is missing".to_owned()),
        Err(error) => return Err(format!("cannot be read ({error})")),
    };
    if (bytes.len() as u64) < entry.bytes {
        return Err(format!("is cut short: {} of {} bytes are left", bytes.len(), entry.bytes));
    }
    if sha256(&bytes) != entry.sha256 {
        return Err("was changed after it was written (its SHA-256 is another)".to_owned());
    }
    Ok(bytes)
}

/// A table of a set: whole and each column in one piece, or some columns in as many pieces as they are written in.
///
/// # Errors
/// What is wrong with it, in a few words.
pub(super) fn read(path: &Path, entry: &FileEntry, columns: Option<&[&str]>) -> Result<DataFrame, String> {
    let bytes = verified(path, entry)?;
    let is_whole = columns.is_none();
    let columns = columns.map(|columns| columns.iter().map(|column| (*column).to_owned()).collect());
    ParquetReader::new(Cursor::new(bytes))
        .with_columns(columns)
        .set_rechunk(is_whole)
        .finish()
        .map_err(|error| format!("cannot be read ({error})"))
}

/// A column of times, given in milliseconds since 1970 UTC.
pub(super) fn moments(name: &'static str, times: impl Iterator<Item = Option<i64>>) -> Column {
    Int64Chunked::from_iter_options(name.into(), times).into_datetime(TimeUnit::Milliseconds, None).into_column()
}

/// The same, as it is read back.
pub(super) fn read_moments(frame: &DataFrame, name: &str) -> PolarsResult<Int64Chunked> {
    Ok(frame.column(name)?.to_physical_repr().i64()?.clone())
}

/// Takes the checksum of what passes.
struct Hashing {
    file: BufWriter<File>,
    hasher: Sha256,
    bytes: u64,
}

impl Hashing {
    fn create(path: &Path) -> Result<Hashing> {
        Ok(Hashing { file: BufWriter::with_capacity(1 << 20, create(path)?), hasher: Sha256::new(), bytes: 0 })
    }

    /// Brings it to the disk.
    fn entry(self, rows: u64) -> std::io::Result<FileEntry> {
        let Hashing { file, hasher, bytes } = self;
        file.into_inner().map_err(|error| error.into_error())?.sync_all()?;
        Ok(FileEntry { sha256: hexadecimal(&hasher.finalize()), bytes, rows })
    }
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let length = self.file.write(bytes)?;
        self.hasher.update(&bytes[..length]);
        self.bytes += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
