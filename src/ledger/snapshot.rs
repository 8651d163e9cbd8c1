//! The state of records as `snapshot.parquet` holds it: one row a record whose state changed since the run before,
//! or a row for every record where the set is to stand alone.

use anyhow::{Result, anyhow};
use polars::prelude::{
    Categorical8Type, CategoricalChunked, Column, DataFrame, DataType, FrozenCategories, IdxCa, IntoColumn, IntoSeries,
    NewChunkedArray, StringChunkedBuilder, UInt8Chunked, UInt32Chunked, UInt64Chunked,
};
use rayon::prelude::*;

use crate::columns::{Delivery, Opt};
use crate::ledger::files::{moments, read_moments};
use crate::ledger::parts::Part;
use crate::ledger::present::Present;
use crate::ledger::sets::Set;
use crate::ledger::state::{GONE, State};
use crate::normalise::col;

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

impl Views<'_> {
    /// The rows that the state lacks; all rows, where the set is to be whole.
    pub fn frame(&self, whole: bool) -> Result<DataFrame> {
        let present = self.present;
        let by_kind = PartNumbers::new(self.parts);
        let compared: Vec<(u32, u32, u32)> = (0..present.len())
            .into_par_iter()
            .filter(|ix| present.keys[*ix] != 0)
            .map(|ix| {
                let position = self.state.position(present.keys[ix]);
                let counted = by_kind.of(present.of(ix)).is_some_and(|part| self.parts[part].is_counted());
                let state =
                    if counted { present.state(ix) } else { position.map_or(GONE, |position| self.state.state(position)) };
                (ix as u32, position.map_or(u32::MAX, |position| position), state)
            })
            .collect();
        let mut seen = vec![false; self.state.len()];
        let (mut rows, mut since) = (Vec::new(), Vec::new());
        let mut kept: Vec<u32> = Vec::new();
        for (ix, position, state) in compared {
            let known = (position != u32::MAX).then_some(position);
            if let Some(position) = known {
                seen[position as usize] = true;
            }
            let counted = by_kind.of(present.of(ix as usize)).is_some_and(|part| self.parts[part].is_counted());
            let unchanged = known.is_some_and(|position| self.state.state(position) == state);
            match (counted, unchanged) {
                (true, false) => {
                    rows.push((ix, state));
                    since.push(None);
                }
                (true, true) if whole => {
                    rows.push((ix, state));
                    since.push(known);
                }
                (false, _) if whole => kept.extend(known),
                _ => {}
            }
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
        let mut frame = self.rows(&rows, &since)?;
        if !gone.is_empty() {
            frame.vstack_mut(&self.gone(&gone)?)?;
        }
        if !kept.is_empty() {
            frame.vstack_mut(&self.earlier(&kept)?)?;
        }
        Ok(frame)
    }

    fn rows(&self, rows: &[(u32, u32)], since: &[Option<u32>]) -> Result<DataFrame> {
        type Make<'a> = Box<dyn Fn() -> Result<Column> + Send + Sync + 'a>;
        let present = self.present;
        let each = move || rows.iter().map(|(ix, _)| *ix as usize);
        let (systems, kinds) = self.vocabularies();
        let since_of = self.since(since)?;
        let by_kind = PartNumbers::new(self.parts);
        // One after another they would take longer than all the rest of a first run's report.
        let columns: Vec<Make<'_>> = vec![
            Box::new(|| Ok(UInt64Chunked::from_iter_values("key".into(), each().map(|ix| present.keys[ix])).into_column())),
            Box::new(|| Ok(UInt32Chunked::from_iter_values("state".into(), rows.iter().map(|(_, state)| *state)).into_column())),
            Box::new(|| {
                let numbers = each().map(|ix| by_kind.of(present.of(ix)).unwrap_or_default() as u32);
                Ok(UInt32Chunked::from_iter_values("part".into(), numbers).into_column())
            }),
            Box::new(|| vocabulary("system", &systems, each().map(|ix| Some(present.of(ix).0 as u8)))),
            Box::new(|| {
                let position = |ix| kinds.iter().position(|kind| *kind == self.kind(present.of(ix)));
                vocabulary("kind", &kinds, each().map(|ix| position(ix).map(|at| at as u8)))
            }),
            Box::new(|| Ok(texts("record", each(), |ix| Some(present.name(ix))))),
            Box::new(|| Ok(texts("unit", each(), |ix| present.unit(ix)))),
            Box::new(|| Ok(texts("email", each(), |ix| present.text(col::EMAILS[0], ix)))),
            Box::new(|| vocabulary("opt", &OPTS, each().map(|ix| Some(present.opt(ix) as u8)))),
            Box::new(|| vocabulary("delivery", &deliveries(), each().map(|ix| Some(present.delivery(ix) as u8)))),
            Box::new(|| Ok(texts("categories", each(), |ix| present.text(col::CATEGORIES_ON, ix)))),
            Box::new(|| Ok(moments("opted_out", each().map(|ix| present.out_at(ix).map(|out| out.from))))),
            Box::new(|| Ok(moments("since", since_of.iter().map(|since| Some(since.unwrap_or(self.now)))))),
        ];
        let columns: Vec<Column> = columns.par_iter().map(|make| make()).collect::<Result<_>>()?;
        Ok(DataFrame::new(rows.len(), columns)?)
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
        all.map_or_else(|| self.rows(&[], &[]), Ok)
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

    /// Since when the states at these positions were seen.
    fn since(&self, positions: &[Option<u32>]) -> Result<Vec<Option<i64>>> {
        if positions.iter().all(Option::is_none) {
            return Ok(vec![None; positions.len()]);
        }
        let mut since = Vec::with_capacity(self.state.len());
        for (at, (set, _)) in self.sets.iter().enumerate() {
            // A damaged file has no positions.
            if let Ok(frame) = set.read(FILE, Some(&["since"])) {
                since.extend(read_moments(&frame, "since")?.iter());
            }
            since.resize(self.sets.get(at + 1).map_or(self.state.len(), |(_, next)| *next as usize), None);
        }
        Ok(positions.iter().map(|position| position.and_then(|position| since[position as usize])).collect())
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

    fn kind(&self, (system, kind): (usize, usize)) -> &str {
        &self.present.systems.profiles()[system].kinds[kind].name
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

/// A column of texts of records.
fn texts<'t>(name: &'static str, records: impl ExactSizeIterator<Item = usize>, of: impl Fn(usize) -> Option<&'t str>) -> Column {
    let mut texts = StringChunkedBuilder::new(name.into(), records.len());
    records.for_each(|ix| texts.append_option(of(ix)));
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
