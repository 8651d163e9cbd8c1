//! Rows of a platform that keeps memberships: one record a contact and list.

use super::Reader;
use crate::columns::{Delivery, Field, Opt};
use crate::normalise::records::Record;

impl Reader<'_> {
    /// The memberships of one row: as many as its cell has lists, or one without a list.
    pub(super) fn memberships(&mut self, at: usize, records: &mut Vec<Record>) {
        let before = self.findings.len();
        let Some(mut keyed) = self.keyed(at) else { return };
        let (key, email) = (keyed.record, keyed.emails[0]);
        self.read_opt_in(at, &mut keyed);
        let (lists, words) = {
            let separators = &self.system.profile.list_separators;
            let lists = split(self.cells.get(Field::List, at), separators);
            let cell = self.cells.get(Field::Status, at);
            (lists.len(), if lists.len() > 1 { split(cell, separators).len() } else { usize::from(cell.is_some()) })
        };
        if lists > 1 && words > 1 && lists != words {
            let reason =
                format!("there are {lists} lists and {words} states: one state for all, or one for each list, can be read");
            keyed.opt = Opt::Unreadable;
            keyed.word = self.text(Field::Status, at);
            self.find("DAT604", Field::Status, at, &reason);
            let (header, value) =
                (self.cells.header(Field::Status).to_owned(), self.cells.get(Field::Status, at).unwrap_or_default().to_owned());
            self.reject(at, header, &value, reason);
            records.push(keyed);
        } else {
            for one in 0..lists.max(1) {
                let mut record = keyed.clone();
                self.read_membership(at, one, &mut record);
                let unreadable = record.opt == Opt::Unreadable;
                if unreadable {
                    // The row is rejected once, and nothing of it counts.
                    records.truncate(records.len() - one);
                }
                records.push(record);
                if unreadable {
                    break;
                }
            }
        }
        for finding in &mut self.findings[before..] {
            finding.record = key;
            finding.email = email;
        }
    }

    /// The list and the state of one of a row's memberships.
    fn read_membership(&mut self, at: usize, one: usize, record: &mut Record) {
        let separators = &self.system.profile.list_separators;
        let lists = split(self.cells.get(Field::List, at), separators);
        let several = split(self.cells.get(Field::Status, at), separators);
        let word = match several.as_slice() {
            [_, _, ..] if lists.len() == several.len() => Some(several[one]),
            _ => self.cells.get(Field::Status, at),
        };
        let count = lists.len();
        // A line break in a name would end the row of an import file.
        let list = lists.get(one).map(|list| list.split_whitespace().collect::<Vec<_>>().join(" "));
        let (word, list) = (word.map(str::to_owned), list);
        record.unit = list.map(|list| self.system.texts.intern(&list));
        self.read_preference_of(Field::Status, word.as_deref(), at, record);
        self.read_further(Field::Status, at, record, |cell| match split(Some(cell), separators).as_slice() {
            words if words.len() == count && count > 1 => words[one],
            _ => cell,
        });
        if record.delivery == Delivery::Bounced {
            let failed = self.time(Field::BouncedAt, at);
            if self.system.profile.hard_bounce_opts_out && self.bounced_for_good(at) {
                (record.opt, record.of_all) = (Opt::Out, true);
                if let Some(failed) = failed {
                    record.say().out = Some(failed);
                }
            }
            if let Some(failed) = failed {
                record.say().failed = Some(failed);
            }
            record.delivery_word = self.text(Field::BounceReason, at);
        }
    }

    /// Without a column that tells hard from soft a bounce counts as hard: doubt goes to silence.
    fn bounced_for_good(&self, at: usize) -> bool {
        if !self.cells.has(Field::HardBounce) {
            return true;
        }
        self.cells.get(Field::HardBounce, at).is_some_and(|cell| self.system.booleans.meaning(cell) != Some(false))
    }
}

/// The parts of a cell by the first separator that occurs in it, none of a blank one.
fn split<'a>(cell: Option<&'a str>, separators: &[String]) -> Vec<&'a str> {
    let Some(cell) = cell else { return Vec::new() };
    match separators.iter().find(|separator| cell.contains(separator.as_str())) {
        Some(separator) => cell.split(separator.as_str()).map(str::trim).filter(|part| !part.is_empty()).collect(),
        None => vec![cell],
    }
}
