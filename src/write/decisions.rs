//! What people decided, as a run tells it back: keys for the rows in review, the list of exceptions, `decisions.csv`.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;
use chrono::TimeDelta;
use polars::prelude::DataFrame;

use crate::classify::World;
use crate::columns::{Outcome, Severity};
use crate::decide::Decision;
use crate::decisions::{Identity, Key, Line, People, Ruling, Scene, State, names_nobody, run_name};
use crate::report::ExceptionLine;
use crate::rules::RULES;
use crate::write::csv_file::{CsvFile, Reader};

/// Rows that could not be used and are named one by one; `decisions.csv` has all.
const NAMED: usize = 10;

/// The columns of `decisions.csv`, in order.
pub const COLUMNS: [&str; 12] =
    ["file", "sheet", "row", "column", "decision", "name", "reason", "who", "rule", "run", "result", "why"];

/// What the hidden column holds of every row in review that somebody can decide on.
pub(super) fn review_keys(discrepancies: &DataFrame, world: &World<'_>) -> Result<HashMap<usize, String>> {
    let column = |name: &str| -> Result<Vec<&str>> {
        Ok(discrepancies.column(name)?.str()?.iter().map(Option::unwrap_or_default).collect())
    };
    let outcome = column("outcome")?;
    let names = ["rule", "contact_id", "email", "subject", "a_system", "a_record", "b_system", "b_record"];
    let columns: Vec<Vec<&str>> = names.into_iter().map(column).collect::<Result<_>>()?;
    let in_review = (0..outcome.len()).filter(|row| outcome[*row] == Outcome::Review.word());
    let identity = |row: usize| -> Identity { std::array::from_fn(|at| columns[at][row].to_owned()) };
    let rows: Vec<(usize, Identity)> =
        in_review.map(|row| (row, identity(row))).filter(|(_, identity)| !names_nobody(identity)).collect();
    let World { records, matched, config, systems, texts, as_of, .. } = *world;
    let people =
        People::new(rows.iter().map(|(_, identity)| identity), Scene { records, matched, config, systems, texts, as_of })?;
    let run = run_name(world.as_of);
    let keys = rows.into_iter().map(|(row, identity)| {
        let shown = people.state(&identity).to_owned();
        (row, Key { run: run.clone(), identity, shown }.written())
    });
    Ok(keys.collect())
}

/// The list of exceptions, each with what came of it.
pub(super) fn exceptions(decisions: &[Decision], world: &World<'_>) -> Vec<ExceptionLine> {
    let counts = counts(decisions);
    let line = |(at, exception): (usize, &crate::decisions::Exception)| {
        let found = counts.get(&at).copied().unwrap_or_default();
        let state = match &exception.state {
            State::Holds(_) if found == 0 => "holds; nothing that it covers is found now".to_owned(),
            State::Holds(_) => format!("holds; leaves {} as they are", discrepancies(found)),
            State::Expired(_) if found == 0 => "ended; nothing that it covers is found now".to_owned(),
            State::Expired(_) => format!(
                "ended; {} back",
                if found == 1 { "1 discrepancy is".to_owned() } else { format!("{found} discrepancies are") }
            ),
            State::Refused(why) => format!("not used: {why}"),
        };
        ExceptionLine {
            who: exception.who.clone(),
            rule: exception.rule.clone(),
            owner: exception.owner.clone(),
            until: exception.until.clone(),
            reason: exception.reason.clone(),
            state,
            ended: !exception.holds(),
        }
    };
    world.desk.exceptions.iter().enumerate().map(line).collect()
}

/// A decision that was made so long ago has been carried out, or nobody waits for it any more.
const YOUNG: TimeDelta = TimeDelta::weeks(8);

