//! A sheet of requests that people complete: the header in the first row, one row a record.

use std::path::Path;

use anyhow::{Context, Result};
use rust_xlsxwriter::{
    ColNum, DocProperties, Format, FormatAlign, FormatBorder, RowNum, Table, TableColumn, TableStyle, Workbook,
};

use chrono::{DateTime, Utc};

/// Characters of the widest column.
const WIDEST: usize = 47;

/// Points of a line of text.
const LINE: f64 = 15.0;

/// Writes it. Its folder must exist; a file of that name is replaced.
pub fn request_sheet(title: &str, header: &[String], rows: &[Vec<String>], as_of: DateTime<Utc>, to: &Path) -> Result<()> {
    let mut book = Workbook::new();
    book.set_properties(&DocProperties::new().set_title(title).set_author("prefrecon").set_creation_datetime(&as_of));
    let sheet = book.add_worksheet();
    sheet.set_name("Requests")?.set_landscape().set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?.set_freeze_panes(1, 0)?;
    sheet.set_header(format!("&L{title}&R&D"));
    sheet.set_footer("&RPage &P of &N");
    let heading = Format::new().set_bold().set_text_wrap().set_align(FormatAlign::VerticalCenter);
    let text = Format::new().set_num_format("@").set_text_wrap().set_align(FormatAlign::Top).set_border(FormatBorder::Hair);
    let columns: Vec<TableColumn> =
        header.iter().map(|name| TableColumn::new().set_header(name).set_header_format(&heading)).collect();
    let table = Table::new().set_name("Requests_table").set_style(TableStyle::Light1).set_columns(&columns).set_alt_text(title);
    sheet.add_table(0, 0, rows.len() as RowNum, header.len() as ColNum - 1, &table)?;
    let widths: Vec<usize> = (0..header.len())
        .map(|at| rows.iter().map(|row| row[at].chars().count()).chain([header[at].len()]).max().unwrap_or_default().min(WIDEST))
        .collect();
    for (row, cells) in rows.iter().enumerate() {
        // Words break before the edge, so a line holds a little less than its width.
        let lines = cells.iter().zip(&widths).map(|(cell, width)| cell.chars().count().div_ceil((*width * 9 / 10).max(1))).max();
        sheet.set_row_height(row as RowNum + 1, LINE * lines.unwrap_or_default().max(1) as f64)?;
    }
    for at in 0..header.len() {
        sheet.set_column_width(at as ColNum, (widths[at] + 3) as f64)?;
        for (row, cells) in rows.iter().enumerate() {
            sheet.write_string_with_format(row as RowNum + 1, at as ColNum, &cells[at], &text)?;
        }
    }
    let cannot = || format!("cannot write {}", to.display());
    let file = super::private(to).with_context(cannot)?;
    book.save_to_writer(&file).with_context(cannot)?;
    file.sync_all().with_context(cannot)
}
