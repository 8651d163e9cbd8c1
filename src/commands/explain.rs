//! `prefrecon explain WHO`: everything about one person, by any id.

use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::cli::{Common, Format};
use crate::commands::progress::Display;
use crate::commands::{DONE, coloured, print};
use crate::config::AfterRun;
use crate::explain::{self, Change, Earlier, Explanation, Look, PastFound, Person, Record};
use crate::ingest::{Papers, Verdict, read_papers, refused_earlier};
use crate::ledger::{Who, trace};
use crate::nearest::sentence_hint;
use crate::reconcile::{Clock, Exports, read_decisions, read_exports, read_inbox, settled};
use crate::wording::capital;
use crate::workspace::{PastRun, Stop, Workspace};
use crate::write::table;

/// Past runs and earlier corrections that a screen has room for, the latest first.
const MOST_RUNS: usize = 6;
const MOST_EARLIER: usize = 6;

/// Characters of a line of text.
const WIDTH: usize = 118;

/// What an answer speaks of.
#[derive(Debug, Serialize)]
struct Basis {
    /// The run whose inputs were read again; none where the inbox was.
    run: Option<String>,
    /// The time as of which the answer holds.
    as_of: String,
    /// What is to be known of it.
    notes: Vec<String>,
}

/// The answer and what it speaks of.
#[derive(Debug, Serialize)]
struct Answer {
    basis: Basis,
    #[serde(flatten)]
    explanation: Explanation,
}

pub(super) fn explain(
    mut workspace: Workspace,
    who: &str,
    run: Option<&str>,
    clock: Clock,
    format: Format,
    common: &Common,
) -> Result<u8> {
    workspace.require_workspace()?;
    let display = Display::start(common);
    let (exports, papers, run) = match run {
        Some(name) => {
            let run = workspace.past_run(name)?;
            (archived(&mut workspace, &run, clock)?, archived_decisions(&workspace, &run, clock)?, Some(run))
        }
        None => {
            let exports = read_inbox(&workspace, clock)?;
            let nothing_new =
                !exports.ingested.files.iter().any(|file| matches!(file.verdict, Verdict::Used | Verdict::Refused(_)));
            match workspace.past_run("latest") {
                Ok(run) if nothing_new => {
                    (archived(&mut workspace, &run, clock)?, archived_decisions(&workspace, &run, clock)?, Some(run))
                }
                _ => (exports, read_decisions(&workspace, clock)?, None),
            }
        }
    };
    let clock = Clock { as_of: run.as_ref().map_or(clock.as_of, |run| run.as_of), ..clock };
    let mut explanation = settled(&workspace, exports, papers, clock, Some(who), |settled| explain::explain(who, settled))?;
    drop(display);
    if explanation.persons.is_empty() {
        return Err(nobody(&explanation, run.as_ref(), &workspace)).context(Stop::Configuration);
    }
    let troubles = add_history(&mut explanation.persons, &workspace, clock.as_of)?;
    let mut basis = basis(run.as_ref(), clock.as_of, &workspace);
    basis.notes.extend(troubles.into_iter().map(|trouble| format!("{trouble} What it held of past runs is left out.")));
    let answer = Answer { basis, explanation };
    if format == Format::Json {
        print(&(serde_json::to_string_pretty(&answer).context("the answer is no JSON")? + "\n"))?;
    } else {
        print(&text(&answer, &workspace, clock.as_of, coloured(common)))?;
    }
    Ok(DONE)
}

