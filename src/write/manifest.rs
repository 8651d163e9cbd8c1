//! `run.json`: what a run read, found and wrote, for programs.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::columns::{Outcome, Severity};
use crate::ingest::{AsOfFrom, Verdict};
use crate::report::Report;

/// The manifest. Only the times and the memory of [`Manifest::stages`] and [`Manifest::peak_memory_bytes`]
/// differ between two runs over the same inputs.
#[derive(Debug, Serialize)]
pub struct Manifest {
    /// The program's version.
    pub version: &'static str,
    /// The run's time.
    pub as_of: String,
    /// SHA-256 of the configuration file, empty where there is none.
    pub configuration_sha256: String,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// The files of the inbox.
    pub inputs: Vec<Input>,
    /// Discrepancies, all and by rule, severity and outcome.
    pub discrepancies: Counts,
    /// Corrections by target.
    pub corrections: BTreeMap<String, Corrections>,
    /// Reviewers' decisions that stand.
    pub decisions: u64,
    /// What a person must read.
    pub attention: Vec<String>,
    /// Whether something was held or refused.
    pub needs_a_person: bool,
    /// Each stage in order.
    pub stages: Vec<Stage>,
    /// The most memory that the process held, where the system tells.
    pub peak_memory_bytes: Option<u64>,
}

/// One file of the inbox.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "named as in `FileReport` and `Input`")]
pub struct Input {
    pub file: String,
    #[serde(flatten)]
    pub verdict: Verdict,
    pub system: Option<String>,
    pub kind: Option<String>,
    pub format: String,
    pub sheet: Option<String>,
    pub rows: u64,
    pub rejected: u64,
    pub matched: u64,
    pub unmatched: u64,
    pub as_of: Option<String>,
    pub as_of_from: AsOfFrom,
    pub stale: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_in: Option<String>,
    pub bytes: u64,
    pub sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_sha256: Option<String>,
}

/// Numbers of discrepancies.
#[derive(Debug, Serialize)]
pub struct Counts {
    /// All.
    pub total: u64,
    /// By rule that fired.
    pub by_rule: BTreeMap<&'static str, u64>,
    /// By severity.
    pub by_severity: BTreeMap<&'static str, u64>,
    /// By outcome.
    pub by_outcome: BTreeMap<&'static str, u64>,
    /// Those whose last day had passed.
    pub overdue: u64,
    /// Those whose last day comes before the next run.
    pub due_before_next_run: u64,
}

/// Corrections of one target.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "named as in `Target`")]
pub struct Corrections {
    pub records: u64,
    pub corrected: u64,
    pub opt_ins: u64,
    pub held: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_landed: Option<u64>,
    pub why_held: Vec<String>,
    pub files: BTreeMap<String, u64>,
}

/// The time and memory of one stage.
#[derive(Clone, Debug, Serialize)]
pub struct Stage {
    /// Its name.
    pub stage: &'static str,
    /// How long it took.
    pub seconds: f64,
    /// The most memory that the process had held by its end.
    pub peak_memory_bytes: Option<u64>,
}

impl Stage {
    /// A stage that has ended.
    pub fn ended(stage: &'static str, took: Duration) -> Stage {
        Stage { stage, seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0, peak_memory_bytes: peak_memory() }
    }
}

impl Manifest {
    /// The manifest of a report.
    pub fn new(report: &Report, configuration_sha256: String, stages: Vec<Stage>, dry_run: bool) -> Manifest {
        let counted = || report.rules.iter().filter(|count| count.total() > 0);
        let severity =
            |severity: Severity| counted().filter(|count| count.rule.severity == severity).map(|count| count.total()).sum();
        Manifest {
            version: env!("CARGO_PKG_VERSION"),
            as_of: written(report.as_of),
            configuration_sha256,
            dry_run,
            inputs: report.inputs.iter().map(Input::new).collect(),
            discrepancies: Counts {
                total: counted().map(|count| count.total()).sum(),
                by_rule: counted().map(|count| (count.rule.code, count.total())).collect(),
                by_severity: Severity::ALL.iter().map(|level| (level.word(), severity(*level))).collect(),
                overdue: report.overdue() as u64,
                due_before_next_run: (report.due.len() - report.overdue()) as u64,
                by_outcome: Outcome::ALL.iter().map(|outcome| (outcome.word(), report.outcome(*outcome))).collect(),
            },
            corrections: report
                .targets
                .iter()
                .map(|target| {
                    let files = target.files.iter().cloned().collect();
                    let answered = target.landed != [0, 0];
                    let corrections = Corrections {
                        records: target.records,
                        corrected: target.corrected,
                        opt_ins: target.opt_ins,
                        held: target.held,
                        landed: answered.then_some(target.landed[0]),
                        not_landed: answered.then_some(target.landed[1]),
                        why_held: target.why_held.clone(),
                        files,
                    };
                    (target.system.clone(), corrections)
                })
                .collect(),
            decisions: report.decisions_standing,
            attention: report.attention.clone(),
            needs_a_person: report.needs_a_person(),
            stages,
            peak_memory_bytes: peak_memory(),
        }
    }
}

impl Input {
    fn new(input: &crate::report::Input) -> Input {
        let file = &input.file;
        Input {
            file: file.file.clone(),
            verdict: file.verdict.clone(),
            system: file.system.clone(),
            kind: file.kind.clone(),
            format: file.format.clone(),
            sheet: file.sheet.clone(),
            rows: file.rows,
            rejected: file.rejected,
            matched: input.matched,
            unmatched: input.unmatched,
            as_of: file.as_of.map(written),
            as_of_from: file.as_of_from,
            stale: file.stale,
            seen_in: file.seen_in.clone(),
            bytes: file.bytes,
            sha256: file.sha256.clone(),
            content_sha256: file.content_sha256.clone(),
        }
    }
}

fn written(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The most memory that this process has held; only Linux tells without a further crate.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
