//! The other side: what Data Loader, the marketing platform's import and the people who complete its requests, and the
//! source's records office do with a folder of correction files. What they would refuse fails the test.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Cursor;
use std::path::Path;

use calamine::{Data, Reader, Xlsx};
use chrono::NaiveDate;

use super::{Row, Table, files_below};

thread_local! {
    /// The day of the load.
    static LOADED_ON: Cell<NaiveDate> = const { Cell::new(NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()) };
}

/// The beginning of that day in the vendor's zone, as the vendor writes it.
fn loaded_at_vendor() -> String {
    LOADED_ON.get().format("%-m/%-d/%Y 12:00:00 AM").to_string()
}

/// The same in UTC.
fn loaded_at_utc() -> String {
    LOADED_ON.get().format("%-m/%-d/%Y 6:00:00 AM").to_string()
}

/// Exports, by their path below the inbox.
pub type Exports = BTreeMap<String, Table>;

/// Loads on a day of one's own.
pub fn load_on(day: NaiveDate, exports: &mut Exports, folder: &Path) {
    let before = LOADED_ON.replace(day);
    load(exports, folder);
    LOADED_ON.set(before);
}

/// Loads every file of `corrections/` or `undo/`; a folder that is not there holds none.
pub fn load(exports: &mut Exports, folder: &Path) {
    for (name, bytes) in files_below(folder) {
        match name.as_str() {
            "marketing_cloud_unsubscribe.csv" => import_subscribers(exports, &text(bytes)),
            "marketing_cloud_resubscribe_requests.xlsx" => complete_requests(exports, bytes),
            name if name.starts_with("salesforce_contacts_") => {
                update(export(exports, "salesforce_contacts"), &text(bytes), |api| api)
            }
            name if name.starts_with("salesforce_leads_") => update(export(exports, "salesforce_leads"), &text(bytes), label),
            "dynamics_unsubscribes_create.csv" => create_unsubscribes(exports, &text(bytes)),
            "dynamics_unsubscribes_delete.csv" => delete_unsubscribes(exports, &text(bytes)),
            "dynamics_preferences_update.csv" => update_by_guid(export(exports, "subscription_preferences"), &text(bytes)),
            "dynamics_contacts_update.csv" => update_by_guid(export(exports, "dynamics_contacts"), &text(bytes)),
            "dynamics_leads_update.csv" => update_by_guid(export(exports, "dynamics_leads"), &text(bytes)),
            "activecampaign_unsubscribe.csv" => import_contacts(exports, &text(bytes)),
            "campaign_monitor_suppress.csv" => suppress(exports, &text(bytes)),
            name if name.starts_with("campaign_monitor_unsubscribe_") => import_list(exports, &text(bytes)),
            other => match OFFICES.iter().find(|office| other.starts_with(office.export)) {
                Some(office) => load_constituents(exports, office, &text(bytes)),
                None => panic!("nobody loads {other}"),
            },
        }
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("import files are UTF-8")
}

/// The export whose name begins so.
pub fn export<'a>(exports: &'a mut Exports, name: &str) -> &'a mut Table {
    exports.iter_mut().find(|(file, _)| file.starts_with(name)).unwrap_or_else(|| panic!("no export {name}")).1
}

/// The report's label of a field.
fn label(api: &str) -> &str {
    match api {
        "HasOptedOutOfEmail" => "Email Opt Out",
        "EmailBouncedReason" => "Email Bounced Reason",
        "EmailBouncedDate" => "Email Bounced Date",
        "Email_Preferences__c" => "Email Preferences",
        other => panic!("Data Loader: no field {other}"),
    }
}

