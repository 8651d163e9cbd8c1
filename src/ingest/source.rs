//! A file's content to its one table, be it text or a workbook: format, header, recognition, rows.

use std::collections::HashSet;

use anyhow::Result as Read;
use csv::StringRecord;

use super::FileReport;
use super::decisions::is_of_review;
use super::decode::{self, Format};
use super::delimited::{self, DELIMITERS, Dialect, HeadRow, Place};
use super::file::Context;
use super::header::{self, Header};
use super::inbox::Found;
use super::labels;
use super::limits::{BATCH_ROWS, HEADER_DEPTH, MAX_COLUMNS};
use super::open::{Outcome, Table};
use super::recognise::{Recognised, Unknown, recognise, systems_of};
use super::spreadsheet::{Head, Workbook};
use super::table::{Builder, filled};
use crate::systems::Kind;

/// A table that was recognised and read.
pub struct Loaded<T> {
    /// Whose it is.
    pub recognised: Recognised,
    /// What its rows became.
    pub rows: T,
    /// What its rows were, beside that.
    pub outcome: Outcome,
    /// The cells above the header.
    pub preamble: Vec<String>,
}

/// What reads the rows of an open table.
pub type ReadRows<'r, T> = &'r (dyn Fn(&Table<'_>) -> Read<T> + Sync);

/// Why a file is not used.
#[derive(Debug)]
pub enum Stop {
    /// Of no concern: a word.
    Skipped(String),
    /// Cannot be used: a sentence.
    Refused(String),
    /// Has no header that any kind knows: a sentence.
    Unrecognised(String),
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Stop {
        Stop::Refused(format!("{error:#}"))
    }
}

/// Reads a content of a format; what is learnt on the way goes into the report.
pub fn load<T>(
    found: &Found,
    format: Format,
    bytes: &[u8],
    context: Context,
    read: ReadRows<'_, T>,
    report: &mut FileReport,
) -> Result<Loaded<T>, Stop> {
    match format {
        Format::Text => load_text(found, bytes, context, read, report),
        Format::Workbook(name) => {
            report.format = name.to_owned();
            load_workbook(found, bytes, context, read, report)
        }
        Format::Gzip | Format::Zip => {
            report.format = "an archive".to_owned();
            Err(Stop::Refused("it is an archive within an archive: unpack the outer one and drop what is in it".to_owned()))
        }
        Format::Other("empty", what_to_do) => Err(Stop::Refused(what_to_do.to_owned())),
        Format::Other(name, what_to_do) => {
            report.format = name.to_owned();
            Err(Stop::Refused(format!("it is {name}, which is not read: {what_to_do}")))
        }
    }
}

fn load_text<T>(
    found: &Found,
    bytes: &[u8],
    context: Context,
    read: ReadRows<'_, T>,
    report: &mut FileReport,
) -> Result<Loaded<T>, Stop> {
    let decoded = decode::decode(bytes);
    let text = &*decoded.text;
    let candidates = delimiters(found, context).into_iter().map(|delimiter| {
        let rows = delimited::head(text, delimiter);
        let header = header::find(&rows, kinds(found, context));
        (delimiter, rows, header)
    });
    let score = |header: &Option<Header>| {
        header.as_ref().map_or((false, 0), |header| (header.fits, header.names.iter().filter(|name| !name.is_empty()).count()))
    };
    // Of equals the first: the comma.
    let (delimiter, rows, header) = candidates.rev().max_by_key(|(_, _, header)| score(header)).expect("there are delimiters");
    report.format = format!("CSV, {}, {}", decoded.charset, delimited::delimiter_name(delimiter));
    refuse_review(&rows)?;
    let header = header.ok_or_else(no_header)?;
    let recognised = recognised(found, &header, &rows, context, report)?;

    let whose = (recognised.system, recognised.kind);
    let dialect = Dialect::new(text, delimiter);
    let table = Table::of_text(&found.file, whose, &recognised.mapped, header.names.len(), dialect, rows[header.at].end);
    let (read, outcome) = (read(&table)?, table.outcome());
    if let Some(line) = cut_off(text, delimiter, header.names.len(), &outcome) {
        return Err(Stop::Refused(format!(
            "line {line}: it ends in the middle of a row, so it was cut off or is still being copied: copy or export it again"
        )));
    }
    Ok(Loaded { preamble: preamble(&rows, &header), recognised, rows: read, outcome })
}

/// The last line of a text that breaks off in the middle of it: there is no line end, and cells or a quotation mark are
/// missing. The rows that would follow are missing too, and nothing else tells.
fn cut_off(text: &str, delimiter: u8, width: usize, outcome: &Outcome) -> Option<u64> {
    if text.ends_with(['\n', '\r']) || !outcome.footer.is_empty() {
        return None;
    }
    let line = text.rsplit(['\n', '\r']).next().filter(|line| !line.is_empty())?;
    let cells = line.bytes().filter(|byte| *byte == delimiter).count() + 1;
    let last_cell = line.rsplit(char::from(delimiter)).next().unwrap_or_default();
    let open = last_cell.starts_with('"') && last_cell.bytes().filter(|byte| *byte == b'"').count() % 2 == 1;
    if !open && cells >= width {
        return None;
    }
    let at = delimited::line_breaks(text.as_bytes()) + 1;
    (open || outcome.rejects.iter().any(|reject| reject.row == at)).then_some(at)
}

/// The delimiters that a file may have: those that the configuration names for its system, and those that exports use.
fn delimiters(found: &Found, context: Context) -> Vec<u8> {
    let systems = systems_of(&found.names(), context.config, context.systems).into_iter();
    let configured = systems.filter_map(|at| context.config.systems.get(&context.systems.profiles()[at].name)?.delimiter());
    let mut delimiters: Vec<u8> = DELIMITERS.iter().map(|(delimiter, _)| *delimiter).chain(configured).collect();
    let mut seen = HashSet::new();
    delimiters.retain(|delimiter| seen.insert(*delimiter));
    delimiters
}

fn load_workbook<T>(
    found: &Found,
    bytes: &[u8],
    context: Context,
    read: ReadRows<'_, T>,
    report: &mut FileReport,
) -> Result<Loaded<T>, Stop> {
    let (workbook, sheets) = Workbook::open(bytes)?;
    let mut heads = Vec::new();
    for Head { name, is_hidden, rows } in sheets {
        let end = Place::default();
        let rows: Vec<HeadRow> = rows.into_iter().map(|(row, cells)| HeadRow { row, end, cells }).collect();
        refuse_review(&rows)?;
        match header::find(&rows, kinds(found, context)) {
            Some(header) if !is_hidden => heads.push((name, rows, header)),
            // Headers alone say nothing of anybody.
            Some(header) if header.fits && header.at + 1 < rows.len() => report.hidden_sheets.push(name),
            _ => {}
        }
    }
    if let Some(hidden) = report.hidden_sheets.first().filter(|_| !heads.iter().any(|(_, _, header)| header.fits)) {
        return Err(Stop::Refused(format!(
            "its sheet `{hidden}` holds an export and is hidden: show it, or save it as a file of its own"
        )));
    }
    let fitting: Vec<String> =
        heads.iter().filter(|(_, _, header)| header.fits).map(|(sheet, _, _)| format!("`{sheet}`")).collect();
    if fitting.len() > 1 {
        return Err(Stop::Refused(format!(
            "its sheets {} each hold an export: delete all but one, or save each as a file of its own",
            fitting.join(" and ")
        )));
    }
    let at = heads.iter().position(|(_, _, header)| header.fits).unwrap_or(0);
    let (sheet, rows, header) = heads.into_iter().nth(at).ok_or_else(no_header)?;
    report.sheet = Some(sheet.clone());
    let recognised = recognised(found, &header, &rows, context, report)?;

    let width = header.names.len();
    let mut builder = Builder::new(&found.file, &sheet, width, &recognised.mapped, BATCH_ROWS);
    let mut batches = Vec::new();
    let header_row = rows[header.at].row;
    let mut last = header_row;
    workbook.read(&sheet, |row, cells| {
        if row <= header_row {
            return Ok(());
        }
        let mut cells: Vec<&str> = cells.iter().take(width).collect();
        cells.resize(width, "");
        // Cells beside the table alone make no row of it.
        if filled(cells.iter().copied()).next().is_some() {
            builder.push(&cells, row, row > last + 1);
            last = row;
        }
        if builder.height() >= BATCH_ROWS {
            batches.push(builder.take()?);
        }
        Ok(())
    })?;
    let built = builder.finish(false)?;
    batches.push(built.frame);
    let whose = (recognised.system, recognised.kind);
    let columns = recognised.mapped.iter().map(|(_, column)| column.clone()).collect();
    let table = Table::of_batches(&found.file, &sheet, whose, columns, batches).beside(built.rejects, built.footer, built.keys);
    let (read, outcome) = (read(&table)?, table.outcome());
    Ok(Loaded { preamble: preamble(&rows, &header), recognised, rows: read, outcome })
}

fn kinds<'a>(found: &Found, context: Context<'a>) -> impl Iterator<Item = &'a Kind> + Clone {
    let systems = systems_of(&found.names(), context.config, context.systems);
    systems.into_iter().flat_map(move |at| &context.systems.profiles()[at].kinds)
}

