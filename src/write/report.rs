//! What was found and decided, in the words and the order of the outputs.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::{DateTime, Days, NaiveDate};
use foldhash::{HashMap, HashSet};
use polars::prelude::{Column, DataFrame, IntoColumn, NewChunkedArray, StringChunked, StringChunkedBuilder, UInt32Chunked};

use crate::classify::{Detail, World};
use crate::columns::{Method, Opt, Outcome, Purpose, Role, Severity};
use crate::decide::{Decided, Decision, a_system, email};
use crate::decisions::{Line, frame};
use crate::history::{Figures, Week};
use crate::ingest::{PaperFile, Reject, Verdict};
use crate::ledger::{Findings, Pages, Past, Sighting};
use crate::loads::{Loaded, Loads};
use crate::matching::cols;
use crate::normalise::{Facts, Folded, codes_without_meaning, col};
use crate::report::{DISCREPANCY_COLUMNS, Due, History, Input, Report, RuleCount, Target};
use crate::rules::RULES;
use crate::systems::Grain;
use crate::texts::Text;
use crate::write::corrections::{FieldChange, ImportFile, files};
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
}

/// Puts the outputs of a run together.
///
/// # Errors
/// Only what Polars cannot do, which is a defect.
pub fn report<'a>(
    decided: &Decided,
    world: &World<'_>,
    facts: &Facts<'_>,
    rejected: Vec<Reject>,
    folded: &[Folded],
    weeks: Weeks<'a>,
) -> Result<Outputs<'a>> {
    let (files, changes) = files(decided, world, facts)?;
    let ordered = ordered(&decided.decisions, world, facts);
    let timezone = world.config.timezone()?;
    let today = world.as_of.with_timezone(&timezone).date_naive();
    let next_run = today + Days::new(u64::from(world.config.deadline.run_every_days));
    let Weeks { sighting, loads, past: past_weeks } = weeks;
    let (discrepancies, found) = discrepancies(&ordered, world, facts, &sighting)?;
    let past = sighting.past(&found);
    let written = history::written(decided, world, facts);
    let out = history::opted_out(world)?;
    let settled = sighting.fates(&written, &out);
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
    let mut attention = attention(decided, world, &targets);
    attention.extend(sighting.troubles());
    history.pruned = sighting.prunes();
    let mut report = Report {
        organisation: world.config.run.organisation.clone(),
        timezone,
        as_of: world.as_of,
        inputs: inputs(world, facts, folded, &loads)?,
        rules,
        targets,
        review_keys: decisions::review_keys(&discrepancies, world)?,
        discrepancies,
        corrections: corrections(changes)?,
        loaded: loads.loaded,
        past: past_weeks,
        figures: Figures::default(),
        due: due(&ordered, next_run),
        today,
        next_run,
        attention,
        history,
        exceptions: decisions::exceptions(&decided.decisions, world),
        decisions: world.desk.lines.clone(),
        decisions_standing: world.desk.rulings.len() as u64,
        papers_refused: world.desk.files.iter().filter(|file| file.refused.is_some()).count() as u64,
        rejected: {
            let mut rejected = rejected;
            rejected.sort();
            rejected
        },
    };
    report.figures = history::figures(&report);
    let rulings = frame(&world.desk.rulings)?;
    let (past, figures) = (report.history.past.clone(), report.figures.clone());
    let pages = sighting.pages(Findings { found, past, written, out, decisions: rulings.clone(), answers: answered, figures })?;
    Ok(Outputs { report, files, pages, rulings, papers: world.desk.files.clone() })
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
    let wanted: HashSet<(u32, Text)> = folded.iter().map(|folded| (folded.system, folded.record)).collect();
    let mut by_key: HashMap<(u32, Text), bool> = HashMap::default();
    let (systems, keys) = (world.records.column(col::SYSTEM)?.u32()?, world.records.column(col::RECORD)?.to_physical_repr());
    let keys = keys.u32()?;
    for ix in 0..world.records.height() {
        // Several memberships of one row are one row; they stand side by side.
        let place = |ix: usize| (facts.input(ix as u32), facts.row(ix as u32));
        let is_further = ix > 0 && place(ix - 1) == place(ix) && facts.profile(ix as u32).keeps_memberships();
        if facts.opt(ix as u32) != Opt::Unreadable && !is_further {
            rows[facts.input(ix as u32)][usize::from(!matched[ix])] += 1;
        }
        if let Some(key) = systems.get(ix).zip(keys.get(ix).map(Text::from_number)).filter(|key| wanted.contains(key)) {
            *by_key.entry(key).or_default() |= matched[ix];
        }
    }
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

