//! The same exports in every dialect, character set and container: the same discrepancies, but for the file and row that
//! are quoted. What a spreadsheet program damages is refused cell by cell, and changes nothing for anybody else.

mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use files::workbooks::{Cell, Cells, FORMATS, cells, xlsx};
use files::{Row, Workspace, gzip, rows, utf16, verdict, zip};

const CONTACTS: u64 = 300;
const SEED: u64 = 7;

/// A table as an export has it: its rows, blank lines and footers included.
type Table = Vec<Vec<String>>;

struct Plain {
    configuration: String,
    /// Exports by name.
    exports: BTreeMap<String, Table>,
    discrepancies: Vec<Row>,
}

/// The generated exports and what is found in them as they are.
fn plain() -> &'static Plain {
    static PLAIN: OnceLock<Plain> = OnceLock::new();
    PLAIN.get_or_init(|| {
        let workspace = Workspace::generated(CONTACTS, SEED);
        let mut paths: Vec<PathBuf> = fs::read_dir(workspace.path("inbox")).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let exports = paths
            .iter()
            .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), parse(&fs::read_to_string(path).unwrap())))
            .collect();
        Plain {
            configuration: fs::read_to_string(workspace.path("prefrecon.toml")).unwrap(),
            exports,
            discrepancies: discrepancies(&workspace),
        }
    })
}

/// Line by line, so that blank lines stay: no value of these exports holds a line break.
fn parse(text: &str) -> Table {
    text.trim_start_matches('\u{feff}')
        .lines()
        .map(|line| {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
            reader.records().next().map(|record| record.unwrap().iter().map(str::to_owned).collect()).unwrap_or_default()
        })
        .collect()
}

fn discrepancies(workspace: &Workspace) -> Vec<Row> {
    let mut rows = rows(&workspace.run().join("discrepancies.csv"));
    for row in &mut rows {
        // `FILE, row 7, Email "x": this is not an e-mail address.`
        if let Some((_, place)) = row["why"].split_once(", row ") {
            let why = place.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned();
            row.insert("why".to_owned(), why);
        }
        // A spreadsheet's boolean is shown in capitals, or as a number.
        for value in ["a_value", "b_value"] {
            let text = match row[value].as_str() {
                "1" => "true".to_owned(),
                "0" => "false".to_owned(),
                other => other.replace("TRUE", "true").replace("FALSE", "false"),
            };
            row.insert(value.to_owned(), text);
        }
    }
    rows
}

fn text(table: &Table, delimiter: u8, end: &str) -> String {
    let line = |row: &Vec<String>| {
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        writer.write_record(row).unwrap();
        let line = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        line.trim_end_matches('\n').to_owned()
    };
    table.iter().map(|row| if row.is_empty() { end.to_owned() } else { line(row) + end }).collect()
}

/// A workspace of the exports as `rewrite` writes each: a file name and its bytes.
fn rewritten(configuration: &str, rewrite: impl Fn(&str, &Table) -> (String, Vec<u8>)) -> Workspace {
    let plain = plain();
    let workspace = Workspace::new(&format!("{}{configuration}", plain.configuration));
    for (name, table) in &plain.exports {
        let (name, bytes) = rewrite(name.trim_end_matches(".csv"), table);
        workspace.put(&format!("inbox/{name}"), bytes);
    }
    workspace
}

fn assert_same(what: &str, workspace: &Workspace) {
    let found = discrepancies(workspace);
    if found != plain().discrepancies {
        let other =
            |rows: &[Row], than: &[Row]| rows.iter().filter(|row| !than.contains(row)).take(3).cloned().collect::<Vec<Row>>();
        let expected = &plain().discrepancies;
        panic!(
            "{what} changes what is found.\nmissing: {:#?}\ntoo many: {:#?}",
            other(expected, &found),
            other(&found, expected)
        );
    }
}

#[test]
fn delimiters_line_ends_and_character_sets_change_nothing() {
    // what | ending of the name | delimiter | line end | bytes of the text
    type Encode = fn(&str) -> Vec<u8>;
    let utf8: Encode = |text| text.as_bytes().to_vec();
    let marked: Encode = |text| format!("\u{feff}{text}").into_bytes();
    let legacy: Encode = |text| {
        let (bytes, _, damaged) = encoding_rs::WINDOWS_1252.encode(text);
        assert!(!damaged);
        bytes.into_owned()
    };
    for (what, ending, delimiter, end, encode) in [
        ("semicolons", "csv", b';', "\n", utf8),
        ("tabs", "txt", b'\t', "\r\n", utf8),
        ("pipes", "csv", b'|', "\r", utf8),
        ("a byte-order mark", "csv", b',', "\r\n", marked),
        ("Windows-1252", "csv", b',', "\r\n", legacy),
        ("UTF-16LE", "csv", b'\t', "\r\n", |text| utf16(text, true, false)),
        ("UTF-16BE", "csv", b',', "\n", |text| utf16(text, true, true)),
        ("UTF-16LE without a mark", "txt", b';', "\r\n", |text| utf16(text, false, false)),
    ] {
        let workspace = rewritten("", |name, table| (format!("{name}.{ending}"), encode(&text(table, delimiter, end))));
        assert_same(what, &workspace);
    }
}

