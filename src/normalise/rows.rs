//! One text table to records: each row read field by field, a batch of rows at a time.

mod codes;
mod keys;
mod lists;
mod plain;
mod preference;

use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use polars::prelude::DataFrame;
use rayon::prelude::*;

use crate::columns::{ADDRESSES, Delivery, Field, Opt};
use crate::ingest::{Reject, Table};
use crate::normalise::System;
use crate::normalise::category::{CategoryBook, CategoryCell};
use crate::normalise::cells::Cells;
use crate::normalise::findings::{EITHER_WAY, Finding};
use crate::normalise::packed::Packed;
use crate::normalise::records::Record;
use crate::normalise::times::{self, NoTime, Order, Signs};
use crate::normalise::words::{self, Numbers, Words};
use crate::systems::{Grain, IdShape, Kind, State, fold_header, says_none};
use crate::texts::{Text, Texts};
use crate::times::{Moment, Zone};

/// What the rows of one table are.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Records, in the order of the rows, batch by batch.
    pub records: Vec<Vec<Record>>,
    /// Plain records of the same batches.
    pub packed: Vec<Packed>,
    /// Rows of codes that are to be folded into constituents.
    pub codes: Vec<CodeRow>,
    /// What a loader says.
    pub answers: Vec<Answer>,
    /// Bad cells.
    pub findings: Vec<Finding>,
    /// Rows that cannot be used.
    pub rejects: Vec<Reject>,
}

/// What the loader of a system says of one row of a file that was loaded.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Position of the file among the inputs.
    pub input: u32,
    /// Row of the file.
    pub row: u32,
    /// The record.
    pub record: Text,
    /// Why the row was refused, in the system's words; none where it was taken.
    pub refused: Option<Text>,
}

/// One row of a preference code.
#[derive(Clone, Debug)]
pub(super) struct CodeRow {
    pub input: u32,
    pub row: u32,
    pub kind: u32,
    pub source_id: Text,
    pub code: Text,
    /// What it does now; nothing once it has ended or before it begins.
    pub effect: Effect,
    pub start: Option<Moment>,
}

/// What a code does to its constituent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Nothing,
    OptOut,
    Choose {
        category: Text,
        on: bool,
    },
    /// The table lacks the code: nobody knows what it does.
    Stop,
}

/// Reads a table, as the file number `0`: which it is among the inputs is known once all are read.
///
/// # Errors
/// What stands in the way of reading its rows.
pub(super) fn read(table: &Table<'_>, system: &System<'_>) -> Result<Read> {
    let expected = Orders::settled(&[Signs::default(); Field::ALL.len()], system);
    let mut orders = expected;
    // Used by one batch after another: memory that is new takes longer to get than to fill.
    let rooms = Mutex::new(Vec::new());
    // A batch knows only its own values: where those of the others settle the order otherwise, all are read once more.
    let batches = loop {
        let batches = table.batches(|batch| read_batch(table, batch, system, &orders, &rooms))?;
        let mut signs = [Signs::default(); Field::ALL.len()];
        for batch in &batches {
            for (sign, of_batch) in signs.iter_mut().zip(batch.signs) {
                *sign = sign.and(of_batch);
            }
        }
        let settled = Orders::settled(&signs, system);
        if settled == orders {
            break batches;
        }
        orders = settled;
    };
    let mut read = Read::default();
    for batch in batches {
        read.records.push(batch.records);
        read.packed.push(batch.packed);
        read.codes.extend(batch.codes);
        read.answers.extend(batch.answers);
        read.findings.extend(batch.findings);
        read.rejects.extend(batch.rejects);
    }
    Ok(read)
}

impl Read {
    /// Makes records of plain ones, given by batch and position, and puts them where their rows are.
    pub fn unpack(&mut self, packed: &[Packed], wanted: impl Fn(usize, usize) -> bool + Sync, texts: &Texts) {
        self.records.par_iter_mut().zip(packed).enumerate().for_each(|(batch, (records, packed))| {
            records.extend(packed.records(|at| wanted(batch, at), texts));
            records.sort_by_key(|record| record.row);
        });
    }

    /// Makes records of all rows that are still packed.
    pub fn unpack_all(mut self, texts: &Texts) -> Read {
        let packed = std::mem::take(&mut self.packed);
        self.unpack(&packed, |_, _| true, texts);
        self
    }

