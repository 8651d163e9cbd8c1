//! What the program says, how it exits, and what it leaves behind.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{AS_OF, Workspace, files_below, prefrecon, program, seeded};
use rand::RngExt;
use serde_json::Value;

const CONTACTS: &str = "Id,Email,HasOptedOutOfEmail\n003Hs00004aBcDeIAK,ana@example.org,true\n";
const SUBSCRIBERS: &str = "SubscriberKey,EmailAddress,Status\n003Hs00004aBcDeIAK,ana@example.org,Active\n";

/// A workspace over these exports: file below the inbox, text.
fn over(files: &[(&str, &str)]) -> Workspace {
    Workspace::with("[run]\nas_of = \"2026-11-22T06:00:00Z\"\n", files)
}

/// Everything in a workspace but its lock.
fn left_in(workspace: &Workspace) -> Vec<String> {
    files_below(&workspace.root).into_keys().filter(|file| file != ".prefrecon.lock").collect()
}

#[test]
fn inputs_that_cannot_be_used_stop_the_run_and_nothing_is_written() {
    let bad_rows = format!("{CONTACTS}003Hs00004aBcDeIAK,ana@example.org,perhaps\n");
    let strict = "[inbox]\nafter_run = \"keep\"\nsettle_seconds = 0\nmax_reject_share = 0.05\n";
    let required = "[systems.ascend]\nrequired = true\n";
    // configuration | files | what is said
    for (configuration, files, said) in [
        ("", vec![], vec!["no CRM export in", "contacts export of Salesforce", "`prefrecon check`"]),
        ("", vec![("subscribers.csv", SUBSCRIBERS)], vec!["no CRM export in"]),
        (
            "",
            vec![("notes.csv", "a,b\n1,2\n")],
            vec!["no CRM export in", "notes.csv (refused: line 1: its columns fit no export"],
        ),
        (required, vec![("contacts.csv", CONTACTS)], vec!["no export of CU Ascend", "which the configuration requires"]),
        (
            strict,
            vec![("contacts.csv", &bad_rows)],
            vec![
                "contacts.csv: 1 of 2 rows are rejected",
                "max_reject_share = 0.05",
                "row 3, HasOptedOutOfEmail",
                "known are true, yes",
            ],
        ),
    ] {
        let workspace = Workspace::with(configuration, &files);
        let before = files_below(&workspace.root);
        let result = workspace.call("run", &["--as-of", AS_OF]);
        assert_eq!(result.status, 4, "{files:?}: {}", result.err);
        for words in said {
            assert!(result.err.contains(words), "{files:?} lacks {words:?}: {}", result.err);
        }
        let mut after = files_below(&workspace.root);
        after.remove(".prefrecon.lock");
        assert_eq!(before, after);
        assert!(!workspace.root.join("runs").exists() && !workspace.root.join("archive").exists());
    }
}

#[test]
fn a_file_that_cannot_be_used_is_refused_by_name_and_somebody_must_look() {
    // file | text | what is said
    for (file, text, said) in [
        ("photo.csv", "\u{0}\u{1}\u{2}\u{3}PNG\u{0}\u{0}", &["photo.csv"][..]),
        ("book.xlsx", "PK\u{3}\u{4}and then nothing", &["book.xlsx"]),
        ("empty.csv", "", &["empty.csv"]),
        ("newsletter.csv", "Name,Colour,Size\nAna,red,3\nBen,blue,4\n", &["newsletter.csv"]),
        // One of two columns is missing, and then two: all of them are named at once, with those that are there.
        (
            "subs.csv",
            "SubscriberKey,Mail,Status\n12345,ana@example.org,Active\n",
            &["subs.csv", "Email", "SubscriberKey", "Mail", "Status"],
        ),
    ] {
        let workspace = over(&[("contacts_2026-11-21.csv", CONTACTS), (file, text)]);
        let result = workspace.call("run", &[]);
        assert_eq!(result.status, 3, "{file}: {}{}", result.out, result.err);
        let attention = attention(&workspace);
        let sentence =
            attention.iter().find(|sentence| sentence.starts_with(file)).unwrap_or_else(|| panic!("{file}: {attention:?}"));
        for words in said {
            assert!(sentence.contains(words), "{file} lacks {words:?}: {sentence}");
        }
        assert!(result.out.contains(sentence), "{}", result.out);
        assert!(result.out.contains("was not read: who said no there is not known."), "{}", result.out);
        assert!(workspace.inbox().join(file).exists());
        let check = workspace.call("check", &[]);
        assert_eq!(check.status, 3, "{}", check.out);
        assert!(check.out.contains(file) && check.out.contains("refused"), "{}", check.out);
    }
}

