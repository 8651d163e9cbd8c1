//! Opt-outs in a second file, a second column or under another spelling of a key: whoever said no anywhere has said no.

mod common;

use common::{RunFolder, Workspace};

const CRM: &str = "Id,Email,HasOptedOutOfEmail,Ascend_ID__c\n003Hs0000000001IAA,ann@example.org,false,1001\n\
                   003Hs0000000002IAA,bo@example.org,false,1002\n003Hs0000000003IAA,cy@example.org,true,1003\n";

fn run(files: &[(&str, &str)]) -> RunFolder {
    Workspace::with("", files).run()
}

/// The contacts that a rule finds.
fn contacts_of(run: &RunFolder, rule: &str) -> Vec<String> {
    run.of_rule(rule).into_iter().map(|found| found["contact_id"].clone()).collect()
}

#[test]
fn an_extract_takes_the_place_of_no_full_export_and_of_no_other_extract() {
    let all = "SubscriberKey,EmailAddress,Status\n003Hs0000000001IAA,ann@example.org,Unsubscribed\n\
               003Hs0000000002IAA,bo@example.org,Active\n003Hs0000000003IAA,cy@example.org,Active\n";
    let extract = |key: &str, email: &str, status: &str| {
        format!("ClientID,SubscriberKey,EmailAddress,Status,DateCreated\n7,{key},{email},{status},1/1/2026\n")
    };
    let newer = extract("003Hs0000000002IAA", "bo@example.org", "Unsubscribed");
    let both = run(&[("sf_2026-11-21.csv", CRM), ("mc_all_2026-11-20.csv", all), ("mc_extract_2026-11-21.csv", &newer)]);
    assert_eq!(contacts_of(&both, "OPT105"), ["003Hs0000000001IAA", "003Hs0000000002IAA"]);
    assert_eq!(contacts_of(&both, "OPT102"), ["003Hs0000000003IAA"]);
    assert!(both.of_rule("DAT607").is_empty(), "a row in each of two files is no repeated key");

    let older = extract("003Hs0000000001IAA", "ann@example.org", "Unsubscribed");
    let files = [("sf_2026-11-21.csv", CRM), ("mc_1_2026-11-14.csv", older.as_str()), ("mc_2_2026-11-21.csv", &newer)];
    assert_eq!(contacts_of(&run(&files), "OPT105"), ["003Hs0000000001IAA", "003Hs0000000002IAA"]);

    // Where files stay in the inbox, an extract that a run has used gives way to a newer full export, and to nothing else.
    let workspace = Workspace::with("", &files[..2]);
    workspace.run_as_of(Some("2026-11-15T06:00:00Z"));
    workspace.put("inbox/mc_2_2026-11-21.csv", &newer);
    let second = workspace.run_as_of(Some("2026-11-22T06:00:00Z"));
    assert_eq!(contacts_of(&second, "OPT105"), ["003Hs0000000001IAA", "003Hs0000000002IAA"]);
    workspace.put("inbox/mc_all_2026-11-28.csv", &all.replace("Unsubscribed", "Active"));
    let third = workspace.run_as_of(Some("2026-11-28T20:00:00Z"));
    assert!(third.text("summary.txt").contains("superseded by mc_all_2026-11-28.csv"));
    assert_eq!(contacts_of(&third, "OPT113"), ["003Hs0000000001IAA", "003Hs0000000002IAA"]);
}

