//! Small worlds for the rules' table tests.
//!
//! A world is written as records between `|`: `crm out | source active #2 email=x@example.org`. A record is a
//! role (`crm`, `lead`, `marketing`, `unit N`, `event N`, `bounce Hard`, `member LIST`, `suppressed`, `ac [LISTS] STATES`,
//! `source`, `code X`, and for the other CRM `dynamics`, `dynamics-lead`, `unsubscribe`, `preference In`), a state, and
//! what differs from person 1's own ids and address. Every record goes through normalise, match, weigh and classify as
//! in a run.

use std::path::Path;

use chrono::{DateTime, Utc};
use polars::prelude::{Column, DataFrame};

use crate::classify::{World, classify, members};
use crate::columns::Field;
use crate::config::Config;
use crate::decisions::Desk;
use crate::ingest::{AsOfFrom, FileReport, MappedColumn, Table, TableRows, Verdict};
use crate::normalise::{self, Quiet, Room, Wanted, normalise, set_aside};
use crate::rules::{RULES, Rule};
use crate::systems::Systems;
use crate::texts::Texts;

const CONFIGURATION: &str = r#"
[systems.ascend.codes]
ALX = "opt_out:News"
[[category]]
name = "News"
renamed_from = ["Old News"]
[[category]]
name = "Events"
[[category]]
name = "Gala"
retired = true
"#;

/// Checks one rule against a table: records, and what it finds as `a_system b_system subject`, sorted, joined by `, `.
/// It must find the same where people are set aside: else `normalise::quiet` has to learn of the rule.
pub(super) fn check(rule: &Rule, table: &[(&str, &str)]) {
    for (records, expected) in table {
        for aside in [true, false] {
            let found = found(records, aside).into_iter().filter(|(code, _)| *code == rule.code).map(|(_, what)| what);
            assert_eq!(found.collect::<Vec<_>>().join(", "), *expected, "{}: {records}, set aside {aside}", rule.code);
        }
    }
}

/// All of it in memory.
fn room() -> Room<'static> {
    Room { bytes: u64::MAX, folder: Path::new("") }
}

/// How many of the records are set aside, where earlier runs saw a record with some keys opted out.
pub(crate) fn aside(records: &str, remembered: &[&str]) -> u64 {
    let (systems, config, texts, as_of) = scene();
    let run = rules(&systems, &config, as_of, &texts);
    let mut rows = rows(&tables(records, &systems).1, &run);
    let opted_out = vec![std::array::from_fn(|at| remembered.get(at).copied())];
    set_aside(&mut rows, &run, &Wanted { always: Vec::new(), opted_out }, room()).len()
}

fn scene() -> (Systems, Config, Texts, DateTime<Utc>) {
    let systems = Systems::built_in().unwrap();
    let config = Config::parse(CONFIGURATION, &systems).unwrap();
    (config.adjust(systems), config, Texts::default(), "2026-11-22T06:00:00Z".parse().unwrap())
}

/// The others name the ids of the first source.
fn rules<'a>(systems: &'a Systems, config: &'a Config, as_of: DateTime<Utc>, texts: &'a Texts) -> normalise::Rules<'a> {
    let owner = systems.profiles().iter().position(|profile| profile.has_source_ids());
    normalise::Rules { owner, ..normalise::Rules::new(systems, config, as_of, texts) }
}