#[test]
fn a_delimiter_can_be_configured() {
    let configured = plain().configuration.replace("[systems.salesforce]\n", "[systems.salesforce]\ndelimiter = \"^\"\n");
    assert_ne!(configured, plain().configuration);
    let workspace = Workspace::new(&configured);
    for (name, table) in &plain().exports {
        let delimiter = if name.starts_with("salesforce") { b'^' } else { b',' };
        workspace.put(&format!("inbox/{name}"), text(table, delimiter, "\n"));
    }
    assert_same("a caret", &workspace);
}

#[test]
fn preambles_blank_lines_and_other_columns_change_nothing() {
    let workspace = rewritten("", |name, table| {
        let mut table = table.clone();
        for row in table.iter_mut().filter(|row| row.len() > 3) {
            row.insert(1, "x \"y\", z".to_owned());
            row.push(String::new());
        }
        table.insert(0, vec!["Weekly export".to_owned()]);
        table.insert(1, Vec::new());
        for at in [table.len() / 2, table.len() / 3] {
            table.insert(at, Vec::new());
        }
        (format!("{name}.csv"), text(&table, b',', "\r\n").into_bytes())
    });
    assert_same("a preamble", &workspace);
}

#[test]
fn packing_changes_nothing() {
    let packed = rewritten("", |name, table| (format!("{name}.csv.gz"), gzip(text(table, b',', "\n").as_bytes())));
    assert_same("GZIP", &packed);
    let packed = rewritten("", |name, table| (format!("{name}.zip"), zip(&[("export.csv", text(table, b',', "\n"))])));
    assert_same("ZIP", &packed);

    let workspace = Workspace::new(&plain().configuration);
    let texts: Vec<(String, String)> =
        plain().exports.iter().map(|(name, table)| (format!("week/{name}"), text(table, b',', "\n"))).collect();
    let entries: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    workspace.put("inbox/all.zip", zip(&entries));
    assert_same("one archive of all", &workspace);
}

#[test]
fn workbooks_of_every_format_change_nothing() {
    for (ending, write) in FORMATS {
        for typed in [false, true] {
            let workspace = rewritten("", |name, table| (format!("{name}.{ending}"), write(&cells(table, typed))));
            let formats: BTreeSet<String> =
                workspace.check().values().map(|file| file["format"].as_str().unwrap().to_lowercase()).collect();
            assert_eq!(formats, BTreeSet::from([ending.to_owned()]));
            assert_same(&format!("{ending} with {}", if typed { "numbers and dates" } else { "texts alone" }), &workspace);
        }
    }
    let packed = rewritten("", |name, table| (format!("{name}.zip"), zip(&[("export.xlsx", xlsx(&cells(table, false)))])));
    assert_same("a packed workbook", &packed);
}

