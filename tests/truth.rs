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

#[test]
fn dynamics_is_found_as_planted_alone_and_beside_others() {
    for (systems, contacts, seed) in [
        ("dynamics", 40, 1),
        ("dynamics,marketing_cloud", 300, 2),
        ("dynamics,ascend", 300, 3),
        ("dynamics,marketing_cloud,ascend", 20, 4),
        ("dynamics,marketing_cloud,ascend", 1000, 5),
        ("dynamics,marketing_cloud,ascend", 10_000, 6),
    ] {
        compare(&Workspace::generated_of(systems, contacts, seed), contacts, seed);
    }
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
        panic!("{contacts} contacts, seed {seed}\nnot found: {missed:#?}\nnot planted: {made_up:#?}");
    }
    run.assert_rows_are_accounted_for();
    assert_eq!(run.manifest()["discrepancies"]["total"], truth.len());
}
