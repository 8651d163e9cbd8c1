//! What finished runs found and wrote about a person: one [`Past`] is one run.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use csv::StringRecord;
use serde::Serialize;

use crate::explain::Person;

/// What one run found and wrote.
#[derive(Debug, Serialize)]
pub struct Past {
    /// The run.
    pub run: String,
    /// Its discrepancies.
    pub found: Vec<PastFound>,
    /// Its corrections.
    pub corrections: Vec<PastCorrection>,
}

/// One discrepancy of a past run.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[allow(missing_docs, reason = "named as in discrepancies.csv")]
pub struct PastFound {
    pub rule: String,
    pub outcome: String,
    pub subject: String,
    pub state: String,
    pub why: String,
}

/// One correction of a past run.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[allow(missing_docs, reason = "named as in corrections.csv")]
pub struct PastCorrection {
    pub file: String,
    pub row: String,
    pub record: String,
    pub field: String,
    pub before: String,
    pub after: String,
}

/// What a run folder tells about each person, in their order.
///
/// # Errors
/// A table of the run that cannot be read.
pub fn past(run: &str, folder: &Path, persons: &[Person]) -> Result<Vec<Past>> {
    let who: Vec<Who> = persons.iter().map(Who::of).collect();
    let mut past: Vec<Past> =
        persons.iter().map(|_| Past { run: run.to_owned(), found: Vec::new(), corrections: Vec::new() }).collect();
    each_row(&folder.join("discrepancies.csv"), |row| {
        for (who, past) in who.iter().zip(&mut past) {
            if who.is_about([
                row.get("contact_id"),
                row.get("a_system"),
                row.get("a_record"),
                row.get("b_system"),
                row.get("b_record"),
            ]) {
                past.found.push(PastFound {
                    rule: row.get("rule").to_owned(),
                    outcome: row.get("outcome").to_owned(),
                    subject: row.get("subject").to_owned(),
                    state: row.get("state").to_owned(),
                    why: row.get("why").to_owned(),
                });
            }
        }
    })?;
    each_row(&folder.join("corrections.csv"), |row| {
        for (who, past) in who.iter().zip(&mut past) {
            if who.records.contains(&(row.get("target"), row.get("record"))) {
                past.corrections.push(PastCorrection {
                    file: row.get("file").to_owned(),
                    row: row.get("row").to_owned(),
                    record: row.get("record").to_owned(),
                    field: row.get("field").to_owned(),
                    before: row.get("before").to_owned(),
                    after: row.get("after").to_owned(),
                });
            }
        }
    })?;
    for past in &mut past {
        past.found.sort();
        past.corrections.sort();
    }
    Ok(past)
}

/// By what a person is known in the tables of a run.
struct Who<'a> {
    contact_id: Option<&'a str>,
    records: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Who<'a> {
    fn of(person: &'a Person) -> Who<'a> {
        let records = person.records.iter().map(|record| (record.system.as_str(), record.record.as_str())).collect();
        Who { contact_id: person.contact_id.as_deref(), records }
    }

    /// Whether a discrepancy is the person's: by contact, and where it names none by a record.
    fn is_about(&self, [contact, a_system, a_record, b_system, b_record]: [&str; 5]) -> bool {
        match self.contact_id {
            Some(id) if !contact.is_empty() => id == contact,
            _ => contact.is_empty() && [(a_system, a_record), (b_system, b_record)].iter().any(|key| self.records.contains(key)),
        }
    }
}

/// A row of a table that people open.
struct Row<'a> {
    header: &'a [String],
    cells: &'a StringRecord,
}

impl<'a> Row<'a> {
    /// The cell of a column, empty where there is none.
    fn get(&self, name: &str) -> &'a str {
        let at = self.header.iter().position(|known| known == name);
        at.and_then(|at| self.cells.get(at)).map(plain).unwrap_or_default()
    }
}

/// Gives every row of a table.
fn each_row(path: &Path, mut take: impl FnMut(&Row<'_>)) -> Result<()> {
    let cannot = || format!("cannot read {}", path.display());
    let mut reader = csv::Reader::from_path(path).with_context(cannot)?;
    let header: Vec<String> = reader.headers().with_context(cannot)?.iter().map(str::to_owned).collect();
    let mut cells = StringRecord::new();
    while reader.read_record(&mut cells).with_context(cannot)? {
        take(&Row { header: &header, cells: &cells });
    }
    Ok(())
}

/// A cell without the mark that keeps a spreadsheet from taking it for a formula.
fn plain(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| crate::systems::is_formula(rest)).unwrap_or(cell)
}
