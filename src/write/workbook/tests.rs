//! The workbook as a reader finds it: cells by calamine, parts by unzipping.

use std::io::Read;
use std::path::Path;

use calamine::{Data, DataType, Range, Reader, Xlsx, open_workbook};

use super::sample::{self, texts};
use super::write;
use crate::config;
use crate::report::Report;

fn saved(report: &Report, max_sheet_rows: usize, folder: &Path) -> std::path::PathBuf {
    let path = folder.join("discrepancies.xlsx");
    write(report, &config::Workbook { max_sheet_rows }, &path).unwrap();
    path
}

fn sheet(path: &Path, name: &str) -> Range<Data> {
    let mut book: Xlsx<_> = open_workbook(path).unwrap();
    let range = book.worksheet_range(name).unwrap();
    // From A1 on, whatever the first cell is.
    range.range((0, 0), range.end().unwrap())
}

fn column(range: &Range<Data>, heading: &str) -> usize {
    let header = range.rows().nth(3).unwrap();
    header.iter().position(|cell| cell.get_string() == Some(heading)).unwrap_or_else(|| panic!("no column {heading}"))
}

fn part(path: &Path, name: &str) -> String {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = std::fs::read(saved(&sample::report(1), 100_000, first.path())).unwrap();
    let second = std::fs::read(saved(&sample::report(1), 100_000, second.path())).unwrap();
    assert!(first == second, "{} and {} bytes", first.len(), second.len());
}

#[test]
fn sheets_stand_in_the_order_of_urgency() {
    let folder = tempfile::tempdir().unwrap();
    let book: Xlsx<_> = open_workbook(saved(&sample::report(1), 100_000, folder.path())).unwrap();
    let expected = "Summary|Overdue|Opt-outs|Bounces|Categories|Identities|Data|Needs review|Exceptions|Corrections|Earlier corrections|Load results|Inputs|Rejected rows|History|Guide";
    assert_eq!(book.sheet_names().join("|"), expected);
}

#[test]
fn a_sheet_that_is_cut_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(&sample::report(1), 10, folder.path());
    let opt_outs = sheet(&path, "Opt-outs");
    assert_eq!(opt_outs.height(), 4 + 10);
    let about = opt_outs.get_value((1, 0)).unwrap().to_string();
    assert!(
        about.ends_with("Only the first 10 of 30 rows are here: all are in discrepancies.csv and discrepancies.parquet."),
        "{about}"
    );
    let identities = sheet(&path, "Identities").get_value((1, 0)).unwrap().to_string();
    assert!(!identities.contains("Only"), "{identities}");
    for name in ["Overdue", "Bounces", "Categories", "Data", "Needs review", "Corrections", "Inputs", "Rejected rows"] {
        assert!(sheet(&path, name).height() <= 4 + 10, "{name}");
    }
}

#[test]
fn ids_are_texts_and_dates_are_dates_of_the_zone() {
    let folder = tempfile::tempdir().unwrap();
    let opt_outs = sheet(&saved(&sample::report(1), 100_000, folder.path()), "Opt-outs");
    let cell = |row: u32, heading: &str| opt_outs.get_value((row, column(&opt_outs, heading) as u32)).unwrap().clone();
    assert_eq!(cell(4, "Severity"), Data::String("■ Critical".into()));
    assert_eq!(cell(4, "Record in B"), Data::String("0000004711".into()));
    assert_eq!(cell(4, "CRM contact id"), Data::String("003Ab0000000000IAK".into()));
    let time = |row, heading| match cell(row, heading) {
        Data::DateTime(serial) => format!("{:.4}", serial.as_f64()),
        other => panic!("{other:?} is no date"),
    };
    assert_eq!(time(4, "A changed"), "46328.3362", "2026-11-02 15:04:05 UTC is 08:04:05 in Denver");
    assert_eq!(time(4, "Due"), "46343.0000", "2026-11-17 without a time stays that date");
}

#[test]
fn overdue_leads_with_the_oldest_and_leaves_notes_out() {
    let folder = tempfile::tempdir().unwrap();
    let overdue = sheet(&saved(&sample::report(1), 100_000, folder.path()), "Overdue");
    let rule = overdue.rows().find_map(|row| row.iter().position(|cell| cell.get_string() == Some("Rule"))).unwrap();
    let words: Vec<String> = overdue.rows().skip(4).map(|row| format!("{} {} {}", row[0], row[1], row[rule])).collect();
    assert_eq!(words.len(), 3 + 4 + 9, "OPT103 is the oldest, then OPT101; OPT102 is due in five days, OPT105 not yet");
    assert_eq!(words[0], "■ Overdue 6 OPT103");
    assert_eq!(words[3], "■ Overdue 5 OPT101");
    assert_eq!(words[7], "▲ Due soon  OPT102");
}

#[test]
fn earlier_corrections_lead_with_what_was_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(&sample::report(1), 100_000, folder.path());
    let earlier = sheet(&path, "Earlier corrections");
    let headings =
        ["State", "Runs since", "Written", "System", "Purpose", "Was", "Is to be", "What the system answered", "Record"];
    let cell = |row: u32, heading: &str| earlier.get_value((row, column(&earlier, heading) as u32)).unwrap().to_string();
    let row = |row: u32| headings.map(|heading| cell(row, heading));
    assert_eq!(
        row(4),
        [
            "▲ Not landed",
            "3",
            "46327",
            "Salesforce",
            "Opt out",
            "Active",
            "Opted out",
            "Refused: ENTITY_IS_DELETED: entity is deleted",
            "003Ab0000000009IAK"
        ]
    );
    assert_eq!((row(5)[0].as_str(), row(5)[7].as_str()), ("· Landed", "Taken."));
}

