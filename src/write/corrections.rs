//! Correction files, their undo files, and what stands in them.
//!
//! One row of a file is one record. Only records that exist, only fields that change, sorted by key, no
//! formula, no blank line, no empty cell where the system would read one as "no change".

mod filling;
mod list_files;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use foldhash::HashSet;
use rayon::prelude::*;

use crate::classify::World;
use crate::columns::{Opt, Purpose};
use crate::decide::{Correction, Decided, files_for};
use crate::ingest::FileReport;
use crate::normalise::{Facts, col};
use crate::systems::{CorrectionFile, Reloadable, fold_header};
use crate::write::csv_file::{self, CsvFile, Reader};
use crate::write::{exported, workbook};

pub(super) use filling::effective;
use filling::{Filling, columns};
use list_files::ListFiles;

/// Where the undo files of what is held wait for its release.
const HELD_UNDO: &str = "held/undo/";

/// One file for a system, ready to be written.
#[derive(Debug)]
pub struct ImportFile {
    /// Its path below the run folder.
    pub path: String,
    /// The position of its system.
    pub system: usize,
    /// What it is, for the title of a sheet.
    pub title: String,
    /// Its header.
    pub header: Vec<String>,
    /// Its rows, sorted by key.
    pub rows: Vec<Vec<String>>,
    quoted: bool,
    bom: bool,
    /// The exported workbook with these rows alone, where that is what is loaded.
    workbook: Option<Vec<u8>>,
}

impl ImportFile {
    /// Whether it restores what another file changes.
    pub fn is_undo(&self) -> bool {
        self.path.starts_with("undo/") || self.path.starts_with(HELD_UNDO)
    }
}

/// One row of `corrections.csv`: a record and field.
#[derive(Debug)]
pub struct FieldChange<'a> {
    /// The system's name.
    pub target: &'a str,
    /// The file, below the run folder.
    pub file: Arc<str>,
    /// Its line there, the header being 1.
    pub row: u32,
    /// The record.
    pub record: &'a str,
    /// The target's own header.
    pub field: &'a str,
    /// The value before, in the target's own words.
    pub before: String,
    /// The value after.
    pub after: String,
    /// The rules that ask for it.
    pub rules: String,
    /// Why.
    pub why: &'a str,
}

/// The records of one file, each with its corrections and the entry of the profile that says how they are written.
type Rows<'a> = BTreeMap<u32, Vec<(&'a CorrectionFile, &'a Correction)>>;

/// The rows of all files, by system, name and whether they are held.
type ByFile<'a> = BTreeMap<(usize, Cow<'a, str>, bool), Rows<'a>>;