fn recognised(
    found: &Found,
    header: &Header,
    rows: &[HeadRow],
    context: Context,
    report: &mut FileReport,
) -> Result<Recognised, Stop> {
    if header.names.len() > MAX_COLUMNS {
        return Err(Stop::Refused(format!(
            "its header has {} columns, more than the {MAX_COLUMNS} that are read: export fewer columns",
            header.names.len()
        )));
    }
    let row = rows[header.at].row;
    report.header_row = Some(row);
    let below: Vec<&StringRecord> =
        rows[header.at + 1..].iter().map(|row| &row.cells).filter(|cells| filled(*cells).nth(1).is_some()).collect();
    let place = report.sheet.as_ref().map_or("line".to_owned(), |sheet| format!("sheet `{sheet}`, row"));
    let mut recognised =
        recognise(&found.names(), header, &below, context.config, context.systems).map_err(|unknown| match unknown {
            Unknown::NoRows => {
                Stop::Skipped("a header without rows, which could be of several kinds: export it again".to_owned())
            }
            Unknown::None(why) if !header.fits => Stop::Unrecognised(format!("{place} {row}: {why}")),
            Unknown::None(why) | Unknown::Several(why) => Stop::Refused(format!("{place} {row}: {why}")),
        })?;
    let profile = &context.systems.profiles()[recognised.system];
    let kind = &profile.kinds[recognised.kind];
    report.system = Some(profile.name.clone());
    report.kind = Some(kind.name.clone());
    recognised.part =
        labels::tell(profile, kind, &found.names(), context.config, &mut recognised.mapped).map_err(Stop::Refused)?;
    Ok(recognised)
}

/// What reviewers fill in is full of columns that look like those of an export.
fn refuse_review(rows: &[HeadRow]) -> Result<(), Stop> {
    if rows.iter().take(HEADER_DEPTH).any(|row| is_of_review(&row.cells)) {
        return Err(Stop::Refused(
            "it is the review sheet of a run, and no export: drop it into decisions/ and not here".to_owned(),
        ));
    }
    Ok(())
}

fn preamble(rows: &[HeadRow], header: &Header) -> Vec<String> {
    rows[..header.at].iter().flat_map(|row| filled(&row.cells)).map(str::to_owned).collect()
}

fn no_header() -> Stop {
    Stop::Unrecognised(format!(
        "none of its first {HEADER_DEPTH} rows is a header: the first row should name the columns; export it again with headers"
    ))
}
