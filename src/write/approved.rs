//! `approved.json`: who released which held files of a run, and the release itself.
//!
//! The ledger has the record and decides; this file and the moves follow from it and can be done again. So a kill leaves
//! the run as it was, or a release that whoever comes next completes.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::ledger::Approval;
use crate::workspace::{create_folder, sync_folder};
use crate::write::csv_file::{self, CsvFile, Reader};

const NAME: &str = "approved.json";

/// All approvals of a run, the earliest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Approvals {
    /// One a call of `approve`.
    pub approvals: Vec<Approval>,
}

impl Approvals {
    /// Does what is left to do of a run's approvals: the file that tells of them, the moves, and what `corrections.csv` says
    /// of where each file is.
    ///
    /// # Errors
    /// A file that cannot be written or moved.
    pub fn complete(mut self, run: &Path) -> Result<()> {
        let known: Approvals =
            fs::read_to_string(run.join(NAME)).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        // What the ledger has lost since is still told here.
        let lost = known.approvals.iter().filter(|approval| !self.approvals.contains(approval));
        let mut all = Approvals { approvals: lost.cloned().collect() };
        all.approvals.extend(self.approvals.iter().cloned());
        all.approvals.sort_by(|one, other| one.at.cmp(&other.at));
        if all != known {
            let unfinished = run.join(".approved.json");
            csv_file::text(&unfinished, &(serde_json::to_string_pretty(&all)? + "\n"))?;
            replace(&unfinished, &run.join(NAME))?;
        }
        self.approvals = all.approvals;
        self.release(run)
    }

    /// Moves what was approved and is still held, and says in `corrections.csv` where it is.
    fn release(&self, run: &Path) -> Result<()> {
        let released = || self.approvals.iter().flat_map(|approval| &approval.released);
        let moves = released().flat_map(|file| [Some((&file.from, &file.to)), file.undo.as_ref().map(|undo| (&undo.0, &undo.1))]);
        let pending: Vec<(&String, &String)> = moves.flatten().filter(|(from, _)| run.join(from).exists()).collect();
        let renamed = |file: &str| released().find(|released| released.from == file).map(|released| released.to.as_str());
        rewrite_files(run, renamed)?;
        for (from, to) in &pending {
            create_folder(run.join(to).parent().unwrap_or(run))?;
            replace(&run.join(from), &run.join(to))?;
        }
        if !pending.is_empty() {
            // Only folders that are empty by now go.
            for folder in ["held/undo", "held"] {
                let _ = fs::remove_dir(run.join(folder));
            }
            sync_folder(run)?;
        }
        Ok(())
    }
}

/// Writes the column `file` of `corrections.csv` anew, where any row names a file that was moved.
fn rewrite_files<'a>(run: &Path, renamed: impl Fn(&str) -> Option<&'a str>) -> Result<()> {
    let path = run.join("corrections.csv");
    let cannot = || format!("cannot read {}", path.display());
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(&path).with_context(cannot)?;
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().with_context(cannot)?;
    let Some((header, body)) = rows.split_first() else { return Ok(()) };
    let at = header.iter().position(|name| name == "file").with_context(|| format!("{} has no column `file`", path.display()))?;
    if !body.iter().any(|row| renamed(&row[at]).is_some()) {
        return Ok(());
    }
    let unfinished = run.join(".corrections.csv");
    let mut file = CsvFile::create(&unfinished, Reader::People, &header.iter().collect::<Vec<_>>())?;
    for row in body {
        file.row(row.iter().enumerate().map(|(column, cell)| if column == at { renamed(cell).unwrap_or(cell) } else { cell }))?;
    }
    file.finish()?;
    replace(&unfinished, &path)
}

/// Gives a file another name, which it replaces, for good.
fn replace(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("cannot rename {} to {}", from.display(), to.display()))?;
    to.parent().map_or(Ok(()), sync_folder)
}
