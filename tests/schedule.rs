//! The weekly run as `schedule` prints it, put to work as cron and systemd would.

mod common;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Workspace, prefrecon, program};

/// Whatever a path can hold that a shell, cron or systemd takes for itself.
const ODD: &str = "50% of $HOME's \"week\"; #1 & co";

const CONTACTS: &str = "Id,Email,HasOptedOutOfEmail\n003Hs00004aBcDeIAK,ana@example.org,true\n";
const SUBSCRIBERS: &str = "SubscriberKey,EmailAddress,Status\n003Hs00004aBcDeIAK,ana@example.org,Active\n";

/// A workspace and the program, both in folders with odd names.
fn oddly_placed() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (root, bin) = (folder.path().join(ODD), folder.path().join("50% of $HOME bin"));
    fs::create_dir_all(root.join("inbox")).unwrap();
    fs::create_dir(&bin).unwrap();
    fs::write(root.join("prefrecon.toml"), "[inbox]\nsettle_seconds = 0\n").unwrap();
    fs::write(root.join("inbox/contacts.csv"), CONTACTS).unwrap();
    fs::write(root.join("inbox/subscribers.csv"), SUBSCRIBERS).unwrap();
    let copy = bin.join("prefrecon");
    fs::copy(program(), &copy).unwrap();
    // A process that another test starts meanwhile may have the copy open for writing for a moment.
    while Command::new(&copy).arg("--version").output().is_err_and(|error| error.kind() == ErrorKind::ExecutableFileBusy) {
        std::thread::yield_now();
    }
    (folder, root, copy)
}

fn schedule(program: &Path, root: &Path, more: &[&str]) -> String {
    let output = Command::new(program).arg("schedule").arg(root).args(more).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The command of a crontab's line as cron hands it to the shell: `\%` is a per cent sign, `%` alone ends the command.
fn command_of(line: &str) -> String {
    let command = line.splitn(6, ' ').nth(5).unwrap().trim_start();
    let bare = command.replace("\\%", "");
    assert!(!bare.contains('%'), "cron would end this command early: {command}");
    command.replace("\\%", "%")
}

#[cfg(unix)]
#[test]
fn the_line_runs_as_cron_runs_it() {
    let (_folder, root, program) = oddly_placed();
    let lines = schedule(&program, &root, &["--format", "cron", "--at", "Sun 06:30", "--mail-to", "records@example.org"]);
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines[0], "MAILTO=records@example.org");
    assert!(lines[1].starts_with("30 6 * * 0  "), "{}", lines[1]);
    let as_cron = || {
        let mut shell = Command::new("/bin/sh");
        shell.env_clear().current_dir("/").arg("-c").arg(command_of(lines[1])).output().unwrap()
    };
    let output = as_cron();
    let mail = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(mail.contains("1 discrepancy, 1 of them critical") && mail.contains("marketing_cloud_unsubscribe.csv"), "{mail}");
    assert!(mail.contains(&format!("Written to {}", fs::canonicalize(&root).unwrap().display())), "{mail}");
    assert!(!mail.contains('\u{1b}'), "{mail}");
    assert!(root.join("runs/latest/discrepancies.xlsx").exists());

    // The inputs are in the archive now: next week's mail must say what is missing.
    let output = as_cron();
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no CRM export in "));
}

#[test]
fn systemd_takes_the_units() {
    let (folder, root, program) = oddly_placed();
    let both = schedule(&program, &root, &["--format", "systemd"]);
    for kind in ["service", "timer"] {
        let unit = schedule(&program, &root, &["--format", kind, "--at", "Tue 23:05"]);
        assert!(kind == "timer" || both.contains(&unit), "{both}");
        fs::write(folder.path().join(format!("prefrecon.{kind}")), unit).unwrap();
    }
    let verify = Command::new("systemd-analyze")
        .current_dir(folder.path())
        .args(["verify", "--man=no", "./prefrecon.timer", "./prefrecon.service"])
        .output();
    match verify {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && !said.contains("prefrecon."), "{said}");
        }
        Err(error) => eprintln!("skipped: systemd-analyze cannot be run ({error})"),
    }
}

#[test]
fn all_of_it_has_headings_and_a_configuration_elsewhere_is_named() {
    let workspace = Workspace::with("", &[]);
    let said = workspace.call("schedule", &[]);
    assert_eq!(said.status, 0, "{}", said.err);
    for part in ["crontab -e", "0 6 * * 1  /", "prefrecon.service\n[Unit]", "prefrecon.timer\n[Unit]", "OnCalendar=Mon 06:00"] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    let elsewhere = workspace.root.join("other.toml");
    fs::write(&elsewhere, "").unwrap();
    let said = workspace.call("schedule", &["--config", elsewhere.to_str().unwrap()]);
    let elsewhere = fs::canonicalize(elsewhere).unwrap();
    assert_eq!(said.out.matches(&format!(" --config {}", elsewhere.display())).count(), 2, "{}", said.out);
}

#[test]
fn what_cannot_be_scheduled_is_refused_with_what_to_do() {
    let workspace = Workspace::with("", &[]);
    for (more, word) in [(["--at", "Sunday"], "Mon 06:00"), (["--mail-to", "a b"], "records@example.org")] {
        let said = workspace.call("schedule", &more);
        assert_eq!(said.status, 2);
        assert!(said.err.contains(word), "{}", said.err);
    }
    let folder = tempfile::tempdir().unwrap();
    for command in ["schedule", "run", "check"] {
        let said = prefrecon([command, folder.path().to_str().unwrap()]);
        assert_eq!(said.status, 2);
        assert!(said.err.contains("has no inbox") && said.err.contains("prefrecon init"), "{}", said.err);
    }
}
