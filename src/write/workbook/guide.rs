//! What the words mean: one row a rule, then outcomes and severities.

use anyhow::Result;
use rust_xlsxwriter::{RowNum, Workbook, Worksheet};

use super::cell::Cell;
use super::context::Context;
use super::listing::{Column, Listing};
use super::words;
use crate::columns::{Outcome, Severity};
use crate::wording::capital;

/// What the columns of the sheets mean.
const READING: [(&str, &str); 5] = [
    ("A and B", "the two systems that disagree; A is the one that the rule's name says first."),
    ("Says, changed", "what the system's record holds, in its own words, and since when, where the export tells it."),
    ("Due", "the last day to honour the opt-out by."),
    ("Blank", "the export does not say, or there is nothing to say."),
    ("On paper", "the ids of the records are left out; they stand at the right of each sheet."),
];

/// Adds the sheet.
pub fn write(book: &mut Workbook, context: &Context) -> Result<()> {
    let rules = &context.report.rules;
    let names: Vec<String> = rules.iter().map(|count| capital(count.rule.name)).collect();
    let columns = vec![
        Column::new("Rule", 8, |row| Cell::text(Some(rules[row].rule.code))),
        Column::new("What is wrong", 30, |row| Cell::text(Some(&names[row]))),
        Column::new("Severity", 12, |row| Cell::Severity(rules[row].rule.severity)),
        Column::new("Found today", 9, |row| Cell::Number(rules[row].total())),
        Column::new("What it finds", 46, |row| Cell::text(Some(rules[row].rule.finds))),
        Column::new("Why it matters", 46, |row| Cell::text(Some(rules[row].rule.matters))),
        Column::new("What to do", 46, |row| Cell::text(Some(rules[row].rule.action))),
        Column::new("Example", 46, |row| Cell::text(Some(rules[row].rule.example))),
    ];
    let listing = Listing {
        name: "Guide",
        table: "Guide",
        about: "What every rule looks for, why it matters and what to do. Below the rules: what the other words mean.".into(),
        columns,
        rows: rules.len(),
        rest: "the manual",
        empty: "There are no rules.",
    };
    let placed = listing.write(book, context)?;
    let outcomes = Outcome::ALL.iter().map(|&outcome| (words::outcome(outcome), words::outcome_meaning(outcome)));
    let next = explain(placed.sheet, context, placed.next, "What happens to a discrepancy", outcomes)?;
    let severities = Severity::ALL.iter().map(|&severity| (words::severity(severity), words::severity_meaning(severity)));
    let next = explain(placed.sheet, context, next + 1, "How bad it is", severities)?;
    explain(placed.sheet, context, next + 1, "How to read a row", READING.iter().copied())?;
    Ok(())
}

/// A heading, then a line a word; gives the next free row.
fn explain(
    sheet: &mut Worksheet,
    context: &Context,
    first: RowNum,
    heading: &str,
    lines: impl Iterator<Item = (&'static str, &'static str)>,
) -> Result<RowNum> {
    sheet.write_string_with_format(first, 0, heading, &context.style.heading)?;
    let mut row = first + 1;
    for (word, meaning) in lines {
        sheet.write_string(row, 0, format!("{word}: {meaning}"))?;
        row += 1;
    }
    Ok(row)
}
