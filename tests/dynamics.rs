//! Dynamics with ClickDimensions: its files are loaded as its import takes them, and one round settles it.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use calamine::{Data, Reader, Xlsx};
use common::importer::{Exports, export, load};
use common::{Table, Workspace};
use rust_xlsxwriter::{Format, Table as SheetTable, Workbook};

/// The golden case as a workspace of its own.
fn golden() -> Workspace {
    let workspace = Workspace::empty();
    let input = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dynamics/input");
    for (file, bytes) in common::files_below(&input) {
        workspace.put(&file, &String::from_utf8(bytes).unwrap());
    }
    workspace
}

#[test]
fn one_round_settles_it() {
    let workspace = golden();
    let run = workspace.run();
    let mut exports = workspace.exports();
    load(&mut exports, &run.path.join("corrections"));
    let next = workspace.over(&exports).run();
    let left: Vec<_> = next.discrepancies().into_iter().filter(|row| row["outcome"] == "correct").collect();
    assert!(left.is_empty(), "{left:#?}");
    assert!(!next.path.join("corrections").exists());
}

#[test]
fn the_undo_file_of_an_update_restores_the_export() {
    let workspace = golden();
    let run = workspace.run();
    let contacts = |exports: &mut common::importer::Exports| common::importer::export(exports, "dynamics_contacts").clone();
    let mut exports = workspace.exports();
    let before = contacts(&mut exports);
    let corrections = run.path.join("corrections");
    load(&mut exports, &corrections);
    assert_ne!(before, contacts(&mut exports));
    let only_contacts = tempfile::tempdir().unwrap();
    fs::copy(run.path.join("undo/dynamics_contacts_update.csv"), only_contacts.path().join("dynamics_contacts_update.csv"))
        .unwrap();
    load(&mut exports, only_contacts.path());
    let plain = |table: &Table| table.text().replace(",,Allow,", ",Allow,Allow,");
    assert_eq!(plain(&before), plain(&contacts(&mut exports)));
}

const SALESFORCE: &str =
    "Id,Email,HasOptedOutOfEmail\n003Hs0000000001IAA,ana@example.org,false\n003Hs0000000002IAA,ben@example.org,true\n";
const DYNAMICS: &str = "contactid,emailaddress1,donotbulkemail\n0a1b2c3d-0000-4000-8000-000000000001,ana@example.org,Do Not Allow\n\
    0a1b2c3d-0000-4000-8000-000000000002,ben@example.org,Allow\n";

#[test]
fn of_two_crms_the_configuration_names_the_hub() {
    let files = [("sf_2026-11-21.csv", SALESFORCE), ("crm_2026-11-21.csv", DYNAMICS)];
    let silent = Workspace::with("", &files);
    for command in ["run", "check"] {
        let said = silent.call(command, &["--as-of", common::AS_OF]);
        assert_eq!(said.status, 4, "{said:?}");
        let text = said.out + &said.err;
        assert!(text.contains("[run] hub = \"salesforce\"") && text.contains("Salesforce and Microsoft Dynamics"), "{text}");
    }
    // hub | what is found
    for (hub, expected) in [
        ("salesforce", ["OPT101 salesforce dynamics", "OPT103 dynamics salesforce"]),
        ("dynamics", ["OPT101 dynamics salesforce", "OPT103 salesforce dynamics"]),
    ] {
        let workspace = Workspace::with(&format!("[run]\nhub = \"{hub}\"\n"), &files);
        let run = workspace.run_as_of(Some(common::AS_OF));
        let found: Vec<String> =
            run.discrepancies().iter().map(|row| format!("{} {} {}", row["rule"], row["a_system"], row["b_system"])).collect();
        assert_eq!(found, expected, "{hub}");
        for file in ["salesforce_contacts_opt_out.csv", "dynamics_contacts_update.csv"] {
            assert!(run.path.join("corrections").join(file).exists(), "{hub}: {file}");
        }
    }
    let missing = Workspace::with("[run]\nhub = \"dynamics\"\n", &files[..1]);
    let said = missing.call("run", &["--as-of", common::AS_OF]);
    assert!(said.status == 4 && said.err.contains("no export of Microsoft Dynamics"), "{said:?}");
}