fn rows(tables: &[Table<'static>], run: &normalise::Rules<'_>) -> Vec<TableRows<normalise::Rows>> {
    let read = |(file, table): (usize, &Table<'static>)| {
        let rows = normalise::read_rows(table, run).unwrap();
        TableRows { file, system: table.system, rows }
    };
    tables.iter().enumerate().map(read).collect()
}

/// What all rules find: code, and `a_system b_system subject`.
pub(crate) fn found(records: &str, aside: bool) -> Vec<(&'static str, String)> {
    let (systems, config, texts, as_of) = scene();
    let (files, tables) = tables(records, &systems);
    let run = rules(&systems, &config, as_of, &texts);
    let mut rows = rows(&tables, &run);
    let quiet = if aside { set_aside(&mut rows, &run, &Wanted::default(), room()) } else { Quiet::default() };
    let normalised = normalise(rows, &run).unwrap();
    let matched = crate::matching::match_records(&normalised.records, &texts).unwrap();
    let consent =
        crate::consent::weigh(&normalised.records, &matched, Default::default(), &config, &systems, &texts, &[]).unwrap();
    let members = members(&normalised.records, &matched, &consent, &config, &systems).unwrap();
    let world = World {
        members,
        records: &normalised.records,
        matched: &matched,
        consent: &consent,
        findings: &normalised.findings,
        files: &files,
        config: &config,
        systems: &systems,
        texts: &texts,
        as_of,
        desk: &Desk::default(),
        quiet: &quiet,
    };
    let of_record = normalised.records.column(normalise::col::SYSTEM).unwrap().u32().unwrap().clone();
    let name = |ix: Option<u32>| ix.and_then(|ix| of_record.get(ix as usize)).map(|system| systems.names()[system as usize]);
    let mut found: Vec<(&'static str, String)> = classify(&world)
        .unwrap()
        .into_iter()
        .map(|found| {
            let parts = [name(found.a), name(found.b), found.subject.map(|subject| texts.get(subject))];
            (RULES[found.rule].code, parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
        })
        .collect();
    found.sort();
    found
}

/// Where each role's records come from: system, kind, and the columns of its export.
const EXPORTS: [(&str, &str, &str, &[Field]); 15] = {
    use Field::*;
    const CRM: &[Field] = &[RecordId, SourceId, Email, OptOut, OptInAt, OptInEvidence, BounceReason, BouncedAt, Categories];
    const DYNAMICS: &[Field] = &[RecordId, SourceId, Email, OptOut, NoEmail, OptInAt, OptInEvidence];
    [
        ("dynamics", "dynamics", "contacts", DYNAMICS),
        ("dynamics-lead", "dynamics", "leads", DYNAMICS),
        ("unsubscribe", "dynamics", "unsubscribes", &[RecordId, ContactId, Email, List, Status, OptOutAt]),
        ("preference", "dynamics", "subscription_preferences", &[RecordId, ContactId, List, Status]),
        ("crm", "salesforce", "contacts", CRM),
        ("lead", "salesforce", "leads", CRM),
        ("marketing", "marketing_cloud", "subscribers", &[SubscriberKey, Email, Status, OptOutAt, HeldAt, Unit]),
        ("unit", "marketing_cloud", "business_unit_unsubscribes", &[SubscriberKey, Unit, OptOutAt]),
        ("event", "marketing_cloud", "unsubscribes", &[SubscriberKey, Unit, OptOutAt, Code]),
        ("bounce", "marketing_cloud", "bounces", &[SubscriberKey, Email, BouncedAt, Status, Code]),
        ("member", "campaign_monitor", "subscribers", &[Email, List, Status, OptOutAt]),
        ("suppressed", "campaign_monitor", "suppression", &[Email, Status]),
        ("ac", "activecampaign", "contacts", &[Email, List, Status, OptOutAt, HardBounce]),
        ("source", "ascend", "constituents", &[SourceId, ContactId, Email, OptOut, OptOutAt, Status, Categories]),
        ("code", "ascend", "preferences", &[SourceId, Code, CodeStart, CodeEnd, Status]),
    ]
};

fn tables(records: &str, systems: &Systems) -> (Vec<FileReport>, Vec<Table<'static>>) {
    let records: Vec<Vec<&str>> = records.split('|').map(|record| record.split_whitespace().collect()).collect();
    let (mut files, mut tables) = (Vec::new(), Vec::new());
    for (role, system, kind, fields) in EXPORTS {
        let rows: Vec<Vec<Option<String>>> = records
            .iter()
            .filter(|record| record[0] == role)
            .map(|record| fields.iter().map(|field| cell(*field, record)).collect())
            .collect();
        if rows.is_empty() {
            continue;
        }
        // Categories that no record of the test mentions stand for a column that the export lacks.
        let used: Vec<usize> = (0..fields.len())
            .filter(|at| {
                let optional = [Field::Categories, Field::HardBounce].contains(&fields[*at]);
                !optional || rows.iter().any(|row| row[*at].is_some())
            })
            .collect();
        let numbers = Column::new("row".into(), (2..).take(rows.len()).collect::<Vec<u32>>());
        let mut columns: Vec<(MappedColumn, Column)> = used
            .iter()
            .map(|at| {
                let name = fields[*at].name();
                let cells: Vec<Option<&str>> =
                    rows.iter().map(|row| row[*at].as_deref().filter(|cell| !cell.is_empty())).collect();
                (
                    MappedColumn { name: name.into(), field: fields[*at], header: name.into(), constant: None },
                    Column::new(name.into(), cells),
                )
            })
            .collect();
        if records.iter().any(|record| record[0] == role && value(record, "campus=").is_some()) {
            let cells: Vec<Option<&str>> =
                records.iter().filter(|record| record[0] == role).map(|record| value(record, "campus=")).collect();
            columns.push((
                MappedColumn { name: "email_2".into(), field: Field::Email, header: "campus".into(), constant: None },
                Column::new("email_2".into(), cells),
            ));
        }
        let position = systems.position(system).unwrap();
        let frame = std::iter::once(numbers).chain(columns.iter().map(|(_, column)| column.clone())).collect();
        let of_kind = systems.profiles()[position].kinds.iter().position(|known| known.name == kind).unwrap();
        let columns = columns.into_iter().map(|(column, _)| column).collect();
        let batch = DataFrame::new(rows.len(), frame).unwrap();
        tables.push(Table::of_batches(kind, "", (position, of_kind), columns, vec![batch]));
        files.push(report(system, kind, rows.len()));
    }
    (files, tables)
}

fn report(system: &str, kind: &str, rows: usize) -> FileReport {
    FileReport {
        file: format!("{kind}.csv"),
        path: Default::default(),
        bytes: 0,
        sha256: String::new(),
        content_sha256: None,
        verdict: Verdict::Used,
        system: Some(system.into()),
        kind: Some(kind.into()),
        format: "CSV".into(),
        sheet: None,
        hidden_sheets: Vec::new(),
        header_row: Some(1),
        mapped: Vec::new(),
        unmapped: Vec::new(),
        rows: rows as u64,
        rejected: 0,
        as_of: None,
        as_of_from: AsOfFrom::File,
        dated_after_run: None,
        dated_two_ways: false,
        stale: false,
        partial: false,
        seen_in: None,
    }
}

fn value<'a>(record: &[&'a str], key: &str) -> Option<&'a str> {
    record.iter().find_map(|word| word.strip_prefix(key))
}

