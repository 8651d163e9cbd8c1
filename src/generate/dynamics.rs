//! Dynamics with ClickDimensions as the hub: contacts, unsubscribe records and preferences, and beside them, where they
//! are wanted, Marketing Cloud and CU Ascend.
//!
//! As in [`super::cases`], each case writes its people and every discrepancy that all rules find in them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::truth::Discrepancy;
use super::values::{Address, Clock, When};
use super::world::Random;

/// The CRM's name in outputs.
const CRM: &str = "dynamics";
const MARKETING: &str = "marketing_cloud";
const SOURCE: &str = "ascend";

/// 2026-05-01, in days since 1970; what a case dates, it dates from here on.
const FIRST_DAY: i64 = 20_574;

/// The exports, open for writing, and the truth about them.
pub(super) struct Exports {
    random: Random,
    marketing: bool,
    source: bool,
    tables: [Table; 5],
    /// What a correct run finds.
    pub truth: Vec<Discrepancy>,
    people: u64,
    records: u64,
}

struct Table {
    path: PathBuf,
    rows: u64,
    writer: csv::Writer<std::fs::File>,
}

const CONTACTS: usize = 0;
const UNSUBSCRIBES: usize = 1;
const PREFERENCES: usize = 2;
const SUBSCRIBERS: usize = 3;
const CONSTITUENTS: usize = 4;

const HEADERS: [(&str, &[&str]); 5] = [
    (
        "dynamics_contacts_2026-11-21.csv",
        &[
            "(Do Not Modify) Contact",
            "(Do Not Modify) Row Checksum",
            "(Do Not Modify) Modified On",
            "Email",
            "Do not allow Bulk Emails",
            "Do not allow Emails",
            "Email Opt In Date",
            "Email Opt In Channel",
        ],
    ),
    (
        "dynamics_unsubscribes_2026-11-21.csv",
        &["(Do Not Modify) Unsubscribe", "Email", "Linked Contact ID", "Subscription List", "Created On", "Status"],
    ),
    (
        "dynamics_subscription_preferences_2026-11-21.csv",
        &["Subscription Preference ID", "Linked Contact ID", "Subscription List", "Preference"],
    ),
    ("marketing_cloud_subscribers_2026-11-21.csv", &["SubscriberKey", "EmailAddress", "Status", "DateUnsubscribed"]),
    (
        "ascend_constituents_2026-11-21.csv",
        &["Constituent ID", "Salesforce Contact ID", "Email", "Email Opt Out", "Opt Out Date"],
    ),
];

/// One person: a contact, and what the other systems say.
#[derive(Clone)]
struct Person {
    number: u64,
    email: String,
    bulk: &'static str,
    all: &'static str,
    opted_in: Option<i64>,
    proof: &'static str,
    status: &'static str,
    unsubscribed: Option<i64>,
    boxed: &'static str,
}

/// One case: its weight, and what it writes.
type Case = (u64, fn(&mut Exports));

