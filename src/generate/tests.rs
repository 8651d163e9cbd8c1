//! The workspace as a whole: reproducible, complete, and consistent with itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::*;
use crate::config::Config;
use crate::systems::Systems;

const RULES: [&str; 31] = [
    "OPT101", "OPT102", "OPT103", "OPT104", "OPT105", "OPT106", "OPT107", "OPT108", "OPT109", "OPT110", "BNC201", "BNC202",
    "BNC203", "BNC204", "CAT301", "CAT302", "CAT303", "CAT304", "IDN501", "IDN502", "IDN503", "IDN504", "IDN505", "IDN506",
    "DAT601", "DAT602", "DAT603", "DAT604", "DAT605", "DAT606", "DAT607",
];

fn workspace(contacts: u64, seed: u64) -> (tempfile::TempDir, Generated) {
    let dir = tempfile::tempdir().unwrap();
    let generated = generate(dir.path(), contacts, seed).unwrap();
    (dir, generated)
}

fn contents(generated: &Generated) -> Vec<(String, Vec<u8>)> {
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    generated.files.iter().map(|file| (name(&file.path), fs::read(&file.path).unwrap())).collect()
}

/// The rows of a file as header = cell.
fn rows(dir: &tempfile::TempDir, file: &str) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(dir.path().join(file)).unwrap();
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let records = reader.records().map(|record| record.unwrap()).filter(|record| record.len() == header.len());
    records.map(|record| header.iter().cloned().zip(record.iter().map(str::to_owned)).collect()).collect()
}

#[test]
fn the_seed_decides_every_byte() {
    let (_one, first) = workspace(2000, 7);
    let (_two, second) = workspace(2000, 7);
    let (_three, other) = workspace(2000, 8);
    let [first, second, other] = [&first, &second, &other].map(contents);
    assert!(first == second, "the same seed gave other bytes");
    for ((file, one), (_, another)) in first.iter().zip(&other).filter(|((file, _), _)| file.ends_with(".csv")) {
        assert!(one != another, "{file} does not depend on the seed");
    }
}

#[test]
fn counts_are_those_of_the_files() {
    for contacts in [1, 30, 500, 2000] {
        let (dir, generated) = workspace(contacts, 1);
        for file in &generated.files[1..] {
            let name = file.path.strip_prefix(dir.path()).unwrap().to_str().unwrap();
            assert_eq!(rows(&dir, name).len() as u64, file.rows, "{name} of {contacts} contacts");
        }
        assert_eq!(generated.files[1].rows, contacts);
    }
}

#[test]
fn every_rule_is_planted_and_the_truth_is_sorted() {
    let (dir, generated) = workspace(2000, 3);
    let text = fs::read_to_string(dir.path().join("truth.csv")).unwrap();
    assert!(text.starts_with("rule,contact_id,email,subject,a_system,a_record,b_system,b_record\n"));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<Vec<String>> = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    assert_eq!(rows.len() as u64, generated.truth_rows);
    assert!(rows.is_sorted() && rows.windows(2).all(|pair| pair[0] != pair[1]), "sorted, and no row twice");
    let found: BTreeSet<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(found, BTreeSet::from(RULES));
}

#[test]
fn each_case_finds_what_it_declares() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::new(Files::create(dir.path()).unwrap(), 5);
    for case in PLANTED.into_iter().flatten().chain(CLEAN) {
        for _ in 0..20 {
            let before = world.files.contacts.rows;
            (case.plant)(&mut world);
            assert_eq!(world.files.contacts.rows - before, case.contacts, "contacts of: {}", case.name);
            let found: BTreeSet<&str> = world.truth.drain(..).map(|row| row.rule).collect();
            assert_eq!(found, case.finds.iter().copied().collect(), "{}", case.name);
        }
    }
}

#[test]
fn names_of_cases_are_their_own() {
    let mut names = BTreeSet::new();
    for case in PLANTED.into_iter().flatten().chain(CLEAN) {
        assert!(names.insert(case.name), "two cases are called: {}", case.name);
    }
}

#[test]
fn planted_people_are_few_at_any_size() {
    for contacts in [20_000_u64, 1_500_000] {
        let planted: u64 = plan(contacts).iter().map(|(case, groups)| case.contacts * groups).sum();
        assert!((contacts / 50..contacts / 25).contains(&planted), "{planted} of {contacts}");
    }
}

#[test]
fn the_configuration_is_valid() {
    let systems = Systems::built_in().unwrap();
    let config = Config::parse(&configuration::text(1_500_000), &systems).unwrap();
    assert_eq!(config.category.len(), categories::CATEGORIES.len());
    for (category, known) in config.category.iter().zip(&categories::CATEGORIES) {
        assert_eq!(category.name, known.name);
        assert_eq!(category.systems["ascend"].all(), [known.code]);
    }
    assert_eq!(config.brake.max_opt_ins, 15_000);
}

#[test]
fn ids_have_their_checksum_or_the_report_s_15_characters() {
    let (dir, _) = workspace(2000, 4);
    let contacts = rows(&dir, "inbox/salesforce_contacts_2026-11-21.csv");
    let leads = rows(&dir, "inbox/salesforce_leads_report_2026-11-21.csv");
    for contact in contacts.iter().filter(|contact| !contact["Id"].is_empty()) {
        let (short, suffix) = contact["Id"].split_at(15);
        assert!(short.starts_with("003") && suffix.as_bytes() == ids::suffix(short.as_bytes()), "{contact:?}");
    }
    for lead in &leads {
        assert!(lead["Lead ID"].len() == 15 && lead["Lead ID"].starts_with("00Q"), "{lead:?}");
    }
}

#[test]
fn addresses_on_several_contacts_are_planted_ones() {
    let (dir, _) = workspace(3000, 9);
    let mut holders: HashMap<String, BTreeSet<String>> = HashMap::new();
    for (file, key, campus) in [
        ("inbox/salesforce_contacts_2026-11-21.csv", "Id", "UCB_Email__c"),
        ("inbox/salesforce_leads_report_2026-11-21.csv", "Lead ID", "UCB Email"),
    ] {
        for row in rows(&dir, file).iter().filter(|row| !row[key].is_empty()) {
            for address in [&row["Email"], &row[campus]] {
                if address.contains("@example") || address.contains(".example") {
                    holders.entry(address.clone()).or_default().insert(row[key].clone());
                }
            }
        }
    }
    let good = |address: &str| address.split('@').count() == 2 && !address.contains(' ');
    let shared: BTreeSet<String> =
        holders.into_iter().filter(|(address, ids)| ids.len() > 1 && good(address)).map(|(address, _)| address).collect();
    let planted =
        rows(&dir, "truth.csv").into_iter().filter(|row| row["rule"] == "IDN501").map(|row| row["email"].clone()).collect();
    assert_eq!(shared, planted);
}

#[test]
fn a_folder_that_is_in_use_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    let error = generate(dir.path(), 10, 1).unwrap_err().to_string();
    assert!(error.contains("is not empty"), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    assert!(generate(&dir.path().join("new"), 0, 1).unwrap_err().to_string().contains("between 1 and"));
}
