//! Nobody is opted back in without an explicit, later, evidenced opt-in, and no opt-out is lost.
//!
//! Small worlds of a few contacts each, hundreds of them in one workspace, whose records say anything at all. An oracle that
//! reads the same cells with plain loops says who may be opted in and who must end opted out.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use chrono::{Duration, NaiveDate, NaiveDateTime};
use common::importer::{Exports, bytes_of, full_id, load, sheet};
use common::{Row, RunFolder, Table, Workspace, seeded};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

const MAX_SHARED: usize = 3;

const CONFIGURATION: &str = r#"
[inbox]
after_run = "keep"
settle_seconds = 0
max_reject_share = 1.0

[run]
as_of = "2026-11-22T06:00:00Z"

[systems.salesforce.columns]
email = ["Email", "Campus_Email__c"]

[systems.ascend.codes]
ALX = "opt_out:Alumni News"

[policy]
max_shared = 3

[brake]
max_share = 1.0
min_rows = 1000000
max_opt_ins = 1000000
"#;

#[test]
fn who_is_opted_in_may_be_and_who_said_no_is_opted_out() {
    let (mut opted_in, mut put_out) = (0, 0);
    for seed in 0..20 {
        let world = World::random(400, &mut seeded(seed));
        let workspace = Workspace::with(CONFIGURATION, &[]);
        for (file, table) in &world.exports {
            table.write(&workspace.inbox().join(file));
        }
        let run = workspace.run();
        run.assert_rows_are_accounted_for();
        let oracle = Oracle::new(&world.exports);
        for (system, record, unit) in opt_ins(&run) {
            opted_in += 1;
            let records: Vec<&Record> = oracle
                .records
                .iter()
                .filter(|of| of.system == system && of.key == record && (unit.is_empty() || of.unit == unit))
                .collect();
            assert!(!records.is_empty(), "seed {seed}: {system} has no record {record} {unit}");
            for of in records {
                assert!(oracle.may_be_opted_in(of), "seed {seed}: opted in without proof: {of:#?}\n{}", oracle.told(of));
            }
        }
        let mut exports = world.exports.clone();
        load(&mut exports, &run.path.join("corrections"));
        let after = Oracle::new(&exports);
        for (record, persons) in oracle.records.iter().zip(&oracle.persons_of) {
            let says_no = |person: &usize| oracle.people[*person].out && !oracle.people[*person].stopped;
            if !persons.iter().any(says_no) || oracle.is_office(record, persons) || record.key.is_empty() || record.unreadable {
                continue;
            }
            // An import of the marketing platform takes no row without an address, and what it does not mail needs none.
            if record.system == "marketing_cloud" && (record.emails.is_empty() || !record.mailed) {
                continue;
            }
            let is_same = |now: &&Record| now.system == record.system && now.key == record.key && now.unit == record.unit;
            put_out += usize::from(!record.out);
            assert!(
                after.records.iter().filter(is_same).any(|now| now.out),
                "seed {seed}: an opt-out is lost at {record:#?}\n{}",
                oracle.told(record)
            );
        }
    }
    assert!(opted_in > 250 && put_out > 10_000, "the worlds are dull: {opted_in} opted in, {put_out} opted out");
}

