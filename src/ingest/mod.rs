//! Files to text tables: one row of an open [`Table`] is a data row of a file, every cell text.
//!
//! Nothing is interpreted here beyond what it takes to find the table: the character set, the dialect,
//! the header row, the footers, and the system and kind that the headers name. Invariant: every data row
//! of a file is either in its table or in the list of rejects.

mod as_of;
mod container;
mod decisions;
mod decode;
mod delimited;
mod file;
mod header;
mod inbox;
mod keys;
mod labels;
pub mod limits;
mod open;
mod recognise;
mod select;
mod source;
pub mod spreadsheet;
mod table;

pub use decisions::{Paper, PaperFile, PaperRow, Papers, read_papers};

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use chrono::{DateTime, Utc};
use rayon::prelude::*;
use serde::Serialize;

use crate::columns::Field;
use crate::config::Config;
use crate::progress::{self, Unit};
use crate::systems::{Grain, Systems};
pub use file::content;
use inbox::Found;
pub use open::Table;

/// Reads every file below the inbox. `read` takes the rows of each table while its file is open.
///
/// `systems` are the profiles as the configuration adjusts them. `earlier` are the contents that earlier runs used, by
/// SHA-256 with the run. `as_of` is the run's time, by which exports are stale; `now` is the real clock, by which files
/// are still being copied. What is wrong with a file is the verdict in its report.
///
/// # Errors
/// The inbox itself cannot be read.
pub fn ingest<T: Send>(
    inbox: &Path,
    config: &Config,
    systems: &Systems,
    earlier: &HashMap<String, String>,
    as_of: DateTime<Utc>,
    now: SystemTime,
    read: impl Fn(&Table<'_>) -> Result<T> + Sync,
) -> Result<Ingested<T>> {
    let found = inbox::walk(inbox, Duration::from_secs(config.inbox.settle_seconds), now)?;
    let bytes = found.iter().map(|found| found.bytes).sum();
    progress::begin("ingest", Unit::Bytes, bytes);
    let room = Mutex::default();
    let context = file::Context { config, systems, earlier, as_of, room: &room };
    // Small files side by side, large ones one after another, each in pieces side by side: so one is in memory.
    let is_small = |found: &Found| found.bytes <= limits::SMALL_FILE_BYTES;
    let (small, mut large): (Vec<_>, Vec<_>) = found.iter().enumerate().partition(|(_, found)| is_small(found));
    // The largest while nothing else is in memory.
    large.sort_by_key(|(_, found)| std::cmp::Reverse(found.bytes));
    let read = |(at, found): (usize, &Found)| (at, file::read(found, context, &read));
    let mut files: Vec<_> = small.into_par_iter().map(read).collect();
    files.extend(large.into_iter().map(read));
    files.sort_by_key(|(at, _)| *at);
    Ok(select::select(files.into_iter().flat_map(|(_, files)| files).collect(), config, systems))
}

/// All that the inbox holds, read as far as it can be.
#[derive(Debug)]
pub struct Ingested<T> {
    /// Every file that was looked at, in order of its path.
    pub files: Vec<FileReport>,
    /// What the tables of the files whose verdict is [`Verdict::Used`] became.
    pub tables: Vec<TableRows<T>>,
    /// Rows that no table could take.
    pub rejects: Vec<Reject>,
}

/// One file, or one table inside a container, and what it was taken for.
#[derive(Clone, Debug, Serialize)]
pub struct FileReport {
    /// Path below the inbox, with `/`; an entry of an archive is `archive.zip/entry.csv`.
    pub file: String,
    /// The file on disk.
    #[serde(skip)]
    pub path: PathBuf,
    /// Its bytes, unpacked.
    pub bytes: u64,
    /// SHA-256 of the file on disk, in hexadecimal.
    pub sha256: String,
    /// SHA-256 of what a packed file holds, or an archive's entry.
    pub content_sha256: Option<String>,
    /// What becomes of it.
    pub verdict: Verdict,
    /// The system whose export it is.
    pub system: Option<String>,
    /// The kind of export.
    pub kind: Option<String>,
    /// `CSV`, `XLSX` and so on, with character set and delimiter in words: `CSV, UTF-8 with BOM, comma`.
    pub format: String,
    /// The sheet that was read.
    pub sheet: Option<String>,
    /// Sheets that hold an export too and that nobody sees.
    #[serde(skip)]
    pub hidden_sheets: Vec<String>,
    /// Row of the header, 1 being the first line.
    pub header_row: Option<u32>,
    /// Columns that mean something here.
    pub mapped: Vec<MappedColumn>,
    /// Headers that mean nothing here, with a near miss where there is one.
    pub unmapped: Vec<UnmappedHeader>,
    /// Data rows found, rejected ones included.
    pub rows: u64,
    /// Rows rejected so far.
    pub rejected: u64,
    /// When the export was made.
    pub as_of: Option<DateTime<Utc>>,
    /// Where that time comes from.
    pub as_of_from: AsOfFrom,
    /// A date in its name that is after the run, and so tells nothing.
    #[serde(skip)]
    pub dated_after_run: Option<DateTime<Utc>>,
    /// Whether day and month of a date in its name cannot be told apart, so that it tells nothing.
    #[serde(skip)]
    pub dated_two_ways: bool,
    /// Older than `[inbox] max_age_days`.
    pub stale: bool,
    /// An extract that leaves out whoever nothing happened to: absence proves nothing.
    pub partial: bool,
    /// The latest earlier run that used the same content.
    pub seen_in: Option<String>,
}

impl FileReport {
    /// SHA-256 by which a copy of the content is known.
    pub fn content(&self) -> &str {
        self.content_sha256.as_deref().unwrap_or(&self.sha256)
    }

    /// Why it counts as superseded by another file, in words.
    pub fn superseded(&self, by: &str, files: &[FileReport]) -> String {
        let same_time = files.iter().any(|file| file.file == by && file.as_of == self.as_of);
        if same_time {
            format!("{by} is of the same time and counts instead: it holds the same rows, or was saved later")
        } else {
            format!("{by} is a newer export of the same kind")
        }
    }

    /// Whether a person must look at it: it was refused, or somebody may have said no on a sheet that was not read.
    pub fn needs_a_look(&self) -> bool {
        matches!(self.verdict, Verdict::Refused(_)) || self.is_used() && !self.hidden_sheets.is_empty()
    }

    /// What somebody should know of it, where it is used.
    pub fn warnings(&self) -> Vec<String> {
        let hidden = self.hidden_sheets.iter().map(|sheet| {
            format!(
                "The sheet {sheet} of {} is hidden and was not read, though it holds an export: delete it, or save it as a file of its own.",
                self.file
            )
        });
        if self.is_used() {
            self.misdated().into_iter().chain(self.unread_categories()).chain(hidden).collect()
        } else {
            Vec::new()
        }
    }

    /// That a column of categories is not read, because each of them has a box.
    fn unread_categories(&self) -> Option<String> {
        let is_list = |column: &&MappedColumn| column.field == Field::Categories && column.category().is_none();
        let list = self.mapped.iter().find(is_list).filter(|_| self.has_checkboxes())?;
        Some(format!(
            "{} has checkboxes for categories, so its column {} is not read: what is on there is neither compared nor cleared. Give \
             every category a box in [[category]], or none.",
            self.file, list.header
        ))
    }

    /// That the date in its name is none that an export can have been made at, or has two readings.
    fn misdated(&self) -> Option<String> {
        let day = |time: DateTime<Utc>| time.format("%Y-%m-%d").to_string();
        let made = self.as_of?;
        if self.dated_two_ways {
            return Some(format!(
                "{} has a date in its name whose day and month cannot be told apart: it counts as made on {}. Put the year first.",
                self.file,
                day(made)
            ));
        }
        let named = self.dated_after_run?;
        Some(format!(
            "{} has a date in its name that is after this run ({}): it counts as made on {}. Put the day of the export there.",
            self.file,
            day(named),
            day(made)
        ))
    }

    /// Whether it says of a category if it is on: where categories are checkboxes it does of those whose box was exported.
    pub fn tells_category(&self, category: &str) -> bool {
        let mut boxes = self.mapped.iter().filter_map(MappedColumn::category).peekable();
        boxes.peek().is_none() || boxes.any(|known| known == category)
    }

    /// Whether its categories are checkboxes.
    pub fn has_checkboxes(&self) -> bool {
        self.mapped.iter().any(|column| column.category().is_some())
    }

    /// Whether its rows are compared.
    pub fn is_used(&self) -> bool {
        self.verdict == Verdict::Used
    }

    /// Whether it is used and holds records of a system: what its loader answers are none.
    pub fn is_export_of(&self, name: &str, systems: &Systems) -> bool {
        let kind = || systems.get(name)?.kind(self.kind.as_deref()?);
        self.is_used() && self.system.as_deref() == Some(name) && kind().is_some_and(|kind| kind.grain != Grain::Answer)
    }

    /// Whether it was taken for an export of a system and kind, be it used or not.
    pub fn is_taken_for(&self, system: &str, kind: &str) -> bool {
        self.system.as_deref() == Some(system) && self.kind.as_deref() == Some(kind)
    }
}

/// What is known of a file that an earlier run refused, and that is no longer there.
pub fn refused_earlier(name: &str, why: &str) -> FileReport {
    file::refused_earlier(name, why)
}

/// What becomes of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "why")]
pub enum Verdict {
    /// Read and compared.
    Used,
    /// A newer export of the same kind is there: its name.
    Superseded(String),
    /// Cannot be used: a sentence that says why and what to do.
    Refused(String),
    /// Of no concern (lock file, hidden, still being copied): a word that says so.
    Skipped(String),
}

impl Verdict {
    /// The verdict in a word.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Used => "used",
            Verdict::Superseded(_) => "superseded",
            Verdict::Refused(_) => "refused",
            Verdict::Skipped(_) => "skipped",
        }
    }
}

