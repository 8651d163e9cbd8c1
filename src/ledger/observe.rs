//! What the exports of this run show against what earlier ones showed: opt-outs that came, went or stayed.
//!
//! An opt-out is remembered by the record that had it. It is *undone* when a newer fresh export shows the record not
//! opted out; it goes only when our own opt-in correction did that. An undone opt-out counts on, unless the change is
//! itself an explicit opt-in: in a system whose opt-ins count, with evidence that was not there while the record was
//! opted out (or `require_permission = false`). An opt-out that our own correction made is an [`Echo`].

use anyhow::Result;
use foldhash::{HashMap, HashSet};
use rayon::prelude::*;

use crate::columns::{Delivery, Opt, Purpose};
use crate::config::Config;
use crate::ledger::open::Open;
use crate::ledger::parts::Part;
use crate::ledger::present::{Present, evidence_of, key_of};
use crate::ledger::signals::{Echo, Signal, Signals, Whose, named, quietly_named};
use crate::ledger::state::State;
use crate::normalise::{Moment, QuietBatch, QuietPlace, col};

/// What earlier runs add to the records of this one.
#[derive(Debug, Default)]
pub struct Recalled {
    /// The opt-outs of records of this run, by number: those that show and those that do not any more.
    pub of: HashMap<u32, Signal>,
    /// Opt-outs of records that this run does not have.
    pub absent: Vec<Absent>,
    /// Exports that have much fewer rows than those before.
    pub shrunken: Vec<Shrunken>,
    /// The run's time.
    pub now: i64,
}

/// The exports of a system and kind that have much fewer rows than those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shrunken {
    /// Positions of the system and the kind.
    pub at: (usize, usize),
    /// Rows now.
    pub rows: u64,
    /// Rows of the exports before.
    pub before: u64,
}

/// An opt-out of a record that no export of this run has, and whom it is of.
#[derive(Clone, Debug)]
pub struct Absent {
    /// The opt-out.
    pub signal: Signal,
    /// Position of the system among the profiles.
    pub system: usize,
    /// The record's own key or address.
    pub record: String,
    /// The business unit.
    pub unit: String,
    /// The CRM id that it named.
    pub contact_id: String,
    /// The source system's id that it named.
    pub source_id: String,
    /// Its first address.
    pub email: String,
    /// Whether its system was exported and the record was not there.
    pub gone: bool,
}

impl Recalled {
    /// When an opt-out that has no date was made: between the two runs or exports around it, as far as earlier runs tell.
    pub fn window(&self, ix: u32) -> Option<(Option<i64>, i64)> {
        self.of
            .get(&ix)
            .filter(|signal| signal.dated.is_none() && signal.seen < self.now)
            .map(|signal| (signal.after, signal.seen))
    }

    /// The opt-out of a record that does not show it any more, and still counts.
    pub fn undone(&self, ix: u32) -> Option<&Signal> {
        self.of.get(&ix).filter(|signal| signal.undone.is_some())
    }
}

/// What an observation rests on.
pub(super) struct Seeing<'a> {
    pub present: &'a Present<'a>,
    pub parts: &'a [Part],
    pub state: &'a State,
    pub signals: &'a Signals,
    pub open: &'a HashMap<(u64, Purpose), Open>,
    pub config: &'a Config,
    pub sound: bool,
    pub now: i64,
}

/// The signals that changed, for the ledger, and all that count, for this run.
pub(super) struct Seen {
    pub changed: Vec<(u64, Option<Signal>, Whose)>,
    pub recalled: Recalled,
}

/// What an export shows of a record that is opted out.
struct Shown {
    of: (usize, usize),
    dated: Option<Moment>,
    first: Option<i64>,
    evidence: i64,
}

