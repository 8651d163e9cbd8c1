//! Whose export a table is, by its headers: a system, a kind, and what each column means.

use std::collections::BTreeSet;

use csv::StringRecord;

use super::header::{Header, missing};
use super::labels::state_in_name;
use super::table::trimmed;
use super::{MappedColumn, UnmappedHeader};
use crate::columns::{ADDRESSES, Field};
use crate::config::{Category, Config};
use crate::nearest::nearest;
use crate::systems::{Grain, Kind, Profile, Systems, fold_header};

/// A table that some profile knows.
#[derive(Debug)]
pub struct Recognised {
    /// Position of the system among the profiles.
    pub system: usize,
    /// Position of the kind in the profile.
    pub kind: usize,
    /// Columns that mean something, with their position in the file.
    pub mapped: Vec<(usize, MappedColumn)>,
    /// Headers that mean nothing.
    pub unmapped: Vec<UnmappedHeader>,
    /// The list and the state that its name or the configuration gives it, where one of them does.
    pub part: Option<(String, String)>,
}

/// Why a table is not used.
#[derive(Debug, PartialEq, Eq)]
pub enum Unknown {
    /// It fits no kind: a sentence.
    None(String),
    /// It fits several kinds: a sentence.
    Several(String),
    /// It fits several kinds because it has no rows.
    NoRows,
}

/// The systems whose file-name patterns a file fits, by the first of its names that fits any.
pub fn named_systems(names: &[&str], config: &Config, systems: &Systems) -> Vec<usize> {
    let case = glob::MatchOptions { case_sensitive: false, ..glob::MatchOptions::new() };
    let named = |name: &str| -> Vec<usize> {
        let names = |pattern: &String| {
            // Patterns were checked with the configuration.
            glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches_with(name, case))
        };
        let profiles = systems.profiles().iter().enumerate();
        profiles
            .filter(|(_, profile)| config.systems.get(&profile.name).is_some_and(|section| section.files.iter().any(names)))
            .map(|(at, _)| at)
            .collect()
    };
    names.iter().map(|name| named(name)).find(|systems| !systems.is_empty()).unwrap_or_default()
}

/// The systems that a file can be of: those that its name fits, else all.
pub fn systems_of(names: &[&str], config: &Config, systems: &Systems) -> Vec<usize> {
    match named_systems(names, config, systems) {
        named if named.is_empty() => (0..systems.profiles().len()).collect(),
        named => named,
    }
}

/// Finds the one kind whose signature the header fits; `rows` are the first rows below it.
///
/// # Errors
/// None or several fit.
pub fn recognise(
    names: &[&str],
    header: &Header,
    rows: &[&StringRecord],
    config: &Config,
    systems: &Systems,
) -> Result<Recognised, Unknown> {
    let file_name = names.first().copied().unwrap_or_default();
    let is_settled = !named_systems(names, config, systems).is_empty();
    let kinds: Vec<Candidate> = systems_of(names, config, systems)
        .into_iter()
        .map(|system| (system, &systems.profiles()[system]))
        .flat_map(|(system, profile)| {
            profile.kinds.iter().enumerate().map(move |(at, kind)| Candidate { system, at, profile, kind })
        })
        .collect();
    let mut fitting: Vec<(&Candidate, Vec<(usize, MappedColumn)>)> = kinds
        .iter()
        .filter(|candidate| unfit(candidate, header, rows, names, is_settled).is_none())
        .map(|candidate| (candidate, map(candidate.kind, header)))
        .collect();
    // A loader repeats the columns of what was loaded: they make no export of it.
    if fitting.iter().any(|(candidate, _)| candidate.kind.grain == Grain::Answer) {
        fitting.retain(|(candidate, _)| candidate.kind.grain == Grain::Answer);
    }
    if fitting.iter().any(|(candidate, _)| !candidate.kind.fallback) {
        fitting.retain(|(candidate, _)| !candidate.kind.fallback);
    }
    let sets: Vec<BTreeSet<usize>> = fitting.iter().map(|(_, mapped)| mapped.iter().map(|(at, _)| *at).collect()).collect();
    let covered = |set: &BTreeSet<usize>| sets.iter().any(|other| set.len() < other.len() && set.is_subset(other));
    let mut covered = sets.iter().map(covered);
    fitting.retain(|_| covered.next() == Some(false));

    match fitting.len() {
        0 => Err(Unknown::None(none_fits(names, header, rows, &kinds, is_settled))),
        1 => {
            let (Candidate { system, at, profile, kind }, mut mapped) = fitting.remove(0);
            mapped.extend(checkboxes(&config.category, &profile.name, header, &mapped));
            let unmapped = unmapped(kind, header, &mapped);
            Ok(Recognised { system: *system, kind: *at, mapped, unmapped, part: None })
        }
        _ if rows.is_empty() => Err(Unknown::NoRows),
        _ => {
            let candidates: Vec<&Candidate> = fitting.iter().map(|(candidate, _)| *candidate).collect();
            Err(Unknown::Several(several_fit(file_name, header, &candidates)))
        }
    }
}

