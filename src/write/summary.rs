//! `summary.txt`: what cron mails and the terminal shows.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::TimeDelta;
use comfy_table::{CellAlignment, Table, presets};

use crate::columns::{Fate, Outcome, Severity, Standing};
use crate::decide::Dated;
use crate::ingest::Verdict;
use crate::normalise::masked;
use crate::report::{Due, Report};

/// Overdue discrepancies, and as many due soon, that a mail has room for.
const MOST_DUE: usize = 10;

/// Reasons of refusals that a mail has room for.
const MOST_REASONS: usize = 8;

/// The summary, without any address.
pub fn summary(report: &Report) -> String {
    let mut text = String::new();
    let local = report.as_of.with_timezone(&report.timezone);
    let organisation = if report.organisation.is_empty() { String::new() } else { format!("{}: ", report.organisation) };
    let _ = writeln!(text, "{organisation}e-mail preferences as of {}", local.format("%A, %-d %B %Y, %H:%M %Z"));
    let _ = writeln!(text);
    clock(&mut text, report);

    counts(&mut text, report);
    rules(&mut text, report);
    correction_files(&mut text, report);
    load_results(&mut text, report);
    inputs(&mut text, report);
    text
}

/// That nothing is due, as far as this run can tell.
pub(super) fn nothing_due(report: &Report) -> String {
    let not_compared = report.not_compared();
    let unread = report.inputs.iter().any(|input| input.file.needs_a_look());
    let next = format!("and nothing falls due before the next run ({}).", report.next_run);
    let all = if not_compared == 0 && !unread { "Nothing is" } else { "Of what could be compared nothing is" };
    let mut text = format!("{all} overdue, {next}");
    if not_compared > 0 {
        let earlier = count(not_compared, "earlier discrepancy", "earlier discrepancies");
        let _ = write!(text, " {earlier} could not be: an export is missing, or older than the last one.");
    }
    if report.undated > 0 {
        let undated = count(report.undated, "open discrepancy rests", "open discrepancies rest");
        let _ = write!(text, " {undated} on an opt-out whose day is not known: its days count from when a run first saw it.");
    }
    if unread {
        text.push_str(" A file, or a sheet of one, was not read: who said no there is not known.");
    }
    text
}

/// What is overdue or due before the next run: this comes first, because the law sets the day.
fn clock(text: &mut String, report: &Report) {
    let (overdue, soon) = report.due.split_at(report.overdue());
    if overdue.is_empty() && soon.is_empty() {
        let _ = writeln!(text, "{}\n", nothing_due(report));
        return;
    }
    let open = |due: &[Due]| count(due.len() as u64, "open discrepancy", "open discrepancies");
    if !overdue.is_empty() {
        let _ = writeln!(text, "OVERDUE: {}; the last day to honour the opt-out has passed.", open(overdue));
        due_table(text, report, overdue);
    }
    if !soon.is_empty() {
        let _ = writeln!(text, "Due before the next run, on or before {}: {}.", report.next_run, open(soon));
        due_table(text, report, soon);
    }
}

/// How many discrepancies there are, what becomes of them, and what else a person must read.
fn counts(text: &mut String, report: &Report) {
    let critical: u64 =
        report.rules.iter().filter(|count| count.rule.severity == Severity::Critical).map(|count| count.total()).sum();
    let all: u64 = report.rules.iter().map(|count| count.total()).sum();
    let ready: u64 = report.targets.iter().map(|target| target.corrected - target.held).sum();
    let _ = writeln!(
        text,
        "{}, {critical} of them critical (mail may go to a person who said no).",
        count(all, "discrepancy", "discrepancies")
    );
    let _ = writeln!(
        text,
        "Corrections of {} are ready to load; {} held, {} a decision.",
        count(ready, "record", "records"),
        count(report.outcome(Outcome::Held), "discrepancy is", "discrepancies are"),
        count(report.outcome(Outcome::Review), "needs", "need"),
    );
    if !report.rejected.is_empty() {
        let rejected = count(report.rejected.len() as u64, "row was", "rows were");
        let _ = writeln!(text, "{rejected} rejected: rejected_rows.csv says which and why.");
    }
    since_last_run(text, report);
    for sentence in &report.attention {
        let _ = writeln!(text, "! {sentence}");
    }
}

fn rules(text: &mut String, report: &Report) {
    let excepted = report.outcome(Outcome::Excepted) > 0;
    let mut rules = table(
        ["rule", "", "severity", "found", "correct", "review", "held", "note", if excepted { "excepted" } else { "" }],
        3..9,
    );
    for count in report.rules.iter().filter(|count| count.total() > 0) {
        let outcome = |outcome: Outcome| number(count.of(outcome));
        rules.add_row([
            count.rule.code.to_owned(),
            count.rule.name.to_owned(),
            count.rule.severity.to_string(),
            number(count.total()),
            outcome(Outcome::Correct),
            outcome(Outcome::Review),
            outcome(Outcome::Held),
            outcome(Outcome::Note),
            if excepted { outcome(Outcome::Excepted) } else { String::new() },
        ]);
    }
    if !rules.is_empty() {
        let _ = writeln!(text, "\nDiscrepancies\n{}", indented(&rules));
    }
}

fn correction_files(text: &mut String, report: &Report) {
    let mut files = table(["file", "rows"], 1..2);
    for (path, rows) in report.targets.iter().flat_map(|target| &target.files) {
        files.add_row([path.clone(), number(*rows)]);
    }
    if !files.is_empty() {
        let _ = writeln!(text, "\nCorrection files\n{}", indented(&files));
    }
}

