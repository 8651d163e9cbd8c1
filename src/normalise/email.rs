//! Addresses: one spelling for one mailbox, without folding dots or plus tags, which senders tell apart.

use std::borrow::Cow;

use email_address::{EmailAddress, Options};
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
    let mask = |word: &str| match word.rsplit_once('@') {
        Some((local, domain)) => format!("{}***@{domain}", local.chars().next().map(String::from).unwrap_or_default()),
        None => word.to_owned(),
    };
    text.split_inclusive(|c: char| c.is_whitespace() || ",;:|/<>()[]\"'".contains(c)).map(mask).collect()
}

/// Whether the bytes are a lower-case ASCII address of the usual form, which needs no more work: words of letters and
/// digits with one other character between any two, and letters alone behind the last dot. Anything that this refuses may
/// still be an address; anything that it takes is one (a test compares it with the crate).
fn is_plain(bytes: &[u8]) -> bool {
    // As long as the part before the `@` may be; so no label of the domain is too long either.
    let end = || bytes.iter().fold(LOCAL_START, |state, byte| STEPS[usize::from(*byte)] >> (state & 63));
    bytes.len() <= 64 && end() & 63 == LAST
}

// The states of an automaton over the bytes of an address. Each is the place of six bits in a row of STEPS, where its next
// state stands: a step is one shift, and waits for no memory.
/// Nothing can follow.
const NONE: u64 = 0;
/// Before the `@`, where a word begins.
const LOCAL_START: u64 = 6;
/// In a word before the `@`.
const LOCAL: u64 = 12;
/// In the domain, where a word begins that does not follow a dot.
const LABEL_START: u64 = 18;
/// In a label that cannot be the last.
const LABEL: u64 = 24;
/// Behind a dot.
const DOT: u64 = 30;
/// Behind a dot and one letter.
const LETTER: u64 = 36;
/// Behind a dot and letters: it may end here.
const LAST: u64 = 42;

const STATES: [u64; 8] = [NONE, LOCAL_START, LOCAL, LABEL_START, LABEL, DOT, LETTER, LAST];

const fn step(state: u64, byte: u8) -> u64 {
    match (state, byte) {
        (LOCAL_START | LOCAL, b'a'..=b'z' | b'0'..=b'9') => LOCAL,
        (LOCAL, b'.' | b'-' | b'_' | b'+') => LOCAL_START,
        (LOCAL, b'@') => LABEL_START,
        (DOT, b'a'..=b'z') => LETTER,
        (LETTER | LAST, b'a'..=b'z') => LAST,
        (LABEL_START | LABEL, b'a'..=b'z') => LABEL,
        (LABEL_START | LABEL | DOT | LETTER | LAST, b'0'..=b'9') => LABEL,
        (LABEL | LETTER | LAST, b'-') => LABEL_START,
        (LABEL | LETTER | LAST, b'.') => DOT,
        _ => NONE,
    }
}

/// By byte, the next state of every state.
const STEPS: [u64; 256] = {
    let mut steps = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut at = 0;
        while at < STATES.len() {
            steps[byte] |= step(STATES[at], byte as u8) << STATES[at];
            at += 1;
        }
        byte += 1;
    }
    steps
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
            ("Jo Doe <jo@example.org>", "Jo Doe <j***@example.org>"),
            ("ana@example.org;jo@example.org", "a***@example.org;j***@example.org"),
            ("003,\"jo.doe@example.org\",x", "003,\"j***@example.org\",x"),
            ("jo@doe@example.org", "j***@example.org"),
            ("@example.org", "***@example.org"),
            ("not a word", "not a word"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    #[test]
    fn usual_addresses_take_the_short_cut() {
        let (local, label) = ("x".repeat(64), "x".repeat(61));
        for (text, takes_it) in [
            ("ana@example.org", true),
            ("ana.b-c_d+e9@mail.ex-ample.9x.co", true),
            ("a@b.cd", true),
            (&format!("{}@example.org", &local[..52]), true),
            (&format!("{}@example.org", &local[..53]), false),
            (&format!("a@{label}.org"), false),
            ("Ana@example.org", false),
            ("ana@example.o", false),
            ("ana@example.o9", false),
            ("ana@example.or-g", false),
            ("ana@example.org.", false),
            ("ana@example", false),
            ("ana@.org", false),
            ("ana@-example.org", false),
            ("ana@example-.org", false),
            ("ana.@example.org", false),
            (".ana@example.org", false),
            ("ana..b@example.org", false),
            ("ana@bo@example.org", false),
            ("@example.org", false),
            ("", false),
        ] {
            assert_eq!(is_plain(text.as_bytes()), takes_it, "{text}");
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
