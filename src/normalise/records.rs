//! The record, as a row is read into it and as the columns of a frame hold it.

use anyhow::Result;
use polars::prelude::{
    BooleanChunked, Categorical8Type, CategoricalChunked, Column, DataFrame, DataType, Int64Chunked, IntoColumn, IntoSeries,
    NewChunkedArray, UInt8Chunked, UInt32Chunked,
};
use rayon::prelude::*;

use crate::columns::{ADDRESSES, Delivery, Opt, Role};
use crate::normalise::category::CategoryCell;
use crate::texts::{Text, column};
use crate::times::Moment;

/// The columns of the records frame. Texts are their numbers in the run's store (u32); times are milliseconds
/// since 1970 UTC, `_from` the earliest and `_until` the latest that it can have been.
pub mod col {
    /// Number of the record in this run (u32).
    pub const IX: &str = "ix";
    /// Position of the file among the inputs (u32).
    pub const INPUT: &str = "input";
    /// Row of the file (u32).
    pub const ROW: &str = "row";
    /// Position of the system among the profiles (u32).
    pub const SYSTEM: &str = "system";
    /// Position of the kind in the profile (u32).
    pub const KIND: &str = "kind";
    /// The system's role.
    pub const ROLE: &str = "role";
    /// The system's own key of the record; null where the row has none that can be used.
    pub const RECORD: &str = "record";
    /// The CRM id that the record names.
    pub const CONTACT_ID: &str = "contact_id";
    /// The source system's id that the record names.
    pub const SOURCE_ID: &str = "source_id";
    /// The addresses: the first one, which delivery speaks of, and further ones.
    pub const EMAILS: [&str; crate::columns::ADDRESSES] = ["email", "email_2", "email_3", "email_4", "email_5", "email_6"];
    /// The preference.
    pub const OPT: &str = "opt";
    /// Whether mail arrives.
    pub const DELIVERY: &str = "delivery";
    /// The preference cell, as the system writes it.
    pub const WORD: &str = "word";
    /// The key as the system itself spells it, where that is not the one spelling.
    pub const KEY_CELL: &str = "key_cell";
    /// The code that opted the record out, where one did.
    pub const CODE: &str = "code";
    /// When that code began.
    pub const CODE_FROM: &str = "code_from";
    /// Whether the code alone opts it out, and not its box (bool).
    pub const CODE_ALONE: &str = "code_alone";
    /// When it was opted out: the latest of several, for an opt-in must beat them all; null where one is undated.
    pub const OUT_FROM: &str = "out_from";
    /// The same, at the latest.
    pub const OUT_UNTIL: &str = "out_until";
    /// When it was first opted out, as far as is known: what the legal clock counts from.
    pub const FIRST_OUT: &str = "first_out";
    /// When it was opted in.
    pub const IN_FROM: &str = "in_from";
    /// When it was opted in, at the latest.
    pub const IN_UNTIL: &str = "in_until";
    /// The evidence of the opt-in.
    pub const EVIDENCE: &str = "evidence";
    /// When it bounced or was held.
    pub const FAILED_FROM: &str = "failed_from";
    /// When it bounced or was held, at the latest.
    pub const FAILED_UNTIL: &str = "failed_until";
    /// What the system says of the delivery: the reason of a bounce, or a source's status of the address.
    pub const DELIVERY_WORD: &str = "delivery_word";
    /// Current categories by name, joined by `;`; null where the record keeps none.
    pub const CATEGORIES: &str = "categories";
    /// All categories that are on, current or not.
    pub const CATEGORIES_ON: &str = "categories_on";
    /// Category values that are retired, renamed or unknown.
    pub const CATEGORIES_ODD: &str = "categories_odd";
    /// The categories cell, as the system writes it.
    pub const CATEGORIES_CELL: &str = "categories_cell";
    /// Categories that a dated or undated code turns on or off: `+Name` or `-Name`, joined by `;`.
    pub const CHOSEN: &str = "chosen";
    /// When the latest of these codes began.
    pub const CHOSEN_FROM: &str = "chosen_from";
    /// The business unit, or the list of a membership.
    pub const UNIT: &str = "unit";
    /// The subscription list.
    pub const LIST: &str = "list";
    /// Whether it is an unsubscribe record, which bars an address (bool).
    pub const BARS: &str = "bars";
    /// Whether it is an event of a log, which a later state overtakes (bool).
    pub const EVENT: &str = "event";
    /// The cell that bars every e-mail, where it does.
    pub const NO_EMAIL: &str = "no_email";
    /// Whether it is the person's own record in its system: not a unit's, an unsubscribe record or a preference
    /// beside it (bool).
    pub const MAIN: &str = "main";
    /// Whether its opt-out says nothing of the person: it is of one list of several, or another record says it (bool).
    pub const QUIET: &str = "quiet";
    /// Whether a code without a meaning stops its person's corrections (bool).
    pub const STOPPED: &str = "stopped";
}

