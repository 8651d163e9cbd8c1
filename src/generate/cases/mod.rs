//! The cases: small groups of people whose records disagree in one known way, as data.
//!
//! A case writes its people and every discrepancy that all rules together find in them.

mod blank;
mod bounce;
mod category;
mod clean;
mod data;
mod identity;
mod opt_in;
mod opt_out;
mod sharing;
mod unit;

pub use clean::{CLEAN, plant_lead};

use super::world::World;

/// One kind of disagreement, or of agreement.
pub struct Case {
    /// What is the matter, in words.
    pub name: &'static str,
    /// Groups per 100,000 contacts; among clean people a relative weight.
    pub share: u64,
    /// Rows of the contacts export that a group takes.
    pub contacts: u64,
    /// The rules that find something, each at least once.
    pub finds: &'static [&'static str],
    /// Writes one group.
    pub plant: fn(&mut World),
}

const fn case(name: &'static str, share: u64, contacts: u64, finds: &'static [&'static str], plant: fn(&mut World)) -> Case {
    Case { name, share, contacts, finds, plant }
}

/// Every case that is not clean, by what it is about.
pub static PLANTED: [&[Case]; 9] = [
    opt_out::CASES,
    opt_in::CASES,
    blank::CASES,
    unit::CASES,
    bounce::CASES,
    category::CASES,
    sharing::CASES,
    identity::CASES,
    data::CASES,
];