/// Data Loader's update: by id, an empty cell changes nothing, `#N/A` clears a text, a blank line ends the load.
fn update(table: &mut Table, file: &str, name_in_export: fn(&str) -> &str) {
    assert!(
        !file.trim_end_matches("\r\n").split("\r\n").any(|line| line.trim().is_empty()),
        "a blank line ends the load: {file}"
    );
    let load = Table::parse(file);
    assert_eq!(load.header[0], "Id");
    let mut seen = BTreeSet::new();
    let key = table.header.iter().position(|header| ["Id", "Lead ID"].contains(&header.as_str())).unwrap();
    for cells in &load.cells {
        let id = &cells[0];
        assert!(id.len() == 18 && *id == full_id(&id[..15]), "{id} is no id of 18 characters");
        assert!(seen.insert(id.clone()), "{id} stands twice in one load");
        let hits: Vec<usize> = (0..table.cells.len()).filter(|at| full_id(&table.cells[*at][key]) == *id).collect();
        assert!(!hits.is_empty(), "there is no record {id} to update");
        for (field, cell) in load.header.iter().zip(cells).skip(1) {
            let column = table.at(name_in_export(field));
            let value = match (field.as_str(), cell.as_str()) {
                (_, "") => continue,
                ("HasOptedOutOfEmail", word) => match word.to_lowercase().as_str() {
                    "yes" | "y" | "true" | "on" | "1" => {
                        if key_is_report(table) {
                            "1"
                        } else {
                            "true"
                        }
                    }
                    "no" | "n" | "false" | "off" | "0" => {
                        if key_is_report(table) {
                            "0"
                        } else {
                            "false"
                        }
                    }
                    other => panic!("{other} is no value of a checkbox"),
                },
                (_, "#N/A") => "",
                ("EmailBouncedDate", date) => {
                    assert!(chrono::DateTime::parse_from_rfc3339(date).is_ok(), "{date} is no time");
                    date
                }
                (_, other) => other,
            };
            for hit in &hits {
                value.clone_into(&mut table.cells[*hit][column]);
            }
        }
    }
}

/// Reports write a checkbox as 1 or 0.
fn key_is_report(table: &Table) -> bool {
    table.header.iter().any(|header| header == "Lead ID")
}

/// The platform's import: by key, the address last and never empty; a key that it does not know would be a new subscriber.
fn import_subscribers(exports: &mut Exports, file: &str) {
    const WORDS: [&str; 9] =
        ["active", "normal", "bounced", "bounced (returned)", "held", "undeliverable", "unsubscribed", "unsub", "deleted"];
    let load = Table::parse(file);
    assert_eq!(load.header, ["Subscriber Key", "Subscriber Status", "Email Address"]);
    let table = export(exports, "marketing_cloud_subscribers");
    for cells in &load.cells {
        assert!(WORDS.contains(&cells[1].to_lowercase().as_str()), "{} is no status", cells[1]);
        assert!(!cells[2].is_empty(), "{} has no address", cells[0]);
        set_status(table, &cells[0], &cells[1]);
    }
}

fn set_status(table: &mut Table, key: &str, status: &str) {
    let [by, to, since] = ["SubscriberKey", "Status", "DateUnsubscribed"].map(|name| table.at(name));
    let mut known = false;
    for row in table.cells.iter_mut().filter(|row| row[by] == key) {
        known = true;
        status.clone_into(&mut row[to]);
        row[since] = if status.to_lowercase().starts_with("unsub") { loaded_at_vendor() } else { String::new() };
    }
    assert!(known, "there is no subscriber {key}");
}

/// People do what each request says: of a business unit, to subscribe again or, where that is taken back, to unsubscribe.
fn complete_requests(exports: &mut Exports, bytes: Vec<u8>) {
    for request in sheet(bytes) {
        let (key, unit, status) = (&request["Subscriber Key"], &request["Business Unit"], &request["Requested Status"]);
        if unit.is_empty() {
            set_status(export(exports, "marketing_cloud_subscribers"), key, status);
            continue;
        }
        let units = export(exports, "marketing_cloud_unit_unsubscribes");
        let [by, of, since] = ["SubscriberKey", "BusinessUnitID", "UnsubDateUTC"].map(|name| units.at(name));
        let is = |row: &Vec<String>| row[by] == *key && row[of] == *unit;
        if status.to_lowercase().starts_with("unsub") {
            let mut row = vec![String::new(); units.header.len()];
            (row[by], row[of], row[since]) = (key.clone(), unit.clone(), loaded_at_utc());
            units.cells.push(row);
        } else {
            assert!(units.cells.iter().any(is), "{key} is not unsubscribed in unit {unit}");
            units.cells.retain(|row| !is(row));
        }
    }
}

