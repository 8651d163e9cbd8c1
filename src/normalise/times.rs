//! Times as exports write them, to UTC instants with the precision they had.

use anyhow::{Result, anyhow};
use chrono::{DateTime, FixedOffset, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
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
    /// Reads an IANA name or an offset such as `-06:00`.
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
}
