//! What records said about consent, as earlier runs saw it: one [`Signal`] a record that is or was opted out.

use std::path::Path;

use anyhow::Result;
use foldhash::HashMap;
use polars::prelude::{
    BooleanChunked, Column, DataFrame, Int64Chunked, IntoColumn, NewChunkedArray, PolarsResult, StringChunked, UInt64Chunked,
};
use rayon::prelude::*;

use crate::consent::Hardest;
use crate::ledger::files::{TableFile, moments, read_moments};
use crate::ledger::manifest::FileEntry;
use crate::ledger::open::Stored;
use crate::ledger::present::Present;
use crate::normalise::{Moment, QuietPlace, col};

/// The opt-out of one record. Times are milliseconds since 1970 UTC.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signal {
    /// When it was opted out, as its last export dates it.
    pub dated: Option<Moment>,
    /// When it was first opted out, as far as the exports tell: for the legal clock.
    pub first: Option<i64>,
    /// When the last export was made that showed it not opted out: it was opted out after that.
    pub after: Option<i64>,
    /// The run that first saw it opted out: it was opted out before that.
    pub seen: i64,
    /// When the last export was made that showed it opted out, as far as its row says: see [`Signal::shown_until`].
    pub last: i64,
    /// Whether the exports after that one do not have the record, though it was opted out in that one.
    pub absent: bool,
    /// The run that first saw it not opted out any more, without a correction of ours.
    pub undone: Option<i64>,
    /// Whether it came with evidence that was not there before, or needs none: it was opted in between `last` and `undone`.
    pub opted_in: bool,
    /// A number that stands for the evidence cell while it was opted out; zero for a blank one.
    pub evidence: i64,
    /// Where our own correction opted it out: what that passed on.
    pub echo: Option<Box<Echo>>,
}

/// What a correction of ours passed on to a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Echo {
    /// The opt-outs that it rests on.
    pub of: Hardest,
    /// The run that wrote it.
    pub written: i64,
}

impl Signal {
    /// Whether the record is opted out as far as its newest fresh export shows.
    pub fn is_out(&self) -> bool {
        self.undone.is_none()
    }

    /// When the last export was made that showed it opted out. Rows are only written when something changes: without any
    /// since, it was opted out in every fresh export until the newest, which was made at that time.
    pub fn shown_until(&self, newest: Option<i64>) -> i64 {
        if self.is_out() && !self.absent { newest.map_or(self.last, |newest| newest.max(self.last)) } else { self.last }
    }
}

/// The signals of all records, and who they are of.
#[derive(Debug, Default)]
pub(super) struct Signals {
    of: HashMap<u64, (Signal, u32)>,
    /// The texts of the rows: system, kind, record, unit, e-mail, contact and source id.
    names: Vec<DataFrame>,
    offsets: Vec<u32>,
    rows: u32,
}

/// Whom a signal is of, in the words of the systems.
pub(super) const NAMES: [&str; 7] = ["system", "kind", "record", "unit", "email", "contact_id", "source_id"];

/// Of these, what may change while the record stays the same.
const MOVING: [&str; 3] = ["email", "contact_id", "source_id"];

impl Signals {
    /// Adds the rows of a set.
    pub fn apply(&mut self, frame: &DataFrame) -> PolarsResult<()> {
        let time = |name: &str| -> PolarsResult<Vec<Option<i64>>> { Ok(read_moments(frame, name)?.iter().collect()) };
        let flag = |name: &str| -> PolarsResult<Vec<bool>> {
            Ok(frame.column(name)?.bool()?.iter().map(|flag| flag == Some(true)).collect())
        };
        let keys = frame.column("key")?.u64()?;
        let [out_from, out_until, first, after, seen, last, undone, evidence] =
            ["out_from", "out_until", "first", "after", "seen", "last", "undone", "evidence"].map(time);
        let (out_from, out_until, first, after) = (out_from?, out_until?, first?, after?);
        let (seen, last, undone, evidence) = (seen?, last?, undone?, evidence?);
        let (opted_in, gone) = (flag("opted_in")?, flag("settled")?);
        // Earlier releases wrote every signal anew each time it was seen.
        let absent = flag("absent").unwrap_or_else(|_| vec![false; frame.height()]);
        let written = time("passed_on_by")?;
        let passed_on = Stored::of(frame)?;
        for (at, key) in keys.iter().enumerate() {
            let key = key.unwrap_or_default();
            if gone[at] {
                self.of.remove(&key);
                continue;
            }
            let echo = written[at].map(|written| Box::new(Echo { of: passed_on.at(at), written }));
            let signal = Signal {
                dated: out_from[at].zip(out_until[at]).map(|(from, until)| Moment { from, until }),
                first: first[at],
                after: after[at],
                seen: seen[at].unwrap_or_default(),
                last: last[at].unwrap_or_default(),
                undone: undone[at],
                absent: absent[at],
                opted_in: opted_in[at],
                evidence: evidence[at].unwrap_or_default(),
                echo,
            };
            self.of.insert(key, (signal, self.rows + at as u32));
        }
        self.offsets.push(self.rows);
        self.rows += frame.height() as u32;
        self.names.push(frame.select(NAMES)?);
        Ok(())
    }

    /// The signal of a record.
    pub fn get(&self, key: u64) -> Option<Signal> {
        self.of.get(&key).map(|(signal, _)| signal.clone())
    }

    /// All of them with their keys, in the order in which they were written.
    pub fn all(&self) -> Vec<(u64, &Signal, u32)> {
        let mut all: Vec<(u64, &Signal, u32)> = self.of.iter().map(|(key, (signal, row))| (*key, signal, *row)).collect();
        all.sort_unstable_by_key(|(_, _, row)| *row);
        all
    }

