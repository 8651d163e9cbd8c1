//! One file to its tables and their reports: what it is, whose it is, and when it was made. A packed file holds one
//! table, an archive one an entry.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Cursor};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};

use super::as_of::{self, Named, Orders};
use super::container::{Archive, gunzip};
use super::decode::{self, Format};
use super::inbox::{Concern, Found, concern_of_name};
use super::keys::Keys;
use super::limits::SMALL_FILE_BYTES;
use super::recognise::{Recognised, named_systems};
use super::source::{self, Loaded, ReadRows, Stop};
use super::{AsOfFrom, FileReport, Reject, Verdict};
use crate::config::Config;
use crate::hash::sha256;
use crate::progress;
use crate::systems::{Grain, Systems, fold_header};
use crate::times::Zone;

/// What every file is read with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The profiles, as the configuration adjusts them.
    pub systems: &'a Systems,
    /// SHA-256 of contents that earlier runs used, with the run.
    pub earlier: &'a HashMap<String, String>,
    /// The run's time.
    pub as_of: DateTime<Utc>,
    /// Where a large file is read into, one after another: memory that is new takes longer to get than to fill.
    pub room: &'a Mutex<Vec<u8>>,
}

impl Context<'_> {
    fn room(&self) -> MutexGuard<'_, Vec<u8>> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file that was read as far as it could be.
pub struct ReadFile<T> {
    /// What it was taken for.
    pub report: FileReport,
    /// Its table, where it has one.
    pub table: Option<ReadTable<T>>,
    /// Rows that the table could not take.
    pub rejects: Vec<Reject>,
}

/// A table and whose it is.
pub struct ReadTable<T> {
    /// Position of its system among the profiles.
    pub system: usize,
    /// Position of its kind in the profile.
    pub kind: usize,
    /// What its rows became.
    pub rows: T,
    /// The list and the state that its name or the configuration gives it: which part of an export it is.
    pub part: Option<(String, String)>,
    /// The keys of its rows.
    pub keys: Keys,
    /// When its file last changed.
    pub modified: SystemTime,
}

/// Reads one file, its rows by `read`. Whatever is wrong with it is its verdict.
pub fn read<T: Send>(found: &Found, context: Context, read: ReadRows<'_, T>) -> Vec<ReadFile<T>> {
    progress::at(&found.file);
    let bytes = match bytes(found, context) {
        Ok(bytes) => bytes,
        Err(stop) => return vec![unused(report(found), stop)],
    };
    let tables = match format(&bytes) {
        Format::Zip => match Archive::open(&bytes) {
            Ok(archive) => entries(archive, &sha256(&bytes), found, context, read),
            Err(stop) => vec![unused(hashed(found, &bytes, "ZIP"), stop)],
        },
        Format::Gzip => match gunzip(&bytes) {
            Ok(content) => {
                progress::expect((content.len() as u64).saturating_sub(found.bytes));
                vec![table(found, Origin::Packed(&bytes), &content, "GZIP, ", context, read)]
            }
            Err(stop) => vec![unused(hashed(found, &bytes, "GZIP"), stop)],
        },
        _ => vec![table(found, Origin::File(&bytes), &bytes, "", context, read)],
    };
    if found.bytes > SMALL_FILE_BYTES {
        *context.room() = bytes;
    }
    tables
}

fn bytes(found: &Found, context: Context) -> Result<Vec<u8>, Stop> {
    of_concern(found, context)?;
    let unreadable = |error: std::io::Error| {
        Stop::Refused(format!("could not be read ({error}): give this account the right to read it, or copy it again"))
    };
    let bytes = read_whole(found, context).map_err(unreadable)?;
    // A copy may keep the original's time while it grows.
    let about = fs::metadata(&found.path).map_err(unreadable)?;
    if about.len() != bytes.len() as u64 || bytes.len() as u64 != found.bytes || about.modified().ok() != Some(found.modified) {
        return Err(Stop::Skipped("still being copied: it changed while it was read; the next run reads it".to_owned()));
    }
    Ok(bytes)
}

/// All bytes of a file; of a large one both halves at once, for it is the copying that takes time.
#[cfg(unix)]
fn read_whole(found: &Found, context: Context) -> io::Result<Vec<u8>> {
    use std::os::unix::fs::FileExt;
    if found.bytes <= SMALL_FILE_BYTES {
        return fs::read(&found.path);
    }
    let file = File::open(&found.path)?;
    let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    let mut bytes = std::mem::take(&mut *context.room());
    match bytes.capacity() < length {
        true => bytes = vec![0; length],
        false => bytes.resize(length, 0),
    }
    let (first, second) = bytes.split_at_mut(length / 2);
    let half = |bytes: &mut [u8], from: usize| file.read_exact_at(bytes, from as u64);
    let (one, other) = rayon::join(|| half(first, 0), || half(second, length / 2));
    one.and(other)?;
    Ok(bytes)
}

