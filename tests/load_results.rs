//! What Data Loader answers, dropped into the inbox of the next week.

mod common;

use std::fs;

use common::{RunFolder, Workspace};

const ANA: &str = "003Hs00004aBcDeIAK";
const BEN: &str = "003Hs00004aBcDfIAK";
const CARA: &str = "003Hs00004aBcDgIAK";
/// Somebody whom no correction was for.
const OTHER: &str = "003Hs00004aBcDhIAK";

const SECOND: &str = "2026-11-29T06:00:00Z";

/// A workspace whose first run corrects Ana, Ben and Cara in the CRM.
fn after_a_week() -> Workspace {
    let mut contacts = "Id,Email,HasOptedOutOfEmail\n".to_owned();
    let mut marketing = "SubscriberKey,EmailAddress,Status\n".to_owned();
    for id in [ANA, BEN, CARA, OTHER] {
        contacts += &format!("{id},{}@example.org,false\n", id.to_lowercase());
        let status = if id == OTHER { "Active" } else { "Unsubscribed" };
        marketing += &format!("{id},{}@example.org,{status}\n", id.to_lowercase());
    }
    let files = [("contacts_2026-11-21.csv", contacts.as_str()), ("subs_2026-11-21.csv", marketing.as_str())];
    let workspace = Workspace::with("", &files);
    workspace.run_as_of(Some(common::AS_OF));
    for (file, text) in [("contacts", contacts), ("subs", marketing)] {
        fs::remove_file(workspace.inbox().join(format!("{file}_2026-11-21.csv"))).unwrap();
        workspace.put(&format!("inbox/{file}_2026-11-28.csv"), &text);
    }
    workspace
}

fn second(workspace: &Workspace) -> RunFolder {
    let run = workspace.run_as_of(Some(SECOND));
    run.assert_rows_are_accounted_for();
    run
}

fn results(run: &RunFolder) -> Vec<[String; 4]> {
    let rows = run.table("load_results.csv").rows();
    rows.iter().map(|row| ["record", "field", "result", "reason"].map(|name| row[name].clone())).collect()
}

fn expected() -> [[String; 4]; 3] {
    let row = |record: &str, result: &str, reason: &str| [record, "HasOptedOutOfEmail", result, reason].map(str::to_owned);
    [row(BEN, "not landed", "ENTITY_IS_DELETED:entity is deleted:--"), row(ANA, "landed", ""), row(CARA, "landed", "")]
}

#[test]
fn success_and_error_files_say_what_landed() {
    let workspace = after_a_week();
    workspace.put(
        "inbox/success112226061502.csv",
        &format!(
            "\"ID\",\"HASOPTEDOUTOFEMAIL\",\"STATUS\"\n\"{ANA}\",\"true\",\"Item Updated\"\n\"{CARA}\",\"true\",\"Item Updated\"\n\"{OTHER}\",\"true\",\"Item Updated\"\n"
        ),
    );
    workspace.put(
        "inbox/error112226061502.csv",
        &format!(
            "\"ID\",\"HASOPTEDOUTOFEMAIL\",\"ERROR\"\n\"{BEN}\",\"true\",\"ENTITY_IS_DELETED:entity is deleted:--\"\n\"\",\"true\",\"MISSING_ARGUMENT\"\n"
        ),
    );
    let run = second(&workspace);
    assert_eq!(results(&run), expected());
    let row = &run.table("load_results.csv").rows()[0];
    assert_eq!(row["run"], "2026-11-22T060000Z");
    assert_eq!(row["file"], "corrections/salesforce_contacts_opt_out.csv");
    assert_eq!((row["before"].as_str(), row["after"].as_str(), row["rules"].as_str()), ("false", "true", "OPT105"));
    assert_eq!((row["answer"].as_str(), row["row"].as_str()), ("error112226061502.csv", "2"));

    let summary = fs::read_to_string(run.path.join("summary.txt")).unwrap();
    assert!(summary.contains("! Salesforce refused 1 of 3 corrections that were loaded"), "{summary}");
    assert!(summary.contains("1 × Salesforce: ENTITY_IS_DELETED:entity is deleted:--"), "{summary}");
    let target = &run.manifest()["corrections"]["salesforce"];
    assert_eq!((target["landed"].as_u64(), target["not_landed"].as_u64()), (Some(2), Some(1)));
    // What the ledger sees of the same corrections, beside what the system answered.
    let mut fates = run.table("landed.csv").sorted(&["record", "state", "answer", "reason"]);
    fates.retain(|row| row[0] == ANA || row[0] == BEN);
    let row = |record: &str, answer: &str, reason: &str| [record, "not_landed", answer, reason].map(str::to_owned).to_vec();
    assert_eq!(fates, [row(ANA, "taken", ""), row(BEN, "refused", "ENTITY_IS_DELETED:entity is deleted:--")]);

    // Three rows answer a correction, one another load, and one names nobody.
    let input = |name: &str| {
        let manifest = run.manifest();
        let inputs = manifest["inputs"].as_array().unwrap();
        let input = inputs.iter().find(|input| input["file"].as_str().unwrap().starts_with(name)).unwrap().clone();
        ["kind", "rows", "matched", "unmatched", "rejected"].map(|field| input[field].to_string().replace('"', ""))
    };
    assert_eq!(input("success"), ["load_successes", "3", "2", "1", "0"]);
    assert_eq!(input("error"), ["load_errors", "2", "1", "0", "1"]);
    let rejected = run.table("rejected_rows.csv").rows();
    assert!(rejected[0]["reason"].contains("names no record"), "{rejected:?}");

    // The contacts are those of the export: nobody counts as opted out because a load says so.
    assert_eq!(run.of_rule("OPT105").len(), 3);
}

