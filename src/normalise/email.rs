//! Addresses: one spelling for one mailbox, without folding dots or plus tags, which senders tell apart.

use std::borrow::Cow;

use email_address::{EmailAddress, Options};
use memchr::{memchr, memrchr};
use unicode_normalization::UnicodeNormalization;

/// Why a cell is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAddress {
    /// Not the syntax of an address.
    Invalid,
    /// More than one address in the cell.
    Several,
}

/// An address in its one spelling: trimmed, `mailto:` and angle brackets off, invisible characters off,
/// NFKC, lower case.
///
/// # Errors
/// What the cell is instead.
pub fn normalise(cell: &str) -> Result<Cow<'_, str>, NoAddress> {
    if is_plain(cell.as_bytes()) {
        return Ok(Cow::Borrowed(cell));
    }
    let cleaned = clean(cell);
    if is_plain(cleaned.as_bytes()) {
        return Ok(Cow::Owned(cleaned));
    }
    let addresses = cleaned.split([';', ',', ' ', '\n', '|', '/']).filter(|part| part.contains('@')).count();
    let options = Options::default().with_required_tld().without_display_text().without_domain_literal();
    match EmailAddress::parse_with_options(&cleaned, options) {
        Ok(_) if !cleaned.contains('"') => Ok(Cow::Owned(cleaned)),
        _ if addresses > 1 || cleaned.matches('@').count() > 1 => Err(NoAddress::Several),
        _ => Err(NoAddress::Invalid),
    }
}

/// A text with its addresses masked, as terminals and logs show it: `j***@example.org`.
pub fn masked(text: &str) -> String {
    let mask = |word: &str| match word.split_once('@') {
        Some((local, domain)) => format!("{}***@{domain}", local.chars().next().map(String::from).unwrap_or_default()),
        None => word.to_owned(),
    };
    text.split(' ').map(mask).collect::<Vec<_>>().join(" ")
}

/// Whether the bytes are a lower-case ASCII address of the usual form, which needs no more work. Anything
/// that this refuses may still be an address; anything that it takes is one (a test compares it with the crate).
fn is_plain(bytes: &[u8]) -> bool {
    let Some(at) = memchr(b'@', bytes) else { return false };
    let (local, domain) = (&bytes[..at], &bytes[at + 1..]);
    let Some(dot) = memrchr(b'.', domain) else { return false };
    // Words with one other character between any two of them.
    let words = |part: &[u8], between: u8| {
        let mut in_word = false;
        let fits = part.iter().all(|byte| {
            let class = CLASSES[usize::from(*byte)];
            let fits = class & WORD != 0 || in_word && class & between != 0;
            in_word = class & WORD != 0;
            fits
        });
        fits && in_word
    };
    (1..=64).contains(&local.len())
        && (4..=190).contains(&domain.len())
        && domain.len() - dot > 2
        && domain[dot + 1..].iter().all(u8::is_ascii_lowercase)
        && words(local, IN_LOCAL)
        && words(domain, IN_DOMAIN)
        && (domain.len() <= 63 || domain.split(|byte| *byte == b'.').all(|label| label.len() <= 63))
}

/// What a byte may be in an address of the usual form: a part of a word, or between two words.
const WORD: u8 = 1;
const IN_LOCAL: u8 = 2;
const IN_DOMAIN: u8 = 4;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        classes[byte as usize] = match byte {
            b'a'..=b'z' | b'0'..=b'9' => WORD,
            b'.' | b'-' => IN_LOCAL | IN_DOMAIN,
            b'_' | b'+' => IN_LOCAL,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

fn clean(cell: &str) -> String {
    let visible: String = cell
        .chars()
        .filter(|c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}'))
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .nfkc()
        .flat_map(char::to_lowercase)
        .collect();
    let mut text = visible.trim();
    if let (Some(open), true) = (text.rfind('<'), text.ends_with('>')) {
        text = text[open + 1..text.len() - 1].trim();
    }
    text.strip_prefix("mailto:").unwrap_or(text).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_come_in_one_spelling() {
        // cell | address
        for (cell, address) in [
            ("ana@example.org", "ana@example.org"),
            (" Ana.Example@Example.ORG ", "ana.example@example.org"),
            ("mailto:ana@example.org", "ana@example.org"),
            ("<ana@example.org>", "ana@example.org"),
            ("Ana Example <Ana@example.org>", "ana@example.org"),
            ("ana\u{200b}@example.org\u{a0}", "ana@example.org"),
            ("ａｎａ@example.org", "ana@example.org"),
            ("ana+news@example.org", "ana+news@example.org"),
            ("o'brien@example.org", "o'brien@example.org"),
            ("josé@example.org", "josé@example.org"),
        ] {
            assert_eq!(normalise(cell).as_deref(), Ok(address), "{cell}");
        }
    }

    #[test]
    fn what_is_no_address_says_what_it_is() {
        use NoAddress::{Invalid, Several};
        for (cell, what) in [
            ("ana.example.org", Invalid),
            ("ana@localhost", Invalid),
            ("ana@example", Invalid),
            ("@example.org", Invalid),
            ("ana@", Invalid),
            ("ana example@example.org", Invalid),
            ("ana@[127.0.0.1]", Invalid),
            ("none", Invalid),
            ("ana@example.org; bo@example.org", Several),
            ("ana@example.org,bo@example.org", Several),
            ("ana@bo@example.org", Several),
        ] {
            assert_eq!(normalise(cell), Err(what), "{cell}");
        }
    }

    #[test]
    fn addresses_are_masked_and_other_words_are_not() {
        for (text, shown) in [
            ("jo.doe@example.org", "j***@example.org"),
            ("Jo Doe <jo@example.org>", "Jo Doe <***@example.org>"),
            ("@example.org", "***@example.org"),
            ("not a word", "not a word"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    proptest! {
        #[test]
        fn the_short_cut_takes_only_what_the_crate_takes(text in "[a-z0-9._+@-]{1,20}@[a-z0-9.-]{1,20}") {
            if is_plain(text.as_bytes()) {
                let options = Options::default().with_required_tld().without_display_text().without_domain_literal();
                prop_assert!(EmailAddress::parse_with_options(&text, options).is_ok(), "{text}");
            }
        }

        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC{0,30}") {
            if let Ok(once) = normalise(&text) {
                prop_assert_eq!(normalise(&once), Ok(Cow::Borrowed(&*once)));
            }
        }
    }
}
