//! A cell's value to the text that a person sees, dates in the one form that cannot be misread.

use std::fmt::Write;

use calamine::{DataRef, ExcelDateTime};
use chrono::{NaiveDate, NaiveTime, TimeDelta, Timelike};

/// What a number format says about a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberStyle {
    /// What a format such as `000-00` shows: nothing for a digit, and the characters between. Empty where no zeros are shown.
    pattern: Vec<Option<char>>,
    /// Whether hundredths are shown.
    percent: bool,
}

/// The style that says nothing.
pub static PLAIN: NumberStyle = NumberStyle { pattern: Vec::new(), percent: false };

/// The style that shows hundredths.
pub const PERCENT: NumberStyle = NumberStyle { pattern: Vec::new(), percent: true };

/// Reads a number format: the section of it that positive numbers are shown by.
pub fn style(format: &str) -> NumberStyle {
    let first = format.split(';').next().unwrap_or_default().trim();
    let pattern = zeros(first).filter(|pattern| pattern.iter().filter(|place| place.is_none()).count() > 1);
    NumberStyle { pattern: pattern.unwrap_or_default(), percent: first.ends_with('%') }
}

/// The style of a format that has a number and no text.
pub fn built_in(format: u16) -> NumberStyle {
    if matches!(format, 9 | 10) { PERCENT } else { NumberStyle::default() }
}

/// The places of a format that shows nothing but digits and fixed characters.
fn zeros(format: &str) -> Option<Vec<Option<char>>> {
    let mut pattern = Vec::new();
    let mut optional = false;
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        match character {
            '0' => pattern.push(None),
            // More digits stand before the first one that is always shown.
            '#' if !pattern.contains(&None) => optional = true,
            '"' => pattern.extend(characters.by_ref().take_while(|c| *c != '"').map(Some)),
            '\\' => pattern.push(Some(characters.next()?)),
            // A space as wide as the next character, or that character as often as it fits.
            '_' | '*' => drop(characters.next()?),
            // A colour or a language; a condition means other sections.
            '[' if characters.by_ref().take_while(|c| *c != ']').any(|c| matches!(c, '<' | '>' | '=')) => return None,
            '[' => {}
            '-' | '+' | ' ' | '(' | ')' => pattern.push(Some(character)),
            _ => return None,
        }
        if optional && !pattern.contains(&None) && pattern.last().is_some_and(|place| place.is_some()) && character != '#' {
            return None;
        }
    }
    Some(pattern)
}

/// Writes a cell's text.
pub fn write(value: &DataRef, style: &NumberStyle, text: &mut String) {
    match value {
        DataRef::Empty => {}
        DataRef::String(cell) | DataRef::DurationIso(cell) => text.push_str(cell),
        DataRef::SharedString(cell) => text.push_str(cell),
        DataRef::DateTimeIso(cell) => text.push_str(cell.strip_suffix("T00:00:00").unwrap_or(cell)),
        DataRef::Bool(cell) => text.push_str(if *cell { "TRUE" } else { "FALSE" }),
        DataRef::Int(cell) => number(*cell as f64, style, text),
        DataRef::Float(cell) => number(*cell, style, text),
        DataRef::Error(cell) => drop(write!(text, "{cell}")),
        DataRef::DateTime(cell) => match moment(cell) {
            Some(moment) => text.push_str(&moment),
            None => number(cell.as_f64(), &PLAIN, text),
        },
    }
}

