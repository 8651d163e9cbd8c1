//! What was found and decided, in the words and the order of the outputs.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::Days;
use foldhash::{HashMap, HashSet};
use polars::prelude::{Column, DataFrame, IntoColumn, NewChunkedArray, StringChunked, UInt32Chunked};

use crate::classify::World;
use crate::columns::{Opt, Outcome, Purpose};
use crate::decide::{Decided, Decision};
use crate::decisions::{Line, frame};
use crate::history::{Figures, Week};
use crate::ingest::{FileReport, PaperFile, Reject, Verdict};
use crate::ledger::{Fates, Findings, Pages, Sighting, Written};
use crate::loads::{Loaded, Loads};
use crate::matching::cols;
use crate::normalise::{Facts, Folded, codes_without_meaning, col, dates_of_two_readings};
use crate::report::{History, Input, Report, RuleCount, Target};
use crate::rules::RULES;
use crate::texts::Text;
use crate::write::corrections::{FieldChange, ImportFile, files};
use crate::write::listed::Listed;
use crate::write::{decisions, history};

/// All that a run writes.
pub struct Outputs<'a> {
    /// What people read.
    pub report: Report,
    /// What systems load.
    pub files: Vec<ImportFile>,
    /// What the ledger remembers of it.
    pub pages: Pages<'a>,
    /// The reviewers' decisions that stand, one row a decision.
    pub rulings: DataFrame,
    /// The files of `decisions/`.
    pub papers: Vec<PaperFile>,
}

/// What other weeks and other systems say of a run.
pub struct Weeks<'a> {
    /// What the ledger makes of it.
    pub sighting: Sighting<'a>,
    /// What systems answered to earlier corrections.
    pub loads: Loads,
    /// What earlier runs counted.
    pub past: Vec<Week>,
    /// What else a person must read, a sentence each.
    pub notes: Vec<String>,
}

/// Puts the outputs of a run together. What does not rest on one another is worked out side by side.
///
/// # Errors
/// Only what Polars cannot do, which is a defect.
pub fn report<'a>(
    decided: &Decided,
    world: &World<'_>,
    facts: &Facts<'_>,
    mut rejected: Vec<Reject>,
    folded: &[Folded],
    weeks: Weeks<'a>,
) -> Result<Outputs<'a>> {
    let Weeks { sighting, loads, past: past_weeks, notes } = weeks;
    let timezone = world.config.timezone()?;
    let today = world.as_of.with_timezone(&timezone).date_naive();
    let next_run = today + Days::new(u64::from(world.config.deadline.run_every_days));
    let ((found, corrected), (inputs, asked)) = rayon::join(
        || rayon::join(|| Listed::new(decided, world, facts, &sighting, next_run), || corrected(decided, world, facts)),
        || rayon::join(|| inputs(world, facts, folded, &loads), || asked(decided, world, facts, &sighting)),
    );
    let (Listed { discrepancies, found, past, review_keys, due, undated }, (files, corrections)) = (found?, corrected?);
    let Asked { written, out, fates: Fates { keys, settled } } = asked?;
    let answered = history::answered(&loads.loaded);
    let answers = history::answers(&settled, &answered, &sighting);
    let mut history = History {
        last_run: sighting.last_run(),
        answers,
        damaged: !sighting.troubles().is_empty(),
        shrunken: !world.consent.recalled.shrunken.is_empty(),
        ..history::history(&found, past, settled)
    };
    let rules = counts(&decided.decisions);
    let targets = targets(decided, &files, &loads.loaded, world, facts)?;
    let mut attention = attention(notes, decided, world, &targets);
    attention.extend(sighting.troubles());
    attention.extend(loads.troubles);
    history.pruned = sighting.prunes();
    rejected.sort();
    let mut report = Report {
        organisation: world.config.run.organisation.clone(),
        timezone,
        as_of: world.as_of,
        titles: world.systems.profiles().iter().map(|profile| (profile.name.clone(), profile.title.clone())).collect(),
        inputs: inputs?,
        rules,
        targets,
        review_keys,
        discrepancies,
        corrections,
        loaded: loads.loaded,
        past: past_weeks,
        figures: Figures::default(),
        due,
        undated,
        today,
        next_run,
        attention,
        history,
        exceptions: decisions::exceptions(&decided.decisions, world),
        decisions: world.desk.lines.clone(),
        decisions_standing: world.desk.rulings.len() as u64,
        papers_refused: world.desk.files.iter().filter(|file| file.refused.is_some()).count() as u64,
        rejected,
    };
    report.figures = history::figures(&report);
    let rulings = frame(&world.desk.rulings)?;
    let figures = report.figures.clone();
    let findings = Findings {
        found,
        past: &report.history.past,
        written,
        keys,
        settled: &report.history.corrections,
        out,
        decisions: rulings.clone(),
        answers: answered,
        figures,
    };
    let pages = sighting.pages(findings)?;
    Ok(Outputs { report, files, pages, rulings, papers: world.desk.files.clone() })
}

