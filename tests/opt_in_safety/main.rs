//! Nobody is opted back in without an explicit, later, evidenced opt-in, and no opt-out is lost.
//!
//! Small worlds of a few contacts each, hundreds of them in one workspace, whose records say anything at all. An oracle that
//! reads the same cells with plain loops says who may be opted in and who must end opted out.

#[path = "../common/mod.rs"]
mod common;
mod oracle;
mod world;

use std::collections::BTreeSet;

use common::importer::{bytes_of, load, sheet};
use common::{RunFolder, Table, Workspace, seeded};
use oracle::{Oracle, Record, Time, denver, utc};
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use world::World;

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
                // Who is no contact of the CRM is named by the constituent id, the address, or the only key there is.
                let who = row["who"].clone();
                let record = Record { system: "desk", mailed: true, ..Record::default() };
                let record = match who.len() {
                    _ if who.contains('@') => Record { emails: vec![who], ..record },
                    18 => Record { key: who.clone(), contact: who, ..record },
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
