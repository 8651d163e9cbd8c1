//! When an export was made: a date in its name, else in its preamble or footer, else the file's own time.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use crate::systems::DateOrder;
use crate::times::Zone;

/// What the name of a file says of the time at which it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// Nothing.
    Nothing,
    /// The latest date that is not after the limit, with the time of day that may follow it. A bare date is the day's beginning.
    At(DateTime<Utc>),
    /// A date whose day and month cannot be told apart.
    TwoWays,
}

impl Named {
    /// The time, where it says one.
    pub fn at(self) -> Option<DateTime<Utc>> {
        if let Named::At(moment) = self { Some(moment) } else { None }
    }
}

/// How a system writes dates.
#[derive(Clone, Copy, Debug, Default)]
pub struct Orders {
    /// As its profile or the configuration says.
    pub usual: Option<DateOrder>,
    /// As the configuration says, for its own files.
    pub configured: Option<DateOrder>,
}

/// Reads the date in a file's name. None is after `limit`: no export is made after the run that reads it. Where no date begins
/// with the year, one that ends with it is read as the system writes dates, or as the only reading that it has; with dots the day
/// is first, unless the configuration says otherwise.
pub fn from_name(name: &str, orders: Orders, zone: Zone, limit: DateTime<Utc>) -> Named {
    use DateOrder::{Dmy, Mdy, Ymd};
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let all = |order: DateOrder, separators: &[char]| -> Vec<DateTime<Utc>> {
        dates(stem, order, separators).map(|date| date.instant(zone)).collect()
    };
    let latest = |dates: Vec<DateTime<Utc>>| dates.into_iter().filter(|date| *date <= limit).max();
    // The other order is only asked where nothing is a date in this one.
    let first = |order: DateOrder, separators: &[char]| {
        let read = all(order, separators);
        latest(if read.is_empty() { all(if order == Mdy { Dmy } else { Mdy }, separators) } else { read })
    };
    let year_last = |order: Option<DateOrder>| order.filter(|order| *order != Ymd);
    const LINES: [char; 3] = ['-', '_', ' '];
    let dotted = || first(year_last(orders.configured).unwrap_or(Dmy), &['.']);
    let readings = || match year_last(orders.usual) {
        Some(order) => [first(order, &LINES), None],
        None => [Mdy, Dmy].map(|order| latest(all(order, &LINES))),
    };
    match latest(all(Ymd, &['-', '_', '.', ' '])).or_else(dotted).map_or_else(readings, |moment| [Some(moment), None]) {
        [Some(one), Some(other)] if one != other => Named::TwoWays,
        [one, other] => one.or(other).map_or(Named::Nothing, Named::At),
    }
}

/// The time that a preamble or footer names: a line that says so, else the latest date that is no filter. None is after
/// `limit`.
pub fn from_content<'a>(
    lines: impl Iterator<Item = &'a str> + Clone,
    order: Option<DateOrder>,
    zone: Zone,
    limit: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    const SAID: [&str; 7] = ["as of", "as-of", "generated", "exported", "printed", "run date", "report date"];
    const FILTER: [&str; 11] = ["<", ">", "=", " to ", "between", "range", "filter", "since", "after", "before", "copyright"];
    let latest = |words: &[&str], wanted: bool| {
        lines
            .clone()
            .filter(|line| {
                let line = line.to_lowercase();
                words.iter().any(|word| line.contains(word)) == wanted
            })
            .flat_map(|line| {
                let iso = dates(line, DateOrder::Ymd, &['-', '/']);
                let slashed = match order {
                    Some(DateOrder::Ymd) => Vec::new(),
                    Some(order) => dates(line, order, &['/', '.', '-']).collect(),
                    None => only_one_way(line),
                };
                iso.chain(slashed).collect::<Vec<Found>>()
            })
            .map(|date| date.instant(zone))
            .filter(|date| *date <= limit)
            .max()
    };
    latest(&SAID, true).or_else(|| latest(&FILTER, false))
}

