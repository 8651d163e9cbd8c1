//! What could not be read: one row a refused row or cell of an export.

use anyhow::Result;
use rust_xlsxwriter::Workbook;

use super::cell::Cell;
use super::context::Context;
use super::listing::{Column, Listing};

/// Adds the sheet.
pub fn write(book: &mut Workbook, context: &Context) -> Result<()> {
    let rejected = &context.report.rejected;
    let text = |words: &'static str, widest, of: fn(&crate::ingest::Reject) -> &String| {
        Column::new(words, widest, move |row| {
            Cell::text(Some(of(&rejected[row])).filter(|text| !text.is_empty()).map(|text| text.as_str()))
        })
    };
    let columns = vec![
        text("File", 44, |reject| &reject.file),
        text("Sheet", 20, |reject| &reject.sheet),
        Column::new("Row", 7, |row| Cell::Place(rejected[row].row)),
        text("Column", 30, |reject| &reject.column),
        text("What stood there", 40, |reject| &reject.value),
        text("Why, and what to do", 80, |reject| &reject.reason),
    ];
    let columns = columns.into_iter().filter(|column| column.any(rejected.len())).collect();
    let listing = Listing {
        name: "Rejected rows",
        table: "RejectedRows",
        about: "Rows and cells of the exports that could not be used. The other rows of these files were compared as usual."
            .into(),
        columns,
        rows: rejected.len(),
        rest: "rejected_rows.csv",
        empty: "No row was rejected.",
    };
    listing.write(book, context)?;
    Ok(())
}
