//! The legal clock: an opt-out must be honoured within ten business days (16 CFR 316.4(a)).

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, SecondsFormat, Utc, Weekday};

use crate::classify::{Found, World};
use crate::columns::{Delivery, Opt};
use crate::config::Deadline;
use crate::consent::beats;
use crate::ledger::Signal;
use crate::normalise::Facts;
use crate::rules::RULES;
use crate::times::{Moment, Zone};

/// What is known of when an opt-out was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dated {
    /// An export, or a reviewer's decision, says when.
    Then,
    /// No export dates it, and an export of then did not show it yet: it was made then at the earliest.
    ThenOrLater,
    /// No export dates it, and a run saw it then: it was made then at the latest.
    ThenOrBefore,
}

/// The legal clock of a discrepancy: one for each that leaves an opt-out not honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// When it began; for a bare date, that day's midnight where the record is.
    pub since: DateTime<Utc>,
    /// Its day, where the record is.
    pub day: NaiveDate,
    /// Whether `since` is that day alone.
    pub bare_date: bool,
    /// What `since` is to the time at which the person said no.
    pub dated: Dated,
    /// The last day to honour it.
    pub due: NaiveDate,
}

impl Clock {
    /// When it began as outputs write it: a day, or an instant in UTC.
    pub fn began(&self) -> String {
        if self.bare_date { self.day.to_string() } else { self.since.to_rfc3339_opts(SecondsFormat::Secs, true) }
    }
}

/// The clock behind a discrepancy: it runs from the earliest of the person's opt-outs that no later opt-in withdrew, or of
/// those that came over a shared address. One that no export dates counts from the last export that did not show it yet, else
/// from the first run that saw it.
pub(super) fn clock(found: &Found, world: &World<'_>, facts: &Facts<'_>) -> Option<Clock> {
    clock_of(found.person.filter(|_| RULES[found.rule].clock)?, world, facts)
}

/// The clock behind the opt-outs of a person.
pub(super) fn clock_of(person: u32, world: &World<'_>, facts: &Facts<'_>) -> Option<Clock> {
    let of = |person: &u32| world.consent.wishes.get(person);
    let wish = of(&person)?;
    // Whoever came back is not waiting for anything to be honoured.
    let own = Some(wish).filter(|wish| wish.decision != Some(Opt::In) && (!wish.outs.is_empty() || !wish.absent.is_empty()));
    let recalled = &world.consent.recalled;
    let wish = own.or_else(|| wish.root.as_ref().and_then(of))?;
    let began = |ix: &u32| {
        let zone = facts.zone(*ix);
        let recalled = || recalled.of.get(ix).and_then(|signal| since(signal, recalled.now));
        let known = facts.first_out_at(*ix).map(|since| (since, Dated::Then)).or_else(recalled);
        clock_since(known.unwrap_or((world.as_of, Dated::ThenOrBefore)), zone, &world.config.deadline)
    };
    // A bounce that counts as an opt-out is nobody's wish.
    let by_bounce = |ix: u32| facts.delivery(ix) == Delivery::Bounced && facts.profile(ix).keeps_memberships();
    let opted_in = wish.opted_in.and_then(|ix| Some((facts.in_at(ix)?, facts.zone(ix))));
    let is_withdrawn = |out: Option<Moment>, zone: Zone, is_box: bool| {
        opted_in.is_some_and(|opted_in| beats(opted_in, (out, zone, is_box), world.config))
    };
    let wished = wish.outs.iter().filter(|ix| !by_bounce(**ix)).map(|ix| {
        let withdrawn = is_withdrawn(facts.out_at(*ix), facts.zone(*ix), facts.is_box(*ix));
        (withdrawn, began(ix))
    });
    let absent = wish.absent.iter().filter_map(|at| {
        let absent = &recalled.absent[*at];
        let zone = Zone::parse(&world.systems.profiles()[absent.system].zone).ok()?;
        let withdrawn = is_withdrawn(absent.signal.dated, zone, false);
        Some((withdrawn, clock_since(since(&absent.signal, recalled.now)?, zone, &world.config.deadline)))
    });
    let clocks = wished.chain(absent);
    clocks.min_by_key(|(withdrawn, clock)| (*withdrawn, clock.due, clock.since, clock.dated)).map(|(_, clock)| clock)
}

fn clock_since((since, dated): (DateTime<Utc>, Dated), zone: Zone, deadline: &Deadline) -> Clock {
    let day = zone.day_of(since);
    let bare_date = dated == Dated::Then && zone.to_utc(day.and_time(NaiveTime::MIN)) == since;
    Clock { since, day, bare_date, dated, due: after_business_days(day, deadline) }
}

/// The earliest that an opt-out can have been made, as earlier runs tell.
fn since(signal: &Signal, now: i64) -> Option<(DateTime<Utc>, Dated)> {
    let dated = signal.first.map(|since| (since, Dated::Then));
    let known = dated.or(signal.after.map(|since| (since, Dated::ThenOrLater)));
    let (since, dated) = known.or(Some((signal.seen, Dated::ThenOrBefore)).filter(|_| signal.seen < now))?;
    Some((DateTime::from_timestamp_millis(since)?, dated))
}

fn after_business_days(from: NaiveDate, deadline: &Deadline) -> NaiveDate {
    let mut day = from;
    let mut left = deadline.business_days;
    while left > 0 {
        day = day + Days::new(1);
        let weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        if !weekend && !deadline.holidays.contains(&day) {
            left -= 1;
        }
    }
    day
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_business_days_skip_weekends_and_holidays() {
        let thanksgiving = Deadline { holidays: vec!["2026-11-26".parse().unwrap()], ..Deadline::default() };
        // opted out | due
        for (from, due) in [("2026-11-02", "2026-11-16"), ("2026-11-07", "2026-11-20"), ("2026-11-20", "2026-12-07")] {
            let from: NaiveDate = from.parse().unwrap();
            assert_eq!(after_business_days(from, &thanksgiving).to_string(), due, "{from}");
        }
    }
}