#[test]
fn decisions_opt_nobody_in_without_proof_and_lose_no_opt_out() {
    let (mut applied, mut opted_in, mut kept) = (0, 0, 0);
    for seed in 100..106 {
        let mut rng = seeded(seed);
        let world = World::random(300, &mut rng);
        let workspace = Workspace::with(CONFIGURATION, &[]);
        for (file, table) in &world.exports {
            table.write(&workspace.inbox().join(file));
        }
        let first = workspace.run();
        let decided = decide_at_random(&workspace, &first, &mut rng);
        let second = workspace.run_as_of(Some("2026-11-22T06:30:00Z"));
        let told = second.table("decisions.csv").rows();
        let told = told.iter().filter(|row| row["result"] == "applied" && row["rule"] != "IDN501");
        let records: Vec<Record> = told
            .filter_map(|row| {
                applied += 1;
                let [what, _, day] = &decided[row["row"].parse::<usize>().unwrap() - 2];
                // Who is no contact of the CRM is named by the constituent id or by the address.
                let who = row["who"].clone();
                let record = Record { system: "desk", mailed: true, ..Record::default() };
                let record = match who.len() {
                    _ if who.contains('@') => Record { emails: vec![who], ..record },
                    18 => Record { contact: who, ..record },
                    _ => Record { source: who, ..record },
                };
                match what.as_str() {
                    "opt out" => Some(Record { out: true, outs: vec![Time::read("2026-11-22 06:30:00", utc)], ..record }),
                    "opt back in" if row["rule"] != "IDN502" => Some(Record { opted_in: Time::read(day, denver), ..record }),
                    _ => None,
                }
            })
            .collect();
        let oracle = Oracle::with(&world.exports, records);
        let named = |system: &str, record: &str, unit: &str| -> Vec<&Record> {
            let is = |of: &&Record| of.system == system && of.key == record && (unit.is_empty() || of.unit == unit);
            oracle.records.iter().filter(is).collect()
        };
        let before: BTreeSet<_> = opt_ins(&first).into_iter().collect();
        for (system, record, unit) in opt_ins(&second) {
            opted_in += usize::from(!before.contains(&(system, record.clone(), unit.clone())));
            for of in named(system, &record, &unit) {
                assert!(oracle.may_be_opted_in(of), "seed {seed}: opted in without proof: {of:#?}\n{}", oracle.told(of));
            }
        }
        let opt_outs = |run: &RunFolder| -> BTreeSet<(String, String)> {
            let rows = run.table("corrections.csv").rows().into_iter();
            let rows = rows.filter(|row| row["file"].contains("opt_out") || row["file"].contains("unsubscribe"));
            rows.map(|row| (row["target"].clone(), row["record"].clone())).collect()
        };
        let after = opt_outs(&second);
        for (system, record) in opt_outs(&first) {
            kept += 1;
            // A decision may end the opt-out, or that of a sharer from whom alone it came. A record that nobody can read is
            // shown for review.
            let is_out = named(&system, &record, "").into_iter().any(|of| !of.unreadable && oracle.is_out(of));
            assert!(
                after.contains(&(system.clone(), record.clone())) || !is_out,
                "seed {seed}: the opt-out of {system} {record} is lost"
            );
        }
    }
    assert!(applied > 100 && opted_in > 0 && kept > 1_000, "the worlds are dull: {applied} {opted_in} {kept}");
}

/// Fills in *Needs review* and drops it into `decisions/`: decision, evidence and day of each row that was written.
fn decide_at_random(workspace: &Workspace, run: &RunFolder, rng: &mut ChaCha8Rng) -> Vec<[String; 3]> {
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(run.path.join("discrepancies.xlsx")).unwrap();
    let sheet = calamine::Reader::worksheet_range(&mut book, "Needs review").unwrap();
    let rows: Vec<Vec<String>> = sheet.rows().map(|row| row.iter().map(ToString::to_string).collect()).collect();
    let header = rows.iter().position(|row| row[0] == "Decision").expect("a header");
    let key = rows[header].iter().position(|name| name == "Key").expect("a key");
    let mut table = Table::new(&["Decision", "Decided by", "Reason", "Permission evidence", "Permission date", "Key"]);
    let mut decided = Vec::new();
    for row in rows[header + 1..].iter().filter(|row| row.len() > key && !row[key].is_empty()) {
        let mut one_of = |words: &[&str]| (*words.choose(rng).unwrap()).to_owned();
        let what = one_of(&["opt out", "opt back in", "opt back in", "leave", ""]);
        let evidence = one_of(&["card", "card", "card", ""]);
        let day = one_of(&["2026-11-21", "2026-11-10", "2026-01-05", "2020-01-01", ""]);
        table.push(&[&what, "Maria", "asked", &evidence, &day, &row[key]]);
        decided.push([what, evidence, day]);
    }
    table.write(&workspace.root.join("decisions/maria.csv"));
    decided
}

