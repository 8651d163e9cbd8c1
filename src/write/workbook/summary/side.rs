//! The right block of the summary: groups by severity with their chart, corrections by target, inputs.

use anyhow::Result;
use rust_xlsxwriter::{
    Chart, ChartFont, ChartFormat, ChartLegendPosition, ChartLine, ChartSolidFill, ChartType, ColNum, Color, RowNum, Worksheet,
};

use super::{Looks, RIGHT, week};
use crate::columns::Severity;
use crate::ingest::Verdict;
use crate::report::{Input, Target};
use crate::wording::capital;
use crate::write::workbook::context::Context;
use crate::write::workbook::group::Group;
use crate::write::workbook::inputs::{state, system};
use crate::write::workbook::style::{LINE, severity_bar};
use crate::write::workbook::words;

/// Rows that the chart covers.
const CHART_ROWS: RowNum = 12;
/// Inputs that the page has room for.
const MOST_INPUTS: usize = 14;

/// Writes the block; gives the row below it.
pub fn write(sheet: &mut Worksheet, context: &Context, looks: &Looks, first: RowNum) -> Result<RowNum> {
    let row = match context.weeks.len() {
        0 | 1 => first,
        _ => week::standings(sheet, context, looks, first)? + 1,
    };
    let row = groups(sheet, context, looks, row)?;
    let row = targets(sheet, context, looks, row + 1)?;
    let row = match context.weeks.len() {
        0 | 1 => row,
        _ => week::earlier(sheet, context, looks, row + 1)?,
    };
    inputs(sheet, context, looks, row + 1)
}

/// Headings of the block's columns, words on the left and numbers on the right.
pub(super) fn head(sheet: &mut Worksheet, looks: &Looks, row: RowNum, words: &[&str], numbers: &[&str]) -> Result<()> {
    let formats = words.iter().map(|_| &looks.head).chain(numbers.iter().map(|_| &looks.head_number));
    for (position, (heading, format)) in words.iter().chain(numbers).zip(formats).enumerate() {
        sheet.write_string_with_format(row, RIGHT.0 + position as ColNum, *heading, format)?;
    }
    Ok(())
}

fn groups(sheet: &mut Worksheet, context: &Context, looks: &Looks, first: RowNum) -> Result<RowNum> {
    sheet.write_string_with_format(first, RIGHT.0, "By group and severity", &context.style.heading)?;
    let severities: Vec<&str> = Severity::ALL.iter().map(|&severity| words::severity(severity)).chain(["All"]).collect();
    head(sheet, looks, first + 1, &["Group"], &severities)?;
    let groups: Vec<&Group> = context.groups().collect();
    for (position, group) in groups.iter().enumerate() {
        let row = first + 2 + position as RowNum;
        sheet.write_string_with_format(row, RIGHT.0, group.title, &looks.text)?;
        let numbers = Severity::ALL.iter().map(|&severity| of(context, group, severity));
        for (position, number) in numbers.chain([context.total(group)]).enumerate() {
            sheet.write_number_with_format(row, RIGHT.0 + 1 + position as ColNum, number as f64, &looks.number)?;
        }
    }
    let below = first + 2 + groups.len() as RowNum;
    if context.found.rows == 0 {
        return Ok(below);
    }
    let chart = chart(context, &groups, first + 1);
    sheet.insert_chart_with_offset(below, RIGHT.0, &chart, 0, 8)?;
    Ok(below + CHART_ROWS)
}

/// Discrepancies of a group and severity.
fn of(context: &Context, group: &Group, severity: Severity) -> u64 {
    let rules = context.report.rules.iter().filter(|count| group.has(count.rule.code) && count.rule.severity == severity);
    rules.map(|count| count.total()).sum()
}

/// The table below that header, as bars.
fn chart(context: &Context, groups: &[&Group], header: RowNum) -> Chart {
    let (top, bottom) = (header + 1, header + groups.len() as RowNum);
    let mut chart = Chart::new(ChartType::BarStacked);
    for (position, &severity) in Severity::ALL.iter().enumerate() {
        let col = RIGHT.0 + 1 + position as ColNum;
        chart
            .add_series()
            .set_name(words::severity_alone(severity))
            .set_categories(("Summary", top, RIGHT.0, bottom, RIGHT.0))
            .set_values(("Summary", top, col, bottom, col))
            .set_format(ChartSolidFill::new().set_color(severity_bar(severity)))
            .set_gap(45);
    }
    let counts: Vec<String> = groups.iter().map(|group| format!("{} {}", group.title, context.total(group))).collect();
    chart.title().set_name("Discrepancies by group and severity").set_font(ChartFont::new().set_size(11));
    chart.legend().set_position(ChartLegendPosition::Bottom);
    chart.y_axis().set_reverse();
    chart.x_axis().set_num_format("#,##0");
    let quiet = |shade: Color| ChartLine::new().set_color(shade).set_width(0.75).clone();
    chart.x_axis().set_major_gridlines_line(&quiet(LINE));
    chart.chart_area().set_format(ChartFormat::new().set_border(&quiet(LINE)));
    let alternative = format!("Bar chart of discrepancies by group, stacked by severity: {}.", counts.join(", "));
    chart.set_alt_text(alternative.chars().take(255).collect::<String>());
    chart.set_width(775).set_height(u32::from(CHART_ROWS as u16) * 20 - 16);
    chart
}

