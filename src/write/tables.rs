//! The tables of a run: discrepancies as CSV and Parquet, corrections and rejected rows as CSV.

use std::path::Path;

use anyhow::{Context, Result};
use polars::prelude::{DataFrame, DataType};
use polars_io::prelude::ParquetWriter;

use crate::ingest::Reject;
use crate::loads::Loaded;
use crate::progress;
use crate::report::Report;
use crate::workspace::EarlierCorrection;
use crate::write::csv_file::{CsvFile, Reader, create};

/// Writes them.
pub(super) fn write(report: &Report, folder: &Path) -> Result<()> {
    frame(&report.discrepancies, &folder.join("discrepancies.csv"))?;
    parquet(&report.discrepancies, &folder.join("discrepancies.parquet"))?;
    frame(&report.corrections, &folder.join("corrections.csv"))?;
    if !report.loaded.is_empty() {
        loaded(&report.loaded, &folder.join("load_results.csv"))?;
    }
    rejects(&report.rejected, &folder.join("rejected_rows.csv"))
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
