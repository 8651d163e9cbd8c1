//! Exports that are missing, late, stale or without a column: who said no before has still said it, and nobody else's
//! permission takes the place of that.

mod common;

use std::fs;

use common::{RunFolder, Workspace};

const ANN: &str = "003Hs00004x0001IAA";
const LEAD: &str = "00QHs00004x0003MAA";
const BO: &str = "003Hs00004x0002IAA";

/// Runs over these files and no others.
fn week(workspace: &Workspace, as_of: &str, files: &[(&str, &str)]) -> RunFolder {
    fs::remove_dir_all(workspace.inbox()).unwrap();
    fs::create_dir_all(workspace.inbox()).unwrap();
    files.iter().for_each(|(name, text)| workspace.put(&format!("inbox/{name}"), text));
    workspace.run_as_of(Some(as_of))
}

/// What a rule finds: the contact, and the outcome.
fn found(run: &RunFolder, rule: &str) -> Vec<(String, String)> {
    run.of_rule(rule).into_iter().map(|row| (row["contact_id"].clone(), row["outcome"].clone())).collect()
}

fn only(contact: &str, outcome: &str) -> Vec<(String, String)> {
    vec![(contact.to_owned(), outcome.to_owned())]
}

fn contacts() -> String {
    format!("Id,Email,HasOptedOutOfEmail\n{ANN},ann@example.org,false\n{BO},bo@example.org,false\n")
}

fn subscribers(ann: &str) -> String {
    format!("SubscriberKey,EmailAddress,Status,DateUnsubscribed\n{ANN},ann@example.org,{ann}\n{BO},bo@example.org,Active,\n")
}

/// A contact with a proved opt-in and an opted-out lead share an address: while the lead is missing, its records are tied to
/// the contact by that address.
#[test]
fn an_opt_in_is_carried_to_no_record_that_names_somebody_else() {
    let crm = format!(
        "Id,Email,HasOptedOutOfEmail,Ascend_ID__c,Email_Opt_In_Date__c,Email_Opt_In_Channel__c\n\
         {ANN},fam@example.org,false,0001,2026-11-10,Web form\n{BO},bo@example.org,false,0002,,\n"
    );
    let leads = format!("Lead ID,Email,HasOptedOutOfEmail,Ascend_ID__c\n{LEAD},fam@example.org,false,0003\n");
    let source = format!(
        "Constituent ID,Salesforce Contact ID,Email,Email Opt Out,Opt Out Date\n0001,{ANN},fam@example.org,N,\n\
         0003,{LEAD},fam@example.org,Y,2026-10-01\n0002,{BO},bo@example.org,N,\n"
    );
    let platform = format!(
        "SubscriberKey,EmailAddress,Status,DateUnsubscribed\n{ANN},fam@example.org,Active,\n\
         {LEAD},fam@example.org,Unsubscribed,10/01/2026\n{BO},bo@example.org,Active,\n"
    );
    let all = [
        ("sf_2026-11-14.csv", crm.as_str()),
        ("leads_2026-11-14.csv", &leads),
        ("as_2026-11-14.csv", &source),
        ("mc_2026-11-14.csv", &platform),
    ];
    let workspace = Workspace::with("", &[]);
    let whole = week(&workspace, "2026-11-15T06:00:00Z", &all);
    assert_eq!(found(&whole, "OPT103"), only(LEAD, "correct"));
    let without_leads = [("sf_2026-11-21.csv", crm.as_str()), ("as_2026-11-21.csv", &source), ("mc_2026-11-21.csv", &platform)];
    let first = Workspace::with("", &without_leads).run();
    let later = week(&workspace, "2026-11-22T06:00:00Z", &without_leads);
    for run in [first, later] {
        for rule in ["OPT107", "OPT108"] {
            assert_eq!(found(&run, rule), only(ANN, "review"), "{rule}");
            let why = &run.of_rule(rule)[0]["why"];
            assert!(why.contains(LEAD) && why.contains("an address alone does not say"), "{why}");
        }
        assert!(run.table("corrections.csv").rows().is_empty());
    }
}

