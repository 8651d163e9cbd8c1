//! The sets on disk: found, settled after a kill, and held to their chain of hashes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use polars::prelude::DataFrame;

use crate::hash::sha256;
use crate::ledger::files;
use crate::ledger::manifest::{FORMAT, Manifest, NAME};

/// How a set is called until its run folder has appeared.
pub(super) const HIDDEN: &str = ".unfinished-";
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
        files::read(&self.folder.join(name), entry, columns).map_err(|what| damaged(&self.manifest.run, name, &what))
    }
}

/// A sentence about a file of the ledger.
fn damaged(run: &str, file: &str, what: &str) -> String {
    format!("ledger/{run}/{file} {what}.")
}

/// The sets, in the order in which they were written.
#[derive(Debug, Default)]
pub(super) struct Sets {
    pub all: Vec<Set>,
    /// What is wrong with them that no later set has recorded, a sentence each.
    pub troubles: Vec<String>,
}

/// Finishes what a killed run left behind. A set whose run folder has appeared belongs to a complete run and
/// takes its name; any other goes. Only for whoever holds the workspace's lock.
///
/// # Errors
/// A folder that cannot be renamed or removed.
pub fn settle(ledger: &Path, runs: &Path) -> Result<()> {
    for hidden in names(ledger)?.into_iter().filter(|name| name.starts_with(HIDDEN)) {
        let (path, id) = (ledger.join(&hidden), &hidden[HIDDEN.len()..]);
        if runs.join(id).is_dir() && !ledger.join(id).exists() {
            fs::rename(&path, ledger.join(id)).with_context(|| format!("cannot rename {}", path.display()))?;
        } else {
            fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    // What an earlier run was about to prune.
    let sets = Sets::open(ledger, runs)?;
    let pruned: Vec<&str> = sets.all.iter().flat_map(|set| &set.manifest.pruned).map(|set| set.run.as_str()).collect();
    for set in sets.all.iter().filter(|set| pruned.contains(&set.manifest.run.as_str())) {
        fs::remove_dir_all(&set.folder).with_context(|| format!("cannot remove {}", set.folder.display()))?;
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

impl Sets {
    /// Reads all manifests and checks the chain.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn open(ledger: &Path, runs: &Path) -> Result<Sets> {
        let mut sets = Sets::default();
        for name in names(ledger)? {
            // The set of a run that was killed between its two renames counts like any other.
            let id = name.strip_prefix(HIDDEN).unwrap_or(&name);
            let is_set = id.starts_with(|c: char| c.is_ascii_digit());
            let is_hidden = name.len() > id.len();
            if !is_set || is_hidden && (!runs.join(id).is_dir() || ledger.join(id).exists()) {
                continue;
            }
            match open(&ledger.join(&name), id) {
                Ok(set) => sets.all.push(set),
                Err(what) => sets.troubles.push(damaged(id, NAME, &what)),
            }
        }
        sets.all.sort_by_key(|set| set.manifest.sequence);
        sets.check_chain();
        let recorded: Vec<String> = sets.all.iter().flat_map(|set| set.manifest.damage.clone()).collect();
        sets.troubles.retain(|trouble| !recorded.contains(trouble));
        Ok(sets)
    }

    /// Every set must be the one that its follower names, or have been pruned by a later one.
    fn check_chain(&mut self) {
        let hashes: BTreeMap<&str, &str> = self.all.iter().map(|set| (set.manifest.run.as_str(), set.sha256.as_str())).collect();
        let pruned: Vec<&str> = self.all.iter().flat_map(|set| &set.manifest.pruned).map(|set| set.run.as_str()).collect();
        let mut altered = Vec::new();
        for previous in self.all.iter().filter_map(|set| set.manifest.previous.as_ref()) {
            match hashes.get(previous.run.as_str()) {
                Some(sha256) if *sha256 == previous.sha256 => {}
                Some(_) => altered.push(previous.run.clone()),
                None if pruned.contains(&previous.run.as_str()) => {}
                None => {
                    let named = damaged(&previous.run, NAME, "");
                    let known = named.trim_end_matches(['.', ' ']);
                    if !self.troubles.iter().any(|trouble| trouble.starts_with(known)) {
                        self.troubles.push(damaged(&previous.run, NAME, "is missing"));
                    }
                }
            }
        }
        for run in altered {
            self.all.retain(|set| set.manifest.run != run);
            self.troubles.push(damaged(&run, NAME, "was changed after it was written (the set after it names another SHA-256)"));
        }
    }
}

fn open(folder: &Path, id: &str) -> Result<Set, String> {
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
    let manifest: Manifest = serde_json::from_str(&text).map_err(|error| format!("cannot be read ({error})"))?;
    if manifest.format != FORMAT {
        return Err(format!("has the format {}, which this release does not know", manifest.format));
    }
    if manifest.run != id {
        return Err(format!("is that of the run {}", manifest.run));
    }
    Ok(Set { folder: folder.to_owned(), manifest, sha256 })
}
