//! What a table's keys are, in short: enough to tell that two tables hold the same export, and that the ids of one have
//! lost the zeros that those of another begin with.

use std::collections::HashSet;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use super::MappedColumn;
use super::table::trimmed;
use crate::columns::Field;

/// Reads the keys of rows.
pub struct KeyReader {
    /// Columns that say who a row is about, and what it says.
    columns: Vec<(usize, Field)>,
    source_id: Option<usize>,
    /// Of these columns the one that says who a row is about.
    who: Option<usize>,
    keys: Keys,
}

/// The keys of a table. The order of its rows does not matter, nor does what kind of file it came from.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    rows: u64,
    hash: u64,
    source_ids: Ids,
    /// Whom the rows are about.
    people: Sample<PEOPLE>,
}

/// The source ids that are digits alone.
#[derive(Clone, Debug, Default)]
struct Ids {
    count: u64,
    /// How many of them begin with a zero.
    zeros: u64,
    shortest: usize,
    longest: usize,
    /// The first that begins with none, with its row.
    example: Option<(u32, String)>,
    sample: Sample<SAMPLE>,
}

/// The least hashes of ids: those of two tables meet where the ids do.
#[derive(Clone, Debug)]
struct Sample<const SIZE: usize> {
    hashes: Vec<u64>,
    /// Greater ones are left out.
    most: u64,
}

/// Hashes that a sample keeps.
const SAMPLE: usize = 1 << 15;

/// The same, where nearly all or none must meet.
const PEOPLE: usize = 1 << 8;

const HASH: FixedState = FixedState::with_seed(0x7072_6566);

impl KeyReader {
    /// For tables of these columns, each given with its position in the file.
    pub fn new(mapped: &[(usize, MappedColumn)]) -> KeyReader {
        use Field::{Code, ContactId, Email, List, OptOut, RecordId, SourceId, Status, SubscriberKey, Unit};
        let tells = [RecordId, ContactId, SourceId, SubscriberKey, Email, Code, List, Unit, OptOut, Status];
        let columns: Vec<(usize, Field)> = mapped.iter().map(|(at, column)| (*at, column.field)).collect();
        let source_id = columns.iter().find(|(_, field)| *field == SourceId).map(|(at, _)| *at);
        let columns: Vec<(usize, Field)> = columns.into_iter().filter(|(_, field)| tells.contains(field)).collect();
        let keys = [RecordId, SubscriberKey, SourceId, ContactId, Email].into_iter();
        let who = keys.filter_map(|key| columns.iter().position(|(_, field)| *field == key)).next();
        KeyReader { columns, source_id, who, keys: Keys::default() }
    }

    /// Takes a row.
    pub fn add(&mut self, cells: &[&str], row: u32) {
        let cell = |at: usize| trimmed(cells.get(at).copied().unwrap_or_default());
        let mut hash: u64 = 0;
        for (position, (at, field)) in self.columns.iter().enumerate() {
            let cell = cell(*at);
            // A spreadsheet shows TRUE where true was.
            let next = match field {
                Field::OptOut | Field::Status => folded(cell),
                _ => HASH.hash_one(cell),
            };
            hash = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(next);
            if self.who == Some(position) {
                self.keys.people.add(next);
            }
        }
        self.keys.rows += 1;
        self.keys.hash = self.keys.hash.wrapping_add(hash);
        if let Some(at) = self.source_id {
            self.keys.source_ids.add(cell(at), row);
        }
    }

    /// The keys of the rows that were taken.
    pub fn finish(self) -> Keys {
        self.keys
    }
}

/// The hash of a word whatever its case.
fn folded(word: &str) -> u64 {
    let mut bytes = [0; 32];
    match bytes.get_mut(..word.len()) {
        Some(bytes) => {
            bytes.copy_from_slice(word.as_bytes());
            bytes.make_ascii_lowercase();
            HASH.hash_one(&*bytes)
        }
        None => HASH.hash_one(word.to_ascii_lowercase().as_bytes()),
    }
}

impl Keys {
    /// The keys of both.
    pub fn merge(&mut self, other: Keys) {
        self.rows += other.rows;
        self.hash = self.hash.wrapping_add(other.hash);
        self.source_ids.merge(other.source_ids);
        self.people.merge(other.people);
    }

    /// Whether no row of two tables is about the same people.
    pub fn have_nobody_in_common_with(&self, other: &Keys) -> bool {
        self.rows > 0 && other.rows > 0 && !self.people.meets(&other.people)
    }

    /// Whether two tables have the same rows, as far as their keys and states tell.
    pub fn are_those_of(&self, other: &Keys) -> bool {
        (self.rows, self.hash) == (other.rows, other.hash)
    }

