//! Reviewers' decisions and approvals live in the ledger: what stands there outlives run folders, age and damage, and what
//! is lost is named and opts nobody in.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::reviewer::{OPT_IN, OPT_OUT, attention, corrected, filled, told, write_csv};
use common::{RunFolder, Workspace, files_below};

const ANA: &str = "003Hs00004aBcDeIAK";
const BEN: &str = "003Hs00004aBcDfIAK";
const SECOND: &str = "2026-11-29T060000Z";

/// The day of a week's run, the first being 0.
fn day(week: u64) -> String {
    let first = chrono::NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
    format!("{}T06:00:00Z", first.checked_add_days(chrono::Days::new(7 * week)).unwrap())
}

/// Ana's opt-out box, opt-in day and channel in the CRM, and her status and day in the mailer.
const SILENT: [&str; 2] = ["false,,", "Active,"];
/// Unsubscribed long ago.
const OUT: [&str; 2] = ["false,,", "Unsubscribed,11/1/2026 9:00:00 AM"];
/// The same, and opted in on the day before the second week's run.
const OPTED_IN: [&str; 2] = ["false,2026-11-28,Web form", "Unsubscribed,11/1/2026 9:00:00 AM"];

/// A week's run over exports of that day: two people whose subscribers have another address than their contacts, which a
/// person must look at.
fn run(workspace: &Workspace, week: u64, [ana, subscriber]: [&str; 2]) -> RunFolder {
    fs::remove_dir_all(workspace.inbox()).unwrap();
    let at = day(week);
    let date = &at[..10];
    let contacts = format!(
        "Id,Email,HasOptedOutOfEmail,Email_Opt_In_Date__c,Email_Opt_In_Channel__c\n{ANA},ana@example.org,{ana}\n{BEN},ben@example.org,false,,\n"
    );
    let subscribers = format!(
        "SubscriberKey,EmailAddress,Status,DateUnsubscribed\n{ANA},other@example.org,{subscriber}\n{BEN},besides@example.org,Active,\n"
    );
    workspace.put(&format!("inbox/contacts_{date}.csv"), &contacts);
    workspace.put(&format!("inbox/subs_{date}.csv"), &subscribers);
    workspace.run_as_of(Some(&at))
}

/// Fills in somebody's row of a run's workbook.
fn decide(workspace: &Workspace, shown: &RunFolder, who: &str, cells: &[(&str, &str)]) {
    let rows: Vec<_> = filled(shown, "IDN503", cells).into_iter().filter(|row| row["Key"].contains(who)).collect();
    write_csv(workspace, "maria.csv", &rows);
}

/// A workspace of two weeks, in the second of which it was decided that Ana is opted out.
fn decided(configuration: &str) -> (Workspace, RunFolder) {
    let workspace = Workspace::with(&format!("[run]\ntimezone = \"UTC\"\n{configuration}"), &[]);
    let first = run(&workspace, 0, SILENT);
    decide(&workspace, &first, ANA, &OPT_OUT);
    let second = run(&workspace, 1, SILENT);
    assert_eq!(told(&second)[0].0, "applied");
    fs::remove_dir_all(workspace.root.join("decisions")).unwrap();
    (workspace, second)
}

fn is_opted_out(run: &RunFolder) -> bool {
    corrected(run).contains(&("marketing_cloud".to_owned(), ANA.to_owned(), "Unsubscribed".to_owned()))
}

fn set(workspace: &Workspace, run: &str) -> PathBuf {
    workspace.root.join("ledger").join(run)
}

fn flip(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).unwrap();
}

#[test]
fn the_set_holds_them_in_the_chain_and_the_run_folder_has_the_same_file() {
    let (workspace, second) = decided("");
    let kept = fs::read(set(&workspace, SECOND).join("decisions.parquet")).unwrap();
    assert!(kept == fs::read(second.path.join("decisions.parquet")).unwrap());
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(set(&workspace, SECOND).join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["files"]["decisions.parquet"]["rows"], 1);
    assert_eq!(second.manifest()["decisions"], 1);
    assert!(!set(&workspace, "2026-11-22T060000Z").join("decisions.parquet").exists(), "nobody had decided anything");
}

