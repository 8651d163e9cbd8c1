//! A made-up report for tests: some sixty discrepancies of all groups, two targets, four inputs.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use polars::prelude::{Column, DataFrame, IntoColumn, NamedFrom, Series};

use super::found::NAMES;
use crate::columns::{Fate, Outcome, Purpose, Role, Severity, Standing};
use crate::decide::{Clock, Dated};
use crate::history::{Figures, Week};
use crate::ingest::{AsOfFrom, FileReport, Reject, UnmappedHeader, Verdict};
use crate::ledger::{Answer, Case, Past, Settled};
use crate::loads::Loaded;
use crate::report::{Due, ExceptionLine, History, Input, Report, RuleCount, Target};
use crate::rules::{Finder, Rule};
use crate::workspace::EarlierCorrection;
use crate::write::history::figures;

/// Code, severity, name, share of the sentences that every rule of the sample has.
const RULES: &[(&str, Severity, &str)] = &[
    ("OPT101", Severity::Critical, "opted out in CRM, active in source"),
    ("OPT102", Severity::Critical, "opted out in CRM, active in marketing"),
    ("OPT103", Severity::Critical, "opted out in source, active in CRM"),
    ("OPT105", Severity::Critical, "unsubscribed in marketing, active in CRM"),
    ("OPT106", Severity::High, "unsubscribed in marketing, active in source"),
    ("OPT108", Severity::Medium, "opted back in in CRM, still unsubscribed, held or bounced in marketing"),
    ("OPT109", Severity::Low, "preference blank here, known elsewhere"),
    ("OPT110", Severity::Medium, "unsubscribed in a business unit, active at the enterprise (or the reverse)"),
    ("BNC201", Severity::High, "bounced in marketing, not flagged in CRM"),
    ("BNC202", Severity::High, "held in marketing, not flagged in CRM"),
    ("BNC204", Severity::Medium, "bounced or held in marketing, address still good in source"),
    ("CAT301", Severity::High, "opted out of all, category still on"),
    ("CAT302", Severity::Medium, "category differs between CRM and source (stale category)"),
    ("CAT303", Severity::Low, "category retired, renamed or unknown"),
    ("LST402", Severity::High, "unsubscribed from every list, not opted out"),
    ("IDN501", Severity::Info, "one address on several contacts"),
    ("IDN502", Severity::High, "one address on several contacts that disagree on opt-out"),
    ("IDN504", Severity::High, "keys point at different contacts"),
    ("IDN505", Severity::Low, "subscriber or constituent without a CRM contact"),
    ("DAT602", Severity::Medium, "bad or damaged id"),
    ("DAT604", Severity::High, "unknown word or code"),
    ("DAT605", Severity::Low, "unreadable or ambiguous date"),
];

