//! A workspace on disk: its paths, its lock, and the run folder that appears whole or not at all.

mod files;
mod past;
mod scratch;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Days, NaiveDateTime, Utc};

use crate::config::Config;
use crate::hash::sha256;
use crate::systems::Systems;
use files::{copy_file, move_file, sha256_of};
pub use files::{create_folder, sync_folder};
pub use past::{EarlierCorrection, PastInput, PastRun, PastTarget};
pub(crate) use scratch::{Scratch, Span};

/// A workspace and what its configuration says.
#[derive(Debug)]
pub struct Workspace {
    /// Its folder.
    pub root: PathBuf,
    /// Its configuration.
    pub config: Config,
    /// The profiles, as the configuration adjusts them.
    pub systems: Systems,
    /// SHA-256 of the configuration file, empty where there is none.
    pub configuration_sha256: String,
}

/// Why a run did not begin or end, where the exit status tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The command line or the configuration is wrong.
    Configuration,
    /// The inputs cannot be used.
    Inputs,
    /// Another run has the lock.
    Locked,
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Stop::Configuration => "nothing was done",
            Stop::Inputs => "nothing was written, because the inputs cannot be used",
            Stop::Locked => "nothing was written, because another run is under way in this workspace",
        })
    }
}

impl Workspace {
    /// Opens a workspace.
    ///
    /// # Errors
    /// [`Stop::Configuration`]: the folder, a configuration or a profile is missing or wrong.
    pub fn open(root: &Path, config: Option<&Path>) -> Result<Workspace> {
        Workspace::read(root, config).context(Stop::Configuration)
    }

    fn read(root: &Path, config: Option<&Path>) -> Result<Workspace> {
        if !root.is_dir() {
            bail!(
                "there is no workspace at {}: name an existing folder, or make one with `prefrecon init {}`",
                root.display(),
                root.display()
            );
        }
        let systems = profiles(root)?;
        let file = config.map_or_else(|| root.join("prefrecon.toml"), Path::to_path_buf);
        let text = match fs::read_to_string(&file) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && config.is_none() => None,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                bail!("there is no {}: name the configuration file, or leave out --config", file.display())
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        let place = || format!("{}", file.display());
        let config = Config::parse(text.as_deref().unwrap_or_default(), &systems).with_context(place)?;
        let systems = config.adjust(systems);
        let configuration_sha256 = text.map(|text| sha256(text.as_bytes())).unwrap_or_default();
        Ok(Workspace { root: root.to_owned(), config, systems, configuration_sha256 })
    }

    /// Where staff drop exports.
    pub fn inbox(&self) -> PathBuf {
        self.root.join("inbox")
    }

    /// Something of a workspace must be there: a folder with nothing of it was most likely not meant.
    ///
    /// # Errors
    /// [`Stop::Configuration`] with what to do.
    pub fn require_workspace(&self) -> Result<()> {
        if ["inbox", "prefrecon.toml", "runs"].iter().any(|name| self.root.join(name).exists()) {
            return Ok(());
        }
        let error = anyhow::anyhow!(
            "{} is no workspace: it has no inbox. Name the workspace, or make one with `prefrecon init NEW-FOLDER`",
            std::path::absolute(&self.root).unwrap_or_else(|_| self.root.clone()).display()
        );
        Err(error.context(Stop::Configuration))
    }

    /// Where reviewers drop decisions, and the list of exceptions is.
    pub fn decisions(&self) -> PathBuf {
        self.root.join("decisions")
    }

    /// Where runs are.
    pub fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// What the program remembers from run to run.
    pub fn ledger(&self) -> PathBuf {
        self.root.join("ledger")
    }

    /// Where the inputs of a run went.
    pub fn archive_of(&self, id: &str) -> PathBuf {
        self.root.join("archive").join(id)
    }

