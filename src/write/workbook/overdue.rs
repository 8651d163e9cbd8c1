//! What is overdue or due before the next run: one row an open discrepancy whose legal clock runs, the oldest first.

use std::borrow::Cow;

use anyhow::Result;
use rust_xlsxwriter::Workbook;

use super::cell::Cell;
use super::context::Context;
use super::detail;
use super::listing::{Column, Listing};
use crate::columns::Severity;
use crate::decide::Dated;
use crate::write::summary::nothing_due;

/// Adds the sheet.
pub fn write(book: &mut Workbook, context: &Context) -> Result<()> {
    let report = context.report;
    let rows: Vec<usize> = report.due.iter().map(|due| due.row).collect();
    let began: Vec<String> = report.due.iter().map(|due| due.clock.began()).collect();
    let overdue = report.overdue();
    let clock = |row: usize| report.due[row].clock;
    let hours = |row: usize| (report.as_of - clock(row).since).num_hours().max(0) as u64;
    let mut columns = vec![
        Column::new("Deadline", 12, move |row| match row < overdue {
            true => Cell::Badge("■ Overdue", Severity::Critical),
            false => Cell::Badge("▲ Due soon", Severity::High),
        }),
        Column::new("Days overdue", 8, |row| match (report.today - clock(row).due).num_days() {
            days @ 1.. => Cell::Number(days as u64),
            _ => Cell::Blank,
        }),
        Column::new("Said no", 16, |row| Cell::Time(&began[row])),
        Column::new("Dated", 9, |row| {
            Cell::Text(Cow::Borrowed(match clock(row).dated {
                Dated::Then => "yes",
                Dated::ThenOrLater => "or later",
                Dated::ThenOrBefore => "or before",
            }))
        }),
        Column::new("Days since", 7, move |row| Cell::Number(hours(row) / 24)),
    ];
    columns.extend(detail::columns(context, &rows, "Subject"));
    columns.push(Column::new("Hours since", 7, move |row| Cell::Number(hours(row))).unprinted());
    let listing = Listing {
        name: "Overdue",
        table: "Overdue",
        about: format!(
            "Open discrepancies where mail may go to a person who said no, and whose last day has passed or comes on or before {}, \
             when the next run is expected. Load the correction files, decide the rest. Times are those of {}.",
            report.next_run, report.timezone
        ),
        columns,
        rows: rows.len(),
        rest: "discrepancies.csv and discrepancies.parquet",
        empty: &nothing_due(report),
    };
    listing.write(book, context)?;
    Ok(())
}
