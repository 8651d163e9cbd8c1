//! What the exports of this run show against what earlier ones showed: opt-outs that came, went or stayed.
//!
//! An opt-out is remembered by the record that had it. It is *undone* when a newer fresh export shows the record not
//! opted out; it goes only when our own opt-in correction did that. An undone opt-out counts on, unless the change is
//! itself an explicit opt-in: in a system whose opt-ins count, with evidence where there was none while the record was
//! opted out (or `require_permission = false`), and without a date from before. An opt-out that our own correction made is
//! an [`Echo`](crate::ledger::Echo).

use anyhow::Result;
use foldhash::HashMap;
use rayon::prelude::*;

use crate::columns::{Delivery, Opt, Purpose};
use crate::config::Config;
use crate::ledger::opt_outs::OptOuts;
use crate::ledger::parts::Part;
use crate::ledger::signals::{Signal, Whose, named, quietly_named};
use crate::normalise::{QuietBatch, QuietPlace};

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

/// An opt-out of a record that no export of this run has, or whose export does not say any more whom it is of; and whom that
/// was.
#[derive(Clone, Debug)]
pub struct Absent {
    /// The opt-out.
    pub signal: Signal,
    /// Position of the system among the profiles.
    pub system: usize,
    /// Position of the kind in the profile.
    pub kind: usize,
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
    /// Its other addresses.
    pub further: Vec<String>,
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
    pub opt_outs: OptOuts<'a>,
    pub config: &'a Config,
    pub sound: bool,
}

/// The signals that changed, for the ledger, and all that count, for this run.
pub(super) struct Seen {
    /// Records that were set aside and whose signal is another one than before, or the first.
    pub quiet: Vec<QuietPlace>,
    pub changed: Vec<(u64, Option<Signal>, Whose)>,
    pub recalled: Recalled,
}

/// A record that is opted out or was so before.
struct Noticed {
    ix: usize,
    key: u64,
    /// The row of its signal in an earlier set.
    row: Option<u32>,
    after: Option<Signal>,
    /// Whether that is to be written.
    is_news: bool,
}

