//! What is overdue or due soon: one row an open discrepancy with a day, the oldest first.

use anyhow::Result;
use rust_xlsxwriter::Workbook;

use super::cell::Cell;
use super::context::Context;
use super::detail;
use super::listing::{Column, Listing};
use crate::columns::Severity;

/// Adds the sheet.
pub fn write(book: &mut Workbook, context: &Context) -> Result<()> {
    let rows: Vec<usize> = context.due.iter().map(|due| due.row).collect();
    let overdue = context.overdue();
    let mut columns = vec![
        Column::new("Deadline", 12, move |row| match row < overdue {
            true => Cell::Badge("■ Overdue", Severity::Critical),
            false => Cell::Badge("▲ Due soon", Severity::High),
        }),
        Column::new("Days overdue", 8, |row| match (context.today - context.due[row].day).num_days() {
            days @ 1.. => Cell::Number(days as u64),
            _ => Cell::Blank,
        }),
    ];
    columns.extend(detail::columns(context, &rows, "Subject"));
    let listing = Listing {
        name: "Overdue",
        table: "Overdue",
        about: format!(
            "Open discrepancies whose last day has passed, or falls on or before {}. Load the correction files, decide the rest. Times are those of {}.",
            context.soon(),
            context.report.timezone
        ),
        columns,
        rows: rows.len(),
        rest: "discrepancies.csv and discrepancies.parquet",
        empty: "Nothing is overdue, and nothing falls due in the next seven days.",
    };
    listing.write(book, context)?;
    Ok(())
}
