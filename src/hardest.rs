//! What stands against an opt-in: the opt-outs that are the hardest to beat, as a person has them now and as the ledger keeps
//! them for those that a correction passes on.

use chrono::NaiveDate;

/// The opt-outs of a person that are the hardest to beat. Times are milliseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hardest {
    /// One of which nobody knows when it was made.
    pub undated: bool,
    /// A ticked box of the CRM, which never has a date: the run that first saw it, the end of time where this one does.
    pub boxed: Option<i64>,
    /// The latest with a time.
    pub instant: Option<i64>,
    /// The latest of which only the day is known, and when that day ends.
    pub day: Option<(NaiveDate, i64)>,
    /// The earliest run that wrote a correction which made one of them, and the latest time at which it can have been loaded.
    pub echoed: Option<(i64, i64)>,
    /// The latest time that an export gives to one of them, where a correction made it or the person did: nobody can tell.
    pub stamped: Option<i64>,
}

impl Hardest {
    /// The same once the run is over: what has no time was made before it.
    pub fn seen_by(self, run: i64) -> Hardest {
        Hardest {
            undated: false,
            boxed: self.boxed.map(|boxed| boxed.min(run)),
            instant: self.instant.max(self.undated.then_some(run)),
            echoed: None,
            stamped: None,
            ..self
        }
    }

    /// Both.
    pub fn with(self, other: Hardest) -> Hardest {
        let until = self.day.map(|day| day.1).max(other.day.map(|day| day.1));
        Hardest {
            undated: self.undated || other.undated,
            boxed: self.boxed.max(other.boxed),
            instant: self.instant.max(other.instant),
            day: self.day.map(|day| day.0).max(other.day.map(|day| day.0)).zip(until),
            echoed: match (self.echoed, other.echoed) {
                (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
                (one, other) => one.or(other),
            },
            stamped: self.stamped.max(other.stamped),
        }
    }
}
