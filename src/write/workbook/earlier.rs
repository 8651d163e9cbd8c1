//! What became of the corrections of earlier runs: one row a record and purpose, what was not loaded first. Only from the
//! second run on.

use std::borrow::Cow;

use anyhow::Result;
use rust_xlsxwriter::Workbook;

use super::cell::Cell;
use super::context::Context;
use super::listing::{Column, Listing};
use super::words;
use crate::columns::{Fate, Severity};
use crate::ledger::{Answer, Settled};

/// The name on its tab.
pub const NAME: &str = "Earlier corrections";

/// Adds the sheet.
pub fn write(book: &mut Workbook, context: &Context) -> Result<()> {
    let report = context.report;
    let all = &report.history.corrections;
    if all.is_empty() {
        return Ok(());
    }
    let order = |at: &usize| {
        let one = &all[*at];
        let urgency = [Fate::NotLanded, Fate::Unknown, Fate::Overtaken, Fate::Landed].iter().position(|fate| *fate == one.fate);
        (urgency, std::cmp::Reverse(one.runs), one.system.clone(), one.email.clone(), one.record.clone(), one.unit.clone(), *at)
    };
    let mut rows: Vec<usize> = (0..all.len()).collect();
    rows.sort_by_cached_key(order);
    let written: Vec<String> = rows.iter().map(|at| report.local_day(all[*at].written.timestamp_millis()).to_string()).collect();
    let said: Vec<String> = rows.iter().map(|at| said(report.answer(*at))).collect();
    let rows = &rows;
    let text = |of: fn(&Settled) -> &str| move |row: usize| Cell::text(Some(of(&all[rows[row]])).filter(|text| !text.is_empty()));
    let columns = vec![
        Column::new("State", 14, |row| fate(all[rows[row]].fate)),
        Column::new("Runs since", 7, |row| Cell::Number(all[rows[row]].runs.into())),
        Column::new("Written", 11, |row| Cell::Time(&written[row])),
        Column::new("System", 20, |row| Cell::text(Some(context.title(&all[rows[row]].system)))),
        Column::new("Purpose", 16, |row| Cell::Text(Cow::Borrowed(words::purpose(all[rows[row]].purpose)))),
        Column::new("E-mail", 30, text(|one| &one.email)),
        Column::new("Unit or list", 16, text(|one| &one.unit)),
        Column::new("Was", 30, text(|one| words::state(&one.before))),
        Column::new("Is to be", 30, text(|one| words::state(&one.after))),
        Column::new("Why", 26, text(|one| one.why)),
        Column::new("What the system answered", 40, |row| Cell::text(Some(said[row].as_str()).filter(|said| !said.is_empty()))),
        Column::new("Rules", 16, text(|one| &one.rules)),
        Column::new("Correction file", 40, text(|one| &one.file)).unprinted(),
        Column::new("CRM contact id", 20, text(|one| &one.contact_id)).unprinted(),
        Column::new("Record", 36, text(|one| &one.record)).unprinted(),
    ];
    let columns: Vec<Column<'_>> = columns.into_iter().filter(|column| column.any(rows.len())).collect();
    let listing = Listing {
        name: NAME,
        table: "EarlierCorrections",
        about: "Whether the correction files of earlier runs were loaded, as the newest exports show it, by system and person. What has not landed is in this week's files again. What a system refused must be put right there first."
            .into(),
        columns,
        rows: rows.len(),
        rest: "landed.csv",
        empty: "",
    };
    listing.write(book, context)?;
    Ok(())
}

fn said(answer: Option<&Answer>) -> String {
    let Some(Answer { run, refused }) = answer else { return String::new() };
    let when = if run.is_empty() { String::new() } else { format!(", as the run {run} was told") };
    refused.as_ref().map_or_else(|| format!("Taken{when}."), |reason| format!("Refused{when}: {reason}"))
}

fn fate<'a>(fate: Fate) -> Cell<'a> {
    match fate {
        Fate::NotLanded => Cell::Badge("▲ Not landed", Severity::High),
        Fate::Unknown => Cell::Badge("◆ Unknown", Severity::Medium),
        Fate::Overtaken => Cell::Badge("○ Overtaken", Severity::Low),
        Fate::Landed => Cell::Badge("· Landed", Severity::Info),
    }
}
