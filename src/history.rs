//! The runs of a workspace over time: one [`Figures`] a run, worked out once, for `history`, the workbook and the summary.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::columns::{Outcome, Severity};
use crate::report::Report;

/// What a run counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Figures {
    /// The run; empty while it is under way.
    pub run: String,
    /// Its time.
    pub as_of: DateTime<Utc>,
    /// Rows of the exports that were compared.
    pub rows: u64,
    /// Discrepancies.
    pub discrepancies: u64,
    /// Discrepancies by severity, by rule that fired and by outcome.
    pub by_severity: BTreeMap<String, u64>,
    #[allow(missing_docs, reason = "said above")]
    pub by_rule: BTreeMap<String, u64>,
    #[allow(missing_docs, reason = "said above")]
    pub by_outcome: BTreeMap<String, u64>,
    /// Open discrepancies whose last day had passed; runs of earlier releases do not tell.
    pub overdue: Option<u64>,
    /// Records that correction files changed, held ones left out.
    pub corrected: u64,
    /// Records whose corrections were held.
    pub held: u64,
    /// Corrections of earlier runs that the systems took and refused, as the answers in the inbox said.
    pub landed: u64,
    #[allow(missing_docs, reason = "said above")]
    pub not_landed: u64,
}

impl Figures {
    /// Those of the run that is under way.
    pub fn of(report: &Report) -> Figures {
        let sum = |of: fn(&crate::report::Target) -> u64| report.targets.iter().map(of).sum::<u64>();
        let fired = || report.rules.iter().filter(|count| count.total() > 0);
        let severity =
            |severity: Severity| fired().filter(|count| count.rule.severity == severity).map(|count| count.total()).sum();
        Figures {
            run: String::new(),
            as_of: report.as_of,
            rows: report.inputs.iter().filter(|input| input.file.is_used()).map(|input| input.file.rows).sum(),
            discrepancies: fired().map(|count| count.total()).sum(),
            by_severity: Severity::ALL.iter().map(|level| (level.word().to_owned(), severity(*level))).collect(),
            by_rule: fired().map(|count| (count.rule.code.to_owned(), count.total())).collect(),
            by_outcome: Outcome::ALL.iter().map(|outcome| (outcome.word().to_owned(), report.outcome(*outcome))).collect(),
            overdue: Some(report.overdue() as u64),
            corrected: sum(|target| target.corrected - target.held),
            held: sum(|target| target.held),
            landed: sum(|target| target.landed[0]),
            not_landed: sum(|target| target.landed[1]),
        }
    }

    /// Discrepancies of a rule.
    pub fn rule(&self, code: &str) -> u64 {
        self.by_rule.get(code).copied().unwrap_or_default()
    }

    /// Discrepancies of a severity.
    pub fn severity(&self, severity: Severity) -> u64 {
        self.by_severity.get(severity.word()).copied().unwrap_or_default()
    }

    /// Discrepancies that ended so.
    pub fn outcome(&self, outcome: Outcome) -> u64 {
        self.by_outcome.get(outcome.word()).copied().unwrap_or_default()
    }
}

/// Numbers as a line of small bars, the highest being the greatest; `ascii` where the terminal knows no others.
pub fn sparkline(numbers: &[u64], ascii: bool) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const PLAIN: [char; 8] = ['_', '.', ':', '-', '=', '+', '*', '#'];
    let bars = if ascii { PLAIN } else { BARS };
    let most = numbers.iter().copied().max().unwrap_or_default().max(1);
    // Nothing is the lowest bar, and whatever is not nothing is higher.
    let bar = |number: u64| bars[if number == 0 { 0 } else { (number * 7).div_ceil(most) as usize }];
    numbers.iter().map(|number| bar(*number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_is_the_highest_and_nothing_the_lowest() {
        for (numbers, drawn, plain) in
            [(vec![0, 1, 7], "▁▂█", "_.#"), (vec![100, 50, 1, 0], "█▅▂▁", "#=._"), (vec![0, 0], "▁▁", "__"), (vec![], "", "")]
        {
            assert_eq!(sparkline(&numbers, false), drawn);
            assert_eq!(sparkline(&numbers, true), plain);
        }
    }
}
