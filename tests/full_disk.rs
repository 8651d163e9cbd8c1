//! The disk is full, or a folder cannot be written to: the run says where and ends, the workspace is as it was, and the
//! next run needs no cleaning by hand.

#![cfg(unix)]

mod common;

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use common::{Said, Workspace, files_below, program};

const FIRST: &str = "2026-11-22T06:00:00Z";
const SECOND: &str = "2026-11-29T06:00:00Z";

/// The user that nothing belongs to.
const NOBODY: u32 = 65_534;

fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { status: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

fn run(root: &Path) -> Command {
    let mut command = Command::new(program());
    command.arg("run").arg(root).args(["--as-of", SECOND, "--progress", "never"]);
    command
}

/// What a run reads and writes, but for what is hidden and the times of the run itself.
fn visible(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = ["inbox", "runs", "ledger", "archive"].map(|place| {
        let files = files_below(&root.join(place)).into_iter();
        files.map(move |(file, bytes)| (format!("{place}/{file}"), bytes))
    });
    let is_shown = |file: &str| !file.contains("/.") && !file.ends_with("run.json");
    files.into_iter().flatten().filter(|(file, _)| is_shown(file)).collect()
}

/// A workspace after its first run, whose inputs are moved when a run is done.
fn after_a_week() -> Workspace {
    let workspace = Workspace::generated(300, 17);
    let configuration = fs::read_to_string(workspace.root.join("prefrecon.toml")).unwrap();
    let exports = files_below(&workspace.inbox());
    workspace.put("prefrecon.toml", &configuration.replace("after_run = \"keep\"", "after_run = \"archive\""));
    workspace.run_as_of(Some(FIRST));
    fs::create_dir_all(workspace.inbox()).unwrap();
    for (name, bytes) in exports {
        let name = name.replace("2026-11-21", "2026-11-28");
        let text = String::from_utf8(bytes).unwrap().replacen(",Active,", ",Unsubscribed,", 4);
        fs::write(workspace.inbox().join(name), text).unwrap();
    }
    workspace
}

/// The run once nothing is in its way: the same as in another workspace where nothing ever was.
fn recovers(workspace: &Workspace, undisturbed: &BTreeMap<String, Vec<u8>>, what: &str) {
    let done = said(&mut run(&workspace.root));
    assert!(matches!(done.status, 0 | 3), "{what}: {}", done.err);
    assert!(visible(&workspace.root) == *undisturbed, "{what}: the next run differs");
    let left =
        files_below(&workspace.root.join("runs")).into_keys().chain(files_below(&workspace.root.join("ledger")).into_keys());
    assert_eq!(left.filter(|file| file.contains(".unfinished")).collect::<Vec<_>>(), [""; 0], "{what}");
}

fn undisturbed() -> BTreeMap<String, Vec<u8>> {
    let workspace = after_a_week();
    let done = said(&mut run(&workspace.root));
    assert!(matches!(done.status, 0 | 3), "{}", done.err);
    visible(&workspace.root)
}

#[test]
fn a_disk_that_is_full_stops_the_run_and_nothing_else() {
    let undisturbed = undisturbed();
    let largest =
        undisturbed.iter().filter(|(file, _)| !file.starts_with("archive/")).map(|(_, bytes)| bytes.len()).max().unwrap();
    let mut stopped_at = Vec::new();
    // Beyond so many blocks of 512 bytes no file grows: the larger ones fail, each at another point of the run.
    for blocks in [0, 1, 2, 4, 8, 16, 32, 64, largest / 512 - 1] {
        let workspace = after_a_week();
        let before = visible(&workspace.root);
        let mut full = Command::new("sh");
        full.args(["-c", "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\""]).arg(blocks.to_string()).arg(program());
        full.arg("run").arg(&workspace.root).args(["--as-of", SECOND, "--progress", "never"]);
        let failed = said(&mut full);
        assert_eq!(failed.status, 1, "{blocks} blocks: {}", failed.err);
        for word in ["File too large", "make room on that disk", workspace.root.to_str().unwrap()] {
            assert!(failed.err.contains(word), "{blocks} blocks: {}", failed.err);
        }
        assert!(visible(&workspace.root) == before, "{blocks} blocks: {}", failed.err);
        let file = failed.err.split(['/', ' ', ':']).find(|word| word.contains('.') && !word.ends_with('.'));
        stopped_at.push(file.map(str::to_owned));
        recovers(&workspace, &undisturbed, &format!("{blocks} blocks"));
    }
    stopped_at.sort();
    stopped_at.dedup();
    assert!(stopped_at.len() > 2, "all of them failed at the same point: {stopped_at:?}");
}

/// Folders and files that anybody may change.
fn open_to_all(folder: &Path) {
    fs::set_permissions(folder, Permissions::from_mode(0o777)).unwrap();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => open_to_all(&entry.path()),
            kind if kind.is_file() => fs::set_permissions(entry.path(), Permissions::from_mode(0o666)).unwrap(),
            _ => {}
        }
    }
}

#[test]
fn a_folder_that_cannot_be_written_to_stops_the_run_and_nothing_else() {
    let undisturbed = undisturbed();
    for folder in ["", "runs", "ledger", "archive"] {
        let workspace = after_a_week();
        open_to_all(workspace.root.parent().unwrap());
        let before = visible(&workspace.root);
        let locked = if folder.is_empty() { workspace.root.clone() } else { workspace.root.join(folder) };
        // Without it the run has nothing to write into the workspace's own folder.
        fs::remove_file(workspace.root.join(".prefrecon.lock")).unwrap();
        fs::set_permissions(&locked, Permissions::from_mode(0o555)).unwrap();
        let probe = locked.join("probe");
        let mut command = run(&workspace.root);
        // Nothing is forbidden to root.
        if fs::write(&probe, "").is_ok() {
            fs::remove_file(&probe).unwrap();
            command.uid(NOBODY).gid(NOBODY);
        }
        let failed = said(&mut command);
        fs::set_permissions(&locked, Permissions::from_mode(0o777)).unwrap();
        assert!(failed.err.contains(locked.to_str().unwrap()), "{folder}: {} {}", failed.status, failed.err);
        if folder == "archive" {
            // The run is complete by then: what is not moved is read again.
            assert_eq!(failed.status, 3, "{folder}: {}", failed.err);
            continue;
        }
        assert_eq!(failed.status, 1, "{folder}: {}", failed.err);
        assert!(failed.err.contains("let the account that runs prefrecon read and write there"), "{folder}: {}", failed.err);
        assert!(visible(&workspace.root) == before, "{folder}: {}", failed.err);
        recovers(&workspace, &undisturbed, folder);
    }
}
