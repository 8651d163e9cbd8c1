//! Who may be opted in and who must end opted out, worked out from the cells of the exports with plain loops.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use chrono::{Duration, NaiveDate, NaiveDateTime};

use crate::common::Row;
use crate::common::importer::{Exports, full_id};

/// The most contacts over which an opt-out spreads by their address, as the workspaces are configured.
const MAX_SHARED: usize = 3;

/// A time in UTC, from and until, and its day where only that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    from: NaiveDateTime,
    until: NaiveDateTime,
    day: Option<NaiveDate>,
}

impl Time {
    /// Reads a cell; a bare date is a day in a zone whose midnights are at these hours of UTC.
    pub fn read(cell: &str, midnight: fn(NaiveDate) -> i64) -> Option<Time> {
        let instant = |at: NaiveDateTime| Time { from: at, until: at, day: None };
        let time = if let Ok(day) = cell.parse::<NaiveDate>() {
            let starts = |day: NaiveDate| day.and_hms_opt(0, 0, 0).unwrap() + Duration::hours(midnight(day));
            Time { from: starts(day), until: starts(day + Duration::days(1)), day: Some(day) }
        } else if let Ok(at) = NaiveDateTime::parse_from_str(cell, "%Y-%m-%dT%H:%M:%SZ") {
            instant(at)
        } else {
            instant(NaiveDateTime::parse_from_str(cell, "%m/%d/%Y %I:%M:%S %p").ok()? + Duration::hours(midnight(NaiveDate::MIN)))
        };
        (time.from <= now() + Duration::hours(24)).then_some(time)
    }

    /// Whether this opt-in is provably later than an opt-out.
    fn beats(self, out: Option<Time>) -> bool {
        out.is_some_and(|out| match (self.day, out.day) {
            (Some(opted_in), Some(opted_out)) => opted_in > opted_out,
            _ => self.from - out.until > Duration::hours(24),
        })
    }
}

fn now() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2026, 11, 22).unwrap().and_hms_opt(6, 0, 0).unwrap()
}

pub fn utc(_: NaiveDate) -> i64 {
    0
}

fn vendor(_: NaiveDate) -> i64 {
    6
}

/// Denver's clocks went back on the first of November.
pub fn denver(day: NaiveDate) -> i64 {
    if day <= NaiveDate::from_ymd_opt(2026, 11, 1).unwrap() { 6 } else { 7 }
}

/// One record of a system; rows of one key are one record, of which the most restrictive counts.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub system: &'static str,
    pub key: String,
    pub unit: String,
    pub contact: String,
    pub source: String,
    pub emails: Vec<String>,
    pub out: bool,
    /// The time of each thing that opts it out.
    pub outs: Vec<Option<Time>>,
    /// Opted out by the CRM's box, which never has a time.
    pub boxed: bool,
    pub opted_in: Option<Time>,
    pub mailed: bool,
    pub unreadable: bool,
    pub stopped: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Person {
    pub outs: BTreeSet<Option<Time>>,
    pub boxed: bool,
    /// What stands against the opt-ins of those who share an address: the box only where nothing has a time.
    pub passed_on: BTreeSet<Option<Time>>,
    pub opt_ins: Vec<Time>,
    pub doubtful: bool,
    pub stopped: bool,
    pub out: bool,
    pub own_in: bool,
    pub shares_with: BTreeSet<usize>,
}

impl Person {
    fn withstands(&self, outs: &BTreeSet<Option<Time>>) -> bool {
        !self.doubtful && self.opt_ins.iter().any(|opt_in| outs.iter().all(|out| opt_in.beats(*out)))
    }
}

/// Who wants what, worked out with plain loops.
pub struct Oracle {
    pub records: Vec<Record>,
    /// The persons of each record.
    pub persons_of: Vec<Vec<usize>>,
    pub people: Vec<Person>,
}

impl Oracle {
    pub fn new(exports: &Exports) -> Oracle {
        Oracle::with(exports, Vec::new())
    }

