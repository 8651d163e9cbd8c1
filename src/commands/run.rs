//! `prefrecon run`: the weekly job.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::cli::{Common, Format};
use crate::commands::progress::Display;
use crate::commands::{DONE, LOOK, print};
use crate::config::AfterRun;
use crate::ingest::Paper;
use crate::ingest::Verdict::{Superseded, Used};
use crate::ledger::{approvals, settle};
use crate::progress::{self, Unit};
use crate::reconcile::{Clock, reconcile};
use crate::report::Report;
use crate::workspace::{Workspace, link_latest};
use crate::write::{Approvals, Manifest, Outputs, Stage, summary, write, write_manifest};

pub(super) fn run(workspace: &Workspace, clock: Clock, dry_run: bool, format: Format, common: &Common) -> Result<u8> {
    workspace.require_workspace()?;
    let _lock = if dry_run { None } else { Some(workspace.lock()?) };
    let mut troubles = Vec::new();
    if !dry_run {
        // The run itself does not need it: what goes wrong is told in the end.
        troubles.extend(complete_approvals(workspace).err());
        settle(&workspace.ledger(), &workspace.runs())?;
    }
    let display = Display::start(common);
    reconcile(workspace, clock, |outputs, mut stages| {
        let shown = if dry_run { None } else { Some(write_run(workspace, clock, &outputs, &mut stages, &mut troubles)?) };
        drop(display);
        if common.verbose {
            for stage in &stages {
                let memory = stage.peak_memory_bytes.map(|bytes| format!("  {:6} MB", bytes / 1_000_000)).unwrap_or_default();
                eprintln!("{:>10} {:8.3} s{memory}", stage.stage, stage.seconds);
            }
        }
        if format == Format::Json {
            let manifest = manifest(&outputs, workspace, stages, dry_run);
            troubles.extend(print(&(serde_json::to_string_pretty(&manifest)? + "\n")).err());
        } else if !common.quiet {
            let place = shown.map_or_else(
                || dry_words(&outputs.report, workspace, clock),
                |folder| {
                    let next = "Next: open its discrepancies.xlsx, whose first sheet says what to do today.";
                    format!("Written to {}\n{next}\n", folder.display())
                },
            );
            troubles.extend(print(&format!("{}\n{place}", summary(&outputs.report))).err());
        }
        for trouble in &troubles {
            eprintln!("prefrecon: {trouble:#}");
        }
        Ok(if outputs.report.needs_a_person() || !troubles.is_empty() { LOOK } else { DONE })
    })
}

/// Writes the run folder, and puts away what the run is done with. Gives the folder.
fn write_run(
    workspace: &Workspace,
    clock: Clock,
    outputs: &Outputs<'_>,
    stages: &mut Vec<Stage>,
    troubles: &mut Vec<anyhow::Error>,
) -> Result<PathBuf> {
    progress::begin("write", Unit::Count("rows"), 0);
    let begun = Instant::now();
    let run = workspace.begin_run(clock.as_of)?;
    let set = write(outputs, &workspace.config, &run).context("the run was not written; the inbox is as it was")?;
    stages.push(Stage::ended("write", begun.elapsed()));
    write_manifest(&manifest(outputs, workspace, stages.clone(), false), &run.hidden)?;
    let id = run.id.clone();
    let folder = run.appear()?;
    // The run is complete: what goes wrong from here on is told, and undoes nothing.
    troubles.extend(set.appear().err());
    troubles.extend(settle(&workspace.ledger(), &workspace.runs()).err());
    troubles.extend(link_latest(&folder).err());
    if workspace.config.inbox.after_run == AfterRun::Archive {
        let moved = inputs(&outputs.report).into_iter().map(|(path, sha256)| workspace.archive(&id, path, sha256));
        troubles.extend(moved.filter_map(Result::err));
        let papers = outputs.papers.iter().filter_map(|file| Some((file, file.paper?)));
        let moved =
            papers.map(|(file, paper)| workspace.archive_decisions(&id, &file.path, &file.sha256, paper == Paper::Exceptions));
        troubles.extend(moved.filter_map(Result::err));
    }
    troubles.extend(workspace.remove_expired(clock.as_of));
    Ok(folder)
}

fn manifest(outputs: &Outputs<'_>, workspace: &Workspace, stages: Vec<Stage>, dry_run: bool) -> Manifest {
    Manifest::new(&outputs.report, workspace.configuration_sha256.clone(), stages, dry_run)
}

/// Does what a killed `approve` has left of its work.
fn complete_approvals(workspace: &Workspace) -> Result<()> {
    let Some(latest) = workspace.run_ids()?.pop() else { return Ok(()) };
    let approvals = approvals(&workspace.ledger(), &workspace.runs(), &latest)?;
    if approvals.is_empty() { Ok(()) } else { Approvals { approvals }.complete(&workspace.runs().join(latest)) }
}

/// What a dry run says beside the summary: what would be removed because of its age.
fn dry_words(report: &Report, workspace: &Workspace, clock: Clock) -> String {
    let sets = report.history.pruned.iter().map(|run| format!("ledger/{run}"));
    let folders = workspace.expired(clock.as_of).unwrap_or_default();
    let folders = folders.iter().map(|folder| folder.strip_prefix(&workspace.root).unwrap_or(folder).display().to_string());
    let removed: Vec<String> = sets.chain(folders).collect();
    let removed = if removed.is_empty() { String::new() } else { format!("Too old, would go: {}.\n", removed.join(", ")) };
    format!("Dry run: nothing was written.\n{removed}")
}

/// The files that a run is done with, and what they held: those used, older exports, and copies of either.
fn inputs(report: &Report) -> Vec<(&Path, &str)> {
    let files = || report.inputs.iter().map(|input| &input.file);
    let done: HashSet<&str> =
        files().filter(|file| matches!(file.verdict, Used | Superseded(_))).map(|file| file.content()).collect();
    let mut inputs: Vec<(&Path, &str)> =
        files().filter(|file| done.contains(file.content())).map(|file| (file.path.as_path(), file.sha256.as_str())).collect();
    inputs.dedup();
    inputs
}
