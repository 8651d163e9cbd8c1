//! The command line, without any I/O.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::schedule::{At, MailTo};

/// Reconciles e-mail preferences across a CRM, a marketing platform and a source system.
#[derive(Debug, Parser)]
#[command(name = "prefrecon", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Exit status: 0 done · 1 unexpected failure, nothing written · 2 usage or configuration · 3 done, but \
                        something was held or refused and a person must look · 4 the inputs cannot be used, nothing written · 5 \
                        another run has the lock.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What holds for every command.
    #[command(flatten)]
    pub common: Common,
}

/// What holds for every command.
#[derive(Debug, Args)]
pub struct Common {
    /// Configuration file, instead of WORKSPACE/prefrecon.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Colour the output
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: When,
    /// Show progress on standard error
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub progress: When,
    /// Say more: the time and memory of each stage
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Say nothing but errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// When something is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl When {
    /// Whether to, on a stream that is a terminal or not.
    pub fn holds(self, terminal: bool) -> bool {
        match self {
            When::Auto => terminal,
            When::Always => true,
            When::Never => false,
        }
    }
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What `schedule` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScheduleFormat {
    /// The lines of a crontab.
    Cron,
    /// The service and the timer.
    Systemd,
    /// The service alone, as a file.
    Service,
    /// The timer alone, as a file.
    Timer,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reconcile what is in the inbox and write a run folder
    Run {
        /// The workspace
        #[arg(default_value = ".")]
        workspace: PathBuf,
        /// Run as if it were this time: 2026-11-22T06:00:00Z or 2026-11-22
        #[arg(long, value_name = "TIME")]
        as_of: Option<String>,
        /// Work everything out and write nothing
        #[arg(long)]
        dry_run: bool,
        /// `json` prints the manifest
        #[arg(long, default_value = "text")]
        format: Format,
    },
    /// Say what each file of the inbox would be read as, and what is missing or stale; writes nothing
    Check {
        /// The workspace
        #[arg(default_value = ".")]
        workspace: PathBuf,
        /// Check as if it were this time
        #[arg(long, value_name = "TIME")]
        as_of: Option<String>,
        /// `json` prints the reports of the files
        #[arg(long, default_value = "text")]
        format: Format,
    },
    /// Release what the safety brake of the newest run held, after a look at it
    #[command(override_usage = "prefrecon approve [OPTIONS] [WORKSPACE] RUN [TARGET]")]
    Approve {
        /// The workspace, unless it is the current folder; the run, or `latest`; a system or a file of it, or everything
        #[arg(value_name = "RUN", required = true, num_args = 1..=3)]
        what: Vec<String>,
        /// Who approves, if it is not the user of this account
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
    },
    /// Say everything about one person: records, matches, signals, rules, decision, corrections
    #[command(override_usage = "prefrecon explain [OPTIONS] [WORKSPACE] WHO")]
    Explain {
        /// The workspace, unless it is the current folder, and an address or an id of any system
        #[arg(value_name = "WHO", required = true, num_args = 1..=2)]
        who: Vec<String>,
        /// Answer from the archived inputs of this run; `latest` is the newest
        #[arg(long, value_name = "RUN", conflicts_with = "as_of")]
        run: Option<String>,
        /// Answer as if it were this time
        #[arg(long, value_name = "TIME")]
        as_of: Option<String>,
        /// `json` for programs
        #[arg(long, default_value = "text")]
        format: Format,
    },
    /// Make a workspace with a commented configuration and a note for staff
    Init {
        /// A folder that does not exist or is empty
        dir: PathBuf,
    },
    /// List the rules, or print one rule's whole text
    Rules {
        /// A code such as OPT101
        code: Option<String>,
    },
    /// List the systems, or print one system's profile to start an own one from
    Systems {
        /// What to print
        #[command(subcommand)]
        what: Option<SystemsCommand>,
    },
    /// Make a made-up workspace of any size, with a file that says what a run must find
    Generate {
        /// A folder that does not exist or is empty
        dir: PathBuf,
        /// How many CRM contacts
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        contacts: u64,
        /// Same seed, same bytes
        #[arg(long, value_name = "S")]
        seed: u64,
        /// Which systems: salesforce or dynamics, and any of marketing_cloud, activecampaign, campaign_monitor, ascend, advance, raisers_edge
        #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "salesforce,marketing_cloud,ascend")]
        systems: Vec<String>,
    },
    /// Show what the runs counted: a line a run, and each rule over the runs
    History {
        /// The workspace
        #[arg(default_value = ".")]
        workspace: PathBuf,
        /// So many of the last runs
        #[arg(long, value_name = "N", default_value = "26", value_parser = clap::value_parser!(u32).range(1..))]
        runs: u32,
        /// `json` prints the figures
        #[arg(long, default_value = "text")]
        format: Format,
    },
    /// Print the weekly run as lines for a crontab, or as a systemd service and timer
    Schedule {
        /// The workspace
        #[arg(default_value = ".")]
        workspace: PathBuf,
        /// Day and time of the week, on the machine's clock
        #[arg(long, value_name = "DAY HH:MM", default_value = "Mon 06:00")]
        at: At,
        /// Who gets cron's mail
        #[arg(long, value_name = "ADDRESS")]
        mail_to: Option<MailTo>,
        /// Only this, without headings
        #[arg(long)]
        format: Option<ScheduleFormat>,
    },
    /// Read a workbook from standard input, for the program itself
    #[command(hide = true)]
    ReadSpreadsheet,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What `systems` prints.
#[derive(Debug, Subcommand)]
pub enum SystemsCommand {
    /// All systems and their exports
    List,
    /// One system's profile
    Show {
        /// Its name
        name: String,
    },
}