#[test]
fn under_a_header_that_leaves_it_open_yes_is_no_answer() {
    // header | cell | what the record is
    for (header, cell, expected) in [
        ("Do not allow Bulk Emails", "Yes", "out"),
        ("Do not allow Bulk Emails", "No", "in"),
        ("Do not allow Bulk Emails", "Allow", "in"),
        ("donotbulkemail", "true", "out"),
        ("Bulk Email", "Do Not Allow", "out"),
        ("Bulk Email", "Allow", "in"),
        ("Bulk Email", "Yes", "rejected"),
        ("Bulk Email", "No", "rejected"),
    ] {
        let contacts = format!("Contact,Email,{header}\n0a1b2c3d-0000-4000-8000-000000000001,ana@example.org,{cell}\n");
        let subscribers = "SubscriberKey,EmailAddress,Status\nana@example.org,ana@example.org,Active\n";
        let workspace = Workspace::with("", &[("contacts.csv", &contacts), ("subscribers.csv", subscribers)]);
        let run = workspace.run();
        let rejected = run.table("rejected_rows.csv").cells.len();
        let found = if rejected > 0 {
            "rejected"
        } else if run.of_rule("OPT102").is_empty() {
            "in"
        } else {
            "out"
        };
        assert_eq!(found, expected, "{header}: {cell}");
    }
}

/// The contacts as "export to Excel" gives them: a table, its first three columns hidden, and a hidden sheet that says
/// what the columns are.
fn workbook(table: &Table) -> Vec<u8> {
    let mut book = Workbook::new();
    let time = Format::new().set_num_format("m/d/yyyy h:mm:ss");
    let sheet = book.add_worksheet().set_name("Contacts & Leads").unwrap();
    let (rows, columns) = (table.cells.len() as u32, table.header.len() as u16);
    let header: Vec<_> = table.header.iter().map(|name| rust_xlsxwriter::TableColumn::new().set_header(name)).collect();
    sheet.add_table(0, 0, rows, columns - 1, &SheetTable::new().set_columns(&header)).unwrap();
    for (row, cells) in table.cells.iter().enumerate() {
        for (column, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            let (row, at) = (row as u32 + 1, column as u16);
            match chrono::NaiveDateTime::parse_from_str(cell, "%Y-%m-%d %H:%M:%S") {
                Ok(moment) if column == 2 => sheet.write_datetime_with_format(row, at, moment, &time).unwrap(),
                _ => sheet.write_string(row, at, cell).unwrap(),
            };
        }
    }
    for column in 0..3 {
        sheet.set_column_hidden(column).unwrap();
    }
    let hidden = book.add_worksheet().set_name("hiddenSheet").unwrap();
    hidden.write_string(0, 0, "contact:checksum:columns").unwrap();
    hidden.set_very_hidden(true);
    book.save_to_buffer().unwrap()
}

fn cells(bytes: &[u8], sheet: &str) -> Vec<Vec<Data>> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes.to_vec())).unwrap();
    book.worksheet_range(sheet).unwrap().rows().map(<[Data]>::to_vec).collect()
}

