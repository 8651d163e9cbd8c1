//! The reviewers' decisions that stand, as the sets keep them: each set has all of them, one row a decision.
//!
//! So the latest set is enough, and the age of the sets before it takes none away. What cannot be proven to be what that
//! set held is lost until it is back: then the latest decisions that can be proven stand, of any other copy only what
//! opts out, and the run must opt nobody in.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use polars::prelude::DataFrame;
use polars_io::SerReader;
use polars_io::prelude::ParquetReader;

use crate::ledger::files;
use crate::ledger::manifest::Reference;
use crate::ledger::sets::{Set, Sets};

/// The file, in a set and in the run folder.
pub const FILE: &str = "decisions.parquet";

/// What earlier runs left of the reviewers' decisions.
#[derive(Debug, Default)]
pub struct Kept {
    /// Tables that are as they were written, one row a decision.
    pub proven: Vec<DataFrame>,
    /// Tables of which nobody knows: only what opts out may be taken from them.
    pub unproven: Vec<DataFrame>,
    /// The runs whose decisions are lost, each with the SHA-256 of its table; empty where that is lost too.
    pub lost: Vec<Reference>,
    /// What is wrong with single files, a sentence each.
    pub troubles: Vec<String>,
}

impl Kept {
    /// What the runs before one left: `latest` is the last of them by time, `further` are those that were written after
    /// it for an earlier time, `before` all that are older, the latest first.
    pub(super) fn read(sets: &Sets, runs: &Path, latest: Option<&Set>, further: &[&Set], before: &[&Set], now: &str) -> Kept {
        let mut kept = Kept::default();
        for set in latest.into_iter().chain(further.iter().copied()) {
            kept.take(set, sets, runs);
        }
        // A set that cannot be used and is newer than all others may have held what none of them has.
        let newest = latest.map(|set| set.manifest.run.as_str()).unwrap_or_default();
        for run in sets.unusable.iter().filter(|run| run.as_str() > newest && run.as_str() < now) {
            kept.miss(run, "", sets, runs);
        }
        for lost in latest.iter().flat_map(|set| &set.manifest.lost) {
            kept.look_again(lost, sets, runs);
        }
        let released = |lost: &Reference| {
            let approvals = sets.approvals.iter().flat_map(|approved| &approved.entry.approval.decisions);
            approvals.into_iter().any(|run| *run == lost.run)
        };
        kept.lost.retain(|lost| !released(lost));
        // The latest set without any says that none stood any more.
        if kept.proven.is_empty() && kept.is_doubtful() {
            kept.proven.extend(before.iter().find_map(|set| proven(set, sets, runs)).flatten());
        }
        kept
    }

    /// Whether decisions are lost: then somebody may have been opted out whom nothing else opts out.
    pub fn is_doubtful(&self) -> bool {
        !self.lost.is_empty()
    }

    fn take(&mut self, set: &Set, sets: &Sets, runs: &Path) {
        let run = &set.manifest.run;
        let Some(entry) = set.manifest.files.get(FILE) else {
            // A release that kept decisions in the run folder alone.
            if runs.join(run).join(FILE).is_file() {
                self.miss(run, "", sets, runs);
            }
            return;
        };
        let own = set.read_as(FILE, entry, None);
        match own {
            Ok(frame) => self.proven.push(frame),
            Err(what) => {
                self.troubles.push(what);
                match proven(set, sets, runs) {
                    Some(frame) => self.proven.extend(frame),
                    None => self.miss(run, &entry.sha256, sets, runs),
                }
            }
        }
    }

    /// The decisions of a run are lost, unless its folder says that there were none.
    fn miss(&mut self, run: &str, sha256: &str, sets: &Sets, runs: &Path) {
        let copies = copies(run, sets, runs);
        if copies.is_empty() && sha256.is_empty() && is_whole(&runs.join(run)) {
            return;
        }
        self.unproven.extend(copies);
        self.lost.push(Reference { run: run.to_owned(), sha256: sha256.to_owned() });
    }

    /// What was lost some runs ago may be back from a backup.
    fn look_again(&mut self, lost: &Reference, sets: &Sets, runs: &Path) {
        let set = sets.all.iter().find(|set| set.manifest.run == lost.run);
        match set.and_then(|set| proven(set, sets, runs)) {
            Some(frame) => self.proven.extend(frame),
            None => {
                self.unproven.extend(copies(&lost.run, sets, runs));
                self.lost.push(lost.clone());
            }
        }
    }
}

/// The decisions of a set: its own file, or another with the same bytes. None where there is no such file, and within
/// it none where the set had none.
fn proven(set: &Set, sets: &Sets, runs: &Path) -> Option<Option<DataFrame>> {
    let Some(entry) = set.manifest.files.get(FILE) else {
        return (!runs.join(&set.manifest.run).join(FILE).is_file()).then_some(None);
    };
    let twins = sets.all.iter().filter(|other| other.manifest.files.get(FILE) == Some(entry));
    let folders = std::iter::once(set.folder.clone()).chain(twins.map(|twin| twin.folder.clone()));
    let folders = folders.chain([runs.join(&set.manifest.run)]);
    folders.map(|folder| files::read(&folder.join(FILE), entry, None)).find_map(Result::ok).map(Some)
}

/// What can be read of a run's decisions, proven or not.
fn copies(run: &str, sets: &Sets, runs: &Path) -> Vec<DataFrame> {
    let set = sets.all.iter().find(|set| set.manifest.run == run).map(|set| set.folder.clone());
    let ledger = set.or_else(|| Some(runs.parent()?.join("ledger").join(run)));
    let files = ledger.into_iter().chain([runs.join(run)]).map(|folder| folder.join(FILE));
    let read = |file: std::path::PathBuf| {
        let bytes = fs::read(file).ok()?;
        ParquetReader::new(Cursor::new(bytes)).finish().ok()
    };
    files.filter_map(read).collect()
}

/// Whether a run folder is there and says that no decision stood.
fn is_whole(run: &Path) -> bool {
    let text = fs::read_to_string(run.join("run.json")).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    manifest["decisions"] == 0
}
