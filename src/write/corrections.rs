//! Correction files, their undo files, and what stands in them.
//!
//! One row of a file is one record. Only records that exist, only fields that change, sorted by key, no
//! formula, no blank line, no empty cell where the system would read one as "no change".

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, Utc};

use crate::classify::World;
use crate::columns::{Delivery, Field, Opt, Purpose};
use crate::decide::{Change, Correction, Decided, file_for, files_for, outs_of};
use crate::ingest::FileReport;
use crate::normalise::{CategoryBook, Facts, col};
use crate::systems::{CorrectionColumn, CorrectionFile, Profile, Reloadable, State, Take, fold_header};
use crate::write::csv_file::{self, CsvFile, Reader};
use crate::write::{exported, workbook};

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
#[derive(Clone, Debug)]
pub struct FieldChange {
    /// The system's name.
    pub target: String,
    /// The file, below the run folder.
    pub file: String,
    /// Its line there, the header being 1.
    pub row: u32,
    /// The record.
    pub record: String,
    /// The target's own header.
    pub field: String,
    /// The value before, in the target's own words.
    pub before: String,
    /// The value after.
    pub after: String,
    /// The rules that ask for it.
    pub rules: String,
    /// Why.
    pub why: String,
}

/// The records of one file, each with its corrections and the entry of the profile that says how they are written.
type Rows<'a> = BTreeMap<u32, Vec<(&'a CorrectionFile, &'a Correction)>>;

/// All files of a run, and each change in them.
///
/// # Errors
/// An exported workbook that is to go back is gone or cannot be cut.
pub(super) fn files(decided: &Decided, world: &World<'_>, facts: &Facts<'_>) -> Result<(Vec<ImportFile>, Vec<FieldChange>)> {
    let mut by_file: BTreeMap<(usize, String, bool), Rows<'_>> = BTreeMap::new();
    let names = ListFiles::of(decided, facts);
    for ((record, purpose), correction) in &decided.corrections {
        for spec in files_for(facts, *record, *purpose) {
            let name = reloadable(spec, &world.files[facts.input(*record)])
                .map_or_else(|| names.name(spec, *record, facts), |workbook| workbook.file.clone());
            let rows = by_file.entry((facts.system(*record), name, correction.held.is_some())).or_default();
            rows.entry(*record).or_default().push((spec, correction));
        }
    }
    let (mut files, mut changes) = (Vec::new(), Vec::new());
    for ((system, name, held), rows) in by_file {
        let fillings = fillings(&rows, world, facts);
        let Some(Filling { spec, profile, columns, .. }) = fillings.values().next() else { continue };
        let filled = fill(&rows, &fillings, facts);
        let header: Vec<String> = columns.iter().map(|column| column.header.clone()).collect();
        let mut purposes: Vec<String> = fillings.keys().map(|(purpose, _)| purpose.word().replace('_', " ")).collect();
        purposes.dedup();
        let title = format!("{}: {}", profile.title, purposes.join(", "));
        let file = |path: String, title: &str, rows: &[Vec<String>], workbook| ImportFile {
            path,
            system,
            title: title.to_owned(),
            header: header.clone(),
            rows: rows.to_vec(),
            quoted: spec.quote_all,
            bom: spec.bom,
            workbook,
        };
        let folder = if held { "held" } else { "corrections" };
        let mut from = 0;
        for (at, part) in parts(&filled, &name, world, facts)?.into_iter().enumerate() {
            let path = format!("{folder}/{}", numbered(&name, at));
            let until = from + part.rows;
            let of_part = filled.changes.iter().filter(|(row, _)| (from..until).contains(row));
            changes.extend(of_part.map(|(row, change)| FieldChange {
                file: path.clone(),
                row: part.first_row + (row - from) as u32,
                ..change.clone()
            }));
            files.push(file(path, &title, &filled.rows[from..until], part.workbook));
            from = until;
        }
        // A workbook that was loaded once is refused: its rows have changed since.
        if !filled.undone.is_empty() {
            let undo = if is_workbook(spec, &name) { &spec.file } else { &name };
            let path = if held { format!("{HELD_UNDO}{undo}") } else { format!("undo/{undo}") };
            files.push(file(path, &format!("{title}, undo"), &filled.undone, None));
        }
    }
    Ok((files, changes))
}

