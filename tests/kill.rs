//! The program is really killed, at every stage of a run and of an approval: what it leaves is the workspace as it was or
//! the finished work, and the next run says what it would have said without the kill.

#![cfg(unix)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Workspace, files_below, program, seeded};
use rand::RngExt;

const FIRST: &str = "2026-11-22T060000Z";
const SECOND: &str = "2026-11-29T060000Z";
const THIRD: &str = "2026-12-06T060000Z";

/// How often a run is killed.
const KILLS: usize = 40;

/// A moment of a run that shows in the file system.
type Sign = (&'static str, fn(&Path) -> bool);

const SIGNS: [Sign; 6] = [
    ("the hidden run folder is there", |root| root.join(format!("runs/.unfinished-{SECOND}")).exists()),
    ("the hidden set is there", |root| root.join(format!("ledger/.unfinished-{SECOND}")).exists()),
    ("the set's manifest is there", |root| root.join(format!("ledger/.unfinished-{SECOND}/manifest.json")).exists()),
    ("the run folder has appeared", |root| root.join("runs").join(SECOND).exists()),
    ("the set has appeared", |root| root.join("ledger").join(SECOND).exists()),
    ("the first input is in the archive", |root| root.join("archive").join(SECOND).exists()),
];

fn at(run: &str) -> String {
    format!("{}:{}:{}", &run[..13], &run[13..15], &run[15..])
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap() {
            kind if kind.is_symlink() => std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), target).unwrap(),
            kind if kind.is_dir() => copy(&entry.path(), &target),
            _ => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// A workspace after its first run, with the next week's exports in the inbox, and those of the week after.
fn two_weeks() -> (Workspace, BTreeMap<String, Vec<u8>>) {
    let workspace = Workspace::generated(400, 11);
    let configuration = fs::read_to_string(workspace.root.join("prefrecon.toml")).unwrap();
    workspace.put("prefrecon.toml", &configuration.replace("after_run = \"keep\"", "after_run = \"archive\""));
    let exports = files_below(&workspace.inbox());
    let dated = |day: &str, status: &str| -> BTreeMap<String, Vec<u8>> {
        let file = |(name, bytes): (&String, &Vec<u8>)| {
            let mut text = String::from_utf8(bytes.clone()).unwrap();
            if name.starts_with("marketing_cloud_subscribers") {
                // Somebody unsubscribes, somebody else does not any more.
                text = text.replacen(",Active,", &format!(",{status},"), 3);
            }
            (name.replace("2026-11-21", day), text.into_bytes())
        };
        exports.iter().map(file).collect()
    };
    workspace.run_as_of(Some(&at(FIRST)));
    for (name, bytes) in dated("2026-11-28", "Unsubscribed") {
        fs::create_dir_all(workspace.inbox()).unwrap();
        fs::write(workspace.inbox().join(name), bytes).unwrap();
    }
    (workspace, dated("2026-12-05", "Held"))
}

/// A run whose time is told, silent.
fn run(root: &Path, id: &str) -> Command {
    let mut command = Command::new(program());
    command.arg("run").arg(root).args(["-q", "--as-of", &at(id)]).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn finish(root: &Path, id: &str) {
    let status = run(root, id).status().unwrap().code();
    assert!(matches!(status, Some(0 | 3)), "{id}: {status:?}");
}

/// What stays of a run: its folder, its set, and what it archived; times and memory aside.
fn kept(root: &Path, id: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for place in ["runs", "ledger", "archive"] {
        let of_run = files_below(&root.join(place).join(id)).into_iter();
        files.extend(of_run.filter(|(file, _)| file != "run.json").map(|(file, bytes)| (format!("{place}/{file}"), bytes)));
    }
    files
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_run_killed_at_any_moment_is_whole_or_was_never_there() {
    let (workspace, third_week) = two_weeks();
    let scratch = tempfile::tempdir().unwrap();
    let copy_of = |name: &str| {
        let root = scratch.path().join(name);
        copy(&workspace.root, &root);
        root
    };
    // As it is where nobody kills it.
    let calm = copy_of("calm");
    let begun = Instant::now();
    finish(&calm, SECOND);
    let takes = begun.elapsed();
    for (name, bytes) in &third_week {
        fs::write(calm.join("inbox").join(name), bytes).unwrap();
    }
    finish(&calm, THIRD);
    let expected = [SECOND, THIRD].map(|id| kept(&calm, id));
    assert!(expected.iter().all(|files| files.contains_key("ledger/manifest.json") && files.contains_key("runs/landed.csv")));
    let inbox = files_below(&workspace.inbox());

    let (mut rng, mut undone, mut done, mut reached) = (seeded(4), 0, 0, BTreeSet::new());
    for number in 0..KILLS {
        let root = copy_of(&format!("killed-{number}"));
        let sign = (number % 2 == 0).then(|| SIGNS[number / 2 % SIGNS.len()]);
        let delay = takes.mul_f64(rng.random_range(0.0..1.1));
        let extra = Duration::from_micros(rng.random_range(0..600));
        let mut child = run(&root, SECOND).spawn().unwrap();
        let begun = Instant::now();
        let is_time = || sign.map_or(begun.elapsed() >= delay, |(_, shows)| shows(&root));
        while !is_time() && child.try_wait().unwrap().is_none() {
            if sign.is_none() {
                std::thread::sleep(Duration::from_micros(200));
            }
        }
        std::thread::sleep(extra);
        child.kill().unwrap();
        child.wait().unwrap();
        let said = format!("kill {number}: {:?}, {delay:?}, {extra:?}", sign.map(|(name, _)| name));

        let finished = root.join("runs").join(SECOND).exists();
        reached.extend(SIGNS.iter().filter(|(_, shows)| shows(&root)).map(|(name, _)| *name));
        if finished {
            done += 1;
            assert!(!names(&root.join("runs")).contains(&format!(".unfinished-{SECOND}")), "{said}");
            let mut whole = kept(&root, SECOND);
            let hidden = files_below(&root.join("ledger").join(format!(".unfinished-{SECOND}"))).into_iter();
            whole.extend(hidden.map(|(file, bytes)| (format!("ledger/{file}"), bytes)));
            let of_run = |files: &BTreeMap<String, Vec<u8>>| -> BTreeMap<String, Vec<u8>> {
                files
                    .iter()
                    .filter(|(file, _)| !file.starts_with("archive/"))
                    .map(|(file, bytes)| (file.clone(), bytes.clone()))
                    .collect()
            };
            assert!(of_run(&whole) == of_run(&expected[0]), "{said}: the run that appeared is not whole");
        } else {
            undone += 1;
            assert!(files_below(&root.join("inbox")) == inbox, "{said}: the inbox was touched");
            assert!(!root.join("ledger").join(SECOND).exists(), "{said}: a set without its run");
            finish(&root, SECOND);
            assert!(kept(&root, SECOND) == expected[0], "{said}: the run after the kill differs");
        }
        // Nothing of an input is lost: it is in the inbox or in the archive.
        let mut inputs = files_below(&root.join("inbox"));
        inputs.extend(files_below(&root.join("archive").join(SECOND)));
        assert!(inputs == inbox, "{said}: an input is gone");
        // What was not moved any more is seen again, and the newer exports stand for it.
        fs::remove_dir_all(root.join("inbox")).unwrap();
        fs::create_dir_all(root.join("inbox")).unwrap();
        for (name, bytes) in &third_week {
            fs::write(root.join("inbox").join(name), bytes).unwrap();
        }
        finish(&root, THIRD);
        assert!(kept(&root, THIRD) == expected[1], "{said}: the run after it differs");
        let hidden = |place: &str| names(&root.join(place)).into_iter().any(|name| name.starts_with('.'));
        assert!(!hidden("runs") && !hidden("ledger"), "{said}: something is left");
        fs::remove_dir_all(&root).unwrap();
    }
    assert!(undone >= 5 && done >= 5, "{undone} runs were undone, {done} were done");
    assert!(reached.len() >= 4, "only {reached:?} was reached");
}

#[test]
fn an_approval_killed_at_any_moment_is_given_or_not() {
    let workspace = Workspace::generated(400, 71);
    let configuration = fs::read_to_string(workspace.root.join("prefrecon.toml")).unwrap();
    let configuration = configuration.replace("[brake]", "[brake_before]");
    let (before, brake) = configuration.split_once("[brake_before]").unwrap();
    let after = brake.split_once("\n[").map(|(_, after)| format!("\n[{after}")).unwrap_or_default();
    workspace.put("prefrecon.toml", &format!("{before}[brake]\nmin_rows = 1\nmax_share = 0.0\n{after}"));
    let held = workspace.run_as_of(Some(&at(FIRST)));
    assert!(held.path.join("held").is_dir());
    let scratch = tempfile::tempdir().unwrap();
    let approve = |root: &Path| {
        let mut command = Command::new(program());
        command.arg("approve").arg(root).args(["latest", "--by", "Maria Lopez"]).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let calm = scratch.path().join("calm");
    copy(&workspace.root, &calm);
    let begun = Instant::now();
    assert!(approve(&calm).status().unwrap().success());
    let takes = begun.elapsed();
    let files = |root: &Path| -> BTreeMap<String, Vec<u8>> {
        files_below(&root.join("runs").join(FIRST)).into_iter().filter(|(file, _)| file != "approved.json").collect()
    };
    let (untouched, approved) = (files(&workspace.root), files(&calm));
    let (mut rng, mut given, mut not) = (seeded(9), 0, 0);
    for number in 0..30 {
        let root = scratch.path().join(format!("killed-{number}"));
        copy(&workspace.root, &root);
        let mut child = approve(&root).spawn().unwrap();
        let delay = takes.mul_f64(rng.random_range(0.0..1.1));
        if number % 2 == 0 {
            std::thread::sleep(delay);
        } else {
            let shows = || root.join(format!("ledger/{FIRST}.approved-1")).exists();
            while !shows() && child.try_wait().unwrap().is_none() {}
            std::thread::sleep(Duration::from_micros(rng.random_range(0..3_000)));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let is_given = root.join(format!("ledger/{FIRST}.approved-1")).exists();
        if is_given {
            given += 1;
            // Whoever comes next does the rest: here another call, which finds nothing left to approve.
            assert_eq!(approve(&root).status().unwrap().code(), Some(2), "kill {number}");
            assert!(files(&root) == approved, "kill {number}, after {delay:?}: the release is not complete");
        } else {
            not += 1;
            assert!(files(&root) == untouched, "kill {number}, after {delay:?}: something was moved without a record");
            assert!(approve(&root).status().unwrap().success(), "kill {number}");
            assert!(files(&root) == approved, "kill {number}, after {delay:?}");
        }
        let told = fs::read_to_string(root.join("runs").join(FIRST).join("approved.json")).unwrap();
        assert_eq!(told.matches("Maria Lopez").count(), 1, "kill {number}");
        fs::remove_dir_all(&root).unwrap();
    }
    assert!(given >= 3 && not >= 3, "{given} were given, {not} were not");
}
