//! Of several files of one kind: parts are stacked, of others and of one part the newest counts; nothing counts twice.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, SystemTime};

use super::file::ReadFile;
use super::{AsOfFrom, FileReport, Ingested, TableRows, Verdict};
use crate::columns::{Field, Role};
use crate::config::Config;
use crate::systems::{Grain, Kind, Systems};

/// Settles which files are used, and collects their tables and rejects. `files` are in order of their path.
pub fn select<T>(mut files: Vec<ReadFile<T>>, config: &Config, systems: &Systems) -> Ingested<T> {
    skip_same_content(&mut files);
    supersede(&mut files, systems);
    refuse_lost_zeros(&mut files, config, systems);

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

/// Of copies of one content the newest counts; when a copy was saved says nothing of it where another is dated. Two lists may
/// have the same people on them: files whose names say different parts are no copies.
fn skip_same_content<T>(files: &mut [ReadFile<T>]) {
    let mut newest_first: Vec<usize> = (0..files.len()).filter(|at| files[*at].table.is_some()).collect();
    let is_undated = |report: &FileReport| report.as_of_from == AsOfFrom::File;
    newest_first.sort_by_key(|at| (is_undated(&files[*at].report), Reverse(files[*at].report.as_of), *at));
    let mut seen: HashMap<(String, Option<Part>), String> = HashMap::new();
    for at in newest_first {
        let read = &mut files[at];
        let part = read.table.as_ref().map(|table| (table.system, table.kind, table.part.clone()));
        match seen.entry((read.report.content().to_owned(), part)) {
            Entry::Occupied(first) => {
                read.report.verdict = Verdict::Skipped(format!("the same content as {}", first.get()));
                read.table = None;
            }
            Entry::Vacant(entry) => drop(entry.insert(read.report.file.clone())),
        }
    }
}

/// System, kind, and the list and state that a file alone holds.
type Part = (usize, usize, Option<(String, String)>);

/// Settles what several files of one kind, or of one part of it, are. Of two that hold the same rows one counts: the newer,
/// else the text, which no spreadsheet program has been through.
fn supersede<T>(files: &mut [ReadFile<T>], systems: &Systems) {
    let mut by_part: BTreeMap<Part, Vec<usize>> = BTreeMap::new();
    for (at, read) in files.iter().enumerate() {
        if let Some(table) = &read.table {
            // A list in other capitals is the same one.
            let part = table.part.as_ref().map(|(list, state)| (list.to_lowercase(), state.to_lowercase()));
            by_part.entry((table.system, table.kind, part)).or_default().push(at);
        }
    }
    for ((system, kind, part), mut same_kind) in by_part {
        let newest_first = |at: &usize| (Reverse(files[*at].report.as_of), is_workbook(&files[*at].report), *at);
        same_kind.sort_by_key(newest_first);
        let mut left: Vec<usize> = Vec::new();
        for at in same_kind {
            match left.iter().copied().find(|other| hold_the_same(&files[*other], &files[at])) {
                Some(other) => files[at].report.verdict = Verdict::Superseded(files[other].report.file.clone()),
                None => left.push(at),
            }
        }
        let profile = &systems.profiles()[system];
        let Kind { grain, parts, .. } = profile.kinds[kind];
        // A log, or an extract of what happened in a week, is about other people each time: all count, until a run has used them
        // and a newer full export is there.
        let is_extract = |at: &usize| grain.is_log() || files[*at].report.partial && !parts;
        let (extracts, full): (Vec<usize>, Vec<usize>) = left.iter().copied().partition(is_extract);
        let newest = full.first().map(|at| (files[*at].report.as_of, files[*at].report.file.clone()));
        for at in extracts {
            let report = &mut files[at].report;
            if let Some((_, name)) = newest.as_ref().filter(|(made, _)| report.seen_in.is_some() && report.as_of < *made) {
                report.verdict = Verdict::Superseded(name.clone());
            }
        }
        if parts && part.is_none() {
            drop_used_before(files, &full);
            continue;
        }
        let title = format!("{} {}", profile.title, profile.kinds[kind].name.replace('_', " "));
        // What an earlier run used is last week's, and no part of this week's; of contacts nobody may be missing.
        let may_be_part = |at: &&usize| grain == Grain::Contact || files[**at].report.seen_in.is_none();
        let lists_everybody = matches!(grain, Grain::Contact | Grain::UnitUnsubscribe | Grain::Unsubscribe | Grain::Preference);
        let in_parts = |newest: &usize, older: &[usize]| {
            older.iter().filter(may_be_part).any(|other| are_parts(&files[*newest], &files[*other]))
        };
        match full.split_first().filter(|_| lists_everybody) {
            Some((newest, older)) if in_parts(newest, older) => refuse_parts(files, &full, &title),
            _ => keep_newest(files, &full, &title),
        }
    }
}

/// Files that say in each row of which list, or code, it is may be an export in parts, so all that are new count. What an
/// earlier run used is last week's where a newer one is there: its lists that nobody exported again are missing.
fn drop_used_before<T>(files: &mut [ReadFile<T>], newest_first: &[usize]) {
    let is_new = |at: &&usize| files[**at].report.seen_in.is_none();
    let Some(newest) = newest_first.iter().find(is_new) else { return };
    let (made, name) = (files[*newest].report.as_of, files[*newest].report.file.clone());
    for at in newest_first {
        let report = &mut files[*at].report;
        if report.seen_in.is_some() && report.as_of < made {
            report.verdict = Verdict::Superseded(name.clone());
        }
    }
}

fn is_workbook(report: &FileReport) -> bool {
    report.sheet.is_some()
}

/// The same rows, once as text and once as a workbook. Where the file's name says which part it is, the names must agree too.
fn hold_the_same<T>(one: &ReadFile<T>, other: &ReadFile<T>) -> bool {
    let stem = |read: &ReadFile<T>| {
        let name = read.report.file.rsplit('/').next().unwrap_or_default().to_lowercase();
        name.split_once('.').map(|(stem, _)| stem.to_owned()).unwrap_or(name)
    };
    let says_part = |read: &ReadFile<T>| {
        read.report.mapped.iter().any(|column| matches!(column.field, Field::List | Field::Unit | Field::Code))
    };
    let in_two_forms = is_workbook(&one.report) != is_workbook(&other.report);
    let keys = one.table.as_ref().zip(other.table.as_ref());
    in_two_forms
        && keys.is_some_and(|(one, other)| one.keys.are_those_of(&other.keys))
        && (says_part(one) || stem(one) == stem(other))
}

/// Two exports of everybody that have nobody in common are parts of one.
fn are_parts<T>(one: &ReadFile<T>, other: &ReadFile<T>) -> bool {
    let keys = one.table.as_ref().zip(other.table.as_ref());
    keys.is_some_and(|(one, other)| one.keys.have_nobody_in_common_with(&other.keys))
}

/// Without one part of them everybody in it would be missing.
fn refuse_parts<T>(files: &mut [ReadFile<T>], parts: &[usize], title: &str) {
    for at in parts {
        let others: Vec<&str> =
            parts.iter().filter(|other| *other != at).map(|other| files[*other].report.file.as_str()).collect();
        files[*at].report.verdict = Verdict::Refused(format!(
            "it is an export of {title} like {}, and they have nobody in common: if they are parts of one export, put their rows into \
             one file; else keep the newer one",
            others.join(" and ")
        ));
    }
}

/// Files that were saved less apart than this were copied together: it says nothing about their exports.
const APART: Duration = Duration::from_secs(60);

/// The newest counts. Of several of one time it is the one that was saved last, and where that does not tell, none.
fn keep_newest<T>(files: &mut [ReadFile<T>], newest_first: &[usize], title: &str) {
    let Some(newest) = newest_first.first() else { return };
    // What was only saved within a minute was copied together, as below.
    let undated = |at: &usize| Some(files[*at].report.as_of?).filter(|_| files[*at].report.as_of_from == AsOfFrom::File);
    let is_tied = |at: &&usize| match undated(newest).zip(undated(at)) {
        Some((newest, other)) => (newest - other).to_std().is_ok_and(|apart| apart < APART),
        None => files[**at].report.as_of == files[*newest].report.as_of,
    };
    let (mut tied, older): (Vec<usize>, Vec<usize>) = newest_first.iter().partition(is_tied);
    let saved = |at: usize| files[at].table.as_ref().map_or(SystemTime::UNIX_EPOCH, |table| table.modified);
    tied.sort_by_key(|at| (Reverse(saved(*at)), *at));
    let last_saved = tied.get(1).is_none_or(|next| saved(tied[0]) >= saved(*next) + APART);
    let name = |at: usize| files[at].report.file.clone();
    let names: Vec<String> = tied.iter().map(|at| name(*at)).collect();
    for at in older.into_iter().chain(tied.iter().copied().filter(|at| last_saved && *at != tied[0])) {
        files[at].report.verdict = Verdict::Superseded(names[0].clone());
    }
    for at in tied.into_iter().filter(|_| !last_saved) {
        let others: Vec<&str> = names.iter().map(String::as_str).filter(|name| *name != files[at].report.file).collect();
        files[at].report.verdict = Verdict::Refused(format!(
            "it is an export of {title} of the same time as {}, and nothing tells which of them counts: keep one, or put the time of \
             day into each name, as in contacts_2026-11-21T1430.csv",
            others.join(" and ")
        ));
    }
}

/// Ids without the zeros that they begin with elsewhere would match nobody, or somebody else.
fn refuse_lost_zeros<T>(files: &mut [ReadFile<T>], config: &Config, systems: &Systems) {
    let profiles = systems.profiles();
    let used: Vec<usize> = (0..files.len()).filter(|at| files[*at].report.is_used() && files[*at].table.is_some()).collect();
    let system_of = |at: &usize| files[*at].table.as_ref().map(|table| table.system);
    let owner = profiles.iter().find_map(|profile| config.systems.get(&profile.name)?.source.as_deref());
    let sources: BTreeSet<usize> = used.iter().filter_map(system_of).filter(|at| profiles[*at].role == Role::Source).collect();
    // The ids of two sources are two numberings; the others name those of one, which the configuration may say.
    let is_owner = |at: usize| owner.map_or(sources.len() == 1, |owner| owner == profiles[at].name);
    let is_other_source = |at: usize| profiles[at].role == Role::Source && !is_owner(at);
    let numbering = |one: &usize, other: &usize| {
        let (one, other) = (system_of(one)?, system_of(other)?);
        let both = [one, other].into_iter().all(|at| profiles[at].role == Role::Source);
        Some(one == other || !both && !is_other_source(one) && !is_other_source(other))
    };
    let keys = |at: &usize| files[*at].table.as_ref().map(|table| &table.keys);
    let refusal = |at: &usize| {
        let others = || used.iter().filter(|other| numbering(at, other) == Some(true));
        let lost = others().find_map(|other| Some((keys(at)?.lost_zeros(keys(other)?)?, *other)));
        let ((row, id, width), other) = lost?;
        let report = &files[*at].report;
        let column = report.mapped.iter().find(|column| column.field == Field::SourceId).map_or("", |column| &column.header);
        let sheet = report.sheet.as_ref().map(|sheet| format!("sheet `{sheet}`, ")).unwrap_or_default();
        Some(format!(
            "{sheet}row {row}, {column} `{id}`: its ids have lost the zeros at their front, as happens in a spreadsheet program. In \
             {} they have {width} digits, so this one would be `{id:0>width$}`. Export it again, and do not save it in a \
             spreadsheet program, or keep the column as text",
            files[other].report.file
        ))
    };
    let refusals: Vec<(usize, String)> = used.iter().filter_map(|at| Some((*at, refusal(at)?))).collect();
    for (at, why) in refusals {
        files[at].report.verdict = Verdict::Refused(why);
    }
}
