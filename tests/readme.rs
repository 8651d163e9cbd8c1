//! The README is held to the program: its tables, columns, commands and output.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use clap::Parser;
use prefrecon::cli::Cli;
use prefrecon::columns::Field;
use prefrecon::config::{Category, Config, System};
use prefrecon::rules::RULES;
use prefrecon::systems::{Kind, Profile, Systems};
use serde_json::Value;

const README: &str = include_str!("../README.md");

/// The same program, as the README calls it with and without an installation.
const PROGRAM: [&str; 2] = ["prefrecon ", "cargo run --release -- "];

#[test]
fn the_table_of_rules_is_the_catalogue() {
    let mut expected = vec!["| code | name | severity |".to_owned(), "| --- | --- | --- |".to_owned()];
    expected.extend(RULES.iter().map(|rule| format!("| {} | {} | {} |", rule.code, rule.name, rule.severity)));
    let found: Vec<&str> = table("| code | name | severity |").collect();
    assert!(found == expected, "the README's table of rules should be\n{}\n", expected.join("\n"));
    let drawn = format!("{} rules", RULES.len());
    assert!(README.contains(&drawn), "the picture of the flow should say: {drawn}");
}

#[test]
fn the_table_of_configuration_has_every_key_and_its_default() {
    let mut expected = Vec::new();
    let config = serde_json::to_value(Config::default()).unwrap();
    for (section, keys) in config.as_object().unwrap() {
        match section.as_str() {
            "systems" => expected.extend(keys_of("[systems.NAME]", &serde_json::to_value(System::default()).unwrap())),
            "category" => {
                let category = Category { name: String::new(), renamed_from: vec![], retired: false, systems: BTreeMap::new() };
                expected.extend(keys_of("[[category]]", &serde_json::to_value(category).unwrap()));
            }
            _ => expected.extend(keys_of(&format!("[{section}]"), keys)),
        }
    }
    let found: Vec<String> = table("| section | key | default |")
        .skip(2)
        .map(|row| format!("{} |", row.splitn(5, " | ").take(3).collect::<Vec<_>>().join(" | ")))
        .filter(|row| !row.contains("*"))
        .collect();
    assert!(found == expected, "the README's table of configuration should begin its rows with\n{}\n", expected.join("\n"));
}