/// The inputs of a run as they lie in its archive, or still in the inbox.
fn archived(workspace: &mut Workspace, run: &PastRun, clock: Clock) -> Result<Exports> {
    // What a run has used has long been copied.
    workspace.config.inbox.settle_seconds = 0;
    let mut missing: Option<Vec<&str>> = None;
    for folder in [workspace.archive_of(&run.id), workspace.inbox()] {
        if !folder.is_dir() {
            continue;
        }
        let mut exports = read_exports(workspace, &folder, &HashMap::new(), Clock { as_of: run.as_of, ..clock })?;
        let ingested = &mut exports.ingested;
        for file in &mut ingested.files {
            if !run.inputs.iter().any(|input| input.file == file.file && input.sha256 == file.sha256) {
                file.verdict = Verdict::Skipped("no input of that run".to_owned());
            }
        }
        let there = |name: &str| ingested.files.iter().any(|file| file.is_used() && file.file == name);
        let used = run.inputs.iter().filter(|input| input.verdict == "used");
        let lacking: Vec<&str> = used.map(|input| input.file.as_str()).filter(|file| !there(file)).collect();
        if lacking.is_empty() {
            ingested.tables.retain(|table| ingested.files[table.file].is_used());
            // What could not be read then may have held an opt-out, and still counts as such.
            let refused = run.inputs.iter().filter(|input| input.verdict == "refused");
            let gone =
                refused.filter(|input| !ingested.files.iter().any(|file| file.file == input.file && file.sha256 == input.sha256));
            let gone: Vec<_> = gone.map(|input| refused_earlier(&input.file, input.why.as_deref().unwrap_or_default())).collect();
            ingested.files.extend(gone);
            return Ok(exports);
        }
        if missing.as_ref().is_none_or(|missing| lacking.len() < missing.len()) {
            missing = Some(lacking);
        }
    }
    let place = workspace.archive_of(&run.id);
    Err(anyhow!(
        "the inputs of the run {} are not all in {} any more (missing or changed: {}): put them back, or name another run",
        run.id,
        place.display(),
        missing.map_or("all".to_owned(), |missing| missing.join(", "))
    ))
    .context(Stop::Inputs)
}

/// Adds what the ledger remembers until a time; gives what of it could not be read.
fn add_history(persons: &mut [Person], workspace: &Workspace, as_of: DateTime<Utc>) -> Result<Vec<String>> {
    let who: Vec<Who> = persons.iter().map(Person::who).collect();
    let (steps, troubles) = trace(&workspace.ledger(), &workspace.runs(), as_of, &who)?;
    for (person, steps) in persons.iter_mut().zip(steps) {
        person.remember(steps, &workspace.systems);
    }
    Ok(troubles)
}

/// What reviewers had decided for a run.
fn archived_decisions(workspace: &Workspace, run: &PastRun, clock: Clock) -> Result<Papers> {
    let kept = workspace.archive_of(&run.id).join("decisions");
    let folder = if workspace.config.inbox.after_run == AfterRun::Keep { workspace.decisions() } else { kept };
    read_papers(&folder, Duration::ZERO, clock.now).context(Stop::Inputs)
}

fn nobody(explanation: &Explanation, run: Option<&PastRun>, workspace: &Workspace) -> anyhow::Error {
    let place = run.map_or("the exports in the inbox".to_owned(), |run| format!("the exports of the run {}", run.id));
    let near: Vec<&str> = explanation.nearest.as_deref().into_iter().collect();
    anyhow!(
        "nobody in {place} has the address or id `{}`{} An address or any id will do: of {}",
        explanation.who,
        sentence_hint(&explanation.who, &near),
        workspace.systems.profiles().iter().map(|profile| profile.title.as_str()).collect::<Vec<_>>().join(", ")
    )
}

fn basis(run: Option<&PastRun>, as_of: DateTime<Utc>, workspace: &Workspace) -> Basis {
    let mut notes = Vec::new();
    if run.is_some_and(|run| run.configuration_sha256 != workspace.configuration_sha256) {
        notes.push("prefrecon.toml has changed since that run: the answer follows it as it is now.".to_owned());
    }
    Basis { run: run.map(|run| run.id.clone()), as_of: as_of.to_rfc3339_opts(SecondsFormat::Secs, true), notes }
}

fn text(answer: &Answer, workspace: &Workspace, as_of: DateTime<Utc>, coloured: bool) -> String {
    let mut text = String::new();
    let zone = workspace.config.timezone().expect("checked when the configuration was read");
    let local = as_of.with_timezone(&zone).format("%A, %-d %B %Y, %H:%M %Z");
    let _ = match &answer.basis.run {
        Some(run) => writeln!(text, "From the inputs of the run {run}, {local}."),
        None => writeln!(text, "From what is in the inbox now, as a run of {local} would read it."),
    };
    for note in &answer.basis.notes {
        let _ = writeln!(text, "{note}");
    }
    let Explanation { who, persons, more, .. } = &answer.explanation;
    let all = persons.len() + more;
    if all > 1 {
        let _ = writeln!(text, "{who} fits {all} persons.");
    }
    for person in persons {
        let _ = writeln!(text);
        describe(&mut text, person, coloured);
    }
    if *more > 0 {
        let _ = writeln!(text, "\n… and {more} more: name one of them by an id.");
    }
    text
}

