//! Corrections of earlier runs whose fate is not settled: one [`Open`] a record and purpose.

use chrono::NaiveDate;
use foldhash::{HashMap, HashSet};
use polars::prelude::{Column, DataFrame, Int64Chunked, IntoColumn, NewChunkedArray, PolarsResult, StringChunked};

use crate::columns::Purpose;
use crate::hardest::Hardest;
use crate::ledger::files::read_moments;
use crate::ledger::sets::Sets;

/// The file of new corrections.
pub(super) const CORRECTIONS: &str = "corrections.parquet";
/// The file of corrections whose fate is settled.
pub(super) const LANDED: &str = "landed.parquet";

/// A correction that was written, was not held, and of which nobody knows yet whether it was loaded.
#[derive(Clone, Debug)]
pub(super) struct Open {
    /// The run that first wrote it, in milliseconds.
    pub written: i64,
    /// The day from which it holds, as the file says, in the target's zone.
    pub effective: Option<(i64, i64)>,
    /// The opt-outs that it passes on.
    pub passed_on: Hardest,
    /// System, kind, record, unit, address, contact id, before, after, rules, and the name of the file.
    pub texts: [String; TEXTS.len()],
}

/// The texts of a correction, as the columns are called.
pub(super) const TEXTS: [&str; 10] =
    ["system", "kind", "record", "unit", "email", "contact_id", "before", "after", "rules", "file"];

impl Open {
    /// Whether an answer is about it: by system, record and file.
    pub fn is_of(&self, [system, record, file]: &[String; 3]) -> bool {
        self.text("system") == system && self.text("record") == record && self.text("file") == file
    }

    /// One of its texts.
    pub fn text(&self, name: &str) -> &str {
        TEXTS.iter().position(|known| *known == name).map_or("", |at| &self.texts[at])
    }
}

/// All of them, by the record's key and the purpose.
pub(super) type Opens = HashMap<(u64, Purpose), Open>;

/// The files of a run that were held and released later, as system and name.
pub(super) fn released(run: &str, sets: &Sets) -> HashSet<(String, String)> {
    let approvals = sets.approvals.iter().filter(|approved| approved.entry.run == run);
    let files = approvals.flat_map(|approved| &approved.entry.approval.released);
    files.map(|file| (file.target.clone(), file.from.rsplit('/').next().unwrap_or_default().to_owned())).collect()
}

/// Adds what a set wrote, but for what was held and not released, and takes out what it settled.
pub(super) fn apply(
    opens: &mut Opens,
    corrections: &DataFrame,
    landed: &DataFrame,
    released: &HashSet<(String, String)>,
) -> PolarsResult<()> {
    let texts = TEXTS.iter().map(|name| corrections.column(name)?.str()).collect::<PolarsResult<Vec<_>>>()?;
    let time = |name: &str| -> PolarsResult<Int64Chunked> { Ok(corrections.column(name)?.i64()?.clone()) };
    let (written, from, until) = (read_moments(corrections, "written")?, time("effective_from")?, time("effective_until")?);
    let hardest = Stored::of(corrections)?;
    let held = corrections.column("held")?.bool()?;
    for (at, key) in keys(corrections)?.into_iter().enumerate() {
        let Some(key) = key else { continue };
        let open = Open {
            written: written.get(at).unwrap_or_default(),
            effective: from.get(at).zip(until.get(at)),
            passed_on: hardest.at(at),
            texts: std::array::from_fn(|name| texts[name].get(at).unwrap_or_default().to_owned()),
        };
        let file = || (open.text("system").to_owned(), open.text("file").to_owned());
        if held.get(at) == Some(false) || released.contains(&file()) {
            opens.insert(key, open);
        }
    }
    for key in keys(landed)?.into_iter().flatten() {
        opens.remove(&key);
    }
    Ok(())
}

fn keys(frame: &DataFrame) -> PolarsResult<Vec<Option<(u64, Purpose)>>> {
    let (keys, purposes) = (frame.column("key")?.u64()?, frame.column("purpose")?.str()?);
    Ok(keys.iter().zip(purposes.iter()).map(|(key, purpose)| Some((key?, Purpose::from_word(purpose?)?))).collect())
}

/// The columns that hold the opt-outs that something passed on.
pub(super) struct Stored {
    instant: Int64Chunked,
    day: Vec<Option<NaiveDate>>,
    day_until: Int64Chunked,
    undated: Int64Chunked,
    boxed: Int64Chunked,
}

impl Stored {
    pub fn of(frame: &DataFrame) -> PolarsResult<Stored> {
        let time = |name: &str| -> PolarsResult<Int64Chunked> { Ok(frame.column(name)?.i64()?.clone()) };
        let day = frame.column("passed_on_day")?.str()?.iter().map(|day| day.and_then(|day| day.parse().ok())).collect();
        Ok(Stored {
            instant: time("passed_on_until")?,
            day,
            day_until: time("passed_on_day_until")?,
            undated: time("passed_on_undated")?,
            boxed: time("passed_on_boxed")?,
        })
    }

    pub fn at(&self, at: usize) -> Hardest {
        Hardest {
            undated: self.undated.get(at).is_some(),
            boxed: self.boxed.get(at),
            instant: self.instant.get(at),
            day: self.day[at].zip(self.day_until.get(at)),
            ..Hardest::default()
        }
    }

    /// The columns.
    pub fn columns(all: &[Option<Hardest>]) -> Vec<Column> {
        let time = |name: &'static str, of: fn(&Hardest) -> Option<i64>| -> Column {
            Int64Chunked::from_iter_options(name.into(), all.iter().map(|hardest| hardest.as_ref().and_then(of))).into_column()
        };
        let days = all.iter().map(|hardest| Some(hardest.as_ref()?.day?.0.to_string()));
        vec![
            time("passed_on_until", |hardest| hardest.instant),
            StringChunked::from_iter_options("passed_on_day".into(), days).into_column(),
            time("passed_on_day_until", |hardest| hardest.day.map(|(_, until)| until)),
            time("passed_on_undated", |hardest| hardest.undated.then_some(1)),
            time("passed_on_boxed", |hardest| hardest.boxed),
        ]
    }
}
