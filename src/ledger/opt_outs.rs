//! The opt-outs that the exports of this run show, as signals.

use anyhow::Result;
use foldhash::HashMap;

use crate::columns::{Opt, Purpose};
use crate::ledger::open::Open;
use crate::ledger::parts::Part;
use crate::ledger::present::{NOT_EXPORTED, Present, evidence_of, key_of};
use crate::ledger::signals::{Echo, Signal, Signals};
use crate::ledger::state::State;
use crate::normalise::{OpenBatch, QuietPlace, QuietRecord};
use crate::systems::Grain;
use crate::times::Moment;

/// What the signal of a record that is opted out is made from. That of a record that was set aside is made anew
/// whenever it is needed: of millions of such records only their places are kept.
#[derive(Clone, Copy)]
pub(super) struct OptOuts<'a> {
    pub present: &'a Present<'a>,
    pub parts: &'a [Part],
    pub state: &'a State,
    pub signals: &'a Signals,
    pub open: &'a HashMap<(u64, Purpose), Open>,
    /// The run's time.
    pub now: i64,
}

/// What an export shows of a record that is opted out.
pub(super) struct Shown<'r> {
    of: (usize, usize),
    /// The CRM id that it names.
    contact_id: Option<&'r str>,
    dated: Option<Moment>,
    first: Option<i64>,
    evidence: i64,
}

impl OptOuts<'_> {
    /// What is shown of a record of this run.
    pub fn shown(&self, ix: usize) -> Shown<'_> {
        let present = self.present;
        let (of, contact_id) = (present.of(ix), present.contact_id(ix));
        let evidence = self.evidence(of, present.evidence(ix));
        Shown { of, contact_id, dated: present.out_at(ix), first: present.first_out(ix), evidence }
    }

    /// The records of a batch that are opted out, each with its place and its key.
    pub fn of_batch<'q>(&'q self, batch: &'q OpenBatch<'_>) -> impl Iterator<Item = (QuietPlace, u64, QuietRecord<'q>)> {
        let prefix = self.present.prefix(batch.of);
        let out = batch.records().filter(|(_, record)| record.opt == Opt::Out);
        out.map(move |(place, record)| (place, key_of(prefix, record.record, None), record))
    }

    /// What is shown of a record that was set aside.
    pub fn quietly_shown<'r>(&self, of: (usize, usize), record: &QuietRecord<'r>) -> Shown<'r> {
        let evidence = self.evidence(of, evidence_of(record.evidence.map(|evidence| self.present.texts.get(evidence))));
        Shown { of, contact_id: record.contact_id, dated: record.out, first: record.out.map(|out| out.from), evidence }
    }

    /// The evidence of a record by its number, where the exports of its kind say anything of it.
    fn evidence(&self, of: (usize, usize), number: i64) -> i64 {
        let is_exported = self.part(of).is_some_and(|part| part.has_evidence);
        if is_exported { number } else { NOT_EXPORTED }
    }

    /// The key and the signal of a record that was set aside.
    pub fn quiet_signal(&self, of: (usize, usize), record: &QuietRecord<'_>) -> (u64, Signal) {
        let key = key_of(self.present.prefix(of), record.record, None);
        let before = self.signals.find(key).map(|(signal, _)| signal.clone());
        (key, self.signal(key, &self.quietly_shown(of, record), before))
    }

    /// The keys of records that were set aside.
    ///
    /// # Errors
    /// The disk that they are on cannot be read.
    pub fn quiet_keys(&self, places: &[QuietPlace]) -> Result<Vec<u64>> {
        let mut keys = Vec::with_capacity(places.len());
        for places in places.chunk_by(QuietPlace::is_beside) {
            let batch = self.present.quiet.batch_of(places[0]).open()?;
            let prefix = self.present.prefix(batch.of);
            keys.extend(places.iter().map(|place| key_of(prefix, batch.get(*place).record, None)));
        }
        Ok(keys)
    }

    /// The signal of a record that is opted out in this run.
    pub fn signal(&self, key: u64, shown: &Shown<'_>, before: Option<Signal>) -> Signal {
        let part = self.part(shown.of);
        let (dated, first) = (shown.dated, shown.first);
        let last = part.and_then(Part::as_of).unwrap_or(self.now);
        let (newer, older) = (part.is_some_and(Part::is_newer), part.is_none_or(Part::is_older));
        match before {
            // An older export shows an opt-out that newer ones had, or did not have any more. One of the same time may show a new
            // one: nobody can tell which was made first.
            Some(before) if !newer && (older || before.is_out()) => before,
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
                    evidence: if shown.evidence == NOT_EXPORTED { before.evidence } else { shown.evidence },
                    echo: before.echo.filter(|_| same),
                    ..before
                }
            }
            _ => {
                let was_there = before.is_some() || self.state.position(key).is_some();
                let ours = if was_there { self.open.get(&(key, Purpose::OptOut)) } else { self.created(shown) };
                let echo = ours.and_then(|open| echo(open, dated)).map(Box::new);
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

    /// The correction that created a record, where one of ours may have: an unsubscribe record, by the contact that it is
    /// linked to.
    fn created(&self, shown: &Shown<'_>) -> Option<&Open> {
        let (system, kind) = shown.of;
        let kinds = &self.present.systems.profiles()[system].kinds;
        let contact = shown.contact_id.filter(|_| kinds[kind].grain == Grain::Unsubscribe)?;
        let contacts = (0..kinds.len()).filter(|kind| kinds[*kind].grain == Grain::Contact);
        let mut keys = contacts.map(|kind| key_of(self.present.prefix((system, kind)), contact, None));
        keys.find_map(|key| self.open.get(&(key, Purpose::Unsubscribe)))
    }

    /// The exports of a system and kind.
    pub fn part(&self, at: (usize, usize)) -> Option<&Part> {
        self.parts.iter().find(|part| part.at == at)
    }
}

/// Whether a new opt-out is a correction of ours that landed: its date is not from before the correction, unless it is the
/// very one that was written.
fn echo(open: &Open, dated: Option<Moment>) -> Option<Echo> {
    let ours = dated.is_none_or(|dated| {
        dated.until >= open.written
            || open.effective.is_some_and(|(from, until)| dated.is_day() && dated.from < until && from < dated.until)
    });
    ours.then_some(Echo { of: open.passed_on, written: open.written })
}
