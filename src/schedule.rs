//! The weekly run as a crontab line and as a systemd service and timer: texts alone, one [`Schedule`] a workspace.
//!
//! Both start the program with nothing in the environment and in a folder of their own, so every path is absolute.
//! Two runs cannot meet: the program takes the workspace's lock itself.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Result, bail};
use chrono::{NaiveTime, Timelike, Weekday};

/// The weekly run of one workspace.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The program, absolute.
    pub program: PathBuf,
    /// The workspace, absolute.
    pub workspace: PathBuf,
    /// The configuration file, absolute, where it is not the workspace's own.
    pub config: Option<PathBuf>,
    /// The account that owns the workspace, by number, where the system has such numbers.
    pub owner: Option<u32>,
    /// When.
    pub at: At,
    /// Who gets cron's mail; cron's own choice is the account whose crontab it is.
    pub mail_to: Option<MailTo>,
}

/// A day of the week and a time of that day, on the machine's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The day.
    pub day: Weekday,
    /// The time, whole minutes.
    pub time: NaiveTime,
}

/// A mail address, or several with commas between, as a crontab takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailTo(String);

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<At, String> {
        let wrong = || format!("`{text}` is no day and time: write for example \"Mon 06:00\"");
        let (day, time) = text.trim().split_once(' ').ok_or_else(wrong)?;
        let day = day.parse().map_err(|_| wrong())?;
        let time = NaiveTime::parse_from_str(time.trim(), "%H:%M").map_err(|_| wrong())?;
        Ok(At { day, time })
    }
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.day, self.time.format("%H:%M"))
    }
}

impl FromStr for MailTo {
    type Err = String;

    fn from_str(text: &str) -> Result<MailTo, String> {
        // A crontab ends the value with its line, and takes quotes and `%` for itself.
        let plain = |c: char| c.is_alphanumeric() || ".,_+-@".contains(c);
        if text.is_empty() || !text.chars().all(plain) {
            return Err(format!("`{text}` is no mail address: write for example records@example.org"));
        }
        Ok(MailTo(text.to_owned()))
    }
}

impl Schedule {
    /// The lines of a crontab.
    ///
    /// # Errors
    /// A path that a crontab cannot name.
    pub fn cron(&self) -> Result<String> {
        let mut words = vec![for_cron(&self.program)?, "run".to_owned(), "--progress never".to_owned()];
        if let Some(config) = &self.config {
            words.push(format!("--config {}", for_cron(config)?));
        }
        words.push(for_cron(&self.workspace)?);
        let mut text = String::new();
        match &self.mail_to {
            Some(MailTo(addresses)) => drop(writeln!(text, "MAILTO={addresses}")),
            None => text.push_str("# MAILTO=you@example.org    without it, cron mails to the account whose crontab this is\n"),
        }
        let At { day, time } = self.at;
        let day = day.num_days_from_sunday();
        let _ = writeln!(text, "{} {} * * {day}  {}", time.minute(), time.hour(), words.join(" "));
        Ok(text)
    }

    /// The systemd service that does one run.
    ///
    /// # Errors
    /// A path that a unit cannot name.
    pub fn service(&self) -> Result<String> {
        // systemd starts no program with such a name, however it is quoted.
        if self.program.to_string_lossy().contains(['"', '\'', '\\']) {
            bail!(
                "{} has a quote or a backslash in its name, which systemd refuses: put the program elsewhere",
                self.program.display()
            );
        }
        let mut words = vec![for_unit(&self.program)?, "run".to_owned(), "--progress never".to_owned()];
        if let Some(config) = &self.config {
            words.push(format!("--config {}", for_unit_argument(config)?));
        }
        words.push(for_unit_argument(&self.workspace)?);
        let mut text = String::from("[Unit]\nDescription=Weekly reconciliation of e-mail preferences\n");
        let _ = writeln!(text, "RequiresMountsFor={}", for_unit(&self.workspace)?);
        text.push_str("\n[Service]\nType=oneshot\n");
        if let Some(owner) = self.owner {
            let _ = writeln!(text, "# The account that owns the workspace.\nUser={owner}");
        }
        text.push_str("# Status 3 means that the run is complete and a person must look: the unit shows as failed, so that somebody does.\n");
        let _ = writeln!(text, "ExecStart={}", words.join(" "));
        Ok(text)
    }

    /// The systemd timer that starts the service.
    pub fn timer(&self) -> String {
        format!(
            "[Unit]\nDescription=Weekly reconciliation of e-mail preferences\n\n[Timer]\nOnCalendar={}\n\
             # A run that was missed because the machine was off is made up for.\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n",
            self.at
        )
    }
}

/// A path as text without what no line of a schedule can hold.
fn plain(path: &Path) -> Result<&str> {
    match path.to_str() {
        Some(text) if !text.contains(char::is_control) => Ok(text),
        _ => bail!(
            "{} has a character that no schedule can name: rename the folder, or link to it under another name",
            path.display()
        ),
    }
}

