//! Files that nobody here wrote, and files written to break readers: each is a table or one clear message about that
//! file, in time, whatever it holds.

mod files;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use files::{Workspace, corpus, gzip, program, verdict, zip};
use prefrecon::ingest::spreadsheet::{Workbook, read_with};
use rayon::prelude::*;

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn every_file_is_a_table_or_a_clear_message() {
    let files: Vec<PathBuf> = ["csv", "spreadsheets", "hostile"].iter().flat_map(|folder| corpus(folder)).collect();
    let tallies: Vec<String> = files
        .par_iter()
        .map(|path| {
            let name = name(path);
            let workspace = Workspace::with("", &[(name.as_str(), fs::read(path).unwrap())]);
            let checked = workspace.check();
            let file = checked.get(&name).unwrap_or_else(|| panic!("{name} is not mentioned: {checked:?}"));
            let said = verdict(file);
            assert!(!said.ends_with("refused") && !said.contains('\u{0}'), "{name}: {said}");
            // What is refused says what to do.
            let advice =
                ["save it", "export it again", "Export it again", "take it off", "first row should", "Open it", "unpack"];
            assert!(
                !said.starts_with("refused") || advice.iter().any(|advice| said.contains(advice)) || said.contains("[systems."),
                "{name}: {said}"
            );
            // A run says the same, in the same limits: done, or that there is nothing to compare.
            let ran = workspace.call("run", &[]);
            assert!(matches!(ran.status, 0 | 3 | 4), "{name}: {ran:?}");
            assert!(ran.status != 4 || ran.err.contains(&name) || ran.err.contains("rows are rejected"), "{name}: {ran:?}");
            said.split([':', ',']).take(2).collect::<Vec<_>>().join(":")
        })
        .collect();
    let tally = tallies.iter().fold(BTreeMap::<&str, usize>::new(), |mut tally, said| {
        *tally.entry(said).or_default() += 1;
        tally
    });
    println!("{tally:#?}");
}

#[test]
fn the_whole_corpus_at_once_loses_no_file() {
    let files: Vec<PathBuf> = ["csv", "spreadsheets"].iter().flat_map(|folder| corpus(folder)).collect();
    let workspace = Workspace::new("");
    for path in &files {
        workspace.put(&format!("inbox/{}", name(path)), fs::read(path).unwrap());
    }
    let checked = workspace.check();
    for path in &files {
        assert!(checked.contains_key(&name(path)), "{} is not mentioned", name(path));
    }
    assert_eq!(checked.len(), files.len());
}

/// Every row of the text files, counted by the csv crate, is a row of the table or a reject: the first three columns are
/// named as what a kind needs, so that the file is used.
#[test]
fn no_row_of_a_text_file_is_lost() {
    corpus("csv").par_iter().for_each(|path| {
        let bytes = fs::read(path).unwrap();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&bytes[..]);
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let Some(header) = records.first().filter(|header| header.iter().filter(|cell| !cell.trim().is_empty()).count() > 1)
        else {
            return;
        };
        let header = |at: usize| header.get(at.min(header.len() - 1)).unwrap().trim().to_owned();
        let columns = format!("source_id = {:?}\nemail = {:?}\nopt_out = {:?}\n", header(0), header(1), header(2));
        let name = name(path);
        let ends_a_line = bytes.ends_with(b"\n") || bytes.ends_with(b"\r");
        let workspace = Workspace::with(
            &format!("[systems.ascend]\nfiles = [\"*\"]\n[systems.ascend.columns]\n{columns}"),
            &[(name.as_str(), bytes)],
        );
        let file = workspace.check().remove(&name).unwrap();
        let filled = records[1..].iter().filter(|record| record.iter().any(|cell| !cell.trim().is_empty())).count();
        match verdict(&file).as_str() {
            "used" => assert_eq!(file["rows"], filled, "{name}: {file:#}"),
            // The last line has less cells than the header, and no end.
            said if said.contains("it ends in the middle of a row") => assert!(!ends_a_line, "{name}: {said}"),
            said => assert!(filled == 0 || said.contains("fits no") || said.contains("fit no"), "{name}: {said}"),
        }
    });
}

