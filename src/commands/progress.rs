//! Shows how far the work is while it takes more than a moment: one line that changes on a terminal, a line now and then
//! elsewhere, where it is asked for.

use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

use crate::cli::Common;
use crate::progress::{self, Progress, Unit};

/// What is done sooner shows nothing.
const A_MOMENT: Duration = Duration::from_secs(1);
/// How often the line of a terminal changes.
const TICK: Duration = Duration::from_millis(120);
/// How often a stage is told of where there is no terminal.
const LINES_EVERY: Duration = Duration::from_secs(10);

/// What is shown until it is dropped.
pub(super) struct Display(Option<(Sender<()>, JoinHandle<()>)>);

impl Display {
    /// Shows progress on standard error if the command line wants it.
    pub fn start(common: &Common) -> Display {
        let terminal = std::io::stderr().is_terminal();
        if common.quiet || !common.progress.holds(terminal) {
            return Display(None);
        }
        let (stop, stopped) = channel();
        let wait = move |time| stopped.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
        let show = move || {
            if wait(A_MOMENT) {
                if terminal { on_terminal(wait) } else { in_lines(wait) }
            }
        };
        Display(Some((stop, std::thread::spawn(show))))
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            drop(stop);
            // A display that failed is no reason for anything.
            let _ = thread.join();
        }
    }
}

fn on_terminal(wait: impl Fn(Duration) -> bool) {
    let style = ProgressStyle::with_template("{spinner} {wide_msg}").expect("the template is well-formed");
    let line = ProgressBar::new_spinner().with_style(style);
    loop {
        if let Some(progress) = progress::now() {
            line.set_message(sentence(&progress));
        }
        line.tick();
        if !wait(TICK) {
            return line.finish_and_clear();
        }
    }
}

fn in_lines(wait: impl Fn(Duration) -> bool) {
    let mut told: Option<(&str, Duration)> = None;
    loop {
        if let Some(progress) = progress::now() {
            let again = told.is_none_or(|(stage, at)| stage != progress.stage || progress.took >= at + LINES_EVERY);
            if again {
                told = Some((progress.stage, progress.took));
                eprintln!("prefrecon: {}", sentence(&progress));
            }
        }
        if !wait(A_MOMENT) {
            return;
        }
    }
}

/// `reading the exports: contacts.csv, 212 of 507 MB (41 %), 150 MB a second, 2 seconds left`
fn sentence(progress: &Progress) -> String {
    let Progress { stage, at, unit, done, all, took } = progress;
    let mut text = words(stage).to_owned();
    let mut separator = ": ";
    let mut add = |part: std::fmt::Arguments<'_>| {
        let _ = write!(text, "{separator}{part}");
        separator = ", ";
    };
    if !at.is_empty() {
        add(format_args!("{at}"));
    }
    match (*done, *all) {
        (_, 0) => {}
        (0, all) => add(format_args!("{} {}", amount(all, *unit), name(*unit))),
        (done, all) => {
            let share = done * 100 / all;
            add(format_args!("{} of {} {} ({share} %)", amount(done, *unit), amount(all, *unit), name(*unit)));
            let rate = done as f64 / took.as_secs_f64().max(0.001);
            add(format_args!("{} {} a second", amount(rate as u64, *unit), name(*unit)));
            if done < all {
                let left = Duration::from_secs(((all - done) as f64 / rate).ceil() as u64);
                add(format_args!("{} left", HumanDuration(left)));
            }
        }
    }
    text
}

/// What a stage does, for people.
fn words(stage: &'static str) -> &'static str {
    match stage {
        "ingest" => "reading the exports",
        "normalise" => "putting records together",
        "match" => "matching records",
        "weigh" => "weighing opt-outs and opt-ins",
        "gather" => "gathering records by person",
        "classify" => "looking for discrepancies",
        "decide" => "deciding on corrections",
        "report" => "preparing the report",
        "write" => "writing the run",
        "generate" => "making people up",
        other => other,
    }
}

fn name(unit: Unit) -> &'static str {
    match unit {
        Unit::Bytes => "MB",
        Unit::Count(name) => name,
    }
}

/// Whole megabytes, tenths of them below ten; other things with separated thousands.
fn amount(number: u64, unit: Unit) -> String {
    match unit {
        Unit::Bytes if number < 10_000_000 => format!("{:.1}", number as f64 / 1e6),
        Unit::Bytes => format!("{:.0}", number as f64 / 1e6),
        Unit::Count(_) => indicatif::HumanCount(number).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_says_what_is_known() {
        let bytes = Unit::Bytes;
        let rows = Unit::Count("rows");
        // stage | at | unit | done | all | seconds | sentence
        for (stage, at, unit, done, all, seconds, expected) in [
            ("weigh", "", rows, 0, 0, 1, "weighing opt-outs and opt-ins"),
            ("match", "", rows, 0, 4_774_761, 1, "matching records: 4,774,761 rows"),
            ("ingest", "", bytes, 0, 507_000_000, 0, "reading the exports: 507 MB"),
            (
                "ingest",
                "contacts.csv",
                bytes,
                212_000_000,
                507_000_000,
                2,
                "reading the exports: contacts.csv, 212 of 507 MB (41 %), 106 MB a second, 3 seconds left",
            ),
            (
                "ingest",
                "a.csv",
                bytes,
                5_500_000,
                5_500_000,
                1,
                "reading the exports: a.csv, 5.5 of 5.5 MB (100 %), 5.5 MB a second",
            ),
            (
                "write",
                "",
                rows,
                1_000,
                61_000,
                1,
                "writing the run: 1,000 of 61,000 rows (1 %), 1,000 rows a second, 60 seconds left",
            ),
        ] {
            let progress = Progress { stage, at: at.to_owned(), unit, done, all, took: Duration::from_secs(seconds) };
            assert_eq!(sentence(&progress), expected);
        }
    }
}
