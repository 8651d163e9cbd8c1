//! The discrepancies as they are listed: the rows of `discrepancies.csv`, in its order, and what is told of them elsewhere.

use anyhow::Result;
use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use foldhash::{HashMap, HashSet};
use polars::prelude::{DataFrame, IntoColumn, StringChunkedBuilder};
use rayon::prelude::*;

use crate::classify::{Detail, World};
use crate::columns::{Method, Opt, Outcome, Role, Severity};
use crate::decide::{Dated, Decided, Decision, a_system, email};
use crate::ledger::{Found, Past, Sighting};
use crate::matching::cols;
use crate::normalise::{Facts, col};
use crate::report::{DISCREPANCY_COLUMNS, Due};
use crate::rules::RULES;
use crate::systems::Grain;
use crate::write::decisions;

/// The discrepancies, in the order of `discrepancies.csv`.
pub(super) struct Listed<'a> {
    pub discrepancies: DataFrame,
    /// Each as the ledger knows it.
    pub found: Vec<Found<'a>>,
    /// Those of earlier runs that this run did not find.
    pub past: Vec<Past>,
    pub review_keys: std::collections::HashMap<usize, String>,
    pub due: Vec<Due>,
    /// See [`Report::undated`](crate::report::Report::undated).
    pub undated: u64,
}

impl<'a> Listed<'a> {
    pub fn new(
        decided: &Decided,
        world: &'a World<'a>,
        facts: &'a Facts<'a>,
        sighting: &Sighting<'_>,
        next_run: NaiveDate,
    ) -> Result<Listed<'a>> {
        let ordered = ordered(&decided.decisions, world, facts);
        let (discrepancies, found) = discrepancies(&ordered, world, facts, sighting)?;
        let (past, review_keys) = rayon::join(|| sighting.past(&found), || decisions::review_keys(&discrepancies, world));
        Ok(Listed {
            past,
            review_keys: review_keys?,
            due: due(&ordered, next_run),
            undated: undated(&ordered),
            discrepancies,
            found,
        })
    }
}

/// The decisions in the order in which everything that people read lists them.
fn ordered<'d>(decisions: &'d [Decision], world: &World<'_>, facts: &Facts<'_>) -> Vec<&'d Decision> {
    let record = |ix: Option<u32>| ix.map(|ix| facts.name(ix)).unwrap_or_default();
    let (contact, subject) = (|decision: &Decision| contact(decision, world), |decision: &Decision| subject(decision, world));
    let email = |decision: &Decision| email(&decision.found, world, facts);
    let mut order: Vec<&Decision> = decisions.iter().collect();
    order.par_sort_by_cached_key(|decision| {
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

fn is_open(decision: &Decision) -> bool {
    !matches!(decision.outcome, Outcome::Note | Outcome::Excepted)
}

fn undated(ordered: &[&Decision]) -> u64 {
    let is_undated = |decision: &&&Decision| decision.clock.is_some_and(|clock| clock.dated == Dated::ThenOrBefore);
    ordered.iter().filter(|decision| is_open(decision)).filter(is_undated).count() as u64
}

/// What is open and overdue or due by the day of the next run, by day, severity and place.
fn due(ordered: &[&Decision], next_run: NaiveDate) -> Vec<Due> {
    let rows = ordered.iter().enumerate().filter(|(_, decision)| is_open(decision));
    let rows =
        rows.filter_map(|(row, decision)| Some((RULES[decision.found.rule].severity, Due { row, clock: decision.clock? })));
    let mut due: Vec<(Severity, Due)> = rows.filter(|(_, due)| due.clock.due <= next_run).collect();
    due.sort_by_key(|(severity, due)| (due.clock.due, *severity, due.row));
    due.into_iter().map(|(_, due)| due).collect()
}

/// Discrepancies that are listed one after another.
const BATCH: usize = 1 << 12;

/// The rows of `discrepancies.csv`, and each as the ledger knows it.
fn discrepancies<'a>(
    ordered: &[&Decision],
    world: &'a World<'a>,
    facts: &'a Facts<'a>,
    sighting: &Sighting<'_>,
) -> Result<(DataFrame, Vec<Found<'a>>)> {
    let methods = Methods::of(ordered, world)?;
    let listing = Listing { world, facts, sighting, methods: &methods, timezone: world.config.timezone()? };
    let mut rows = listing.rows(&[])?.0;
    let mut all = Vec::with_capacity(ordered.len());
    let batches: Vec<(DataFrame, Vec<Found<'a>>)> =
        ordered.par_chunks(BATCH).map(|batch| listing.rows(batch)).collect::<Result<_>>()?;
    for (batch, found) in batches {
        rows.vstack_mut(&batch)?;
        all.extend(found);
    }
    rows.rechunk_mut();
    Ok((rows, all))
}

/// What the rows of `discrepancies.csv` are made from.
struct Listing<'a, 's> {
    world: &'a World<'a>,
    facts: &'a Facts<'a>,
    sighting: &'s Sighting<'s>,
    methods: &'s Methods,
    timezone: Tz,
}

impl<'a> Listing<'a, '_> {
    fn day(&self, millis: i64) -> NaiveDate {
        DateTime::from_timestamp_millis(millis).unwrap_or_default().with_timezone(&self.timezone).date_naive()
    }

    /// Some rows, and each as the ledger knows it.
    fn rows(&self, decisions: &[&Decision]) -> Result<(DataFrame, Vec<Found<'a>>)> {
        let Listing { world, facts, sighting, methods, .. } = *self;
        let today = self.day(world.as_of.timestamp_millis());
        let record = |ix: Option<u32>| ix.map(|ix| facts.name(ix)).unwrap_or_default();
        let mut builders = DISCREPANCY_COLUMNS.map(|name| StringChunkedBuilder::new(name.into(), decisions.len()));
        let mut all = Vec::with_capacity(decisions.len());
        for decision in decisions {
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
            let known = sighting.found(identity, kinds.join(" "));
            let case = known.case;
            let (first_seen, runs) = (self.day(case.first_seen), sighting.runs_since(case.since));
            let days = (today - self.day(case.since)).num_days();
            let (first_seen, runs, days) = (first_seen.to_string(), runs.to_string(), days.to_string());
            all.push(known);
            let cells: [&str; DISCREPANCY_COLUMNS.len()] = [
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
        Ok((DataFrame::new(decisions.len(), columns)?, all))
    }
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
