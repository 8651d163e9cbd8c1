//! A reviewer: the sheet *Needs review* of a run, filled in and dropped into `decisions/`, and what became of it.

use std::collections::BTreeMap;

use calamine::{Reader, Xlsx, open_workbook};

use super::{RunFolder, Workspace};

pub type Sheet = Vec<BTreeMap<String, String>>;

/// The rows of *Needs review*, by header, as a person sees them.
pub fn review(run: &RunFolder) -> Sheet {
    let mut book: Xlsx<_> = open_workbook(run.path.join("discrepancies.xlsx")).unwrap();
    let sheet = book.worksheet_range("Needs review").unwrap();
    let mut rows = sheet.rows().map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>());
    let header = rows.by_ref().find(|row| row[0] == "Decision").expect("a header");
    rows.filter(|row| row.iter().any(|cell| !cell.is_empty())).map(|row| header.iter().cloned().zip(row).collect()).collect()
}

/// The same with one rule's row filled in: header and value.
pub fn filled(run: &RunFolder, rule: &str, cells: &[(&str, &str)]) -> Sheet {
    let mut rows = review(run);
    let row = rows.iter_mut().find(|row| row["Rule"] == rule).unwrap_or_else(|| panic!("{rule} is not in review"));
    for (header, value) in cells {
        assert!(row.insert((*header).to_owned(), (*value).to_owned()).is_some(), "no column {header}");
    }
    rows
}

pub fn write_csv(workspace: &Workspace, name: &str, rows: &Sheet) {
    let mut writer = csv::WriterBuilder::new().delimiter(b';').from_writer(Vec::new());
    writer.write_record(rows[0].keys()).unwrap();
    for row in rows {
        writer.write_record(row.values()).unwrap();
    }
    workspace.put(&format!("decisions/{name}"), &String::from_utf8(writer.into_inner().unwrap()).unwrap());
}

pub fn attention(run: &RunFolder) -> String {
    let manifest = run.manifest();
    manifest["attention"].as_array().unwrap().iter().map(|sentence| sentence.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

/// What became of the filled rows: result and reason.
pub fn told(run: &RunFolder) -> Vec<(String, String)> {
    run.table("decisions.csv")
        .rows()
        .into_iter()
        .map(|row| (row["result"].clone(), format!("{}: {}", row["column"], row["why"])))
        .collect()
}

pub fn corrected(run: &RunFolder) -> Vec<(String, String, String)> {
    let rows = run.table("corrections.csv").rows();
    let mut changes: Vec<_> =
        rows.into_iter().map(|row| (row["target"].clone(), row["record"].clone(), row["after"].clone())).collect();
    changes.sort();
    changes
}

pub const OPT_OUT: [(&str, &str); 3] = [("Decision", "opt out"), ("Decided by", "Maria Lopez"), ("Reason", "asked by letter")];
pub const LEAVE: [(&str, &str); 3] =
    [("Decision", "leave"), ("Decided by", "Maria Lopez"), ("Reason", "both addresses are hers")];
pub const OPT_IN: [(&str, &str); 5] = [
    ("Decision", "opt back in"),
    ("Decided by", "Maria Lopez"),
    ("Reason", "asked at the reunion"),
    ("Permission evidence", "signed card 4711"),
    ("Permission date", "2026-11-15"),
];
