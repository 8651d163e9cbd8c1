//! The runs over time: `history`, and what the workbook shows of them.

mod common;

use std::fs::{self, File};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use calamine::{Reader, Xlsx, open_workbook};
use common::{Workspace, program};
use polars_io::SerReader;
use polars_io::prelude::{ParquetReader, ParquetWriter};
use serde_json::Value;
use sha2::{Digest, Sha256};

const CONTACTS: &str =
    "Id,Email,HasOptedOutOfEmail\n003Hs00004aBcDeIAK,ana@example.org,true\n003Hs00004aBcDfIAK,ben@example.org,true\n";
const BEFORE: &str =
    "SubscriberKey,EmailAddress,Status\n003Hs00004aBcDeIAK,ana@example.org,Active\n003Hs00004aBcDfIAK,ben@example.org,Active\n";
const AFTER: &str = "SubscriberKey,EmailAddress,Status\n003Hs00004aBcDeIAK,ana@example.org,Unsubscribed\n003Hs00004aBcDfIAK,ben@example.org,Active\n";

/// Three weeks: two people to unsubscribe, then one of them done, then the same again.
fn three_weeks() -> Workspace {
    let workspace = Workspace::with("[run]\ntimezone = \"UTC\"\n", &[]);
    for (day, subscribers) in [("2026-11-08", BEFORE), ("2026-11-15", AFTER), ("2026-11-22", AFTER)] {
        workspace.put("inbox/contacts.csv", CONTACTS);
        workspace.put("inbox/subs.csv", subscribers);
        workspace.run_as_of(Some(&format!("{day}T06:00:00Z")));
    }
    workspace
}

#[test]
fn a_line_a_run_and_a_line_a_rule() {
    let workspace = three_weeks();
    let said = workspace.call("history", &[]);
    assert_eq!(said.status, 0, "{}", said.err);
    let lines: Vec<Vec<&str>> = said.out.lines().map(|line| line.split_whitespace().collect()).collect();
    // Run, time, rows, overdue, critical, high, all, bar, new, resolved, review, corrected, held, landed, not landed.
    let bars = ["█".repeat(24), "█".repeat(12)];
    assert_eq!(lines[1], ["2026-11-08", "06:00", "4", "-", "2", "-", "2", &bars[0], "2", "-", "-", "2", "-", "-", "-"]);
    assert_eq!(lines[2], ["2026-11-15", "06:00", "4", "-", "1", "-", "1", &bars[1], "-", "1", "-", "1", "-", "1", "1"]);
    assert_eq!(lines[3], ["2026-11-22", "06:00", "4", "1", "1", "-", "1", &bars[1], "-", "-", "-", "1", "-", "-", "1"]);
    let rule = lines.iter().find(|words| words.first() == Some(&"OPT102")).unwrap();
    assert_eq!(rule[rule.len() - 3..], ["█▅▅", "1", "1"]);

    let last = workspace.call("history", &["--runs", "1"]);
    assert!(last.out.contains("The last 1 of 3 runs") && !last.out.contains("2026-11-15"), "{}", last.out);
}

#[test]
fn a_terminal_of_ascii_gets_ascii() {
    let workspace = three_weeks();
    let output = Command::new(program()).arg("history").arg(&workspace.root).env("LC_ALL", "C").output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.is_ascii() && out.contains(&"#".repeat(24)) && out.contains("#=="), "{out}");
}

/// The ledger has the figures: what becomes of run folders changes none, and what is wrong with the ledger is said.
#[test]
fn figures_come_from_the_ledger_and_damage_is_named() {
    let workspace = three_weeks();
    let before = workspace.call("history", &[]).out;
    std::fs::remove_dir_all(workspace.root.join("runs/2026-11-08T060000Z")).unwrap();
    std::fs::write(workspace.root.join("runs/2026-11-22T060000Z/run.json"), "").unwrap();
    assert_eq!(workspace.call("history", &[]).out, before);
    std::fs::remove_file(workspace.root.join("ledger/2026-11-15T060000Z/manifest.json")).unwrap();
    let damaged = workspace.call("history", &[]);
    assert_eq!(damaged.status, 3);
    assert!(damaged.err.contains("ledger/2026-11-15T060000Z/manifest.json is missing"), "{}", damaged.err);
    assert!(damaged.out.contains("2026-11-08") && !damaged.out.contains("2026-11-15"), "{}", damaged.out);
}

#[test]
fn json_has_the_same_figures() {
    let workspace = three_weeks();
    let figures: serde_json::Value = serde_json::from_str(&workspace.call("history", &["--format", "json"]).out).unwrap();
    let figures = figures.as_array().unwrap();
    assert_eq!(figures.len(), 3);
    assert_eq!(figures[0]["run"], "2026-11-08T060000Z");
    assert_eq!(figures[0]["by_rule"]["OPT102"], 2);
    assert_eq!(figures[2]["discrepancies"], 1);
    // Known since 8 November: ten business days later is 20 November.
    assert_eq!(figures[2]["overdue"], 1);
    assert_eq!((&figures[1]["by_state"]["resolved"], &figures[1]["fates"]["marketing_cloud"]["landed"]), (&1.into(), &1.into()));
}