/// The correction files, and the rows of `corrections.csv`.
fn corrected(decided: &Decided, world: &World<'_>, facts: &Facts<'_>) -> Result<(Vec<ImportFile>, DataFrame)> {
    let (files, changes) = files(decided, world, facts)?;
    Ok((files, corrections(&changes)?))
}

/// The corrections of this run and those of earlier ones.
struct Asked {
    written: Vec<Written>,
    /// The records of people who are opted out by decision.
    out: HashSet<u32>,
    fates: Fates,
}

fn asked(decided: &Decided, world: &World<'_>, facts: &Facts<'_>, sighting: &Sighting<'_>) -> Result<Asked> {
    let (written, out) = rayon::join(|| history::written(decided, world, facts), || history::opted_out(world));
    let out = out?;
    Ok(Asked { fates: sighting.fates(&written, &out), written, out })
}

fn counts(decisions: &[Decision]) -> Vec<RuleCount> {
    let mut counts: Vec<RuleCount> = RULES.iter().map(|rule| RuleCount { rule, by_outcome: Default::default() }).collect();
    for decision in decisions {
        counts[decision.found.rule].by_outcome[decision.outcome as usize] += 1;
    }
    counts
}

/// Where the rows of each file went.
fn inputs(world: &World<'_>, facts: &Facts<'_>, folded: &[Folded], loads: &Loads) -> Result<Vec<Input>> {
    let mut matched = vec![false; world.records.height()];
    let links = &world.matched.links;
    for (ix, in_hub) in links.column(col::IX)?.u32()?.iter().zip(links.column(cols::IN_HUB)?.bool()?.iter()) {
        if let (Some(ix), Some(true)) = (ix, in_hub) {
            matched[ix as usize] = true;
        }
    }
    let mut rows: Vec<[u64; 2]> = (0..world.files.len()).map(|input| [world.quiet.rows_of(input), 0]).collect();
    // Several memberships of one row are one row; they stand side by side.
    let place = |ix: u32| (facts.input(ix), facts.row(ix));
    let is_further = |ix: u32| ix > 0 && facts.profile(ix).keeps_memberships() && place(ix - 1) == place(ix);
    for (ix, is_matched) in (0..).zip(&matched) {
        if facts.opt(ix) != Opt::Unreadable && !is_further(ix) {
            rows[facts.input(ix)][usize::from(!is_matched)] += 1;
        }
    }
    let by_key = matched_by_key(folded, &matched, world)?;
    for folded in folded {
        let is_matched = by_key.get(&(folded.system, folded.record)).copied().unwrap_or_default();
        rows[folded.input as usize][usize::from(!is_matched)] += 1;
    }
    for (input, [answers, others]) in &loads.rows {
        rows[*input as usize] = [*answers, *others];
    }
    let profile = |name: &Option<String>| name.as_deref().and_then(|name| world.systems.get(name));
    Ok(world
        .files
        .iter()
        .zip(rows)
        .map(|(file, [matched, unmatched])| Input {
            title: profile(&file.system).map(|profile| profile.title.clone()).unwrap_or_default(),
            role: profile(&file.system).map(|profile| profile.role),
            file: file.clone(),
            matched,
            unmatched,
        })
        .collect())
}

