//! Six weeks of one workspace: what is new, persists, goes and comes back; what was loaded; who stays opted out.

mod common;

use std::fs;

use common::reviewer::{OPT_OUT, filled, write_csv};
use common::weeks::{CRM, MAILER, SOURCE, Weeks};

const OUT: (&str, &str) = ("HasOptedOutOfEmail", "true");

#[test]
fn six_weeks_with_every_state() {
    let mut weeks = Weeks::new("");
    for name in ["ana", "ben", "cleo", "dan", "eve", "fay", "gus", "hal"] {
        weeks.add(name);
    }
    for name in ["ana", "ben", "dan", "eve", "fay"] {
        weeks.set(CRM, name, &[OUT]);
    }
    weeks.set(MAILER, "cleo", &[("Status", "Unsubscribed"), ("DateUnsubscribed", "11/10/2026 9:00:00 AM")]);
    // Another address than his contact's: a reviewer must look.
    weeks.set(MAILER, "hal", &[("EmailAddress", "hal.elsewhere@example.org")]);

    let first = weeks.run();
    assert_eq!(first.states("ana"), [("OPT101", "new"), ("OPT102", "new")].map(owned).into());
    assert_eq!(first.states("cleo"), [("OPT105", "new"), ("OPT106", "new")].map(owned).into());
    assert!(!first.run.path.join("landed.csv").exists());
    let before = ["ben", "fay"].map(|name| weeks.get(MAILER, name, "Status"));
    weeks.load(&first);
    // The mailer's file was not loaded for two of them.
    for (name, status) in ["ben", "fay"].into_iter().zip(before) {
        weeks.set(MAILER, name, &[("Status", &status), ("DateUnsubscribed", "")]);
    }
    let shown: Vec<_> = filled(&first.run, "IDN503", &OPT_OUT);
    write_csv(&weeks.workspace, "maria.csv", &shown);

    let second = weeks.run();
    assert_eq!(second.corrections("hal"), ["ascend Y", "marketing_cloud Unsubscribed", "salesforce true"]);
    assert_eq!(second.run.table("decisions.csv").rows()[0]["result"], "applied");
    fs::remove_dir_all(weeks.workspace.root.join("decisions")).unwrap();
    assert!(second.states("ana").is_empty() && second.corrections("ana").is_empty());
    assert_eq!(second.past("ana"), ["OPT101 resolved", "OPT102 resolved"]);
    assert_eq!(second.landed("ana"), ["ascend opt_out landed 1", "marketing_cloud opt_out landed 1"]);
    assert_eq!(second.states("ben"), [("OPT102", "persisting"), ("OPT104", "new")].map(owned).into());
    assert_eq!(second.landed("ben"), ["ascend opt_out landed 1", "marketing_cloud opt_out not_landed 1"]);
    let persisting = &second.rows("discrepancies.csv", "ben")[0];
    assert_eq!(["first_seen", "runs", "days"].map(|column| persisting[column].as_str()), ["2026-11-21", "2", "7"]);
    weeks.load_only(&second, &["ascend", "salesforce"]);
    weeks.set(MAILER, "ben", &[("Status", "Unsubscribed"), ("DateUnsubscribed", "11/30/2026 8:00:00 AM")]);
    // In the third week one opts back in with evidence, and somebody takes one's opt-out back by hand.
    weeks.set(
        CRM,
        "cleo",
        &[("HasOptedOutOfEmail", "false"), ("Email_Opt_In_Date__c", "2026-12-03"), ("Email_Opt_In_Channel__c", "Web form")],
    );
    weeks.set(MAILER, "eve", &[("Status", "Active"), ("DateUnsubscribed", "")]);

    let third = weeks.run();
    assert_eq!(third.landed("ben"), ["marketing_cloud opt_out landed 2"]);
    // Only some of the files were loaded; the decision stands without its paper.
    assert_eq!(third.landed("hal"), ["ascend opt_out landed 1", "salesforce opt_out landed 1"]);
    assert_eq!(third.corrections("hal"), ["marketing_cloud Unsubscribed"]);
    assert_eq!(third.states("cleo"), [("OPT107", "new"), ("OPT108", "new")].map(owned).into());
    assert_eq!(third.corrections("cleo"), ["ascend N", "marketing_cloud Active"]);
    assert_eq!(third.states("eve"), [("OPT102", "reopened"), ("OPT104", "new"), ("OPT113", "new")].map(owned).into());
    assert_eq!(third.corrections("eve"), ["marketing_cloud Unsubscribed"]);
    let fay = weeks.get(MAILER, "fay", "Status");
    weeks.load(&third);
    weeks.set(MAILER, "fay", &[("Status", &fay), ("DateUnsubscribed", "")]);
    // A manual load overwrites an opt-out in every system.
    weeks.set(CRM, "dan", &[("HasOptedOutOfEmail", "false")]);
    weeks.set(MAILER, "dan", &[("Status", "Active"), ("DateUnsubscribed", "")]);
    weeks.set(SOURCE, "dan", &[("Email Opt Out", "N"), ("Opt Out Date", "")]);

    // The mailer is not exported.
    let fourth = weeks.run_with(&[CRM, SOURCE]);
    assert_eq!(fourth.states("cleo"), Default::default());
    assert_eq!(fourth.landed("cleo"), ["ascend opt_in landed 1", "marketing_cloud opt_in unknown 1"]);
    assert_eq!(fourth.states("dan"), [("OPT113", "new")].map(owned).into());
    assert_eq!(fourth.corrections("dan"), ["ascend Y", "salesforce true"]);
    assert_eq!(fourth.past("fay"), ["OPT102 not_compared", "OPT104 not_compared"]);
    assert_eq!(fourth.landed("fay"), ["marketing_cloud opt_out unknown 3"]);
    weeks.load(&fourth);

    let fifth = weeks.run();
    assert_eq!(fifth.states("fay")["OPT102"], "persisting");
    let fay = fifth.rows("discrepancies.csv", "fay").into_iter().find(|row| row["rule"] == "OPT102").unwrap();
    assert_eq!((fay["first_seen"].as_str(), fay["runs"].as_str()), ("2026-11-21", "5"));
    assert_eq!(fifth.landed("fay"), ["marketing_cloud opt_out not_landed 4"]);
    assert_eq!(fifth.landed("cleo"), ["marketing_cloud opt_in landed 2"]);
    assert_eq!(fifth.corrections("cleo"), [""; 0]);
    assert_eq!(fifth.corrections("dan"), ["marketing_cloud Unsubscribed"]);
    weeks.load(&fifth);
    // Two opt out; of the mailer an older export is dropped for the last week.
    let older = weeks.tables.clone();
    weeks.set(MAILER, "gus", &[("Status", "Unsubscribed"), ("DateUnsubscribed", "12/21/2026 9:00:00 AM")]);
    let sixth = weeks.run();
    assert_eq!(sixth.states("gus"), [("OPT105", "new"), ("OPT106", "new")].map(owned).into());

    let eve = |days: u64| weeks.day.checked_sub_days(chrono::Days::new(days)).unwrap();
    let dated = [(CRM, eve(1)), (SOURCE, eve(1)), (MAILER, eve(8).pred_opt().unwrap())];
    let seventh = weeks.run_over(&older, &dated);
    assert_eq!(seventh.past("gus"), ["OPT105 not_compared", "OPT106 not_compared"]);
    assert_eq!(seventh.landed("gus"), ["ascend opt_out not_landed 1", "salesforce opt_out not_landed 1"]);
    assert!(seventh.run.table("corrections.csv").rows().iter().all(|row| row["after"] != "Active" && row["after"] != "false"));
    assert_eq!(weeks.sets().len(), 7);
    assert!(!seventh.attention().contains("ledger"), "{}", seventh.attention());
}

