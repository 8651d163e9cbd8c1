//! What the correction files change: one row a record and field.

use anyhow::{Context as _, Result};
use rust_xlsxwriter::Workbook;

use super::cell::Cell;
use super::context::Context;
use super::found::texts;
use super::listing::{Column, Listing};
use crate::column_cells::ColumnCells;

/// Adds the sheet.
pub fn write(book: &mut Workbook, context: &Context) -> Result<()> {
    let frame = &context.report.corrections;
    let cells = |name| texts(frame, name).context("the frame of corrections");
    let lines = ColumnCells::of(frame.column("row")?.u32().context("the frame of corrections: column `row`")?);
    let (targets, files, records, fields) = (cells("target")?, cells("file")?, cells("record")?, cells("field")?);
    let (befores, afters, rules, whys) = (cells("before")?, cells("after")?, cells("rules")?, cells("why")?);
    let columns = vec![
        Column::new("System", 20, |row| Cell::text(targets.get(row).map(|system| context.title(system)))),
        Column::new("File", 48, |row| Cell::text(files.get(row))),
        Column::new("Line", 7, |row| lines.get(row).map_or(Cell::Blank, |line| Cell::Place(line.into()))),
        Column::new("Record", 36, |row| Cell::text(records.get(row))),
        Column::new("Field", 34, |row| Cell::text(fields.get(row))),
        Column::new("Before", 34, |row| Cell::text(befores.get(row))),
        Column::new("After", 34, |row| Cell::text(afters.get(row))),
        Column::new("Rules", 16, |row| Cell::text(rules.get(row))),
        Column::new("Why", 60, |row| Cell::text(whys.get(row))),
    ];
    let listing = Listing {
        name: "Corrections",
        table: "Corrections",
        about: "Every field that the correction files change, in the words of the system. Files under held/ were kept back and are not to be loaded before they are approved.".into(),
        columns,
        rows: frame.height(),
        rest: "corrections.csv",
        empty: "Nothing to correct: there are no correction files.",
    };
    listing.write(book, context)?;
    Ok(())
}
