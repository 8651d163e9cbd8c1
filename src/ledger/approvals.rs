//! Approvals: who released what the brake had held. One entry of the chain is one approval, `ledger/<run>.approved-<n>/`.
//!
//! It is given between two runs, so it is no part of any set: it has a manifest of its own, which names the entry before
//! by its hash and is named by the one after. The entry decides; `approved.json` in the run folder and the moves of the
//! files follow from it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::ledger::files;
use crate::ledger::manifest::{FORMAT, NAME, Reference};
use crate::ledger::sets::{CHECKSUM, HIDDEN, Sets};
use crate::workspace::{create_folder, sync_folder};

/// What stands between the run's name and the number of an approval.
const INFIX: &str = ".approved-";

/// One approval.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Approval {
    /// Who.
    pub by: String,
    /// When, in UTC.
    pub at: String,
    /// What was released.
    pub released: Vec<Released>,
    /// Runs whose lost decisions were made good for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<String>,
}

/// One file that was released.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Released {
    /// The system.
    pub target: String,
    /// Where it was held, below the run folder.
    pub from: String,
    /// Where it is now.
    pub to: String,
    /// Rows, the header aside.
    pub rows: u64,
    /// The same of its undo file, where it has one.
    pub undo: Option<(String, String)>,
}

/// The manifest of an approval.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Entry {
    pub format: u32,
    pub version: String,
    /// The name of its folder.
    pub entry: String,
    /// The run whose files it releases.
    pub run: String,
    pub sequence: u64,
    pub previous: Option<Reference>,
    pub approval: Approval,
}

/// An approval in the chain.
#[derive(Debug)]
pub(super) struct Approved {
    pub folder: PathBuf,
    pub entry: Entry,
    /// Of its manifest.
    pub sha256: String,
}

/// Whether an entry of that name is an approval.
pub(super) fn is_approval(name: &str) -> bool {
    name.contains(INFIX)
}

/// The approvals of a run, the earliest first.
///
/// # Errors
/// The ledger cannot be listed. An approval that cannot be read is one of its troubles, and releases nothing.
pub fn approvals(ledger: &Path, runs: &Path, run: &str) -> Result<Vec<Approval>> {
    let sets = Sets::open(ledger, runs)?;
    Ok(sets.approvals.into_iter().filter(|approved| approved.entry.run == run).map(|approved| approved.entry.approval).collect())
}

/// Adds an approval to the ledger: whole, or not at all. Only for whoever holds the workspace's lock.
///
/// # Errors
/// What cannot be written, by its path.
pub fn approve(ledger: &Path, runs: &Path, run: &str, approval: &Approval) -> Result<()> {
    let sets = Sets::open(ledger, runs)?;
    let entry = (1..).map(|number| format!("{run}{INFIX}{number}")).find(|name| !ledger.join(name).exists());
    let entry = entry.expect("there is always a free number");
    let (sequence, previous) = sets.next();
    let (hidden, shown) = (ledger.join(format!("{HIDDEN}{entry}")), ledger.join(&entry));
    create_folder(&hidden)?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let manifest = Entry { format: FORMAT, version, entry, run: run.to_owned(), sequence, previous, approval: approval.clone() };
    files::write_manifest(&manifest, &hidden, NAME, CHECKSUM)?;
    sync_folder(&hidden)?;
    fs::rename(&hidden, &shown).with_context(|| format!("cannot rename {} to {}", hidden.display(), shown.display()))?;
    sync_folder(ledger)
}
