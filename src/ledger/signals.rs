//! What records said about consent, as earlier runs saw it: one [`Signal`] a record that is or was opted out.

use std::path::Path;

use anyhow::Result;
use foldhash::HashMap;
use polars::prelude::{
    BooleanChunked, BooleanType, ChunkedBuilder, DataFrame, Int64Chunked, Int64Type, IntoColumn, NewChunkedArray, PolarsResult,
    PrimitiveChunkedBuilder, StringChunkedBuilder, StringType, TimeUnit, UInt64Chunked,
};

use crate::column_cells::ColumnCells;
use crate::columns::ADDRESSES;
use crate::hardest::Hardest;
use crate::ledger::files::{TableFile, moments, read_moments};
use crate::ledger::manifest::FileEntry;
use crate::ledger::open::Stored;
use crate::ledger::opt_outs::OptOuts;
use crate::ledger::present::Present;
use crate::normalise::{QuietPlace, QuietRecord};
use crate::times::Moment;

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
    /// A number that stands for the evidence cell while it was opted out; zero for a blank one, and one of its own where the
    /// export had no such column.
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
    /// The row of each record's signal.
    of: HashMap<u64, u32>,
    /// By row, also those that later sets replace or that are settled.
    signals: Vec<Signal>,
    /// The texts of the rows, see [`NAMES`]. Earlier releases kept one address alone.
    names: Vec<[Option<ColumnCells<StringType>>; NAMES.len()]>,
    offsets: Vec<u32>,
}

/// Whom a signal is of, in the words of the systems.
pub(super) const NAMES: [&str; IDS.end + ADDRESSES - 1] = [
    "system",
    "kind",
    "record",
    "unit",
    "contact_id",
    "source_id",
    "email",
    "email_2",
    "email_3",
    "email_4",
    "email_5",
    "email_6",
];

/// The texts of a row in the order of [`NAMES`].
pub(super) type Named<'a> = [Option<&'a str>; NAMES.len()];

/// Of these, what may change while the record stays the same: contact and source id, and the addresses.
const MOVING: std::ops::Range<usize> = 4..NAMES.len();

/// Of these, the ids and the first address.
const IDS: std::ops::Range<usize> = 4..7;

/// Of these, what is a key of the person: those and the record's own.
const KEYS: [usize; 4] = [2, 4, 5, 6];

impl Signals {
    /// Adds the rows of a set.
    pub fn apply(&mut self, frame: &DataFrame) -> PolarsResult<()> {
        let time = |name: &str| -> PolarsResult<ColumnCells<Int64Type>> { Ok(ColumnCells::of(&read_moments(frame, name)?)) };
        let flag = |name: &str| -> PolarsResult<ColumnCells<BooleanType>> { Ok(ColumnCells::of(frame.column(name)?.bool()?)) };
        let keys = frame.column("key")?.u64()?;
        let (out_from, out_until, first, after) = (time("out_from")?, time("out_until")?, time("first")?, time("after")?);
        let (seen, last, undone, evidence) = (time("seen")?, time("last")?, time("undone")?, time("evidence")?);
        let (opted_in, gone) = (flag("opted_in")?, flag("settled")?);
        // Earlier releases wrote every signal anew each time it was seen.
        let absent = flag("absent").ok();
        let (written, passed_on) = (time("passed_on_by")?, Stored::of(frame)?);
        let names = NAMES.iter().enumerate().map(|(at, name)| match frame.column(name) {
            Err(_) if !IDS.contains(&at) && MOVING.contains(&at) => Ok(None),
            column => Ok(Some(ColumnCells::of(column?.str()?))),
        });
        let names = names.collect::<PolarsResult<Vec<_>>>()?;
        self.names.push(names.try_into().unwrap_or_else(|_| unreachable!("a column each")));
        self.offsets.push(self.signals.len() as u32);
        self.of.reserve(frame.height());
        self.signals.reserve(frame.height());
        for (at, key) in keys.iter().enumerate() {
            let key = key.unwrap_or_default();
            let is_set = |flags: &ColumnCells<BooleanType>| flags.get(at) == Some(true);
            let signal = Signal {
                dated: out_from.get(at).zip(out_until.get(at)).map(|(from, until)| Moment { from, until }),
                first: first.get(at),
                after: after.get(at),
                seen: seen.get(at).unwrap_or_default(),
                last: last.get(at).unwrap_or_default(),
                undone: undone.get(at),
                absent: absent.as_ref().is_some_and(is_set),
                opted_in: is_set(&opted_in),
                evidence: evidence.get(at).unwrap_or_default(),
                echo: written.get(at).map(|written| Box::new(Echo { of: passed_on.at(at), written })),
            };
            match is_set(&gone) {
                true => self.of.remove(&key),
                false => self.of.insert(key, self.signals.len() as u32),
            };
            self.signals.push(signal);
        }
        Ok(())
    }

