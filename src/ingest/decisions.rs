//! The folder `decisions/` to rows of text: reviewers' decisions and exceptions, as people fill them in.
//!
//! One [`PaperRow`] is one filled row of a sheet or a CSV file. Workbooks go through the same reader as exports.
//! Invariant: every file that is looked at is read, refused with a reason, or left out with a word.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow, bail};
use csv::StringRecord;

use super::decode::{self, Format};
use super::delimited::{DELIMITERS, Dialect, Place, Records};
use super::inbox::{Concern, Found, walk};
use super::limits::{HEADER_DEPTH, MAX_PAPER_BYTES, MAX_PAPER_ROWS};
use super::spreadsheet::{Head, Workbook};
use crate::hash::sha256;
use crate::systems::fold_header;

/// What a sheet holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    /// Reviewers' decisions: it goes to the archive once it has been read.
    Decisions,
    /// The list of exceptions: it stays where it is.
    Exceptions,
}

impl Paper {
    /// The headers without which a sheet is none.
    fn required(self) -> &'static [&'static str] {
        match self {
            Paper::Decisions => &["decision", "key"],
            Paper::Exceptions => &["who", "rule", "owner", "until"],
        }
    }
}

/// One filled row.
#[derive(Clone, Debug)]
pub struct PaperRow {
    /// What its sheet holds.
    pub paper: Paper,
    /// Path below `decisions/`.
    pub file: String,
    /// The sheet, empty for text.
    pub sheet: String,
    /// Row of the sheet, or line of the text; 1 is the first.
    pub row: u32,
    /// Its cells by folded header.
    cells: BTreeMap<String, String>,
}

impl PaperRow {
    /// The cell below a header, empty where it is blank.
    pub fn get(&self, header: &str) -> &str {
        self.cells.get(&fold_header(header)).map(|cell| cell.trim()).unwrap_or_default()
    }
}

/// One file of the folder.
#[derive(Clone, Debug)]
pub struct PaperFile {
    /// Path below `decisions/`.
    pub file: String,
    /// The file on disk.
    pub path: PathBuf,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// What it holds; none where it was refused.
    pub paper: Option<Paper>,
    /// Why it was refused.
    pub refused: Option<String>,
}

/// All that the folder holds.
#[derive(Clone, Debug, Default)]
pub struct Papers {
    /// The files that were read or refused, in order of their path.
    pub files: Vec<PaperFile>,
    /// Their rows.
    pub rows: Vec<PaperRow>,
}

/// Reads the folder; there need not be one.
///
/// # Errors
/// The folder is there and cannot be listed.
pub fn read_papers(folder: &Path, settle: Duration, now: SystemTime) -> Result<Papers> {
    let mut papers = Papers::default();
    if !folder.is_dir() {
        return Ok(papers);
    }
    for found in walk(folder, settle, now)? {
        let mut file =
            PaperFile { file: found.file.clone(), path: found.path.clone(), sha256: String::new(), paper: None, refused: None };
        let paper = paper_of(found.name());
        let read = match &found.concern {
            Concern::Skip(_) => continue,
            Concern::Broken(why) => Err(anyhow!(why.clone())),
            Concern::Read if is_note(found.name()) => continue,
            Concern::Read => read_file(&found, paper, &mut file),
        };
        match read {
            Ok(Some(rows)) => {
                file.paper = Some(paper);
                papers.rows.extend(rows);
            }
            // A spreadsheet program saves a sheet under this ending too; what has no table is a note.
            Ok(None) if found.name().to_lowercase().ends_with(".txt") => continue,
            Ok(None) => file.refused = Some(no_table(paper).to_owned()),
            Err(why) => file.refused = Some(format!("{why:#}")),
        }
        papers.files.push(file);
    }
    Ok(papers)
}

fn is_note(name: &str) -> bool {
    let name = name.to_lowercase();
    name.starts_with("readme") || name.ends_with(".md")
}