/// A kind that a file may be of.
struct Candidate<'a> {
    system: usize,
    at: usize,
    profile: &'a Profile,
    kind: &'a Kind,
}

impl Candidate<'_> {
    fn title(&self) -> String {
        format!("{} {}", self.profile.title, self.kind.name)
    }
}

/// Why a kind does not fit, or nothing where it does.
fn unfit(candidate: &Candidate, header: &Header, rows: &[&StringRecord], names: &[&str], is_settled: bool) -> Option<String> {
    let Candidate { profile, kind, .. } = candidate;
    let has = |field: &Field| position(kind, *field, header).is_some();
    if missing(kind, &header.folded).next().is_some() {
        return Some(String::new());
    }
    let told = is_settled && kind.fallback || kind.known_by_name && state_in_name(profile, kind, names).is_some();
    if !kind.marks.is_empty() && !kind.marks.iter().any(has) && !told {
        let marks: Vec<String> = kind.marks.iter().map(|field| accepted(kind, *field)).collect();
        return Some(format!("it needs a column for {}", marks.join(" or ")));
    }
    if let Some(excluded) = kind.excludes.iter().find(|excluded| header.folded.contains(&fold_header(excluded))) {
        return Some(format!("its column `{excluded}` rules that out"));
    }
    if let Some(why) = kind.words.iter().find_map(|(field, words)| other_word(kind, *field, words, header, rows)) {
        return Some(why);
    }
    if let Some((only, at)) = kind.only.as_ref().and_then(|only| Some((only, position(kind, only.field, header)?))) {
        let mut values = rows.iter().filter_map(|cells| cells.get(at));
        if !rows.is_empty() && !values.any(|value| only.allows(value)) {
            let values = only.values.join(" or ");
            return Some(format!("no value of its column `{}` is {values}", header.names[at]));
        }
    }
    let prefix = kind.id_prefix.as_deref()?;
    let key = position(kind, kind.key, header)?;
    let mut keys = rows.iter().filter_map(|cells| cells.get(key)).map(trimmed).filter(|key| !key.is_empty());
    let starts = |key: &str| key.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if rows.is_empty() || keys.any(starts) {
        None
    } else {
        Some(format!("no value of its column `{}` starts with {prefix}", header.names[key]))
    }
}

/// A cell of a field that is none of the words that the kind writes there.
fn other_word(kind: &Kind, field: Field, words: &[String], header: &Header, rows: &[&StringRecord]) -> Option<String> {
    let at = position(kind, field, header)?;
    let mut cells = rows.iter().filter_map(|cells| cells.get(at)).map(trimmed).filter(|cell| !cell.is_empty());
    let other = cells.find(|cell| !words.iter().any(|word| word.eq_ignore_ascii_case(cell)))?;
    Some(format!("its column `{}` says `{other}`, where that has {}", header.names[at], words.join(", ")))
}

/// The column of a field: the first header listed that the file has, and of several such columns the first.
fn position(kind: &Kind, field: Field, header: &Header) -> Option<usize> {
    positions(kind, field, header).next()
}

