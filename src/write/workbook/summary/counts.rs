//! The left block of the summary: one row a rule that fired, below its group.

use anyhow::Result;
use rust_xlsxwriter::{ColNum, Format, RowNum, Sparkline, Worksheet};

use super::{BEFORE, LEFT, Looks};
use crate::columns::{Outcome, Standing};
use crate::history::Week;
use crate::report::RuleCount;
use crate::wording::capital;
use crate::write::workbook::context::Context;
use crate::write::workbook::group::Group;
use crate::write::workbook::history;
use crate::write::workbook::style::NAVY;
use crate::write::workbook::words;

/// Column of the totals; the outcomes follow.
const TOTAL: ColNum = LEFT.0 + 3;

/// How discrepancies stand against the last run, each in a column.
const STANDINGS: [Standing; 4] = [Standing::New, Standing::Persisting, Standing::Reopened, Standing::Resolved];

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
        for (position, standing) in STANDINGS.into_iter().enumerate() {
            let heading = words::standing(standing);
            sheet.write_string_with_format(row, BEFORE.0 + position as ColNum, heading, &looks.head_number)?;
        }
        sheet.write_string_with_format(row, BEFORE.1 - 1, "Last run", &looks.head_number)?;
        sheet.write_string_with_format(row, BEFORE.1, "Over the runs", &looks.head_state)?;
    }
    row += 1;
    for group in context.groups() {
        row = write_group(sheet, context, looks, group, row)?;
    }
    let silent = |count: &&RuleCount| count.total() + context.standing(count.rule.code, Standing::Resolved) == 0;
    let silent: Vec<&str> = context.report.rules.iter().filter(silent).map(|count| count.rule.code).collect();
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
    let of_group = |standing: Standing| rules.iter().map(|count| context.standing(count.rule.code, standing)).sum();
    let last = |last: &Week| rules.iter().map(|count| last.figures.rule(count.rule.code)).sum();
    before(sheet, context, first, &looks.group_number, &looks.group, of_group, last)?;
    let mut row = first + 1;
    // A rule of which everything is resolved is good news, and is told.
    let told = |count: &&RuleCount| count.total() + context.standing(count.rule.code, Standing::Resolved) > 0;
    for count in rules.into_iter().filter(told) {
        let severity = count.rule.severity;
        sheet.write_string_with_format(row, LEFT.0, count.rule.code, &looks.text)?;
        sheet.write_string_with_format(row, LEFT.0 + 1, capital(count.rule.name), &looks.tight)?;
        sheet.write_string_with_format(row, LEFT.0 + 2, words::severity(severity), &context.style.severity[severity as usize])?;
        numbers(sheet, row, looks, false, |outcome| count.of(outcome))?;
        let code = count.rule.code;
        let (standing, last) = (|standing| context.standing(code, standing), |last: &Week| last.figures.rule(code));
        before(sheet, context, row, &looks.number, &looks.text, standing, last)?;
        sparkline(sheet, context, code, row)?;
        row += 1;
    }
    Ok(row)
}

/// How the discrepancies of a row stand against the last run, and how many that one found.
fn before(
    sheet: &mut Worksheet,
    context: &Context,
    row: RowNum,
    number: &Format,
    text: &Format,
    standing: impl Fn(Standing) -> u64,
    of_last: impl Fn(&Week) -> u64,
) -> Result<()> {
    let [.., last, _] = context.weeks.as_slice() else { return Ok(()) };
    let numbers = STANDINGS.into_iter().map(standing).chain([of_last(last)]);
    for (position, of_row) in numbers.enumerate() {
        sheet.write_number_with_format(row, BEFORE.0 + position as ColNum, of_row as f64, number)?;
    }
    sheet.write_blank(row, BEFORE.1, text)?;
    Ok(())
}

/// What all runs found by a rule, as a small line.
fn sparkline(sheet: &mut Worksheet, context: &Context, code: &str, row: RowNum) -> Result<()> {
    let Some(column) = history::column(context, code).filter(|_| context.weeks.len() > 1) else { return Ok(()) };
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
