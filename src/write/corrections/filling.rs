//! The cells of a correction file: what each is before, after, and when it is undone.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use foldhash::HashSet;

use crate::classify::World;
use crate::columns::{Delivery, Field, Opt, Purpose, Role};
use crate::decide::{Change, Correction, file_for, outs_of};
use crate::normalise::{CategoryBook, Facts, col};
use crate::systems::{CorrectionColumn, CorrectionFile, Profile, State, Take};
use crate::write::corrections::FieldChange;

/// A column of a file that is being filled.
pub(super) struct Column<'a> {
    pub header: &'a str,
    pub column: &'a CorrectionColumn,
    /// The category whose checkbox it is.
    category: Option<&'a str>,
}

impl Column<'_> {
    pub fn changes(&self) -> bool {
        self.column.set.is_some() || self.column.write.is_some()
    }
}

/// The columns of a file: as the profile says, but a field that the configuration maps is called as it says,
/// and categories that are checkboxes get one column each.
pub(super) fn columns<'a>(
    spec: &'a CorrectionFile,
    records: &[u32],
    world: &'a World<'a>,
    facts: &'a Facts<'a>,
) -> Vec<Column<'a>> {
    let mut columns = Vec::new();
    for column in &spec.columns {
        if let Some((field, record)) = column.of.zip(records.first()).filter(|_| spec.as_exported) {
            let mapped = world.files[facts.input(*record)].mapped.iter().find(|mapped| mapped.field == field);
            columns.extend(mapped.map(|mapped| Column { header: &mapped.header, column, category: None }));
            continue;
        }
        let mut checkboxes: Vec<(&str, &str)> = Vec::new();
        if column.write == Some(Field::Categories) {
            let inputs: BTreeSet<usize> = records.iter().map(|record| facts.input(*record)).collect();
            for mapped in inputs.iter().flat_map(|input| &world.files[*input].mapped) {
                if let Some(category) = mapped.category() {
                    checkboxes.push((&mapped.header, category));
                }
            }
            let mut seen = BTreeSet::new();
            checkboxes.retain(|checkbox| seen.insert(*checkbox));
        }
        if checkboxes.is_empty() {
            let configured =
                column.of.zip(records.first()).and_then(|(field, record)| facts.kind(*record).columns.get(&field)?.first());
            columns.push(Column { header: configured.unwrap_or(&column.header), column, category: None });
        }
        columns.extend(checkboxes.into_iter().map(|(header, category)| Column { header, column, category: Some(category) }));
    }
    columns
}

/// Fills the cells of one file.
pub(super) struct Filling<'a> {
    pub world: &'a World<'a>,
    pub facts: &'a Facts<'a>,
    pub spec: &'a CorrectionFile,
    pub profile: &'a Profile,
    pub columns: Vec<Column<'a>>,
    /// Records that nothing but an address ties to anybody.
    pub by_address: Arc<HashSet<u32>>,
}

impl<'a> Filling<'a> {
    /// The cell as it is to be.
    pub fn after(&self, column: &Column<'_>, record: u32, correction: &Correction) -> String {
        if let Some(constant) = &column.column.set {
            let like = column.column.of.filter(|_| self.spec.as_exported).map(|field| self.present(field, record));
            return like.map_or_else(|| constant.clone(), |like| self.in_style_of(&like, constant));
        }
        if let Some(field) = column.column.keep {
            return self.present(field, record);
        }
        if let Some(take) = column.column.take {
            let taken = self.taken(take, record, correction);
            return column.column.otherwise.clone().filter(|_| taken.is_empty()).unwrap_or(taken);
        }
        match (column.column.write, &correction.change) {
            (Some(Field::Categories), Change::Categories { values, .. }) => match column.category {
                Some(category) => self.boolean(self.names(values).any(|name| name == category)),
                None => self.or_cleared(values.join(&self.profile.category_separator)),
            },
            (Some(Field::BounceReason), Change::Bounced { failed }) => {
                let what = if self.facts.delivery(*failed) == Delivery::Held { "Held" } else { "Bounced" };
                format!("{what} in {}", self.facts.profile(*failed).title)
            }
            (Some(Field::BouncedAt), Change::Bounced { failed }) => {
                failed_at(*failed, self.world, self.facts).format("%Y-%m-%dT%H:%M:%S.000Z").to_string()
            }
            _ => String::new(),
        }
    }

