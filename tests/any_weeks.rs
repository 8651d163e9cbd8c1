//! Any sequence of weeks: nobody is opted in without proof, no opt-out that an export showed is lost, discrepancies have a
//! history without gaps, and the ledger is only ever added to.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::weeks::{CRM, MAILER, SOURCE, Week, Weeks, id, source_id};
use common::{files_below, seeded};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

const PEOPLE: usize = 14;
const WEEKS: usize = 9;

#[test]
fn weeks_of_any_kind_lose_no_opt_out_and_opt_nobody_in_without_proof() {
    let (mut opted_in, mut overwritten) = (0, 0);
    for seed in 0..8 {
        let mut life = Life::new(seed);
        for week in 0..WEEKS {
            life.pass(week);
            let exported: Vec<&str> = [CRM, MAILER, SOURCE].into_iter().filter(|name| *name == CRM || !life.one_in(6)).collect();
            let run = life.export_and_run(week, &exported);
            opted_in += life.check(&run);
            if !life.one_in(3) {
                life.weeks.load(&run);
            }
        }
        for week in WEEKS..WEEKS + 2 {
            let run = life.export_and_run(week, &[CRM, MAILER, SOURCE]);
            life.check(&run);
            life.weeks.load(&run);
        }
        overwritten += life.overwritten;
        life.assert_no_opt_out_is_lost();
    }
    assert!(opted_in > 20 && overwritten > 50, "the weeks are dull: {opted_in} opted in, {overwritten} overwritten");
}

/// What really happened to a person, by the week.
#[derive(Clone, Debug, Default)]
struct Person {
    name: String,
    opted_in: Option<usize>,
    /// In a system, not necessarily exported since.
    opted_out: BTreeMap<&'static str, usize>,
    /// The latest opt-out that an export showed.
    known_out: Option<usize>,
    /// Systems whose exports showed the record opted out.
    shown_out: BTreeSet<&'static str>,
}

impl Person {
    fn says_no(&self) -> bool {
        self.known_out.is_some() && self.known_out > self.opted_in
    }
}

struct Life {
    seed: u64,
    rng: ChaCha8Rng,
    weeks: Weeks,
    people: Vec<Person>,
    overwritten: usize,
    /// Discrepancies that were there last week, and all that ever were.
    open: BTreeSet<Vec<String>>,
    ever: BTreeSet<Vec<String>>,
    ledger: BTreeMap<String, Vec<u8>>,
    told: Vec<String>,
}

impl Life {
    fn new(seed: u64) -> Life {
        let mut weeks = Weeks::new("[brake]\nmin_rows = 1000\n");
        let people: Vec<Person> = (0..PEOPLE).map(|number| Person { name: format!("p{number}"), ..Person::default() }).collect();
        people.iter().for_each(|person| weeks.add(&person.name));
        Life {
            seed,
            rng: seeded(seed),
            weeks,
            people,
            overwritten: 0,
            open: BTreeSet::new(),
            ever: BTreeSet::new(),
            ledger: BTreeMap::new(),
            told: Vec::new(),
        }
    }

    fn one_in(&mut self, chances: u32) -> bool {
        self.rng.random_range(0..chances) == 0
    }

    /// At most one thing happens to a person in a week.
    fn pass(&mut self, week: usize) {
        let day = self.weeks.day.pred_opt().unwrap().pred_opt().unwrap().pred_opt().unwrap();
        for at in 0..self.people.len() {
            let (what, dated) = (self.rng.random_range(0..14), self.one_in(2));
            let name = self.people[at].name.clone();
            let person = &mut self.people[at];
            let system = [CRM, MAILER, SOURCE][what % 3];
            match what {
                0..=2 => {
                    let before = self.weeks.tables[system].clone();
                    out(&mut self.weeks, system, &name, dated.then_some(day));
                    // Saying no again where it stands already, with no new date, leaves no trace.
                    if self.weeks.tables[system] != before {
                        person.opted_out.insert(system, week);
                    }
                    self.told.push(format!("week {week}: {name} opts out in {system}, dated {dated}"));
                }
                3 | 4 => {
                    person.opted_in = Some(week);
                    person.opted_out.remove(CRM);
                    let channel = format!("Web form {week}");
                    let since = if dated { day.to_string() } else { String::new() };
                    let cells = [
                        ("HasOptedOutOfEmail", "false"),
                        ("Email_Opt_In_Date__c", since.as_str()),
                        ("Email_Opt_In_Channel__c", &channel),
                    ];
                    self.weeks.set(CRM, &name, &cells);
                    self.told.push(format!("week {week}: {name} opts in, dated {dated}"));
                }
                5..=8 if person.shown_out.remove(system) => {
                    self.overwritten += 1;
                    active(&mut self.weeks, system, &name);
                    self.told.push(format!("week {week}: {name} is overwritten in {system}"));
                }
                _ => {}
            }
        }
    }