impl Seeing<'_> {
    pub fn observe(&self) -> Result<Seen> {
        let shrunken = self.parts.iter().filter(|part| part.shrunken).filter_map(|part| {
            Some(Shrunken { at: part.at, rows: part.input.as_ref()?.rows, before: part.known.as_ref()?.rows })
        });
        let recalled = Recalled { shrunken: shrunken.collect(), now: self.now, ..Recalled::default() };
        let mut seen = Seen { changed: Vec::new(), recalled };
        let mut here: HashSet<u64> = HashSet::default();
        let earlier = self.signals.all();
        let known: HashSet<u64> = earlier.iter().map(|(key, _, _)| *key).collect();
        for (key, after, place) in self.quiet_signals(&known) {
            here.insert(key);
            let (of, _) = self.present.quiet.get(place);
            let named = |name: &str| quietly_named(self.present, place, name);
            let renamed = || self.part_of(of).is_some_and(Part::is_counted) && self.signals.is_named_otherwise(key, named);
            if is_news(self.signals.get(key).as_ref(), Some(&after)) || renamed() {
                seen.changed.push((key, Some(after), Whose::Quiet(place)));
            }
        }
        for ix in 0..self.present.len() {
            let key = self.present.keys[ix];
            let out = self.present.opt(ix) == Opt::Out;
            // What is said of one list does not speak for the person.
            let of_one_list = self.present.number(col::LIST, ix).is_some();
            if key == 0 || of_one_list || !(out || known.contains(&key)) {
                continue;
            }
            let before = self.signals.get(key);
            here.insert(key);
            let after =
                if out { Some(self.out(key, &self.shown(ix), before.clone())) } else { self.not_out(ix, key, before.clone()) };
            if let Some(signal) = &after {
                seen.recalled.of.insert(ix as u32, self.provable(signal.clone()));
            }
            let named = |name: &str| named(self.present, ix, name);
            let renamed = || out && self.is_counted(ix) && self.signals.is_named_otherwise(key, named);
            if is_news(before.as_ref(), after.as_ref()) || renamed() {
                seen.changed.push((key, after, Whose::Present(ix)));
            }
        }
        for (key, signal, row) in earlier.into_iter().filter(|(key, _, _)| !here.contains(key)) {
            let Some((part, absent)) = self.absent(signal.clone(), row) else { continue };
            // Our own opt-in correction removes a unit's unsubscribe and an unsubscribe record.
            if absent.gone && self.open.contains_key(&(key, Purpose::OptIn)) {
                seen.changed.push((key, None, Whose::Earlier(row)));
            } else {
                if signal.is_out() && !signal.absent && part.is_some_and(Part::is_counted) {
                    let last = signal.shown_until(part.and_then(Part::known_as_of));
                    seen.changed.push((key, Some(Signal { last, absent: true, ..signal.clone() }), Whose::Earlier(row)));
                }
                seen.recalled.absent.push(absent);
            }
        }
        Ok(seen)
    }

    /// The signals of records that were set aside: those that are opted out.
    fn quiet_signals(&self, known: &HashSet<u64>) -> Vec<(u64, Signal, QuietPlace)> {
        let batches: Vec<_> = self.present.quiet.batches().collect();
        let of_batch = |batch: QuietBatch<'_>| -> Vec<(u64, Signal, QuietPlace)> {
            let prefix = self.present.prefix(batch.of);
            let out = batch.records().filter(|(_, record)| record.opt == Opt::Out);
            out.map(|(place, record)| {
                let key = key_of(prefix, record.record, None);
                let evidence = evidence_of(record.evidence.map(|evidence| self.present.texts.get(evidence)));
                let shown = Shown { of: batch.of, dated: record.out, first: record.out.map(|out| out.from), evidence };
                let before = if known.contains(&key) { self.signals.get(key) } else { None };
                (key, self.out(key, &shown, before), place)
            })
            .collect()
        };
        let parts: Vec<Vec<_>> = batches.into_par_iter().map(of_batch).collect();
        parts.into_iter().flatten().collect()
    }

    fn shown(&self, ix: usize) -> Shown {
        let present = self.present;
        Shown { of: present.of(ix), dated: present.out_at(ix), first: present.first_out(ix), evidence: present.evidence(ix) }
    }

    /// The signal of a record that is opted out in this run.
    fn out(&self, key: u64, shown: &Shown, before: Option<Signal>) -> Signal {
        let part = self.part_of(shown.of);
        let (dated, first) = (shown.dated, shown.first);
        let last = part.and_then(Part::as_of).unwrap_or(self.now);
        let newer = part.is_some_and(Part::is_newer);
        match before {
            // An older export shows an opt-out that newer ones had, or did not have any more.
            Some(before) if !newer => before,
            Some(before) if before.is_out() => {
                // Another date, or none where there was one, is a new opt-out: the person's own.
                let same = dated == before.dated;
                Signal {
                    dated,
                    first: [before.first, first].into_iter().flatten().min(),
                    after: before.after.filter(|_| same),
                    seen: if same { before.seen } else { self.now },
                    last,
                    absent: false,
                    evidence: shown.evidence,
                    echo: before.echo.filter(|_| same),
                    ..before
                }
            }
            _ => {
                let was_there = before.is_some() || self.state.position(key).is_some();
                let echo = self.echo(key, dated, was_there).map(Box::new);
                Signal {
                    dated,
                    first: [before.filter(|_| echo.is_some()).and_then(|before| before.first), first].into_iter().flatten().min(),
                    after: part.and_then(Part::known_as_of).filter(|_| was_there),
                    seen: self.now,
                    last,
                    undone: None,
                    absent: false,
                    opted_in: false,
                    evidence: shown.evidence,
                    echo,
                }
            }
        }
    }

    /// Whether a new opt-out is a correction of ours that landed: one was written, the record was there without the
    /// opt-out, and its date is not from before, unless it is the very one that was written.
    fn echo(&self, key: u64, dated: Option<Moment>, was_there: bool) -> Option<Echo> {
        let open = self.open.get(&(key, Purpose::OptOut)).filter(|_| was_there)?;
        let ours = dated.is_none_or(|dated| {
            dated.until >= open.written
                || open.effective.is_some_and(|(from, until)| dated.is_day() && dated.from < until && from < dated.until)
        });
        ours.then_some(Echo { of: open.passed_on, written: open.written })
    }

    /// The signal of a record that is not opted out in this run, if it had one.
    fn not_out(&self, ix: usize, key: u64, before: Option<Signal>) -> Option<Signal> {
        let before = before?;
        if !self.is_counted(ix) {
            return Some(before);
        }
        if before.is_out() && self.open.contains_key(&(key, Purpose::OptIn)) {
            return None;
        }
        let last = before.shown_until(self.part(ix).and_then(Part::known_as_of));
        let undone = before.undone.or(Some(self.now));
        let opted_in = before.opted_in || self.is_opt_in(ix, &before);
        Some(Signal { last, undone, opted_in, ..before })
    }

    /// Whether the change to not opted out is explicit.
    fn is_opt_in(&self, ix: usize, before: &Signal) -> bool {
        let present = self.present;
        let (system, _) = present.of(ix);
        let counts = self.config.policy.opt_in_systems.contains(&present.systems.profiles()[system].name);
        let says_so =
            present.opt(ix) == Opt::In && present.delivery(ix) != Delivery::Removed && present.number(col::WORD, ix).is_some();
        let evidence = present.evidence(ix);
        let proven = !self.config.policy.require_permission || evidence != 0 && evidence != before.evidence;
        counts && says_so && proven
    }

    /// What of a signal may be relied on: where the ledger is damaged, only that the record was opted out.
    fn provable(&self, signal: Signal) -> Signal {
        if self.sound {
            return signal;
        }
        Signal { seen: self.now, after: None, opted_in: false, echo: None, ..signal }
    }

    fn absent(&self, signal: Signal, row: u32) -> Option<(Option<&Part>, Absent)> {
        let name = |column: &str| self.signals.name(row, column).unwrap_or_default().to_owned();
        let profiles = self.present.systems.profiles();
        let (system, kind) = (name("system"), name("kind"));
        let system = profiles.iter().position(|profile| profile.name == system)?;
        let position = profiles[system].kinds.iter().position(|known| known.name == kind)?;
        let part = self.parts.iter().find(|part| part.at == (system, position));
        let absent = Absent {
            signal: self.provable(signal),
            system,
            record: name("record"),
            unit: name("unit"),
            contact_id: name("contact_id"),
            source_id: name("source_id"),
            email: name("email"),
            gone: part.is_some_and(Part::proves_absence),
        };
        Some((part, absent))
    }

    fn is_counted(&self, ix: usize) -> bool {
        self.part(ix).is_some_and(Part::is_counted)
    }

    fn part(&self, ix: usize) -> Option<&Part> {
        self.part_of(self.present.of(ix))
    }

    fn part_of(&self, at: (usize, usize)) -> Option<&Part> {
        self.parts.iter().find(|part| part.at == at)
    }
}

/// Whether a signal is another one; that it was seen once more is no change, for most opt-outs are seen every week.
fn is_news(before: Option<&Signal>, after: Option<&Signal>) -> bool {
    let lasting = |signal: Option<&Signal>| signal.map(|signal| Signal { last: 0, ..signal.clone() });
    lasting(before) != lasting(after)
}
