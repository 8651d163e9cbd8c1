//! Workbooks: read by a process of their own, so that a file made to break a reader breaks nothing but itself.
//!
//! [`cells`] opens one; it runs behind [`serve`], which the hidden command of the program calls.
//! What comes over the [`wire`] is the head of every visible sheet, then the rows of the one that is asked for.

mod cells;
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

/// A sheet and its first rows: the row's number, 1 being the first, and its cells from the first column on.
pub type Head = (String, Vec<(u32, StringRecord)>);

/// A workbook that is being read.
pub struct Workbook {
    input: Box<dyn Write + Send>,
    output: BufReader<Box<dyn Read + Send>>,
    child: Option<Child>,
}

impl Workbook {
    /// Opens a workbook and reads the head of every sheet that people see, in order.
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
                Frame::Sheet(name) if heads.len() < MAX_SHEETS => heads.push((name, Vec::new())),
                Frame::Row(row, cells) => match heads.last_mut() {
                    Some((_, rows)) => rows.push((row, cells)),
                    None => return Err(workbook.broken()),
                },
                Frame::Sheet(_) => return Err(workbook.broken()),
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
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("the reader of spreadsheets, {}, could not be started", program.display()))?;
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
                Frame::Sheet(_) => return Err(self.broken()),
            }
        }
    }

    fn next(&mut self) -> Result<Frame> {
        match wire::read_frame(&mut self.output) {
            Ok(frame) => Ok(frame),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(self.broken()),
            Err(error) => Err(anyhow!(error).context("the reader of spreadsheets said what it cannot say")),
        }
    }

    /// Why the reader has gone away.
    fn broken(&mut self) -> anyhow::Error {
        let status = self.child.take().and_then(|mut child| {
            let _ = child.kill();
            child.wait().ok()
        });
        let why = match status.and_then(signal) {
            Some(SIGXCPU) => "reading it takes far longer than a workbook of its size should".to_owned(),
            Some(SIGABRT | SIGSEGV) => format!("reading it takes more than {} MB of memory", WORKBOOK_MEMORY_BYTES >> 20),
            _ => "it cannot be read".to_owned(),
        };
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
const SIGSEGV: i32 = 11;
const SIGXCPU: i32 = 24;

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_status: ExitStatus) -> Option<i32> {
    None
}
