//! One round of corrections, loaded as the systems load them, leaves nothing to correct; and the undo files take it back.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::importer::{Exports, export, is_yes, load};
use common::{Table, Workspace};

#[test]
fn one_round_settles_it() {
    for (contacts, seed) in [(400, 31), (400, 32), (3000, 33), (20_000, 34)] {
        let workspace = Workspace::generated(contacts, seed);
        let run = workspace.run();
        assert!(run.path.join("corrections/salesforce_contacts_opt_out.csv").exists());
        let mut exports = workspace.exports();
        load(&mut exports, &run.path.join("corrections"));

        let next = workspace.over(&exports).run_as_of(Some(common::AS_OF));
        let left: Vec<_> = next.discrepancies().into_iter().filter(|row| row["outcome"] == "correct").collect();
        assert!(left.is_empty(), "{contacts} contacts, seed {seed}: {left:#?}");
        assert!(!next.path.join("corrections").exists(), "{contacts} contacts, seed {seed}: corrections without a discrepancy");
    }
}

/// The same of each CRM with every choice among the platforms and the sources, each loaded as its vendor loads it.
#[test]
fn one_round_settles_every_combination() {
    for (crm, seed) in [("salesforce", 3000), ("dynamics", 4000)] {
        for (systems, seed) in common::combinations(crm).into_iter().zip(seed..) {
            let workspace = Workspace::generated_of(&systems, 130, seed);
            let run = workspace.run();
            assert!(run.path.join("corrections").exists() || systems == "salesforce", "{systems}: nothing to correct");
            let mut exports = workspace.exports();
            load(&mut exports, &run.path.join("corrections"));
            let next = workspace.over(&exports).run_as_of(Some(common::AS_OF));
            let left: Vec<_> = next.discrepancies().into_iter().filter(|row| row["outcome"] == "correct").collect();
            assert!(left.is_empty(), "{systems}, seed {seed}: {left:#?}");
            assert!(!next.path.join("corrections").exists(), "{systems}, seed {seed}: corrections without a discrepancy");
        }
    }
}

/// A constituent that two contacts name is opted out for the sake of one of them, and then speaks for the other.
#[test]
fn a_record_of_two_contacts_is_settled_for_both_in_one_round() {
    let workspace = Workspace::with(
        "",
        &[
            (
                "salesforce_contacts_2026-11-21.csv",
                "Id,Email,HasOptedOutOfEmail,Ascend_ID__c\n003Hs0000000001IAA,ana@example.org,true,0001\n\
                 003Hs0000000002IAA,ben@example.org,false,0001\n",
            ),
            (
                "ascend_constituents_2026-11-21.csv",
                "Constituent ID,Salesforce Contact ID,Email,Email Opt Out,Opt Out Date,Email Status,Email Preferences\n\
                 0001,,ana@example.org,N,,,\n",
            ),
        ],
    );
    let run = workspace.run_as_of(Some(common::AS_OF));
    let mut exports = workspace.exports();
    load(&mut exports, &run.path.join("corrections"));
    assert!(export(&mut exports, "salesforce_contacts").rows().iter().all(|row| is_yes(&row["HasOptedOutOfEmail"])));
    let next = workspace.over(&exports).run_as_of(Some(common::AS_OF));
    assert!(next.discrepancies().iter().all(|row| row["outcome"] != "correct"));
}

/// Two people of the source without a contact share a subscriber, who is unsubscribed for one of them and then speaks for
/// the other.
#[test]
fn people_without_a_contact_are_settled_in_one_round() {
    let workspace = Workspace::with(
        "",
        &[
            ("salesforce_contacts_2026-11-21.csv", "Id,Email,HasOptedOutOfEmail\n003Hs0000000001IAA,carla@example.org,false\n"),
            (
                "ascend_constituents_2026-11-21.csv",
                "Constituent ID,Salesforce Contact ID,Email,Email Opt Out,Opt Out Date,Email Status,Email Preferences\n\
                 0001,,both@example.org,Y,2026-11-01,,\n0002,,both@example.org,N,,,\n",
            ),
            (
                "marketing_cloud_subscribers_2026-11-21.csv",
                "SubscriberKey,EmailAddress,Status,DateUnsubscribed\nboth,both@example.org,Active,\n",
            ),
        ],
    );
    let run = workspace.run_as_of(Some(common::AS_OF));
    let mut exports = workspace.exports();
    load(&mut exports, &run.path.join("corrections"));
    assert!(export(&mut exports, "ascend_constituents").rows().iter().all(|row| row["Email Opt Out"] == "Y"));
    let next = workspace.over(&exports).run_as_of(Some(common::AS_OF));
    assert!(next.discrepancies().iter().all(|row| row["outcome"] != "correct"));
    assert!(!next.path.join("corrections").exists());
}