/// Day and month are told apart only where the date fits one way, or is the same both ways.
fn only_one_way(line: &str) -> Vec<Found> {
    let read = |order| dates(line, order, &['/', '.', '-']).collect::<Vec<Found>>();
    let (mdy, dmy) = (read(DateOrder::Mdy), read(DateOrder::Dmy));
    if mdy.is_empty() || mdy == dmy {
        dmy
    } else if dmy.is_empty() {
        mdy
    } else {
        Vec::new()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    date: NaiveDate,
    time: Option<NaiveTime>,
    utc: bool,
}

impl Found {
    fn instant(self, zone: Zone) -> DateTime<Utc> {
        let local = NaiveDateTime::new(self.date, self.time.unwrap_or(NaiveTime::MIN));
        if self.utc { local.and_utc() } else { zone.to_utc(local) }
    }
}

/// Every date in a text that is not part of a longer number.
fn dates<'t>(text: &'t str, order: DateOrder, separators: &'t [char]) -> impl Iterator<Item = Found> + 't {
    text.char_indices().filter_map(move |(at, c)| {
        let after_digit = text[..at].ends_with(|c: char| c.is_ascii_digit());
        if !c.is_ascii_digit() || after_digit { None } else { date_at(&text[at..], order, separators) }
    })
}

fn date_at(text: &str, order: DateOrder, separators: &[char]) -> Option<Found> {
    let mut scan = Scan(text);
    let (year, month, day) = match order {
        DateOrder::Ymd => {
            let year = scan.digits(4, 4)?;
            let separator = scan.one_of(separators);
            let width = if separator.is_some() { 1 } else { 2 };
            let month = scan.digits(width, 2)?;
            if let Some(separator) = separator {
                scan.one_of(&[separator])?;
            }
            (year, month, scan.digits(width, 2)?)
        }
        DateOrder::Mdy | DateOrder::Dmy => {
            let first = scan.digits(1, 2)?;
            let separator = scan.one_of(separators)?;
            let second = scan.digits(1, 2)?;
            scan.one_of(&[separator])?;
            let year = scan.digits(4, 4)?;
            if order == DateOrder::Mdy { (year, first, second) } else { (year, second, first) }
        }
    };
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day).filter(|_| (1990..2200).contains(&year))?;
    let mut after = Scan(scan.0);
    let runs_on = after.0.starts_with(|c: char| c.is_ascii_digit());
    let time = after.time(runs_on);
    if runs_on && time.is_none() {
        return None;
    }
    let utc = time.is_some() && after.one_of(&['Z', 'z']).is_some() && !after.0.starts_with(|c: char| c.is_alphanumeric());
    Some(Found { date, time, utc })
}

/// The rest of a text that is being read.
struct Scan<'t>(&'t str);

