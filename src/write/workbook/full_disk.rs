//! A disk that fills up while a sheet grows: cells are taken without a result, so rust_xlsxwriter panics there. What
//! it says becomes an error like any other; every other panic stays one.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Once;

use anyhow::{Result, anyhow};

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
        Some(reason) => Err(anyhow!("cannot write in {}: {reason}", folder.display())),
        None => panic::resume_unwind(payload),
    })
}

/// Why the library cannot write, if that is what a panic is about.
fn reason(payload: &(dyn Any + Send)) -> Option<String> {
    let said = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied())?;
    let error = said.strip_prefix(SAYS)?;
    let message = error.split_once("message: \"").and_then(|(_, message)| message.split_once('"'));
    Some(message.map_or(error, |(message, _)| message).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_an_error_and_a_defect_still_a_panic() {
        let full = || -> Result<()> {
            let error = std::io::Error::from_raw_os_error(28);
            panic!("{SAYS}{error:?}");
        };
        let said = told(Path::new("runs"), full).unwrap_err().to_string();
        assert!(said.starts_with("cannot write in runs: ") && !said.contains("Os {"), "{said}");
        let defect = || -> Result<()> { panic!("a defect") };
        let payload = panic::catch_unwind(|| told(Path::new("runs"), defect)).unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"a defect"));
    }
}