#[test]
fn two_parts_of_the_unsubscribe_records_are_refused_and_not_halved() {
    let contacts = "(Do Not Modify) Contact,Email,Do not allow Bulk Emails\n\
                    7b2a0000-1111-4222-8333-000000000001,ann@example.org,Allow\n7b2a0000-1111-4222-8333-000000000002,bo@example.org,Allow\n";
    let bar = |at: u8, email: &str| {
        format!(
            "(Do Not Modify) Unsubscribe,Email,Created On\n9d2a0000-1111-4222-8333-00000000000{at},{email},10/1/2026 9:00 AM\n"
        )
    };
    let (one, other) = (bar(1, "ann@example.org"), bar(2, "bo@example.org"));
    let run = run(&[
        ("dy_2026-11-21.csv", contacts),
        ("unsubscribes_a_2026-11-20.csv", &one),
        ("unsubscribes_b_2026-11-21.csv", &other),
    ]);
    let summary = run.text("summary.txt");
    assert!(summary.contains("unsubscribes_a_2026-11-20.csv was refused") && summary.contains("nobody in common"), "{summary}");

    // Last week's file that stays in the inbox is no part of this week's.
    let workspace = Workspace::with("", &[("dy_2026-11-20.csv", contacts), ("unsubscribes_a_2026-11-20.csv", &one)]);
    workspace.run_as_of(Some("2026-11-20T20:00:00Z"));
    workspace.put("inbox/unsubscribes_b_2026-11-27.csv", &other);
    let later = workspace.run_as_of(Some("2026-11-27T20:00:00Z"));
    assert!(later.text("summary.txt").contains("superseded by unsubscribes_b_2026-11-27.csv"));
    assert_eq!(contacts_of(&later, "OPT111"), ["7b2a0000-1111-4222-8333-000000000002"]);
}

#[test]
fn an_opt_out_counts_in_whatever_column_it_stands() {
    let marketing = "SubscriberKey,EmailAddress,Status,SubscriberStatus\n";
    // file | its rows about Ann and Bo, of whom Ann is opted out in the second column, and both in the third
    for (name, text) in [
        ("re", "Lookup ID,Email Address,Requests no email,Do not email\n1001,ann@example.org,No,Yes\n1002,bo@example.org,,\n"),
        ("as", "Constituent ID,Email,Email Opt Out,Opt Out\n1001,ann@example.org,N,Y\n1002,bo@example.org,N,N\n"),
        ("as", "Constituent ID,Email,Email Opt Out,Email Opt Out\n1001,ann@example.org,N,Y\n1002,bo@example.org,N,\n"),
        (
            "mc",
            &format!(
                "{marketing}003Hs0000000001IAA,ann@example.org,Active,Unsubscribed\n003Hs0000000002IAA,bo@example.org,Active,Active\n"
            ),
        ),
    ] {
        let run = run(&[("sf_2026-11-21.csv", CRM), (&format!("{name}_2026-11-21.csv"), text)]);
        let rule = if name == "mc" { "OPT105" } else { "OPT103" };
        assert_eq!(contacts_of(&run, rule), ["003Hs0000000001IAA"], "{text}");
    }
}

/// A word that nobody knows is named; under a header that leaves open what yes means only the system's own words count.
#[test]
fn a_second_column_is_read_as_the_first_is() {
    let source = "Constituent ID,Email,Email Opt Out,Opt Out\n1001,ann@example.org,N,perhaps\n";
    let run_of = |name: &str, text: &str| run(&[("sf_2026-11-21.csv", CRM), (name, text)]);
    let unknown = run_of("as_2026-11-21.csv", source);
    assert_eq!((contacts_of(&unknown, "DAT604").len(), contacts_of(&unknown, "OPT103").len()), (1, 0));
    let crm = |second: &str| {
        let contacts = format!(
            "(Do Not Modify) Contact,Email,Bulk Email,Bulk Email\n\
                                7b2a0000-1111-4222-8333-000000000001,ann@example.org,Allow,{second}\n"
        );
        let marketing = "SubscriberKey,EmailAddress,Status\nx1,ann@example.org,Active\n";
        run(&[("dy_2026-11-21.csv", &contacts), ("mc_2026-11-21.csv", marketing)]).of_rule("OPT102").len()
    };
    assert_eq!((crm("Yes"), crm("Do Not Allow")), (0, 1));
    let lists = "Email,List,Status,Contact Status\nann@example.org,News,Active,Unsubscribed\n";
    let configuration = "[systems.activecampaign]\nfiles = ['ac_*']\n";
    let listed = Workspace::with(configuration, &[("sf_2026-11-21.csv", CRM), ("ac_2026-11-21.csv", lists)]).run();
    assert_eq!(contacts_of(&listed, "LST402"), ["003Hs0000000001IAA"]);
    let lists = "Email,List,Status,Contact Status\nann@example.org,\"News, Gala\",Active,\"Unsubscribed, Unsubscribed\"\n";
    let listed = Workspace::with(configuration, &[("sf_2026-11-21.csv", CRM), ("ac_2026-11-21.csv", lists)]).run();
    assert_eq!((contacts_of(&listed, "LST402").len(), contacts_of(&listed, "DAT604").len()), (1, 0));
}

