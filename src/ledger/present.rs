//! The records of this run, as the ledger knows them: a key that lasts, and what is worth remembering.

use anyhow::Result;
use foldhash::{HashMap, HashSet};
use polars::prelude::{DataFrame, Int64Chunked, UInt8Chunked, UInt32Chunked};
use rayon::prelude::*;

use crate::columns::{Delivery, Opt};
use crate::ledger::key::Key;
use crate::normalise::{Moment, Quiet, col};
use crate::systems::Systems;
use crate::texts::{Text, Texts};

/// The columns of the records, by their number, and their keys.
pub(super) struct Present<'a> {
    pub texts: &'a Texts,
    pub systems: &'a Systems,
    /// Further records, which have keys of their own.
    pub quiet: &'a Quiet,
    /// The key of each record; zero for rows that cannot be read, and for all but one of those that share a name.
    pub keys: Vec<u64>,
    /// The keys of rows that cannot be read: their records are not gone.
    pub unreadable: HashSet<u64>,
    numbers: HashMap<&'static str, UInt32Chunked>,
    times: HashMap<&'static str, Int64Chunked>,
    opts: UInt8Chunked,
    deliveries: UInt8Chunked,
}

const NUMBERS: [&str; 12] = [
    col::INPUT,
    col::SYSTEM,
    col::KIND,
    col::RECORD,
    col::CONTACT_ID,
    col::SOURCE_ID,
    col::EMAILS[0],
    col::UNIT,
    col::LIST,
    col::CATEGORIES_ON,
    col::EVIDENCE,
    col::WORD,
];
const TIMES: [&str; 3] = [col::OUT_FROM, col::OUT_UNTIL, col::FIRST_OUT];