fn guid(person: &str) -> String {
    format!("{{0A1B2C3D-0000-4000-8000-{:0>12}}}", if person == "lead" { "99" } else { person })
}

fn contact_id(person: &str) -> String {
    if person == "lead" { "00QHs0000000001".into() } else { format!("003Hs00000000{person:0>2}") }
}

fn cell(field: Field, record: &[&str]) -> Option<String> {
    let has = |word: &str| record.contains(&word);
    let person = value(record, "#").unwrap_or(if record[0].ends_with("lead") { "lead" } else { "1" });
    let at = |states: &[&str]| value(record, "at=").filter(|_| states.iter().any(|state| has(state))).map(str::to_owned);
    let is_dynamics = matches!(record[0], "dynamics" | "dynamics-lead" | "unsubscribe" | "preference");
    match field {
        Field::RecordId if record[0] == "unsubscribe" => Some(format!("00000000-0000-4000-9000-{person:0>12}")),
        Field::RecordId if record[0] == "preference" => Some(format!("00000000-0000-4000-a000-{person:0>12}")),
        Field::ContactId if has("no-contact-id") => None,
        Field::RecordId | Field::ContactId if is_dynamics => Some(guid(person)),
        Field::OptOut if is_dynamics && has("out") => Some("Do Not Allow".into()),
        Field::OptOut if is_dynamics => Some("Allow".into()),
        Field::NoEmail => has("barred").then(|| "Do Not Allow".into()),
        Field::List if is_dynamics => value(record, "list=").map(str::to_owned),
        Field::Status if record[0] == "unsubscribe" => Some(if has("inactive") { "Inactive" } else { "Active" }.into()),
        Field::Status if record[0] == "preference" => Some(record[1].to_owned()),
        Field::RecordId => Some(contact_id(person)),
        Field::SubscriberKey if value(record, "key=") == Some("address") => Some(format!("p{person}@example.org")),
        Field::SubscriberKey => Some(value(record, "key=").map_or_else(|| contact_id(person), str::to_owned)),
        Field::ContactId => Some(contact_id(value(record, "contact=").unwrap_or(person))),
        Field::SourceId if has("no-source-id") => None,
        Field::SourceId => Some(value(record, "sid=").map_or_else(|| format!("S{person}"), str::to_owned)),
        Field::Email => Some(value(record, "email=").map_or_else(|| format!("p{person}@example.org"), str::to_owned)),
        Field::OptOut if has("out") => Some("yes".into()),
        Field::OptOut if has("active") => Some("no".into()),
        Field::OptOut if has("odd") => Some("perhaps".into()),
        Field::OptOutAt => at(&["out", "unsubscribed", "unit", "event", "unsubscribe"]),
        Field::BouncedAt | Field::BounceReason if has("flagged") => Some("2026-10-01".into()),
        Field::HeldAt => at(&["held", "bounced"]),
        Field::OptInAt => value(record, "in=").map(str::to_owned),
        Field::OptInEvidence if has("proof") => Some("web form".into()),
        Field::Categories => value(record, "cats=").map(|list| list.replace('+', ";").replace('_', " ")),
        Field::Status if record[0] == "bounce" => Some(format!("{} bounce", record[1])),
        Field::BouncedAt if record[0] == "bounce" => value(record, "at=").map(str::to_owned),
        Field::List if record[0] == "member" => Some(record[1].to_owned()),
        Field::List => (record.len() > 2 && !record[2].contains('=')).then(|| record[1].to_owned()),
        Field::HardBounce => value(record, "hard=").map(str::to_owned),
        Field::Status if record[0] == "member" => Some(if record[2] == "removed" { "Deleted" } else { record[2] }.to_owned()),
        Field::Status if record[0] == "suppressed" => Some(record.get(1).copied().unwrap_or("Complaint").to_owned()),
        Field::Status if record[0] == "ac" => {
            Some(record[if record.len() > 2 && !record[2].contains('=') { 2 } else { 1 }].to_owned())
        }
        Field::Status if record[0] == "source" => has("invalid").then(|| "Invalid".into()),
        Field::Status if record[0] == "code" => value(record, "status=").map(str::to_owned),
        Field::Status => ["active", "bounced", "held", "unsubscribed", "removed"]
            .into_iter()
            .find(|state| has(state))
            .map(|state| if state == "removed" { "Deleted".into() } else { state.to_owned() }),
        Field::Unit => {
            value(record, "unit=").or(record.get(1).copied().filter(|_| matches!(record[0], "unit" | "event"))).map(str::to_owned)
        }
        Field::Code if record[0] == "event" => Some("Unsubscribe".into()),
        Field::Code if record[0] == "bounce" => Some("Bounce".into()),
        Field::Code => Some(record[1].to_owned()),
        Field::CodeStart => value(record, "start=").map(str::to_owned),
        Field::CodeEnd => value(record, "end=").map(str::to_owned),
        _ => None,
    }
}