impl Seeing<'_> {
    pub fn observe(&self) -> Result<Seen> {
        let OptOuts { present, parts, signals, .. } = self.opt_outs;
        let shrunken = parts.iter().filter(|part| part.shrunken).filter_map(|part| {
            Some(Shrunken { at: part.at, rows: part.input.as_ref()?.rows, before: part.known.as_ref()?.rows })
        });
        let recalled = Recalled { shrunken: shrunken.collect(), now: self.opt_outs.now, ..Recalled::default() };
        let mut seen = Seen { quiet: Vec::new(), changed: Vec::new(), recalled };
        let mut here = vec![false; signals.rows()];
        let batches: Vec<QuietBatch<'_>> = present.quiet.batches().collect();
        let of_quiet: Vec<_> = batches.into_par_iter().map(|batch| self.observe_quiet(batch)).collect::<Result<_>>()?;
        for (news, rows) in of_quiet {
            seen.quiet.extend(news);
            rows.into_iter().for_each(|row| here[row as usize] = true);
        }
        let noticed: Vec<Noticed> = (0..present.len()).into_par_iter().filter_map(|ix| self.notice(ix)).collect();
        seen.recalled.of.reserve(noticed.len());
        for Noticed { ix, key, row, after, is_news } in noticed {
            row.into_iter().for_each(|row| here[row as usize] = true);
            // What told whose it is may be missing this time: a file, or a column.
            if let Some((row, signal)) = row.zip(after.as_ref()).filter(|(row, _)| signals.knows_more(*row, &named(present, ix)))
            {
                seen.recalled.absent.extend(self.absent(signal.clone(), row).map(|(_, absent)| Absent { gone: false, ..absent }));
            }
            if let Some(signal) = &after {
                seen.recalled.of.insert(ix as u32, self.provable(signal.clone()));
            }
            if is_news {
                seen.changed.push((key, after, Whose::Present(ix)));
            }
        }
        for (key, signal, row) in signals.all_but(&here) {
            let Some((part, mut absent)) = self.absent(signal.clone(), row) else { continue };
            // Its row is there, and nobody can read what it says.
            absent.gone &= !self.opt_outs.present.unreadable.contains(&key);
            // Our own opt-in correction removes a unit's unsubscribe and an unsubscribe record.
            if absent.gone && self.opt_outs.open.contains_key(&(key, Purpose::OptIn)) {
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

    /// Of a batch that was set aside the records whose opt-out is news, and the rows of the opt-outs that were known.
    fn observe_quiet(&self, batch: QuietBatch<'_>) -> Result<(Vec<QuietPlace>, Vec<u32>)> {
        let OptOuts { present, signals, .. } = self.opt_outs;
        let batch = batch.open()?;
        let is_counted = self.opt_outs.part(batch.of).is_some_and(Part::is_counted);
        let (mut news, mut known) = (Vec::new(), Vec::new());
        for (place, key, record) in self.opt_outs.of_batch(&batch) {
            let Some((before, row)) = signals.find(key) else {
                news.push(place);
                continue;
            };
            known.push(row);
            let after = self.opt_outs.signal(key, &self.opt_outs.quietly_shown(batch.of, &record), Some(before.clone()));
            let renamed = || is_counted && signals.is_named_otherwise(row, &quietly_named(present, batch.of, &record));
            if is_news(Some(before), Some(&after)) || renamed() {
                news.push(place);
            }
        }
        Ok((news, known))
    }

    /// What becomes of the signal of a record, where it has or had one.
    fn notice(&self, ix: usize) -> Option<Noticed> {
        let OptOuts { present, signals, .. } = self.opt_outs;
        let key = present.keys[ix];
        // What is said of one list does not speak for the person. It may have been said of all before.
        let out = present.opts_out(ix);
        if key == 0 {
            return None;
        }
        let known = signals.find(key);
        if !out && known.is_none() {
            return None;
        }
        let (before, row) = known.unzip();
        let after = match out {
            true => Some(self.opt_outs.signal(key, &self.opt_outs.shown(ix), before.cloned())),
            false => self.not_out(ix, key, before.cloned()),
        };
        let renamed = |row: u32| out && self.is_counted(ix) && signals.is_named_otherwise(row, &named(present, ix));
        let is_news = is_news(before, after.as_ref()) || row.is_some_and(renamed);
        Some(Noticed { ix, key, row, after, is_news })
    }

    /// The signal of a record that is not opted out in this run, if it had one.
    fn not_out(&self, ix: usize, key: u64, before: Option<Signal>) -> Option<Signal> {
        let before = before?;
        if !self.is_counted(ix) {
            return Some(before);
        }
        if before.is_out() && self.opt_outs.open.contains_key(&(key, Purpose::OptIn)) {
            return None;
        }
        let last = before.shown_until(self.part(ix).and_then(Part::known_as_of));
        let undone = before.undone.or(Some(self.opt_outs.now));
        let opted_in = before.opted_in || self.is_opt_in(ix, &before, last);
        Some(Signal { last, undone, opted_in, ..before })
    }

    /// Whether the change to not opted out, made after the last export that showed the opt-out, is explicit.
    fn is_opt_in(&self, ix: usize, before: &Signal, last: i64) -> bool {
        let present = self.opt_outs.present;
        let (system, _) = present.of(ix);
        let counts = self.config.policy.opt_in_systems.contains(&present.systems.profiles()[system].name);
        let says_so = present.opt(ix) == Opt::In && present.delivery(ix) != Delivery::Removed && present.has_word(ix);
        // What stood there while the record was opted out is the evidence of an older permission, however it is spelt now; and
        // so may be what a column says that was not exported then.
        let is_new = present.evidence(ix) != 0 && before.evidence == 0;
        let proven = !self.config.policy.require_permission || is_new;
        // With a date from before the opt-out it is an older permission that a load brought back.
        let is_older = present.in_until(ix).is_some_and(|until| until < last);
        counts && says_so && proven && !is_older
    }

    /// What of a signal may be relied on: where the ledger is damaged, only that the record was opted out.
    fn provable(&self, signal: Signal) -> Signal {
        if self.sound {
            return signal;
        }
        Signal { seen: self.opt_outs.now, after: None, opted_in: false, echo: None, ..signal }
    }

    fn absent(&self, signal: Signal, row: u32) -> Option<(Option<&Part>, Absent)> {
        let name = |column: &str| self.opt_outs.signals.name(row, column).unwrap_or_default().to_owned();
        let profiles = self.opt_outs.present.systems.profiles();
        let (system, kind) = (name("system"), name("kind"));
        let system = profiles.iter().position(|profile| profile.name == system)?;
        let position = profiles[system].kinds.iter().position(|known| known.name == kind)?;
        let part = self.opt_outs.part((system, position));
        let absent = Absent {
            signal: self.provable(signal),
            system,
            kind: position,
            record: name("record"),
            unit: name("unit"),
            contact_id: name("contact_id"),
            source_id: name("source_id"),
            email: name("email"),
            further: self.opt_outs.signals.further(row).map(str::to_owned).collect(),
            gone: part.is_some_and(Part::proves_absence),
        };
        Some((part, absent))
    }

    fn is_counted(&self, ix: usize) -> bool {
        self.part(ix).is_some_and(Part::is_counted)
    }

    fn part(&self, ix: usize) -> Option<&Part> {
        self.opt_outs.part(self.opt_outs.present.of(ix))
    }
}

/// Whether a signal is another one; that it was seen once more is no change, for most opt-outs are seen every week.
fn is_news(before: Option<&Signal>, after: Option<&Signal>) -> bool {
    let lasting = |signal: Option<&Signal>| signal.map(|signal| Signal { last: 0, ..signal.clone() });
    lasting(before) != lasting(after)
}
