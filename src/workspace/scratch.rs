//! A file without a name, for what would take too much memory: it goes with the run, however that ends.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

/// The file.
#[derive(Debug)]
pub struct Scratch {
    file: Mutex<File>,
}

/// Some bytes of it.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    at: u64,
    length: usize,
}

impl Scratch {
    /// An empty one, on the disk of a folder.
    ///
    /// # Errors
    /// Nothing can be written there.
    pub fn create(folder: &Path) -> Result<Scratch> {
        let file = tempfile::tempfile_in(folder).with_context(|| format!("cannot write in {}", folder.display()))?;
        Ok(Scratch { file: Mutex::new(file) })
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// The disk is full.
    pub fn put(&self, bytes: &[u8]) -> Result<Span> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let at = file.seek(SeekFrom::End(0))?;
        file.write_all(bytes)?;
        Ok(Span { at, length: bytes.len() })
    }

    /// Reads bytes that were added.
    ///
    /// # Errors
    /// The disk cannot be read.
    pub fn get(&self, span: Span) -> Result<Vec<u8>> {
        let mut bytes = vec![0; span.length];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let read = file.seek(SeekFrom::Start(span.at)).and_then(|_| file.read_exact(&mut bytes));
        read.context("cannot read back what was set aside on the disk")?;
        Ok(bytes)
    }
}

#[cfg(all(test, target_os = "linux"))]
impl Scratch {
    /// One whose disk is full.
    pub fn full() -> Scratch {
        Scratch { file: Mutex::new(File::options().write(true).open("/dev/full").unwrap()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_read_again_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::create(folder.path()).unwrap();
        let spans = [&b"one"[..], b"", b"three"].map(|bytes| scratch.put(bytes).unwrap());
        assert_eq!(spans.map(|span| scratch.get(span).unwrap()), [&b"one"[..], b"", b"three"]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(Scratch::create(&folder.path().join("absent")).is_err());
    }
}
