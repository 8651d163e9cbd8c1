//! The records of this run, as the ledger knows them: a key that lasts, and what is worth remembering.

use anyhow::Result;
use foldhash::{HashMap, HashSet};
use polars::prelude::{BooleanChunked, DataFrame, Int64Type, UInt8Type, UInt32Type};
use rayon::prelude::*;

use crate::column_cells::ColumnCells;
use crate::columns::{ADDRESSES, Delivery, Opt};
use crate::ledger::key::Key;
use crate::normalise::{Quiet, col};
use crate::systems::Systems;
use crate::texts::{Text, Texts};
use crate::times::Moment;

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
    system: ColumnCells<UInt32Type>,
    kind: ColumnCells<UInt32Type>,
    record: ColumnCells<UInt32Type>,
    contact_id: ColumnCells<UInt32Type>,
    source_id: ColumnCells<UInt32Type>,
    emails: [ColumnCells<UInt32Type>; ADDRESSES],
    unit: ColumnCells<UInt32Type>,
    list: ColumnCells<UInt32Type>,
    categories_on: ColumnCells<UInt32Type>,
    evidence: ColumnCells<UInt32Type>,
    word: ColumnCells<UInt32Type>,
    out_from: ColumnCells<Int64Type>,
    out_until: ColumnCells<Int64Type>,
    first_out: ColumnCells<Int64Type>,
    in_until: ColumnCells<Int64Type>,
    opt: ColumnCells<UInt8Type>,
    delivery: ColumnCells<UInt8Type>,
    /// Whether an opt-out says nothing of the person: it is of one list among others, or another record stands for it.
    spoken_for: BooleanChunked,
}

impl<'a> Present<'a> {
    pub fn new(records: &DataFrame, quiet: &'a Quiet, systems: &'a Systems, texts: &'a Texts) -> Result<Present<'a>> {
        let numbers = |name: &str| -> Result<ColumnCells<UInt32Type>> {
            Ok(ColumnCells::of(records.column(name)?.to_physical_repr().u32()?))
        };
        let times = |name: &str| -> Result<ColumnCells<Int64Type>> { Ok(ColumnCells::of(records.column(name)?.i64()?)) };
        let words = |name: &str| -> Result<ColumnCells<UInt8Type>> {
            Ok(ColumnCells::of(records.column(name)?.to_physical_repr().u8()?))
        };
        let emails = col::EMAILS.iter().map(|name| numbers(name)).collect::<Result<Vec<_>>>()?;
        let mut present = Present {
            texts,
            systems,
            quiet,
            keys: Vec::new(),
            unreadable: HashSet::default(),
            system: numbers(col::SYSTEM)?,
            kind: numbers(col::KIND)?,
            record: numbers(col::RECORD)?,
            contact_id: numbers(col::CONTACT_ID)?,
            source_id: numbers(col::SOURCE_ID)?,
            emails: emails.try_into().unwrap_or_else(|_| unreachable!("a column each")),
            unit: numbers(col::UNIT)?,
            list: numbers(col::LIST)?,
            categories_on: numbers(col::CATEGORIES_ON)?,
            evidence: numbers(col::EVIDENCE)?,
            word: numbers(col::WORD)?,
            out_from: times(col::OUT_FROM)?,
            out_until: times(col::OUT_UNTIL)?,
            first_out: times(col::FIRST_OUT)?,
            in_until: times(col::IN_UNTIL)?,
            opt: words(col::OPT)?,
            delivery: words(col::DELIVERY)?,
            spoken_for: records.column(col::QUIET)?.bool()?.rechunk().into_owned(),
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
        let keys = (0..height).into_par_iter().map(|ix| {
            let (system, kind) = self.of(ix);
            key_of(prefixes[system][kind], self.name(ix), self.unit(ix))
        });
        let mut keys: Vec<u64> = keys.collect();
        let unreadable = (0..height).filter(|ix| self.opt(*ix) == Opt::Unreadable);
        let unreadable = unreadable.map(|ix| std::mem::take(&mut keys[ix])).collect();
        // Rows without a key of their own may share an address: the one that is opted out speaks for all.
        let mut named: HashMap<u64, usize> = HashMap::default();
        for ix in (0..height).filter(|ix| self.record.get(*ix).is_none()) {
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

    fn text(&self, cells: &ColumnCells<UInt32Type>, ix: usize) -> Option<&'a str> {
        cells.get(ix).map(|number| self.texts.get(Text::from_number(number)))
    }

    /// Its first address.
    pub fn email(&self, ix: usize) -> Option<&'a str> {
        self.text(&self.emails[0], ix)
    }

    /// The others.
    pub fn further_emails(&self, ix: usize) -> [Option<&'a str>; ADDRESSES - 1] {
        std::array::from_fn(|at| self.text(&self.emails[at + 1], ix))
    }

    /// The CRM id that it names.
    pub fn contact_id(&self, ix: usize) -> Option<&'a str> {
        self.text(&self.contact_id, ix)
    }

    /// The source system's id that it names.
    pub fn source_id(&self, ix: usize) -> Option<&'a str> {
        self.text(&self.source_id, ix)
    }

