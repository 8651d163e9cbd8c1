//! The cells of an export in the spellings that exports use: addresses, keys, times.

use chrono::{DateTime, Datelike, Timelike};

use super::ids::SalesforceId;

const FIRST: [&str; 32] = [
    "ana", "ben", "carla", "dev", "elena", "farid", "grace", "hugo", "ines", "jonas", "kira", "liam", "mina", "noah", "olga",
    "pablo", "quinn", "rosa", "samir", "tara", "uma", "viktor", "wren", "xenia", "yusuf", "zoe", "amos", "bela", "cora", "dario",
    "edith", "finn",
];
const LAST: [&str; 32] = [
    "abel", "brook", "castro", "dahl", "engel", "flores", "garcia", "holt", "ito", "jensen", "keller", "lind", "moreau", "novak",
    "okoye", "park", "quist", "reyes", "singh", "tran", "ueda", "vega", "weber", "xu", "young", "zimmer", "adler", "bloom",
    "cruz", "doyle", "evans", "frost",
];
const DOMAINS: [&str; 4] = ["example.org", "example.com", "mail.example.org", "alumni.example.com"];

/// An address; its number makes it unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// Unique in the workspace.
    pub number: u64,
    /// Chooses the words around the number.
    pub words: u16,
}

impl Address {
    /// As every system means it: lower case, bare.
    pub fn text(self) -> String {
        let mut text = Vec::new();
        self.write(&mut text);
        String::from_utf8(text).expect("addresses are ASCII")
    }

    fn write(self, row: &mut Vec<u8>) {
        let words = usize::from(self.words);
        row.extend_from_slice(FIRST[words % 32].as_bytes());
        row.push(b'.');
        row.extend_from_slice(LAST[words / 32 % 32].as_bytes());
        write_number(row, self.number, 1);
        row.push(b'@');
        row.extend_from_slice(DOMAINS[words / 1024 % 4].as_bytes());
    }
}

/// A cell with an address.
#[derive(Clone, Copy, Debug)]
pub enum Email {
    /// Nothing.
    Blank,
    /// The address as it is.
    Plain(Address),
    /// In capitals.
    Shouted(Address),
    /// ` <mailto:…> `, as a copied link.
    Wrapped(Address),
    /// Two addresses in one cell, which is neither.
    Pair(Address, Address),
    /// No address at all.
    Words(&'static str),
}

impl Email {
    /// The address that the cell means, if it means one.
    pub fn address(self) -> Option<Address> {
        match self {
            Email::Plain(address) | Email::Shouted(address) | Email::Wrapped(address) => Some(address),
            Email::Blank | Email::Pair(..) | Email::Words(_) => None,
        }
    }

    /// Writes the cell.
    pub fn write(self, row: &mut Vec<u8>) {
        match self {
            Email::Blank => {}
            Email::Plain(address) => address.write(row),
            Email::Shouted(address) => {
                let start = row.len();
                address.write(row);
                row[start..].make_ascii_uppercase();
            }
            Email::Wrapped(address) => {
                row.extend_from_slice(b" <mailto:");
                address.write(row);
                row.extend_from_slice(b"> ");
            }
            Email::Pair(one, other) => {
                one.write(row);
                row.extend_from_slice(b"; ");
                other.write(row);
            }
            Email::Words(words) => row.extend_from_slice(words.as_bytes()),
        }
    }
}

/// A cell with a key of another system, or of its own.
#[derive(Clone, Copy, Debug)]
pub enum Key {
    /// Nothing.
    Blank,
    /// All 18 characters.
    Full(SalesforceId),
    /// 15 characters.
    Short(SalesforceId),
    /// 18 characters that lost their case, upwards.
    Upper(SalesforceId),
    /// 18 characters that lost their case, downwards.
    Lower(SalesforceId),
    /// An address, as in older accounts.
    Address(Address),
    /// A number of the platform's own.
    Number(u64),
    /// No key.
    Words(&'static str),
}

impl Key {
    /// As reports name the record: a Salesforce id always in full, anything else as it is written.
    pub fn record(self) -> String {
        match self {
            Key::Full(id) | Key::Short(id) | Key::Upper(id) | Key::Lower(id) => id.full().to_owned(),
            other => {
                let mut text = Vec::new();
                other.write(&mut text);
                String::from_utf8(text).expect("keys are ASCII")
            }
        }
    }