/// Bo's constituent is at the address that Ann shared with her, and the column is missing that says it is Bo's.
#[test]
fn an_opt_in_is_carried_to_no_record_that_was_somebody_elses() {
    let crm = |bo: &str, date: &str, channel: &str| {
        format!(
            "Id,Email,HasOptedOutOfEmail,Email_Opt_In_Date__c,Email_Opt_In_Channel__c\n\
             {ANN},fam@example.org,false,{date},{channel}\n{BO},{bo},false,,\n"
        )
    };
    let source = format!(
        "Constituent ID,Salesforce Contact ID,Email,Email Opt Out,Opt Out Date\n0003,{BO},fam@example.org,Y,2026-10-01\n"
    );
    let without_ids = "Constituent ID,Email,Email Opt Out,Opt Out Date\n0003,fam@example.org,Y,2026-10-01\n";
    let workspace = Workspace::with("", &[]);
    let first = [("sf_2026-11-14.csv", &*crm("fam@example.org", "", "")), ("as_2026-11-14.csv", &source)];
    assert_eq!(found(&week(&workspace, "2026-11-15T06:00:00Z", &first), "OPT103"), only(BO, "correct"));
    let second = [("sf_2026-11-21.csv", &*crm("bo@example.org", "2026-11-17", "Web form")), ("as_2026-11-21.csv", without_ids)];
    let run = week(&workspace, "2026-11-22T06:00:00Z", &second);
    assert_eq!(found(&run, "OPT107"), only(ANN, "review"));
    let why = &run.of_rule("OPT107")[0]["why"];
    assert!(why.contains(&format!("An earlier export named the contact {BO} there")), "{why}");
    assert_eq!(found(&run, "OPT113"), only(BO, "correct"));
    assert!(run.table("corrections.csv").rows().iter().all(|row| row["record"] != "0003"));
}

/// A constituent with the address of a contact whose constituent, by id, is another one.
#[test]
fn an_opt_in_is_carried_to_no_second_constituent() {
    let crm = format!(
        "Id,Email,HasOptedOutOfEmail,Email_Opt_In_Date__c,Email_Opt_In_Channel__c\n{ANN},fam@example.org,false,2026-11-10,Web form\n"
    );
    let source = |second: &str| {
        format!(
            "Constituent ID,Salesforce Contact ID,Email,Email Opt Out,Opt Out Date\n{second}\n0003,,fam@example.org,Y,2026-10-01\n"
        )
    };
    for (second, outcome) in [
        (format!("0001,{ANN},fam@example.org,N,"), "review"),
        // Both have nothing but the address.
        ("0001,,fam@example.org,N,".to_owned(), "review"),
        ("0002,,bo@example.org,N,".to_owned(), "correct"),
    ] {
        let run = Workspace::with("", &[("sf_2026-11-21.csv", &crm), ("as_2026-11-21.csv", &source(&second))]).run();
        assert_eq!(found(&run, "OPT107"), only(ANN, outcome), "{second}");
    }
}

/// Both name the lead, which was deleted or is not exported this time; their addresses are not the same.
#[test]
fn records_that_name_one_contact_are_one_persons_without_it() {
    let crm = contacts();
    let leads = format!("Lead ID,Email,HasOptedOutOfEmail\n{LEAD},lee@example.org,false\n");
    let source = format!(
        "Constituent ID,Salesforce Contact ID,Email,Email Opt Out,Opt Out Date\n0009,{LEAD},home@example.org,Y,2026-11-10\n\
         0001,{ANN},ann@example.org,N,\n"
    );
    let platform = format!("SubscriberKey,EmailAddress,Status\n{LEAD},lee@example.org,Active\n{ANN},ann@example.org,Active\n");
    let workspace = Workspace::with("", &[]);
    let all = [
        ("sf_2026-11-14.csv", crm.as_str()),
        ("leads_2026-11-14.csv", &leads),
        ("as_2026-11-14.csv", &source),
        ("mc_2026-11-14.csv", &platform),
    ];
    assert_eq!(found(&week(&workspace, "2026-11-15T06:00:00Z", &all), "OPT104"), only(LEAD, "correct"));
    let without = [("sf_2026-11-21.csv", crm.as_str()), ("as_2026-11-21.csv", &source), ("mc_2026-11-21.csv", &platform)];
    assert_eq!(found(&week(&workspace, "2026-11-22T06:00:00Z", &without), "OPT104"), only("", "correct"));
}