/// One record.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    pub input: u32,
    pub row: u32,
    pub kind: u32,
    pub record: Option<Text>,
    pub contact_id: Option<Text>,
    pub source_id: Option<Text>,
    pub emails: [Option<Text>; ADDRESSES],
    pub opt: Opt,
    pub delivery: Delivery,
    pub word: Option<Text>,
    pub delivery_word: Option<Text>,
    /// None where it keeps none.
    pub categories: Option<CategoryCell>,
    pub categories_cell: Option<Text>,
    pub unit: Option<Text>,
    pub list: Option<Text>,
    pub bars: bool,
    pub event: bool,
    pub main: bool,
    pub stopped: bool,
    /// The opt-out is of all lists, not of this one alone.
    pub of_all: bool,
    /// The opt-out says nothing of the person.
    pub quiet: bool,
    said: Option<Box<Said>>,
}

/// What only few records say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Said {
    pub key_cell: Option<Text>,
    pub code: Option<Text>,
    pub code_from: Option<i64>,
    pub code_alone: bool,
    pub out: Option<Moment>,
    pub first_out: Option<i64>,
    pub opted_in: Option<Moment>,
    pub evidence: Option<Text>,
    pub failed: Option<Moment>,
    pub chosen: Option<Text>,
    pub chosen_from: Option<i64>,
    pub no_email: Option<Text>,
}

static NOTHING: Said = Said {
    key_cell: None,
    code: None,
    code_from: None,
    code_alone: false,
    out: None,
    first_out: None,
    opted_in: None,
    evidence: None,
    failed: None,
    chosen: None,
    chosen_from: None,
    no_email: None,
};

impl Record {
    /// A record that says nothing yet.
    pub fn blank(input: u32, row: u32, kind: u32) -> Record {
        Record {
            input,
            row,
            kind,
            record: None,
            contact_id: None,
            source_id: None,
            emails: [None; ADDRESSES],
            opt: Opt::Blank,
            delivery: Delivery::Ok,
            word: None,
            delivery_word: None,
            categories: None,
            categories_cell: None,
            unit: None,
            list: None,
            bars: false,
            event: false,
            main: true,
            stopped: false,
            of_all: false,
            quiet: false,
            said: None,
        }
    }

    /// Whether the row can be tied to anything.
    pub fn has_key(&self) -> bool {
        self.record.is_some() || self.contact_id.is_some() || self.source_id.is_some() || self.emails.iter().any(Option::is_some)
    }

    /// Takes over addresses that it has not, as far as there is room.
    pub fn add_addresses(&mut self, addresses: [Option<Text>; ADDRESSES]) {
        for address in addresses.into_iter().filter(Option::is_some) {
            if !self.emails.contains(&address)
                && let Some(free) = self.emails.iter_mut().find(|slot| slot.is_none())
            {
                *free = address;
            }
        }
    }

    /// What only few records say.
    pub fn said(&self) -> &Said {
        self.said.as_deref().unwrap_or(&NOTHING)
    }

    /// The same, to be written.
    pub fn say(&mut self) -> &mut Said {
        self.said.get_or_insert_default()
    }
}

/// The records of one system.
pub(super) struct OfSystem {
    pub position: usize,
    pub role: Role,
    pub records: Vec<Record>,
}

