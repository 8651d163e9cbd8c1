//! Reviewers' decisions from the workbook back into the next run, and what becomes of rows that cannot be used.

mod common;

use std::fs;
use std::path::Path;

use common::reviewer::{LEAVE, OPT_IN, OPT_OUT, Sheet, attention, corrected, filled, review, told, write_csv};
use common::{Workspace, files_below};
use rust_xlsxwriter::{Workbook as Book, Worksheet};
use serde_json::Value;

const NEXT: &str = "2026-11-23T06:00:00Z";
const AFTER: &str = "2026-11-24T06:00:00Z";

const CONTACTS: &str =
    "Id,Email,HasOptedOutOfEmail\n003Hs00004aBcDeIAK,ana@example.org,false\n003Hs00004aBcDfIAK,ben@example.org,false\n";
/// The first subscriber has another address than her contact, which a person must look at.
const SUBSCRIBERS: &str = "SubscriberKey,EmailAddress,Status,DateUnsubscribed\n003Hs00004aBcDeIAK,other@example.org,Active,\n003Hs00004aBcDfIAK,ben@example.org,Active,\n";
const ANA: &str = "003Hs00004aBcDeIAK";

fn over(contacts: &str, subscribers: &str) -> Workspace {
    let files = [("contacts_2026-11-21.csv", contacts), ("subs_2026-11-21.csv", subscribers)];
    Workspace::with("[run]\nas_of = \"2026-11-22T06:00:00Z\"\n", &files)
}

/// Ana's subscriber was unsubscribed at that time.
fn unsubscribed(at: &str) -> String {
    SUBSCRIBERS.replace("other@example.org,Active,", &format!("other@example.org,Unsubscribed,{at}"))
}

/// As a spreadsheet program saves it: title rows above, the date as a date.
fn write_xlsx(workspace: &Workspace, name: &str, rows: &Sheet) {
    let mut book = Book::new();
    book.add_worksheet().set_name("Summary").unwrap().write_string(0, 0, "Something else").unwrap();
    add_sheet(&mut book, "Needs review", rows);
    save(workspace, name, book);
}

fn save(workspace: &Workspace, name: &str, mut book: Book) {
    fs::create_dir_all(workspace.root.join("decisions")).unwrap();
    book.save(workspace.root.join("decisions").join(name)).unwrap();
}

fn add_sheet<'b>(book: &'b mut Book, name: &str, rows: &Sheet) -> &'b mut Worksheet {
    let sheet = book.add_worksheet().set_name(name).unwrap();
    sheet.write_string(0, 0, "Needs review").unwrap();
    for (column, header) in rows[0].keys().enumerate() {
        sheet.write_string(3, column as u16, header).unwrap();
        for (at, row) in rows.iter().enumerate() {
            let cell = &row[header];
            match (header.as_str(), cell.is_empty()) {
                (_, true) => {}
                ("Permission date", _) => {
                    let date = rust_xlsxwriter::ExcelDateTime::parse_from_str(cell).unwrap();
                    let format = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd");
                    sheet.write_datetime_with_format(4 + at as u32, column as u16, &date, &format).unwrap();
                }
                _ => drop(sheet.write_string(4 + at as u32, column as u16, cell).unwrap()),
            }
        }
    }
    sheet
}

/// A reviewer may fill in a copy of the sheet, and leave the first one as it was.
#[test]
fn every_sheet_with_decisions_is_read_and_a_hidden_one_refused() {
    for hidden in [false, true] {
        let workspace = over(CONTACTS, SUBSCRIBERS);
        let first = workspace.run();
        let mut book = Book::new();
        add_sheet(&mut book, "Needs review", &review(&first));
        add_sheet(&mut book, "Needs review - Maria", &filled(&first, "IDN503", &OPT_OUT)).set_hidden(hidden);
        save(&workspace, "maria.xlsx", book);
        let second = workspace.run_as_of(Some(NEXT));
        assert_eq!(corrected(&second).is_empty(), hidden);
        assert_eq!(
            attention(&second).contains("its sheet `Needs review - Maria` has the columns of decisions and is hidden"),
            hidden
        );
        assert_eq!(second.status, if hidden { 3 } else { 0 });
    }
}

