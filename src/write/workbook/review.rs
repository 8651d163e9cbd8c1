//! What a person must decide: one row a discrepancy whose outcome is review, with room for the decision.
//!
//! The yellow columns are the only ones that can be changed. The hidden one says what the row is about, so that the
//! next run can read the decision back.

use std::borrow::Cow;

use anyhow::Result;
use rust_xlsxwriter::{DataValidation, DataValidationRule, ExcelDateTime, ProtectionOptions, RowNum, Workbook, Worksheet};

use super::cell::Cell;
use super::context::Context;
use super::detail;
use super::found::Of;
use super::listing::{Column, Listing};
use crate::columns::Outcome;
use crate::decisions::{What, header};

/// Characters of a name, a reason or an evidence.
const LONGEST: u32 = 500;

/// Adds the sheet.
pub fn write(book: &mut Workbook, context: &Context) -> Result<()> {
    let found = &context.found;
    let mut rows: Vec<usize> = (0..found.rows).filter(|&row| found.outcome(row) == Some(Outcome::Review)).collect();
    rows.sort_by_key(|&row| found.severity(row));
    let action = |row: usize| found.get(rows[row], Of::Rule).and_then(|code| context.rule(code)).map(|rule| rule.action);
    let key = |row: usize| match context.report.review_keys.get(&rows[row]) {
        Some(key) => Cell::Text(Cow::Borrowed(key.as_str())),
        None => Cell::Blank,
    };
    // What no record is named in is to be put right in the export.
    let rows = rows.as_slice();
    let takes = |cell: fn() -> Cell<'static>| {
        move |row: usize| if context.report.review_keys.contains_key(&rows[row]) { cell() } else { Cell::Blank }
    };
    let input = [(header::DECISION, 13), (header::NAME, 14), (header::REASON, 20), (header::EVIDENCE, 14)];
    let mut columns: Vec<Column> =
        input.into_iter().map(|(heading, width)| Column::new(heading, width, takes(|| Cell::Input))).collect();
    columns.push(Column::new(header::PERMITTED_ON, 11, takes(|| Cell::InputDay)));
    columns.extend(detail::columns(context, rows, "Subject").into_iter().filter(|column| !column.is("What happens")));
    columns.push(Column::new("What to do", 50, move |row| Cell::text(action(row))).unprinted());
    columns.push(Column::new(header::KEY, 10, key).hidden());
    let listing = Listing {
        name: "Needs review",
        table: "NeedsReview",
        about: "What the records cannot settle. Fill in the yellow cells, each row with a name and a reason, and drop a copy of this workbook into decisions/: the next run obeys. \"opt back in\" also takes the evidence of the permission and its date. Other cells are protected, without a password."
            .into(),
        columns,
        rows: rows.len(),
        rest: "discrepancies.csv and discrepancies.parquet",
        empty: "Nothing waits for a decision.",
    };
    let placed = listing.write(book, context)?;
    if let Some((first, last)) = placed.body {
        validate(placed.sheet, first, last)?;
        placed.sheet.protect_with_options(&ProtectionOptions {
            sort: true,
            use_autofilter: true,
            format_columns: true,
            format_rows: true,
            ..ProtectionOptions::default()
        });
    }
    Ok(())
}

/// What the yellow cells take.
fn validate(sheet: &mut Worksheet, first: RowNum, last: RowNum) -> Result<()> {
    let words = What::ALL.map(What::word);
    let decision = DataValidation::new()
        .allow_list_strings(&words)?
        .set_error_title("Decision")?
        .set_error_message(format!("Choose one of: {}.", words.join(", ")))?;
    sheet.add_data_validation(first, 0, last, 0, &decision)?;
    let text = DataValidation::new()
        .allow_text_length(DataValidationRule::LessThanOrEqualTo(LONGEST))
        .set_error_title("Too long")?
        .set_error_message(format!("At most {LONGEST} characters."))?;
    sheet.add_data_validation(first, 1, last, 3, &text)?;
    let day = DataValidation::new()
        .allow_date(DataValidationRule::GreaterThanOrEqualTo(ExcelDateTime::from_ymd(1990, 1, 1)?))
        .set_error_title("Permission date")?
        .set_error_message("The day on which the person gave permission, such as 2026-11-22.")?;
    sheet.add_data_validation(first, 4, last, 4, &day)?;
    Ok(())
}
