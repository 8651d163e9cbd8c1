//! Platforms that keep a state for each list: one round of corrections settles it, and the report answers what the
//! vendor's own checklist asks.

mod common;

use std::path::Path;

use common::importer::load;
use common::{Workspace, files_below};

fn case(name: &str) -> Workspace {
    let input = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name).join("input");
    let workspace = Workspace::empty();
    for (file, bytes) in files_below(&input) {
        workspace.put(&file, &String::from_utf8(bytes).unwrap());
    }
    workspace
}

#[test]
fn one_round_settles_the_lists() {
    for name in ["campaign_monitor", "activecampaign", "combination"] {
        let workspace = case(name);
        let run = workspace.run();
        run.assert_rows_are_accounted_for();
        let mut exports = workspace.exports();
        load(&mut exports, &run.path.join("corrections"));
        let next = workspace.over(&exports).run_as_of(Some(common::AS_OF));
        let left: Vec<_> = next.discrepancies().into_iter().filter(|row| row["outcome"] == "correct").collect();
        assert!(left.is_empty(), "{name}: {left:#?}");
        assert!(!next.path.join("corrections").exists(), "{name}: corrections without a discrepancy");
        next.assert_rows_are_accounted_for();
    }
}

#[test]
fn the_undo_files_restore_the_states() {
    for name in ["campaign_monitor", "activecampaign"] {
        let workspace = case(name);
        let run = workspace.run();
        let before = workspace.run().discrepancies();
        let mut exports = workspace.exports();
        load(&mut exports, &run.path.join("corrections"));
        // The source's codes are not what is tested here.
        let undo = run.path.join("undo");
        let _ = std::fs::remove_file(undo.join("ascend_opt_out.csv"));
        load(&mut exports, &undo);
        let after = workspace.over(&exports).run_as_of(Some(common::AS_OF)).discrepancies();
        let found = |rows: &[common::Row], rule: &str| -> Vec<[String; 3]> {
            // Who was unsubscribed from every list at once cannot be given back the ones that there were.
            let of_rule = rows.iter().filter(|row| row["rule"] == rule && !row["subject"].is_empty());
            of_rule.map(|row| ["contact_id", "b_record", "subject"].map(|column| row[column].clone())).collect()
        };
        assert_eq!(found(&before, "LST401"), found(&after, "LST401"), "{name}");
    }
}

/// Campaign Monitor asks of a box that is not as expected: is the address on several contacts, is there an active
/// membership, did the subscriber bounce?
#[test]
fn the_vendors_checklist_is_answered() {
    let run = case("campaign_monitor").run();
    let has = |rule: &str, email: &str, subject: &str| {
        run.of_rule(rule).iter().any(|row| row["email"] == email && row["subject"] == subject)
    };
    assert!(has("IDN501", "home@example.org", ""), "duplicates in the CRM");
    assert!(has("LST401", "home@example.org", "Alumni News"), "an active membership");
    assert!(has("BNC201", "dan@example.org", ""), "the subscriber bounced");
    assert!(has("BNC202", "gus@example.org", ""), "the subscriber is suppressed for a bounce");
}

/// The request sheet shows each subscriber's shirt, as staff know it, with the opt-in and its evidence.
#[test]
fn requests_show_the_shirts() {
    let run = case("combination").run();
    let bytes = std::fs::read(run.path.join("corrections/marketing_cloud_resubscribe_requests.xlsx")).unwrap();
    let rows: Vec<String> = common::importer::sheet(bytes)
        .iter()
        .map(|row| ["Email Address", "Present Status", "Shirt", "Opt-in Evidence"].map(|name| row[name].clone()).join(" | "))
        .collect();
    assert_eq!(
        rows,
        [
            "gus@example.org | unsub | red | Web form",
            "lea@example.org | Undeliverable | gray | Phone call",
            "max@example.org | Bounced | yellow | Web form"
        ]
    );
}

#[test]
fn what_is_deleted_or_suppressed_is_never_imported() {
    let run = case("campaign_monitor").run();
    for (file, bytes) in files_below(&run.path.join("corrections")).into_iter().filter(|(file, _)| file.starts_with("campaign_"))
    {
        let text = String::from_utf8(bytes).unwrap();
        for address in ["hal@example.org", "ida@example.org", "fay@example.org", "gus@example.org", "eve@example.org"] {
            assert!(!text.contains(address), "{file} lists {address}");
        }
    }
}

#[test]
fn a_file_that_names_neither_list_nor_state_says_what_to_add() {
    let run = case("campaign_monitor").run();
    let manifest = run.manifest();
    let inputs = manifest["inputs"].as_array().unwrap();
    let refused = inputs.iter().find(|input| input["file"] == "gala_2026-11-21.csv").unwrap();
    let why = refused["why"].as_str().unwrap();
    for line in
        ["[systems.campaign_monitor.lists] \"gala_*.csv\"", "[systems.campaign_monitor.states] \"gala_*.csv\" = \"Active\""]
    {
        assert!(why.contains(line), "{why}");
    }
    assert_eq!(run.status, 3);
}

