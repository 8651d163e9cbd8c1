//! A made-up workspace of any size, and the truth about it.
//!
//! People are planted in [`cases`]: each writes its rows and the discrepancies that a correct run finds in
//! them. Most people are clean, so `truth.csv` is small. Nothing here uses the program's own reading of
//! files or its rules: the truth is an independent check of both. The same seed gives the same bytes.

mod cases;
mod categories;
mod combined;
mod configuration;
mod files;
mod ids;
mod person;
mod truth;
mod values;
mod world;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::progress::{self, Unit};
use cases::{CLEAN, Case, PLANTED, plant_lead};
use combined::Wanted;
use files::Files;
use world::World;

/// One lead to so many contacts.
const CONTACTS_A_LEAD: u64 = 40;
/// Every contact takes a few numbers of the keys.
const MOST_CONTACTS: u64 = ids::MOST / 4;

/// What was written.
#[derive(Debug)]
pub struct Generated {
    /// Every file, in the order of writing.
    pub files: Vec<GeneratedFile>,
    /// Rows of `truth.csv`.
    pub truth_rows: u64,
    /// The cases in the order in which they are declared; most people are in none.
    pub planted: Vec<Planted>,
}

/// One way in which records disagree, and how often it was planted.
#[derive(Debug)]
pub struct Planted {
    /// What is the matter, in words.
    pub name: &'static str,
    /// The rules that find something.
    pub finds: &'static [&'static str],
    /// How many groups of people it was planted in.
    pub groups: u64,
}

/// One file that was written.
#[derive(Debug)]
pub struct GeneratedFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its data rows; none in the configuration.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
}

/// Writes a workspace of these systems with that many contacts: configuration, exports and `truth.csv`.
///
/// # Errors
/// Systems that cannot be generated together; else as [`generate`].
pub fn generate_systems(dir: &Path, contacts: u64, seed: u64, systems: &[String]) -> Result<Generated> {
    let wanted = Wanted::parse(systems)?;
    if wanted.is_example() {
        return generate(dir, contacts, seed);
    }
    if !(1..=MOST_CONTACTS).contains(&contacts) {
        bail!("{contacts} contacts cannot be generated: give a number between 1 and {MOST_CONTACTS}");
    }
    let inbox = dir.join("inbox");
    make_folders(dir, &inbox)?;
    let combined::Written { exports, truth } = combined::write(&inbox, contacts, seed, wanted)?;
    finish(dir, &configuration::combined(contacts), exports, truth, Vec::new())
}

/// Writes a workspace with that many contacts, and leads on top: configuration, exports and `truth.csv`.
///
/// # Errors
/// A folder that is not empty, a number of contacts that cannot be had, a file that cannot be written.
pub fn generate(dir: &Path, contacts: u64, seed: u64) -> Result<Generated> {
    if !(1..=MOST_CONTACTS).contains(&contacts) {
        bail!("{contacts} contacts cannot be generated: give a number between 1 and {MOST_CONTACTS}");
    }
    let inbox = dir.join("inbox");
    make_folders(dir, &inbox)?;

    let mut world = World::new(Files::create(&inbox)?, seed);
    let plan = plan(contacts);
    plant_everybody(&mut world, contacts, &plan);
    let World { files, truth, .. } = world;

    let planted = plan.iter().map(|(case, groups)| Planted { name: case.name, finds: case.finds, groups: *groups }).collect();
    finish(dir, &configuration::text(contacts), files.finish()?, truth, planted)
}

/// Writes the configuration and the truth, and measures every file.
fn finish(
    dir: &Path,
    configuration: &str,
    exports: Vec<(PathBuf, u64)>,
    truth: Vec<truth::Discrepancy>,
    planted: Vec<Planted>,
) -> Result<Generated> {
    let configuration_path = dir.join("prefrecon.toml");
    fs::write(&configuration_path, configuration).with_context(|| format!("could not write {}", configuration_path.display()))?;
    let mut written = vec![(configuration_path, 0)];
    written.extend(exports);
    let truth_rows = truth.len() as u64;
    let truth_path = dir.join("truth.csv");
    truth::write(&truth_path, truth)?;
    written.push((truth_path, truth_rows));

    let measured = |(path, rows): (PathBuf, u64)| -> Result<GeneratedFile> {
        let bytes = fs::metadata(&path).with_context(|| format!("could not read {}", path.display()))?.len();
        Ok(GeneratedFile { path, rows, bytes })
    };
    let files = written.into_iter().map(measured).collect::<Result<_>>()?;
    Ok(Generated { files, truth_rows, planted })
}

fn make_folders(dir: &Path, inbox: &Path) -> Result<()> {
    match fs::read_dir(dir) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                bail!("{} is not empty: name a folder that does not exist yet, or an empty one", dir.display());
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("could not open the folder {}", dir.display())),
    }
    fs::create_dir_all(inbox).with_context(|| format!("could not create the folder {}", inbox.display()))
}

/// Cases and clean people in a shuffled order, and a lead now and then.
fn plant_everybody(world: &mut World, contacts: u64, plan: &[(&'static Case, u64)]) {
    let mut planned: Vec<&Case> = plan.iter().flat_map(|(case, groups)| std::iter::repeat_n(*case, *groups as usize)).collect();
    for at in (1..planned.len()).rev() {
        planned.swap(at, world.below(at as u64 + 1) as usize);
    }
    let clean_people = contacts - planned.iter().map(|case| case.contacts).sum::<u64>();
    progress::begin("generate", Unit::Count("groups of people"), 0);
    let mut clean = 0;
    for _ in progress::rows(clean_people as usize + planned.len()) {
        if world.below(clean_people - clean + planned.len() as u64) < planned.len() as u64 {
            let case = planned.pop().expect("the draw says that one is left");
            (case.plant)(world);
        } else {
            let case = clean_case(world);
            (case.plant)(world);
            clean += 1;
            if clean % CONTACTS_A_LEAD == 0 {
                plant_lead(world);
            }
        }
    }
}

/// One of the clean cases, by their weights.
fn clean_case(world: &mut World) -> &'static Case {
    let mut weight = world.below(CLEAN.iter().map(|case| case.share).sum());
    for case in CLEAN {
        match weight.checked_sub(case.share) {
            Some(rest) => weight = rest,
            None => return case,
        }
    }
    unreachable!("the weight lies below their sum")
}

/// How many groups of each case: one as long as the contacts last, then its share. A group without a contact
/// takes the place of one too, so that a tiny workspace is not all exceptions.
fn plan(contacts: u64) -> Vec<(&'static Case, u64)> {
    let mut left = contacts;
    let mut take = |case: &Case, groups: u64| {
        let places = case.contacts.max(1);
        let groups = groups.min(left / places);
        left -= groups * places;
        groups
    };
    let mut plan: Vec<_> = PLANTED.into_iter().flatten().map(|case| (case, take(case, 1))).collect();
    for (case, groups) in &mut plan {
        *groups += take(case, (contacts * case.share / 100_000).saturating_sub(1));
    }
    plan
}

#[cfg(test)]
mod tests;