/// The rows of one file as they are to be loaded.
#[derive(Default)]
struct Filled {
    rows: Vec<Vec<String>>,
    /// The record of each row.
    records: Vec<u32>,
    /// The rows that restore what was there.
    undone: Vec<Vec<String>>,
    /// What changes, with the position of its row.
    changes: Vec<(usize, FieldChange)>,
}

fn fill<'a>(rows: &Rows<'a>, fillings: &Fillings<'a>, facts: &Facts<'_>) -> Filled {
    let mut sorted: Vec<(&u32, &Vec<(&CorrectionFile, &Correction)>)> = rows.iter().collect();
    sorted.sort_by_key(|(record, _)| (facts.name(**record), facts.text(col::UNIT, **record)));
    let mut filled = Filled::default();
    for (record, corrections) in sorted {
        let parts: Vec<(&Filling<'_>, &Correction)> = corrections
            .iter()
            .map(|(spec, correction)| (&fillings[&(spec.purpose, spec.kinds.as_slice())], *correction))
            .collect();
        let cells = merged(&parts, *record);
        if filled.rows.last() != Some(&cells) {
            filled.rows.push(cells);
            filled.records.push(*record);
            filled.undone.extend(undo(&parts, *record));
        }
        let row = filled.rows.len() - 1;
        let changes = parts.iter().flat_map(|(filling, correction)| filling.changes(*record, correction));
        filled.changes.extend(changes.map(|change| (row, change)));
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
fn parts(filled: &Filled, name: &str, world: &World<'_>, facts: &Facts<'_>) -> Result<Vec<Part>> {
    let whole = || vec![Part { first_row: 2, rows: filled.rows.len(), workbook: None }];
    let Some(record) = filled.records.first() else { return Ok(whole()) };
    let input = &world.files[facts.input(*record)];
    if !facts.profile(*record).corrections.iter().any(|file| is_workbook(file, name)) {
        return Ok(whole());
    }
    let mut changes: Vec<exported::Change> = filled.records.iter().map(|record| (facts.row(*record), Vec::new())).collect();
    for (row, change) in &filled.changes {
        changes[*row].1.push((change.field.clone(), change.after.clone()));
    }
    let parts = exported::cut(input, &changes)
        .with_context(|| format!("{} could not be made ready to be loaded again: export it again, or as CSV", input.file))?;
    Ok(parts.into_iter().map(|part| Part { first_row: part.first_row, rows: part.rows, workbook: Some(part.bytes) }).collect())
}

/// Whether a file of that name is the exported workbook that goes back to its system.
fn is_workbook(spec: &CorrectionFile, name: &str) -> bool {
    spec.workbook.as_ref().is_some_and(|workbook| workbook.file == name)
}

/// The workbook that goes back to its system, where the export is one.
fn reloadable<'a>(spec: &'a CorrectionFile, input: &FileReport) -> Option<&'a Reloadable> {
    let headers = input.mapped.iter().map(|column| &column.header).chain(input.unmapped.iter().map(|column| &column.header));
    let headers: Vec<String> = headers.map(|header| fold_header(header)).collect();
    let has_all = |workbook: &&Reloadable| workbook.needs.iter().all(|needed| headers.contains(&fold_header(needed)));
    spec.workbook.as_ref().filter(|_| input.format.ends_with("XLSX")).filter(has_all)
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
fn fillings<'a>(rows: &Rows<'a>, world: &'a World<'a>, facts: &'a Facts<'a>) -> Fillings<'a> {
    let mut fillings = BTreeMap::new();
    let records: Vec<u32> = rows.keys().copied().collect();
    for (record, spec) in rows.iter().flat_map(|(record, parts)| parts.iter().map(|(spec, _)| (*record, *spec))) {
        fillings.entry((spec.purpose, spec.kinds.as_slice())).or_insert_with(|| Filling {
            world,
            facts,
            spec,
            profile: facts.profile(record),
            columns: columns(spec, &records, world, facts),
        });
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
    let cell = |at: usize| {
        let changing = parts.iter().find(|(filling, _)| filling.columns[at].changes());
        match changing {
            Some((filling, _)) => filling.undone(&filling.columns[at], record),
            // Who is subscribed again has no date of an unsubscribe.
            None if parts[0].0.drops_in_undo(at) => String::new(),
            None => parts[0].0.after(&parts[0].0.columns[at], record, parts[0].1),
        }
    };
    let columns = &parts[0].0.columns;
    let row: Vec<String> = (0..columns.len()).map(cell).collect();
    let complete = columns.iter().zip(&row).all(|(column, cell)| !(column.column.required && cell.is_empty()));
    complete.then_some(row)
}

/// The names of files that hold one list each. Lists whose names differ only in signs that a file name cannot have get
/// a number, in the order of their names.
struct ListFiles(BTreeMap<(usize, String), String>);

impl ListFiles {
    fn of(decided: &Decided, facts: &Facts<'_>) -> ListFiles {
        let one_a_list = |(record, purpose): &(u32, Purpose)| files_for(facts, *record, *purpose).any(|spec| spec.one_a_list);
        let keys = decided.corrections.keys().filter(|key| one_a_list(key));
        let lists: BTreeSet<(usize, &str)> =
            keys.map(|(record, _)| (facts.system(*record), facts.text(col::UNIT, *record))).collect();
        let mut taken: BTreeSet<(usize, String)> = BTreeSet::new();
        let mut named = BTreeMap::new();
        for (system, list) in lists {
            let plain: String =
                list.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).flat_map(char::to_lowercase).collect();
            let plain = plain.split('_').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_");
            let plain: String = if plain.is_empty() { "list".to_owned() } else { plain.chars().take(MOST_OF_A_NAME).collect() };
            let numbered = std::iter::once(plain.clone()).chain((2..).map(|count| format!("{plain}_{count}")));
            let free = numbered.map(|name| (system, name)).find(|name| !taken.contains(name)).expect("numbers do not end");
            taken.insert(free.clone());
            named.insert((system, list.to_owned()), free.1);
        }
        ListFiles(named)
    }

    fn name(&self, spec: &CorrectionFile, record: u32, facts: &Facts<'_>) -> String {
        let list = self.0.get(&(facts.system(record), facts.text(col::UNIT, record).to_owned()));
        match (list.filter(|_| spec.one_a_list), spec.file.rsplit_once('.')) {
            (Some(list), Some((stem, ending))) => format!("{stem}_{list}.{ending}"),
            _ => spec.file.clone(),
        }
    }
}