fn keys_of(section: &str, keys: &Value) -> Vec<String> {
    let default = |value: &Value| match value {
        Value::Null | Value::Object(_) => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::Array(values) if values.is_empty() => "-".to_owned(),
        Value::Array(values) => format!("`[{}]`", values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ")),
        other => format!("`{other}`"),
    };
    let keys = keys.as_object().unwrap().iter();
    keys.map(|(key, value)| format!("| `{section}` | `{key}` | {} |", default(value))).collect()
}

/// The tables between `<!-- NAME: begin -->` and `<!-- NAME: end -->` are the profiles'. `PREFRECON_BLESS=1` writes them anew.
#[test]
fn the_tables_of_systems_are_the_profiles() {
    if std::env::var_os("PREFRECON_BLESS").is_none() {
        for (name, table) in tables_of_systems() {
            assert!(between(README, name) == table, "the README's table of {name} should be\n{table}");
        }
    }
}

fn tables_of_systems() -> [(&'static str, String); 2] {
    let systems = Systems::built_in().unwrap();
    let [mut exports, mut files] = [
        "| system | role | export | one row is a | recognised by these headers |\n| --- | --- | --- | --- | --- |\n",
        "| system | file | changes | of | columns |\n| --- | --- | --- | --- | --- |\n",
    ]
    .map(str::to_owned);
    for profile in systems.profiles() {
        let mut named = [profile.title.as_str(), profile.role.word()];
        for kind in &profile.kinds {
            let [title, role] = std::mem::take(&mut named);
            let export = kind.name.replace('_', " ");
            let row = format!("| {title} | {role} | {export} | {} | {} |\n", kind.noun, recognised_by(kind));
            exports += &row.replacen("|  |  |", "| | |", 1);
        }
        let mut title = profile.title.as_str();
        for file in files_of(profile) {
            files += &format!("| {} | {file} |\n", std::mem::take(&mut title)).replacen("|  |", "| |", 1);
        }
    }
    [("systems", exports), ("correction files", files)]
}

/// The headers of the fields that an export must have, the first few of each; and one of those that mark it.
fn recognised_by(kind: &Kind) -> String {
    let quoted = |headers: &[String]| headers.iter().map(|header| format!("`{header}`")).collect::<Vec<_>>();
    let any = |field: &Field| {
        let headers = quoted(&kind.columns[field]);
        let more = if headers.len() > 3 { " or …" } else { "" };
        headers.into_iter().take(3).collect::<Vec<_>>().join(" or ") + more
    };
    let told_by_value = |field: &&Field| kind.only.as_ref().is_none_or(|only| only.field != **field);
    let mut parts: Vec<String> = kind.required.iter().filter(told_by_value).map(any).collect();
    let marks: Vec<String> = kind.marks.iter().map(|field| quoted(&kind.columns[field][..1]).remove(0)).collect();
    parts.extend(match marks.as_slice() {
        [] => None,
        [mark] => Some(mark.clone()),
        marks => Some(format!("one of {}", marks.join(", "))),
    });
    if let Some(only) = &kind.only {
        parts.push(format!("{} in `{}`", only.values[0], kind.columns[&only.field][0]));
    }
    parts.join("; ")
}

/// One line a correction file: its name, what it changes in which exports' records, and its columns.
fn files_of(profile: &Profile) -> Vec<String> {
    let mut files: Vec<(String, Vec<String>, Vec<String>, String)> = Vec::new();
    for file in &profile.corrections {
        let name = match file.file.rsplit_once('.') {
            Some((stem, ending)) if file.one_a_list => format!("`{stem}_<list>.{ending}`"),
            _ => format!("`{}`", file.file),
        };
        let name = file.workbook.iter().fold(name, |name, workbook| format!("`{}` or {name}", workbook.file));
        let columns = file.columns.iter().map(|column| format!("`{}`", column.header)).collect::<Vec<_>>().join(", ");
        let purpose = file.purpose.word().replace('_', " ");
        let kinds = file.kinds.iter().map(|kind| kind.replace('_', " "));
        match files.iter_mut().find(|known| known.0 == name) {
            Some(known) => {
                known.1.extend((!known.1.contains(&purpose)).then_some(purpose));
                let new: Vec<String> = kinds.filter(|kind| !known.2.contains(kind)).collect();
                known.2.extend(new);
            }
            None => files.push((name, vec![purpose], kinds.collect(), columns)),
        }
    }
    files
        .into_iter()
        .map(|(name, what, of, columns)| format!("{name} | {} | {} | {columns}", what.join(", "), of.join(", ")))
        .collect()
}

/// What stands between the marks of a name.
fn between<'t>(text: &'t str, name: &str) -> &'t str {
    let [begin, end] = marks(name);
    let from = text.find(&begin).unwrap_or_else(|| panic!("the README has no mark {begin}")) + begin.len();
    &text[from..from + text[from..].find(&end).unwrap_or_else(|| panic!("the README has no mark {end}"))]
}

fn marks(name: &str) -> [String; 2] {
    ["begin", "end"].map(|mark| format!("<!-- {name}: {mark} -->\n"))
}

#[test]
fn every_command_parses() {
    let commands: Vec<&str> = blocks().flat_map(|block| block.text.lines()).filter_map(arguments).collect();
    assert!(commands.len() >= 8, "{commands:?}");
    for command in commands {
        let words = command.split_whitespace().take_while(|word| !matches!(*word, ">" | "|"));
        if let Err(error) = Cli::try_parse_from(std::iter::once("prefrecon").chain(words)) {
            panic!("the README says `prefrecon {command}`:\n{error}");
        }
    }
}

#[test]
fn every_path_that_is_named_or_linked_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_place = |text: &&str| ["src/", "tests/", "scripts/", ".ci/"].iter().any(|start| text.starts_with(start));
    for place in README.split('`').skip(1).step_by(2).filter(is_place) {
        assert!(root.join(place).exists(), "the README names {place}, which is not there");
    }
    for anchor in README.split("](#").skip(1).filter_map(|rest| rest.split_once(')')).map(|(anchor, _)| anchor) {
        let heading = |line: &str| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        let there = README.lines().any(|line| line.starts_with('#') && heading(line) == anchor);
        assert!(there, "the README links to #{anchor}, which is no heading");
    }
}

#[test]
fn the_columns_are_those_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| shell(folder.path(), &arguments.join(" "));
    run(&["generate", "example", "--contacts", "40", "--seed", "1"]);
    std::fs::create_dir(folder.path().join("example/decisions")).unwrap();
    std::fs::write(folder.path().join("example/decisions/exceptions.csv"), "who,rule,owner,until,reason\nnobody,*,,,\n").unwrap();
    run(&["run", "example", "--quiet"]);
    let written = ["discrepancies", "corrections", "rejected_rows", "decisions"].map(|name| format!("runs/latest/{name}.csv"));
    for file in written.iter().map(String::as_str).chain(["truth.csv"]) {
        let text = std::fs::read_to_string(folder.path().join("example").join(file)).unwrap();
        let columns = text.lines().next().unwrap().trim_start_matches('\u{feff}').replace(',', ", ");
        assert!(README.contains(&format!("`{columns}`")), "the README should say of {file}: `{columns}`");
    }
}

