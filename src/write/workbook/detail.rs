//! The columns that tell a discrepancy, on every sheet that lists some.

use super::cell::Cell;
use super::context::Context;
use super::found::Of;
use super::listing::Column;
use super::words;

/// The columns for these rows of the report. One that is blank in all of them is left out.
pub fn columns<'a>(context: &'a Context, rows: &'a [usize], subject: &'a str) -> Vec<Column<'a>> {
    let found = &context.found;
    let text = move |column: Of| move |row: usize| Cell::text(found.get(rows[row], column));
    let time = move |column: Of| move |row: usize| Cell::time(found.get(rows[row], column));
    let system = move |column: Of| move |row: usize| Cell::text(found.get(rows[row], column).map(|name| context.title(name)));
    let columns = vec![
        Column::new("Severity", 11, move |row| found.severity(rows[row]).map_or(Cell::Blank, Cell::Severity)),
        Column::new("Rule", 8, text(Of::Rule)),
        Column::new("What is wrong", 28, move |row| {
            Cell::text(found.get(rows[row], Of::Rule).and_then(|code| context.rule_name(code)))
        }),
        Column::new("What happens", 15, move |row| found.outcome(rows[row]).map_or(Cell::Blank, Cell::Outcome)),
        Column::new("Due", 11, time(Of::Due)),
        Column::new("E-mail", 30, text(Of::Email)),
        Column::new(subject, 20, text(Of::Subject)),
        Column::new("System A", 15, system(Of::ASystem)),
        Column::new("A says", 18, text(Of::AValue)),
        Column::new("System B", 15, system(Of::BSystem)),
        Column::new("B says", 18, text(Of::BValue)),
        Column::new("Why", 44, text(Of::Why)),
        Column::new("State", 11, text(Of::State)).unprinted(),
        Column::new("First seen", 11, time(Of::FirstSeen)).unprinted(),
        Column::new("A changed", 16, time(Of::AChanged)).unprinted(),
        Column::new("B changed", 16, time(Of::BChanged)).unprinted(),
        Column::new("CRM contact id", 20, text(Of::ContactId)).unprinted(),
        Column::new("Record in A", 36, text(Of::ARecord)).unprinted(),
        Column::new("Record in B", 36, text(Of::BRecord)).unprinted(),
        Column::new("Matched by", 14, move |row| Cell::text(found.get(rows[row], Of::MatchedBy).map(words::method))).unprinted(),
    ];
    columns.into_iter().filter(|column| column.any(rows.len())).collect()
}