    /// The signal of a record, and its row.
    pub fn find(&self, key: u64) -> Option<(&Signal, u32)> {
        self.of.get(&key).map(|row| (&self.signals[*row as usize], *row))
    }

    /// Rows of all sets.
    pub fn rows(&self) -> usize {
        self.signals.len()
    }

    /// All but those of the marked rows, with their keys, in the order in which they were written.
    pub fn all_but(&self, marked: &[bool]) -> Vec<(u64, &Signal, u32)> {
        let rest = self.of.iter().filter(|(_, row)| !marked[**row as usize]);
        let mut rest: Vec<(u64, &Signal, u32)> = rest.map(|(key, row)| (*key, &self.signals[*row as usize], *row)).collect();
        rest.sort_unstable_by_key(|(_, _, row)| *row);
        rest
    }

    /// The keys of each record, also of those whose signal has gone; once for each of its addresses.
    pub fn named(&self) -> Vec<[Option<&str>; KEYS.len()]> {
        let mut named = Vec::with_capacity(self.signals.len());
        for row in 0..self.signals.len() as u32 {
            let keys = KEYS.map(|at| self.text(row, at));
            named.push(keys);
            named.extend(self.further(row).map(|email| [keys[0], keys[1], keys[2], Some(email)]));
        }
        named
    }

    /// The addresses of a row behind its first.
    pub fn further(&self, row: u32) -> impl Iterator<Item = &str> {
        (IDS.end..NAMES.len()).filter_map(move |at| self.text(row, at))
    }

    /// Whether a record of this run has other ids or another address than a row: what it has not is left as it was.
    pub fn is_named_otherwise(&self, row: u32, named: &Named<'_>) -> bool {
        MOVING.into_iter().any(|at| named[at].is_some() && self.text(row, at) != named[at])
    }

    /// Whether a row has an id, or an address, where a record of this run has none.
    pub fn knows_more(&self, row: u32, named: &Named<'_>) -> bool {
        IDS.into_iter().any(|at| named[at].is_none() && self.text(row, at).is_some())
    }

    /// Whom a record of this run is of, with what its row has where the record has nothing.
    fn completed<'a>(&'a self, key: u64, named: Named<'a>) -> Named<'a> {
        let Some((_, row)) = self.find(key) else { return named };
        std::array::from_fn(|at| if MOVING.contains(&at) { named[at].or_else(|| self.text(row, at)) } else { named[at] })
    }

    /// A text of whom a row is of.
    pub fn name(&self, row: u32, column: &str) -> Option<&str> {
        self.text(row, NAMES.iter().position(|name| *name == column)?)
    }

    fn text(&self, row: u32, at: usize) -> Option<&str> {
        let set = self.offsets.partition_point(|offset| *offset <= row) - 1;
        self.names[set][at].as_ref()?.get((row - self.offsets[set]) as usize)
    }

    /// The texts of a row.
    fn texts(&self, row: u32) -> Named<'_> {
        std::array::from_fn(|at| self.text(row, at))
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

/// A signal that is to be written, with the key of its record; none where it is settled and goes.
pub(super) type Change<'a> = (u64, Option<&'a Signal>, Whose);

/// Rows that are encoded at once.
const ROWS_AT_ONCE: usize = 1 << 16;

/// Some of the rows.
enum Rows<'a> {
    /// Of records that were set aside: their signals are made as they are written.
    Quiet(&'a [QuietPlace]),
    Others(&'a [Change<'a>]),
}