/// Every sheet of every workbook, read to its end in a process of its own.
#[test]
fn every_sheet_is_read_to_its_end_or_refused() {
    read_with(program());
    let files: Vec<PathBuf> = ["spreadsheets", "hostile"].iter().flat_map(|folder| corpus(folder)).collect();
    let outcomes: BTreeMap<String, String> =
        files.par_iter().map(|path| (name(path), outcome(&fs::read(path).unwrap()))).collect();
    for (file, outcome) in &outcomes {
        println!("{file}: {outcome}");
    }
    if outcomes.is_empty() {
        return;
    }
    // file | what must be said of it
    for (file, said) in [
        ("tests__pass_protected.xlsx", "it has a password"),
        ("tests__pass_protected.xlsb", "it has a password"),
        ("tests__pass_protected.ods", "it has a password"),
        ("calamine-ods-hang.ods", "the workbook is damaged"),
        ("poc_corner.xlsx", "2 rows, 2 cells"),
        ("poc_rowover.xlsx", "beyond the last row or column"),
        ("poc_order.xlsx", "has row 2 below row 5"),
        ("poc_zeros.xlsx", "1 rows, 4 cells"),
        ("poc_sst.xlsx", "it is damaged, or was made to break its reader"),
        ("poc_spill.xlsx", "1 rows, 2 cells"),
        ("tests__date.xls", "3 rows"),
        ("tests__date.xlsb", "3 rows"),
        ("tests__date.ods", "4 rows"),
        ("tests__issue_174.xlsx", "rows"),
    ] {
        assert!(outcomes[file].contains(said), "{file}: {}", outcomes[file]);
    }
}

fn outcome(bytes: &[u8]) -> String {
    let heads = match Workbook::open(bytes) {
        Ok((_, heads)) => heads,
        Err(error) => return format!("refused: {error:#}"),
    };
    let sheets: Vec<String> = heads
        .iter()
        .map(|head| {
            let (mut rows, mut cells) = (0, 0);
            let (workbook, _) = Workbook::open(bytes).unwrap();
            let sheet = &head.name;
            match workbook.read(sheet, |_, row| {
                rows += 1;
                cells += row.iter().filter(|cell| !cell.is_empty()).count();
                Ok(())
            }) {
                Ok(()) => format!("{sheet} {rows} rows, {cells} cells"),
                Err(error) => format!("refused: {error:#}"),
            }
        })
        .collect();
    sheets.join("; ")
}

const CONTACTS: &str = "Id,Email,HasOptedOutOfEmail\n003Hs00004aBcDe,ana@example.org,0\n";

