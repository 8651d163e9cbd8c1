//! On generated workspaces every planted discrepancy is found, and nothing else.

mod common;

use common::{Table, Workspace};

const COLUMNS: [&str; 8] = ["rule", "contact_id", "email", "subject", "a_system", "a_record", "b_system", "b_record"];

#[test]
fn what_is_found_is_what_was_planted() {
    for (contacts, seed) in
        [(1, 1), (30, 2), (150, 3), (400, 4), (400, 5), (1000, 6), (2000, 7), (2000, 8), (5000, 9), (20_000, 10)]
    {
        let workspace = Workspace::generated(contacts, seed);
        let run = workspace.run();
        let found = run.table("discrepancies.csv").sorted(&COLUMNS);
        let truth = Table::read(&workspace.root.join("truth.csv")).sorted(&COLUMNS);
        let lacks = |rows: &[Vec<String>], other: &[Vec<String>]| -> Vec<String> {
            let mut other = other.to_vec();
            let mut left =
                |row: &&Vec<String>| other.iter().position(|one| one == *row).map(|at| other.swap_remove(at)).is_none();
            rows.iter().filter(|row| left(row)).map(|row| row.join(" | ")).collect()
        };
        if found != truth {
            let (missed, made_up) = (lacks(&truth, &found), lacks(&found, &truth));
            panic!("{contacts} contacts, seed {seed}\nnot found: {missed:#?}\nnot planted: {made_up:#?}");
        }
        run.assert_rows_are_accounted_for();
        assert_eq!(run.manifest()["discrepancies"]["total"], truth.len());
    }
}
