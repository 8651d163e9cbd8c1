//! Another order of rows or files changes nothing but row numbers that are quoted, and the same inputs give the same bytes.

mod common;

use std::collections::BTreeMap;

use common::{RunFolder, Table, Workspace, assert_same_files, files_below, seeded};
use rand::RngExt;

/// The outputs that no order of rows may change. Where a bad cell stood is its place, not what it says.
fn lasting(run: &RunFolder) -> BTreeMap<String, Vec<u8>> {
    let found = run.table("discrepancies.csv");
    let key = |row: &Vec<String>| KEY.map(|column| row[found.at(column)].clone());
    assert!(found.cells.is_sorted_by_key(key), "discrepancies are sorted by {KEY:?}");

    let wanted = |file: &str| {
        file == "corrections.csv" || ["corrections/", "held/", "undo/"].iter().any(|folder| file.starts_with(folder))
    };
    let mut files: BTreeMap<String, Vec<u8>> = files_below(&run.path).into_iter().filter(|(file, _)| wanted(file)).collect();
    let mut rows: Vec<String> = found.cells.iter().map(|row| without_place(row).join("\n")).collect();
    rows.sort_unstable();
    files.insert("discrepancies.csv".to_owned(), rows.join("\n\n").into_bytes());
    files
}

const KEY: [&str; 6] = ["rule", "contact_id", "email", "a_record", "b_record", "subject"];

/// `contacts.csv, row 17, Email: …` becomes `Email: …`.
fn without_place(row: &[String]) -> Vec<String> {
    let place = |cell: &String| {
        cell.split_once(".csv, row ").and_then(|(_, rest)| rest.split_once(", ")).map(|(_, said)| said.to_owned())
    };
    row.iter().map(|cell| place(cell).unwrap_or_else(|| cell.clone())).collect()
}

#[test]
fn any_order_of_rows_and_any_name_of_a_file_gives_the_same() {
    for (contacts, seed) in [(400, 21), (2000, 22), (5000, 23)] {
        let workspace = Workspace::generated(contacts, seed);
        let expected = lasting(&workspace.run());
        let mut rng = seeded(seed);
        for _ in 0..3 {
            let mut exports = BTreeMap::new();
            for (at, (_, mut table)) in workspace.exports().into_iter().enumerate() {
                table.shuffle(&mut rng);
                let folder = ["", "records/", "records/weekly/"][rng.random_range(0..3)];
                let letter = char::from(rng.random_range(b'a'..=b'z'));
                exports.insert(format!("{folder}{letter}{at}_2026-11-21.csv"), table);
            }
            assert_same_files(&expected, &lasting(&workspace.over(&exports).run()));
        }
    }
}

/// Campaign Monitor's files are named after their lists, so only their folders change.
#[test]
fn any_order_of_rows_gives_the_same_for_other_systems() {
    for (systems, seed) in [
        ("salesforce,marketing_cloud,activecampaign,ascend", 41),
        ("salesforce,campaign_monitor,ascend,raisers_edge", 42),
        ("salesforce,marketing_cloud,activecampaign,campaign_monitor,ascend,advance,raisers_edge", 43),
        ("dynamics,campaign_monitor,ascend", 44),
        ("dynamics,marketing_cloud,activecampaign,campaign_monitor,ascend,advance,raisers_edge", 45),
    ] {
        let workspace = Workspace::generated_of(systems, 800, seed);
        let expected = lasting(&workspace.run());
        let mut rng = seeded(seed);
        for _ in 0..3 {
            let mut exports = BTreeMap::new();
            for (file, mut table) in workspace.exports() {
                table.shuffle(&mut rng);
                let folder = ["", "records/", "records/weekly/"][rng.random_range(0..3)];
                exports.insert(format!("{folder}{file}"), table);
            }
            assert_same_files(&expected, &lasting(&workspace.over(&exports).run()));
        }
    }
}

#[test]
fn an_export_in_parts_gives_the_same_as_whole() {
    let workspace = Workspace::generated(1000, 24);
    let expected = lasting(&workspace.run());
    for parts in [2, 5] {
        let mut exports = workspace.exports();
        for kind in ["marketing_cloud_unit_unsubscribes", "ascend_preferences"] {
            let whole: Table = exports.remove(&format!("{kind}_2026-11-21.csv")).unwrap();
            exports.extend((0..parts).map(|part| (format!("{kind}_{part}_2026-11-21.csv"), whole.part(part, parts))));
        }
        assert_same_files(&expected, &lasting(&workspace.over(&exports).run()));
    }
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    for (contacts, seed) in [(400, 25), (3000, 26)] {
        let one = Workspace::generated(contacts, seed);
        let other = Workspace::generated(contacts, seed);
        let runs = [one.run(), other.run()];
        let [files, again] = [0, 1].map(|at| {
            let mut files = files_below(&runs[at].path);
            assert!(files.remove("run.json").is_some());
            files
        });
        for file in ["discrepancies.xlsx", "discrepancies.parquet", "corrections/marketing_cloud_resubscribe_requests.xlsx"] {
            assert!(files.contains_key(file), "{file}");
        }
        assert_same_files(&files, &again);
        assert_eq!(runs[0].lasting_manifest(), runs[1].lasting_manifest());
    }
}