    /// The same with what reviewers decided, each like a record of its person.
    pub fn with(exports: &Exports, decided: Vec<Record>) -> Oracle {
        let mut records = records(exports);
        records.extend(decided);
        let hub: Vec<usize> = (0..records.len()).filter(|at| is_hub(&records[*at])).collect();
        let mut persons_of: Vec<Vec<usize>> = records.iter().map(|record| contacts_of(record, &records, &hub)).collect();
        for (person, at) in hub.iter().enumerate() {
            persons_of[*at] = vec![person];
        }
        let mut oracle = Oracle { people: vec![Person::default(); hub.len()], records, persons_of };
        oracle.group_the_rest();
        oracle.listen();
        oracle.share(&hub);
        oracle
    }

    /// Records without a contact: a constituent is a person, others belong to it by address, the rest is grouped by address.
    fn group_the_rest(&mut self) {
        let alone: Vec<usize> = (0..self.records.len()).filter(|at| self.persons_of[*at].is_empty()).collect();
        let (constituents, rest): (Vec<usize>, Vec<usize>) =
            alone.into_iter().partition(|at| self.records[*at].system == "ascend" && !self.records[*at].source.is_empty());
        for at in &constituents {
            self.persons_of[*at] = vec![self.people.len()];
            self.people.push(Person::default());
        }
        let mut groups: BTreeMap<String, usize> = BTreeMap::new();
        for at in rest {
            let record = &self.records[at];
            let of = |fits: &dyn Fn(&Record) -> bool| -> Vec<usize> {
                constituents.iter().filter(|other| fits(&self.records[**other])).map(|other| self.persons_of[*other][0]).collect()
            };
            let by_source = of(&|other| other.source == record.source);
            let by_address = of(&|other| other.emails.iter().any(|email| record.emails.contains(email)));
            self.persons_of[at] = if by_source.is_empty() { by_address } else { by_source };
            if self.persons_of[at].is_empty() {
                let name = record.emails.first().unwrap_or(&record.key).clone();
                let person = *groups.entry(name).or_insert(self.people.len());
                if person == self.people.len() {
                    self.people.push(Person::default());
                }
                self.persons_of[at] = vec![person];
            }
        }
    }

    /// What each person said.
    fn listen(&mut self) {
        for (record, persons) in self.records.iter().zip(&self.persons_of) {
            if self.is_office(record, persons) {
                continue;
            }
            for person in persons {
                let person = &mut self.people[*person];
                person.stopped |= record.stopped;
                person.doubtful |= record.stopped || record.unreadable;
                person.outs.extend(&record.outs);
                person.boxed |= record.boxed;
                // An opt-in speaks for one person alone.
                person.opt_ins.extend(record.opted_in.filter(|_| persons.len() == 1));
            }
        }
        for person in &mut self.people {
            person.own_in = !person.boxed && person.withstands(&person.outs);
            person.out = (person.boxed || !person.outs.is_empty()) && !person.own_in;
            person.passed_on = person.outs.clone();
            if person.boxed && person.outs.iter().all(Option::is_none) {
                person.passed_on.insert(None);
            }
        }
    }

    /// An opt-out holds for every contact at the address, and for everybody whom a record is about.
    fn share(&mut self, hub: &[usize]) {
        let mut at_address: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for (person, at) in hub.iter().enumerate() {
            for email in &self.records[*at].emails {
                at_address.entry(email).or_default().insert(person);
            }
        }
        for sharers in at_address.values().filter(|sharers| sharers.len() <= MAX_SHARED) {
            for person in sharers {
                self.people[*person].shares_with.extend(sharers.iter().filter(|other| *other != person));
            }
        }
        for persons in &self.persons_of {
            if persons.len() > MAX_SHARED {
                continue;
            }
            for person in persons {
                self.people[*person].shares_with.extend(persons.iter().filter(|other| *other != person));
            }
        }
        loop {
            let before: Vec<(bool, usize)> = self.people.iter().map(|person| (person.out, person.passed_on.len())).collect();
            for at in 0..self.people.len() {
                for other in self.people[at].shares_with.clone() {
                    let (other, person) = (self.people[other].clone(), &mut self.people[at]);
                    if other.out && !(person.own_in && person.withstands(&other.passed_on)) {
                        person.out = true;
                        person.passed_on.extend(other.passed_on);
                    }
                }
            }
            if before == self.people.iter().map(|person| (person.out, person.passed_on.len())).collect::<Vec<_>>() {
                return;
            }
        }
    }

