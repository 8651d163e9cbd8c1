//! `prefrecon generate`: a made-up workspace.

use std::path::Path;

use anyhow::Result;

use crate::cli::Common;
use crate::commands::progress::Display;
use crate::commands::{DONE, print, require_empty};
use crate::write::table;

pub(super) fn generate(dir: &Path, contacts: u64, seed: u64, systems: &[String], common: &Common) -> Result<u8> {
    require_empty(dir)?;
    let display = Display::start(common);
    let generated = crate::generate::generate_systems(dir, contacts, seed, systems)?;
    drop(display);
    if common.quiet {
        return Ok(DONE);
    }
    let mut files = table(["file", "rows", "bytes"], 1..3);
    for file in &generated.files {
        files.add_row([file.path.display().to_string(), file.rows.to_string(), file.bytes.to_string()]);
    }
    print(&format!(
        "{}\n\n{} discrepancies are planted; truth.csv says which. Try: prefrecon run {}\n",
        files.trim_fmt(),
        generated.truth_rows,
        dir.display()
    ))?;
    Ok(DONE)
}
