//! `prefrecon run`: the weekly job.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::{Common, Format};
use crate::commands::{DONE, LOOK, print};
use crate::config::AfterRun;
use crate::reconcile::{Clock, reconcile};
use crate::report::Report;
use crate::workspace::Workspace;
use crate::write::{Manifest, Stage, summary, write, write_manifest};

pub(super) fn run(workspace: &Workspace, clock: Clock, dry_run: bool, format: Format, common: &Common) -> Result<u8> {
    let _lock = if dry_run { None } else { Some(workspace.lock()?) };
    let progress = progress(common);
    let (outputs, mut stages) = reconcile(workspace, clock, &mut |stage| progress.set_message(stage))?;
    let mut shown = None;
    let manifest =
        |stages: &[Stage]| Manifest::new(&outputs.report, workspace.configuration_sha256.clone(), stages.to_vec(), dry_run);
    if !dry_run {
        progress.set_message("write");
        let begun = Instant::now();
        let run = workspace.begin_run(clock.as_of)?;
        write(&outputs, &workspace.config, &run.hidden).context("the run was not written; the inbox is as it was")?;
        stages.push(Stage::ended("write", begun.elapsed()));
        write_manifest(&manifest(&stages), &run.hidden)?;
        let id = run.id.clone();
        shown = Some(run.appear()?);
        if workspace.config.inbox.after_run == AfterRun::Archive {
            workspace.archive(&id, &inputs(&outputs.report))?;
        }
    }
    progress.finish_and_clear();
    if common.verbose {
        for stage in &stages {
            eprintln!("{:>10} {:8.3} s", stage.stage, stage.seconds);
        }
    }
    if format == Format::Json {
        print(&(serde_json::to_string_pretty(&manifest(&stages))? + "\n"))?;
    } else if !common.quiet {
        let place =
            shown.map_or("Dry run: nothing was written.\n".to_owned(), |folder| format!("Written to {}\n", folder.display()));
        print(&format!("{}\n{place}", summary(&outputs.report)))?;
    }
    Ok(if outputs.report.needs_a_person() { LOOK } else { DONE })
}

/// The files that a run has used or found to be older exports: those that are done with.
fn inputs(report: &Report) -> Vec<PathBuf> {
    use crate::ingest::Verdict::{Superseded, Used};
    let done = report.inputs.iter().filter(|input| matches!(input.file.verdict, Used | Superseded(_)));
    let mut paths: Vec<PathBuf> = done.map(|input| input.file.path.clone()).collect();
    paths.dedup();
    paths
}

fn progress(common: &Common) -> ProgressBar {
    if common.quiet || !common.progress.holds(std::io::stderr().is_terminal()) {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})").expect("the template is well-formed");
    let progress = ProgressBar::new_spinner().with_style(style);
    progress.enable_steady_tick(Duration::from_millis(120));
    progress
}