/// An opted-out contact was merged away; another one has what was its second address.
#[test]
fn who_is_gone_is_known_by_every_address() {
    let header = "(Do Not Modify) Contact,Email,Email Address 2,Do not allow Bulk Emails\n";
    let row = |at: u8, first: &str, second: &str, bulk: &str| {
        format!("7b2a0000-1111-4222-8333-00000000000{at},{first},{second},{bulk}\n")
    };
    let (kept, other) = (row(2, "home@example.org", "", "Allow"), row(3, "bo@example.org", "", "Allow"));
    for (first, second) in [("work@example.org", "home@example.org"), ("home@example.org", "work@example.org")] {
        let workspace = Workspace::with("", &[]);
        let all = format!("{header}{}{kept}{other}", row(1, first, second, "Do Not Allow"));
        let before = week(&workspace, "2026-11-15T06:00:00Z", &[("dy_2026-11-14.csv", &all)]);
        assert_eq!(found(&before, "OPT113"), []);
        let after = week(&workspace, "2026-11-22T06:00:00Z", &[("dy_2026-11-21.csv", &format!("{header}{kept}{other}"))]);
        assert_eq!(found(&after, "OPT113"), only("7b2a0000-1111-4222-8333-000000000002", "correct"), "{first}");
    }
}

/// A bar that is linked to one of two contacts with its address is both of theirs: it names nobody else.
#[test]
fn a_record_of_two_contacts_is_opted_in_by_either() {
    let row = |at: u8| format!("7b2a0000-1111-4222-8333-00000000000{at},us@example.org,Allow,2026-11-10,Web form\n");
    let contacts = format!(
        "(Do Not Modify) Contact,Email,Do not allow Bulk Emails,Email Opt In Date,Email Opt In Channel\n{}{}",
        row(1),
        row(2)
    );
    let bar = "(Do Not Modify) Unsubscribe,Email,Linked Contact ID,Created On\n\
               9d2a0000-1111-4222-8333-000000000001,us@example.org,7b2a0000-1111-4222-8333-000000000001,2026-10-01\n";
    let columns = "[systems.dynamics.columns]\nopt_in_at = \"Email Opt In Date\"\nopt_in_evidence = \"Email Opt In Channel\"\n";
    let files = [("dy_2026-11-21.csv", contacts.as_str()), ("unsubscribes_2026-11-21.csv", bar)];
    let run = Workspace::with(columns, &files).run();
    let outcomes: Vec<String> = run.of_rule("OPT111").iter().map(|row| row["outcome"].clone()).collect();
    assert_eq!(outcomes, ["correct", "correct"], "{:?}", run.of_rule("OPT111"));
}

/// An export that lacks an opt-out and does not count says nothing of it: the others are corrected as if it were missing.
#[test]
fn an_opt_out_counts_on_beside_exports_that_are_older_or_of_the_same_time() {
    for (day, as_of) in [("2026-11-19", "2026-11-23T06:00:00Z"), ("2026-11-20", "2026-11-21T18:00:00Z")] {
        let workspace = Workspace::with("", &[]);
        let files = [("sf_2026-11-20.csv", contacts()), ("mc_2026-11-20.csv", subscribers("Unsubscribed,11/10/2026"))];
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        assert_eq!(found(&week(&workspace, "2026-11-21T06:00:00Z", &files), "OPT105"), only(ANN, "correct"));
        let name = format!("mc_{day}.csv");
        let second = week(&workspace, as_of, &[files[0], (&name, &subscribers("Active,"))]);
        assert_eq!(found(&second, "OPT113"), only(ANN, "correct"), "{day}");
        let rows = second.table("corrections/salesforce_contacts_opt_out.csv").sorted(&["Id"]);
        assert_eq!(rows, [[ANN]], "{day}");
    }
}

#[test]
fn a_stale_file_of_one_list_does_not_hide_who_left_another() {
    let workspace = Workspace::with("[systems.campaign_monitor]\nfiles = [\"cm_*\"]\n", &[]);
    let events = "Email,List,State,Date\nbo@example.org,Events,Active,2026-01-01\n";
    for (day, state) in [("2026-11-07", "Unsubscribed"), ("2026-11-14", "Active"), ("2026-11-21", "Active")] {
        let news =
            format!("Email,List,State,Date\nann@example.org,News,{state},2026-11-01\nbo@example.org,News,Active,2026-01-01\n");
        let files = [
            (format!("sf_{day}.csv"), contacts()),
            (format!("cm_news_{day}.csv"), news),
            ("cm_events_2026-01-14.csv".to_owned(), events.to_owned()),
        ];
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let run = week(&workspace, &format!("{day}T20:00:00Z"), &files);
        let rule = if state == "Active" { "OPT113" } else { "LST402" };
        assert_eq!(found(&run, rule), only(ANN, "correct"), "{day}");
    }
}

