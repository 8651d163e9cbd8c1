//! Times as exports write them, to UTC instants with the precision they had.
//!
//! A bare date is its whole day in the system's zone, never midnight.

use chrono::{NaiveDate, NaiveTime};

use crate::systems::DateOrder;
use crate::times::{Moment, Zone};

/// Until then (the first days of 1970, in any zone) lie the dates that databases and spreadsheets write for none: 1753, 1899
/// and 1900, and the beginning of their count. No wish about e-mail is that old.
pub const LAST_PLACEHOLDER: i64 = 2 * 24 * 60 * 60 * 1000;

/// Why a cell is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTime {
    /// Not a date at all.
    Unreadable,
    /// Day and month could be either way round.
    Ambiguous,
}

/// The order of day and month in a column, by what stands between them. With dots the day is first everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// Of `11/05/2026`.
    pub slashed: Option<DateOrder>,
    /// Of `11-05-2026`.
    pub dashed: Option<DateOrder>,
}

/// The order of day and month in a column: a value that only fits one way settles it, else what is expected
/// of the system does. Where the two contradict each other nothing is settled. No system writes dashes in a date that
/// begins with the day or the month, so what is expected of it says nothing of them; what the configuration says does.
pub fn order_of(signs: Signs, expected: Option<DateOrder>, configured: Option<DateOrder>) -> Order {
    let only = |order: DateOrder| Some(order).filter(|order| expected.is_none_or(|expected| expected == *order));
    let settled = match (signs.day_first, signs.month_first) {
        (true, false) => Some(only(DateOrder::Dmy)),
        (false, true) => Some(only(DateOrder::Mdy)),
        (false, false) => None,
        (true, true) => Some(None),
    };
    // Of dashes that no value has nothing is settled: a column that is as expected is not read twice for them.
    Order { slashed: settled.unwrap_or(expected), dashed: settled.filter(|_| signs.dashed).unwrap_or(configured) }
}

/// What the values of a column say of the order of day and month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signs {
    /// A value can only have the day first.
    pub day_first: bool,
    /// A value can only have the month first.
    pub month_first: bool,
    /// There are dashes between day, month and year.
    pub dashed: bool,
}

impl Signs {
    /// What some values say.
    pub fn of<'a>(values: impl Iterator<Item = &'a str>) -> Signs {
        let mut signs = Signs::default();
        for (first, second, separator, _) in values.filter_map(|value| Digits::slashed(value.trim())) {
            signs.day_first |= first > 12 && second <= 12;
            signs.month_first |= second > 12 && first <= 12;
            signs.dashed |= separator == b'-';
        }
        signs
    }

    /// What both say.
    pub fn and(self, other: Signs) -> Signs {
        Signs {
            day_first: self.day_first || other.day_first,
            month_first: self.month_first || other.month_first,
            dashed: self.dashed || other.dashed,
        }
    }
}

/// Reads a time.
///
/// Read are ISO 8601 dates and times with or without zone, `20261120`, `11/20/2026 2:05:06 PM` by the column's order,
/// `20.11.2026 14:05` with the day first, and dates with the month's English name.
///
/// # Errors
/// What the cell is instead.
pub fn parse(text: &str, zone: Zone, order: Order) -> Result<Moment, NoTime> {
    let text = text.trim();
    let (date, rest) = split_date(text, order)?;
    let rest = rest.trim_start_matches(['T', 't', ' ', ',']).trim();
    if rest.is_empty() {
        return Ok(Moment::day(date, zone));
    }
    let (time, offset) = split_offset(rest);
    let local = date.and_time(parse_clock(time).ok_or(NoTime::Unreadable)?);
    let zone = match offset {
        "" => zone,
        "Z" | "z" | "UTC" | "GMT" => Zone::UTC,
        offset => Zone::Fixed(offset.parse().map_err(|_| NoTime::Unreadable)?),
    };
    Ok(Moment::instant(zone.to_utc(local)))
}

/// The numbers at the head of a text.
struct Digits;

impl Digits {
    fn take(text: &str) -> Option<(u32, usize, &str)> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).take(9);
        let (number, end) = digits.fold((0, 0), |(number, end), digit| (number * 10 + u32::from(digit - b'0'), end + 1));
        (1..=8).contains(&end).then(|| (number, end, &text[end..]))
    }

    /// `11/20/2026…`, `20.11.2026…`, `11-20-2026…`: the first two numbers, what stands between them, and the year with what
    /// follows.
    fn slashed(text: &str) -> Option<(u32, u32, u8, &str)> {
        let of_two = |text| Digits::take(text).filter(|(_, width, _)| *width <= 2);
        let (first, _, rest) = of_two(text)?;
        let separator = *rest.as_bytes().first()?;
        let (second, _, rest) = of_two(rest.strip_prefix(['/', '.', '-'])?)?;
        Some((first, second, separator, rest.strip_prefix(['/', '.', '-'])?))
    }
}

