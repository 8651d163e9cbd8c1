//! What a reviewer decided about a person stands for that person alone, and for as long: also when contacts are merged,
//! exceptions are made, and what it was decided about is found no more.

mod common;

use common::reviewer::{LEAVE, OPT_IN, OPT_OUT, attention, corrected, filled, told, write_csv};
use common::{RunFolder, Workspace};

const ANA: &str = "003Hs00004aBcDeIAK";
const BEN: &str = "003Hs00004aBcDfIAK";

const WEEKS: [&str; 5] =
    ["2026-11-22T06:00:00Z", "2026-11-23T06:00:00Z", "2026-11-24T06:00:00Z", "2026-11-25T06:00:00Z", "2026-11-26T06:00:00Z"];

/// Contacts, each with an id, an address and its box.
fn contacts(rows: &[(&str, &str, &str)]) -> String {
    let rows = rows.iter().map(|(id, email, out)| format!("{id},{email},{out}\n"));
    format!("Id,Email,HasOptedOutOfEmail\n{}", rows.collect::<String>())
}

/// Subscribers, each with a key, an address and a status.
fn subscribers(rows: &[(&str, &str, &str)]) -> String {
    let rows = rows.iter().map(|(key, email, status)| format!("{key},{email},{status}\n"));
    format!("SubscriberKey,EmailAddress,Status\n{}", rows.collect::<String>())
}

fn run(workspace: &Workspace, week: usize, contacts: &str, subscribers: &str) -> RunFolder {
    workspace.put("inbox/contacts_2026-11-21.csv", contacts);
    workspace.put("inbox/subs_2026-11-21.csv", subscribers);
    workspace.run_as_of(Some(WEEKS[week]))
}

/// Ana's subscriber has another address than her contact: a person must look at it.
fn odd(status: &str) -> String {
    subscribers(&[(ANA, "other@example.org", status), (BEN, "ben@example.org", "Active")])
}

fn outcomes(run: &RunFolder, rule: &str) -> Vec<String> {
    run.of_rule(rule).iter().map(|row| row["outcome"].clone()).collect()
}

/// Her subscriber has Ben's address; when her contact is gone, that is all that is left of the discrepancy.
#[test]
fn a_permission_is_nobody_elses_once_its_contact_is_gone() {
    let workspace = Workspace::with("", &[]);
    let both = contacts(&[(ANA, "ana@example.org", "true"), (BEN, "ben@example.org", "true")]);
    let mixed = subscribers(&[(ANA, "ben@example.org", "Unsubscribed"), (BEN, "ben@example.org", "Unsubscribed")]);
    let first = run(&workspace, 0, &both, &mixed);
    write_csv(&workspace, "maria.csv", &filled(&first, "IDN504", &OPT_IN));
    let second = run(&workspace, 1, &both, &mixed);
    assert_eq!(told(&second)[0].0, "applied");
    let third = run(&workspace, 2, &contacts(&[(BEN, "ben@example.org", "true")]), &mixed);
    assert!(corrected(&third).is_empty(), "{:?}", corrected(&third));
    let said = format!("The decision of Maria Lopez in the run 2026-11-23T060000Z (opt back in) is about {ANA}");
    assert!(attention(&third).contains(&said), "{}", attention(&third));
}

/// Merged into another contact with the same address, before the corrections were loaded.
#[test]
fn an_opt_out_by_decision_goes_on_for_whoever_has_the_address() {
    let workspace = Workspace::with("", &[]);
    let before = contacts(&[(ANA, "ana@example.org", "false"), (BEN, "ben@example.org", "false")]);
    write_csv(&workspace, "maria.csv", &filled(&run(&workspace, 0, &before, &odd("Active")), "IDN503", &OPT_OUT));
    assert_eq!(outcomes(&run(&workspace, 1, &before, &odd("Active")), "IDN503"), ["correct"]);
    let merged = "003Hs00004aBcDgIAK";
    let after = contacts(&[(merged, "ana@example.org", "false"), (BEN, "ben@example.org", "false")]);
    let platform = subscribers(&[(merged, "ana@example.org", "Active"), (BEN, "ben@example.org", "Active")]);
    let third = run(&workspace, 2, &after, &platform);
    let out = |target: &str, after: &str| (target.to_owned(), merged.to_owned(), after.to_owned());
    assert_eq!(corrected(&third), [out("marketing_cloud", "Unsubscribed"), out("salesforce", "true")]);
    let found = &third.of_rule("OPT113")[0];
    assert!(found["contact_id"] == merged && !found["due"].is_empty(), "{found:?}");
}

