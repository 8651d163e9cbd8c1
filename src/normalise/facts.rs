//! Looking up single records, for sentences and files.

use anyhow::Result;
use chrono::{DateTime, Utc};
use polars::prelude::{BooleanChunked, DataFrame, Int64Type, UInt8Type, UInt32Type};

use crate::column_cells::ColumnCells;
use crate::columns::{Delivery, Opt, Role};
use crate::normalise::col;
use crate::systems::{Kind, Profile, Systems};
use crate::texts::{Text, Texts};
use crate::times::{Moment, Zone};

/// The columns of the records, by the number of a record.
pub struct Facts<'a> {
    systems: &'a Systems,
    texts: &'a Texts,
    zones: Vec<Zone>,
    numbers: Vec<(&'static str, ColumnCells<UInt32Type>)>,
    times: Vec<(&'static str, ColumnCells<Int64Type>)>,
    opt: ColumnCells<UInt8Type>,
    delivery: ColumnCells<UInt8Type>,
    main: BooleanChunked,
    code_alone: BooleanChunked,
    records: u32,
    said: Vec<Said<'a>>,
    /// Whose system and zone a decision counts as.
    desk: (usize, Zone),
}

/// A decision as it stands among the records: behind all of them, it has times and words and nothing else.
#[derive(Clone, Debug)]
pub struct Said<'a> {
    /// When it opts out.
    pub out: Option<Moment>,
    /// When it opts in.
    pub opted_in: Option<Moment>,
    /// The evidence of a permission.
    pub evidence: &'a str,
    /// Who decided, and why.
    pub by: &'a str,
    /// Why.
    pub reason: &'a str,
}

const NUMBERS: [&str; 19] = [
    col::INPUT,
    col::ROW,
    col::SYSTEM,
    col::KIND,
    col::RECORD,
    col::CONTACT_ID,
    col::EMAILS[0],
    col::WORD,
    col::KEY_CELL,
    col::CODE,
    col::EVIDENCE,
    col::DELIVERY_WORD,
    col::CATEGORIES_ON,
    col::CATEGORIES_CELL,
    col::CHOSEN,
    col::UNIT,
    col::LIST,
    col::NO_EMAIL,
    col::SOURCE_ID,
];
const TIMES: [&str; 9] = [
    col::OUT_FROM,
    col::OUT_UNTIL,
    col::IN_FROM,
    col::IN_UNTIL,
    col::FAILED_FROM,
    col::FAILED_UNTIL,
    col::CHOSEN_FROM,
    col::CODE_FROM,
    col::FIRST_OUT,
];