    /// Writes the cell.
    pub fn write(self, row: &mut Vec<u8>) {
        match self {
            Key::Blank => {}
            Key::Full(id) => row.extend_from_slice(id.full().as_bytes()),
            Key::Short(id) => row.extend_from_slice(id.short().as_bytes()),
            Key::Upper(id) => row.extend(id.full().bytes().map(|byte| byte.to_ascii_uppercase())),
            Key::Lower(id) => row.extend(id.full().bytes().map(|byte| byte.to_ascii_lowercase())),
            Key::Address(address) => address.write(row),
            Key::Number(number) => write_number(row, 70_000_000 + number, 1),
            Key::Words(words) => row.extend_from_slice(words.as_bytes()),
        }
    }
}

/// Seconds in an hour and in a day.
pub const HOUR: i64 = 3600;
/// Seconds in a day.
pub const DAY: i64 = 24 * HOUR;

/// A cell with a time. Instants are seconds since 1970 in UTC; days are counted from the same day.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// Nothing.
    Blank,
    /// An instant.
    At(i64),
    /// A day without a time.
    On(i64),
    /// No time at all.
    Words(&'static str),
}

/// How a column writes its times.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// `2026-11-20T14:05:06.000Z`
    Iso,
    /// `11/20/2026 2:05:06 PM`, this many hours from UTC.
    American(i64),
    /// `11/20/2026`
    Day,
}

impl When {
    /// Writes the cell. An instant in a column of days is its day in UTC.
    pub fn write(self, row: &mut Vec<u8>, clock: Clock) {
        let (seconds, clock) = match (self, clock) {
            (When::Blank, _) => return,
            (When::Words(words), _) => return row.extend_from_slice(words.as_bytes()),
            (When::On(day), _) => (day * DAY, Clock::Day),
            (When::At(seconds), Clock::American(hours)) => (seconds + hours * HOUR, clock),
            (When::At(seconds), _) => (seconds, clock),
        };
        let time = DateTime::from_timestamp(seconds, 0).expect("made-up times lie in this century");
        let (year, month, day) = (time.year() as u64, u64::from(time.month()), u64::from(time.day()));
        let (hour, minute, second) = (u64::from(time.hour()), u64::from(time.minute()), u64::from(time.second()));
        let mut parts = |parts: &[(u64, usize, u8)]| {
            for &(number, width, end) in parts {
                write_number(row, number, width);
                row.push(end);
            }
        };
        match clock {
            Clock::Iso => {
                parts(&[
                    (year, 4, b'-'),
                    (month, 2, b'-'),
                    (day, 2, b'T'),
                    (hour, 2, b':'),
                    (minute, 2, b':'),
                    (second, 2, b'.'),
                ]);
                row.extend_from_slice(b"000Z");
            }
            Clock::American(_) => {
                let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
                parts(&[
                    (month, 1, b'/'),
                    (day, 1, b'/'),
                    (year, 4, b' '),
                    (twelve, 1, b':'),
                    (minute, 2, b':'),
                    (second, 2, b' '),
                ]);
                row.extend_from_slice(if hour < 12 { b"AM" } else { b"PM" });
            }
            Clock::Day => {
                parts(&[(month, 2, b'/'), (day, 2, b'/')]);
                write_number(row, year, 4);
            }
        }
    }
}

/// Writes a number, with zeros in front up to a width.
pub fn write_number(row: &mut Vec<u8>, number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let (mut rest, mut start) = (number, 20);
    while rest > 0 || start > 20 - width {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    row.extend_from_slice(&digits[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_each_system_writes_them() {
        let noon = When::At(1_795_176_306);
        // time | clock | cell
        for (when, clock, cell) in [
            (noon, Clock::Iso, "2026-11-20T12:05:06.000Z"),
            (noon, Clock::American(0), "11/20/2026 12:05:06 PM"),
            (noon, Clock::American(-6), "11/20/2026 6:05:06 AM"),
            (noon, Clock::American(-13), "11/19/2026 11:05:06 PM"),
            (noon, Clock::Day, "11/20/2026"),
            (When::On(0), Clock::Iso, "01/01/1970"),
            (When::Blank, Clock::Iso, ""),
        ] {
            let mut row = Vec::new();
            when.write(&mut row, clock);
            assert_eq!(String::from_utf8(row).unwrap(), cell);
        }
    }
}
