//! Records to signals: one row is one record of one person that says anything of the person's wish, and whether it counts.

use anyhow::Result;
use polars::prelude::{
    BooleanChunked, DataFrame, IntoColumn, IntoLazy, JoinArgs, JoinType, LazyFrame, NewChunkedArray, col, lit,
};

use crate::columns::{Delivery, Method, Opt};
use crate::config::{Config, UnitUnsubscribe};
use crate::ledger::Recalled;
use crate::matching::{Matched, cols, word};
use crate::normalise::col as of;
use crate::systems::{Profile, Systems};
use crate::texts::Text;
use crate::times::Moment;

/// What becomes of an opt-out or an opt-in that a record shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It counts.
    Counts,
    /// An opt-out of one list, or one that another record of the contact stands for.
    OfOneList,
    /// An opt-out of a business unit, which `[policy] unit_unsubscribe` leaves in the unit.
    StaysInUnit,
    /// On an address of more contacts than `[policy] max_shared`.
    OfOffice,
    /// A preference that nobody can read: it opts nobody out, and keeps the person's opt-ins from winning.
    Unreadable,
    /// An opt-in of a record that is opted out now.
    Overruled,
    /// An opt-in of a membership that is not active: unconfirmed, removed or bounced.
    NotActive,
    /// An opt-in of a system that `[policy] opt_in_systems` does not name.
    OtherSystem,
    /// An opt-in of a record that only its address ties to the person.
    ByAddress,
    /// An opt-in of a record whose id several contacts have.
    OfSeveral,
    /// An opt-in without evidence, which `[policy] require_permission` asks for.
    Unproven,
}

/// What one record says of its person's wish.
#[derive(Clone, Copy, Debug)]
pub struct Signal {
    /// The record (`ix`).
    pub ix: u32,
    /// Of its opt-out, where it shows one.
    pub out: Option<Standing>,
    /// Of its opt-in, where it shows one.
    pub opted_in: Option<Standing>,
}

/// The signals of one person, one a record that shows any, in the order of the records.
///
/// # Errors
/// Only what Polars cannot do, which is a defect.
pub fn signals_of(
    person: u32,
    records: &DataFrame,
    matched: &Matched,
    config: &Config,
    systems: &Systems,
) -> Result<Vec<Signal>> {
    let links = matched.links.clone().lazy().filter(col(cols::PERSON).eq(lit(person)));
    let rows = Signals::of(&signals(records, links, &Recalled::default())?.sort([of::IX], Default::default())?)?;
    let policy = Judge { config, systems };
    Ok((0..rows.ix.len())
        .map(|at| Signal { ix: rows.ix[at], out: policy.out(&rows, at), opted_in: policy.opted_in(&rows, at) })
        .collect())
}

/// Says of each signal whether it counts.
pub(super) struct Judge<'a> {
    pub config: &'a Config,
    pub systems: &'a Systems,
}

impl Judge<'_> {
    pub fn out(&self, rows: &Signals, at: usize) -> Option<Standing> {
        match rows.opt[at] {
            Opt::Out | Opt::Unreadable if !rows.by_id[at] && rows.belongs[at] > self.config.policy.max_shared => {
                Some(Standing::OfOffice)
            }
            Opt::Unreadable => Some(Standing::Unreadable),
            Opt::Out if rows.list[at].is_some() || rows.quiet[at] => Some(Standing::OfOneList),
            Opt::Out if self.stays_in_unit(rows, at) => Some(Standing::StaysInUnit),
            Opt::Out => Some(Standing::Counts),
            Opt::In | Opt::Blank => None,
        }
    }

    /// Whether it is of a business unit, which the policy leaves there.
    pub fn stays_in_unit(&self, rows: &Signals, at: usize) -> bool {
        self.leaves_in_unit(&self.systems.profiles()[rows.system[at] as usize], rows.unit[at].is_some())
    }

    /// Likewise, by its system and whether it names a unit: where memberships are kept, that is a list.
    pub fn leaves_in_unit(&self, profile: &Profile, has_unit: bool) -> bool {
        has_unit && !profile.keeps_memberships() && self.config.policy.unit_unsubscribe == UnitUnsubscribe::Unit
    }

    pub fn opted_in(&self, rows: &Signals, at: usize) -> Option<Standing> {
        rows.opted_in[at]?;
        let profile = &self.systems.profiles()[rows.system[at] as usize];
        Some(if matches!(rows.opt[at], Opt::Out | Opt::Unreadable) {
            Standing::Overruled
        } else if profile.keeps_memberships() && rows.delivery[at] != Delivery::Ok {
            // Anybody can type an address into a form; who did not confirm it gave no permission.
            Standing::NotActive
        } else if !profile.subscribing_opts_in && !self.config.policy.opt_in_systems.contains(&profile.name) {
            Standing::OtherSystem
        } else if !rows.by_id[at] {
            // An address alone does not say whose permission it is, nor does an id that several contacts have.
            Standing::ByAddress
        } else if rows.belongs[at] != 1 {
            Standing::OfSeveral
        } else if self.config.policy.require_permission && !rows.evidence[at] {
            Standing::Unproven
        } else {
            Standing::Counts
        })
    }
}