/// Writes one row a signal, those of records that were set aside first.
pub(super) fn write(quiet: &[QuietPlace], others: &[Change<'_>], opt_outs: &OptOuts<'_>, path: &Path) -> Result<FileEntry> {
    let file = TableFile::create(path, &Columns::with_capacity(0).frame()?)?;
    let quiet = quiet.chunks(ROWS_AT_ONCE).map(Rows::Quiet);
    file.write_all(quiet.chain(others.chunks(ROWS_AT_ONCE).map(Rows::Others)), |rows| frame(&rows, opt_outs))?;
    file.finish()
}

fn frame(rows: &Rows<'_>, opt_outs: &OptOuts<'_>) -> Result<DataFrame> {
    let present = opt_outs.present;
    match rows {
        Rows::Quiet(places) => {
            let mut columns = Columns::with_capacity(places.len());
            for places in places.chunk_by(QuietPlace::is_beside) {
                let batch = present.quiet.batch_of(places[0]).open()?;
                for record in places.iter().map(|place| batch.get(*place)) {
                    let (key, signal) = opt_outs.quiet_signal(batch.of, &record);
                    columns.push(key, opt_outs.signals.completed(key, quietly_named(present, batch.of, &record)), Some(&signal));
                }
            }
            columns.frame()
        }
        Rows::Others(changes) => {
            let mut columns = Columns::with_capacity(changes.len());
            for (key, signal, whose) in *changes {
                let named = match whose {
                    Whose::Present(ix) => opt_outs.signals.completed(*key, named(present, *ix)),
                    Whose::Earlier(row) => opt_outs.signals.texts(*row),
                };
                columns.push(*key, named, *signal);
            }
            columns.frame()
        }
    }
}

/// The times of a signal that are columns.
type Of = fn(&Signal) -> Option<i64>;
const TIMES: [(&str, Of); 7] = [
    ("out_from", |signal| signal.dated.map(|dated| dated.from)),
    ("out_until", |signal| signal.dated.map(|dated| dated.until)),
    ("first", |signal| signal.first),
    ("after", |signal| signal.after),
    ("seen", |signal| Some(signal.seen)),
    ("last", |signal| Some(signal.last)),
    ("undone", |signal| signal.undone),
];

/// The rows of a row group, filled one at a time.
struct Columns {
    keys: Vec<u64>,
    names: [StringChunkedBuilder; NAMES.len()],
    times: [PrimitiveChunkedBuilder<Int64Type>; TIMES.len()],
    absent: Vec<bool>,
    opted_in: Vec<bool>,
    evidence: Vec<Option<i64>>,
    passed_on_by: Vec<Option<i64>>,
    settled: Vec<bool>,
    passed_on: Vec<Option<Hardest>>,
}

impl Columns {
    fn with_capacity(rows: usize) -> Columns {
        Columns {
            keys: Vec::with_capacity(rows),
            names: NAMES.map(|name| StringChunkedBuilder::new(name.into(), rows)),
            times: TIMES.map(|(name, _)| PrimitiveChunkedBuilder::new(name.into(), rows)),
            absent: Vec::with_capacity(rows),
            opted_in: Vec::with_capacity(rows),
            evidence: Vec::with_capacity(rows),
            passed_on_by: Vec::with_capacity(rows),
            settled: Vec::with_capacity(rows),
            passed_on: Vec::with_capacity(rows),
        }
    }

    fn push(&mut self, key: u64, named: Named<'_>, signal: Option<&Signal>) {
        let echo = signal.and_then(|signal| signal.echo.as_deref());
        self.keys.push(key);
        self.names.iter_mut().zip(named).for_each(|(names, name)| names.append_option(name));
        self.times.iter_mut().zip(TIMES).for_each(|(times, (_, of))| times.append_option(signal.and_then(of)));
        self.absent.push(signal.is_some_and(|signal| signal.absent));
        self.opted_in.push(signal.is_some_and(|signal| signal.opted_in));
        self.evidence.push(signal.map(|signal| signal.evidence));
        self.passed_on_by.push(echo.map(|echo| echo.written));
        self.settled.push(signal.is_none());
        self.passed_on.push(echo.map(|echo| echo.of));
    }

    fn frame(self) -> Result<DataFrame> {
        let height = self.keys.len();
        let flags = |name: &str, flags: Vec<bool>| BooleanChunked::from_iter_values(name.into(), flags.into_iter()).into_column();
        let mut columns = vec![UInt64Chunked::from_vec("key".into(), self.keys).into_column()];
        columns.extend(self.names.map(|names| names.finish().into_column()));
        columns.extend(self.times.map(|times| times.finish().into_datetime(TimeUnit::Milliseconds, None).into_column()));
        columns.extend([
            flags("absent", self.absent),
            flags("opted_in", self.opted_in),
            Int64Chunked::from_iter_options("evidence".into(), self.evidence.into_iter()).into_column(),
            moments("passed_on_by", self.passed_on_by.into_iter()),
            flags("settled", self.settled),
        ]);
        columns.extend(Stored::columns(&self.passed_on));
        Ok(DataFrame::new(height, columns)?)
    }
}

/// The texts of a record that was set aside.
pub(super) fn quietly_named<'a>(present: &Present<'a>, (system, kind): (usize, usize), record: &QuietRecord<'a>) -> Named<'a> {
    let profile = &present.systems.profiles()[system];
    let of = [&profile.name, &profile.kinds[kind].name].map(|name| Some(name.as_str()));
    let further = [record.second, None, None, None, None];
    whole(of, [Some(record.record), None, record.contact_id, record.source_id, record.email], further)
}

/// The texts of a record of this run.
pub(super) fn named<'a>(present: &Present<'a>, ix: usize) -> Named<'a> {
    let (system, kind) = present.of(ix);
    let profile = &present.systems.profiles()[system];
    let of = [&profile.name, &profile.kinds[kind].name].map(|name| Some(name.as_str()));
    let own = [Some(present.name(ix)), present.unit(ix), present.contact_id(ix), present.source_id(ix), present.email(ix)];
    whole(of, own, present.further_emails(ix))
}

fn whole<'a>(of: [Option<&'a str>; 2], own: [Option<&'a str>; 5], further: [Option<&'a str>; ADDRESSES - 1]) -> Named<'a> {
    let mut all = of.into_iter().chain(own).chain(further);
    std::array::from_fn(|_| all.next().flatten())
}