    /// Takes the lock, which ends with this process.
    ///
    /// # Errors
    /// [`Stop::Locked`] where another run has it.
    pub fn lock(&self) -> Result<File> {
        let path = self.root.join(".prefrecon.lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).with_context(|| format!("cannot write {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(anyhow::anyhow!("{} is locked", path.display())).context(Stop::Locked),
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
        }
    }

    /// Begins a run folder under a hidden name. What a killed run left behind goes first.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn begin_run(&self, as_of: DateTime<Utc>) -> Result<RunFolder> {
        let runs = self.runs();
        create_folder(&runs)?;
        for entry in fs::read_dir(&runs).with_context(|| format!("cannot read {}", runs.display()))? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".unfinished-")) {
                fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        let id = as_of.format("%Y-%m-%dT%H%M%SZ").to_string();
        // An earlier run of the same time stays: a run folder is never replaced.
        let is_free = |id: &String| !runs.join(id).exists() && !self.ledger().join(id).exists();
        let id = std::iter::once(id.clone()).chain((2..).map(|number| format!("{id}-{number}"))).find(is_free);
        let id = id.expect("there is always a free number");
        let hidden = runs.join(format!(".unfinished-{id}"));
        create_folder(&hidden)?;
        Ok(RunFolder { hidden, shown: runs.join(&id), id })
    }

    /// Run folders and archived inputs that the configuration no longer keeps at a time. The newest run stays.
    ///
    /// # Errors
    /// A folder cannot be listed.
    pub fn expired(&self, as_of: DateTime<Utc>) -> Result<Vec<PathBuf>> {
        let mut expired = Vec::new();
        for (folder, days) in
            [(self.runs(), self.config.run.keep_days), (self.root.join("archive"), self.config.inbox.keep_archive_days)]
        {
            let limit = days.and_then(|days| as_of.checked_sub_days(Days::new(u64::from(days))));
            let (Some(limit), true) = (limit, folder.is_dir()) else { continue };
            let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
            let mut ids: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
            ids.retain(|id| time_of(id).is_some());
            ids.sort_by_cached_key(|id| place_of(id));
            ids.pop();
            expired.extend(ids.iter().filter(|id| time_of(id).is_some_and(|at| at < limit)).map(|id| folder.join(id)));
        }
        Ok(expired)
    }

    /// Removes what is [`Workspace::expired`], and tells what could not be removed.
    pub fn remove_expired(&self, as_of: DateTime<Utc>) -> Vec<anyhow::Error> {
        let remove = |folder: PathBuf| fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()));
        match self.expired(as_of) {
            Ok(expired) => expired.into_iter().filter_map(|folder| remove(folder).err()).collect(),
            Err(error) => vec![error],
        }
    }

    /// Moves an input to `archive/<run-id>/`, keeping its sub-folder, if it still is what was read.
    ///
    /// # Errors
    /// It has changed since, or cannot be moved; it stays where it is.
    pub fn archive(&self, id: &str, file: &Path, sha256: &str) -> Result<()> {
        let below = file.strip_prefix(self.inbox()).unwrap_or(file);
        let to = self.archive_of(id).join(below);
        let folder = self.prepare(file, sha256, &to)?;
        move_file(file, &to).with_context(|| format!("{} could not be moved to {}", file.display(), to.display()))?;
        sync_folder(&folder)
    }

    /// Moves a file of `decisions/` to `archive/<run-id>/decisions/`, or copies what stays in use there.
    ///
    /// # Errors
    /// It has changed since it was read, or cannot be moved; it stays where it is.
    pub fn archive_decisions(&self, id: &str, file: &Path, sha256: &str, stays: bool) -> Result<()> {
        let below = file.strip_prefix(self.decisions()).unwrap_or(file);
        let to = self.archive_of(id).join("decisions").join(below);
        let folder = self.prepare(file, sha256, &to)?;
        let done = if stays { copy_file(file, &to) } else { move_file(file, &to) };
        done.with_context(|| format!("{} could not be brought to {}", file.display(), to.display()))?;
        sync_folder(&folder)
    }

    /// The folder that a file goes to, if the file still is what was read and nothing is in its way.
    fn prepare(&self, file: &Path, sha256: &str, to: &Path) -> Result<PathBuf> {
        if !sha256.is_empty() && sha256_of(file)? != sha256 {
            bail!("{} has changed since it was read and stays where it is for the next run", file.display());
        }
        if to.exists() {
            bail!("{} stays where it is: {} is there already", file.display(), to.display());
        }
        let folder = to.parent().unwrap_or(&self.root).to_owned();
        create_folder(&folder)?;
        Ok(folder)
    }
}