/// All files of a run, and each change in them.
///
/// # Errors
/// An exported workbook that is to go back is gone or cannot be cut.
pub(super) fn files<'a>(
    decided: &'a Decided,
    world: &'a World<'a>,
    facts: &'a Facts<'a>,
) -> Result<(Vec<ImportFile>, Vec<FieldChange<'a>>)> {
    let by_file = by_file(decided, world, facts);
    let by_address = Arc::new(world.matched.by_address_alone()?);
    let (mut files, mut changes) = (Vec::new(), Vec::new());
    let of_rows: BTreeSet<(usize, Cow<'_, str>, bool)> = by_file.keys().cloned().collect();
    for ((system, name, held), rows) in by_file {
        let fillings = fillings(&rows, world, facts, &by_address);
        let Some(Filling { spec, profile, columns, .. }) = fillings.values().next() else { continue };
        let filled = fill(&rows, &fillings, facts);
        let header: Vec<String> = columns.iter().map(|column| column.header.to_owned()).collect();
        let mut purposes: Vec<String> = fillings.keys().map(|(purpose, _)| purpose.word().replace('_', " ")).collect();
        purposes.dedup();
        let title = format!("{}: {}", profile.title, purposes.join(", "));
        let file = |path: String, title: &str, rows: Vec<Vec<String>>, workbook| ImportFile {
            path,
            system,
            title: title.to_owned(),
            header: header.clone(),
            rows,
            quoted: spec.quote_all,
            bom: spec.bom,
            workbook,
        };
        let folder = if held { "held" } else { "corrections" };
        let parts = parts(&filled, &name, world, facts)?;
        let (mut rows, mut undo_rows) = (filled.rows.into_iter(), filled.undone.into_iter());
        let mut filled_in = filled.changes.into_iter().peekable();
        let (mut from, mut undone) = (0, Vec::new());
        for (at, part) in parts.into_iter().enumerate() {
            let path = format!("{folder}/{}", numbered(&name, at));
            let shared: Arc<str> = path.as_str().into();
            let until = from + part.rows;
            undone.extend(undo_file(undo_rows.by_ref().take(part.rows)).map(|rows| (at, rows)));
            while let Some((row, change)) = filled_in.next_if(|(row, _)| *row < until) {
                let row = part.first_row + (row - from) as u32;
                changes.push(FieldChange { file: shared.clone(), row, ..change });
            }
            files.push(file(path, &title, rows.by_ref().take(part.rows).collect(), part.workbook));
            from = until;
        }
        // A workbook that was loaded once is refused: its rows have changed since.
        let undo = if is_workbook(spec, &name) { spec.file.as_str() } else { &*name };
        let clashes = is_workbook(spec, &name) && of_rows.contains(&(system, spec.file.as_str().into(), held));
        for (at, rows) in undone {
            let (folder, undo) = (if held { HELD_UNDO } else { "undo/" }, numbered(undo, at));
            let undo = if clashes { undo_of_workbook(&undo) } else { undo };
            files.push(file(format!("{folder}{undo}"), &format!("{title}, undo"), rows, None));
        }
    }
    Ok((files, changes))
}

/// Which corrections go into which file.
fn by_file<'a>(decided: &'a Decided, world: &'a World<'a>, facts: &Facts<'a>) -> ByFile<'a> {
    let mut by_file = ByFile::new();
    let names = ListFiles::of(decided, facts);
    for ((record, purpose), correction) in &decided.corrections {
        for spec in files_for(facts, *record, *purpose) {
            let name = reloadable(spec, &world.files[facts.input(*record)])
                .map_or_else(|| names.name(spec, *record, facts), |workbook| workbook.file.as_str().into());
            let rows = by_file.entry((facts.system(*record), name, correction.held.is_some())).or_default();
            rows.entry(*record).or_default().push((spec, correction));
        }
    }
    by_file
}

/// The rows of one file as they are to be loaded.
#[derive(Default)]
struct Filled<'a> {
    rows: Vec<Vec<String>>,
    /// The record of each row.
    records: Vec<u32>,
    /// The row that restores what was there, for each; none where it cannot be given back.
    undone: Vec<Option<Vec<String>>>,
    /// What changes, with the position of its row.
    changes: Vec<(usize, FieldChange<'a>)>,
}

fn fill<'a>(rows: &Rows<'a>, fillings: &Fillings<'a>, facts: &Facts<'_>) -> Filled<'a> {
    let mut sorted: Vec<(&u32, &Vec<(&'a CorrectionFile, &'a Correction)>)> = rows.iter().collect();
    sorted.par_sort_by_cached_key(|(record, _)| (facts.name(**record), facts.text(col::UNIT, **record)));
    let row = |(record, corrections): (&u32, &Vec<(&'a CorrectionFile, &'a Correction)>)| {
        let parts: Vec<(&Filling<'a>, &'a Correction)> = corrections
            .iter()
            .map(|(spec, correction)| (&fillings[&(spec.purpose, spec.kinds.as_slice())], *correction))
            .collect();
        let changes: Vec<FieldChange<'a>> =
            parts.iter().flat_map(|(filling, correction)| filling.changes(*record, correction)).collect();
        (*record, merged(&parts, *record), undo(&parts, *record), changes)
    };
    let made: Vec<_> = sorted.into_par_iter().map(row).collect();
    let mut filled = Filled::default();
    for (record, cells, undo, changes) in made {
        if filled.rows.last() != Some(&cells) {
            filled.rows.push(cells);
            filled.records.push(record);
            filled.undone.push(undo);
        }
        let row = filled.rows.len() - 1;
        for change in changes {
            // Two memberships of one address are one row, and one change.
            let same = |known: &FieldChange<'_>| {
                (known.record, known.field, &known.before, &known.after)
                    == (change.record, change.field, &change.before, &change.after)
            };
            let of_row = filled.changes.iter().rev().take_while(|(at, _)| *at == row);
            if !of_row.map(|(_, known)| known).any(same) {
                filled.changes.push((row, change));
            }
        }
    }
    filled
}

