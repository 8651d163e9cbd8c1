//! Persons to decisions: one row is one person who said something, and whether the last word is out or in.
//!
//! The person's own wish wins, and doubt goes to silence. Every opt-out is a signal with a time, known or
//! not; an opt-in is one only if it is explicit, and wins only if it beats all opt-outs. An opt-out spreads
//! to every contact that shares the address. Invariant: a person with an opt-out is decided `in` only by an
//! evidenced opt-in that is later than every one of them.
//!
//! What earlier runs saw is read so that doubt still goes to silence:
//!
//! - An opt-out without a date was made before the first run that saw it: an opt-in must be later than that run. For the
//!   legal clock it was made when the last export before was made that showed the record not opted out.
//! - A record that is not opted out any more keeps its opt-out as a signal, with the time that it had: a load may have
//!   overwritten it. So does a record that is not exported any more, for the contact with its id, else its source id,
//!   else its address; where there is none, for whoever else has one of these. Only our own opt-in correction ends the signal.
//! - The change from out to in is an explicit opt-in where it is evidenced (see [`crate::ledger`]) in a system whose
//!   opt-ins count. It was made after the last export that showed the opt-out, and counts from then. It is certainly later
//!   than the opt-out of its own record, and must beat all others by the tolerance like any opt-in.
//! - An opt-out that a correction of ours made is no new signal: against opt-ins from before that correction it has the
//!   times of the opt-outs that it passed on. Where its export gives it a later time than the correction has, that may as well
//!   be the person's own word: then the person's own opt-in must be later than that. An opt-in from after the correction must be
//!   later than the opt-out as it now stands, for nobody can tell our load from the person's own word in the same week.

mod neighbours;
mod persons;
mod signals;

use anyhow::Result;
use chrono::NaiveDate;
use foldhash::{HashMap, HashSet};
use polars::prelude::{BooleanChunked, DataFrame, Int64Chunked, IntoColumn, IntoLazy, NewChunkedArray, UInt32Chunked};

use crate::columns::{Opt, Role};
use crate::config::{Config, SharedAddress};
use crate::hardest::Hardest;
use crate::ledger::{Recalled, Signal as Seen};
use crate::matching::{Matched, cols, is_of_office};
use crate::normalise::col as of;
use crate::systems::Systems;
use crate::texts::{Text, Texts};
use crate::times::{Moment, Zone};
use neighbours::Neighbours;
use persons::Persons;
use signals::{Judge, Signals, signals};
pub use signals::{Signal, Standing, signals_of};

/// The columns of the decisions, beside the person.
pub mod decided {
    /// Whether the person is opted out: false where an opt-in wins, null where nobody said anything (bool).
    pub const OUT: &str = "decided_out";
    /// The same before opt-outs spread over shared addresses (bool).
    pub const OWN_OUT: &str = "decided_out_alone";
    /// When the opt-in that wins was made (milliseconds UTC).
    pub const IN_FROM: &str = "won_from";
    /// When it was made, at the latest.
    pub const IN_UNTIL: &str = "won_until";
}

/// What each person who said something wants.
#[derive(Debug)]
pub struct Consent {
    /// `person` and the columns of [`decided`], one row a person who said something or shares with one who did.
    pub decisions: DataFrame,
    /// The same, with the reasons, by person.
    pub wishes: HashMap<u32, Wish>,
    /// Persons with a code that nobody has given a meaning: their corrections are held.
    pub stopped: HashSet<u32>,
    /// What earlier runs saw.
    pub recalled: Recalled,
}

/// What one person wants, and why.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Records (`ix`) that opt the person out, in no order.
    pub outs: Vec<u32>,
    /// The record whose explicit opt-in is the latest.
    pub opted_in: Option<u32>,
    /// An opt-in date without evidence of permission.
    pub unproven: Option<u32>,
    /// The person's own decision.
    pub own: Option<Opt>,
    /// The decision.
    pub decision: Option<Opt>,
    /// The person that an opt-out came from over a shared address or record, and that address or the record's key.
    pub shared: Option<(u32, Text)>,
    /// Where that chain of shared addresses begins: a person with an opt-out of his own.
    pub root: Option<u32>,
    /// Of `outs`, the records that were opted out and are not any more, without an opt-in that counts.
    pub undone: Vec<u32>,
    /// Opt-outs of records that this run has no row of, by position in [`Recalled::absent`].
    pub absent: Vec<usize>,
    /// The opt-outs that keep the person out, also over shared addresses: what a correction passes on.
    pub passed_on: Hardest,
    hardest: Hardest,
}

