//! The summary: one page that says what to do today, then the counts.
//!
//! From the top: who and when, five figures, what needs attention, then two blocks side by side: the counts
//! by rule ([`counts`]) with the trend over the runs below ([`trend`]) and, on the right, this week against last ([`week`]),
//! groups with their chart, corrections and inputs ([`side`]).

mod counts;
mod figures;
mod side;
mod trend;
mod week;

use anyhow::Result;
use chrono::Datelike;
use rust_xlsxwriter::{ColNum, Format, FormatAlign, FormatBorder, RowNum, Workbook, Worksheet};

use super::cell::shortened;
use super::context::Context;
use super::style::{GREY, LINE, NAVY, page};
use super::words;

/// Widths of the columns: a margin, the left block, a gap, the right block.
const WIDTHS: [f64; 24] = [
    1.5, 8.0, 47.0, 11.0, 7.5, 10.5, 8.5, 7.5, 10.0, 7.5, 7.0, 10.0, 10.0, 9.5, 8.0, 18.0, 2.0, 36.0, 12.0, 14.0, 16.0, 11.0,
    9.5, 12.0,
];
/// First and last column of the left block.
const LEFT: (ColNum, ColNum) = (1, 9);
/// First and last column of the right block.
const RIGHT: (ColNum, ColNum) = (17, 23);
/// Columns of the left block that only a second run fills: how discrepancies stand against the last run, the number of
/// that run, and a small line over the runs.
const BEFORE: (ColNum, ColNum) = (10, 15);
/// Sentences that the page has room for.
const MOST_SENTENCES: usize = 8;
/// Characters of a sentence that fit on a line from the left to the right edge.
const LINE_LENGTH: usize = 190;

/// Adds the sheet.
pub fn write(book: &mut Workbook, context: &Context) -> Result<()> {
    let sheet = book.add_worksheet();
    sheet.set_name("Summary")?;
    page(sheet, &context.report.organisation);
    sheet.set_print_fit_to_pages(1, 1).set_zoom(80);
    for (col, width) in WIDTHS.iter().enumerate() {
        let unused = context.weeks.len() < 2 && (BEFORE.0..=BEFORE.1).contains(&(col as ColNum));
        sheet.set_column_width(col as ColNum, if unused { 0.5 } else { *width })?;
    }
    let looks = Looks::new();
    headline(sheet, context)?;
    figures::write(sheet, context, 3)?;
    let below = attention(sheet, context, 7)?;
    let left = counts::write(sheet, context, &looks, below)?;
    let left = trend::write(sheet, context, left)?;
    let right = side::write(sheet, context, &looks, below)?;
    sheet.set_print_area(0, 0, left.max(right), RIGHT.1)?;
    Ok(())
}

/// Formats that only this sheet has.
struct Looks {
    /// Header of a block's columns of words, and of numbers.
    head: Format,
    head_number: Format,
    /// A row of a block.
    text: Format,
    tight: Format,
    number: Format,
    moment: Format,
    /// A word that follows a number.
    head_state: Format,
    state: Format,
    /// A row that sums up others.
    group: Format,
    group_link: Format,
    group_number: Format,
    /// A remark below a row, and one that leads to a sheet.
    remark: Format,
    remark_link: Format,
}

impl Looks {
    fn new() -> Looks {
        let remark =
            || Format::new().set_font_color(GREY).set_font_size(9).set_text_wrap().set_align(FormatAlign::Top).set_indent(1);
        let text = Format::new()
            .set_border_bottom(FormatBorder::Hair)
            .set_border_bottom_color(LINE)
            .set_align(FormatAlign::VerticalCenter);
        let head = text.clone().set_bold().set_font_color(GREY).set_text_wrap().set_border_bottom(FormatBorder::Thin);
        let group = text.clone().set_bold().set_font_color(NAVY).set_background_color("#EDF2F8");
        // A dash is quieter than a zero.
        let count = "#,##0;-#,##0;\"–\"";
        Looks {
            head_state: head.clone().set_align(FormatAlign::Left).set_indent(1),
            state: text.clone().set_indent(1),
            head_number: head.clone().set_align(FormatAlign::Right),
            head: head.set_align(FormatAlign::Left),
            tight: text.clone().set_shrink(),
            number: text.clone().set_num_format(count).set_align(FormatAlign::Right),
            moment: text.clone().set_num_format("yyyy-mm-dd hh:mm").set_align(FormatAlign::Left),
            group_number: group.clone().set_num_format(count).set_align(FormatAlign::Right),
            group_link: group.clone().set_underline(rust_xlsxwriter::FormatUnderline::Single),
            group,
            remark_link: remark().set_underline(rust_xlsxwriter::FormatUnderline::Single),
            remark: remark(),
            text,
        }
    }
}

fn headline(sheet: &mut Worksheet, context: &Context) -> Result<()> {
    let report = context.report;
    let local = report.as_of.with_timezone(&report.timezone);
    let title = match report.organisation.as_str() {
        "" => "E-mail preferences: what to do today".to_owned(),
        organisation => format!("{organisation}: e-mail preferences, what to do today"),
    };
    let found = words::count(context.found.rows as u64, "discrepancy", "discrepancies");
    let when = format!(
        "As of {} {} {} ({}). {found} in all.",
        local.format("%A"),
        local.day(),
        local.format("%B %Y, %H:%M"),
        report.timezone
    );
    sheet.set_row_height(0, 28)?.set_row_height(2, 8)?;
    sheet.write_string_with_format(0, 1, title, &Format::new().set_bold().set_font_size(20).set_font_color(NAVY))?;
    sheet.write_string_with_format(1, 1, when, &context.style.about)?;
    Ok(())
}

/// What a person must read; gives the row where the blocks begin.
fn attention(sheet: &mut Worksheet, context: &Context, first: RowNum) -> Result<RowNum> {
    let sentences = &context.report.attention;
    if sentences.is_empty() {
        return Ok(first);
    }
    let format =
        Format::new().set_text_wrap().set_align(FormatAlign::Top).set_background_color("#FFF6E5").set_font_color("#5A3B00");
    sheet.write_string_with_format(first, LEFT.0, "Needs attention", &context.style.heading)?;
    let mut row = first + 1;
    let left_out = sentences.len().saturating_sub(MOST_SENTENCES);
    let more = (left_out > 0).then(|| format!("{left_out} more: see summary.txt beside this workbook."));
    for sentence in sentences.iter().take(MOST_SENTENCES).chain(&more) {
        let lines = sentence.chars().count().div_ceil(LINE_LENGTH).clamp(1, 4);
        sheet.set_row_height(row, 16.0 * lines as f64)?;
        sheet.merge_range(row, LEFT.0, row, RIGHT.1, &shortened(format!("▲ {sentence}").into()), &format)?;
        row += 1;
    }
    sheet.set_row_height(row, 10)?;
    Ok(row + 1)
}
