//! The layout that the design asks for: a stage knows only those before it, and each outside thing has one place.

use std::fs;
use std::path::{Path, PathBuf};

/// The stages, in the order in which a run goes through them; those on one line know each other.
const STAGES: [&[&str]; 8] = [
    &["ingest"],
    &["normalise"],
    &["ledger"],
    &["matching"],
    &["consent"],
    &["classify", "rules", "decisions"],
    &["decide"],
    &["write", "report"],
];

/// Every source file with its path below `src`, and its text before its own tests.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut sources): (Vec<PathBuf>, Vec<_>) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
                let text = fs::read_to_string(&path).unwrap();
                let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
                sources.push((name, own));
            }
        }
    }
    sources.retain(|(name, _)| !name.ends_with("tests.rs") && !name.ends_with("testing.rs") && !name.ends_with("sample.rs"));
    sources
}

fn module(name: &str) -> &str {
    name.split(['/', '.']).next().unwrap_or_default()
}

#[test]
fn a_stage_knows_only_those_before_it() {
    let stage_of = |module: &str| STAGES.iter().position(|modules| modules.contains(&module));
    let mut found = Vec::new();
    for (name, text) in sources() {
        let Some(own) = stage_of(module(&name)) else { continue };
        for line in text.lines().filter_map(|line| line.trim_start().strip_prefix("use crate::")) {
            let used = line.split([':', ';', ' ']).next().unwrap_or_default();
            if stage_of(used).is_some_and(|stage| stage > own) {
                found.push(format!("{name}: use crate::{line}"));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn each_outside_thing_has_one_place() {
    // what is named | where
    for (word, place) in [
        ("calamine", "ingest/spreadsheet/"),
        ("rust_xlsxwriter", "write/workbook/"),
        ("SystemTime::now", "main.rs"),
        ("Utc::now", ""),
    ] {
        for (name, text) in sources() {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            assert!(
                !place.is_empty() && name.starts_with(place) || !code.clone().any(|line| line.contains(word)),
                "{name} names {word}"
            );
        }
    }
}