#[test]
fn the_results_of_bulk_api_2_say_the_same() {
    let workspace = after_a_week();
    workspace.put(
        "inbox/results/7501R-success.csv",
        &format!("\"sf__Id\",\"sf__Created\",\"Id\",\"HasOptedOutOfEmail\"\n\"{ANA}\",\"false\",\"{ANA}\",\"true\"\n\"{CARA}\",\"false\",\"{CARA}\",\"true\"\n"),
    );
    workspace.put(
        "inbox/results/7501R-failed.csv",
        &format!("\"sf__Id\",\"sf__Error\",\"Id\",\"HasOptedOutOfEmail\"\n\"\",\"ENTITY_IS_DELETED:entity is deleted:--\",\"{BEN}\",\"true\"\n"),
    );
    assert_eq!(results(&second(&workspace)), expected());
}

#[test]
fn what_was_loaded_at_last_has_landed() {
    let workspace = after_a_week();
    let answer = |id: &str, word: &str, value: &str| format!("ID,HASOPTEDOUTOFEMAIL,{word}\n{id},true,{value}\n");
    workspace.put("inbox/a_error_2026-11-23.csv", &answer(ANA, "ERROR", "UNABLE_TO_LOCK_ROW"));
    workspace.put("inbox/b_success_2026-11-24.csv", &answer(ANA, "STATUS", "Item Updated"));
    workspace.put("inbox/c_error_2026-11-25.csv", &answer(ANA, "ERROR", "UNABLE_TO_LOCK_ROW"));
    let results = results(&second(&workspace));
    assert_eq!(results.len(), 1);
    assert_eq!(results[0][2], "landed");
}

#[test]
fn an_answer_is_no_export_of_contacts_and_cannot_stand_in_for_one() {
    let workspace = Workspace::with("", &[]);
    for (file, last, word) in [("success.csv", "STATUS", "Item Updated"), ("error.csv", "ERROR", "DUPLICATE_VALUE")] {
        workspace
            .put(&format!("inbox/{file}"), &format!("ID,EMAIL,HASOPTEDOUTOFEMAIL,{last}\n{ANA},ana@example.org,true,{word}\n"));
    }
    let check = workspace.call("check", &[]);
    assert!(check.out.contains("Salesforce load successes") && check.out.contains("Salesforce load errors"), "{}", check.out);
    assert!(check.out.contains("No CRM export"), "{}", check.out);
    let run = workspace.call("run", &[]);
    assert_eq!(run.status, 4);
    assert!(run.err.contains("no CRM export"), "{}", run.err);
}

#[test]
fn leads_with_a_status_of_their_own_are_still_leads() {
    let leads = "Id,Email,HasOptedOutOfEmail,Status\n00QHs00004aBcDeIAK,lea@example.org,true,Open - Not Contacted\n";
    let workspace = Workspace::with("", &[("leads.csv", leads)]);
    let check = workspace.call("check", &[]);
    assert!(check.out.contains("Salesforce leads"), "{}", check.out);
}

#[test]
fn answers_go_to_the_archive_and_without_any_there_is_no_list() {
    let workspace = after_a_week();
    workspace.put("prefrecon.toml", "[inbox]\nsettle_seconds = 0\n");
    workspace.put("inbox/success.csv", &format!("ID,HASOPTEDOUTOFEMAIL,STATUS\n{ANA},true,Item Updated\n"));
    let run = second(&workspace);
    assert!(run.path.join("load_results.csv").exists());
    assert!(workspace.root.join("archive/2026-11-29T060000Z/success.csv").exists());
    assert!(!workspace.root.join("runs/2026-11-22T060000Z/load_results.csv").exists());
}

#[test]
fn corrections_that_cannot_be_read_are_named() {
    let workspace = after_a_week();
    workspace.put("inbox/success.csv", &format!("ID,HASOPTEDOUTOFEMAIL,STATUS\n{ANA},true,Item Updated\n"));
    workspace.put("runs/2026-11-22T060000Z/corrections.csv", "target,file\nsalesforce\n");
    let run = second(&workspace);
    let summary = fs::read_to_string(run.path.join("summary.txt")).unwrap();
    assert!(summary.contains("! runs/2026-11-22T060000Z/corrections.csv cannot be read"), "{summary}");
}
