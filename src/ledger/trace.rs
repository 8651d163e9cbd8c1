//! What the sets tell of some records, run by run: one [`Step`] is one run in which something about them changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use chrono::{DateTime, Utc};
use foldhash::HashSet;
use polars::prelude::{DataFrame, DataType, IdxCa};

use crate::columns::Standing;
use crate::ledger::sets::{Set, Sets};
use crate::ledger::{answers, cases, open, snapshot};

/// By what a person is known in the ledger.
#[derive(Clone, Debug, Default)]
pub struct Who {
    /// The CRM id.
    pub contact_id: Option<String>,
    /// System and name of each record.
    pub records: BTreeSet<(String, String)>,
}

/// What one run saw, found and wrote that no earlier one had.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// The run.
    pub run: String,
    /// Records whose state changed.
    pub states: Vec<State>,
    /// Discrepancies that came, went or came back: rule, subject and standing.
    pub cases: Vec<(String, String, Standing)>,
    /// Corrections that it wrote for the first time.
    pub written: Vec<Written>,
    /// Corrections of earlier runs whose fate it saw.
    pub settled: Vec<Settled>,
    /// What systems answered: system, record, file, and why it was refused where it was.
    pub answers: Vec<(String, String, String, Option<String>)>,
}

/// The state of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in snapshot.parquet")]
pub struct State {
    pub system: String,
    pub record: String,
    pub unit: String,
    pub email: String,
    pub opt: String,
    pub delivery: String,
    pub categories: String,
}

/// A correction that a run wrote.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named as in corrections.parquet")]
pub struct Written {
    pub system: String,
    pub record: String,
    pub purpose: String,
    pub before: String,
    pub after: String,
    pub file: String,
    pub held: bool,
    pub released: bool,
}

/// What became of a correction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named as in landed.parquet")]
pub struct Settled {
    pub system: String,
    pub record: String,
    pub purpose: String,
    pub state: String,
    pub why: String,
}

impl Step {
    fn is_empty(&self) -> bool {
        let Step { states, cases, written, settled, answers, .. } = self;
        states.is_empty() && cases.is_empty() && written.is_empty() && settled.is_empty() && answers.is_empty()
    }
}

/// The steps of each person until a time, the earliest first; and what of the ledger could not be read, a sentence each.
///
/// # Errors
/// The ledger cannot be listed.
pub fn trace(ledger: &Path, runs: &Path, until: DateTime<Utc>, who: &[Who]) -> Result<(Vec<Vec<Step>>, Vec<String>)> {
    let sets = Sets::open(ledger, runs)?;
    let mut troubles = sets.troubles.clone();
    let mut of_time: Vec<&Set> = sets.all.iter().filter(|set| set.manifest.as_of <= until).collect();
    of_time.sort_by_key(|set| (set.manifest.as_of, set.manifest.sequence));
    let mut steps: Vec<Vec<Step>> = vec![Vec::new(); who.len()];
    let mut known: BTreeMap<[String; 4], State> = BTreeMap::new();
    let mut standings: Vec<BTreeMap<String, Standing>> = vec![BTreeMap::new(); who.len()];
    let names: BTreeSet<&str> = who.iter().flat_map(|who| &who.records).map(|(_, record)| record.as_str()).collect();
    for (at, set) in of_time.into_iter().enumerate() {
        let mut read = |name: &str| {
            let read = set.manifest.files.get(name).map(|entry| set.read_as(name, entry, None));
            read.and_then(|read| read.map_err(|trouble| troubles.push(trouble)).ok()).map(Rows::of)
        };
        let tables = Tables {
            states: read(snapshot::FILE).map(|rows| rows.named(&names)),
            cases: read(cases::FILE),
            written: read(open::CORRECTIONS).map(|rows| rows.named(&names)),
            settled: read(open::LANDED).map(|rows| rows.named(&names)),
            answers: read(answers::FILE).map(|rows| rows.named(&names)),
        };
        let (changed, released) = (tables.changed(&mut known), open::released(&set.manifest.run, &sets));
        for ((who, steps), standings) in who.iter().zip(&mut steps).zip(&mut standings) {
            let step = tables.step(who, &changed, (set, &released), at == 0, standings);
            if !step.is_empty() {
                steps.push(step);
            }
        }
    }
    Ok((steps, troubles))
}

/// A table and the rows of it that matter.
struct Rows {
    frame: DataFrame,
    rows: Vec<usize>,
}

impl Rows {
    fn of(frame: DataFrame) -> Rows {
        let rows = (0..frame.height()).collect();
        Rows { frame, rows }
    }