/// Without its contacts their other records would be nobody's, or somebody else's.
#[test]
fn where_the_contacts_of_the_crm_are_refused_nothing_is_written() {
    let leads = "Lead ID,Email,HasOptedOutOfEmail\n00QHs0000E17bfaAAB,mina@example.org,0\n";
    let cut_off = format!("{CONTACTS}003Hs00004aBcDfIAK,\"ben@exam");
    let files = [("leads_2026-11-21.csv", leads), ("contacts_2026-11-21.csv", &cut_off), ("subs_2026-11-21.csv", SUBSCRIBERS)];
    let workspace = over(&files);
    for command in ["check", "run"] {
        let result = workspace.call(command, &[]);
        assert_eq!(result.status, 4, "{}{}", result.out, result.err);
        for words in ["contacts_2026-11-21.csv was refused", "cut off", "run again"] {
            assert!(result.err.contains(words) || result.out.contains(words), "{}{}", result.out, result.err);
        }
    }
    assert!(!workspace.root.join("runs/latest").exists());
    // An older export that is whole stands in for it.
    workspace.put("inbox/contacts_2026-11-20.csv", CONTACTS);
    assert_eq!(workspace.call("run", &[]).status, 3);
}

/// The same where nobody dropped them, and an earlier run had them.
#[test]
fn where_the_contacts_of_the_crm_are_missing_nothing_is_written() {
    let leads = "Lead ID,Email,HasOptedOutOfEmail\n00QHs0000E17bfaAAB,mina@example.org,0\n";
    let contacts = format!("{CONTACTS}003Hs00004aBcDfIAK,ben@example.org,false\n");
    let workspace = over(&[("leads_2026-11-21.csv", leads), ("contacts_2026-11-21.csv", &contacts)]);
    workspace.run();
    fs::remove_file(workspace.inbox().join("contacts_2026-11-21.csv")).unwrap();
    let run = |more: &str| {
        workspace.put("prefrecon.toml", &format!("[inbox]\nafter_run = \"keep\"\nsettle_seconds = 0\n{more}"));
        workspace.call("run", &["--as-of", "2026-11-29T06:00:00Z"])
    };
    let result = run("");
    assert_eq!(result.status, 4, "{}{}", result.out, result.err);
    assert!(result.err.contains("has the Salesforce contacts (2 rows), which earlier runs had"), "{}", result.err);
    let check = workspace.call("check", &["--as-of", "2026-11-29T06:00:00Z"]);
    assert_eq!(check.status, 4, "{}", check.out);
    assert!(check.out.contains("has the Salesforce contacts (2 rows), which earlier runs had"), "{}", check.out);
    // Who has given contacts up says so.
    let result = run("[brake]\nmax_shrink = 1.0\n");
    assert!([0, 3].contains(&result.status), "{}{}", result.out, result.err);
}

#[test]
fn a_workspace_alone_is_no_run_and_nobody() {
    let workspace = over(&[]);
    for (command, usage) in [("approve", "RUN [TARGET]"), ("explain", "WHO")] {
        let result = workspace.call(command, &[]);
        assert_eq!(result.status, 2, "{}", result.err);
        assert!(result.err.contains(&format!("prefrecon {command} {} {usage}", workspace.root.display())), "{}", result.err);
    }
}

/// Days that could be months make opt-outs undated, and so lose opt-ins: a key of the configuration settles it.
#[test]
fn dates_that_could_be_two_are_named_with_the_key_that_settles_them() {
    let constituents = "Constituent ID,Salesforce Contact ID,Email,Email Opt Out,Opt Out Date\n\
                        0000000001,003Hs00004aBcDeIAK,ana@example.org,Y,05/06/2026\n";
    let workspace = over(&[("contacts_2026-11-21.csv", CONTACTS), ("constituents_2026-11-21.csv", constituents)]);
    let said = |run: &str| run.contains("Opt Out Date: of 1 date day and month could be either way round");
    for command in ["check", "run"] {
        let result = workspace.call(command, &[]);
        assert!(said(&result.out) && result.out.contains("[systems.ascend]"), "{}", result.out);
    }
    workspace.put("prefrecon.toml", "[run]\nas_of = \"2026-11-22T06:00:00Z\"\n[systems.ascend]\ndate_order = \"mdy\"\n");
    assert!(!said(&workspace.call("run", &["--dry-run"]).out));
}

