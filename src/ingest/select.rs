//! Of several files of one kind: parts are stacked, of others the newest counts; nothing counts twice.

use std::collections::HashMap;

use super::file::ReadFile;
use super::{Ingested, TableRows, Verdict};
use crate::systems::Systems;

/// Settles which files are used, and collects their tables and rejects. `files` are in order of their path.
pub fn select<T>(mut files: Vec<ReadFile<T>>, systems: &Systems) -> Ingested<T> {
    skip_same_content(&mut files);
    supersede(&mut files, systems);

    let mut ingested = Ingested { files: Vec::new(), tables: Vec::new(), rejects: Vec::new() };
    for (file, read) in files.into_iter().enumerate() {
        if let (Verdict::Used, Some(table)) = (&read.report.verdict, read.table) {
            ingested.tables.push(TableRows { file, system: table.system, rows: table.rows });
            ingested.rejects.extend(read.rejects);
        }
        ingested.files.push(read.report);
    }
    ingested
}

fn skip_same_content<T>(files: &mut [ReadFile<T>]) {
    let mut seen: HashMap<String, String> = HashMap::new();
    for read in files.iter_mut().filter(|read| read.table.is_some()) {
        match seen.get(read.report.content()) {
            Some(first) => {
                read.report.verdict = Verdict::Skipped(format!("the same content as {first}"));
                read.table = None;
            }
            None => {
                seen.insert(read.report.content().to_owned(), read.report.file.clone());
            }
        }
    }
}

fn supersede<T>(files: &mut [ReadFile<T>], systems: &Systems) {
    let mut newest: HashMap<(usize, usize), usize> = HashMap::new();
    let kind_of = |read: &ReadFile<T>| {
        let table = read.table.as_ref()?;
        (!systems.profiles()[table.system].kinds[table.kind].parts).then_some((table.system, table.kind))
    };
    for at in 0..files.len() {
        let Some(kind) = kind_of(&files[at]) else { continue };
        let best = newest.entry(kind).or_insert(at);
        if files[at].report.as_of >= files[*best].report.as_of {
            *best = at;
        }
    }
    for at in 0..files.len() {
        let Some(best) = kind_of(&files[at]).and_then(|kind| newest.get(&kind)).filter(|best| **best != at) else { continue };
        files[at].report.verdict = Verdict::Superseded(files[*best].report.file.clone());
    }
}