/// Where a run of that name stands among others: several of one time are numbered.
fn place_of(id: &str) -> (String, u32) {
    let (time, number) = id.split_once("Z-").unwrap_or((id.trim_end_matches('Z'), ""));
    (time.to_owned(), number.parse().unwrap_or(1))
}

/// The time that a run's name tells.
fn time_of(id: &str) -> Option<DateTime<Utc>> {
    let time = NaiveDateTime::parse_from_str(id.get(..18)?, "%Y-%m-%dT%H%M%SZ").ok()?;
    Some(time.and_utc())
}

/// A run folder that nobody sees yet.
#[derive(Debug)]
pub struct RunFolder {
    /// Where files are written.
    pub hidden: PathBuf,
    /// The name of the run.
    pub id: String,
    shown: PathBuf,
}

impl RunFolder {
    /// Lets the run appear, whole.
    ///
    /// # Errors
    /// What cannot be synced or renamed; then no run folder has appeared.
    pub fn appear(self) -> Result<PathBuf> {
        for entry in fs::read_dir(&self.hidden).with_context(|| format!("cannot read {}", self.hidden.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                sync_folder(&path)?;
            }
        }
        sync_folder(&self.hidden)?;
        fs::rename(&self.hidden, &self.shown)
            .with_context(|| format!("cannot rename {} to {}", self.hidden.display(), self.shown.display()))?;
        sync_folder(self.shown.parent().expect("a run folder is in runs/"))?;
        Ok(self.shown)
    }
}

/// Points `runs/latest` at a run.
///
/// # Errors
/// The link cannot be made, for example because a folder of that name is there.
#[cfg(unix)]
pub fn link_latest(run: &Path) -> Result<()> {
    let (Some(runs), Some(id)) = (run.parent(), run.file_name()) else { return Ok(()) };
    let link = runs.join(".latest");
    let _ = fs::remove_file(&link);
    std::os::unix::fs::symlink(id, &link)
        .and_then(|()| fs::rename(&link, runs.join("latest")))
        .with_context(|| format!("the run is complete, but {}/latest could not be made", runs.display()))
}

/// Other systems have no links that everybody may make.
#[cfg(not(unix))]
pub fn link_latest(_run: &Path) -> Result<()> {
    Ok(())
}

/// The built-in profiles, and those of the `systems/` folder below a folder, where there is one.
///
/// # Errors
/// A profile that cannot be read, by its file.
pub fn profiles(root: &Path) -> Result<Systems> {
    Systems::with_own(&own_profiles(&root.join("systems"))?)
}

