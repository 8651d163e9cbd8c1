//! The discrepancies of each run by severity, as a chart below the counts by rule.

use anyhow::Result;
use rust_xlsxwriter::{
    Chart, ChartFont, ChartFormat, ChartLegendPosition, ChartLine, ChartSolidFill, ChartType, ColNum, Color, RowNum, Worksheet,
};

use super::LEFT;
use crate::columns::Severity;
use crate::write::workbook::context::Context;
use crate::write::workbook::history;
use crate::write::workbook::style::{LINE, severity_bar};
use crate::write::workbook::words;

/// Rows that the chart covers.
const CHART_ROWS: RowNum = 13;

/// Draws it, where there was a run before; gives the row below.
pub fn write(sheet: &mut Worksheet, context: &Context, first: RowNum) -> Result<RowNum> {
    if context.weeks.len() < 2 {
        return Ok(first);
    }
    let (top, bottom) = history::rows(context);
    let mut chart = Chart::new(ChartType::ColumnStacked);
    for (position, &severity) in Severity::ALL.iter().enumerate() {
        let col = history::SEVERITIES + position as ColNum;
        chart
            .add_series()
            .set_name(words::severity_alone(severity))
            .set_categories((history::NAME, top, 0, bottom, 0))
            .set_values((history::NAME, top, col, bottom, col))
            .set_format(ChartSolidFill::new().set_color(severity_bar(severity)))
            .set_gap(60);
    }
    chart.title().set_name("Discrepancies over the runs").set_font(ChartFont::new().set_size(11));
    chart.legend().set_position(ChartLegendPosition::Bottom);
    chart.x_axis().set_num_format("d mmm yyyy").set_text_axis(true);
    chart.y_axis().set_num_format("#,##0");
    let quiet = |shade: Color| ChartLine::new().set_color(shade).set_width(0.75).clone();
    chart.y_axis().set_major_gridlines_line(&quiet(LINE));
    chart.chart_area().set_format(ChartFormat::new().set_border(&quiet(LINE)));
    let all: Vec<String> = context.weeks.iter().map(|week| week.figures.discrepancies.to_string()).collect();
    let alternative = format!("Column chart of discrepancies in each run, stacked by severity. In all: {}.", all.join(", "));
    chart.set_alt_text(alternative.chars().take(255).collect::<String>());
    chart.set_width(1060).set_height(u32::from(CHART_ROWS as u16) * 20 - 16);
    sheet.insert_chart_with_offset(first, LEFT.0, &chart, 0, 8)?;
    Ok(first + CHART_ROWS)
}
