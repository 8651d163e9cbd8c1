//! Dynamics with ClickDimensions: its files are loaded as its import takes them, and one round settles it.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use calamine::{Data, Reader, Xlsx};
use common::importer::{Exports, export, load};
use common::{RunFolder, Table, Workspace, prefrecon};
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

const GUID: &str = "0a1b2c3d-0000-4000-8000-000000000001";

/// What a preference means that is blank or not there is the tenant's to say.
#[test]
fn a_preference_is_read_as_the_tenant_works() {
    const CONTACT: &str = "contactid,emailaddress1,donotbulkemail\n0a1b2c3d-0000-4000-8000-000000000001,ana@example.org,Allow\n";
    // mode | preference | an unsubscribe record of the list | what is found
    for (mode, preference, barred, expected) in [
        ("opt_out", Some("In"), true, &["OPT111 Newsletter"][..]),
        ("opt_in", Some("In"), true, &["OPT111 Newsletter"]),
        ("opt_out", Some(""), true, &["OPT111 Newsletter"]),
        ("opt_in", Some(""), true, &[]),
        ("opt_out", None, true, &[]),
        ("opt_in", None, true, &[]),
        ("opt_out", Some("Out"), false, &["OPT112 Newsletter"]),
        ("opt_in", Some("Out"), false, &["OPT112 Newsletter"]),
        ("opt_out", Some(""), false, &[]),
        // Not asked for is no opt-out: nobody's record says so, and none is to be made.
        ("opt_in", Some(""), false, &[]),
        ("opt_out", None, false, &[]),
        ("opt_in", None, false, &[]),
    ] {
        let list = if barred { "Newsletter" } else { "Gala" };
        let record = format!(
            "Unsubscribe ID,Email,Subscription List,Created On\n0a1b2c3d-0000-4000-9000-000000000001,ana@example.org,{list},2026-11-02\n"
        );
        let preferences = preference.map(|preference| {
            format!(
                "Subscription Preference ID,Linked Contact ID,Subscription List,Preference\n\
                 0a1b2c3d-0000-4000-a000-000000000001,{GUID},Newsletter,{preference}\n\
                 0a1b2c3d-0000-4000-a000-000000000002,{GUID},Events,In\n"
            )
        });
        let mut files = vec![("contacts.csv", CONTACT), ("unsubscribes.csv", &record)];
        files.extend(preferences.as_deref().map(|preferences| ("preferences.csv", preferences)));
        let workspace =
            Workspace::with(&format!("[systems.dynamics]\nsubscriptions = \"{mode}\"\ndate_order = \"mdy\"\n"), &files);
        let run = workspace.run_as_of(Some(common::AS_OF));
        let found: Vec<String> = run.discrepancies().iter().map(|row| format!("{} {}", row["rule"], row["subject"])).collect();
        assert_eq!(found, expected, "{mode}, {preference:?}, barred: {barred}");
        let update = run.path.join("corrections/dynamics_preferences_update.csv");
        assert_eq!(update.exists(), expected.iter().any(|found| found.starts_with("OPT111")), "{mode}, {preference:?}");
    }
    let wrong = Workspace::with("[systems.dynamics]\nsubscriptions = \"optin\"\n", &[]).call("run", &[]);
    assert!(wrong.status == 2 && wrong.err.contains("did you mean `opt_in`"), "{wrong:?}");
}

