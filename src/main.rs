//! Parses the command line, dispatches, prints the chain of an error, and exits with the status that says how it went.

use std::process::ExitCode;
use std::time::SystemTime;

use clap::Parser;
use clap::error::ErrorKind;
use prefrecon::cli::Cli;
use prefrecon::commands::{advice, dispatch, status_of};
use prefrecon::ingest::spreadsheet;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
                0
            } else {
                2
            });
        }
    };
    // A program that does not know where it is itself reads workbooks in its own process.
    if let Ok(program) = std::env::current_exe() {
        spreadsheet::read_with(program);
    }
    match dispatch(cli, SystemTime::now()) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("prefrecon: {error}");
            for cause in error.chain().skip(1) {
                eprintln!("  {}", cause.to_string().replace('\n', "\n  "));
            }
            if let Some(advice) = advice(&error) {
                eprintln!("  {advice}");
            }
            ExitCode::from(status_of(&error))
        }
    }
}
