//! Ids: one spelling for one record, repaired where the shape allows and refused where it does not.

use std::borrow::Cow;

use memchr::memchr2;

use crate::systems::IdShape;

/// Characters of a Salesforce id without its case checksum.
pub const SHORT: usize = 15;

/// Why a cell is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoId {
    /// A spreadsheet turned it into a number in scientific notation; digits are lost.
    Scientific,
    /// Not the shape that the ids of this system have.
    Shape,
    /// 18 characters whose checksum does not fit.
    Checksum,
}

impl NoId {
    /// The reason, for a person.
    pub fn reason(self) -> &'static str {
        match self {
            NoId::Scientific => "a spreadsheet turned this id into a number and lost digits: export it again as text",
            NoId::Shape => "this is not an id of that system: export the column again",
            NoId::Checksum => "the last three characters of this id do not fit the others: it was altered",
        }
    }
}

/// An id in its one spelling. A Salesforce id of 15 characters gets its suffix; one of 18 whose case was
/// folded is repaired from it. A folded id of 15 characters cannot be told from another one and stays as it stands.
///
/// # Errors
/// Why it is none.
pub fn normalise(cell: &str, shape: IdShape) -> Result<Cow<'_, str>, NoId> {
    // Nearly all ids are as their system writes them, and only these shapes say so by themselves.
    if !matches!(shape, IdShape::Guid | IdShape::Number(_) | IdShape::Text) && is_whole(cell) {
        return Ok(Cow::Borrowed(cell));
    }
    let cell = cell.trim();
    if is_scientific(cell) {
        return Err(NoId::Scientific);
    }
    match shape {
        IdShape::Text => Ok(Cow::Borrowed(cell)),
        IdShape::Salesforce => salesforce(cell),
        IdShape::SalesforceOrGuid | IdShape::SalesforceOrText if looks_like_guid(cell) => guid(cell),
        IdShape::SalesforceOrGuid => salesforce(cell),
        IdShape::SalesforceOrText if looks_like_salesforce(cell) => salesforce(cell),
        IdShape::SalesforceOrText => Ok(Cow::Borrowed(cell)),
        IdShape::Guid => guid(cell),
        IdShape::Number(width) => number(cell, width),
    }
}

/// Whether a text looks like the id of a contact in a CRM: of Salesforce, or of Dynamics.
pub fn looks_like_contact(text: &str) -> bool {
    looks_like_salesforce(text) || looks_like_guid(text)
}

/// Whether a text has the groups of a GUID, with or without braces.
fn looks_like_guid(text: &str) -> bool {
    matches!(text.len(), 36 | 38) && guid(text).is_ok()
}

/// Whether a text has the length and the prefix of a contact's or lead's id.
fn looks_like_salesforce(text: &str) -> bool {
    matches!(text.len(), 15 | 18)
        && is_alphanumeric(text.as_bytes())
        && (text.starts_with("003") || text[..3].eq_ignore_ascii_case("00q"))
}

/// Whether there are only letters and digits: all are looked at, which takes less time than stopping at the first other.
fn is_alphanumeric(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |all, byte| all & byte.is_ascii_alphanumeric())
}

fn is_scientific(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some(at) = memchr2(b'E', b'e', bytes) else { return false };
    let Some((b'+' | b'-', exponent)) = bytes[at + 1..].split_first() else { return false };
    let digits = |bytes: &[u8]| !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
    digits(exponent) && bytes[..at].split(|byte| matches!(byte, b'.' | b',')).all(digits)
}

fn salesforce(id: &str) -> Result<Cow<'_, str>, NoId> {
    match (id.len(), id.as_bytes().first_chunk()) {
        (15 | 18, _) if !is_alphanumeric(id.as_bytes()) => Err(NoId::Shape),
        (15, Some(body)) => Ok(Cow::Owned(id.chars().chain(suffix(body).map(char::from)).collect())),
        (18, _) if is_whole(id) => Ok(Cow::Borrowed(id)),
        (18, _) => repair(id).map(Cow::Owned),
        _ => Err(NoId::Shape),
    }
}

/// Whether a text is an id of 18 characters whose checksum fits.
fn is_whole(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 18 && is_alphanumeric(bytes) && bytes.first_chunk().is_some_and(|body| suffix(body) == bytes[15..])
}

const SUFFIX_LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// The case checksum of 15 characters: for each run of five, bit j is set where character j is an upper-case letter.
fn suffix(id: &[u8; 15]) -> [u8; 3] {
    std::array::from_fn(|run| {
        let bit = |at: usize| usize::from(id[run * 5 + at].is_ascii_uppercase()) << at;
        SUFFIX_LETTERS[(0..5).fold(0, |bits, at| bits | bit(at))]
    })
}

