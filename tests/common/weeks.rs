//! A workspace over several weeks: three systems whose exports change, a run a week, files that are loaded or not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use chrono::{Days, NaiveDate};

use super::importer::{Exports, full_id, load_on};
use super::{Row, RunFolder, Table, Workspace};

/// The exports, without their dates.
pub const CRM: &str = "salesforce_contacts";
pub const MAILER: &str = "marketing_cloud_subscribers";
pub const SOURCE: &str = "ascend_constituents";

/// What the systems hold this week, and what has been run.
pub struct Weeks {
    pub workspace: Workspace,
    /// What each system would export now.
    pub tables: Exports,
    /// The day of the run to come.
    pub day: NaiveDate,
    /// Further files of the next run's inbox.
    pub extra: Vec<(String, String)>,
}

impl Weeks {
    /// Systems without anybody, and a configuration besides that of the inbox.
    pub fn new(configuration: &str) -> Weeks {
        let workspace = Workspace::with(configuration, &[]);
        let table = |header: &[&str]| Table::new(header);
        let tables = [
            (
                CRM,
                table(&["Id", "Email", "HasOptedOutOfEmail", "Ascend_ID__c", "Email_Opt_In_Date__c", "Email_Opt_In_Channel__c"]),
            ),
            (MAILER, table(&["SubscriberKey", "EmailAddress", "Status", "DateUnsubscribed"])),
            (
                SOURCE,
                table(&[
                    "Constituent ID",
                    "Salesforce Contact ID",
                    "Email",
                    "Email Opt Out",
                    "Opt Out Date",
                    "Email Status",
                    "Email Preferences",
                ]),
            ),
            ("ascend_preferences", table(&["Constituent ID", "Code", "Start Date", "End Date", "Status"])),
        ];
        let tables = tables.map(|(name, table)| (name.to_owned(), table)).into();
        Weeks { workspace, tables, day: NaiveDate::from_ymd_opt(2026, 11, 22).unwrap(), extra: Vec::new() }
    }

    /// Somebody who is in all three systems and has said nothing.
    pub fn add(&mut self, name: &str) {
        let (id, source, email) = (id(name), source_id(name), format!("{name}@example.org"));
        self.table(CRM).push(&[&id, &email, "false", &source, "", ""]);
        self.table(MAILER).push(&[&id, &email, "Active", ""]);
        self.table(SOURCE).push(&[&source, &id, &email, "N", "", "", ""]);
    }

    pub fn table(&mut self, name: &str) -> &mut Table {
        self.tables.get_mut(name).unwrap()
    }

    /// Changes cells of somebody's record.
    pub fn set(&mut self, table: &str, name: &str, cells: &[(&str, &str)]) {
        let key = if table == SOURCE { source_id(name) } else { id(name) };
        let table = self.table(table);
        let changes: Vec<(usize, &str)> = cells.iter().map(|(column, cell)| (table.at(column), *cell)).collect();
        let row = table.cells.iter_mut().find(|row| row[0] == key).unwrap_or_else(|| panic!("{name} has no such record"));
        for (at, cell) in changes {
            cell.clone_into(&mut row[at]);
        }
    }

    /// A cell of somebody's record.
    pub fn get(&mut self, table: &str, name: &str, column: &str) -> String {
        let key = if table == SOURCE { source_id(name) } else { id(name) };
        let table = self.table(table);
        let at = table.at(column);
        table.cells.iter().find(|row| row[0] == key).unwrap()[at].clone()
    }

    /// Exports all systems on the eve of the run, and runs.
    pub fn run(&mut self) -> Week {
        let all: Vec<&str> = vec![CRM, MAILER, SOURCE];
        self.run_with(&all)
    }

    /// Exports some systems and runs.
    pub fn run_with(&mut self, exported: &[&str]) -> Week {
        let eve = self.day.checked_sub_days(Days::new(1)).unwrap();
        let dated: Vec<(&str, NaiveDate)> = exported.iter().map(|name| (*name, eve)).collect();
        self.run_over(&self.tables.clone(), &dated)
    }