/// Whatever becomes of run folders: the decision stands.
#[test]
fn they_do_not_rest_on_run_folders() {
    type Harm = fn(&Workspace, &RunFolder);
    let harms: [(&str, Harm); 4] = [
        ("the folder is gone", |_, run| fs::remove_dir_all(&run.path).unwrap()),
        ("all folders are gone", |workspace, _| fs::remove_dir_all(workspace.root.join("runs")).unwrap()),
        ("its manifest is damaged", |_, run| fs::write(run.path.join("run.json"), "{\"as_of\": ").unwrap()),
        ("its file is gone", |_, run| fs::remove_file(run.path.join("decisions.parquet")).unwrap()),
    ];
    for (said, harm) in harms {
        let (workspace, second) = decided("");
        harm(&workspace, &second);
        let third = run(&workspace, 2, SILENT);
        assert!(is_opted_out(&third), "{said}");
        assert_eq!(third.of_rule("IDN503")[0]["outcome"], "correct", "{said}: nobody is asked again");
        assert_eq!(third.status, 0, "{said}: {}", attention(&third));
    }
}

#[test]
fn age_takes_none_away() {
    let (workspace, _) = decided("keep_days = 10\n[ledger]\nretain_days = 10\n");
    for week in 2..8 {
        let run = run(&workspace, week, SILENT);
        assert!(is_opted_out(&run), "week {week}");
        assert!(!attention(&run).contains("ledger"), "week {week}: {}", attention(&run));
    }
    assert!(!set(&workspace, SECOND).exists() && !workspace.root.join("runs").join(SECOND).exists(), "both are too old");
    // Years later, when every set is too old, the next run still takes over what stands.
    assert!(is_opted_out(&run(&workspace, 220, SILENT)));
    assert_eq!(files_below(&workspace.root.join("ledger")).keys().filter(|file| file.ends_with("decisions.parquet")).count(), 1);
}

/// A file that is damaged is named. Where another has the same bytes, nothing is lost.
#[test]
fn a_damaged_file_is_replaced_by_one_with_the_same_bytes() {
    for harm in [flip as fn(&Path), |file| fs::remove_file(file).unwrap()] {
        let (workspace, _) = decided("");
        harm(&set(&workspace, SECOND).join("decisions.parquet"));
        let third = run(&workspace, 2, SILENT);
        assert_eq!(third.status, 3);
        assert!(attention(&third).contains(&format!("ledger/{SECOND}/decisions.parquet ")), "{}", attention(&third));
        assert!(!attention(&third).contains("are lost"), "{}", attention(&third));
        assert!(is_opted_out(&third));
        let fourth = run(&workspace, 3, SILENT);
        assert!(fourth.status == 0 && is_opted_out(&fourth), "{}", attention(&fourth));
    }
}