/// Her old subscriber row is left behind and is nobody's; the merged contact has her address.
#[test]
fn a_record_that_is_left_behind_takes_no_decision_away() {
    let workspace = Workspace::with("", &[]);
    let before = contacts(&[(ANA, "ana@example.org", "false"), (BEN, "ben@example.org", "false")]);
    write_csv(&workspace, "maria.csv", &filled(&run(&workspace, 0, &before, &odd("Active")), "IDN503", &OPT_OUT));
    run(&workspace, 1, &before, &odd("Active"));
    let merged = "003Hs00004aBcDgIAK";
    let after = contacts(&[(merged, "ana@example.org", "false"), (BEN, "ben@example.org", "false")]);
    let third = run(&workspace, 2, &after, &odd("Active"));
    let out = |target: &str, record: &str, after: &str| (target.to_owned(), record.to_owned(), after.to_owned());
    assert_eq!(corrected(&third), [out("marketing_cloud", ANA, "Unsubscribed"), out("salesforce", merged, "true")]);
}

/// An exception for what one system says, with another reason, takes the decision off no clock.
#[test]
fn an_exception_takes_no_decided_opt_out_off_the_clock() {
    let workspace = Workspace::with("", &[]);
    let crm = contacts(&[(ANA, "ana@example.org", "false"), (BEN, "ben@example.org", "false")]);
    write_csv(&workspace, "maria.csv", &filled(&run(&workspace, 0, &crm, &odd("Active")), "IDN503", &OPT_OUT));
    run(&workspace, 1, &crm, &odd("Active"));
    workspace
        .put("decisions/exceptions.csv", &format!("who,rule,owner,until,reason\n{ANA},OPT105,Eva Example,2027-06-30,known\n"));
    let right = subscribers(&[(ANA, "ana@example.org", "Unsubscribed"), (BEN, "ben@example.org", "Active")]);
    let third = run(&workspace, 2, &crm, &right);
    assert_eq!(
        (outcomes(&third, "OPT105"), outcomes(&third, "OPT113")),
        (vec!["excepted".to_owned()], vec!["correct".to_owned()])
    );
    assert!(!third.of_rule("OPT113")[0]["due"].is_empty());
}

/// The subscriber that is opted out is nobody's: a decision about it says nothing of the one that is mailed at its address.
#[test]
fn a_decision_about_a_record_without_a_contact_closes_no_case_that_is_open() {
    let workspace = Workspace::with("", &[]);
    let crm = contacts(&[(ANA, "ana@example.org", "false"), (BEN, "ben@example.org", "false")]);
    let platform = subscribers(&[
        ("k-old", "old@example.org", "Unsubscribed"),
        (ANA, "old@example.org", "Active"),
        (BEN, "ben@example.org", "Active"),
    ]);
    write_csv(&workspace, "maria.csv", &filled(&run(&workspace, 0, &crm, &platform), "IDN505", &OPT_OUT));
    assert_eq!(outcomes(&run(&workspace, 1, &crm, &platform), "IDN505"), ["review"]);
}

/// A dozen contacts have the office's address, and its subscriber is one record.
#[test]
fn an_offices_subscriber_is_opted_out_by_decision() {
    let workspace = Workspace::with("", &[]);
    let ids: Vec<String> = (10..22).map(|at| format!("003Hs00004x00{at}IAA")).collect();
    let all: Vec<(&str, &str, &str)> = ids.iter().map(|id| (id.as_str(), "info@example.org", "false")).collect();
    let platform = |status: &str| subscribers(&[("info", "info@example.org", status), (BEN, "ben@example.org", "Active")]);
    let week = |day: u8, status: &str| {
        std::fs::remove_dir_all(workspace.inbox()).unwrap();
        workspace.put(&format!("inbox/contacts_2026-11-{day}.csv"), &contacts(&all));
        workspace.put(&format!("inbox/subs_2026-11-{day}.csv"), &platform(status));
        workspace.run_as_of(Some(&format!("2026-11-{day}T20:00:00Z")))
    };
    week(14, "Unsubscribed");
    write_csv(&workspace, "maria.csv", &filled(&week(21, "Active"), "OPT113", &OPT_OUT));
    let third = week(28, "Active");
    let unsubscribed = ("marketing_cloud".to_owned(), "info".to_owned(), "Unsubscribed".to_owned());
    assert!(corrected(&third).contains(&unsubscribed), "{:?}", corrected(&third));
}