/// What a person must read of it, each a sentence without any address.
pub(super) fn attention(decisions: &[Decision], world: &World<'_>) -> Vec<String> {
    let desk = world.desk;
    let mut sentences = Vec::new();
    for file in &desk.files {
        if let Some(why) = &file.refused {
            sentences.push(format!("decisions/{} was not read: {why}", file.file));
        }
    }
    let refused: Vec<&Line> = desk.lines.iter().filter(|line| line.is_refused()).collect();
    for line in refused.iter().take(NAMED) {
        let sheet = if line.sheet.is_empty() { String::new() } else { format!(", sheet {}", line.sheet) };
        let column = if line.column.is_empty() { String::new() } else { format!(", {}", line.column) };
        sentences.push(format!("decisions/{}{sheet}, row {}{column} was not used: {}.", line.file, line.row, line.why));
    }
    if refused.len() > NAMED {
        sentences
            .push(format!("{} more rows of decisions/ were not used: decisions.csv says which and why.", refused.len() - NAMED));
    }
    let critical = decisions
        .iter()
        .filter(|decision| decision.outcome == Outcome::Excepted && RULES[decision.found.rule].severity == Severity::Critical);
    let critical = critical.count() as u64;
    if critical > 0 {
        sentences.push(format!(
            "{} by an exception or a decision, though mail may go to people who said no.",
            match critical {
                1 => "1 critical discrepancy is left as it is".to_owned(),
                many => format!("{many} critical discrepancies are left as they are"),
            }
        ));
    }
    let is_young = |ruling: &&Ruling| world.as_of - ruling.decided_at <= YOUNG;
    let mut unheard: Vec<&Ruling> = desk.unheard().filter(is_young).collect();
    unheard.sort_by_key(|ruling| (ruling.what, &ruling.key.identity));
    for ruling in unheard.iter().take(NAMED) {
        let who = [1, 5, 7].map(|at| ruling.key.identity[at].as_str()).into_iter().find(|id| !id.is_empty() && !id.contains('@'));
        sentences.push(format!(
            "The decision of {} in the run {} ({}) is about {}, who is in no export any more or cannot be told from others: it counts \
             for nobody now.",
            ruling.by,
            ruling.applied_in,
            ruling.what.word(),
            who.unwrap_or("somebody known by an address alone")
        ));
    }
    if unheard.len() > NAMED {
        sentences.push(format!("{} more decisions count for nobody now.", unheard.len() - NAMED));
    }
    let counts = counts(decisions);
    for (at, exception) in desk.exceptions.iter().enumerate() {
        if let State::Expired(day) = exception.state {
            let (file, _, row) = &exception.place;
            let back = match counts.get(&at).copied().unwrap_or_default() {
                0 => "nothing that it covers is found any more. Remove the line.".to_owned(),
                1 => "1 discrepancy is back. Renew its day, or put it right.".to_owned(),
                found => format!("{found} discrepancies are back. Renew its day, or put them right."),
            };
            sentences.push(format!(
                "The exception in decisions/{file}, row {row} ({}, {}) ended on {day}: {back}",
                exception.rule, exception.owner
            ));
        }
    }
    match desk.lapsed.len() {
        0 => {}
        1 => sentences.push("1 case that a reviewer left as it was has changed since, and counts again.".to_owned()),
        many => sentences.push(format!("{many} cases that reviewers left as they were have changed since, and count again.")),
    }
    sentences
}

fn counts(decisions: &[Decision]) -> HashMap<usize, u64> {
    let mut counts = HashMap::new();
    for exception in decisions.iter().filter_map(|decision| decision.exception) {
        *counts.entry(exception).or_default() += 1;
    }
    counts
}

fn discrepancies(number: u64) -> String {
    if number == 1 { "1 discrepancy".to_owned() } else { format!("{number} discrepancies") }
}

/// Writes `decisions.csv`, where there is anything to tell.
pub(super) fn write(lines: &[Line], path: &Path) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut file = CsvFile::create(path, Reader::People, &COLUMNS)?;
    for line in lines {
        let row = line.row.to_string();
        file.row([
            line.file.as_str(),
            &line.sheet,
            &row,
            &line.column,
            &line.decision,
            &line.name,
            &line.reason,
            &line.who,
            &line.rule,
            &line.run,
            line.result,
            &line.why,
        ])?;
    }
    file.finish()
}
