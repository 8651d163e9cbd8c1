//! The state of records as `snapshot.parquet` holds it: one row a record whose state changed since the run before,
//! or a row for every record where the set is to stand alone.

mod columns;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, anyhow};
use polars::prelude::{DataFrame, DataType, IdxCa, IntoColumn, UInt32Chunked};

use crate::columns::{Delivery, Opt};
use crate::ledger::files::{TableFile, moments, read_moments};
use crate::ledger::manifest::FileEntry;
use crate::ledger::parts::Part;
use crate::ledger::present::{Present, key_of, state_of};
use crate::ledger::sets::Set;
use crate::ledger::state::{Finder, GONE, State};
use crate::normalise::{OpenBatch, QuietBatch, QuietPlace, QuietRecord};
use columns::{Columns, Words};

/// The file.
pub(super) const FILE: &str = "snapshot.parquet";

/// What a snapshot is made from.
pub(super) struct Views<'a> {
    pub present: &'a Present<'a>,
    pub state: &'a State,
    pub parts: &'a [Part],
    /// The sets that the state was read from, in order, each with its first position.
    pub sets: &'a [(&'a Set, u32)],
    /// The run's time.
    pub now: i64,
}

/// Records that are looked at at once: what is to be written of them makes a row group of the file.
const RECORDS_AT_ONCE: usize = 1 << 16;

/// One row of the file.
struct Row<'a> {
    key: u64,
    state: u32,
    part: usize,
    of: (usize, usize),
    record: &'a str,
    unit: Option<&'a str>,
    email: Option<&'a str>,
    opt: Opt,
    delivery: Delivery,
    categories: Option<&'a str>,
    opted_out: Option<i64>,
}

/// Some records of this run.
enum Records<'a> {
    /// By their numbers.
    Present(std::ops::Range<usize>),
    /// That were set aside.
    Quiet(Vec<QuietBatch<'a>>),
}

/// What is known of the positions of the state while the records are looked at.
struct Met<'a> {
    by_kind: PartNumbers,
    words: Words<'a>,
    /// When the states were first seen, where the set is to be whole.
    since: Option<Vec<i64>>,
    /// The positions that are there still.
    seen: Vec<AtomicBool>,
    /// The positions that are to be written again as they were: the states of exports that do not count.
    kept: Mutex<Vec<u32>>,
}

