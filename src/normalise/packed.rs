//! Records that say nothing that most records do not say, in little memory: one [`Plain`] is one such record.
//!
//! Nearly all records of a week are plain, and about nearly all of their persons there is nothing to find. So their
//! texts are kept side by side as they were read, without a number in the store of texts, until it is known whether
//! they are needed as records at all (see [`super::quiet`]).

use std::sync::Arc;

use anyhow::{Context as _, Result};
use foldhash::HashMap;

use crate::columns::{Delivery, Opt};
use crate::normalise::category::CategoryCell;
use crate::normalise::records::Record;
use crate::texts::{Text, Texts};
use crate::times::Moment;
use crate::workspace::{Scratch, Span};

/// The plain records of one batch of rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Packed {
    kind: u32,
    rows: Vec<u32>,
    /// Where each record begins in the text.
    starts: Vec<u32>,
    /// Of each record its head, its texts and its times, with numbers as characters: it is all text, so that a part of it
    /// is known to be some without a look.
    text: String,
    /// The manner of each.
    manners: Vec<u16>,
    known: Vec<Manner>,
    numbers: HashMap<Manner, u16>,
}

/// One plain record: it has its own key, and every cell of it can be read.
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
    /// Its first address.
    pub email: Option<&'a str>,
    /// Its second address.
    pub second: Option<&'a str>,
    /// Its key as the system spells it, where that is not the one spelling.
    pub key_cell: Option<&'a str>,
    /// When it was opted out, as far as it says.
    pub out: Option<Moment>,
    /// When it bounced or was held.
    pub failed: Option<Moment>,
    /// When it was opted in.
    pub opted_in: Option<Moment>,
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
    pub evidence: Option<Text>,
    pub categories: Option<CategoryCell>,
    pub categories_cell: Option<Text>,
}

/// The number that a character stands for.
fn of_number(text: &str) -> u8 {
    text.as_bytes()[0]
}

/// Characters of the first head.
const HEAD: usize = 5;

/// Characters of a time: seven bits each.
const TIME: usize = 10;

/// Bytes that a record takes beside its text.
const RECORD_BYTES: usize = 10;

/// Bytes that the text of a record usually takes.
const USUAL_BYTES: usize = 64;

/// How a record names an id: not at all, as its own key, or as a text of its own.
const NONE: u8 = 0;
const KEY: u8 = 1;
const OWN: u8 = 2;
/// It says when it was opted out.
const DATED: u8 = 16;
/// It says something that few records say: then a second head follows the first.
const MORE: u8 = 32;

/// In the second head: it says when it failed, and when it was opted in.
const FAILED: u8 = 1;
const OPTED_IN: u8 = 2;

impl Packed {
    /// None yet, with room for so many.
    pub fn with_capacity(kind: u32, records: usize) -> Packed {
        Packed {
            kind,
            rows: Vec::with_capacity(records),
            starts: Vec::with_capacity(records),
            text: String::with_capacity(records * USUAL_BYTES),
            manners: Vec::with_capacity(records),
            ..Packed::default()
        }
    }