    /// A row and its source id that has lost the zeros that the other table's ids begin with, and how many digits those have:
    /// there all ids have one length and some begin with zeros, here none does and some are shorter, and they are the same ids.
    pub fn lost_zeros(&self, other: &Keys) -> Option<(u32, &str, usize)> {
        let (ids, whole) = (&self.source_ids, &other.source_ids);
        let lost = whole.zeros > 0
            && whole.shortest == whole.longest
            && ids.zeros == 0
            && ids.count > 0
            && ids.shortest < whole.longest
            && ids.longest <= whole.longest
            && ids.sample.meets(&whole.sample);
        ids.example.as_ref().filter(|_| lost).map(|(row, id)| (*row, id.as_str(), whole.longest))
    }
}

impl Ids {
    fn add(&mut self, id: &str, row: u32) {
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return;
        }
        self.shortest = if self.count == 0 { id.len() } else { self.shortest.min(id.len()) };
        self.longest = self.longest.max(id.len());
        self.count += 1;
        let bare = id.trim_start_matches('0');
        if bare.len() < id.len() {
            self.zeros += 1;
        } else if self.example.is_none() {
            self.example = Some((row, id.to_owned()));
        }
        self.sample.add(HASH.hash_one(bare));
    }

    fn merge(&mut self, other: Ids) {
        if other.count == 0 {
            return;
        }
        self.shortest = if self.count == 0 { other.shortest } else { self.shortest.min(other.shortest) };
        self.longest = self.longest.max(other.longest);
        self.count += other.count;
        self.zeros += other.zeros;
        self.example = self.example.take().or(other.example);
        self.sample.merge(other.sample);
    }
}

impl<const SIZE: usize> Default for Sample<SIZE> {
    fn default() -> Self {
        Sample { hashes: Vec::new(), most: u64::MAX }
    }
}

impl<const SIZE: usize> Sample<SIZE> {
    #[inline]
    fn add(&mut self, hash: u64) {
        if hash <= self.most {
            self.take(hash);
        }
    }

    fn take(&mut self, hash: u64) {
        self.hashes.push(hash);
        if self.hashes.len() >= 2 * SIZE {
            self.hashes.sort_unstable();
            self.hashes.dedup();
            self.hashes.truncate(SIZE);
            self.most = self.hashes.last().copied().unwrap_or(u64::MAX);
        }
    }

    fn merge(&mut self, other: Self) {
        self.most = self.most.min(other.most);
        other.hashes.into_iter().for_each(|hash| self.add(hash));
    }

    fn meets(&self, other: &Self) -> bool {
        let known: HashSet<u64> = self.hashes.iter().copied().collect();
        let most = self.most.min(other.most);
        other.hashes.iter().any(|hash| *hash <= most && known.contains(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(rows: &[[&str; 2]]) -> Keys {
        let column = |field: Field| MappedColumn { name: field.name().to_owned(), field, header: String::new(), constant: None };
        let mut reader = KeyReader::new(&[(0, column(Field::SourceId)), (1, column(Field::OptOut))]);
        for (row, cells) in (2..).zip(rows) {
            reader.add(cells, row);
        }
        reader.finish()
    }

    #[test]
    fn the_same_rows_are_told_in_any_order_and_in_pieces() {
        let one = keys(&[["01", "true"], ["02", ""]]);
        assert!(one.are_those_of(&keys(&[["02 ", ""], ["01", "TRUE"]])));
        for other in [&[["01", "true"]][..], &[["01", "true"], ["02", "true"]], &[["01", "true"], ["01", "true"]]] {
            assert!(!one.are_those_of(&keys(other)), "{other:?}");
        }
        let mut pieces = keys(&[["01", "true"]]);
        pieces.merge(keys(&[["02", ""]]));
        assert!(one.are_those_of(&pieces));
    }

    #[test]
    fn ids_that_lost_their_zeros_are_told_from_ids_of_another_length() {
        let whole = keys(&[["0012", ""], ["3456", ""], ["0789", ""]]);
        // ids | the one that is quoted
        for (ids, expected) in [
            (&["12", "3456"][..], Some((2, "12", 4))),
            (&["N/A", "789"], Some((3, "789", 4))),
            // Another numbering; ids with zeros; ids of the full length alone; a longer id.
            (&["13", "14"], None),
            (&["0012", "34"], None),
            (&["3456"], None),
            (&["12", "34567"], None),
        ] {
            let rows: Vec<[&str; 2]> = ids.iter().map(|id| [*id, ""]).collect();
            assert_eq!(keys(&rows).lost_zeros(&whole), expected, "{ids:?}");
            assert_eq!(whole.lost_zeros(&keys(&rows)), None, "{ids:?}");
        }
    }

    #[test]
    fn samples_of_many_ids_meet() {
        let of = |from: u32, until: u32| {
            let mut ids = Ids::default();
            (from..until).for_each(|id| ids.add(&id.to_string(), 2));
            ids
        };
        let mut all = of(1, 100_000);
        all.merge(of(100_000, 300_000));
        assert!(all.sample.hashes.len() < 2 * SAMPLE);
        assert!(all.sample.meets(&of(250_000, 251_000).sample));
        assert!(!all.sample.meets(&of(300_000, 301_000).sample));
    }
}