fn describe(text: &mut String, person: &Person, coloured: bool) {
    let (decision, colour) = match person.decision {
        "opted_out" => ("opted out", "31"),
        "opted_in" => ("opted in", "32"),
        _ => ("nothing said", "33"),
    };
    let who = person.contact_id.as_ref().map_or("Not a CRM contact".to_owned(), |id| format!("CRM contact {id}"));
    let decision = if coloured { format!("\x1b[{colour}m{decision}\x1b[0m") } else { decision.to_owned() };
    let address = if person.email.is_empty() { "without an address" } else { &person.email };
    let _ = writeln!(text, "{who}, {address}: {decision}");
    let _ = writeln!(text, "{}", wrapped(&person.why, "  "));

    let _ = writeln!(text, "\nRecords");
    let mut records =
        table(["", "record", "matched by", "preference", "delivery", "categories", "addresses", "file and row"], 0..0);
    for record in &person.records {
        records.add_row([
            record.title.clone(),
            match (record.unit.as_str(), record.is_membership) {
                ("", _) => record.record.clone(),
                (list, true) => format!("{} on {list}", record.record),
                (unit, false) => format!("{} in unit {unit}", record.record),
            },
            matched(record),
            preference(record),
            said(record.delivery, &record.delivery_says),
            record.categories.clone(),
            record.emails.join(", "),
            place(record),
        ]);
    }
    indent(text, &records.trim_fmt());

    let _ = writeln!(text, "\nSignals");
    for signal in &person.signals {
        let verdict = if signal.counts { "counts" } else { "does not count" };
        let _ = writeln!(text, "{}", wrapped(&format!("{}: {verdict}; {}.", capital(&signal.says), signal.why), "  "));
    }
    if person.signals.is_empty() {
        let _ = writeln!(text, "  None: \"active\", \"false\" and blank are defaults and prove nothing.");
    }

    let _ = writeln!(text, "\nRules that fired");
    for fired in &person.fired {
        let records: Vec<&str> =
            [fired.a.as_str(), &fired.b, &fired.subject].into_iter().filter(|part| !part.is_empty()).collect();
        let due = fired.due.as_ref().map(|due| format!(", due {due}")).unwrap_or_default();
        let _ = writeln!(text, "  {}  {} ({}): {}{due}", fired.rule, fired.name, fired.severity, fired.outcome);
        let _ = writeln!(text, "{}", wrapped(&format!("{}. {}", records.join(" and "), fired.why), "          "));
    }
    if person.fired.is_empty() {
        let _ = writeln!(text, "  None.");
    }
    if !person.near.is_empty() {
        let _ = writeln!(text, "\nRules that did not, and why");
        for near in &person.near {
            let words = wrapped(&format!("{}: {}.", near.name, near.why), "          ");
            let _ = writeln!(text, "  {}  {}", near.rule, words.trim_start());
        }
    }

    let _ = writeln!(text, "\nCorrections that a run writes");
    for correction in &person.corrections {
        let value = |value: &str| if value.is_empty() { "blank".to_owned() } else { format!("\"{value}\"") };
        let change = format!(
            "{} of {}: {} becomes {}",
            correction.field,
            correction.record,
            value(&correction.before),
            value(&correction.after)
        );
        let _ = writeln!(text, "  {}, row {} ({})", correction.file, correction.row, correction.rules);
        let _ = writeln!(text, "{}", wrapped(&change, "          "));
    }
    if person.corrections.is_empty() {
        let _ = writeln!(text, "  None.");
    }
    if !person.earlier.is_empty() {
        let _ = writeln!(text, "\nEarlier corrections");
    }
    for earlier in person.earlier.iter().take(MOST_EARLIER) {
        let _ = writeln!(text, "  {}", wrapped(&earlier_in_words(earlier), "          ").trim_start());
    }
    if let Some(more @ 1..) = person.earlier.len().checked_sub(MOST_EARLIER) {
        let _ = writeln!(text, "  … and {more} before: --format json has all.");
    }
    if !person.history.is_empty() {
        let _ = writeln!(text, "\nPast runs, and what each saw anew");
    }
    for past in person.history.iter().take(MOST_RUNS) {
        let seen = past.seen.iter().map(seen_in_words);
        let found = past.found.iter().map(found_in_words);
        let words: Vec<String> = seen.chain(found).collect();
        let _ = writeln!(text, "  {}", wrapped(&format!("{}  {}.", past.run, words.join("; ")), "          ").trim_start());
    }
    if let Some(more @ 1..) = person.history.len().checked_sub(MOST_RUNS) {
        let _ = writeln!(text, "  … and {more} before: --format json has all.");
    }
}