fn owned((rule, state): (&str, &str)) -> (String, String) {
    (rule.to_owned(), state.to_owned())
}

/// A sharer's valid opt-in is not undone by the unsubscribe that our own file dated anew.
#[test]
fn our_own_correction_is_no_new_signal() {
    let mut weeks = Weeks::new("");
    weeks.add("ana");
    weeks.add("ben");
    for table in [CRM, MAILER, SOURCE] {
        let column = if table == MAILER { "EmailAddress" } else { "Email" };
        weeks.set(table, "ben", &[(column, "ana@example.org")]);
    }
    weeks.set(SOURCE, "ana", &[("Email Opt Out", "Y"), ("Opt Out Date", "2026-10-01")]);
    weeks.set(CRM, "ben", &[("Email_Opt_In_Date__c", "2026-11-01"), ("Email_Opt_In_Channel__c", "Web form")]);
    let first = weeks.run();
    assert_eq!(first.corrections("ana"), ["marketing_cloud Unsubscribed", "salesforce true"]);
    assert_eq!(first.corrections("ben"), [""; 0]);
    weeks.load(&first);
    for _ in 0..3 {
        let next = weeks.run();
        assert_eq!(next.corrections("ben"), [""; 0], "the opt-in of the sharer stands");
        assert_eq!(next.corrections("ana"), [""; 0]);
    }
    // A later unsubscribe of one's own is a new signal, and holds for both.
    weeks.set(MAILER, "ana", &[("DateUnsubscribed", "12/15/2026 9:00:00 AM")]);
    let last = weeks.run();
    assert_eq!(last.corrections("ben"), ["ascend Y", "marketing_cloud Unsubscribed", "salesforce true"]);
}