/// Dynamics' import of a workbook: only one that it exported, with the same columns in the same order and its hidden
/// sheet, below 8 MB; a row that has changed in the CRM since is refused.
fn import(contacts: &mut Table, exported: &[u8], load: &[u8]) {
    assert!(load.len() < 8_000_000);
    assert_eq!(cells(load, "hiddenSheet"), cells(exported, "hiddenSheet"));
    let (export, load) = (cells(exported, "Contacts & Leads"), cells(load, "Contacts & Leads"));
    assert_eq!(export[0], load[0], "columns were added, moved or renamed");
    assert!(load.len() > 1, "nothing to load");
    for row in &load[1..] {
        let at = export.iter().position(|known| known[0] == row[0]).expect("a row that was exported");
        assert_eq!(export[at][..3], row[..3], "the row was changed since the export");
        for (column, cell) in row.iter().enumerate().skip(3) {
            if *cell != export[at][column] {
                let known = ["Allow", "Do Not Allow", "Yes", "No"];
                assert!(known.contains(&cell.to_string().as_str()), "{cell} is no value of {}", load[0][column]);
                contacts.cells[at - 1][column] = cell.to_string();
            }
        }
    }
}

/// The golden case with the contacts as a workbook.
fn with_workbook(exports: &Exports, contacts: &[u8], configuration: &str) -> Workspace {
    let others: BTreeMap<String, Table> = exports
        .iter()
        .filter(|(name, _)| !name.starts_with("dynamics_contacts"))
        .map(|(name, table)| (name.clone(), table.clone()))
        .collect();
    let workspace = golden().over(&others);
    fs::write(workspace.inbox().join("contacts 2026-11-21.xlsx"), contacts).unwrap();
    if !configuration.is_empty() {
        let path = workspace.root.join("prefrecon.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text + configuration).unwrap();
    }
    workspace
}

#[test]
fn the_exported_workbook_goes_back_with_the_changed_rows() {
    let mut exports = golden().exports();
    let contacts = export(&mut exports, "dynamics_contacts").clone();
    let exported = workbook(&contacts);
    let workspace = with_workbook(&exports, &exported, "");
    let run = workspace.run();
    let from_csv = golden().run();
    let plain = |run: &common::RunFolder| {
        let mut rows = run.discrepancies();
        rows.retain(|row| !row["rule"].starts_with("DAT"));
        rows
    };
    assert_eq!(plain(&run), plain(&from_csv), "a workbook says what the CSV says");
    let correction = fs::read(run.path.join("corrections/dynamics_contacts_update.xlsx")).unwrap();
    assert!(!run.path.join("corrections/dynamics_contacts_update.csv").exists());
    assert!(run.path.join("undo/dynamics_contacts_update.csv").exists(), "a workbook is taken back once");
    let rows = from_csv.table("corrections/dynamics_contacts_update.csv").cells.len();
    assert_eq!(cells(&correction, "Contacts & Leads").len(), rows + 1);
    for change in run
        .table("corrections.csv")
        .rows()
        .iter()
        .filter(|change| change["file"].ends_with(".xlsx") && change["target"] == "dynamics")
    {
        let row: usize = change["row"].parse().unwrap();
        let cell = cells(&correction, "Contacts & Leads")[row - 1][0].to_string();
        assert_eq!(cell.trim_matches(['{', '}']).to_lowercase(), change["record"]);
    }

    let mut loaded = contacts.clone();
    import(&mut loaded, &exported, &correction);
    let others = tempfile::tempdir().unwrap();
    for (name, bytes) in common::files_below(&run.path.join("corrections")) {
        if name != "dynamics_contacts_update.xlsx" {
            fs::write(others.path().join(name), bytes).unwrap();
        }
    }
    load(&mut exports, others.path());
    let next = with_workbook(&exports, &workbook(&loaded), "").run();
    assert!(next.discrepancies().iter().all(|row| row["outcome"] != "correct"), "one round settles it");
    assert!(!next.path.join("corrections").exists());
}

#[test]
fn a_workbook_without_its_hidden_columns_gets_a_csv() {
    let mut exports = golden().exports();
    let mut contacts = export(&mut exports, "dynamics_contacts").clone();
    contacts.header[1] = "Checksum".to_owned();
    let run = with_workbook(&exports, &workbook(&contacts), "").run();
    assert!(run.path.join("corrections/dynamics_contacts_update.csv").exists());
    assert!(!run.path.join("corrections/dynamics_contacts_update.xlsx").exists());
}