/// One frame of all records, numbered in their order.
pub(super) fn frame(parts: &[OfSystem]) -> Result<DataFrame> {
    type Make<'a> = Box<dyn Fn() -> Column + Send + Sync + 'a>;
    let all = move || parts.iter().flat_map(|part| part.records.iter());
    let height = all().count();
    let texts =
        |name: &'static str, of: fn(&Record) -> Option<Text>| -> Make<'_> { Box::new(move || column(name, all().map(of))) };
    let count = |name: &'static str, of: fn(&Record) -> u32| -> Make<'_> {
        Box::new(move || UInt32Chunked::from_iter_values(name.into(), all().map(of)).into_column())
    };
    let time = |name: &'static str, of: fn(&Said) -> Option<i64>| -> Make<'_> {
        Box::new(move || Int64Chunked::from_iter_options(name.into(), all().map(|record| of(record.said()))).into_column())
    };
    let flag = |name: &'static str, of: fn(&Record) -> bool| -> Make<'_> {
        Box::new(move || BooleanChunked::from_iter_values(name.into(), all().map(of)).into_column())
    };
    let columns: Vec<Make<'_>> = vec![
        Box::new(move || UInt32Chunked::from_iter_values(col::IX.into(), 0..height as u32).into_column()),
        count(col::INPUT, |record| record.input),
        count(col::ROW, |record| record.row),
        Box::new(move || {
            let systems = parts.iter().flat_map(|part| std::iter::repeat_n(part.position as u32, part.records.len()));
            UInt32Chunked::from_iter_values(col::SYSTEM.into(), systems).into_column()
        }),
        count(col::KIND, |record| record.kind),
        Box::new(move || {
            let roles = parts.iter().flat_map(|part| std::iter::repeat_n(part.role as u8, part.records.len()));
            words(col::ROLE, Role::dtype(), roles)
        }),
        texts(col::RECORD, |record| record.record),
        texts(col::CONTACT_ID, |record| record.contact_id),
        texts(col::SOURCE_ID, |record| record.source_id),
        texts(col::EMAILS[0], |record| record.emails[0]),
        texts(col::EMAILS[1], |record| record.emails[1]),
        texts(col::EMAILS[2], |record| record.emails[2]),
        texts(col::EMAILS[3], |record| record.emails[3]),
        texts(col::EMAILS[4], |record| record.emails[4]),
        texts(col::EMAILS[5], |record| record.emails[5]),
        Box::new(move || words(col::OPT, Opt::dtype(), all().map(|record| record.opt as u8))),
        Box::new(move || words(col::DELIVERY, Delivery::dtype(), all().map(|record| record.delivery as u8))),
        texts(col::WORD, |record| record.word),
        texts(col::KEY_CELL, |record| record.said().key_cell),
        texts(col::CODE, |record| record.said().code),
        time(col::CODE_FROM, |said| said.code_from),
        flag(col::CODE_ALONE, |record| record.said().code_alone),
        time(col::OUT_FROM, |said| said.out.map(|out| out.from)),
        time(col::OUT_UNTIL, |said| said.out.map(|out| out.until)),
        time(col::FIRST_OUT, |said| said.first_out.or(said.out.map(|out| out.from))),
        time(col::IN_FROM, |said| said.opted_in.map(|opted_in| opted_in.from)),
        time(col::IN_UNTIL, |said| said.opted_in.map(|opted_in| opted_in.until)),
        texts(col::EVIDENCE, |record| record.said().evidence),
        time(col::FAILED_FROM, |said| said.failed.map(|failed| failed.from)),
        time(col::FAILED_UNTIL, |said| said.failed.map(|failed| failed.until)),
        texts(col::DELIVERY_WORD, |record| record.delivery_word),
        texts(col::CATEGORIES, |record| Some(record.categories?.current)),
        texts(col::CATEGORIES_ON, |record| Some(record.categories?.on)),
        texts(col::CATEGORIES_ODD, |record| Some(record.categories?.odd)),
        texts(col::CATEGORIES_CELL, |record| record.categories_cell),
        texts(col::CHOSEN, |record| record.said().chosen),
        time(col::CHOSEN_FROM, |said| said.chosen_from),
        texts(col::UNIT, |record| record.unit),
        texts(col::LIST, |record| record.list),
        flag(col::BARS, |record| record.bars),
        flag(col::EVENT, |record| record.event),
        texts(col::NO_EMAIL, |record| record.said().no_email),
        flag(col::MAIN, |record| record.main),
        flag(col::STOPPED, |record| record.stopped),
        flag(col::QUIET, |record| record.quiet),
    ];
    let columns = columns.par_iter().map(|make| make()).collect();
    Ok(DataFrame::new(height, columns)?)
}

/// A column of a small vocabulary, from the positions of its words.
pub(crate) fn words(name: &'static str, dtype: DataType, positions: impl Iterator<Item = u8>) -> Column {
    let positions = UInt8Chunked::from_iter_values(name.into(), positions);
    CategoricalChunked::<Categorical8Type>::from_cats_and_dtype(positions, dtype).into_series().into()
}
