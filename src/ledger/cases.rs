//! Discrepancies from run to run: new, persisting, reopened, resolved, or not compared because an export is missing.

use anyhow::Result;
use foldhash::HashMap;
use polars::prelude::{Column, DataFrame, IntoColumn, NewChunkedArray, PolarsResult, StringChunked, UInt64Chunked};
use rayon::prelude::*;

use crate::columns::Standing;
use crate::ledger::files::{moments, read_moments};
use crate::ledger::key::Key;

/// The file.
pub(super) const FILE: &str = "discrepancies.parquet";

/// What makes a discrepancy the same as that of an earlier run.
pub const IDENTITY: [&str; 9] =
    ["rule", "contact_id", "email", "subject", "a_system", "a_record", "b_system", "b_record", "kinds"];

/// What is known of a discrepancy. Times are those of runs, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// How it stood in its last row.
    pub standing: Standing,
    /// The first run that saw it.
    pub first_seen: i64,
    /// The run since which it has been there without a break.
    pub since: i64,
    /// The last run that saw it, where that is over.
    pub last_seen: Option<i64>,
}

/// Those of earlier runs.
#[derive(Debug, Default)]
pub(super) struct Cases {
    of: HashMap<u64, (Case, u32)>,
    names: Vec<DataFrame>,
    offsets: Vec<u32>,
    rows: u32,
}

impl Cases {
    /// Adds the rows of a set.
    pub fn apply(&mut self, frame: &DataFrame) -> PolarsResult<()> {
        let (first, since, last) =
            (read_moments(frame, "first_seen")?, read_moments(frame, "since")?, read_moments(frame, "last_seen")?);
        let (keys, standings) = (frame.column("key")?.u64()?, frame.column("state")?.str()?);
        for (at, (key, standing)) in keys.iter().zip(standings.iter()).enumerate() {
            let Some(standing) = standing.and_then(Standing::from_word) else { continue };
            let case = Case {
                standing,
                first_seen: first.get(at).unwrap_or_default(),
                since: since.get(at).unwrap_or_default(),
                last_seen: last.get(at),
            };
            self.of.insert(key.unwrap_or_default(), (case, self.rows + at as u32));
        }
        self.offsets.push(self.rows);
        self.rows += frame.height() as u32;
        self.names.push(frame.select(IDENTITY)?);
        Ok(())
    }

    pub fn get(&self, key: u64) -> Option<Case> {
        self.of.get(&key).map(|(case, _)| *case)
    }

    /// All of them with their keys and rows, in the order in which they were written.
    pub fn all(&self) -> Vec<(u64, Case, u32)> {
        let mut all: Vec<(u64, Case, u32)> = self.of.iter().map(|(key, (case, row))| (*key, *case, *row)).collect();
        all.sort_unstable_by_key(|(_, _, row)| *row);
        all
    }

    /// The identity of a row.
    pub fn identity(&self, row: u32) -> [String; IDENTITY.len()] {
        let at = self.offsets.partition_point(|offset| *offset <= row) - 1;
        let text =
            |name: &str| -> Option<&str> { self.names[at].column(name).ok()?.str().ok()?.get((row - self.offsets[at]) as usize) };
        IDENTITY.map(|name| text(name).unwrap_or_default().to_owned())
    }
}

/// The key of an identity; the kinds of its records are no part of it.
pub(super) fn key_of<'a>(identity: impl IntoIterator<Item = &'a str>) -> u64 {
    identity.into_iter().take(IDENTITY.len() - 1).fold(Key::EMPTY, Key::text).value()
}

/// A case that is to be written, with its key and its identity.
pub(super) type Row<'a> = (u64, Case, [&'a str; IDENTITY.len()]);

/// One row a case.
pub(super) fn frame(rows: &[Row<'_>]) -> Result<DataFrame> {
    let text = |at: usize| -> Column {
        let texts = rows.iter().map(|(_, _, identity)| Some(identity[at]).filter(|text| !text.is_empty()));
        StringChunked::from_iter_options(IDENTITY[at].into(), texts).into_column()
    };
    let standings = rows.iter().map(|(_, case, _)| case.standing.word());
    let mut columns = vec![
        UInt64Chunked::from_iter_values("key".into(), rows.iter().map(|(key, _, _)| *key)).into_column(),
        StringChunked::from_iter_values("state".into(), standings).into_column(),
        moments("first_seen", rows.iter().map(|(_, case, _)| Some(case.first_seen))),
        moments("since", rows.iter().map(|(_, case, _)| Some(case.since))),
        moments("last_seen", rows.iter().map(|(_, case, _)| case.last_seen)),
    ];
    columns.par_extend((0..IDENTITY.len()).into_par_iter().map(text));
    Ok(DataFrame::new(rows.len(), columns)?)
}
