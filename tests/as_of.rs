//! The run's time decides which exports are stale, which codes hold, and what lies in the future.

mod common;

use std::path::Path;

use common::{AS_OF, Workspace, files_below};

const CONTACTS: &str = "Id,Email,HasOptedOutOfEmail,Ascend_ID__c\n003Hs00004aBcDeIAK,ana@example.org,false,0001\n";
const CONSTITUENTS: &str =
    "Constituent ID,Salesforce Contact ID,Email,Email Opt Out,Opt Out Date\n0001,003Hs00004aBcDeIAK,ana@example.org,N,\n";

#[test]
fn an_export_is_stale_when_the_run_is_too_late_for_it() {
    let opted_out = CONSTITUENTS.replace(",N,", ",Y,2026-11-01");
    let workspace = Workspace::with("", &[("contacts_2026-11-21.csv", CONTACTS), ("constituents_2026-11-21.csv", &opted_out)]);
    // run at | exit | stale exports | outcome of what was found
    for (as_of, status, stale, outcome) in [
        ("2026-11-21T20:00:00Z", 0, 0, "correct"),
        (AS_OF, 0, 0, "correct"),
        ("2026-11-28", 0, 0, "correct"),
        ("2026-12-01", 3, 2, "held"),
        ("2027-06-01", 3, 2, "held"),
    ] {
        let run = workspace.run_as_of(Some(as_of));
        assert_eq!((run.status, run.of_rule("DAT608").len()), (status, stale), "{as_of}");
        let found = run.of_rule("OPT103");
        assert_eq!(found.len(), 1, "{as_of}: a stale export is still compared");
        assert_eq!(found[0]["outcome"], outcome, "{as_of}: {}", found[0]["why"]);
        let folder = if outcome == "held" { "held" } else { "corrections" };
        let changes = files_of(&run.path, folder).into_iter().filter(|file| !file.starts_with("undo/"));
        assert_eq!(changes.collect::<Vec<_>>(), ["salesforce_contacts_opt_out.csv"], "{as_of}");
        let other = if outcome == "held" { "corrections" } else { "held" };
        assert!(files_of(&run.path, other).is_empty(), "{as_of}");
        assert!(run.manifest()["as_of"].as_str().unwrap().starts_with(as_of), "{as_of}");
    }
}

fn files_of(run: &Path, folder: &str) -> Vec<String> {
    files_below(&run.join(folder)).into_keys().collect()
}

#[test]
fn a_code_holds_from_its_first_day_to_its_last_in_the_source_s_zone() {
    // start | end | status | run at | opted out
    for (start, end, status, as_of, opted_out) in [
        ("2026-11-21", "", "Active", AS_OF, true),
        // Denver's midnight is 07:00 UTC.
        ("2026-11-22", "", "Active", "2026-11-22T06:59:59Z", false),
        ("2026-11-22", "", "Active", "2026-11-22T07:00:00Z", true),
        ("2020-01-01", "2026-11-21", "Active", "2026-11-22T07:00:00Z", true),
        ("2020-01-01", "2026-11-21", "Active", "2026-11-22T07:00:01Z", false),
        ("2020-01-01", "2026-12-31", "Active", AS_OF, true),
        ("2020-01-01", "", "Ended", AS_OF, false),
        ("", "", "", AS_OF, true),
        ("soon", "never", "Dormant", AS_OF, true),
    ] {
        let codes = format!("Constituent ID,Code,Start Date,End Date,Status\n0001,NE,{start},{end},{status}\n");
        let files = [
            ("contacts_2026-11-21.csv", CONTACTS),
            ("constituents_2026-11-21.csv", CONSTITUENTS),
            ("codes_2026-11-21.csv", &codes),
        ];
        let run = Workspace::with("", &files).run_as_of(Some(as_of));
        assert_eq!(run.of_rule("OPT103").len(), usize::from(opted_out), "{start} {end} {status} at {as_of}");
        run.assert_rows_are_accounted_for();
    }
}

