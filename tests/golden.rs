//! Whole runs of the program against the files that they must leave, by name and by content.
//!
//! A case is a workspace and the folder of what its run leaves. Where a change of the outputs is meant:
//!
//! ```text
//! PREFRECON_BLESS=1 cargo test --release --test golden
//! ```
//!
//! writes the folders anew; look at the difference before committing it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use calamine::{Data, Reader, Xlsx, open_workbook};
use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;
use prefrecon::rules::RULES;

const BLESS: &str = "PREFRECON_BLESS=1 cargo test --release --test golden";

/// Lines of one file that a failure shows at most.
const SHOWN: usize = 12;

#[test]
fn the_sample_is_reconciled_to_the_letter() {
    check(&root().join("sample_data"), &root().join("tests/golden/sample_data"), 0);
}

#[test]
fn a_bad_inbox_is_reconciled_to_the_letter() {
    let case = root().join("tests/golden/bad_inbox");
    check(&case.join("input"), &case.join("output"), 3);
}

#[test]
fn dynamics_is_reconciled_to_the_letter() {
    let case = root().join("tests/golden/dynamics");
    check(&case.join("input"), &case.join("output"), 0);
}

#[test]
fn several_sources_are_reconciled_to_the_letter() {
    let case = root().join("tests/golden/several_sources");
    check(&case.join("input"), &case.join("output"), 3);
}

#[test]
fn campaign_monitor_is_reconciled_to_the_letter() {
    let case = root().join("tests/golden/campaign_monitor");
    check(&case.join("input"), &case.join("output"), 3);
}

#[test]
fn activecampaign_is_reconciled_to_the_letter() {
    let case = root().join("tests/golden/activecampaign");
    check(&case.join("input"), &case.join("output"), 0);
}

#[test]
fn two_platforms_and_two_sources_are_reconciled_to_the_letter() {
    let case = root().join("tests/golden/combination");
    check(&case.join("input"), &case.join("output"), 3);
}

#[test]
fn a_second_run_leaves_the_same_bytes() {
    let runs = [(); 2].map(|()| run(&root().join("sample_data"), 0));
    let [first, second] = runs.each_ref().map(|(_workspace, folder)| files(folder));
    assert_eq!(first, second);
    for name in first.iter().filter(|name| *name != "run.json") {
        let [first, second] = runs.each_ref().map(|(_workspace, folder)| fs::read(folder.join(name)).unwrap());
        assert!(first == second, "{name} differs between two runs over the same inputs");
    }
}

/// Rules that belong to one platform are shown by its case, the others by the sample.
#[test]
fn the_cases_show_every_rule() {
    let mut shown: BTreeSet<String> = found().into_keys().collect();
    for case in fs::read_dir(root().join("tests/golden")).unwrap().map(Result::unwrap) {
        let Ok(mut table) = csv::Reader::from_path(case.path().join("output/discrepancies.csv")) else { continue };
        shown.extend(table.records().map(|row| row.unwrap()[0].to_owned()));
    }
    let silent: Vec<&str> = of_one_run().filter(|code| !shown.contains(*code)).collect();
    assert!(silent.is_empty(), "no discrepancy of the cases shows {}", silent.join(", "));
}

#[test]
fn whom_the_readme_of_the_sample_names_is_found_and_near_misses_are_not() {
    let found = found();
    let readme = fs::read_to_string(root().join("sample_data/README.md")).unwrap();
    let mut rules = BTreeSet::new();
    for line in readme.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, rule, shown, near, _] = cells[..] else { continue };
        let Some(rows) = found.get(rule) else { continue };
        rules.insert(rule);
        let fires = |key: &str| rows.iter().any(|row| row.iter().any(|cell| cell == key));
        for key in keys(shown) {
            assert!(fires(key), "{rule} is to fire for {key}, as sample_data/README.md says");
        }
        for key in keys(near) {
            assert!(!fires(key), "{rule} is not to fire for {key}, as sample_data/README.md says");
        }
    }
    assert_eq!(
        rules,
        found.keys().map(String::as_str).collect(),
        "every rule that the sample shows is to have its row in its README"
    );
}

/// The rules that need no earlier run.
fn of_one_run() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.code).filter(|code| *code != "OPT113")
}

/// The ids and addresses among the words in backticks.
fn keys(cell: &str) -> impl Iterator<Item = &str> {
    let is_key = |word: &&str| {
        word.contains('@') || word.len() == 18 || word.len() == 10 && word.bytes().all(|byte| byte.is_ascii_digit())
    };
    cell.split('`').skip(1).step_by(2).filter(is_key)
}