/// A box that was unticked is an opt-in only with evidence that was not there before, or where none is asked for.
#[test]
fn an_unticked_box_needs_new_evidence() {
    // permission asked for | channel while out | channel after | opted in
    for (permission, before, after, opted_in) in [
        (true, "", "", false),
        (true, "Web form", "Web form", false),
        // The picklist's value instead of its label; or an older permission's, put right by hand.
        (true, "WEB_FORM", "Web form", false),
        (true, "Web form", "Web form (2019)", false),
        (true, "", "Phone call", true),
        (false, "", "", true),
    ] {
        let mut weeks = Weeks::new(&format!("[policy]\nrequire_permission = {permission}\n"));
        weeks.add("ana");
        weeks.set(CRM, "ana", &[OUT, ("Email_Opt_In_Channel__c", before)]);
        weeks.run();
        let second = weeks.run();
        weeks.load(&second);
        weeks.run();
        weeks.set(CRM, "ana", &[("HasOptedOutOfEmail", "false"), ("Email_Opt_In_Channel__c", after)]);
        let week = weeks.run();
        let expected: &[&str] = if opted_in { &["ascend N", "marketing_cloud Active"] } else { &["salesforce true"] };
        assert_eq!(week.corrections("ana"), expected, "{permission} {before:?} {after:?}");
        weeks.load(&week);
        let next = weeks.run();
        assert_eq!(next.corrections("ana"), [""; 0], "{permission} {before:?} {after:?}");
    }
}

/// A load that brings an old permission back with its date says nothing new, whatever it says of the channel.
#[test]
fn an_unticked_box_with_a_date_from_before_is_no_opt_in() {
    // the date of the opt-in while out | the channel while out | the date after | opted in
    for (before, channel, date, opted_in) in [
        ("", "", "2026-07-05", false),
        ("2026-07-05", "Web form", "2026-07-05", false),
        ("", "", "2026-11-20", false),
        ("", "", "2026-11-25", true),
        ("2026-07-05", "Web form", "2026-11-25", true),
    ] {
        let mut weeks = Weeks::new("");
        weeks.add("ana");
        weeks.set(CRM, "ana", &[OUT, ("Email_Opt_In_Date__c", before), ("Email_Opt_In_Channel__c", channel)]);
        weeks.set(MAILER, "ana", &[("Status", "Unsubscribed"), ("DateUnsubscribed", "11/10/2026 1:00:00 AM")]);
        weeks.set(SOURCE, "ana", &[("Email Opt Out", "Y"), ("Opt Out Date", "2026-11-10")]);
        weeks.run();
        let back =
            [("HasOptedOutOfEmail", "false"), ("Email_Opt_In_Date__c", date), ("Email_Opt_In_Channel__c", "Event sign-up")];
        weeks.set(CRM, "ana", &back);
        let week = weeks.run();
        let expected: &[&str] = if opted_in { &["ascend N", "marketing_cloud Active"] } else { &["salesforce true"] };
        assert_eq!(week.corrections("ana"), expected, "{before} {channel} {date}");
    }
}

