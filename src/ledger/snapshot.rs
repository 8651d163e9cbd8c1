//! The state of records as `snapshot.parquet` holds it: one row a record whose state changed since the run before,
//! or a row for every record where the set is to stand alone.

use std::path::Path;

use anyhow::{Result, anyhow};
use polars::prelude::{
    Categorical8Type, CategoricalChunked, Column, DataFrame, DataType, FrozenCategories, IdxCa, IntoColumn, IntoSeries,
    NewChunkedArray, StringChunkedBuilder, UInt8Chunked, UInt32Chunked, UInt64Chunked,
};
use rayon::prelude::*;

use crate::columns::{Delivery, Opt};
use crate::ledger::files::{TableFile, moments, read_moments};
use crate::ledger::manifest::FileEntry;
use crate::ledger::parts::Part;
use crate::ledger::present::{Present, key_of, state_of};
use crate::ledger::sets::Set;
use crate::ledger::state::{GONE, State};
use crate::normalise::{QuietBatch, QuietPlace, QuietRecord, col};
use crate::systems::Kind;

/// The file.
pub(super) const FILE: &str = "snapshot.parquet";

/// What a record's preference can be in the file.
const OPTS: [&str; 5] = ["in", "out", "blank", "unreadable", "gone"];

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

/// Rows that are encoded at once: so many make a row group of the file.
const ROWS_AT_ONCE: usize = 1 << 17;
/// Records that are compared one after another.
const BATCH: usize = 1 << 13;

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
    /// The position of the same state in an earlier set.
    known: Option<u32>,
}

/// Some rows beside the state.
#[derive(Default)]
struct Compared<'a> {
    /// Those that are to be written.
    rows: Vec<Row<'a>>,
    /// The positions that are there still.
    seen: Vec<u32>,
    /// The positions that are to be written again as they were.
    kept: Vec<u32>,
}

