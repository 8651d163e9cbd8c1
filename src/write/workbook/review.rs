//! What a person must decide: one row a discrepancy whose outcome is review, with room for the decision.

use anyhow::Result;
use rust_xlsxwriter::{DataValidation, Workbook};

use super::cell::Cell;
use super::context::Context;
use super::detail;
use super::found::Of;
use super::listing::{Column, Listing};
use crate::columns::Outcome;

/// What can be decided.
const DECISIONS: [&str; 3] = ["opt out", "opt back in", "leave"];

/// Adds the sheet.
pub fn write(book: &mut Workbook, context: &Context) -> Result<()> {
    let found = &context.found;
    let mut rows: Vec<usize> = (0..found.rows).filter(|&row| found.outcome(row) == Some(Outcome::Review)).collect();
    rows.sort_by_key(|&row| found.severity(row));
    let action = |row: usize| found.get(rows[row], Of::Rule).and_then(|code| context.rule(code)).map(|rule| rule.action);
    let mut columns = vec![
        Column::new("Decision", 13, |_| Cell::Input),
        Column::new("Decided by", 14, |_| Cell::Input),
        Column::new("Reason", 20, |_| Cell::Input),
        Column::new("Permission evidence", 14, |_| Cell::Input),
    ];
    columns.extend(detail::columns(context, &rows, "Subject").into_iter().filter(|column| !column.is("What happens")));
    columns.push(Column::new("What to do", 50, move |row| Cell::text(action(row))).unprinted());
    let listing = Listing {
        name: "Needs review",
        table: "NeedsReview",
        about: "What the records cannot settle: nothing is changed until a person decides. The yellow columns are for your notes; they are not read back."
            .into(),
        columns,
        rows: rows.len(),
        rest: "discrepancies.csv and discrepancies.parquet",
        empty: "Nothing waits for a decision.",
    };
    let placed = listing.write(book, context)?;
    if let Some((first, last)) = placed.body {
        let decision = DataValidation::new()
            .allow_list_strings(&DECISIONS)?
            .set_error_title("Decision")?
            .set_error_message(format!("Choose one of: {}.", DECISIONS.join(", ")))?;
        placed.sheet.add_data_validation(first, 0, last, 0, &decision)?;
    }
    Ok(())
}
