//! The report of a run to files: tables, correction files, manifest, summary and workbook.
//!
//! Only this stage writes into the run folder. Same report, same bytes.

mod approved;
mod corrections;
mod csv_file;
mod decisions;
mod exported;
mod history;
mod listed;
mod manifest;
mod report;
mod summary;
mod tables;
pub mod workbook;

pub use approved::Approvals;
pub(crate) use corrections::undo_of_workbook;
pub(crate) use csv_file::text as private_text;
pub use manifest::{Manifest, Stage};
pub use report::{Outputs, Weeks, report};
pub use summary::summary;
pub(crate) use summary::table;
pub use tables::{LANDED_COLUMNS, RESOLVED_COLUMNS};

use std::path::Path;

use anyhow::{Context, Result};

use crate::config;
use crate::ledger::{DECISIONS, HiddenSet};
use crate::workspace::RunFolder;

/// Writes the manifest, which is last because it tells how long the rest took.
///
/// # Errors
/// The file cannot be written.
pub fn write_manifest(manifest: &Manifest, folder: &Path) -> Result<()> {
    let text = serde_json::to_string_pretty(manifest).context("the manifest is no JSON")?;
    csv_file::text(&folder.join("run.json"), &(text + "\n"))
}

/// Writes everything but the manifest into a run folder that nobody sees yet, and the ledger's set under a hidden name.
/// The workbook, the set and the tables are written side by side: the first two take long and each mostly one thread, so
/// they begin first.
///
/// # Errors
/// What cannot be written, by its path.
pub fn write(outputs: &Outputs<'_>, config: &config::Config, run: &RunFolder) -> Result<HiddenSet> {
    let folder = run.hidden.as_path();
    let (book, (set, tables)) = rayon::join(
        || workbook::write(&outputs.report, &config.workbook, &folder.join("discrepancies.xlsx")),
        || rayon::join(|| outputs.pages.write(&run.id), || write_tables(outputs, folder)),
    );
    book.context("could not write the workbook")?;
    tables?;
    csv_file::text(&folder.join("summary.txt"), &summary(&outputs.report))?;
    set
}

fn write_tables(outputs: &Outputs<'_>, folder: &Path) -> Result<()> {
    corrections::write(&outputs.files, outputs.report.as_of, folder)?;
    decisions::write(&outputs.report.decisions, &folder.join("decisions.csv"))?;
    tables::standing(&outputs.rulings, &folder.join(DECISIONS))?;
    tables::write(&outputs.report, folder)
}
