//! Every word of every built-in system is read as a word, whatever its case, and one that no system has is not.

mod common;

use common::Workspace;
use common::importer::full_id;
use prefrecon::columns::{Field, Role};
use prefrecon::systems::{Grain, IdShape, Kind, Profile, Systems};

#[test]
fn every_word_is_known_and_no_other() {
    let systems = Systems::built_in().unwrap();
    for profile in systems.profiles() {
        for kind in profile.kinds.iter().filter(|kind| kind.grain != Grain::Answer) {
            for (field, mut words) in vocabularies(profile, kind) {
                assert!(!words.is_empty(), "{} {}: {field}", profile.name, kind.name);
                let known = words.len();
                words.push("Gibberish".to_owned());
                let run = workspace(profile, kind, field, &words).run_as_of(Some(common::AS_OF));
                let unknown: Vec<String> = run.of_rule("DAT604").iter().map(|row| row["a_value"].clone()).collect();
                assert_eq!(unknown, ["Gibberish"], "{} {}: {known} words of {field}", profile.name, kind.name);
            }
        }
    }
}

/// The columns of a kind whose cells are words, with the words.
fn vocabularies(profile: &Profile, kind: &Kind) -> Vec<(Field, Vec<String>)> {
    let booleans = || profile.booleans.yes.iter().chain(&profile.booleans.no).cloned().collect();
    let has = |field: Field| kind.columns.contains_key(&field);
    let mut found = Vec::new();
    for field in [Field::OptOut, Field::NoEmail] {
        if has(field) {
            found.push((field, booleans()));
        }
    }
    match kind.grain {
        Grain::Code => {
            found.push((Field::Code, profile.codes.keys().map(|code| code.replace('*', "9")).collect()));
            let status = &profile.code_status;
            found.push((Field::Status, status.yes.iter().chain(&status.no).cloned().collect()));
        }
        Grain::Contact | Grain::Membership | Grain::Preference if has(Field::Status) => {
            let states = if has(Field::OptOut) { &profile.email_status } else { profile.status_of(kind) };
            let words: Vec<String> = states.values().flatten().cloned().collect();
            found.push((Field::Status, words));
        }
        _ => {}
    }
    found
}

/// One row a word, of people of their own; beside a CRM's contacts where the system is none.
fn workspace(profile: &Profile, kind: &Kind, field: Field, words: &[String]) -> Workspace {
    let mut fields: Vec<Field> = kind.required.iter().chain(&kind.marks).copied().collect();
    fields.extend([field].into_iter().filter(|field| !kind.required.contains(field) && !kind.marks.contains(field)));
    let header: Vec<&str> = fields.iter().map(|field| kind.columns[field][0].as_str()).collect();
    let mut table = common::Table::new(&header);
    for (at, word) in words.iter().enumerate() {
        let word = if at % 2 == 0 && kind.grain != Grain::Code { word.to_uppercase() } else { word.clone() };
        let word = if word == "GIBBERISH" { "Gibberish".to_owned() } else { word };
        let cells: Vec<String> =
            fields.iter().map(|other| if *other == field { word.clone() } else { cell(profile, kind, *other, at) }).collect();
        table.push(&cells.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let name = "export_2026-11-21.csv";
    let section = format!("[systems.{}]\nfiles = [\"export_*.csv\"]\n", profile.name);
    let contacts = "Id,Email,HasOptedOutOfEmail\n003Hs0000000001IAA,crm@example.com,false\n";
    let dynamics = "contactid,emailaddress1,donotbulkemail\n0a1b2c3d-0000-4000-8000-00000000000f,crm@example.com,Allow\n";
    let contacts = if profile.name == "dynamics" { dynamics } else { contacts };
    let beside = profile.role != Role::Crm || kind.grain != Grain::Contact;
    let text = table.text();
    let files = [("contacts_2026-11-21.csv", contacts), (name, text.as_str())];
    Workspace::with(&section, if beside { &files } else { &files[1..] })
}

fn cell(profile: &Profile, kind: &Kind, field: Field, at: usize) -> String {
    match (field, kind.shape(field)) {
        (Field::Email, _) => format!("p{at}@example.org"),
        (Field::List, _) => "News".to_owned(),
        (Field::OptOut, _) => profile.booleans.no[0].clone(),
        (Field::Code, _) => profile.codes.keys().next().cloned().unwrap_or_default(),
        (Field::RecordId | Field::SubscriberKey, IdShape::Salesforce | IdShape::SalesforceOrText) => {
            full_id(&format!("{}Hs{at:0>10}", kind.id_prefix.as_deref().unwrap_or("003")))
        }
        (_, IdShape::Guid) => format!("0a1b2c3d-0000-4000-8000-{at:012}"),
        (Field::SourceId, _) => format!("{at:0>7}"),
        _ => String::new(),
    }
}
