//! Decisions that stand as a table, one row a decision, for the runs to come.

use anyhow::{Context, Result};
use chrono::{DateTime, SecondsFormat};
use foldhash::HashSet;
use polars::prelude::{Column, DataFrame, IntoColumn, NewChunkedArray, StringChunked};

use crate::decisions::{Identity, Key, Ruling, What};
use crate::ledger::Kept;

const COLUMNS: [&str; 20] = [
    "decision",
    "name",
    "reason",
    "evidence",
    "permission_date",
    "decided_at",
    "applied_in",
    "shown_in",
    "shown",
    "rule",
    "contact_id",
    "email",
    "subject",
    "a_system",
    "a_record",
    "b_system",
    "b_record",
    "file",
    "sheet",
    "row",
];

/// The table.
///
/// # Errors
/// Only what Polars cannot do, which is a defect.
pub fn frame(rulings: &[Ruling]) -> Result<DataFrame> {
    let rows: Vec<[String; COLUMNS.len()]> = rulings.iter().map(cells).collect();
    let column = |at: usize| -> Column {
        StringChunked::from_iter_values(COLUMNS[at].into(), rows.iter().map(|row| row[at].as_str())).into_column()
    };
    Ok(DataFrame::new(rows.len(), (0..COLUMNS.len()).map(column).collect())?)
}

fn cells(ruling: &Ruling) -> [String; COLUMNS.len()] {
    let [rule, contact_id, email, subject, a_system, a_record, b_system, b_record] = ruling.key.identity.clone();
    let (file, sheet, row) = ruling.place.clone();
    [
        ruling.what.word().to_owned(),
        ruling.by.clone(),
        ruling.reason.clone(),
        ruling.evidence.clone(),
        ruling.permitted_on.map(|day| day.to_string()).unwrap_or_default(),
        ruling.decided_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        ruling.applied_in.clone(),
        ruling.key.run.clone(),
        ruling.key.shown.clone(),
        rule,
        contact_id,
        email,
        subject,
        a_system,
        a_record,
        b_system,
        b_record,
        file,
        sheet,
        row.to_string(),
    ]
}

/// What earlier runs left of the reviewers' decisions.
#[derive(Debug, Default)]
pub struct Standing {
    /// The decisions, the earliest first.
    pub rulings: Vec<Ruling>,
    /// Whether some are lost.
    pub doubtful: bool,
}

/// The decisions that stand: all that can be proven, and of the rest what opts out.
///
/// # Errors
/// A table that is as it was written and is none of these: another release's.
pub fn recall(kept: &Kept) -> Result<Standing> {
    let mut rulings: Vec<Ruling> = Vec::new();
    let mut known: HashSet<(Key, What)> = HashSet::default();
    let mut add = |more: Vec<Ruling>| {
        rulings.extend(more.into_iter().filter(|ruling| known.insert((ruling.key.clone(), ruling.what))));
    };
    for proven in &kept.proven {
        add(read(proven).context("the ledger's decisions.parquet is of another release")?);
    }
    for unproven in kept.unproven.iter().filter_map(|frame| read(frame).ok()) {
        add(unproven.into_iter().filter(|ruling| ruling.what == What::OptOut).collect());
    }
    rulings.sort_by_key(|ruling| ruling.decided_at);
    Ok(Standing { rulings, doubtful: kept.is_doubtful() })
}

/// Reads the table back.
///
/// # Errors
/// A column that is missing, or a cell that [`frame`] does not write.
fn read(frame: &DataFrame) -> Result<Vec<Ruling>> {
    let columns: Vec<Vec<&str>> = COLUMNS
        .iter()
        .map(|name| Ok(frame.column(name)?.str()?.iter().map(Option::unwrap_or_default).collect()))
        .collect::<Result<_>>()?;
    (0..frame.height())
        .map(|at| {
            let cell = |name: &str| columns[COLUMNS.iter().position(|known| *known == name).unwrap_or_default()][at];
            let identity: Identity = ["rule", "contact_id", "email", "subject", "a_system", "a_record", "b_system", "b_record"]
                .map(|name| cell(name).to_owned());
            Ok(Ruling {
                what: What::from_word(cell("decision")).with_context(|| format!("`{}` is no decision", cell("decision")))?,
                by: cell("name").to_owned(),
                reason: cell("reason").to_owned(),
                evidence: cell("evidence").to_owned(),
                permitted_on: match cell("permission_date") {
                    "" => None,
                    day => Some(day.parse()?),
                },
                decided_at: DateTime::parse_from_rfc3339(cell("decided_at"))?.to_utc(),
                applied_in: cell("applied_in").to_owned(),
                key: Key { run: cell("shown_in").to_owned(), identity, shown: cell("shown").to_owned() },
                place: (cell("file").to_owned(), cell("sheet").to_owned(), cell("row").parse().unwrap_or_default()),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_read_back() {
        let ruling = Ruling {
            what: What::OptIn,
            by: "Maria".to_owned(),
            reason: "called".to_owned(),
            evidence: "phone".to_owned(),
            permitted_on: Some("2026-11-20".parse().unwrap()),
            decided_at: "2026-11-22T06:00:00Z".parse().unwrap(),
            applied_in: "2026-11-22T060000Z".to_owned(),
            key: Key {
                run: "2026-11-15T060000Z".to_owned(),
                identity: ["IDN504", "003", "", "", "salesforce", "003", "", ""].map(str::to_owned),
                shown: "0a".to_owned(),
            },
            place: ("a.xlsx".to_owned(), "Needs review".to_owned(), 5),
        };
        let leave = Ruling { what: What::Leave, permitted_on: None, ..ruling.clone() };
        let rulings = vec![ruling, leave];
        assert_eq!(read(&frame(&rulings).unwrap()).unwrap(), rulings);
        assert!(read(&frame(&[]).unwrap()).unwrap().is_empty());
    }
}