    /// The keys of the records, also of those whose signal has gone.
    pub fn named(&self) -> Vec<&str> {
        let keys = ["record", "email", "contact_id", "source_id"];
        let columns = self.names.iter().flat_map(|names| keys.iter().filter_map(|key| names.column(key).ok()?.str().ok()));
        columns.flat_map(|column| column.iter().flatten()).collect()
    }

    /// Whether its row has other ids or another address than a record of this run, whose texts `named` gives.
    pub fn is_named_otherwise<'a>(&self, key: u64, named: impl Fn(&str) -> Option<&'a str>) -> bool {
        let row = self.of.get(&key).map(|(_, row)| *row);
        row.is_some_and(|row| MOVING.iter().any(|name| self.name(row, name) != named(name)))
    }

    /// A text of whom a row is of.
    pub fn name(&self, row: u32, column: &str) -> Option<&str> {
        let at = self.offsets.partition_point(|offset| *offset <= row) - 1;
        self.names[at].column(column).ok()?.str().ok()?.get((row - self.offsets[at]) as usize)
    }
}

/// Where the texts of a signal that is to be written come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whose {
    /// A record of this run.
    Present(usize),
    /// A record of this run that was set aside.
    Quiet(QuietPlace),
    /// A row of the signals read.
    Earlier(u32),
}

/// Rows that are encoded at once.
const ROWS_AT_ONCE: usize = 1 << 17;

/// Writes one row a signal; none where the record's signal is settled and goes.
pub(super) fn write(
    rows: &[(u64, Option<&Signal>, Whose)],
    present: &Present<'_>,
    earlier: &Signals,
    path: &Path,
) -> Result<FileEntry> {
    let mut file = TableFile::create(path, &frame(&[], present, earlier)?)?;
    rows.chunks(ROWS_AT_ONCE).try_for_each(|rows| file.write(frame(rows, present, earlier)?))?;
    file.finish()
}

fn frame(rows: &[(u64, Option<&Signal>, Whose)], present: &Present<'_>, earlier: &Signals) -> Result<DataFrame> {
    type Make<'a> = Box<dyn Fn() -> Column + Send + Sync + 'a>;
    let text = |name: &'static str| -> Make<'_> {
        Box::new(move || {
            let texts = rows.iter().map(|(_, _, whose)| match whose {
                Whose::Present(ix) => named(present, *ix, name),
                Whose::Quiet(place) => quietly_named(present, *place, name),
                Whose::Earlier(row) => earlier.name(*row, name),
            });
            StringChunked::from_iter_options(name.into(), texts).into_column()
        })
    };
    let time = |name: &'static str, of: fn(&Signal) -> Option<i64>| -> Make<'_> {
        Box::new(move || moments(name, rows.iter().map(|(_, signal, _)| signal.and_then(of))))
    };
    let flag = |name: &'static str, of: fn(Option<&Signal>) -> bool| -> Make<'_> {
        Box::new(move || {
            BooleanChunked::from_iter_values(name.into(), rows.iter().map(|(_, signal, _)| of(*signal))).into_column()
        })
    };
    let mut columns: Vec<Make<'_>> =
        vec![Box::new(|| UInt64Chunked::from_iter_values("key".into(), rows.iter().map(|(key, _, _)| *key)).into_column())];
    columns.extend(NAMES.map(text));
    columns.extend([
        time("out_from", |signal| signal.dated.map(|dated| dated.from)),
        time("out_until", |signal| signal.dated.map(|dated| dated.until)),
        time("first", |signal| signal.first),
        time("after", |signal| signal.after),
        time("seen", |signal| Some(signal.seen)),
        time("last", |signal| Some(signal.last)),
        time("undone", |signal| signal.undone),
        flag("absent", |signal| signal.is_some_and(|signal| signal.absent)),
        flag("opted_in", |signal| signal.is_some_and(|signal| signal.opted_in)),
        Box::new(|| {
            let evidence = rows.iter().map(|(_, signal, _)| signal.map(|signal| signal.evidence));
            Int64Chunked::from_iter_options("evidence".into(), evidence).into_column()
        }),
        time("passed_on_by", |signal| signal.echo.as_ref().map(|echo| echo.written)),
        flag("settled", |signal| signal.is_none()),
    ]);
    let mut columns: Vec<Column> = columns.par_iter().map(|make| make()).collect();
    let passed_on: Vec<Option<Hardest>> = rows.iter().map(|(_, signal, _)| Some(signal.as_ref()?.echo.as_ref()?.of)).collect();
    columns.extend(Stored::columns(&passed_on));
    Ok(DataFrame::new(rows.len(), columns)?)
}

/// A text of a record that was set aside.
pub(super) fn quietly_named<'a>(present: &Present<'a>, place: QuietPlace, name: &str) -> Option<&'a str> {
    let ((system, kind), record) = present.quiet.get(place);
    let profile = &present.systems.profiles()[system];
    match name {
        "system" => Some(&profile.name),
        "kind" => Some(&profile.kinds[kind].name),
        "record" => Some(record.record),
        "unit" => None,
        "email" => record.email,
        "contact_id" => record.contact_id,
        _ => record.source_id,
    }
}

/// A text of a record of this run.
pub(super) fn named<'a>(present: &Present<'a>, ix: usize, name: &str) -> Option<&'a str> {
    let (system, kind) = present.of(ix);
    let profile = &present.systems.profiles()[system];
    match name {
        "system" => Some(&profile.name),
        "kind" => Some(&profile.kinds[kind].name),
        "record" => Some(present.name(ix)),
        "unit" => present.unit(ix),
        "email" => present.text(col::EMAILS[0], ix),
        "contact_id" => present.text(col::CONTACT_ID, ix),
        _ => present.text(col::SOURCE_ID, ix),
    }
}