/// What a spreadsheet program itself writes: the same cells, saved again by LibreOffice.
#[test]
fn workbooks_saved_by_libreoffice_change_nothing() {
    let Ok(version) = Command::new("soffice").arg("--version").output() else {
        println!("skipped: LibreOffice is not installed");
        return;
    };
    println!("{}", String::from_utf8_lossy(&version.stdout).trim());
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for (name, table) in &plain().exports {
        fs::write(path(&format!("{}.xlsx", name.trim_end_matches(".csv"))), xlsx(&cells(table, true))).unwrap();
    }
    for format in ["xls", "ods", "xlsx"] {
        let out = path(format);
        let profile = format!("-env:UserInstallation=file://{}", path("profile"));
        let exports = plain().exports.keys().map(|name| path(&format!("{}.xlsx", name.trim_end_matches(".csv"))));
        let mut convert = Command::new("soffice");
        convert.args([&profile, "--headless", "--convert-to", format, "--outdir", &out]).args(exports);
        let done = convert.stdin(Stdio::null()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let saved = |name: &str| fs::read(folder.path().join(format).join(format!("{name}.{format}"))).unwrap();
        let workspace = rewritten("", |name, _| (format!("{name}.{format}"), saved(name)));
        assert_same(&format!("{format} by LibreOffice"), &workspace);
    }
}

#[test]
fn the_same_export_in_two_formats_counts_once() {
    let workspace = rewritten("", |name, table| (format!("{name}.csv"), text(table, b',', "\n").into_bytes()));
    // Also of the kinds that come in parts, which would be stacked.
    for typed in [false, true] {
        for (name, table) in &plain().exports {
            workspace.put(&format!("inbox/{}.xlsx", name.trim_end_matches(".csv")), xlsx(&cells(table, typed)));
        }
        assert_same("a second copy as a workbook", &workspace);
        for (name, file) in workspace.check() {
            let expected = if name.ends_with(".csv") { "used" } else { "superseded" };
            assert!(files::verdict(&file).starts_with(expected), "{name}: {file:#}");
        }
    }
}

/// Ids that became numbers in scientific notation are refused one by one. Whoever shares nothing with such a row is
/// judged as before.
#[test]
fn damaged_ids_are_refused_and_change_nothing_for_others() {
    let source = "ascend_constituents";
    let ids = |table: &Table| table[1..].iter().map(|row| row[0].clone()).collect::<Vec<String>>();
    let constituents = plain().exports.iter().find(|(name, _)| name.starts_with(source)).map(|(_, table)| table).unwrap();
    let damaged: BTreeSet<String> = ids(constituents).into_iter().step_by(60).collect();
    let workspace = rewritten("", |name, table| {
        let mut table = table.clone();
        if name.starts_with(source) {
            for row in table.iter_mut().filter(|row| damaged.contains(&row[0])) {
                row[0] = "1.23457E+15".to_owned();
            }
        }
        (format!("{name}.csv"), text(&table, b',', "\n").into_bytes())
    });
    let before = &plain().discrepancies;
    let after = discrepancies(&workspace);
    // Every damaged id is named, be it with its record or, where nothing else tells whose it is, with its row.
    let named = |row: &&Row| row["rule"].starts_with("DAT60") && row["why"].contains("lost digits");
    assert_eq!(after.iter().filter(named).count(), damaged.len(), "{after:#?}");
    // Whoever a damaged row is about, by record, contact or address.
    let about: Vec<&Vec<String>> = constituents[1..].iter().filter(|row| damaged.contains(&row[0])).collect();
    let touched = |row: &Row| {
        about.iter().any(|lost| {
            [&row["a_record"], &row["b_record"]].contains(&&lost[0])
                || (!lost[1].is_empty() && row["contact_id"].starts_with(&lost[1]))
                || (!lost[2].is_empty() && row["email"] == lost[2].trim().to_lowercase())
        })
    };
    let contacts: BTreeSet<&String> = before
        .iter()
        .chain(&after)
        .filter(|row| touched(row))
        .map(|row| &row["contact_id"])
        .filter(|id| !id.is_empty())
        .collect();
    let others = |rows: &'_ [Row]| -> Vec<Row> {
        rows.iter()
            .filter(|row| !touched(row) && !contacts.contains(&row["contact_id"]) && !row["rule"].starts_with("DAT60"))
            .map(|row| {
                Row::from_iter(
                    row.iter()
                        .filter(|(column, _)| *column != "outcome" && *column != "why")
                        .map(|(a, b)| (a.clone(), b.clone())),
                )
            })
            .collect()
    };
    assert!(others(before).len() > before.len() / 2);
    assert_eq!(others(before), others(&after));
}

/// A spreadsheet program that opens a CSV file takes ids for numbers. Where the zeros are gone, the file is refused.
#[test]
fn ids_that_became_numbers_give_the_same_or_a_refusal() {
    let source = "ascend_constituents";
    let bare = |table: &Table| -> Table {
        let bare = |cell: &String| {
            if cell.bytes().all(|byte| byte.is_ascii_digit()) { cell.trim_start_matches('0').to_owned() } else { cell.clone() }
        };
        table.iter().map(|row| row.iter().take(1).map(bare).chain(row.iter().skip(1).cloned()).collect()).collect()
    };
    type Write = fn(&Table) -> Vec<u8>;
    let general: Write = |table| {
        let number = |cell: Cell| if let Cell::Number(number, _) = cell { Cell::Number(number, 1) } else { cell };
        let rows: Vec<Cells> = cells(table, true).into_iter().map(|row| row.into_iter().map(number).collect()).collect();
        xlsx(&rows)
    };
    for (ending, write) in [("csv", (|table| text(table, b',', "\r\n").into_bytes()) as Write), ("xlsx", general)] {
        let workspace = rewritten("", |name, table| match name.starts_with(source) {
            true => (format!("{name}.{ending}"), write(&bare(table))),
            false => (format!("{name}.csv"), text(table, b',', "\n").into_bytes()),
        });
        let checked = workspace.check();
        let (_, file) = checked.iter().find(|(name, _)| name.starts_with(source)).unwrap();
        let said = files::verdict(file);
        assert!(said.contains("its ids have lost the zeros at their front") && said.contains("Constituent ID"), "{said}");
    }
}

