//! What loaders answered, against the corrections of earlier runs: one [`Loaded`] a corrected record and field.
//!
//! An answer belongs to the newest earlier correction of its record and of a field that the loaded file had. Answers
//! that no correction asked for are somebody else's load and are left out.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::{DateTime, Utc};
use foldhash::{HashMap, HashSet};

use crate::ingest::FileReport;
use crate::normalise::Answer;
use crate::systems::{Systems, fold_header};
use crate::texts::Texts;
use crate::workspace::{EarlierCorrection, Workspace};

/// One correction of an earlier run that was loaded, and what the system made of it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Position of the system among the profiles.
    pub system: usize,
    /// The system's name for people.
    pub title: String,
    /// The correction.
    pub correction: EarlierCorrection,
    /// Why the system refused it, in its own words; none where it landed.
    pub refused: Option<String>,
    /// The file with the answer, below the inbox.
    pub answer: String,
    /// The row there.
    pub row: u32,
}

/// All answers of a run.
#[derive(Clone, Debug, Default)]
pub struct Loads {
    /// What they answer: refusals first, then by system, correction file, record and field.
    pub loaded: Vec<Loaded>,
    /// Rows of each input that answer a correction, and rows that answer none.
    pub rows: HashMap<u32, [u64; 2]>,
    /// What of the earlier corrections cannot be read, a sentence each.
    pub troubles: Vec<String>,
}

/// Finds what the answers are to.
///
/// # Errors
/// The folder of the runs cannot be listed.
pub fn loads(
    answers: &[Answer],
    files: &[FileReport],
    systems: &Systems,
    workspace: &Workspace,
    as_of: DateTime<Utc>,
    texts: &Texts,
) -> Result<Loads> {
    if answers.is_empty() {
        return Ok(Loads::default());
    }
    let system_of = |answer: &Answer| files[answer.input as usize].system.as_deref().unwrap_or_default();
    let wanted: HashSet<(&str, &str)> = answers.iter().map(|answer| (system_of(answer), texts.get(answer.record))).collect();
    let (earlier, troubles) =
        workspace.earlier_corrections(as_of, |row| wanted.contains(&(row.target.as_str(), row.record.as_str())))?;
    let mut by_record: HashMap<(&str, &str), Vec<&EarlierCorrection>> = HashMap::default();
    for correction in &earlier {
        by_record.entry((&correction.target, &correction.record)).or_default().push(correction);
    }
    let fields: Vec<HashSet<String>> =
        files.iter().map(|file| file.unmapped.iter().map(|column| fold_header(&column.header)).collect()).collect();

    // What was loaded once has landed, however often it was refused before; of several refusals the last counts.
    let mut in_order: Vec<&Answer> = answers.iter().collect();
    let file_of = |answer: &Answer| &files[answer.input as usize];
    in_order.sort_by_key(|answer| (file_of(answer).as_of, &file_of(answer).file, answer.row));
    let mut loaded: BTreeMap<(usize, &str, &str), Loaded> = BTreeMap::new();
    let mut rows: HashMap<u32, [u64; 2]> = HashMap::default();
    for answer in in_order {
        let name = system_of(answer);
        let (Some(system), Some(profile)) = (systems.position(name), systems.get(name)) else { continue };
        let mut seen = HashSet::default();
        let corrections = by_record.get(&(name, texts.get(answer.record))).map(Vec::as_slice).unwrap_or_default().iter();
        let asked = |correction: &&&EarlierCorrection| fields[answer.input as usize].contains(&fold_header(&correction.field));
        let newest: Vec<&EarlierCorrection> =
            corrections.filter(asked).filter(|correction| seen.insert(&correction.field)).copied().collect();
        rows.entry(answer.input).or_default()[usize::from(newest.is_empty())] += 1;
        for correction in newest {
            let key = (system, correction.record.as_str(), correction.field.as_str());
            if loaded.get(&key).is_some_and(|known| known.refused.is_none()) {
                continue;
            }
            let refused = answer.refused.map(|reason| texts.get(reason).to_owned());
            let (title, file) = (profile.title.clone(), file_of(answer).file.clone());
            loaded.insert(key, Loaded { system, title, correction: correction.clone(), refused, answer: file, row: answer.row });
        }
    }
    let mut loaded: Vec<Loaded> = loaded.into_values().collect();
    loaded.sort_by_cached_key(|loaded| {
        let EarlierCorrection { file, record, field, .. } = loaded.correction.clone();
        (loaded.refused.is_none(), loaded.system, file, record, field)
    });
    Ok(Loads { loaded, rows, troubles })
}