/// Rule, how many, outcome, subject, a: system, value, changed, b: system, value, changed, matched by, due, why.
type Seed = (
    &'static str,
    usize,
    &'static str,
    &'static str,
    [&'static str; 3],
    [&'static str; 3],
    &'static str,
    &'static str,
    &'static str,
);

const CRM: &str = "salesforce";
const MAIL: &str = "marketing_cloud";
const SOURCE: &str = "ascend";

#[rustfmt::skip]
const SEEDS: &[Seed] = &[
    ("OPT101", 4, "correct", "", [CRM, "opted out", "2026-11-02T15:04:05Z"], [SOURCE, "active", ""], "source_id", "2026-11-17", "The opt-out of 2026-11-02 in Salesforce is the person's last word; nothing in Ascend is later."),
    ("OPT102", 9, "correct", "", [CRM, "opted out", "2026-11-12T22:41:00Z"], [MAIL, "Active", "2025-02-01"], "contact_id", "2026-11-27", "The opt-out of 2026-11-12 in Salesforce is the person's last word; the platform still mails the address."),
    ("OPT103", 3, "held", "", [SOURCE, "NE", "2026-10-30"], [CRM, "false", ""], "source_id", "2026-11-16", "The no-e-mail code of 2026-10-30 counts from the end of that day. Held: the files would change more than 5 % of the records."),
    ("OPT105", 8, "correct", "", [MAIL, "Unsubscribed", "2026-11-18T03:12:44Z"], [CRM, "false", ""], "email", "2026-12-04", "The unsubscribe of 2026-11-18 is later than everything else that is known about the person."),
    ("OPT106", 2, "correct", "", [MAIL, "Unsubscribed", "2026-11-18T03:12:44Z"], [SOURCE, "active", ""], "source_id", "", "The unsubscribe of 2026-11-18 is later than everything else that is known about the person."),
    ("OPT108", 2, "correct", "", [CRM, "opted in, web form", "2026-11-19T17:00:00Z"], [MAIL, "Unsubscribed", "2025-06-30T12:00:00Z"], "contact_id", "", "The opt-in of 2026-11-19 has evidence and is later than the unsubscribe by more than 24 hours."),
    ("OPT110", 2, "review", "Athletics", [MAIL, "Unsubscribed", "2026-09-01T10:00:00Z"], [MAIL, "Active", ""], "contact_id", "", "Whether an unsubscribe of one unit is meant for all cannot be told from the records."),
    ("BNC201", 5, "correct", "", [MAIL, "Bounced", "2026-11-15T08:30:00Z"], [CRM, "not flagged", ""], "contact_id", "", "The platform got the mail back; the CRM does not know."),
    ("BNC204", 2, "review", "", [MAIL, "Held", "2026-11-10T08:30:00Z"], [SOURCE, "Active", ""], "email", "", "The source takes no bounce from an e-mail platform without a person's look."),
    ("CAT301", 4, "correct", "Alumni News", [CRM, "on", "2024-08-20"], ["", "", ""], "", "", "Opted out of all since 2026-11-02: no category may stay on."),
    ("CAT302", 5, "correct", "Giving Day", [CRM, "off", "2026-08-20"], [SOURCE, "on", "2023-01-15"], "source_id", "", "The later change counts: off in Salesforce on 2026-08-20."),
    ("CAT303", 2, "note", "Alumni Update", [SOURCE, "on", ""], ["", "", ""], "", "", "Renamed to Alumni News; counted as such."),
    ("IDN501", 3, "note", "", [CRM, "first of 2 contacts", ""], [CRM, "second of 2 contacts", ""], "shared_email", "", "One address on 2 contacts: a couple, as it seems."),
    ("IDN502", 2, "review", "", [CRM, "opted out", "2026-03-01"], [CRM, "active", ""], "shared_email", "", "Two contacts share the address and disagree. More than 10 others share it too, so nothing is spread."),
    ("IDN504", 1, "review", "", [MAIL, "subscriber", ""], ["", "", ""], "contact_id", "", "By contact id the subscriber is one person, by address another. The contact id counts until somebody looks."),
    ("IDN505", 4, "note", "", [SOURCE, "constituent", ""], ["", "", ""], "", "", "No contact in Salesforce has this constituent id or address."),
    ("DAT602", 2, "review", "contact_id", [MAIL, "003Ab00000K9xQ", ""], ["", "", ""], "", "", "A Salesforce id has 15 or 18 characters; this one has 14. Look the contact up and write the whole id."),
    ("DAT604", 1, "review", "code", [SOURCE, "NEX", ""], ["", "", ""], "", "", "Unknown code; known are NE, NES, ALX. Add it under [systems.ascend.codes]."),
    ("DAT605", 1, "note", "opt_out_at", [CRM, "13/13/2026", ""], ["", "", ""], "", "", "Not a date. The opt-out itself counts, its time is unknown."),
];

const PEOPLE: [&str; 12] = [
    "ana.reyes",
    "ben.okafor",
    "carla.lind",
    "dmitri.wolf",
    "esther.kim",
    "farid.nazari",
    "gwen.abbott",
    "hugo.marsh",
    "ines.costa",
    "jo.patel",
    "kei.tanaka",
    "lena.fuchs",
];

/// Sunday morning, when cron runs.
pub fn as_of() -> DateTime<Utc> {
    "2026-11-22T13:00:00Z".parse().unwrap()
}

/// The sample, `times` over.
pub fn report(times: usize) -> Report {
    let rows = discrepancies(times);
    let rules = RULES.iter().map(|(code, severity, name)| count(rule(code, *severity, name), &rows)).collect();
    let columns = NAMES.iter().enumerate().map(|(at, name)| texts(name, rows.iter().map(|row| row[at].as_str())));
    let mut report = Report {
        organisation: "Example University".into(),
        timezone: chrono_tz::America::Denver,
        as_of: as_of(),
        titles: [("salesforce", "Salesforce"), ("marketing_cloud", "Marketing Cloud"), ("ascend", "CU Ascend")]
            .map(|(name, title)| (name.to_owned(), title.to_owned()))
            .into(),
        inputs: inputs(),
        rules,
        targets: targets(),
        discrepancies: DataFrame::new(rows.len(), columns.collect()).unwrap(),
        corrections: corrections(),
        due: due(&rows),
        undated: 0,
        today: "2026-11-22".parse().unwrap(),
        next_run: "2026-11-29".parse().unwrap(),
        loaded: loaded(),
        past: past(),
        figures: Figures::default(),
        rejected: rejected(),
        attention: vec![
            "campaign_lists.xlsx was refused: its headers fit no known system. Add a line `files = [\"campaign_*.xlsx\"]` to the section of the system it comes from.".into(),
            "Ascend: 3 records are held back, because 6.1 % of its records would change and 5 % is the limit. Look at held/, then run `prefrecon approve`.".into(),
        ],
        history: history(),
        review_keys: (0..rows.len()).filter(|row| rows[*row][2] == "review").map(|row| (row, format!("[\"{row}\"]"))).collect(),
        exceptions: exceptions(),
        decisions: Vec::new(),
        papers_refused: 0,
        decisions_standing: 0,
    };
    report.figures = figures(&report);
    report
}

/// Two corrections of earlier runs: one that the system refused, and one that has landed.
fn history() -> History {
    let settled = |record: &str, fate: Fate, runs: u32, why: &'static str| Settled {
        system: CRM.into(),
        kind: "contacts".into(),
        record: record.into(),
        unit: String::new(),
        email: "ana.reyes@example.org".into(),
        contact_id: record.into(),
        purpose: Purpose::OptOut,
        before: "in".into(),
        after: "out".into(),
        rules: "OPT105".into(),
        file: "salesforce_contacts_opt_out.csv".into(),
        written: as_of() - TimeDelta::days(7 * i64::from(runs)),
        runs,
        fate,
        why,
    };
    let resolved = Past {
        identity: ["OPT102", "003Ab0000000077IAK", "", "", CRM, "", MAIL, "", ""].map(str::to_owned),
        case: Case { standing: Standing::Resolved, first_seen: 0, since: 0, last_seen: Some(0) },
    };
    History {
        last_run: Some(as_of() - TimeDelta::days(7)),
        by_standing: [0, 0, 0, 1, 0],
        past: vec![resolved],
        corrections: vec![
            settled("003Ab0000000001IAK", Fate::Landed, 1, "the record is as it was to be"),
            settled("003Ab0000000009IAK", Fate::NotLanded, 3, "the record is as before"),
        ],
        answers: vec![
            Some(Answer { run: String::new(), refused: None }),
            Some(Answer { run: String::new(), refused: Some("ENTITY_IS_DELETED: entity is deleted".into()) }),
        ],
        ..History::default()
    }
}

fn exceptions() -> Vec<ExceptionLine> {
    let line = |who: &str, rule: &str, until: &str, state: &str| ExceptionLine {
        who: who.into(),
        rule: rule.into(),
        owner: "Maria Lopez".into(),
        until: until.into(),
        reason: "Board member: mailed by hand by agreement".into(),
        state: state.into(),
        ended: !state.starts_with("holds"),
    };
    vec![
        line("esther.kim4@example.org", "*", "2027-06-30", "holds; leaves 2 discrepancies as they are"),
        line("003Ab0000000003IAK", "OPT103", "2026-11-01", "ended; 2 discrepancies are back"),
        line("ben.okafor@example.org", "OPT999", "2027-01-01", "not used: there is no rule `OPT999`"),
    ]
}

fn discrepancies(times: usize) -> Vec<[String; 21]> {
    let mut rows = Vec::new();
    for (rule, many, outcome, subject, a, b, matched_by, due, why) in SEEDS {
        let severity = RULES.iter().find(|(code, ..)| code == rule).unwrap().1;
        for number in 0..many * times {
            let person = PEOPLE[(number * 5 + rule.len() + why.len()) % PEOPLE.len()];
            let contact = if *rule == "IDN505" { String::new() } else { format!("003Ab00000{number:05}IAK") };
            let record = |system: &str| match system {
                "" => String::new(),
                SOURCE => format!("{:010}", 4_711 + number * 17),
                _ => format!("003Ab00000{number:05}IAK"),
            };
            let words = [*rule, severity.word(), outcome, &contact, &format!("{person}{number}@example.org"), subject];
            let sides = [a[0], &record(a[0]), a[1], a[2], b[0], &record(b[0]), b[1], b[2]];
            let rest = [*matched_by, why, "new", "2026-11-21", due, "1", "0"];
            let cells: Vec<String> = words.into_iter().chain(sides).chain(rest).map(str::to_owned).collect();
            rows.push(cells.try_into().unwrap());
        }
    }
    rows
}

/// What is open and due by the day of the next run, ten business days after the first side changed.
fn due(rows: &[[String; 21]]) -> Vec<Due> {
    let open = |row: &&[String; 21]| row[2] != "note" && !row[18].is_empty();
    let clock = |row: &[String; 21]| {
        let day = row[9][..10].parse().unwrap();
        let since = Utc.from_utc_datetime(&NaiveDate::and_time(&day, NaiveTime::MIN));
        let dated = if row[0] == "OPT103" { Dated::ThenOrBefore } else { Dated::Then };
        Clock { since, day, bare_date: row[9].len() == 10, dated, due: row[18].parse().unwrap() }
    };
    let due = rows.iter().enumerate().filter(|(_, row)| open(row)).map(|(at, row)| Due { row: at, clock: clock(row) });
    let mut due: Vec<Due> = due.filter(|due| due.clock.due.to_string().as_str() <= "2026-11-29").collect();
    due.sort_by_key(|due| (due.clock.due, due.row));
    due
}

fn rule(code: &'static str, severity: Severity, name: &'static str) -> &'static Rule {
    Box::leak(Box::new(Rule {
        code,
        name,
        severity,
        finds: "One system says that the person wants no e-mail, another still treats the person as active. Solicit-only codes are no opt-out of all.",
        matters: "Mail to a person who said no is against the law in most places, and it costs trust that is hard to win back.",
        action: "Load the correction file of the system that is behind. If the person has asked to be mailed again, record the request there first.",
        example: "ana.reyes@example.org: opted out in the CRM on 2026-11-02, active in the source.",
        clock: false,
        finder: Finder::Noted,
    }))
}

