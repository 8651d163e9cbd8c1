//! The truth file: one row a discrepancy that a correct run finds, named as `discrepancies.csv` names it.

use std::path::Path;

use anyhow::{Context, Result};

use super::ids::SalesforceId;
use super::values::Address;

const HEADER: [&str; 8] = ["rule", "contact_id", "email", "subject", "a_system", "a_record", "b_system", "b_record"];

/// A record as reports name it.
pub struct Named {
    /// Its system.
    pub system: &'static str,
    /// Its system's own key.
    pub record: String,
    /// Its first address, empty where it has none.
    pub email: String,
}

/// One row, in the order of the columns: rows sort by all of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Discrepancy {
    /// The rule's code.
    pub rule: &'static str,
    contact_id: String,
    email: String,
    subject: &'static str,
    a_system: &'static str,
    a_record: String,
    b_system: &'static str,
    b_record: String,
}

impl Discrepancy {
    /// A row about record `a` and, unless both of its texts are empty, record `b`.
    pub fn new(
        rule: &'static str,
        contact_id: String,
        email: String,
        subject: &'static str,
        (a_system, a_record): (&'static str, String),
        (b_system, b_record): (&'static str, String),
    ) -> Discrepancy {
        Discrepancy { rule, contact_id, email, subject, a_system, a_record, b_system, b_record }
    }

    /// An address on several contacts: the first two by id stand for all.
    pub fn shared(rule: &'static str, address: Address, contacts: &[SalesforceId]) -> Discrepancy {
        let mut ids: Vec<&str> = contacts.iter().map(|id| id.full()).collect();
        ids.sort_unstable();
        let record = |at: usize| ("salesforce", ids[at].to_owned());
        Discrepancy::new(rule, ids[0].to_owned(), address.text(), "", record(0), record(1))
    }

    /// A row without a usable key: there is neither a record nor an address that could be named.
    pub fn keyless(system: &'static str, key_field: &'static str) -> Discrepancy {
        let nothing = ("", String::new());
        Discrepancy::new("DAT603", String::new(), String::new(), key_field, (system, String::new()), nothing)
    }

    fn cells(&self) -> [&str; 8] {
        let Discrepancy { rule, contact_id, email, subject, a_system, a_record, b_system, b_record } = self;
        [rule, contact_id, email, subject, a_system, a_record, b_system, b_record]
    }
}

/// Writes the rows, sorted.
pub fn write(path: &Path, mut rows: Vec<Discrepancy>) -> Result<()> {
    rows.sort_unstable();
    let write = || -> csv::Result<()> {
        let mut file = csv::Writer::from_path(path)?;
        file.write_record(HEADER)?;
        for row in &rows {
            file.write_record(row.cells())?;
        }
        Ok(file.flush()?)
    };
    write().with_context(|| format!("could not write {}", path.display()))
}
