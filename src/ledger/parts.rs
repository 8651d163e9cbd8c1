//! The exports of one system and kind, one entry each: what they prove against those of earlier runs.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::{DateTime, Utc};

use crate::columns::Field;
use crate::config::Config;
use crate::ingest::FileReport;
use crate::ledger::manifest::{Input, Known, Manifest};
use crate::systems::{Grain, Systems};

/// What this run knows of one system and kind.
#[derive(Clone, Debug)]
pub struct Part {
    /// Positions of the system and the kind.
    pub at: (usize, usize),
    /// Its exports of this run; none where none was compared.
    pub input: Option<Input>,
    /// The newest fresh export of earlier runs.
    pub known: Option<Known>,
    /// Whether its exports are much smaller than those before.
    pub shrunken: bool,
    /// Whether its exports are logs or extracts alone.
    pub partial: bool,
    /// Whether each of its exports has a column for the evidence of an opt-in.
    pub has_evidence: bool,
}

impl Part {
    /// Whether this run takes over the states that its exports show.
    pub fn is_counted(&self) -> bool {
        self.input.as_ref().is_some_and(|input| input.counted)
    }

    /// Whether a record that is missing is gone.
    pub fn proves_absence(&self) -> bool {
        self.input.as_ref().is_some_and(|input| input.counted && input.complete)
    }

    /// When the exports before were made, in milliseconds.
    pub fn known_as_of(&self) -> Option<i64> {
        self.known.as_ref().and_then(|known| known.as_of).map(|as_of| as_of.timestamp_millis())
    }

    /// When its exports were made, in milliseconds.
    pub fn as_of(&self) -> Option<i64> {
        self.input.as_ref().and_then(|input| input.as_of).map(|as_of| as_of.timestamp_millis())
    }

    /// Whether its exports are older than those before.
    pub fn is_older(&self) -> bool {
        self.known_as_of().zip(self.as_of()).is_some_and(|(known, as_of)| as_of < known)
    }

    /// Whether its exports are newer than those before.
    pub fn is_newer(&self) -> bool {
        self.known_as_of().is_none_or(|known| self.as_of().is_some_and(|as_of| as_of > known))
    }
}

/// Every system and kind, present or not.
pub(super) fn parts(
    files: &[FileReport],
    systems: &Systems,
    config: &Config,
    last: Option<&Manifest>,
    missed: &BTreeMap<usize, Vec<String>>,
) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    for (system, profile) in systems.profiles().iter().enumerate() {
        for (position, kind) in profile.kinds.iter().enumerate() {
            // What a loader answers is no state of any record, and a log of events is as long as its week was busy.
            let is_log = kind.grain.is_log();
            let is_of = |file: &&FileReport| {
                kind.grain != Grain::Answer && file.is_used() && file.is_taken_for(&profile.name, &kind.name)
            };
            let used: Vec<&FileReport> = files.iter().filter(is_of).collect();
            // Beside a full export an extract adds records, and takes nothing from what that one proves.
            let full: Vec<&FileReport> = used.iter().copied().filter(|file| !file.partial).collect();
            let used = if full.is_empty() { used } else { full };
            let known = last.and_then(|last| last.known(&profile.name, &kind.name)).cloned();
            let as_of: Option<DateTime<Utc>> = used.iter().filter_map(|file| file.as_of).min();
            let rows: u64 = used.iter().map(|file| file.rows).sum();
            let stale = used.iter().any(|file| file.stale);
            let before = known.as_ref().map_or(0, |known| known.rows);
            let partial = is_log || config.system(&profile.name).partial || used.iter().any(|file| file.partial);
            let shrunken = !used.is_empty() && !partial && (before as f64) * (1.0 - config.brake.max_shrink) > rows as f64;
            let newer = known.as_ref().and_then(|known| known.as_of).is_none_or(|known| as_of.is_some_and(|as_of| as_of > known));
            let input = (!used.is_empty()).then(|| Input {
                system: profile.name.clone(),
                kind: kind.name.clone(),
                as_of,
                rows,
                stale,
                counted: newer && !stale,
                complete: !(shrunken || partial || kind.grain == Grain::Membership && missed.contains_key(&system)),
            });
            let tells_evidence = |file: &&FileReport| file.mapped.iter().any(|column| column.field == Field::OptInEvidence);
            let has_evidence = used.iter().all(tells_evidence);
            parts.push(Part { at: (system, position), input, known, shrunken, partial, has_evidence });
        }
    }
    Ok(parts)
}
