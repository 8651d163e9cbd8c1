//! What a run found, computed once and rendered many times: terminal, manifest, summary, workbook.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use polars::prelude::DataFrame;

use crate::columns::{Outcome, Role, Standing};
use crate::decide::Clock;
use crate::decisions::Line;
use crate::history::{Figures, Week};
use crate::ingest::{FileReport, Reject};
use crate::ledger::{Answer, Past, Settled};
use crate::loads::Loaded;
use crate::rules::Rule;

/// The columns of `discrepancies.csv`, in order.
pub const DISCREPANCY_COLUMNS: [&str; 21] = [
    "rule",
    "severity",
    "outcome",
    "contact_id",
    "email",
    "subject",
    "a_system",
    "a_record",
    "a_value",
    "a_changed",
    "b_system",
    "b_record",
    "b_value",
    "b_changed",
    "matched_by",
    "why",
    "state",
    "first_seen",
    "due",
    "runs",
    "days",
];

/// Everything that the outputs of a run say.
#[derive(Debug)]
pub struct Report {
    /// `[run] organisation`, may be empty.
    pub organisation: String,
    /// The zone that people read times in.
    pub timezone: Tz,
    /// The run's time.
    pub as_of: DateTime<Utc>,
    /// What people call each system, by its name.
    pub titles: BTreeMap<String, String>,
    /// The inputs, in order of their path.
    pub inputs: Vec<Input>,
    /// Every rule of the catalogue in code order, with its counts.
    pub rules: Vec<RuleCount>,
    /// The systems that corrections go to.
    pub targets: Vec<Target>,
    /// One row a discrepancy, the fixed columns of `discrepancies.csv` as strings, sorted; blank is null.
    pub discrepancies: DataFrame,
    /// One row a corrected record and field, the fixed columns of `corrections.csv` as strings (`row` as u32), sorted.
    pub corrections: DataFrame,
    /// What systems answered to corrections of earlier runs that were loaded, refusals first.
    pub loaded: Vec<Loaded>,
    /// What earlier runs counted, the oldest first.
    pub past: Vec<Week>,
    /// What this one counts.
    pub figures: Figures,
    /// Every refused row or cell, sorted.
    pub rejected: Vec<Reject>,
    /// Open discrepancies whose legal clock has run out or runs out before the next run, the oldest first.
    pub due: Vec<Due>,
    /// Open discrepancies of opt-outs that nothing dates: their clock began when a run first saw them.
    pub undated: u64,
    /// The day of the run, in the report's zone.
    pub today: NaiveDate,
    /// The day on which the next run is expected.
    pub next_run: NaiveDate,
    /// Sentences that a person must read: refused files, held targets, codes without a meaning.
    pub attention: Vec<String>,
    /// How this run stands against earlier ones.
    pub history: History,
    /// What reviewers send back with a decision, by the row of a discrepancy that is in review.
    pub review_keys: HashMap<usize, String>,
    /// The list of exceptions.
    pub exceptions: Vec<ExceptionLine>,
    /// What became of every filled row of `decisions/`, sorted.
    pub decisions: Vec<Line>,
    /// How many reviewers' decisions stand.
    pub decisions_standing: u64,
    /// How many files of `decisions/` were refused.
    pub papers_refused: u64,
}

/// What the ledger says of a run.
#[derive(Debug, Default)]
pub struct History {
    /// The time of the latest earlier run; none in the first.
    pub last_run: Option<DateTime<Utc>>,
    /// Discrepancies by standing, in the order of [`Standing::ALL`]; the last two are those that this run did not find.
    pub by_standing: [u64; Standing::ALL.len()],
    /// Discrepancies of earlier runs that this run did not find: resolved, or not compared because an export is
    /// missing. Sorted by rule, contact, address.
    pub past: Vec<Past>,
    /// Corrections of earlier runs and what became of them, sorted by system and record.
    pub corrections: Vec<Settled>,
    /// What the system answered when each of them was loaded last, by their position.
    pub answers: Vec<Option<Answer>>,
    /// Whether something of the ledger could not be read.
    pub damaged: bool,
    /// Whether an export has much fewer rows than the one before.
    pub shrunken: bool,
    /// Runs whose sets go out of the ledger because of their age, when this one is written.
    pub pruned: Vec<String>,
}

impl Report {
    /// Earlier discrepancies that this run could not compare.
    pub fn not_compared(&self) -> u64 {
        self.history.standing(Standing::NotCompared)
    }

    /// What a system answered to a correction of an earlier run, by the position of that.
    pub fn answer(&self, correction: usize) -> Option<&Answer> {
        self.history.answers.get(correction).and_then(Option::as_ref)
    }

    /// The day of a run, as people in the workspace's zone call it.
    pub fn local_day(&self, millis: i64) -> NaiveDate {
        DateTime::from_timestamp_millis(millis).unwrap_or_default().with_timezone(&self.timezone).date_naive()
    }
}

impl History {
    /// Discrepancies that stand so.
    pub fn standing(&self, standing: Standing) -> u64 {
        self.by_standing[standing as usize]
    }
}

/// One line of the list of exceptions.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "they are the columns of the list")]
pub struct ExceptionLine {
    pub who: String,
    pub rule: String,
    pub owner: String,
    pub until: String,
    pub reason: String,
    /// Whether it holds, in words.
    pub state: String,
    /// Whether a person must look at it.
    pub ended: bool,
}

/// An open discrepancy that is overdue or due before the next run.
#[derive(Clone, Debug)]
pub struct Due {
    /// Its row among [`Report::discrepancies`].
    pub row: usize,
    /// The clock.
    pub clock: Clock,
}

/// One input and where its rows went: `rows = rejected + matched + unmatched`.
#[derive(Clone, Debug)]
pub struct Input {
    /// What the file was taken for.
    pub file: FileReport,
    /// The system's name for people.
    pub title: String,
    /// The system's role.
    pub role: Option<Role>,
    /// Rows tied to a CRM contact.
    pub matched: u64,
    /// Rows tied to none.
    pub unmatched: u64,
}

/// A rule and how often it fired.
#[derive(Clone, Debug)]
pub struct RuleCount {
    /// The rule.
    pub rule: &'static Rule,
    /// Discrepancies by outcome, in the order of [`Outcome::ALL`].
    pub by_outcome: [u64; Outcome::ALL.len()],
}

impl RuleCount {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.by_outcome.iter().sum()
    }

    /// Those that ended so.
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.by_outcome[outcome as usize]
    }
}

/// A system that corrections go to.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name.
    pub system: String,
    /// Its name for people.
    pub title: String,
    /// Its records in this run.
    pub records: u64,
    /// Records that a correction file changes, held ones included.
    pub corrected: u64,
    /// Of these, records that are opted back in.
    pub opt_ins: u64,
    /// Records whose corrections were held.
    pub held: u64,
    /// Corrections of earlier runs, one a record and field, that its loader took and that it refused, as answers in
    /// the inbox say.
    pub landed: [u64; 2],
    /// Why, where any were held.
    pub why_held: Vec<String>,
    /// Its files: path below the run folder, rows.
    pub files: Vec<(String, u64)>,
}