/// An opt-out outlives its contact: who is mailed under its id, its source id or its address is opted out.
#[test]
fn an_opt_out_is_remembered_where_its_contact_is_gone() {
    // what the source's record keeps of the contact | what the mailer's record is keyed by | corrected
    for (keeps_id, by_address) in [(true, false), (false, false), (true, true), (false, true)] {
        let mut weeks = Weeks::new("");
        for name in ["ana", "ben"] {
            weeks.add(name);
        }
        weeks.set(CRM, "ana", &[OUT]);
        if !keeps_id {
            weeks.set(SOURCE, "ana", &[("Salesforce Contact ID", "")]);
        }
        if by_address {
            weeks.set(MAILER, "ana", &[("SubscriberKey", "ana@example.org")]);
        }
        weeks.run();
        weeks.table(CRM).cells.retain(|row| row[0] != common::weeks::id("ana"));
        for _ in 0..2 {
            let week = weeks.run();
            let after: Vec<String> = week.run.table("corrections.csv").rows().iter().map(|row| row["after"].clone()).collect();
            assert!(
                ["Unsubscribed", "Y"].iter().all(|word| after.contains(&(*word).to_owned())),
                "{keeps_id} {by_address} {after:?}"
            );
            let found = week.run.table("discrepancies.csv").rows();
            let undone = found.iter().filter(|row| row["rule"] == "OPT113").map(|row| row["outcome"].as_str());
            assert_eq!(undone.collect::<Vec<_>>(), ["correct", "correct"], "{keeps_id} {by_address}");
        }
        let week = weeks.run();
        weeks.load(&week);
        assert_eq!(weeks.run().run.table("corrections.csv").rows().len(), 0, "{keeps_id} {by_address}");
    }
}

/// What databases write for no date is none: an opt-in must be later than an opt-out that nobody knows the day of.
#[test]
fn a_date_that_stands_for_none_proves_nothing() {
    for (date, opted_in) in
        [("01/01/1900", false), ("1899-12-30", false), ("01/01/1970", false), ("", false), ("01/05/1994", true)]
    {
        let mut weeks = Weeks::new("[systems.ascend]\ndate_order = \"mdy\"\n");
        weeks.add("ana");
        weeks.set(SOURCE, "ana", &[("Email Opt Out", "Y"), ("Opt Out Date", date)]);
        weeks.set(CRM, "ana", &[("Email_Opt_In_Date__c", "2010-05-01"), ("Email_Opt_In_Channel__c", "Web form")]);
        let expected: &[&str] = if opted_in { &["ascend N"] } else { &["marketing_cloud Unsubscribed", "salesforce true"] };
        assert_eq!(weeks.run().corrections("ana"), expected, "{date}");
    }
}

