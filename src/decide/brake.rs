//! The safety brake: which corrections are kept back, and why.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::classify::World;
use crate::columns::Purpose;
use crate::decide::{Change, Correction, Key};
use crate::normalise::{Facts, col};

/// Marks what is held, and says why a target is held as a whole.
pub(super) fn hold(
    corrections: &mut BTreeMap<Key, Correction>,
    world: &World<'_>,
    facts: &Facts<'_>,
) -> Result<BTreeMap<usize, String>> {
    for ((record, _), correction) in corrections.iter_mut() {
        correction.held = stopped(correction, world).or_else(|| stale(*record, correction, world, facts));
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

/// A correction that rests on stale exports alone. An opt-in is held if any export it rests on is stale:
/// the person may have opted out since.
fn stale(record: u32, correction: &Correction, world: &World<'_>, facts: &Facts<'_>) -> Option<String> {
    let is_stale = |ix: &u32| world.files[facts.input(*ix)].stale;
    let signals = || correction.persons.iter().flat_map(|person| outs_of(*person, world)).collect::<Vec<u32>>();
    let held = match &correction.change {
        Change::OptIn { proof } => is_stale(proof) || is_stale(&record) || signals().iter().any(is_stale),
        Change::Bounced { failed } => is_stale(failed),
        Change::OptOut => !signals().is_empty() && signals().iter().all(is_stale),
        Change::Categories(values) if values.is_empty() && !signals().is_empty() => signals().iter().all(is_stale),
        Change::Categories(_) => false,
    };
    held.then(|| "it rests on a stale export alone; export again.".to_owned())
}

/// The records that opt a person out, also over a shared address.
pub(crate) fn outs_of(person: u32, world: &World<'_>) -> Vec<u32> {
    let mut at = person;
    // Sharing leads from neighbour to neighbour to a person with an opt-out of his own.
    for _ in 0..=world.consent.wishes.len() {
        let Some(wish) = world.consent.wishes.get(&at) else { return Vec::new() };
        match wish.shared {
            Some((sharer, _)) => at = sharer,
            None => return wish.outs.clone(),
        }
    }
    Vec::new()
}

fn records_by_system(world: &World<'_>) -> Result<BTreeMap<u32, usize>> {
    let mut counts = BTreeMap::new();
    let main = world.records.column(col::MAIN)?.bool()?;
    for (system, main) in world.records.column(col::SYSTEM)?.u32()?.iter().zip(main.iter()) {
        if main == Some(true) {
            *counts.entry(system.unwrap_or_default()).or_insert(0) += 1;
        }
    }
    Ok(counts)
}