/// A spreadsheet program calls tab-separated text so; what has no table is a note.
#[test]
fn a_sheet_that_was_saved_as_text_is_read() {
    let workspace = over(CONTACTS, SUBSCRIBERS);
    let first = workspace.run();
    write_csv(&workspace, "maria.txt", &filled(&first, "IDN503", &OPT_OUT));
    workspace.put("decisions/notes.txt", "Maria is back on Monday.\n");
    let second = workspace.run_as_of(Some(NEXT));
    assert_eq!(told(&second), [("applied".to_owned(), ": ".to_owned())]);
    assert_eq!((second.status, workspace.root.join("decisions/notes.txt").exists()), (0, true));
}

/// Only an opt-out holds against another answer.
#[test]
fn of_two_reviewers_who_do_not_agree_neither_opts_in() {
    let source = "Constituent ID,Salesforce Contact ID,Email,Email Opt Out,Opt Out Date\n1,003Hs00004aBcDeIAK,other@example.org,Y,2026-10-01\n";
    let workspace = over(CONTACTS, SUBSCRIBERS);
    workspace.put("inbox/as_2026-11-21.csv", source);
    let first = workspace.run();
    write_csv(&workspace, "bob.csv", &filled(&first, "IDN503", &LEAVE));
    write_csv(&workspace, "cy.csv", &filled(&first, "IDN503", &OPT_IN));
    let second = workspace.run_as_of(Some(NEXT));
    let said = told(&second);
    assert!(
        said.len() == 2 && said.iter().all(|(result, why)| result == "not used" && why.contains("neither holds")),
        "{said:?}"
    );
    write_csv(&workspace, "dee.csv", &filled(&first, "IDN503", &OPT_OUT));
    let said = told(&workspace.run_as_of(Some(AFTER)));
    assert_eq!(said.iter().filter(|(result, _)| result == "applied").count(), 1, "{said:?}");
}

/// Who corrects the day of a permission has decided anew.
#[test]
fn a_permission_of_another_day_is_another_decision() {
    let workspace = over(CONTACTS, &unsubscribed("11/10/2026"));
    let first = workspace.run();
    let permitted_on = |day: &str| {
        let mut cells = OPT_IN;
        cells[4].1 = if day == "2026-04-01" { "2026-04-01" } else { "2026-11-20" };
        filled(&first, "IDN503", &cells)
    };
    write_csv(&workspace, "ann.csv", &permitted_on("2026-04-01"));
    assert_eq!(told(&workspace.run_as_of(Some(NEXT)))[0].0, "applied");
    write_csv(&workspace, "ann.csv", &permitted_on("2026-11-20"));
    let third = workspace.run_as_of(Some(AFTER));
    assert_eq!(told(&third)[0].0, "applied");
    assert!(third.path.join("corrections/marketing_cloud_resubscribe_requests.xlsx").exists());
}

#[test]
fn an_opt_out_is_obeyed_recorded_and_not_asked_again() {
    for xlsx in [true, false] {
        let workspace = over(CONTACTS, SUBSCRIBERS);
        let first = workspace.run();
        assert!(corrected(&first).is_empty());
        let rows = filled(&first, "IDN503", &OPT_OUT);
        if xlsx {
            write_xlsx(&workspace, "maria.xlsx", &rows)
        } else {
            write_csv(&workspace, "maria.csv", &rows)
        }

        let second = workspace.run_as_of(Some(NEXT));
        let out = |target: &str, after: &str| (target.to_owned(), ANA.to_owned(), after.to_owned());
        assert_eq!(corrected(&second), [out("marketing_cloud", "Unsubscribed"), out("salesforce", "true")]);
        assert_eq!(told(&second), [("applied".to_owned(), ": ".to_owned())]);
        let found = second.of_rule("IDN503").remove(0);
        assert_eq!((found["outcome"].as_str(), found["due"].is_empty()), ("correct", false));
        assert!(found["why"].starts_with("Decided by Maria Lopez on 2026-11-22 (opt out): asked by letter"), "{}", found["why"]);
        assert_eq!(second.status, 0, "{}", attention(&second));
        let explained = workspace.call("explain", &["ana@example.org", "--as-of", AFTER]);
        assert!(explained.out.contains("Opted out by decision of Maria Lopez"), "{}", explained.out);

        // The file is still there: it says nothing new. Once it is gone, the decision stands all the same.
        let third = workspace.run_as_of(Some(AFTER));
        assert_eq!(told(&third)[0].0, "known");
        fs::remove_dir_all(workspace.root.join("decisions")).unwrap();
        let fourth = workspace.run_as_of(Some("2026-11-25T06:00:00Z"));
        for run in [&third, &fourth] {
            assert_eq!(corrected(run), corrected(&second));
            assert_eq!(run.of_rule("IDN503")[0]["outcome"], "correct");
        }
        assert!(!fourth.path.join("decisions.csv").exists() && fourth.path.join("decisions.parquet").is_file());
    }
}

