//! Text to records: one row of `records` is one row of one system about one contact, one list membership, one
//! business unit's unsubscribe, one unsubscribe record or one subscription list.
//!
//! Rows of codes fold into their constituent, repeated keys into the most restrictive row. A row is rejected
//! only when it has no usable key or its preference cannot be read; any other bad cell is dropped and becomes
//! a [`Finding`]. Invariant: every row of a table is a record, a [`Folded`] row, or a reject.

mod category;
mod cells;
mod email;
mod facts;
mod findings;
mod fold;
mod ids;
mod memberships;
mod packed;
mod quiet;
mod records;
mod rows;
mod times;
mod words;

pub use category::{CategoryBook, own_values};
pub use email::masked;
pub use facts::{Facts, Said};
pub use findings::{Finding, codes_without_meaning, dates_of_two_readings};
pub use fold::Folded;
pub use quiet::{OpenBatch, Quiet, QuietBatch, QuietPlace, QuietRecord, Room, Wanted, set_aside};
pub use records::col;
pub use rows::Answer;

use anyhow::Result;
use chrono::{DateTime, Utc};
use foldhash::HashSet;
use polars::prelude::DataFrame;
use rayon::prelude::*;

use crate::config::Config;
use crate::ingest::{Reject, Table, TableRows};
use crate::systems::{DateOrder, Profile, Systems};
use crate::texts::{Text, Texts};
use crate::times::Zone;
use words::{Codes, Words};

/// The records of a run and what was wrong with the rows they came from.
#[derive(Debug)]
pub struct Normalised {
    /// One row a record; the columns are in [`col`].
    pub records: DataFrame,
    /// Rows that became part of another row's record.
    pub folded: Vec<Folded>,
    /// What loaders say of files that were loaded, one a row.
    pub answers: Vec<Answer>,
    /// Bad cells and rows, one a record and field.
    pub findings: Vec<Finding>,
    /// Rows that became no record.
    pub rejects: Vec<Reject>,
}

/// The rows of one table, each read by itself.
#[derive(Debug)]
pub struct Rows(rows::Read);

impl Rows {
    /// The lists, or business units, that its records name.
    pub fn lists<'t>(&self, texts: &'t Texts) -> HashSet<&'t str> {
        let lists: HashSet<Text> = self.0.records.iter().flatten().filter_map(|record| record.unit).collect();
        lists.into_iter().map(|list| texts.get(list)).collect()
    }

    /// The kind and the key of each record that has one.
    pub fn memberships(&self) -> impl Iterator<Item = (u32, Text)> {
        self.0.records.iter().flatten().filter_map(|record| Some((record.kind, record.record?)))
    }
}

/// Reads the rows of an open table.
///
/// # Errors
/// What stands in the way of reading them.
pub fn read_rows(table: &Table<'_>, run: &Rules<'_>) -> Result<Rows> {
    Ok(Rows(rows::read(table, &System::new(table.system, run))?))
}

/// Turns the rows of all tables into records.
///
/// # Errors
/// Only what Polars cannot do, which is a defect.
pub fn normalise(tables: Vec<TableRows<Rows>>, run: &Rules<'_>) -> Result<Normalised> {
    let mut by_system: Vec<Vec<rows::Read>> = run.systems.profiles().iter().map(|_| Vec::new()).collect();
    for TableRows { file, system, rows } in tables {
        by_system[system].push(rows.0.unpack_all(run.texts).of_input(file as u32));
    }
    let parts: Vec<_> = by_system
        .into_par_iter()
        .enumerate()
        .filter(|(_, tables)| !tables.is_empty())
        .map(|(position, tables)| {
            let mut part = fold::fold(tables, &System::new(position, run));
            let profile = &run.systems.profiles()[position];
            if run.owner.is_some_and(|owner| owner != position) && profile.has_source_ids() {
                part.set_ids_apart(&profile.name, run.texts);
            }
            (position, part)
        })
        .collect();

    let mut whole = Normalised {
        records: DataFrame::empty(),
        folded: Vec::new(),
        answers: Vec::new(),
        findings: Vec::new(),
        rejects: Vec::new(),
    };
    let mut records = Vec::new();
    for (position, part) in parts {
        records.push(records::OfSystem { position, role: run.systems.profiles()[position].role, records: part.records });
        whole.folded.extend(part.folded);
        whole.answers.extend(part.answers);
        whole.findings.extend(part.findings);
        whole.rejects.extend(part.rejects);
    }
    whole.records = records::frame(&records)?;
    Ok(whole)
}

