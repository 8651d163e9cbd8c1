//! The runs of a workspace over time: one [`Week`] a run. Its figures are worked out once, by the run, and kept in the ledger;
//! `history`, the workbook and the summary show them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::columns::{Fate, Outcome, Severity, Standing};

/// A run and what it counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Week {
    /// The run; empty while it is under way.
    pub run: String,
    /// Its time.
    pub as_of: DateTime<Utc>,
    /// What it counted.
    #[serde(flatten)]
    pub figures: Figures,
}

/// What a run counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Figures {
    /// Rows of the exports that were compared.
    pub rows: u64,
    /// Discrepancies.
    pub discrepancies: u64,
    /// Discrepancies by severity, by rule that fired, by outcome and by state; the states `resolved` and `not_compared`
    /// are of those that earlier runs found and this one did not.
    pub by_severity: BTreeMap<String, u64>,
    #[allow(missing_docs, reason = "said above")]
    pub by_rule: BTreeMap<String, u64>,
    #[allow(missing_docs, reason = "said above")]
    pub by_outcome: BTreeMap<String, u64>,
    #[allow(missing_docs, reason = "said above")]
    pub by_state: BTreeMap<String, u64>,
    /// Open discrepancies whose last day had passed.
    pub overdue: u64,
    /// Records that correction files changed, held ones left out.
    pub corrected: u64,
    /// Records whose corrections were held.
    pub held: u64,
    /// What became of the corrections of earlier runs, by system and word.
    pub fates: BTreeMap<String, BTreeMap<String, u64>>,
    /// Corrections of earlier runs that a system refused, as the answers in the inbox said.
    pub refused: u64,
}

impl Figures {
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

    /// Discrepancies that stood so.
    pub fn standing(&self, standing: Standing) -> u64 {
        self.by_state.get(standing.word()).copied().unwrap_or_default()
    }

    /// Corrections of earlier runs that fared so.
    pub fn fate(&self, fate: Fate) -> u64 {
        self.fates.values().filter_map(|of_system| of_system.get(fate.word())).sum()
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
