//! The safety brake: which corrections are kept back, and why.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::classify::World;
use crate::columns::Purpose;
use crate::decide::{Change, Correction, Key};
use crate::ingest::{FileReport, Verdict};
use crate::normalise::{Facts, col};
use crate::systems::Grain;

/// Marks what is held, and says why a target is held as a whole.
pub(super) fn hold(
    corrections: &mut BTreeMap<Key, Correction>,
    world: &World<'_>,
    facts: &Facts<'_>,
) -> Result<BTreeMap<usize, String>> {
    for ((record, _), correction) in corrections.iter_mut() {
        correction.held = stopped(correction, world)
            .or_else(|| doubtful(correction, world))
            .or_else(|| stale(*record, correction, world, facts))
            .or_else(|| shrunken(*record, correction, world, facts));
    }
    let records = records_by_system(world)?;
    let mut braked = BTreeMap::new();
    for system in 0..world.systems.profiles().len() {
        let of_system = || corrections.keys().filter(|(record, _)| facts.system(*record) == system);
        let changed = of_system().map(|(record, _)| record).collect::<BTreeSet<_>>().len();
        let opt_ins = of_system().filter(|(_, purpose)| *purpose == Purpose::OptIn).count();
        let all = records.get(&(system as u32)).copied().unwrap_or_default();
        let brake = &world.config.brake;
        let reason = if changed > brake.min_rows && changed as f64 > brake.max_share * all as f64 {
            format!(
                "{changed} of {all} records of {} would change, more than [brake] max_share = {} allows.",
                world.systems.profiles()[system].title,
                brake.max_share
            )
        } else if opt_ins > brake.max_opt_ins {
            format!(
                "{opt_ins} records of {} would be opted in, more than [brake] max_opt_ins = {} allows.",
                world.systems.profiles()[system].title,
                brake.max_opt_ins
            )
        } else {
            continue;
        };
        for (_, correction) in corrections.iter_mut().filter(|((record, _), _)| facts.system(*record) == system) {
            correction.held.get_or_insert_with(|| reason.clone());
        }
        braked.insert(system, reason);
    }
    Ok(braked)
}

/// A code that nobody has given a meaning: it may say anything about its person.
fn stopped(correction: &Correction, world: &World<'_>) -> Option<String> {
    let is_stopped = |person: &u32| world.consent.stopped.contains(person);
    let all = !correction.persons.is_empty() && correction.persons.iter().all(is_stopped);
    let any = correction.persons.iter().any(is_stopped);
    let held = if matches!(correction.change, Change::OptIn { .. }) { any } else { all };
    held.then(|| "a preference code of this person has no meaning yet; add it to the configuration.".to_owned())
}

/// An opt-in while reviewers' decisions are lost: the person may have been opted out by one.
fn doubtful(correction: &Correction, world: &World<'_>) -> Option<String> {
    let held = world.desk.doubtful && matches!(correction.change, Change::OptIn { .. });
    held.then(|| "reviewers' decisions of an earlier run are lost, and the person may have been opted out by one.".to_owned())
}

/// Whether the unsubscribe records of a system come from stale exports alone.
fn lacks_in_stale(record: u32, world: &World<'_>, facts: &Facts<'_>) -> bool {
    let profile = facts.profile(record);
    let is_of_them = |file: &&FileReport| {
        let kind = file.kind.as_deref().and_then(|kind| profile.kind(kind));
        file.is_used()
            && file.system.as_deref() == Some(&profile.name)
            && kind.is_some_and(|kind| kind.grain == Grain::Unsubscribe)
    };
    let mut files = world.files.iter().filter(is_of_them).peekable();
    files.peek().is_some() && files.all(|file| file.stale)
}

/// A correction that rests on stale exports alone. An opt-in is held if any export it rests on is stale or
/// one could not be read: the person may have opted out there.
fn stale(record: u32, correction: &Correction, world: &World<'_>, facts: &Facts<'_>) -> Option<String> {
    let is_stale = |ix: &u32| facts.decision(*ix).is_none() && world.files[facts.input(*ix)].stale;
    let mut signals = correction.persons.iter().flat_map(|person| outs_of(*person, world)).peekable();
    let held = match &correction.change {
        Change::OptIn { proof } => {
            if let Some(refused) = world.files.iter().find(|file| matches!(file.verdict, Verdict::Refused(_))) {
                return Some(format!("{} could not be read, and the person may have opted out there.", refused.file));
            }
            is_stale(proof) || is_stale(&record) || signals.any(is_stale)
        }
        Change::Bounced { failed: from } | Change::Categories { right: Some(from), .. } => is_stale(from),
        // What a stale export lacks may be there by now, and would stand there twice.
        Change::Unsubscribe if lacks_in_stale(record, world, facts) => true,
        Change::OptOut | Change::Unsubscribe | Change::Categories { right: None, .. } => {
            signals.peek().is_some() && signals.all(is_stale)
        }
    };
    held.then(|| "it rests on a stale export alone; export again.".to_owned())
}

/// A correction that rests on an export which lost many rows: it is of a record there, or nothing else speaks for it. An
/// opt-in is held in any case: the person may have opted out in the rows that are missing.
fn shrunken(record: u32, correction: &Correction, world: &World<'_>, facts: &Facts<'_>) -> Option<String> {
    let shrunken = &world.consent.recalled.shrunken;
    let first = shrunken.first()?;
    let is_shrunken = |ix: &u32| {
        shrunken.iter().any(|kind| {
            world.systems.profiles()[kind.at.0]
                .kinds
                .get(kind.at.1)
                .is_some_and(|known| facts.system(*ix) == kind.at.0 && facts.kind(*ix).name == known.name)
        })
    };
    let mut signals = correction.persons.iter().flat_map(|person| outs_of(*person, world)).peekable();
    let held = match &correction.change {
        Change::OptIn { .. } => true,
        Change::Bounced { failed: from } | Change::Categories { right: Some(from), .. } => {
            is_shrunken(from) || is_shrunken(&record)
        }
        Change::OptOut | Change::Unsubscribe | Change::Categories { right: None, .. } => {
            is_shrunken(&record) || signals.peek().is_some() && signals.all(is_shrunken)
        }
    };
    let title = &world.systems.profiles()[first.at.0].title;
    held.then(|| {
        format!("an export of {title} has {} rows where the one before had {}; export it again.", first.rows, first.before)
    })
}

/// The records that opt a person out, also over shared addresses.
pub(crate) fn outs_of<'a>(person: u32, world: &'a World<'_>) -> &'a [u32] {
    let wishes = &world.consent.wishes;
    let root = wishes.get(&person).map(|wish| wish.root.unwrap_or(person));
    root.and_then(|root| wishes.get(&root)).map(|wish| wish.outs.as_slice()).unwrap_or_default()
}

fn records_by_system(world: &World<'_>) -> Result<BTreeMap<u32, usize>> {
    let aside = |system: usize| (system as u32, world.quiet.records_of(system) as usize);
    let mut counts: BTreeMap<u32, usize> = (0..world.systems.profiles().len()).map(aside).collect();
    let main = world.records.column(col::MAIN)?.bool()?;
    for (system, main) in world.records.column(col::SYSTEM)?.u32()?.iter().zip(main.iter()) {
        if main == Some(true) {
            *counts.entry(system.unwrap_or_default()).or_insert(0) += 1;
        }
    }
    Ok(counts)
}
