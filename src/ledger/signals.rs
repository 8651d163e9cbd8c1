//! What records said about consent, as earlier runs saw it: one [`Signal`] a record that is or was opted out.

use anyhow::Result;
use foldhash::HashMap;
use polars::prelude::{
    BooleanChunked, Column, DataFrame, Int64Chunked, IntoColumn, NewChunkedArray, PolarsResult, StringChunked, UInt64Chunked,
};

use crate::consent::Hardest;
use crate::ledger::files::{moments, read_moments};
use crate::ledger::open::Stored;
use crate::ledger::present::Present;
use crate::normalise::{Moment, col};

/// The opt-out of one record. Times are milliseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
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
    pub echo: Option<Echo>,
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
            let echo = written[at].map(|written| Echo { of: passed_on.at(at), written });
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
        self.of.get(&key).map(|(signal, _)| *signal)
    }

    /// All of them with their keys, in the order in which they were written.
    pub fn all(&self) -> Vec<(u64, Signal, u32)> {
        let mut all: Vec<(u64, Signal, u32)> = self.of.iter().map(|(key, (signal, row))| (*key, *signal, *row)).collect();
        all.sort_unstable_by_key(|(_, _, row)| *row);
        all
    }

    /// Whether its row names other ids or another address than a record of this run has.
    pub fn is_named_otherwise(&self, key: u64, present: &Present<'_>, ix: usize) -> bool {
        let row = self.of.get(&key).map(|(_, row)| *row);
        row.is_some_and(|row| MOVING.iter().any(|name| self.name(row, name) != named(present, ix, name)))
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
    /// A row of the signals read.
    Earlier(u32),
}

/// One row a signal; none where the record's signal is settled and goes.
pub(super) fn frame(rows: &[(u64, Option<Signal>, Whose)], present: &Present<'_>, earlier: &Signals) -> Result<DataFrame> {
    let text = |name: &'static str| -> Column {
        let texts = rows.iter().map(|(_, _, whose)| match whose {
            Whose::Present(ix) => named(present, *ix, name),
            Whose::Earlier(row) => earlier.name(*row, name),
        });
        StringChunked::from_iter_options(name.into(), texts).into_column()
    };
    let time = |name: &'static str, of: fn(&Signal) -> Option<i64>| -> Column {
        let times = rows.iter().map(|(_, signal, _)| signal.as_ref().and_then(of));
        moments(name, times)
    };
    let evidence = rows.iter().map(|(_, signal, _)| signal.map(|signal| signal.evidence));
    let passed_on: Vec<Option<Hardest>> = rows.iter().map(|(_, signal, _)| Some(signal.as_ref()?.echo?.of)).collect();
    let mut columns = vec![UInt64Chunked::from_iter_values("key".into(), rows.iter().map(|(key, _, _)| *key)).into_column()];
    columns.extend(NAMES.map(text));
    columns.extend([
        time("out_from", |signal| signal.dated.map(|dated| dated.from)),
        time("out_until", |signal| signal.dated.map(|dated| dated.until)),
        time("first", |signal| signal.first),
        time("after", |signal| signal.after),
        time("seen", |signal| Some(signal.seen)),
        time("last", |signal| Some(signal.last)),
        time("undone", |signal| signal.undone),
        BooleanChunked::from_iter_values(
            "absent".into(),
            rows.iter().map(|(_, signal, _)| signal.is_some_and(|signal| signal.absent)),
        )
        .into_column(),
        BooleanChunked::from_iter_values(
            "opted_in".into(),
            rows.iter().map(|(_, signal, _)| signal.is_some_and(|signal| signal.opted_in)),
        )
        .into_column(),
        Int64Chunked::from_iter_options("evidence".into(), evidence).into_column(),
        time("passed_on_by", |signal| signal.echo.map(|echo| echo.written)),
        BooleanChunked::from_iter_values("settled".into(), rows.iter().map(|(_, signal, _)| signal.is_none())).into_column(),
    ]);
    columns.extend(Stored::columns(&passed_on));
    Ok(DataFrame::new(rows.len(), columns)?)
}

fn named<'a>(present: &Present<'a>, ix: usize, name: &str) -> Option<&'a str> {
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
