//! What the tests share: a workspace that is thrown away, the program run over it, and tables of text.

#![allow(dead_code, reason = "every test uses a part of it")]

pub mod importer;
pub mod reviewer;
pub mod weeks;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

/// The run's time in workspaces made by hand: 21 November 2026, 23:00 in Denver.
pub const AS_OF: &str = "2026-11-22T06:00:00Z";

/// What the program said.
#[derive(Debug)]
pub struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

/// The program: the one built with the tests, unless `PREFRECON_UNDER_TEST` names another, such as an installed one.
pub fn program() -> OsString {
    std::env::var_os("PREFRECON_UNDER_TEST").unwrap_or_else(|| env!("CARGO_BIN_EXE_prefrecon").into())
}

/// Runs the program.
pub fn prefrecon<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Said {
    let output = Command::new(program()).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { status: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

/// A workspace; its folder goes with the last that speaks of it.
pub struct Workspace {
    folder: Rc<tempfile::TempDir>,
    pub root: PathBuf,
}

impl Workspace {
    /// An empty one, with its inbox.
    pub fn empty() -> Workspace {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("workspace");
        fs::create_dir_all(root.join("inbox")).unwrap();
        Workspace { folder: Rc::new(folder), root }
    }

    /// One that reads files at once, leaves them where they are and holds nothing back, with this configuration besides.
    pub fn with(configuration: &str, files: &[(&str, &str)]) -> Workspace {
        let workspace = Workspace::empty();
        let inbox = "[inbox]\nafter_run = \"keep\"\nsettle_seconds = 0\nmax_reject_share = 1.0\n";
        let configuration =
            if configuration.contains("[inbox]") { configuration.to_owned() } else { format!("{inbox}{configuration}") };
        workspace.put("prefrecon.toml", &configuration);
        for (file, text) in files {
            workspace.put(&format!("inbox/{file}"), text);
        }
        workspace
    }

    /// A generated one.
    pub fn generated(contacts: u64, seed: u64) -> Workspace {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("workspace");
        let (contacts, seed) = (contacts.to_string(), seed.to_string());
        let said = prefrecon(["generate", root.to_str().unwrap(), "--contacts", &contacts, "--seed", &seed]);
        assert_eq!(said.status, 0, "{}", said.err);
        Workspace { folder: Rc::new(folder), root }
    }

    /// A generated one of other systems.
    pub fn generated_of(systems: &str, contacts: u64, seed: u64) -> Workspace {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("workspace");
        let (contacts, seed) = (contacts.to_string(), seed.to_string());
        let said =
            prefrecon(["generate", root.to_str().unwrap(), "--contacts", &contacts, "--seed", &seed, "--systems", systems]);
        assert_eq!(said.status, 0, "{}", said.err);
        Workspace { folder: Rc::new(folder), root }
    }

    /// The same configuration over other exports: file below the inbox and table.
    pub fn over(&self, exports: &BTreeMap<String, Table>) -> Workspace {
        let workspace = Workspace::empty();
        fs::copy(self.root.join("prefrecon.toml"), workspace.root.join("prefrecon.toml")).unwrap();
        for (file, table) in exports {
            table.write(&workspace.inbox().join(file));
        }
        workspace
    }

    pub fn inbox(&self) -> PathBuf {
        self.root.join("inbox")
    }

    /// Writes a file below the workspace.
    pub fn put(&self, file: &str, text: &str) {
        let path = self.root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs a command over the workspace.
    pub fn call(&self, command: &str, more: &[&str]) -> Said {
        prefrecon([command, self.root.to_str().unwrap()].iter().chain(more))
    }

    /// Runs it and expects a run folder, whether or not a person must look.
    pub fn run(&self) -> RunFolder {
        self.run_as_of(None)
    }

    /// The same at a time.
    pub fn run_as_of(&self, as_of: Option<&str>) -> RunFolder {
        let more: Vec<&str> = as_of.map(|as_of| vec!["--as-of", as_of]).unwrap_or_default();
        let said = self.call("run", &more);
        assert!(matches!(said.status, 0 | 3), "exit {}: {}", said.status, said.err);
        RunFolder {
            _folder: Rc::clone(&self.folder),
            path: fs::canonicalize(self.root.join("runs/latest")).unwrap(),
            status: said.status,
        }
    }

    /// The exports in the inbox, by their path below it.
    pub fn exports(&self) -> BTreeMap<String, Table> {
        let csv = files_below(&self.inbox()).into_iter().filter(|(file, _)| file.ends_with(".csv"));
        csv.map(|(file, bytes)| (file, Table::parse(&String::from_utf8(bytes).unwrap()))).collect()
    }
}

/// A finished run.
pub struct RunFolder {
    _folder: Rc<tempfile::TempDir>,
    pub path: PathBuf,
    pub status: i32,
}

impl RunFolder {
    /// A file of it.
    pub fn text(&self, file: &str) -> String {
        fs::read_to_string(self.path.join(file)).unwrap()
    }

    pub fn table(&self, file: &str) -> Table {
        Table::read(&self.path.join(file))
    }

    pub fn discrepancies(&self) -> Vec<Row> {
        self.table("discrepancies.csv").rows()
    }

    /// Discrepancies of one rule.
    pub fn of_rule(&self, code: &str) -> Vec<Row> {
        self.discrepancies().into_iter().filter(|row| row["rule"] == code).collect()
    }

    pub fn manifest(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path.join("run.json")).unwrap()).unwrap()
    }

    /// The manifest without what differs between two runs over the same inputs.
    pub fn lasting_manifest(&self) -> Value {
        let mut manifest = self.manifest();
        let fields = manifest.as_object_mut().unwrap();
        assert!(fields.remove("stages").is_some() && fields.remove("peak_memory_bytes").is_some());
        manifest
    }

    /// Every input must account for all of its rows.
    pub fn assert_rows_are_accounted_for(&self) {
        for input in self.manifest()["inputs"].as_array().unwrap().iter().filter(|input| input["verdict"] == "used") {
            let count = |field: &str| input[field].as_u64().unwrap();
            assert_eq!(count("rows"), count("rejected") + count("matched") + count("unmatched"), "{input:#}");
        }
    }
}

/// One row of a table, by header.
pub type Row = BTreeMap<String, String>;

/// A text table as an export or a correction file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub header: Vec<String>,
    pub cells: Vec<Vec<String>>,
    footer: Vec<Vec<String>>,
    quoted: bool,
}