/// A file of one name, or of several numbered ones.
struct Part {
    first_row: u32,
    rows: usize,
    workbook: Option<Vec<u8>>,
}

/// The files that rows become: one, or the exported workbook cut down to them, in as many as its system takes.
fn parts(filled: &Filled<'_>, name: &str, world: &World<'_>, facts: &Facts<'_>) -> Result<Vec<Part>> {
    let whole = || vec![Part { first_row: 2, rows: filled.rows.len(), workbook: None }];
    let Some(record) = filled.records.first() else { return Ok(whole()) };
    let input = &world.files[facts.input(*record)];
    if !facts.profile(*record).corrections.iter().any(|file| is_workbook(file, name)) {
        return Ok(whole());
    }
    let mut changes: Vec<exported::Change> = filled.records.iter().map(|record| (facts.row(*record), Vec::new())).collect();
    for (row, change) in &filled.changes {
        changes[*row].1.push((change.field.to_owned(), change.after.clone()));
    }
    let parts = exported::cut(input, &changes)
        .with_context(|| format!("{} could not be made ready to be loaded again: export it again, or as CSV", input.file))?;
    Ok(parts.into_iter().map(|part| Part { first_row: part.first_row, rows: part.rows, workbook: Some(part.bytes) }).collect())
}

/// The rows that restore some records; none where none can be given back.
fn undo_file(rows: impl Iterator<Item = Option<Vec<String>>>) -> Option<Vec<Vec<String>>> {
    let rows: Vec<Vec<String>> = rows.flatten().collect();
    (!rows.is_empty()).then_some(rows)
}

/// What undoes a workbook where a file of rows of the same name is undone too.
pub(crate) fn undo_of_workbook(file: &str) -> String {
    match file.rsplit_once('.') {
        Some((stem, ending)) => format!("{stem}_workbook.{ending}"),
        None => format!("{file}_workbook"),
    }
}

/// Whether a file of that name is the exported workbook that goes back to its system.
fn is_workbook(spec: &CorrectionFile, name: &str) -> bool {
    spec.workbook.as_ref().is_some_and(|workbook| workbook.file == name)
}

/// The workbook that goes back to its system, where the export is one.
fn reloadable<'a>(spec: &'a CorrectionFile, input: &FileReport) -> Option<&'a Reloadable> {
    let workbook = spec.workbook.as_ref().filter(|_| input.format.ends_with("XLSX"))?;
    let headers = input.mapped.iter().map(|column| &column.header).chain(input.unmapped.iter().map(|column| &column.header));
    let headers: Vec<String> = headers.map(|header| fold_header(header)).collect();
    workbook.needs.iter().all(|needed| headers.contains(&fold_header(needed))).then_some(workbook)
}

/// The name of the first, second and so on file: `name.xlsx`, `name_2.xlsx`.
fn numbered(name: &str, at: usize) -> String {
    match name.rsplit_once('.') {
        Some((stem, ending)) if at > 0 => format!("{stem}_{}.{ending}", at + 1),
        _ => name.to_owned(),
    }
}

/// How the rows of one file are filled, by what they change and of which kinds.
type Fillings<'a> = BTreeMap<(Purpose, &'a [String]), Filling<'a>>;

