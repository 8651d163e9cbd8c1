//! Single files and folders: copied, moved and made so that a crash at any moment leaves each whole or not there.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::hash::hexadecimal;

/// SHA-256 of a file, of which only a piece is in memory at a time.
///
/// # Errors
/// It cannot be read.
pub(super) fn sha256_of(file: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    let cannot = || format!("cannot read {}", file.display());
    let mut bytes = File::open(file).with_context(cannot)?;
    let mut chunk = vec![0; 1 << 20];
    loop {
        match bytes.read(&mut chunk).with_context(cannot)? {
            0 => return Ok(hexadecimal(&hasher.finalize())),
            length => hasher.update(&chunk[..length]),
        }
    }
}

/// Copies a file, which appears whole or not at all, with the time at which it was last changed.
pub(super) fn copy_file(from: &Path, to: &Path) -> std::io::Result<()> {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let part = to.with_file_name(format!(".{name}.part"));
    let copied = fs::copy(from, &part).and_then(|_| {
        let copy = OpenOptions::new().write(true).open(&part)?;
        copy.set_modified(fs::metadata(from)?.modified()?)?;
        copy.sync_all()?;
        fs::rename(&part, to)
    });
    if copied.is_err() {
        // What is left of it is no copy; that it cannot go either is told by what went wrong before.
        let _ = fs::remove_file(&part);
    }
    copied
}

/// Moves a file; across file systems by a synced copy, and only then the original goes.
pub(super) fn move_file(from: &Path, to: &Path) -> std::io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {
            copy_file(from, to)?;
            fs::remove_file(from)
        }
        other => other,
    }
}

/// Brings a folder's entries to the disk.
///
/// # Errors
/// It cannot be opened or synced.
pub fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).with_context(|| format!("cannot sync {}", folder.display()))
}

/// Makes a folder and those above it, for the owner alone, and brings their names to the disk.
///
/// # Errors
/// The folder that cannot be made.
pub fn create_folder(folder: &Path) -> Result<()> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let missing: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let mut above = missing.iter().filter_map(|made| made.parent()).filter(|above| !above.as_os_str().is_empty());
    above.try_for_each(sync_folder)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_copy_has_the_content_and_the_time_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a.csv"), folder.path().join("b.csv"));
        fs::write(&from, "Id\n1\n").unwrap();
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        File::options().write(true).open(&from).unwrap().set_modified(long_ago).unwrap();
        copy_file(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "Id\n1\n");
        assert_eq!(fs::metadata(&to).unwrap().modified().unwrap(), long_ago);
        assert_eq!(sha256_of(&to).unwrap(), crate::hash::sha256(b"Id\n1\n"));
        let missing = folder.path().join("no folder/c.csv");
        assert!(copy_file(&from, &missing).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    /// Where the name cannot be taken, what was copied so far goes, and the original stays.
    #[test]
    fn a_copy_that_fails_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let (from, taken) = (folder.path().join("a.csv"), folder.path().join("b.csv"));
        fs::write(&from, "Id").unwrap();
        fs::create_dir_all(taken.join("below")).unwrap();
        assert!(copy_file(&from, &taken).is_err());
        let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["a.csv", "b.csv"]);
    }

    #[cfg(unix)]
    #[test]
    fn folders_are_for_the_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        create_folder(&folder.path().join("archive/run/week")).unwrap();
        for made in ["archive", "archive/run", "archive/run/week"] {
            let mode = fs::metadata(folder.path().join(made)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{made}");
        }
    }
}