#[test]
fn an_opt_in_needs_evidence_and_must_beat_every_opt_out() {
    // unsubscribed | permission | opted in
    for (at, permitted, wins) in [
        ("2026-11-01 10:00:00", "2026-11-15", true),
        ("2026-11-01 10:00:00", "2026-11-02", false),
        ("2026-11-16 10:00:00", "2026-11-15", false),
        ("", "2026-11-15", false),
    ] {
        let workspace = over(CONTACTS, &unsubscribed(at));
        let first = workspace.run();
        let mut cells = OPT_IN;
        cells[4].1 = permitted;
        write_xlsx(&workspace, "maria.xlsx", &filled(&first, "IDN503", &cells));
        let second = workspace.run_as_of(Some(NEXT));
        assert_eq!(told(&second)[0].0, "applied");
        let found = second.of_rule("IDN503").remove(0);
        if wins {
            assert_eq!(corrected(&second), [("marketing_cloud".to_owned(), ANA.to_owned(), "Active".to_owned())], "{at}");
            let why = &second.of_rule("OPT108")[0]["why"];
            assert!(why.starts_with("Opted back in by decision of Maria Lopez"), "{why}");
            assert!(why.contains("signed card 4711"), "{why}");
            assert_eq!(found["outcome"], "note");
        } else {
            assert_eq!(corrected(&second), [("salesforce".to_owned(), ANA.to_owned(), "true".to_owned())], "{at}");
            assert_eq!(found["outcome"], "review", "{at}");
            assert!(found["why"].contains("An opt-out stands against it"), "{}", found["why"]);
        }
    }
}

#[test]
fn a_later_opt_out_beats_an_opt_in_by_decision() {
    let workspace = over(CONTACTS, &unsubscribed("2026-11-01 10:00:00"));
    write_csv(&workspace, "maria.csv", &filled(&workspace.run(), "IDN503", &OPT_IN));
    assert_eq!(corrected(&workspace.run_as_of(Some(NEXT)))[0].2, "Active");
    workspace.put("inbox/subs_2026-11-21.csv", &unsubscribed("2026-11-22 10:00:00"));
    let after = workspace.run_as_of(Some(AFTER));
    assert_eq!(corrected(&after), [("salesforce".to_owned(), ANA.to_owned(), "true".to_owned())]);
}

#[test]
fn what_is_left_stays_left_until_its_records_change() {
    let workspace = over(CONTACTS, SUBSCRIBERS);
    write_csv(&workspace, "maria.csv", &filled(&workspace.run(), "IDN503", &LEAVE));
    for as_of in [NEXT, AFTER] {
        let run = workspace.run_as_of(Some(as_of));
        let found = run.of_rule("IDN503").remove(0);
        assert_eq!(found["outcome"], "excepted");
        assert!(found["why"].contains("to leave it until its records change: both addresses are hers"), "{}", found["why"]);
        assert!(corrected(&run).is_empty());
        assert!(fs::read_to_string(run.path.join("summary.txt")).unwrap().contains("excepted"));
    }
    workspace.put("inbox/subs_2026-11-21.csv", &unsubscribed("2026-11-20 10:00:00"));
    let changed = workspace.run_as_of(Some("2026-11-25T06:00:00Z"));
    assert_eq!(changed.of_rule("IDN503")[0]["outcome"], "review");
    assert!(attention(&changed).contains("1 case that a reviewer left as it was has changed since"), "{}", attention(&changed));
    assert!(review(&changed).iter().any(|row| row["Rule"] == "IDN503"));
}

