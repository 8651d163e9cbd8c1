//! What a run means beside earlier ones, for the report and for the ledger.

use std::collections::BTreeMap;

use anyhow::Result;
use foldhash::{HashMap, HashSet};
use polars::prelude::{IntoLazy, col as column, lit};

use crate::classify::{World, member};
use crate::columns::{Outcome, Severity, Standing};
use crate::consent::decided;
use crate::decide::{Change, Decided, file_for};
use crate::hardest::Hardest;
use crate::history::Figures;
use crate::ledger::{Answer, Found, Past, Settled, Sighting, Written};
use crate::loads::Loaded;
use crate::normalise::{CategoryBook, Facts, col};
use crate::report::{History, Report, Target};
use crate::times::Moment;
use crate::workspace::EarlierCorrection;
use crate::write::corrections::effective;

/// The corrections of a run as the ledger keeps them.
pub(super) fn written(decided: &Decided, world: &World<'_>, facts: &Facts<'_>) -> Vec<Written> {
    let now = world.as_of.timestamp_millis();
    let mut books: HashMap<usize, CategoryBook> = HashMap::default();
    let corrections = decided.corrections.iter().map(|((ix, purpose), correction)| {
        let categories = if let Change::Categories { values, .. } = &correction.change {
            let profile = facts.profile(*ix);
            let book = books.entry(facts.system(*ix)).or_insert_with(|| CategoryBook::new(profile, world.config));
            let read = book.read(Some(&values.join(&profile.category_separator)), world.texts);
            Some(world.texts.get(read.on).to_owned())
        } else {
            None
        };
        let passed_on = correction.persons.iter().filter_map(|person| world.consent.wishes.get(person));
        let passed_on = passed_on.fold(Hardest::default(), |all, wish| all.with(wish.passed_on)).seen_by(now);
        let day = Moment::day(effective(*ix, correction, world, facts), facts.zone(*ix));
        Written {
            ix: *ix,
            purpose: *purpose,
            categories,
            contact_id: correction.persons.iter().filter_map(|person| world.name(*person)).min().unwrap_or_default().to_owned(),
            rules: correction.rules.iter().copied().collect::<Vec<_>>().join(" "),
            file: file_for(facts, *ix, *purpose).map(|file| file.file.clone()).unwrap_or_default(),
            held: correction.held.is_some(),
            effective: (day.from, day.until),
            passed_on,
        }
    });
    corrections.collect()
}

/// The records of people who are opted out by decision, but for those of an office.
pub(super) fn opted_out(world: &World<'_>) -> Result<HashSet<u32>> {
    let out = column(decided::OUT).fill_null(lit(false)).and(column(member::OFFICE).not());
    let out = world.members.clone().lazy().filter(out).select([column(col::IX)]).collect()?;
    Ok(out.column(col::IX)?.u32()?.iter().flatten().collect())
}

/// The numbers and lists of the report.
pub(super) fn history(found: &[Found<'_>], past: Vec<Past>, corrections: Vec<Settled>) -> History {
    let mut by_standing = [0; Standing::ALL.len()];
    for case in found.iter().map(|found| &found.case).chain(past.iter().map(|past| &past.case)) {
        by_standing[case.standing as usize] += 1;
    }
    History { by_standing, past, corrections, ..History::default() }
}

/// What systems answered in this run: system, record, correction file, and why it was refused; the worst where a record
/// has several fields.
pub(super) fn answered(loaded: &[Loaded]) -> Vec<([String; 3], Option<String>)> {
    let mut seen: HashSet<[String; 3]> = HashSet::default();
    let each = loaded.iter().map(|loaded| {
        let EarlierCorrection { target, record, file, .. } = &loaded.correction;
        let file = file.rsplit('/').next().unwrap_or_default();
        ([target.clone(), record.clone(), file.to_owned()], loaded.refused.clone())
    });
    // Refusals come first.
    each.filter(|(of, _)| seen.insert(of.clone())).collect()
}

/// The last answer to each of these corrections, of this run or an earlier one.
pub(super) fn answers(
    corrections: &[Settled],
    answered: &[([String; 3], Option<String>)],
    sighting: &Sighting<'_>,
) -> Vec<Option<Answer>> {
    let now: HashMap<&[String; 3], &Option<String>> = answered.iter().map(|(of, refused)| (of, refused)).collect();
    let last = |one: &Settled| {
        let of = [one.system.clone(), one.record.clone(), one.file.clone()];
        let now = now.get(&of).map(|refused| Answer { run: String::new(), refused: (*refused).clone() });
        now.or_else(|| sighting.answer(one).cloned())
    };
    corrections.iter().map(last).collect()
}

/// What the run counted, for all runs to come.
pub(super) fn figures(report: &Report) -> Figures {
    let sum = |of: fn(&Target) -> u64| report.targets.iter().map(of).sum::<u64>();
    let fired = || report.rules.iter().filter(|count| count.total() > 0);
    let severity = |severity: Severity| fired().filter(|count| count.rule.severity == severity).map(|count| count.total()).sum();
    let history = &report.history;
    let mut fates: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for one in &history.corrections {
        *fates.entry(one.system.clone()).or_default().entry(one.fate.word().to_owned()).or_default() += 1;
    }
    Figures {
        rows: report.inputs.iter().filter(|input| input.file.is_used()).map(|input| input.file.rows).sum(),
        discrepancies: fired().map(|count| count.total()).sum(),
        by_severity: Severity::ALL.iter().map(|level| (level.word().to_owned(), severity(*level))).collect(),
        by_rule: fired().map(|count| (count.rule.code.to_owned(), count.total())).collect(),
        by_outcome: Outcome::ALL.iter().map(|outcome| (outcome.word().to_owned(), report.outcome(*outcome))).collect(),
        by_state: Standing::ALL.iter().map(|word| (word.word().to_owned(), history.standing(*word))).collect(),
        overdue: report.overdue() as u64,
        corrected: sum(|target| target.corrected - target.held),
        held: sum(|target| target.held),
        fates,
        refused: sum(|target| target.landed[1]),
    }
}
