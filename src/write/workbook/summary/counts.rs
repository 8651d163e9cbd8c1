//! The left block of the summary: one row a rule that fired, below its group.

use anyhow::Result;
use rust_xlsxwriter::{ColNum, RowNum, Sparkline, Worksheet};

use super::{BEFORE, LEFT, Looks};
use crate::columns::Outcome;
use crate::report::RuleCount;
use crate::write::workbook::context::Context;
use crate::write::workbook::group::Group;
use crate::write::workbook::history;
use crate::write::workbook::style::NAVY;
use crate::write::workbook::words;

/// Column of the totals; the outcomes follow.
const TOTAL: ColNum = LEFT.0 + 3;

/// Writes the block; gives the row below it.
pub fn write(sheet: &mut Worksheet, context: &Context, looks: &Looks, first: RowNum) -> Result<RowNum> {
    sheet.write_string_with_format(first, LEFT.0, "What was found, by rule", &context.style.heading)?;
    let mut row = first + 1;
    sheet.set_row_height(row, 32)?;
    for (position, heading) in ["Rule", "What is wrong", "Severity"].into_iter().enumerate() {
        sheet.write_string_with_format(row, LEFT.0 + position as ColNum, heading, &looks.head)?;
    }
    let outcomes = Outcome::ALL.iter().map(|&outcome| words::outcome(outcome));
    for (position, heading) in std::iter::once("All").chain(outcomes).enumerate() {
        sheet.write_string_with_format(row, TOTAL + position as ColNum, heading, &looks.head_number)?;
    }
    if context.weeks.len() > 1 {
        sheet.write_string_with_format(row, BEFORE.0, "Last run", &looks.head_number)?;
        sheet.write_string_with_format(row, BEFORE.1, "Over the runs", &looks.head_state)?;
    }
    row += 1;
    for group in context.groups() {
        row = write_group(sheet, context, looks, group, row)?;
    }
    let silent: Vec<&str> = context.report.rules.iter().filter(|count| count.total() == 0).map(|count| count.rule.code).collect();
    if !silent.is_empty() {
        let remark = format!("Nothing found by {}.", silent.join(", "));
        sheet.set_row_height(row, 15.0 * remark.len().div_ceil(125) as f64)?;
        sheet.merge_range(row, LEFT.0, row, LEFT.1, &remark, &looks.remark)?;
        row += 1;
    }
    Ok(row)
}

fn write_group(sheet: &mut Worksheet, context: &Context, looks: &Looks, group: &Group, first: RowNum) -> Result<RowNum> {
    let rules: Vec<&RuleCount> = context.report.rules.iter().filter(|count| group.has(count.rule.code)).collect();
    let sum = |outcome: Outcome| rules.iter().map(|count| count.of(outcome)).sum::<u64>();
    sheet.merge_range(first, LEFT.0, first, TOTAL - 1, "", &looks.group)?;
    let link = format!("internal:'{}'!A1", group.title);
    sheet.write_url_with_options(first, LEFT.0, link.as_str(), group.title, "", Some(&looks.group_link))?;
    numbers(sheet, first, looks, true, sum)?;
    let mut row = first + 1;
    for count in rules.into_iter().filter(|count| count.total() > 0) {
        let severity = count.rule.severity;
        sheet.write_string_with_format(row, LEFT.0, count.rule.code, &looks.text)?;
        sheet.write_string_with_format(row, LEFT.0 + 1, words::capital(count.rule.name), &looks.tight)?;
        sheet.write_string_with_format(row, LEFT.0 + 2, words::severity(severity), &context.style.severity[severity as usize])?;
        numbers(sheet, row, looks, false, |outcome| count.of(outcome))?;
        before(sheet, context, looks, count.rule.code, row)?;
        row += 1;
    }
    Ok(row)
}

/// What the last run found by a rule, and all runs as a small line.
fn before(sheet: &mut Worksheet, context: &Context, looks: &Looks, code: &str, row: RowNum) -> Result<()> {
    let [.., last, _] = context.weeks.as_slice() else { return Ok(()) };
    sheet.write_number_with_format(row, BEFORE.0, last.figures.rule(code) as f64, &looks.number)?;
    sheet.write_blank(row, BEFORE.1, &looks.text)?;
    let Some(column) = history::column(context, code) else { return Ok(()) };
    let (first, last) = history::rows(context);
    let line =
        Sparkline::new().set_range((history::NAME, first, column, last, column)).set_sparkline_color(NAVY).set_custom_min(0.0);
    sheet.add_sparkline(row, BEFORE.1, &line)?;
    Ok(())
}

/// The total and the outcomes of a row.
fn numbers(sheet: &mut Worksheet, row: RowNum, looks: &Looks, group: bool, of: impl Fn(Outcome) -> u64) -> Result<()> {
    let format = if group { &looks.group_number } else { &looks.number };
    let outcomes = Outcome::ALL.iter().map(|&outcome| of(outcome));
    let total: u64 = outcomes.clone().sum();
    for (position, number) in std::iter::once(total).chain(outcomes).enumerate() {
        sheet.write_number_with_format(row, TOTAL + position as ColNum, number as f64, format)?;
    }
    Ok(())
}
