//! What the run read: one row a file, or a table inside a container.

use std::borrow::Cow;

use anyhow::Result;
use chrono::SecondsFormat;
use rust_xlsxwriter::Workbook;

use super::cell::Cell;
use super::context::Context;
use super::listing::{Column, Listing};
use crate::columns::Severity;
use crate::ingest::{AsOfFrom, FileReport, UnmappedHeader, Verdict};
use crate::report::Input;
use crate::wording::capital;

/// Adds the sheet.
pub fn write(book: &mut Workbook, context: &Context) -> Result<()> {
    let inputs = &context.report.inputs;
    let files: Vec<&FileReport> = inputs.iter().map(|input| &input.file).collect();
    let as_of: Vec<Option<String>> =
        files.iter().map(|file| file.as_of.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true))).collect();
    let remarks: Vec<Option<String>> = files.iter().map(|file| remark(file)).collect();
    let unused: Vec<String> = files.iter().map(|file| list(&file.unmapped)).collect();
    let columns = vec![
        Column::new("File", 46, |row| Cell::text(Some(&files[row].file))),
        Column::new("System", 22, |row| Cell::text(Some(system(&inputs[row])).filter(|title| !title.is_empty()))),
        Column::new("Kind", 18, |row| files[row].kind.as_deref().map_or(Cell::Blank, plain)),
        Column::new("State", 12, |row| match state(files[row]) {
            (word, Some(severity)) => Cell::Badge(word, severity),
            (word, None) => Cell::text(Some(word)),
        }),
        Column::new("As of", 16, |row| Cell::time(as_of[row].as_deref())),
        Column::new("Date from", 14, |row| Cell::text(files[row].as_of.map(|_| date_from(files[row].as_of_from)))),
        Column::new("Rows", 11, |row| number(files[row], files[row].rows)),
        Column::new("Rejected", 11, |row| number(files[row], files[row].rejected)),
        Column::new("With a CRM contact", 12, |row| number(files[row], inputs[row].matched)),
        Column::new("Without one", 12, |row| number(files[row], inputs[row].unmatched)),
        Column::new("Remark", 46, |row| Cell::text(remarks[row].as_deref())),
        Column::new("Format", 34, |row| Cell::text(Some(files[row].format.as_str()).filter(|format| !format.is_empty())))
            .unprinted(),
        Column::new("Sheet", 20, |row| Cell::text(files[row].sheet.as_deref())).unprinted(),
        Column::new("Headers not used", 50, |row| Cell::text(Some(unused[row].as_str()).filter(|list| !list.is_empty())))
            .unprinted(),
    ];
    let columns = columns.into_iter().filter(|column| column.any(inputs.len())).collect();
    let listing = Listing {
        name: "Inputs",
        table: "Inputs",
        about: format!(
            "Every export that was looked at, and where its rows went. Times are those of {}.",
            context.report.timezone
        ),
        columns,
        rows: inputs.len(),
        rest: "run.json",
        empty: "No file was looked at.",
    };
    listing.write(book, context)?;
    Ok(())
}

/// The system's name for people, or at least its name.
pub fn system(input: &Input) -> &str {
    if input.title.is_empty() { input.file.system.as_deref().unwrap_or_default() } else { &input.title }
}

/// What became of a file, in a word, and how bad that is.
pub fn state(file: &FileReport) -> (&'static str, Option<Severity>) {
    match &file.verdict {
        Verdict::Used if file.stale => ("◆ Stale", Some(Severity::Medium)),
        Verdict::Used => ("Used", None),
        Verdict::Superseded(_) => ("Superseded", None),
        Verdict::Refused(_) => ("■ Refused", Some(Severity::Critical)),
        Verdict::Skipped(_) => ("Skipped", None),
    }
}

fn remark(file: &FileReport) -> Option<String> {
    match &file.verdict {
        Verdict::Used if file.stale => Some("Too old: compared, but corrections that rest on it alone are held.".into()),
        Verdict::Used => None,
        Verdict::Superseded(newer) => Some(format!("Not used: {newer} is newer.")),
        Verdict::Refused(why) | Verdict::Skipped(why) => Some(capital(why)),
    }
}

fn number(file: &FileReport, number: u64) -> Cell<'static> {
    if file.verdict == Verdict::Used { Cell::Number(number) } else { Cell::Blank }
}

fn date_from(from: AsOfFrom) -> &'static str {
    match from {
        AsOfFrom::Name => "file name",
        AsOfFrom::Content => "in the file",
        AsOfFrom::File => "time of file",
    }
}

fn list(unmapped: &[UnmappedHeader]) -> String {
    let name = |header: &UnmappedHeader| match &header.did_you_mean {
        Some(near) => format!("{} (did you mean {near}?)", header.header),
        None => header.header.clone(),
    };
    unmapped.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// A name of the program as words.
fn plain<'a>(name: &str) -> Cell<'a> {
    Cell::Text(Cow::Owned(capital(&name.replace('_', " "))))
}