impl Views<'_> {
    /// Writes the rows that the state lacks; all rows, where the set is to be whole.
    pub fn write(&self, whole: bool, path: &Path) -> Result<FileEntry> {
        let met = Met {
            by_kind: PartNumbers::new(self.parts),
            words: Words::new(self.present.systems)?,
            since: if whole { Some(self.since()?) } else { None },
            seen: std::iter::repeat_with(AtomicBool::default).take(self.state.len()).collect(),
            kept: Mutex::default(),
        };
        let file = TableFile::create(path, &self.empty(&met.words)?)?;
        file.write_all(self.records(), |some| self.lacking(some, &met))?;

        let Met { words, seen, kept, .. } = met;
        let mut seen: Vec<bool> = seen.into_iter().map(AtomicBool::into_inner).collect();
        let mut kept = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        for position in self.present.unreadable.iter().filter_map(|key| self.state.position(*key)) {
            if !std::mem::replace(&mut seen[position as usize], true) && whole {
                kept.push(position);
            }
        }
        let mut gone: Vec<u32> = Vec::new();
        for (position, name) in self.state.unseen(&seen) {
            match name.and_then(|name| self.part(name)).is_some_and(|part| self.parts[part].proves_absence()) {
                true if !whole => gone.push(position),
                false if whole => kept.push(position),
                _ => {}
            }
        }
        kept.sort_unstable();
        if !gone.is_empty() {
            file.write(self.gone(&gone, &words)?)?;
        }
        if !kept.is_empty() {
            file.write(self.earlier(&kept, &words)?)?;
        }
        file.finish()
    }

    /// All records of the run, some at once.
    fn records(&self) -> impl Iterator<Item = Records<'_>> {
        let count = self.present.len();
        let present = (0..count).step_by(RECORDS_AT_ONCE).map(move |from| from..count.min(from + RECORDS_AT_ONCE));
        let mut batches = self.present.quiet.batches().peekable();
        let quiet = std::iter::from_fn(move || {
            let (mut some, mut records) = (Vec::new(), 0);
            while let Some(batch) = batches.next_if(|_| records < RECORDS_AT_ONCE) {
                records += batch.len();
                some.push(batch);
            }
            (!some.is_empty()).then_some(some)
        });
        present.map(Records::Present).chain(quiet.map(Records::Quiet))
    }

    /// The rows of some records that are to be written.
    fn lacking(&self, some: Records<'_>, met: &Met<'_>) -> Result<DataFrame> {
        match some {
            Records::Present(ixs) => {
                let size = ixs.len();
                self.compared(ixs.filter_map(|ix| self.row(ix, &met.by_kind)), size, met)
            }
            Records::Quiet(batches) => {
                let size = batches.iter().map(|batch| batch.len()).sum();
                let batches: Vec<OpenBatch<'_>> = batches.into_iter().map(QuietBatch::open).collect::<Result<_>>()?;
                self.compared(batches.iter().flat_map(|batch| self.quiet_rows(batch, &met.by_kind)), size, met)
            }
        }
    }

    /// Rows against the state: those that it lacks, and all where the set is to be whole.
    fn compared<'r>(&self, rows: impl Iterator<Item = Row<'r>>, size: usize, met: &Met<'_>) -> Result<DataFrame> {
        let whole = met.since.is_some();
        let mut columns = Columns::with_capacity(if whole { size } else { 0 });
        let mut kept: Vec<u32> = Vec::new();
        let mut known = Finder::new(self.state);
        for row in rows {
            let position = known.position(row.key);
            if let Some(position) = position {
                met.seen[position as usize].store(true, Relaxed);
            }
            let unchanged = position.filter(|position| self.state.state(*position) == row.state);
            match (self.parts[row.part].is_counted(), unchanged, &met.since) {
                (true, None, _) => columns.push(&row, self.now, &met.words),
                (true, Some(position), Some(since)) => columns.push(&row, since[position as usize], &met.words),
                (false, _, Some(_)) => kept.extend(position),
                _ => {}
            }
        }
        met.kept.lock().unwrap_or_else(PoisonError::into_inner).append(&mut kept);
        columns.frame(&met.words)
    }

    /// The row of a record; none where it has no key of its own.
    fn row(&self, ix: usize, by_kind: &PartNumbers) -> Option<Row<'_>> {
        let present = self.present;
        let of = present.of(ix);
        (present.keys[ix] != 0).then(|| {
            let (opt, delivery, out) = (present.opt(ix), present.delivery(ix), present.out_at(ix));
            let (email, categories) = (present.email(ix), present.categories_on(ix));
            Row {
                key: present.keys[ix],
                state: state_of(opt, delivery, email, categories, out),
                part: by_kind.of(of).unwrap_or_default(),
                of,
                record: present.name(ix),
                unit: present.unit(ix),
                email,
                opt,
                delivery,
                categories,
                opted_out: out.map(|out| out.from),
            }
        })
    }

    /// The rows of records that were set aside.
    fn quiet_rows<'q>(&'q self, batch: &'q OpenBatch<'_>, by_kind: &PartNumbers) -> impl Iterator<Item = Row<'q>> {
        let part = by_kind.of(batch.of).unwrap_or_default();
        let prefix = self.present.prefix(batch.of);
        let row = move |(_, record): (QuietPlace, QuietRecord<'q>)| {
            let categories = record.categories_on.map(|categories| self.present.texts.get(categories));
            Row {
                key: key_of(prefix, record.record, None),
                state: state_of(record.opt, record.delivery, record.email, categories, record.out),
                part,
                of: batch.of,
                record: record.record,
                unit: None,
                email: record.email,
                opt: record.opt,
                delivery: record.delivery,
                categories,
                opted_out: record.out.map(|out| out.from),
            }
        };
        batch.records().map(row)
    }

    /// No rows.
    fn empty(&self, words: &Words<'_>) -> Result<DataFrame> {
        Columns::with_capacity(0).frame(words)
    }

    /// Rows of earlier sets, as they stand there.
    fn earlier(&self, positions: &[u32], words: &Words<'_>) -> Result<DataFrame> {
        let mut all: Option<DataFrame> = None;
        for (at, (set, first)) in self.sets.iter().enumerate() {
            let end = self.sets.get(at + 1).map_or(u32::MAX, |(_, next)| *next);
            let of_set: Vec<u32> =
                positions.iter().filter(|position| (*first..end).contains(position)).map(|position| position - first).collect();
            if of_set.is_empty() {
                continue;
            }
            let frame = set.read(FILE, None).map_err(|what| anyhow!(what))?;
            let taken = frame.take(&IdxCa::from_vec("rows".into(), of_set))?;
            let taken = self.in_present_words(taken, set, words)?;
            match &mut all {
                Some(all) => drop(all.vstack_mut(&taken)?),
                None => all = Some(taken),
            }
        }
        all.map_or_else(|| self.empty(words), Ok)
    }

    /// The same rows with the vocabularies and the numbers of parts of this run.
    fn in_present_words(&self, mut frame: DataFrame, set: &Set, words: &Words<'_>) -> Result<DataFrame> {
        for (name, vocabulary) in words.all() {
            let texts = frame.column(name)?.cast(&DataType::String)?;
            let positions = texts.str()?.iter().map(|text| vocabulary.position(text?)).collect();
            frame.with_column(vocabulary.column(name, positions))?;
        }
        let numbers: Vec<u32> = set.manifest.parts.iter().map(|part| self.part(part).unwrap_or_default() as u32).collect();
        let parts: Vec<u32> = frame
            .column("part")?
            .u32()?
            .iter()
            .map(|part| numbers.get(part.unwrap_or_default() as usize).copied().unwrap_or_default())
            .collect();
        frame.with_column(UInt32Chunked::from_vec("part".into(), parts).into_column())?;
        Ok(frame)
    }

    /// Rows that say that a record is there no more.
    fn gone(&self, positions: &[u32], words: &Words<'_>) -> Result<DataFrame> {
        let mut frame = self.earlier(positions, words)?;
        let height = frame.height();
        frame.with_column(UInt32Chunked::from_vec("state".into(), vec![GONE; height]).into_column())?;
        frame.with_column(words.opts.column("opt", vec![words.opts.position("gone"); height]))?;
        frame.with_column(words.deliveries.column("delivery", vec![None; height]))?;
        frame.with_column(moments("since", std::iter::repeat_n(Some(self.now), height)))?;
        Ok(frame)
    }

    /// Since when the states at all positions were seen; where no set tells, since now.
    fn since(&self) -> Result<Vec<i64>> {
        let mut since = Vec::with_capacity(self.state.len());
        for (at, (set, _)) in self.sets.iter().enumerate() {
            // A damaged file has no positions.
            if let Ok(frame) = set.read(FILE, Some(&["since"])) {
                since.extend(read_moments(&frame, "since")?.iter().map(|since| since.unwrap_or(self.now)));
            }
            since.resize(self.sets.get(at + 1).map_or(self.state.len(), |(_, next)| *next as usize), self.now);
        }
        Ok(since)
    }

    /// The part of that name, where there still is such a system and kind.
    fn part(&self, (system, kind): &(String, String)) -> Option<usize> {
        let profiles = self.present.systems.profiles();
        let is_it = |part: &Part| profiles[part.at.0].name == *system && profiles[part.at.0].kinds[part.at.1].name == *kind;
        self.parts.iter().position(is_it)
    }
}

/// The part of a system and kind, found at once.
struct PartNumbers(Vec<Vec<Option<usize>>>);

impl PartNumbers {
    fn new(parts: &[Part]) -> PartNumbers {
        let mut numbers: Vec<Vec<Option<usize>>> = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let (system, kind) = part.at;
            numbers.resize_with(numbers.len().max(system + 1), Vec::new);
            let kinds = &mut numbers[system];
            kinds.resize(kinds.len().max(kind + 1), None);
            kinds[kind] = Some(at);
        }
        PartNumbers(numbers)
    }

    fn of(&self, (system, kind): (usize, usize)) -> Option<usize> {
        *self.0.get(system)?.get(kind)?
    }
}