/// In a checked block each line that begins with `$ ` is run, and the lines below are what it prints; a line `…` stands
/// for any number of lines. `PREFRECON_BLESS=1` writes the output of blocks without such a line anew.
#[test]
fn the_output_in_checked_blocks_is_what_the_program_prints() {
    let folder = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data");
    if sample.is_dir() {
        copy(&sample, &folder.path().join("sample_data"));
    }
    let checked: Vec<Block> = blocks().filter(|block| block.checked).collect();
    assert!(!checked.is_empty());
    let bless = std::env::var_os("PREFRECON_BLESS").is_some();
    let mut renewed = README.to_owned();
    for step in checked.iter().flat_map(|block| block.text.split("$ ").skip(1)) {
        let (command, expected) = step.split_once('\n').unwrap();
        let words = arguments(command).expect("checked commands are the program's own");
        let printed = shell(folder.path(), words);
        if bless && !expected.contains('…') {
            renewed = renewed.replacen(step, &format!("{command}\n{printed}"), 1);
            continue;
        }
        assert!(
            fits(&lines(expected), &lines(&printed)),
            "the README shows other output of `prefrecon {words}`; PREFRECON_BLESS=1 writes it anew. It prints\n{printed}"
        );
    }
    if bless {
        for (name, table) in tables_of_systems() {
            let [begin, end] = marks(name);
            let old = format!("{begin}{}{end}", between(&renewed, name));
            renewed = renewed.replacen(&old, &format!("{begin}{table}{end}"), 1);
        }
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"), renewed).unwrap();
    }
}

#[test]
fn an_ellipsis_stands_for_any_number_of_lines() {
    for (expected, printed, fit) in [
        ("a b", "a b", true),
        ("a …", "a b c", true),
        ("a … c", "a b b c", true),
        ("… c", "a c b c", true),
        ("a … b", "a c", false),
        ("a", "a b", false),
        ("a b", "a", false),
        ("…", "", true),
    ] {
        let words = |text: &'static str| text.split_whitespace().collect::<Vec<&str>>();
        assert_eq!(fits(&words(expected), &words(printed)), fit, "{expected} | {printed}");
    }
}

fn fits(expected: &[&str], printed: &[&str]) -> bool {
    match (expected.split_first(), printed.split_first()) {
        (None, None) => true,
        (Some((&"…", rest)), _) => (0..=printed.len()).any(|skip| fits(rest, &printed[skip..])),
        (Some((line, rest)), Some((first, others))) => line == first && fits(rest, others),
        _ => false,
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.trim().lines().map(str::trim_end).collect()
}

/// Runs the program and gives back what it printed.
fn shell(folder: &Path, arguments: &str) -> String {
    let program = env!("CARGO_BIN_EXE_prefrecon");
    let output = Command::new(program).args(arguments.split_whitespace()).current_dir(folder).output().unwrap();
    let done = matches!(output.status.code(), Some(0 | 3));
    assert!(done, "`prefrecon {arguments}` failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What follows the program's name in a line of a console.
fn arguments(line: &str) -> Option<&str> {
    let line = line.strip_prefix("$ ").unwrap_or(line);
    PROGRAM.iter().find_map(|program| line.strip_prefix(program))
}

/// A fenced block of the README.
struct Block {
    text: &'static str,
    checked: bool,
}

/// Consoles and blocks without a language.
fn blocks() -> impl Iterator<Item = Block> {
    let fences: Vec<&'static str> = README.split("```").collect();
    (1..fences.len()).step_by(2).filter_map(move |at| {
        let (language, text) = fences[at].split_once('\n')?;
        let checked = fences[at - 1].trim_end().ends_with("<!-- checked -->");
        matches!(language, "" | "console").then(|| Block { text, checked })
    })
}

/// The rows of the table that begins with this header.
fn table(header: &str) -> impl Iterator<Item = &'static str> {
    README.lines().skip_while(move |line| !line.starts_with(header)).take_while(|line| line.starts_with('|'))
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        // What earlier runs left there is no part of the sample.
        if ["runs", "archive", "ledger"].iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}