    /// Whether a record belongs, by address, to more contacts than an opt-out may spread over.
    pub fn is_office(&self, record: &Record, persons: &[usize]) -> bool {
        let by_id = |other: &Record| {
            is_hub(other) && (other.key == record.contact || (!record.source.is_empty() && other.source == record.source))
        };
        persons.len() > MAX_SHARED && !self.records.iter().any(by_id)
    }

    pub fn may_be_opted_in(&self, record: &Record) -> bool {
        let at = self.records.iter().position(|other| std::ptr::eq(other, record)).unwrap();
        let persons = &self.persons_of[at];
        !self.is_office(record, persons) && persons.iter().all(|person| self.people[*person].own_in && !self.people[*person].out)
    }

    /// Whether anybody that a record belongs to is opted out, by whoever's wish.
    pub fn is_out(&self, record: &Record) -> bool {
        let at = self.records.iter().position(|other| std::ptr::eq(other, record)).unwrap();
        self.persons_of[at].iter().any(|person| self.people[*person].out)
    }

    /// Everybody that a record belongs to, and all their records.
    pub fn told(&self, record: &Record) -> impl Debug + std::fmt::Display + use<> {
        let at = self.records.iter().position(|other| std::ptr::eq(other, record)).unwrap();
        let persons = &self.persons_of[at];
        let around: BTreeSet<usize> =
            persons.iter().flat_map(|person| self.people[*person].shares_with.iter().chain([person])).copied().collect();
        let of = |persons: &Vec<usize>| persons.iter().any(|person| around.contains(person));
        let records: Vec<_> = self.records.iter().zip(&self.persons_of).filter(|(_, persons)| of(persons)).collect();
        let people: Vec<_> = around.iter().map(|person| (person, &self.people[*person])).collect();
        format!("{people:#?}\n{records:#?}")
    }
}

fn is_hub(record: &Record) -> bool {
    record.system == "salesforce" && !record.key.is_empty()
}

/// The contacts of a record: by contact id, else by source id, else by address.
fn contacts_of(record: &Record, records: &[Record], hub: &[usize]) -> Vec<usize> {
    let fitting = |fits: &dyn Fn(&Record) -> bool| -> Vec<usize> {
        hub.iter().enumerate().filter(|(_, at)| fits(&records[**at])).map(|(person, _)| person).collect()
    };
    let by_id = fitting(&|contact| contact.key == record.contact);
    let by_source = fitting(&|contact| !record.source.is_empty() && contact.source == record.source);
    let by_address = || fitting(&|contact| contact.emails.iter().any(|email| record.emails.contains(email)));
    // Whoever has the constituent id of the contact that the constituent names is that person too.
    if record.system == "ascend" && by_id.iter().any(|person| by_source.contains(person)) {
        return by_source;
    }
    [by_id, by_source].into_iter().find(|found| !found.is_empty()).unwrap_or_else(by_address)
}