/// Nobody can tell which of two exports of one time was made first: a box that is ticked in either is a new opt-out.
#[test]
fn an_opt_out_that_is_renewed_within_a_day_is_a_new_one() {
    let crm = |ticked: &str, channel: &str| {
        format!(
            "Id,Email,HasOptedOutOfEmail,Email_Opt_In_Channel__c\n{ANN},ann@example.org,{ticked},{channel}\n{BO},bo@example.org,false,\n"
        )
    };
    let platform = subscribers("Active,");
    let workspace = Workspace::with("", &[]);
    let weeks = [
        ("2026-11-08T06:00:00Z", "2026-11-07", "true", ""),
        ("2026-11-15T06:00:00Z", "2026-11-14", "false", "Web form"),
        ("2026-11-15T20:00:00Z", "2026-11-14", "true", "Web form"),
        ("2026-11-22T06:00:00Z", "2026-11-21", "false", "Web form"),
    ];
    let mut told = Vec::new();
    for (as_of, day, ticked, channel) in weeks {
        let names = [format!("sf_{day}.csv"), format!("mc_{day}.csv")];
        let run = week(&workspace, as_of, &[(&names[0], &crm(ticked, channel)), (&names[1], &platform)]);
        told.push([found(&run, "OPT102").len(), found(&run, "OPT113").len()]);
    }
    assert_eq!(told, [[1, 0], [0, 0], [1, 0], [0, 1]]);
}

/// The subscribers' file tells whose a key is; a week without it, or one without the unit's file, ends nothing.
#[test]
fn whose_an_opt_out_is_stays_known_while_the_file_is_missing_that_tells_it() {
    let crm = contacts();
    let subscribers = "SubscriberKey,EmailAddress,Status\nK-17,ann@example.org,Active\nK-18,bo@example.org,Active\n";
    let units = "BusinessUnitID,UnsubDateUTC,UnsubReason,SubscriberKey\n77,11/1/2026 9:00:00 AM,,K-17\n";
    let workspace = Workspace::with("", &[]);
    let first = [("sf_2026-11-14.csv", crm.as_str()), ("mc_2026-11-14.csv", subscribers), ("units_2026-11-14.csv", units)];
    assert_eq!(found(&week(&workspace, "2026-11-15T06:00:00Z", &first), "OPT105"), only(ANN, "correct"));
    let second = [("sf_2026-11-21.csv", crm.as_str()), ("units_2026-11-21.csv", units)];
    assert_eq!(found(&week(&workspace, "2026-11-22T06:00:00Z", &second), "OPT113"), only(ANN, "correct"));
    let third = [("sf_2026-11-28.csv", crm.as_str()), ("mc_2026-11-28.csv", subscribers)];
    assert_eq!(found(&week(&workspace, "2026-11-29T06:00:00Z", &third), "OPT113"), only(ANN, "correct"));
}

/// What a platform calls a unit, another calls a list: its opt-outs are the person's under any policy for units.
#[test]
fn an_opt_out_of_a_list_is_remembered_whatever_is_done_with_units() {
    let crm = contacts();
    let list = "Email,List,State,Date\nann@example.org,News,Unsubscribed,2026-11-01\nbo@example.org,News,Active,2026-01-01\n";
    for policy in ["all", "unit"] {
        let configuration =
            format!("[policy]\nunit_unsubscribe = \"{policy}\"\n[systems.campaign_monitor]\nfiles = [\"cm_*\"]\n");
        let workspace = Workspace::with(&configuration, &[]);
        week(&workspace, "2026-11-15T06:00:00Z", &[("sf_2026-11-14.csv", &crm), ("cm_news_2026-11-14.csv", list)]);
        let second = week(&workspace, "2026-11-22T06:00:00Z", &[("sf_2026-11-21.csv", &crm)]);
        assert_eq!(found(&second, "OPT113"), only(ANN, "correct"), "{policy}");
    }
}