/// Dynamics' import of a CSV file that updates: UTF-8 by its byte-order mark, the GUID first, columns by the names of
/// the export, only words that the field has.
fn update_by_guid(table: &mut Table, file: &str) {
    assert!(file.starts_with('\u{feff}'), "without a mark the import takes the file for Windows-1252");
    let load = Table::parse(file);
    let key = table.at(&load.header[0]);
    let mut seen = BTreeSet::new();
    for cells in &load.cells {
        let id = bare(&cells[0]);
        assert!(seen.insert(id.clone()), "{id} stands twice in one load");
        let at = table.cells.iter().position(|row| bare(&row[key]) == id).unwrap_or_else(|| panic!("there is no record {id}"));
        for (field, cell) in load.header.iter().zip(cells).skip(1) {
            let known = ["Allow", "Do Not Allow", "Yes", "No", "true", "false", "1", "0", "In", "Out"];
            assert!(known.contains(&cell.as_str()), "{cell} is no value of {field}");
            let column = table.at(field);
            cell.clone_into(&mut table.cells[at][column]);
        }
    }
}

/// New unsubscribe records. The undo of a deletion is this too, and the undo of this deletes by address.
fn create_unsubscribes(exports: &mut Exports, file: &str) {
    let table = export(exports, "unsubscribes");
    for row in Table::parse(file).rows() {
        assert!(!row["Email"].is_empty(), "an unsubscribe record needs an address");
        let [id, email, contact, list, since] =
            ["(Do Not Modify) Unsubscribe", "Email/Phone", "Linked Contact ID", "Subscription List", "Created On"]
                .map(|name| table.at(name));
        let mut cells = vec![String::new(); table.header.len()];
        cells[id] = format!("ffffffff-0000-4000-9000-{:012}", table.cells.len());
        (cells[email], cells[contact]) = (row["Email"].clone(), row["Linked Contact ID"].clone());
        (cells[list], cells[since]) = (row["Subscription List"].clone(), "2026-11-22 06:00:00".to_owned());
        table.cells.push(cells);
    }
}

fn delete_unsubscribes(exports: &mut Exports, file: &str) {
    let table = export(exports, "unsubscribes");
    let key = table.at("(Do Not Modify) Unsubscribe");
    for row in Table::parse(file).rows() {
        let before = table.cells.len();
        table.cells.retain(|cells| bare(&cells[key]) != row["Unsubscribe ID"]);
        assert!(table.cells.len() < before, "there is no unsubscribe record {}", row["Unsubscribe ID"]);
    }
}

/// A GUID without braces and case.
fn bare(guid: &str) -> String {
    guid.trim_matches(['{', '}']).to_lowercase()
}

/// The rows of a workbook's first sheet.
pub fn sheet(bytes: Vec<u8>) -> Vec<Row> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
    let range = book.worksheet_range_at(0).unwrap().unwrap();
    let mut lines = range.rows().map(|row| row.iter().map(Data::to_string).collect::<Vec<String>>());
    let header = lines.next().unwrap();
    lines.map(|line| header.iter().cloned().zip(line).collect()).collect()
}