impl<'a> Facts<'a> {
    /// The facts of a run's records.
    ///
    /// # Errors
    /// A column that is missing or of another type, which is a defect.
    pub fn new(records: &DataFrame, systems: &'a Systems, texts: &'a Texts) -> Result<Facts<'a>> {
        let numbers =
            NUMBERS.into_iter().map(|name| Ok((name, ColumnCells::of(records.column(name)?.to_physical_repr().u32()?))));
        let times = TIMES.into_iter().map(|name| Ok((name, ColumnCells::of(records.column(name)?.i64()?))));
        Ok(Facts {
            systems,
            texts,
            zones: systems.profiles().iter().map(|profile| Zone::parse(&profile.zone)).collect::<Result<_>>()?,
            numbers: numbers.collect::<Result<_>>()?,
            times: times.collect::<Result<_>>()?,
            opt: ColumnCells::of(records.column(col::OPT)?.to_physical_repr().u8()?),
            delivery: ColumnCells::of(records.column(col::DELIVERY)?.to_physical_repr().u8()?),
            main: records.column(col::MAIN)?.bool()?.clone(),
            code_alone: records.column(col::CODE_ALONE)?.bool()?.clone(),
            records: records.height() as u32,
            said: Vec::new(),
            desk: (0, Zone::UTC),
        })
    }

    /// The same with decisions behind the records; they count as said in a system, on days of a zone.
    pub fn with_decisions(self, said: Vec<Said<'a>>, system: usize, zone: Zone) -> Facts<'a> {
        Facts { said, desk: (system, zone), ..self }
    }

    /// The decision that a number behind the records stands for.
    pub fn decision(&self, ix: u32) -> Option<&Said<'a>> {
        self.said.get(ix.checked_sub(self.records)? as usize)
    }

    fn number(&self, column: &str, ix: u32) -> Option<u32> {
        if ix >= self.records {
            return None;
        }
        self.numbers.iter().find(|(name, _)| *name == column).and_then(|(_, numbers)| numbers.get(ix as usize))
    }

    fn time(&self, column: &str, ix: u32) -> Option<i64> {
        if let Some(said) = self.decision(ix) {
            return match column {
                col::OUT_FROM | col::FIRST_OUT => said.out.map(|out| out.from),
                col::OUT_UNTIL => said.out.map(|out| out.until),
                col::IN_FROM => said.opted_in.map(|opted_in| opted_in.from),
                col::IN_UNTIL => said.opted_in.map(|opted_in| opted_in.until),
                _ => None,
            };
        }
        self.times.iter().find(|(name, _)| *name == column).and_then(|(_, times)| times.get(ix as usize))
    }

    fn moment(&self, from: &str, until: &str, ix: u32) -> Option<Moment> {
        Some(Moment { from: self.time(from, ix)?, until: self.time(until, ix)? })
    }

    /// The text of a categorical column, empty where it is blank.
    pub fn text(&self, column: &str, ix: u32) -> &'a str {
        if let Some(said) = self.decision(ix) {
            return if column == col::EVIDENCE { said.evidence } else { "" };
        }
        self.number(column, ix).map(|number| self.texts.get(Text::from_number(number))).unwrap_or_default()
    }

    /// Whether a column is filled.
    pub fn has(&self, column: &str, ix: u32) -> bool {
        self.number(column, ix).is_some()
    }

    /// Position of its file among the inputs.
    pub fn input(&self, ix: u32) -> usize {
        self.number(col::INPUT, ix).unwrap_or_default() as usize
    }

    /// Row of its file.
    pub fn row(&self, ix: u32) -> u32 {
        self.number(col::ROW, ix).unwrap_or_default()
    }

    /// Position of its system among the profiles.
    pub fn system(&self, ix: u32) -> usize {
        self.number(col::SYSTEM, ix).map_or(self.desk.0, |system| system as usize)
    }

    /// Its system.
    pub fn profile(&self, ix: u32) -> &'a Profile {
        &self.systems.profiles()[self.system(ix)]
    }

    /// Its kind.
    pub fn kind(&self, ix: u32) -> &'a Kind {
        &self.profile(ix).kinds[self.number(col::KIND, ix).unwrap_or_default() as usize]
    }

    /// The zone of its times.
    pub fn zone(&self, ix: u32) -> Zone {
        if self.decision(ix).is_some() { self.desk.1 } else { self.zones[self.system(ix)] }
    }

    /// How outputs name it: its own key, else its address.
    pub fn name(&self, ix: u32) -> &'a str {
        if self.has(col::RECORD, ix) { self.text(col::RECORD, ix) } else { self.text(col::EMAILS[0], ix) }
    }

    /// Its preference.
    pub fn opt(&self, ix: u32) -> Opt {
        if let Some(said) = self.decision(ix) {
            return if said.out.is_some() { Opt::Out } else { Opt::In };
        }
        Opt::ALL[usize::from(self.opt.get(ix as usize).unwrap_or_default())]
    }

    /// Whether mail arrives.
    pub fn delivery(&self, ix: u32) -> Delivery {
        if self.decision(ix).is_some() {
            return Delivery::Unknown;
        }
        Delivery::ALL[usize::from(self.delivery.get(ix as usize).unwrap_or_default())]
    }

    /// Whether it is the subscriber's own record.
    pub fn is_main(&self, ix: u32) -> bool {
        ix < self.records && self.main.get(ix as usize) == Some(true)
    }

    /// When it was opted out.
    pub fn out_at(&self, ix: u32) -> Option<Moment> {
        self.moment(col::OUT_FROM, col::OUT_UNTIL, ix)
    }

    /// Whether its preference is a box of the CRM, which has no date of its own.
    pub fn is_box(&self, ix: u32) -> bool {
        self.profile(ix).role == Role::Crm && self.is_main(ix)
    }

    /// When it was first opted out, as far as is known.
    pub fn first_out_at(&self, ix: u32) -> Option<DateTime<Utc>> {
        self.time(col::FIRST_OUT, ix).and_then(DateTime::from_timestamp_millis)
    }

    /// When the code that opts it out began.
    pub fn code_at(&self, ix: u32) -> Option<DateTime<Utc>> {
        self.time(col::CODE_FROM, ix).and_then(DateTime::from_timestamp_millis)
    }

    /// Whether a code alone opts it out, and not its box.
    pub fn is_out_by_code_alone(&self, ix: u32) -> bool {
        ix < self.records && self.code_alone.get(ix as usize) == Some(true)
    }

    /// Its key as its system spells it.
    pub fn own_key(&self, ix: u32) -> &'a str {
        if self.has(col::KEY_CELL, ix) { self.text(col::KEY_CELL, ix) } else { self.text(col::RECORD, ix) }
    }

    /// When it was opted in.
    pub fn in_at(&self, ix: u32) -> Option<Moment> {
        self.moment(col::IN_FROM, col::IN_UNTIL, ix)
    }

    /// When it bounced or was held.
    pub fn failed_at(&self, ix: u32) -> Option<Moment> {
        self.moment(col::FAILED_FROM, col::FAILED_UNTIL, ix)
    }

    /// When the latest code chose a category (milliseconds UTC).
    pub fn chosen_at(&self, ix: u32) -> Option<i64> {
        self.time(col::CHOSEN_FROM, ix)
    }

    /// A time as outputs write it, in the zone of the record where it is a day.
    pub fn written(&self, moment: Option<Moment>, ix: u32) -> String {
        moment.map(|moment| moment.written(self.zone(ix))).unwrap_or_default()
    }
}
