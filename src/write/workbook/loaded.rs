//! What systems answered to corrections that were loaded: one row a corrected record and field, refusals first. Only
//! where there were answers in the inbox.

use anyhow::Result;
use rust_xlsxwriter::Workbook;

use super::cell::Cell;
use super::context::Context;
use super::listing::{Column, Listing};
use crate::columns::Severity;
use crate::loads::Loaded;

/// Adds the sheet.
pub fn write(book: &mut Workbook, context: &Context) -> Result<()> {
    let loaded = &context.report.loaded;
    if loaded.is_empty() {
        return Ok(());
    }
    let text = |of: fn(&Loaded) -> &str| move |row: usize| Cell::text(Some(of(&loaded[row])).filter(|text| !text.is_empty()));
    let columns = vec![
        Column::new("Result", 12, |row| match loaded[row].refused {
            Some(_) => Cell::Badge("▲ Not landed", Severity::High),
            None => Cell::Badge("Landed", Severity::Info),
        }),
        Column::new("System", 15, text(|loaded| &loaded.title)),
        Column::new("Record", 20, text(|loaded| &loaded.correction.record)),
        Column::new("Field", 24, text(|loaded| &loaded.correction.field)),
        Column::new("Before", 20, text(|loaded| &loaded.correction.before)),
        Column::new("After", 20, text(|loaded| &loaded.correction.after)),
        Column::new("What the system says", 50, text(|loaded| loaded.refused.as_deref().unwrap_or_default())),
        Column::new("Rules", 14, text(|loaded| &loaded.correction.rules)),
        Column::new("Correction file", 40, text(|loaded| &loaded.correction.file)),
        Column::new("Of the run", 20, text(|loaded| &loaded.correction.run)),
        Column::new("Answer in", 30, text(|loaded| &loaded.answer)).unprinted(),
        Column::new("Row", 7, |row| Cell::Place(u64::from(loaded[row].row))).unprinted(),
    ];
    let listing = Listing {
        name: "Load results",
        table: "LoadResults",
        about: "What systems answered to correction files of earlier runs: put right in the system what it says, then load this week's \
                file, which has the record again where it is still wrong."
            .to_owned(),
        columns,
        rows: loaded.len(),
        rest: "load_results.csv",
        empty: "",
    };
    listing.write(book, context)?;
    Ok(())
}