fn split_date(text: &str, order: Order) -> Result<(NaiveDate, &str), NoTime> {
    let date = |year: u32, month: u32, day: u32| {
        let plausible = (1900..=2199).contains(&year);
        NaiveDate::from_ymd_opt(year as i32, month, day).filter(|_| plausible).ok_or(NoTime::Unreadable)
    };
    if let Some((first, second, separator, rest)) = Digits::slashed(text) {
        let (year, width, rest) = Digits::take(rest).ok_or(NoTime::Unreadable)?;
        if width != 4 {
            return Err(NoTime::Unreadable);
        }
        let (month, day) = match (first, second) {
            (first, second) if first == second => (first, second),
            (first, second) if separator == b'.' => (second, first),
            (first, second) if first > 12 => (second, first),
            (first, second) if second > 12 => (first, second),
            (first, second) => match if separator == b'-' { order.dashed } else { order.slashed } {
                Some(DateOrder::Dmy) => (second, first),
                Some(DateOrder::Mdy) => (first, second),
                _ => return Err(NoTime::Ambiguous),
            },
        };
        return Ok((date(year, month, day)?, rest));
    }
    match Digits::take(text) {
        Some((whole, 8, rest)) => Ok((date(whole / 10_000, whole / 100 % 100, whole % 100)?, rest)),
        Some((year, 4, rest)) => {
            let numbers = || {
                let (month, _, rest) = Digits::take(rest.strip_prefix(['-', '/', '.'])?)?;
                let (day, _, rest) = Digits::take(rest.strip_prefix(['-', '/', '.'])?)?;
                Some((month, day, rest))
            };
            let (month, day, rest) = numbers().ok_or(NoTime::Unreadable)?;
            Ok((date(year, month, day)?, rest))
        }
        // `20 Nov 2026` and `20-Nov-2026`.
        Some((day, _, rest)) => {
            let (month, rest) = month_name(rest.trim_start_matches([' ', '-'])).ok_or(NoTime::Unreadable)?;
            let (year, rest) = year_after(rest).ok_or(NoTime::Unreadable)?;
            Ok((date(year, month, day)?, rest))
        }
        // `Nov 20, 2026` and `November 20 2026`.
        None => {
            let (month, rest) = month_name(text).ok_or(NoTime::Unreadable)?;
            let (day, _, rest) = Digits::take(rest.trim_start()).ok_or(NoTime::Unreadable)?;
            let (year, rest) = year_after(rest).ok_or(NoTime::Unreadable)?;
            Ok((date(year, month, day)?, rest))
        }
    }
}

fn year_after(rest: &str) -> Option<(u32, &str)> {
    let (year, width, rest) = Digits::take(rest.trim_start_matches([' ', ',', '-']))?;
    (width == 4).then_some((year, rest))
}

fn month_name(text: &str) -> Option<(u32, &str)> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let end = text.bytes().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(text.len());
    let word = text[..end].to_ascii_lowercase();
    let at = NAMES.iter().position(|name| *name == word || (word.len() == 3 && name.starts_with(&word)))?;
    Some((at as u32 + 1, text[end..].trim_start_matches('.')))
}

/// A zone at the end of a clock time: `Z`, `UTC`, `+01:00`, `-0600`.
fn split_offset(text: &str) -> (&str, &str) {
    let sign = text.bytes().position(|byte| matches!(byte, b'+' | b'-' | b'Z' | b'z'));
    let at = sign.or_else(|| text.find("UTC")).or_else(|| text.find("GMT"));
    at.map_or((text, ""), |at| (text[..at].trim_end(), text[at..].trim()))
}

