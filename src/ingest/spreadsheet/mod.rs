//! Workbooks: read by a process of their own, so that a file made to break a reader breaks nothing but itself.
//!
//! [`cells`] opens one; it runs behind [`serve`], which the hidden command of the program calls.
//! What comes over the [`wire`] is the head of every sheet, then the rows of the one that is asked for.

mod cells;
mod formulas;
mod ods;
mod repair;
mod rows;
mod serve;
mod text;
mod wire;
mod xls;
mod xlsb;

use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use csv::StringRecord;

use super::limits::{MAX_SHEETS, WORKBOOK_MEMORY_BYTES};
pub use serve::serve_limited;
use wire::Frame;

/// The hidden command that reads a workbook from standard input.
pub const COMMAND: &str = "read-spreadsheet";

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Says which program reads workbooks: this one, by its hidden command. Until it is said, as in tests that link the
/// library, a thread of the same process does, without limits.
pub fn read_with(program: PathBuf) {
    let _ = PROGRAM.set(program);
}

/// A sheet and its first rows.
#[derive(Debug)]
pub struct Head {
    /// Its name.
    pub name: String,
    /// Whether people do not see it.
    pub is_hidden: bool,
    /// The row's number, 1 being the first, and its cells from the first column on.
    pub rows: Vec<(u32, StringRecord)>,
}

/// A workbook that is being read.
pub struct Workbook {
    input: Box<dyn Write + Send>,
    output: BufReader<Box<dyn Read + Send>>,
    child: Option<Child>,
}

impl Workbook {
    /// Opens a workbook and reads the head of every sheet, in order.
    ///
    /// # Errors
    /// It has a password, is damaged, or breaks or outlives its reader.
    pub fn open(bytes: &[u8]) -> Result<(Workbook, Vec<Head>)> {
        let mut workbook = match PROGRAM.get() {
            Some(program) => Workbook::by_process(program)?,
            None => Workbook::by_thread()?,
        };
        // A reader that has gone away already is told by what it answers.
        let _ = wire::write_workbook(&mut workbook.input, bytes);
        let mut heads: Vec<Head> = Vec::new();
        loop {
            match workbook.next()? {
                Frame::Sheet(name) if heads.len() < MAX_SHEETS => heads.push(Head { name, is_hidden: false, rows: Vec::new() }),
                Frame::Hidden(name) if heads.len() < MAX_SHEETS => heads.push(Head { name, is_hidden: true, rows: Vec::new() }),
                Frame::Row(row, cells) => match heads.last_mut() {
                    Some(head) => head.rows.push((row, cells)),
                    None => return Err(workbook.broken()),
                },
                Frame::Sheet(_) | Frame::Hidden(_) => return Err(workbook.broken()),
                Frame::End => return Ok((workbook, heads)),
                Frame::Refused(why) => bail!(why),
            }
        }
    }

    fn by_process(program: &PathBuf) -> Result<Workbook> {
        let mut child = Command::new(program)
            .arg(COMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("the reader of spreadsheets, {}, could not be started: run it again, and install prefrecon anew if that does not help", program.display()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else { bail!("a pipe is missing") };
        Ok(Workbook {
            input: Box::new(BufWriter::new(input)),
            output: BufReader::with_capacity(1 << 16, Box::new(output)),
            child: Some(child),
        })
    }

    fn by_thread() -> Result<Workbook> {
        let (from_here, input) = io::pipe()?;
        let (output, to_here) = io::pipe()?;
        thread::spawn(move || serve::serve(from_here, to_here, &|_| Ok(())));
        Ok(Workbook {
            input: Box::new(BufWriter::new(input)),
            output: BufReader::with_capacity(1 << 16, Box::new(output)),
            child: None,
        })
    }

    /// Gives every row of a sheet that has a cell that is not blank.
    ///
    /// # Errors
    /// The sheet is damaged, or breaks or outlives its reader; what `take` says.
    pub fn read(mut self, sheet: &str, mut take: impl FnMut(u32, StringRecord) -> Result<()>) -> Result<()> {
        let _ = wire::write_text(&mut self.input, sheet.as_bytes()).and_then(|()| self.input.flush());
        loop {
            match self.next()? {
                Frame::Row(row, cells) => take(row, cells)?,
                Frame::End => return Ok(()),
                Frame::Refused(why) => bail!(why),
                Frame::Sheet(_) | Frame::Hidden(_) => return Err(self.broken()),
            }
        }
    }

    fn next(&mut self) -> Result<Frame> {
        match wire::read_frame(&mut self.output) {
            Ok(frame) => Ok(frame),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(self.broken()),
            Err(error) => {
                Err(anyhow!(error).context("the reader of spreadsheets said what it cannot say: save the workbook as CSV"))
            }
        }
    }

    /// Why the reader has gone away.
    fn broken(&mut self) -> anyhow::Error {
        let status = self.child.take().map(|mut child| {
            let _ = child.kill();
            let mut last_words = Vec::new();
            if let Some(stderr) = child.stderr.take() {
                let _ = stderr.take(LAST_WORDS_BYTES).read_to_end(&mut last_words);
            }
            (child.wait().ok(), String::from_utf8_lossy(&last_words).into_owned())
        });
        let (status, last_words) = status.unwrap_or_default();
        let why = why_it_ended(status.and_then(signal), &last_words);
        anyhow!("{why}: it is damaged, or was made to break its reader. Open it in a spreadsheet program and save it as CSV")
    }
}

impl Drop for Workbook {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGSEGV: i32 = 11;
const SIGXCPU: i32 = 24;

/// Bytes that are read of what a reader says as it ends.
const LAST_WORDS_BYTES: u64 = 1 << 12;

/// Why a reader ended, by the signal that ended it and what it said last.
fn why_it_ended(signal: Option<i32>, last_words: &str) -> String {
    match signal {
        Some(SIGXCPU) => "reading it takes far longer than a workbook of its size should".to_owned(),
        Some(SIGABRT | SIGSEGV) if last_words.contains("overflowed its stack") => "its parts are nested too deeply".to_owned(),
        Some(SIGABRT | SIGSEGV) if last_words.contains("memory") => {
            format!("reading it takes more than {} MB of memory", WORKBOOK_MEMORY_BYTES >> 20)
        }
        Some(SIGKILL) => "its reader was ended from outside, as the system does when memory runs out".to_owned(),
        Some(SIGABRT | SIGSEGV) => "its reader broke down over it".to_owned(),
        _ => "it cannot be read".to_owned(),
    }
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_status: ExitStatus) -> Option<i32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_reader_says_why() {
        // signal | last words | what is said
        for (signal, last_words, expected) in [
            (Some(SIGXCPU), "", "far longer"),
            (Some(SIGABRT), "memory allocation of 17179869184 bytes failed", "2048 MB of memory"),
            (Some(SIGSEGV), "thread 'main' has overflowed its stack", "nested too deeply"),
            (Some(SIGABRT), "thread 'main' panicked while processing panic. aborting.", "broke down"),
            (Some(SIGKILL), "", "from outside"),
            (None, "thread 'main' panicked at", "cannot be read"),
        ] {
            let said = why_it_ended(signal, last_words);
            assert!(said.contains(expected), "{said}");
        }
    }
}
