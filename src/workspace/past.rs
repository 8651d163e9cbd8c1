//! Finished runs, as their folders tell them: what they read and wrote. What they counted is in the ledger.

use std::collections::{BTreeMap, HashMap};
use std::fs;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{Stop, Workspace, place_of};
use crate::nearest::sentence_hint;

/// A finished run, as its manifest tells it.
#[derive(Clone, Debug, Deserialize)]
pub struct PastRun {
    /// Its id: the name of its folder.
    #[serde(skip)]
    pub id: String,
    /// Its time.
    pub as_of: DateTime<Utc>,
    /// SHA-256 of the configuration that it had.
    #[serde(default)]
    pub configuration_sha256: String,
    /// The files of the inbox.
    pub inputs: Vec<PastInput>,
    /// Its corrections, by target.
    #[serde(default)]
    pub corrections: BTreeMap<String, PastTarget>,
}

/// What a finished run wrote for one target.
#[derive(Clone, Debug, Deserialize)]
pub struct PastTarget {
    /// Why records were held, where any were.
    pub why_held: Vec<String>,
    /// Its files: path below the run folder, rows.
    pub files: BTreeMap<String, u64>,
}

/// One file that a finished run looked at.
#[derive(Clone, Debug, Deserialize)]
pub struct PastInput {
    /// Path below the inbox.
    #[serde(default)]
    pub file: String,
    /// What became of it, in a word.
    pub verdict: String,
    /// Why, where it was not used.
    #[serde(default)]
    pub why: Option<String>,
    /// SHA-256 of the file on disk.
    pub sha256: String,
    /// SHA-256 of an archive's entry.
    pub content_sha256: Option<String>,
}

/// A row of `corrections.csv` of an earlier run.
#[derive(Clone, Debug, Deserialize)]
pub struct EarlierCorrection {
    /// The run.
    #[serde(skip)]
    pub run: String,
    /// The system.
    pub target: String,
    /// The correction file, below the run folder.
    pub file: String,
    /// The record's key.
    pub record: String,
    /// The target's own header.
    pub field: String,
    /// Its value before.
    pub before: String,
    /// Its value after.
    pub after: String,
    /// The rules that it answers.
    pub rules: String,
}

impl Workspace {
    /// The contents that runs before a time used, by SHA-256, each with the latest such run.
    ///
    /// # Errors
    /// The folder of the runs cannot be listed.
    pub fn earlier_inputs(&self, as_of: DateTime<Utc>) -> Result<HashMap<String, String>> {
        let mut earlier = HashMap::new();
        for run in self.runs_before(as_of)? {
            let used = run.inputs.into_iter().filter(|input| input.verdict == "used" && !input.sha256.is_empty());
            earlier.extend(used.map(|input| (input.content_sha256.unwrap_or(input.sha256), run.id.clone())));
        }
        Ok(earlier)
    }

    /// The corrections that runs before a time wrote and that are wanted, those of the newest run first; and what of them
    /// cannot be read, a sentence each.
    ///
    /// # Errors
    /// The folder of the runs cannot be listed.
    pub fn earlier_corrections(
        &self,
        as_of: DateTime<Utc>,
        is_wanted: impl Fn(&EarlierCorrection) -> bool,
    ) -> Result<(Vec<EarlierCorrection>, Vec<String>)> {
        let (mut earlier, mut troubles) = (Vec::new(), Vec::new());
        for run in self.runs_before(as_of)?.into_iter().rev() {
            let file = format!("{}/corrections.csv", run.id);
            let mut bad: Option<csv::Error> = None;
            match csv::Reader::from_path(self.runs().join(&file)) {
                Ok(rows) => {
                    for row in rows.into_deserialize::<EarlierCorrection>() {
                        match row {
                            Ok(row) if is_wanted(&row) => earlier.push(EarlierCorrection { run: run.id.clone(), ..row }),
                            Ok(_) => {}
                            Err(error) => bad = bad.or(Some(error)),
                        }
                    }
                }
                Err(error) => bad = Some(error),
            }
            let sentence = |error| format!("runs/{file} cannot be read ({error}): what was answered to it is not known.");
            troubles.extend(bad.map(sentence));
        }
        Ok((earlier, troubles))
    }

    /// The ids of all finished runs, sorted.
    ///
    /// # Errors
    /// The folder of the runs cannot be listed.
    pub fn run_ids(&self) -> Result<Vec<String>> {
        let runs = self.runs();
        let entries = match fs::read_dir(&runs) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", runs.display())),
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        // The link to the latest and what a killed run left behind are no runs.
        let mut ids: Vec<String> = names.filter(|name| name.starts_with(|c: char| c.is_ascii_digit())).collect();
        ids.sort_by_cached_key(|id| place_of(id));
        Ok(ids)
    }

    /// The finished run of that name; `latest` is the newest by its time.
    ///
    /// # Errors
    /// [`Stop::Configuration`]: there is none of that name, with the nearest; or its manifest cannot be read.
    pub fn past_run(&self, name: &str) -> Result<PastRun> {
        let ids = self.run_ids()?;
        let run = match name {
            "latest" => ids.iter().filter_map(|id| self.manifest(id).ok()).max_by_key(|run| (run.as_of, place_of(&run.id))),
            _ if ids.iter().any(|id| id == name) => Some(self.manifest(name)?),
            _ => None,
        };
        run.with_context(|| match ids.last() {
            None => format!("no run has finished in {}", self.root.display()),
            Some(newest) => {
                let known: Vec<&str> = ids.iter().map(String::as_str).collect();
                format!("there is no run `{name}`{} The newest is {newest}", sentence_hint(name, &known))
            }
        })
        .context(Stop::Configuration)
    }

    /// The runs before a time, the oldest first. One whose manifest cannot be read is passed over.
    fn runs_before(&self, before: DateTime<Utc>) -> Result<Vec<PastRun>> {
        let runs = self.run_ids()?.into_iter().filter_map(|id| self.manifest(&id).ok());
        let mut runs: Vec<PastRun> = runs.filter(|run| run.as_of < before).collect();
        runs.sort_by_cached_key(|run| (run.as_of, place_of(&run.id)));
        Ok(runs)
    }

    fn manifest(&self, id: &str) -> Result<PastRun> {
        let file = self.runs().join(id).join("run.json");
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let run: PastRun = serde_json::from_str(&text).with_context(|| format!("{} is no manifest", file.display()))?;
        Ok(PastRun { id: id.to_owned(), ..run })
    }
}
