//! The sets on disk, and the approvals between them: found, settled after a kill, and held to their chain of hashes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use polars::prelude::DataFrame;

use crate::hash::sha256;
use crate::history::Week;
use crate::ledger::approvals::{Approved, Entry, is_approval};
use crate::ledger::files;
use crate::ledger::manifest::{FORMAT, FileEntry, Manifest, NAME, Reference};

/// How a set is called until its run folder has appeared.
pub(super) const HIDDEN: &str = ".unfinished-";

/// What the name of an entry begins with that is being removed because of its age.
const PRUNED: &str = ".pruned-";

/// The file beside a manifest that holds its hash, as `sha256sum` writes and checks it.
pub(super) const CHECKSUM: &str = "manifest.sha256";

/// One set.
#[derive(Debug)]
pub(super) struct Set {
    pub folder: PathBuf,
    pub manifest: Manifest,
    /// Of its manifest.
    pub sha256: String,
}

impl Set {
    /// A table of the set.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn read(&self, name: &str, columns: Option<&[&str]>) -> Result<DataFrame, String> {
        let Some(entry) = self.manifest.files.get(name) else {
            return Err(damaged(&self.manifest.run, name, "is not in the manifest"));
        };
        self.read_as(name, entry, columns)
    }

    /// A table that the manifest lists with that entry.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn read_as(&self, name: &str, entry: &FileEntry, columns: Option<&[&str]>) -> Result<DataFrame, String> {
        files::read(&self.folder.join(name), entry, columns).map_err(|what| damaged(&self.manifest.run, name, &what))
    }
}

/// A sentence about a file of the ledger.
fn damaged(run: &str, file: &str, what: &str) -> String {
    format!("ledger/{run}/{file} {what}.")
}

/// The sets and the approvals, each in the order in which they were written.
#[derive(Debug, Default)]
pub(super) struct Sets {
    pub all: Vec<Set>,
    pub approvals: Vec<Approved>,
    /// What is wrong with them that no later set has recorded, a sentence each.
    pub troubles: Vec<String>,
    /// The runs whose sets are known and cannot be used.
    pub unusable: BTreeSet<String>,
}

/// Finishes what a killed run left behind. A set whose run folder has appeared belongs to a complete run and
/// takes its name; any other goes. Only for whoever holds the workspace's lock.
///
/// # Errors
/// A folder that cannot be renamed or removed.
pub fn settle(ledger: &Path, runs: &Path) -> Result<()> {
    let remove = |path: &Path| fs::remove_dir_all(path).with_context(|| format!("cannot remove {}", path.display()));
    for half in names(ledger)?.into_iter().filter(|name| name.starts_with(PRUNED)) {
        remove(&ledger.join(half))?;
    }
    for hidden in names(ledger)?.into_iter().filter(|name| name.starts_with(HIDDEN)) {
        let (path, id) = (ledger.join(&hidden), &hidden[HIDDEN.len()..]);
        if runs.join(id).is_dir() && !ledger.join(id).exists() {
            fs::rename(&path, ledger.join(id)).with_context(|| format!("cannot rename {}", path.display()))?;
        } else {
            remove(&path)?;
        }
    }
    // What an earlier run was about to prune.
    let sets = Sets::open(ledger, runs)?;
    let pruned = sets.pruned();
    let folders = sets.all.iter().map(|set| (&set.manifest.run, &set.folder));
    let folders = folders.chain(sets.approvals.iter().map(|approved| (&approved.entry.entry, &approved.folder)));
    for (name, folder) in folders.filter(|(name, _)| pruned.contains(&name.as_str())) {
        // Half of a set would count as a damaged one.
        let half = ledger.join(format!("{PRUNED}{name}"));
        fs::rename(folder, &half).with_context(|| format!("cannot rename {}", folder.display()))?;
        remove(&half)?;
    }
    Ok(())
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", folder.display())),
    };
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

