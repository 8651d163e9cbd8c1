//! `prefrecon history [WORKSPACE]`: what the runs counted, a line a run, and the rules over the runs.

use std::collections::BTreeSet;
use std::fmt::Write;

use anyhow::{Context, Result};

use crate::cli::Format;
use crate::columns::{Fate, Outcome, Severity, Standing};
use crate::commands::{DONE, LOOK, print};
use crate::history::{Week, sparkline};
use crate::ledger;
use crate::rules::find;
use crate::workspace::Workspace;
use crate::write::table;

/// Width of the longest bar.
const BAR: u64 = 24;

pub(super) fn history(workspace: &Workspace, runs: usize, format: Format) -> Result<u8> {
    workspace.require_workspace()?;
    let (all, troubles) = ledger::weeks(&workspace.ledger(), &workspace.runs())?;
    for trouble in &troubles {
        eprintln!("prefrecon: {trouble} Its figures are left out.");
    }
    let status = if troubles.is_empty() { DONE } else { LOOK };
    let weeks = &all[all.len().saturating_sub(runs)..];
    if format == Format::Json {
        print(&(serde_json::to_string_pretty(weeks).context("the figures are no JSON")? + "\n"))?;
        return Ok(status);
    }
    if weeks.is_empty() {
        print(&format!("No run has finished in {} yet.\n", workspace.root.display()))?;
        return Ok(status);
    }
    let zone = workspace.config.timezone()?;
    let ascii = !speaks_utf8();
    let number = |number: u64| if number == 0 { "-".to_owned() } else { number.to_string() };
    let most = weeks.iter().map(|week| week.figures.discrepancies).max().unwrap_or_default().max(1);
    let bar = |week: &Week| if ascii { "#" } else { "█" }.repeat((week.figures.discrepancies * BAR).div_ceil(most) as usize);

    let mut runs = table(
        [
            "run",
            "rows",
            "overdue",
            "critical",
            "high",
            "all",
            "",
            "new",
            "resolved",
            "review",
            "corrected",
            "held",
            "landed",
            "not landed",
        ],
        1..14,
    );
    if let Some(column) = runs.column_mut(6) {
        column.set_cell_alignment(comfy_table::CellAlignment::Left);
    }
    for week in weeks {
        let figures = &week.figures;
        runs.add_row([
            week.as_of.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string(),
            number(figures.rows),
            number(figures.overdue),
            number(figures.severity(Severity::Critical)),
            number(figures.severity(Severity::High)),
            number(figures.discrepancies),
            bar(week),
            number(figures.standing(Standing::New)),
            number(figures.standing(Standing::Resolved)),
            number(figures.outcome(Outcome::Review)),
            number(figures.corrected),
            number(figures.held),
            number(figures.fate(Fate::Landed)),
            number(figures.fate(Fate::NotLanded)),
        ]);
    }
    let codes: BTreeSet<&str> = weeks.iter().flat_map(|week| week.figures.by_rule.keys()).map(String::as_str).collect();
    let mut rules = table(["rule", "", "over the runs", "last", "before"], 3..5);
    let (last, before) = (&weeks[weeks.len() - 1], weeks.len().checked_sub(2).map(|at| &weeks[at]));
    for code in codes {
        let numbers: Vec<u64> = weeks.iter().map(|week| week.figures.rule(code)).collect();
        rules.add_row([
            code.to_owned(),
            find(code).map(|rule| rule.name).unwrap_or_default().to_owned(),
            sparkline(&numbers, ascii),
            number(last.figures.rule(code)),
            before.map_or(String::new(), |before| number(before.figures.rule(code))),
        ]);
    }
    let mut text = String::new();
    let _ = writeln!(text, "{}\n\n{}", runs.trim_fmt(), rules.trim_fmt());
    if all.len() > weeks.len() {
        let _ = writeln!(text, "\nThe last {} of {} runs; --runs N shows more.", weeks.len(), all.len());
    }
    print(&text)?;
    Ok(status)
}

/// Whether the terminal shows more than ASCII, as its settings say; without any, it does.
fn speaks_utf8() -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].iter().filter_map(std::env::var_os).find(|value| !value.is_empty());
    set.is_none_or(|value| {
        let value = value.to_string_lossy().to_lowercase();
        value.contains("utf-8") || value.contains("utf8")
    })
}