    /// The cell as it was, in the system's own words.
    fn before(&self, column: &Column<'_>, record: u32) -> String {
        let text = |name: &str| self.facts.text(name, record).to_owned();
        if let Some(field) = column.column.of.filter(|_| self.spec.as_exported) {
            return self.present(field, record);
        }
        match (column.column.write, self.spec.purpose, column.category) {
            (Some(Field::Categories), _, Some(_)) => self.undone(column, record),
            (Some(Field::Categories), _, None) => text(col::CATEGORIES_CELL),
            (Some(_), _, _) => String::new(),
            (None, Purpose::Bounced, _) => text(col::DELIVERY_WORD),
            (None, Purpose::OptIn, _) if !self.facts.has(col::WORD, record) => self.taken_present(record),
            (None, _, _) => text(col::WORD),
        }
    }

    /// The cell that restores the value before.
    pub fn undone(&self, column: &Column<'_>, record: u32) -> String {
        if let Some(field) = column.column.of.filter(|_| self.spec.as_exported) {
            let present = self.present(field, record);
            return if present.is_empty() { self.opposite(record) } else { present };
        }
        let before = self.facts.text(if self.spec.purpose == Purpose::Bounced { col::DELIVERY_WORD } else { col::WORD }, record);
        // A box goes back to the file's own word for no or yes, whichever way the export spelled it.
        let is_box = self.spec.purpose != Purpose::Bounced && self.facts.kind(record).columns.contains_key(&Field::OptOut);
        match (&column.column.set, column.column.write, column.category) {
            (Some(_), _, _) if !before.is_empty() && !is_box => before.to_owned(),
            // A business unit's row has no word: that it is there is what it says.
            (Some(_), _, _) if before.is_empty() && !is_box && self.is_opt_in_of_opted_out(record) => self.taken_present(record),
            (Some(_), _, _) => self.opposite(record),
            (None, Some(Field::Categories), Some(category)) => {
                let on = self.facts.text(col::CATEGORIES_ON, record).split(';').any(|name| name == category);
                self.boolean(on)
            }
            (None, Some(Field::Categories), None) => self.or_cleared(self.facts.text(col::CATEGORIES_CELL, record).to_owned()),
            _ => self.or_cleared(String::new()),
        }
    }

    fn is_opt_in_of_opted_out(&self, record: u32) -> bool {
        self.spec.purpose == Purpose::OptIn && self.facts.opt(record) == Opt::Out
    }

    /// What stands for a blank that means "not": the word of the opposite file. Where a blank means unknown it stays blank.
    fn opposite(&self, record: u32) -> String {
        let purpose = if self.spec.purpose == Purpose::OptOut { Purpose::OptIn } else { Purpose::OptOut };
        let known = self.facts.opt(record) != Opt::Blank && self.spec.purpose != Purpose::Bounced;
        let other = file_for(self.facts, record, purpose).filter(|_| known);
        other.and_then(|file| file.columns.iter().find_map(|column| column.set.clone())).unwrap_or_default()
    }

    /// The cell that stands beside the one that restores a value: the day and the origin are that value's, not the correction's.
    pub fn beside_undone(&self, column: &Column<'_>, record: u32, correction: &Correction) -> String {
        match column.column.take {
            // Who is subscribed again has no date of an unsubscribe.
            Some(Take::Effective) if self.profile.keeps_memberships() => String::new(),
            Some(Take::Effective) => {
                let out = self.facts.first_out_at(record).filter(|_| self.facts.opt(record) == Opt::Out);
                self.facts.zone(record).day_of(out.unwrap_or(self.world.as_of)).to_string()
            }
            Some(Take::Origin) => self.profile.title.clone(),
            _ => self.after(column, record, correction),
        }
    }

    /// Whether a word that means everything stands where the record has nothing to say which one.
    pub fn stands_for_all(&self, record: u32, correction: &Correction) -> bool {
        self.columns.iter().any(|Column { column, .. }| {
            column.otherwise.is_some() && column.take.is_some_and(|take| self.taken(take, record, correction).is_empty())
        })
    }