fn is_of_a_run(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_digit())
}

impl Sets {
    /// Reads all manifests and checks the chain.
    ///
    /// # Errors
    /// A folder cannot be listed.
    pub fn open(ledger: &Path, runs: &Path) -> Result<Sets> {
        let mut sets = Sets::default();
        for name in names(ledger)? {
            // The set of a run that was killed between its two renames counts like any other.
            let id = name.strip_prefix(HIDDEN).unwrap_or(&name);
            let is_hidden = name.len() > id.len();
            if !is_of_a_run(id) || is_hidden && (!runs.join(id).is_dir() || ledger.join(id).exists()) {
                continue;
            }
            let folder = ledger.join(&name);
            let read = match is_approval(id) {
                true => open_approval(&folder, id).map(|approved| sets.approvals.push(approved)),
                false => open(&folder, id).map(|set| sets.all.push(set)),
            };
            if let Err(what) = read {
                sets.cannot_use(id, &what);
            }
        }
        sets.all.sort_by_key(|set| set.manifest.sequence);
        sets.approvals.sort_by_key(|approved| approved.entry.sequence);
        sets.check_chain();
        sets.check_runs(&names(runs)?);
        let recorded: Vec<String> = sets.all.iter().flat_map(|set| set.manifest.damage.clone()).collect();
        sets.troubles.retain(|trouble| !recorded.contains(trouble));
        Ok(sets)
    }

    fn cannot_use(&mut self, name: &str, what: &str) {
        if !is_approval(name) {
            self.unusable.insert(name.to_owned());
        }
        self.troubles.push(damaged(name, NAME, what));
    }

    /// Names, hashes, numbers and forerunners of all entries.
    fn links(&self) -> impl Iterator<Item = (&str, &str, u64, Option<&Reference>)> {
        let sets = self.all.iter().map(|set| {
            let manifest = &set.manifest;
            (manifest.run.as_str(), set.sha256.as_str(), manifest.sequence, manifest.previous.as_ref())
        });
        sets.chain(self.approvals.iter().map(|approved| {
            let entry = &approved.entry;
            (entry.entry.as_str(), approved.sha256.as_str(), entry.sequence, entry.previous.as_ref())
        }))
    }

    /// The number of the entry to come, and its forerunner.
    pub fn next(&self) -> (u64, Option<Reference>) {
        let last = self.links().max_by_key(|(_, _, sequence, _)| *sequence);
        let reference = |run: &str, sha256: &str| Reference { run: run.to_owned(), sha256: sha256.to_owned() };
        last.map_or((1, None), |(run, sha256, sequence, _)| (sequence + 1, Some(reference(run, sha256))))
    }

    /// What the runs before a time counted, or all runs, the oldest first.
    pub fn weeks(&self, before: Option<DateTime<Utc>>) -> Vec<Week> {
        let manifests = self.all.iter().map(|set| &set.manifest);
        let mut runs: Vec<&Manifest> = manifests.filter(|run| before.is_none_or(|before| run.as_of < before)).collect();
        runs.sort_by_key(|run| (run.as_of, run.sequence));
        let week = |run: &Manifest| Week { run: run.run.clone(), as_of: run.as_of, figures: run.figures.clone() };
        runs.into_iter().map(week).collect()
    }

    /// Every entry must be the one that its follower names, or have been pruned by a later one.
    fn check_chain(&mut self) {
        let hashes: BTreeMap<&str, &str> = self.links().map(|(name, sha256, _, _)| (name, sha256)).collect();
        let pruned = self.pruned();
        let (mut altered, mut missing) = (Vec::new(), Vec::new());
        for previous in self.links().filter_map(|(_, _, _, previous)| previous) {
            match hashes.get(previous.run.as_str()) {
                Some(sha256) if *sha256 == previous.sha256 => {}
                Some(_) => altered.push(previous.run.clone()),
                None if pruned.contains(&previous.run.as_str()) || self.is_named(&previous.run) => {}
                None => missing.push(previous.run.clone()),
            }
        }
        for name in missing {
            self.cannot_use(&name, "is missing");
        }
        for name in altered {
            self.all.retain(|set| set.manifest.run != name);
            self.approvals.retain(|approved| approved.entry.entry != name);
            self.cannot_use(&name, "was changed after it was written (the entry after it names another SHA-256)");
        }
    }