fn count(rule: &'static Rule, rows: &[[String; 21]]) -> RuleCount {
    let mut by_outcome = [0; Outcome::ALL.len()];
    for row in rows.iter().filter(|row| row[0] == rule.code) {
        by_outcome[Outcome::from_word(&row[2]).unwrap() as usize] += 1;
    }
    RuleCount { rule, by_outcome }
}

/// A text column; an empty text is blank.
pub fn texts<'t>(name: &str, cells: impl Iterator<Item = &'t str>) -> Column {
    let cells: Vec<Option<&str>> = cells.map(|cell| Some(cell).filter(|cell| !cell.is_empty())).collect();
    Series::new(name.into(), cells).into_column()
}

fn corrections() -> DataFrame {
    const ROWS: &[[&str; 8]] = &[
        [
            CRM,
            "corrections/salesforce_contacts.csv",
            "003Ab0000000001IAK",
            "HasOptedOutOfEmail",
            "false",
            "true",
            "OPT105",
            "The unsubscribe of 2026-11-18 is the person's last word.",
        ],
        [
            CRM,
            "corrections/salesforce_contacts.csv",
            "003Ab0000000002IAK",
            "HasOptedOutOfEmail",
            "false",
            "true",
            "OPT105",
            "The unsubscribe of 2026-11-18 is the person's last word.",
        ],
        [
            CRM,
            "corrections/salesforce_contacts.csv",
            "003Ab0000000002IAK",
            "Email_Preferences__c",
            "Alumni News;Giving Day",
            "",
            "CAT301 OPT105",
            "Opted out of all: no category stays on.",
        ],
        [
            MAIL,
            "corrections/marketing_cloud_unsubscribe.csv",
            "003Ab0000000003IAK",
            "Status",
            "Active",
            "Unsubscribed",
            "OPT102",
            "The opt-out of 2026-11-12 in Salesforce is the person's last word.",
        ],
        [
            SOURCE,
            "held/ascend_codes.csv",
            "0000004711",
            "Contact Code",
            "",
            "NE",
            "OPT101",
            "The opt-out of 2026-11-02 in Salesforce is the person's last word.",
        ],
    ];
    const NAMES: [&str; 8] = ["target", "file", "record", "field", "before", "after", "rules", "why"];
    let mut columns: Vec<Column> =
        NAMES.iter().enumerate().map(|(at, name)| texts(name, ROWS.iter().map(|row| row[at]))).collect();
    columns.insert(2, Series::new("row".into(), vec![2u32, 3, 3, 2, 2]).into_column());
    DataFrame::new(ROWS.len(), columns).unwrap()
}

