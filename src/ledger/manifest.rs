//! `manifest.json` of one set: what it holds, what it rests on, and the hash of the set before.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::history::Figures;

/// The name of the file.
pub const NAME: &str = "manifest.json";

/// The format of the sets that this program writes.
pub const FORMAT: u32 = 1;

/// One set of the ledger.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Manifest {
    /// The format of the set.
    pub format: u32,
    /// The program's version.
    pub version: String,
    /// The run.
    pub run: String,
    /// The run's time.
    pub as_of: DateTime<Utc>,
    /// Sets are numbered in the order in which they were written, from 1.
    pub sequence: u64,
    /// The set that was written before.
    pub previous: Option<Reference>,
    /// The run whose state the snapshot only changes; none where it is whole.
    pub base: Option<String>,
    /// The exports that were compared, one entry a system and kind.
    pub inputs: Vec<Input>,
    /// The system and kind of each number in the column `part` of the snapshot.
    pub parts: Vec<(String, String)>,
    /// The newest fresh export of each system and kind so far.
    pub known: Vec<Known>,
    /// The source system whose ids the others named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The files of the set.
    pub files: BTreeMap<String, FileEntry>,
    /// The sets that were removed because of their age when this one was written.
    #[serde(default)]
    pub pruned: Vec<Reference>,
    /// What was found to be wrong with the ledger when this set was written.
    #[serde(default)]
    pub damage: Vec<String>,
    /// The runs whose reviewers' decisions could not be read and are not back yet, with the SHA-256 of that file; empty
    /// where nobody knows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<Reference>,
    /// What the run counted.
    pub figures: Figures,
}

/// A set, or an approval, and the hash of its manifest.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Reference {
    /// The run.
    pub run: String,
    /// SHA-256 of its `manifest.json`, in hexadecimal.
    pub sha256: String,
}

/// One file of a set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct FileEntry {
    /// SHA-256, in hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
}

/// The exports of one system and kind that a run compared.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Input {
    /// The system.
    pub system: String,
    /// The kind.
    pub kind: String,
    /// When they were made, the oldest of them.
    pub as_of: Option<DateTime<Utc>>,
    /// Data rows.
    pub rows: u64,
    /// Whether any is stale.
    pub stale: bool,
    /// Whether the ledger took over the states that they show: they are fresh, and newer than those before.
    pub counted: bool,
    /// Whether a record that is missing from them is gone.
    pub complete: bool,
}

/// The newest fresh export of a system and kind.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Known {
    /// The system.
    pub system: String,
    /// The kind.
    pub kind: String,
    /// When it was made.
    pub as_of: Option<DateTime<Utc>>,
    /// Its data rows.
    pub rows: u64,
    /// The lists of a platform that keeps memberships, each with the last run that had it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lists: BTreeMap<String, DateTime<Utc>>,
}

/// Days for which a list, or an export, is missed that is not there any more.
const MISSED_DAYS: TimeDelta = TimeDelta::days(28);

impl Known {
    /// Whether a run at a time may expect an export of its kind.
    pub fn is_expected(&self, as_of: DateTime<Utc>) -> bool {
        self.rows > 0 && self.as_of.is_some_and(|made| as_of - made <= MISSED_DAYS)
    }

    /// Its lists that a run at a time may expect.
    pub fn lists(&self, as_of: DateTime<Utc>) -> impl Iterator<Item = (&str, DateTime<Utc>)> {
        let lists = self.lists.iter().map(|(list, seen)| (list.as_str(), *seen));
        lists.filter(move |(_, seen)| as_of - *seen <= MISSED_DAYS)
    }
}

impl Manifest {
    /// The input of a system and kind.
    pub fn input(&self, system: &str, kind: &str) -> Option<&Input> {
        self.inputs.iter().find(|input| input.system == system && input.kind == kind)
    }

    /// The newest fresh export of a system and kind.
    pub fn known(&self, system: &str, kind: &str) -> Option<&Known> {
        self.known.iter().find(|known| known.system == system && known.kind == kind)
    }
}
