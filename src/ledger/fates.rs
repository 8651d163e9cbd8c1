//! What became of the corrections of earlier runs, and those that this run adds.

use anyhow::Result;
use chrono::{DateTime, Utc};
use foldhash::{HashMap, HashSet};
use polars::prelude::{
    BooleanChunked, Column, DataFrame, Int64Chunked, IntoColumn, NewChunkedArray, StringChunked, UInt32Chunked, UInt64Chunked,
};

use crate::columns::{Delivery, Fate, Opt, Purpose};
use crate::hardest::Hardest;
use crate::ledger::files::moments;
use crate::ledger::open::{Open, Opens, Stored, TEXTS};
use crate::ledger::parts::Part;
use crate::ledger::present::Present;
use crate::systems::Grain;

/// A correction of this run, as the ledger keeps it.
#[derive(Clone, Debug)]
pub struct Written {
    /// The record.
    pub ix: u32,
    /// What changes.
    pub purpose: Purpose,
    /// The categories that are to be on, for a correction of categories.
    pub categories: Option<String>,
    /// The CRM id of the first person for whose sake.
    pub contact_id: String,
    /// The rules that it answers.
    pub rules: String,
    /// The name of the file that it is in.
    pub file: String,
    /// Whether it was held.
    pub held: bool,
    /// The day from which it holds, in milliseconds.
    pub effective: (i64, i64),
    /// The opt-outs that it passes on.
    pub passed_on: Hardest,
}

/// A correction of an earlier run, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The system.
    pub system: String,
    /// The kind of its record.
    pub kind: String,
    /// The record.
    pub record: String,
    /// Its business unit, empty for none.
    pub unit: String,
    /// Its first address.
    pub email: String,
    /// The CRM id of the person.
    pub contact_id: String,
    /// What was to change.
    pub purpose: Purpose,
    /// Its state before.
    pub before: String,
    /// Its state as it was to be.
    pub after: String,
    /// The rules that the correction answered.
    pub rules: String,
    /// The name of the file that it was in.
    pub file: String,
    /// The run that first wrote it.
    pub written: DateTime<Utc>,
    /// Runs since then, this one included.
    pub runs: u32,
    /// What became of it.
    pub fate: Fate,
    /// Why, in a few words.
    pub why: &'static str,
}

/// The fates of the corrections of earlier runs, sorted by system, record, unit and purpose.
#[derive(Debug, Default)]
pub struct Fates {
    /// What the ledger knows each by: the key of its record, and what it changes.
    pub keys: Vec<(u64, Purpose)>,
    /// What became of each.
    pub settled: Vec<Settled>,
}

/// What the fates of corrections are worked out from.
pub(super) struct Judging<'a> {
    pub present: &'a Present<'a>,
    pub parts: &'a [Part],
    pub opens: &'a Opens,
    /// The times of earlier runs, in milliseconds.
    pub runs: &'a [i64],
    /// Records of people who are opted out by decision.
    pub out: &'a HashSet<u32>,
    pub now: i64,
}