/// The list of exceptions is known by its name, so that a copy in a run's workbook is none.
fn paper_of(name: &str) -> Paper {
    if name.to_lowercase().starts_with("exceptions") { Paper::Exceptions } else { Paper::Decisions }
}

/// The filled rows of a file; none where it has no table.
fn read_file(found: &Found, paper: Paper, file: &mut PaperFile) -> Result<Option<Vec<PaperRow>>> {
    if found.bytes > MAX_PAPER_BYTES {
        bail!("it has more than {} MB: drop only the sheet with the decisions", MAX_PAPER_BYTES >> 20);
    }
    let bytes =
        fs::read(&found.path).map_err(|error| anyhow!("could not be read ({error}): give this account the right to read it"))?;
    file.sha256 = sha256(&bytes);
    match decode::format(&bytes[..bytes.len().min(1 << 16)], Cursor::new(&bytes)) {
        Format::Text => text(&bytes, paper, &found.file),
        Format::Workbook(_) => workbook(&bytes, paper, &found.file),
        Format::Other("empty", _) => Ok(None),
        _ => bail!("it is neither a workbook nor CSV: save it as XLSX or CSV"),
    }
}

fn text(bytes: &[u8], paper: Paper, file: &str) -> Result<Option<Vec<PaperRow>>> {
    let decoded = decode::decode(bytes);
    for (delimiter, _) in DELIMITERS {
        let mut records = Records::new(Dialect::new(&decoded.text, delimiter), Place::default());
        let mut sheet = Sheet::new(paper, file, "");
        while records.read() {
            let row = records.row().context("it has too many lines: split it")?;
            if sheet.headers.as_ref().is_some_and(|headers| records.swallowed_rows(headers.len())) {
                bail!("row {row}: a quotation mark is opened and not closed, which would hide the rows below: put it right");
            }
            sheet.push(row, &StringRecord::from(records.cells().into_owned()))?;
        }
        if sheet.headers.is_some() {
            return Ok(Some(sheet.rows));
        }
    }
    Ok(None)
}

/// The rows of all its sheets that have the columns: a reviewer may have copied one.
fn workbook(bytes: &[u8], paper: Paper, file: &str) -> Result<Option<Vec<PaperRow>>> {
    let (workbook, heads) = Workbook::open(bytes)?;
    let has_table =
        |rows: &[(u32, StringRecord)]| rows.iter().take(HEADER_DEPTH).any(|(_, cells)| headers(cells, paper).is_some());
    let tables: Vec<&Head> = heads.iter().filter(|head| has_table(&head.rows)).collect();
    if let Some(Head { name, .. }) = tables.iter().find(|head| head.is_hidden) {
        bail!("its sheet `{name}` has the columns of decisions and is hidden: show it, or delete it");
    }
    let (mut rows, mut opened) = (Vec::new(), Some(workbook));
    for Head { name, .. } in &tables {
        let workbook = opened.take().map_or_else(|| Workbook::open(bytes).map(|(again, _)| again), Ok)?;
        let mut sheet = Sheet::new(paper, file, name);
        workbook.read(name, |row, cells| sheet.push(row, &cells))?;
        rows.append(&mut sheet.rows);
    }
    Ok((!tables.is_empty()).then_some(rows))
}

/// Whether it is the header of a sheet that reviewers fill in.
pub fn is_of_review(cells: &StringRecord) -> bool {
    headers(cells, Paper::Decisions).is_some()
}

fn no_table(paper: Paper) -> &'static str {
    match paper {
        Paper::Decisions => {
            "no sheet has the columns Decision and Key: drop the workbook of a run with its sheet Needs review filled in, or that \
             sheet saved as CSV"
        }
        Paper::Exceptions => "no row names the columns who, rule, owner, until and reason",
    }
}

/// A sheet as its rows come.
struct Sheet<'a> {
    paper: Paper,
    file: &'a str,
    name: &'a str,
    seen: usize,
    headers: Option<Vec<String>>,
    rows: Vec<PaperRow>,
}