fn targets(
    decided: &Decided,
    files: &[ImportFile],
    loaded: &[Loaded],
    world: &World<'_>,
    facts: &Facts<'_>,
) -> Result<Vec<Target>> {
    let main = world.records.column(col::MAIN)?.bool()?;
    let mut targets = Vec::new();
    for (system, profile) in world.systems.profiles().iter().enumerate() {
        let records = world.records.column(col::SYSTEM)?.u32()?.iter().zip(main.iter());
        let records = records.filter(|(of, main)| *of == Some(system as u32) && *main == Some(true)).count() as u64;
        let records = records + world.quiet.records_of(system);
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

fn corrections(changes: Vec<FieldChange>) -> Result<DataFrame> {
    let text = |name: &str, of: fn(&FieldChange) -> &str| -> Column {
        StringChunked::from_iter_values(name.into(), changes.iter().map(of)).into_column()
    };
    let rows = UInt32Chunked::from_iter_values("row".into(), changes.iter().map(|change| change.row)).into_column();
    let columns = vec![
        text("target", |change| &change.target),
        text("file", |change| &change.file),
        rows,
        text("record", |change| &change.record),
        text("field", |change| &change.field),
        text("before", |change| &change.before),
        text("after", |change| &change.after),
        text("rules", |change| &change.rules),
        text("why", |change| &change.why),
    ];
    Ok(DataFrame::new(changes.len(), columns)?)
}

/// What a person must read, each a sentence.
fn attention(decided: &Decided, world: &World<'_>, targets: &[Target]) -> Vec<String> {
    let mut sentences = Vec::new();
    for file in world.files {
        match &file.verdict {
            Verdict::Refused(why) => sentences.push(format!("{} was refused: {why}", file.file)),
            Verdict::Superseded(by) => {
                sentences.push(format!("{} was not used: {}.", file.file, file.superseded(by, world.files)))
            }
            Verdict::Used | Verdict::Skipped(_) => {}
        }
    }
    for file in world.files.iter().filter(|file| file.is_used() && file.stale) {
        sentences.push(format!("{} is stale: corrections that rest on it alone are held. Export it again.", file.file));
    }
    for file in world.files.iter().filter(|file| file.is_used()) {
        if let Some(run) = &file.seen_in {
            sentences.push(format!("{} is the same as in the run {run}: export it again if it should be newer.", file.file));
        }
    }
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
            "The safety brake holds every correction of {}: {reason} Look at held/ before loading anything.",
            world.systems.profiles()[*system].title
        ));
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
    sentences
}

/// The decisions in the order in which everything that people read lists them.
fn ordered<'d>(decisions: &'d [Decision], world: &World<'_>, facts: &Facts<'_>) -> Vec<&'d Decision> {
    let record = |ix: Option<u32>| ix.map(|ix| facts.name(ix)).unwrap_or_default();
    let (contact, subject) = (|decision: &Decision| contact(decision, world), |decision: &Decision| subject(decision, world));
    let email = |decision: &Decision| email(&decision.found, world, facts);
    let mut order: Vec<&Decision> = decisions.iter().collect();
    order.sort_by_cached_key(|decision| {
        let found = &decision.found;
        let rest =
            (decision.found.a.map(|ix| facts.system(ix)), decision.found.b.map(|ix| facts.system(ix)), decision.why.as_str());
        (RULES[found.rule].code, contact(decision), email(decision), record(found.a), record(found.b), subject(decision), rest)
    });
    order
}

fn contact<'a>(decision: &Decision, world: &'a World<'_>) -> &'a str {
    decision.found.person.and_then(|person| world.name(person)).unwrap_or_default()
}