fn load_results(text: &mut String, report: &Report) {
    if report.loaded.is_empty() {
        return;
    }
    let _ = writeln!(text, "\nLoad results of earlier corrections");
    let mut loads = table(["system", "taken", "refused"], 1..3);
    for target in report.targets.iter().filter(|target| target.landed != [0, 0]) {
        loads.add_row([target.title.clone(), number(target.landed[0]), number(target.landed[1])]);
    }
    let _ = writeln!(text, "{}", indented(&loads));
    let mut reasons: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for loaded in &report.loaded {
        if let Some(reason) = &loaded.refused {
            *reasons.entry((&loaded.title, reason)).or_default() += 1;
        }
    }
    for ((title, reason), number) in reasons.iter().take(MOST_REASONS) {
        let _ = writeln!(text, "  {number} × {title}: {}", masked(reason));
    }
    if reasons.len() > MOST_REASONS {
        let _ = writeln!(text, "  … {} more reasons: see load_results.csv", reasons.len() - MOST_REASONS);
    }
}

fn inputs(text: &mut String, report: &Report) {
    let _ = writeln!(text, "\nInputs");
    let mut inputs = table(["file", "read as", "rows", "rejected", "matched", "unmatched", "as of"], 2..6);
    for input in report.inputs.iter().filter(|input| !matches!(input.file.verdict, Verdict::Skipped(_))) {
        let read_as = match &input.file.verdict {
            Verdict::Used => format!("{} {}", input.title, input.file.kind.as_deref().unwrap_or_default()).replace('_', " "),
            Verdict::Superseded(by) => format!("superseded by {by}"),
            Verdict::Refused(_) => "refused".to_owned(),
            Verdict::Skipped(_) => "skipped".to_owned(),
        };
        let as_of = input
            .file
            .as_of
            .map(|at| at.with_timezone(&report.timezone).format("%Y-%m-%d %H:%M").to_string())
            .unwrap_or_default();
        inputs.add_row([
            input.file.file.clone(),
            read_as,
            number(input.file.rows),
            number(input.file.rejected),
            number(input.matched),
            number(input.unmatched),
            if input.file.stale && input.file.is_used() { format!("{as_of} (stale)") } else { as_of },
        ]);
    }
    let _ = writeln!(text, "{}", indented(&inputs));
}

fn due_table(text: &mut String, report: &Report, due: &[Due]) {
    let mut rows = table(["due", "said no", "since then", "person", "rule", "", "what happens"], 0..0);
    for due in due.iter().take(MOST_DUE) {
        let cell = |column: &str| {
            let cells = report.discrepancies.column(column).and_then(|cells| cells.str());
            cells.ok().and_then(|cells| cells.get(due.row)).unwrap_or_default().to_owned()
        };
        let person = [cell("contact_id"), cell("a_record"), cell("email")].into_iter().find(|name| !name.is_empty());
        let code = cell("rule");
        let name = report.rules.iter().find(|count| count.rule.code == code).map(|count| count.rule.name).unwrap_or_default();
        let bound = match due.clock.dated {
            Dated::Then => "",
            Dated::ThenOrLater => "at most ",
            Dated::ThenOrBefore => "at least ",
        };
        rows.add_row([
            due.clock.due.to_string(),
            due.clock.day.to_string(),
            format!("{bound}{}", elapsed(report.as_of - due.clock.since)),
            masked(&person.unwrap_or_default()),
            code,
            name.to_owned(),
            cell("outcome"),
        ]);
    }
    let _ = writeln!(text, "{}", indented(&rows));
    if due.len() > MOST_DUE {
        let _ = writeln!(text, "  … {} more: see the sheet Overdue of discrepancies.xlsx", due.len() - MOST_DUE);
    }
    text.push('\n');
}

/// Hours while they say more than days.
fn elapsed(time: TimeDelta) -> String {
    match time.num_hours().max(0) as u64 {
        hours @ 0..72 => count(hours, "hour", "hours"),
        hours => count(hours / 24, "day", "days"),
    }
}

/// How the run stands against the one before, and what became of earlier corrections.
fn since_last_run(text: &mut String, report: &Report) {
    let history = &report.history;
    let Some(last) = history.last_run else { return };
    let standing = |standing: Standing| history.standing(standing);
    let not_compared = match standing(Standing::NotCompared) {
        0 => String::new(),
        some => format!("; {some} could not be compared, because an export is missing or older than the last one"),
    };
    let _ = writeln!(
        text,
        "Since the run of {}: {} new, {} persisting, {} reopened, {} resolved{not_compared}.",
        last.with_timezone(&report.timezone).format("%-d %B"),
        standing(Standing::New),
        standing(Standing::Persisting),
        standing(Standing::Reopened),
        standing(Standing::Resolved),
    );
    let fate = |fate: Fate| history.corrections.iter().filter(|correction| correction.fate == fate).count();
    if !history.corrections.is_empty() {
        let _ = writeln!(
            text,
            "Of earlier corrections, as the exports show them: {} landed, {} not, {} overtaken, {} unknown (landed.csv).",
            fate(Fate::Landed),
            fate(Fate::NotLanded),
            fate(Fate::Overtaken),
            fate(Fate::Unknown)
        );
    }
}

/// A plain table whose numbers stand to the right.
pub(crate) fn table<const N: usize>(header: [&str; N], numbers: std::ops::Range<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    for column in table.column_iter_mut().enumerate().filter(|(at, _)| numbers.contains(at)).map(|(_, column)| column) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn indented(table: &Table) -> String {
    table.trim_fmt().lines().map(|line| format!(" {line}")).collect::<Vec<_>>().join("\n")
}

/// A number and its noun.
fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn number(count: u64) -> String {
    if count == 0 { "-".to_owned() } else { count.to_string() }
}