/// ActiveCampaign's import: by address, one list or all of them; UTF-8 without line breaks, dates as YYYY-MM-DD.
fn import_contacts(exports: &mut Exports, file: &str) {
    let load = Table::parse(file);
    assert_eq!(load.header, ["Email", "List", "Status", "Date Unsubscribed"]);
    assert_eq!(file.trim_end().split("\r\n").count(), load.cells.len() + 1, "a line break inside a value");
    for cells in &load.cells {
        let (email, list, status, date) = (&cells[0], &cells[1], &cells[2], &cells[3]);
        assert!(["Active", "Unsubscribed", "1", "2"].contains(&status.as_str()), "{status} is no status");
        assert!(date.is_empty() || chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").is_ok(), "{date} would become 1899");
        let mut known = false;
        for (_, table) in exports.iter_mut().filter(|(name, _)| name.starts_with("activecampaign_")) {
            let column = |names: &[&str]| table.header.iter().position(|header| names.contains(&header.as_str()));
            let (by, lists, to) =
                (column(&["Email", "E-mail"]), column(&["Lists", "List Name"]), column(&["Status", "List Status"]));
            let (by, lists, to) = (by.unwrap(), lists.unwrap(), to.unwrap());
            let since = column(&["Date Unsubscribed"]).unwrap();
            for row in table.cells.iter_mut().filter(|row| row[by].to_lowercase() == *email) {
                let own: Vec<String> = row[lists].split(',').map(|list| list.trim().to_owned()).collect();
                let words: Vec<String> = row[to].split(',').map(|word| word.trim().to_owned()).collect();
                let mut states: Vec<String> = (0..own.len()).map(|at| words.get(at).unwrap_or(&words[0]).clone()).collect();
                for (own, state) in own.iter().zip(&mut states) {
                    if list == "all" || own == list {
                        known = true;
                        state.clone_from(status);
                        date.clone_into(&mut row[since]);
                    }
                }
                row[to] = if states.iter().all(|state| *state == states[0]) { states[0].clone() } else { states.join(", ") };
            }
        }
        assert!(known, "{email} is not on the list {list}: the import would add it");
    }
}

/// The list and the state that a table of Campaign Monitor holds, where its columns do not say them.
fn of_name(name: &str) -> (Option<&str>, Option<&str>) {
    let list = [
        ("volunteers_", "Volunteers & Friends"),
        ("board_", "Board/Guests"),
        ("Alumni News", "Alumni News"),
        ("Events", "Events"),
    ]
    .into_iter()
    .find_map(|(start, list)| name.starts_with(start).then_some(list));
    let states = ["Active", "Unsubscribed", "Bounced", "Deleted", "Spam", "Unconfirmed"];
    let state = states.into_iter().find(|state| name.to_lowercase().contains(&state.to_lowercase()));
    (list, state)
}

/// Campaign Monitor's import of a list: an address whose membership was deleted becomes active by it.
fn import_list(exports: &mut Exports, file: &str) {
    let load = Table::parse(file);
    assert_eq!(load.header, ["List", "EmailAddress", "State"]);
    let list = load.cells[0][0].clone();
    assert!(load.cells.iter().all(|cells| cells[0] == list), "one file holds one list");
    for cells in &load.cells {
        let (email, state) = (&cells[1], &cells[2]);
        assert!(["Active", "Unsubscribed"].contains(&state.as_str()), "{state} is no state");
        let mut moved = Vec::new();
        let mut known = false;
        for (name, table) in exports.iter_mut() {
            if !name.starts_with("events_") && of_name(name).0.is_none() {
                continue;
            }
            let column = |names: &[&str]| table.header.iter().position(|header| names.contains(&header.as_str()));
            let by = column(&["EmailAddress", "Email"]).unwrap();
            let (lists, to, since) = (column(&["List"]), column(&["State"]), column(&["Date"]));
            let (own_list, own_state) = of_name(name);
            let is = |row: &Vec<String>| {
                let on = |cell: &str| cell.split(';').any(|one| one.trim() == list);
                row[by].trim().to_lowercase() == *email && lists.map_or(own_list == Some(&list), |at| on(&row[at]))
            };
            match to {
                Some(to) => {
                    for row in table.cells.iter_mut().filter(|row| is(row)) {
                        known = true;
                        assert_ne!(row[to], "Deleted", "{email} would be active again on {list}");
                        let lists: Vec<&str> = lists.map(|at| row[at].split(';').map(str::trim).collect()).unwrap_or_default();
                        if lists.len() > 1 {
                            let now: Vec<&str> = row[to].split(';').map(str::trim).collect();
                            let states = lists
                                .iter()
                                .enumerate()
                                .map(|(at, own)| if *own == list { state } else { *now.get(at).unwrap_or(&now[0]) });
                            row[to] = states.collect::<Vec<&str>>().join("; ");
                        } else {
                            state.clone_into(&mut row[to]);
                        }
                        if let Some(since) = since {
                            row[since] = "2026-11-21 23:00:00".to_owned();
                        }
                    }
                }
                None if own_state != Some(state.as_str()) && table.cells.iter().any(is) => {
                    assert_ne!(own_state, Some("Deleted"), "{email} would be active again on {list}");
                    table.cells.retain(|row| !is(row));
                    moved.push(email.clone());
                }
                None => {}
            }
        }
        assert!(known || !moved.is_empty(), "{email} is not on {list}: the import would add it");
        let own = |name: &str| name.starts_with(&list) && of_name(name).1 == Some(state.as_str()) && name.contains("11-21");
        for email in moved {
            let table = exports.iter_mut().find(|(name, _)| own(name)).expect("an export of that state").1;
            let by = table.at("EmailAddress");
            let mut row = vec![String::new(); table.header.len()];
            row[by] = email;
            table.cells.push(row);
        }
    }
}

/// The suppression list: an address with another state than Suppressed is taken off it.
fn suppress(exports: &mut Exports, file: &str) {
    let load = Table::parse(file);
    assert_eq!(load.header, ["EmailAddress", "State"]);
    let table = export(exports, "suppression");
    let [by, reason] = ["EmailAddress", "SuppressionReason"].map(|name| table.at(name));
    for cells in &load.cells {
        let is = |row: &Vec<String>| row[by] == cells[0];
        if cells[1] == "Suppressed" {
            assert!(!table.cells.iter().any(is), "{} is suppressed already", cells[0]);
            let mut row = vec![String::new(); table.header.len()];
            (row[by], row[reason]) = (cells[0].clone(), "Suppressed".to_owned());
            table.cells.push(row);
        } else {
            table.cells.retain(|row| !is(row));
        }
    }
}

/// What a source's office calls the columns that it loads: the key, the box, its date, and what else a file may change.
struct Office {
    export: &'static str,
    key: &'static str,
    boxed: &'static str,
    since: &'static str,
    others: [&'static str; 2],
    codes: (&'static str, &'static str, &'static str),
}

const OFFICES: [Office; 3] = [
    Office {
        export: "ascend",
        key: "Constituent ID",
        boxed: "Email Opt Out",
        since: "Opt Out Date",
        others: ["Email Status", "Email Preferences"],
        codes: ("ascend_preferences", "Code", "Status"),
    },
    Office {
        export: "advance",
        key: "ID Number",
        boxed: "No Email Ind",
        since: "No Email Date",
        others: ["Email Status Code", "Mailing Lists"],
        codes: ("advance_mail_control", "Mail Control Code", "Mail Control Status"),
    },
    Office {
        export: "raisers_edge",
        key: "Lookup ID",
        boxed: "Requests no email",
        since: "Requests no email date",
        others: ["Email inactive", "Email Preferences"],
        codes: ("raisers_edge_solicit_codes", "Solicit Code", "Solicit code status"),
    },
];

/// The records office: a new value by constituent id. Who is opted back in loses the codes that said no.
fn load_constituents(exports: &mut Exports, office: &Office, file: &str) {
    let load = Table::parse(file);
    assert_eq!(load.header[0], office.key);
    for row in load.rows() {
        let id = &row[office.key];
        assert!(!id.is_empty(), "a row without a key: {row:?}");
        let table = export(exports, &format!("{}_constituents", office.export));
        let [by, date] = [office.key, office.since].map(|name| table.at(name));
        if !table.cells.iter().any(|cells| cells[by] == *id) {
            // Codes alone had named this constituent.
            let mut cells = vec![String::new(); table.header.len()];
            cells[by].clone_from(id);
            table.cells.push(cells);
        }
        let changed = [office.boxed].into_iter().chain(office.others).find(|field| row.contains_key(*field));
        let (field, column) = changed.map(|field| (field, table.at(field))).expect("a field that changes");
        for cells in table.cells.iter_mut().filter(|cells| cells[by] == *id) {
            cells[column].clone_from(&row[field]);
            if field == office.boxed {
                let since = if is_yes(&row[field]) { &row["Effective Date"] } else { "" };
                since.clone_into(&mut cells[date]);
            }
        }
        if field == office.boxed && !is_yes(&row[field]) {
            end_codes(exports, office, id);
        }
    }
}

fn end_codes(exports: &mut Exports, office: &Office, id: &str) {
    let (name, code, status) = office.codes;
    let Some((_, codes)) = exports.iter_mut().find(|(file, _)| file.starts_with(name)) else { return };
    let [by, code, status] = [office.key, code, status].map(|name| codes.at(name));
    let says_no = |code: &str| {
        ["NE", "NEM", "NC", "Do not email", "Requests no e-mail", "Do not contact", "No contact"].contains(&code)
            || code.starts_with("AWR")
    };
    for row in codes.cells.iter_mut().filter(|row| row[by] == id && says_no(&row[code])) {
        "Ended".clone_into(&mut row[status]);
    }
}

/// Whether a word means yes.
pub fn is_yes(word: &str) -> bool {
    ["true", "yes", "y", "on", "1"].contains(&word.to_lowercase().as_str())
}

/// A Salesforce id with its checksum; anything else as it is.
pub fn full_id(id: &str) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    if id.len() != 15 {
        return id.to_owned();
    }
    let sign = |five: &[u8]| {
        let bits = five.iter().enumerate().filter(|(_, letter)| letter.is_ascii_uppercase()).map(|(at, _)| 1 << at);
        char::from(LETTERS[bits.sum::<usize>()])
    };
    id.chars().chain(id.as_bytes().chunks(5).map(sign)).collect()
}

/// The bytes of a file, none where there is no such file.
pub fn bytes_of(path: &Path) -> Option<Vec<u8>> {
    fs::read(path).ok()
}