/// A box that was unticked counts as an opt-in from the last export that showed it ticked, however many weeks said
/// nothing new before; weeks in which the record was not exported are no such export.
#[test]
fn an_unticked_box_counts_from_the_last_export_that_showed_it_ticked() {
    // weeks in which the contact is not in the CRM's export | opted in against an unsubscribe between the third and the fourth
    for (missing, wins) in [(0, true), (2, false)] {
        let mut weeks = Weeks::new("");
        for name in ["ana", "ben"] {
            weeks.add(name);
        }
        weeks.set(CRM, "ana", &[OUT]);
        let rows = |weeks: &Weeks, run: &str| -> usize {
            let file = fs::File::open(weeks.workspace.root.join("ledger").join(run).join("signals.parquet")).unwrap();
            let reader = <polars_io::prelude::ParquetReader<_> as polars_io::SerReader<_>>::new(file);
            polars_io::SerReader::finish(reader).unwrap().height()
        };
        for _ in 0..3 {
            weeks.run();
        }
        let heights = ["2026-11-22T060000Z", "2026-11-29T060000Z", "2026-12-06T060000Z"].map(|run| rows(&weeks, run));
        assert_eq!(heights, [1, 0, 0], "what has not changed is not written again");
        weeks.set(MAILER, "ana", &[("Status", "Unsubscribed"), ("DateUnsubscribed", "12/8/2026 9:00:00 AM")]);
        let whole = weeks.table(CRM).clone();
        weeks.table(CRM).cells.retain(|row| missing == 0 || row[0] != common::weeks::id("ana"));
        weeks.run();
        weeks.run();
        *weeks.table(CRM) = whole;
        weeks.set(CRM, "ana", &[("HasOptedOutOfEmail", "false"), ("Email_Opt_In_Channel__c", "Phone call")]);
        let week = weeks.run();
        let expected: &[&str] = if wins { &["marketing_cloud Active"] } else { &["ascend Y", "salesforce true"] };
        assert_eq!(week.corrections("ana"), expected, "missing in {missing} weeks");
    }
}

/// The opt-out of a record that is gone, or of a system that is not exported, still stands against opt-ins.
#[test]
fn an_opt_out_is_not_lost_with_its_record() {
    let mut weeks = Weeks::new("");
    weeks.add("ana");
    weeks.set(MAILER, "ana", &[("Status", "Unsubscribed"), ("DateUnsubscribed", "11/10/2026 9:00:00 AM")]);
    weeks.set(CRM, "ana", &[("Email_Opt_In_Date__c", "2026-11-01"), ("Email_Opt_In_Channel__c", "Web form")]);
    weeks.set(SOURCE, "ana", &[("Email Opt Out", "Y"), ("Opt Out Date", "2026-10-01")]);
    weeks.run();
    let missing = weeks.run_with(&[CRM, SOURCE]);
    assert_eq!(missing.corrections("ana"), ["salesforce true"]);
    weeks.table(MAILER).cells.clear();
    weeks.add("ben");
    let gone = weeks.run();
    assert_eq!(gone.corrections("ana"), ["salesforce true"]);
}

/// Codes of two constituents of one contact that contradict each other do not flip a category each week.
#[test]
fn opposite_codes_do_not_flip_a_category() {
    let mut weeks = Weeks::new(
        "[systems.salesforce.columns]\ncategories = \"Email_Preferences__c\"\n[[category]]\nname = \"News\"\n\
         [systems.ascend.codes]\nYES = \"opt_in:News\"\nNON = \"opt_out:News\"\n",
    );
    weeks.add("ana");
    let (id, first, second) = (common::weeks::id("ana"), common::weeks::source_id("ana"), common::weeks::source_id("other"));
    weeks.table(SOURCE).push(&[&second, &id, "ana@example.org", "N", "", "", ""]);
    let crm = weeks.table(CRM);
    crm.header.push("Email_Preferences__c".to_owned());
    crm.cells.iter_mut().for_each(|row| row.push("News".to_owned()));
    weeks.table("ascend_preferences").push(&[&first, "YES", "", "", "Active"]);
    weeks.table("ascend_preferences").push(&[&second, "NON", "", "", "Active"]);
    let all = [CRM, MAILER, SOURCE, "ascend_preferences"];
    let week = weeks.run_with(&all);
    weeks.load(&week);
    assert_eq!(weeks.get(CRM, "ana", "Email_Preferences__c"), "");
    for _ in 0..2 {
        let next = weeks.run_with(&all);
        assert!(!next.run.path.join("corrections").exists(), "the category flips");
    }
}