/// What a missing platform said counts on; the summary names it, and does not claim that all is well.
#[test]
fn a_platform_that_is_missing_is_named() {
    let crm = contacts().replace("ann@example.org,false", "ann@example.org,true");
    let workspace = Workspace::with("", &[]);
    let platform = subscribers("Active,");
    week(&workspace, "2026-11-15T06:00:00Z", &[("sf_2026-11-14.csv", &crm), ("mc_2026-11-14.csv", &platform)]);
    let second = week(&workspace, "2026-11-22T06:00:00Z", &[("sf_2026-11-21.csv", &crm)]);
    let summary = second.text("summary.txt");
    let named = "No export of Marketing Cloud subscribers is used this time, which earlier runs had";
    assert!(summary.contains(&format!("! {named}")), "{summary}");
    let checked = workspace.call("check", &["--as-of", "2026-11-29T06:00:00Z"]);
    assert!(checked.out.contains(named), "{}", checked.out);
    assert!(summary.contains("Of what could be compared nothing is overdue"), "{summary}");
    assert!(summary.contains("1 earlier discrepancy could not be: an export is missing"), "{summary}");
    let later = week(&workspace, "2026-12-20T06:00:00Z", &[("sf_2026-12-19.csv", &crm)]);
    assert!(!later.text("summary.txt").contains("No export of Marketing Cloud"), "a system that is no more is forgotten");
}