/// Every record that a run's files opt in: system, record, business unit.
fn opt_ins(run: &RunFolder) -> Vec<(&'static str, String, String)> {
    let mut rows = Vec::new();
    for folder in ["corrections", "held"].map(|folder| run.path.join(folder)) {
        for (system, file, key) in [
            ("salesforce", "salesforce_contacts_opt_in.csv", "Id"),
            ("salesforce", "salesforce_leads_opt_in.csv", "Id"),
            ("ascend", "ascend_opt_in.csv", "Constituent ID"),
        ] {
            let table = bytes_of(&folder.join(file)).map(|bytes| Table::parse(&String::from_utf8(bytes).unwrap()));
            rows.extend(table.iter().flat_map(Table::rows).map(|row| (system, row[key].clone(), String::new())));
        }
        let requests = bytes_of(&folder.join("marketing_cloud_resubscribe_requests.xlsx")).map(sheet).unwrap_or_default();
        rows.extend(
            requests.into_iter().map(|row| ("marketing_cloud", row["Subscriber Key"].clone(), row["Business Unit"].clone())),
        );
    }
    rows
}

/// Exports full of surprises.
struct World {
    exports: Exports,
}

impl World {
    fn random(islands: usize, rng: &mut ChaCha8Rng) -> World {
        let mut exports: Exports = [
            (
                "salesforce_contacts_2026-11-21.csv",
                &[
                    "Id",
                    "Email",
                    "Campus_Email__c",
                    "HasOptedOutOfEmail",
                    "Ascend_ID__c",
                    "Email_Opt_In_Date__c",
                    "Email_Opt_In_Channel__c",
                ][..],
            ),
            (
                "salesforce_leads_2026-11-21.csv",
                &["Lead ID", "Email", "Email Opt Out", "Email Opt In Date", "Email Opt In Channel"],
            ),
            ("marketing_cloud_subscribers_2026-11-21.csv", &["SubscriberKey", "EmailAddress", "Status", "DateUnsubscribed"]),
            ("marketing_cloud_unit_unsubscribes_2026-11-21.csv", &["BusinessUnitID", "UnsubDateUTC", "SubscriberKey"]),
            (
                "ascend_constituents_2026-11-21.csv",
                &[
                    "Constituent ID",
                    "Salesforce Contact ID",
                    "Email",
                    "Email Opt Out",
                    "Opt Out Date",
                    "Email Status",
                    "Email Preferences",
                ],
            ),
            ("ascend_preferences_2026-11-21.csv", &["Constituent ID", "Code", "Start Date", "End Date", "Status"]),
        ]
        .map(|(file, header)| (file.to_owned(), Table::new(header)))
        .into();
        // The kinds are told apart by their ids, and a file needs a row for that.
        let files: Vec<String> = exports.keys().cloned().collect();
        for number in 0..islands {
            Island { number, rng, exports: &mut exports, files: &files }.settle();
        }
        World { exports }
    }
}

/// A few contacts and what other systems say of them; nothing on one island is on another.
struct Island<'a> {
    number: usize,
    rng: &'a mut ChaCha8Rng,
    exports: &'a mut Exports,
    files: &'a [String],
}

