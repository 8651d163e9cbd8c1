//! Rows that only say that their person is active, or opted out: kept packed instead of as records.

use crate::columns::{Delivery, Field, Opt};
use crate::normalise::packed::{Manner, Packed, Plain};
use crate::normalise::records::Record;
use crate::normalise::{email, ids};
use crate::systems::{BlankMeans, Grain, IdShape, State};

use super::Reader;

impl Reader<'_> {
    /// Packs a row, where its record would be plain; else nothing has happened.
    pub(super) fn pack(&mut self, at: usize, packed: &mut Packed) -> bool {
        let before = self.findings.len();
        let done = self.plain(at, packed).is_some_and(|packed| packed);
        self.findings.truncate(before);
        done
    }

    /// The row as a record would read it; none at the first thing that is not plain.
    fn plain(&mut self, at: usize, packed: &mut Packed) -> Option<bool> {
        const TELLING: [Field; 5] = [Field::OptInAt, Field::OptInEvidence, Field::BounceReason, Field::Unit, Field::List];
        let is_of_kind = self.kind.grain == Grain::Contact && self.kind.key != Field::Email && self.kind.only.is_none();
        if !is_of_kind || TELLING.iter().any(|field| self.cells.get(*field, at).is_some()) {
            return None;
        }
        let opt = self.clear_opt(at)?;
        let found = self.findings.len();
        let out = self.time(Field::OptOutAt, at).filter(|_| opt == Opt::Out);
        for field in [Field::BouncedAt, Field::HeldAt, Field::RemovedAt, Field::ModifiedAt] {
            self.time(field, at);
        }
        let manner = self.manner(opt, at)?;
        if self.findings.len() > found {
            return None;
        }
        let cells = self.cells;
        let id = |field: Field| match cells.get(field, at) {
            Some(cell) => ids::normalise(cell, self.shapes[field as usize]).map(Some).ok(),
            None => Some(None),
        };
        let key = cells.get(self.kind.key, at)?;
        let record = id(self.kind.key)??;
        if self.shapes[self.kind.key as usize] == IdShape::SalesforceOrText && key.trim() != record {
            return None;
        }
        let own = Some(record.clone());
        let contact_id = match self.kind.key {
            Field::RecordId if !cells.has(Field::ContactId) => own.clone(),
            Field::SubscriberKey if ids::looks_like_salesforce(&record) => own.clone(),
            _ => id(Field::ContactId)?,
        };
        let source_id = if self.kind.key == Field::SourceId { own.clone() } else { id(Field::SourceId)? };
        // Only then do rows of the same record have an id in common by which they are found.
        if contact_id != own && source_id != own {
            return None;
        }
        let mut addresses = self.addresses.iter().map(|column| cells.cell(*column, at));
        let address = email::normalise(addresses.next()??).ok()?;
        if addresses.any(|cell| cell.is_some()) {
            return None;
        }
        let row = cells.row(at);
        let (contact_id, source_id) = (contact_id.as_deref(), source_id.as_deref());
        Some(packed.push(Plain { row, record: &record, contact_id, source_id, email: &address, out, manner }))
    }

    /// The preference, where it is active or opted out and nothing else.
    fn clear_opt(&self, at: usize) -> Option<Opt> {
        let booleans = &self.system.booleans;
        let states = self.own_states.as_ref().unwrap_or(&self.system.states);
        let cell = |field| self.cells.get(field, at);
        let blank = (self.system.profile.blank_opt_out == BlankMeans::Active).then_some(State::Active);
        let state = if self.cells.has(Field::OptOut) {
            match cell(Field::OptOut) {
                Some(word) if booleans.meaning(word).filter(|_| self.speaks(word))? => Some(State::OptedOut),
                Some(_) => Some(State::Active),
                None => blank,
            }
        } else {
            match cell(Field::Status) {
                Some(word) => states.meaning(word),
                None => self.kind.default_state.or(blank),
            }
        };
        if cell(Field::NoEmail).is_some_and(|word| booleans.meaning(word) != Some(false)) {
            return None;
        }
        match state? {
            State::Active => Some(Opt::In),
            State::OptedOut => Some(Opt::Out),
            _ => None,
        }
    }

    /// What the row has in common with many; none where its categories are not what its preference makes one expect.
    fn manner(&mut self, opt: Opt, at: usize) -> Option<Manner> {
        let boxed = self.cells.has(Field::OptOut);
        let delivery = if boxed { self.delivery_of_address(at, false) } else { Delivery::Ok };
        if !matches!(delivery, Delivery::Ok | Delivery::Unknown) {
            return None;
        }
        let mut record = Record::blank(0, 0, self.kind_position);
        self.read_categories(at, &mut record);
        let nothing = self.system.texts.intern("");
        if record.categories_odd.is_some_and(|odd| odd != nothing)
            || record.categories_on.is_some_and(|on| (on == nothing) != (opt == Opt::Out))
        {
            return None;
        }
        Some(Manner {
            opt,
            delivery,
            word: self.text(if boxed { Field::OptOut } else { Field::Status }, at),
            delivery_word: if boxed && !self.system.profile.email_status.is_empty() {
                self.text(Field::Status, at)
            } else {
                None
            },
            categories: record.categories,
            categories_on: record.categories_on,
            categories_odd: record.categories_odd,
            categories_cell: record.categories_cell,
        })
    }
}
