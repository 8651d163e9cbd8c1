//! What the ledger remembers of a person: one [`Past`] is one run in which something changed, one [`Earlier`] one
//! correction that a run wrote and what became of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::explain::Person;
use crate::ledger::{Answer, Settled, Shown, Step, Who};
use crate::systems::Systems;

/// What one run saw and found that no earlier one had.
#[derive(Debug, Serialize)]
pub struct Past {
    /// The run.
    pub run: String,
    /// Records whose state changed.
    pub seen: Vec<Change>,
    /// Discrepancies that came, went or came back.
    pub found: Vec<PastFound>,
}

/// The state of a record that changed.
#[derive(Debug, Serialize)]
pub struct Change {
    /// The system.
    pub system: String,
    /// Its name for people.
    pub title: String,
    /// The record.
    pub record: String,
    /// Its business unit or list, empty for none.
    pub unit: String,
    /// How it stood before, as far as an earlier run saw it.
    pub before: Option<Look>,
    /// How it stood then.
    pub now: Look,
}

/// How a record stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "named as in snapshot.parquet")]
pub struct Look {
    pub preference: String,
    pub delivery: String,
    pub email: String,
    pub categories: String,
}

/// A discrepancy that came, went or came back.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[allow(missing_docs, reason = "named as in discrepancies.csv")]
pub struct PastFound {
    pub rule: String,
    pub subject: String,
    pub state: &'static str,
}

/// A correction that a run wrote, and what became of it.
#[derive(Debug, Serialize)]
pub struct Earlier {
    /// The run that first wrote it.
    pub run: String,
    /// The system.
    pub system: String,
    /// Its name for people.
    pub title: String,
    /// The record.
    pub record: String,
    /// What was to change.
    pub purpose: String,
    /// Its state before.
    pub before: String,
    /// Its state as it was to be.
    pub after: String,
    /// The name of the file.
    pub file: String,
    /// `landed`, `not_landed`, `overtaken`, `unknown`; `held`, `released` where that was approved later, or `written` where no
    /// later run has looked.
    pub state: String,
    /// The run that saw it so, where it is settled.
    pub settled_in: Option<String>,
    /// Runs that it has waited for, where it is not.
    pub runs: Option<u32>,
    /// What the system answered when it was loaded: `taken` or `refused`; empty where nobody told.
    pub answer: &'static str,
    /// Why it was refused, in the system's own words.
    pub reason: String,
}

/// The fate of a correction that is open in the run that is explained, and the last answer to it.
pub type OpenFate = (Settled, Option<Answer>);

impl Person {
    /// By what the ledger knows the person.
    pub fn who(&self) -> Who {
        let records = self.records.iter().map(|record| (record.system.clone(), record.record.clone())).collect();
        Who { contact_id: self.contact_id.clone(), records }
    }

    /// Takes over what the ledger remembers, the latest run first.
    pub fn remember(&mut self, steps: Vec<Step>, systems: &Systems) {
        let title = |system: &str| systems.get(system).map_or(system, |profile| profile.title.as_str()).to_owned();
        let mut looks: BTreeMap<[String; 3], Look> = BTreeMap::new();
        for step in &steps {
            self.settle(step);
            for written in &step.written {
                self.earlier.push(Earlier {
                    run: step.run.clone(),
                    system: written.system.clone(),
                    title: title(&written.system),
                    record: written.record.clone(),
                    purpose: written.purpose.clone(),
                    before: written.before.clone(),
                    after: written.after.clone(),
                    file: written.file.clone(),
                    state: match (written.held, written.released) {
                        (true, false) => "held",
                        (true, true) => "released",
                        (false, _) => "written",
                    }
                    .to_owned(),
                    settled_in: None,
                    runs: None,
                    answer: "",
                    reason: String::new(),
                });
            }
            let change = |state: &Shown| {
                let now = Look {
                    preference: state.opt.clone(),
                    delivery: state.delivery.clone(),
                    email: state.email.clone(),
                    categories: state.categories.clone(),
                };
                let key = [&state.system, &state.record, &state.unit].map(Clone::clone);
                let before = looks.insert(key, now.clone());
                let [system, record, unit] = [&state.system, &state.record, &state.unit].map(Clone::clone);
                Change { title: title(&system), system, record, unit, before, now }
            };
            let seen: Vec<Change> = step.states.iter().map(change).collect();
            let found = step.cases.iter().map(|(rule, subject, standing)| PastFound {
                rule: rule.clone(),
                subject: subject.clone(),
                state: standing.word(),
            });
            let found: Vec<PastFound> = found.collect();
            if !seen.is_empty() || !found.is_empty() {
                self.history.push(Past { run: step.run.clone(), seen, found });
            }
        }
        for (settled, answer) in std::mem::take(&mut self.open) {
            let is_it = |one: &&mut Earlier| {
                one.is_open() && one.is_of(&settled.system, &settled.record) && one.purpose == settled.purpose.word()
            };
            let Some(one) = self.earlier.iter_mut().rfind(is_it) else { continue };
            one.state = settled.fate.word().to_owned();
            one.runs = Some(settled.runs);
            if let Some(answer) = answer {
                one.answered(answer.refused);
            }
        }
        self.history.reverse();
        self.earlier.reverse();
    }

    /// What a run told of corrections of earlier ones.
    fn settle(&mut self, step: &Step) {
        for (system, record, file, refused) in &step.answers {
            let is_it = |one: &&mut Earlier| one.is_of(system, record) && one.file == *file;
            if let Some(one) = self.earlier.iter_mut().rfind(is_it) {
                one.answered(refused.clone());
            }
        }
        for settled in &step.settled {
            let is_it = |one: &&mut Earlier| {
                one.is_open() && one.is_of(&settled.system, &settled.record) && one.purpose == settled.purpose
            };
            for one in self.earlier.iter_mut().filter(is_it) {
                settled.state.clone_into(&mut one.state);
                one.settled_in = Some(step.run.clone());
            }
        }
    }
}

impl Earlier {
    fn is_open(&self) -> bool {
        self.settled_in.is_none()
    }

    fn is_of(&self, system: &str, record: &str) -> bool {
        self.system == system && self.record == record
    }

    fn answered(&mut self, refused: Option<String>) {
        self.answer = if refused.is_some() { "refused" } else { "taken" };
        self.reason = refused.unwrap_or_default();
    }
}
