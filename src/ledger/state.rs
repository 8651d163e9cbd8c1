//! The state of every record as the sets of earlier runs leave it, by key.

use hashbrown::HashTable;
use polars::prelude::{DataFrame, PolarsResult};

/// What is known of every record that was there when its system was last exported.
#[derive(Debug, Default)]
pub(super) struct State {
    /// By position: the rows of the sets one after another, also those that later ones replace.
    keys: Vec<u64>,
    states: Vec<u32>,
    parts: Vec<u8>,
    /// The position of each record that is there, by its key, which is a hash itself.
    live: HashTable<u32>,
    /// The system and kind behind the numbers in `parts`.
    names: Vec<(String, String)>,
}

/// The columns that [`State::apply`] needs.
pub(super) const COLUMNS: [&str; 3] = ["key", "state", "part"];

impl State {
    /// Adds the rows of a set.
    pub fn apply(&mut self, snapshot: &DataFrame, parts: &[(String, String)]) -> PolarsResult<()> {
        let numbers: Vec<u8> = parts.iter().map(|part| self.number_of(part)).collect();
        let (keys, states, of) =
            (snapshot.column("key")?.u64()?, snapshot.column("state")?.u32()?, snapshot.column("part")?.u32()?);
        let State { keys: known, states: all, parts: parts_of, live, .. } = self;
        if live.is_empty() {
            live.reserve(snapshot.height(), |at| known[*at as usize]);
        }
        known.reserve(snapshot.height());
        all.reserve(snapshot.height());
        parts_of.reserve(snapshot.height());
        for ((key, state), part) in keys.iter().zip(states.iter()).zip(of.iter()) {
            let (key, state) = (key.unwrap_or_default(), state.unwrap_or_default());
            let at = known.len() as u32;
            known.push(key);
            match live.find_entry(key, |other| known[*other as usize] == key) {
                Ok(entry) if state == GONE => drop(entry.remove()),
                Ok(mut entry) => *entry.get_mut() = at,
                Err(_) if state == GONE => {}
                Err(_) => drop(live.insert_unique(key, at, |other| known[*other as usize])),
            }
            all.push(state);
            parts_of.push(numbers.get(part.unwrap_or_default() as usize).copied().unwrap_or(u8::MAX));
        }
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
        self.live.find(key, |at| self.keys[*at as usize] == key).copied()
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
        let is_live = |at: &usize| self.position(self.keys[*at]) == Some(*at as u32);
        let unseen = seen.iter().enumerate().filter(|(_, seen)| !**seen).map(|(at, _)| at);
        unseen.filter(is_live).map(|at| (at as u32, self.names.get(usize::from(self.parts[at]))))
    }
}

/// The state of a record that is there no more.
pub(super) const GONE: u32 = 0;
