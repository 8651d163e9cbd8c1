//! One file a command; each composes the library and returns the exit status.

mod approve;
mod check;
mod explain;
mod generate;
mod history;
mod init;
mod progress;
mod rules;
mod run;
mod schedule;
mod systems;

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result, anyhow};
use chrono::{DateTime, Utc};
use clap::CommandFactory;

use crate::cli::{Cli, Command, Common};
use crate::config::parse_as_of;
use crate::ingest::spreadsheet::serve_limited;
use crate::reconcile::Clock;
use crate::workspace::{Stop, Workspace};

/// Exit status: done.
pub const DONE: u8 = 0;
/// Exit status: an unexpected failure.
pub const FAILED: u8 = 1;
/// Exit status: done, but a person must look.
pub const LOOK: u8 = 3;

/// Runs a command.
///
/// # Errors
/// What went wrong, as a chain of places; a [`Stop`] in it decides the exit status.
pub fn dispatch(cli: Cli, now: SystemTime) -> Result<u8> {
    let Cli { command, common } = cli;
    match command {
        Command::Run { workspace, as_of, dry_run, format } => {
            let workspace = Workspace::open(&workspace, common.config.as_deref())?;
            let clock = clock(&workspace, as_of.as_deref(), now)?;
            run::run(&workspace, clock, dry_run, format, &common)
        }
        Command::Check { workspace, as_of, format } => {
            let workspace = Workspace::open(&workspace, common.config.as_deref())?;
            let clock = clock(&workspace, as_of.as_deref(), now)?;
            check::check(&workspace, clock, format, &common)
        }
        Command::Approve { what, by } => {
            let (place, run, target) = match &what[..] {
                [place, run, target] => (place.as_str(), run, Some(target.as_str())),
                [place, run] if is_workspace(Path::new(place)) => (place.as_str(), run, None),
                [run, target] => (".", run, Some(target.as_str())),
                [place] if is_workspace(Path::new(place)) => return Err(alone("approve", place, "RUN [TARGET]")),
                _ => (".", &what[0], None),
            };
            let workspace = Workspace::open(Path::new(place), common.config.as_deref())?;
            approve::approve(&workspace, run, target, by, now)
        }
        Command::Explain { who, run, as_of, format } => {
            let (workspace, who) = match &who[..] {
                [workspace, who] => (Path::new(workspace), who),
                [place] if is_workspace(Path::new(place)) => return Err(alone("explain", place, "WHO")),
                _ => (Path::new("."), &who[0]),
            };
            let workspace = Workspace::open(workspace, common.config.as_deref())?;
            let clock = clock(&workspace, as_of.as_deref(), now)?;
            explain::explain(workspace, who, run.as_deref(), clock, format, &common)
        }
        Command::Init { dir } => init::init(&dir),
        Command::Rules { code } => rules::rules(code.as_deref()),
        Command::Systems { what } => systems::systems(what),
        Command::Generate { dir, contacts, seed, systems } => generate::generate(&dir, contacts, seed, &systems, &common),
        Command::History { workspace, runs, format } => {
            history::history(&Workspace::open(&workspace, common.config.as_deref())?, runs as usize, format)
        }
        Command::Schedule { workspace, at, mail_to, format } => {
            let config = common.config.as_deref();
            schedule::schedule(&Workspace::open(&workspace, config)?, config, at, mail_to, format)
        }
        Command::ReadSpreadsheet => {
            serve_limited(std::io::stdin().lock(), std::io::stdout().lock())?;
            Ok(DONE)
        }
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "prefrecon", &mut text);
            print(&String::from_utf8_lossy(&text))?;
            Ok(DONE)
        }
    }
}

/// The exit status of a failure.
pub fn status_of(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<Stop>() {
        Some(Stop::Configuration) => 2,
        Some(Stop::Inputs) => 4,
        Some(Stop::Locked) => 5,
        None => FAILED,
    }
}

/// What helps after a failure, where its causes tell.
pub fn advice(error: &anyhow::Error) -> Option<&'static str> {
    use std::io::ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    error.chain().find_map(|cause| match cause.downcast_ref::<std::io::Error>()?.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => {
            Some("make room on that disk, then run it again: there is nothing to clean up")
        }
        PermissionDenied | ReadOnlyFilesystem => {
            Some("let the account that runs prefrecon read and write there, then run it again")
        }
        _ => None,
    })
}

/// The run's time: the command line's, else the configuration's, else now.
fn clock(workspace: &Workspace, as_of: Option<&str>, now: SystemTime) -> Result<Clock> {
    let zone = workspace.config.timezone().context(Stop::Configuration)?;
    let given = as_of.map(|text| parse_as_of(text, zone).context("--as-of")).transpose().context(Stop::Configuration)?;
    let configured = workspace.config.as_of().context(Stop::Configuration)?;
    Ok(Clock { as_of: given.or(configured).unwrap_or_else(|| DateTime::<Utc>::from(now)), now })
}

/// Prints a result; a reader that has gone away, such as `head`, is no failure.
fn print(text: &str) -> Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}

/// Whether results are coloured.
fn coloured(common: &Common) -> bool {
    common.color.holds(std::io::stdout().is_terminal())
}

/// A workspace was named, and nothing in it.
fn alone(command: &str, workspace: &str, what: &str) -> anyhow::Error {
    anyhow!("{workspace} is a workspace; say what you mean in it: prefrecon {command} {workspace} {what}")
        .context(Stop::Configuration)
}

/// Whether a folder has runs, or could have.
fn is_workspace(folder: &Path) -> bool {
    ["runs", "inbox", "prefrecon.toml"].iter().any(|name| folder.join(name).exists())
}

/// A folder that is to be made: it must not exist or be empty.
fn require_empty(dir: &Path) -> Result<()> {
    let taken = match std::fs::read_dir(dir) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", dir.display())).context(Stop::Configuration),
    };
    if taken {
        let error = anyhow::anyhow!("{} is not empty: name a folder that does not exist yet", dir.display());
        return Err(error.context(Stop::Configuration));
    }
    Ok(())
}
