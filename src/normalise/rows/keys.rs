//! The keys of a row: its ids and addresses, each in its one spelling.

use foldhash::HashSet;

use super::Reader;
use crate::columns::Field;
use crate::normalise::email::{self, NoAddress};
use crate::normalise::ids;
use crate::normalise::records::Record;
use crate::systems::{Grain, IdShape};
use crate::texts::Text;

impl Reader<'_> {
    /// A record with its keys, `None` for a row that has none.
    pub(super) fn keyed(&mut self, at: usize) -> Option<Record> {
        let mut record = Record::blank(0, self.cells.row(at), self.kind_position);
        let before = self.findings.len();
        self.read_addresses(at, &mut record);
        self.read_ids(at, &mut record);
        if !record.has_key() {
            self.findings.truncate(before);
            self.reject_keyless(at, &record);
            return None;
        }
        if let Some(only) = self
            .kind
            .only
            .as_ref()
            .filter(|only| self.cells.has(only.field) && !only.allows(self.cells.get(only.field, at).unwrap_or_default()))
        {
            self.findings.truncate(before);
            let field = only.field;
            let reason = format!("this is a row of another export: {} are read here", only.values.join(", "));
            self.reject(at, self.cells.header(field).to_owned(), self.cells.get(field, at).unwrap_or_default(), reason);
            return None;
        }
        Some(record)
    }

    fn read_addresses(&mut self, at: usize, record: &mut Record) {
        for slot in 0..self.addresses.len() {
            let Some(cell) = self.cells.cell(self.addresses[slot], at) else { continue };
            match email::normalise(cell) {
                Ok(address) => record.emails[slot] = Some(self.system.texts.intern(&address)),
                Err(NoAddress::Invalid) => self.find_value("DAT601", Field::Email, cell, at, "this is not an e-mail address"),
                Err(NoAddress::Several) => {
                    self.find_value("DAT601", Field::Email, cell, at, "there are several addresses in one cell: keep one");
                }
            }
        }
    }

    fn read_ids(&mut self, at: usize, record: &mut Record) {
        if self.kind.key == Field::Email {
            // The platform has no other id: the address in its one spelling is the key.
            record.record = record.emails[0];
            record.contact_id = self.id(Field::ContactId, at);
            record.source_id = self.id(Field::SourceId, at);
            return;
        }
        record.record = self.id(self.kind.key, at);
        let key = self.cells.get(self.kind.key, at);
        if let (Some(cell), Some(record_key), IdShape::SalesforceOrText) =
            (key, record.record, self.shapes[self.kind.key as usize])
            && cell.trim() != self.system.texts.get(record_key)
        {
            record.say().key_cell = Some(self.system.texts.intern(cell.trim()));
        }
        if key.is_none() {
            self.find("DAT602", self.kind.key, at, "the id is missing: the row is known by its other keys alone");
        }
        record.contact_id = match self.kind.key {
            // Beside another CRM as the hub its records may name that one's contacts.
            Field::RecordId if self.kind.grain == Grain::Contact && !self.cells.has(Field::ContactId) => record.record,
            Field::SubscriberKey => record
                .record
                .filter(|key| ids::looks_like_contact(self.system.texts.get(*key)))
                .or_else(|| self.id(Field::ContactId, at)),
            _ => self.id(Field::ContactId, at),
        };
        record.source_id = if self.kind.key == Field::SourceId { record.record } else { self.id(Field::SourceId, at) };
        if self.kind.key == Field::SubscriberKey && record.emails[0].is_none() {
            // Older accounts use the address itself as the key.
            let address = self.cells.get(self.kind.key, at).and_then(|key| email::normalise(key).ok());
            record.emails[0] = address.map(|address| self.system.texts.intern(&address));
        }
    }

    pub(super) fn id(&mut self, field: Field, at: usize) -> Option<Text> {
        let cell = self.cells.first(field, at)?;
        match ids::normalise(cell, self.shapes[field as usize]) {
            Ok(id) => Some(self.system.texts.intern(&id)),
            Err(why) => {
                self.find("DAT602", field, at, why.reason());
                None
            }
        }
    }

    pub(super) fn reject_keyless(&mut self, at: usize, record: &Record) {
        let keys = [self.kind.key, Field::ContactId, Field::SourceId, Field::Email];
        let mut headers: Vec<&str> =
            keys.into_iter().filter(|field| self.cells.has(*field)).map(|field| self.cells.header(field)).collect();
        let mut named = HashSet::default();
        headers.retain(|header| named.insert(*header));
        let given = keys.into_iter().find_map(|field| Some((field, self.cells.get(field, at)?)));
        let reason = match given {
            Some(_) => format!("no key of this row can be used ({})", headers.join(", ")),
            None => format!("this row has no key ({})", headers.join(", ")),
        };
        let (field, value) = given.unwrap_or((self.kind.key, ""));
        let (header, value) = (self.cells.header(field).to_owned(), value.to_owned());
        self.find_value("DAT603", self.kind.key, &value, at, &reason);
        debug_assert!(!record.has_key());
        self.reject(at, header, &value, reason);
    }
}