/// The rows of *Needs review*, each with cells of its own, as a CSV in `decisions/`.
fn decide(workspace: &Workspace, run: &RunFolder, rule: &str, cells: &[(&str, &str)]) {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(fs::read(run.path.join("discrepancies.xlsx")).unwrap())).unwrap();
    let sheet = book.worksheet_range("Needs review").unwrap();
    let mut lines = sheet.rows().map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>());
    let header = lines.by_ref().find(|row| row[0] == "Decision").expect("a header");
    let at = |name: &str| header.iter().position(|column| column == name).unwrap_or_else(|| panic!("no column {name}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header).unwrap();
    for mut line in lines.filter(|line| line[at("Rule")] == rule) {
        for (name, cell) in cells {
            (*cell).clone_into(&mut line[at(name)]);
        }
        writer.write_record(&line).unwrap();
    }
    workspace.put("decisions/maria.csv", &String::from_utf8(writer.into_inner().unwrap()).unwrap());
}

/// Whoever is opted back in is allowed bulk e-mail and e-mail, and loses the unsubscribe record: with evidence alone.
#[test]
fn to_opt_back_in_takes_both_boxes_and_the_record_and_needs_permission() {
    const ADVANCE: &str = "ID Number,Dynamics Contact ID,Email Address,No Email Ind,No Email Date\n\
                           0001,0a1b2c3d-0000-4000-8000-000000000001,elsewhere@example.org,Y,11/02/2026\n";
    const RECORD: &str = "Unsubscribe ID,Email,Linked Contact ID,Subscription List,Created On\n0a1b2c3d-0000-4000-9000-000000000001,ana@example.org,0a1b2c3d-0000-4000-8000-000000000001,,2026-11-02\n";
    let mut contacts = Table::new(&[
        "(Do Not Modify) Contact",
        "(Do Not Modify) Row Checksum",
        "(Do Not Modify) Modified On",
        "Email",
        "Do not allow Bulk Emails",
        "Do not allow Emails",
    ]);
    contacts.push(&[GUID, "k01==", "2026-11-20 14:05:01", "ana@example.org", "Do Not Allow", "Do Not Allow"]);
    let permission: &[(&str, &str)] = &[
        ("Decision", "opt back in"),
        ("Decided by", "Maria Lopez"),
        ("Reason", "asked at the reunion"),
        ("Permission evidence", "signed card 4711"),
        ("Permission date", "2026-11-25"),
    ];
    // in a workbook | what the reviewer writes | whether it is obeyed
    for (in_workbook, cells, obeyed) in [(false, permission, true), (true, permission, true), (false, &permission[..3], false)] {
        let drop_exports = |workspace: &Workspace, day: &str| {
            fs::remove_dir_all(workspace.inbox()).unwrap();
            workspace.put(&format!("inbox/advance_{day}.csv"), ADVANCE);
            workspace.put(&format!("inbox/unsubscribes_{day}.csv"), RECORD);
            if in_workbook {
                fs::write(workspace.inbox().join(format!("contacts {day}.xlsx")), workbook(&contacts)).unwrap();
            } else {
                workspace.put(&format!("inbox/contacts_{day}.csv"), &contacts.text());
            }
        };
        let workspace =
            Workspace::with("[systems.advance]\ndate_order = \"mdy\"\n[systems.dynamics]\ndate_order = \"mdy\"\n", &[]);
        drop_exports(&workspace, "2026-11-21");
        let first = workspace.run_as_of(Some(common::AS_OF));
        decide(&workspace, &first, "IDN503", cells);
        drop_exports(&workspace, "2026-11-28");
        let run = workspace.run_as_of(Some("2026-11-29T06:00:00Z"));
        let corrections = run.path.join("corrections");
        if !obeyed {
            assert!(
                !corrections.join("dynamics_contacts_update.csv").exists()
                    && !corrections.join("dynamics_unsubscribes_delete.csv").exists()
            );
            assert!(run.table("decisions.csv").rows()[0]["why"].contains("evidence"), "{:?}", run.table("decisions.csv").rows());
            continue;
        }
        let boxes = if in_workbook {
            let bytes = fs::read(corrections.join("dynamics_contacts_update.xlsx")).unwrap();
            cells_of(&bytes, "Contacts & Leads")[1][4..].to_vec()
        } else {
            run.table("corrections/dynamics_contacts_update.csv").cells[0][1..].to_vec()
        };
        assert_eq!(boxes, ["Allow", "Allow"]);
        let deleted = run.table("corrections/dynamics_unsubscribes_delete.csv").rows();
        assert!(deleted.len() == 1 && deleted[0]["Unsubscribe ID"] == "0a1b2c3d-0000-4000-9000-000000000001", "{deleted:?}");
        assert_eq!(run.table("corrections/advance_opt_in.csv").rows()[0]["No Email Ind"], "N");
        let undone = run.table("undo/dynamics_contacts_update.csv");
        assert_eq!(undone.cells[0][1..], ["Do Not Allow", "Do Not Allow"]);
    }
}

fn cells_of(bytes: &[u8], sheet: &str) -> Vec<Vec<String>> {
    cells(bytes, sheet).iter().map(|row| row.iter().map(ToString::to_string).collect()).collect()
}

/// Workbooks that would be 8 MB or more are split, each part with what undoes it; what is held is released part by part.
#[test]
fn a_workbook_of_real_size_is_split_and_released_with_its_undo_files() {
    const CONTACTS: usize = 60_000;
    let mut rng = common::seeded(8);
    let mut noise = |letters: usize| -> String {
        (0..letters).map(|_| char::from(rand::RngExt::random_range(&mut rng, b'a'..=b'z'))).collect()
    };
    let mut contacts = Table::new(&[
        "(Do Not Modify) Contact",
        "(Do Not Modify) Row Checksum",
        "(Do Not Modify) Modified On",
        "Email",
        "Description",
        "Do not allow Bulk Emails",
    ]);
    let mut records = Table::new(&["Unsubscribe ID", "Email", "Created On"]);
    for at in 0..CONTACTS {
        let (id, email) = (format!("0a1b2c3d-0000-4000-8000-{at:012}"), format!("p{at}@example.org"));
        contacts.push(&[&id, &noise(88), "2026-11-20 14:05:01", &email, &noise(160), "Allow"]);
        records.push(&[&format!("0a1b2c3d-0000-4000-9000-{at:012}"), &email, "2026-11-02 10:00:00"]);
    }
    let exported = workbook(&contacts);
    let workspace = Workspace::with("", &[("unsubscribes_2026-11-21.csv", &records.text())]);
    fs::write(workspace.inbox().join("contacts 2026-11-21.xlsx"), &exported).unwrap();
    let run = workspace.run_as_of(Some(common::AS_OF));
    let named = |folder: &str, ending: &str| -> Vec<String> {
        let files = common::files_below(&run.path.join(folder)).into_keys();
        files.filter(|name| name.starts_with("dynamics_contacts_update") && name.ends_with(ending)).collect()
    };
    let parts = named("held", ".xlsx");
    assert!(parts.len() > 1, "{parts:?} of {} bytes", exported.len());
    assert_eq!(named("held/undo", ".csv").len(), parts.len());
    for part in &parts {
        let said = prefrecon(["approve", workspace.root.to_str().unwrap(), "latest", part, "--by", "Maria Lopez"]);
        assert!(said.status == 0 && said.out.contains("with its undo file"), "{said:?}");
    }
    assert_eq!((named("corrections", ".xlsx"), named("undo", ".csv").len()), (parts.clone(), parts.len()));
    let mut loaded = contacts.clone();
    for (part, undo) in parts.iter().zip(named("undo", ".csv")) {
        let bytes = fs::read(run.path.join("corrections").join(part)).unwrap();
        assert!(bytes.len() < 8_000_000, "{part}: {} bytes", bytes.len());
        let rows = cells(&bytes, "Contacts & Leads");
        let undone = run.table(&format!("undo/{undo}")).cells;
        let ids = |cells: Vec<String>| cells.into_iter().collect::<Vec<_>>();
        let of_part = ids(rows[1..].iter().map(|row| row[0].to_string()).collect());
        assert!(of_part == ids(undone.iter().map(|row| row[0].clone()).collect()), "{undo} is to undo {part}");
        let by_id: BTreeMap<String, usize> = loaded.cells.iter().enumerate().map(|(at, row)| (row[0].clone(), at)).collect();
        rows[1..].iter().for_each(|row| row[5].to_string().clone_into(&mut loaded.cells[by_id[&row[0].to_string()]][5]));
    }
    assert!(loaded.cells.iter().all(|row| row[5] == "Do Not Allow"));
}

/// A site whose contacts come in parts, one a workbook and one a CSV file: each is undone by a file of its own.
#[test]
fn a_workbook_and_a_csv_of_one_kind_are_undone_by_two_files() {
    let own = include_str!("../src/systems/dynamics.toml")
        .replace("name = \"dynamics\"", "name = \"parted\"")
        .replace("dynamics_", "parted_")
        .replacen("key = \"record_id\"", "key = \"record_id\"\nparts = true", 1);
    let table = |number: usize| {
        let mut table = Table::new(&[
            "(Do Not Modify) Contact",
            "(Do Not Modify) Row Checksum",
            "(Do Not Modify) Modified On",
            "Email",
            "Do not allow Bulk Emails",
        ]);
        let id = format!("0a1b2c3d-0000-4000-8000-{number:012}");
        table.push(&[&id, "k01==", "2026-11-20 14:05:01", &format!("p{number}@example.org"), "Allow"]);
        table
    };
    let records = "Unsubscribe ID,Email,Created On\n0a1b2c3d-0000-4000-9000-000000000001,p1@example.org,2026-11-02 10:00:00\n\
                   0a1b2c3d-0000-4000-9000-000000000002,p2@example.org,2026-11-02 10:00:00\n";
    for (brake, folder) in [("min_rows = 100", "undo"), ("min_rows = 1", "held/undo")] {
        let workspace = Workspace::with(
            &format!("[systems.parted]\nfiles = [\"*\"]\n[brake]\n{brake}\n"),
            &[("contacts_b_2026-11-21.csv", &table(2).text()), ("unsubscribes_2026-11-21.csv", records)],
        );
        workspace.put("systems/parted.toml", &own);
        fs::write(workspace.inbox().join("contacts_a_2026-11-21.xlsx"), workbook(&table(1))).unwrap();
        let run = workspace.run_as_of(Some(common::AS_OF));
        let undoes = |file: &str| run.table(file).cells[0][0].clone();
        let number = |at: usize| format!("0a1b2c3d-0000-4000-8000-{at:012}");
        assert_eq!(undoes(&format!("{folder}/parted_contacts_update_workbook.csv")), number(1));
        assert_eq!(undoes(&format!("{folder}/parted_contacts_update.csv")), number(2));
        if folder == "held/undo" {
            let said = prefrecon(["approve", workspace.root.to_str().unwrap(), "latest", "--by", "Maria Lopez"]);
            assert!(said.status == 0 && !said.out.contains("no undo file"), "{said:?}");
            assert_eq!(undoes("undo/parted_contacts_update_workbook.csv"), number(1));
            assert_eq!(undoes("undo/parted_contacts_update.csv"), number(2));
        }
    }
}

/// Nobody can read whether bulk e-mail is allowed, but somebody with the same address said no, or the person did elsewhere.
#[test]
fn an_unreadable_box_of_somebody_who_said_no_is_opted_out() {
    let contacts = "Id,Email,HasOptedOutOfEmail\n003Hs0000000001IAA,home@example.org,true\n003Hs0000000002IAA,home@example.org,Maybe\n\
                    003Hs0000000003IAA,cat@example.org,Maybe\n003Hs0000000004IAA,dan@example.org,Maybe\n";
    let subscribers = "SubscriberKey,EmailAddress,Status,DateUnsubscribed\n003Hs0000000003IAA,cat@example.org,Unsubscribed,\n\
                       003Hs0000000004IAA,dan@example.org,Active,\n003Hs0000000001IAA,home@example.org,Odd,\n";
    let workspace = Workspace::with(
        "",
        &[("salesforce_contacts_2026-11-21.csv", contacts), ("marketing_cloud_subscribers_2026-11-21.csv", subscribers)],
    );
    let run = workspace.run_as_of(Some(common::AS_OF));
    let out = run.table("corrections/salesforce_contacts_opt_out.csv");
    assert_eq!(out.cells, [["003Hs0000000002IAA", "true"], ["003Hs0000000003IAA", "true"]]);
    assert_eq!(run.table("corrections/marketing_cloud_unsubscribe.csv").cells[0][0], "003Hs0000000001IAA");
    // What stood there cannot be given back, and a word of ours might say that mail is welcome.
    assert!(!run.path.join("undo/salesforce_contacts_opt_out.csv").exists());
    let mut exports = workspace.exports();
    load(&mut exports, &run.path.join("corrections"));
    let next = workspace.over(&exports).run_as_of(Some(common::AS_OF));
    assert!(next.discrepancies().iter().all(|row| row["outcome"] != "correct"));
}