impl Judging<'_> {
    /// The fate of every open correction.
    pub fn settle(&self, written: &[Written]) -> Fates {
        let wanted: HashMap<(u32, Purpose), &Written> =
            written.iter().map(|written| ((written.ix, written.purpose), written)).collect();
        let keys: HashSet<u64> = self.opens.keys().map(|(key, _)| *key).collect();
        let present = self.present.keys.iter().enumerate().filter(|(_, key)| keys.contains(*key));
        let here: HashMap<u64, usize> = present.map(|(ix, key)| (*key, ix)).collect();
        let mut settled: Vec<((u64, Purpose), Settled)> = self
            .opens
            .iter()
            .map(|((key, purpose), open)| {
                let ix = here.get(key).copied();
                let now = ix.and_then(|ix| wanted.get(&(ix as u32, *purpose)));
                let (fate, why) = self.fate(*key, *purpose, open, ix, now.copied());
                let text = |name: &str| open.text(name).to_owned();
                let settled = Settled {
                    system: text("system"),
                    kind: text("kind"),
                    record: text("record"),
                    unit: text("unit"),
                    email: text("email"),
                    contact_id: text("contact_id"),
                    purpose: *purpose,
                    before: text("before"),
                    after: text("after"),
                    rules: text("rules"),
                    file: text("file"),
                    written: DateTime::from_timestamp_millis(open.written).unwrap_or_default(),
                    runs: self.runs.iter().filter(|run| **run > open.written).count() as u32 + 1,
                    fate,
                    why,
                };
                ((*key, *purpose), settled)
            })
            .collect();
        settled.sort_by_cached_key(|(_, settled)| {
            (settled.system.clone(), settled.record.clone(), settled.unit.clone(), settled.purpose, settled.kind.clone())
        });
        let (keys, settled) = settled.into_iter().unzip();
        Fates { keys, settled }
    }

    fn fate(&self, key: u64, purpose: Purpose, open: &Open, ix: Option<usize>, wanted: Option<&Written>) -> (Fate, &'static str) {
        let part = self.parts.iter().find(|part| self.is_of(part, open));
        let Some(ix) = ix else {
            let gone = part.filter(|part| part.proves_absence() && !self.present.unreadable.contains(&key));
            return match gone.map(|part| self.present.systems.profiles()[part.at.0].kinds[part.at.1].grain) {
                Some(grain) if purpose == Purpose::OptIn && grain != Grain::Contact => {
                    (Fate::Landed, "the record that opted out is gone")
                }
                Some(_) => (Fate::Overtaken, "the record is gone"),
                None => (Fate::Unknown, "the record was not exported"),
            };
        };
        if !part.is_some_and(Part::is_counted) {
            return (Fate::Unknown, "there is no newer export that is not stale");
        }
        if self.has_landed(ix, purpose, open, wanted.is_some()) {
            return (Fate::Landed, "the record is as it was to be");
        }
        let same =
            wanted.is_some_and(|wanted| wanted.categories.as_deref().is_none_or(|categories| categories == open.text("after")));
        // Without the export that the opt-out stands in, nothing may have been found; the person is opted out all the same.
        let same = same || purpose == Purpose::OptOut && self.out.contains(&(ix as u32));
        let before = purpose != Purpose::Categories || self.categories(ix) == open.text("before");
        match (same, before) {
            (true, true) => (Fate::NotLanded, "the record is as before"),
            (_, false) => (Fate::Overtaken, "the record says something else"),
            (false, true) => (Fate::Overtaken, "the correction is not wanted any more"),
        }
    }

    fn is_of(&self, part: &Part, open: &Open) -> bool {
        let profile = &self.present.systems.profiles()[part.at.0];
        profile.name == open.text("system") && profile.kinds[part.at.1].name == open.text("kind")
    }

    fn has_landed(&self, ix: usize, purpose: Purpose, open: &Open, wanted: bool) -> bool {
        let delivery = self.present.delivery(ix);
        match purpose {
            Purpose::OptOut => self.present.opt(ix) == Opt::Out,
            Purpose::Unsubscribe => self.present.opt(ix) == Opt::Out && !wanted,
            Purpose::OptIn => {
                self.present.opt(ix) == Opt::In && !matches!(delivery, Delivery::Held | Delivery::Bounced | Delivery::Removed)
            }
            Purpose::Bounced => matches!(delivery, Delivery::Bounced | Delivery::Held),
            Purpose::Categories => self.categories(ix) == open.text("after"),
        }
    }

    fn categories(&self, ix: usize) -> &str {
        self.present.categories_on(ix).unwrap_or_default()
    }

    /// The rows of corrections that this run adds: those that no earlier run wrote, and all that are open where the set
    /// is whole.
    pub fn corrections(
        &self,
        written: &[Written],
        keys: &[(u64, Purpose)],
        settled: &[Settled],
        whole: bool,
    ) -> Result<DataFrame> {
        let is_open = |(_, settled): &(&(u64, Purpose), &Settled)| matches!(settled.fate, Fate::NotLanded | Fate::Unknown);
        let still_open: HashSet<(u64, Purpose)> = keys.iter().zip(settled).filter(is_open).map(|(key, _)| *key).collect();
        let mut rows: Vec<(u64, Purpose, bool, Open)> = written
            .iter()
            .filter_map(|written| {
                let key = self.present.keys[written.ix as usize];
                let is_new = key != 0 && (written.held || !still_open.contains(&(key, written.purpose)));
                is_new.then(|| (key, written.purpose, written.held, self.opened(written)))
            })
            .collect();
        if whole {
            let kept = keys.iter().filter(|key| still_open.contains(*key));
            rows.extend(kept.map(|key| (key.0, key.1, false, self.opens[key].clone())));
        }
        rows.sort_by_cached_key(|row| {
            let text = |name| row.3.text(name).to_owned();
            (text("system"), text("kind"), text("record"), text("unit"), row.1, row.2)
        });
        let text = |at: usize| -> Column {
            let texts = rows.iter().map(|(_, _, _, open)| Some(open.texts[at].as_str()).filter(|text| !text.is_empty()));
            StringChunked::from_iter_options(TEXTS[at].into(), texts).into_column()
        };
        let time = |name: &'static str, of: fn(&Open) -> Option<i64>| -> Column {
            Int64Chunked::from_iter_options(name.into(), rows.iter().map(|row| of(&row.3))).into_column()
        };
        let mut columns = vec![
            UInt64Chunked::from_iter_values("key".into(), rows.iter().map(|row| row.0)).into_column(),
            StringChunked::from_iter_values("purpose".into(), rows.iter().map(|row| row.1.word())).into_column(),
            BooleanChunked::from_iter_values("held".into(), rows.iter().map(|row| row.2)).into_column(),
            moments("written", rows.iter().map(|row| Some(row.3.written))),
            time("effective_from", |open| open.effective.map(|day| day.0)),
            time("effective_until", |open| open.effective.map(|day| day.1)),
        ];
        columns.extend((0..TEXTS.len()).map(text));
        columns.extend(Stored::columns(&rows.iter().map(|row| Some(row.3.passed_on)).collect::<Vec<_>>()));
        Ok(DataFrame::new(rows.len(), columns)?)
    }

    fn opened(&self, written: &Written) -> Open {
        let (present, ix) = (self.present, written.ix as usize);
        let (system, kind) = present.of(ix);
        let profile = &present.systems.profiles()[system];
        let (before, after) = match written.purpose {
            Purpose::OptOut | Purpose::Unsubscribe => (present.opt(ix).word().to_owned(), Opt::Out.word().to_owned()),
            Purpose::OptIn => (present.opt(ix).word().to_owned(), Opt::In.word().to_owned()),
            Purpose::Bounced => (present.delivery(ix).word().to_owned(), Delivery::Bounced.word().to_owned()),
            Purpose::Categories => (self.categories(ix).to_owned(), written.categories.clone().unwrap_or_default()),
        };
        Open {
            written: self.now,
            effective: Some(written.effective),
            passed_on: written.passed_on,
            texts: [
                profile.name.clone(),
                profile.kinds[kind].name.clone(),
                present.name(ix).to_owned(),
                present.unit(ix).unwrap_or_default().to_owned(),
                present.email(ix).unwrap_or_default().to_owned(),
                written.contact_id.clone(),
                before,
                after,
                written.rules.clone(),
                written.file.clone(),
            ],
        }
    }
}