/// Where a file's as-of time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AsOfFrom {
    /// A date in its name, or in that of its folder.
    Name,
    /// A date in its footer or preamble.
    Content,
    /// The file's own time.
    File,
}

/// A column that means something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MappedColumn {
    /// Its name in the table: the field's; `email_2` for a second address; `categories:NAME` for a checkbox.
    pub name: String,
    /// What it means.
    pub field: Field,
    /// Its header in the file; of a constant where it comes from.
    pub header: String,
    /// What every row has there, where no column of the file says it.
    #[serde(skip)]
    pub constant: Option<String>,
}

impl MappedColumn {
    /// The name of the checkbox of a category.
    pub(crate) fn of_category(category: &str) -> String {
        format!("{CHECKBOX}{category}")
    }

    /// The category whose checkbox it is.
    pub fn category(&self) -> Option<&str> {
        self.name.strip_prefix(CHECKBOX)
    }

    /// Its header as the file has it: a second column of that header has a number behind it.
    pub fn own_header(&self) -> &str {
        header::without_number(&self.header)
    }
}

/// What the name of a checkbox's column begins with.
const CHECKBOX: &str = "categories:";

/// A header that means nothing here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnmappedHeader {
    /// As the file spells it.
    pub header: String,
    /// A known header that it resembles, where no other column has taken that field.
    pub did_you_mean: Option<String>,
}

/// What the rows of one file became.
#[derive(Debug)]
pub struct TableRows<T> {
    /// Position of its file in [`Ingested::files`].
    pub file: usize,
    /// Position of its system among the profiles.
    pub system: usize,
    /// What its rows became.
    pub rows: T,
}

/// One cell or row that was refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Reject {
    /// Path below the inbox.
    pub file: String,
    /// The sheet, empty for text.
    pub sheet: String,
    /// The line of the file, or the row of the sheet; 1 is the first.
    pub row: u64,
    /// The header, empty where the whole row is meant.
    pub column: String,
    /// What stood there.
    pub value: String,
    /// Why it was refused, and what to do.
    pub reason: String,
}

#[cfg(test)]
mod tests;