/// The first two are clean; every other one is planted at least once.
const CASES: [Case; 14] = [
    (70, |world| {
        let person = world.person();
        world.write(&person);
    }),
    (14, |world| {
        let person = world.out();
        world.unsubscribe(&person.email, Some(&person), "", FIRST_DAY);
        world.write(&person);
    }),
    (1, |world| {
        let person = world.person();
        let record = world.unsubscribe(&person.email, Some(&person), "", FIRST_DAY);
        world.barred(&person, &record);
    }),
    (1, |world| {
        // Neither linked nor active any more.
        let person = world.person();
        let record = world.unsubscribe(&person.email.to_uppercase(), None, "", FIRST_DAY);
        world.barred(&person, &record);
    }),
    (1, |world| {
        // The contact has moved to another address since.
        let person = world.person();
        let old = world.address();
        let record = world.unsubscribe(&old, Some(&person), "", FIRST_DAY);
        world.barred(&person, &record);
    }),
    (1, |world| {
        let person = world.out();
        world.found("OPT112", Some(&person), "", (CRM, &guid(8, person.number)), None);
        world.write(&person);
    }),
    (1, |world| {
        // All e-mail is barred, bulk e-mail is not.
        let person = Person { bulk: "Allow", all: "Do Not Allow", ..world.out() };
        let person = Person { status: "Active", unsubscribed: None, boxed: "N", ..person };
        world.unsubscribe(&person.email, Some(&person), "", FIRST_DAY);
        let contact = guid(8, person.number);
        world.found("OPT101", Some(&person), "", (CRM, &contact), Some((SOURCE, &person.id())));
        world.found("OPT102", Some(&person), "", (CRM, &contact), Some((MARKETING, &person.email)));
        world.write(&person);
    }),
    (2, |world| {
        let person = Person { status: "Unsubscribed", unsubscribed: Some(FIRST_DAY), ..world.person() };
        if world.marketing {
            world.found("OPT105", Some(&person), "", (MARKETING, &person.email), Some((CRM, &guid(8, person.number))));
            world.found("OPT106", Some(&person), "", (MARKETING, &person.email), Some((SOURCE, &person.id())));
        }
        world.write(&person);
    }),
    (2, |world| {
        let person = Person { boxed: "Y", ..world.person() };
        if world.source {
            world.found("OPT103", Some(&person), "", (SOURCE, &person.id()), Some((CRM, &guid(8, person.number))));
            world.found("OPT104", Some(&person), "", (SOURCE, &person.id()), Some((MARKETING, &person.email)));
        }
        world.write(&person);
    }),
    (1, |world| {
        // Came back with permission.
        let person = Person {
            status: "Unsubscribed",
            unsubscribed: Some(FIRST_DAY),
            opted_in: Some(FIRST_DAY + 60),
            proof: "Web form",
            ..world.person()
        };
        let record = world.unsubscribe(&person.email, Some(&person), "", FIRST_DAY);
        let contact = guid(8, person.number);
        world.found("OPT111", Some(&person), "", (CRM, &contact), Some((CRM, &record)));
        world.found("OPT108", Some(&person), "", (CRM, &contact), Some((MARKETING, &person.email)));
        world.write(&person);
    }),
    (1, |world| {
        // Came back, it is said, and nobody can show it.
        let person = Person { opted_in: Some(FIRST_DAY + 60), ..world.person() };
        let record = world.unsubscribe(&person.email, Some(&person), "", FIRST_DAY);
        world.barred(&person, &record);
    }),
    (1, |world| {
        // A record of nobody in the CRM; the platform mails the address.
        let email = world.address();
        let record = world.unsubscribe(&email, None, "", FIRST_DAY);
        if world.marketing {
            let person = Person { email: email.clone(), ..world.person() };
            world.subscriber(&person);
            let found = |rule, a, b| Discrepancy::new(rule, String::new(), email.clone(), "", a, b);
            world.truth.push(found("OPT102", (CRM, record), (MARKETING, email.clone())));
            world.truth.push(found("IDN505", (MARKETING, email.clone()), ("", String::new())));
        }
    }),
    (1, |world| {
        // Preferences of single lists.
        let person = world.person();
        let record = world.unsubscribe(&person.email, Some(&person), "Newsletter", FIRST_DAY);
        let preference = world.preference(&person, "Newsletter", "In");
        world.found("OPT111", Some(&person), "Newsletter", (CRM, &preference), Some((CRM, &record)));
        let preference = world.preference(&person, "Events", "Out");
        world.found("OPT112", Some(&person), "Events", (CRM, &preference), None);
        world.write(&person);
    }),
    (1, |world| {
        // A duplicate that was created anew, which the record keeps from being mailed.
        let person = world.out();
        let record = world.unsubscribe(&person.email, Some(&person), "", FIRST_DAY);
        let again = Person { email: person.email.clone(), ..world.person() };
        world.write(&person);
        world.contact(&again);
        let (first, second) = (guid(8, person.number), guid(8, again.number));
        world.found("OPT111", Some(&again), "", (CRM, &second), Some((CRM, &record)));
        world.found("IDN501", Some(&person), "", (CRM, &first), Some((CRM, &second)));
        world.found("OPT103", Some(&again), "", (SOURCE, &person.id()), Some((CRM, &second)));
        world.found("OPT105", Some(&again), "", (MARKETING, &person.email), Some((CRM, &second)));
    }),
];

impl Exports {
    /// Creates the exports of the systems that are wanted.
    pub fn create(inbox: &Path, seed: u64, marketing: bool, source: bool) -> Result<Exports> {
        let table = |(name, header): &(&str, &[&str])| -> Result<Table> {
            let path = inbox.join(name);
            let mut writer = csv::Writer::from_path(&path).with_context(|| format!("could not create {}", path.display()))?;
            writer.write_record(*header)?;
            Ok(Table { path, rows: 0, writer })
        };
        let [a, b, c, d, e] = HEADERS.each_ref().map(table);
        let tables = [a?, b?, c?, d?, e?];
        Ok(Exports { random: Random::seeded(seed), marketing, source, tables, truth: Vec::new(), people: 0, records: 0 })
    }

    /// Plants every case once as long as the contacts last, then by weight.
    pub fn plant(&mut self, contacts: u64) {
        for (_, case) in CASES.iter().skip(2) {
            if self.people < contacts {
                case(self);
            }
        }
        let all: u64 = CASES.iter().map(|(weight, _)| weight).sum();
        while self.people < contacts {
            let mut left = self.random.below(all);
            let case = CASES.iter().find(|(weight, _)| {
                let found = left < *weight;
                left = left.saturating_sub(*weight);
                found
            });
            (case.unwrap_or(&CASES[0]).1)(self);
        }
    }

    /// Closes the exports; those of systems that are not wanted are taken away.
    ///
    /// # Errors
    /// The first that could not be written, by name.
    pub fn finish(self) -> Result<Vec<(PathBuf, u64)>> {
        let mut written = Vec::new();
        for (at, mut table) in self.tables.into_iter().enumerate() {
            let cannot = || format!("could not write {}", table.path.display());
            table.writer.flush().with_context(cannot)?;
            if (at == SUBSCRIBERS && !self.marketing) || (at == CONSTITUENTS && !self.source) {
                std::fs::remove_file(&table.path).with_context(cannot)?;
            } else {
                written.push((table.path, table.rows));
            }
        }
        Ok(written)
    }

