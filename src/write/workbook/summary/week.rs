//! This week against last, on the right of the summary: how discrepancies stand by severity, and what became of earlier
//! corrections by system. Only from the second run on.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use rust_xlsxwriter::{ColNum, RowNum, Worksheet};

use super::side::head;
use super::{Looks, RIGHT};
use crate::columns::{Fate, Severity, Standing};
use crate::write::workbook::context::Context;
use crate::write::workbook::earlier;
use crate::write::workbook::words;

/// How discrepancies stand by severity, with last week's numbers; gives the row below.
pub fn standings(sheet: &mut Worksheet, context: &Context, looks: &Looks, first: RowNum) -> Result<RowNum> {
    let [.., last, _] = context.weeks.as_slice() else { return Ok(first) };
    let local = last.as_of.with_timezone(&context.report.timezone);
    let title = format!("This week against the run of {}", local.format("%-d %B %Y"));
    sheet.write_string_with_format(first, RIGHT.0, title, &context.style.heading)?;
    let severities: Vec<&str> = Severity::ALL.iter().map(|&severity| words::severity(severity)).chain(["All"]).collect();
    head(sheet, looks, first + 1, &["State (last week's number)"], &severities)?;
    let rules = &context.report.rules;
    let of = |severity: Severity, standing: Standing| -> u64 {
        let of_severity = rules.iter().filter(|count| count.rule.severity == severity);
        of_severity.map(|count| context.standing(count.rule.code, standing)).sum()
    };
    let mut row = first + 2;
    for &standing in Standing::ALL {
        let before = last.figures.standing(standing);
        let label = format!("{} ({})", words::standing(standing), words::thousands(before));
        sheet.write_string_with_format(row, RIGHT.0, label, &looks.text)?;
        let numbers: Vec<u64> = Severity::ALL.iter().map(|&severity| of(severity, standing)).collect();
        line(sheet, looks, row, &numbers, numbers.iter().sum())?;
        row += 1;
    }
    Ok(row)
}

/// What became of the corrections of earlier runs by system; gives the row below.
pub fn earlier(sheet: &mut Worksheet, context: &Context, looks: &Looks, first: RowNum) -> Result<RowNum> {
    let report = context.report;
    if context.weeks.len() < 2 {
        return Ok(first);
    }
    sheet.write_string_with_format(first, RIGHT.0, "What became of earlier corrections", &context.style.heading)?;
    let all = &report.history.corrections;
    if all.is_empty() {
        sheet.write_string_with_format(
            first + 1,
            RIGHT.0,
            "Earlier runs wrote none that is still to be looked at.",
            &looks.remark,
        )?;
        return Ok(first + 2);
    }
    let headings = ["Landed", "Not landed", "Their people", "Overtaken", "Unknown", "Refused"];
    head(sheet, looks, first + 1, &["System"], &headings)?;
    let mut by_system: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, one) in all.iter().enumerate() {
        by_system.entry(one.system.as_str()).or_default().push(at);
    }
    let mut row = first + 2;
    for (system, ats) in &by_system {
        let fared = |fate: Fate| ats.iter().filter(move |at| all[**at].fate == fate);
        let count = |fate: Fate| fared(fate).count() as u64;
        let person =
            |at: &usize| [&all[*at].contact_id, &all[*at].email, &all[*at].record].into_iter().find(|name| !name.is_empty());
        let waiting: BTreeSet<&String> = fared(Fate::NotLanded).filter_map(person).collect();
        let refused = ats.iter().filter(|at| report.answer(**at).is_some_and(|answer| answer.refused.is_some()));
        let numbers =
            [count(Fate::Landed), count(Fate::NotLanded), waiting.len() as u64, count(Fate::Overtaken), count(Fate::Unknown)];
        sheet.write_string_with_format(row, RIGHT.0, context.title(system), &looks.text)?;
        line(sheet, looks, row, &numbers, refused.count() as u64)?;
        row += 1;
    }
    let waiting = all.iter().filter(|one| one.fate == Fate::NotLanded).map(|one| one.runs).max();
    let remark = match waiting {
        Some(1) => "None was due before this run: the sheet says for whom.".to_owned(),
        Some(runs) => format!("The oldest that has not landed has waited for {runs} runs: the sheet says for whom."),
        None if all.iter().all(|one| one.fate == Fate::Unknown) => {
            "No export of this run tells what became of them: the sheet lists them.".to_owned()
        }
        None => "All that could be looked at are done with: the sheet says which.".to_owned(),
    };
    let link = format!("internal:'{}'!A1", earlier::NAME);
    sheet.merge_range(row, RIGHT.0, row, RIGHT.1, "", &looks.remark)?;
    sheet.write_url_with_options(row, RIGHT.0, link.as_str(), remark.as_str(), "", Some(&looks.remark_link))?;
    Ok(row + 1)
}

/// The numbers of a row, the last one in the last column.
fn line(sheet: &mut Worksheet, looks: &Looks, row: RowNum, numbers: &[u64], last: u64) -> Result<()> {
    for (position, number) in numbers.iter().chain([&last]).enumerate() {
        sheet.write_number_with_format(row, RIGHT.0 + 1 + position as ColNum, *number as f64, &looks.number)?;
    }
    Ok(())
}