/// Two weeks before.
fn past() -> Vec<Week> {
    let figures = |critical: u64, medium: u64| Figures {
        discrepancies: critical + medium,
        by_severity: [("critical".to_owned(), critical), ("medium".to_owned(), medium)].into(),
        by_rule: [("OPT102".to_owned(), critical), ("CAT302".to_owned(), medium)].into(),
        ..Figures::default()
    };
    let week = |days, figures| Week { run: String::new(), as_of: as_of() - TimeDelta::days(days), figures };
    vec![week(14, figures(31, 40)), week(7, figures(12, 28))]
}

fn loaded() -> Vec<Loaded> {
    let loaded = |record: &str, refused: Option<&str>, row| Loaded {
        system: 0,
        title: "Salesforce".into(),
        correction: EarlierCorrection {
            run: "2026-11-15T130000Z".into(),
            target: CRM.into(),
            file: "corrections/salesforce_contacts_opt_out.csv".into(),
            record: record.into(),
            field: "HasOptedOutOfEmail".into(),
            before: "false".into(),
            after: "true".into(),
            rules: "OPT105".into(),
        },
        refused: refused.map(str::to_owned),
        answer: "success111526071512345.csv".into(),
        row,
    };
    vec![
        loaded("003Ab0000000009IAK", Some("ENTITY_IS_DELETED: entity is deleted"), 2),
        loaded("003Ab0000000001IAK", None, 2),
        loaded("003Ab0000000002IAK", None, 3),
    ]
}

