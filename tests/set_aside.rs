//! Setting people aside about whom there is nothing to find changes nothing that a run finds, writes or remembers,
//! whatever the exports say and whatever earlier weeks said.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::importer::full_id;
use common::{RunFolder, Table, Workspace, assert_same_files, files_below, seeded};
use polars_io::SerReader;
use polars_io::prelude::ParquetReader;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

const WEEKS: [&str; 4] = ["2026-11-22T06:00:00Z", "2026-11-29T06:00:00Z", "2026-12-06T06:00:00Z", "2026-12-13T06:00:00Z"];

#[test]
fn whoever_is_set_aside_weeks_of_odd_exports_come_out_the_same() {
    let three = "salesforce,marketing_cloud,ascend";
    for (systems, contacts, seed) in
        [(three, 300, 31), (three, 900, 32), ("dynamics,marketing_cloud,ascend", 400, 33), ("dynamics", 200, 34)]
    {
        let generated = Workspace::generated_of(systems, contacts, seed);
        let mut rng = seeded(seed);
        let mut exports: BTreeMap<String, Table> = generated.exports();
        let [aside, all, on_disk] = std::array::from_fn(|_| generated.over(&exports));
        make_records_of_everybody(&all);
        put_on_the_disk(&on_disk);
        for (week, as_of) in WEEKS.iter().enumerate() {
            for workspace in [&aside, &all, &on_disk] {
                fs::remove_dir_all(workspace.inbox()).unwrap();
                for (file, table) in &exports {
                    table.write(&workspace.inbox().join(file.replace("2026-11-21", &as_of[..10])));
                }
            }
            let [one, other, third] = [&aside, &all, &on_disk].map(|workspace| workspace.run_as_of(Some(as_of)));
            let what = format!("{systems}, seed {seed}, week {week}");
            assert_same(&one, &other, &what);
            assert_same(&one, &third, &format!("{what}, on the disk"));
            for other in [&all, &on_disk] {
                assert_same_ledger(&aside.root.join("ledger"), &other.root.join("ledger"));
            }
            exports.values_mut().for_each(|table| disturb(table, &mut rng));
        }
    }
}

#[test]
fn every_way_to_be_odd_in_one_system_and_another_comes_out_the_same_week_after_week() {
    for oddities in [&ODDITIES.map(|of| &of[..of.len() - 2]), &ODDITIES] {
        let generated = Workspace::generated(1, 36);
        let exports = generated.exports();
        let (aside, all) = (generated.over(&exports), generated.over(&exports));
        make_records_of_everybody(&all);
        for (week, as_of) in WEEKS[..3].iter().enumerate() {
            let exports = odd_exports(&exports, oddities, week);
            for workspace in [&aside, &all] {
                fs::remove_dir_all(workspace.inbox()).unwrap();
                for (file, table) in &exports {
                    table.write(&workspace.inbox().join(file.replace("2026-11-21", &as_of[..10])));
                }
            }
            let [one, other] = [&aside, &all].map(|workspace| workspace.run_as_of(Some(as_of)));
            assert_same(&one, &other, &format!("oddities, week {week}"));
            assert_same_ledger(&aside.root.join("ledger"), &all.root.join("ledger"));
        }
    }
}

