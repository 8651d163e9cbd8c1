//! The state of every record as the sets of earlier runs leave it, by key.

use hashbrown::HashTable;
use polars::prelude::{DataFrame, PolarsResult};
use rayon::prelude::*;

/// What is known of every record that was there when its system was last exported.
#[derive(Debug, Default)]
pub(super) struct State {
    /// By position: the rows of the sets one after another, also those that later ones replace.
    keys: Vec<u64>,
    states: Vec<u32>,
    parts: Vec<u8>,
    /// Whether the row is the latest of its record, and the record is there.
    live: Vec<bool>,
    /// The positions of the live rows by their keys, which are hashes themselves: each shard is filled by one thread.
    by_key: [HashTable<u32>; SHARDS],
    /// The system and kind behind the numbers in `parts`.
    names: Vec<(String, String)>,
}

/// So many that the part of a table that is being filled stays in the processor's cache.
const SHARDS: usize = 16;

/// Bits of the key that no table within a shard goes by: they go by the first and the last.
fn shard_of(key: u64) -> usize {
    (key >> 40) as usize % SHARDS
}

/// The columns that [`State::apply`] needs.
pub(super) const COLUMNS: [&str; 3] = ["key", "state", "part"];

impl State {
    /// Adds the rows of a set.
    pub fn apply(&mut self, snapshot: &DataFrame, parts: &[(String, String)]) -> PolarsResult<()> {
        let numbers: Vec<u8> = parts.iter().map(|part| self.number_of(part)).collect();
        let (keys, states, of) =
            (snapshot.column("key")?.u64()?, snapshot.column("state")?.u32()?, snapshot.column("part")?.u32()?);
        let first = self.keys.len();
        self.keys.extend(keys.iter().map(Option::unwrap_or_default));
        self.states.extend(states.iter().map(Option::unwrap_or_default));
        let number = |part: Option<u32>| numbers.get(part.unwrap_or_default() as usize).copied().unwrap_or(u8::MAX);
        self.parts.extend(of.iter().map(number));
        self.live.extend(self.states[first..].iter().map(|state| *state != GONE));
        let State { keys, live, by_key, .. } = self;
        let replaced = by_key.par_iter_mut().enumerate().map(|(shard, table)| replace(table, shard, keys, live, first));
        let replaced: Vec<Vec<u32>> = replaced.collect();
        replaced.into_iter().flatten().for_each(|position| live[position as usize] = false);
        Ok(())
    }

    fn number_of(&mut self, part: &(String, String)) -> u8 {
        let at = self.names.iter().position(|known| known == part).unwrap_or_else(|| {
            self.names.push(part.clone());
            self.names.len() - 1
        });
        at as u8
    }

    /// The position of a record that is there.
    pub fn position(&self, key: u64) -> Option<u32> {
        self.by_key[shard_of(key)].find(key, |at| self.keys[*at as usize] == key).copied()
    }

    /// The state at a position.
    pub fn state(&self, position: u32) -> u32 {
        self.states[position as usize]
    }

    /// How many positions there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// The records that are there but not marked as seen: position, system and kind.
    pub fn unseen<'a>(&'a self, seen: &'a [bool]) -> impl Iterator<Item = (u32, Option<&'a (String, String)>)> {
        let unseen = self.live.iter().zip(seen).enumerate().filter(|(_, (live, seen))| **live && !**seen);
        unseen.map(|(at, _)| (at as u32, self.names.get(usize::from(self.parts[at]))))
    }
}

/// Takes the rows from `first` on that belong into a shard, and gives the positions of those that they replace.
fn replace(table: &mut HashTable<u32>, shard: usize, keys: &[u64], live: &[bool], first: usize) -> Vec<u32> {
    let mut replaced = Vec::new();
    if table.is_empty() {
        table.reserve((keys.len() - first) / SHARDS, |at| keys[*at as usize]);
    }
    for (at, key) in (first..).zip(&keys[first..]).filter(|(_, key)| shard_of(**key) == shard) {
        match table.find_entry(*key, |other| keys[*other as usize] == *key) {
            Ok(entry) if !live[at] => replaced.push(entry.remove().0),
            Ok(mut entry) => replaced.push(std::mem::replace(entry.get_mut(), at as u32)),
            Err(_) if !live[at] => {}
            Err(_) => drop(table.insert_unique(*key, at as u32, |other| keys[*other as usize])),
        }
    }
    replaced
}

/// Finds records one after another. An export nearly always has them in the order of the one before, and then the next
/// one is where the last one was found, or where the last before a gap was: no table needs to be asked.
pub(super) struct Finder<'s> {
    state: &'s State,
    next: [u32; 2],
}

impl<'s> Finder<'s> {
    pub fn new(state: &'s State) -> Finder<'s> {
        Finder { state, next: [0; 2] }
    }

    /// The position of a record that is there.
    pub fn position(&mut self, key: u64) -> Option<u32> {
        let is_it = |at: &u32| self.state.keys.get(*at as usize) == Some(&key) && self.state.live[*at as usize];
        let [next, other] = self.next;
        let (found, other) = match is_it(&next) {
            true => (next, other),
            false if is_it(&other) => (other, next),
            false => (self.state.position(key)?, next),
        };
        self.next = [found + 1, other];
        Some(found)
    }
}

/// The state of a record that is there no more.
pub(super) const GONE: u32 = 0;

#[cfg(test)]
mod tests {
    use polars::df;

    use super::*;

    #[test]
    fn the_latest_row_of_a_record_counts_wherever_it_is_looked_for() {
        let spread = |key: u64| key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let sets: [&[(u64, u32)]; 3] = [
            // The third key comes twice.
            &[(1, 10), (2, 20), (3, 30), (3, 31), (4, 40)],
            &[(2, 21), (4, GONE), (5, 50), (9, GONE)],
            &[(4, 41), (1, GONE)],
        ];
        let mut state = State::default();
        for set in sets {
            let (keys, states): (Vec<u64>, Vec<u32>) = set.iter().map(|(key, state)| (spread(*key), *state)).unzip();
            let frame = df!("key" => keys, "state" => states, "part" => vec![0_u32; set.len()]).unwrap();
            state.apply(&frame, &[("crm".to_owned(), "contacts".to_owned())]).unwrap();
        }
        // key | its state; none where it is not there
        let expected = [(2, Some(21)), (3, Some(31)), (5, Some(50)), (1, None), (4, Some(41)), (9, None), (7, None)];
        let mut finder = Finder::new(&state);
        for (key, its) in expected {
            let positions = [state.position(spread(key)), finder.position(spread(key)), finder.position(spread(key))];
            assert_eq!(positions.map(|position| position.map(|at| state.state(at))), [its; 3], "{key}");
        }
        let unseen: Vec<u32> = state.unseen(&vec![false; state.len()]).map(|(at, _)| state.state(at)).collect();
        assert_eq!(unseen, [31, 21, 50, 41]);
    }
}
