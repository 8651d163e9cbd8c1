//! The inbox folder to a list of files, in order of their path; what is of no concern is set apart with a word.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

/// One file below the inbox, or one entry of an archive there.
#[derive(Clone, Debug)]
pub struct Found {
    /// Path below the inbox, with `/`.
    pub file: String,
    /// The name of the archive that it is in.
    pub archive: Option<String>,
    /// The file on disk.
    pub path: PathBuf,
    /// Bytes on disk.
    pub bytes: u64,
    /// When it last changed.
    pub modified: SystemTime,
    /// Whether it is to be read.
    pub concern: Concern,
}

/// Whether a file is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concern {
    /// Read it.
    Read,
    /// Of no concern: a word that says why.
    Skip(String),
    /// Should be read but cannot: a sentence that says why and what to do.
    Broken(String),
}

impl Found {
    /// The last part of its path.
    pub fn name(&self) -> &str {
        self.file.rsplit('/').next().unwrap_or(&self.file)
    }

    /// The names that may say what it is: its own, that of what is packed in it, and that of the archive around it.
    pub fn names(&self) -> Vec<&str> {
        let name = self.name();
        let packed = name.len().checked_sub(3).and_then(|at| name.split_at_checked(at));
        let unpacked = packed.filter(|(_, ending)| ending.eq_ignore_ascii_case(".gz")).map(|(name, _)| name);
        [Some(name), unpacked, self.archive.as_deref()].into_iter().flatten().collect()
    }

    /// The names of the folders that it is in, the nearest first.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.file.rsplit('/').skip(1)
    }
}

/// Lists every file below the inbox, sorted by path.
///
/// # Errors
/// The inbox itself cannot be listed.
pub fn walk(inbox: &Path, settle: Duration, now: SystemTime) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    list(inbox, "", settle, now, &mut found).with_context(|| {
        format!(
            "could not read the inbox {}: create the folder, or give this account the right to read it, and run again",
            inbox.display()
        )
    })?;
    found.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(found)
}

fn list(folder: &Path, prefix: &str, settle: Duration, now: SystemTime, found: &mut Vec<Found>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let file = format!("{prefix}{name}");
        let path = entry.path();
        let found_as =
            |bytes, modified, concern| Found { file: file.clone(), archive: None, path: path.clone(), bytes, modified, concern };
        let set_apart = |concern| found_as(0, now, concern);
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        match fs::metadata(&path) {
            Err(error) => found.push(set_apart(match skip_by_name(&name) {
                Some(word) => Concern::Skip(word.to_owned()),
                None => Concern::Broken(format!(
                    "could not be read ({error}): give this account the right to read it, or copy it again"
                )),
            })),
            // A linked folder may lead back up: it could be listed for ever.
            Ok(about) if about.is_dir() && is_link => found.push(set_apart(Concern::Skip("a link to a folder".to_owned()))),
            Ok(about) if about.is_dir() && name.starts_with('.') => {
                found.push(set_apart(Concern::Skip("a hidden folder".to_owned())));
            }
            Ok(about) if about.is_dir() => {
                if let Err(error) = list(&path, &format!("{file}/"), settle, now, found) {
                    found.push(set_apart(Concern::Broken(format!(
                        "this folder could not be listed ({error}): give this account the right to read it"
                    ))));
                }
            }
            Ok(about) => {
                let modified = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                let concern = match skip_by_name(&name) {
                    Some(word) => Concern::Skip(word.to_owned()),
                    None if !about.is_file() => Concern::Skip("not a file".to_owned()),
                    None if !settled(modified, now, settle) => Concern::Skip(format!(
                        "still being copied: it changed less than {} seconds ago; the next run reads it",
                        settle.as_secs()
                    )),
                    None => Concern::Read,
                };
                found.push(found_as(about.len(), modified, concern));
            }
        }
    }
    Ok(())
}

/// Endings of files that browsers and transfer programs have not finished.
const UNFINISHED: [&str; 7] = [".part", ".crdownload", ".partial", ".download", ".opdownload", ".filepart", ".tmp"];

/// Whether an entry of an archive is to be read.
pub fn concern_of_name(path: &str) -> Concern {
    path.split('/').find_map(skip_by_name).map_or(Concern::Read, |word| Concern::Skip(word.to_owned()))
}

fn skip_by_name(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    if lower.starts_with("~$") || lower.starts_with(".~lock.") {
        Some("a spreadsheet program's lock file")
    } else if lower.starts_with('.') {
        Some("a hidden file")
    } else if UNFINISHED.iter().any(|ending| lower.ends_with(ending)) {
        Some("a download that is not finished")
    } else if lower == "thumbs.db" || lower == "desktop.ini" || lower == "__macosx" {
        Some("a file of the operating system")
    } else {
        None
    }
}

/// A clock that is ahead by more than the time to settle says nothing about copying.
fn settled(modified: SystemTime, now: SystemTime, settle: Duration) -> bool {
    let apart = now.duration_since(modified).unwrap_or_else(|error| error.duration());
    apart >= settle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_in_order_of_their_path_and_the_rest_with_a_word() {
        let inbox = tempfile::tempdir().unwrap();
        fs::create_dir_all(inbox.path().join("b/c")).unwrap();
        fs::create_dir(inbox.path().join(".hidden")).unwrap();
        for file in ["z.csv", "b/c/one.csv", "a.csv", "~$a.xlsx", ".DS_Store", "x.part", "y.crdownload", ".hidden/a.csv"] {
            fs::write(inbox.path().join(file), "Id").unwrap();
        }
        let found = walk(inbox.path(), Duration::ZERO, SystemTime::now()).unwrap();
        let said: Vec<(&str, bool)> = found.iter().map(|found| (found.file.as_str(), found.concern == Concern::Read)).collect();
        assert_eq!(
            said,
            [
                (".DS_Store", false),
                (".hidden", false),
                ("a.csv", true),
                ("b/c/one.csv", true),
                ("x.part", false),
                ("y.crdownload", false),
                ("z.csv", true),
                ("~$a.xlsx", false),
            ]
        );
        assert_eq!(found[3].name(), "one.csv");
        let entry = Found { file: "a.zip/x.CSV.GZ".to_owned(), archive: Some("a.zip".to_owned()), ..found[2].clone() };
        assert_eq!(entry.names(), ["x.CSV.GZ", "x.CSV", "a.zip"]);
    }

    #[test]
    fn entries_of_archives_are_told_too() {
        // path in the archive | read
        for (path, expected) in [("a.csv", true), ("__MACOSX/._a.csv", false), ("x/.hidden/a.csv", false), ("x/a.csv.tmp", false)]
        {
            assert_eq!(concern_of_name(path) == Concern::Read, expected, "{path}");
        }
    }

    #[test]
    fn a_file_settles() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        // changed, in seconds from now | to settle | settled
        for (changed, settle, expected) in
            [(-61, 60, true), (-60, 60, true), (-59, 60, false), (0, 60, false), (0, 0, true), (30, 60, false), (3600, 60, true)]
        {
            let modified = match changed {
                ..0 => now - Duration::from_secs((-changed) as u64),
                _ => now + Duration::from_secs(changed as u64),
            };
            assert_eq!(settled(modified, now, Duration::from_secs(settle)), expected, "{changed} {settle}");
        }
    }

    #[test]
    fn an_inbox_that_is_not_there_is_said_with_what_to_do() {
        let error = format!("{:#}", walk(Path::new("/no/such/inbox"), Duration::ZERO, SystemTime::now()).unwrap_err());
        assert!(error.contains("/no/such/inbox") && error.contains("create the folder"), "{error}");
    }
}