fn subject<'a>(decision: &Decision, world: &World<'a>) -> &'a str {
    decision.found.subject.map(|subject| world.texts.get(subject)).unwrap_or_default()
}

/// What is open and overdue or due by the day of the next run, by day, severity and place.
fn due(ordered: &[&Decision], next_run: NaiveDate) -> Vec<Due> {
    let open = |decision: &Decision| !matches!(decision.outcome, Outcome::Note | Outcome::Excepted);
    let rows = ordered.iter().enumerate().filter(|(_, decision)| open(decision));
    let rows =
        rows.filter_map(|(row, decision)| Some((RULES[decision.found.rule].severity, Due { row, clock: decision.clock? })));
    let mut due: Vec<(Severity, Due)> = rows.filter(|(_, due)| due.clock.due <= next_run).collect();
    due.sort_by_key(|(severity, due)| (due.clock.due, *severity, due.row));
    due.into_iter().map(|(_, due)| due).collect()
}

/// The rows of `discrepancies.csv`, and each as the ledger knows it.
fn discrepancies(
    ordered: &[&Decision],
    world: &World<'_>,
    facts: &Facts<'_>,
    sighting: &Sighting<'_>,
) -> Result<(DataFrame, Vec<Past>)> {
    let methods = Methods::of(ordered, world)?;
    let record = |ix: Option<u32>| ix.map(|ix| facts.name(ix)).unwrap_or_default();
    let mut builders: Vec<StringChunkedBuilder> =
        DISCREPANCY_COLUMNS.iter().map(|name| StringChunkedBuilder::new((*name).into(), ordered.len())).collect();
    let mut all = Vec::with_capacity(ordered.len());
    let timezone = world.config.timezone()?;
    let day = |millis: i64| DateTime::from_timestamp_millis(millis).unwrap_or_default().with_timezone(&timezone).date_naive();
    for decision in ordered {
        let found = &decision.found;
        let rule = RULES[found.rule];
        let system = |ix: Option<u32>| ix.map(|ix| facts.profile(ix).name.as_str()).unwrap_or_default();
        let due = decision.clock.map(|clock| clock.due.to_string()).unwrap_or_default();
        let [a_value, b_value] = [found.a, found.b].map(|ix| value(decision, ix, world, facts));
        let changed = |ix: Option<u32>| ix.map(|ix| changed(rule.group(), ix, facts)).unwrap_or_default();
        let kinds = [found.a, found.b].into_iter().flatten();
        let kinds: Vec<String> = kinds.map(|ix| format!("{}/{}", facts.profile(ix).name, facts.kind(ix).name)).collect();
        let a_system = a_system(&decision.found, world).unwrap_or_else(|| system(found.a));
        let (a_record, b_system, b_record) = (record(found.a), system(found.b), record(found.b));
        let (contact, email, subject) = (contact(decision, world), email(found, world, facts), subject(decision, world));
        let identity = [rule.code, contact, email, subject, a_system, a_record, b_system, b_record];
        let case = sighting.standing(identity);
        let (first_seen, runs) = (day(case.first_seen), sighting.runs_since(case.since));
        let days = (day(world.as_of.timestamp_millis()) - day(case.since)).num_days();
        let (first_seen, runs, days) = (first_seen.to_string(), runs.to_string(), days.to_string());
        all.push(Past { identity: history::identity(identity, kinds.join(" ")), case });
        let cells: [&str; 21] = [
            rule.code,
            rule.severity.word(),
            decision.outcome.word(),
            contact,
            email,
            subject,
            a_system,
            a_record,
            &a_value,
            &changed(found.a),
            b_system,
            b_record,
            &b_value,
            &changed(found.b),
            &methods.written(decision),
            &decision.why,
            case.standing.word(),
            &first_seen,
            &due,
            &runs,
            &days,
        ];
        for (builder, cell) in builders.iter_mut().zip(cells) {
            builder.append_option((!cell.is_empty()).then_some(cell));
        }
    }
    let columns = builders.into_iter().map(|builder| builder.finish().into_column()).collect();
    Ok((DataFrame::new(ordered.len(), columns)?, all))
}