    /// What one correction changes in a record, field by field; the file and the row are left to be filled in.
    pub fn changes(&self, record: u32, correction: &'a Correction) -> Vec<FieldChange<'a>> {
        let mut changes = Vec::new();
        for column in self.columns.iter().filter(|column| column.changes() || column.column.field.is_some()) {
            let (before, after) = match (column.column.take, self.spec.purpose) {
                (Some(take), Purpose::Unsubscribe) => (String::new(), self.taken(take, record, correction)),
                (Some(take), _) => (self.taken(take, record, correction), String::new()),
                (None, _) => (self.before(column, record), self.after(column, record, correction)),
            };
            let same = column.category.is_some() && self.undone(column, record) == after;
            if same || (self.spec.as_exported && before == after) {
                continue;
            }
            changes.push(FieldChange {
                target: &self.profile.name,
                file: Arc::default(),
                row: 0,
                record: self.facts.name(record),
                field: column.column.field.as_deref().unwrap_or(column.header),
                before,
                after,
                rules: correction.rules.iter().copied().collect::<Vec<_>>().join(" "),
                why: &correction.why,
            });
        }
        changes
    }

    /// What stands in a cell of the export; where it only allows what the opt-out allows too, in that cell's style.
    fn present(&self, field: Field, record: u32) -> String {
        let word = self.facts.text(col::WORD, record);
        match field {
            Field::NoEmail if self.facts.has(col::NO_EMAIL, record) => self.facts.text(col::NO_EMAIL, record).to_owned(),
            Field::NoEmail => self.in_style_of(word, self.profile.booleans.no.first().map_or("", String::as_str)),
            _ => word.to_owned(),
        }
    }

    /// A word of the profile in the style of another cell: its partner is answered with the one that stands beside it.
    fn in_style_of(&self, cell: &str, word: &str) -> String {
        let none = Vec::new();
        let words = |state: State| self.profile.status.get(&state).unwrap_or(&none);
        let booleans = &self.profile.booleans;
        for (out, allowed) in [(&booleans.yes, &booleans.no), (words(State::OptedOut), words(State::Active))] {
            let is = |list: &[String], word: &str| list.iter().position(|known| known.eq_ignore_ascii_case(word));
            let Some(at) = is(out, cell).or_else(|| is(allowed, cell)) else { continue };
            let own = if is(out, word).is_some() { out } else { allowed };
            if let Some(partner) = own.get(at) {
                return partner.clone();
            }
        }
        word.to_owned()
    }

    fn taken(&self, take: Take, record: u32, correction: &Correction) -> String {
        let facts = self.facts;
        let text = |name: &str| facts.text(name, record).to_owned();
        let proof = if let Change::OptIn { proof } = correction.change { Some(proof) } else { None };
        match take {
            Take::RecordId => facts.own_key(record).to_owned(),
            // What is loaded into the source must not tie a record to whom an address alone ties it here.
            Take::ContactId if self.profile.role == Role::Source => match correction.persons.first() {
                Some(person) if self.is_of_one_by_source_id(record, correction) => {
                    self.world.name(*person).unwrap_or_default().to_owned()
                }
                _ => text(col::CONTACT_ID),
            },
            Take::ContactId => {
                let contact = correction.persons.iter().filter_map(|person| self.world.name(*person)).min();
                contact.map_or_else(|| text(col::CONTACT_ID), str::to_owned)
            }
            Take::LinkedId => text(col::CONTACT_ID),
            Take::Email => text(col::EMAILS[0]),
            Take::List if facts.has(col::LIST, record) => text(col::LIST),
            Take::Unit | Take::List => text(col::UNIT),
            Take::Present if facts.has(col::WORD, record) => text(col::WORD),
            Take::Present => self.taken_present(record),
            Take::Shirt => self.profile.shirts.get(&state(record, facts)).cloned().unwrap_or_default(),
            Take::Why => correction.why.clone(),
            Take::OptInAt => proof.map(|proof| facts.written(facts.in_at(proof), proof)).unwrap_or_default(),
            Take::OptInEvidence => proof.map(|proof| facts.text(col::EVIDENCE, proof).to_owned()).unwrap_or_default(),
            Take::Effective => effective(record, correction, self.world, facts).to_string(),
            Take::Origin => self.origin(correction),
        }
    }

    /// Whether a record that names no contact belongs to one person, by the source id that both have.
    fn is_of_one_by_source_id(&self, record: u32, correction: &Correction) -> bool {
        !self.facts.has(col::CONTACT_ID, record) && correction.persons.len() == 1 && !self.by_address.contains(&record)
    }

    /// The system that the decision came from.
    fn origin(&self, correction: &Correction) -> String {
        let contacts = || correction.persons.iter().filter_map(|person| self.world.matched.contact(*person)).map(|(ix, _)| ix);
        let from = match &correction.change {
            Change::OptIn { proof: ix } | Change::Bounced { failed: ix } | Change::Categories { right: Some(ix), .. } => {
                Some(*ix)
            }
            Change::OptOut | Change::Unsubscribe | Change::Categories { right: None, .. } => {
                let outs = correction.persons.iter().flat_map(|person| outs_of(*person, self.world)).copied();
                let first = |ix: &u32| {
                    let at = self.facts.first_out_at(*ix);
                    (at.is_none(), at, self.facts.system(*ix))
                };
                outs.min_by_key(first).or_else(|| contacts().next())
            }
        };
        from.map(|ix| self.facts.profile(ix).title.clone()).unwrap_or_default()
    }

    /// The state of a record that has no word for it: a business unit's row.
    fn taken_present(&self, record: u32) -> String {
        self.profile.status.get(&state(record, self.facts)).and_then(|words| words.first()).cloned().unwrap_or_default()
    }

    fn names(&self, values: &[String]) -> impl Iterator<Item = String> {
        let book = CategoryBook::new(self.profile, self.world.config);
        values.iter().map(|value| book.name_of(value).unwrap_or(value).to_owned()).collect::<Vec<_>>().into_iter()
    }

    fn or_cleared(&self, text: String) -> String {
        if text.is_empty() { self.spec.clear_with.clone().unwrap_or_default() } else { text }
    }

    fn boolean(&self, yes: bool) -> String {
        let words = if yes { &self.profile.booleans.yes } else { &self.profile.booleans.no };
        words.first().cloned().unwrap_or_default()
    }
}

/// From when a change holds: the earliest known day of what it rests on, each in its own system's zone, else the run's
/// day in the target's.
pub(in crate::write) fn effective(record: u32, correction: &Correction, world: &World<'_>, facts: &Facts<'_>) -> NaiveDate {
    let out = || {
        let outs = correction.persons.iter().flat_map(|person| outs_of(*person, world));
        outs.filter_map(|ix| Some(facts.zone(*ix).day_of(facts.first_out_at(*ix)?))).min()
    };
    let known = match &correction.change {
        Change::OptOut | Change::Unsubscribe | Change::Categories { right: None, .. } => out(),
        Change::OptIn { proof } => facts.in_at(*proof).map(|at| facts.zone(*proof).day_of(at.start())),
        Change::Bounced { failed } => Some(facts.zone(*failed).day_of(failed_at(*failed, world, facts))),
        Change::Categories { right: Some(_), .. } => None,
    };
    known.unwrap_or_else(|| facts.zone(record).day_of(world.as_of))
}

/// When an address failed; an unknown time is the export's.
fn failed_at(failed: u32, world: &World<'_>, facts: &Facts<'_>) -> DateTime<Utc> {
    let exported = world.files[facts.input(failed)].as_of.unwrap_or(world.as_of);
    facts.failed_at(failed).map_or(exported, |at| at.start())
}

fn state(record: u32, facts: &Facts<'_>) -> State {
    match (facts.opt(record), facts.delivery(record)) {
        (Opt::Out, _) => State::OptedOut,
        (_, Delivery::Held) => State::Held,
        (_, Delivery::Bounced) => State::Bounced,
        (_, Delivery::Removed) => State::Removed,
        _ => State::Active,
    }
}
