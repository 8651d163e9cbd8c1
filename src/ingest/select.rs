//! Of several files of one kind: parts are stacked, of others the newest counts; nothing counts twice.

use std::collections::HashMap;

use super::file::ReadFile;
use super::{Ingested, TextTable, Verdict};
use crate::systems::Systems;

/// Settles which files are used, and collects their tables and rejects. `files` are in order of their path.
pub fn select(mut files: Vec<ReadFile>, systems: &Systems) -> Ingested {
    skip_same_content(&mut files);
    supersede(&mut files, systems);

    let mut ingested = Ingested::default();
    for (file, read) in files.into_iter().enumerate() {
        if let (Verdict::Used, Some(table)) = (&read.report.verdict, read.table) {
            let (system, kind) = (table.system, table.kind);
            ingested.tables.push(TextTable { file, system, kind, columns: table.columns, frame: table.frame });
            ingested.rejects.extend(read.rejects);
        }
        ingested.files.push(read.report);
    }
    ingested
}

fn skip_same_content(files: &mut [ReadFile]) {
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

fn supersede(files: &mut [ReadFile], systems: &Systems) {
    let mut newest: HashMap<(usize, usize), usize> = HashMap::new();
    let kind_of = |read: &ReadFile| {
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
