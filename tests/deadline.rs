//! The legal clock: what is overdue or due before the next run leads the summary and the workbook.

mod common;

use calamine::{Data, Reader, Xlsx, open_workbook};
use common::{RunFolder, Workspace};

const CONFIGURATION: &str = "[run]\ntimezone = \"UTC\"\n[deadline]\nholidays = [\"2026-11-11\"]\n";

/// Contacts who are active in the CRM, and what marketing says of them.
fn week(configuration: &str, subscribers: &[(&str, &str, &str)]) -> RunFolder {
    let mut contacts = "Id,Email,HasOptedOutOfEmail\n".to_owned();
    let mut marketing = "SubscriberKey,EmailAddress,Status,DateUnsubscribed\n".to_owned();
    for (id, status, unsubscribed) in subscribers {
        contacts += &format!("{id},{}@example.org,false\n", id.to_lowercase());
        marketing += &format!("{id},{}@example.org,{status},{unsubscribed}\n", id.to_lowercase());
    }
    let files = [("contacts_2026-11-21.csv", contacts.as_str()), ("subs_2026-11-21.csv", marketing.as_str())];
    Workspace::with(configuration, &files).run_as_of(Some(common::AS_OF))
}

const ANA: &str = "003Hs00004aBcDeIAK";
const BEN: &str = "003Hs00004aBcDfIAK";
const CARA: &str = "003Hs00004aBcDgIAK";
const DAN: &str = "003Hs00004aBcDhIAK";