/// The address is put right and the corrections are not loaded: nothing is left of what was decided about.
#[test]
fn an_opt_out_by_decision_is_found_and_due_until_it_is_loaded() {
    let workspace = Workspace::with("", &[]);
    let crm = |out: &str| contacts(&[(ANA, "ana@example.org", out), (BEN, "ben@example.org", "false")]);
    let right = |status: &str| subscribers(&[(ANA, "ana@example.org", status), (BEN, "ben@example.org", "Active")]);
    write_csv(&workspace, "maria.csv", &filled(&run(&workspace, 0, &crm("false"), &odd("Active")), "IDN503", &OPT_OUT));
    let second = run(&workspace, 1, &crm("false"), &odd("Active"));
    assert_eq!((outcomes(&second, "IDN503"), outcomes(&second, "OPT113").len()), (vec!["correct".to_owned()], 0));
    let third = run(&workspace, 2, &crm("false"), &right("Active"));
    let found = &third.of_rule("OPT113")[0];
    assert_eq!((found["contact_id"].as_str(), found["outcome"].as_str(), found["due"].as_str()), (ANA, "correct", "2026-12-04"));
    assert!(found["why"].starts_with("Opted out by decision of Maria Lopez"), "{}", found["why"]);
    let loaded = run(&workspace, 3, &crm("true"), &right("Unsubscribed"));
    assert!(loaded.of_rule("OPT113").is_empty() && corrected(&loaded).is_empty());
}

/// One reviewer opts her out, another leaves the difference of addresses as it is.
#[test]
fn what_a_second_reviewer_leaves_takes_no_opt_out_off_the_clock() {
    let workspace = Workspace::with("", &[]);
    let crm = contacts(&[(ANA, "ana@example.org", "false"), (BEN, "ben@example.org", "false")]);
    let first = run(&workspace, 0, &crm, &odd("Active"));
    write_csv(&workspace, "maria.csv", &filled(&first, "IDN503", &OPT_OUT));
    run(&workspace, 1, &crm, &odd("Active"));
    std::fs::remove_file(workspace.root.join("decisions/maria.csv")).unwrap();
    write_csv(&workspace, "zed.csv", &filled(&first, "IDN503", &LEAVE));
    let third = run(&workspace, 2, &crm, &odd("Active"));
    let found = &third.of_rule("OPT113")[0];
    assert_eq!((outcomes(&third, "IDN503"), found["due"].as_str()), (vec!["excepted".to_owned()], "2026-12-04"));
    assert_eq!(corrected(&third).len(), 2);
}

#[test]
fn an_exception_for_something_else_keeps_no_decision_from_being_carried_out() {
    for rule in ["IDN503", "*"] {
        let workspace = Workspace::with("", &[]);
        let crm = contacts(&[(ANA, "ana@example.org", "false"), (BEN, "ben@example.org", "false")]);
        write_csv(&workspace, "maria.csv", &filled(&run(&workspace, 0, &crm, &odd("Active")), "IDN503", &OPT_OUT));
        let exception = format!("who,rule,owner,until,reason\n{ANA},{rule},Eva Example,2027-06-30,both addresses are hers\n");
        workspace.put("decisions/exceptions.csv", &exception);
        let second = run(&workspace, 1, &crm, &odd("Active"));
        let out = |target: &str, after: &str| (target.to_owned(), ANA.to_owned(), after.to_owned());
        assert_eq!(corrected(&second), [out("marketing_cloud", "Unsubscribed"), out("salesforce", "true")], "{rule}");
    }
}

/// The only decision there is lapses, so that the set after it has none; the records are then as they were.
#[test]
fn what_was_left_and_has_changed_is_not_left_again() {
    let workspace = Workspace::with("", &[]);
    let crm = contacts(&[(ANA, "ana@example.org", "false"), (BEN, "ben@example.org", "false")]);
    write_csv(&workspace, "maria.csv", &filled(&run(&workspace, 0, &crm, &odd("Active")), "IDN503", &LEAVE));
    assert_eq!(outcomes(&run(&workspace, 1, &crm, &odd("Active")), "IDN503"), ["excepted"]);
    std::fs::remove_dir_all(workspace.root.join("decisions")).unwrap();
    for (week, status) in [(2, "Unsubscribed"), (3, "Active"), (4, "Active")] {
        assert_eq!(outcomes(&run(&workspace, week, &crm, &odd(status)), "IDN503"), ["review"], "{week}");
    }
}

#[test]
fn a_review_sheet_in_the_inbox_is_sent_where_it_belongs() {
    let workspace = Workspace::with("", &[]);
    let crm = contacts(&[(ANA, "ana@example.org", "false"), (BEN, "ben@example.org", "false")]);
    let first = run(&workspace, 0, &crm, &odd("Active"));
    std::fs::copy(first.path.join("discrepancies.xlsx"), workspace.inbox().join("reviewed.xlsx")).unwrap();
    write_csv(&workspace, "../inbox/reviewed.csv", &filled(&first, "IDN503", &LEAVE));
    let second = run(&workspace, 1, &crm, &odd("Active"));
    for file in ["reviewed.csv", "reviewed.xlsx"] {
        let said = format!("{file} was refused: it is the review sheet of a run, and no export: drop it into decisions/");
        assert!(attention(&second).contains(&said), "{}", attention(&second));
    }
}
