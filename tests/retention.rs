//! Old run folders and archived inputs: kept for good unless the configuration says otherwise, and listed before they go;
//! what the ledger still knows after a year.

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::Workspace;
use common::weeks::{CRM, Weeks};

const DAYS: [&str; 3] = ["2026-11-01", "2026-11-08", "2026-11-22"];

/// A workspace after its runs of these days, each with its inputs in the archive.
fn after_runs(configuration: &str) -> Workspace {
    let workspace = Workspace::with(&format!("[inbox]\nsettle_seconds = 0\n{configuration}"), &[]);
    for day in DAYS {
        workspace
            .put(&format!("inbox/contacts_{day}.csv"), "Id,Email,HasOptedOutOfEmail\n003Hs00004aBcDeIAK,ana@example.org,true\n");
        workspace.run_as_of(Some(&format!("{day}T06:00:00Z")));
    }
    workspace
}

/// The days of what is in a folder of the workspace.
fn days(workspace: &Workspace, folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(workspace.root.join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
    entries.filter_map(|name| Some(name.into_string().ok()?.get(..10)?.to_owned())).filter(|day| day.starts_with('2')).collect()
}

fn all() -> BTreeSet<String> {
    DAYS.map(str::to_owned).into()
}

#[test]
fn nothing_goes_unless_the_configuration_says_so() {
    let workspace = after_runs("");
    let dry = workspace.call("run", &["--dry-run", "--as-of", "2030-01-01T06:00:00Z"]);
    assert!(!dry.out.contains("would go: runs/") && !dry.out.contains("archive/"), "{}", dry.out);
    for folder in ["runs", "archive", "ledger"] {
        assert_eq!(days(&workspace, folder), all(), "{folder}");
    }
}

#[test]
fn what_is_too_old_is_listed_by_a_dry_run_and_goes_with_the_next() {
    let workspace = after_runs("");
    workspace.put(
        "prefrecon.toml",
        "[inbox]\nsettle_seconds = 0\nkeep_archive_days = 25\n[run]\nkeep_days = 18\n[ledger]\nretain_days = 1000\n",
    );
    workspace.put("inbox/contacts_2026-11-28.csv", "Id,Email,HasOptedOutOfEmail\n003Hs00004aBcDeIAK,ana@example.org,true\n");
    let dry = workspace.call("run", &["--dry-run", "--as-of", "2026-11-29T06:00:00Z"]);
    let listed = dry.out.lines().find(|line| line.starts_with("Too old, would go: ")).unwrap_or_else(|| panic!("{}", dry.out));
    for (what, goes) in [
        ("runs/2026-11-01T060000Z", true),
        ("runs/2026-11-08T060000Z", true),
        ("runs/2026-11-22T060000Z", false),
        ("archive/2026-11-01T060000Z", true),
        ("archive/2026-11-08T060000Z", false),
        ("ledger/", false),
    ] {
        assert_eq!(listed.contains(what), goes, "{what}: {listed}");
    }
    assert_eq!((days(&workspace, "runs"), days(&workspace, "archive")), (all(), all()), "a dry run removes nothing");

    let run = workspace.run_as_of(Some("2026-11-29T06:00:00Z"));
    let of = |days: &[&str]| -> BTreeSet<String> { days.iter().map(|day| (*day).to_owned()).collect() };
    assert_eq!(days(&workspace, "runs"), of(&["2026-11-22", "2026-11-29"]));
    assert_eq!(days(&workspace, "archive"), of(&["2026-11-08", "2026-11-22", "2026-11-29"]));
    assert_eq!(days(&workspace, "ledger").len(), 4, "the ledger does not rest on run folders");
    assert!(!run.manifest()["attention"].to_string().contains("ledger/"));
    let history = workspace.call("history", &[]);
    assert!(history.out.contains("2026-10-31") || history.out.contains("2026-11-01"), "{}", history.out);
}

/// Killed while it removed a set of the ledger: the rest of it counts for nothing and goes.
#[test]
fn what_a_killed_run_was_removing_goes_with_the_next() {
    let workspace = after_runs("");
    workspace.put("ledger/.pruned-2026-10-25T060000Z/snapshot.parquet", "half of a file");
    workspace.put("inbox/contacts_2026-11-28.csv", "Id,Email,HasOptedOutOfEmail\n003Hs00004aBcDeIAK,ana@example.org,true\n");
    let run = workspace.run_as_of(Some("2026-11-29T06:00:00Z"));
    assert!(!run.manifest()["attention"].to_string().contains("ledger/"));
    assert!(!workspace.root.join("ledger/.pruned-2026-10-25T060000Z").exists());
    assert_eq!(days(&workspace, "ledger").len(), 4);
}

/// The ledger begins anew with a whole set every half year; what is open is counted on.
#[test]
fn what_persists_for_a_year_is_counted_for_a_year() {
    let mut weeks = Weeks::new("");
    weeks.add("ana");
    weeks.set(CRM, "ana", &[("HasOptedOutOfEmail", "true")]);
    for week in 1..=32 {
        let run = weeks.run();
        let found = &run.rows("discrepancies.csv", "ana")[0];
        assert_eq!(found["runs"], week.to_string(), "{}", found["state"]);
    }
}