    /// The categories that are on, joined by `;`.
    pub fn categories_on(&self, ix: usize) -> Option<&'a str> {
        self.text(&self.categories_on, ix)
    }

    /// The business unit, or the list.
    pub fn unit(&self, ix: usize) -> Option<&'a str> {
        self.text(&self.unit, ix).or_else(|| self.text(&self.list, ix))
    }

    /// Whether it opts its person out: not one list alone, and no other record of the contact stands for it.
    pub fn opts_out(&self, ix: usize) -> bool {
        self.opt(ix) == Opt::Out && self.list.get(ix).is_none() && self.spoken_for.get(ix) != Some(true)
    }

    /// Whether it has a word for its preference.
    pub fn has_word(&self, ix: usize) -> bool {
        self.word.get(ix).is_some()
    }

    /// How outputs name it: its own key, else its address.
    pub fn name(&self, ix: usize) -> &'a str {
        self.text(&self.record, ix).or_else(|| self.email(ix)).unwrap_or_default()
    }

    pub fn opt(&self, ix: usize) -> Opt {
        Opt::ALL[usize::from(self.opt.get(ix).unwrap_or_default())]
    }

    pub fn delivery(&self, ix: usize) -> Delivery {
        Delivery::ALL[usize::from(self.delivery.get(ix).unwrap_or_default())]
    }

    /// When it was opted out, as the export dates it.
    pub fn out_at(&self, ix: usize) -> Option<Moment> {
        Some(Moment { from: self.out_from.get(ix)?, until: self.out_until.get(ix)? })
    }

    /// When it was first opted out, as the export tells.
    pub fn first_out(&self, ix: usize) -> Option<i64> {
        self.first_out.get(ix)
    }

    /// When it was opted in at the latest, as the export dates it.
    pub fn in_until(&self, ix: usize) -> Option<i64> {
        self.in_until.get(ix)
    }

    /// A number that stands for the evidence of an opt-in; zero where there is none.
    pub fn evidence(&self, ix: usize) -> i64 {
        evidence_of(self.text(&self.evidence, ix))
    }

    /// Its system and kind.
    pub fn of(&self, ix: usize) -> (usize, usize) {
        let number = |cells: &ColumnCells<UInt32Type>| cells.get(ix).unwrap_or_default() as usize;
        (number(&self.system), number(&self.kind))
    }
}

/// The key of a record.
pub(super) fn key_of(prefix: Key, name: &str, unit: Option<&str>) -> u64 {
    prefix.text(name).text(unit.unwrap_or_default()).value().max(1)
}

/// The number that stands for an evidence of which the export says nothing, for want of a column.
pub(super) const NOT_EXPORTED: i64 = 2;

/// The number of an evidence.
pub(super) fn evidence_of(evidence: Option<&str>) -> i64 {
    evidence.map_or(0, |text| Key::EMPTY.text(text).value() as i64 | 1)
}

/// The number of a state: two runs that see the same have the same.
pub(super) fn state_of(opt: Opt, delivery: Delivery, email: Option<&str>, categories: Option<&str>, out: Option<Moment>) -> u32 {
    Key::EMPTY
        .number(Some(opt as i64 * 16 + delivery as i64))
        .text(email.unwrap_or_default())
        .text(categories.unwrap_or_default())
        .number(out.map(|out| out.from))
        .number(out.map(|out| out.until))
        .half()
}