    /// Adds a record; false where it does not fit.
    pub fn push<'p>(&mut self, plain: Plain<'p>) -> bool {
        let how = |id: Option<&str>| match id {
            None => NONE,
            Some(id) if id == plain.record => KEY,
            Some(_) => OWN,
        };
        let texts = [Some(plain.record), plain.email, plain.contact_id, plain.source_id, plain.second, plain.key_cell];
        let length = |text: Option<&str>| u8::try_from(text.map_or(0, str::len)).ok().filter(u8::is_ascii);
        let (Ok(start), [Some(record), Some(email), Some(contact), Some(source), Some(second), Some(key_cell)]) =
            (u32::try_from(self.text.len()), texts.map(length))
        else {
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
        let flag = |moment: Option<Moment>, flag: u8| if moment.is_some() { flag } else { 0 };
        let times = flag(plain.failed, FAILED) | flag(plain.opted_in, OPTED_IN);
        let more = if second | key_cell | times == 0 { 0 } else { MORE };
        let how = by_contact | by_source << 2 | flag(plain.out, DATED) | more;
        let head = [record, email, contact, source, how, second, key_cell, times];
        self.push_numbers(if more == 0 { &head[..HEAD] } else { &head });
        let own = |id: Option<&'p str>, how: u8| id.filter(|_| how == OWN);
        let ids = [own(plain.contact_id, by_contact), own(plain.source_id, by_source)];
        let texts = [Some(plain.record), plain.email, ids[0], ids[1], plain.second, plain.key_cell];
        self.text.extend(texts.into_iter().flatten());
        for moment in [plain.out, plain.failed, plain.opted_in].into_iter().flatten() {
            for time in [moment.from, moment.until] {
                self.push_numbers(&std::array::from_fn::<u8, TIME, _>(|at| (time >> (7 * at)) as u8 & 0x7f));
            }
        }
        true
    }

    /// Adds numbers below 128, each as a character.
    fn push_numbers(&mut self, numbers: &[u8]) {
        self.text.push_str(std::str::from_utf8(numbers).expect("numbers below 128 are ASCII"));
    }

    /// The records so far, in no more memory than they need; the room that they took is there for others.
    pub fn take(&mut self) -> Packed {
        let taken = Packed {
            kind: self.kind,
            rows: self.rows.as_slice().to_vec(),
            starts: self.starts.as_slice().to_vec(),
            manners: self.manners.as_slice().to_vec(),
            text: self.text.as_str().to_owned(),
            known: std::mem::take(&mut self.known),
            numbers: HashMap::default(),
        };
        self.rows.clear();
        self.starts.clear();
        self.manners.clear();
        self.text.clear();
        self.numbers.clear();
        taken
    }

    /// The records of a mask alone.
    pub fn only(self, mask: &[bool]) -> Packed {
        let ends = self.starts.iter().skip(1).copied().chain([self.text.len() as u32]);
        let ends: Vec<(usize, u32)> =
            ends.zip(mask).enumerate().filter(|(_, (_, wanted))| **wanted).map(|(at, (end, _))| (at, end)).collect();
        let bytes: u32 = ends.iter().map(|(at, end)| end - self.starts[*at]).sum();
        let mut kept = Packed {
            kind: self.kind,
            rows: Vec::with_capacity(ends.len()),
            starts: Vec::with_capacity(ends.len()),
            manners: Vec::with_capacity(ends.len()),
            text: String::with_capacity(bytes as usize),
            ..Packed::default()
        };
        for (at, end) in ends {
            kept.rows.push(self.rows[at]);
            kept.manners.push(self.manners[at]);
            kept.starts.push(kept.text.len() as u32);
            kept.text.push_str(&self.text[self.starts[at] as usize..end as usize]);
        }
        Packed { known: self.known, ..kept }
    }

    pub fn kind(&self) -> u32 {
        self.kind
    }

    /// Bytes that the records take.
    pub fn size(&self) -> usize {
        self.text.len() + self.len() * RECORD_BYTES
    }

    /// Writes the records to the disk; what their manners are stays in memory.
    pub fn write(&self, scratch: &Arc<Scratch>) -> Result<Written> {
        let mut bytes = Vec::with_capacity(self.size());
        bytes.extend(self.rows.iter().chain(&self.starts).flat_map(|number| number.to_le_bytes()));
        bytes.extend(self.manners.iter().flat_map(|number| number.to_le_bytes()));
        bytes.extend(self.text.as_bytes());
        let (span, scratch) = (scratch.put(&bytes)?, Arc::clone(scratch));
        Ok(Written { kind: self.kind, records: self.len(), known: self.known.clone(), span, scratch })
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn get<'p>(&'p self, at: usize) -> Plain<'p> {
        let mut rest = &self.text[self.starts[at] as usize..];
        let mut text = |length: u8| {
            let (text, after) = rest.split_at(usize::from(length));
            rest = after;
            text
        };
        let head = text(HEAD as u8);
        let [record, email, contact, source, how] = std::array::from_fn(|at| of_number(&head[at..]));
        let more = if how & MORE != 0 { text(3) } else { "\0\0\0" };
        let [second, key_cell, times] = std::array::from_fn(|at| of_number(&more[at..]));
        let (record, email) = (text(record), text(email));
        let mut id = |how: u8, length: u8| match how {
            NONE => None,
            KEY => Some(record),
            _ => Some(text(length)),
        };
        let contact_id = id(how & 3, contact);
        let source_id = id(how >> 2 & 3, source);
        let (second, key_cell) = (text(second), text(key_cell));
        let mut time = || {
            let sevens = text(TIME as u8).bytes().rev();
            sevens.fold(0_i64, |time, seven| time << 7 | i64::from(seven))
        };
        let mut moment = |is_given: bool| is_given.then(|| Moment { from: time(), until: time() });
        let (out, failed, opted_in) = (moment(how & DATED != 0), moment(times & FAILED != 0), moment(times & OPTED_IN != 0));
        let given = |text: &'p str| Some(text).filter(|text| !text.is_empty());
        let (email, second, key_cell) = (given(email), given(second), given(key_cell));
        let manner = self.known[usize::from(self.manners[at])];
        Plain { row: self.rows[at], record, contact_id, source_id, email, second, key_cell, out, failed, opted_in, manner }
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = Plain<'_>> {
        (0..self.len()).map(|at| self.get(at))
    }

    /// The records themselves, of those that are wanted.
    pub fn records<'p>(&'p self, wanted: impl Fn(usize) -> bool + 'p, texts: &'p Texts) -> impl Iterator<Item = Record> + 'p {
        (0..self.len()).filter(move |at| wanted(*at)).map(|at| self.get(at).record(self.kind, texts))
    }
}

