//! What `explain` says about persons, word by word, and from which exports.
//!
//! `PREFRECON_BLESS=1 cargo test --release --test explain` writes the stored answers anew; look at the difference.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::weeks::{MAILER, Weeks};
use common::{Said, Workspace, prefrecon};
use serde_json::Value;

/// Name of the stored answer | who is asked for.
const ASKED: [(&str, &str); 9] = [
    ("opted_back_in", "003Hs00004jz6UEIAY"),
    ("opted_in_too_soon", "003Hs000042McudIAC"),
    ("opted_in_without_evidence", "003Hs00004Yg6pNIAR"),
    ("held", "003Hs00004b1PjdIAE"),
    ("out_by_code", "003Hs00004SfyHiIAJ"),
    ("business_unit", "003Hs000047uk5AIAQ"),
    ("shared_address", "nadia.park@example.org"),
    ("no_contact", "0001011316"),
    ("unreadable", "003Hs000047ePGKIA2"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A copy of the sample, whose inbox is read at once and emptied by a run.
fn sample() -> Workspace {
    let workspace = untouched();
    let configuration = fs::read_to_string(root().join("sample_data/prefrecon.toml")).unwrap();
    workspace.put("prefrecon.toml", &configuration.replace("after_run = \"keep\"", "after_run = \"archive\""));
    workspace
}

/// The sample as it is before its first run: whoever tries the program leaves runs in it.
fn untouched() -> Workspace {
    let workspace = Workspace::empty();
    fs::copy(root().join("sample_data/prefrecon.toml"), workspace.root.join("prefrecon.toml")).unwrap();
    for entry in fs::read_dir(root().join("sample_data/inbox")).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), workspace.inbox().join(entry.file_name())).unwrap();
    }
    workspace
}

fn without_first_line(said: &Said) -> &str {
    assert_eq!(said.status, 0, "{}", said.err);
    said.out.split_once('\n').unwrap().1
}