/// To Marketing Cloud the 15 and the 18 characters of one id are two keys: both subscribers are mailed, and both are stopped.
#[test]
fn both_subscribers_of_one_contact_are_unsubscribed() {
    let (short, whole) = ("003Hs0000000001", "003Hs0000000001IAA");
    let subscribers = format!(
        "SubscriberKey,EmailAddress,Status,DateUnsubscribed\n{short},ana@example.org,Active,\n\
         {whole},ana@example.org,Active,\n003Hs0000000002,ben@example.org,Active,\n"
    );
    let contacts =
        format!("Id,Email,HasOptedOutOfEmail\n{whole},ana@example.org,true\n003Hs0000000002IAA,ben@example.org,true\n");
    let files = [
        ("salesforce_contacts_2026-11-21.csv", contacts.as_str()),
        ("marketing_cloud_subscribers_2026-11-21.csv", subscribers.as_str()),
    ];
    let workspace = Workspace::with("", &files);
    let run = workspace.run_as_of(Some(common::AS_OF));
    let named: Vec<String> = run.of_rule("OPT102").into_iter().map(|row| row["b_record"].clone()).collect();
    assert_eq!(named, [short, whole, "003Hs0000000002IAA"]);
    let mut exports = workspace.exports();
    load(&mut exports, &run.path.join("corrections"));
    assert!(export(&mut exports, "marketing_cloud").rows().iter().all(|row| row["Status"] == "Unsubscribed"));
    let next = workspace.over(&exports).run_as_of(Some(common::AS_OF));
    let left: Vec<String> = next.discrepancies().into_iter().map(|row| row["rule"].clone()).collect();
    assert_eq!(left, ["DAT607"], "two subscribers of one contact are for a person to merge");
}

/// What an import file cannot give back stays out: times that a load sets by itself, codes that were ended, a blank status.
const RESTORED: [(&str, &str, &[&str]); 4] = [
    ("salesforce_contacts", "Id", &["HasOptedOutOfEmail", "EmailBouncedReason", "EmailBouncedDate", "Email_Preferences__c"]),
    ("salesforce_leads", "Lead ID", &["Email Opt Out", "Email Bounced Reason", "Email Bounced Date", "Email Preferences"]),
    ("marketing_cloud_subscribers", "SubscriberKey", &["Status"]),
    ("ascend_constituents", "Constituent ID", &["Email Opt Out", "Email Status", "Email Preferences"]),
];

#[test]
fn the_undo_files_restore_what_was_there() {
    for (contacts, seed) in [(400, 41), (3000, 42)] {
        let workspace = Workspace::generated(contacts, seed);
        let run = workspace.run();
        let mut before = workspace.exports();
        let mut exports = before.clone();
        load(&mut exports, &run.path.join("corrections"));
        assert_ne!(before, exports);
        load(&mut exports, &run.path.join("undo"));
        for (name, key, fields) in RESTORED {
            let (was, is) = (by_key(export(&mut before, name), key, fields), by_key(export(&mut exports, name), key, fields));
            for (record, was) in &was {
                for ((field, was), is) in fields.iter().zip(was).zip(&is[record]) {
                    // A word that the platform does not know cannot be imported either.
                    let no_word = ["", "Actif", "Pending review"].contains(&was.as_str());
                    let no_blank = *field == "Status" && no_word && is == "Unsubscribed";
                    let same = if field.ends_with("ut") || *field == "HasOptedOutOfEmail" {
                        is_yes(was) == is_yes(is)
                    } else {
                        was == is
                    };
                    assert!(same || no_blank, "{name} {record} {field}: {was:?} became {is:?}");
                }
            }
        }
        let units = |exports: &mut Exports| {
            export(exports, "marketing_cloud_unit_unsubscribes").sorted(&["SubscriberKey", "BusinessUnitID"])
        };
        assert_eq!(units(&mut before), units(&mut exports));
    }
}

/// A record of the source that two contacts share follows neither of them by itself: it would swing from week to week.
#[test]
fn categories_of_a_shared_record_are_for_a_person_to_settle() {
    let configuration = "[run]\nas_of = \"2026-11-22T06:00:00Z\"\n[systems.salesforce.columns]\ncategories = [\"Preferences\"]\n\
                         [[category]]\nname = \"Events\"\nsalesforce = \"Events\"\nascend = \"EVT\"\n";
    let contacts = "Id,Email,HasOptedOutOfEmail,Preferences\n003Hs00004aBcDeIAK,shared@example.org,false,Events\n\
                    003Hs00004aBcDfIAK,shared@example.org,false,\n";
    let constituents = "Constituent ID,Salesforce Contact ID,Email,Email Opt Out,Email Preferences\n\
                        0000000001,,shared@example.org,N,EVT\n";
    let files = [("contacts_2026-11-21.csv", contacts), ("constituents_2026-11-21.csv", constituents)];
    let run = Workspace::with(configuration, &files).run();
    let rows = run.table("discrepancies.csv").rows();
    let found: Vec<&str> = rows.iter().filter(|row| row["rule"] == "CAT302").map(|row| row["outcome"].as_str()).collect();
    assert_eq!(found, ["review"]);
    assert_eq!(run.table("corrections.csv").rows().len(), 0);
}

/// The fields of each record. A key that stands twice is one record, of which a system can keep only one state.
fn by_key(table: &Table, key: &str, fields: &[&str]) -> BTreeMap<String, Vec<String>> {
    let mut records = BTreeMap::new();
    let mut repeated = BTreeSet::new();
    for row in table.rows() {
        let cells = fields.iter().map(|field| row[*field].clone()).collect();
        if records.insert(row[key].clone(), cells).is_some() {
            repeated.insert(row[key].clone());
        }
    }
    records.retain(|key, _| !repeated.contains(key) && !key.is_empty());
    records
}
