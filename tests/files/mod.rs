//! What the tests of reading share: a workspace that is thrown away, and the program run over it within limits.

#![allow(dead_code, reason = "every test uses a part of it")]

pub mod workbooks;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// No file may keep the program longer.
pub const MOST_SECONDS: u64 = 20;

/// No file may make the program take more address space, in kilobytes.
const MOST_MEMORY: &str = "1048576";

/// The run's time in these tests.
pub const AS_OF: &str = "2026-11-22T06:00:00Z";

/// What the program said.
#[derive(Debug)]
pub struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

/// A workspace that reads files at once and leaves them where they are.
pub struct Workspace {
    folder: TempDir,
}

/// One row of a table, by header.
pub type Row = BTreeMap<String, String>;

impl Workspace {
    /// One with this configuration besides; `[inbox]` may be given.
    pub fn new(configuration: &str) -> Workspace {
        let workspace = Workspace { folder: tempfile::tempdir().unwrap() };
        let inbox = "[inbox]\nafter_run = \"keep\"\nsettle_seconds = 0\nmax_reject_share = 1.0\n";
        let configuration =
            if configuration.contains("[inbox]") { configuration.to_owned() } else { format!("{inbox}{configuration}") };
        workspace.put("prefrecon.toml", configuration);
        fs::create_dir_all(workspace.path("inbox")).unwrap();
        workspace
    }

    /// One with files in its inbox.
    pub fn with<B: AsRef<[u8]>>(configuration: &str, files: &[(&str, B)]) -> Workspace {
        let workspace = Workspace::new(configuration);
        for (file, bytes) in files {
            workspace.put(&format!("inbox/{file}"), bytes);
        }
        workspace
    }

    /// A generated one.
    pub fn generated(contacts: u64, seed: u64) -> Workspace {
        let folder = tempfile::tempdir().unwrap();
        let (contacts, seed) = (contacts.to_string(), seed.to_string());
        let said = prefrecon(&["generate", folder.path().to_str().unwrap(), "--contacts", &contacts, "--seed", &seed]);
        assert_eq!(said.status, 0, "{}", said.err);
        Workspace { folder }
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// Writes a file below the workspace.
    pub fn put(&self, file: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Runs a command over it.
    pub fn call(&self, command: &str, more: &[&str]) -> Said {
        let root = self.folder.path().to_str().unwrap();
        prefrecon(&[&[command, root, "--as-of", AS_OF], more].concat())
    }

    /// What `check` says of each file, by its path.
    pub fn check(&self) -> BTreeMap<String, Value> {
        let said = self.call("check", &["--format", "json"]);
        assert!(matches!(said.status, 0 | 3 | 4), "exit {}: {}{}", said.status, said.out, said.err);
        let files: Vec<Value> = serde_json::from_str(&said.out).unwrap();
        files.into_iter().map(|file| (file["file"].as_str().unwrap().to_owned(), file)).collect()
    }

    /// Runs it and expects a run folder.
    pub fn run(&self) -> PathBuf {
        let said = self.call("run", &[]);
        assert!(matches!(said.status, 0 | 3), "exit {}: {}{}", said.status, said.out, said.err);
        fs::canonicalize(self.path("runs/latest")).unwrap()
    }

    /// Runs it and gives what it found: `OPT101 contact-or-record subject` in order.
    pub fn found(&self) -> Vec<String> {
        rows(&self.run().join("discrepancies.csv"))
            .iter()
            .map(|row| {
                let who = if row["contact_id"].is_empty() { &row["a_record"] } else { &row["contact_id"] };
                format!("{} {who} {}", row["rule"], row["subject"]).trim_end().to_owned()
            })
            .collect()
    }
}

/// The verdict of a file and why, in one line.
pub fn verdict(file: &Value) -> String {
    let why = file["verdict"]["why"].as_str().unwrap_or_default();
    format!("{}: {why}", file["verdict"]["verdict"].as_str().unwrap()).trim_end_matches(": ").to_owned()
}

/// The rows of a CSV file that the program wrote.
pub fn rows(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    reader.deserialize().map(|row| row.unwrap()).collect()
}

/// The program: the one built with the tests, unless `PREFRECON_UNDER_TEST` names another, such as an installed one.
pub fn program() -> PathBuf {
    std::env::var_os("PREFRECON_UNDER_TEST").map_or_else(|| env!("CARGO_BIN_EXE_prefrecon").into(), PathBuf::from)
}

/// Runs the program; it must end by itself, in time and within its memory.
pub fn prefrecon(args: &[&str]) -> Said {
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -v \"$0\" && exec \"$@\"", MOST_MEMORY])
        .arg(program())
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let read = |mut stream: Box<dyn Read + Send>| {
        thread::spawn(move || {
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            text
        })
    };
    let out = read(Box::new(child.stdout.take().unwrap()));
    let err = read(Box::new(child.stderr.take().unwrap()));
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > Duration::from_secs(MOST_SECONDS) {
            child.kill().unwrap();
            panic!("{args:?} takes longer than {MOST_SECONDS} seconds");
        }
        thread::sleep(Duration::from_millis(5));
    };
    let said = Said { status: status.code().unwrap_or(-1), out: out.join().unwrap(), err: err.join().unwrap() };
    assert!(status.code().is_some() && !said.err.contains("panicked"), "{args:?} died: {said:?}");
    said
}

/// The corpus of files that nobody here wrote, where it lies beside the repository.
pub fn corpus(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus")).join(folder);
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("skipped: no corpus at {}", folder.display());
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A ZIP archive of files.
pub fn zip<B: AsRef<[u8]>>(files: &[(&str, B)]) -> Vec<u8> {
    use std::io::Write;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes.as_ref()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A GZIP file.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// UTF-16 with a byte-order mark or without.
pub fn utf16(text: &str, bom: bool, big: bool) -> Vec<u8> {
    let units = bom.then_some(0xfeff).into_iter().chain(text.encode_utf16());
    units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}
