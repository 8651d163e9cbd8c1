//! What the runs counted: one row a run, this one last. The summary's chart and small lines draw it.

use anyhow::Result;
use rust_xlsxwriter::{ColNum, FormatAlign, RowNum, Workbook};

use super::context::Context;
use super::style::page;
use super::words;
use crate::columns::{Fate, Outcome, Severity, Standing};
use crate::history::Figures;

/// The name on its tab.
pub const NAME: &str = "History";
/// Row of the header.
const HEADER: RowNum = 3;
/// Column of the first severity.
pub const SEVERITIES: ColNum = 2;
/// The columns after those of the severities: how discrepancies stand against the run before.
const STANDINGS: [(Standing, &str); 4] = [
    (Standing::New, "New"),
    (Standing::Persisting, "Persisting"),
    (Standing::Reopened, "Reopened"),
    (Standing::Resolved, "Resolved"),
];
/// And after those, before the columns of the rules.
const REST: [&str; 7] = ["Overdue", "Needs review", "Corrected", "Held back", "Landed", "Not landed", "Overtaken"];
/// Columns before those of the rules.
const BEFORE: ColNum = SEVERITIES + (Severity::ALL.len() + STANDINGS.len() + REST.len()) as ColNum;

/// First and last row of the runs.
pub fn rows(context: &Context) -> (RowNum, RowNum) {
    (HEADER + 1, HEADER + context.weeks.len() as RowNum)
}

/// The column of a rule.
pub fn column(context: &Context, code: &str) -> Option<ColNum> {
    codes(context).position(|known| known == code).map(|at| BEFORE + at as ColNum)
}

/// The rules that fired in any of the runs.
fn codes<'a>(context: &'a Context) -> impl Iterator<Item = &'static str> + 'a {
    let codes = context.report.rules.iter().map(|count| count.rule.code);
    codes.filter(|code| context.weeks.iter().any(|week| week.figures.rule(code) > 0))
}

/// Adds the sheet, where there is more than this run to show.
pub fn write(book: &mut Workbook, context: &Context) -> Result<()> {
    if context.weeks.len() < 2 {
        return Ok(());
    }
    let style = &context.style;
    let sheet = book.add_worksheet();
    sheet.set_name(NAME)?;
    page(sheet, &context.report.organisation);
    sheet.set_freeze_panes(HEADER + 1, 1)?.set_repeat_rows(HEADER, HEADER)?;
    sheet.write_string_with_format(0, 0, NAME, &style.title)?;
    let about = "What each run found, this one last. The summary draws these figures.";
    sheet.write_string_with_format(1, 0, about, &style.about)?;
    sheet.write_url_with_options(2, 0, "internal:Summary!A1", "← Summary", "", Some(&style.link))?;
    // Paper has no room for a column a rule.
    sheet.set_print_area(0, 0, rows(context).1, BEFORE - 1)?;
    let above_numbers = style.heading.clone().set_align(FormatAlign::Right).set_indent(1);
    let severities = Severity::ALL.iter().map(|&severity| words::severity_alone(severity));
    let standings = STANDINGS.map(|(_, heading)| heading);
    let headings = ["Run", "All"].into_iter().chain(severities).chain(standings).chain(REST).chain(codes(context));
    for (position, heading) in headings.enumerate() {
        let width = if position == 0 { 17.0 } else { (heading.chars().count() + 2).max(9) as f64 };
        sheet.set_column_width(position as ColNum, width)?;
        let format = if position == 0 { &style.heading } else { &above_numbers };
        sheet.write_string_with_format(HEADER, position as ColNum, heading, format)?;
    }
    for (position, week) in context.weeks.iter().enumerate() {
        let row = HEADER + 1 + position as RowNum;
        let local = week.as_of.with_timezone(&context.report.timezone).naive_local();
        sheet.write_datetime_with_format(row, 0, local, &style.moment)?;
        for (position, number) in numbers(context, &week.figures).into_iter().enumerate() {
            sheet.write_number_with_format(row, 1 + position as ColNum, number as f64, &style.number)?;
        }
    }
    Ok(())
}

fn numbers(context: &Context, figures: &Figures) -> Vec<u64> {
    let severities = Severity::ALL.iter().map(|&severity| figures.severity(severity));
    let standings = STANDINGS.map(|(standing, _)| figures.standing(standing));
    let rest = [
        figures.overdue,
        figures.outcome(Outcome::Review),
        figures.corrected,
        figures.held,
        figures.fate(Fate::Landed),
        figures.fate(Fate::NotLanded),
        figures.fate(Fate::Overtaken),
    ];
    let rules = codes(context).map(|code| figures.rule(code));
    std::iter::once(figures.discrepancies).chain(severities).chain(standings).chain(rest).chain(rules).collect()
}