fn positions<'a>(kind: &'a Kind, field: Field, header: &'a Header) -> impl Iterator<Item = usize> + 'a {
    let listed = kind.columns.get(&field).map(Vec::as_slice).unwrap_or_default();
    // An opt-out counts also where its header stands a second time; another address may be somebody else's.
    let headers = if matches!(field, Field::OptOut | Field::Status) { &header.alike } else { &header.folded };
    listed.iter().flat_map(move |wanted| {
        let wanted = fold_header(wanted);
        headers.iter().enumerate().filter(move |(_, header)| **header == wanted).map(|(at, _)| at)
    })
}

fn map(kind: &Kind, header: &Header) -> Vec<(usize, MappedColumn)> {
    let mut mapped: Vec<(usize, MappedColumn)> = Vec::new();
    for field in Field::ALL {
        // An unsubscribe record is linked to a contact or to a lead, each in a column of its own.
        let is_link = field == Field::ContactId && matches!(kind.grain, Grain::Unsubscribe | Grain::Preference);
        let most = match field {
            Field::Email => ADDRESSES,
            // Whoever is opted out in one column is, whatever another one says.
            Field::OptOut | Field::Status => usize::MAX,
            Field::ContactId if is_link => usize::MAX,
            _ => 1,
        };
        let mut count = 0;
        for at in positions(kind, field, header).take(most) {
            if mapped.iter().any(|(known, column)| *known == at && column.field == field) {
                continue;
            }
            count += 1;
            let name = if count == 1 { field.name().to_owned() } else { format!("{}_{count}", field.name()) };
            mapped.push((at, MappedColumn { name, field, header: header.names[at].clone(), constant: None }));
        }
    }
    mapped
}

/// The columns that are checkboxes of a category.
fn checkboxes(
    categories: &[Category],
    system: &str,
    header: &Header,
    mapped: &[(usize, MappedColumn)],
) -> Vec<(usize, MappedColumn)> {
    let free = |at: &usize| !mapped.iter().any(|(taken, _)| taken == at);
    categories
        .iter()
        .filter_map(|category| {
            let wanted: Vec<String> = category.systems.get(system)?.all().iter().map(|value| fold_header(value)).collect();
            let at = (0..header.folded.len()).filter(free).find(|at| wanted.contains(&header.folded[*at]))?;
            let name = MappedColumn::of_category(&category.name);
            Some((at, MappedColumn { name, field: Field::Categories, header: header.names[at].clone(), constant: None }))
        })
        .collect()
}

fn unmapped(kind: &Kind, header: &Header, mapped: &[(usize, MappedColumn)]) -> Vec<UnmappedHeader> {
    let taken = |field: &Field| mapped.iter().any(|(_, column)| column.field == *field);
    let known: Vec<&str> =
        kind.columns.iter().filter(|(field, _)| !taken(field)).flat_map(|(_, headers)| headers).map(String::as_str).collect();
    header
        .names
        .iter()
        .enumerate()
        .filter(|(at, name)| !name.is_empty() && !mapped.iter().any(|(taken, _)| taken == at))
        .map(|(_, name)| UnmappedHeader {
            header: name.clone(),
            did_you_mean: misspelt(name, known.iter().copied()).map(str::to_owned),
        })
        .collect()
}

/// The known header that one is with a slip of the pen: more than that is another word, and often another meaning.
fn misspelt<'a>(header: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold_header(header);
    known
        .map(|name| (strsim::damerau_levenshtein(&folded, &fold_header(name)), strsim::levenshtein(header, name), name))
        .filter(|(distance, _, _)| *distance <= folded.chars().count() / 5)
        .min_by_key(|(distance, spelt, _)| (*distance, *spelt))
        .map(|(_, _, name)| name)
}

/// A field and the headers that stand for it, in words.
fn accepted(kind: &Kind, field: Field) -> String {
    let headers: Vec<String> = kind.columns[&field].iter().map(|header| format!("\"{header}\"")).collect();
    format!("{field} ({})", headers.join(" or "))
}

