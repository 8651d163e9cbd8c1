//! A disk that fills up while a sheet grows: cells are taken without a result, so rust_xlsxwriter panics there. What
//! it says becomes an error like any other; every other panic stays one.

use std::any::Any;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Once;

use anyhow::{Context, Result};
use rust_xlsxwriter::XlsxError;

/// What the library says before the reason.
const SAYS: &str = "Couldn't write to xml file: ";

/// Writes sheets whose rows go to temporary files in a folder.
pub fn told<T>(folder: &Path, write: impl FnOnce() -> Result<T>) -> Result<T> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |about| {
            if reason(about.payload()).is_none() {
                usual(about);
            }
        }));
    });
    panic::catch_unwind(AssertUnwindSafe(write)).unwrap_or_else(|payload| match reason(&*payload) {
        Some(reason) => Err(reason).with_context(|| format!("cannot write in {}", folder.display())),
        None => panic::resume_unwind(payload),
    })
}

/// An error of the library; the system's own where it is one.
pub fn of_system(error: XlsxError) -> anyhow::Error {
    match error {
        XlsxError::IoError(error) => error.into(),
        other => other.into(),
    }
}

/// Why the library cannot write, if that is what a panic is about. It says so as programmers see an error of the system.
fn reason(payload: &(dyn Any + Send)) -> Option<io::Error> {
    let said = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied())?;
    let error = said.strip_prefix(SAYS)?;
    let code = error.split_once("code: ").and_then(|(_, rest)| rest.split(',').next()?.parse().ok());
    Some(code.map_or_else(|| io::Error::other(error), io::Error::from_raw_os_error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_an_error_and_a_defect_still_a_panic() {
        let full = || -> Result<()> {
            let error = io::Error::from_raw_os_error(28);
            panic!("{SAYS}{error:?}");
        };
        let error = told(Path::new("runs"), full).unwrap_err();
        assert_eq!(error.to_string(), "cannot write in runs");
        assert_eq!(error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error), Some(28));
        let defect = || -> Result<()> { panic!("a defect") };
        let payload = panic::catch_unwind(|| told(Path::new("runs"), defect)).unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"a defect"));
    }
}