/// What a record says about the matter, in its system's own words.
fn value(decision: &Decision, ix: Option<u32>, world: &World<'_>, facts: &Facts<'_>) -> String {
    let rule = RULES[decision.found.rule];
    if let Detail::Finding(at) = decision.found.detail {
        return world.findings[at]
            .value
            .filter(|_| ix == decision.found.a)
            .map(|value| world.texts.get(value).to_owned())
            .unwrap_or_default();
    }
    let Some(ix) = ix else { return String::new() };
    let text = |name: &str| facts.text(name, ix).to_owned();
    let is_marketing = facts.profile(ix).role == Role::Marketing;
    match rule.group() {
        "BNC" if !is_marketing => text(col::DELIVERY_WORD),
        "CAT" => text(col::CATEGORIES_CELL),
        "IDN" if rule.code != "IDN502" => text(col::EMAILS[0]),
        _ if facts.kind(ix).grain == Grain::Unsubscribe => {
            let list = facts.text(col::LIST, ix);
            let record = if list.is_empty() { facts.kind(ix).noun.clone() } else { format!("{}: {list}", facts.kind(ix).noun) };
            if facts.has(col::WORD, ix) { format!("{record} ({})", facts.text(col::WORD, ix)) } else { record }
        }
        _ if facts.has(col::NO_EMAIL, ix) => {
            format!("{}; all e-mail: {}", facts.text(col::WORD, ix), facts.text(col::NO_EMAIL, ix))
                .trim_start_matches("; ")
                .to_owned()
        }
        _ if facts.has(col::CODE, ix) => text(col::CODE),
        _ if !facts.has(col::WORD, ix) && !facts.text(col::UNIT, ix).is_empty() && !facts.profile(ix).keeps_memberships() => {
            format!("unit {}", facts.text(col::UNIT, ix))
        }
        _ => text(col::WORD),
    }
}

/// When the record changed in that matter, where the export tells.
fn changed(group: &str, ix: u32, facts: &Facts<'_>) -> String {
    let moment = match (group, facts.opt(ix)) {
        ("BNC", _) => facts.failed_at(ix),
        ("OPT" | "IDN" | "LST", Opt::Out) => facts.out_at(ix),
        // Only what is not mailed for its delivery is compared by it.
        ("OPT" | "IDN" | "LST", _) => {
            facts.in_at(ix).or_else(|| facts.failed_at(ix).filter(|_| facts.profile(ix).role == Role::Marketing))
        }
        _ => None,
    };
    facts.written(moment, ix)
}

/// How the records of discrepancies were tied to their persons.
struct Methods(HashMap<(u32, u32), Method>);

impl Methods {
    fn of(decisions: &[&Decision], world: &World<'_>) -> Result<Methods> {
        let pairs = |decision: &Decision| [decision.found.a, decision.found.b].map(|ix| ix.zip(decision.found.person));
        let wanted: HashSet<(u32, u32)> = decisions.iter().copied().flat_map(pairs).flatten().collect();
        let links = &world.matched.links;
        let methods = links.column(cols::METHOD)?.to_physical_repr();
        let rows = links.column(col::IX)?.u32()?.iter().zip(links.column(cols::PERSON)?.u32()?.iter()).zip(methods.u8()?.iter());
        let known = rows.filter_map(|((ix, person), method)| Some(((ix?, person?), Method::ALL[usize::from(method?)])));
        Ok(Methods(known.filter(|(key, _)| wanted.contains(key)).collect()))
    }

    fn written(&self, decision: &Decision) -> String {
        let Some(person) = decision.found.person else { return String::new() };
        let methods = [decision.found.a, decision.found.b].into_iter().flatten().filter_map(|ix| self.0.get(&(ix, person)));
        let mut words: Vec<&str> = methods.filter(|method| **method != Method::Hub).map(|method| method.word()).collect();
        words.dedup();
        words.join(" ")
    }
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
        let refused = |input: &Input| matches!(input.file.verdict, Verdict::Refused(_));
        let unused = self.papers_refused > 0 || self.decisions.iter().any(Line::is_refused);
        unused
            || self.history.damaged
            || self.history.shrunken
            || self.outcome(Outcome::Held) > 0
            || self.targets.iter().any(|target| target.held > 0)
            || self.inputs.iter().any(refused)
    }
}
