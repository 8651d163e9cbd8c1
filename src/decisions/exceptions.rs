//! The list of exceptions: one line is one person (or address) and rule that is known and left as it is until a day.

use anyhow::Result;
use chrono::NaiveDate;
use foldhash::{HashMap, HashSet};

use super::rows::day;
use crate::decisions::{Line, REFUSED, Scene};
use crate::ingest::PaperRow;
use crate::matching::{cols, records_with};
use crate::nearest::sentence_hint;
use crate::normalise::{col, spellings};
use crate::rules::{RULES, find, position};

/// One line of the list.
#[derive(Clone, Debug)]
pub struct Exception {
    /// The id or address, as it stands there.
    pub who: String,
    /// The rule's code, or `*`.
    pub rule: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it holds, as it stands there.
    pub until: String,
    /// Why.
    pub reason: String,
    /// Where it stands: file below `decisions/`, sheet, row.
    pub place: (String, String, u32),
    /// Whether it holds.
    pub state: State,
    persons: HashSet<u32>,
    records: HashSet<u32>,
    of_rule: Option<usize>,
}

/// Whether an exception holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Until that day.
    Holds(NaiveDate),
    /// Its day has passed.
    Expired(NaiveDate),
    /// It cannot be used: why.
    Refused(String),
}

impl Exception {
    /// Whether it is about discrepancies of that rule, by its position.
    pub fn is_of_rule(&self, rule: usize) -> bool {
        self.of_rule.is_none_or(|of| of == rule)
    }

    /// Whether it is about the discrepancies of one rule alone.
    pub fn is_of_one_rule(&self) -> bool {
        self.of_rule.is_some()
    }

    /// The persons, and the records, that it may be about.
    pub fn subjects(&self) -> [&HashSet<u32>; 2] {
        [&self.persons, &self.records]
    }

    /// Whether it holds now.
    pub fn holds(&self) -> bool {
        matches!(self.state, State::Holds(_))
    }
}

pub(super) fn read<'r>(
    rows: impl Iterator<Item = &'r PaperRow>,
    scene: Scene<'_>,
    lines: &mut Vec<Line>,
) -> Result<Vec<Exception>> {
    let rows: Vec<&PaperRow> = rows.collect();
    let mut exceptions = Vec::new();
    if rows.is_empty() {
        return Ok(exceptions);
    }
    let keys = |row: &&PaperRow| -> HashSet<u32> {
        spellings(row.get("who"), scene.systems).iter().map(|key| scene.texts.intern(key).number()).collect()
    };
    let named = records_with(&rows.iter().map(keys).collect::<Vec<_>>(), scene.records)?;
    let all: HashSet<u32> = named.iter().flatten().copied().collect();
    let mut persons: HashMap<u32, Vec<u32>> = HashMap::default();
    let links = &scene.matched.links;
    let pairs = links.column(col::IX)?.u32()?.iter().flatten().zip(links.column(cols::PERSON)?.u32()?.iter().flatten());
    for (ix, person) in pairs.filter(|(ix, _)| all.contains(ix)) {
        persons.entry(ix).or_default().push(person);
    }
    for (row, records) in rows.into_iter().zip(named) {
        let of_records = records.iter().filter_map(|ix| persons.get(ix)).flatten().copied().collect();
        let (exception, column) = exception(row, records, of_records, scene)?;
        let (result, why) = match &exception.state {
            State::Holds(day) => ("holds", format!("until {day}")),
            State::Expired(day) => {
                ("expired", format!("it ended on {day}: its discrepancies are back. Renew the day, or remove the line"))
            }
            State::Refused(why) => (REFUSED, why.clone()),
        };
        lines.push(Line {
            file: row.file.clone(),
            sheet: row.sheet.clone(),
            row: row.row,
            column: column.to_owned(),
            decision: "exception".to_owned(),
            name: exception.owner.clone(),
            reason: exception.reason.clone(),
            who: exception.who.clone(),
            rule: exception.rule.clone(),
            run: String::new(),
            result,
            why,
        });
        exceptions.push(exception);
    }
    Ok(exceptions)
}

/// A line, and the column that is wrong with it.
fn exception(
    row: &PaperRow,
    records: HashSet<u32>,
    persons: HashSet<u32>,
    scene: Scene<'_>,
) -> Result<(Exception, &'static str)> {
    let text = |header: &str| row.get(header).to_owned();
    let mut exception = Exception {
        who: text("who"),
        rule: text("rule"),
        owner: text("owner"),
        until: text("until"),
        reason: text("reason"),
        place: (row.file.clone(), row.sheet.clone(), row.row),
        state: State::Refused(String::new()),
        persons,
        records,
        of_rule: find(row.get("rule")).map(|rule| position(rule.code)),
    };
    let today = scene.as_of.with_timezone(&scene.config.timezone()?).date_naive();
    let codes: Vec<&str> = RULES.iter().map(|rule| rule.code).collect();
    let until = day(&exception.until);
    let (state, column) = match until {
        _ if exception.who.is_empty() => (State::Refused("nobody is named: write an id or an address".to_owned()), "who"),
        _ if exception.rule != "*" && exception.of_rule.is_none() => {
            let why = format!(
                "there is no rule `{}`{} `prefrecon rules` lists all, and * means every rule",
                exception.rule,
                sentence_hint(&exception.rule, &codes)
            );
            (State::Refused(why), "rule")
        }
        _ if exception.owner.is_empty() => {
            (State::Refused("nobody answers for it: write the name of its owner".to_owned()), "owner")
        }
        Err(why) => (State::Refused(why), "until"),
        _ if exception.reason.is_empty() => (State::Refused("there is no reason: write why".to_owned()), "reason"),
        _ if exception.records.is_empty() => {
            let why = "no record has this id or address: correct it, or remove the line".to_owned();
            (State::Refused(why), "who")
        }
        Ok(day) if day < today => (State::Expired(day), ""),
        Ok(day) => (State::Holds(day), ""),
    };
    exception.state = state;
    Ok((exception, column))
}