    /// Every run that is there must have its set, unless that was pruned: no follower misses the set of the newest run.
    fn check_runs(&mut self, runs: &[String]) {
        let pruned = self.pruned();
        let known = |name: &str| self.all.iter().any(|set| set.manifest.run == name) || pruned.contains(&name);
        let oldest = self.all.iter().map(|set| set.manifest.run.as_str()).min().unwrap_or_default();
        let is_missing = |name: &&String| is_of_a_run(name) && name.as_str() > oldest && !known(name) && !self.is_named(name);
        let missing: Vec<String> = runs.iter().filter(is_missing).cloned().collect();
        for name in missing {
            self.cannot_use(&name, "is missing");
        }
    }

    /// Whether something is known to be wrong with the manifest of an entry.
    fn is_named(&self, name: &str) -> bool {
        let named = damaged(name, NAME, "");
        let known = named.trim_end_matches(['.', ' ']);
        self.troubles.iter().any(|trouble| trouble.starts_with(known))
    }

    /// The entries that later ones have removed because of their age.
    fn pruned(&self) -> Vec<&str> {
        self.all.iter().flat_map(|set| &set.manifest.pruned).map(|entry| entry.run.as_str()).collect()
    }

    /// The entries of runs: their sets and their approvals.
    pub fn entries_of(&self, is_of: impl Fn(&str) -> bool) -> Vec<Reference> {
        let mut entries = Vec::new();
        for set in self.all.iter().filter(|set| is_of(&set.manifest.run)) {
            entries.push(Reference { run: set.manifest.run.clone(), sha256: set.sha256.clone() });
            let of_run = self.approvals.iter().filter(|approved| approved.entry.run == set.manifest.run);
            entries.extend(of_run.map(|one| Reference { run: one.entry.entry.clone(), sha256: one.sha256.clone() }));
        }
        entries
    }
}

/// The text of a manifest and its hash, if it is the one that was written.
fn verified(folder: &Path) -> Result<(String, String), String> {
    let text = match fs::read_to_string(folder.join(NAME)) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err("is missing".to_owned()),
        Err(error) => return Err(format!("cannot be read ({error})")),
    };
    let sha256 = sha256(text.as_bytes());
    let noted = fs::read_to_string(folder.join(CHECKSUM)).unwrap_or_default();
    if noted.split_whitespace().next() != Some(sha256.as_str()) {
        return Err(format!("was changed after it was written ({CHECKSUM} has another SHA-256)"));
    }
    Ok((text, sha256))
}

/// What a manifest must say of itself.
fn require(format: u32, of: &str, name: &str) -> Result<(), String> {
    if format != FORMAT {
        return Err(format!("has the format {format}, which this release does not know"));
    }
    if of != name {
        return Err(format!("is that of {of}"));
    }
    Ok(())
}

fn open(folder: &Path, id: &str) -> Result<Set, String> {
    let (text, sha256) = verified(folder)?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|error| format!("cannot be read ({error})"))?;
    require(manifest.format, &manifest.run, id)?;
    Ok(Set { folder: folder.to_owned(), manifest, sha256 })
}

fn open_approval(folder: &Path, name: &str) -> Result<Approved, String> {
    let (text, sha256) = verified(folder)?;
    let entry: Entry = serde_json::from_str(&text).map_err(|error| format!("cannot be read ({error})"))?;
    require(entry.format, &entry.entry, name)?;
    Ok(Approved { folder: folder.to_owned(), entry, sha256 })
}