/// Letters of a list's name that its file keeps.
const MOST_OF_A_NAME: usize = 60;

/// Writes them.
pub(super) fn write(files: &[ImportFile], as_of: DateTime<Utc>, folder: &Path) -> Result<()> {
    for file in files {
        let path = folder.join(&file.path);
        if let Some(workbook) = &file.workbook {
            csv_file::bytes(&path, workbook)?;
            continue;
        }
        if file.path.ends_with(".xlsx") {
            crate::workspace::create_folder(path.parent().unwrap_or(folder))?;
            workbook::request_sheet(&file.title, &file.header, &file.rows, as_of, &path)?;
            continue;
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
        csv.finish()?;
    }
    Ok(())
}

/// A column of a file that is being filled.
struct Column<'a> {
    header: String,
    column: &'a CorrectionColumn,
    /// The category whose checkbox it is.
    category: Option<String>,
}

impl Column<'_> {
    fn changes(&self) -> bool {
        self.column.set.is_some() || self.column.write.is_some()
    }
}

/// The columns of a file: as the profile says, but a field that the configuration maps is called as it says,
/// and categories that are checkboxes get one column each.
fn columns<'a>(spec: &'a CorrectionFile, records: &[u32], world: &World<'_>, facts: &Facts<'_>) -> Vec<Column<'a>> {
    let mut columns = Vec::new();
    for column in &spec.columns {
        if let Some((field, record)) = column.of.zip(records.first()).filter(|_| spec.as_exported) {
            let mapped = world.files[facts.input(*record)].mapped.iter().find(|mapped| mapped.field == field);
            columns.extend(mapped.map(|mapped| Column { header: mapped.header.clone(), column, category: None }));
            continue;
        }
        let mut checkboxes: Vec<(String, String)> = Vec::new();
        if column.write == Some(Field::Categories) {
            let inputs: BTreeSet<usize> = records.iter().map(|record| facts.input(*record)).collect();
            for mapped in inputs.iter().flat_map(|input| &world.files[*input].mapped) {
                if let Some(category) = mapped.name.strip_prefix("categories:") {
                    checkboxes.push((mapped.header.clone(), category.to_owned()));
                }
            }
            checkboxes.dedup();
        }
        if checkboxes.is_empty() {
            let configured =
                column.of.zip(records.first()).and_then(|(field, record)| facts.kind(*record).columns.get(&field)?.first());
            let header = configured.unwrap_or(&column.header).clone();
            columns.push(Column { header, column, category: None });
        }
        columns.extend(checkboxes.into_iter().map(|(header, category)| Column { header, column, category: Some(category) }));
    }
    columns
}