fn targets() -> Vec<Target> {
    let target = |system: &str, title: &str, numbers: [u64; 4]| Target {
        system: system.into(),
        title: title.into(),
        records: numbers[0],
        corrected: numbers[1],
        opt_ins: numbers[2],
        held: numbers[3],
        landed: [0, 0],
        why_held: vec![],
        files: vec![(format!("corrections/{system}_2026-11-22.csv"), numbers[1])],
    };
    let mut targets = vec![
        target(CRM, "Salesforce", [15_204, 21, 0, 0]),
        target(MAIL, "Marketing Cloud", [14_877, 11, 2, 0]),
        target(SOURCE, "Ascend", [49, 3, 0, 3]),
    ];
    targets[0].landed = [2, 1];
    targets[2].files = vec![("held/ascend_codes.csv".into(), 3)];
    targets[2].why_held = vec!["6.1 % of the records would change, the limit is 5 %".into()];
    targets
}

fn inputs() -> Vec<Input> {
    let input = |file: &str, system: &str, title: &str, kind: &str, role: Role, days: i64, rows: u64, rejected: u64| Input {
        file: FileReport {
            file: file.into(),
            path: PathBuf::from(file),
            bytes: rows * 90,
            sha256: String::new(),
            content_sha256: None,
            verdict: Verdict::Used,
            system: Some(system.into()),
            kind: Some(kind.into()),
            format: "CSV, UTF-8 with BOM, comma".into(),
            sheet: None,
            hidden_sheets: Vec::new(),
            header_row: Some(1),
            mapped: vec![],
            unmapped: vec![],
            rows,
            rejected,
            as_of: Some(as_of() - TimeDelta::days(days) - TimeDelta::minutes(214)),
            as_of_from: AsOfFrom::Name,
            dated_after_run: None,
            dated_two_ways: false,
            stale: days > 8,
            partial: false,
            seen_in: None,
        },
        title: title.into(),
        role: Some(role),
        matched: rows - rejected - rows / 50,
        unmatched: rows / 50,
    };
    let mut inputs = vec![
        input("ascend/constituents_2026-11-08.xlsx", SOURCE, "Ascend", "constituents", Role::Source, 14, 49, 1),
        input("campaign_lists.xlsx", "", "", "", Role::Marketing, 1, 0, 0),
        input("mc_subscribers_2026-11-21.csv", MAIL, "Marketing Cloud", "subscribers", Role::Marketing, 1, 14_880, 3),
        input("sf_contacts_2026-11-21.csv", CRM, "Salesforce", "contacts", Role::Crm, 1, 15_204, 0),
    ];
    inputs[0].file.format = "XLSX".into();
    inputs[0].file.sheet = Some("Constituents".into());
    inputs[1].file.verdict = Verdict::Refused("its headers fit no known system; name the system with a `files` line.".into());
    (inputs[1].file.system, inputs[1].file.kind, inputs[1].role) = (None, None, None);
    inputs[3].file.unmapped = vec![UnmappedHeader { header: "Opt-in Dat".into(), did_you_mean: Some("Opt-in Date".into()) }];
    inputs
}

fn rejected() -> Vec<Reject> {
    let reject = |row, column: &str, value: &str, reason: &str| Reject {
        file: "mc_subscribers_2026-11-21.csv".into(),
        sheet: String::new(),
        row,
        column: column.into(),
        value: value.into(),
        reason: reason.into(),
    };
    vec![
        reject(
            17,
            "SubscriberKey",
            "",
            "The row has neither a key nor an address: nobody can say whose it is. Complete it in the platform.",
        ),
        reject(
            932,
            "Status",
            "Actve",
            "Unknown word; known are Active, Bounced, Held, Unsubscribed, Deleted. Correct it in the platform.",
        ),
        reject(14_002, "EmailAddress", "=ana@example.org", "Not an e-mail address. Correct it in the platform."),
    ]
}