/// Names as exports of Dynamics have them, and a copy of last week's file that is newer on the disk.
#[test]
fn the_newest_export_is_the_one_whose_name_says_so() {
    let dynamics = |bulk: &str| {
        format!(
            "(Do Not Modify) Contact,Email,Do not allow Bulk Emails\n7b2a0000-1111-4222-8333-000000000001,ann@example.org,{bulk}\n"
        )
    };
    let platform = "SubscriberKey,EmailAddress,Status\nk1,ann@example.org,Active\n";
    let files = [
        ("My Active Contacts 11-21-2026 10-30-15 AM.csv", dynamics("Do Not Allow")),
        ("My Active Contacts 11-14-2026 10-30-15 AM.csv", dynamics("Allow")),
        ("mc_2026-11-21.csv", platform.to_owned()),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let run = Workspace::with("", &files).run();
    assert_eq!(run.of_rule("OPT102").len(), 1);
    assert!(run.text("summary.txt").contains("superseded by My Active Contacts 11-21-2026 10-30-15 AM.csv"));

    let run = Workspace::with("", &[("My Active Contacts 10-11-2026.csv", &dynamics("Allow"))]).run();
    assert!(run.text("summary.txt").contains("whose day and month cannot be told apart"), "{}", run.text("summary.txt"));
}

#[test]
fn what_stands_where_a_header_should_is_not_repeated() {
    let workspace = Workspace::with(
        "",
        &[("sf_2026-11-21.csv", &contacts()), ("list.csv", "p1@secret.example,Ana,true\nx@y.example,B,no\n")],
    );
    let summary = workspace.run().text("summary.txt");
    assert!(summary.contains("list.csv was refused") && summary.contains("its first row is data"), "{summary}");
    assert!(!summary.contains("secret"), "{summary}");
}

/// What the source says is left by an exception; what the platform said before it deleted the subscriber is not.
#[test]
fn an_exception_for_one_opt_out_hides_no_other() {
    let source = format!(
        "Constituent ID,Salesforce Contact ID,Email,Email Opt Out,Opt Out Date\n0001,{ANN},ann@example.org,Y,2026-10-01\n"
    );
    let (crm, said) = (contacts(), subscribers("Unsubscribed,11/10/2026"));
    let deleted = said.lines().filter(|line| !line.contains("Unsubscribed,")).collect::<Vec<_>>().join("\n") + "\n";
    let workspace = Workspace::with("", &[]);
    let exception = "who,rule,owner,until,reason\nann@example.org,OPT103,Kim Example,2027-06-30,by letter\n";
    workspace.put("decisions/exceptions.csv", exception);
    for (day, platform, rule) in [("14", &said, "OPT105"), ("21", &deleted, "OPT113"), ("28", &deleted, "OPT113")] {
        let names = ["sf", "as", "mc"].map(|system| format!("{system}_2026-11-{day}.csv"));
        let files = [(names[0].as_str(), crm.as_str()), (&names[1], &source), (&names[2], platform)];
        let run = week(&workspace, &format!("2026-11-{day}T20:00:00Z"), &files);
        assert_eq!(found(&run, "OPT103"), only(ANN, "excepted"), "{day}");
        assert_eq!(found(&run, rule), only(ANN, "correct"), "{day}");
    }
}

/// An office's unsubscribe opts nobody out, and is not forgotten either when somebody sets it to active.
#[test]
fn an_offices_opt_out_that_is_undone_is_reviewed() {
    let mut crm = contacts();
    (10..22).for_each(|at| crm += &format!("003Hs00004x00{at}IAA,info@example.org,false\n"));
    let platform = |state: &str| format!("{}info,info@example.org,{state}\n", subscribers("Active,"));
    let workspace = Workspace::with("", &[]);
    let first = [("sf_2026-11-14.csv", crm.as_str()), ("mc_2026-11-14.csv", &platform("Unsubscribed,11/3/2026"))];
    let reviewed = found(&week(&workspace, "2026-11-15T06:00:00Z", &first), "OPT105");
    assert!(reviewed.len() == 12 && reviewed.iter().all(|(_, outcome)| outcome == "review"), "{reviewed:?}");
    let run =
        week(&workspace, "2026-11-22T06:00:00Z", &[("sf_2026-11-21.csv", &crm), ("mc_2026-11-21.csv", &platform("Active,"))]);
    assert_eq!(found(&run, "OPT113"), only("003Hs00004x0010IAA", "review"));
    let why = &run.of_rule("OPT113")[0]["why"];
    assert!(why.starts_with("Opted out in Marketing Cloud on 2026-11-03, and not any more"), "{why}");
    assert!(why.contains("info@example.org is on more contacts than max_shared = 10"), "{why}");
    assert!(run.table("corrections.csv").rows().is_empty());
}

#[test]
fn a_row_whose_preference_cannot_be_read_is_not_gone() {
    let workspace = Workspace::with("", &[]);
    let crm = |ann: &str| contacts().replace("ann@example.org,false", &format!("ann@example.org,{ann}"));
    week(&workspace, "2026-11-15T06:00:00Z", &[("sf_2026-11-14.csv", &crm("true"))]);
    let run = week(&workspace, "2026-11-22T06:00:00Z", &[("sf_2026-11-21.csv", &crm("maybe"))]);
    let why = &run.of_rule("OPT113")[0]["why"];
    assert!(why.contains("as an earlier export said") && !why.contains("no such record"), "{why}");
}

/// The platform mails the address that said no under another key; neither record's contact has it in the CRM.
#[test]
fn an_opted_out_record_without_a_contact_is_reviewed_where_its_address_is_mailed() {
    for (state, outcome) in [("Active", "review"), ("Held", "note"), ("Unsubscribed", "note")] {
        let platform = format!(
            "SubscriberKey,EmailAddress,Status\nk-old,ann.old@example.org,Unsubscribed\n{ANN},ann.old@example.org,{state}\n\
             {BO},bo@example.org,Active\n"
        );
        let run = Workspace::with("", &[("sf_2026-11-21.csv", &contacts()), ("mc_2026-11-21.csv", &platform)]).run();
        assert_eq!(found(&run, "IDN505"), only("", outcome), "{state}");
        let why = &run.of_rule("IDN505")[0]["why"];
        let says = format!("It is opted out, and its address is active in Marketing Cloud under {ANN}");
        assert_eq!(why.contains(&says), outcome == "review", "{why}");
    }
}

/// What an old export of the unsubscribe records lacks may have been added since.
#[test]
fn an_unsubscribe_record_is_not_created_by_what_a_stale_export_lacks() {
    let id = "7b2a0000-1111-4222-8333-000000000001";
    let contacts = format!("(Do Not Modify) Contact,Email,Do not allow Bulk Emails\n{id},ann@example.org,Do Not Allow\n");
    let unsubscribes = "(Do Not Modify) Unsubscribe,Email,Linked Contact ID,Linked Lead ID,Subscription List,State,Created On\n\
                        7b2a0000-1111-4222-8333-000000000009,zoe@example.org,,,,Active,2026-09-01 10:00:00\n";
    for (day, outcome) in [("2026-11-20", "correct"), ("2026-10-31", "held")] {
        let name = format!("unsub_{day}.csv");
        let files = [("contacts_2026-11-21.csv", contacts.as_str()), (name.as_str(), unsubscribes)];
        let run = Workspace::with("", &files).run_as_of(Some("2026-11-22T06:00:00Z"));
        let found: Vec<String> = run.of_rule("OPT112").into_iter().map(|row| row["outcome"].clone()).collect();
        assert_eq!(found, [outcome], "{day}: {}", run.text("summary.txt"));
    }
}