/// Whether an opt-in is later than one opt-out, as the policy counts later. Each comes with its system's zone, the
/// opt-out also with whether it is a box of the CRM.
pub fn beats(opted_in: (Moment, Zone), out: (Option<Moment>, Zone, bool), config: &Config) -> bool {
    let mut hardest = Hardest::default();
    hardest.add(out.0, out.1, out.2);
    let opt_in = OptIn { at: opted_in.0, day: opted_in.1.day_of(opted_in.0.start()), record: None };
    hardest.is_beaten_by(opt_in, i64::from(config.policy.clock_tolerance_hours) * 3_600_000)
}

/// An opt-in, as it is compared with opt-outs.
#[derive(Clone, Copy, Debug)]
struct OptIn {
    at: Moment,
    day: NaiveDate,
    record: Option<Text>,
}

/// What carries an opt-out that earlier runs saw.
#[derive(Clone, Copy)]
struct Holder {
    /// The CRM's box, which has no date of its own.
    is_box: bool,
    /// A record of several persons.
    is_shared: bool,
}

impl Hardest {
    fn add(&mut self, out: Option<Moment>, zone: Zone, is_box: bool) {
        match out {
            None if is_box => self.boxed = Some(i64::MAX),
            None => self.undated = true,
            Some(out) if out.is_day() => self.day = self.day.max(Some((zone.day_of(out.start()), out.until))),
            Some(out) => self.instant = self.instant.max(Some(out.until)),
        }
    }

    /// Adds an opt-out that earlier runs saw. `dated` is when it was made as this run's export says, if it does. What a
    /// correction passed on to a record of several persons stands against each as it does against who shares.
    fn recall(&mut self, signal: &Seen, dated: Option<Moment>, now: i64, zone: Zone, on: Holder) {
        if let Some(echo) = &signal.echo {
            let loaded = dated.map_or(signal.seen, |dated| dated.until);
            let of = if on.is_shared { echo.of.of_a_sharer() } else { echo.of };
            let stamped = dated.map(|dated| dated.until).filter(|until| *until > echo.written && !on.is_shared);
            *self = self.with(Hardest { echoed: Some((echo.written, loaded)), stamped, ..of });
            return;
        }
        match dated {
            None if signal.seen < now && on.is_box => self.boxed = self.boxed.max(Some(signal.seen)),
            None if signal.seen < now => self.instant = self.instant.max(Some(signal.seen)),
            dated => self.add(dated, zone, on.is_box),
        }
    }

    /// The same, as it stands against the opt-in of another who shares the address. The CRM's box has no date of
    /// its own; beside a dated opt-out of the same person it is that one, passed on to the CRM. What a correction may have made
    /// is no word of the other's.
    fn of_a_sharer(self) -> Hardest {
        Hardest { boxed: self.boxed.filter(|_| self.instant.is_none() && self.day.is_none()), stamped: None, ..self }
    }

    /// Whether an opt-in is later than all of them. Two bare dates: a later day is enough; else by more than the tolerance.
    fn is_beaten_by(self, opt_in: OptIn, tolerance_ms: i64) -> bool {
        let after = |until: i64| opt_in.at.from.saturating_sub(until) > tolerance_ms;
        !self.undated
            && self.boxed.is_none_or(after)
            && self.echoed.is_none_or(|(written, loaded)| opt_in.at.until <= written || after(loaded))
            && self.stamped.is_none_or(after)
            && self.instant.is_none_or(after)
            && self.day.is_none_or(|(day, until)| if opt_in.at.is_day() { opt_in.day > day } else { after(until) })
    }
}

/// Decides for every person.
///
/// # Errors
/// Only what Polars cannot do, which is a defect.
pub fn weigh(
    records: &DataFrame,
    matched: &Matched,
    recalled: Recalled,
    config: &Config,
    systems: &Systems,
    texts: &Texts,
    ruled: &[Ruled],
) -> Result<Consent> {
    let mut weighing = Weighing { config, systems, wishes: HashMap::default(), opt_ins: HashMap::default() };
    let stopped = weighing.read_signals(records, matched, &recalled, texts)?;
    weighing.read_absent(records, matched, &recalled, texts)?;
    for ruled in ruled {
        weighing.read_ruling(ruled);
    }
    weighing.decide_alone(&stopped);
    if config.policy.shared_address == SharedAddress::MostRestrictive {
        weighing.spread(records, matched, texts)?;
    }
    let decisions = decisions_frame(&weighing.wishes, &weighing.opt_ins)?;
    Ok(Consent { decisions, wishes: weighing.wishes, stopped: stopped.by_code, recalled })
}

