//! The filled rows of *Needs review* to decisions, and what is wrong with those that cannot be used.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime};
use foldhash::HashMap;

use crate::decisions::{Identity, Line, REFUSED, Ruling, Scene, What};
use crate::ingest::PaperRow;
use crate::nearest::sentence_hint;
use crate::systems::says_none;

/// The headers of the columns that a reviewer fills in, and of the hidden one.
pub mod header {
    /// The decision.
    pub const DECISION: &str = "Decision";
    /// The reviewer's name.
    pub const NAME: &str = "Decided by";
    /// Why.
    pub const REASON: &str = "Reason";
    /// The evidence of a permission.
    pub const EVIDENCE: &str = "Permission evidence";
    /// The day of the permission.
    pub const PERMITTED_ON: &str = "Permission date";
    /// What the row is about.
    pub const KEY: &str = "Key";
}

/// What a row of *Needs review* is about: the run that showed it, the discrepancy, and how the records stood.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The run.
    pub run: String,
    /// The discrepancy.
    pub identity: Identity,
    /// The state that was shown.
    pub shown: String,
}

impl Key {
    /// As the hidden column holds it.
    pub fn written(&self) -> String {
        let cells: Vec<&str> =
            std::iter::once(&self.run).chain(&self.identity).chain([&self.shown]).map(String::as_str).collect();
        serde_json::to_string(&cells).expect("texts are JSON")
    }

    /// Reads it back.
    pub fn read(text: &str) -> Option<Key> {
        let cells: Vec<String> = serde_json::from_str(text).ok()?;
        let [run, identity @ .., shown] = &cells[..] else { return None };
        Some(Key { run: run.clone(), identity: identity.to_vec().try_into().ok()?, shown: shown.clone() })
    }
}

/// The decisions that can be used as far as the row itself tells, each with its line; the other filled rows become lines.
pub(super) fn read<'r>(rows: impl Iterator<Item = &'r PaperRow>, scene: Scene<'_>, lines: &mut Vec<Line>) -> Vec<(Ruling, Line)> {
    let mut read: Vec<(Ruling, Line)> = Vec::new();
    for row in rows {
        let filled = [header::DECISION, header::NAME, header::REASON, header::EVIDENCE, header::PERMITTED_ON];
        if filled.iter().all(|name| row.get(name).is_empty()) {
            continue;
        }
        let mut line = line_of(row);
        match ruling(row, scene) {
            Ok(ruling) => read.push((ruling, line)),
            Err((column, why)) => {
                (line.column, line.result, line.why) = (column.to_owned(), REFUSED, why);
                lines.push(line);
            }
        }
    }
    // Of two rows about one discrepancy that do not agree only an opt-out counts.
    let mut of: HashMap<Identity, Vec<(What, String)>> = HashMap::default();
    for (ruling, line) in &read {
        of.entry(ruling.key.identity.clone()).or_default().push((ruling.what, format!("{} row {}", line.file, line.row)));
    }
    let mut kept: Vec<(Ruling, Line)> = Vec::new();
    for (ruling, mut line) in read {
        let other = of[&ruling.key.identity].iter().filter(|(what, _)| *what != ruling.what).min();
        match other.filter(|_| ruling.what != What::OptOut) {
            Some((what, place)) => {
                let holds = if *what == What::OptOut { "which holds" } else { "so neither holds: agree, and decide again" };
                line.result = REFUSED;
                line.why = format!("{place} decides the same case as \"{}\", {holds}", what.word());
                lines.push(line);
            }
            None => kept.push((ruling, line)),
        }
    }
    kept
}

fn line_of(row: &PaperRow) -> Line {
    let key = Key::read(row.get(header::KEY));
    let part = |at: usize| key.as_ref().map(|key| key.identity[at].clone()).unwrap_or_default();
    let who = [1, 2, 5].into_iter().map(part).find(|part| !part.is_empty()).unwrap_or_default();
    Line {
        file: row.file.clone(),
        sheet: row.sheet.clone(),
        row: row.row,
        column: String::new(),
        decision: row.get(header::DECISION).to_owned(),
        name: row.get(header::NAME).to_owned(),
        reason: row.get(header::REASON).to_owned(),
        who,
        rule: part(0),
        run: key.map(|key| key.run).unwrap_or_default(),
        result: "applied",
        why: String::new(),
    }
}