impl Island<'_> {
    fn settle(mut self) {
        let contacts: Vec<String> = (0..self.rng.random_range(1..5)).map(|at| self.id("003", at)).collect();
        for id in &contacts {
            let id = if self.one_in(40) { String::new() } else { id.clone() };
            let (address, campus, source) = (self.address(), self.address_or_none(), self.constituent_or_none());
            for _ in 0..if self.one_in(20) { 2 } else { 1 } {
                let says = self.word(&["true", "false", "false", "false", "false", "", "0", "0", "dunno"]);
                let (opted_in_at, evidence) = self.opt_in();
                let cells = [id.clone(), address.clone(), campus.clone(), says, source.clone(), opted_in_at, evidence];
                self.push("salesforce_contacts", cells);
            }
        }
        if self.one_in(4) {
            let (opted_in_at, evidence) = self.opt_in();
            let cells = [self.id("00Q", 0)[..15].to_owned(), self.address(), self.word(&["0", "0", "1"]), opted_in_at, evidence];
            self.push("salesforce_leads", cells);
        }
        let mut keys: BTreeMap<String, String> = BTreeMap::new();
        for at in 0..self.rng.random_range(0..4) {
            let key = match self.rng.random_range(0..4) {
                0 => format!("{}-{at}", self.number),
                1 => self.id("003", 9),
                _ => contacts.choose(self.rng).unwrap().clone(),
            };
            let address = self.address_or_none();
            // Rows of one key differ in what they say, not in whom they mean.
            let address = keys.entry(key.clone()).or_insert(address).clone();
            for _ in 0..if self.one_in(15) { 2 } else { 1 } {
                let status = self.word(&[
                    "Active",
                    "Active",
                    "active",
                    "Unsubscribed",
                    "Unsubscribed",
                    "Bounced",
                    "Held",
                    "Deleted",
                    "",
                    "Paused",
                ]);
                let since = self.time(Clock::Vendor);
                self.push("marketing_cloud_subscribers", [key.clone(), address.clone(), status, since]);
            }
        }
        if self.one_in(20) {
            let status = self.word(&["Active", "Unsubscribed"]);
            self.push("marketing_cloud_subscribers", [String::new(), String::new(), status, String::new()]);
        }
        if self.one_in(4) {
            let keys: Vec<&String> = keys.keys().chain(&contacts[..1]).collect();
            let key = (*keys.choose(self.rng).unwrap()).clone();
            let (unit, since) = (self.word(&["7221001", "7221002"]), self.time(Clock::Utc));
            self.push("marketing_cloud_unit_unsubscribes", [unit, since, key]);
        }
        for at in 0..self.rng.random_range(0..4) {
            let contact = match self.rng.random_range(0..4) {
                0 => String::new(),
                1 => self.id("003", 9),
                _ => contacts.choose(self.rng).unwrap().clone(),
            };
            let says = self.word(&["N", "N", "N", "Y", "Y", "", "-", "Maybe"]);
            let cells = [
                self.constituent(at),
                contact,
                self.address_or_none(),
                says,
                self.time(Clock::Day),
                String::new(),
                String::new(),
            ];
            self.push("ascend_constituents", cells);
        }
        for _ in 0..[0, 0, 1, 2][self.rng.random_range(0..4)] {
            let at = self.rng.random_range(0..3);
            let code = if self.one_in(8) { "X17".to_owned() } else { self.word(&["NE", "NC", "AWR4", "NES", "ALX"]) };
            let end = if self.one_in(3) { self.time(Clock::Day) } else { String::new() };
            let cells = [self.constituent(at), code, self.time(Clock::Day), end, self.word(&["Active", "", "Ended", "Dormant"])];
            self.push("ascend_preferences", cells);
        }
    }

    fn push(&mut self, export: &str, cells: impl IntoIterator<Item = String>) {
        let file = self.files.iter().find(|file| file.starts_with(export)).unwrap();
        let cells: Vec<String> = cells.into_iter().collect();
        self.exports.get_mut(file).unwrap().push(&cells.iter().map(String::as_str).collect::<Vec<_>>());
    }

    fn id(&self, prefix: &str, at: usize) -> String {
        full_id(&format!("{prefix}Hs{:08}a{at}", self.number))
    }

    fn constituent(&self, at: usize) -> String {
        format!("{:08}{at:02}", self.number)
    }

    fn constituent_or_none(&mut self) -> String {
        let at = self.rng.random_range(0..3);
        if self.one_in(3) { String::new() } else { self.constituent(at) }
    }

    fn address(&mut self) -> String {
        format!("{}{}@example.org", ["ana", "ben", "cleo", "dan", "eve"][self.rng.random_range(0..5)], self.number)
    }

    fn address_or_none(&mut self) -> String {
        if self.one_in(5) { String::new() } else { self.address() }
    }

    fn word(&mut self, words: &[&str]) -> String {
        (*words.choose(self.rng).unwrap()).to_owned()
    }

    fn one_in(&mut self, chances: u32) -> bool {
        self.rng.random_range(0..chances) == 0
    }

    fn opt_in(&mut self) -> (String, String) {
        if self.one_in(2) {
            return Default::default();
        }
        let clock = if self.one_in(2) { Clock::Day } else { Clock::Utc };
        (self.time_in(clock, 14), self.word(&["Web form", "Phone call", ""]))
    }

    /// A time of the week in which clocks changed.
    fn time(&mut self, clock: Clock) -> String {
        self.time_in(clock, 7)
    }

    /// A time of so many days, as a system writes it; now and then none, or none that can be read.
    fn time_in(&mut self, clock: Clock, days: i64) -> String {
        if self.one_in(6) {
            return self.word(&["", "", "", "soon", "2031-05-01"]);
        }
        let day = NaiveDate::from_ymd_opt(2026, 10, 29).unwrap() + Duration::days(self.rng.random_range(0..days));
        let second = [0, 0, 1][self.rng.random_range(0..3)];
        let at = day.and_hms_opt([0, 5, 6, 7, 12, 23][self.rng.random_range(0..6)], 0, second).unwrap();
        match clock {
            Clock::Day => day.to_string(),
            Clock::Utc => at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            Clock::Vendor => at.format("%-m/%-d/%Y %-I:%M:%S %p").to_string(),
        }
    }
}

