//! A cell's value to the text that a person sees, dates in the one form that cannot be misread.

use std::fmt::Write;

use calamine::{DataRef, ExcelDateTime};
use chrono::{NaiveDate, NaiveTime, TimeDelta, Timelike};

/// What a number format says about a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NumberStyle {
    /// The digits that a format such as `00000` fills up to, 0 where it does not.
    zeros: usize,
    /// Whether hundredths are shown.
    percent: bool,
}

/// Reads a number format.
pub fn style(format: &str) -> NumberStyle {
    let first = format.split(';').next().unwrap_or_default().trim();
    let zeros = if first.len() > 1 && first.bytes().all(|byte| byte == b'0') { first.len() } else { 0 };
    NumberStyle { zeros, percent: first.ends_with('%') }
}

/// Writes a cell's text.
pub fn write(value: &DataRef, style: NumberStyle, text: &mut String) {
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
            None => number(cell.as_f64(), NumberStyle::default(), text),
        },
    }
}

/// A number without exponent, and without a fraction where it has none. A spreadsheet keeps fifteen digits: a greater
/// whole number has lost digits, and keeps the exponent that says so.
fn number(value: f64, NumberStyle { zeros, percent }: NumberStyle, text: &mut String) {
    let _ = match value {
        _ if percent => write!(text, "{}%", fifteen_digits(value * 100.0)),
        _ if value.fract() == 0.0 && value.abs() < 1e15 => write!(text, "{:0zeros$}", value as i64),
        _ if value.abs() >= 1e15 && value.is_finite() => {
            let scientific = format!("{value:.14E}");
            let (mantissa, exponent) = scientific.split_once('E').unwrap_or((&scientific, "0"));
            write!(text, "{}E+{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => write!(text, "{}", fifteen_digits(value)),
    };
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
            write(&value, style(format), &mut text);
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
            write(&DataRef::DateTime(serial), NumberStyle::default(), &mut text);
            assert_eq!(text, expected, "{serial}");
        }
    }

    #[test]
    fn number_formats_that_keep_zeros_or_show_hundredths() {
        // format | digits | percent
        for (format, zeros, percent) in [
            ("00000", 5, false),
            ("0", 0, false),
            ("0.00", 0, false),
            ("General", 0, false),
            ("0000;-0000", 4, false),
            ("@", 0, false),
            ("0.0%", 0, true),
        ] {
            assert_eq!(style(format), NumberStyle { zeros, percent }, "{format}");
        }
    }
}