/// What cannot be proven any more opts nobody in: not by a date that the lost opt-out would have stood against, in this run
/// or a later one, until the file is back or a person says that it was made good for.
#[test]
fn what_is_lost_is_named_and_opts_nobody_in_until_it_is_made_good_for() {
    type Harm = fn(&Workspace, &RunFolder);
    let harms: [(&str, Harm); 3] = [
        ("set and run folder", |workspace, run| {
            fs::remove_file(set(workspace, SECOND).join("decisions.parquet")).unwrap();
            fs::remove_dir_all(&run.path).unwrap();
        }),
        ("the whole set, and the run's copy", |workspace, run| {
            fs::remove_dir_all(set(workspace, SECOND)).unwrap();
            fs::remove_file(run.path.join("decisions.parquet")).unwrap();
        }),
        ("manifest and copy", |workspace, run| {
            flip(&set(workspace, SECOND).join("manifest.json"));
            fs::remove_file(set(workspace, SECOND).join("decisions.parquet")).unwrap();
            fs::remove_file(run.path.join("decisions.parquet")).unwrap();
        }),
    ];
    for (said, harm) in harms {
        for back in [true, false] {
            let (workspace, second) = decided("");
            let saved = files_below(&set(&workspace, SECOND));
            harm(&workspace, &second);
            let opt_ins = |run: &RunFolder| {
                let rows = run.table("corrections.csv").rows();
                let rows = rows.into_iter().filter(|row| row["after"] == "Active");
                rows.map(|row| row["file"].split('/').next().unwrap().to_owned()).collect::<Vec<_>>()
            };
            for week in [2, 3] {
                let run = run(&workspace, week, OPTED_IN);
                assert_eq!(run.status, 3, "{said}, week {week}");
                let told = format!("The reviewers' decisions of the run {SECOND} are lost");
                assert!(attention(&run).contains(&told), "{said}, week {week}: {}", attention(&run));
                assert_eq!(opt_ins(&run), ["held"], "{said}, week {week}");
            }
            if back {
                let folder = set(&workspace, SECOND);
                fs::create_dir_all(&folder).unwrap();
                for (file, bytes) in saved {
                    fs::write(folder.join(file), bytes).unwrap();
                }
            } else {
                let approved = workspace.call("approve", &["latest", "decisions", "--by", "Maria Lopez"]);
                assert_eq!(approved.status, 0, "{}", approved.err);
                assert!(approved.out.contains(&format!("the lost decisions of {SECOND} were made good for")), "{}", approved.out);
                let again = workspace.call("approve", &["latest", "decisions", "--by", "Maria Lopez"]);
                assert_eq!(again.status, 0, "until the next run nothing has changed: {}", again.err);
            }
            let run = run(&workspace, 4, OPTED_IN);
            assert_eq!(run.status, 0, "{said}, back {back}: {}", attention(&run));
            // Back, the opt-out is later than the opt-in; made good for in another way, the opt-in wins.
            let expected: &[&str] = if back { &[] } else { &["corrections"] };
            assert_eq!(opt_ins(&run), expected, "{said}, back {back}");
            let is_out = corrected(&run).contains(&("salesforce".to_owned(), ANA.to_owned(), "true".to_owned()));
            assert_eq!(is_out, back, "{said}, back {back}");
        }
    }
}

/// A copy that nobody can prove still opts out, and never in.
#[test]
fn of_an_unproven_copy_only_opt_outs_stand() {
    let (workspace, _) = decided("");
    // The manifest is gone, so nothing says that these are the bytes that were written.
    fs::remove_file(set(&workspace, SECOND).join("manifest.json")).unwrap();
    let third = run(&workspace, 2, SILENT);
    assert_eq!(third.status, 3);
    assert!(attention(&third).contains("are lost"), "{}", attention(&third));
    assert!(is_opted_out(&third), "the opt-out is taken all the same");
}

#[test]
fn an_opt_in_by_decision_waits_while_others_are_lost() {
    let workspace = Workspace::with("[run]\ntimezone = \"UTC\"\n", &[]);
    decide(&workspace, &run(&workspace, 0, OUT), ANA, &OPT_IN);
    let second = run(&workspace, 1, OUT);
    assert!(corrected(&second).contains(&("marketing_cloud".to_owned(), ANA.to_owned(), "Active".to_owned())));
    fs::remove_dir_all(workspace.root.join("decisions")).unwrap();
    fs::remove_file(set(&workspace, SECOND).join("manifest.json")).unwrap();
    let third = run(&workspace, 2, OUT);
    assert!(!third.table("corrections.csv").rows().iter().any(|row| row["after"] == "Active"));
}

/// A run repeated for an earlier time archives what it read: its decisions stand in later runs too.
#[test]
fn decisions_of_a_run_of_an_earlier_time_stand() {
    let (workspace, _) = decided("");
    decide(&workspace, &run(&workspace, 3, SILENT), BEN, &OPT_OUT);
    let earlier = run(&workspace, 2, SILENT);
    assert_eq!(told(&earlier)[0].0, "applied");
    fs::remove_dir_all(workspace.root.join("decisions")).unwrap();
    let last = run(&workspace, 4, SILENT);
    assert!(is_opted_out(&last));
    assert!(corrected(&last).contains(&("marketing_cloud".to_owned(), BEN.to_owned(), "Unsubscribed".to_owned())));
}