/// An export that lost most of its rows holds what rests on it.
#[test]
fn a_shrunken_export_holds_what_rests_on_it() {
    let mut weeks = Weeks::new("");
    for number in 0..10 {
        weeks.add(&format!("p{number}"));
    }
    weeks.set(CRM, "p0", &[("Email_Opt_In_Date__c", "2026-11-20"), ("Email_Opt_In_Channel__c", "Web form")]);
    weeks.run();
    weeks.set(CRM, "p1", &[OUT]);
    weeks.set(SOURCE, "p0", &[("Email Opt Out", "Y"), ("Opt Out Date", "2026-10-01")]);
    let kept: Vec<_> = weeks.table(MAILER).cells.drain(4..).collect();
    let cut = weeks.run();
    assert_eq!(cut.run.status, 3);
    assert!(cut.attention().contains("shrunk from 10 rows to 4"), "{}", cut.attention());
    let held = |name: &str| {
        let rows = cut.run.table("corrections.csv").rows();
        let keys = [common::weeks::id(name), common::weeks::source_id(name)];
        rows.into_iter()
            .filter(|row| keys.contains(&row["record"]))
            .map(|row| format!("{} {}", row["target"], row["file"].starts_with("held/")))
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(held("p0"), ["ascend true".to_owned()].into());
    assert_eq!(held("p1"), ["ascend false", "marketing_cloud true"].map(str::to_owned).into());
    weeks.table(MAILER).cells.extend(kept);
    let whole = weeks.run();
    assert!(!whole.attention().contains("shrunk"), "{}", whole.attention());
    assert!(whole.past("p5").is_empty() && !whole.run.path.join("held").exists());
}

#[test]
fn sets_that_are_too_old_go_and_the_chain_still_holds() {
    let mut weeks = Weeks::new("[ledger]\nretain_days = 20\n");
    weeks.add("ana");
    weeks.set(CRM, "ana", &[OUT]);
    for week in 1..=8 {
        let day = weeks.day;
        if week > 3 {
            let dry = weeks.workspace.call("run", &["--dry-run", "--as-of", &format!("{day}T06:00:00Z")]);
            assert!(dry.out.contains("would go"), "week {week}: {}", dry.out);
        }
        let run = weeks.run();
        assert!(!run.attention().contains("ledger"), "week {week}: {}", run.attention());
        assert_eq!(run.states("ana")["OPT101"], if week == 1 { "new" } else { "persisting" });
        assert_eq!(run.rows("discrepancies.csv", "ana")[0]["first_seen"], "2026-11-21", "week {week}");
        assert!(weeks.sets().len() <= 3, "week {week}: {:?}", weeks.sets());
    }
}

/// The columns that people query, with a reader of one's own and, where one is installed, with another.
#[test]
fn the_ledger_is_plain_parquet() {
    let mut weeks = Weeks::new("");
    weeks.add("ana");
    weeks.set(CRM, "ana", &[OUT]);
    weeks.run();
    let ledger = weeks.workspace.root.join("ledger");
    let file = fs::File::open(ledger.join("2026-11-22T060000Z/snapshot.parquet")).unwrap();
    let snapshot =
        polars_io::SerReader::finish(<polars_io::prelude::ParquetReader<_> as polars_io::SerReader<_>>::new(file)).unwrap();
    let names: Vec<&str> = snapshot.get_column_names().iter().map(|name| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "key",
            "state",
            "part",
            "system",
            "kind",
            "record",
            "unit",
            "email",
            "opt",
            "delivery",
            "categories",
            "opted_out",
            "since"
        ]
    );
    assert_eq!(snapshot.height(), 3);
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/read_ledger");
    let Ok(output) = std::process::Command::new("python3").arg(script).arg(&ledger).output() else { return };
    if output.status.code() == Some(77) {
        eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && said.contains("snapshot.parquet: 3 rows"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(said.lines().count(), 6, "{said}");
}

/// Killed between the two renames, or before both: the first counts, the second leaves nothing.
#[test]
fn a_kill_between_the_renames_leaves_ledger_and_runs_consistent() {
    let mut weeks = Weeks::new("");
    weeks.add("ana");
    weeks.set(CRM, "ana", &[OUT]);
    weeks.run();
    let (ledger, id) = (weeks.workspace.root.join("ledger"), "2026-11-22T060000Z");
    let hide = || fs::rename(ledger.join(id), ledger.join(format!(".unfinished-{id}"))).unwrap();
    hide();
    let dry = weeks.workspace.call("run", &["--dry-run", "--format", "json", "--as-of", "2026-11-29T06:00:00Z"]);
    assert!(dry.status == 0 || dry.status == 3, "{}", dry.err);
    assert!(weeks.sets().contains(&format!(".unfinished-{id}")), "a dry run leaves it alone");
    let second = weeks.run();
    assert_eq!(second.states("ana")["OPT101"], "persisting");
    assert_eq!(weeks.sets().len(), 2);
    assert!(weeks.sets().contains(id));

    fs::remove_dir_all(ledger.join("2026-11-29T060000Z")).unwrap();
    fs::remove_dir_all(weeks.workspace.root.join("runs")).unwrap();
    hide();
    let third = weeks.run();
    assert_eq!(third.states("ana")["OPT101"], "new");
    assert_eq!(weeks.sets(), ["2026-12-06T060000Z".to_owned()].into());
}

/// A damaged ledger is named, keeps opt-outs that it can prove, and opts nobody in.
#[test]
fn damage_is_named_and_opts_nobody_in() {
    type Harm = fn(&std::path::Path);
    let harms: [(&str, Harm); 5] = [
        ("snapshot.parquet is cut short", |set| {
            let bytes = fs::read(set.join("snapshot.parquet")).unwrap();
            fs::write(set.join("snapshot.parquet"), &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("signals.parquet was changed", |set| {
            let mut bytes = fs::read(set.join("signals.parquet")).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(set.join("signals.parquet"), bytes).unwrap();
        }),
        ("corrections.parquet is missing", |set| fs::remove_file(set.join("corrections.parquet")).unwrap()),
        ("manifest.json was changed", |set| {
            let text = fs::read_to_string(set.join("manifest.json")).unwrap();
            fs::write(set.join("manifest.json"), text.replace("\"rows\": 2", "\"rows\": 3")).unwrap();
        }),
        ("manifest.json is missing", |set| fs::remove_dir_all(set).unwrap()),
    ];
    for (said, harm) in harms {
        let mut weeks = Weeks::new("");
        weeks.add("ana");
        weeks.add("ben");
        weeks.set(SOURCE, "ana", &[("Email Opt Out", "Y")]);
        weeks.set(CRM, "ben", &[OUT]);
        weeks.run();
        let second = weeks.run();
        weeks.load(&second);
        weeks.run();
        // Later than the first run that saw the opt-out: with a whole ledger, this opt-in wins.
        weeks.set(
            CRM,
            "ana",
            &[("HasOptedOutOfEmail", "false"), ("Email_Opt_In_Date__c", "2026-12-09"), ("Email_Opt_In_Channel__c", "Web form")],
        );
        weeks.set(CRM, "ben", &[("HasOptedOutOfEmail", "false")]);
        harm(&weeks.workspace.root.join("ledger/2026-11-29T060000Z"));
        let week = weeks.run();
        assert_eq!(week.run.status, 3, "{said}");
        assert!(week.attention().contains(said), "{said}: {}", week.attention());
        let opted_in = |row: &common::Row| ["N", "Active", "false"].contains(&row["after"].as_str());
        assert!(!week.run.table("corrections.csv").rows().iter().any(opted_in), "{said}");
        assert_eq!(week.corrections("ben"), ["salesforce true"], "{said}");
        let next = weeks.run();
        assert!(!next.attention().contains("ledger/"), "{said}: {}", next.attention());
    }
}