/// The exports, cell by cell.
fn records(exports: &Exports) -> Vec<Record> {
    let rows = |name: &str| exports.iter().find(|(file, _)| file.starts_with(name)).map(|(_, table)| table.rows()).unwrap();
    let texts = |row: &Row, names: &[&str]| -> Vec<String> {
        names.iter().filter_map(|name| row.get(*name)).filter(|cell| !cell.is_empty()).cloned().collect()
    };
    let mut records: Vec<Record> = Vec::new();
    for (row, [key, out, opted_in, evidence]) in rows("salesforce_contacts")
        .into_iter()
        .map(|row| (row, ["Id", "HasOptedOutOfEmail", "Email_Opt_In_Date__c", "Email_Opt_In_Channel__c"]))
        .chain(
            rows("salesforce_leads")
                .into_iter()
                .map(|row| (row, ["Lead ID", "Email Opt Out", "Email Opt In Date", "Email Opt In Channel"])),
        )
    {
        let out = row[out].as_str();
        let is_out = ["true", "1"].contains(&out);
        let unreadable = out == "dunno";
        let record = Record {
            system: "salesforce",
            key: full_id(&row[key]),
            source: row.get("Ascend_ID__c").cloned().unwrap_or_default(),
            emails: texts(&row, &["Email", "Campus_Email__c"]),
            out: is_out,
            boxed: is_out,
            opted_in: Time::read(&row[opted_in], utc).filter(|_| !is_out && !unreadable && !row[evidence].is_empty()),
            mailed: true,
            unreadable,
            ..Record::default()
        };
        match records.iter_mut().find(|known| !record.key.is_empty() && known.key == record.key) {
            Some(known) => {
                (known.out, known.unreadable) = (known.out || record.out, known.unreadable || record.unreadable);
                known.boxed |= record.boxed;
                known.opted_in = known.opted_in.zip(record.opted_in).map(|(one, other)| one.min(other));
            }
            None => records.push(record),
        }
    }
    let mut subscribers: Vec<Record> = Vec::new();
    for row in rows("marketing_cloud_subscribers") {
        let (key, status) = (row["SubscriberKey"].clone(), row["Status"].to_lowercase());
        let emails = texts(&row, &["EmailAddress"]);
        if key.is_empty() && emails.is_empty() {
            continue;
        }
        let is_out = status == "unsubscribed";
        let record = Record {
            system: "marketing_cloud",
            contact: key.clone(),
            key,
            emails,
            out: is_out,
            outs: if is_out { vec![Time::read(&row["DateUnsubscribed"], vendor)] } else { Vec::new() },
            mailed: !["held", "deleted"].contains(&status.as_str()),
            unreadable: status == "paused",
            ..Record::default()
        };
        let known = subscribers.iter_mut().find(|known| known.key == record.key && !known.unreadable && !record.unreadable);
        match known.filter(|_| !record.key.is_empty()) {
            Some(known) => {
                (known.out, known.mailed) = (known.out || record.out, known.mailed && record.mailed);
                known.outs.extend(record.outs);
            }
            None => subscribers.push(record),
        }
    }
    for row in rows("marketing_cloud_unit_unsubscribes") {
        let key = row["SubscriberKey"].clone();
        let emails = subscribers.iter().find(|known| known.key == key).map(|known| known.emails.clone()).unwrap_or_default();
        let outs = vec![Time::read(&row["UnsubDateUTC"], utc)];
        let unit = row["BusinessUnitID"].clone();
        let contact = key.clone();
        records.push(Record {
            system: "marketing_cloud",
            contact,
            key,
            unit,
            emails,
            out: true,
            outs,
            mailed: true,
            ..Record::default()
        });
    }
    records.extend(subscribers);
    records.extend(constituents(rows("ascend_constituents"), rows("ascend_preferences")));
    records
}

fn constituents(rows: Vec<Row>, codes: Vec<Row>) -> Vec<Record> {
    let blank =
        |id: &str| Record { system: "ascend", key: id.to_owned(), source: id.to_owned(), mailed: true, ..Record::default() };
    let mut constituents: BTreeMap<String, Record> = BTreeMap::new();
    for row in rows {
        let id = &row["Constituent ID"];
        let is_out = row["Email Opt Out"] == "Y";
        constituents.insert(
            id.clone(),
            Record {
                contact: row["Salesforce Contact ID"].clone(),
                emails: Some(row["Email"].clone()).filter(|email| !email.is_empty()).into_iter().collect(),
                out: is_out,
                outs: if is_out { vec![Time::read(&row["Opt Out Date"], denver)] } else { Vec::new() },
                unreadable: row["Email Opt Out"] == "Maybe",
                ..blank(id)
            },
        );
    }
    for row in codes {
        let id = &row["Constituent ID"];
        let record = constituents.entry(id.clone()).or_insert_with(|| blank(id));
        let begins = NaiveDate::from_ymd_opt(2031, 5, 1).unwrap().to_string();
        let ended = row["Status"] == "Ended" || Time::read(&row["End Date"], denver).is_some_and(|end| end.until < now());
        if ended || row["Start Date"] == begins {
            continue;
        }
        match row["Code"].as_str() {
            "NE" | "NC" | "AWR4" => {
                record.out = true;
                record.outs.push(Time::read(&row["Start Date"], denver));
            }
            "X17" => record.stopped = true,
            _ => {}
        }
    }
    constituents.into_values().collect()
}