/// Quoted for the shell that cron starts; `%` would end the command for cron itself.
fn for_cron(path: &Path) -> Result<String> {
    let text = plain(path)?;
    // What becomes of a backslash differs between cron daemons.
    if text.contains('\\') {
        bail!("{} has a backslash, which a crontab cannot name: use `--format systemd`, or rename the folder", path.display());
    }
    Ok(shell_word(text).replace('%', r"\%"))
}

/// A path as one types it to a shell.
pub fn for_shell(path: &Path) -> String {
    shell_word(&path.to_string_lossy())
}

fn shell_word(text: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || "/._-+:,@=".contains(c);
    if text.chars().all(safe) { text.to_owned() } else { format!("'{}'", text.replace('\'', r#"'"'"'"#)) }
}

/// Quoted for a unit file, where `%` begins a specifier.
fn for_unit(path: &Path) -> Result<String> {
    let text = plain(path)?;
    let safe = |c: char| c.is_alphanumeric() || "/._-+:,@=$%".contains(c);
    let escaped = text.replace('\\', r"\\").replace('"', r#"\""#).replace('%', "%%");
    Ok(if text.chars().all(safe) { escaped } else { format!("\"{escaped}\"") })
}

/// The same for what the program is given: there `$` begins a variable, which in the program's own path it does not.
fn for_unit_argument(path: &Path) -> Result<String> {
    Ok(for_unit(path)?.replace('$', "$$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(program: &str, workspace: &str) -> Schedule {
        let at = "Sun 06:30".parse().unwrap();
        let (program, workspace) = (program.into(), workspace.into());
        Schedule { program, workspace, config: None, owner: Some(1001), at, mail_to: None }
    }

    #[test]
    fn days_and_times_are_read_or_refused() {
        for (text, read) in [("Sun 06:00", "Sun 06:00"), ("monday 6:05", "Mon 06:05"), ("FRI 23:59", "Fri 23:59")] {
            assert_eq!(text.parse::<At>().unwrap().to_string(), read);
        }
        for text in ["", "Sun", "06:00", "Sun 24:00", "Sun 6", "Someday 06:00", "Sun 06:00:30", "0 6 * * *"] {
            assert!(text.parse::<At>().is_err(), "{text}");
        }
    }

    #[test]
    fn mail_goes_to_addresses_alone() {
        for text in ["records@example.org", "a@example.org,b@example.org", "root"] {
            assert!(text.parse::<MailTo>().is_ok(), "{text}");
        }
        for text in ["", "a@example.org\n* * * * * rm", "a b", "\"a\"", "50%"] {
            assert!(text.parse::<MailTo>().is_err(), "{text}");
        }
    }

    #[test]
    fn plain_paths_are_written_plainly() {
        let schedule = schedule("/usr/local/bin/prefrecon", "/srv/prefrecon");
        let cron = schedule.cron().unwrap();
        assert_eq!(cron.lines().last(), Some("30 6 * * 0  /usr/local/bin/prefrecon run --progress never /srv/prefrecon"));
        let service = schedule.service().unwrap();
        assert!(service.contains("\nExecStart=/usr/local/bin/prefrecon run --progress never /srv/prefrecon\n"), "{service}");
        assert!(service.contains("\nUser=1001\n"), "{service}");
        assert!(schedule.timer().contains("\nOnCalendar=Sun 06:30\n"));
    }

    #[test]
    fn odd_paths_are_quoted_as_each_reader_wants_it() {
        let schedule = schedule("/opt/50% $HOME/p", "/srv/it's \"ours\"");
        let cron = schedule.cron().unwrap();
        assert!(cron.ends_with("  '/opt/50\\% $HOME/p' run --progress never '/srv/it'\"'\"'s \"ours\"'\n"), "{cron}");
        let service = schedule.service().unwrap();
        let line = "ExecStart=\"/opt/50%% $HOME/p\" run --progress never \"/srv/it's \\\"ours\\\"\"\n";
        assert!(service.ends_with(line), "{service}");
        let schedule = Schedule { config: Some("/srv/$a.toml".into()), mail_to: Some(MailTo("root".into())), ..schedule };
        assert!(schedule.service().unwrap().contains(" --config /srv/$$a.toml "));
        assert!(schedule.cron().unwrap().starts_with("MAILTO=root\n"));
    }

    #[test]
    fn what_cannot_be_named_is_refused() {
        assert!(schedule("/p", "/srv/a\nb").cron().is_err() && schedule("/p", "/srv/a\nb").service().is_err());
        assert!(schedule("/p", "/srv/a\\b").cron().is_err() && schedule("/p", "/srv/a\\b").service().is_ok());
        assert!(schedule("/it's/p", "/srv").cron().is_ok() && schedule("/it's/p", "/srv").service().is_err());
    }
}