/// Whether any record of these keys is matched, for the keys of folded rows.
fn matched_by_key(folded: &[Folded], matched: &[bool], world: &World<'_>) -> Result<HashMap<(u32, Text), bool>> {
    let mut by_key: HashMap<(u32, Text), bool> = folded.iter().map(|folded| ((folded.system, folded.record), false)).collect();
    if by_key.is_empty() {
        return Ok(by_key);
    }
    let (systems, keys) = (world.records.column(col::SYSTEM)?.u32()?, world.records.column(col::RECORD)?.to_physical_repr());
    for ((system, key), is_matched) in systems.iter().zip(keys.u32()?.iter()).zip(matched) {
        let key = system.zip(key.map(Text::from_number));
        if let Some(known) = key.and_then(|key| by_key.get_mut(&key)) {
            *known |= is_matched;
        }
    }
    Ok(by_key)
}

fn targets(
    decided: &Decided,
    files: &[ImportFile],
    loaded: &[Loaded],
    world: &World<'_>,
    facts: &Facts<'_>,
) -> Result<Vec<Target>> {
    let mut main_records = vec![0_u64; world.systems.profiles().len()];
    let main = world.records.column(col::MAIN)?.bool()?;
    for (system, main) in world.records.column(col::SYSTEM)?.u32()?.iter().zip(main.iter()) {
        if let Some(system) = system.filter(|_| main == Some(true)) {
            main_records[system as usize] += 1;
        }
    }
    let mut targets = Vec::new();
    for (system, profile) in world.systems.profiles().iter().enumerate() {
        let records = main_records[system] + world.quiet.records_of(system);
        if records == 0 {
            continue;
        }
        let of_system = || decided.corrections.iter().filter(|((record, _), _)| facts.system(*record) == system);
        let distinct = |held: bool| {
            let records = of_system().filter(|(_, correction)| !held || correction.held.is_some()).map(|((record, _), _)| record);
            records.collect::<HashSet<_>>().len() as u64
        };
        let mut why_held: BTreeMap<&str, u64> = BTreeMap::new();
        for reason in of_system().filter_map(|(_, correction)| correction.held.as_deref()) {
            *why_held.entry(reason).or_default() += 1;
        }
        targets.push(Target {
            system: profile.name.clone(),
            title: profile.title.clone(),
            records,
            corrected: distinct(false),
            opt_ins: of_system().filter(|((_, purpose), _)| *purpose == Purpose::OptIn).count() as u64,
            held: distinct(true),
            landed: [true, false].map(|landed| {
                let of_system = loaded.iter().filter(|loaded| loaded.system == system);
                of_system.filter(|loaded| loaded.refused.is_none() == landed).count() as u64
            }),
            why_held: why_held.into_keys().map(str::to_owned).collect(),
            files: files
                .iter()
                .filter(|file| file.system == system && !file.is_undo())
                .map(|file| (file.path.clone(), file.rows.len() as u64))
                .collect(),
        });
    }
    Ok(targets)
}

fn corrections<'a>(changes: &[FieldChange<'a>]) -> Result<DataFrame> {
    let text = |name: &str, of: for<'c> fn(&'c FieldChange<'a>) -> &'c str| -> Column {
        StringChunked::from_iter_values(name.into(), changes.iter().map(of)).into_column()
    };
    let rows = UInt32Chunked::from_iter_values("row".into(), changes.iter().map(|change| change.row)).into_column();
    let columns = vec![
        text("target", |change| change.target),
        text("file", |change| &change.file),
        rows,
        text("record", |change| change.record),
        text("field", |change| change.field),
        text("before", |change| &change.before),
        text("after", |change| &change.after),
        text("rules", |change| &change.rules),
        text("why", |change| change.why),
    ];
    Ok(DataFrame::new(changes.len(), columns)?)
}

