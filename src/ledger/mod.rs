//! What the program remembers from run to run: `ledger/<run>/`, one immutable set of Parquet files a run.
//!
//! A set holds what changed since the run before (`base`), and now and then everything, so that what stays the same
//! costs almost nothing. One row of `snapshot.parquet` is one record whose state changed, of `signals.parquet` one
//! opt-out as the ledger saw it come and go, of `discrepancies.parquet` one discrepancy that came, went or came back, of
//! `corrections.parquet` one correction, of `landed.parquet` one correction whose fate is settled, of `decisions.parquet`
//! one reviewer's decision that stands, of `answers.parquet` what a system answered to one correction. `manifest.json` has the checksums of these files and the hash of the set before.
//! An approval is an entry of its own in that chain, see [`approve`].
//!
//! A set is written under a hidden name and synced before the run folder appears, and takes its name after that. So the
//! one rename of the run folder decides: a hidden set whose run folder is there belongs to a complete run and counts
//! like any other, also if the second rename never happened; without it, the next run removes it. A run folder may be
//! deleted later, by hand or for its age: the ledger does not rest on it.
//!
//! Runs with a later time than the present one are not earlier runs, and neither are those of the same time.

mod answers;
mod approvals;
mod cases;
mod fates;
mod files;
mod key;
mod manifest;
mod observe;
mod open;
mod opt_outs;
mod parts;
mod present;
mod rulings;
mod sets;
mod sighting;
mod signals;
mod snapshot;
mod state;
mod trace;

pub use answers::{Answer, Answers};
pub use approvals::{Approval, Released, approvals, approve};
pub use cases::{Case, IDENTITY};
pub use fates::{Fates, Settled, Written};
pub use manifest::{FileEntry, Input, Known, Manifest, Reference};
pub use observe::{Absent, Recalled, Shrunken};
pub use parts::Part;
pub use rulings::{FILE as DECISIONS, Kept};
pub use sets::settle;
pub use sighting::{Findings, Found, HiddenSet, Pages, Past, Sighting};
pub use signals::{Echo, Signal};
pub use trace::{Settled as Fared, State as Shown, Step, Who, Written as Asked, trace};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use chrono::{DateTime, Utc};
use polars::prelude::DataFrame;

use crate::columns::{Delivery, Opt};
use crate::config::Config;
use crate::history::Week;
use crate::ingest::FileReport;
use crate::normalise::Quiet;
use crate::systems::Systems;
use crate::texts::Texts;
use cases::Cases;
use key::Key;
use observe::Seeing;
use open::{Open, Opens};
use opt_outs::OptOuts;
use present::{Present, key_of, state_of};
use sets::{Set, Sets};
use signals::Signals;
use state::State;

/// After so many sets that only hold changes the next one is whole, so that a run has little to read.
const WHOLE_EVERY: usize = 26;

/// What earlier runs left.
#[derive(Debug)]
pub struct Ledger {
    folder: PathBuf,
    as_of: DateTime<Utc>,
    sets: Sets,
    /// The sets that the state is made of, by position in `sets`, oldest first.
    chain: Vec<usize>,
    /// The first position of each of them in the state.
    firsts: Vec<u32>,
    state: State,
    signals: Signals,
    cases: Cases,
    opens: Opens,
    answers: Answers,
    decisions: Kept,
    troubles: Vec<String>,
    /// Whether all that the state rests on could be read: if not, it may keep people opted out, and never opts anybody in.
    sound: bool,
}

/// What the ledger looks at in a run, beside its records.
pub struct Scope<'a> {
    /// The inputs.
    pub files: &'a [FileReport],
    /// The profiles.
    pub systems: &'a Systems,
    /// The configuration.
    pub config: &'a Config,
    /// The store of texts.
    pub texts: &'a Texts,
    /// The source system whose ids the others name.
    pub owner: Option<usize>,
    /// Lists that earlier runs had and this one has not, by the position of their system.
    pub missed: BTreeMap<usize, Vec<String>>,
}