fn people() -> [(&'static str, &'static str, &'static str); 4] {
    [
        (ANA, "Unsubscribed", "2026-11-01 10:00:00"),
        (BEN, "Unsubscribed", "2026-11-10 10:00:00"),
        (CARA, "Unsubscribed", ""),
        (DAN, "Active", ""),
    ]
}

fn overdue(run: &RunFolder) -> Vec<Vec<String>> {
    let mut book: Xlsx<_> = open_workbook(run.path.join("discrepancies.xlsx")).unwrap();
    let sheet = book.worksheet_range("Overdue").unwrap();
    let rows = sheet.rows().skip(3).filter(|row| !row.iter().all(|cell| *cell == Data::Empty));
    rows.map(|row| row.iter().map(ToString::to_string).collect()).collect()
}

#[test]
fn an_opt_out_is_due_ten_business_days_after_it_and_an_undated_one_after_it_was_first_seen() {
    let run = week(CONFIGURATION, &people());
    let due: Vec<[String; 2]> =
        run.of_rule("OPT105").iter().map(|row| ["contact_id", "due"].map(|name| row[name].clone())).collect();
    // 1 November is a Sunday and the 11th a holiday; the run is on Sunday the 22nd.
    let expected = [[ANA, "2026-11-16"], [BEN, "2026-11-25"], [CARA, "2026-12-04"]];
    assert_eq!(due, expected.map(|row| row.map(str::to_owned)));
}

#[test]
fn the_summary_and_the_workbook_lead_with_them() {
    let run = week(CONFIGURATION, &people());
    let summary = std::fs::read_to_string(run.path.join("summary.txt")).unwrap();
    let lines: Vec<&str> = summary.lines().collect();
    assert_eq!(lines[2], "OVERDUE: 1 open discrepancy; the last day to honour the opt-out has passed.");
    assert!(lines[4].contains("2026-11-16  2026-11-01  20 days") && lines[4].contains(ANA), "{}", lines[4]);
    assert_eq!(lines[6], "Due before the next run, on or before 2026-11-29: 1 open discrepancy.");
    assert!(lines[8].contains("2026-11-25  2026-11-10  11 days") && lines[8].contains(BEN), "{}", lines[8]);
    assert!(!summary.contains('@'), "{summary}");

    let rows = overdue(&run);
    let cell = |row: usize, heading: &str| {
        let at = rows[0].iter().position(|cell| cell == heading).unwrap_or_else(|| panic!("no column {heading}"));
        rows[row][at].clone()
    };
    assert_eq!(rows.len(), 3);
    let told =
        |row| ["Deadline", "Days overdue", "Dated", "Days since", "Hours since", "CRM contact id"].map(|name| cell(row, name));
    assert_eq!(told(1), ["■ Overdue", "6", "yes", "20", "494", ANA]);
    assert_eq!(told(2), ["▲ Due soon", "", "yes", "11", "278", BEN]);
}

#[test]
fn the_next_run_is_when_the_configuration_says() {
    let run = week(&format!("{CONFIGURATION}run_every_days = 14\n"), &people());
    let rows = overdue(&run);
    assert_eq!(rows.len(), 4, "the undated opt-out is due on 4 December, before the run of the 6th");
    assert!(rows[3].iter().any(|cell| cell == "or before"), "{:?}", rows[3]);
    let summary = std::fs::read_to_string(run.path.join("summary.txt")).unwrap();
    assert!(summary.contains("2026-11-22  at least 0 hours"), "{summary}");

    let run = week(&format!("{CONFIGURATION}business_days = 30\n"), &people());
    let summary = std::fs::read_to_string(run.path.join("summary.txt")).unwrap();
    assert!(summary.contains("Nothing is overdue, and nothing falls due before the next run (2026-11-29)."), "{summary}");
    let undated = "1 open discrepancy rests on an opt-out whose day is not known: its days count from when a run first saw it.";
    assert!(summary.contains(undated), "{summary}");
    assert_eq!(
        overdue(&run),
        [[format!("Nothing is overdue, and nothing falls due before the next run (2026-11-29). {undated}")]]
    );
}

#[test]
fn a_sharer_has_the_clock_of_whom_the_opt_out_came_from() {
    let shared =
        "Id,Email,HasOptedOutOfEmail\n003Hs00004aBcDeIAK,us@example.org,false\n003Hs00004aBcDfIAK,us@example.org,false\n";
    let marketing = "SubscriberKey,EmailAddress,Status,DateUnsubscribed\n\
                     003Hs00004aBcDeIAK,us@example.org,Unsubscribed,2026-11-02 10:00:00\n\
                     003Hs00004aBcDfIAK,us@example.org,Active,\n";
    let files = [("contacts_2026-11-21.csv", shared), ("subs_2026-11-21.csv", marketing)];
    let run = Workspace::with(CONFIGURATION, &files).run_as_of(Some(common::AS_OF));
    let due: Vec<String> =
        run.discrepancies().iter().filter(|row| !row["due"].is_empty()).map(|row| row["due"].clone()).collect();
    assert!(!due.is_empty() && due.iter().all(|day| day == "2026-11-17"), "{due:?}");
}

#[test]
fn an_opt_out_that_an_opt_in_withdrew_starts_no_clock() {
    let crm = "Id,Email,HasOptedOutOfEmail,Ascend_ID__c,Email_Opt_In_Date__c,Email_Opt_In_Channel__c\n\
               003Hs00004aBcDeIAK,ana@example.org,false,0001,2022-05-05T10:00:00.000Z,Web form\n";
    let marketing = "SubscriberKey,EmailAddress,Status,DateUnsubscribed\n\
                     003Hs00004aBcDeIAK,ana@example.org,Unsubscribed,2026-11-18 10:00:00\n";
    let source = "Constituent ID,Salesforce Contact ID,Email,Email Opt Out,Opt Out Date\n\
                  0001,003Hs00004aBcDeIAK,ana@example.org,Y,2020-03-25\n";
    let files = [("contacts_2026-11-21.csv", crm), ("subs_2026-11-21.csv", marketing), ("source_2026-11-21.csv", source)];
    let run = Workspace::with(CONFIGURATION, &files).run_as_of(Some(common::AS_OF));
    let due: Vec<String> =
        run.discrepancies().iter().filter(|row| !row["due"].is_empty()).map(|row| row["due"].clone()).collect();
    assert!(!due.is_empty() && due.iter().all(|day| day.starts_with("2026-12")), "{due:?}");
}