/// A constituent that is gone names one contact and has another's address. Its opt-out stays with the contact, also where
/// that one is opted out everywhere and would be set aside. Found with exports in which addresses were swapped at random.
#[test]
fn an_opt_out_that_is_gone_is_not_taken_for_that_of_whoever_has_its_address() {
    let [out, active] = ["003Hs0000000001", "003Hs0000000002"].map(full_id);
    let exports = |day: &str, gone: &str| {
        let constituents = "Constituent ID,Salesforce Contact ID,Email,Email Opt Out,Opt Out Date,Email Status\n";
        [
            (
                format!("salesforce_contacts_{day}.csv"),
                format!(
                    "Id,Email,HasOptedOutOfEmail,Ascend_ID__c\n{out},x@example.org,true,C1\n{active},y@example.org,false,C2\n"
                ),
            ),
            (
                format!("ascend_constituents_{day}.csv"),
                format!("{constituents}C1,{out},x@example.org,Y,9/2/2026,Active\nC2,{active},y@example.org,N,,Active\n{gone}"),
            ),
        ]
    };
    let columns = "[systems.salesforce.columns]\nsource_id = [\"Ascend_ID__c\"]\n[systems.ascend]\ndate_order = \"mdy\"\n";
    let [aside, all] = ["true", "false"].map(|set_aside| {
        let workspace = Workspace::with(&format!("[run]\nset_aside = {set_aside}\n{columns}"), &[]);
        let gone = format!("C9,{out},y@example.org,Y,8/2/2026,Active\n");
        for (day, as_of, gone) in [("2026-11-21", WEEKS[0], gone.as_str()), ("2026-11-28", WEEKS[1], "")] {
            for (file, text) in exports(day, gone) {
                workspace.put(&format!("inbox/{file}"), &text);
            }
            workspace.run_as_of(Some(as_of));
        }
        fs::read_to_string(workspace.root.join("runs/latest/discrepancies.csv")).unwrap()
    });
    assert_eq!(aside, all);
    assert!(!all.contains(&active), "{all}");
}

/// Keys that are nearly somebody's are looked for on the disk too.
#[test]
fn explain_says_the_same_of_people_on_the_disk() {
    let generated = Workspace::generated(200, 37);
    let exports = generated.exports();
    let [all, on_disk] = std::array::from_fn(|_| generated.over(&exports));
    make_records_of_everybody(&all);
    put_on_the_disk(&on_disk);
    let contacts = exports.iter().find(|(file, _)| file.starts_with("salesforce_contacts")).unwrap().1;
    let address = contacts.header.iter().position(|header| header == "Email").unwrap();
    for row in contacts.cells.iter().step_by(23) {
        for who in [row[address].clone(), row[address].replacen('@', "x@", 1)] {
            let [one, other] = [&all, &on_disk].map(|workspace| workspace.call("explain", &[&who]));
            assert_eq!((one.status, one.out, one.err), (other.status, other.out, other.err), "{who}");
        }
    }
}

/// The cells by which a record differs from the plain one of its system.
type Cells = &'static [(&'static str, &'static str)];