/// Fills the cells of one file.
struct Filling<'a> {
    world: &'a World<'a>,
    facts: &'a Facts<'a>,
    spec: &'a CorrectionFile,
    profile: &'a Profile,
    columns: Vec<Column<'a>>,
}

impl Filling<'_> {
    /// The cell as it is to be.
    fn after(&self, column: &Column<'_>, record: u32, correction: &Correction) -> String {
        if let Some(constant) = &column.column.set {
            let like = column.column.of.filter(|_| self.spec.as_exported).map(|field| self.present(field, record));
            return like.map_or_else(|| constant.clone(), |like| self.in_style_of(&like, constant));
        }
        if let Some(field) = column.column.keep {
            return self.present(field, record);
        }
        if let Some(take) = column.column.take {
            let taken = self.taken(take, record, correction);
            return column.column.otherwise.clone().filter(|_| taken.is_empty()).unwrap_or(taken);
        }
        match (column.column.write, &correction.change) {
            (Some(Field::Categories), Change::Categories { values, .. }) => match &column.category {
                Some(category) => self.boolean(self.names(values).any(|name| name == *category)),
                None => self.or_cleared(values.join(&self.profile.category_separator)),
            },
            (Some(Field::BounceReason), Change::Bounced { failed }) => {
                let what = if self.facts.delivery(*failed) == Delivery::Held { "Held" } else { "Bounced" };
                format!("{what} in {}", self.facts.profile(*failed).title)
            }
            (Some(Field::BouncedAt), Change::Bounced { failed }) => {
                failed_at(*failed, self.world, self.facts).format("%Y-%m-%dT%H:%M:%S.000Z").to_string()
            }
            _ => String::new(),
        }
    }

    /// The cell as it was, in the system's own words.
    fn before(&self, column: &Column<'_>, record: u32) -> String {
        let text = |name: &str| self.facts.text(name, record).to_owned();
        if let Some(field) = column.column.of.filter(|_| self.spec.as_exported) {
            return self.present(field, record);
        }
        match (column.column.write, self.spec.purpose, &column.category) {
            (Some(Field::Categories), _, Some(_)) => self.undone(column, record),
            (Some(Field::Categories), _, None) => text(col::CATEGORIES_CELL),
            (Some(_), _, _) => String::new(),
            (None, Purpose::Bounced, _) => text(col::DELIVERY_WORD),
            (None, Purpose::OptIn, _) if !self.facts.has(col::WORD, record) => self.taken_present(record),
            (None, _, _) => text(col::WORD),
        }
    }

    /// The cell that restores the value before.
    fn undone(&self, column: &Column<'_>, record: u32) -> String {
        if let Some(field) = column.column.of.filter(|_| self.spec.as_exported) {
            let present = self.present(field, record);
            return if present.is_empty() { self.opposite(record) } else { present };
        }
        let before = self.facts.text(if self.spec.purpose == Purpose::Bounced { col::DELIVERY_WORD } else { col::WORD }, record);
        // A box goes back to the file's own word for no or yes, whichever way the export spelled it.
        let is_box = self.spec.purpose != Purpose::Bounced && self.facts.kind(record).columns.contains_key(&Field::OptOut);
        match (&column.column.set, column.column.write, &column.category) {
            (Some(_), _, _) if !before.is_empty() && !is_box => before.to_owned(),
            (Some(_), _, _) => self.opposite(record),
            (None, Some(Field::Categories), Some(category)) => {
                let on = self.facts.text(col::CATEGORIES_ON, record).split(';').any(|name| name == category);
                self.boolean(on)
            }
            (None, Some(Field::Categories), None) => self.or_cleared(self.facts.text(col::CATEGORIES_CELL, record).to_owned()),
            _ => self.or_cleared(String::new()),
        }
    }

    /// What stands for a blank that means "not": the word of the opposite file. Where a blank means unknown it stays blank.
    fn opposite(&self, record: u32) -> String {
        let purpose = if self.spec.purpose == Purpose::OptOut { Purpose::OptIn } else { Purpose::OptOut };
        let known = self.facts.opt(record) != Opt::Blank && self.spec.purpose != Purpose::Bounced;
        let other = file_for(self.facts, record, purpose).filter(|_| known);
        other.and_then(|file| file.columns.iter().find_map(|column| column.set.clone())).unwrap_or_default()
    }

    /// Whether a column says something of the unsubscribe that its undoing takes back.
    fn drops_in_undo(&self, at: usize) -> bool {
        self.profile.keeps_memberships() && self.columns[at].column.take == Some(Take::Effective)
    }

    /// What one correction changes in a record, field by field; the file and the row are left to be filled in.
    fn changes(&self, record: u32, correction: &Correction) -> Vec<FieldChange> {
        let mut changes = Vec::new();
        for column in self.columns.iter().filter(|column| column.changes() || column.column.field.is_some()) {
            let (before, after) = match (column.column.take, self.spec.purpose) {
                (Some(take), Purpose::Unsubscribe) => (String::new(), self.taken(take, record, correction)),
                (Some(take), _) => (self.taken(take, record, correction), String::new()),
                (None, _) => (self.before(column, record), self.after(column, record, correction)),
            };
            let same = column.category.is_some() && self.undone(column, record) == after;
            if same || (self.spec.as_exported && before == after) {
                continue;
            }
            changes.push(FieldChange {
                target: self.profile.name.clone(),
                file: String::new(),
                row: 0,
                record: self.facts.name(record).to_owned(),
                field: column.column.field.clone().unwrap_or_else(|| column.header.clone()),
                before,
                after,
                rules: correction.rules.iter().copied().collect::<Vec<_>>().join(" "),
                why: correction.why.clone(),
            });
        }
        changes
    }

    /// What stands in a cell of the export; where it only allows what the opt-out allows too, in that cell's style.
    fn present(&self, field: Field, record: u32) -> String {
        let word = self.facts.text(col::WORD, record);
        match field {
            Field::NoEmail if self.facts.has(col::NO_EMAIL, record) => self.facts.text(col::NO_EMAIL, record).to_owned(),
            Field::NoEmail => self.in_style_of(word, self.profile.booleans.no.first().map_or("", String::as_str)),
            _ => word.to_owned(),
        }
    }

    /// A word of the profile in the style of another cell: its partner is answered with the one that stands beside it.
    fn in_style_of(&self, cell: &str, word: &str) -> String {
        let none = Vec::new();
        let words = |state: State| self.profile.status.get(&state).unwrap_or(&none);
        let booleans = &self.profile.booleans;
        for (out, allowed) in [(&booleans.yes, &booleans.no), (words(State::OptedOut), words(State::Active))] {
            let is = |list: &[String], word: &str| list.iter().position(|known| known.eq_ignore_ascii_case(word));
            let Some(at) = is(out, cell).or_else(|| is(allowed, cell)) else { continue };
            let own = if is(out, word).is_some() { out } else { allowed };
            if let Some(partner) = own.get(at) {
                return partner.clone();
            }
        }
        word.to_owned()
    }

    fn taken(&self, take: Take, record: u32, correction: &Correction) -> String {
        let facts = self.facts;
        let text = |name: &str| facts.text(name, record).to_owned();
        let proof = if let Change::OptIn { proof } = correction.change { Some(proof) } else { None };
        match take {
            Take::RecordId => facts.own_key(record).to_owned(),
            Take::ContactId => {
                let contact = correction.persons.iter().filter_map(|person| self.world.name(*person)).min();
                contact.map_or_else(|| text(col::CONTACT_ID), str::to_owned)
            }
            Take::LinkedId => text(col::CONTACT_ID),
            Take::Email => text(col::EMAILS[0]),
            Take::List if facts.has(col::LIST, record) => text(col::LIST),
            Take::Unit | Take::List => text(col::UNIT),
            Take::Present if facts.has(col::WORD, record) => text(col::WORD),
            Take::Present => self.taken_present(record),
            Take::Shirt => self.profile.shirts.get(&state(record, facts)).cloned().unwrap_or_default(),
            Take::Why => correction.why.clone(),
            Take::OptInAt => proof.map(|proof| facts.written(facts.in_at(proof), proof)).unwrap_or_default(),
            Take::OptInEvidence => proof.map(|proof| facts.text(col::EVIDENCE, proof).to_owned()).unwrap_or_default(),
            Take::Effective => effective(record, correction, self.world, facts).to_string(),
            Take::Origin => self.origin(correction),
        }
    }

    /// The system that the decision came from.
    fn origin(&self, correction: &Correction) -> String {
        let contacts = || correction.persons.iter().filter_map(|person| self.world.matched.contact(*person)).map(|(ix, _)| ix);
        let from = match &correction.change {
            Change::OptIn { proof: ix } | Change::Bounced { failed: ix } | Change::Categories { right: Some(ix), .. } => {
                Some(*ix)
            }
            Change::OptOut | Change::Unsubscribe | Change::Categories { right: None, .. } => {
                let outs = correction.persons.iter().flat_map(|person| outs_of(*person, self.world)).copied();
                let first = |ix: &u32| {
                    let at = self.facts.first_out_at(*ix);
                    (at.is_none(), at, self.facts.system(*ix))
                };
                outs.min_by_key(first).or_else(|| contacts().next())
            }
        };
        from.map(|ix| self.facts.profile(ix).title.clone()).unwrap_or_default()
    }

    /// The state of a record that has no word for it: a business unit's row.
    fn taken_present(&self, record: u32) -> String {
        self.profile.status.get(&state(record, self.facts)).and_then(|words| words.first()).cloned().unwrap_or_default()
    }

    fn names(&self, values: &[String]) -> impl Iterator<Item = String> {
        let book = CategoryBook::new(self.profile, self.world.config);
        values.iter().map(|value| book.name_of(value).unwrap_or(value).to_owned()).collect::<Vec<_>>().into_iter()
    }

    fn or_cleared(&self, text: String) -> String {
        if text.is_empty() { self.spec.clear_with.clone().unwrap_or_default() } else { text }
    }

    fn boolean(&self, yes: bool) -> String {
        let words = if yes { &self.profile.booleans.yes } else { &self.profile.booleans.no };
        words.first().cloned().unwrap_or_default()
    }
}