fn ruling(row: &PaperRow, scene: Scene<'_>) -> Result<Ruling, (&'static str, String)> {
    let word = row.get(header::DECISION);
    let words = What::ALL.map(What::word);
    let what = What::from_word(word).ok_or_else(|| {
        let why = match word {
            "" => format!("there is no decision: choose {}", words.join(", ")),
            _ => format!("`{word}` is no decision{} Known are {}", sentence_hint(word, &words), words.join(", ")),
        };
        (header::DECISION, why)
    })?;
    let key = Key::read(row.get(header::KEY)).ok_or_else(|| {
        let why = match row.get(header::KEY) {
            "" => "it has no key, because it is about a row or a file and not about a record: put it right in the export",
            _ => "the hidden column Key was altered: fill in the sheet Needs review of the run's own workbook",
        };
        (header::KEY, why.to_owned())
    })?;
    let [name, reason, evidence] = [header::NAME, header::REASON, header::EVIDENCE].map(|header| row.get(header).to_owned());
    if name.is_empty() {
        return Err((header::NAME, "nobody's name stands there: write who has decided".to_owned()));
    }
    if reason.is_empty() {
        return Err((header::REASON, "there is no reason: write why, for whoever asks in a year".to_owned()));
    }
    let date = row.get(header::PERMITTED_ON);
    let permitted_on = if date.is_empty() { None } else { Some(day(date).map_err(|why| (header::PERMITTED_ON, why))?) };
    let today = scene.config.timezone().map(|zone| scene.as_of.with_timezone(&zone).date_naive()).unwrap_or_default();
    if permitted_on.is_some_and(|day| day > today) {
        return Err((
            header::PERMITTED_ON,
            format!("{date} is still to come: write the day on which the person gave permission"),
        ));
    }
    if what == What::OptIn && scene.config.policy.require_permission {
        if says_none(&evidence) {
            let said = if evidence.is_empty() { String::new() } else { format!(", and `{evidence}` is none") };
            return Err((header::EVIDENCE, format!("to opt back in takes evidence{said}: write the channel or the request")));
        }
        if permitted_on.is_none() {
            return Err((header::PERMITTED_ON, "to opt back in takes the day on which the person gave permission".to_owned()));
        }
    }
    Ok(Ruling {
        what,
        by: name,
        reason,
        evidence,
        permitted_on,
        decided_at: scene.as_of,
        applied_in: run_name(scene.as_of),
        key,
        place: (row.file.clone(), row.sheet.clone(), row.row),
    })
}

/// The name of the run of a time.
pub(crate) fn run_name(as_of: DateTime<chrono::Utc>) -> String {
    as_of.format("%Y-%m-%dT%H%M%SZ").to_string()
}

/// A day as people and spreadsheets write it, where it can be read one way only.
///
/// # Errors
/// What to write instead.
pub(super) fn day(text: &str) -> Result<NaiveDate, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("the day is missing: write it as 2026-11-22".to_owned());
    }
    // With dots the day is first everywhere.
    let plain = text.parse::<NaiveDate>().ok().or_else(|| NaiveDate::parse_from_str(text, "%d.%m.%Y").ok());
    let timed = || {
        ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
    };
    let slashed = || {
        let parts: Vec<u32> = text.split('/').map(|part| part.parse().unwrap_or(0)).collect();
        let [first, second, year] = parts[..] else { return None };
        let year = i32::try_from(year).ok().filter(|year| *year >= 1900)?;
        match (NaiveDate::from_ymd_opt(year, first, second), NaiveDate::from_ymd_opt(year, second, first)) {
            (Some(month_first), Some(day_first)) if month_first != day_first => None,
            (month_first, day_first) => month_first.or(day_first),
        }
    };
    plain
        .or_else(|| timed().map(|time| time.date()))
        .or_else(slashed)
        .filter(|day| (1990..=2200).contains(&day.year()))
        .ok_or_else(|| format!("`{text}` is no day that can be read one way only: write it as 2026-11-22"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_where_they_mean_one_day() {
        // text | day
        for (text, expected) in [
            ("2026-11-22", Some("2026-11-22")),
            ("2026-11-22 00:00:00", Some("2026-11-22")),
            ("11/22/2026", Some("2026-11-22")),
            ("22/11/2026", Some("2026-11-22")),
            ("11/11/2026", Some("2026-11-11")),
            ("03/04/2026", None),
            ("22 Nov", None),
            ("12026-11-22", None),
        ] {
            assert_eq!(day(text).ok().map(|day| day.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_key_reads_back() {
        let identity = ["IDN504", "003", "a@example.org", "", "salesforce", "=1+1", "ascend", "\"x\",y"].map(str::to_owned);
        let key = Key { run: "2026-11-22T060000Z".to_owned(), identity, shown: "0a".to_owned() };
        assert_eq!(Key::read(&key.written()), Some(key));
        assert_eq!(Key::read("[1]"), None);
        assert_eq!(Key::read(""), None);
    }

    #[test]
    fn decisions_are_known_however_they_are_written() {
        for (word, expected) in
            [("Opt-out", Some(What::OptOut)), ("OPT BACK IN", Some(What::OptIn)), ("leave ", Some(What::Leave)), ("keep", None)]
        {
            assert_eq!(What::from_word(word), expected, "{word}");
        }
    }
}
