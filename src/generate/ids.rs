//! Keys that look real: each the image of a counter under a map that meets no value twice.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECKS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// Six digits of base 62.
const SERIALS: u64 = 62_u64.pow(6);
/// Nine decimal digits.
const CONSTITUENTS: u64 = 1_000_000_000;

/// The most individuals that a workspace can hold, so that no key wraps round.
pub const MOST: u64 = CONSTITUENTS;

/// A Salesforce id of 18 characters, its checksum right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SalesforceId([u8; 18]);

impl SalesforceId {
    /// The id of a record whose prefix is that of its object, from a serial number below 62^6.
    fn new(prefix: &[u8; 3], serial: u64) -> SalesforceId {
        let mut id = *b"000Hs0000000000AAA";
        id[..3].copy_from_slice(prefix);
        let mut rest = serial;
        for at in (9..15).rev() {
            id[at] = DIGITS[(rest % 62) as usize];
            rest /= 62;
        }
        let suffix = suffix(&id[..15]);
        id[15..].copy_from_slice(&suffix);
        SalesforceId(id)
    }

    /// All 18 characters.
    pub fn full(&self) -> &str {
        std::str::from_utf8(&self.0).expect("ids are ASCII")
    }

    /// The 15 characters that a report shows.
    pub fn short(&self) -> &str {
        &self.full()[..15]
    }
}

/// The checksum of the letters' case: one character for each run of five.
pub fn suffix(short: &[u8]) -> [u8; 3] {
    std::array::from_fn(|run| {
        let upper = |at: usize| usize::from(short[run * 5 + at].is_ascii_uppercase()) << at;
        CHECKS[(0..5).map(upper).sum::<usize>()]
    })
}

/// Where the maps begin, so that another seed gives other keys.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    /// Any number.
    pub offset: u64,
}

impl Keys {
    /// The id of the nth individual as a contact.
    pub fn contact(self, n: u64) -> SalesforceId {
        SalesforceId::new(b"003", self.serial(n))
    }

    /// The id of the nth individual as a lead.
    pub fn lead(self, n: u64) -> SalesforceId {
        SalesforceId::new(b"00Q", self.serial(n))
    }

    /// The factors are prime to the moduli, so no two numbers below them meet.
    fn serial(self, n: u64) -> u64 {
        (n % SERIALS * 17_179_869_143 % SERIALS + self.offset % SERIALS) % SERIALS
    }

    /// The constituent id of the nth individual: ten digits, zeros in front.
    pub fn constituent(self, n: u64) -> ConstituentId {
        ConstituentId((n % CONSTITUENTS * 618_033_989 + self.offset % CONSTITUENTS) % CONSTITUENTS)
    }
}

/// A constituent id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConstituentId(u64);

impl ConstituentId {
    /// As the exports write it.
    pub fn text(self) -> String {
        format!("{:010}", self.0)
    }

    /// The same, straight into a row.
    pub fn write(self, row: &mut Vec<u8>) {
        let mut digits = [b'0'; 10];
        let mut rest = self.0;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        row.extend_from_slice(&digits);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn checksums_are_those_of_known_ids() {
        // 15 characters | suffix
        for (short, expected) in [("a0D30000001n7Pi", "EAI"), ("0067E0000028LZP", "QA2")] {
            assert_eq!(suffix(short.as_bytes()), expected.as_bytes());
        }
    }

    #[test]
    fn no_key_comes_twice() {
        let keys = Keys { offset: 987_654_321_987 };
        let ids: HashSet<_> = (0..200_000).map(|n| keys.contact(n).full().to_owned()).collect();
        let constituents: HashSet<_> = (0..200_000).map(|n| keys.constituent(n).text()).collect();
        assert_eq!((ids.len(), constituents.len()), (200_000, 200_000));
    }
}