/// A signal that no export shows: a reviewer's decision about one person.
#[derive(Clone, Copy, Debug)]
pub struct Ruled {
    /// The number that stands for it among the records; behind all of them.
    pub ix: u32,
    /// The person.
    pub person: u32,
    /// When it opts out.
    pub out: Option<Moment>,
    /// When it opts in, and in what zone that day is.
    pub opted_in: Option<(Moment, Zone)>,
}

struct Weighing<'a> {
    config: &'a Config,
    systems: &'a Systems,
    wishes: HashMap<u32, Wish>,
    opt_ins: HashMap<u32, OptIn>,
}

/// Persons about whom something is not known.
struct Doubt {
    by_code: HashSet<u32>,
    unreadable: HashSet<u32>,
}

impl Weighing<'_> {
    /// Every opt-out and every opt-in of every person.
    fn read_signals(&mut self, records: &DataFrame, matched: &Matched, recalled: &Recalled, texts: &Texts) -> Result<Doubt> {
        let links = matched.links.clone().lazy().filter(is_of_office(self.config.policy.max_shared).not());
        let signals = signals(records, links, recalled)?;

        let policy = Judge { config: self.config, systems: self.systems };
        let zones: Vec<Zone> = self.systems.profiles().iter().map(|profile| Zone::parse(&profile.zone)).collect::<Result<_>>()?;
        let rows = Signals::of(&signals)?;
        let mut doubt = Doubt { by_code: HashSet::default(), unreadable: HashSet::default() };
        let keys = records.column(of::RECORD)?.u32()?;
        let units = records.column(of::UNIT)?.u32()?;
        let text = |texts_of: &UInt32Chunked, ix: u32| texts_of.get(ix as usize).map(|text| texts.get(Text::from_number(text)));
        let key_of = |ix: u32| (text(keys, ix), text(units, ix));
        // Of a contact's memberships one may stand for what another one said before.
        let spoken: HashSet<(u32, u32, Option<Text>)> = (0..signals.height())
            .filter(|at| policy.out(&rows, *at) == Some(Standing::Counts))
            .map(|at| (rows.person[at], rows.system[at], rows.record[at]))
            .collect();
        for at in 0..signals.height() {
            let (person, system, ix) = (rows.person[at], rows.system[at] as usize, rows.ix[at]);
            if rows.stopped[at] {
                doubt.by_code.insert(person);
            }
            let (standing, record) = (policy.out(&rows, at), rows.record[at]);
            let on = Holder {
                is_box: self.systems.profiles()[system].role == Role::Crm && rows.main[at],
                is_shared: rows.belongs[at] > 1,
            };
            let remembered = recalled.of.get(&ix);
            match standing {
                Some(Standing::Unreadable) => drop(doubt.unreadable.insert(person)),
                Some(Standing::Counts) => {
                    let wish = self.wishes.entry(person).or_default();
                    wish.outs.push(ix);
                    match remembered {
                        Some(seen) => wish.hardest.recall(seen, rows.out[at], recalled.now, zones[system], on),
                        None => wish.hardest.add(rows.out[at], zones[system], on.is_box),
                    }
                }
                _ => {}
            }
            let is_spoken_for = || spoken.contains(&(person, rows.system[at], record));
            let says_no_more = standing.is_none() || standing == Some(Standing::OfOneList) && !is_spoken_for();
            if let Some(seen) = remembered.filter(|_| says_no_more) {
                // An address alone does not say whose permission it is, nor does an id that several contacts have.
                if seen.opted_in && rows.by_id[at] && rows.belongs[at] == 1 {
                    // It counts from its earliest, as an instant: the short cut for two bare dates is not for a window.
                    let opted_in = Moment { from: seen.last, until: seen.last };
                    let day = zones[system].day_of(opted_in.start());
                    self.hear(person, ix, OptIn { at: opted_in, day, record }, texts);
                } else if !policy.stays_in_unit(&rows, at) {
                    let wish = self.wishes.entry(person).or_default();
                    wish.outs.push(ix);
                    wish.undone.push(ix);
                    wish.hardest.recall(seen, seen.dated, recalled.now, zones[system], on);
                }
            }
            let standing = policy.opted_in(&rows, at);
            if matches!(standing, Some(Standing::ByAddress | Standing::OfSeveral | Standing::Unproven)) {
                let wish = self.wishes.entry(person).or_default();
                if wish.unproven.is_none_or(|known| key_of(ix) < key_of(known)) {
                    wish.unproven = Some(ix);
                }
            } else if let Some(opted_in) = rows.opted_in[at].filter(|_| standing == Some(Standing::Counts)) {
                let day = zones[system].day_of(opted_in.start());
                self.hear(person, ix, OptIn { at: opted_in, day, record }, texts);
            }
        }
        Ok(doubt)
    }

    /// Of a person's opt-ins the latest counts; of two at once the one that sorts last, whatever the order of rows.
    fn hear(&mut self, person: u32, ix: u32, opt_in: OptIn, texts: &Texts) {
        let order = |opt_in: &OptIn| (opt_in.at, opt_in.record.map(|record| texts.get(record)));
        let wish = self.wishes.entry(person).or_default();
        if self.opt_ins.get(&person).is_none_or(|known| order(&opt_in) > order(known)) {
            self.opt_ins.insert(person, opt_in);
            wish.opted_in = Some(ix);
        }
    }

    /// Opt-outs of records that this run has no row of, for the persons that they were of.
    fn read_absent(&mut self, records: &DataFrame, matched: &Matched, recalled: &Recalled, texts: &Texts) -> Result<()> {
        if recalled.absent.is_empty() {
            return Ok(());
        }
        let known = Persons::new(records, matched, recalled, self.systems, texts)?;
        let policy = Judge { config: self.config, systems: self.systems };
        for (at, absent) in recalled.absent.iter().enumerate().filter(|(_, absent)| !absent.signal.opted_in) {
            let profile = &self.systems.profiles()[absent.system];
            if policy.leaves_in_unit(profile, !absent.unit.is_empty()) {
                continue;
            }
            let (zone, persons) = (Zone::parse(&profile.zone)?, known.of(absent, self.systems));
            for person in persons.iter().filter(|_| persons.len() <= self.config.policy.max_shared as usize) {
                let wish = self.wishes.entry(*person).or_default();
                wish.absent.push(at);
                wish.hardest.recall(
                    &absent.signal,
                    absent.signal.dated,
                    recalled.now,
                    zone,
                    Holder { is_box: false, is_shared: persons.len() > 1 },
                );
            }
        }
        Ok(())
    }

    /// A reviewer's decision is one more signal, and has to stand against the others like any.
    fn read_ruling(&mut self, ruled: &Ruled) {
        let wish = self.wishes.entry(ruled.person).or_default();
        if let Some(out) = ruled.out {
            wish.outs.push(ruled.ix);
            wish.hardest.add(Some(out), Zone::UTC, false);
        }
        if let Some((at, zone)) = ruled.opted_in {
            let candidate = OptIn { at, day: zone.day_of(at.start()), record: None };
            if self.opt_ins.get(&ruled.person).is_none_or(|known| candidate.at >= known.at) {
                self.opt_ins.insert(ruled.person, candidate);
                wish.opted_in = Some(ruled.ix);
            }
        }
    }

    /// Each person's own decision, before anything is shared.
    fn decide_alone(&mut self, doubt: &Doubt) {
        let tolerance = self.tolerance_ms();
        for (person, wish) in &mut self.wishes {
            let certain = !doubt.unreadable.contains(person) && !doubt.by_code.contains(person);
            let wins = self.opt_ins.get(person).is_some_and(|opt_in| certain && wish.hardest.is_beaten_by(*opt_in, tolerance));
            wish.own = match (wins, wish.outs.is_empty() && wish.absent.is_empty()) {
                (true, _) => Some(Opt::In),
                (false, false) => Some(Opt::Out),
                (false, true) => None,
            };
            wish.decision = wish.own;
            wish.passed_on = wish.hardest;
        }
    }

    /// Spreads opt-outs over shared addresses until nothing changes.
    fn spread(&mut self, records: &DataFrame, matched: &Matched, texts: &Texts) -> Result<()> {
        let neighbours = Neighbours::of(records, matched, self.config.policy.max_shared)?;
        let tolerance = self.tolerance_ms();
        let mut pending: Vec<u32> = neighbours.of_person.keys().copied().filter(|person| self.is_out(*person)).collect();
        let mut spreading: HashMap<u32, Hardest> =
            pending.iter().map(|person| (*person, self.wishes[person].hardest.of_a_sharer())).collect();
        while let Some(sharer) = pending.pop() {
            let hardest = spreading[&sharer];
            for (other, _) in neighbours.around(sharer) {
                let opt_in = self.opt_ins.get(&other).copied();
                let wish = self.wishes.entry(other).or_default();
                let withstands =
                    wish.own == Some(Opt::In) && opt_in.is_some_and(|opt_in| hardest.is_beaten_by(opt_in, tolerance));
                if withstands {
                    continue;
                }
                let known = spreading.get(&other).copied();
                let merged = known.map_or(hardest, |known| known.with(hardest));
                if wish.decision != Some(Opt::Out) || known != Some(merged) {
                    wish.decision = Some(Opt::Out);
                    spreading.insert(other, merged);
                    pending.push(other);
                }
            }
        }
        for (person, hardest) in spreading {
            let wish = self.wishes.entry(person).or_default();
            wish.passed_on = wish.hardest.with(hardest);
        }
        self.explain_shared(&neighbours, matched, texts);
        Ok(())
    }

    /// From whom each shared opt-out came: the nearest, then the first by id, so that the order of rows says nothing.
    fn explain_shared(&mut self, neighbours: &Neighbours, matched: &Matched, texts: &Texts) {
        let name = |person: u32| neighbours.name(person, matched).map(|id| texts.get(id));
        let mut level: Vec<u32> = neighbours
            .of_person
            .keys()
            .copied()
            .filter(|person| self.wishes.get(person).is_some_and(|wish| wish.own == Some(Opt::Out)))
            .collect();
        while !level.is_empty() {
            let mut reached: HashMap<u32, Vec<(u32, Text)>> = HashMap::default();
            for sharer in &level {
                for (other, address) in neighbours.around(*sharer) {
                    let wish = &self.wishes[&other];
                    if wish.decision == Some(Opt::Out) && wish.own != Some(Opt::Out) && wish.shared.is_none() {
                        reached.entry(other).or_default().push((*sharer, address));
                    }
                }
            }
            level = reached.keys().copied().collect();
            for (person, sharers) in reached {
                let first = sharers.into_iter().min_by_key(|(sharer, address)| (name(*sharer), texts.get(*address)));
                let root = first.map(|(sharer, _)| self.wishes[&sharer].root.unwrap_or(sharer));
                let wish = self.wishes.get_mut(&person).expect("reached persons have a wish");
                (wish.shared, wish.root) = (first, root);
            }
        }
    }

    fn is_out(&self, person: u32) -> bool {
        self.wishes.get(&person).is_some_and(|wish| wish.decision == Some(Opt::Out))
    }

    fn tolerance_ms(&self) -> i64 {
        i64::from(self.config.policy.clock_tolerance_hours) * 3_600_000
    }
}