/// From when a change holds: the earliest known day of what it rests on, each in its own system's zone, else the run's
/// day in the target's.
pub(super) fn effective(record: u32, correction: &Correction, world: &World<'_>, facts: &Facts<'_>) -> NaiveDate {
    let out = || {
        let outs = correction.persons.iter().flat_map(|person| outs_of(*person, world));
        outs.filter_map(|ix| Some(facts.zone(*ix).day_of(facts.first_out_at(*ix)?))).min()
    };
    let known = match &correction.change {
        Change::OptOut | Change::Unsubscribe | Change::Categories { right: None, .. } => out(),
        Change::OptIn { proof } => facts.in_at(*proof).map(|at| facts.zone(*proof).day_of(at.start())),
        Change::Bounced { failed } => Some(facts.zone(*failed).day_of(failed_at(*failed, world, facts))),
        Change::Categories { right: Some(_), .. } => None,
    };
    known.unwrap_or_else(|| facts.zone(record).day_of(world.as_of))
}

/// When an address failed; an unknown time is the export's.
fn failed_at(failed: u32, world: &World<'_>, facts: &Facts<'_>) -> DateTime<Utc> {
    let exported = world.files[facts.input(failed)].as_of.unwrap_or(world.as_of);
    facts.failed_at(failed).map_or(exported, |at| at.start())
}

fn state(record: u32, facts: &Facts<'_>) -> State {
    match (facts.opt(record), facts.delivery(record)) {
        (Opt::Out, _) => State::OptedOut,
        (_, Delivery::Held) => State::Held,
        (_, Delivery::Bounced) => State::Bounced,
        (_, Delivery::Removed) => State::Removed,
        _ => State::Active,
    }
}