fn attention(workspace: &Workspace) -> Vec<String> {
    let manifest: Value =
        serde_json::from_str(&fs::read_to_string(workspace.root.join("runs/latest/run.json")).unwrap()).unwrap();
    assert_eq!(manifest["needs_a_person"], true);
    manifest["attention"].as_array().unwrap().iter().map(|sentence| sentence.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_row_that_cannot_be_used_is_listed_with_its_place_and_the_rest_goes_on() {
    let contacts = format!("{CONTACTS}003Hs00004aBcDfIAK,ben@example.org,perhaps\n,,false\n");
    let workspace = over(&[("contacts_2026-11-21.csv", &contacts), ("subs_2026-11-21.csv", SUBSCRIBERS)]);
    let run = workspace.run();
    let rejected = run.table("rejected_rows.csv");
    assert_eq!(rejected.header, ["file", "sheet", "row", "column", "value", "reason"]);
    let rows = rejected.rows();
    let place = |at: usize| ["file", "row", "column", "value"].map(|column| rows[at][column].as_str());
    assert_eq!(rows.len(), 2);
    assert_eq!(place(0), ["contacts_2026-11-21.csv", "3", "HasOptedOutOfEmail", "perhaps"]);
    assert!(rows[0]["reason"].contains("known are true, yes, y, on, 1, false, no, n, off, 0"), "{}", rows[0]["reason"]);
    assert_eq!(place(1), ["contacts_2026-11-21.csv", "4", "Id", ""]);
    assert!(rows[1]["reason"].contains("no key (Id, Email)"), "{}", rows[1]["reason"]);
    assert_eq!(run.of_rule("OPT102").len(), 1);
    assert_eq!((run.of_rule("DAT604").len(), run.of_rule("DAT603").len()), (1, 1));
    run.assert_rows_are_accounted_for();
}

#[test]
fn mistakes_of_the_administrator_are_named_with_what_to_do() {
    // configuration | what is said
    for (configuration, said) in [
        ("[brake]\nmax_shar = 0.1\n", &["prefrecon.toml", "max_shar", "did you mean `max_share`?", "line 2"][..]),
        ("[systems.salesforc]\nzone = \"UTC\"\n", &["did you mean `salesforce`?"]),
        ("[run]\ntimezone = \"Denver\"\n", &["America/Denver"]),
        ("[inbox\n", &["prefrecon.toml"]),
    ] {
        let workspace = over(&[("contacts.csv", CONTACTS)]);
        workspace.put("prefrecon.toml", configuration);
        for command in ["run", "check"] {
            let result = workspace.call(command, &[]);
            assert_eq!(result.status, 2, "{configuration}");
            for words in said {
                assert!(result.err.contains(words), "{configuration} lacks {words:?}: {}", result.err);
            }
        }
        assert_eq!(left_in(&workspace), ["inbox/contacts.csv", "prefrecon.toml"]);
    }
    let nowhere = Workspace::empty();
    fs::remove_dir_all(&nowhere.root).unwrap();
    let result = nowhere.call("run", &[]);
    assert_eq!(result.status, 2);
    assert!(result.err.contains("there is no workspace at") && result.err.contains("prefrecon init"), "{}", result.err);
    for arguments in [&["run", "--as-off", "x"][..], &["rnu"], &["generate", "x"], &["run", ".", "--config", "no-such-file.toml"]]
    {
        assert_eq!(prefrecon(arguments).status, 2, "{arguments:?}");
    }
}

#[test]
fn one_run_at_a_time() {
    let workspace = over(&[("contacts_2026-11-21.csv", CONTACTS)]);
    let lock = fs::File::create(workspace.root.join(".prefrecon.lock")).unwrap();
    lock.lock().unwrap();
    let result = workspace.call("run", &[]);
    assert_eq!(result.status, 5);
    assert!(result.err.contains("another run is under way"), "{}", result.err);
    assert!(!workspace.root.join("runs").exists());
    assert_eq!(workspace.call("check", &[]).status, 0, "looking needs no lock");
    drop(lock);
    assert_eq!(workspace.call("run", &[]).status, 0);
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    let workspace = Workspace::generated(400, 51);
    let before = files_below(&workspace.root);
    let dry = workspace.call("run", &["--dry-run"]);
    assert_eq!(dry.status, 0, "{}", dry.err);
    assert!(dry.out.contains("Dry run: nothing was written."));
    assert_eq!(before, files_below(&workspace.root));
    assert!(!workspace.root.join("runs").exists());
    let wet = workspace.call("run", &[]);
    let summary = |text: &str| {
        text.lines().take_while(|line| !line.starts_with("Written") && !line.starts_with("Dry")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(summary(&dry.out), summary(&wet.out));
    assert_eq!(summary(&wet.out).trim(), fs::read_to_string(workspace.root.join("runs/latest/summary.txt")).unwrap().trim());
}

#[test]
fn json_is_the_manifest_and_quiet_is_quiet() {
    let workspace = over(&[("contacts_2026-11-21.csv", CONTACTS), ("subs_2026-11-21.csv", SUBSCRIBERS)]);
    let result = workspace.call("run", &["--format", "json"]);
    let mut printed: Value = serde_json::from_str(&result.out).unwrap();
    let mut written: Value =
        serde_json::from_str(&fs::read_to_string(workspace.root.join("runs/latest/run.json")).unwrap()).unwrap();
    for manifest in [&mut printed, &mut written] {
        let fields = manifest.as_object_mut().unwrap();
        assert!(fields.remove("stages").is_some() && fields.remove("peak_memory_bytes").is_some());
    }
    assert_eq!(printed, written);
    assert_eq!(printed["discrepancies"]["by_rule"]["OPT102"], 1);
    assert_eq!(printed["corrections"]["marketing_cloud"]["files"]["corrections/marketing_cloud_unsubscribe.csv"], 1);

    let quiet = workspace.call("run", &["--quiet"]);
    assert_eq!((quiet.status, quiet.out.as_str(), quiet.err.as_str()), (0, "", ""));
    let check: Value = serde_json::from_str(&workspace.call("check", &["--format", "json"]).out).unwrap();
    assert_eq!(check.as_array().unwrap().len(), 2);
}

#[test]
fn no_address_is_shown_on_the_terminal() {
    let workspace = Workspace::generated(400, 52);
    for command in ["run", "check"] {
        let result = workspace.call(command, &["-v"]);
        let shown = format!("{}{}", result.out, result.err);
        let address = shown.split_whitespace().find(|word| word.contains('@') && word.contains("example."));
        assert_eq!(address, None, "{command}");
    }
}

#[test]
fn inputs_move_to_the_archive_with_their_folders() {
    let workspace = over(&[
        ("crm/contacts_2026-11-21.csv", CONTACTS),
        ("mc/week 47/subs_2026-11-21.csv", SUBSCRIBERS),
        ("odd.csv", "a,b\n1,2\n"),
    ]);
    let older = "SubscriberKey,EmailAddress,Status\n003Hs00004aBcDeIAK,ana@example.org,Held\n";
    workspace.put("inbox/mc/subs_2026-11-14.csv", older);
    workspace.put("prefrecon.toml", "[inbox]\nsettle_seconds = 0\n[run]\nas_of = \"2026-11-22T06:00:00Z\"\n");
    assert_eq!(workspace.call("run", &[]).status, 3);
    let archive = files_below(&workspace.root.join("archive/2026-11-22T060000Z"));
    let expected = [
        ("crm/contacts_2026-11-21.csv", CONTACTS),
        ("mc/subs_2026-11-14.csv", older),
        ("mc/week 47/subs_2026-11-21.csv", SUBSCRIBERS),
    ];
    assert_eq!(archive, expected.map(|(file, text)| (file.to_owned(), text.as_bytes().to_vec())).into());
    assert_eq!(files_below(&workspace.inbox()).into_keys().collect::<Vec<_>>(), ["odd.csv"]);
}

#[cfg(unix)]
#[test]
fn what_is_written_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let workspace = Workspace::generated(400, 53);
    workspace.run();
    let mut folders = vec![workspace.root.join("runs")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| !path.is_symlink()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                seen += 1;
                assert_eq!(mode(&path), 0o600, "{}", path.display());
            }
        }
    }
    assert!(seen > 20);
}

#[test]
fn a_killed_run_leaves_the_inbox_and_no_run_folder() {
    let workspace = Workspace::generated(60_000, 54);
    let configuration = fs::read_to_string(workspace.root.join("prefrecon.toml")).unwrap();
    workspace.put("prefrecon.toml", &configuration.replace("after_run = \"keep\"", "after_run = \"archive\""));
    let inbox = files_below(&workspace.inbox());
    let root = workspace.root.to_str().unwrap();
    let mut rng = seeded(54);
    let mut killed = 0;
    for _ in 0..8 {
        let mut child =
            Command::new(program()).args(["run", root, "-q"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(rng.random_range(1..250)));
        child.kill().unwrap();
        if child.wait().unwrap().success() || workspace.root.join("runs/2026-11-22T060000Z").exists() {
            break;
        }
        killed += 1;
        assert_eq!(inbox, files_below(&workspace.inbox()));
        assert!(!workspace.root.join("runs/latest").exists() && !workspace.root.join("archive").exists());
    }
    assert!(killed > 0, "every run was over before it could be killed");
    // A run that was killed once its folder had appeared is complete, and may have begun to archive.
    if files_below(&workspace.inbox()) == inbox {
        assert_eq!(workspace.call("run", &["-q"]).status, 0);
    }
    let names = fs::read_dir(workspace.root.join("runs")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().all(|name| !name.starts_with(".unfinished")));
    let manifest = fs::read_to_string(workspace.root.join("runs/latest/run.json")).unwrap();
    assert!(serde_json::from_str::<Value>(&manifest).is_ok());
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_leaves_everything_as_it_was() {
    use std::os::unix::fs::PermissionsExt;
    let workspace = over(&[("contacts_2026-11-21.csv", CONTACTS)]);
    let runs = workspace.root.join("runs");
    fs::create_dir(&runs).unwrap();
    fs::set_permissions(&runs, fs::Permissions::from_mode(0o500)).unwrap();
    // An administrator's rights know no read-only folder; a file in its place stops anybody.
    if fs::create_dir(runs.join("probe")).is_ok() {
        fs::remove_dir_all(&runs).unwrap();
        fs::write(&runs, "not a folder").unwrap();
    }
    let result = workspace.call("run", &[]);
    assert_eq!(result.status, 1, "{}", result.err);
    assert!(result.err.contains(&runs.display().to_string()), "{}", result.err);
    assert!(workspace.inbox().join("contacts_2026-11-21.csv").exists());
    let _ = fs::set_permissions(&runs, fs::Permissions::from_mode(0o700));
}

#[test]
fn a_new_workspace_says_what_it_waits_for() {
    let workspace = Workspace::empty();
    fs::remove_dir_all(&workspace.root).unwrap();
    let init = prefrecon(["init", workspace.root.to_str().unwrap()]);
    assert_eq!(init.status, 0, "{}", init.err);
    assert!(init.out.contains("prefrecon check"), "{}", init.out);
    assert_eq!(left_in(&workspace), ["decisions/README.txt", "inbox/README.txt", "prefrecon.toml"]);
    let check = workspace.call("check", &[]);
    assert_eq!(check.status, 4);
    assert!(check.out.contains("No CRM export") && check.out.contains("A run would stop"), "{}", check.out);
    let run = workspace.call("run", &[]);
    assert_eq!(run.status, 4);
    assert!(run.err.contains("no CRM export"), "{}", run.err);

    workspace.put("inbox/contacts.csv", CONTACTS);
    let check = workspace.call("check", &[]);
    assert!(check.out.contains("still being copied: it changed less than 60 seconds ago"), "{}", check.out);
    let minutes_ago = std::time::SystemTime::now() - Duration::from_secs(300);
    for file in ["inbox/contacts.csv", "inbox/README.txt"] {
        fs::File::options().write(true).open(workspace.root.join(file)).unwrap().set_modified(minutes_ago).unwrap();
    }
    let check = workspace.call("check", &[]);
    assert_eq!(check.status, 0, "{}", check.out);
    assert!(check.out.contains("Ready: a run would use these files."), "{}", check.out);
    assert_eq!(workspace.call("run", &[]).status, 0);
    assert!(workspace.inbox().join("README.txt").exists(), "the note for staff stays");

    let again = prefrecon(["init", workspace.root.to_str().unwrap()]);
    assert_eq!(again.status, 2);
    assert!(again.err.contains("is not empty"), "{}", again.err);
}

#[test]
fn generate_leaves_a_folder_in_use_alone() {
    let workspace = over(&[("contacts.csv", CONTACTS)]);
    let before = files_below(&workspace.root);
    let result = prefrecon(["generate", workspace.root.to_str().unwrap(), "--contacts", "10", "--seed", "1"]);
    assert_eq!(result.status, 2);
    assert!(result.err.contains("is not empty"), "{}", result.err);
    assert_eq!(before, files_below(&workspace.root));
}

#[test]
fn the_catalogue_and_the_profiles_explain_themselves() {
    let rules = prefrecon(["rules"]);
    for code in ["OPT101", "BNC204", "CAT304", "IDN506", "DAT608"] {
        assert!(rules.out.contains(code), "{code}");
        let one = prefrecon(["rules", code]);
        assert_eq!(one.status, 0);
        for part in [code, "severity: ", "What it finds", "Why it matters", "What to do", "Example"] {
            assert!(one.out.contains(part), "{code} lacks {part}: {}", one.out);
        }
    }
    assert_eq!(prefrecon(["rules", "opt101"]).out, prefrecon(["rules", "OPT101"]).out);
    let unknown = prefrecon(["rules", "OPT1O1"]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.err.contains("there is no rule OPT1O1, did you mean `OPT101`?"), "{}", unknown.err);

    let profile = prefrecon(["systems", "show", "salesforce"]);
    assert!(profile.out.contains("name = \"salesforce\"") && profile.out.contains("[[corrections]]"), "{}", profile.out);
    let list = prefrecon(["systems", "list"]).out;
    assert!(["salesforce", "marketing_cloud", "ascend"].iter().all(|name| list.contains(name)), "{list}");
    let unknown = prefrecon(["systems", "show", "salesforc"]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.err.contains("did you mean `salesforce`?"), "{}", unknown.err);
}

#[test]
fn shells_complete_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let result = prefrecon(["completions", shell]);
        assert_eq!(result.status, 0);
        assert!(result.out.contains("prefrecon") && result.out.contains("generate"), "{shell}");
    }
}

/// A note for staff is one whenever it was written: it is no export that is on its way.
#[test]
fn a_note_that_has_just_been_written_is_a_note() {
    let workspace = Workspace::empty();
    workspace.put("inbox/README.txt", "Drop the exports here.");
    let said = workspace.call("run", &[]);
    assert_eq!(said.status, 4);
    assert!(said.err.contains("README.txt (a note, not an export)") && !said.err.contains("being copied"), "{}", said.err);
}

#[test]
fn quiet_is_quiet_and_a_configuration_that_is_not_there_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("made");
    let said = prefrecon(["-q", "generate", root.to_str().unwrap(), "--contacts", "50", "--seed", "1"]);
    assert_eq!((said.status, said.out.as_str(), said.err.as_str()), (0, "", ""));
    let said = prefrecon(["check", root.to_str().unwrap(), "--config", "nowhere.toml"]);
    assert!(said.status != 0 && said.err.contains("there is no nowhere.toml: name the configuration file"), "{}", said.err);
}

#[test]
fn a_word_that_stops_a_run_is_quoted_and_an_address_is_not() {
    let rows: String = (1..9).map(|at| format!("003Hs000000000{at}IAA,p{at}@example.org,FALSCH\n")).collect();
    let words = format!("Id,Email,HasOptedOutOfEmail\n{rows}");
    let addresses = words.replace("FALSCH", "ana@secret.example");
    for (text, quoted) in [(words, true), (addresses, false)] {
        let workspace = Workspace::with("", &[("sf_2026-11-21.csv", &text)]);
        workspace.put("prefrecon.toml", "[inbox]\nsettle_seconds = 0\n");
        let said = workspace.call("run", &["--as-of", AS_OF]);
        assert_eq!(said.status, 4, "{}", said.err);
        assert_eq!(said.err.contains("\"FALSCH\""), quoted, "{}", said.err);
        assert!(!said.err.contains("secret"), "{}", said.err);
    }
}
