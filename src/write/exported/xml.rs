//! As much of XML as it takes to leave rows out of a sheet: tags one by one, everything else byte for byte.

use std::io::{BufRead, Result};

/// A piece of a document: what stands before a tag, and the tag with its brackets.
#[derive(Clone, Debug, Default)]
pub struct Piece {
    bytes: Vec<u8>,
    tag: usize,
}

impl Piece {
    /// Reads the next piece; false at the end of the document.
    ///
    /// # Errors
    /// The document cannot be read on.
    pub fn next(&mut self, document: &mut impl BufRead) -> Result<bool> {
        self.bytes.clear();
        let read = document.read_until(b'>', &mut self.bytes)?;
        self.tag = self.bytes.iter().rposition(|byte| *byte == b'<').unwrap_or(self.bytes.len());
        Ok(read > 0)
    }

    /// Everything.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What stands before the tag.
    pub fn text(&self) -> &[u8] {
        &self.bytes[..self.tag]
    }

    /// The tag, empty at the end of the document.
    pub fn tag(&self) -> &[u8] {
        &self.bytes[self.tag..]
    }

    /// Whether it opens an element of that local name.
    pub fn opens(&self, name: &str) -> bool {
        !self.tag().starts_with(b"</") && local_name(self.tag()) == name.as_bytes()
    }

    /// Whether it ends an element of that local name, one without content included.
    pub fn ends(&self, name: &str) -> bool {
        local_name(self.tag()) == name.as_bytes() && (self.tag().starts_with(b"</") || self.is_empty())
    }

    /// Whether its element has no content.
    pub fn is_empty(&self) -> bool {
        self.tag().ends_with(b"/>")
    }
}

/// The name of a tag with its prefix, such as `x:row`.
pub fn full_name(tag: &[u8]) -> &[u8] {
    let start = tag.iter().position(|byte| !matches!(byte, b'<' | b'/')).unwrap_or(tag.len());
    let length = tag[start..].iter().position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'));
    &tag[start..start + length.unwrap_or(tag.len() - start)]
}

/// The prefix of a tag with its colon, empty where it has none.
pub fn prefix(tag: &[u8]) -> &[u8] {
    let name = full_name(tag);
    &name[..name.iter().position(|byte| *byte == b':').map_or(0, |at| at + 1)]
}

fn local_name(tag: &[u8]) -> &[u8] {
    &full_name(tag)[prefix(tag).len()..]
}

/// The value of an attribute; `id` also names one with a prefix, such as `r:id`.
pub fn attribute<'t>(tag: &'t [u8], name: &str) -> Option<&'t [u8]> {
    place(tag, name).map(|(start, end)| &tag[start..end])
}

/// The tag with another value of an attribute that it has.
pub fn with_attribute(tag: &[u8], name: &str, value: &str) -> Vec<u8> {
    match place(tag, name) {
        Some((start, end)) => [&tag[..start], value.as_bytes(), &tag[end..]].concat(),
        None => tag.to_vec(),
    }
}

/// The tag without an attribute.
pub fn without_attribute(tag: &[u8], name: &str) -> Vec<u8> {
    match place(tag, name) {
        // Before the value stand a space, the name, the equals sign and the quotation mark, after it the other mark.
        Some((start, end)) => [&tag[..start - name.len() - 3], &tag[end + 1..]].concat(),
        None => tag.to_vec(),
    }
}

fn place(tag: &[u8], name: &str) -> Option<(usize, usize)> {
    let mut at = full_name(tag).len() + 1;
    while at < tag.len() {
        let equals = at + tag[at..].iter().position(|byte| *byte == b'=')?;
        let quote = equals + 1 + tag[equals + 1..].iter().position(|byte| matches!(byte, b'"' | b'\''))?;
        let end = quote + 1 + tag[quote + 1..].iter().position(|byte| *byte == tag[quote])?;
        let key = tag[at..equals].trim_ascii();
        let bare = key.rsplit(|byte| *byte == b':').next().unwrap_or(key);
        if key == name.as_bytes() || (name == "id" && bare == name.as_bytes()) {
            return Some((quote + 1, end));
        }
        at = end + 1;
    }
    None
}

/// A text as it stands between tags.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_told_apart_and_changed() {
        let mut document = &b"<x:row r=\"17\" spans='1:3'><c r=\"A17\" t=\"s\"><v>4</v></c></x:row>"[..];
        let mut piece = Piece::default();
        assert!(piece.next(&mut document).unwrap() && piece.opens("row") && !piece.is_empty());
        let tag = piece.tag().to_vec();
        assert_eq!((attribute(&tag, "r"), prefix(&tag)), (Some(&b"17"[..]), &b"x:"[..]));
        assert_eq!(with_attribute(&tag, "r", "2"), b"<x:row r=\"2\" spans='1:3'>");
        assert_eq!(without_attribute(&tag, "r"), b"<x:row spans='1:3'>");
        assert_eq!(attribute(b"<sheet name=\"a\" r:id=\"rId1\"/>", "id"), Some(&b"rId1"[..]));
        let mut all = tag;
        while piece.next(&mut document).unwrap() {
            all.extend_from_slice(piece.bytes());
            if piece.tag() == b"</v>" {
                assert_eq!(piece.text(), b"4");
            }
        }
        assert!(all.ends_with(b"<c r=\"A17\" t=\"s\"><v>4</v></c></x:row>"));
    }
}