fn targets(sheet: &mut Worksheet, context: &Context, looks: &Looks, first: RowNum) -> Result<RowNum> {
    sheet.write_string_with_format(first, RIGHT.0, "Corrections by system", &context.style.heading)?;
    if context.report.targets.is_empty() {
        sheet.write_string_with_format(first + 1, RIGHT.0, "None.", &looks.remark)?;
        return Ok(first + 2);
    }
    head(sheet, looks, first + 1, &["System"], &["Records", "Corrected", "Opted back in", "Held back"])?;
    let mut row = first + 2;
    for target in &context.report.targets {
        row = write_target(sheet, looks, target, row)?;
    }
    Ok(row)
}

fn write_target(sheet: &mut Worksheet, looks: &Looks, target: &Target, first: RowNum) -> Result<RowNum> {
    sheet.write_string_with_format(first, RIGHT.0, &target.title, &looks.text)?;
    let numbers = [target.records, target.corrected, target.opt_ins, target.held];
    for (position, number) in numbers.into_iter().enumerate() {
        sheet.write_number_with_format(first, RIGHT.0 + 1 + position as ColNum, number as f64, &looks.number)?;
    }
    let files = target.files.iter().map(|(path, rows)| format!("{path} ({})", words::count(*rows, "row", "rows")));
    let held = target.why_held.iter().map(|why| format!("▲ Held back: {why}"));
    let mut row = first + 1;
    for remark in files.chain(held) {
        let lines = remark.chars().count().div_ceil(120).clamp(1, 3);
        if lines > 1 {
            sheet.set_row_height(row, 13.0 * lines as f64)?;
        }
        sheet.merge_range(row, RIGHT.0, row, RIGHT.1, &remark, &looks.remark)?;
        row += 1;
    }
    Ok(row)
}

fn inputs(sheet: &mut Worksheet, context: &Context, looks: &Looks, first: RowNum) -> Result<RowNum> {
    sheet.write_string_with_format(first, RIGHT.0, "Inputs", &context.style.heading)?;
    head(sheet, looks, first + 1, &["File", "System", "Kind", "As of"], &["Rows", "Rejected"])?;
    sheet.write_string_with_format(first + 1, RIGHT.1, "State", &looks.head_state)?;
    let concern: Vec<&Input> =
        context.report.inputs.iter().filter(|input| !matches!(input.file.verdict, Verdict::Skipped(_))).collect();
    let mut row = first + 2;
    for input in concern.iter().take(MOST_INPUTS) {
        write_input(sheet, context, looks, input, row)?;
        row += 1;
    }
    if concern.len() > MOST_INPUTS {
        let remark = format!("{} more: see the sheet Inputs.", concern.len() - MOST_INPUTS);
        sheet.write_string_with_format(row, RIGHT.0, remark, &looks.remark)?;
        row += 1;
    }
    Ok(row)
}

fn write_input(sheet: &mut Worksheet, context: &Context, looks: &Looks, input: &Input, row: RowNum) -> Result<()> {
    let file = &input.file;
    let kind = file.kind.as_deref().unwrap_or_default().replace('_', " ");
    sheet.write_string_with_format(row, RIGHT.0, &file.file, &looks.tight)?;
    sheet.write_string_with_format(row, RIGHT.0 + 1, system(input), &looks.tight)?;
    sheet.write_string_with_format(row, RIGHT.0 + 2, capital(&kind), &looks.tight)?;
    match file.as_of {
        Some(time) => {
            let local = time.with_timezone(&context.report.timezone).naive_local();
            sheet.write_datetime_with_format(row, RIGHT.0 + 3, local, &looks.moment)?
        }
        None => sheet.write_blank(row, RIGHT.0 + 3, &looks.text)?,
    };
    for (position, number) in [file.rows, file.rejected].into_iter().enumerate() {
        sheet.write_number_with_format(row, RIGHT.0 + 4 + position as ColNum, number as f64, &looks.number)?;
    }
    let (word, severity) = state(file);
    let format = severity.map_or(&looks.state, |severity| &context.style.severity[severity as usize]);
    sheet.write_string_with_format(row, RIGHT.1, word, format)?;
    Ok(())
}
