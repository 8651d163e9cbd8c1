//! One store for all texts of a run: every distinct address, id and word stands once, and frames hold its number.
//!
//! Joins and comparisons are over four bytes instead of a text. Several threads fill the store at once, each text in the
//! shard that its hash names. Numbers depend on the order of arrival: nothing that a person sees may be sorted by them.
//! The bytes are never given back, so that a text can be handed out while others are added: a run is one process. Once the
//! exports are read nearly all texts are known: [`Texts::settle`] puts them where they are read without waiting.

use std::hash::BuildHasher;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use polars::prelude::{Column, IntoColumn, NewChunkedArray, UInt32Chunked};

/// The number of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(NonZeroU32);

impl Text {
    /// The number in columns.
    pub fn number(self) -> u32 {
        self.0.get() - 1
    }

    /// The text with that number in columns.
    pub fn from_number(number: u32) -> Text {
        Text(NonZeroU32::MIN.saturating_add(number))
    }
}

/// So many that threads seldom wait for one another.
const SHARDS: usize = 256;

/// Bytes of the first piece of memory of a shard; each further one doubles, up to the largest.
const SMALLEST_PIECE: usize = 256;
const LARGEST_PIECE: usize = 1 << 20;

/// The store. Cloning it is cheap and gives the same store.
#[derive(Clone)]
pub struct Texts {
    shards: Arc<[Mutex<Shard>]>,
    settled: Arc<OnceLock<Vec<Vec<&'static str>>>>,
    hasher: FixedState,
}

/// The texts whose hash ends alike.
#[derive(Default)]
struct Shard {
    /// Position among the texts, with half of its hash so that growing reads no text again.
    places: HashTable<(u32, u32)>,
    /// Those that came since the store was settled.
    texts: Vec<&'static str>,
    free: &'static mut [u8],
}

impl Default for Texts {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Texts { shards, settled: Arc::default(), hasher: FixedState::default() }
    }
}

impl Texts {
    /// The number of a text, given out on first sight.
    ///
    /// # Panics
    /// After four billion distinct texts, which the limits of the reader exclude.
    pub fn intern(&self, text: &str) -> Text {
        let hash = self.hasher.hash_one(text);
        let shard = hash as usize % SHARDS;
        let place = self.shard(shard).place(text, (hash >> 32) as u32, self.settled(shard)) as usize;
        Text::from_number(u32::try_from(place * SHARDS + shard).expect("fewer than 2^32 distinct texts"))
    }

    /// The text behind a number.
    pub fn get(&self, text: Text) -> &str {
        let (shard, place) = (text.number() as usize % SHARDS, text.number() as usize / SHARDS);
        if let Some(text) = self.settled(shard).get(place) {
            return text;
        }
        let fresh = self.shard(shard);
        // Only now nobody settles the store beside us.
        let settled = self.settled(shard);
        let text = settled.get(place).or_else(|| fresh.texts.get(place - settled.len()));
        text.copied().unwrap_or_default()
    }

    /// From now on the texts that are known are read without waiting. Only the first time counts.
    pub fn settle(&self) {
        let mut shards: Vec<_> = (0..SHARDS).map(|shard| self.shard(shard)).collect();
        self.settled.get_or_init(|| shards.iter_mut().map(|shard| std::mem::take(&mut shard.texts)).collect());
    }

    /// More than the greatest number given out so far.
    pub fn len(&self) -> usize {
        let of_shard = |shard| {
            let fresh = self.shard(shard);
            self.settled(shard).len() + fresh.texts.len()
        };
        (0..SHARDS).map(of_shard).max().unwrap_or_default() * SHARDS
    }

    /// The texts of a shard when the store was settled, by their places.
    fn settled(&self, shard: usize) -> &[&'static str] {
        self.settled.get().map_or(&[], |settled| &settled[shard])
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, at: usize) -> MutexGuard<'_, Shard> {
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn place(&mut self, text: &str, half: u32, settled: &[&'static str]) -> u32 {
        let Shard { places, texts, free } = self;
        let whole = |half: u32| u64::from(half) << 32 | u64::from(half);
        let at = |place: u32| match settled.get(place as usize) {
            Some(text) => text,
            None => texts[place as usize - settled.len()],
        };
        let known = places.find(whole(half), |(place, its_half)| *its_half == half && at(*place) == text);
        if let Some((place, _)) = known {
            return *place;
        }
        let place = settled.len() + texts.len();
        if free.len() < text.len() {
            let doubled = SMALLEST_PIECE << place.checked_ilog2().unwrap_or_default().min(12);
            *free = Vec::leak(vec![0; doubled.min(LARGEST_PIECE).max(text.len())]);
        }
        let (kept, rest) = std::mem::take(free).split_at_mut(text.len());
        kept.copy_from_slice(text.as_bytes());
        *free = rest;
        texts.push(std::str::from_utf8(kept).expect("the bytes of a text are a text"));
        places.insert_unique(whole(half), (place as u32, half), |(_, half)| whole(*half));
        place as u32
    }
}

/// A column of texts, by their numbers.
pub fn column(name: &'static str, texts: impl Iterator<Item = Option<Text>>) -> Column {
    UInt32Chunked::from_iter_options(name.into(), texts.map(|text| text.map(Text::number))).into_column()
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Texts({})", self.len())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_text_has_one_number_whoever_asks() {
        let texts = Texts::default();
        let words: Vec<String> = (0..20_000).map(|at| format!("{}{at}@example.org", "x".repeat(at % 700))).collect();
        let numbers: Vec<Vec<Text>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| words.iter().map(|word| texts.intern(word)).collect())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(numbers.iter().all(|of_thread| *of_thread == numbers[0]));
        let distinct: HashMap<Text, &str> = numbers[0].iter().map(|text| (*text, texts.get(*text))).collect();
        assert_eq!(distinct.len(), words.len());
        texts.settle();
        let later: Vec<Text> = (0..999).map(|at| texts.intern(&format!("later {at}"))).collect();
        texts.settle();
        assert!(words.iter().zip(&numbers[0]).all(|(word, text)| texts.get(*text) == word && texts.intern(word) == *text));
        assert!((0..).zip(&later).all(|(at, text)| texts.get(*text) == format!("later {at}")));
        let numbers = [numbers[0].clone(), later];
        assert!(numbers[1].iter().all(|text| !distinct.contains_key(text)));
        assert!(numbers[1].iter().all(|text| (text.number() as usize) < texts.len()));
        assert!(numbers[0].iter().all(|text| (text.number() as usize) < texts.len()));
        assert_eq!(texts.get(texts.intern("")), "");
    }
}
