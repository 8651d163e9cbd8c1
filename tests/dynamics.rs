//! Dynamics with ClickDimensions: its files are loaded as its import takes them, and one round settles it.

mod common;

use std::fs;
use std::path::Path;

use common::importer::load;
use common::{Table, Workspace};

/// The golden case as a workspace of its own.
fn golden() -> Workspace {
    let workspace = Workspace::empty();
    let input = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dynamics/input");
    for (file, bytes) in common::files_below(&input) {
        workspace.put(&file, &String::from_utf8(bytes).unwrap());
    }
    workspace
}

#[test]
fn one_round_settles_it() {
    let workspace = golden();
    let run = workspace.run();
    let mut exports = workspace.exports();
    load(&mut exports, &run.path.join("corrections"));
    let next = workspace.over(&exports).run();
    let left: Vec<_> = next.discrepancies().into_iter().filter(|row| row["outcome"] == "correct").collect();
    assert!(left.is_empty(), "{left:#?}");
    assert!(!next.path.join("corrections").exists());
}

#[test]
fn the_undo_file_of_an_update_restores_the_export() {
    let workspace = golden();
    let run = workspace.run();
    let contacts = |exports: &mut common::importer::Exports| common::importer::export(exports, "dynamics_contacts").clone();
    let mut exports = workspace.exports();
    let before = contacts(&mut exports);
    let corrections = run.path.join("corrections");
    load(&mut exports, &corrections);
    assert_ne!(before, contacts(&mut exports));
    let only_contacts = tempfile::tempdir().unwrap();
    fs::copy(run.path.join("undo/dynamics_contacts_update.csv"), only_contacts.path().join("dynamics_contacts_update.csv"))
        .unwrap();
    load(&mut exports, only_contacts.path());
    let plain = |table: &Table| table.text().replace(",,Allow,", ",Allow,Allow,");
    assert_eq!(plain(&before), plain(&contacts(&mut exports)));
}

const SALESFORCE: &str =
    "Id,Email,HasOptedOutOfEmail\n003Hs0000000001IAA,ana@example.org,false\n003Hs0000000002IAA,ben@example.org,true\n";
const DYNAMICS: &str = "contactid,emailaddress1,donotbulkemail\n0a1b2c3d-0000-4000-8000-000000000001,ana@example.org,Do Not Allow\n\
    0a1b2c3d-0000-4000-8000-000000000002,ben@example.org,Allow\n";

#[test]
fn of_two_crms_the_configuration_names_the_hub() {
    let files = [("sf_2026-11-21.csv", SALESFORCE), ("crm_2026-11-21.csv", DYNAMICS)];
    let silent = Workspace::with("", &files);
    for command in ["run", "check"] {
        let said = silent.call(command, &["--as-of", common::AS_OF]);
        assert_eq!(said.status, 4, "{said:?}");
        let text = said.out + &said.err;
        assert!(text.contains("[run] hub = \"salesforce\"") && text.contains("Salesforce and Microsoft Dynamics"), "{text}");
    }
    // hub | what is found
    for (hub, expected) in [
        ("salesforce", ["OPT101 salesforce dynamics", "OPT103 dynamics salesforce"]),
        ("dynamics", ["OPT101 dynamics salesforce", "OPT103 salesforce dynamics"]),
    ] {
        let workspace = Workspace::with(&format!("[run]\nhub = \"{hub}\"\n"), &files);
        let run = workspace.run_as_of(Some(common::AS_OF));
        let found: Vec<String> =
            run.discrepancies().iter().map(|row| format!("{} {} {}", row["rule"], row["a_system"], row["b_system"])).collect();
        assert_eq!(found, expected, "{hub}");
        for file in ["salesforce_contacts_opt_out.csv", "dynamics_contacts_update.csv"] {
            assert!(run.path.join("corrections").join(file).exists(), "{hub}: {file}");
        }
    }
    let missing = Workspace::with("[run]\nhub = \"dynamics\"\n", &files[..1]);
    let said = missing.call("run", &["--as-of", common::AS_OF]);
    assert!(said.status == 4 && said.err.contains("no export of Microsoft Dynamics"), "{said:?}");
}

#[test]
fn under_a_header_that_leaves_it_open_yes_is_no_answer() {
    // header | cell | what the record is
    for (header, cell, expected) in [
        ("Do not allow Bulk Emails", "Yes", "out"),
        ("Do not allow Bulk Emails", "No", "in"),
        ("Do not allow Bulk Emails", "Allow", "in"),
        ("donotbulkemail", "true", "out"),
        ("Bulk Email", "Do Not Allow", "out"),
        ("Bulk Email", "Allow", "in"),
        ("Bulk Email", "Yes", "rejected"),
        ("Bulk Email", "No", "rejected"),
    ] {
        let contacts = format!("Contact,Email,{header}\n0a1b2c3d-0000-4000-8000-000000000001,ana@example.org,{cell}\n");
        let subscribers = "SubscriberKey,EmailAddress,Status\nana@example.org,ana@example.org,Active\n";
        let workspace = Workspace::with("", &[("contacts.csv", &contacts), ("subscribers.csv", subscribers)]);
        let run = workspace.run();
        let rejected = run.table("rejected_rows.csv").cells.len();
        let found = if rejected > 0 {
            "rejected"
        } else if run.of_rule("OPT102").is_empty() {
            "in"
        } else {
            "out"
        };
        assert_eq!(found, expected, "{header}: {cell}");
    }
}