/// How the rows of one file are filled, by what they change and of which kinds. All have the same headers.
fn fillings<'a>(rows: &Rows<'a>, world: &'a World<'a>, facts: &'a Facts<'a>, by_address: &Arc<HashSet<u32>>) -> Fillings<'a> {
    let mut fillings = BTreeMap::new();
    let records: Vec<u32> = rows.keys().copied().collect();
    for (record, spec) in rows.iter().flat_map(|(record, parts)| parts.iter().map(|(spec, _)| (*record, *spec))) {
        fillings.entry((spec.purpose, spec.kinds.as_slice())).or_insert_with(|| Filling {
            world,
            facts,
            spec,
            profile: facts.profile(record),
            columns: columns(spec, &records, world, facts),
            by_address: Arc::clone(by_address),
        });
    }
    // What no row changes is left to the system: its cell may be another by now.
    let width = fillings.values().next().map_or(0, |filling: &Filling<'_>| filling.columns.len());
    let kept: Vec<bool> =
        (0..width).map(|at| fillings.values().all(|filling| filling.columns[at].column.keep.is_some())).collect();
    for filling in fillings.values_mut() {
        let mut kept = kept.iter();
        filling.columns.retain(|_| kept.next() != Some(&true));
    }
    fillings
}

/// The row of a record: each cell as the correction that changes it wants it.
fn merged(parts: &[(&Filling<'_>, &Correction)], record: u32) -> Vec<String> {
    let cell = |at: usize| {
        let changing = parts.iter().find(|(filling, _)| filling.columns[at].changes());
        let (filling, correction) = changing.unwrap_or(&parts[0]);
        filling.after(&filling.columns[at], record, correction)
    };
    (0..parts[0].0.columns.len()).map(cell).collect()
}

/// The row that restores a record; none where the system cannot be given back what it had.
fn undo(parts: &[(&Filling<'_>, &Correction)], record: u32) -> Option<Vec<String>> {
    // Nobody knows what it was: a word of ours in its place might say that mail is welcome.
    if parts[0].0.facts.opt(record) == Opt::Unreadable {
        return None;
    }
    // A row that unsubscribed from every list cannot be turned round: it would subscribe to every list.
    if parts.iter().any(|(filling, correction)| filling.stands_for_all(record, correction)) {
        return None;
    }
    let cell = |at: usize| {
        let changing = parts.iter().find(|(filling, _)| filling.columns[at].changes());
        match changing {
            Some((filling, _)) => filling.undone(&filling.columns[at], record),
            None => parts[0].0.beside_undone(&parts[0].0.columns[at], record, parts[0].1),
        }
    };
    let columns = &parts[0].0.columns;
    let row: Vec<String> = (0..columns.len()).map(cell).collect();
    let complete = columns.iter().zip(&row).all(|(column, cell)| !(column.column.required && cell.is_empty()));
    complete.then_some(row)
}

/// Writes them, side by side.
pub(super) fn write(files: &[ImportFile], as_of: DateTime<Utc>, folder: &Path) -> Result<()> {
    files.par_iter().try_for_each(|file| write_file(file, as_of, folder))
}

fn write_file(file: &ImportFile, as_of: DateTime<Utc>, folder: &Path) -> Result<()> {
    let path = folder.join(&file.path);
    if let Some(workbook) = &file.workbook {
        return csv_file::bytes(&path, workbook);
    }
    if file.path.ends_with(".xlsx") {
        crate::workspace::create_folder(path.parent().unwrap_or(folder))?;
        return workbook::request_sheet(&file.title, &file.header, &file.rows, as_of, &path);
    }
    let reader = match (file.quoted, file.bom) {
        (true, _) => Reader::ImporterQuoted,
        (false, true) => Reader::ImporterMarked,
        (false, false) => Reader::Importer,
    };
    let header: Vec<&str> = file.header.iter().map(String::as_str).collect();
    let mut csv = CsvFile::create(&path, reader, &header)?;
    for row in &file.rows {
        csv.row(row.iter().map(String::as_str))?;
    }
    csv.finish()
}
