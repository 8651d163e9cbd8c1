//! The discrepancy workbook: one sheet a subject, for managers first.
//!
//! Every sheet is a list (see [`listing`]) but for the summary. The same report gives the same bytes.

mod cell;
mod context;
mod corrections;
mod detail;
mod earlier;
mod exceptions;
mod found;
mod full_disk;
mod group;
mod guide;
mod history;
mod inputs;
mod listing;
mod loaded;
mod overdue;
mod rejected;
mod request;
mod review;
mod style;
mod summary;
mod words;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use rust_xlsxwriter::{DocProperties, Workbook};

use crate::config;
use crate::report::Report;
use context::Context;
pub use request::request_sheet;

/// Writes the workbook of a run. Its folder must exist; a file of that name is replaced.
pub fn write(report: &Report, limits: &config::Workbook, to: &Path) -> Result<()> {
    // What a full disk or another reader could see stays where the workbook itself goes.
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    full_disk::told(folder, || write_in(folder, report, limits, to))
}

fn write_in(folder: &Path, report: &Report, limits: &config::Workbook, to: &Path) -> Result<()> {
    let context = Context::new(report, limits)?;
    let mut book = Workbook::new();
    book.set_zip_compression_level(1);
    book.set_properties(&properties(report));
    book.set_tempdir(folder).with_context(|| format!("cannot write in {}", folder.display()))?;

    summary::write(&mut book, &context).context("sheet Summary")?;
    overdue::write(&mut book, &context).context("sheet Overdue")?;
    for group in context.groups() {
        group::write(&mut book, &context, group).with_context(|| format!("sheet {}", group.title))?;
    }
    review::write(&mut book, &context).context("sheet Needs review")?;
    exceptions::write(&mut book, &context).context("sheet Exceptions")?;
    corrections::write(&mut book, &context).context("sheet Corrections")?;
    earlier::write(&mut book, &context).context("sheet Earlier corrections")?;
    loaded::write(&mut book, &context).context("sheet Load results")?;
    inputs::write(&mut book, &context).context("sheet Inputs")?;
    rejected::write(&mut book, &context).context("sheet Rejected rows")?;
    history::write(&mut book, &context).context("sheet History")?;
    guide::write(&mut book, &context).context("sheet Guide")?;

    let cannot = || format!("cannot write {}", to.display());
    let mut file = BufWriter::new(private(to).with_context(cannot)?);
    book.save_to_writer(&mut file).map_err(full_disk::of_system).with_context(cannot)?;
    file.flush().and_then(|()| file.get_ref().sync_all()).with_context(cannot)
}

/// A file that only its owner reads: it is full of addresses.
fn private(to: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(to)
}

fn properties(report: &Report) -> DocProperties {
    DocProperties::new()
        .set_title("E-mail preferences: discrepancies")
        .set_subject("Where the systems disagree about e-mail preferences, and what is done about it")
        .set_company(&report.organisation)
        .set_author("prefrecon")
        .set_creation_datetime(&report.as_of)
}
