//! What is known and left as it is until a day: one row a line of the list of exceptions.

use anyhow::Result;
use rust_xlsxwriter::Workbook;

use super::cell::Cell;
use super::context::Context;
use super::listing::{Column, Listing};
use crate::columns::Severity;
use crate::report::ExceptionLine;

/// Adds the sheet, where there are exceptions.
pub fn write(book: &mut Workbook, context: &Context) -> Result<()> {
    let lines = &context.report.exceptions;
    if lines.is_empty() {
        return Ok(());
    }
    let text =
        |of: fn(&ExceptionLine) -> &str| move |row: usize| Cell::text(Some(of(&lines[row])).filter(|text| !text.is_empty()));
    let columns = vec![
        Column::new("Holds", 12, |row| match (lines[row].ended, lines[row].state.starts_with("not used")) {
            (_, true) => Cell::Badge("■ Not used", Severity::Critical),
            (true, _) => Cell::Badge("▲ Ended", Severity::High),
            _ => Cell::Badge("○ Holds", Severity::Low),
        }),
        Column::new("Who", 32, text(|line| &line.who)),
        Column::new("Rule", 8, text(|line| &line.rule)),
        Column::new("Owner", 20, text(|line| &line.owner)),
        Column::new("Until", 12, |row| Cell::time(Some(lines[row].until.as_str()).filter(|text| !text.is_empty()))),
        Column::new("Reason", 40, text(|line| &line.reason)),
        Column::new("State", 40, text(|line| &line.state)),
    ];
    let listing = Listing {
        name: "Exceptions",
        table: "Exceptions",
        about:
            "What decisions/exceptions.csv lists: known, and left as it is until its day. The list is changed there, not here."
                .into(),
        columns,
        rows: lines.len(),
        rest: "decisions/exceptions.csv",
        empty: "No exceptions.",
    };
    listing.write(book, context)?;
    Ok(())
}
