//! Records that only say that their person is active, or opted out, in little memory: one [`Plain`] is one such record.
//!
//! Nearly all records of a week are plain, and about nearly all of their persons there is nothing to find. So their
//! texts are kept side by side as they were read, without a number in the store of texts, until it is known whether
//! they are needed as records at all (see [`super::quiet`]).

use foldhash::HashMap;

use crate::columns::{Delivery, Opt};
use crate::normalise::Moment;
use crate::normalise::category::CategoryCell;
use crate::normalise::records::Record;
use crate::texts::{Text, Texts};

/// The plain records of one batch of rows.
#[derive(Debug, Default)]
pub(super) struct Packed {
    kind: u32,
    rows: Vec<u32>,
    /// Where each record begins among the bytes.
    starts: Vec<u32>,
    bytes: Vec<u8>,
    /// The manner of each.
    manners: Vec<u16>,
    known: Vec<Manner>,
    numbers: HashMap<Manner, u16>,
}

/// One plain record: it has its key and one address, is active and reached or opted out, and speaks of no opt-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plain<'a> {
    /// Row of the file.
    pub row: u32,
    /// The system's own key of the record.
    pub record: &'a str,
    /// The CRM id that it names.
    pub contact_id: Option<&'a str>,
    /// The source system's id that it names.
    pub source_id: Option<&'a str>,
    /// Its address.
    pub email: &'a str,
    /// When it was opted out, as far as it says.
    pub out: Option<Moment>,
    /// What many records have in common.
    pub manner: Manner,
}

/// What many plain records have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Manner {
    pub opt: Opt,
    pub delivery: Delivery,
    pub word: Option<Text>,
    pub delivery_word: Option<Text>,
    pub categories: Option<CategoryCell>,
    pub categories_cell: Option<Text>,
}

/// Bytes that a record usually takes.
const USUAL_BYTES: usize = 64;

/// How a record names an id: not at all, as its own key, or as a text of its own.
const NONE: u8 = 0;
const KEY: u8 = 1;
const OWN: u8 = 2;
/// It says when it was opted out.
const DATED: u8 = 16;

impl Packed {
    /// None yet, with room for so many.
    pub fn with_capacity(kind: u32, records: usize) -> Packed {
        Packed {
            kind,
            rows: Vec::with_capacity(records),
            starts: Vec::with_capacity(records),
            bytes: Vec::with_capacity(records * USUAL_BYTES),
            manners: Vec::with_capacity(records),
            ..Packed::default()
        }
    }

    /// Adds a record; false where it does not fit.
    pub fn push(&mut self, plain: Plain<'_>) -> bool {
        let how = |id: Option<&str>| match id {
            None => NONE,
            Some(id) if id == plain.record => KEY,
            Some(_) => OWN,
        };
        let texts = [Some(plain.record), Some(plain.email), plain.contact_id, plain.source_id];
        let lengths = texts.map(|text| u8::try_from(text.map_or(0, str::len)));
        let (Ok(start), [Ok(record), Ok(email), Ok(contact), Ok(source)]) = (u32::try_from(self.bytes.len()), lengths) else {
            return false;
        };
        let next = self.known.len();
        let manner = match self.numbers.get(&plain.manner) {
            Some(manner) => *manner,
            None => {
                let Ok(manner) = u16::try_from(next) else { return false };
                self.known.push(plain.manner);
                self.numbers.insert(plain.manner, manner);
                manner
            }
        };
        let (by_contact, by_source) = (how(plain.contact_id), how(plain.source_id));
        self.rows.push(plain.row);
        self.starts.push(start);
        self.manners.push(manner);
        let dated = if plain.out.is_some() { DATED } else { 0 };
        self.bytes.extend([record, email, contact, source, by_contact | by_source << 2 | dated]);
        self.bytes.extend(plain.record.as_bytes());
        self.bytes.extend(plain.email.as_bytes());
        for (how, id) in [(by_contact, plain.contact_id), (by_source, plain.source_id)] {
            if let Some(id) = id.filter(|_| how == OWN) {
                self.bytes.extend(id.as_bytes());
            }
        }
        if let Some(out) = plain.out {
            self.bytes.extend(out.from.to_le_bytes());
            self.bytes.extend(out.until.to_le_bytes());
        }
        true
    }

    /// Gives back what was kept for records to come. Copies are of the size that is needed, where shrinking would only do so
    /// beyond half.
    pub fn close(&mut self) {
        self.numbers = HashMap::default();
        self.rows = self.rows.as_slice().to_vec();
        self.starts = self.starts.as_slice().to_vec();
        self.manners = self.manners.as_slice().to_vec();
        self.bytes = self.bytes.as_slice().to_vec();
    }