    /// The rows of records with one of these names.
    fn named(self, names: &BTreeSet<&str>) -> Rows {
        let column = self.frame.column("record").ok().and_then(|column| column.str().ok());
        let at: Vec<u32> = column.map_or_else(Vec::new, |column| {
            let rows = column.iter().enumerate().filter(|(_, name)| name.is_some_and(|name| names.contains(name)));
            rows.map(|(row, _)| row as u32).collect()
        });
        let taken = self.frame.take(&IdxCa::from_vec("rows".into(), at));
        Rows::of(taken.unwrap_or_else(|_| self.frame.clear()))
    }

    /// A cell as text, empty where there is none.
    fn get(&self, name: &str, row: usize) -> String {
        let column = self.frame.column(name).and_then(|column| column.slice(row as i64, 1).cast(&DataType::String));
        column.ok().and_then(|column| Some(column.str().ok()?.get(0)?.to_owned())).unwrap_or_default()
    }
}

/// The tables of one set.
struct Tables {
    states: Option<Rows>,
    cases: Option<Rows>,
    written: Option<Rows>,
    settled: Option<Rows>,
    answers: Option<Rows>,
}

impl Tables {
    /// The states that differ from those of the sets before: a whole set says again what has not changed.
    fn changed(&self, known: &mut BTreeMap<[String; 4], State>) -> Vec<State> {
        let mut changed = Vec::new();
        for (table, row) in each(&self.states) {
            let get = |name: &str| table.get(name, row);
            let [system, record, unit, email] = ["system", "record", "unit", "email"].map(get);
            let [opt, delivery, categories] = ["opt", "delivery", "categories"].map(get);
            let state = State { system, record, unit, email, opt, delivery, categories };
            let key = [state.system.clone(), get("kind"), state.record.clone(), state.unit.clone()];
            if known.insert(key, state.clone()).is_none_or(|before| before != state) {
                changed.push(state);
            }
        }
        changed
    }

    /// What they say of a person. The set comes with the files of its run that were held and released later; `first` is whether
    /// no set before is left: then all that it says is news.
    fn step(
        &self,
        who: &Who,
        changed: &[State],
        (set, released): (&Set, &HashSet<(String, String)>),
        first: bool,
        standings: &mut BTreeMap<String, Standing>,
    ) -> Step {
        let is_of = |system: &str, record: &str| who.records.contains(&(system.to_owned(), record.to_owned()));
        let mut step = Step { run: set.manifest.run.clone(), ..Step::default() };
        step.states = changed.iter().filter(|state| is_of(&state.system, &state.record)).cloned().collect();
        step.states.sort_by(|one, other| (&one.system, &one.record, &one.unit).cmp(&(&other.system, &other.record, &other.unit)));
        let now = set.manifest.as_of.timestamp_millis();
        for (table, row) in each(&self.cases) {
            let get = |name: &str| table.get(name, row);
            let contact = get("contact_id");
            let sides = || is_of(&get("a_system"), &get("a_record")) || is_of(&get("b_system"), &get("b_record"));
            let is_about = if contact.is_empty() { sides() } else { who.contact_id.as_ref() == Some(&contact) };
            let Some(standing) = Standing::from_word(&get("state")).filter(|_| is_about) else { continue };
            // A whole set says again what persists, and what has long been resolved.
            let before = standings.insert(get("key"), standing);
            if before.is_none_or(|before| standing != before && standing != Standing::Persisting) {
                step.cases.push((get("rule"), get("subject"), standing));
            }
        }
        for (table, row) in each(&self.written) {
            let get = |name: &str| table.get(name, row);
            if is_of(&get("system"), &get("record")) && (first || moment(table, "written", row) == Some(now)) {
                let [system, record, purpose, before, after, file] =
                    ["system", "record", "purpose", "before", "after", "file"].map(get);
                let held = get("held") == "true";
                let released = held && released.contains(&(system.clone(), file.clone()));
                step.written.push(Written { system, record, purpose, before, after, file, held, released });
            }
        }
        for (table, row) in each(&self.settled) {
            let [system, record, purpose, state, why] =
                ["system", "record", "purpose", "state", "why"].map(|name| table.get(name, row));
            if is_of(&system, &record) {
                step.settled.push(Settled { system, record, purpose, state, why });
            }
        }
        for (table, row) in each(&self.answers) {
            let [system, record, file, run] = ["system", "record", "file", "answered_in"].map(|name| table.get(name, row));
            let refused = Some(table.get("refused", row)).filter(|reason| !reason.is_empty());
            if is_of(&system, &record) && run == step.run {
                step.answers.push((system, record, file, refused));
            }
        }
        step.cases.sort();
        step.written.sort();
        step.settled.sort();
        step
    }
}

fn each(rows: &Option<Rows>) -> impl Iterator<Item = (&Rows, usize)> {
    rows.iter().flat_map(|table| table.rows.iter().map(move |row| (table, *row)))
}

fn moment(table: &Rows, name: &str, row: usize) -> Option<i64> {
    crate::ledger::files::read_moments(&table.frame, name).ok()?.get(row)
}
