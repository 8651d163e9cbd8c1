//! The tables of a run: discrepancies as CSV and Parquet; corrections, those of earlier runs, resolved discrepancies and
//! rejected rows as CSV.

use std::path::Path;

use anyhow::{Context, Result};
use chrono::SecondsFormat;
use polars::prelude::{DataFrame, DataType};
use polars_io::prelude::ParquetWriter;
use rayon::prelude::*;

use crate::ingest::Reject;
use crate::loads::Loaded;
use crate::progress;
use crate::report::Report;
use crate::workspace::EarlierCorrection;
use crate::write::csv_file::{CsvFile, Reader, create};

/// Writes them, side by side.
pub(super) fn write(report: &Report, folder: &Path) -> Result<()> {
    let mut jobs: Vec<Box<dyn Fn() -> Result<()> + Send + Sync + '_>> = vec![
        Box::new(|| frame(&report.discrepancies, &folder.join("discrepancies.csv"))),
        Box::new(|| parquet(&report.discrepancies, &folder.join("discrepancies.parquet"))),
        Box::new(|| frame(&report.corrections, &folder.join("corrections.csv"))),
        Box::new(|| rejects(&report.rejected, &folder.join("rejected_rows.csv"))),
    ];
    if report.history.last_run.is_some() {
        jobs.push(Box::new(|| landed(report, &folder.join("landed.csv"))));
        jobs.push(Box::new(|| resolved(report, &folder.join("resolved.csv"))));
    }
    if !report.loaded.is_empty() {
        jobs.push(Box::new(|| loaded(&report.loaded, &folder.join("load_results.csv"))));
    }
    jobs.par_iter().try_for_each(|job| job())
}

/// The columns of `landed.csv`.
pub const LANDED_COLUMNS: [&str; 14] = [
    "target",
    "record",
    "unit",
    "purpose",
    "contact_id",
    "email",
    "before",
    "after",
    "written",
    "state",
    "runs",
    "why",
    "answer",
    "reason",
];

fn landed(report: &Report, path: &Path) -> Result<()> {
    let mut file = CsvFile::create(path, Reader::People, &LANDED_COLUMNS)?;
    for (at, correction) in report.history.corrections.iter().enumerate() {
        let (answer, reason) = match report.answer(at).map(|answer| answer.refused.as_deref()) {
            None => ("", ""),
            Some(None) => ("taken", ""),
            Some(Some(reason)) => ("refused", reason),
        };
        let (written, runs) = (correction.written.to_rfc3339_opts(SecondsFormat::Secs, true), correction.runs.to_string());
        file.row([
            correction.system.as_str(),
            &correction.record,
            &correction.unit,
            correction.purpose.word(),
            &correction.contact_id,
            &correction.email,
            &correction.before,
            &correction.after,
            &written,
            correction.fate.word(),
            &runs,
            correction.why,
            answer,
            reason,
        ])?;
    }
    file.finish()
}

/// The columns of `resolved.csv`.
pub const RESOLVED_COLUMNS: [&str; 11] = [
    "rule",
    "contact_id",
    "email",
    "subject",
    "a_system",
    "a_record",
    "b_system",
    "b_record",
    "state",
    "first_seen",
    "last_seen",
];

fn resolved(report: &Report, path: &Path) -> Result<()> {
    let mut file = CsvFile::create(path, Reader::People, &RESOLVED_COLUMNS)?;
    for past in &report.history.past {
        let day = |millis: i64| report.local_day(millis).to_string();
        let (first, last) = (day(past.case.first_seen), past.case.last_seen.map(day).unwrap_or_default());
        let identity = past.identity[..8].iter().map(String::as_str);
        file.row(identity.chain([past.case.standing.word(), first.as_str(), last.as_str()]))?;
    }
    file.finish()
}

fn frame(frame: &DataFrame, path: &Path) -> Result<()> {
    let header: Vec<&str> = frame.get_column_names().into_iter().map(|name| name.as_str()).collect();
    let columns = frame.columns().iter().map(|column| column.cast(&DataType::String)).collect::<Result<Vec<_>, _>>()?;
    let texts = columns.iter().map(|column| column.str()).collect::<Result<Vec<_>, _>>()?;
    let mut file = CsvFile::create(path, Reader::People, &header)?;
    for row in progress::rows(frame.height()) {
        file.row(texts.iter().map(|column| column.get(row).unwrap_or_default()))?;
    }
    file.finish()
}

/// Writes the decisions that stand, where there are any.
pub(super) fn standing(rulings: &DataFrame, path: &Path) -> Result<()> {
    if rulings.height() == 0 { Ok(()) } else { parquet(rulings, path) }
}

fn parquet(frame: &DataFrame, path: &Path) -> Result<()> {
    let file = create(path)?;
    ParquetWriter::new(&file).finish(&mut frame.clone()).with_context(|| format!("cannot write {}", path.display()))?;
    file.sync_all().with_context(|| format!("cannot write {}", path.display()))
}

fn loaded(loaded: &[Loaded], path: &Path) -> Result<()> {
    let header = ["target", "result", "reason", "run", "file", "record", "field", "before", "after", "rules", "answer", "row"];
    let mut file = CsvFile::create(path, Reader::People, &header)?;
    for Loaded { correction, refused, answer, row, .. } in loaded {
        let EarlierCorrection { run, target, file: of, record, field, before, after, rules } = correction;
        let result = if refused.is_none() { "landed" } else { "not landed" };
        let reason = refused.as_deref().unwrap_or_default();
        file.row([target, result, reason, run, of, record, field, before, after, rules, answer, &row.to_string()])?;
    }
    file.finish()
}

fn rejects(rejected: &[Reject], path: &Path) -> Result<()> {
    let mut file = CsvFile::create(path, Reader::People, &["file", "sheet", "row", "column", "value", "reason"])?;
    for reject in rejected {
        let row = reject.row.to_string();
        file.row([reject.file.as_str(), &reject.sheet, &row, &reject.column, &reject.value, &reject.reason])?;
    }
    file.finish()
}