#[test]
fn a_workspace_without_runs_says_so() {
    let workspace = Workspace::with("", &[]);
    let said = workspace.call("history", &[]);
    assert_eq!(said.status, 0);
    assert!(said.out.starts_with("No run has finished in "), "{}", said.out);
    assert_eq!(workspace.call("history", &["--format", "json"]).out.trim(), "[]");
}

#[test]
fn the_workbook_shows_the_runs_from_the_second_on() {
    let workspace = three_weeks();
    let sheet = |run: &str, name: &str| -> Option<Vec<Vec<String>>> {
        let mut book: Xlsx<_> = open_workbook(workspace.root.join("runs").join(run).join("discrepancies.xlsx")).unwrap();
        let range = book.worksheet_range(name).ok()?;
        Some(range.rows().map(|row| row.iter().map(ToString::to_string).collect()).collect())
    };
    assert!(sheet("2026-11-08T060000Z", "History").is_none(), "one run is no history");
    let rows = sheet("2026-11-22T060000Z", "History").unwrap();
    let header = rows.iter().position(|row| row[0] == "Run").unwrap();
    let column = |heading: &str| rows[header].iter().position(|cell| cell == heading).unwrap();
    let cells = |heading: &str| rows[header + 1..].iter().map(|row| row[column(heading)].clone()).collect::<Vec<_>>();
    assert_eq!(cells("All"), ["2", "1", "1"]);
    assert_eq!(cells("OPT102"), ["2", "1", "1"]);
    let summary = sheet("2026-11-15T060000Z", "Summary").unwrap();
    let last = summary.iter().find_map(|row| row.iter().position(|cell| cell == "Last run")).unwrap();
    let rule = summary.iter().find(|row| row.iter().any(|cell| cell == "OPT102")).unwrap();
    assert_eq!(rule[last], "2");
}

#[test]
fn a_run_of_an_earlier_time_does_not_look_ahead() {
    let workspace = three_weeks();
    let run = workspace.run_as_of(Some("2026-11-10T06:00:00Z"));
    let mut book: Xlsx<_> = open_workbook(run.path.join("discrepancies.xlsx")).unwrap();
    let sheet = book.worksheet_range("History").unwrap();
    assert_eq!(sheet.rows().filter(|row| row[0].to_string().starts_with("46")).count(), 2, "the run of the 8th, and this one");
}

/// A ledger that another release wrote goes on: that one kept one address of a record, where this one keeps them all.
#[test]
fn a_ledger_of_an_earlier_release_is_read() {
    let crm = "Id,Email,HasOptedOutOfEmail\n003Hs0000000001IAA,ann@example.org,false\n";
    let subscribers = "SubscriberKey,EmailAddress,Status,DateUnsubscribed\n7,bo@example.org,Active,\n";
    let opted_out = format!("{subscribers}003Hs0000000001IAA,ann@example.org,Unsubscribed,2026-11-10\n");
    let second_week = |is_earlier: bool| {
        let workspace = Workspace::with("", &[("sf_2026-11-21.csv", crm), ("mc_2026-11-21.csv", opted_out.as_str())]);
        workspace.run_as_of(Some("2026-11-21T20:00:00Z"));
        if is_earlier {
            keep_one_address(&only_set(&workspace));
        }
        workspace.put("inbox/sf_2026-11-28.csv", crm);
        workspace.put("inbox/mc_2026-11-28.csv", subscribers);
        workspace.run_as_of(Some("2026-11-28T20:00:00Z"))
    };
    let [of_this, of_earlier] = [false, true].map(second_week);
    assert_eq!(of_earlier.of_rule("OPT113")[0]["outcome"], "correct");
    for file in ["discrepancies.csv", "corrections.csv", "summary.txt"] {
        assert_eq!(of_earlier.text(file), of_this.text(file), "{file}");
    }
}

fn only_set(workspace: &Workspace) -> PathBuf {
    let sets = fs::read_dir(workspace.root.join("ledger")).unwrap().map(|entry| entry.unwrap().path());
    let sets: Vec<PathBuf> = sets.filter(|path| path.is_dir()).collect();
    assert_eq!(sets.len(), 1);
    sets[0].clone()
}

/// Takes the further addresses out of a set, and signs what is left.
fn keep_one_address(set: &Path) {
    let (signals, manifest) = (set.join("signals.parquet"), set.join("manifest.json"));
    let bytes = fs::read(&signals).unwrap();
    let mut frame = ParquetReader::new(Cursor::new(bytes)).finish().unwrap();
    for further in 2..=6 {
        frame.drop_in_place(&format!("email_{further}")).unwrap();
    }
    ParquetWriter::new(File::create(&signals).unwrap()).finish(&mut frame).unwrap();
    let sha256 =
        |path: &Path| Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut about: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    let entry = &mut about["files"]["signals.parquet"];
    (entry["sha256"], entry["bytes"]) = (sha256(&signals).into(), fs::metadata(&signals).unwrap().len().into());
    fs::write(&manifest, serde_json::to_string_pretty(&about).unwrap()).unwrap();
    fs::write(set.join("manifest.sha256"), format!("{}  manifest.json\n", sha256(&manifest))).unwrap();
}