/// Records on the disk.
#[derive(Debug)]
pub(super) struct Written {
    kind: u32,
    records: usize,
    known: Vec<Manner>,
    span: Span,
    scratch: Arc<Scratch>,
}

impl Written {
    pub fn len(&self) -> usize {
        self.records
    }

    /// Reads the records again.
    pub fn read(&self) -> Result<Packed> {
        let mut bytes = self.scratch.get(self.span)?;
        let text = bytes.split_off(self.records * RECORD_BYTES);
        let (numbers, manners) = bytes.split_at(self.records * 8);
        let (rows, starts) = numbers.split_at(self.records * 4);
        let numbers = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        Ok(Packed {
            kind: self.kind,
            rows: numbers(rows),
            starts: numbers(starts),
            manners: manners.as_chunks().0.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect(),
            text: String::from_utf8(text).context("what was set aside on the disk is not what was written")?,
            known: self.known.clone(),
            ..Packed::default()
        })
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
        (record.emails[0], record.emails[1]) =
            (self.email.map(|email| texts.intern(email)), self.second.map(|email| texts.intern(email)));
        let Manner { opt, delivery, word, delivery_word, evidence, categories, categories_cell } = self.manner;
        let key_cell = self.key_cell.map(|cell| texts.intern(cell));
        let (out, failed, opted_in) = (self.out, self.failed, self.opted_in);
        if key_cell.is_some() || evidence.is_some() || [out, failed, opted_in].iter().any(Option::is_some) {
            let said = record.say();
            (said.key_cell, said.evidence) = (key_cell, evidence);
            (said.out, said.failed, said.opted_in) = (out, failed, opted_in);
        }
        record.opt = opt;
        (record.delivery, record.word, record.delivery_word) = (delivery, word, delivery_word);
        (record.categories, record.categories_cell) = (categories, categories_cell);
        record
    }
}

#[cfg(test)]
impl<'a> Plain<'a> {
    /// An active record that has nothing but its key.
    pub fn of_key(record: &'a str) -> Plain<'a> {
        Plain {
            row: 2,
            record,
            contact_id: None,
            source_id: None,
            email: None,
            second: None,
            key_cell: None,
            out: None,
            failed: None,
            opted_in: None,
            manner: Manner {
                opt: Opt::In,
                delivery: Delivery::Ok,
                word: None,
                delivery_word: None,
                evidence: None,
                categories: None,
                categories_cell: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_as_it_was() {
        let texts = Texts::default();
        let manner = |word: &str| Manner { word: Some(texts.intern(word)), ..Plain::of_key("").manner };
        // key | contact id | source id | addresses | key as it is spelt
        let rows = [
            ("003A", Some("003A"), Some("77"), [Some("ana@example.org"), None], None),
            ("77", Some("003A"), Some("77"), [None, None], None),
            ("k", None, None, [Some("ana@example.org"), Some("bo@example.org")], None),
            ("\u{e9}", None, Some("\u{e9}"), [None, None], Some("E")),
        ];
        let moment = |from: i64| Moment { from, until: 1 << 40 };
        let mut packed = Packed::with_capacity(3, 1);
        let plain =
            |(at, (record, contact_id, source_id, [email, second], key_cell)): (usize, (&'static str, _, _, [_; 2], _))| Plain {
                row: at as u32,
                record,
                contact_id,
                source_id,
                email,
                second,
                key_cell,
                out: (at == 1).then_some(moment(-3)),
                failed: (at == 1 || at == 2).then_some(moment(5)),
                opted_in: (at == 2 || at == 3).then_some(moment(7)),
                manner: manner(if at % 2 == 0 { "Active" } else { "N" }),
            };
        let all: Vec<Plain> = rows.into_iter().enumerate().map(plain).collect();
        assert!(all.iter().all(|plain| packed.push(*plain)));
        let mut packed = packed.take();
        assert_eq!(packed.iter().collect::<Vec<_>>(), all);
        let long = "x".repeat(128);
        assert!(!packed.push(Plain { record: &long, ..all[0] }));
        assert_eq!(packed.len(), all.len());
        let some = packed.clone().only(&[false, true, false, true]);
        assert_eq!(some.iter().collect::<Vec<_>>(), [all[1], all[3]]);
        let scratch = Arc::new(Scratch::create(&std::env::temp_dir()).unwrap());
        let written = [&packed, &some].map(|packed| packed.write(&scratch).unwrap());
        let read = written.map(|written| (written.len(), written.read().unwrap()));
        assert_eq!(read[0].1.iter().collect::<Vec<_>>(), all);
        assert_eq!((read[1].0, read[1].1.iter().collect::<Vec<_>>()), (2, vec![all[1], all[3]]));
    }
}