    /// The records of a mask alone.
    pub fn only(self, mask: &[bool]) -> Packed {
        let ends = self.starts.iter().skip(1).copied().chain([self.bytes.len() as u32]);
        let ends: Vec<(usize, u32)> =
            ends.zip(mask).enumerate().filter(|(_, (_, wanted))| **wanted).map(|(at, (end, _))| (at, end)).collect();
        let bytes: u32 = ends.iter().map(|(at, end)| end - self.starts[*at]).sum();
        let mut kept = Packed {
            kind: self.kind,
            rows: Vec::with_capacity(ends.len()),
            starts: Vec::with_capacity(ends.len()),
            manners: Vec::with_capacity(ends.len()),
            bytes: Vec::with_capacity(bytes as usize),
            ..Packed::default()
        };
        for (at, end) in ends {
            kept.rows.push(self.rows[at]);
            kept.manners.push(self.manners[at]);
            kept.starts.push(kept.bytes.len() as u32);
            kept.bytes.extend(&self.bytes[self.starts[at] as usize..end as usize]);
        }
        Packed { known: self.known, ..kept }
    }

    pub fn kind(&self) -> u32 {
        self.kind
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn get(&self, at: usize) -> Plain<'_> {
        let bytes = &self.bytes[self.starts[at] as usize..];
        let [record, email, contact, source, how] = *bytes.first_chunk().expect("every record has a head");
        let mut rest = &bytes[5..];
        let mut text = |length: u8| {
            let (text, after) = rest.split_at(usize::from(length));
            rest = after;
            std::str::from_utf8(text).expect("the bytes of a text are a text")
        };
        let (record, email) = (text(record), text(email));
        let mut id = |how: u8, length: u8| match how {
            NONE => None,
            KEY => Some(record),
            _ => Some(text(length)),
        };
        let contact_id = id(how & 3, contact);
        let source_id = id(how >> 2 & 3, source);
        let out = (how & DATED != 0).then(|| {
            let (from, until) = rest.split_at(8);
            let time = |bytes: &[u8]| i64::from_le_bytes(*bytes.first_chunk().expect("a time has eight bytes"));
            Moment { from: time(from), until: time(until) }
        });
        let manner = self.known[usize::from(self.manners[at])];
        Plain { row: self.rows[at], record, contact_id, source_id, email, out, manner }
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = Plain<'_>> {
        (0..self.len()).map(|at| self.get(at))
    }

    /// The records themselves, of those that are wanted.
    pub fn records<'p>(&'p self, wanted: impl Fn(usize) -> bool + 'p, texts: &'p Texts) -> impl Iterator<Item = Record> + 'p {
        (0..self.len()).filter(move |at| wanted(*at)).map(|at| self.get(at).record(self.kind, texts))
    }
}

impl Plain<'_> {
    fn record(self, kind: u32, texts: &Texts) -> Record {
        let key = texts.intern(self.record);
        let id = |id: Option<&str>| id.map(|id| if id == self.record { key } else { texts.intern(id) });
        let mut record = Record::blank(0, self.row, kind);
        record.record = Some(key);
        record.contact_id = id(self.contact_id);
        record.source_id = id(self.source_id);
        record.emails[0] = Some(texts.intern(self.email));
        if self.out.is_some() {
            record.say().out = self.out;
        }
        let Manner { opt, delivery, word, delivery_word, categories, categories_cell } = self.manner;
        record.opt = opt;
        (record.delivery, record.word, record.delivery_word) = (delivery, word, delivery_word);
        (record.categories, record.categories_cell) = (categories, categories_cell);
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_as_it_was() {
        let texts = Texts::default();
        let manner = |word: &str| Manner {
            opt: Opt::In,
            delivery: Delivery::Ok,
            word: Some(texts.intern(word)),
            delivery_word: None,
            categories: None,
            categories_cell: None,
        };
        // key | contact id | source id
        let rows = [
            ("003A", Some("003A"), Some("77")),
            ("77", Some("003A"), Some("77")),
            ("k", None, None),
            ("\u{e9}", None, Some("\u{e9}")),
        ];
        let mut packed = Packed::with_capacity(3, 1);
        let plain = |(at, (record, contact_id, source_id)): (usize, (&'static str, _, _))| Plain {
            row: at as u32,
            record,
            contact_id,
            source_id,
            email: "ana@example.org",
            out: (at == 1).then_some(Moment { from: -3, until: 1 << 40 }),
            manner: manner(if at % 2 == 0 { "Active" } else { "N" }),
        };
        let all: Vec<Plain> = rows.into_iter().enumerate().map(plain).collect();
        assert!(all.iter().all(|plain| packed.push(*plain)));
        packed.close();
        assert_eq!(packed.iter().collect::<Vec<_>>(), all);
        let long = "x".repeat(256);
        assert!(!packed.push(Plain { record: &long, ..all[0] }));
        assert_eq!(packed.len(), all.len());
        let some = packed.only(&[false, true, false, true]);
        assert_eq!(some.iter().collect::<Vec<_>>(), [all[1], all[3]]);
    }
}