const FILES: [&str; 3] = ["salesforce_contacts", "marketing_cloud_subscribers", "ascend_constituents"];
/// The plain record of a system. `<n>` is the person's number, `<n+>` the next person's, and `<id>` the full contact id.
const PLAIN: [Cells; 3] = [
    &[
        ("Id", "003Hs0000<n>"),
        ("Email", "p<n>@example.org"),
        ("HasOptedOutOfEmail", "false"),
        ("Ascend_ID__c", "0000<n>"),
        ("Email_Preferences__c", "Alumni News"),
    ],
    &[("SubscriberKey", "<id>"), ("EmailAddress", "p<n>@example.org"), ("Status", "Active")],
    &[
        ("Constituent ID", "0000<n>"),
        ("Salesforce Contact ID", "<id>"),
        ("Email", "p<n>@example.org"),
        ("Email Opt Out", "N"),
        ("Email Status", "Active"),
        ("Email Preferences", "ALN"),
    ],
];
/// What a record may say instead; the last two of each system name a key of the next person.
const ODDITIES: [&[Cells]; 3] = [
    &[
        &[],
        &[("EmailBouncedReason", "550 5.1.1"), ("EmailBouncedDate", "10/2/2026")],
        &[("Email", "")],
        &[("UCB_Email__c", "c<n>@example.org")],
        &[("UCB_Email__c", "c<n>@example.org"), ("EmailBouncedDate", "10/2/2026")],
        &[("Ascend_ID__c", "")],
        &[("Email_Opt_In_Date__c", "11/2/2026"), ("Email_Opt_In_Channel__c", "Web form <n>")],
        &[("Email_Opt_In_Date__c", "11/2/2026")],
        &[("HasOptedOutOfEmail", "true"), ("Email_Preferences__c", "")],
        &[
            ("HasOptedOutOfEmail", "true"),
            ("Email_Preferences__c", ""),
            ("Email_Opt_In_Date__c", "11/2/2026"),
            ("Email_Opt_In_Channel__c", "Call"),
        ],
        &[("UCB_Email__c", "p<n+>@example.org")],
        &[("Ascend_ID__c", "0000<n+>")],
    ],
    &[
        &[],
        &[("EmailAddress", "c<n>@example.org")],
        &[("EmailAddress", "c<n>@example.org"), ("Status", "Bounced")],
        &[("EmailAddress", "")],
        &[("Status", "")],
        &[("Status", "Bounced"), ("DateUndeliverable", "10/2/2026 1:00:00 PM")],
        &[("Status", "Held")],
        &[("Status", "Deleted")],
        &[("Status", "Unsubscribed"), ("DateUnsubscribed", "9/2/2026 1:00:00 PM")],
        &[("SubscriberKey", "9<n>")],
        &[("SubscriberKey", "P<n>@example.org")],
        &[("SubscriberKey", "003Hs0000<n>")],
        &[("SubscriberKey", "003Hs0009<n>")],
        &[("SubscriberKey", "p<n+>@example.org")],
        &[("SubscriberKey", "9<n+>")],
    ],
    &[
        &[],
        &[("Email Opt Out", "")],
        &[("Email Opt Out", "Y"), ("Opt Out Date", "9/2/2026"), ("Email Preferences", "")],
        &[("Email Status", "Bounced")],
        &[("Email", "")],
        &[("Email", "c<n>@example.org")],
        &[("Salesforce Contact ID", "")],
        &[("Salesforce Contact ID", "003Hs0009<n>")],
        &[("Email", "p<n+>@example.org")],
        &[("Salesforce Contact ID", ""), ("Constituent ID", "0007<n+>")],
    ],
];

/// Of every choice of oddities one person, who has another one each week; some have codes or left a unit besides.
fn odd_exports(like: &BTreeMap<String, Table>, oddities: &[&[Cells]; 3], week: usize) -> BTreeMap<String, Table> {
    let mut exports = like.clone();
    exports.values_mut().for_each(|table| table.cells.clear());
    let persons = oddities.iter().map(|of| of.len()).product::<usize>();
    let mut add = |file: &str, person: usize, cells: &[(&str, &str)]| {
        let table = exports.get_mut(&format!("{file}_2026-11-21.csv")).unwrap();
        let mut row = vec![String::new(); table.header.len()];
        for (column, cell) in cells {
            let id = full_id(&format!("003Hs0000{person:06}"));
            let next = format!("{:06}", person + 1);
            row[table.at(column)] = cell.replace("<id>", &id).replace("<n+>", &next).replace("<n>", &format!("{person:06}"));
        }
        table.cells.push(row);
    };
    for person in 0..persons {
        let mut choice = (person + week * 397) % persons;
        for (system, file) in FILES.iter().enumerate() {
            let oddity = oddities[system][choice % oddities[system].len()];
            choice /= oddities[system].len();
            add(file, person, &[PLAIN[system], oddity].concat());
        }
        let code = [("NS", "Active"), ("NE", "Inactive"), ("MAG", "Active"), ("NE", "Active")].get(person % 19);
        if let Some((code, status)) = code {
            add("ascend_preferences", person, &[("Constituent ID", "0000<n>"), ("Code", code), ("Status", status)]);
        }
        if person % 23 == 0 {
            add("marketing_cloud_unit_unsubscribes", person, &[("BusinessUnitID", "7221002"), ("SubscriberKey", "<id>")]);
        }
    }
    exports
}