impl Table {
    pub fn new(header: &[&str]) -> Table {
        let header = header.iter().map(|name| (*name).to_owned()).collect();
        Table { header, cells: Vec::new(), footer: Vec::new(), quoted: false }
    }

    pub fn read(path: &Path) -> Table {
        Table::parse(&fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    /// Comma-separated text. Rows of another width than the header's are its footer.
    pub fn parse(text: &str) -> Table {
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(text.as_bytes());
        let mut lines = reader.records().map(|line| line.unwrap().iter().map(str::to_owned).collect::<Vec<_>>());
        let header = lines.next().expect("a header");
        let (cells, footer) = lines.partition(|line| line.len() == header.len());
        Table { header, cells, footer, quoted: text.starts_with('"') }
    }

    pub fn push(&mut self, cells: &[&str]) {
        assert_eq!(cells.len(), self.header.len());
        self.cells.push(cells.iter().map(|cell| (*cell).to_owned()).collect());
    }

    pub fn text(&self) -> String {
        let style = if self.quoted { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary };
        let mut writer = csv::WriterBuilder::new().quote_style(style).flexible(true).from_writer(Vec::new());
        for line in std::iter::once(&self.header).chain(&self.cells) {
            writer.write_record(line).unwrap();
        }
        if !self.footer.is_empty() {
            writer.write_record([""]).unwrap();
        }
        for line in &self.footer {
            writer.write_record(line).unwrap();
        }
        String::from_utf8(writer.into_inner().unwrap()).unwrap()
    }

    pub fn write(&self, path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, self.text()).unwrap();
    }

    /// The position of a column.
    pub fn at(&self, header: &str) -> usize {
        let at = self.header.iter().position(|name| name == header);
        at.unwrap_or_else(|| panic!("no column {header} among {:?}", self.header))
    }

    pub fn rows(&self) -> Vec<Row> {
        self.cells.iter().map(|cells| self.header.iter().cloned().zip(cells.iter().cloned()).collect()).collect()
    }

    /// The columns named, row by row, sorted; the guard against formulas is taken off.
    pub fn sorted(&self, columns: &[&str]) -> Vec<Vec<String>> {
        let columns: Vec<usize> = columns.iter().map(|name| self.at(name)).collect();
        let plain = |cell: &String| {
            cell.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@'])).unwrap_or(cell).to_owned()
        };
        let mut rows: Vec<Vec<String>> =
            self.cells.iter().map(|row| columns.iter().map(|column| plain(&row[*column])).collect()).collect();
        rows.sort_unstable();
        rows
    }

    pub fn shuffle(&mut self, rng: &mut ChaCha8Rng) {
        self.cells.shuffle(rng);
    }

    /// Every `parts`th row, beginning with the `part`th.
    pub fn part(&self, part: usize, parts: usize) -> Table {
        let cells = self.cells.iter().skip(part).step_by(parts).cloned().collect();
        Table { cells, ..self.clone() }
    }
}

/// A CRM with every choice among the other systems, all of them last.
pub fn combinations(crm: &str) -> Vec<String> {
    let others = ["marketing_cloud", "activecampaign", "campaign_monitor", "ascend", "advance", "raisers_edge"];
    let choice = |chosen: u32| {
        let of = others.iter().enumerate().filter(|(at, _)| chosen >> at & 1 == 1).map(|(_, name)| *name);
        std::iter::once(crm).chain(of).collect::<Vec<_>>().join(",")
    };
    (0..1 << others.len()).map(choice).collect()
}

/// Random numbers that are the same every time.
pub fn seeded(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Every file below a folder: its path with `/`, and its bytes.
pub fn files_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = fs::read_dir(&next) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.is_file() {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().replace('\\', "/");
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// The files and their bytes must be the same; says which are not, and where the first text parts.
pub fn assert_same_files(one: &BTreeMap<String, Vec<u8>>, other: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    if let Some((file, bytes)) = one.iter().find(|(file, bytes)| other[*file] != **bytes) {
        let [one, other] = [bytes, &other[file]].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let parting = one.lines().zip(other.lines()).find(|(one, other)| one != other);
        panic!("{file} differs: {parting:#?}");
    }
}