fn decisions_frame(wishes: &HashMap<u32, Wish>, opt_ins: &HashMap<u32, OptIn>) -> Result<DataFrame> {
    let mut persons: Vec<u32> = wishes.iter().filter(|(_, wish)| wish.decision.is_some()).map(|(person, _)| *person).collect();
    persons.sort_unstable();
    let flag = |name: &'static str, of: fn(&Wish) -> Option<Opt>| {
        let flags = persons.iter().map(|person| of(&wishes[person]).map(|opt| opt == Opt::Out));
        BooleanChunked::from_iter_options(name.into(), flags).into_column()
    };
    let won = |name: &'static str, of: fn(Moment) -> i64| {
        let times = persons
            .iter()
            .map(|person| opt_ins.get(person).filter(|_| wishes[person].decision == Some(Opt::In)).map(|opt_in| of(opt_in.at)));
        Int64Chunked::from_iter_options(name.into(), times).into_column()
    };
    let columns = vec![
        UInt32Chunked::from_slice(cols::PERSON.into(), &persons).into_column(),
        flag(decided::OUT, |wish| wish.decision),
        flag(decided::OWN_OUT, |wish| wish.own),
        won(decided::IN_FROM, |at| at.from),
        won(decided::IN_UNTIL, |at| at.until),
    ];
    Ok(DataFrame::new(persons.len(), columns)?)
}