impl Ledger {
    /// Reads what runs before a time left, and checks every file that it uses.
    ///
    /// # Errors
    /// The folder cannot be listed. What is wrong with single files is in [`Ledger::troubles`].
    pub fn open(folder: &Path, runs: &Path, as_of: DateTime<Utc>) -> Result<Ledger> {
        let sets = Sets::open(folder, runs)?;
        let mut ledger = Ledger {
            folder: folder.to_owned(),
            as_of,
            troubles: sets.troubles.clone(),
            sound: sets.troubles.is_empty(),
            sets,
            chain: Vec::new(),
            firsts: Vec::new(),
            state: State::default(),
            signals: Signals::default(),
            cases: Cases::default(),
            opens: Opens::default(),
            answers: Answers::default(),
            decisions: Kept::default(),
        };
        ledger.find_chain();
        ledger.read_decisions(runs);
        for at in ledger.chain.clone() {
            ledger.apply(at);
        }
        Ok(ledger)
    }

    /// The sets from the latest earlier one back to one that is whole.
    fn find_chain(&mut self) {
        let earlier = |set: &&Set| set.manifest.as_of < self.as_of;
        let latest = self.sets.all.iter().filter(earlier).max_by_key(|set| (set.manifest.as_of, set.manifest.sequence));
        let mut next = latest.map(|set| set.manifest.run.clone());
        while let Some(run) = next {
            let Some(at) = self.sets.all.iter().position(|set| set.manifest.run == run) else {
                self.sound = false;
                break;
            };
            self.chain.push(at);
            next = self.sets.all[at].manifest.base.clone();
        }
        self.chain.reverse();
    }

    /// Adds what a set holds. What cannot be read is named, and the rest still counts.
    fn apply(&mut self, at: usize) {
        let set = &self.sets.all[at];
        self.firsts.push(self.state.len() as u32);
        let read = |name: &str, columns: Option<&[&str]>| -> Result<DataFrame, String> { set.read(name, columns) };
        let unreadable = |error: polars::prelude::PolarsError| {
            format!("ledger/{} has other columns than expected ({error}).", set.manifest.run)
        };
        let mut troubles = Vec::new();
        let released = open::released(&set.manifest.run, &self.sets);
        let (state, rest) = rayon::join(
            || read(snapshot::FILE, Some(&state::COLUMNS)),
            || [SIGNALS, cases::FILE, open::CORRECTIONS, open::LANDED].map(|name| read(name, None)),
        );
        let applied = state.and_then(|frame| self.state.apply(&frame, &set.manifest.parts).map_err(unreadable));
        troubles.extend(applied.err());
        let [signals, cases, corrections, landed] = rest;
        troubles.extend(signals.and_then(|frame| self.signals.apply(&frame).map_err(unreadable)).err());
        troubles.extend(cases.and_then(|frame| self.cases.apply(&frame).map_err(unreadable)).err());
        match (corrections, landed) {
            (Ok(corrections), Ok(landed)) => {
                troubles.extend(open::apply(&mut self.opens, &corrections, &landed, &released).map_err(unreadable).err());
            }
            (corrections, landed) => troubles.extend([corrections.err(), landed.err()].into_iter().flatten()),
        }
        if let Some(entry) = set.manifest.files.get(answers::FILE) {
            let answers = set.read_as(answers::FILE, entry, None);
            troubles.extend(answers.and_then(|frame| answers::apply(&mut self.answers, &frame).map_err(unreadable)).err());
        }
        if !troubles.is_empty() {
            self.sound = false;
            self.troubles.extend(troubles);
        }
    }

    /// What reviewers decided, as the latest earlier run left it.
    fn read_decisions(&mut self, runs: &Path) {
        let latest = self.chain.last().map(|at| &self.sets.all[*at]);
        let last = latest.map_or(0, |set| set.manifest.sequence);
        let earlier = |set: &&Set| set.manifest.as_of < self.as_of;
        let further: Vec<&Set> = self.sets.all.iter().filter(earlier).filter(|set| set.manifest.sequence > last).collect();
        let mut before: Vec<&Set> = self.sets.all.iter().filter(earlier).filter(|set| set.manifest.sequence < last).collect();
        before.reverse();
        let now = self.as_of.format("%Y-%m-%dT%H%M%SZ").to_string();
        self.decisions = Kept::read(&self.sets, runs, latest, &further, &before, &now);
        self.troubles.append(&mut self.decisions.troubles);
    }

    /// What reviewers decided, as far as earlier runs left it.
    pub fn decisions(&self) -> &Kept {
        &self.decisions
    }

