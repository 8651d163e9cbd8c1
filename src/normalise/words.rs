//! Words through the profile's tables: status, yes and no, codes.

use std::collections::BTreeMap;

use foldhash::HashMap;

use crate::systems::{Booleans, CodeMeaning, Profile, State};
use crate::texts::{Text, Texts};

/// A table of words and what they mean. Case and outer space do not count.
#[derive(Clone, Debug)]
pub struct Words<T> {
    meanings: HashMap<String, T>,
    known: String,
}

impl<T: Copy> Words<T> {
    fn new<'a>(entries: impl Iterator<Item = (&'a String, T)>) -> Words<T> {
        let mut spelled = Vec::new();
        let mut meanings = HashMap::default();
        for (word, meaning) in entries {
            spelled.push(word.as_str());
            meanings.insert(word.clone(), meaning);
            meanings.insert(word.to_lowercase(), meaning);
        }
        Words { meanings, known: spelled.join(", ") }
    }

    /// What a word means, `None` for one that the table lacks.
    pub fn meaning(&self, word: &str) -> Option<T> {
        // Most cells are spelled as the table has them; only others pay for folding.
        self.meanings.get(word).or_else(|| self.meanings.get(&word.to_lowercase())).copied()
    }

    /// The words of the table, for messages.
    pub fn known(&self) -> &str {
        &self.known
    }
}

/// The words of states.
pub fn states(table: &BTreeMap<State, Vec<String>>) -> Words<State> {
    Words::new(table.iter().flat_map(|(state, words)| words.iter().map(|word| (word, *state))))
}

/// The words of yes and no.
pub fn booleans(table: &Booleans) -> Words<bool> {
    Words::new(table.yes.iter().map(|word| (word, true)).chain(table.no.iter().map(|word| (word, false))))
}

/// The numbers of words that come again and again in one batch, so that the store of all texts is asked once for each.
#[derive(Debug, Default)]
pub struct Numbers(HashMap<String, Text>);

/// Words that are remembered; a column of other texts would only fill the memory.
const MOST_NUMBERS: usize = 1 << 10;

impl Numbers {
    /// The number of a word.
    pub fn number(&mut self, word: &str, texts: &Texts) -> Text {
        if let Some(number) = self.0.get(word) {
            return *number;
        }
        let number = texts.intern(word);
        if self.0.len() < MOST_NUMBERS {
            self.0.insert(word.to_owned(), number);
        }
        number
    }
}

/// The preference codes of a system, exact ones before those with a trailing `*`.
#[derive(Clone, Debug)]
pub struct Codes {
    exact: HashMap<String, CodeMeaning>,
    prefixes: Vec<(String, CodeMeaning)>,
}

impl Codes {
    /// The table of a profile, as the configuration has adjusted it.
    pub fn new(profile: &Profile) -> Codes {
        let mut codes = Codes { exact: HashMap::default(), prefixes: Vec::new() };
        for (code, meaning) in &profile.codes {
            let meaning = CodeMeaning::parse(meaning).expect("checked when the profile and the configuration were read");
            match code.strip_suffix('*') {
                Some(prefix) => codes.prefixes.push((prefix.to_lowercase(), meaning)),
                None => drop(codes.exact.insert(code.to_lowercase(), meaning)),
            }
        }
        // The longest prefix says it best.
        codes.prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        codes
    }

    /// What a code means, `None` for one that the table lacks.
    pub fn meaning(&self, code: &str) -> Option<&CodeMeaning> {
        let code = code.trim().to_lowercase();
        self.exact.get(&code).or_else(|| {
            let fitting = self.prefixes.iter().find(|(prefix, _)| code.starts_with(prefix));
            fitting.map(|(_, meaning)| meaning)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::Systems;

    #[test]
    fn codes_match_exactly_or_by_their_beginning() {
        let systems = Systems::built_in().unwrap();
        let codes = Codes::new(systems.get("ascend").unwrap());
        for (code, meaning) in [
            ("NE", Some(CodeMeaning::OptOutAll)),
            ("ne", Some(CodeMeaning::OptOutAll)),
            ("NES", Some(CodeMeaning::SolicitOnly)),
            ("AWR7", Some(CodeMeaning::NoContact)),
            ("XYZ", None),
        ] {
            assert_eq!(codes.meaning(code), meaning.as_ref(), "{code}");
        }
    }
}