#[derive(Clone, Copy)]
enum Clock {
    Day,
    Utc,
    /// UTC-6 all year.
    Vendor,
}

/// A time in UTC, from and until, and its day where only that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Time {
    from: NaiveDateTime,
    until: NaiveDateTime,
    day: Option<NaiveDate>,
}

impl Time {
    /// Reads a cell; a bare date is a day in a zone whose midnights are at these hours of UTC.
    fn read(cell: &str, midnight: fn(NaiveDate) -> i64) -> Option<Time> {
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

fn utc(_: NaiveDate) -> i64 {
    0
}

fn vendor(_: NaiveDate) -> i64 {
    6
}

/// Denver's clocks went back on the first of November.
fn denver(day: NaiveDate) -> i64 {
    if day <= NaiveDate::from_ymd_opt(2026, 11, 1).unwrap() { 6 } else { 7 }
}

/// One record of a system; rows of one key are one record, of which the most restrictive counts.
#[derive(Clone, Debug, Default)]
struct Record {
    system: &'static str,
    key: String,
    unit: String,
    contact: String,
    source: String,
    emails: Vec<String>,
    out: bool,
    /// The time of each thing that opts it out.
    outs: Vec<Option<Time>>,
    /// Opted out by the CRM's box, which never has a time.
    boxed: bool,
    opted_in: Option<Time>,
    mailed: bool,
    unreadable: bool,
    stopped: bool,
}

#[derive(Clone, Debug, Default)]
struct Person {
    outs: BTreeSet<Option<Time>>,
    boxed: bool,
    /// What stands against the opt-ins of those who share an address: the box only where nothing has a time.
    passed_on: BTreeSet<Option<Time>>,
    opt_ins: Vec<Time>,
    doubtful: bool,
    stopped: bool,
    out: bool,
    own_in: bool,
    shares_with: BTreeSet<usize>,
}

impl Person {
    fn withstands(&self, outs: &BTreeSet<Option<Time>>) -> bool {
        !self.doubtful && self.opt_ins.iter().any(|opt_in| outs.iter().all(|out| opt_in.beats(*out)))
    }
}

/// Who wants what, worked out with plain loops.
struct Oracle {
    records: Vec<Record>,
    /// The persons of each record.
    persons_of: Vec<Vec<usize>>,
    people: Vec<Person>,
}

impl Oracle {
    fn new(exports: &Exports) -> Oracle {
        Oracle::with(exports, Vec::new())
    }

    /// The same with what reviewers decided, each like a record of its person.
    fn with(exports: &Exports, decided: Vec<Record>) -> Oracle {
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

    /// An opt-out holds for every contact at the address.
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
    fn is_office(&self, record: &Record, persons: &[usize]) -> bool {
        let by_id = |other: &Record| {
            is_hub(other) && (other.key == record.contact || (!record.source.is_empty() && other.source == record.source))
        };
        persons.len() > MAX_SHARED && !self.records.iter().any(by_id)
    }

    fn may_be_opted_in(&self, record: &Record) -> bool {
        let at = self.records.iter().position(|other| std::ptr::eq(other, record)).unwrap();
        let persons = &self.persons_of[at];
        !self.is_office(record, persons) && persons.iter().all(|person| self.people[*person].own_in && !self.people[*person].out)
    }

    /// Whether anybody that a record belongs to is opted out, by whoever's wish.
    fn is_out(&self, record: &Record) -> bool {
        let at = self.records.iter().position(|other| std::ptr::eq(other, record)).unwrap();
        self.persons_of[at].iter().any(|person| self.people[*person].out)
    }

    /// Everybody that a record belongs to, and all their records.
    fn told(&self, record: &Record) -> impl Debug + std::fmt::Display + use<> {
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