#[test]
fn the_summary_sets_this_week_against_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let summary = sheet(&saved(&sample::report(1), 100_000, folder.path()), "Summary");
    let line = |first: &str| -> Vec<String> {
        let row =
            summary.rows().find_map(|row| row.iter().position(|cell| cell.get_string() == Some(first)).map(|at| &row[at..]));
        row.unwrap_or_else(|| panic!("no row {first}")).iter().map(ToString::to_string).filter(|cell| !cell.is_empty()).collect()
    };
    // Critical, high, medium, low, info, all.
    assert_eq!(line("New (0)"), ["New (0)", "24", "15", "13", "7", "3", "62"]);
    assert_eq!(line("Resolved since (0)"), ["Resolved since (0)", "1", "0", "0", "0", "0", "1"]);
    // Rule, name, severity, all, the outcomes, new, persisting, reopened, resolved, last run.
    let rule = line("OPT102");
    assert_eq!(rule[3..14], ["9", "9", "0", "0", "0", "0", "9", "0", "0", "1", "12"].map(str::to_owned));
    // Landed, not landed, their people, overtaken, unknown, refused.
    let earlier =
        summary.rows().skip_while(|row| !row.iter().any(|cell| cell.get_string() == Some("What became of earlier corrections")));
    let salesforce = earlier.flat_map(|row| row.windows(7)).find(|cells| cells[0].get_string() == Some("Salesforce")).unwrap();
    assert_eq!(salesforce[1..].iter().map(ToString::to_string).collect::<Vec<_>>(), ["1", "1", "1", "0", "0", "1"]);
}

#[test]
fn texts_stay_texts_whatever_they_look_like() {
    let hostile = "x".repeat(40_000);
    let values = ["=1+1", "@SUM(A1)", "+49", "  spaced  ", "_x0041_", "a\u{1}b", &hostile, "☂"];
    let mut report = sample::report(1);
    let rows = report.discrepancies.height();
    let cells = (0..rows).map(|row| values[row % values.len()]);
    report.discrepancies.with_column(texts("a_value", cells)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = saved(&report, 100_000, folder.path());
    let opt_outs = sheet(&path, "Opt-outs");
    let says = column(&opt_outs, "A says");
    let cell = |row: u32| opt_outs.get_value((4 + row, says as u32)).unwrap().to_string();
    for (row, value) in values.iter().enumerate().filter(|(_, value)| !value.starts_with(['x', 'a', '_'])) {
        assert_eq!(cell(row as u32), *value);
    }
    assert!(cell(6).ends_with("… [cut: too long for a cell]") && cell(6).len() < 32_767);
    let xml = part(&path, "xl/worksheets/sheet3.xml");
    assert!(!xml.contains("<f>"));
    assert!(xml.contains("<t>_x005F_x0041_</t>") && xml.contains("<t>a_x0001_b</t>"));
}

#[test]
fn an_empty_report_says_so_on_every_sheet() {
    let mut report = sample::report(1);
    report.discrepancies = report.discrepancies.clear();
    report.corrections = report.corrections.clear();
    report.rules.iter_mut().for_each(|count| count.by_outcome = Default::default());
    (report.rejected, report.inputs, report.targets, report.attention, report.due) = Default::default();
    (report.loaded, report.past, report.history) = Default::default();
    let folder = tempfile::tempdir().unwrap();
    let path = saved(&report, 100_000, folder.path());
    for name in
        ["Overdue", "Opt-outs", "Bounces", "Categories", "Identities", "Data", "Needs review", "Corrections", "Rejected rows"]
    {
        let range = sheet(&path, name);
        assert!(range.height() == 4 && range.get_value((3, 0)).unwrap().to_string().ends_with('.'), "{name}");
    }
}

#[test]
fn every_row_is_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(&sample::report(1), 100_000, folder.path());
    for number in 1..=16 {
        let sheet = part(&path, &format!("xl/worksheets/sheet{number}.xml"));
        let rows: Vec<u32> = sheet.split("<row r=\"").skip(1).map(|row| row[..row.find('"').unwrap()].parse().unwrap()).collect();
        assert!(rows.is_sorted_by(|above, below| above < below), "sheet {number}: {rows:?}");
    }
}

#[test]
fn a_page_is_landscape_and_repeats_its_header() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(&sample::report(1), 100_000, folder.path());
    let opt_outs = part(&path, "xl/worksheets/sheet3.xml");
    for expected in ["orientation=\"landscape\"", "fitToHeight=\"0\"", "Page &amp;P of &amp;N", "state=\"frozen\""] {
        assert!(opt_outs.contains(expected), "{expected}");
    }
    assert!(part(&path, "xl/workbook.xml").contains("'Opt-outs'!$4:$4"));
    assert!(part(&path, "xl/worksheets/sheet8.xml").contains("opt out,opt back in,leave"));
    assert!(part(&path, "docProps/core.xml").contains("2026-11-22T13:00:00Z"));
    assert!(part(&path, "docProps/app.xml").contains("<Company>Example University</Company>"));
}

#[test]
fn every_rule_of_the_catalogue_has_a_sheet() {
    for rule in crate::rules::RULES {
        assert!(super::group::GROUPS.iter().any(|group| group.has(rule.code)), "{} belongs to no group", rule.code);
    }
}