/// One row a correction whose fate is settled.
pub(super) fn settled_frame(keys: &[(u64, Purpose)], settled: &[Settled]) -> Result<DataFrame> {
    let is_over = |(_, settled): &(&(u64, Purpose), &Settled)| matches!(settled.fate, Fate::Landed | Fate::Overtaken);
    let over: Vec<(&(u64, Purpose), &Settled)> = keys.iter().zip(settled).filter(is_over).collect();
    let text = |name: &'static str, of: fn(&Settled) -> &str| -> Column {
        let texts = over.iter().map(|(_, settled)| Some(of(settled)).filter(|text| !text.is_empty()));
        StringChunked::from_iter_options(name.into(), texts).into_column()
    };
    let columns = vec![
        UInt64Chunked::from_iter_values("key".into(), over.iter().map(|((key, _), _)| *key)).into_column(),
        text("purpose", |settled| settled.purpose.word()),
        text("state", |settled| settled.fate.word()),
        text("why", |settled| settled.why),
        moments("written", over.iter().map(|(_, settled)| Some(settled.written.timestamp_millis()))),
        UInt32Chunked::from_iter_values("runs".into(), over.iter().map(|(_, settled)| settled.runs)).into_column(),
        text("system", |settled| &settled.system),
        text("kind", |settled| &settled.kind),
        text("record", |settled| &settled.record),
        text("unit", |settled| &settled.unit),
        text("email", |settled| &settled.email),
        text("contact_id", |settled| &settled.contact_id),
        text("before", |settled| &settled.before),
        text("after", |settled| &settled.after),
    ];
    Ok(DataFrame::new(over.len(), columns)?)
}
