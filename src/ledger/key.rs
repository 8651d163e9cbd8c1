//! Numbers that stand for texts in the ledger, the same on every machine and in every release.

/// A stable hash of texts, of which none runs into the next. Two texts of five million share one with a
/// probability of one in a million.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key(u64);

impl Key {
    /// Nothing yet.
    pub const EMPTY: Key = Key(0x9e37_79b9_7f4a_7c15);

    /// The same followed by a text.
    pub fn text(self, text: &str) -> Key {
        let bytes = text.as_bytes();
        let mut state = self.0;
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            state = fold(state ^ u64::from_le_bytes(word), 0xa076_1d64_78bd_642f);
        }
        Key(fold(state ^ bytes.len() as u64, 0xe703_7ed1_a0b4_28db))
    }

    /// The same followed by a number, or by none.
    pub fn number(self, number: Option<i64>) -> Key {
        let (is_some, number) = (number.is_some(), number.unwrap_or_default());
        Key(fold(self.0 ^ number as u64, 0x8ebc_6af0_9c88_c6e3 ^ u64::from(is_some)))
    }

    /// The number.
    pub fn value(self) -> u64 {
        self.0
    }

    /// Half of it, never zero: enough to tell two states of one record apart.
    pub fn half(self) -> u32 {
        ((self.0 >> 32) as u32).max(1)
    }
}

fn fold(one: u64, other: u64) -> u64 {
    let wide = u128::from(one) * u128::from(other);
    (wide ^ (wide >> 64)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_never_change_and_tell_texts_apart() {
        let key = |texts: &[&str]| texts.iter().fold(Key::EMPTY, |key, text| key.text(text)).value();
        assert_eq!(key(&["salesforce", "contacts", "003Hs00004aBcDeIAK", ""]), PINNED);
        let texts = [
            &["a", "b"][..],
            &["ab"],
            &["a", "b", ""],
            &["", "ab"],
            &["b", "a"],
            &["a\0", "b"],
            &["12345678", "9"],
            &["123456789"],
        ];
        let keys: std::collections::BTreeSet<u64> = texts.iter().map(|texts| key(texts)).collect();
        assert_eq!(keys.len(), texts.len());
        assert_ne!(Key::EMPTY.number(None).value(), Key::EMPTY.number(Some(0)).value());
    }

    /// Ledgers on disk hold keys made by this function.
    const PINNED: u64 = 16_844_865_369_430_175_256;
}
