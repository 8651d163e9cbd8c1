//! Rows that say nothing that most rows do not say: kept packed instead of as records.

use std::borrow::Cow;

use crate::columns::{Delivery, Field, Opt, Role};
use crate::normalise::packed::{Manner, Packed, Plain};
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
        let is_of_kind = self.kind.grain == Grain::Contact && self.kind.key != Field::Email && self.kind.only.is_none();
        if !is_of_kind || [Field::Unit, Field::List].iter().any(|field| self.cells.get(*field, at).is_some()) {
            return None;
        }
        let (opt, delivery) = self.clear_state(at)?;
        let found = self.findings.len();
        let out = self.time(Field::OptOutAt, at).filter(|_| opt == Opt::Out);
        let [bounced_at, held_at, opted_in, ..] =
            [Field::BouncedAt, Field::HeldAt, Field::OptInAt, Field::RemovedAt, Field::ModifiedAt]
                .map(|field| self.time(field, at));
        let manner = self.manner(opt, delivery, at)?;
        let failed = match manner.delivery {
            Delivery::Held => held_at.or(bounced_at),
            Delivery::Bounced => bounced_at.or(held_at),
            Delivery::Ok | Delivery::Removed | Delivery::Unknown => None,
        };
        if self.findings.len() > found {
            return None;
        }
        let cells = self.cells;
        let id = |field: Field| match cells.get(field, at) {
            Some(cell) => ids::normalise(cell, self.shapes[field as usize]).map(Some).ok(),
            None => Some(None),
        };
        let key = cells.get(self.kind.key, at)?.trim();
        let record = id(self.kind.key)??;
        let is_spelt = self.shapes[self.kind.key as usize] == IdShape::SalesforceOrText && key != record;
        let own = Some(record.clone());
        let contact_id = match self.kind.key {
            Field::RecordId if !cells.has(Field::ContactId) => own.clone(),
            Field::SubscriberKey if ids::looks_like_contact(&record) => own.clone(),
            _ => id(Field::ContactId)?,
        };
        let source_id = if self.kind.key == Field::SourceId { own.clone() } else { id(Field::SourceId)? };
        // A contact of the CRM that names another one's contact is not known by all of its ids.
        if self.kind.key != Field::SubscriberKey && contact_id != own && source_id != own {
            return None;
        }
        let [email, second] = self.clear_addresses(at)?;
        let plain = Plain {
            row: cells.row(at),
            record: &record,
            contact_id: contact_id.as_deref(),
            source_id: source_id.as_deref(),
            email: email.as_deref(),
            second: second.as_deref(),
            key_cell: Some(key).filter(|_| is_spelt),
            out,
            failed,
            opted_in,
            manner,
        };
        Some(packed.push(plain))
    }

    /// The preference, and what a status says of the delivery.
    fn clear_state(&self, at: usize) -> Option<(Opt, Delivery)> {
        let (booleans, states) = (&self.system.booleans, self.states());
        let cell = |field| self.cells.get(field, at);
        let state = if self.cells.has(Field::OptOut) {
            match cell(Field::OptOut) {
                Some(word) if booleans.meaning(word).filter(|_| self.speaks(word))? => Some(State::OptedOut),
                Some(_) => Some(State::Active),
                None => None,
            }
        } else {
            match cell(Field::Status) {
                Some(word) => Some(states.meaning(word)?),
                None => self.kind.default_state,
            }
        };
        if !self.further_agree(at) || cell(Field::NoEmail).is_some_and(|word| booleans.meaning(word) != Some(false)) {
            return None;
        }
        Some(match state {
            Some(State::Active) => (Opt::In, Delivery::Ok),
            Some(State::OptedOut) => (Opt::Out, Delivery::Ok),
            Some(State::Bounced) => (Opt::In, Delivery::Bounced),
            Some(State::Held) => (Opt::In, Delivery::Held),
            Some(State::Removed | State::Unconfirmed) => (Opt::In, Delivery::Removed),
            Some(State::Suppressed) => return None,
            None if self.system.profile.blank_opt_out == BlankMeans::Active => (Opt::In, Delivery::Ok),
            None => (Opt::Blank, Delivery::Ok),
        })
    }

    /// The first address and the second one, which only contacts of a CRM have; none where there is more.
    fn clear_addresses(&self, at: usize) -> Option<[Option<Cow<'_, str>>; 2]> {
        let mut cells = self.addresses.iter().map(|column| self.cells.cell(*column, at));
        let mut next = || cells.next().flatten().map(email::normalise).transpose().ok();
        let (first, second) = (next()?, next()?);
        let is_odd = first.is_none() || self.system.profile.role != Role::Crm;
        if second.is_some() && is_odd || cells.any(|cell| cell.is_some()) {
            return None;
        }
        let of_key = || self.cells.get(self.kind.key, at).and_then(|key| email::normalise(key).ok());
        Some([first.or_else(|| if self.kind.key == Field::SubscriberKey { of_key() } else { None }), second])
    }

    /// What the row has in common with many; none where its categories are not what its preference makes one expect.
    fn manner(&mut self, opt: Opt, delivery: Delivery, at: usize) -> Option<Manner> {
        let boxed = self.cells.has(Field::OptOut);
        let reason = self.text(Field::BounceReason, at);
        let delivery = if boxed { self.delivery_of_address(at, reason.is_some()) } else { delivery };
        let (categories, categories_cell) = self.read_categories(at);
        let nothing = self.system.nothing;
        if categories.is_some_and(|read| read.odd != nothing || (read.on == nothing) != (opt == Opt::Out)) {
            return None;
        }
        Some(Manner {
            opt,
            delivery,
            word: self.text(if boxed { Field::OptOut } else { Field::Status }, at),
            delivery_word: if boxed && !self.system.profile.email_status.is_empty() {
                self.text(Field::Status, at)
            } else {
                reason
            },
            evidence: self.evidence(at),
            categories,
            categories_cell,
        })
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::{Column, DataFrame};
    use proptest::prelude::*;

    use super::*;
    use crate::config::Config;
    use crate::ingest::{MappedColumn, Table};
    use crate::normalise::cells::Cells;
    use crate::normalise::rows::Orders;
    use crate::normalise::times::Signs;
    use crate::normalise::{Rules, System};
    use crate::systems::Systems;
    use crate::texts::Texts;

    /// Fields of an export and what their cells may hold, most of it plain.
    type Export = (&'static str, &'static str, &'static [(Field, &'static [&'static str])]);

    const DATES: &[&str] = &["", "", "2026-02-01", "2026-02-01 10:00:00", "13/13/2026", "2031-01-01"];
    const EMAILS: &[&str] = &["ana@example.org", "Ana@Example.org ", "", "ana@", "N/A"];
    const EXPORTS: [Export; 3] = [
        (
            "salesforce",
            "contacts",
            &[
                (Field::RecordId, &["003Hs00004aBcDeIAK", "003Hs00004aBcDe", "x", "003HS00004ABCDEIAK"]),
                (Field::SourceId, &["0012", "", "1E+05"]),
                (Field::Email, EMAILS),
                (Field::OptOut, &["false", "true", "", "TRUE", "maybe"]),
                (Field::OptInAt, DATES),
                (Field::OptInEvidence, &["", "Web form"]),
                (Field::Email, &["", "bo@example.org", "Ana@example.org", "bo@"]),
                (Field::BounceReason, &["", "", "", "550"]),
                (Field::BouncedAt, DATES),
                (Field::Categories, &["News", "News;Events", "", "Gala", "Zoo"]),
                (Field::ModifiedAt, DATES),
            ],
        ),
        (
            "marketing_cloud",
            "subscribers",
            &[
                (
                    Field::SubscriberKey,
                    &["003Hs00004aBcDeIAK", "003Hs00004aBcDe", "77", "ana@example.org", "Ana@example.org", ""],
                ),
                (Field::Email, EMAILS),
                (Field::Status, &["Active", "Unsubscribed", "Held", "Bounced", "", "Deleted", "what"]),
                (Field::OptOutAt, DATES),
                (Field::BouncedAt, DATES),
                (Field::HeldAt, DATES),
                (Field::ContactId, &["", "003Hs00004aBcDeIAK", "003hs00004abcdeiak", "zz"]),
                (Field::SourceId, &["", "0012"]),
                (Field::Unit, &["", "", "", "North"]),
            ],
        ),
        (
            "ascend",
            "constituents",
            &[
                (Field::SourceId, &["0012", "", "0.12E5"]),
                (Field::ContactId, &["003Hs00004aBcDeIAK", "003Hs00004aBcDe", "", "zz"]),
                (Field::Email, EMAILS),
                (Field::OptOut, &["N", "Y", "", "?"]),
                (Field::OptOutAt, DATES),
                (Field::Email, &["", "", "bo@example.org"]),
                (Field::Status, &["Active", "", "Bounced", "Bad"]),
                (Field::Categories, &["News", "", "Old News"]),
            ],
        ),
    ];
    /// Picks below this are of the first cell, which is plain.
    const USUAL: usize = 45;
    const CONFIGURATION: &str = "[[category]]\nname = 'News'\nrenamed_from = ['Old News']\n[[category]]\nname = 'Events'\n\
                                 [[category]]\nname = 'Gala'\nretired = true";

    proptest! {
        /// A row that is packed comes out as the record that it is read as, and has nothing to find.
        #[test]
        fn what_is_packed_is_what_is_read(of in 0..EXPORTS.len(), picks in prop::collection::vec(0..60_usize, 11)) {
            let systems = Systems::built_in().unwrap();
            let config = Config::parse(CONFIGURATION, &systems).unwrap();
            let (systems, texts) = (config.adjust(systems), Texts::default());
            let as_of = "2026-11-22T06:00:00Z".parse().unwrap();
            let rules = Rules::new(&systems, &config, as_of, &texts);
            let (name, kind, fields) = EXPORTS[of];
            let position = systems.position(name).unwrap();
            let kind = systems.profiles()[position].kinds.iter().position(|known| known.name == kind).unwrap();
            let columns = fields.iter().enumerate().map(|(at, (field, _))| MappedColumn {
                name: format!("{} {at}", field.name()),
                field: *field,
                header: field.name().to_owned(),
                constant: None,
            });
            let cells = fields.iter().zip(&picks).map(|((_, words), pick)| words[if *pick < USUAL { 0 } else { pick % words.len() }]);
            let cells = fields.iter().zip(cells).enumerate().map(|(at, ((field, _), cell))| {
                Column::new(format!("{} {at}", field.name()).into(), [Some(cell).filter(|cell| !cell.is_empty())])
            });
            let batch = DataFrame::new(1, [Column::new("row".into(), [2_u32])].into_iter().chain(cells).collect()).unwrap();
            let table = Table::of_batches("export.csv", "", (position, kind), columns.collect(), Vec::new());
            let system = System::new(position, &rules);
            let orders = Orders::settled(&[Signs::default(); Field::ALL.len()], &system);
            let cells = Cells::new(&table, &batch, &system.profile.placeholders);
            let mut packed = Packed::with_capacity(kind as u32, 1);
            let mut reader = Reader::new(&table, &cells, &system, &orders);
            if reader.pack(0, &mut packed) {
                let read = reader.record(0);
                prop_assert!(reader.findings.is_empty() && reader.rejects.is_empty(), "{batch}");
                prop_assert_eq!(packed.records(|_| true, &texts).next(), read);
            } else {
                prop_assert_eq!((packed.len(), reader.findings.len()), (0, 0));
                prop_assert!(picks[..fields.len()].iter().any(|pick| *pick >= USUAL), "a usual row is plain");
            }
        }
    }
}