#[test]
fn a_row_that_cannot_be_used_is_named_with_its_place_and_what_to_do() {
    // what is changed | what is said
    let cases: [(&[(&str, &str)], &str); 12] = [
        (&[("Decided by", "")], "Decided by: nobody's name stands there"),
        (&[("Reason", "")], "Reason: there is no reason"),
        (&[("Decision", "opt uot")], "Decision: `opt uot` is no decision, did you mean `opt out`?"),
        (&[("Decision", "")], "Decision: there is no decision"),
        (&[("Permission evidence", "")], "Permission evidence: to opt back in takes evidence"),
        (
            &[("Permission evidence", "No consent")],
            "Permission evidence: to opt back in takes evidence, and `No consent` is none",
        ),
        (&[("Permission evidence", "?")], "Permission evidence: to opt back in takes evidence, and `?` is none"),
        (&[("Permission date", "")], "Permission date: to opt back in takes the day"),
        (&[("Permission date", "03/04/2026")], "Permission date: `03/04/2026` is no day that can be read one way only"),
        (&[("Permission date", "2027-01-01")], "Permission date: 2027-01-01 is still to come"),
        (&[("Key", "IDN503")], "Key: the hidden column Key was altered"),
        (&[("Key", "")], "Key: it has no key, because it is about a row or a file"),
    ];
    let workspace = over(CONTACTS, &unsubscribed("2026-11-01 10:00:00"));
    let first = workspace.run();
    let before = corrected(&first);
    for (changes, said) in cases {
        let cells: Vec<(&str, &str)> = OPT_IN.into_iter().chain(changes.iter().copied()).collect();
        write_csv(&workspace, "maria.csv", &filled(&first, "IDN503", &cells));
        let run = workspace.run_as_of(Some(NEXT));
        assert_eq!(run.status, 3, "{said}");
        assert_eq!(corrected(&run), before, "{said}: nothing is applied");
        let [(result, why)] = &told(&run)[..] else { panic!("{said}") };
        assert!(result == "not used" && why.starts_with(said), "{said}: {why}");
        assert!(attention(&run).contains("decisions/maria.csv, row 2"), "{}", attention(&run));
    }
}

#[test]
fn what_has_changed_or_gone_since_is_not_decided_blindly() {
    // contacts | subscribers | what is said
    for (contacts, subscribers, said) in [
        (CONTACTS, unsubscribed("2026-11-01 10:00:00"), "the records have changed since the run 2026-11-22T060000Z showed them"),
        (
            "Id,Email,HasOptedOutOfEmail\n003Hs00004aBcDfIAK,ben@example.org,false\n",
            "SubscriberKey,EmailAddress,Status\n003Hs00004aBcDfIAK,ben@example.org,Active\n".to_owned(),
            "nobody in the exports is meant any more",
        ),
    ] {
        let workspace = over(CONTACTS, SUBSCRIBERS);
        write_csv(&workspace, "maria.csv", &filled(&workspace.run(), "IDN503", &OPT_OUT));
        workspace.put("inbox/contacts_2026-11-21.csv", contacts);
        workspace.put("inbox/subs_2026-11-21.csv", &subscribers);
        let run = workspace.run_as_of(Some(NEXT));
        let [(result, why)] = &told(&run)[..] else { panic!("{said}") };
        assert!(result == "not used" && why.contains(said), "{said}: {why}");
        assert!(!run.path.join("decisions.parquet").exists());
    }
}

#[test]
fn of_two_decisions_about_one_case_only_an_opt_out_counts() {
    let workspace = over(CONTACTS, SUBSCRIBERS);
    let first = workspace.run();
    write_csv(&workspace, "a.csv", &filled(&first, "IDN503", &LEAVE));
    write_csv(&workspace, "b.csv", &filled(&first, "IDN503", &OPT_OUT));
    let run = workspace.run_as_of(Some(NEXT));
    let results: Vec<String> = told(&run).into_iter().map(|(result, why)| format!("{result}{why}")).collect();
    assert_eq!(results, ["not used: b.csv row 2 decides the same case as \"opt out\", which holds", "applied: "]);
    assert_eq!(corrected(&run).len(), 2);
}