impl<'a> Present<'a> {
    pub fn new(records: &DataFrame, quiet: &'a Quiet, systems: &'a Systems, texts: &'a Texts) -> Result<Present<'a>> {
        let numbers = NUMBERS.into_iter().map(|name| {
            let column = records.column(name)?.to_physical_repr();
            Ok((name, column.u32()?.rechunk().into_owned()))
        });
        let times = TIMES.into_iter().map(|name| Ok((name, records.column(name)?.i64()?.rechunk().into_owned())));
        let mut present = Present {
            texts,
            systems,
            quiet,
            keys: Vec::new(),
            unreadable: HashSet::default(),
            numbers: numbers.collect::<Result<_>>()?,
            times: times.collect::<Result<_>>()?,
            opts: records.column(col::OPT)?.to_physical_repr().u8()?.rechunk().into_owned(),
            deliveries: records.column(col::DELIVERY)?.to_physical_repr().u8()?.rechunk().into_owned(),
        };
        present.name_all(records.height());
        Ok(present)
    }

    /// What the keys of a system and kind begin with.
    pub fn prefix(&self, (system, kind): (usize, usize)) -> Key {
        let profile = &self.systems.profiles()[system];
        Key::EMPTY.text(&profile.name).text(&profile.kinds[kind].name)
    }

    fn name_all(&mut self, height: usize) {
        let kinds_of = |system: usize| 0..self.systems.profiles()[system].kinds.len();
        let prefixes: Vec<Vec<Key>> = (0..self.systems.profiles().len())
            .map(|system| kinds_of(system).map(|kind| self.prefix((system, kind))).collect())
            .collect();
        let (systems, kinds) = (&self.numbers[col::SYSTEM], &self.numbers[col::KIND]);
        let (records, emails) = (&self.numbers[col::RECORD], &self.numbers[col::EMAILS[0]]);
        let text = |number: Option<u32>| number.map_or("", |number| self.texts.get(Text::from_number(number)));
        let keys = (0..height).into_par_iter().map(|ix| {
            let prefix = prefixes[systems.get(ix).unwrap_or_default() as usize][kinds.get(ix).unwrap_or_default() as usize];
            key_of(prefix, text(records.get(ix).or_else(|| emails.get(ix))), self.unit(ix))
        });
        let mut keys: Vec<u64> = keys.collect();
        let unreadable = (0..height).filter(|ix| self.opt(*ix) == Opt::Unreadable);
        let unreadable = unreadable.map(|ix| std::mem::take(&mut keys[ix])).collect();
        // Rows without a key of their own may share an address: the one that is opted out speaks for all.
        let mut named: HashMap<u64, usize> = HashMap::default();
        for ix in (0..height).filter(|ix| records.get(*ix).is_none()) {
            if let Some(known) = named.insert(keys[ix], ix).filter(|_| keys[ix] != 0) {
                let (keep, drop) = if self.opt(known) == Opt::Out { (known, ix) } else { (ix, known) };
                named.insert(keys[keep], keep);
                keys[drop] = 0;
            }
        }
        (self.keys, self.unreadable) = (keys, unreadable);
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn number(&self, column: &'static str, ix: usize) -> Option<u32> {
        self.numbers[column].get(ix)
    }

    pub fn text(&self, column: &'static str, ix: usize) -> Option<&'a str> {
        self.number(column, ix).map(|number| self.texts.get(Text::from_number(number)))
    }

    /// The business unit, or the list.
    pub fn unit(&self, ix: usize) -> Option<&'a str> {
        self.text(col::UNIT, ix).or_else(|| self.text(col::LIST, ix))
    }

    /// How outputs name it: its own key, else its address.
    pub fn name(&self, ix: usize) -> &'a str {
        self.text(col::RECORD, ix).or_else(|| self.text(col::EMAILS[0], ix)).unwrap_or_default()
    }

    pub fn opt(&self, ix: usize) -> Opt {
        Opt::ALL[usize::from(self.opts.get(ix).unwrap_or_default())]
    }

    pub fn delivery(&self, ix: usize) -> Delivery {
        Delivery::ALL[usize::from(self.deliveries.get(ix).unwrap_or_default())]
    }

    /// When it was opted out, as the export dates it.
    pub fn out_at(&self, ix: usize) -> Option<Moment> {
        let time = |name: &str| self.times[name].get(ix);
        Some(Moment { from: time(col::OUT_FROM)?, until: time(col::OUT_UNTIL)? })
    }

    /// When it was first opted out, as the export tells.
    pub fn first_out(&self, ix: usize) -> Option<i64> {
        self.times[col::FIRST_OUT].get(ix)
    }

    /// The number of its state: two runs that see the same have the same.
    pub fn state(&self, ix: usize) -> u32 {
        let text = |name| self.text(name, ix);
        state_of(self.opt(ix), self.delivery(ix), text(col::EMAILS[0]), text(col::CATEGORIES_ON), self.out_at(ix))
    }

    /// A number that stands for the evidence of an opt-in; zero where there is none.
    pub fn evidence(&self, ix: usize) -> i64 {
        evidence_of(self.text(col::EVIDENCE, ix))
    }

    /// Its system and kind.
    pub fn of(&self, ix: usize) -> (usize, usize) {
        let number = |name| self.number(name, ix).unwrap_or_default() as usize;
        (number(col::SYSTEM), number(col::KIND))
    }
}

/// The key of a record.
pub(super) fn key_of(prefix: Key, name: &str, unit: Option<&str>) -> u64 {
    prefix.text(name).text(unit.unwrap_or_default()).value().max(1)
}

/// The number of an evidence.
pub(super) fn evidence_of(evidence: Option<&str>) -> i64 {
    evidence.map_or(0, |text| Key::EMPTY.text(text).value() as i64 | 1)
}

/// The number of a state.
pub(super) fn state_of(opt: Opt, delivery: Delivery, email: Option<&str>, categories: Option<&str>, out: Option<Moment>) -> u32 {
    Key::EMPTY
        .number(Some(opt as i64 * 16 + delivery as i64))
        .text(email.unwrap_or_default())
        .text(categories.unwrap_or_default())
        .number(out.map(|out| out.from))
        .number(out.map(|out| out.until))
        .half()
}
