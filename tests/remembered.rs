//! Opt-outs that an export stops showing without anybody having opted in: they are held, deleted, edited, or only one list's
//! by now. Each case is a small workspace over two weeks, whose corrections nobody loads.

mod common;

use std::fs;

use common::{RunFolder, Workspace};

const CRM: &str = "Id,Email,HasOptedOutOfEmail,Ascend_ID__c\n003Hs0000000001IAA,ann@example.org,false,0001\n";
const SOURCE: &str = "Constituent ID,Email,Email Opt Out,Opt Out Date\n0001,ann@example.org,N,\n";
const SUBSCRIBERS: &str = "SubscriberKey,EmailAddress,Status,DateUnsubscribed\n";
const MEMBERS: &str = "Email,List,State,Date\n";
const CONTACTS: &str = "Email,List,Status,Date Unsubscribed\n";
const PATTERNS: &str =
    "[systems.campaign_monitor]\nfiles = [\"cm_*\"]\nzone = \"America/Denver\"\n[systems.activecampaign]\nfiles = [\"ac_*\"]\n";

/// Export files by the beginnings of their names.
type Week<'a> = &'a [(&'a str, &'a str)];

/// The runs over two weeks of exports.
fn two_weeks(configuration: &str, weeks: [Week<'_>; 2]) -> [RunFolder; 2] {
    let workspace = Workspace::with(configuration, &[]);
    [(weeks[0], "2026-11-21"), (weeks[1], "2026-11-28")].map(|(files, day)| {
        let _ = fs::remove_dir_all(workspace.inbox());
        for (name, text) in files {
            workspace.put(&format!("inbox/{name}_{day}.csv"), text);
        }
        workspace.run_as_of(Some(&format!("{day}T20:00:00Z")))
    })
}

/// System and record of each correction of an opt-out, in order.
fn opted_out(run: &RunFolder) -> Vec<String> {
    let rows = run.table("corrections.csv").rows().into_iter();
    let mut records: Vec<String> = rows.map(|row| format!("{} {}", row["target"], row["record"])).collect();
    records.sort();
    records.dedup();
    records
}

const EVERYWHERE: [&str; 2] = ["ascend 0001", "salesforce 003Hs0000000001IAA"];

#[test]
fn who_is_not_mailed_any_more_has_still_said_no() {
    let mailer = |row: &str| format!("{SUBSCRIBERS}003Hs0000000001IAA,ann@example.org,{row}\n");
    let member = |row: &str| format!("{MEMBERS}ann@example.org,News,{row}\n");
    let contact = |row: &str| format!("{CONTACTS}ann@example.org,News,{row}\n");
    // file | first week | second week
    for (file, first, second) in [
        ("mc", mailer("Unsubscribed,2026-11-01"), mailer("Held,")),
        ("mc", mailer("Unsubscribed,2026-11-01"), mailer("Deleted,")),
        ("cm", member("Unsubscribed,2026-11-01"), member("Deleted,2026-11-25")),
        ("ac", contact("Unsubscribed,2026-11-01"), contact("91,")),
        ("ac", contact("Unsubscribed,2026-11-01"), contact("Unconfirmed,")),
    ] {
        let weeks = [first, second].map(|text| [("sf", CRM.to_owned()), ("as", SOURCE.to_owned()), (file, text)]);
        let weeks = weeks.each_ref().map(|week| week.each_ref().map(|(name, text)| (*name, text.as_str())));
        let [before, after] = two_weeks(PATTERNS, [&weeks[0], &weeks[1]]);
        assert_eq!(opted_out(&before), EVERYWHERE, "{file}");
        assert_eq!(opted_out(&after), EVERYWHERE, "{file}: {}", weeks[1][2].1);
        assert!(!after.of_rule("OPT113").is_empty(), "{file}");
    }
}

#[test]
fn another_list_is_no_opt_in() {
    let before = format!("{MEMBERS}ann@example.org,News,Unsubscribed,2026-11-10\n");
    let after = format!("{before}ann@example.org,Campaign 2027,Active,2026-11-25\n");
    let [_, run] =
        two_weeks(PATTERNS, [&[("sf", CRM), ("as", SOURCE), ("cm", &before)], &[("sf", CRM), ("as", SOURCE), ("cm", &after)]]);
    let found = run.of_rule("OPT113").remove(0);
    assert!(
        found["why"].starts_with("Unsubscribed from every list of Campaign Monitor on 2026-11-10, and not from all"),
        "{}",
        found["why"]
    );
    assert_eq!(opted_out(&run), ["ascend 0001", "campaign_monitor ann@example.org", "salesforce 003Hs0000000001IAA"]);
}

/// Who left one list of several never said anything of the others.
#[test]
fn leaving_one_list_stays_with_the_list() {
    let two = |name: &str, header: &str, first: &str, second: &str| {
        let [first, second] = [first, second].map(|row| format!("{header}{row}ann@example.org,Club,Active,\n"));
        let [before, after] = two_weeks(PATTERNS, [&[("sf", CRM), (name, &first)], &[("sf", CRM), (name, &second)]]);
        for run in [before, after] {
            assert!(opted_out(&run).is_empty(), "{name}: {second}");
        }
    };
    for (name, header) in [("cm", MEMBERS), ("ac", CONTACTS)] {
        let gone = "ann@example.org,News,Unsubscribed,2026-11-01\n";
        for second in ["ann@example.org,News,Active,\n", "ann@example.org,News,Deleted,\n", ""] {
            if name == "cm" || !second.contains("Deleted") {
                two(name, header, gone, second);
            }
        }
    }
}

/// With a form that anybody can fill in, an address that nobody confirmed proves nothing.
#[test]
fn only_an_active_membership_opts_in() {
    let out = SOURCE.replace(",N,", ",Y,2026-10-01");
    for (status, opts_in) in [("Active", true), ("Unconfirmed", false), ("91", false), ("Bounced", false)] {
        let members = format!(
            "Email,List,Status,Date Subscribed,Consent,Bounced Hard,Salesforce Contact ID\n\
             ann@example.org,News,{status},2026-11-10 10:00:00,web form,0,003Hs0000000001IAA\n"
        );
        let configuration = format!("{PATTERNS}[systems.activecampaign.columns]\nopt_in_evidence = \"Consent\"\n");
        let files = [("sf_2026-11-21.csv", CRM), ("as_2026-11-21.csv", out.as_str()), ("ac_2026-11-21.csv", members.as_str())];
        let run = Workspace::with(&configuration, &files).run_as_of(Some("2026-11-21T20:00:00Z"));
        assert_eq!(run.of_rule("OPT107").len(), usize::from(opts_in), "{status}");
        assert_eq!(run.of_rule("OPT103").len(), usize::from(!opts_in), "{status}");
    }
}

const ANN: &str = "11111111-1111-4111-8111-111111111111";
const BEN: &str = "22222222-2222-4222-8222-222222222222";
const PEOPLE: &str = "(Do Not Modify) Contact,Email,Do not allow Bulk Emails\n";
const RECORDS: &str = "(Do Not Modify) Unsubscribe,Email,Linked Contact ID,Linked Lead ID,Subscription List,State,Created On\n\
                       33333333-3333-4333-8333-333333333339,zoe@example.org,,,,Active,2026-09-01 10:00:00\n";

fn record(email: &str, contact: &str, lead: &str, list: &str) -> String {
    format!("{RECORDS}33333333-3333-4333-8333-333333333333,{email},{contact},{lead},{list},Active,2026-09-01 10:00:00\n")
}

#[test]
fn an_unsubscribe_record_bars_whom_it_is_linked_to_and_is_remembered_for_them() {
    let contact = format!("{PEOPLE}{ANN},ann.new@example.org,Allow\n");
    let barred = record("ann.old@example.org", ANN, "", "");
    let [before, after] =
        two_weeks("", [&[("contacts", &contact), ("unsub", &barred)], &[("contacts", &contact), ("unsub", RECORDS)]]);
    assert_eq!(before.of_rule("OPT111").len(), 1);
    assert_eq!(after.of_rule("OPT113").len(), 1, "its deletion is nobody's opt-in");
    assert_eq!(opted_out(&after), [format!("dynamics {ANN}")]);

    let lead = format!("(Do Not Modify) Lead,Email,Do not allow Bulk Emails\n{BEN},ben.new@example.org,Allow\n");
    let files = [
        ("contacts_2026-11-21.csv", contact.as_str()),
        ("leads_2026-11-21.csv", lead.as_str()),
        ("unsub_2026-11-21.csv", &record("ben.old@example.org", "", BEN, "")),
    ];
    let run = Workspace::with("", &files).run_as_of(Some("2026-11-21T20:00:00Z"));
    assert_eq!(opted_out(&run), [format!("dynamics {BEN}")], "a lead is linked in a column of its own");
}

/// A record of one list is no bridge over which an opt-out of everything reaches a stranger.
#[test]
fn a_record_of_one_list_passes_nothing_else_on() {
    let contacts = format!("{PEOPLE}{ANN},ann@example.org,Do Not Allow\n{BEN},ben@example.org,Allow\n");
    let of_list = record("ben@example.org", ANN, "", "News");
    let files = [("contacts_2026-11-21.csv", contacts.as_str()), ("unsub_2026-11-21.csv", of_list.as_str())];
    let run = Workspace::with("", &files).run_as_of(Some("2026-11-21T20:00:00Z"));
    assert!(!opted_out(&run).contains(&format!("dynamics {BEN}")), "{:?}", opted_out(&run));
}

/// A lead that has its contact's constituent id keeps the constituent's opt-out too, whichever record goes.
#[test]
fn a_double_is_remembered_with_its_contact() {
    let lead = "Lead ID,Email,HasOptedOutOfEmail,Ascend_ID__c\n00QHs0000000001MAA,ann.work@example.org,false,0001\n";
    let source = |rest: &str| {
        format!("Constituent ID,Salesforce Contact ID,Email,Email Opt Out,Opt Out Date\n{rest}0009,,zoe@example.org,N,\n")
    };
    for (contact, after) in [
        ("003Hs0000000001IAA", ""),
        ("", ""),
        ("003Hs0000000001IAA", "0001,003Hs0000000001IAA,ann@example.org,N,\n"),
        ("", "0001,,ann@example.org,N,\n"),
    ] {
        let before = source(&format!("0001,{contact},ann@example.org,Y,2026-11-01\n"));
        let after = source(after);
        let [_, run] =
            two_weeks("", [&[("sf", CRM), ("leads", lead), ("as", &before)], &[("sf", CRM), ("leads", lead), ("as", &after)]]);
        let corrected = opted_out(&run);
        for record in ["salesforce 003Hs0000000001IAA", "salesforce 00QHs0000000001MAA"] {
            assert!(corrected.iter().any(|known| known == record), "{contact}: {corrected:?}");
        }
    }
}

/// Two people with one constituent id who both opted back in contradict nobody.
#[test]
fn a_double_contradicts_no_key() {
    let row = |id: &str, email: &str| format!("{id},{email},false,0001,2026-11-10,form\n");
    let header = "Email,HasOptedOutOfEmail,Ascend_ID__c,Email_Opt_In_Date__c,Email_Opt_In_Channel__c\n";
    let contact = format!("Id,{header}{}", row("003Hs0000000001IAA", "ann@example.org"));
    let lead = format!("Lead ID,{header}{}", row("00QHs0000000001MAA", "ann.work@example.org"));
    let source = "Constituent ID,Salesforce Contact ID,Email,Email Opt Out,Opt Out Date\n\
                  0001,003Hs0000000001IAA,ann@example.org,Y,2026-10-01\n";
    let files = [("sf_2026-11-21.csv", contact.as_str()), ("leads_2026-11-21.csv", lead.as_str()), ("as_2026-11-21.csv", source)];
    let run = Workspace::with("", &files).run_as_of(Some("2026-11-21T20:00:00Z"));
    assert!(run.of_rule("IDN504").is_empty());
    let outcomes: Vec<[String; 2]> =
        run.of_rule("OPT107").into_iter().map(|row| [row["outcome"].clone(), row["why"].clone()]).collect();
    assert!(!outcomes.is_empty() && outcomes.iter().all(|[outcome, _]| outcome == "correct"), "{outcomes:?}");
}

/// Which of a contact's memberships comes first says nothing of whom they are.
#[test]
fn the_order_of_memberships_says_nothing() {
    let contacts =
        "Id,Email,HasOptedOutOfEmail\n003Hs0000000001IAA,cleo@example.org,true\n003Hs0000000002IAA,ann@example.org,false\n";
    let rows = ["cleo@example.org,Club,Active,\n", "cleo@example.org,News,Active,003Hs0000000002IAA\n"];
    let found = [[0, 1], [1, 0]].map(|order| {
        let members: String = order.iter().map(|at| rows[*at]).collect();
        let members = format!("Email,List,Status,Salesforce Contact ID\n{members}");
        let files = [("sf_2026-11-21.csv", contacts), ("ac_2026-11-21.csv", members.as_str())];
        let run = Workspace::with(PATTERNS, &files).run_as_of(Some("2026-11-21T20:00:00Z"));
        opted_out(&run)
    });
    assert_eq!(found[0], found[1]);
}

/// A record for a list bars everybody at its address, so all of their preferences are set out in the same round.
#[test]
fn a_list_is_settled_for_an_address_in_one_round() {
    let contacts = format!("{PEOPLE}{ANN},fam@example.org,Allow\n{BEN},fam@example.org,Allow\n");
    let preferences = format!(
        "(Do Not Modify) Subscription Preference,Linked Contact ID,Email,Subscription List,Preference\n\
         44444444-4444-4444-8444-444444444441,{ANN},fam@example.org,News,Out\n\
         44444444-4444-4444-8444-444444444442,{BEN},fam@example.org,News,In\n"
    );
    let files = [
        ("contacts_2026-11-21.csv", contacts.as_str()),
        ("preferences_2026-11-21.csv", preferences.as_str()),
        ("unsub_2026-11-21.csv", RECORDS),
    ];
    let run = Workspace::with("", &files).run_as_of(Some("2026-11-21T20:00:00Z"));
    let changes: Vec<String> = run.table("corrections.csv").rows().into_iter().map(|row| row["after"].clone()).collect();
    assert_eq!(changes, ["Out", "fam@example.org"]);
}

/// The record that our own file adds for one person is no new opt-out of whoever shares the address and opted in before.
#[test]
fn a_record_of_our_own_making_beats_no_opt_in() {
    let contacts = format!(
        "(Do Not Modify) Contact,Email,Do not allow Bulk Emails,Email Opt In Date,Email Opt In Channel,Email Opt Out Date\n\
         {ANN},fam@example.org,Do Not Allow,,,2026-10-01 10:00:00\n{BEN},fam@example.org,Allow,2026-11-10 10:00:00,form,\n"
    );
    let created = format!("{RECORDS}33333333-3333-4333-8333-333333333333,fam@example.org,{ANN},,,Active,2026-11-22 10:00:00\n");
    let [before, after] =
        two_weeks("", [&[("contacts", &contacts), ("unsub", RECORDS)], &[("contacts", &contacts), ("unsub", &created)]]);
    assert_eq!(before.of_rule("OPT112").len(), 1);
    assert!(opted_out(&after).is_empty(), "{:?}", opted_out(&after));
}

/// Beside another CRM as the hub, an unsubscribe record is about whom the contact is about that it is linked to.
#[test]
fn an_unsubscribe_record_of_the_second_crm_reaches_the_first() {
    let contacts =
        format!("(Do Not Modify) Contact,Email,Do not allow Bulk Emails,Constituent ID\n{ANN},ann@example.org,Allow,0001\n");
    let files = [
        ("sf_2026-11-21.csv", CRM),
        ("contacts_2026-11-21.csv", contacts.as_str()),
        ("unsub_2026-11-21.csv", &record("ann.old@example.org", ANN, "", "")),
    ];
    let run = Workspace::with("[run]\nhub = \"salesforce\"\n", &files).run_as_of(Some("2026-11-21T20:00:00Z"));
    assert_eq!(opted_out(&run), [format!("dynamics {ANN}"), "salesforce 003Hs0000000001IAA".to_owned()]);
}

/// Nor does it matter that the contact is in no other system, by which of its addresses it is barred, or only by the link.
#[test]
fn an_unsubscribe_record_of_the_second_crm_bars_its_own_contacts() {
    let bo = ANN.replace('1', "2");
    let contacts = format!(
        "(Do Not Modify) Contact,Email,Email Address 2,Do not allow Bulk Emails\n{ANN},zoe@example.org,zoe.old@example.org,Allow\n\
         {bo},bo@example.org,,Allow\n"
    );
    let records =
        record("zoe.old@example.org", "", "", "") + record("bo.old@example.org", &bo, "", "").lines().last().unwrap_or_default();
    let files = [("sf_2026-11-21.csv", CRM), ("contacts_2026-11-21.csv", contacts.as_str()), ("unsub_2026-11-21.csv", &records)];
    let run = Workspace::with("[run]\nhub = \"salesforce\"\n", &files).run_as_of(Some("2026-11-21T20:00:00Z"));
    assert_eq!(opted_out(&run), [format!("dynamics {ANN}"), format!("dynamics {bo}")]);
    run.assert_rows_are_accounted_for();
}

#[test]
fn explain_names_what_no_export_shows_any_more() {
    let workspace = Workspace::with("", &[]);
    for (day, row) in [("2026-11-21", "Unsubscribed,2026-11-01"), ("2026-11-28", "Held,"), ("2026-12-05", "")] {
        let _ = fs::remove_dir_all(workspace.inbox());
        workspace.put(&format!("inbox/sf_{day}.csv"), CRM);
        let ann = if row.is_empty() { String::new() } else { format!("003Hs0000000001IAA,ann@example.org,{row}\n") };
        let zoe = "003Hs0000000009IAA,zoe@example.org,Active,\n";
        workspace.put(&format!("inbox/mc_{day}.csv"), &format!("{SUBSCRIBERS}{zoe}{ann}"));
        workspace.run_as_of(Some(&format!("{day}T20:00:00Z")));
        let said = workspace.call("explain", &["ann@example.org", "--as-of", &format!("{day}T21:00:00Z")]).out;
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let remembered = said.contains("counts; an earlier run saw it, and no opt-in that counts has ended it.");
        assert_eq!(remembered, day != "2026-11-21", "{said}");
        assert!(!said.contains("prove nothing"), "{said}");
    }
}

const CRM_ID: &str = "003Hs0000000001IAA";
const PERMISSION: &str = "Id,Email,HasOptedOutOfEmail,Ascend_ID__c,Email_Opt_In_Date__c,Email_Opt_In_Channel__c\n";

/// The ids of the two sources are alike and mean different people: Zed of the other source is not Ann.
#[test]
fn a_late_source_keeps_its_ids() {
    let crm = format!("{PERMISSION}{CRM_ID},ann@example.org,false,1001,2026-09-01,Web form\n");
    let late = "Constituent ID,Email,Email Opt Out\n1001,ann@example.org,N\n";
    let other = "Lookup ID,Email Address,Requests no email,Requests no email date\n1001,zed@example.org,Yes,2026-03-01\n";
    let [before, after] = two_weeks("", [&[("sf", &crm), ("as", late), ("re", other)], &[("sf", &crm), ("re", other)]]);
    for run in [before, after] {
        assert_eq!(run.of_rule("IDN505")[0]["a_record"], "1001");
        assert!(run.of_rule("OPT107").is_empty() && opted_out(&run).is_empty());
    }
    let refused = "Constituent ID,Email,Email Opt Out\n1001,ann@example.org,N\n1002,\"bo";
    let [first, _] = two_weeks("", [&[("sf", &crm), ("as", refused), ("re", other)], &[("sf", &crm)]]);
    assert!(first.of_rule("OPT107").is_empty(), "the file that was refused may be whose ids these are");
    let summary = first.text("summary.txt");
    assert!(
        summary.contains("No export of CU Ascend is used. Export it again. The source ids that others name are taken"),
        "{summary}"
    );

    // Nor does a source that comes later take the ids of the one that was there.
    let said_no = other.replace("zed@example.org,Yes", "ann@example.org,Yes");
    let [_, after] = two_weeks("", [&[("sf", &crm), ("re", &said_no)], &[("sf", &crm), ("re", &said_no), ("as", late)]]);
    assert_eq!(after.of_rule("OPT107")[0]["b_system"], "raisers_edge");
    assert!(after.text("summary.txt").contains("[systems.salesforce] source = \"ascend\""));
}

/// A date after our correction may be the day of our load or the person's own word: it stands against the person's opt-ins.
#[test]
fn what_a_correction_may_have_made_is_beaten_by_no_older_opt_in() {
    let source = "Constituent ID,Salesforce Contact ID,Email,Email Opt Out,Opt Out Date\n";
    let crm = |opt_in: &str| format!("{PERMISSION}{CRM_ID},ann@example.org,false,0001,{opt_in}\n");
    let mailer = |row: &str| format!("{SUBSCRIBERS}{CRM_ID},ann@example.org,{row}\n");
    // opt-out of the mailer in the second week | opt-out of the source then
    for (mailed, dated) in [("Unsubscribed,11/25/2026 9:00:00 AM", "2026-10-01"), ("Active,", "2026-11-26")] {
        let own = |date: &str| format!("{source}0001,{CRM_ID},ann@example.org,Y,{date}\n");
        let first = [crm(","), mailer("Active,"), own("2026-10-01")];
        let second = [crm("2026-10-15,Web form"), mailer(mailed), own(dated)];
        let named = |week: &[String; 3]| ["sf", "mc", "as"].iter().zip(week).map(|(name, text)| (*name, text.clone())).collect();
        let weeks: [Vec<(&str, String)>; 2] = [named(&first), named(&second)];
        let weeks = weeks.each_ref().map(|week| week.iter().map(|(name, text)| (*name, text.as_str())).collect::<Vec<_>>());
        let [_, after] = two_weeks("", [&weeks[0], &weeks[1]]);
        assert!(after.of_rule("OPT107").is_empty() && after.of_rule("OPT108").is_empty(), "{mailed} {dated}");
        assert!(opted_out(&after).contains(&format!("salesforce {CRM_ID}")), "{mailed} {dated}");
    }
}

/// What a column says that was not exported before may have stood there all the time.
#[test]
fn a_new_column_is_no_new_permission() {
    let plain = "Id,Email,HasOptedOutOfEmail\n";
    let with = "Id,Email,HasOptedOutOfEmail,Email_Opt_In_Channel__c\n";
    let row = |out: &str, evidence: &str| format!("{CRM_ID},ann@example.org,{out}{evidence}\n");
    let mailer = format!("{SUBSCRIBERS}{CRM_ID},ann@example.org,Unsubscribed,1/5/2026 9:00:00 AM\n");
    // header of the first week | evidence then | whether the change is an opt-in
    for (header, evidence, counts) in [(plain, "", false), (with, ",", true), (with, ",Web form", false)] {
        let (first, second) = (header.to_owned() + &row("true", evidence), with.to_owned() + &row("false", ",Web form"));
        let [_, after] = two_weeks("", [&[("sf", &first), ("mc", &mailer)], &[("sf", &second), ("mc", &mailer)]]);
        assert_eq!(after.of_rule("OPT108").len(), usize::from(counts), "{header}{evidence}");
        assert_eq!(after.of_rule("OPT113").len(), usize::from(!counts), "{header}{evidence}");
    }
}

/// A log says it once, an extract once, and an export may be late.
#[test]
fn what_was_said_once_holds_until_it_is_carried_out() {
    let crm = "Id,Email,HasOptedOutOfEmail\n003Hs0000000001IAA,ann@example.org,false\n003Hs0000000002IAA,bo@example.org,false\n";
    let log = |row: &str| {
        format!(
            "ClientID,SendID,SubscriberKey,EmailAddress,SubscriberID,ListID,EventDate,EventType,BatchID\n77,1,{row},Unsubscribe,1\n"
        )
    };
    let extract =
        |row: &str| format!("ClientID,SubscriberKey,EmailAddress,Status,DateUnsubscribed,DateCreated\n7,{row},1/1/2025\n");
    let cases = [
        [
            Some(log("003Hs0000000001IAA,ann@example.org,1,5,11/10/2026 9:00:00 AM")),
            Some(log("003Hs0000000002IAA,bo@example.org,1,5,11/25/2026 9:00:00 AM")),
        ],
        [
            Some(extract("003Hs0000000001IAA,ann@example.org,Unsubscribed,11/10/2026")),
            Some(extract("003Hs0000000002IAA,bo@example.org,Active,")),
        ],
        [Some(format!("{SUBSCRIBERS}003Hs0000000001IAA,ann@example.org,Unsubscribed,11/10/2026\n")), None],
    ];
    for [first, second] in cases {
        let second: Vec<(&str, &str)> =
            [("sf", crm)].into_iter().chain(second.as_ref().map(|text| ("mc", text.as_str()))).collect();
        let [_, after] = two_weeks("", [&[("sf", crm), ("mc", first.as_deref().unwrap_or_default())], &second]);
        let found = after.of_rule("OPT113");
        assert_eq!(found.len(), 1, "{second:?}");
        assert_eq!(
            (found[0]["contact_id"].as_str(), found[0]["due"].as_str()),
            ("003Hs0000000001IAA", "2026-11-24"),
            "{second:?}"
        );
        assert!(opted_out(&after).contains(&"salesforce 003Hs0000000001IAA".to_owned()));
        let resolved = after.table("resolved.csv").rows();
        assert!(resolved.iter().all(|row| row["state"] == "not_compared"), "nothing was put right: {resolved:?}");
    }
}

/// Whoever was on the list whose file is missing may be on it still; the others have left all that there are.
#[test]
fn a_missing_list_opts_nobody_out_who_was_on_it() {
    let crm = "Id,Email,HasOptedOutOfEmail\n003Hs0000000001IAA,ann@example.org,false\n003Hs0000000002IAA,bo@example.org,false\n";
    let news = format!("{MEMBERS}ann@example.org,News,Unsubscribed,2026-11-10\n");
    let later = format!("{news}bo@example.org,News,Unsubscribed,2026-11-24\n");
    let events = format!("{MEMBERS}ann@example.org,Events,Active,2026-11-10\n");
    let weeks: [Week<'_>; 2] = [&[("sf", crm), ("cm_n", &news), ("cm_e", &events)], &[("sf", crm), ("cm_n", &later)]];
    let [before, after] = two_weeks(PATTERNS, weeks);
    assert_eq!((before.of_rule("LST403").len(), opted_out(&before).len()), (1, 0));
    assert_eq!(opted_out(&after), ["salesforce 003Hs0000000002IAA"]);
    assert_eq!(after.table("resolved.csv").rows()[0]["state"], "not_compared");
    let summary = after.text("summary.txt");
    assert!(
        summary.contains("No row of the list Events of Campaign Monitor, which earlier runs had, is in this run"),
        "{summary}"
    );
}

/// What is excepted where an export shows it is excepted where it is remembered.
#[test]
fn an_exception_holds_while_an_export_is_late() {
    let crm = "Id,Email,HasOptedOutOfEmail\n003Hs0000000001IAA,ann@example.org,false\n";
    let mailer = format!("{SUBSCRIBERS}003Hs0000000001IAA,ann@example.org,Unsubscribed,11/10/2026\n");
    let workspace = Workspace::with("", &[("sf_2026-11-21.csv", crm), ("mc_2026-11-21.csv", &mailer)]);
    let exception =
        |rule: &str| format!("who,rule,owner,until,reason\nann@example.org,{rule},Kim Example,2027-06-30,by letter\n");
    workspace.put("decisions/exceptions.csv", &exception("OPT105"));
    assert_eq!(workspace.run_as_of(Some("2026-11-22T06:00:00Z")).of_rule("OPT105")[0]["outcome"], "excepted");
    fs::remove_file(workspace.inbox().join("mc_2026-11-21.csv")).unwrap();
    let later = workspace.run_as_of(Some("2026-11-29T06:00:00Z"));
    assert_eq!(later.of_rule("OPT113")[0]["outcome"], "excepted");
    assert!(opted_out(&later).is_empty());
    // Nor does an export say anything that is older than the one before.
    workspace.put("inbox/mc_2026-11-20.csv", &mailer.replace("Unsubscribed,11/10/2026", "Active,"));
    let later = workspace.run_as_of(Some("2026-11-30T06:00:00Z"));
    assert_eq!(later.of_rule("OPT113")[0]["outcome"], "excepted");
    assert!(opted_out(&later).is_empty());
    fs::remove_file(workspace.inbox().join("mc_2026-11-20.csv")).unwrap();
    // An exception for another rule is none for this opt-out: neither for the source's, nor for those of platforms with lists.
    for (rule, as_of) in [("OPT103", "2026-12-06T06:00:00Z"), ("LST402", "2026-12-07T06:00:00Z")] {
        workspace.put("decisions/exceptions.csv", &exception(rule));
        assert_eq!(workspace.run_as_of(Some(as_of)).of_rule("OPT113")[0]["outcome"], "correct", "{rule}");
    }
}

/// An extract beside a full export takes nothing from what that one proves, and is no measure for the next.
#[test]
fn an_extract_hides_nothing_that_a_full_export_shows() {
    let crm = "Id,Email,HasOptedOutOfEmail\n003Hs0000000001IAA,ann@example.org,false\n003Hs0000000002IAA,bo@example.org,false\n";
    let extract = "ClientID,SubscriberKey,EmailAddress,Status,DateUnsubscribed,DateCreated\n\
                   7,003Hs0000000001IAA,ann@example.org,Active,,1/1/2025\n";
    let mailer =
        |bo: &str| format!("{SUBSCRIBERS}003Hs0000000001IAA,ann@example.org,Active,\n003Hs0000000002IAA,bo@example.org,{bo}\n");
    let workspace = Workspace::with("", &[("mc_extract_2026-10-31.csv", extract)]);
    let run = |day: &str, bo: &str| {
        workspace.put(&format!("inbox/sf_{day}.csv"), crm);
        workspace.put(&format!("inbox/mc_all_{day}.csv"), &mailer(bo));
        workspace.run_as_of(Some(&format!("{day}T20:00:00Z")))
    };
    run("2026-11-01", "Active,");
    assert_eq!(run("2026-11-08", "Unsubscribed,11/5/2026").of_rule("OPT105").len(), 1);
    for day in ["2026-11-15", "2026-11-22"] {
        let later = run(day, "Active,");
        assert_eq!(later.of_rule("OPT113").len(), 1, "{day}");
        assert!(later.text("summary.txt").contains("superseded by mc_all_"), "the extract was used: {day}");
    }
}