    /// Says which file of the inputs it was.
    pub fn of_input(mut self, input: u32) -> Read {
        self.records.iter_mut().flatten().for_each(|record| record.input = input);
        self.codes.iter_mut().for_each(|code| code.input = input);
        self.answers.iter_mut().for_each(|answer| answer.input = input);
        self.findings.iter_mut().for_each(|finding| finding.input = input);
        self
    }
}

/// What the rows of one batch are.
struct Batch {
    records: Vec<Record>,
    packed: Packed,
    codes: Vec<CodeRow>,
    answers: Vec<Answer>,
    findings: Vec<Finding>,
    rejects: Vec<Reject>,
    /// What the values of each field say of the order of day and month.
    signs: [Signs; Field::ALL.len()],
}

fn read_batch(table: &Table<'_>, batch: &DataFrame, system: &System<'_>, orders: &Orders, rooms: &Mutex<Vec<Packed>>) -> Batch {
    let rooms = || rooms.lock().unwrap_or_else(PoisonError::into_inner);
    let cells = Cells::new(table, batch, &system.profile.placeholders);
    let mut reader = Reader::new(table, &cells, system, orders);
    let kind = reader.kind;
    let room = rooms().pop();
    let mut room = room.unwrap_or_else(|| Packed::with_capacity(table.kind as u32, cells.len()));
    let (mut records, mut codes, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    for at in 0..cells.len() {
        match kind.grain {
            Grain::Code => codes.extend(reader.code(at)),
            Grain::Answer => answers.extend(reader.answer(at)),
            Grain::Contact
            | Grain::UnitUnsubscribe
            | Grain::Unsubscribe
            | Grain::Preference
            | Grain::Bounce
            | Grain::UnsubscribeEvent => {
                if !reader.pack(at, &mut room) {
                    records.extend(reader.record(at));
                }
            }
            Grain::Membership => reader.memberships(at, &mut records),
        }
    }
    let signs = Field::ALL.map(|field| if is_date(field) { Signs::of(cells.values(field)) } else { Signs::default() });
    let packed = room.take();
    rooms().push(room);
    Batch { records, packed, codes, answers, findings: reader.findings, rejects: reader.rejects, signs }
}

/// The order of day and month in the columns of a table, by field.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Orders([Order; Field::ALL.len()]);

impl Orders {
    fn settled(signs: &[Signs; Field::ALL.len()], system: &System<'_>) -> Orders {
        let order = |field: Field| times::order_of(signs[field as usize], system.profile.date_order, system.date_order);
        Orders(Field::ALL.map(|field| if is_date(field) { order(field) } else { Order::default() }))
    }
}

fn is_date(field: Field) -> bool {
    matches!(
        field,
        Field::OptOutAt
            | Field::OptInAt
            | Field::BouncedAt
            | Field::HeldAt
            | Field::RemovedAt
            | Field::CodeStart
            | Field::CodeEnd
            | Field::ModifiedAt
    )
}

fn zone_of(cells: &Cells<'_>, field: Field, system: &System<'_>) -> Zone {
    if fold_header(cells.header(field)).ends_with("utc") { Zone::UTC } else { system.zone }
}

struct Reader<'a> {
    system: &'a System<'a>,
    kind: &'a Kind,
    kind_position: u32,
    table: &'a Table<'a>,
    cells: &'a Cells<'a>,
    orders: &'a Orders,
    zones: [Zone; Field::ALL.len()],
    categories: CategoryBook,
    checkboxes: Vec<(usize, &'a str)>,
    addresses: Vec<usize>,
    shapes: [IdShape; Field::ALL.len()],
    /// Columns for the preference beside its first, and whether their header leaves open what yes means.
    further: Vec<(usize, bool)>,
    /// Whether the header of the opt-out leaves open what yes means.
    mute: bool,
    /// The words of the kind's own status column, where it has other words than the system.
    own_states: Option<Words<State>>,
    words: Numbers,
    findings: Vec<Finding>,
    rejects: Vec<Reject>,
}

impl<'a> Reader<'a> {
    fn new(table: &'a Table<'a>, cells: &'a Cells<'a>, system: &'a System<'a>, orders: &'a Orders) -> Reader<'a> {
        let kind = &system.profile.kinds[table.kind];
        let is_mute = |header: &str| {
            let header = fold_header(header);
            kind.mute_headers.iter().any(|mute| fold_header(mute) == header)
        };
        let checkboxes: Vec<(usize, &str)> =
            cells.all(Field::Categories).filter_map(|(at, column)| Some((at, column.category()?))).collect();
        Reader {
            system,
            kind,
            kind_position: table.kind as u32,
            table,
            orders,
            zones: Field::ALL.map(|field| zone_of(cells, field, system)),
            cells,
            categories: if checkboxes.is_empty() { system.categories.clone() } else { system.boxes.clone() },
            checkboxes,
            addresses: cells.all(Field::Email).map(|(column, _)| column).take(ADDRESSES).collect(),
            shapes: Field::ALL.map(|field| kind.shape(field)),
            further: {
                let preference = if cells.has(Field::OptOut) { Field::OptOut } else { Field::Status };
                cells.all(preference).skip(1).map(|(at, column)| (at, is_mute(column.own_header()))).collect()
            },
            mute: is_mute(cells.header(Field::OptOut)),
            own_states: (!kind.status.is_empty()).then(|| words::states(&kind.status)),
            words: Numbers::default(),
            findings: Vec::new(),
            rejects: Vec::new(),
        }
    }

    fn record(&mut self, at: usize) -> Option<Record> {
        let before = self.findings.len();
        let mut record = self.keyed(at)?;
        match self.kind.grain {
            // What a log says of the person is known once the subscriber's own row is.
            Grain::Bounce => record.word = self.text(Field::Status, at),
            Grain::UnitUnsubscribe | Grain::UnsubscribeEvent => {
                record.opt = Opt::Out;
                if let Some(out) = self.time(Field::OptOutAt, at) {
                    record.say().out = Some(out);
                }
            }
            // It bars its address whatever its state.
            Grain::Unsubscribe => {
                record.opt = Opt::Out;
                record.word = self.text(Field::Status, at);
                if let Some(out) = self.time(Field::OptOutAt, at) {
                    record.say().out = Some(out);
                }
            }
            _ => self.read_preference(at, &mut record),
        }
        record.unit = self.text(Field::Unit, at);
        record.list = self.text(Field::List, at);
        record.bars = self.kind.grain == Grain::Unsubscribe;
        record.event = matches!(self.kind.grain, Grain::Bounce | Grain::UnsubscribeEvent);
        record.main = record.unit.is_none() && !record.bars && !record.event && self.kind.grain != Grain::Preference;
        self.read_delivery_times(at, &mut record);
        self.read_opt_in(at, &mut record);
        (record.categories, record.categories_cell) = self.read_categories(at);
        for finding in &mut self.findings[before..] {
            finding.record = record.record;
            finding.email = record.emails[0];
        }
        Some(record)
    }

    fn read_opt_in(&mut self, at: usize, record: &mut Record) {
        if let Some(opted_in) = self.time(Field::OptInAt, at) {
            record.say().opted_in = Some(opted_in);
        }
        if let Some(evidence) = self.evidence(at) {
            record.say().evidence = Some(evidence);
        }
        self.time(Field::ModifiedAt, at);
    }

    fn read_delivery_times(&mut self, at: usize, record: &mut Record) {
        let bounced_at = self.time(Field::BouncedAt, at);
        let held_at = self.time(Field::HeldAt, at);
        self.time(Field::RemovedAt, at);
        record.delivery_word = self.text(Field::BounceReason, at);
        if matches!(self.kind.grain, Grain::Unsubscribe | Grain::Preference) {
            record.delivery = Delivery::Unknown;
            return;
        }
        if self.cells.has(Field::OptOut) && self.kind.grain == Grain::Contact {
            record.delivery = self.delivery_of_address(at, record.delivery_word.is_some());
            if !self.system.profile.email_status.is_empty() {
                record.delivery_word = self.text(Field::Status, at);
            }
        }
        if self.kind.grain == Grain::Bounce {
            record.delivery = match self.cells.get(Field::Status, at).and_then(|word| self.system.hard_bounces.meaning(word)) {
                Some(true) => Delivery::Bounced,
                _ => Delivery::Unknown,
            };
            record.say().failed = bounced_at;
            return;
        }
        let failed = match record.delivery {
            Delivery::Held => held_at.or(bounced_at),
            Delivery::Bounced => bounced_at.or(held_at),
            Delivery::Ok | Delivery::Removed | Delivery::Unknown => None,
        };
        if failed.is_some() {
            record.say().failed = failed;
        }
    }

    /// What a CRM or a source says of the first address: the CRM by its bounce fields, a source by a status.
    /// Without such columns nobody knows; a blank status is good.
    fn delivery_of_address(&mut self, at: usize, has_reason: bool) -> Delivery {
        if self.system.profile.email_status.is_empty() {
            return match (has_reason || self.cells.get(Field::BouncedAt, at).is_some(), self.tells_bounces()) {
                (true, _) => Delivery::Bounced,
                (false, true) => Delivery::Ok,
                (false, false) => Delivery::Unknown,
            };
        }
        let Some(word) = self.cells.get(Field::Status, at) else {
            return if self.cells.has(Field::Status) { Delivery::Ok } else { Delivery::Unknown };
        };
        match self.system.email_states.meaning(word) {
            Some(State::Active) => Delivery::Ok,
            Some(_) => Delivery::Bounced,
            None => {
                let reason = format!("not a status of an address in this system; known are {}", self.system.email_states.known());
                self.find("DAT604", Field::Status, at, &reason);
                Delivery::Unknown
            }
        }
    }

    fn tells_bounces(&self) -> bool {
        self.cells.has(Field::BounceReason) || self.cells.has(Field::BouncedAt)
    }

    /// What the categories are, none where the table has no such column, and the cell.
    fn read_categories(&mut self, at: usize) -> (Option<CategoryCell>, Option<Text>) {
        let texts = self.system.texts;
        let joined;
        let cell = if self.checkboxes.is_empty() {
            if !self.cells.has(Field::Categories) {
                return (None, None);
            }
            self.cells.get(Field::Categories, at)
        } else {
            let (mut on, mut is_known) = (Vec::new(), true);
            for (column, name) in self.checkboxes.clone() {
                let Some(cell) = self.cells.cell(column, at) else { continue };
                match self.system.booleans.meaning(cell) {
                    Some(true) => on.push(name),
                    Some(false) => {}
                    None => {
                        is_known = false;
                        let reason = "not a word for yes or no: the categories of this row count as unknown";
                        self.find_value("DAT604", Field::Categories, cell, at, reason);
                    }
                }
            }
            if !is_known {
                return (None, None);
            }
            joined = on.join(&self.system.profile.category_separator);
            Some(joined.as_str())
        };
        (Some(self.categories.read(cell, texts)), cell.map(|cell| self.words.number(cell, texts)))
    }

    /// What stands for the evidence of an opt-in, where it does not say that there is none.
    fn evidence(&mut self, at: usize) -> Option<Text> {
        self.cells
            .get(Field::OptInEvidence, at)
            .filter(|cell| !says_none(cell))
            .map(|cell| self.words.number(cell, self.system.texts))
    }

    fn text(&mut self, field: Field, at: usize) -> Option<Text> {
        self.cells.get(field, at).map(|cell| self.words.number(cell, self.system.texts))
    }

    /// A time, `None` where it is blank or stands for none, is bad or in the future; the latter two are findings.
    fn time(&mut self, field: Field, at: usize) -> Option<Moment> {
        let cell = self.cells.get(field, at)?;
        let reason = match times::parse(cell, self.zones[field as usize], self.orders.0[field as usize]) {
            Ok(moment) if moment.until <= times::LAST_PLACEHOLDER => return None,
            // A code may well begin or end later.
            Ok(moment) if matches!(field, Field::CodeStart | Field::CodeEnd) => return Some(moment),
            Ok(moment) if moment.from <= self.system.as_of.timestamp_millis() + self.system.tolerance_ms => return Some(moment),
            Ok(_) => {
                self.find("DAT606", field, at, "this date is in the future: it counts as unknown");
                return None;
            }
            Err(NoTime::Unreadable) => "this is not a date that can be read: it counts as unknown".to_owned(),
            Err(NoTime::Ambiguous) => format!(
                "{EITHER_WAY}: it counts as unknown; settle it with `date_order = \"mdy\"` or \"dmy\" \
                 in [systems.{}]",
                self.system.profile.name
            ),
        };
        self.find("DAT605", field, at, &reason);
        None
    }

    fn find(&mut self, code: &'static str, field: Field, at: usize, reason: &str) {
        let value = self.cells.get(field, at).unwrap_or_default();
        self.find_value(code, field, value, at, reason);
    }

    fn find_value(&mut self, code: &'static str, field: Field, value: &str, at: usize, reason: &str) {
        self.findings.push(Finding {
            code,
            system: self.system.position,
            record: None,
            email: None,
            field,
            value: Some(self.system.texts.intern(value)),
            reason: self.system.texts.intern(reason),
            input: 0,
            row: self.cells.row(at),
        });
    }

    fn reject(&mut self, at: usize, column: String, value: &str, reason: String) {
        self.rejects.push(Reject {
            file: self.table.file.to_owned(),
            sheet: self.table.sheet.to_owned(),
            row: u64::from(self.cells.row(at)),
            column,
            value: value.to_owned(),
            reason,
        });
    }
}