fn parse_clock(text: &str) -> Option<NaiveTime> {
    let (clock, half) = match text.len().checked_sub(2).and_then(|at| text.split_at_checked(at)) {
        Some((clock, half)) if half.eq_ignore_ascii_case("AM") => (clock.trim_end(), Some(0)),
        Some((clock, half)) if half.eq_ignore_ascii_case("PM") => (clock.trim_end(), Some(12)),
        _ => (text, None),
    };
    let (hour, _, rest) = Digits::take(clock)?;
    let (minute, _, rest) = Digits::take(rest.strip_prefix(':')?)?;
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => Digits::take(rest).map(|(second, _, rest)| (second, rest))?,
        None => (0, rest),
    };
    let fraction = if rest.is_empty() { rest } else { rest.strip_prefix('.')? };
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let millis = fraction.bytes().chain(*b"000").take(3).fold(0, |millis, digit| millis * 10 + u32::from(digit - b'0'));
    let hour = match half {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(half) => hour % 12 + half,
        None => hour,
    };
    NaiveTime::from_hms_milli_opt(hour, minute, second, millis)
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;

    const DENVER: Zone = Zone::Named(Tz::America__Denver);

    #[test]
    fn times_are_read_with_their_zone_and_precision() {
        let vendor = Zone::parse("-06:00").unwrap();
        // cell | zone | order | as written again
        for (cell, zone, order, written) in [
            ("2026-11-20T14:05:06.000Z", DENVER, None, "2026-11-20T14:05:06Z"),
            ("2026-11-20 14:05:06", Zone::UTC, None, "2026-11-20T14:05:06Z"),
            ("2026-11-20T14:05:06+02:00", DENVER, None, "2026-11-20T12:05:06Z"),
            ("2026-11-20T14:05:06-0600", DENVER, None, "2026-11-20T20:05:06Z"),
            ("2026-11-20", DENVER, None, "2026-11-20"),
            ("20261120", DENVER, None, "2026-11-20"),
            ("11/20/2026", DENVER, None, "2026-11-20"),
            ("3/4/2026 9:05 AM", vendor, Some(DateOrder::Mdy), "2026-03-04T15:05:00Z"),
            ("3/4/2026 12:05:09 AM", vendor, Some(DateOrder::Dmy), "2026-04-03T06:05:09Z"),
            ("07/07/2026 23:30", vendor, None, "2026-07-08T05:30:00Z"),
            // With dots the day is first, whatever the system's own dates are.
            ("03.05.2026 15:00", Zone::UTC, Some(DateOrder::Mdy), "2026-05-03T15:00:00Z"),
            ("03.05.2026", Zone::UTC, None, "2026-05-03"),
            ("Nov 20 2026 2:05PM", vendor, None, "2026-11-20T20:05:00Z"),
            ("20-Nov-2026", vendor, None, "2026-11-20"),
            ("November 2, 2026", vendor, None, "2026-11-02"),
            // The hour that the clocks skip, and the one they repeat.
            ("2026-03-08 02:30", DENVER, None, "2026-03-08T09:30:00Z"),
            ("2026-11-01 01:30", DENVER, None, "2026-11-01T08:30:00Z"),
        ] {
            let order = Order { slashed: order, dashed: order };
            assert_eq!(parse(cell, zone, order).map(|moment| moment.written(zone)), Ok(written.to_owned()), "{cell}");
        }
    }

    #[test]
    fn what_is_no_time_says_what_it_is() {
        use NoTime::{Ambiguous, Unreadable};
        for (cell, what) in [
            ("03/04/2026", Ambiguous),
            ("03-04-2026", Ambiguous),
            ("03.25.2026", Unreadable),
            ("46346", Unreadable),
            ("soon", Unreadable),
            ("2026-13-01", Unreadable),
            ("2026-02-30", Unreadable),
            ("11/20/26", Unreadable),
            ("2026-11-20 25:00", Unreadable),
            ("11/20/2026 13:00 PM", Unreadable),
            ("0026-11-20", Unreadable),
            ("ä", Unreadable),
            ("", Unreadable),
        ] {
            assert_eq!(parse(cell, Zone::UTC, Order::default()), Err(what), "{cell}");
        }
    }

    #[test]
    fn what_is_expected_of_a_system_says_nothing_of_dashes() {
        use DateOrder::{Dmy, Mdy};
        // values | expected of the system | configured | order with dashes
        for (values, expected, configured, order) in [
            (&["03-05-2026"][..], Some(Mdy), None, None),
            (&["03-05-2026"], Some(Mdy), Some(Mdy), Some(Mdy)),
            (&["03-05-2026", "25-05-2026"], None, None, Some(Dmy)),
            (&["03-05-2026", "25-05-2026"], Some(Mdy), None, None),
        ] {
            assert_eq!(order_of(Signs::of(values.iter().copied()), expected, configured).dashed, order, "{values:?}");
        }
    }

    #[test]
    fn one_value_that_only_fits_one_way_settles_a_column() {
        use DateOrder::{Dmy, Mdy};
        // values | expected of the system | order
        for (values, expected, order) in [
            (vec!["03/04/2026", "03/14/2026"], None, Some(Mdy)),
            (vec!["14/03/2026", "03/04/2026"], None, Some(Dmy)),
            (vec!["03/04/2026", "2026-03-14"], None, None),
            (vec!["03/04/2026", "2026-03-14"], Some(Mdy), Some(Mdy)),
            (vec!["14/03/2026", "03/14/2026"], Some(Mdy), None),
            (vec!["14/03/2026", "03/04/2026"], Some(Mdy), None),
        ] {
            assert_eq!(order_of(Signs::of(values.iter().copied()), expected, expected).slashed, order, "{values:?}");
        }
    }
}
