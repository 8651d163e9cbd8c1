//! What all sheets need, worked out once.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;

use super::found::{Found, Of};
use super::group::{GROUPS, Group};
use super::style::Style;
use crate::columns::Standing;
use crate::config;
use crate::history::Week;
use crate::report::Report;
use crate::rules::Rule;
use crate::wording::capital;

/// Runs that the workbook looks back on, a year of weeks.
const MOST_WEEKS: usize = 53;

/// The report and what follows from it.
pub struct Context<'a> {
    /// What the run found.
    pub report: &'a Report,
    /// Rows that a sheet shows at most.
    pub max_rows: usize,
    /// The formats.
    pub style: Style,
    /// The discrepancies.
    pub found: Found,
    /// The last runs, this one included, the oldest first.
    pub weeks: Vec<Week>,
    standings: BTreeMap<(&'a str, &'static str), u64>,
    /// The rules with their names as cells have them, by code.
    rules: BTreeMap<&'a str, (&'static Rule, String)>,
}

/// A point in time with the precision that it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// A bare date.
    Day(NaiveDate),
    /// An instant, on the clocks of the report's zone.
    Moment(NaiveDateTime),
}

impl Time {
    /// Reads `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM:SSZ`. A year that a spreadsheet has no number for is no time.
    pub fn read(text: &str, zone: Tz) -> Option<Time> {
        let time = match text.len() {
            10 => Time::Day(text.parse().ok()?),
            _ => Time::Moment(text.parse::<DateTime<Utc>>().ok()?.with_timezone(&zone).naive_local()),
        };
        (1901..=9998).contains(&time.day().year()).then_some(time)
    }

    /// Its day.
    pub fn day(self) -> NaiveDate {
        match self {
            Time::Day(day) => day,
            Time::Moment(moment) => moment.date(),
        }
    }
}

impl<'a> Context<'a> {
    /// Works out what all sheets need.
    pub fn new(report: &'a Report, limits: &config::Workbook) -> Result<Context<'a>> {
        let found = Found::new(&report.discrepancies)?;
        let past = &report.past[report.past.len().saturating_sub(MOST_WEEKS - 1)..];
        let present = Week { run: String::new(), as_of: report.as_of, figures: report.figures.clone() };
        let weeks = past.iter().cloned().chain([present]).collect();
        let rules = report.rules.iter().map(|count| (count.rule.code, (count.rule, capital(count.rule.name)))).collect();
        let mut standings: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        let past = report.history.past.iter().filter_map(|past| Some((rule_of(report, &past.identity[0])?, past.case.standing)));
        let here = (0..found.rows).filter_map(|row| {
            let (rule, state) = (found.get(row, Of::Rule)?, found.get(row, Of::State)?);
            Some((rule_of(report, rule)?, Standing::from_word(state)?))
        });
        for (rule, standing) in past.chain(here) {
            *standings.entry((rule, standing.word())).or_default() += 1;
        }
        Ok(Context { standings, report, max_rows: limits.max_sheet_rows, style: Style::new(), found, weeks, rules })
    }

    /// A system's name for people.
    pub fn title<'t>(&'t self, system: &'t str) -> &'t str {
        self.report.titles.get(system).map_or(system, String::as_str)
    }

    /// Discrepancies of a rule that stand so.
    pub fn standing(&self, code: &str, standing: Standing) -> u64 {
        self.standings.get(&(code, standing.word())).copied().unwrap_or_default()
    }

    /// The rule with that code.
    pub fn rule(&self, code: &str) -> Option<&'static Rule> {
        self.rules.get(code).map(|(rule, _)| *rule)
    }

    /// The name of the rule with that code, with a capital.
    pub fn rule_name(&self, code: &str) -> Option<&str> {
        self.rules.get(code).map(|(_, name)| name.as_str())
    }

    /// The groups of rules that have a sheet.
    pub fn groups(&self) -> impl Iterator<Item = &'static Group> {
        GROUPS.iter().filter(|group| group.always || self.total(group) > 0)
    }

    /// Discrepancies of a group.
    pub fn total(&self, group: &Group) -> u64 {
        self.report.rules.iter().filter(|count| group.has(count.rule.code)).map(|count| count.total()).sum()
    }
}

/// A rule's code as the catalogue has it.
fn rule_of(report: &Report, code: &str) -> Option<&'static str> {
    report.rules.iter().map(|count| count.rule.code).find(|known| *known == code)
}
