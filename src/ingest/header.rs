//! The header row: the first that some kind of export fits, found below preambles and blank lines.

use std::collections::HashMap;

use csv::StringRecord;

use super::delimited::HeadRow;
use super::limits::HEADER_DEPTH;
use super::table::{filled, trimmed};
use crate::systems::{Kind, fold_header};

/// The header row of a table.
#[derive(Debug)]
pub struct Header {
    /// Its position among the first rows.
    pub at: usize,
    /// Its headers, duplicates told apart.
    pub names: Vec<String>,
    /// The headers as they are compared.
    pub folded: Vec<String>,
    /// The same, where duplicates are one.
    pub alike: Vec<String>,
    /// Whether some kind has all its required columns there.
    pub fits: bool,
}

/// Finds the header: the first row where a kind has all required columns, else the first where it has them together with
/// the row above (cells that are merged over two rows stand in the upper one), else the first with two filled cells.
pub fn find<'k>(rows: &[HeadRow], kinds: impl Iterator<Item = &'k Kind> + Clone) -> Option<Header> {
    let rows = &rows[..rows.len().min(HEADER_DEPTH)];
    let single = || rows.iter().enumerate().map(|(at, row)| Header { fits: true, ..read(at, &row.cells) });
    let fits = |header: &Header, fallback: bool| {
        let mut kinds = kinds.clone().filter(|kind| kind.fallback == fallback);
        kinds.any(|kind| missing(kind, &header.folded).next().is_none())
    };
    single()
        .find(|header| fits(header, false))
        .or_else(|| {
            let merged = rows.windows(2).enumerate().map(|(at, pair)| merge(&pair[0].cells, &pair[1].cells, at + 1));
            merged.map(|header| Header { fits: true, ..header }).find(|header| fits(header, false))
        })
        // One column is enough for such a kind, but a lone cell above a table is no header.
        .or_else(|| single().find(|header| header.names.iter().filter(|name| !name.is_empty()).count() > 1 && fits(header, true)))
        .or_else(|| rows.iter().position(|row| filled(&row.cells).nth(1).is_some()).map(|at| read(at, &rows[at].cells)))
}

/// The required fields for which there is no header.
pub fn missing<'a>(kind: &'a Kind, folded: &'a [String]) -> impl Iterator<Item = crate::columns::Field> + 'a {
    kind.required.iter().copied().filter(|field| !kind.columns[field].iter().any(|header| folded.contains(&fold_header(header))))
}

/// The lower row, its blank cells filled from the upper one.
fn merge(upper: &StringRecord, lower: &StringRecord, at: usize) -> Header {
    let cells = (0..upper.len().max(lower.len())).map(|column| {
        let cell = |row: &StringRecord| row.get(column).map(trimmed).filter(|cell| !cell.is_empty()).map(str::to_owned);
        cell(lower).or_else(|| cell(upper)).unwrap_or_default()
    });
    read(at, &cells.collect())
}

/// A header without the number that [`read`] gives to a second column of one header.
pub fn without_number(header: &str) -> &str {
    let is_number = |text: &str| text.strip_suffix(')').is_some_and(|number| number.parse::<usize>().is_ok());
    header.rsplit_once(" (").filter(|(_, number)| is_number(number)).map_or(header, |(plain, _)| plain)
}

/// Of several columns with one header the first is the one that is meant; the others get a number.
fn read(at: usize, cells: &StringRecord) -> Header {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut header = Header { at, names: Vec::new(), folded: Vec::new(), alike: Vec::new(), fits: false };
    for cell in cells {
        let cell = trimmed(cell.trim_start_matches('\u{feff}'));
        let alike = fold_header(cell);
        let count = seen.entry(alike.clone()).or_default();
        *count += 1;
        let name = if *count == 1 || cell.is_empty() { cell.to_owned() } else { format!("{cell} ({count})") };
        header.folded.push(fold_header(&name));
        header.names.push(name);
        header.alike.push(alike);
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::delimited::head;
    use crate::systems::Systems;

    #[test]
    fn headers_are_found_below_preambles_and_told_apart() {
        let systems = Systems::built_in().unwrap();
        let kinds = || systems.profiles().iter().flat_map(|profile| &profile.kinds);
        // text | row, headers, fits
        for (text, expected) in [
            ("Id,Email,HasOptedOutOfEmail\n", Some((1, "Id Email HasOptedOutOfEmail", true))),
            (
                "Contacts,,\n\nAs of,2026-11-20,\n\"ID \",EMAIL, has_opted_out of email\n",
                Some((4, "ID EMAIL has_opted_out of email", true)),
            ),
            ("a,b\nc,d\n", Some((1, "a b", false))),
            ("Id,Person,\n,Email,HasOptedOutOfEmail\n", Some((2, "Id Email HasOptedOutOfEmail", true))),
            ("note\na,b\n", Some((2, "a b", false))),
            ("Id,Email,Email,HasOptedOutOfEmail,email\n", Some((1, "Id Email Email (2) HasOptedOutOfEmail email (3)", true))),
            ("note\n", None),
            ("", None),
        ] {
            let rows = head(text, b',');
            let found = find(&rows, kinds());
            let found = found.map(|header| (rows[header.at].row, header.names.join(" "), header.fits));
            assert_eq!(found, expected.map(|(row, names, fits)| (row, names.to_owned(), fits)), "{text:?}");
        }
    }
}
