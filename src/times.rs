//! Instants and days: when something happened, as precisely as it is known, and where clocks and calendars are.

use anyhow::{Result, anyhow};
use chrono::{DateTime, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// The zone of times that carry none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// The same offset all year.
    Fixed(FixedOffset),
    /// A zone of the IANA database.
    Named(Tz),
}

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Zone = Zone::Named(Tz::UTC);

    /// Reads an IANA name or an offset such as `-06:00`.
    ///
    /// # Errors
    /// Anything else, with both forms as examples.
    pub fn parse(text: &str) -> Result<Zone> {
        if let Ok(zone) = text.parse::<Tz>() {
            return Ok(Zone::Named(zone));
        }
        text.parse::<FixedOffset>()
            .map(Zone::Fixed)
            .map_err(|_| anyhow!("`{text}` is no zone: write an IANA name such as America/Denver, or an offset such as -06:00"))
    }

    /// The instant of a local time. In the hour that a clock change repeats, the later one; in the hour
    /// that it skips, the instant at which the clocks changed on: an opt-out is never taken for earlier than it was.
    pub fn to_utc(self, local: NaiveDateTime) -> DateTime<Utc> {
        match self {
            Zone::Fixed(offset) => DateTime::from_naive_utc_and_offset(local - offset, Utc),
            Zone::Named(zone) => match zone.from_local_datetime(&local).latest() {
                Some(moment) => moment.with_timezone(&Utc),
                None => {
                    let before = zone.from_utc_datetime(&(local - TimeDelta::days(1))).offset().fix();
                    DateTime::from_naive_utc_and_offset(local - before, Utc)
                }
            },
        }
    }

    /// The calendar day of an instant.
    pub fn day_of(self, moment: DateTime<Utc>) -> NaiveDate {
        match self {
            Zone::Fixed(offset) => moment.with_timezone(&offset).date_naive(),
            Zone::Named(zone) => moment.with_timezone(&zone).date_naive(),
        }
    }
}

/// When something happened: from `from` until `until`, in milliseconds since 1970 UTC. Both are the same
/// for an instant; a bare date reaches from its midnight to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// The earliest it can have been.
    pub from: i64,
    /// The latest it can have been.
    pub until: i64,
}

impl Moment {
    /// An exact time.
    pub fn instant(at: DateTime<Utc>) -> Moment {
        Moment { from: at.timestamp_millis(), until: at.timestamp_millis() }
    }

    /// A whole day.
    pub fn day(date: NaiveDate, zone: Zone) -> Moment {
        let midnight = |date: NaiveDate| zone.to_utc(date.and_time(NaiveTime::MIN)).timestamp_millis();
        Moment { from: midnight(date), until: midnight(date.checked_add_days(Days::new(1)).unwrap_or(date)) }
    }

    /// The later of two, as an opt-in has to beat both: of a day and an instant only the time remains, so that
    /// the short cut for two bare dates does not apply.
    pub fn later(self, other: Moment) -> Moment {
        if self.is_day() == other.is_day() {
            return if self.until >= other.until { self } else { other };
        }
        let until = self.until.max(other.until);
        Moment { from: until, until }
    }

    /// Whether only the day is known.
    pub fn is_day(self) -> bool {
        self.from != self.until
    }

    /// Its beginning.
    pub fn start(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.from).unwrap_or_default()
    }

    /// As outputs write it: `2026-11-20` for a day of `zone`, else `2026-11-20T14:05:06Z`.
    pub fn written(self, zone: Zone) -> String {
        match self.is_day() {
            true => zone.day_of(self.start()).to_string(),
            false => self.start().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }
    }
}