#[test]
fn an_opt_in_of_the_future_is_none_yet() {
    let contacts = "Id,Email,HasOptedOutOfEmail,Ascend_ID__c,Email_Opt_In_Date__c,Email_Opt_In_Channel__c\n\
                    003Hs00004aBcDeIAK,ana@example.org,false,0001,2026-11-25T12:00:00Z,Web form\n";
    let opted_out = CONSTITUENTS.replace(",N,", ",Y,2026-11-01");
    let workspace = Workspace::with("", &[("contacts_2026-11-21.csv", contacts), ("constituents_2026-11-21.csv", &opted_out)]);
    // run at | rule that fires | dates in the future
    for (as_of, rule, future) in [("2026-11-22", "OPT103", 1), ("2026-11-25T13:00:00Z", "OPT107", 0)] {
        let run = workspace.run_as_of(Some(as_of));
        let fired: Vec<String> =
            run.discrepancies().into_iter().map(|row| row["rule"].clone()).filter(|code| code.starts_with("OPT")).collect();
        assert_eq!(fired, [rule], "{as_of}");
        assert_eq!(run.of_rule("DAT606").len(), future, "{as_of}");
    }
}

#[test]
fn the_command_line_goes_before_the_configuration() {
    let workspace = Workspace::with("[run]\nas_of = \"2026-11-22\"\n", &[("contacts_2026-11-21.csv", CONTACTS)]);
    // A day begins where people are.
    assert_eq!(workspace.run().manifest()["as_of"], "2026-11-22T07:00:00Z");
    assert_eq!(workspace.run_as_of(Some("2026-11-23")).manifest()["as_of"], "2026-11-23T07:00:00Z");
    let said = workspace.call("run", &["--as-of", "tomorrow"]);
    assert_eq!(said.status, 2);
    assert!(said.err.contains("`tomorrow` is no time: write 2026-11-22"), "{}", said.err);
}

/// A year that is mistyped once would make every later export look older than the last one, and the memory of opt-outs stop.
#[test]
fn a_date_after_the_run_is_no_date_of_an_export() {
    let opted_out = CONSTITUENTS.replace(",N,", ",Y,");
    let week = |constituents: &str, name: &str, as_of: &str, workspace: &Workspace| {
        std::fs::remove_dir_all(workspace.inbox()).unwrap();
        workspace.put(&format!("inbox/contacts_{}.csv", &as_of[..10]), CONTACTS);
        workspace.put(&format!("inbox/{name}"), constituents);
        workspace.run_as_of(Some(as_of))
    };
    let workspace = Workspace::with("", &[]);
    let first = week(CONSTITUENTS, "constituents_2027-11-21.csv", "2026-11-22T06:00:00Z", &workspace);
    let summary = std::fs::read_to_string(first.path.join("summary.txt")).unwrap();
    assert!(summary.contains("a date in its name that is after this run (2027-11-21)"), "{summary}");
    assert!(workspace.call("check", &["--as-of", AS_OF]).out.contains("after this run (2027-11-21)"));
    let second = week(&opted_out, "constituents_2026-11-28.csv", "2026-11-29T06:00:00Z", &workspace);
    assert_eq!(second.of_rule("OPT103").len(), 1);
    let third = week(CONSTITUENTS, "constituents_2026-12-05.csv", "2026-12-06T06:00:00Z", &workspace);
    assert_eq!(third.of_rule("OPT113").len(), 1, "the opt-out is remembered");
}

#[test]
fn a_folder_a_week_dates_what_is_in_it() {
    let opted_out = CONSTITUENTS.replace(",N,", ",Y,2026-11-01");
    // folders of this week and of the last | verdicts
    for (this, last, verdicts) in [("2026-11-21", "2026-11-14", ["superseded", "used"]), ("new", "old", ["refused", "refused"])] {
        let workspace = Workspace::with("", &[("contacts_2026-11-21.csv", CONTACTS)]);
        workspace.put(&format!("inbox/{this}/constituents.csv"), &opted_out);
        workspace.put(&format!("inbox/{last}/constituents.csv"), CONSTITUENTS);
        let run = workspace.run_as_of(Some(AS_OF));
        let manifest = run.manifest();
        let verdict = |folder: &str| {
            let inputs = manifest["inputs"].as_array().unwrap();
            let input = inputs.iter().find(|input| input["file"] == format!("{folder}/constituents.csv")).unwrap();
            input["verdict"].as_str().unwrap().to_owned()
        };
        assert_eq!([verdict(last), verdict(this)], verdicts);
        assert_eq!(run.of_rule("OPT103").len(), usize::from(verdicts[1] == "used"));
    }
}
