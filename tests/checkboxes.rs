//! Categories that are checkboxes in one system and values of a cell in another.

mod common;

use common::Workspace;
use common::importer::full_id;

const CONFIGURATION: &str = r#"
[[category]]
name = "Alumni News"
salesforce = "Pref_Alumni_News__c"
ascend = "ALN"
[[category]]
name = "Events"
salesforce = "Pref_Events__c"
ascend = "EVT"
[[category]]
name = "Gala"
salesforce = "Pref_Gala__c"
ascend = "GAL"
retired = true
"#;

/// Each person's boxes (Alumni News, Events, Gala) in Salesforce, and codes in the source system.
const PEOPLE: [([&str; 3], &str); 5] = [
    (["true", "false", "false"], "ALN"),
    (["true", "false", "false"], ""),
    (["false", "false", "false"], "EVT"),
    (["true", "true", "false"], "ALN;EVT"),
    (["false", "false", "true"], ""),
];

fn workspace(authority: &str, boxes: &[&str]) -> Workspace {
    let id = |at: usize| full_id(&format!("003Hs00000000{at:02}"));
    let kept = |at: &usize| boxes.contains(&["Pref_Alumni_News__c", "Pref_Events__c", "Pref_Gala__c"][*at]);
    let mut crm = format!("Id,Email,HasOptedOutOfEmail,Ascend_ID__c,{}\n", boxes.join(","));
    let mut source = "Constituent ID,Salesforce Contact ID,Email,Email Opt Out,Email Preferences\n".to_owned();
    for (at, (ticked, codes)) in PEOPLE.into_iter().enumerate() {
        let ticked: Vec<&str> = (0..3).filter(kept).map(|position| ticked[position]).collect();
        crm += &format!("{},p{at}@example.org,false,{at:07},{}\n", id(at), ticked.join(","));
        source += &format!("{at:07},{},p{at}@example.org,N,{codes}\n", id(at));
    }
    let policy = format!("[policy]\ncategory_authority = \"{authority}\"\n{CONFIGURATION}");
    Workspace::with(&policy, &[("contacts_2026-11-21.csv", &crm), ("ascend_2026-11-21.csv", &source)])
}

/// The people and categories of a rule.
fn found(run: &common::RunFolder, rule: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> =
        run.of_rule(rule).iter().map(|row| (row["email"].replace("@example.org", ""), row["subject"].clone())).collect();
    found.sort();
    found
}

const ALL: [&str; 3] = ["Pref_Alumni_News__c", "Pref_Events__c", "Pref_Gala__c"];

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(person, subject)| ((*person).to_owned(), (*subject).to_owned())).collect()
}

#[test]
fn a_box_is_the_category_that_its_header_stands_for() {
    let run = workspace("salesforce", &ALL).run();
    assert_eq!(found(&run, "CAT302"), pairs(&[("p1", "Alumni News"), ("p2", "Events")]));
    assert_eq!(found(&run, "CAT303"), pairs(&[("p4", "Gala")]));
    assert!(run.of_rule("CAT303")[0]["why"].contains("the category is retired"), "{:?}", run.of_rule("CAT303"));
    let rows = run.table("corrections/ascend_categories.csv").sorted(&["Constituent ID", "Email Preferences"]);
    assert_eq!(rows, [["0000001", "ALN"], ["0000002", ""]]);
}

#[test]
fn boxes_are_corrected_box_by_box() {
    let run = workspace("ascend", &ALL).run();
    let header = ["Id", "Pref_Alumni_News__c", "Pref_Events__c", "Pref_Gala__c"];
    let rows = run.table("corrections/salesforce_contacts_categories.csv").sorted(&header);
    let [one, two] = ["01", "02"].map(|at| full_id(&format!("003Hs00000000{at}")));
    assert_eq!(rows, [[one.as_str(), "false", "false", "false"], [two.as_str(), "false", "true", "false"]]);
}

#[test]
fn nothing_is_said_of_a_box_that_is_not_exported() {
    let run = workspace("salesforce", &["Pref_Alumni_News__c"]).run();
    assert_eq!(found(&run, "CAT302"), pairs(&[("p1", "Alumni News")]));
}

/// Nobody knows what `x` in a box means, so nothing is carried to another system for it.
#[test]
fn a_box_that_cannot_be_read_says_nothing_of_the_categories() {
    let workspace = workspace("crm", &ALL);
    let crm = format!("Id,Email,HasOptedOutOfEmail,Ascend_ID__c,{}\n", ALL.join(","));
    let id = full_id("003Hs0000000000");
    workspace.put("inbox/contacts_2026-11-21.csv", &format!("{crm}{id},p0@example.org,false,0000000,x,false,false\n"));
    let run = workspace.run();
    let of_person = |rule: &str| found(&run, rule).into_iter().filter(|(person, _)| person == "p0").count();
    assert_eq!([of_person("CAT302"), of_person("DAT604")], [0, 1]);
    assert!(run.table("corrections.csv").rows().is_empty());
}

#[test]
fn a_list_of_categories_beside_the_boxes_is_told_not_to_be_read() {
    let workspace = workspace("crm", &ALL[..1]);
    let crm = "Id,Email,HasOptedOutOfEmail,Ascend_ID__c,Pref_Alumni_News__c,Email_Preferences__c\n";
    let id = full_id("003Hs0000000000");
    workspace.put("inbox/contacts_2026-11-21.csv", &format!("{crm}{id},p0@example.org,false,0000000,true,Events\n"));
    let told = "contacts_2026-11-21.csv has checkboxes for categories, so its column Email_Preferences__c is not read: what is on \
                there is neither compared nor cleared. Give every category a box in [[category]], or none.";
    let checked = workspace.call("check", &["--as-of", "2026-11-22T06:00:00Z"]);
    assert!(checked.out.contains(told), "{}", checked.out);
    assert!(workspace.run().text("summary.txt").contains(told));
}