/// A number without exponent, and without a fraction where it has none. A spreadsheet keeps fifteen digits: a greater
/// whole number has lost digits, and keeps the exponent that says so.
fn number(value: f64, style: &NumberStyle, text: &mut String) {
    let _ = match value {
        _ if style.percent => write!(text, "{}%", fifteen_digits(value * 100.0)),
        _ if value.fract() == 0.0 && value.abs() < 1e15 => return whole_number(value as i64, &style.pattern, text),
        _ if value.abs() >= 1e15 && value.is_finite() => {
            let scientific = format!("{value:.14E}");
            let (mantissa, exponent) = scientific.split_once('E').unwrap_or((&scientific, "0"));
            write!(text, "{}E+{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => write!(text, "{}", fifteen_digits(value)),
    };
}

fn whole_number(value: i64, pattern: &[Option<char>], text: &mut String) {
    let places = pattern.iter().filter(|place| place.is_none()).count();
    if places == 0 {
        let _ = write!(text, "{value}");
        return;
    }
    let digits = format!("{:0places$}", value.unsigned_abs());
    let (mut first, mut rest) = (Some(&digits[..=digits.len() - places]), digits[digits.len() - places + 1..].chars());
    text.extend((value < 0).then_some('-'));
    for place in pattern {
        match (place, first) {
            (Some(character), _) => text.push(*character),
            (None, Some(digits)) => text.push_str(digits),
            (None, None) => text.extend(rest.next()),
        }
        if place.is_none() {
            first = None;
        }
    }
}

/// What a spreadsheet shows of a fraction: 0.3, where 0.1 + 0.2 is a little more.
fn fifteen_digits(value: f64) -> f64 {
    format!("{value:.14e}").parse().unwrap_or(value)
}

/// A date, a date and time, or a time of day or duration; nothing for a serial number that is none of them.
fn moment(cell: &ExcelDateTime) -> Option<String> {
    let serial = cell.as_f64();
    if !(0.0..2_958_466.0).contains(&serial) {
        return None;
    }
    if cell.is_duration() || serial < 1.0 {
        let seconds = (serial * 86_400.0).round() as u64;
        return Some(format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
    }
    let (year, month, day, hour, minute, second, milli) = cell.to_ymd_hms_milli();
    let date = NaiveDate::from_ymd_opt(year.into(), month.into(), day.into())?;
    let exact = date.and_hms_milli_opt(hour.into(), minute.into(), second.into(), milli.into())?;
    // Serial numbers are inexact: to the nearest second.
    let moment = (exact + TimeDelta::milliseconds(500)).with_nanosecond(0)?;
    let format = if moment.time() == NaiveTime::MIN { "%Y-%m-%d" } else { "%Y-%m-%dT%H:%M:%S" };
    Some(moment.format(format).to_string())
}

#[cfg(test)]
mod tests {
    use calamine::{CellErrorType, ExcelDateTimeType};

    use super::*;

    #[test]
    fn numbers_and_serials() {
        // value | format | text
        for (value, format, expected) in [
            (DataRef::Float(0.0), "General", "0"),
            (DataRef::Float(-0.0), "General", "0"),
            (DataRef::Float(7.0), "00000", "00007"),
            (DataRef::Int(7), "00000", "00007"),
            (DataRef::Float(1e14), "General", "100000000000000"),
            (DataRef::Float(1.5e21), "General", "1.5E+21"),
            (DataRef::Float(1_234_567_890_123_456.0), "0", "1.23456789012346E+15"),
            (DataRef::Int(-1_234_567_890_123_456), "0", "-1.23456789012346E+15"),
            (DataRef::Float(0.1 + 0.2), "General", "0.3"),
            (DataRef::Float(0.07), "0%", "7%"),
            (DataRef::Float(f64::NAN), "General", "NaN"),
            (DataRef::Bool(false), "General", "FALSE"),
            (DataRef::DateTimeIso("2026-11-20T00:00:00".to_owned()), "General", "2026-11-20"),
            (DataRef::Error(CellErrorType::NA), "General", "#N/A"),
        ] {
            let mut text = String::new();
            write(&value, &style(format), &mut text);
            assert_eq!(text, expected, "{value:?}");
        }
        // serial | text
        for (serial, expected) in [
            (46_346.0, "2026-11-20"),
            (46_346.25, "2026-11-20T06:00:00"),
            (46_346.999_999_9, "2026-11-21"),
            (0.5, "12:00:00"),
            (-1.0, "-1"),
            (60.0, "60"),
        ] {
            let mut text = String::new();
            let serial = ExcelDateTime::new(serial, ExcelDateTimeType::DateTime, false);
            write(&DataRef::DateTime(serial), &PLAIN, &mut text);
            assert_eq!(text, expected, "{serial}");
        }
    }

    #[test]
    fn number_formats_that_keep_zeros_or_show_hundredths() {
        // format | what 7, 1234567 and -7 are shown as
        for (format, seven, million, minus) in [
            ("00000", "00007", "1234567", "-00007"),
            ("0", "7", "1234567", "-7"),
            ("0.00", "7", "1234567", "-7"),
            ("General", "7", "1234567", "-7"),
            ("0000;-0000", "0007", "1234567", "-0007"),
            ("@", "7", "1234567", "-7"),
            ("#,##0", "7", "1234567", "-7"),
            ("0.0%", "700%", "123456700%", "-700%"),
            ("000-00-0000", "000-00-0007", "001-23-4567", "-000-00-0007"),
            ("[$-409]00000_)", "00007", "1234567", "-00007"),
            ("[Red]\"N\"0000", "N0007", "N1234567", "-N0007"),
            ("#0000", "0007", "1234567", "-0007"),
            ("\\A000", "A007", "A1234567", "-A007"),
            ("[<=99]000;00000", "7", "1234567", "-7"),
            ("###-0000", "7", "1234567", "-7"),
            ("yyyy-mm-dd", "7", "1234567", "-7"),
        ] {
            for (value, expected) in [(7.0, seven), (1_234_567.0, million), (-7.0, minus)] {
                let mut text = String::new();
                write(&DataRef::Float(value), &style(format), &mut text);
                assert_eq!(text, expected, "{value} {format}");
            }
        }
    }
}