/// What a person must read, each a sentence, behind what is known already: what holds most comes first.
fn attention(notes: Vec<String>, decided: &Decided, world: &World<'_>, targets: &[Target]) -> Vec<String> {
    let mut sentences = notes;
    for shrunken in &world.consent.recalled.shrunken {
        let profile = &world.systems.profiles()[shrunken.at.0];
        sentences.push(format!(
            "The {} of {} have shrunk from {} rows to {}, by more than [brake] max_shrink = {} allows: what rests on them is held. \
             Export them again; if it is right, raise max_shrink for one run.",
            profile.kinds[shrunken.at.1].name.replace('_', " "),
            profile.title,
            shrunken.before,
            shrunken.rows,
            world.config.brake.max_shrink
        ));
    }
    for (system, reason) in &decided.braked {
        sentences.push(format!(
            "The safety brake holds every correction of {}: {reason} Look at held/; where it is right, `prefrecon approve latest {}` \
             in the workspace releases it.",
            world.systems.profiles()[*system].title,
            world.systems.profiles()[*system].name
        ));
    }
    for file in world.files {
        match &file.verdict {
            Verdict::Refused(why) => sentences.push(format!("{} was refused: {why}", file.file)),
            Verdict::Superseded(by) => {
                sentences.push(format!("{} was not used: {}.", file.file, file.superseded(by, world.files)))
            }
            Verdict::Used | Verdict::Skipped(_) => {}
        }
    }
    sentences.extend(world.files.iter().flat_map(FileReport::warnings));
    for file in world.files.iter().filter(|file| file.is_used() && file.stale) {
        sentences.push(format!("{} is stale: corrections that rest on it alone are held. Export it again.", file.file));
    }
    let mut seen: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in world.files.iter().filter(|file| file.is_used()) {
        seen.entry(file.seen_in.as_deref().unwrap_or_default()).or_default().push(&file.file);
    }
    for (run, files) in seen.iter().filter(|(run, _)| !run.is_empty()) {
        sentences.push(match files.as_slice() {
            [file] => format!("{file} is the same as in the run {run}: export it again if it should be newer."),
            files => format!("{} are the same as in the run {run}: export them again if they should be newer.", files.join(", ")),
        });
    }
    sentences.extend(decisions::attention(&decided.decisions, world));
    for target in targets.iter().filter(|target| target.landed[1] > 0) {
        let [landed, refused] = target.landed;
        let title = &target.title;
        sentences.push(format!(
            "{title} refused {refused} of {} corrections that were loaded: load_results.csv says which and why.",
            landed + refused
        ));
    }
    sentences.extend(codes_without_meaning(world.findings, world.systems, world.texts));
    sentences.extend(dates_of_two_readings(world.findings, world.files, world.texts));
    sentences
}

impl Report {
    /// How many of [`Report::due`] are overdue; they come first.
    pub fn overdue(&self) -> usize {
        self.due.partition_point(|due| due.clock.due < self.today)
    }

    /// Discrepancies that ended so.
    pub fn outcome(&self, outcome: Outcome) -> u64 {
        self.rules.iter().map(|count| count.of(outcome)).sum()
    }

    /// Whether a person must look: something was held or refused.
    pub fn needs_a_person(&self) -> bool {
        let unused = self.papers_refused > 0 || self.decisions.iter().any(Line::is_refused);
        unused
            || self.history.damaged
            || self.history.shrunken
            || self.outcome(Outcome::Held) > 0
            || self.targets.iter().any(|target| target.held > 0)
            || self.inputs.iter().any(|input| input.file.needs_a_look())
    }
}