impl Scan<'_> {
    fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        let length = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        if length < least { None } else { digits.parse().ok() }
    }

    fn one_of(&mut self, wanted: &[char]) -> Option<char> {
        let c = self.0.chars().next().filter(|c| wanted.contains(c))?;
        self.0 = &self.0[c.len_utf8()..];
        Some(c)
    }

    /// `T0600`, `_060000`, `-06-00`, ` 6:02 AM`: hours, minutes and perhaps seconds; without a separator where the
    /// digits run on.
    fn time(&mut self, runs_on: bool) -> Option<NaiveTime> {
        if !runs_on {
            self.one_of(&['T', 't', '_', '-', ' ', ','])?;
        }
        while self.one_of(&[' ']).is_some() {}
        let run = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (hour, minute, second) = match run {
            4 | 6 => (self.digits(2, 2)?, self.digits(2, 2)?, if run == 6 { self.digits(2, 2)? } else { 0 }),
            1 | 2 if !runs_on => {
                let hour = self.digits(1, 2)?;
                let separator = self.one_of(&[':', '-', '_', '.'])?;
                let minute = self.digits(2, 2)?;
                let second = if self.one_of(&[separator]).is_some() { self.digits(2, 2)? } else { 0 };
                (hour, minute, second)
            }
            _ => return None,
        };
        if self.0.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        // Fractions of a second say nothing here.
        if self.one_of(&['.']).is_some() {
            self.0 = self.0.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        let half = self.0.trim_start().get(..2).map(str::to_ascii_lowercase);
        let hour = match half.as_deref() {
            Some("am" | "pm") if !(1..=12).contains(&hour) => return None,
            Some("am") => hour % 12,
            Some("pm") => hour % 12 + 12,
            _ => hour,
        };
        NaiveTime::from_hms_opt(hour, minute, second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit() -> DateTime<Utc> {
        "2026-11-23T06:00:00Z".parse().unwrap()
    }

    fn text(moment: Option<DateTime<Utc>>) -> String {
        moment.map(|moment| moment.format("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
    }

    #[test]
    fn names_tell_when_an_export_was_made() {
        let denver = Zone::parse("America/Denver").unwrap();
        // name | instant
        for (name, expected) in [
            ("contacts_2026-11-21.csv", "2026-11-21T07:00:00Z"),
            ("contacts_20261121.csv", "2026-11-21T07:00:00Z"),
            ("contacts_2026_11_21.csv", "2026-11-21T07:00:00Z"),
            ("contacts 2026-11-21T0600.csv", "2026-11-21T13:00:00Z"),
            ("contacts_20261121_060000.csv", "2026-11-21T13:00:00Z"),
            ("contacts_2026-11-21T06-00-00Z.csv", "2026-11-21T06:00:00Z"),
            ("contacts_20261121T060000Z.xlsx", "2026-11-21T06:00:00Z"),
            ("2026-11-14_to_2026-11-21.csv", "2026-11-21T07:00:00Z"),
            ("contacts_20261121060000.csv", "2026-11-21T13:00:00Z"),
            ("contacts_2026-07-21.csv", "2026-07-21T06:00:00Z"),
            ("contacts_2026-11-21_final.csv", "2026-11-21T07:00:00Z"),
            ("contacts_2026-11-21 (2).csv", "2026-11-21T07:00:00Z"),
            ("contacts_2026-13-21.csv", ""),
            ("contacts_9920261121.csv", ""),
            ("contacts_202611210.csv", ""),
            ("contacts.csv", ""),
            // No export is made after its run.
            ("contacts_2027-11-21.csv", ""),
            ("gala 2027-06-05 contacts 2026-11-21.csv", "2026-11-21T07:00:00Z"),
            ("My Active Contacts 11-21-2026 10-30-15 AM.xlsx", "2026-11-21T17:30:15Z"),
            ("contacts_21-11-2026.csv", "2026-11-21T07:00:00Z"),
            ("contacts_5.11.2026.csv", "2026-11-05T07:00:00Z"),
            ("contacts_11_11_2026.csv", "2026-11-11T07:00:00Z"),
            ("contacts_11.21.2026.csv", "2026-11-21T07:00:00Z"),
            // The other reading is after the run.
            ("contacts 11-12-2026.csv", "2026-11-12T07:00:00Z"),
            ("contacts_2026-11-21 of 01-02-2026.csv", "2026-11-21T07:00:00Z"),
        ] {
            assert_eq!(text(from_name(name, Orders::default(), denver, limit()).at()), expected, "{name}");
        }
    }

    #[test]
    fn a_date_of_two_readings_is_read_as_its_system_writes_dates() {
        let utc = Zone::parse("UTC").unwrap();
        let usual = |usual: Option<DateOrder>| Orders { usual, configured: None };
        let configured = |order: DateOrder| Orders { usual: Some(order), configured: Some(order) };
        assert_eq!(from_name("contacts 10-11-2026.csv", usual(None), utc, limit()), Named::TwoWays);
        // name | how the system writes dates | instant
        for (name, orders, expected) in [
            ("contacts 10-11-2026.csv", usual(Some(DateOrder::Mdy)), "2026-10-11T00:00:00Z"),
            ("contacts 10-11-2026.csv", usual(Some(DateOrder::Dmy)), "2026-11-10T00:00:00Z"),
            // The only reading that it has.
            ("contacts 21-09-2026.csv", usual(Some(DateOrder::Mdy)), "2026-09-21T00:00:00Z"),
            ("contacts 09-21-2026.csv", usual(Some(DateOrder::Dmy)), "2026-09-21T00:00:00Z"),
            // The reading that it has is after the run.
            ("contacts 12-05-2026.csv", usual(Some(DateOrder::Mdy)), ""),
            ("contacts 10.11.2026.csv", usual(Some(DateOrder::Mdy)), "2026-11-10T00:00:00Z"),
            ("contacts 10.11.2026.csv", configured(DateOrder::Mdy), "2026-10-11T00:00:00Z"),
            ("contacts 10.11.2026.csv", configured(DateOrder::Ymd), "2026-11-10T00:00:00Z"),
        ] {
            assert_eq!(text(from_name(name, orders, utc, limit()).at()), expected, "{name} {orders:?}");
        }
    }

    #[test]
    fn footers_and_preambles_tell_it_too() {
        let utc = Zone::parse("UTC").unwrap();
        // lines | order | instant
        for (lines, order, expected) in [
            (&["Generated By: Ana Example 11/20/2026 6:02 AM"][..], None, "2026-11-20T06:02:00Z"),
            (&["Generated By: Ana Example 11/20/2026, 6:02 PM"], None, "2026-11-20T18:02:00Z"),
            (&["Generated By: Ana Example 11/05/2026 6:02 AM"], None, ""),
            (&["Generated By: Ana Example 11/05/2026 6:02 AM"], Some(DateOrder::Mdy), "2026-11-05T06:02:00Z"),
            (&["Generated By: Ana Example 11/05/2026 6:02 AM"], Some(DateOrder::Dmy), "2026-05-11T06:02:00Z"),
            (&["As of 2026-11-20 06:02"], None, "2026-11-20T06:02:00Z"),
            (&["As of 2026-11-20 06:02:30.123Z"], None, "2026-11-20T06:02:30Z"),
            (&["Created Date > 2026-11-21", "As of 2026-11-20"], None, "2026-11-20T00:00:00Z"),
            (&["Created Date > 2026-11-21"], None, ""),
            (&["Weekly report", "2026-11-20"], None, "2026-11-20T00:00:00Z"),
            (&["Copyright (c) 2000-2026 Example"], None, ""),
            (&["Fiscal year ends 06/30/2027", "Run on 11/21/2026"], Some(DateOrder::Mdy), "2026-11-21T00:00:00Z"),
        ] {
            assert_eq!(text(from_content(lines.iter().copied(), order, utc, limit())), expected, "{lines:?}");
        }
    }
}
