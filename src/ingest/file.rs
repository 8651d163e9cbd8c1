//! One file to its table and its report: what it is, whose it is, and when it was made.

use std::fs;

use chrono::{DateTime, TimeDelta, Utc};
use polars::prelude::DataFrame;
use sha2::{Digest, Sha256};

use super::inbox::{Concern, Found};
use super::recognise::named_systems;
use super::source::{self, Loaded, Stop};
use super::{AsOfFrom, FileReport, MappedColumn, Reject, Verdict, as_of};
use crate::config::Config;
use crate::normalise::Zone;
use crate::systems::Systems;

/// What every file is read with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The profiles, as the configuration adjusts them.
    pub systems: &'a Systems,
    /// The run's time.
    pub as_of: DateTime<Utc>,
}

/// A file that was read as far as it could be.
pub struct ReadFile {
    /// What it was taken for.
    pub report: FileReport,
    /// Its table, where it has one.
    pub table: Option<Table>,
    /// Rows that the table could not take.
    pub rejects: Vec<Reject>,
}

/// A table and whose it is.
pub struct Table {
    /// Position of its system among the profiles.
    pub system: usize,
    /// Position of its kind in the profile.
    pub kind: usize,
    /// The mapped columns.
    pub columns: Vec<MappedColumn>,
    /// Its rows.
    pub frame: DataFrame,
}

/// Reads one file. Whatever is wrong with it is its verdict.
pub fn read(found: &Found, context: Context) -> ReadFile {
    let mut report = FileReport {
        file: found.file.clone(),
        path: found.path.clone(),
        bytes: found.bytes,
        sha256: String::new(),
        verdict: Verdict::Used,
        system: None,
        kind: None,
        format: String::new(),
        sheet: None,
        header_row: None,
        mapped: Vec::new(),
        unmapped: Vec::new(),
        rows: 0,
        rejected: 0,
        as_of: None,
        as_of_from: AsOfFrom::File,
        stale: false,
    };
    match load(found, context, &mut report) {
        Ok(loaded) => used(found, context, report, loaded),
        Err(stop) => {
            report.verdict = match stop {
                Stop::Skipped(word) => Verdict::Skipped(word),
                Stop::Refused(why) | Stop::Unrecognised(why) => Verdict::Refused(why),
            };
            ReadFile { report, table: None, rejects: Vec::new() }
        }
    }
}

fn load(found: &Found, context: Context, report: &mut FileReport) -> Result<Loaded, Stop> {
    match &found.concern {
        Concern::Skip(word) => return Err(Stop::Skipped(word.clone())),
        Concern::Broken(why) => return Err(Stop::Refused(why.clone())),
        Concern::Read => {}
    }
    let name = found.name().to_lowercase();
    let named = !named_systems(found.name(), context.config, context.systems).is_empty();
    if !named && (name.starts_with("readme") || name.ends_with(".md")) {
        return Err(a_note());
    }
    let bytes = fs::read(&found.path).map_err(|error| {
        Stop::Refused(format!("could not be read ({error}): give this account the right to read it, or copy it again"))
    })?;
    report.bytes = bytes.len() as u64;
    let (sha256, loaded) = rayon::join(|| sha256(&bytes), || source::load(found, &bytes, context, report));
    report.sha256 = sha256;
    match loaded {
        // Some platforms export under this ending, so it is a note only where it is nothing else.
        Err(Stop::Unrecognised(_)) if !named && name.ends_with(".txt") => Err(a_note()),
        loaded => loaded,
    }
}

fn a_note() -> Stop {
    Stop::Skipped("a note, not an export".to_owned())
}

fn used(found: &Found, context: Context, mut report: FileReport, loaded: Loaded) -> ReadFile {
    let Loaded { recognised, built, preamble } = loaded;
    let profile = &context.systems.profiles()[recognised.system];
    let zone = Zone::parse(&profile.zone).expect("checked when the profile and the configuration were read");
    let lines = || preamble.iter().chain(&built.footer).map(String::as_str);
    let (as_of, from) = as_of::from_name(found.name(), zone)
        .map(|moment| (moment, AsOfFrom::Name))
        .or_else(|| as_of::from_content(lines(), profile.date_order, zone).map(|moment| (moment, AsOfFrom::Content)))
        .unwrap_or((found.modified.into(), AsOfFrom::File));
    let columns: Vec<MappedColumn> = recognised.mapped.into_iter().map(|(_, column)| column).collect();

    report.system = Some(profile.name.clone());
    report.kind = Some(profile.kinds[recognised.kind].name.clone());
    report.mapped.clone_from(&columns);
    report.unmapped = recognised.unmapped;
    report.rows = built.frame.height() as u64 + built.rejects.len() as u64;
    report.rejected = built.rejects.len() as u64;
    report.as_of = Some(as_of);
    report.as_of_from = from;
    report.stale = as_of < context.as_of - TimeDelta::days(i64::from(context.config.inbox.max_age_days));
    let table = Table { system: recognised.system, kind: recognised.kind, columns, frame: built.frame };
    ReadFile { report, table: Some(table), rejects: built.rejects }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