#[test]
fn applied_files_move_to_the_archive_and_others_stay() {
    let workspace = over(CONTACTS, SUBSCRIBERS);
    let first = workspace.run();
    write_xlsx(&workspace, "maria.xlsx", &filled(&first, "IDN503", &OPT_OUT));
    workspace.put("decisions/notes.csv", "a,b\n1,2\n");
    workspace.put("decisions/exceptions.csv", "who,rule,owner,until,reason\nben@example.org,*,Maria Lopez,2027-01-01,board\n");
    workspace.put("prefrecon.toml", "[inbox]\nsettle_seconds = 0\n");
    let second = workspace.run_as_of(Some(NEXT));
    assert_eq!(second.status, 3);
    assert!(
        attention(&second).contains("decisions/notes.csv was not read: no sheet has the columns Decision and Key"),
        "{}",
        attention(&second)
    );
    let names = |folder: &Path| files_below(folder).into_keys().collect::<Vec<_>>();
    assert_eq!(names(&workspace.root.join("decisions")), ["exceptions.csv", "notes.csv"]);
    let archived = names(&workspace.root.join("archive/2026-11-23T060000Z"));
    assert_eq!(archived, ["contacts_2026-11-21.csv", "decisions/exceptions.csv", "decisions/maria.xlsx", "subs_2026-11-21.csv"]);

    let explained = workspace.call("explain", &[ANA, "--format", "json"]);
    let answer: Value = serde_json::from_str(&explained.out).unwrap();
    assert_eq!(answer["basis"]["run"], "2026-11-23T060000Z");
    assert_eq!(answer["persons"][0]["decision"], "opted_out");
}

/// Rows without a record, and exports, look alike from week to week: to leave one would leave all that come after it.
#[test]
fn what_names_no_record_cannot_be_decided_on() {
    let workspace = over(&format!("{CONTACTS},,true\n"), SUBSCRIBERS);
    fs::rename(workspace.inbox().join("subs_2026-11-21.csv"), workspace.inbox().join("subs_2026-11-01.csv")).unwrap();
    let run = workspace.run();
    for rule in ["DAT603", "DAT608"] {
        let rows = filled(&run, rule, &[("Decision", "leave"), ("Decided by", "Maria"), ("Reason", "later")]);
        assert!(rows.iter().any(|row| row["Rule"] == rule && row["Key"].is_empty()), "{rule}");
        write_csv(&workspace, "maria.csv", &rows);
        let next = workspace.run();
        assert!(told(&next).iter().all(|(result, _)| result == "not used"), "{:?}", told(&next));
        assert!(next.table("discrepancies.csv").rows().iter().any(|row| row["rule"] == rule && row["outcome"] == "review"));
        fs::remove_file(workspace.root.join("decisions/maria.csv")).ok();
    }
}

#[test]
fn the_sheet_takes_only_what_can_be_decided() {
    let run = over(CONTACTS, SUBSCRIBERS).run();
    let mut archive = zip::ZipArchive::new(fs::File::open(run.path.join("discrepancies.xlsx")).unwrap()).unwrap();
    let names: Vec<String> = archive.file_names().flatten().map(|name| name.to_string()).collect();
    let text = |archive: &mut zip::ZipArchive<fs::File>, name: &str| {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut archive.by_name(name).unwrap(), &mut text).unwrap();
        text
    };
    let sheets = names.iter().filter(|name| name.starts_with("xl/worksheets/sheet"));
    let protected: Vec<String> =
        sheets.map(|name| text(&mut archive, name)).filter(|sheet| sheet.contains("<sheetProtection")).collect();
    let [sheet] = &protected[..] else { panic!("one sheet is protected") };
    assert!(!sheet.contains("password=") && !sheet.contains("hashValue"));
    for part in ["opt out,opt back in,leave", "type=\"textLength\"", "type=\"date\"", "hidden=\"1\""] {
        assert!(sheet.contains(part), "{part}");
    }
    assert!(text(&mut archive, "xl/styles.xml").contains("<protection locked=\"0\"/>"));
    let key = review(&run)[0]["Key"].clone();
    assert!(key.starts_with("[\"2026-11-22T060000Z\",\"IDN503\",\"003Hs00004aBcDeIAK\""), "{key}");
}