#[cfg(not(unix))]
fn read_whole(found: &Found, _: Context) -> io::Result<Vec<u8>> {
    fs::read(&found.path)
}

fn of_concern(found: &Found, context: Context) -> Result<(), Stop> {
    // A note is one whether or not it has just been written.
    let name = found.name().to_lowercase();
    if !is_named(found, context) && (name.starts_with("readme") || name.ends_with(".md")) {
        return Err(a_note());
    }
    match &found.concern {
        Concern::Skip(word) => Err(Stop::Skipped(word.clone())),
        Concern::Broken(why) => Err(Stop::Refused(why.clone())),
        Concern::Read => Ok(()),
    }
}

fn is_named(found: &Found, context: Context) -> bool {
    !named_systems(&found.names(), context.config, context.systems).is_empty()
}

fn a_note() -> Stop {
    Stop::Skipped("a note, not an export".to_owned())
}

fn format(bytes: &[u8]) -> Format {
    decode::format(&bytes[..bytes.len().min(1 << 16)], Cursor::new(bytes))
}

/// Every file in an archive; one that is of no concern is said to be, as in the inbox.
fn entries<T: Send>(
    mut archive: Archive,
    sha256: &str,
    found: &Found,
    context: Context,
    read: ReadRows<'_, T>,
) -> Vec<ReadFile<T>> {
    let entries = archive.entries().into_iter();
    entries
        .map(|(at, name)| {
            let concern = concern_of_name(&name);
            let entry = Found {
                file: format!("{}/{name}", found.file),
                archive: Some(found.name().to_owned()),
                concern,
                ..found.clone()
            };
            match of_concern(&entry, context).and_then(|()| archive.unpack(at)) {
                Ok(content) => table(&entry, Origin::Archive(sha256), &content, "", context, read),
                Err(stop) => unused(FileReport { sha256: sha256.to_owned(), ..report(&entry) }, stop),
            }
        })
        .collect()
}

