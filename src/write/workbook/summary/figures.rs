//! The five figures at the top of the summary.

use std::collections::HashSet;

use anyhow::Result;
use rust_xlsxwriter::{ColNum, Color, Format, FormatAlign, FormatBorder, RowNum, Worksheet};

use crate::columns::{Outcome, Severity};
use crate::write::workbook::context::Context;
use crate::write::workbook::style::severity_colours;
use crate::write::workbook::words;

/// First and last column of each, in a first run, whose columns for earlier ones are narrow, and in later ones.
const SPANS: [[(ColNum, ColNum); 5]; 2] =
    [[(1, 2), (3, 6), (7, 17), (18, 20), (21, 23)], [(1, 2), (3, 8), (9, 14), (15, 18), (19, 23)]];

struct Figure {
    label: &'static str,
    number: u64,
    hint: String,
    /// The sheet that has them.
    sheet: Option<&'static str>,
    /// How bad it is when it is not zero.
    severity: Severity,
}

/// Writes them into three rows: label, number, hint.
pub fn write(sheet: &mut Worksheet, context: &Context, row: RowNum) -> Result<()> {
    sheet.set_row_height(row, 20)?.set_row_height(row + 1, 40)?.set_row_height(row + 2, 20)?.set_row_height(row + 3, 10)?;
    for (figure, span) in figures(context).into_iter().zip(SPANS[usize::from(context.weeks.len() > 1)]) {
        draw(sheet, row, span, &figure)?;
    }
    Ok(())
}

fn figures(context: &Context) -> [Figure; 5] {
    let report = context.report;
    let (overdue, soon) = report.due.split_at(report.overdue());
    let people: HashSet<&str> = overdue.iter().filter_map(|due| context.found.person(due.row)).collect();
    let review = report.rules.iter().map(|count| count.of(Outcome::Review)).sum();
    let held = report.targets.iter().map(|target| target.held).sum();
    let ready = report.targets.iter().map(|target| target.corrected.saturating_sub(target.held)).sum();
    let files = report.targets.iter().flat_map(|target| &target.files).filter(|(path, _)| !path.starts_with("held/")).count();
    let overdue_hint = match overdue.first() {
        Some(oldest) => {
            format!("{}; the oldest was due {}", words::count(people.len() as u64, "person", "people"), oldest.clock.due)
        }
        None if report.not_compared() > 0 => "None of what could be compared".into(),
        None if report.undated > 0 => "None of those whose day is known".into(),
        None => "None: every opt-out is within its days".into(),
    };
    let review_hint = if review > 0 { "A person must decide: sheet Needs review" } else { "Nothing waits for a person" };
    let held_hint = if held > 0 { "Look at them, then approve" } else { "The brake held nothing" };
    let ready_hint =
        if ready > 0 { format!("Load {} today", words::count(files as u64, "file", "files")) } else { "Nothing to load".into() };
    [
        Figure {
            label: "Opt-outs overdue",
            number: overdue.len() as u64,
            hint: overdue_hint,
            sheet: Some("Overdue"),
            severity: Severity::Critical,
        },
        Figure {
            label: "Due before the next run",
            number: soon.len() as u64,
            hint: format!("On or before {}", report.next_run),
            sheet: Some("Overdue"),
            severity: Severity::High,
        },
        Figure { label: "Corrections held back", number: held, hint: held_hint.into(), sheet: None, severity: Severity::High },
        Figure {
            label: "Needs a decision",
            number: review,
            hint: review_hint.into(),
            sheet: Some("Needs review"),
            severity: Severity::Medium,
        },
        Figure {
            label: "Corrections ready to load",
            number: ready,
            hint: ready_hint,
            sheet: Some("Corrections"),
            severity: Severity::Low,
        },
    ]
}

fn draw(sheet: &mut Worksheet, row: RowNum, (left, right): (ColNum, ColNum), figure: &Figure) -> Result<()> {
    let (background, ink) = severity_colours(if figure.number > 0 { figure.severity } else { Severity::Info });
    let base = Format::new()
        .set_background_color(background)
        .set_font_color(ink)
        .set_align(FormatAlign::Left)
        .set_align(FormatAlign::VerticalCenter)
        .set_indent(1);
    let edged = |format: Format| {
        let white = Color::RGB(0xFFFFFF);
        format
            .set_border_left(FormatBorder::Thick)
            .set_border_left_color(white)
            .set_border_right(FormatBorder::Thick)
            .set_border_right_color(white)
    };
    let label = edged(base.clone().set_bold().set_font_size(12));
    let number = edged(base.clone().set_bold().set_font_size(28).set_num_format("#,##0"));
    let hint = edged(base.set_font_size(10).set_shrink());
    sheet.merge_range(row, left, row, right, figure.label, &label)?;
    sheet.merge_range(row + 1, left, row + 1, right, "", &number)?;
    sheet.write_number_with_format(row + 1, left, figure.number as f64, &number)?;
    sheet.merge_range(row + 2, left, row + 2, right, &figure.hint, &hint)?;
    if let Some(name) = figure.sheet.filter(|_| figure.number > 0) {
        let link = hint.set_underline(rust_xlsxwriter::FormatUnderline::Single);
        sheet.write_url_with_options(row + 2, left, format!("internal:'{name}'!A1").as_str(), &figure.hint, "", Some(&link))?;
    }
    Ok(())
}