#[test]
fn persons_of_the_sample_are_explained_to_the_letter() {
    let workspace = untouched();
    let sample = &workspace.root;
    for (name, who) in ASKED {
        let said = prefrecon(["explain", sample.to_str().unwrap(), who]);
        assert_eq!(said.status, 0, "{who}: {}", said.err);
        let golden: PathBuf = root().join(format!("tests/golden/explain/{name}.txt"));
        if std::env::var_os("PREFRECON_BLESS").is_some() {
            fs::create_dir_all(golden.parent().unwrap()).unwrap();
            fs::write(&golden, &said.out).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap();
        assert!(said.out == expected, "{name} differs; where this is meant, bless it. It says\n{}", said.out);
    }
    let stored = fs::read_dir(root().join("tests/golden/explain")).unwrap().count();
    assert_eq!(stored, ASKED.len(), "a stored answer that nobody asks for");
}

#[test]
fn any_spelling_of_any_key_will_do() {
    let workspace = untouched();
    let sample = &workspace.root;
    let ask = |who: &str| prefrecon(["explain", sample.to_str().unwrap(), who]);
    let by_id = ask("003Hs00004jz6UEIAY");
    for who in ["003Hs00004jz6UE", "003HS00004JZ6UEIAY", "zoe.zamora@example.org", " Zoe.Zamora@Example.org ", "0001011722"] {
        assert_eq!(ask(who).out, by_id.out, "{who}");
    }
}

#[test]
fn a_stranger_is_told_with_the_nearest_key() {
    let workspace = untouched();
    let sample = &workspace.root;
    // asked for | offered
    for (who, offered) in [("zoe.zamorra@example.org", "zoe.zamora@example.org"), ("1011722", "0001011722")] {
        let said = prefrecon(["explain", sample.to_str().unwrap(), who]);
        assert_eq!(said.status, 2);
        assert!(said.err.contains(&format!("`{who}`, did you mean `{offered}`?")), "{}", said.err);
    }
}

#[test]
fn after_a_run_its_archived_inputs_answer_and_say_so() {
    let workspace = sample();
    let before = workspace.call("explain", &["003Hs00004jz6UEIAY"]);
    assert!(before.out.starts_with("From what is in the inbox now, as a run of "), "{}", before.out);
    workspace.run();
    assert_eq!(workspace.inbox().read_dir().unwrap().count(), 0);
    let run = fs::read_link(workspace.root.join("runs/latest")).unwrap().into_os_string().into_string().unwrap();
    for more in [&["003Hs00004jz6UEIAY"][..], &["--run", &run, "003Hs00004jz6UEIAY"], &["003Hs00004jz6UEIAY", "--run", "latest"]]
    {
        let after = workspace.call("explain", more);
        assert!(after.out.starts_with(&format!("From the inputs of the run {run}, ")), "{}", after.out);
        assert!(without_first_line(&after).starts_with(without_first_line(&before)), "{}", after.out);
    }

    let unknown = workspace.call("explain", &["--run", "2026-11-21T060000Z", "003Hs00004jz6UEIAY"]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.err.contains(&format!("did you mean `{run}`?")), "{}", unknown.err);

    workspace.put("prefrecon.toml", &(fs::read_to_string(workspace.root.join("prefrecon.toml")).unwrap() + "\n# changed\n"));
    let changed = workspace.call("explain", &["003Hs00004jz6UEIAY"]);
    assert!(changed.out.contains("prefrecon.toml has changed since that run"), "{}", changed.out);

    fs::write(workspace.root.join(format!("archive/{run}/salesforce_contacts_2026-11-21.csv")), "Id\n").unwrap();
    let altered = workspace.call("explain", &["003Hs00004jz6UEIAY"]);
    assert_eq!(altered.status, 4, "{}", altered.err);
    assert!(altered.err.contains("missing or changed: salesforce_contacts_2026-11-21.csv"), "{}", altered.err);
}

#[test]
fn past_runs_are_told_the_latest_first_and_none_from_the_future() {
    let workspace = sample();
    workspace.put("prefrecon.toml", &fs::read_to_string(root().join("sample_data/prefrecon.toml")).unwrap());
    for as_of in ["2026-11-22T06:00:00Z", "2026-11-23T06:00:00Z", "2026-11-25T06:00:00Z"] {
        workspace.run_as_of(Some(as_of));
    }
    let said = workspace.call("explain", &["003Hs00004jz6UEIAY", "--as-of", "2026-11-24T06:00:00Z"]);
    let (before, past) = said.out.split_once("\nPast runs, and what each saw anew\n").unwrap();
    // Nothing has changed since the first run, so it alone is told.
    let runs: Vec<&str> = past.lines().filter(|line| line.starts_with("  2026")).collect();
    assert_eq!(runs.len(), 1, "{past}");
    assert!(past.contains("Salesforce 003Hs00004jz6UEIAY is first seen: in"), "{past}");
    assert!(past.contains("OPT108 new"), "{past}");
    assert!(before.contains("opt in of Marketing Cloud 003Hs00004jz6UEIAY, out becomes in"), "{before}");
    assert!(!said.out.contains("2026-11-25"), "{}", said.out);
}

/// A person's weeks, from the ledger alone: what changed when, what was written, whether it landed and what was answered.
#[test]
fn the_ledger_tells_what_changed_and_what_landed() {
    let mut weeks = Weeks::new("");
    weeks.add("ana");
    weeks.set(MAILER, "ana", &[("Status", "Unsubscribed"), ("DateUnsubscribed", "11/10/2026 9:00:00 AM")]);
    let id = common::weeks::id("ana");
    let first = weeks.run();
    weeks.load_only(&first, &["ascend"]);
    let answer =
        format!("\"ID\",\"HASOPTEDOUTOFEMAIL\",\"ERROR\"\n\"{id}\",\"true\",\"FIELD_CUSTOM_VALIDATION_EXCEPTION:ask Maria\"\n");
    weeks.extra = vec![("error112326061502.csv".to_owned(), answer)];
    let second = weeks.run();
    weeks.extra.clear();
    let third = weeks.run();
    for run in [&first, &second] {
        fs::remove_dir_all(&run.run.path).unwrap();
    }
    let after_third = weeks.workspace.call("explain", &[&id, "--run", "latest"]);
    let words = after_third.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let known = [
        "opt out of Salesforce 003Hs0000000anaIAQ, in becomes out (salesforce_contacts_opt_out.csv): not landed since 2 runs; Salesforce \
         refused it: FIELD_CUSTOM_VALIDATION_EXCEPTION:ask Maria.",
        "(ascend_opt_out.csv): landed, as the run 2026-11-29T060000Z saw.",
        "2026-11-29T060000Z CU Ascend 0000942104: preference in becomes out; OPT103 new; OPT106 resolved.",
        "2026-11-22T060000Z CU Ascend 0000942104 is first seen: in; Marketing Cloud 003Hs0000000anaIAQ is first seen: out;",
        "OPT105 new; OPT106 new",
    ];
    for said in known {
        let said = said.replace("0000942104", &common::weeks::source_id("ana")).replace("003Hs0000000anaIAQ", &id);
        assert!(words.contains(&said), "{said}\n{}", after_third.out);
    }
    assert!(after_third.out.lines().count() <= 64, "one screen");
    weeks.load(&third);
    weeks.run();
    let last = weeks.workspace.call("explain", &[&id, "--run", "latest"]);
    let words = last.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("landed, as the run 2026-12-13T060000Z saw; Salesforce refused it"), "{}", last.out);
    fs::write(weeks.workspace.root.join("ledger/2026-11-29T060000Z/landed.parquet"), "").unwrap();
    let damaged = weeks.workspace.call("explain", &[&id, "--run", "latest"]);
    assert!(damaged.out.contains("ledger/2026-11-29T060000Z/landed.parquet is cut short"), "{}", damaged.out);
}

#[test]
fn a_file_that_the_run_refused_still_holds_opt_ins() {
    let workspace = sample();
    workspace.put("inbox/photo.csv", "\u{0}\u{1}PNG\u{0}");
    workspace.run();
    fs::remove_file(workspace.inbox().join("photo.csv")).unwrap();
    let said = workspace.call("explain", &["003Hs00004jz6UEIAY"]);
    assert!(said.out.contains("held/marketing_cloud_resubscribe_requests.xlsx"), "{}", said.out);
}

#[test]
fn json_has_the_same_answer() {
    let workspace = untouched();
    let sample = &workspace.root;
    let said = prefrecon(["explain", sample.to_str().unwrap(), "003Hs00004jz6UEIAY", "--format", "json"]);
    let answer: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(answer["basis"]["run"], Value::Null);
    assert_eq!(answer["basis"]["as_of"], "2026-11-22T06:00:00Z");
    let person = &answer["persons"][0];
    assert_eq!(person["decision"], "opted_in");
    assert_eq!(person["records"].as_array().unwrap().len(), 3);
    assert_eq!(person["fired"][0]["rule"], "OPT108");
    assert_eq!(person["signals"][0]["signal"], "opt_out");
    assert_eq!(person["corrections"][0]["after"], "Active");
    assert_eq!(person["history"], Value::Array(Vec::new()));
    assert!(person["near"].as_array().unwrap().iter().any(|near| near["rule"] == "OPT105"));
}