    fn row(&mut self, table: usize, cells: &[&str]) {
        // A full disk shows when the file is closed.
        let _ = self.tables[table].writer.write_record(cells);
        self.tables[table].rows += 1;
    }

    fn address(&mut self) -> String {
        self.records += 1;
        Address { number: 1_000_000_000 + self.records, words: self.random.below(1 << 16) as u16 }.text()
    }

    fn person(&mut self) -> Person {
        self.people += 1;
        let email = Address { number: self.people, words: self.random.below(1 << 16) as u16 }.text();
        let (bulk, all, proof) = ("Allow", "Allow", "");
        Person { number: self.people, email, bulk, all, opted_in: None, proof, status: "Active", unsubscribed: None, boxed: "N" }
    }

    fn out(&mut self) -> Person {
        let unsubscribed = Some(FIRST_DAY);
        Person { bulk: "Do Not Allow", status: "Unsubscribed", unsubscribed, boxed: "Y", ..self.person() }
    }

    /// A contact that allows mail beside a record that bars it.
    fn barred(&mut self, person: &Person, record: &str) {
        self.found("OPT111", Some(person), "", (CRM, &guid(8, person.number)), Some((CRM, record)));
        self.found("OPT101", Some(person), "", (CRM, record), Some((SOURCE, &person.id())));
        self.found("OPT102", Some(person), "", (CRM, record), Some((MARKETING, &person.email)));
        self.write(person);
    }

    fn write(&mut self, person: &Person) {
        self.contact(person);
        self.subscriber(person);
        if self.source {
            let on = if person.boxed == "Y" { cell(Some(FIRST_DAY), Clock::Day) } else { String::new() };
            self.row(CONSTITUENTS, &[&person.id(), "", &person.email, person.boxed, &on]);
        }
    }

    fn contact(&mut self, person: &Person) {
        // Braces and capitals, as some tools write a GUID.
        let id = guid(8, person.number);
        let id = if self.random.below(8) == 0 { format!("{{{}}}", id.to_uppercase()) } else { id };
        let sum = format!("{:08x}==", person.number.wrapping_mul(2_654_435_761));
        let opted_in = cell(person.opted_in, Clock::Day);
        let cells = [&id, &sum, "2026-11-20 14:05:06", &person.email, person.bulk, person.all, &opted_in, person.proof];
        self.row(CONTACTS, &cells);
    }

    fn subscriber(&mut self, person: &Person) {
        if self.marketing {
            let on = cell(person.unsubscribed, Clock::Day);
            self.row(SUBSCRIBERS, &[&person.email, &person.email, person.status, &on]);
        }
    }

    /// An unsubscribe record; without a contact it is inactive too. Gives its id.
    fn unsubscribe(&mut self, email: &str, contact: Option<&Person>, list: &str, day: i64) -> String {
        self.records += 1;
        let id = guid(9, self.records);
        let linked = contact.map(|person| guid(8, person.number)).unwrap_or_default();
        let status = if contact.is_some() { "Active" } else { "Inactive" };
        self.row(UNSUBSCRIBES, &[&id, email, &linked, list, &cell(Some(day), Clock::Day), status]);
        id
    }

    fn preference(&mut self, person: &Person, list: &str, choice: &str) -> String {
        self.records += 1;
        let id = guid(10, self.records);
        self.row(PREFERENCES, &[&id, &guid(8, person.number), list, choice]);
        id
    }

    /// What a run finds, where the systems that it is about are there.
    fn found(
        &mut self,
        rule: &'static str,
        person: Option<&Person>,
        list: &'static str,
        a: (&'static str, &str),
        b: Option<(&'static str, &str)>,
    ) {
        let there = |system: &str| (system != MARKETING || self.marketing) && (system != SOURCE || self.source);
        let b = b.unwrap_or_default();
        if there(a.0) && there(b.0) {
            let (contact, email) = person.map(|person| (guid(8, person.number), person.email.clone())).unwrap_or_default();
            self.truth.push(Discrepancy::new(rule, contact, email, list, (a.0, a.1.to_owned()), (b.0, b.1.to_owned())));
        }
    }
}

impl Person {
    fn id(&self) -> String {
        format!("{:07}", 1_000_000 + self.number)
    }
}

/// Contacts, unsubscribe records and preferences have GUIDs of their own.
fn guid(kind: u64, number: u64) -> String {
    format!("0a1b2c3d-0000-4000-{kind:x}000-{number:012x}")
}

fn cell(day: Option<i64>, clock: Clock) -> String {
    let mut cell = Vec::new();
    day.map_or(When::Blank, When::On).write(&mut cell, clock);
    String::from_utf8(cell).expect("dates are ASCII")
}