/// An exception leaves the membership as it is, and the other lists of the person are put right.
#[test]
fn an_exception_leaves_a_membership_alone() {
    let contacts =
        "Id,Email,HasOptedOutOfEmail\n003Hs0000000001IAA,ana@example.org,true\n003Hs0000000002IAA,ben@example.org,true\n";
    let subscribers = "EmailAddress,List,State\nana@example.org,Events,Active\nben@example.org,Events,Active\n";
    let workspace = Workspace::with("", &[("contacts_2026-11-21.csv", contacts), ("events_2026-11-21.csv", subscribers)]);
    workspace.put(
        "decisions/exceptions.csv",
        "who,rule,owner,until,reason\nana@example.org,LST401,Maria Lopez,2027-01-31,Board member\n",
    );
    let run = workspace.run_as_of(Some(common::AS_OF));
    let outcomes: Vec<String> = run.of_rule("LST401").iter().map(|row| format!("{} {}", row["email"], row["outcome"])).collect();
    assert_eq!(outcomes, ["ana@example.org excepted", "ben@example.org correct"]);
    let load = run.table("corrections/campaign_monitor_unsubscribe_events.csv");
    assert_eq!(load.cells, [["Events", "ben@example.org", "Unsubscribed"]]);
}

/// Two lists from which the same people went on the same day are two files of the same bytes.
#[test]
fn lists_with_the_same_rows_are_no_copies() {
    let gone = "EmailAddress,Name,Date\nana@example.org,Ana Ahl,2026-11-03 10:15:00\n";
    let workspace = Workspace::with(
        "",
        &[
            ("salesforce_contacts_2026-11-21.csv", "Id,Email,HasOptedOutOfEmail\n003Hs0000000001IAA,ana@example.org,false\n"),
            ("Alumni News-unsubscribed-2026-11-21.csv", gone),
            ("Athletics-unsubscribed-2026-11-21.csv", gone),
        ],
    );
    let run = workspace.run_as_of(Some(common::AS_OF));
    let manifest = run.manifest();
    let verdicts: Vec<&str> =
        manifest["inputs"].as_array().unwrap().iter().map(|input| input["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["used"; 3], "{manifest:#}");
    assert_eq!(run.of_rule("LST402").len(), 1, "unsubscribed from every list");
}

#[test]
fn a_list_in_other_capitals_is_the_same_list() {
    let contacts =
        "Id,Email,HasOptedOutOfEmail\n003Hs0000000001IAA,ann@example.org,false\n003Hs0000000002IAA,bo@example.org,false\n";
    let active = "EmailAddress,ListJoinedDate\nann@example.org,2026-01-01\nbo@example.org,2026-01-01\n";
    let unsubscribed = "EmailAddress,ListJoinedDate\nann@example.org,2026-01-01\n";
    for list in ["News", "news"] {
        let name = format!("{list}-unsubscribed-2026-11-21.csv");
        let files = [("sf_2026-11-21.csv", contacts), ("News-active-2026-11-14.csv", active), (name.as_str(), unsubscribed)];
        let run = Workspace::with("[systems.campaign_monitor]\nfiles = [\"?ews-*\"]\n", &files).run_as_of(Some(common::AS_OF));
        let found: Vec<String> = run.of_rule("LST402").iter().map(|row| row["contact_id"].clone()).collect();
        assert_eq!(found, ["003Hs0000000001IAA"], "{list}");
        assert!(run.of_rule("LST403").is_empty(), "{list}");
    }
}

/// A file that says in each row of which list it is lies in the inbox from week to week: last week's says nothing any more once
/// a newer one is there. What is new may be an export in parts.
#[test]
fn last_weeks_lists_do_not_count_beside_this_weeks() {
    let crm = "Id,Email,HasOptedOutOfEmail\n003Hs0000000001IAA,ann@example.org,false\n";
    let header = "Email,List,Status,Date Unsubscribed\n";
    let list = |name: &str, state: &str| format!("{header}ann@example.org,{name},{state}\n");
    let before = format!("{}ann@example.org,Events,Active,\nbo@example.org,Events,Active,\n", list("News", "Active,"));
    let workspace = Workspace::with("[systems.activecampaign]\nfiles = [\"ac_*\"]\n", &[("sf_2026-10-31.csv", crm)]);
    workspace.put("inbox/ac_2026-10-31.csv", &before);
    assert!(workspace.run_as_of(Some("2026-11-01T07:00:00Z")).of_rule("LST402").is_empty());
    let after = format!("{}bo@example.org,Events,Active,\n", list("News", "Unsubscribed,2026-11-05"));
    workspace.put("inbox/ac_2026-11-07.csv", &after);
    let run = workspace.run_as_of(Some("2026-11-08T07:00:00Z"));
    assert_eq!(run.of_rule("LST402").len(), 1);
    assert!(run.text("summary.txt").contains("superseded by ac_2026-11-07.csv"));
    // Both are new.
    workspace.put("inbox/ac_2026-11-14.csv", &list("News", "Unsubscribed,2026-11-05"));
    workspace.put("inbox/ac_events_2026-11-13.csv", &list("Events", "Active,"));
    let run = workspace.run_as_of(Some("2026-11-15T07:00:00Z"));
    let summary = run.text("summary.txt");
    assert_eq!((run.of_rule("LST402").len(), run.of_rule("OPT113").len()), (0, 1), "{summary}");
    assert!(!summary.contains("ac_events_2026-11-13.csv was not used"), "{summary}");
}