/// How a record's state changed.
fn seen_in_words(change: &Change) -> String {
    let Change { title, record, unit, before, now, .. } = change;
    let unit = if unit.is_empty() { String::new() } else { format!(" in {unit}") };
    let name = format!("{title} {record}{unit}");
    let Some(before) = before else {
        return format!("{name} is first seen: {}", preference_and_delivery(now));
    };
    if now.preference == "gone" {
        return format!("{name} is gone");
    }
    let said = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
    let mut changes = Vec::new();
    for (what, before, now) in [
        ("preference", &before.preference, &now.preference),
        ("delivery", &before.delivery, &now.delivery),
        ("address", &before.email, &now.email),
        ("categories", &before.categories, &now.categories),
    ] {
        if before != now {
            changes.push(format!("{what} {} becomes {}", said(before), said(now)));
        }
    }
    // The date of an opt-out is part of its state too.
    let changes = if changes.is_empty() { "another date".to_owned() } else { changes.join(", ") };
    format!("{name}: {changes}")
}

fn preference_and_delivery(look: &Look) -> String {
    if look.delivery == "ok" || look.delivery.is_empty() || look.delivery == "unknown" {
        look.preference.clone()
    } else {
        format!("{}, {}", look.preference, look.delivery)
    }
}

fn found_in_words(found: &PastFound) -> String {
    let subject = if found.subject.is_empty() { String::new() } else { format!(" {}", found.subject) };
    format!("{}{subject} {}", found.rule, found.state.replace('_', " "))
}

/// What a correction was, and what became of it.
fn earlier_in_words(earlier: &Earlier) -> String {
    let Earlier { run, title, record, purpose, before, after, file, .. } = earlier;
    let value = |value: &str| if value.is_empty() { "blank".to_owned() } else { value.to_owned() };
    let what =
        format!("{run}  {} of {title} {record}, {} becomes {} ({file})", purpose.replace('_', " "), value(before), value(after));
    let state = earlier.state.replace('_', " ");
    let fate = match (&earlier.settled_in, earlier.runs, earlier.state.as_str()) {
        (Some(run), _, _) => format!("{state}, as the run {run} saw"),
        (None, Some(1), "not_landed") => format!("{state} yet"),
        (None, Some(runs), "not_landed") => format!("{state} since {runs} runs"),
        (None, _, "unknown") => "open; there is no newer export that tells".to_owned(),
        (None, None, "written") => "no run has looked since".to_owned(),
        _ => state,
    };
    let answer = match earlier.answer {
        "refused" => format!("; {title} refused it: {}", earlier.reason),
        "taken" => format!("; {title} took it"),
        _ => String::new(),
    };
    format!("{what}: {fate}{answer}.")
}

fn matched(record: &Record) -> String {
    let by = match record.matched_by {
        "hub" => return "it is the person's own".to_owned(),
        "contact_id" => "contact id",
        "source_id" => "source id",
        "email" => "address",
        _ => "shared address",
    };
    format!("{by} {}", record.matched_on)
}

fn preference(record: &Record) -> String {
    let own = if record.code.is_empty() { &record.says } else { &record.code };
    said(record.preference, own)
}

fn said(word: &str, own: &str) -> String {
    if own.is_empty() || own == word { word.to_owned() } else { format!("{word} ({own})") }
}

fn place(record: &Record) -> String {
    let sheet = record.sheet.as_ref().map(|sheet| format!(", sheet {sheet}")).unwrap_or_default();
    let also: String = record.also.iter().map(|place| format!("; {} row {}", place.file, place.row)).collect();
    format!("{}{sheet} row {}{also}", record.file, record.row)
}

fn indent(text: &mut String, lines: &str) {
    for line in lines.lines() {
        let _ = writeln!(text, " {}", line.trim_end());
    }
}

/// The text in lines that are not too long, each indented.
fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = vec![indent.to_owned()];
    let mut empty = true;
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a first line");
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(format!("{indent}{word}"));
            continue;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines.join("\n")
}