/// The contact and the records of the sample's discrepancies, by rule.
fn found() -> BTreeMap<String, Vec<[String; 3]>> {
    let (_workspace, folder) = run(&root().join("sample_data"), 0);
    let mut table = csv::Reader::from_path(folder.join("discrepancies.csv")).unwrap();
    let header = table.headers().unwrap().clone();
    let at = |name: &str| header.iter().position(|column| column == name).unwrap();
    let columns = ["contact_id", "a_record", "b_record"].map(at);
    let mut found: BTreeMap<String, Vec<[String; 3]>> = BTreeMap::new();
    for row in table.records().map(Result::unwrap) {
        found.entry(row[at("rule")].to_owned()).or_default().push(columns.map(|column| row[column].to_owned()));
    }
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs the program on a copy of a workspace; gives the copy, which must outlive its run folder, and that folder.
fn run(workspace: &Path, status: i32) -> (tempfile::TempDir, PathBuf) {
    let copy = tempfile::tempdir().unwrap();
    for name in ["prefrecon.toml", "inbox"] {
        copy_to(&workspace.join(name), &copy.path().join(name));
    }
    let output = Command::new(env!("CARGO_BIN_EXE_prefrecon")).arg("run").arg(copy.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(status), "{}", String::from_utf8_lossy(&output.stderr));
    let folder = fs::canonicalize(copy.path().join("runs/latest")).unwrap();
    (copy, folder)
}

fn copy_to(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir(to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            copy_to(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

/// Compares what a run leaves with a folder, or writes the folder.
fn check(workspace: &Path, golden: &Path, status: i32) {
    let (_workspace, folder) = run(workspace, status);
    let left: BTreeMap<String, String> = files(&folder).into_iter().map(|name| readable(&folder, name)).collect();
    if std::env::var_os("PREFRECON_BLESS").is_some() {
        let _ = fs::remove_dir_all(golden);
        for (name, text) in &left {
            let path = golden.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
    let expected: BTreeMap<String, String> =
        files(golden).into_iter().map(|name| (name.clone(), fs::read_to_string(golden.join(name)).unwrap())).collect();
    let mut report = String::new();
    for name in expected.keys().chain(left.keys()).collect::<BTreeSet<_>>() {
        match (expected.get(name), left.get(name)) {
            (Some(_), None) => writeln!(report, "{name}: missing").unwrap(),
            (None, Some(_)) => writeln!(report, "{name}: not expected").unwrap(),
            (Some(expected), Some(left)) if expected != left => {
                writeln!(report, "{name}: differs\n{}", difference(expected, left)).unwrap();
            }
            _ => {}
        }
    }
    assert!(report.is_empty(), "\n{report}\nWhere this is meant: {BLESS}\n");
}

/// The lines that only one of two texts has.
fn difference(expected: &str, left: &str) -> String {
    let lines = |text: &str, other: &str, mark: &str| -> Vec<String> {
        let others: BTreeSet<&str> = other.lines().collect();
        text.lines()
            .enumerate()
            .filter(|(_, line)| !others.contains(line))
            .map(|(at, line)| format!("  {mark} {:>4}: {line}", at + 1))
            .collect()
    };
    let (gone, new) = (lines(expected, left, "-"), lines(left, expected, "+"));
    if gone.is_empty() && new.is_empty() {
        return "  the same lines in another order, or other line ends".to_owned();
    }
    let cut = |lines: Vec<String>| {
        let more = lines.len().saturating_sub(SHOWN);
        let rest = (more > 0).then(|| format!("  … {more} more"));
        lines.into_iter().take(SHOWN).chain(rest).collect::<Vec<_>>()
    };
    [cut(gone), cut(new)].concat().join("\n")
}

/// The files below a folder, sorted, with `/` between the parts of a path.
fn files(folder: &Path) -> Vec<String> {
    fn collect(folder: &Path, prefix: &str, names: &mut Vec<String>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.map(Result::unwrap) {
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.path().is_dir() { collect(&entry.path(), &format!("{name}/"), names) } else { names.push(name) }
        }
    }
    let mut names = Vec::new();
    collect(folder, "", &mut names);
    names.sort();
    names
}

/// A file as text that can be compared and read, under a name that says what it became.
fn readable(folder: &Path, name: String) -> (String, String) {
    let path = folder.join(&name);
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("xlsx") => (format!("{name}.txt"), cells(&path)),
        Some("parquet") => (format!("{name}.txt"), shape(&path)),
        Some("json") => {
            let text = manifest(&fs::read_to_string(path).unwrap());
            (name, text)
        }
        _ => {
            let text = fs::read_to_string(path).unwrap();
            (name, text)
        }
    }
}

/// The manifest without what differs from run to run and from release to release.
fn manifest(text: &str) -> String {
    let mut manifest: serde_json::Value = serde_json::from_str(text).unwrap();
    let top = manifest.as_object_mut().unwrap();
    for varying in ["version", "peak_memory_bytes"] {
        assert!(top.shift_remove(varying).is_some(), "run.json has no {varying}");
    }
    for stage in top["stages"].as_array_mut().unwrap() {
        let stage = stage.as_object_mut().unwrap();
        stage.retain(|key, _| key == "stage");
    }
    serde_json::to_string_pretty(&manifest).unwrap() + "\n"
}

/// The cells of a workbook, a line a row that is not blank.
fn cells(path: &Path) -> String {
    let mut book: Xlsx<_> = open_workbook(path).unwrap();
    let mut text = String::new();
    for name in book.sheet_names() {
        let sheet = book.worksheet_range(&name).unwrap();
        writeln!(text, "## {name}").unwrap();
        for row in sheet.rows().filter(|row| row.iter().any(|cell| *cell != Data::Empty)) {
            let cells: Vec<String> = row.iter().map(ToString::to_string).collect();
            writeln!(text, "{}", cells.join(" | ").trim_end_matches([' ', '|'])).unwrap();
        }
    }
    text
}

/// The columns and the number of rows of a Parquet file.
fn shape(path: &Path) -> String {
    let frame = ParquetReader::new(fs::File::open(path).unwrap()).finish().unwrap();
    let columns: Vec<String> = frame.columns().iter().map(|column| format!("{}: {}", column.name(), column.dtype())).collect();
    format!("{} rows\n{}\n", frame.height(), columns.join("\n"))
}