#[test]
fn archives_and_bombs() {
    let bomb = vec![b' '; 300 << 20];
    let locked = {
        let mut bytes = zip(&[("a.csv", CONTACTS)]);
        let directory = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        (bytes[6], bytes[directory + 8]) = (1, 1);
        bytes
    };
    let inner = zip(&[("a.csv", CONTACTS)]);
    let units = |unit: &str| format!("BusinessUnitID,UnsubDateUTC,SubscriberKey\n{unit},2026-11-20,a\n");
    let sheet = |cell: &[u8]| {
        let content = b"<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData><row><c><v>";
        zip(&[("xl/workbook.xml", b"<workbook/>".to_vec()), ("xl/worksheets/sheet1.xml", [&content[..], cell].concat())])
    };
    let workspace = Workspace::with(
        "",
        &[
            ("bomb.gz", gzip(&bomb)),
            ("bomb.zip", zip(&[("bomb.csv", &bomb)])),
            ("bomb.xlsx", sheet(&bomb)),
            ("empty.zip", zip::<&str>(&[])),
            ("locked.zip", locked),
            ("nested.zip", zip(&[("inner.zip", &inner)])),
            ("one.csv.gz", gzip(CONTACTS.as_bytes())),
            ("cut.zip", inner[..inner.len() / 2].to_vec()),
            (
                "units 2026-11-20.zip",
                zip(&[
                    ("x/one.csv", units("1")),
                    ("two.csv", units("2")),
                    ("__MACOSX/._two.csv", "x".to_owned()),
                    ("readme.txt", "?".to_owned()),
                ]),
            ),
        ],
    );
    let checked = workspace.check();
    // file | verdict
    for (file, said) in [
        ("bomb.gz", "refused: unpacked it takes more than"),
        ("bomb.zip/bomb.csv", "refused: unpacked it takes more than"),
        ("bomb.xlsx", "refused: unpacked it would take 300 MB, where 64 MB are allowed"),
        ("cut.zip", "refused: it is a damaged workbook or archive"),
        ("empty.zip", "refused: the archive is empty"),
        ("locked.zip/a.csv", "refused: it has a password"),
        ("nested.zip/inner.zip", "refused: it is an archive within an archive"),
        ("one.csv.gz", "used"),
        ("units 2026-11-20.zip/__MACOSX/._two.csv", "skipped: a file of the operating system"),
        ("units 2026-11-20.zip/readme.txt", "skipped: a note"),
        ("units 2026-11-20.zip/two.csv", "used"),
        ("units 2026-11-20.zip/x/one.csv", "used"),
    ] {
        let file = checked.get(file).unwrap_or_else(|| panic!("{file} is not among {:?}", checked.keys()));
        assert!(verdict(file).starts_with(said), "{file:#}");
    }
    assert_eq!(checked.len(), 12, "{:?}", checked.keys());
    assert_eq!(checked["one.csv.gz"]["format"], "GZIP, CSV, UTF-8, comma");
    assert_eq!(checked["units 2026-11-20.zip/two.csv"]["as_of_from"], "name");
}

#[test]
fn an_archive_moves_as_one_file_and_its_content_is_known_the_week_after() {
    let contacts = || zip(&[("contacts.csv", CONTACTS)]);
    let workspace = Workspace::with("[inbox]\nsettle_seconds = 0\n", &[("week/all.zip", contacts())]);
    let said = workspace.call("run", &["--as-of", "2026-11-15T06:00:00Z"]);
    assert_eq!(said.status, 2, "given twice, {said:?}");
    let root = workspace.path("");
    let run = |as_of: &str| files::prefrecon(&["run", root.to_str().unwrap(), "--as-of", as_of]);
    let said = run("2026-11-15T06:00:00Z");
    assert_eq!(said.status, 0, "{said:?}");
    assert!(workspace.path("archive/2026-11-15T060000Z/week/all.zip").is_file());
    assert!(!workspace.path("inbox/week/all.zip").exists());

    workspace.put("inbox/contacts.csv", CONTACTS);
    assert_eq!(workspace.check()["contacts.csv"]["seen_in"], "2026-11-15T060000Z");
    let said = run("2026-11-22T06:00:00Z");
    assert!(said.out.contains("contacts.csv is the same as in the run 2026-11-15T060000Z: export it again"), "{}", said.out);
}

#[test]
fn wrong_endings_and_formats_that_are_not_read_are_named() {
    let page = b"<html><body><table><tr><td>Id</td></tr></table></body></html>";
    let text = CONTACTS.replace("ana", "ben");
    let workspace = Workspace::with(
        "",
        &[
            ("page.xls", &page[..]),
            ("text.xls", text.as_bytes()),
            ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1cut off"),
            ("x.7z", b"7z\xbc\xaf\x27\x1c\0\x04"),
        ],
    );
    let checked = workspace.check();
    // file | verdict
    for (file, said) in [
        ("page.xls", "refused: it is a web page or XML, which is not read: open it and save it as XLSX or CSV"),
        ("text.xls", "used"),
        ("old.xls", "refused: the workbook is damaged"),
        ("x.7z", "refused: it is an archive of another kind"),
    ] {
        assert!(verdict(&checked[file]).starts_with(said), "{}", verdict(&checked[file]));
    }
}