/// Where a content comes from.
enum Origin<'a> {
    /// A file of these bytes.
    File(&'a [u8]),
    /// A file of these bytes, unpacked.
    Packed(&'a [u8]),
    /// An archive of this hash.
    Archive(&'a str),
}

/// The table that a content is.
fn table<T: Send>(
    found: &Found,
    origin: Origin,
    content: &[u8],
    packed: &str,
    context: Context,
    read: ReadRows<'_, T>,
) -> ReadFile<T> {
    let hash = || match origin {
        Origin::File(bytes) => (sha256(bytes), None),
        Origin::Packed(bytes) => (sha256(bytes), Some(sha256(content))),
        Origin::Archive(hash) => (hash.to_owned(), Some(sha256(content))),
    };
    let mut report = FileReport { bytes: content.len() as u64, ..report(found) };
    let format = format(content);
    let load = || source::load(found, format, content, context, read, &mut report);
    let ((sha256, content_sha256), loaded) = rayon::join(hash, load);
    // Text has told how far it is row by row.
    if loaded.is_err() || format != Format::Text {
        progress::advance(content.len() as u64);
    }
    (report.sha256, report.content_sha256) = (sha256, content_sha256);
    report.seen_in = context.earlier.get(report.content()).cloned();
    report.format.insert_str(0, packed);
    match loaded {
        // Nobody has no contacts: it is no export, or one that went wrong.
        Ok(loaded) if loaded.outcome.rows == 0 && lists_contacts(&loaded.recognised, context) => {
            unused(report, Stop::Skipped("a header without rows says nothing of anybody: export it again".to_owned()))
        }
        Ok(loaded) => used(found, context, report, loaded),
        // Some platforms export under this ending, so it is a note only where it is nothing else.
        Err(Stop::Unrecognised(_)) if !is_named(found, context) && found.name().to_lowercase().ends_with(".txt") => {
            unused(report, a_note())
        }
        Err(stop) => unused(report, stop),
    }
}

fn lists_contacts(recognised: &Recognised, context: Context) -> bool {
    context.systems.profiles()[recognised.system].kinds[recognised.kind].grain == Grain::Contact
}

fn report(found: &Found) -> FileReport {
    FileReport {
        file: found.file.clone(),
        path: found.path.clone(),
        bytes: found.bytes,
        sha256: String::new(),
        content_sha256: None,
        verdict: Verdict::Used,
        system: None,
        kind: None,
        format: String::new(),
        sheet: None,
        hidden_sheets: Vec::new(),
        header_row: None,
        mapped: Vec::new(),
        unmapped: Vec::new(),
        rows: 0,
        rejected: 0,
        as_of: None,
        as_of_from: AsOfFrom::File,
        dated_after_run: None,
        dated_two_ways: false,
        stale: false,
        partial: false,
        seen_in: None,
    }
}

/// A file that an earlier run refused.
pub fn refused_earlier(name: &str, why: &str) -> FileReport {
    let concern = Concern::Broken(why.to_owned());
    let found =
        Found { file: name.to_owned(), archive: None, path: name.into(), bytes: 0, modified: SystemTime::UNIX_EPOCH, concern };
    FileReport { verdict: Verdict::Refused(why.to_owned()), ..report(&found) }
}

fn hashed(found: &Found, bytes: &[u8], format: &str) -> FileReport {
    FileReport { sha256: sha256(bytes), format: format.to_owned(), ..report(found) }
}

fn unused<T>(mut report: FileReport, stop: Stop) -> ReadFile<T> {
    report.verdict = match stop {
        Stop::Skipped(word) => Verdict::Skipped(word),
        Stop::Refused(why) | Stop::Unrecognised(why) => Verdict::Refused(why),
    };
    ReadFile { report, table: None, rejects: Vec::new() }
}

fn used<T>(found: &Found, context: Context, mut report: FileReport, loaded: Loaded<T>) -> ReadFile<T> {
    let Loaded { recognised, rows, outcome, preamble } = loaded;
    let profile = &context.systems.profiles()[recognised.system];
    // Names are given and reports are stamped where people are, not where a system keeps its clock.
    let zone = Zone::Named(context.config.timezone().expect("checked when the configuration was read"));
    let lines = || preamble.iter().chain(&outcome.footer).map(String::as_str);
    // A day's name may begin later than the run, by the zone.
    let limit = context.as_of + TimeDelta::days(1);
    let configured = context.config.systems.get(&profile.name).and_then(|system| system.date_order);
    let orders = Orders { usual: profile.date_order, configured };
    let named = |name: &str, limit| as_of::from_name(name, orders, zone, limit);
    let by_name = |limit| found.names().into_iter().find_map(|name| named(name, limit).at());
    let by_folder = || found.folders().find_map(|name| named(name, limit).at());
    let (as_of, from) = by_name(limit)
        .map(|moment| (moment, AsOfFrom::Name))
        .or_else(|| as_of::from_content(lines(), profile.date_order, zone, limit).map(|moment| (moment, AsOfFrom::Content)))
        .or_else(|| by_folder().map(|moment| (moment, AsOfFrom::Name)))
        .unwrap_or((found.modified.into(), AsOfFrom::File));
    report.dated_two_ways = from != AsOfFrom::Name && found.names().into_iter().any(|name| named(name, limit) == Named::TwoWays);
    report.dated_after_run = by_name(DateTime::<Utc>::MAX_UTC).filter(|named| *named > limit);

    report.system = Some(profile.name.clone());
    report.kind = Some(profile.kinds[recognised.kind].name.clone());
    report.mapped = recognised.mapped.into_iter().map(|(_, column)| column).collect();
    report.unmapped = recognised.unmapped;
    report.rows = outcome.rows;
    report.rejected = outcome.rejects.len() as u64;
    report.as_of = Some(as_of);
    report.as_of_from = from;
    let headers: Vec<String> = report
        .mapped
        .iter()
        .map(|column| &column.header)
        .chain(report.unmapped.iter().map(|column| &column.header))
        .map(|header| fold_header(header))
        .collect();
    let telling = &profile.kinds[recognised.kind].partial_with;
    let told = !telling.is_empty() && telling.iter().all(|header| headers.contains(&fold_header(header)));
    report.partial = told || context.config.systems.get(&profile.name).is_some_and(|system| system.partial);
    // An answer is of its day for good.
    let oldest = context.as_of.checked_sub_signed(TimeDelta::days(i64::from(context.config.inbox.max_age_days)));
    report.stale = profile.kinds[recognised.kind].grain != Grain::Answer && oldest.is_some_and(|oldest| as_of < oldest);
    let table = ReadTable {
        system: recognised.system,
        kind: recognised.kind,
        rows,
        part: recognised.part,
        keys: outcome.keys,
        modified: found.modified,
    };
    ReadFile { report, table: Some(table), rejects: outcome.rejects }
}

/// What a file held when it was read, unpacked.
///
/// # Errors
/// It is gone, or holds something else by now.
pub fn content(report: &FileReport) -> anyhow::Result<Vec<u8>> {
    let changed = || format!("{} changed while it was in use: run again", report.file);
    let bytes = fs::read(&report.path).with_context(|| format!("could not read {} again", report.file))?;
    anyhow::ensure!(sha256(&bytes) == report.sha256, changed());
    match format(&bytes) {
        Format::Gzip => gunzip(&bytes).map_err(|_| anyhow::anyhow!(changed())),
        Format::Zip => {
            let mut archive = Archive::open(&bytes).map_err(|_| anyhow::anyhow!(changed()))?;
            let entries = archive.entries();
            let mut contents = entries.into_iter().filter_map(|(at, _)| archive.unpack(at).ok());
            contents.find(|content| sha256(content) == report.content()).with_context(changed)
        }
        _ => Ok(bytes),
    }
}