/// Dates that became serial numbers are no dates: the person is judged as without one, and the cell is named.
#[test]
fn dates_that_became_serials_are_named_and_never_read_as_others() {
    let contact = "Id,Email,HasOptedOutOfEmail\n003Hs00004aBcDeIAK,ana@example.org,0\n";
    let source = |day: &str| {
        format!(
            "Constituent ID,Salesforce Contact ID,Email,Email Opt Out,Opt Out Date\n0000000001,003Hs00004aBcDeIAK,ana@example.org,Y,{day}\n"
        )
    };
    let of = |day: &str| {
        let workspace = Workspace::with("", &[("contacts_2026-11-21.csv", contact), ("source_2026-11-21.csv", &source(day))]);
        rows(&workspace.run().join("discrepancies.csv"))
    };
    let (date, serial) = (of("2026-11-03"), of("46329"));
    let opted_out = |rows: &[Row]| rows.iter().find(|row| row["rule"] == "OPT103").map(|row| row["a_changed"].clone());
    assert_eq!(opted_out(&date).as_deref(), Some("2026-11-03"));
    let named = serial.iter().any(|row| row["rule"] == "DAT605" && row["why"].contains("46329"));
    assert!(matches!(opted_out(&serial).as_deref(), Some("") if named) || opted_out(&serial) == opted_out(&date), "{serial:#?}");
}

const CRM: &str = "Id,Email,HasOptedOutOfEmail,Email_Opt_In_Date__c,Email_Opt_In_Channel__c\n\
                   003Hs0000000001IAA,ana@example.org,false,2026-04-01,Web form\n\
                   003Hs0000000002IAA,ben@example.org,false,,\n";

/// What a spreadsheet program of another country makes of the vendor's dates: an unsubscribe in May must not become one
/// in March, which an opt-in in April would beat.
#[test]
fn dates_with_dots_have_the_day_first() {
    // date | rule of the person
    for (date, rule) in [("03.05.2026 15:00", "OPT105"), ("3/5/2026 15:00", "OPT108"), ("03-05-2026 15:00", "OPT105")] {
        let subscribers = format!(
            "SubscriberKey;EmailAddress;Status;DateUnsubscribed\n003Hs0000000001IAA;ana@example.org;Unsubscribed;{date}\n"
        );
        let files = [("contacts_2026-11-21.csv", CRM), ("subscribers_2026-11-21.csv", subscribers.as_str())];
        let found = rows(&Workspace::with("", &files).run().join("discrepancies.csv"));
        let found: Vec<&str> = found.iter().map(|row| row["rule"].as_str()).filter(|rule| rule.starts_with("OPT")).collect();
        assert_eq!(found, [rule], "{date}");
    }
}

/// Half of the people would be missing without a word.
#[test]
fn two_parts_of_one_export_are_refused_by_name() {
    let header = "Constituent ID,Email,Email Opt Out";
    let workspace = Workspace::with(
        "",
        &[
            ("contacts_2026-11-21.csv", CRM),
            ("active_2026-11-21.csv", &format!("{header}\n0001,ana@example.org,N\n")),
            ("opted_out_2026-11-21T0900.csv", &format!("{header}\n0002,ben@example.org,Y\n")),
        ],
    );
    for (file, said) in workspace.check() {
        let parts = said["verdict"]["verdict"] == "refused" && verdict(&said).contains("they have nobody in common");
        assert_eq!(parts, !file.starts_with("contacts"), "{said:#}");
    }
    assert_eq!(workspace.call("run", &[]).status, 3);
}

#[test]
fn a_header_alone_says_nothing_of_anybody() {
    let header = "Constituent ID,Email,Email Opt Out\n";
    let workspace = Workspace::with("", &[("contacts_2026-11-21.csv", CRM), ("constituents_2026-11-21.csv", header)]);
    assert!(verdict(&workspace.check()["constituents_2026-11-21.csv"]).contains("a header without rows"));
    assert!(!workspace.found().iter().any(|row| row.starts_with("IDN506")), "nobody is missing from an export that is none");
}

#[test]
fn a_packed_copy_is_known_for_one() {
    let subscribers = "SubscriberKey,EmailAddress,Status\nkey,ana@example.org,Active\n";
    let workspace = Workspace::with("", &[("contacts_2026-11-21.csv", CRM), ("subscribers_2026-11-21.csv", subscribers)]);
    workspace.put("inbox/subscribers_2026-11-21.csv.gz", gzip(subscribers.as_bytes()));
    let said = workspace.check();
    let skipped = said.values().filter(|file| verdict(file).contains("the same content as")).count();
    assert_eq!(skipped, 1, "{said:#?}");
}
