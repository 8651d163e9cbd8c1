//! The columns of a snapshot, filled a row at a time.

use anyhow::Result;
use polars::prelude::{
    Categorical8Type, CategoricalChunked, ChunkedBuilder, Column, DataFrame, DataType, FrozenCategories, Int64Chunked, Int64Type,
    IntoColumn, IntoSeries, NewChunkedArray, PrimitiveChunkedBuilder, StringChunkedBuilder, TimeUnit, UInt8Chunked,
    UInt32Chunked, UInt64Chunked,
};

use super::Row;
use crate::columns::{Delivery, Opt};
use crate::systems::{Kind, Systems};

/// What a record's preference can be in the file.
const OPTS: [&str; 5] = ["in", "out", "blank", "unreadable", "gone"];

/// The preference in [`OPTS`] has the position that it has in [`Opt`].
const _: () = assert!(Opt::Unreadable as usize == 3);

/// The few words of a column: in the file a dictionary, for readers text.
pub(super) struct Vocabulary<'a> {
    words: Vec<&'a str>,
    dtype: DataType,
}

impl<'a> Vocabulary<'a> {
    fn new(words: Vec<&'a str>) -> Result<Vocabulary<'a>> {
        let dtype = DataType::from_frozen_categories(FrozenCategories::new(words.iter().copied())?);
        Ok(Vocabulary { words, dtype })
    }

    /// The position of a word.
    pub fn position(&self, word: &str) -> Option<u8> {
        self.words.iter().position(|known| *known == word).map(|at| at as u8)
    }

    /// A column of words by their positions.
    pub fn column(&self, name: &'static str, positions: Vec<Option<u8>>) -> Column {
        self.named(UInt8Chunked::from_iter_options(name.into(), positions.into_iter()))
    }

    /// Likewise, of rows that all have one.
    fn full(&self, name: &'static str, positions: Vec<u8>) -> Column {
        self.named(UInt8Chunked::from_vec(name.into(), positions))
    }

    fn named(&self, positions: UInt8Chunked) -> Column {
        CategoricalChunked::<Categorical8Type>::from_cats_and_dtype(positions, self.dtype.clone()).into_series().into()
    }
}

/// The words of the file.
pub(super) struct Words<'a> {
    systems: Vocabulary<'a>,
    kinds: Vocabulary<'a>,
    pub opts: Vocabulary<'a>,
    pub deliveries: Vocabulary<'a>,
    /// The position of each kind among the words, by system.
    kind_of: Vec<Vec<u8>>,
}

impl<'a> Words<'a> {
    pub fn new(systems: &'a Systems) -> Result<Words<'a>> {
        let profiles = systems.profiles();
        let mut kinds: Vec<&str> = profiles.iter().flat_map(|profile| &profile.kinds).map(|kind| kind.name.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let kinds = Vocabulary::new(kinds)?;
        let position = |kind: &Kind| kinds.position(&kind.name).unwrap_or_default();
        Ok(Words {
            kind_of: profiles.iter().map(|profile| profile.kinds.iter().map(position).collect()).collect(),
            systems: Vocabulary::new(profiles.iter().map(|profile| profile.name.as_str()).collect())?,
            kinds,
            opts: Vocabulary::new(OPTS.to_vec())?,
            deliveries: Vocabulary::new(Delivery::ALL.iter().map(|delivery| delivery.word()).collect())?,
        })
    }

    /// The columns that have few words.
    pub fn all(&self) -> [(&'static str, &Vocabulary<'a>); 4] {
        [("system", &self.systems), ("kind", &self.kinds), ("opt", &self.opts), ("delivery", &self.deliveries)]
    }
}

/// The rows of a row group.
pub(super) struct Columns {
    keys: Vec<u64>,
    states: Vec<u32>,
    parts: Vec<u32>,
    systems: Vec<u8>,
    kinds: Vec<u8>,
    records: StringChunkedBuilder,
    units: StringChunkedBuilder,
    emails: StringChunkedBuilder,
    opts: Vec<u8>,
    deliveries: Vec<u8>,
    categories: StringChunkedBuilder,
    opted_out: PrimitiveChunkedBuilder<Int64Type>,
    since: Vec<i64>,
}

impl Columns {
    /// No rows yet, with room for so many.
    pub fn with_capacity(rows: usize) -> Columns {
        let texts = |name: &'static str| StringChunkedBuilder::new(name.into(), rows);
        Columns {
            keys: Vec::with_capacity(rows),
            states: Vec::with_capacity(rows),
            parts: Vec::with_capacity(rows),
            systems: Vec::with_capacity(rows),
            kinds: Vec::with_capacity(rows),
            records: texts("record"),
            units: texts("unit"),
            emails: texts("email"),
            opts: Vec::with_capacity(rows),
            deliveries: Vec::with_capacity(rows),
            categories: texts("categories"),
            opted_out: PrimitiveChunkedBuilder::new("opted_out".into(), rows),
            since: Vec::with_capacity(rows),
        }
    }

    /// Adds a row whose state was first seen at a time.
    pub fn push(&mut self, row: &Row<'_>, since: i64, words: &Words<'_>) {
        let (system, kind) = row.of;
        self.keys.push(row.key);
        self.states.push(row.state);
        self.parts.push(row.part as u32);
        self.systems.push(system as u8);
        self.kinds.push(words.kind_of[system][kind]);
        self.records.append_value(row.record);
        self.units.append_option(row.unit);
        self.emails.append_option(row.email);
        self.opts.push(row.opt as u8);
        self.deliveries.push(row.delivery as u8);
        self.categories.append_option(row.categories);
        self.opted_out.append_option(row.opted_out);
        self.since.push(since);
    }

    /// The rows as a frame.
    pub fn frame(self, words: &Words<'_>) -> Result<DataFrame> {
        let times = |times: Int64Chunked| times.into_datetime(TimeUnit::Milliseconds, None).into_column();
        let height = self.keys.len();
        let columns = vec![
            UInt64Chunked::from_vec("key".into(), self.keys).into_column(),
            UInt32Chunked::from_vec("state".into(), self.states).into_column(),
            UInt32Chunked::from_vec("part".into(), self.parts).into_column(),
            words.systems.full("system", self.systems),
            words.kinds.full("kind", self.kinds),
            self.records.finish().into_column(),
            self.units.finish().into_column(),
            self.emails.finish().into_column(),
            words.opts.full("opt", self.opts),
            words.deliveries.full("delivery", self.deliveries),
            self.categories.finish().into_column(),
            times(self.opted_out.finish()),
            times(Int64Chunked::from_vec("since".into(), self.since)),
        ];
        Ok(DataFrame::new(height, columns)?)
    }
}