impl Views<'_> {
    /// Writes the rows that the state lacks; all rows, where the set is to be whole.
    pub fn write(&self, whole: bool, path: &Path) -> Result<FileEntry> {
        let by_kind = PartNumbers::new(self.parts);
        let mut file = TableFile::create(path, &self.frame(&[], &[])?)?;
        let since = if whole { self.since()? } else { Vec::new() };
        let mut seen = vec![false; self.state.len()];
        // The states of exports that do not count stay as they were.
        let mut kept: Vec<u32> = Vec::new();
        let mut take = |compared: Vec<Compared<'_>>| -> Result<()> {
            let mut rows = Vec::with_capacity(compared.len());
            for part in compared {
                part.seen.iter().for_each(|position| seen[*position as usize] = true);
                kept.extend(part.kept);
                rows.push(part.rows);
            }
            if rows.iter().all(Vec::is_empty) { Ok(()) } else { file.write(self.frame(&rows, &since)?) }
        };
        let present = self.present;
        let all: Vec<usize> = (0..present.len()).collect();
        for some in all.chunks(ROWS_AT_ONCE) {
            let rows = |ixs: &[usize]| self.compare(ixs.iter().filter_map(|ix| self.row(*ix, &by_kind)), whole);
            take(some.par_chunks(BATCH).map(rows).collect())?;
        }
        let mut batches = present.quiet.batches().peekable();
        while batches.peek().is_some() {
            let (mut some, mut rows) = (Vec::new(), 0);
            while let Some(batch) = batches.next_if(|_| rows < ROWS_AT_ONCE) {
                rows += batch.len();
                some.push(batch);
            }
            take(some.into_par_iter().map(|batch| self.compare(self.quiet_rows(batch, &by_kind), whole)).collect())?;
        }
        for position in present.unreadable.iter().filter_map(|key| self.state.position(*key)) {
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
            file.write(self.gone(&gone)?)?;
        }
        if !kept.is_empty() {
            file.write(self.earlier(&kept)?)?;
        }
        file.finish()
    }

    /// Rows against the state.
    fn compare<'r>(&self, rows: impl Iterator<Item = Row<'r>>, whole: bool) -> Compared<'r> {
        let mut compared = Compared::default();
        for row in rows {
            let position = self.state.position(row.key);
            compared.seen.extend(position);
            let unchanged = position.filter(|position| self.state.state(*position) == row.state);
            match (self.parts[row.part].is_counted(), unchanged) {
                (true, None) => compared.rows.push(row),
                (true, Some(_)) if whole => compared.rows.push(Row { known: unchanged, ..row }),
                (false, _) if whole => compared.kept.extend(position),
                _ => {}
            }
        }
        compared
    }

    /// The row of a record; none where it has no key of its own.
    fn row(&self, ix: usize, by_kind: &PartNumbers) -> Option<Row<'_>> {
        let present = self.present;
        let of = present.of(ix);
        (present.keys[ix] != 0).then(|| Row {
            key: present.keys[ix],
            state: present.state(ix),
            part: by_kind.of(of).unwrap_or_default(),
            of,
            record: present.name(ix),
            unit: present.unit(ix),
            email: present.text(col::EMAILS[0], ix),
            opt: present.opt(ix),
            delivery: present.delivery(ix),
            categories: present.text(col::CATEGORIES_ON, ix),
            opted_out: present.out_at(ix).map(|out| out.from),
            known: None,
        })
    }

    /// The rows of records that were set aside.
    fn quiet_rows<'q>(&'q self, batch: QuietBatch<'q>, by_kind: &PartNumbers) -> impl Iterator<Item = Row<'q>> {
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
                known: None,
            }
        };
        batch.records().map(row)
    }

    /// Rows as a frame. `since` is when the states of earlier sets were first seen.
    fn frame(&self, rows: &[Vec<Row<'_>>], since: &[Option<i64>]) -> Result<DataFrame> {
        type Make<'a> = Box<dyn Fn() -> Result<Column> + Send + Sync + 'a>;
        let height = rows.iter().map(Vec::len).sum();
        let each = || rows.iter().flatten();
        let (systems, kinds) = self.vocabularies();
        let numbers: Vec<Vec<u8>> = self.kind_numbers(&kinds);
        let first_seen = |row: &Row<'_>| row.known.and_then(|known| since[known as usize]).unwrap_or(self.now);
        // One after another they would take longer than all the rest of a first run's report.
        let columns: Vec<Make<'_>> = vec![
            Box::new(|| Ok(UInt64Chunked::from_iter_values("key".into(), each().map(|row| row.key)).into_column())),
            Box::new(|| Ok(UInt32Chunked::from_iter_values("state".into(), each().map(|row| row.state)).into_column())),
            Box::new(|| Ok(UInt32Chunked::from_iter_values("part".into(), each().map(|row| row.part as u32)).into_column())),
            Box::new(|| vocabulary("system", &systems, each().map(|row| Some(row.of.0 as u8)))),
            Box::new(|| vocabulary("kind", &kinds, each().map(|row| Some(numbers[row.of.0][row.of.1])))),
            Box::new(|| Ok(texts("record", height, each(), |row| Some(row.record)))),
            Box::new(|| Ok(texts("unit", height, each(), |row| row.unit))),
            Box::new(|| Ok(texts("email", height, each(), |row| row.email))),
            Box::new(|| vocabulary("opt", &OPTS, each().map(|row| Some(row.opt as u8)))),
            Box::new(|| vocabulary("delivery", &deliveries(), each().map(|row| Some(row.delivery as u8)))),
            Box::new(|| Ok(texts("categories", height, each(), |row| row.categories))),
            Box::new(|| Ok(moments("opted_out", each().map(|row| row.opted_out)))),
            Box::new(|| Ok(moments("since", each().map(|row| Some(first_seen(row)))))),
        ];
        let columns: Vec<Column> = columns.par_iter().map(|make| make()).collect::<Result<_>>()?;
        Ok(DataFrame::new(height, columns)?)
    }

    /// The numbers of kinds among the words of the file, by system.
    fn kind_numbers(&self, words: &[&str]) -> Vec<Vec<u8>> {
        let number = |kind: &Kind| words.iter().position(|word| *word == kind.name).unwrap_or_default() as u8;
        self.present.systems.profiles().iter().map(|profile| profile.kinds.iter().map(number).collect()).collect()
    }

    /// Rows of earlier sets, as they stand there.
    fn earlier(&self, positions: &[u32]) -> Result<DataFrame> {
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
            let taken = self.in_present_words(taken, set)?;
            match &mut all {
                Some(all) => drop(all.vstack_mut(&taken)?),
                None => all = Some(taken),
            }
        }
        all.map_or_else(|| self.frame(&[], &[]), Ok)
    }

    /// The same rows with the vocabularies and the numbers of parts of this run.
    fn in_present_words(&self, mut frame: DataFrame, set: &Set) -> Result<DataFrame> {
        let (systems, kinds) = self.vocabularies();
        for (name, words) in [("system", systems.as_slice()), ("kind", &kinds), ("opt", &OPTS), ("delivery", &deliveries())] {
            let texts = frame.column(name)?.cast(&DataType::String)?;
            let positions = texts.str()?.iter().map(|text| words.iter().position(|word| Some(*word) == text).map(|at| at as u8));
            frame.with_column(vocabulary(name, words, positions.collect::<Vec<_>>().into_iter())?)?;
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
    fn gone(&self, positions: &[u32]) -> Result<DataFrame> {
        let mut frame = self.earlier(positions)?;
        let height = frame.height();
        let nothing = std::iter::repeat_n(None, height);
        frame.with_column(UInt32Chunked::from_vec("state".into(), vec![GONE; height]).into_column())?;
        frame.with_column(vocabulary("opt", &OPTS, std::iter::repeat_n(Some(OPTS.len() as u8 - 1), height))?)?;
        frame.with_column(vocabulary("delivery", &deliveries(), nothing)?)?;
        frame.with_column(moments("since", std::iter::repeat_n(Some(self.now), height)))?;
        Ok(frame)
    }

    /// Since when the states at all positions were seen.
    fn since(&self) -> Result<Vec<Option<i64>>> {
        let mut since = Vec::with_capacity(self.state.len());
        for (at, (set, _)) in self.sets.iter().enumerate() {
            // A damaged file has no positions.
            if let Ok(frame) = set.read(FILE, Some(&["since"])) {
                since.extend(read_moments(&frame, "since")?.iter());
            }
            since.resize(self.sets.get(at + 1).map_or(self.state.len(), |(_, next)| *next as usize), None);
        }
        Ok(since)
    }

    fn vocabularies(&self) -> (Vec<&str>, Vec<&str>) {
        let profiles = self.present.systems.profiles();
        let mut kinds: Vec<&str> = profiles.iter().flat_map(|profile| &profile.kinds).map(|kind| kind.name.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        (profiles.iter().map(|profile| profile.name.as_str()).collect(), kinds)
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

fn deliveries() -> Vec<&'static str> {
    Delivery::ALL.iter().map(|delivery| delivery.word()).collect()
}

/// A column of texts.
fn texts<'r, R: 'r>(
    name: &'static str,
    height: usize,
    rows: impl Iterator<Item = &'r R>,
    of: impl Fn(&'r R) -> Option<&'r str>,
) -> Column {
    let mut texts = StringChunkedBuilder::new(name.into(), height);
    rows.for_each(|row| texts.append_option(of(row)));
    texts.finish().into_column()
}

/// A column of few words: in the file a dictionary, for readers text.
fn vocabulary(name: &'static str, words: &[&str], positions: impl Iterator<Item = Option<u8>>) -> Result<Column> {
    let dtype = DataType::from_frozen_categories(FrozenCategories::new(words.iter().copied())?);
    let positions = UInt8Chunked::from_iter_options(name.into(), positions);
    Ok(CategoricalChunked::<Categorical8Type>::from_cats_and_dtype(positions, dtype).into_series().into())
}

/// The preference in [`OPTS`] has the position that it has in [`Opt`].
const _: () = assert!(Opt::Unreadable as usize == 3);
