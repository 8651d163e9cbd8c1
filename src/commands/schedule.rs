//! `prefrecon schedule [WORKSPACE]`: the weekly run for cron or systemd, to be put in place by the administrator.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cli::ScheduleFormat;
use crate::commands::{DONE, print};
use crate::schedule::{At, MailTo, Schedule};
use crate::workspace::{Stop, Workspace};

pub(super) fn schedule(
    workspace: &Workspace,
    config: Option<&Path>,
    at: At,
    mail_to: Option<MailTo>,
    format: Option<ScheduleFormat>,
) -> Result<u8> {
    workspace.require_workspace()?;
    let schedule = Schedule {
        program: std::env::current_exe().context("the system does not say where this program is")?,
        workspace: absolute(&workspace.root)?,
        config: config.map(absolute).transpose()?,
        owner: owner(&workspace.root)?,
        at,
        mail_to,
    };
    let text = match format {
        Some(ScheduleFormat::Cron) => schedule.cron(),
        Some(ScheduleFormat::Service) => schedule.service(),
        Some(ScheduleFormat::Timer) => Ok(schedule.timer()),
        Some(ScheduleFormat::Systemd) => systemd(&schedule),
        None => schedule.cron().and_then(|cron| {
            Ok(format!(
                "# Either cron: add these lines with `crontab -e`, as the account that owns the workspace.\n\
                 # Cron mails what the run prints: the summary, or what went wrong.\n\n{cron}\n\
                 # Or systemd: what the run prints is in the journal, `journalctl -u prefrecon`.\n\n{}",
                systemd(&schedule)?
            ))
        }),
    };
    print(&text.context(Stop::Configuration)?)?;
    Ok(DONE)
}

fn systemd(schedule: &Schedule) -> Result<String> {
    Ok(format!(
        "# /etc/systemd/system/prefrecon.service\n{}\n# /etc/systemd/system/prefrecon.timer\n{}\n\
         # Then: systemctl daemon-reload && systemctl enable --now prefrecon.timer\n",
        schedule.service()?,
        schedule.timer()
    ))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).with_context(|| format!("cannot find {}", path.display()))
}

#[cfg(unix)]
fn owner(folder: &Path) -> Result<Option<u32>> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    Ok(Some(metadata.uid()))
}

/// Accounts have no numbers there, and there is no systemd either.
#[cfg(not(unix))]
fn owner(_folder: &Path) -> Result<Option<u32>> {
    Ok(None)
}