    fn export_and_run(&mut self, week: usize, exported: &[&'static str]) -> Week {
        for person in &mut self.people {
            for system in exported {
                if is_out(&mut self.weeks, system, &person.name) {
                    person.shown_out.insert(system);
                    if let Some(since) = person.opted_out.remove(system) {
                        person.known_out = person.known_out.max(Some(since));
                    }
                } else {
                    person.shown_out.remove(system);
                }
            }
        }
        self.told.push(format!("week {week}: exported {exported:?}"));
        self.weeks.run_with(exported)
    }

    /// Holds a run to what must be; gives the records that it opts in.
    fn check(&mut self, run: &Week) -> usize {
        let (seed, told) = (self.seed, self.told.join("\n"));
        let mut opted_in = 0;
        for row in run.run.table("corrections.csv").rows() {
            if !["N", "Active", "false"].contains(&row["after"].as_str()) {
                continue;
            }
            opted_in += 1;
            let person =
                self.people.iter().find(|person| [id(&person.name), source_id(&person.name)].contains(&row["record"])).unwrap();
            let proven = person.opted_in.is_some() && person.opted_in > person.known_out;
            assert!(proven, "seed {seed}: opted in without proof: {row:?}\n{person:?}\n{told}");
        }
        let identity = |row: &common::Row| -> Vec<String> {
            ["rule", "contact_id", "email", "subject", "a_system", "a_record", "b_system", "b_record"]
                .map(|name| row[name].clone())
                .into()
        };
        let mut found: BTreeSet<Vec<String>> = BTreeSet::new();
        for row in run.run.discrepancies() {
            let one = identity(&row);
            let expected = match (self.ever.contains(&one), self.open.contains(&one)) {
                (false, _) => "new",
                (true, true) => "persisting",
                (true, false) => "reopened",
            };
            assert_eq!(row["state"], expected, "seed {seed}: {row:?}\n{told}");
            found.insert(one);
        }
        let mut kept: BTreeSet<Vec<String>> = BTreeSet::new();
        if run.run.path.join("resolved.csv").exists() {
            for row in run.run.table("resolved.csv").rows() {
                let one = identity(&row);
                assert!(self.open.remove(&one) && !found.contains(&one), "seed {seed}: {row:?}\n{told}");
                if row["state"] == "not_compared" {
                    kept.insert(one);
                }
            }
        }
        let lost: Vec<_> = self.open.difference(&found).collect();
        assert!(lost.is_empty(), "seed {seed}: neither found nor resolved: {lost:?}\n{told}");
        self.ever.extend(found.iter().cloned());
        self.open = &found | &kept;
        let ledger = files_below(&self.weeks.workspace.root.join("ledger"));
        assert!(self.ledger.iter().all(|(file, bytes)| ledger.get(file) == Some(bytes)), "seed {seed}: the past was changed");
        assert!(ledger.len() > self.ledger.len() && !run.attention().contains("ledger/"), "seed {seed}: {}", run.attention());
        self.ledger = ledger;
        opted_in
    }

    fn assert_no_opt_out_is_lost(&mut self) {
        for person in self.people.clone().into_iter().filter(Person::says_no) {
            for system in [CRM, MAILER, SOURCE] {
                assert!(
                    is_out(&mut self.weeks, system, &person.name),
                    "seed {}: {} is not opted out in {system}: {person:?}\n{}",
                    self.seed,
                    person.name,
                    self.told
                        .iter()
                        .filter(|line| line.contains(&format!("{} ", person.name)) || line.contains("exported"))
                        .cloned()
                        .collect::<Vec<_>>()
                        .join("\n")
                );
            }
        }
    }
}

fn out(weeks: &mut Weeks, system: &str, name: &str, day: Option<chrono::NaiveDate>) {
    let slashed = day.map(|day| day.format("%-m/%-d/%Y 9:00:00 AM").to_string()).unwrap_or_default();
    let plain = day.map(|day| day.to_string()).unwrap_or_default();
    match system {
        CRM => weeks.set(CRM, name, &[("HasOptedOutOfEmail", "true")]),
        MAILER => weeks.set(MAILER, name, &[("Status", "Unsubscribed"), ("DateUnsubscribed", &slashed)]),
        _ => weeks.set(SOURCE, name, &[("Email Opt Out", "Y"), ("Opt Out Date", &plain)]),
    }
}

fn active(weeks: &mut Weeks, system: &str, name: &str) {
    match system {
        CRM => weeks.set(CRM, name, &[("HasOptedOutOfEmail", "false")]),
        MAILER => weeks.set(MAILER, name, &[("Status", "Active"), ("DateUnsubscribed", "")]),
        _ => weeks.set(SOURCE, name, &[("Email Opt Out", "N"), ("Opt Out Date", "")]),
    }
}

fn is_out(weeks: &mut Weeks, system: &str, name: &str) -> bool {
    match system {
        CRM => weeks.get(CRM, name, "HasOptedOutOfEmail") == "true",
        MAILER => weeks.get(MAILER, name, "Status") == "Unsubscribed",
        _ => weeks.get(SOURCE, name, "Email Opt Out") == "Y",
    }
}