/// The rows of links whose records say anything of a wish, or did in earlier runs, with what they say.
pub(super) fn signals(records: &DataFrame, links: LazyFrame, recalled: &Recalled) -> Result<DataFrame> {
    let opt = |opt: Opt| col(of::OPT).eq(word(opt.word(), Opt::dtype()));
    let mut remembered = vec![false; records.height()];
    recalled.of.keys().for_each(|ix| remembered[*ix as usize] = true);
    let mut records = records.clone();
    records.with_column(BooleanChunked::from_iter_values("remembered".into(), remembered.into_iter()).into_column())?;
    Ok(records
        .lazy()
        .filter(
            opt(Opt::Out).or(opt(Opt::Unreadable)).or(col(of::IN_FROM).is_not_null()).or(col(of::STOPPED)).or(col("remembered")),
        )
        .select(
            [
                of::IX,
                of::SYSTEM,
                of::RECORD,
                of::OPT,
                of::DELIVERY,
                of::OUT_FROM,
                of::OUT_UNTIL,
                of::IN_FROM,
                of::IN_UNTIL,
                of::EVIDENCE,
                of::UNIT,
                of::LIST,
                of::STOPPED,
                of::MAIN,
                of::QUIET,
            ]
            .map(col),
        )
        .join(links, [col(of::IX)], [col(of::IX)], JoinArgs::new(JoinType::Inner))
        .collect()?)
}

/// The columns of the signals, as plain vectors.
pub(super) struct Signals {
    pub ix: Vec<u32>,
    pub person: Vec<u32>,
    /// To how many persons the record belongs.
    pub belongs: Vec<u32>,
    pub system: Vec<u32>,
    pub record: Vec<Option<Text>>,
    pub unit: Vec<Option<Text>>,
    pub list: Vec<Option<Text>>,
    pub opt: Vec<Opt>,
    pub delivery: Vec<Delivery>,
    pub out: Vec<Option<Moment>>,
    pub opted_in: Vec<Option<Moment>>,
    pub evidence: Vec<bool>,
    /// Tied to the person by an id, not by an address alone.
    pub by_id: Vec<bool>,
    pub stopped: Vec<bool>,
    /// The person's own record in its system.
    pub main: Vec<bool>,
    /// Its opt-out is of one list among others, or another record of the contact stands for it.
    pub quiet: Vec<bool>,
}

impl Signals {
    pub fn of(frame: &DataFrame) -> Result<Signals> {
        let numbers = |name: &str| -> Result<Vec<u32>> { Ok(frame.column(name)?.u32()?.iter().flatten().collect()) };
        let texts = |name: &str| -> Result<Vec<Option<Text>>> {
            let physical = frame.column(name)?.to_physical_repr();
            Ok(physical.u32()?.iter().map(|number| number.map(Text::from_number)).collect())
        };
        let moments = |from: &str, until: &str| -> Result<Vec<Option<Moment>>> {
            let (from, until) = (frame.column(from)?.i64()?, frame.column(until)?.i64()?);
            Ok(from.iter().zip(until.iter()).map(|(from, until)| Some(Moment { from: from?, until: until? })).collect())
        };
        let flags =
            |name: &str| -> Result<Vec<bool>> { Ok(frame.column(name)?.bool()?.iter().map(|flag| flag == Some(true)).collect()) };
        let opt = frame.column(of::OPT)?.to_physical_repr();
        let delivery = frame.column(of::DELIVERY)?.to_physical_repr();
        let methods = frame.column(cols::METHOD)?.to_physical_repr();
        let by_id = [Method::Hub, Method::ContactId, Method::SourceId].map(|method| method as u8);
        Ok(Signals {
            ix: numbers(of::IX)?,
            person: numbers(cols::PERSON)?,
            belongs: numbers(cols::BELONGS)?,
            system: numbers(of::SYSTEM)?,
            record: texts(of::RECORD)?,
            unit: texts(of::UNIT)?,
            list: texts(of::LIST)?,
            opt: opt.u8()?.iter().flatten().map(|position| Opt::ALL[position as usize]).collect(),
            delivery: delivery.u8()?.iter().flatten().map(|position| Delivery::ALL[position as usize]).collect(),
            out: moments(of::OUT_FROM, of::OUT_UNTIL)?,
            opted_in: moments(of::IN_FROM, of::IN_UNTIL)?,
            evidence: texts(of::EVIDENCE)?.into_iter().map(|evidence| evidence.is_some()).collect(),
            by_id: methods.u8()?.iter().map(|method| method.is_some_and(|method| by_id.contains(&method))).collect(),
            stopped: flags(of::STOPPED)?,
            main: flags(of::MAIN)?,
            quiet: flags(of::QUIET)?,
        })
    }
}
