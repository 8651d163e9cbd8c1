//! `prefrecon approve RUN [TARGET]`: releases what the brake held, after a look. Target `decisions` says that lost decisions
//! of reviewers were made good for.

use std::fmt::Write;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result, anyhow, bail};
use chrono::{DateTime, SecondsFormat, Utc};

use crate::commands::{DONE, print};
use crate::ledger::{Approval, Released, approvals, approve as append, lost_decisions};
use crate::nearest::sentence_hint;
use crate::workspace::{PastRun, Stop, Workspace};
use crate::write::{Approvals, undo_of_workbook};

pub(super) fn approve(workspace: &Workspace, run: &str, target: Option<&str>, by: Option<String>, now: SystemTime) -> Result<u8> {
    let _lock = workspace.lock()?;
    let run = workspace.past_run(run)?;
    require_newest(&run, workspace).context(Stop::Configuration)?;
    let (folder, ledger, runs) = (workspace.runs().join(&run.id), workspace.ledger(), workspace.runs());
    let complete = || Approvals { approvals: approvals(&ledger, &runs, &run.id)? }.complete(&folder);
    // What a killed approval has left.
    complete()?;
    let (mut released, mut decisions) = (Vec::new(), Vec::new());
    if target == Some(DECISIONS) {
        decisions = lost_decisions(&ledger, &runs, &run.id)?;
        if decisions.is_empty() {
            return Err(anyhow!("the run {} misses no decisions of reviewers: there is nothing to say", run.id))
                .context(Stop::Configuration);
        }
    } else {
        released = to_release(&run, target, &folder, workspace).context(Stop::Configuration)?;
    }
    let by = by.or_else(user).filter(|name| !name.trim().is_empty());
    let by = by.context("nobody knows who approves: say it with --by NAME").context(Stop::Configuration)?;
    let at = DateTime::<Utc>::from(now).to_rfc3339_opts(SecondsFormat::Secs, true);
    let text = if decisions.is_empty() { said(&released, &run, &by) } else { made_good(&decisions, &by) };
    append(&ledger, &runs, &run.id, &Approval { by, at, released, decisions })?;
    complete()?;
    print(&text)?;
    Ok(DONE)
}

/// What the target is called that is no system: the reviewers' decisions.
const DECISIONS: &str = "decisions";

/// Only the newest run can be approved: what older ones held may be out of date.
fn require_newest(run: &PastRun, workspace: &Workspace) -> Result<()> {
    let newest = workspace.past_run("latest")?;
    // One whose manifest cannot be read may be newer than all others.
    let unreadable = workspace.run_ids()?.into_iter().filter(|id| *id > newest.id).find(|id| workspace.past_run(id).is_err());
    if let Some(id) = unreadable {
        bail!("runs/{id}/run.json cannot be read, so nobody can say what that run held: run again, then approve the new run");
    }
    if newest.id != run.id {
        bail!(
            "the run {} is not the newest, {} is: what it held may be out of date. Approve the newest run, which works everything out anew",
            run.id,
            newest.id
        );
    }
    Ok(())
}

fn made_good(decisions: &[String], by: &str) -> String {
    format!(
        "{by} says that the lost decisions of {} were made good for: from the next run on they hold no opt-in any more.\n",
        decisions.join(", ")
    )
}

/// The user of this account, as its environment tells.
fn user() -> Option<String> {
    ["LOGNAME", "USER", "USERNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
}

/// The held files of a target, or of all, and where they go.
fn to_release(run: &PastRun, target: Option<&str>, folder: &Path, workspace: &Workspace) -> Result<Vec<Released>> {
    let held: Vec<(&str, &str, u64)> = run
        .corrections
        .iter()
        .flat_map(|(system, target)| target.files.iter().map(move |(path, rows)| (system.as_str(), path, rows)))
        .filter_map(|(system, path, rows)| Some((system, path.strip_prefix("held/")?, *rows)))
        .filter(|(_, name, _)| folder.join("held").join(name).is_file())
        .collect();
    let wanted =
        |system: &str, name: &str| target.is_none_or(|target| target == system || target.trim_start_matches("held/") == name);
    let released: Vec<Released> = held
        .iter()
        .filter(|(system, name, _)| wanted(system, name))
        .map(|(system, name, rows)| {
            // A file of that name may be there and loaded already: nothing is added to it.
            let free = |below: &str, name: &str| {
                let beside = format!("{below}/{name}");
                if folder.join(&beside).exists() { format!("{below}/approved/{name}") } else { beside }
            };
            // What undoes a workbook is a CSV file, of another name where that is the name of rows that are held too.
            let as_csv = name.strip_suffix(".xlsx").map(|stem| format!("{stem}.csv"));
            let as_csv = as_csv.iter().flat_map(|csv| [undo_of_workbook(csv), csv.clone()]);
            let as_csv = as_csv.into_iter().find(|csv| folder.join(format!("held/undo/{csv}")).is_file());
            let undo_name = as_csv.as_deref().unwrap_or(name);
            let undo = format!("held/undo/{undo_name}");
            Released {
                target: (*system).to_owned(),
                from: format!("held/{name}"),
                to: free("corrections", name),
                rows: *rows,
                undo: folder.join(&undo).is_file().then(|| (undo, free("undo", undo_name))),
            }
        })
        .collect();
    if !released.is_empty() {
        return Ok(released);
    }
    let systems = workspace.systems.names();
    match target {
        Some(target) if !systems.contains(&target) && !run.corrections.contains_key(target) => {
            let known: Vec<&str> =
                held.iter().flat_map(|(system, name, _)| [*system, *name]).chain(systems.iter().copied()).collect();
            bail!(
                "`{target}` is neither a system nor a held file of the run {}{} {}",
                run.id,
                sentence_hint(target, &known),
                list(&held)
            )
        }
        Some(target) => bail!("nothing of {target} is held in the run {}. {}", run.id, list(&held)),
        None => bail!("nothing is held in the run {}: there is nothing to approve", run.id),
    }
}

fn list(held: &[(&str, &str, u64)]) -> String {
    match held {
        [] => "Nothing is held.".to_owned(),
        held => format!("Held are {}.", held.iter().map(|(_, name, _)| *name).collect::<Vec<_>>().join(", ")),
    }
}

fn said(released: &[Released], run: &PastRun, by: &str) -> String {
    let mut text = format!("{by} has released what the run {} held:\n", run.id);
    for file in released {
        let rows = if file.rows == 1 { "1 row".to_owned() } else { format!("{} rows", file.rows) };
        let _ = writeln!(
            text,
            "  {} ({rows}, {})",
            file.to,
            if file.undo.is_some() { "with its undo file" } else { "which has no undo file" }
        );
    }
    let mut targets: Vec<&str> = released.iter().map(|file| file.target.as_str()).collect();
    targets.dedup();
    let reasons: Vec<&str> = targets.iter().flat_map(|target| &run.corrections[*target].why_held).map(String::as_str).collect();
    if !reasons.is_empty() {
        let _ = writeln!(text, "It was held because:");
    }
    for reason in reasons {
        let _ = writeln!(text, "  {reason}");
    }
    let _ = writeln!(text, "The files are ready to load. The approval is in runs/{}/approved.json.", run.id);
    text
}