    /// What is wrong with the ledger, a sentence each: the file, what it is, what to do.
    pub fn troubles(&self) -> Vec<String> {
        let advice = "Put the file back from a backup if there is one; this run goes on with what it can prove, and opts nobody in on the strength of the ledger.";
        let troubles = self.troubles.iter().map(|trouble| format!("{trouble} {advice}"));
        let lost = self.decisions.lost.iter().map(|lost| {
            format!(
                "The reviewers' decisions of the run {run} are lost, and somebody may have been opted out by one: every opt-in is held. Put \
                 ledger/{run} back from a backup, or drop the workbooks below archive/ that reviewers filled in into decisions/ again and, once \
                 the next run has read them, say so with `prefrecon approve latest decisions`.",
                run = lost.run
            )
        });
        troubles.chain(lost).collect()
    }

    /// What the earlier runs counted, the oldest first.
    pub fn weeks(&self) -> Vec<Week> {
        self.sets.weeks(Some(self.as_of))
    }

    /// The latest earlier run.
    pub fn last(&self) -> Option<&Manifest> {
        self.chain.last().map(|at| &self.sets.all[*at].manifest)
    }

    /// The sets that the state is made of, oldest first.
    fn chain_of_runs(&self) -> impl Iterator<Item = &Set> {
        self.chain.iter().map(|at| &self.sets.all[*at])
    }

    /// Keys of the records that open corrections are about.
    pub fn awaited(&self) -> impl Iterator<Item = &str> {
        let keys = |open| ["record", "contact_id", "email"].map(|name| Open::text(open, name));
        self.opens.values().flat_map(keys).filter(|text| !text.is_empty())
    }

    /// The keys of each record that earlier runs saw opted out.
    pub fn opted_out(&self) -> Vec<[Option<&str>; 4]> {
        self.signals.named()
    }

    /// Looks at the records of a run, and at those that were set aside.
    ///
    /// # Errors
    /// Only what Polars cannot do, which is a defect.
    pub fn observe<'a>(&'a self, records: &DataFrame, quiet: &'a Quiet, scope: Scope<'a>) -> Result<Sighting<'a>> {
        let Scope { files, systems, config, texts, owner, missed } = scope;
        let present = Present::new(records, quiet, systems, texts)?;
        let parts = parts::parts(files, systems, config, self.last(), &missed)?;
        let now = self.as_of.timestamp_millis();
        let opt_outs = self.opt_outs(&present, &parts);
        let seen = Seeing { opt_outs, config, sound: self.sound }.observe()?;
        let source = owner.map(|owner| systems.profiles()[owner].name.clone());
        Ok(Sighting { ledger: self, present, parts, seen, source, missed, retain_days: config.ledger.retain_days, now })
    }

    /// Whether the run before saw a contact of a platform mailed on a list.
    pub fn was_on(&self, list: &str, system: &str, kind: &str, contact: &str) -> bool {
        let key = key_of(Key::EMPTY.text(system).text(kind), contact, Some(list));
        let mailed = state_of(Opt::In, Delivery::Ok, Some(contact), None, None);
        self.state.position(key).is_some_and(|position| self.state.state(position) == mailed)
    }

    /// What the opt-outs of a run are made from.
    fn opt_outs<'a>(&'a self, present: &'a Present<'a>, parts: &'a [Part]) -> OptOuts<'a> {
        let now = self.as_of.timestamp_millis();
        OptOuts { present, parts, state: &self.state, signals: &self.signals, open: &self.opens, now }
    }
}

/// The runs whose reviewers' decisions a run missed, as its set says.
///
/// # Errors
/// The ledger cannot be listed.
pub fn lost_decisions(ledger: &Path, runs: &Path, run: &str) -> Result<Vec<String>> {
    let sets = Sets::open(ledger, runs)?;
    let of_run = sets.all.iter().filter(|set| set.manifest.run == run).flat_map(|set| &set.manifest.lost);
    Ok(of_run.map(|lost| lost.run.clone()).collect())
}

/// What all runs counted, the oldest first, and what is wrong with the ledger, a sentence each.
///
/// # Errors
/// The ledger cannot be listed.
pub fn weeks(ledger: &Path, runs: &Path) -> Result<(Vec<Week>, Vec<String>)> {
    let sets = Sets::open(ledger, runs)?;
    Ok((sets.weeks(None), sets.troubles))
}

/// The opt-outs as the ledger saw them.
const SIGNALS: &str = "signals.parquet";