#[test]
fn a_guid_names_its_contact_in_any_spelling() {
    let crm = "(Do Not Modify) Contact,Email,Do not allow Bulk Emails\n\
               7b2a00ab-1111-4222-8333-0000000000cd,ann@example.org,Do Not Allow\n7b2a00ab-1111-4222-8333-0000000000ce,bo@example.org,Allow\n";
    let marketing = "SubscriberKey,EmailAddress,Status\n7B2A00AB-1111-4222-8333-0000000000CD,ann.old@example.org,Active\n";
    let source = "Lookup ID,Dynamics Contact ID,Email Address,Requests no email\n1002,{7b2a00ab-1111-4222-8333-0000000000CE},bo.old@example.org,Yes\n";
    let run = run(&[("dy_2026-11-21.csv", crm), ("mc_2026-11-21.csv", marketing), ("re_2026-11-21.csv", source)]);
    assert_eq!(contacts_of(&run, "OPT102"), ["7b2a00ab-1111-4222-8333-0000000000cd"]);
    assert_eq!(contacts_of(&run, "OPT103"), ["7b2a00ab-1111-4222-8333-0000000000ce"]);
    let file = run.text("corrections/marketing_cloud_unsubscribe.csv");
    assert!(file.contains("7B2A00AB-1111-4222-8333-0000000000CD,Unsubscribed"), "the platform's own spelling: {file}");
}

#[test]
fn a_contact_is_known_by_all_of_its_addresses() {
    let configuration = "[systems.salesforce.columns]\nemail = [\"E1\", \"E2\", \"E3\", \"E4\", \"E5\", \"E6\", \"E7\"]\n";
    let crm = "Id,E1,E2,E3,E4,E5,E6,E7,HasOptedOutOfEmail\n\
               003Hs0000000001IAA,a1@example.org,a2@example.org,a3@example.org,a4@example.org,a5@example.org,a6@example.org,,false\n";
    let source = "Constituent ID,Email,Email Opt Out\n1001,a6@example.org,Y\n";
    let workspace = Workspace::with(configuration, &[("sf_2026-11-21.csv", crm), ("as_2026-11-21.csv", source)]);
    assert_eq!(contacts_of(&workspace.run(), "OPT103"), ["003Hs0000000001IAA"]);
    let check = workspace.call("check", &[]).out;
    assert!(check.contains("email_6 = E6") && check.contains("not used    E7"), "{check}");
}

/// A list may have a comma in its name.
#[test]
fn a_cell_names_one_list_where_the_configuration_says_so() {
    let crm = "Id,Email,HasOptedOutOfEmail\n003Hs0000000001IAA,ann@example.org,true\n";
    let lists = "Email,List,Status\nann@example.org,\"Alumni, Friends\",Active\n";
    let files = [("sf_2026-11-21.csv", crm), ("ac_2026-11-21.csv", lists)];
    let subjects = |configuration: &str| {
        let run = Workspace::with(&format!("[systems.activecampaign]\nfiles = ['ac_*']\n{configuration}"), &files).run();
        run.of_rule("LST401").into_iter().map(|found| found["subject"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(subjects(""), ["Alumni", "Friends"]);
    assert_eq!(subjects("list_separators = []\n"), ["Alumni, Friends"]);
}
