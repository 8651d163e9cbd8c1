//! Releasing what the safety brake held: by whom, once, and never from an older run.

mod common;

use std::fs;
use std::process::Command;

use common::{RunFolder, Said, Workspace, files_below, program};
use serde_json::Value;

/// A workspace whose brake holds everything, after its run.
fn held() -> (Workspace, RunFolder) {
    let workspace = Workspace::generated(2_000, 71);
    let configuration = fs::read_to_string(workspace.root.join("prefrecon.toml")).unwrap();
    let (before, brake) = configuration.split_once("[brake]").unwrap();
    let after = brake.split_once("\n[").map(|(_, after)| format!("\n[{after}")).unwrap_or_default();
    workspace.put("prefrecon.toml", &format!("{before}[brake]\nmin_rows = 1\nmax_share = 0.0\n{after}"));
    let run = workspace.run();
    assert_eq!(run.status, 3);
    assert!(!run.path.join("corrections").exists() && run.path.join("held").is_dir());
    (workspace, run)
}

fn approve(workspace: &Workspace, more: &[&str]) -> Said {
    let mut command = Command::new(program());
    command.arg("approve").arg(&workspace.root).args(more).env("LOGNAME", "maria");
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { status: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// The files of a run but those that an approval touches, to see that nothing else changed.
fn rest(run: &RunFolder) -> Vec<(String, Vec<u8>)> {
    let moved = ["held/", "corrections/", "undo/"];
    let files = files_below(&run.path).into_iter();
    files
        .filter(|(file, _)| {
            !moved.iter().any(|folder| file.starts_with(folder)) && file != "corrections.csv" && file != "approved.json"
        })
        .collect()
}

#[test]
fn what_is_approved_moves_with_its_undo_file_and_is_recorded() {
    let (workspace, run) = held();
    let (before, unchanged) = (files_below(&run.path), rest(&run));
    let id = run.path.file_name().unwrap().to_str().unwrap();

    let one = approve(&workspace, &[id, "ascend"]);
    assert_eq!(one.status, 0, "{}", one.err);
    assert!(one.out.contains("maria has released") && one.out.contains("more than [brake] max_share"), "{}", one.out);
    assert!(run.path.join("held/salesforce_contacts_opt_out.csv").is_file(), "only the target moves");
    assert_eq!(approve(&workspace, &["latest", "held/salesforce_contacts_opt_out.csv"]).status, 0);
    assert_eq!(approve(&workspace, &["latest"]).status, 0);

    let released = &run.table("corrections.csv").rows()[0];
    let told = workspace.call("explain", &[&released["record"]]).out;
    let (_, earlier) = told.split_once("Earlier corrections").unwrap_or_else(|| panic!("{told}"));
    assert!(earlier.contains(": released") && !earlier.contains(": held"), "{earlier}");

    assert!(!run.path.join("held").exists());
    let after = files_below(&run.path);
    for (file, bytes) in &before {
        let now = match (file.strip_prefix("held/undo/"), file.strip_prefix("held/")) {
            (Some(name), _) => format!("undo/{name}"),
            (None, Some(name)) => format!("corrections/{name}"),
            (None, None) => continue,
        };
        assert!(after[&now] == *bytes, "{now}");
    }
    assert!(after.contains_key("undo/ascend_opt_out.csv"));
    assert_eq!(unchanged, rest(&run));

    let corrections = run.table("corrections.csv");
    assert!(!corrections.cells.is_empty());
    for row in corrections.rows().iter().filter(|row| row["file"].ends_with(".csv")) {
        let file = common::Table::read(&run.path.join(&row["file"])).text();
        let line = file.lines().nth(row["row"].parse::<usize>().unwrap() - 1).unwrap_or_default().to_owned();
        assert!(row["file"].starts_with("corrections/") && line.contains(&row["record"]), "{row:?}");
    }
    let approved: Value = serde_json::from_slice(&after["approved.json"]).unwrap();
    let approvals = approved["approvals"].as_array().unwrap();
    assert_eq!(approvals.len(), 3);
    assert_eq!(approvals[0]["by"], "maria");
    assert!(approvals[0]["at"].as_str().unwrap().ends_with('Z'));
    assert!(approvals[0]["released"].as_array().unwrap().iter().all(|file| file["target"] == "ascend"));

    let again = approve(&workspace, &["latest"]);
    assert_eq!(again.status, 2);
    assert!(again.err.contains("nothing is held in the run"), "{}", again.err);
}

/// The ledger has the approval: it outlives the run folder, and one that was changed releases nothing and is named.
#[test]
fn approvals_are_entries_of_the_ledger() {
    let (workspace, run) = held();
    let id = run.path.file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(approve(&workspace, &["latest", "ascend"]).status, 0);
    assert_eq!(approve(&workspace, &["latest", "salesforce"]).status, 0);
    let ledger = workspace.root.join("ledger");
    let manifest =
        |name: &str| -> Value { serde_json::from_slice(&fs::read(ledger.join(name).join("manifest.json")).unwrap()).unwrap() };
    let (first, second) = (format!("{id}.approved-1"), format!("{id}.approved-2"));
    assert_eq!(
        (&manifest(&first)["approval"]["by"], &manifest(&first)["previous"]["run"]),
        (&"maria".into(), &id.as_str().into())
    );
    assert_eq!(manifest(&second)["previous"]["run"], first.as_str());
    // What the run folder says of it is written anew from there.
    let told = fs::read(run.path.join("approved.json")).unwrap();
    fs::remove_file(run.path.join("approved.json")).unwrap();
    assert_eq!(approve(&workspace, &["latest", "marketing_cloud"]).status, 0);
    let anew: Value = serde_json::from_slice(&fs::read(run.path.join("approved.json")).unwrap()).unwrap();
    assert_eq!(anew["approvals"].as_array().unwrap().len(), 3);
    assert_eq!(
        anew["approvals"].as_array().unwrap()[..2],
        serde_json::from_slice::<Value>(&told).unwrap()["approvals"].as_array().unwrap()[..]
    );

    let fates = |status: i32, as_of: &str| {
        let next = workspace.run_as_of(Some(as_of));
        assert_eq!(next.status, status);
        let rows = next.table("landed.csv").rows();
        (
            next.manifest()["attention"].to_string(),
            rows.into_iter().map(|row| row["target"].clone()).collect::<std::collections::BTreeSet<_>>(),
        )
    };
    fs::remove_dir_all(&run.path).unwrap();
    let (attention, targets) = fates(3, "2026-11-23T06:00:00Z");
    assert!(!attention.contains("ledger/"), "{attention}");
    assert_eq!(targets, ["ascend", "marketing_cloud", "salesforce"].map(str::to_owned).into());
    let text = fs::read_to_string(ledger.join(&first).join("manifest.json")).unwrap();
    fs::write(ledger.join(&first).join("manifest.json"), text.replace("maria", "mario")).unwrap();
    let (attention, targets) = fates(3, "2026-11-24T06:00:00Z");
    assert!(attention.contains(&format!("ledger/{first}/manifest.json was changed after it was written")), "{attention}");
    assert!(!targets.contains("ascend"), "what is not provably released counts as held");
}

/// The newest run may be the one whose manifest is damaged: then no older one is approved in its place.
#[test]
fn a_newer_run_that_cannot_be_read_keeps_older_ones_from_approval() {
    let (workspace, run) = held();
    let newer = workspace.run_as_of(Some("2026-11-23T06:00:00Z"));
    fs::write(newer.path.join("run.json"), "{").unwrap();
    let refused = approve(&workspace, &["latest"]);
    assert_eq!(refused.status, 2);
    assert!(refused.err.contains("runs/2026-11-23T060000Z/run.json cannot be read"), "{}", refused.err);
    assert!(run.path.join("held/ascend_opt_out.csv").is_file());
}

#[test]
fn what_cannot_be_approved_is_refused_with_what_is_known() {
    let (workspace, run) = held();
    let before = files_below(&workspace.root);
    // arguments | what is said
    for (arguments, said) in [
        (&["2026-11-22T06000Z"][..], "did you mean `2026-11-22T060000Z`?"),
        (&["latest", "ascnd"], "did you mean `ascend`?"),
        (&["latest", "ascend_opt_uot.csv"], "did you mean `ascend_opt_out.csv`?"),
    ] {
        let refused = approve(&workspace, arguments);
        assert_eq!(refused.status, 2, "{arguments:?}");
        assert!(refused.err.contains(said), "{arguments:?}: {}", refused.err);
    }
    let nameless = Command::new(program())
        .args(["approve", workspace.root.to_str().unwrap(), "latest"])
        .env_remove("LOGNAME")
        .env_remove("USER")
        .env_remove("USERNAME")
        .output()
        .unwrap();
    assert_eq!(nameless.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nameless.stderr).contains("--by NAME"));
    assert_eq!(before, files_below(&workspace.root));

    let id = run.path.file_name().unwrap().to_str().unwrap();
    workspace.run_as_of(Some("2026-11-23T06:00:00Z"));
    let old = approve(&workspace, &[id]);
    assert_eq!(old.status, 2);
    assert!(old.err.contains("is not the newest, 2026-11-23T060000Z is"), "{}", old.err);
    assert!(run.path.join("held/ascend_opt_out.csv").is_file());
}

#[test]
fn a_killed_approval_is_completed_by_whoever_comes_next() {
    for next in ["approve", "run"] {
        let (workspace, run) = held();
        let held = files_below(&run.path);
        assert_eq!(approve(&workspace, &["latest"]).status, 0);
        let approved = files_below(&run.path);
        // As if it had been killed as soon as its record was there, and after one move.
        fs::create_dir_all(run.path.join("held/undo")).unwrap();
        for file in ["ascend_opt_out.csv", "salesforce_contacts_opt_out.csv"] {
            fs::rename(run.path.join("corrections").join(file), run.path.join("held").join(file)).unwrap();
            fs::rename(run.path.join("undo").join(file), run.path.join("held/undo").join(file)).unwrap();
        }
        fs::write(run.path.join("corrections.csv"), &held["corrections.csv"]).unwrap();
        match next {
            "approve" => assert_eq!(approve(&workspace, &["latest"]).status, 2, "nothing is left to approve"),
            _ => assert!(matches!(workspace.call("run", &["--as-of", "2026-11-23T06:00:00Z", "-q"]).status, 0 | 3)),
        }
        assert_eq!(approved, files_below(&run.path), "{next}");
    }
}

#[test]
fn what_was_ready_already_is_not_touched() {
    // One stale leads report holds what rests on it; the contacts' file of the same system is ready.
    let contacts =
        "Id,Email,HasOptedOutOfEmail\n003Hs00004aBcDeIAK,ana@example.org,true\n003Hs00004aBcDfIAK,ben@example.org,false\n";
    let subscribers = "SubscriberKey,EmailAddress,Status\n003Hs00004aBcDeIAK,ana@example.org,Active\n003Hs00004aBcDfIAK,ben@example.org,Active\n";
    let constituents = "Ascend ID,Email,Email Opt Out\n0000000001,ben@example.org,Y\n";
    let workspace = Workspace::with(
        "[run]\nas_of = \"2026-11-22T06:00:00Z\"\n",
        &[
            ("contacts_2026-11-21.csv", contacts),
            ("subs_2026-11-21.csv", subscribers),
            ("constituents_2026-10-01.csv", constituents),
        ],
    );
    let run = workspace.run();
    let name = "marketing_cloud_unsubscribe.csv";
    let ready = fs::read(run.path.join("corrections").join(name)).unwrap();
    assert!(run.path.join("held").join(name).is_file());
    assert_eq!(approve(&workspace, &["latest", "marketing_cloud"]).status, 0);
    assert_eq!(fs::read(run.path.join("corrections").join(name)).unwrap(), ready);
    assert!(run.path.join("corrections/approved").join(name).is_file());
    assert!(run.path.join("undo/approved").join(name).is_file());
    let rows = run.table("corrections.csv").rows();
    assert!(rows.iter().any(|row| row["file"] == format!("corrections/approved/{name}")));
}