#[test]
fn files_of_two_systems_in_turns_come_out_the_same() {
    let generated = Workspace::generated(600, 35);
    let mut exports = generated.exports();
    for kind in ["marketing_cloud_unit_unsubscribes", "ascend_preferences"] {
        let whole = exports.remove(&format!("{kind}_2026-11-21.csv")).unwrap();
        exports.extend((0..9).map(|part| (format!("{part}_{kind}_2026-11-21.csv"), whole.part(part, 9))));
    }
    let (aside, all) = (generated.over(&exports), generated.over(&exports));
    make_records_of_everybody(&all);
    assert_same(&aside.run(), &all.run(), "parts");
}

#[test]
fn the_sample_comes_out_the_same() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data");
    let [aside, all] = [(), ()].map(|()| {
        let workspace = Workspace::empty();
        fs::copy(sample.join("prefrecon.toml"), workspace.root.join("prefrecon.toml")).unwrap();
        for (file, bytes) in files_below(&sample.join("inbox")) {
            fs::write(workspace.inbox().join(file), bytes).unwrap();
        }
        workspace
    });
    make_records_of_everybody(&all);
    assert_same(&aside.run(), &all.run(), "the sample");
}

fn make_records_of_everybody(workspace: &Workspace) {
    set(workspace, "set_aside = false");
}

/// No room in memory.
fn put_on_the_disk(workspace: &Workspace) {
    set(workspace, "set_aside_mb = 0");
}

fn set(workspace: &Workspace, key: &str) {
    let configuration = fs::read_to_string(workspace.root.join("prefrecon.toml")).unwrap();
    assert!(configuration.contains("[run]\n"));
    workspace.put("prefrecon.toml", &configuration.replacen("[run]\n", &format!("[run]\n{key}\n"), 1));
}

/// Rows vanish, come twice, or have a cell of another row or none: mostly in few places, so that most people stay plain.
fn disturb(table: &mut Table, rng: &mut ChaCha8Rng) {
    let rows = table.cells.len();
    for _ in 0..rows / 12 + 1 {
        let (at, other) = (rng.random_range(0..table.cells.len()), rng.random_range(0..table.cells.len()));
        let column = rng.random_range(0..table.header.len());
        match rng.random_range(0..10) {
            0 => drop(table.cells.remove(at)),
            1 => table.cells.push(table.cells[at].clone()),
            2 => table.cells[at][column].clear(),
            _ => table.cells[at][column] = table.cells[other][column].clone(),
        }
    }
}

fn assert_same(one: &RunFolder, other: &RunFolder, what: &str) {
    assert_eq!(one.status, other.status, "{what}");
    let files = |run: &RunFolder| {
        let mut files = files_below(&run.path);
        files.remove("run.json");
        files
    };
    println!("{what}");
    assert_same_files(&files(one), &files(other));
    let manifest = |run: &RunFolder| -> Value {
        let mut manifest = run.lasting_manifest();
        assert!(manifest.as_object_mut().unwrap().remove("configuration_sha256").is_some());
        manifest
    };
    assert_eq!(manifest(one), manifest(other), "{what}");
    one.assert_rows_are_accounted_for();
}

/// The ledger's tables have the same rows; only their order tells who was set aside.
fn assert_same_ledger(one: &Path, other: &Path) {
    let tables = |ledger: &Path| -> BTreeMap<String, Vec<String>> {
        let files = files_below(ledger).into_iter().filter(|(file, _)| file.ends_with(".parquet"));
        files.map(|(file, bytes)| (file, rows(bytes))).collect()
    };
    assert_eq!(tables(one), tables(other));
}

fn rows(bytes: Vec<u8>) -> Vec<String> {
    let frame = ParquetReader::new(std::io::Cursor::new(bytes)).finish().unwrap();
    let row =
        |at: usize| frame.columns().iter().map(|column| format!("{}", column.get(at).unwrap())).collect::<Vec<_>>().join("|");
    let mut rows: Vec<String> = (0..frame.height()).map(row).collect();
    rows.sort_unstable();
    rows
}