    /// Runs over exports of certain days.
    pub fn run_over(&mut self, tables: &Exports, exported: &[(&str, NaiveDate)]) -> Week {
        let inbox = self.workspace.inbox();
        fs::remove_dir_all(&inbox).unwrap();
        fs::create_dir_all(&inbox).unwrap();
        for (name, day) in exported {
            tables[*name].write(&inbox.join(format!("{name}_{day}.csv")));
        }
        for (name, text) in &self.extra {
            fs::write(inbox.join(name), text).unwrap();
        }
        let at = format!("{}T06:00:00Z", self.day);
        let run = self.workspace.run_as_of(Some(&at));
        self.day = self.day.checked_add_days(Days::new(7)).unwrap();
        Week { run, day: self.day.checked_sub_days(Days::new(7)).unwrap() }
    }

    /// Loads a week's correction files, the day after its run.
    pub fn load(&mut self, week: &Week) {
        let day = week.day.checked_add_days(Days::new(1)).unwrap();
        load_on(day, &mut self.tables, &week.run.path.join("corrections"));
    }

    /// Loads some of them, by the beginning of their names.
    pub fn load_only(&mut self, week: &Week, names: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let corrections = week.run.path.join("corrections");
        for entry in fs::read_dir(&corrections).into_iter().flatten().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if names.iter().any(|wanted| name.starts_with(wanted)) {
                fs::copy(entry.path(), folder.path().join(name)).unwrap();
            }
        }
        let day = week.day.checked_add_days(Days::new(1)).unwrap();
        load_on(day, &mut self.tables, folder.path());
    }

    /// The names of the ledger's sets.
    pub fn sets(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.workspace.root.join("ledger")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

/// A finished week.
pub struct Week {
    pub run: RunFolder,
    pub day: NaiveDate,
}

impl Week {
    /// The standing of somebody's discrepancies, by rule.
    pub fn states(&self, name: &str) -> BTreeMap<String, String> {
        let email = format!("{name}@example.org");
        let of = self.run.discrepancies().into_iter().filter(|row| row["email"] == email);
        of.filter(|row| row["rule"] != "CAT304" && !row["rule"].starts_with("IDN"))
            .map(|row| (row["rule"].clone(), row["state"].clone()))
            .collect()
    }

    /// The rows of a table of the run folder that are about somebody.
    pub fn rows(&self, file: &str, name: &str) -> Vec<Row> {
        let email = format!("{name}@example.org");
        if !self.run.path.join(file).exists() {
            return Vec::new();
        }
        self.run.table(file).rows().into_iter().filter(|row| row["email"] == email).collect()
    }

    /// What became of somebody's corrections: `target purpose state runs`, sorted.
    pub fn landed(&self, name: &str) -> Vec<String> {
        let rows = self.rows("landed.csv", name);
        let mut fates: Vec<String> =
            rows.iter().map(|row| format!("{} {} {} {}", row["target"], row["purpose"], row["state"], row["runs"])).collect();
        fates.sort();
        fates
    }

    /// Somebody's resolved or not compared discrepancies: `rule state`, sorted.
    pub fn past(&self, name: &str) -> Vec<String> {
        let rows = self.rows("resolved.csv", name);
        let rows = rows.iter().filter(|row| row["rule"] != "CAT304" && !row["rule"].starts_with("IDN"));
        let mut past: Vec<String> = rows.map(|row| format!("{} {}", row["rule"], row["state"])).collect();
        past.sort();
        past
    }

    /// Somebody's corrections, held ones too: `target after`, sorted.
    pub fn corrections(&self, name: &str) -> Vec<String> {
        let keys = [id(name), source_id(name)];
        let rows = self.run.table("corrections.csv").rows().into_iter().filter(|row| keys.contains(&row["record"]));
        let mut corrections: Vec<String> = rows.map(|row| format!("{} {}", row["target"], row["after"])).collect();
        corrections.sort();
        corrections
    }

    /// What a person must read.
    pub fn attention(&self) -> String {
        self.run.manifest()["attention"].to_string()
    }
}

/// Somebody's CRM id.
pub fn id(name: &str) -> String {
    full_id(&format!("003Hs{:0>10}", name.replace('-', "0")))
}

/// Somebody's constituent id.
pub fn source_id(name: &str) -> String {
    let number: u64 = name.bytes().fold(7, |number, byte| (number * 131 + u64::from(byte)) % 9_999_999_967);
    format!("{number:010}")
}
