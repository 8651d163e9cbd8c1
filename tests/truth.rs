//! On generated workspaces every planted discrepancy is found, and nothing else.

mod common;

use common::{Table, Workspace};

const COLUMNS: [&str; 8] = ["rule", "contact_id", "email", "subject", "a_system", "a_record", "b_system", "b_record"];

#[test]
fn what_is_found_is_what_was_planted() {
    for (contacts, seed) in
        [(1, 1), (30, 2), (150, 3), (400, 4), (400, 5), (1000, 6), (2000, 7), (2000, 8), (5000, 9), (20_000, 10)]
    {
        compare(&Workspace::generated(contacts, seed), contacts, seed);
    }
}

/// Each of the two CRMs with every choice among the platforms and the sources.
#[test]
fn salesforce_with_any_others_is_found_as_planted() {
    every_combination("salesforce", 130, 1000);
}

#[test]
fn dynamics_with_any_others_is_found_as_planted() {
    every_combination("dynamics", 130, 2000);
}

fn every_combination(crm: &str, contacts: u64, seed: u64) {
    for (systems, seed) in common::combinations(crm).into_iter().zip(seed..) {
        compare(&Workspace::generated_of(&systems, contacts, seed), contacts, seed);
    }
}

#[test]
fn combinations_are_found_as_planted_at_any_size() {
    for (systems, contacts, seed) in [
        ("dynamics,marketing_cloud,ascend", 1, 1),
        ("salesforce,campaign_monitor", 7, 2),
        ("dynamics,marketing_cloud,ascend", 20, 4),
        ("salesforce,marketing_cloud,activecampaign,ascend", 2000, 5),
        ("salesforce,campaign_monitor,ascend,raisers_edge", 2000, 6),
        ("dynamics,campaign_monitor,advance", 2000, 7),
        ("salesforce,marketing_cloud,activecampaign,campaign_monitor,ascend,advance,raisers_edge", 10_000, 8),
        ("dynamics,marketing_cloud,activecampaign,campaign_monitor,ascend,advance,raisers_edge", 10_000, 9),
    ] {
        compare(&Workspace::generated_of(systems, contacts, seed), contacts, seed);
    }
}

/// Every rule that one run alone can find is planted where all systems are there.
#[test]
fn every_rule_is_planted() {
    let mut planted = std::collections::BTreeSet::new();
    for crm in ["salesforce", "dynamics"] {
        let systems = common::combinations(crm).pop().unwrap();
        let workspace = Workspace::generated_of(&systems, 400, 11);
        planted.extend(Table::read(&workspace.root.join("truth.csv")).rows().into_iter().map(|row| row["rule"].clone()));
    }
    // An earlier run, and a file that is too old.
    let missing: Vec<&str> =
        prefrecon::rules::RULES.iter().map(|rule| rule.code).filter(|code| !planted.contains(*code)).collect();
    assert_eq!(missing, ["OPT113", "DAT608"]);
}

/// What a run finds must be what was planted.
fn compare(workspace: &Workspace, contacts: u64, seed: u64) {
    let run = workspace.run();
    let found = run.table("discrepancies.csv").sorted(&COLUMNS);
    let truth = Table::read(&workspace.root.join("truth.csv")).sorted(&COLUMNS);
    let lacks = |rows: &[Vec<String>], other: &[Vec<String>]| -> Vec<String> {
        let mut other = other.to_vec();
        let mut left = |row: &&Vec<String>| other.iter().position(|one| one == *row).map(|at| other.swap_remove(at)).is_none();
        rows.iter().filter(|row| left(row)).map(|row| row.join(" | ")).collect()
    };
    if found != truth {
        let (missed, made_up) = (lacks(&truth, &found), lacks(&found, &truth));
        panic!(
            "{} of {contacts} contacts, seed {seed}\nnot found: {missed:#?}\nnot planted: {made_up:#?}",
            systems_of(workspace)
        );
    }
    run.assert_rows_are_accounted_for();
    assert_eq!(run.manifest()["discrepancies"]["total"], truth.len());
}

/// The exports, to say which workspace it was.
fn systems_of(workspace: &Workspace) -> String {
    workspace.exports().into_keys().collect::<Vec<_>>().join(", ")
}