fn none_fits(names: &[&str], header: &Header, rows: &[&StringRecord], kinds: &[Candidate], is_settled: bool) -> String {
    let file_name = names.first().copied().unwrap_or_default();
    let closeness = |kind: &Kind| {
        let missing = missing(kind, &header.folded).count();
        (missing * 100 / kind.required.len().max(1), std::cmp::Reverse(map(kind, header).len()))
    };
    // A kind that nearly every header fits is near to all of them, and an answer is no export.
    let telling =
        kinds.iter().filter(|candidate| candidate.kind.grain != Grain::Answer && (is_settled || !candidate.kind.fallback));
    let Some(nearest_kind) = telling.min_by_key(|candidate| closeness(candidate.kind)) else {
        return "no system is known whose export it could be".to_owned();
    };
    // What stands there is not repeated: it may be about people.
    if header.names.iter().any(|name| name.contains('@')) {
        return "it has an address where the name of a column should be: its first row is data. Export it again with the names of \
                the columns in the first row"
            .to_owned();
    }
    let nearest_candidate = nearest_kind;
    let Candidate { profile, kind, .. } = nearest_kind;
    let found: Vec<&str> = header.names.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    let nearest_kind = nearest_kind.title();
    let found = found.join(", ");
    let missing: Vec<Field> = missing(kind, &header.folded).collect();
    if missing.is_empty() {
        let why = unfit(nearest_candidate, header, rows, names, is_settled).unwrap_or_default();
        return format!(
            "its columns fit no export. It is nearest to {nearest_kind}, but {why}. Its headers are: {found}. Export it again \
             with that put right, or say in prefrecon.toml what its columns mean: [systems.{}.columns]",
            profile.name
        );
    }
    let taken: Vec<usize> = map(kind, header).into_iter().map(|(at, _)| at).collect();
    let free = || header.names.iter().enumerate().filter(|(at, name)| !name.is_empty() && !taken.contains(at));
    let guess = |field: &Field| {
        let known = || kind.columns[field].iter().map(String::as_str).chain([field.name()]);
        let distance =
            |name: &str| known().map(|known| strsim::damerau_levenshtein(&fold_header(name), &fold_header(known))).min();
        let near = free().map(|(_, name)| name.as_str()).filter(|name| nearest(name, known()).is_some());
        near.min_by_key(|name| distance(name))
    };
    let lack = |field: &Field| match guess(field) {
        Some(guess) => format!("{}, which \"{guess}\" may be", accepted(kind, *field)),
        None => accepted(kind, *field),
    };
    let lacks: Vec<String> = missing.iter().map(lack).collect();
    let line = |field: &Field| format!("{field} = \"{}\"", guess(field).unwrap_or("its header"));
    let lines: Vec<String> = missing.iter().map(line).collect();
    format!(
        "its columns fit no export. It is nearest to {nearest_kind}, but has no column for {}. Its headers are: {found}. Export it \
         again with {}, or, where another header means the same, add to prefrecon.toml: [systems.{}.columns] {}. \
         If it is another system's, name that: [systems.NAME] files = [\"{}\"]",
        lacks.join(", nor for "),
        if missing.len() == 1 { "that column" } else { "those columns" },
        profile.name,
        lines.join(", "),
        pattern_of(file_name),
    )
}

fn several_fit(file_name: &str, header: &Header, candidates: &[&Candidate]) -> String {
    let names: Vec<String> = candidates.iter().map(|candidate| candidate.title()).collect();
    let names = names.join(" or ");
    let Candidate { profile, kind, .. } = candidates[0];
    if candidates.iter().all(|candidate| candidate.profile.name == profile.name) {
        let key = position(kind, kind.key, header).map_or("the key", |at| &header.names[at]);
        return format!(
            "it could be {names}: its column `{key}` holds ids of more than one of them, or does not tell. Export each kind to a \
             file of its own"
        );
    }
    let pattern = pattern_of(file_name);
    format!("it could be {names}. Say whose it is in prefrecon.toml: [systems.{}] files = [\"{pattern}\"]", profile.name)
}

/// A pattern for this file and next week's: digits may change.
pub(super) fn pattern_of(file_name: &str) -> String {
    let (stem, ending) = file_name.rsplit_once('.').unwrap_or((file_name, ""));
    let start: String = stem.chars().take_while(|c| !c.is_ascii_digit()).collect();
    if ending.is_empty() { format!("{start}*") } else { format!("{start}*.{ending}") }
}

#[cfg(test)]
mod tests;
