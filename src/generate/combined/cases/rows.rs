//! Dates and rows that cannot be taken as they are.

use super::super::wanted::Source;
use super::{Case, case, source};

/// The cases.
pub const CASES: &[Case] = &[
    case(source, |world| {
        let mut person = world.gone();
        let of = world.one_of(&person);
        let (rule, cell) = world.pick(&[("DAT605", "see memo"), ("DAT606", "05/01/2031")]);
        let mut constituent = person.constituents.remove(of);
        constituent.out_on = None;
        world.exports.boxed(&person, &constituent, if constituent.source == Source::RaisersEdge { "Yes" } else { "Y" }, cell)?;
        let record = world.record_at(&person, constituent.source);
        let email = person.email.clone();
        world.finds_cell(rule, &person, &email, "opt_out_at", record);
        world.plant_beside(&person, constituent)
    }),
    case(source, |world| {
        let person = world.active();
        let of = world.one_of(&person);
        let constituent = person.constituents[of].clone();
        let no = if constituent.source == Source::RaisersEdge { "No" } else { "N" };
        world.exports.boxed(&person, &constituent, no, "")?;
        let (record, email) = (world.record_of(&person, of), person.email.clone());
        world.finds_cell("DAT607", &person, &email, "source_id", record);
        world.plant(&person)
    }),
];