/// Restores the case of an 18-character id that was folded to one case.
fn repair(id: &str) -> Result<String, NoId> {
    let folded = !id.bytes().any(|byte| byte.is_ascii_uppercase()) || !id.bytes().any(|byte| byte.is_ascii_lowercase());
    if !folded {
        return Err(NoId::Checksum);
    }
    let (body, checksum) = (id[..15].to_ascii_lowercase(), id[15..].to_ascii_uppercase());
    let mut body = body.into_bytes();
    for (run, letter) in body.chunks_mut(5).zip(checksum.bytes()) {
        let bits = SUFFIX_LETTERS.iter().position(|known| *known == letter).ok_or(NoId::Checksum)?;
        run.iter_mut().enumerate().filter(|(at, _)| bits >> at & 1 == 1).for_each(|(_, byte)| byte.make_ascii_uppercase());
    }
    let body = String::from_utf8(body).map_err(|_| NoId::Checksum)?;
    // A bit over a digit cannot be honoured: then the suffix belongs to another id.
    match body.as_bytes().first_chunk().map(suffix) {
        Some(suffix) if suffix == checksum.as_bytes() => Ok(body + &checksum),
        _ => Err(NoId::Checksum),
    }
}

fn guid(id: &str) -> Result<Cow<'_, str>, NoId> {
    let bare = id.trim_start_matches('{').trim_end_matches('}').to_ascii_lowercase();
    let groups: Vec<usize> = bare.split('-').map(str::len).collect();
    let hexadecimal = bare.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    if hexadecimal && groups == [8, 4, 4, 4, 12] { Ok(Cow::Owned(bare)) } else { Err(NoId::Shape) }
}

fn number(id: &str, width: usize) -> Result<Cow<'_, str>, NoId> {
    match id.len() <= width && !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(Cow::Owned(format!("{id:0>width$}"))),
        false => Err(NoId::Shape),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_in_one_spelling() {
        use IdShape::{Guid, Number, Salesforce, SalesforceOrGuid, SalesforceOrText, Text};
        // shape | cell | id
        for (shape, cell, id) in [
            (Salesforce, "a0D30000001n7Pi", Ok("a0D30000001n7PiEAI")),
            (Salesforce, "0067E0000028LZP", Ok("0067E0000028LZPQA2")),
            (Salesforce, "a0D30000001n7PiEAI", Ok("a0D30000001n7PiEAI")),
            (Salesforce, "a0d30000001n7pieai", Ok("a0D30000001n7PiEAI")),
            (Salesforce, "A0D30000001N7PIEAI", Ok("a0D30000001n7PiEAI")),
            (Salesforce, "a0D30000001n7PiEAA", Err(NoId::Checksum)),
            (Salesforce, "a0D30000001n7", Err(NoId::Shape)),
            (Salesforce, "a0D30000001n7-i", Err(NoId::Shape)),
            (SalesforceOrText, "ana@example.org", Ok("ana@example.org")),
            (SalesforceOrText, "0034x00000abcde", Ok("0034x00000abcdeAAA")),
            (SalesforceOrText, "0034x00000abcdeAAB", Err(NoId::Checksum)),
            (SalesforceOrText, "{0A1B2C3D-0000-4000-8000-00000000000F}", Ok("0a1b2c3d-0000-4000-8000-00000000000f")),
            (SalesforceOrText, "0A1B2C3D-0000-4000-8000-0000000000", Ok("0A1B2C3D-0000-4000-8000-0000000000")),
            (SalesforceOrGuid, "0A1B2C3D-0000-4000-8000-00000000000F", Ok("0a1b2c3d-0000-4000-8000-00000000000f")),
            (SalesforceOrGuid, "0034x00000abcde", Ok("0034x00000abcdeAAA")),
            (SalesforceOrGuid, "ana@example.org", Err(NoId::Shape)),
            (Guid, "{0A1B2C3D-0000-4000-8000-00000000000F}", Ok("0a1b2c3d-0000-4000-8000-00000000000f")),
            (Guid, "0A1B2C3D", Err(NoId::Shape)),
            (Number(10), "1234567", Ok("0001234567")),
            (Number(5), "1234567", Err(NoId::Shape)),
            (Text, " 0001234567 ", Ok("0001234567")),
            (Text, "1.23457E+11", Err(NoId::Scientific)),
            (Text, "1E5A", Ok("1E5A")),
        ] {
            assert_eq!(normalise(cell, shape), id.map(Cow::Borrowed), "{cell}");
        }
    }
}