/// What a text may be as a key: itself, and in the one spelling of an address and of each shape of id.
pub fn spellings(text: &str, systems: &Systems) -> Vec<String> {
    let text = text.trim();
    let fields = || {
        systems
            .profiles()
            .iter()
            .flat_map(|profile| &profile.kinds)
            .flat_map(|kind| kind.shapes.keys().map(|field| kind.shape(*field)))
    };
    let ids = fields().filter_map(|shape| ids::normalise(text, shape).ok()).map(String::from);
    let address = email::normalise(text).ok().map(String::from);
    let mut all: Vec<String> =
        std::iter::once(text.to_owned()).chain(address).chain(ids).filter(|text| !text.is_empty()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// What rows are read by, for all systems.
#[derive(Debug)]
pub struct Rules<'a> {
    /// The profiles, as the configuration has adjusted them.
    pub systems: &'a Systems,
    /// The configuration.
    pub config: &'a Config,
    /// The run's time.
    pub as_of: DateTime<Utc>,
    /// The store of texts.
    pub texts: &'a Texts,
    /// The source system whose ids the others name; ids of other sources are theirs alone. It does not matter to single rows.
    pub owner: Option<usize>,
    /// Who may be on a list that is missing, by system and key: of them it cannot be told that no list is left.
    pub on_missed_lists: HashSet<(usize, Text)>,
}

impl<'a> Rules<'a> {
    /// What single rows are read by: nothing is known yet of other tables and of earlier runs.
    pub fn new(systems: &'a Systems, config: &'a Config, as_of: DateTime<Utc>, texts: &'a Texts) -> Rules<'a> {
        Rules { systems, config, as_of, texts, owner: None, on_missed_lists: HashSet::default() }
    }
}

/// What the rows of one system are read by.
struct System<'a> {
    position: usize,
    profile: &'a Profile,
    zone: Zone,
    states: Words<crate::systems::State>,
    email_states: Words<crate::systems::State>,
    booleans: Words<bool>,
    /// The first words of yes and of no, which say what they mean under any header.
    own_words: Vec<&'a str>,
    code_status: Words<bool>,
    hard_bounces: Words<bool>,
    codes: Codes,
    categories: CategoryBook,
    boxes: CategoryBook,
    as_of: DateTime<Utc>,
    tolerance_ms: i64,
    partial: bool,
    /// See [`Rules::on_missed_lists`].
    on_missed_lists: &'a HashSet<(usize, Text)>,
    /// The order of day and month that the configuration gives.
    date_order: Option<DateOrder>,
    texts: &'a Texts,
    /// The empty text.
    nothing: Text,
}

impl<'a> System<'a> {
    fn new(position: usize, run: &'a Rules<'a>) -> System<'a> {
        let profile = &run.systems.profiles()[position];
        System {
            position,
            profile,
            zone: Zone::parse(&profile.zone).expect("checked when the profile and the configuration were read"),
            states: words::states(&profile.status),
            email_states: words::states(&profile.email_status),
            booleans: words::booleans(&profile.booleans),
            own_words: profile.booleans.yes.first().into_iter().chain(profile.booleans.no.first()).map(String::as_str).collect(),
            code_status: words::booleans(&profile.code_status),
            hard_bounces: words::booleans(&profile.hard_bounce),
            codes: Codes::new(profile),
            categories: CategoryBook::new(profile, run.config),
            boxes: CategoryBook::of_boxes(profile, run.config),
            as_of: run.as_of,
            tolerance_ms: i64::from(run.config.policy.clock_tolerance_hours) * 3_600_000,
            partial: run.config.system(&profile.name).partial,
            on_missed_lists: &run.on_missed_lists,
            date_order: run.config.system(&profile.name).date_order,
            texts: run.texts,
            nothing: run.texts.intern(""),
        }
    }
}