impl<'a> Sheet<'a> {
    fn new(paper: Paper, file: &'a str, name: &'a str) -> Sheet<'a> {
        Sheet { paper, file, name, seen: 0, headers: None, rows: Vec::new() }
    }

    fn push(&mut self, row: u32, cells: &StringRecord) -> Result<()> {
        self.seen += 1;
        let Some(names) = &self.headers else {
            if self.seen <= HEADER_DEPTH {
                self.headers = headers(cells, self.paper);
            }
            return Ok(());
        };
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return Ok(());
        }
        if self.rows.len() >= MAX_PAPER_ROWS {
            bail!("it has more than {MAX_PAPER_ROWS} rows: split it");
        }
        let cells = names.iter().zip(cells.iter()).filter(|(name, _)| !name.is_empty());
        let cells = cells.map(|(name, cell)| (name.clone(), cell.to_owned())).collect();
        self.rows.push(PaperRow { paper: self.paper, file: self.file.to_owned(), sheet: self.name.to_owned(), row, cells });
        Ok(())
    }
}

/// The folded headers of a row that has all that are required.
fn headers(cells: &StringRecord, paper: Paper) -> Option<Vec<String>> {
    let names: Vec<String> = cells.iter().map(fold_header).collect();
    paper.required().iter().all(|header| names.iter().any(|name| *name == fold_header(header))).then_some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_mark_without_an_end_hides_no_row() {
        let folder = tempfile::tempdir().unwrap();
        let text = "Decision,Decided by,Key\nopt out,Maria,[1]\nopt out,\"Maria,[2]\nopt out,Maria,[3]\n";
        fs::write(folder.path().join("a.csv"), text).unwrap();
        fs::write(folder.path().join("b.csv"), "Decision,Reason,Key\nopt out,\"by letter,\nthen by phone\",[1]\n").unwrap();
        let papers = read_papers(folder.path(), Duration::ZERO, SystemTime::now()).unwrap();
        assert!(papers.files[0].refused.as_ref().unwrap().starts_with("row 3: a quotation mark"), "{:?}", papers.files[0]);
        let rows: Vec<(&str, &str)> = papers.rows.iter().map(|row| (row.file.as_str(), row.get("Reason"))).collect();
        assert_eq!(rows, [("b.csv", "by letter,\nthen by phone")]);
    }

    #[test]
    fn rows_are_found_in_any_dialect_below_a_title() {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in [
            ("a.csv", "Needs review\n\nDecision;Decided by;Key\nopt out;Maria;[1]\n;;\n;;[2]\n"),
            ("exceptions.csv", "who,rule,owner,until,reason\nana@example.org,*,Maria,2027-01-01,\"board, by hand\"\n"),
            ("notes.csv", "a,b\n1,2\n"),
            ("README.md", "# no table\n"),
            ("~$a.xlsx", "lock"),
        ] {
            fs::write(folder.path().join(file), text).unwrap();
        }
        let papers = read_papers(folder.path(), Duration::ZERO, SystemTime::now()).unwrap();
        let said: Vec<(&str, Option<Paper>)> = papers.files.iter().map(|file| (file.file.as_str(), file.paper)).collect();
        assert_eq!(said, [("a.csv", Some(Paper::Decisions)), ("exceptions.csv", Some(Paper::Exceptions)), ("notes.csv", None)]);
        assert!(papers.files[2].refused.as_ref().unwrap().contains("Needs review"));
        let rows: Vec<(u32, &str, &str)> = papers.rows.iter().map(|row| (row.row, row.get("Decision"), row.get("Key"))).collect();
        assert_eq!(rows, [(4, "opt out", "[1]"), (6, "", "[2]"), (2, "", "")]);
        assert_eq!(papers.rows[2].get("Reason"), "board, by hand");
        assert!(read_papers(&folder.path().join("none"), Duration::ZERO, SystemTime::now()).unwrap().files.is_empty());
    }
}