fn own_profiles(folder: &Path) -> Result<Vec<(String, String)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", folder.display())),
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok((path.display().to_string(), text))
    };
    paths.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn workspace() -> (tempfile::TempDir, Workspace) {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(folder.path(), None).unwrap();
        (folder, workspace)
    }

    #[test]
    fn a_run_appears_whole_and_never_replaces_another() {
        let (_folder, workspace) = workspace();
        let as_of = "2026-11-22T06:00:00Z".parse().unwrap();
        for id in ["2026-11-22T060000Z", "2026-11-22T060000Z-2"] {
            let run = workspace.begin_run(as_of).unwrap();
            fs::write(run.hidden.join("summary.txt"), id).unwrap();
            assert!(!workspace.runs().join(id).exists());
            let shown = run.appear().unwrap();
            assert_eq!(shown, workspace.runs().join(id));
            link_latest(&shown).unwrap();
            assert_eq!(fs::read_to_string(workspace.runs().join("latest/summary.txt")).unwrap(), id);
        }
    }

    #[test]
    fn what_a_killed_run_left_is_swept_by_the_next() {
        let (_folder, workspace) = workspace();
        fs::create_dir_all(workspace.runs().join(".unfinished-2026-11-15T060000Z")).unwrap();
        workspace.begin_run("2026-11-22T06:00:00Z".parse().unwrap()).unwrap().appear().unwrap();
        let names: Vec<_> = fs::read_dir(workspace.runs()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(names.iter().all(|name| !name.to_string_lossy().starts_with('.')), "{names:?}");
    }

    #[test]
    fn contents_that_earlier_runs_used_are_known() {
        let (_folder, workspace) = workspace();
        for (id, as_of, verdict) in [
            ("2026-11-08T060000Z", "2026-11-08T06:00:00Z", "used"),
            ("2026-11-15T060000Z", "2026-11-15T06:00:00Z", "used"),
            ("2026-11-18T060000Z", "2026-11-18T06:00:00Z", "refused"),
            ("2026-11-22T060000Z", "2026-11-22T06:00:00Z", "used"),
        ] {
            let run = workspace.runs().join(id);
            fs::create_dir_all(&run).unwrap();
            let inputs = format!("[{{\"verdict\": \"{verdict}\", \"sha256\": \"ab\", \"rows\": 1}}]");
            fs::write(run.join("run.json"), format!("{{\"as_of\": \"{as_of}\", \"inputs\": {inputs}}}")).unwrap();
        }
        let earlier = workspace.earlier_inputs("2026-11-22T06:00:00Z".parse().unwrap()).unwrap();
        assert_eq!(earlier, HashMap::from([("ab".to_owned(), "2026-11-15T060000Z".to_owned())]));
    }

    #[test]
    fn the_archive_takes_what_was_read_and_overwrites_nothing() {
        let (_folder, workspace) = workspace();
        let file = workspace.inbox().join("week/contacts.csv");
        let write = |text: &str| {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, text).unwrap();
            sha256_of(&file).unwrap()
        };
        let hash = write("Id");
        workspace.archive("run", &file, &hash).unwrap();
        let archived = workspace.root.join("archive/run/week/contacts.csv");
        assert_eq!(fs::read_to_string(&archived).unwrap(), "Id");
        let newer = write("Id,Email");
        assert!(workspace.archive("other", &file, &hash).unwrap_err().to_string().contains("has changed"));
        assert!(workspace.archive("run", &file, &newer).unwrap_err().to_string().contains("there already"));
        assert_eq!(
            (fs::read_to_string(&archived).unwrap(), fs::read_to_string(&file).unwrap()),
            ("Id".into(), "Id,Email".into())
        );
    }

    #[test]
    fn runs_of_one_time_stand_in_the_order_of_their_numbers() {
        let mut ids = ["2026-11-22T060000Z-10", "2026-11-29T060000Z", "2026-11-22T060000Z-2", "2026-11-22T060000Z"];
        ids.sort_by_key(|id| place_of(id));
        assert_eq!(ids, ["2026-11-22T060000Z", "2026-11-22T060000Z-2", "2026-11-22T060000Z-10", "2026-11-29T060000Z"]);
    }

    #[test]
    fn one_run_at_a_time() {
        let (_folder, workspace) = workspace();
        let held = workspace.lock().unwrap();
        assert_eq!(workspace.lock().unwrap_err().downcast_ref::<Stop>(), Some(&Stop::Locked));
        drop(held);
        workspace.lock().unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_says_how_to_make_one() {
        let error = Workspace::open(Path::new("no/such/place"), None).unwrap_err();
        assert_eq!(error.downcast_ref::<Stop>(), Some(&Stop::Configuration));
        assert!(format!("{error:#}").contains("prefrecon init"), "{error:#}");
    }
}
