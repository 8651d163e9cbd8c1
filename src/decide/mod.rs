//! Discrepancies to outcomes and corrections: one [`Decision`] a discrepancy, one [`Correction`] a record and purpose.
//!
//! What consent decided is carried through: an opted-out person with any discrepancy is put right in every
//! record, so that one round of corrections settles it. What cannot be decided is `review`. Invariant: every
//! discrepancy has an outcome and a sentence; every `correct` one has a correction that is not held.

mod brake;
mod categories;
mod deadline;
mod excepted;
mod identity;
mod overlooked;
mod plan;
mod sentence;
mod strangers;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use foldhash::HashSet;
use rayon::prelude::*;

use crate::classify::{Detail, Found, World};
use crate::columns::{Opt, Outcome, Purpose, Severity};
use crate::decisions::What;
use crate::normalise::Facts;
use crate::rules::{RULES, beside_decisions};
pub(crate) use brake::outs_of;
use categories::Choices;
pub use deadline::{Clock, Dated};
use excepted::Excepted;
pub(crate) use identity::{a_system, email, identity};
use overlooked::Overlooked;
use plan::Plan;
pub(crate) use plan::{file_for, files_for};
pub(crate) use sentence::Sentences;

/// A discrepancy with its outcome.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What was found.
    pub found: Found,
    /// What becomes of it.
    pub outcome: Outcome,
    /// Why, in a sentence.
    pub why: String,
    /// The legal clock, where it runs.
    pub clock: Option<Clock>,
    /// The exception that covers it, by its position in the list, whether or not it still holds.
    pub exception: Option<usize>,
}

/// A change of one record.
#[derive(Clone, Debug)]
pub struct Correction {
    /// What changes.
    pub change: Change,
    /// Codes of the rules that it answers.
    pub rules: BTreeSet<&'static str>,
    /// The persons for whose sake.
    pub persons: BTreeSet<u32>,
    /// Why, in a sentence.
    pub why: String,
    /// Why it is held, where it is.
    pub held: Option<String>,
}

/// What changes in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is opted out.
    OptOut,
    /// It is opted back in on the strength of this record's opt-in.
    OptIn {
        /// The record (`ix`) that has the opt-in.
        proof: u32,
    },
    /// An unsubscribe record is added for its address.
    Unsubscribe,
    /// Its address is flagged on the strength of this record.
    Bounced {
        /// The marketing record (`ix`) that bounced or is held.
        failed: u32,
    },
    /// Its categories become these values, in the system's own words.
    Categories {
        /// The values; none for an opted-out person.
        values: Vec<String>,
        /// The record (`ix`) that is right where two differ; none where an opt-out clears them.
        right: Option<u32>,
    },
}

impl Change {
    /// All categories off, as an opt-out wants it.
    pub const CLEARED: Change = Change::Categories { values: Vec::new(), right: None };
}

/// The key of a correction: the record (`ix`) and the purpose.
pub type Key = (u32, Purpose);

/// All outcomes and corrections.
#[derive(Debug)]
pub struct Decided {
    /// One a discrepancy, in the order they were found.
    pub decisions: Vec<Decision>,
    /// One a record and purpose.
    pub corrections: BTreeMap<Key, Correction>,
    /// Why a target was held as a whole, by the position of its system.
    pub braked: BTreeMap<usize, String>,
}

/// Decides every discrepancy and plans the corrections.
///
/// # Errors
/// Only what Polars cannot do, which is a defect.
pub fn decide(mut found: Vec<Found>, world: &World<'_>, facts: &Facts<'_>) -> Result<Decided> {
    let sentences = Sentences { world, facts };
    let mut excepted = Excepted::of(&found, world, facts);
    let untold = beside_decisions(world, &told(&found, &excepted, world))?;
    if !untold.is_empty() {
        found.extend(untold);
        excepted = Excepted::of(&found, world, facts);
    }
    let mut plan =
        Plan::new(world, facts, found.iter().enumerate().filter(|(at, _)| !excepted.is_withheld(*at)).map(|(_, found)| found))?;
    let choices = Choices::new(world, facts)?;
    let overlooked = Overlooked::of(&found, world, facts)?;
    let judged = found.par_iter().enumerate().map(|(at, found)| {
        let wanted = match excepted.why(at) {
            Some(why) => Wanted::Shown { outcome: Outcome::Excepted, why },
            None => judge(found, &choices, &overlooked, &sentences),
        };
        (wanted, deadline::clock(found, world, facts))
    });
    let judged: Vec<(Wanted, Option<Clock>)> = judged.collect();
    let mut decisions: Vec<(Decision, Option<Asked>)> = Vec::with_capacity(found.len());
    for (at, (found, (wanted, clock))) in found.into_iter().zip(judged).enumerate() {
        if excepted.is_withheld(at) {
            plan.withhold(&found, corrected_side(&found, facts));
        }
        let verdict = match wanted {
            Wanted::Shown { outcome, why } => Verdict::Shown { outcome, why },
            Wanted::Change { record, change, why } => {
                match plan.ask(record, found.person, RULES[found.rule].code, change, &why) {
                    Ok(key) => Verdict::Correct { key, why },
                    Err(obstacle) => Verdict::Shown { outcome: Outcome::Review, why: format!("{why} {obstacle}") },
                }
            }
        };
        if let (true, "OPT113", Some(why)) = (found.office, RULES[found.rule].code, excepted.opting_out(at)) {
            // The decision is about the record itself, which is nobody's.
            let _ = found.a.map(|record| plan.ask(record, found.person, "OPT113", Change::OptOut, &why));
        }
        // What is decided about a record without a contact changes nothing of the one that is mailed.
        let verdict = if overlooked.mailed(&found).is_some() { verdict } else { excepted.answered(at, verdict) };
        let (outcome, why, asked) = match verdict {
            Verdict::Correct { key, why } => (Outcome::Correct, why, Some(Asked { key, by_decision: None })),
            Verdict::Shown { outcome, why } => {
                let by_decision = excepted.opting_out(at).or_else(|| opted_out_by_decision(&found, outcome, &sentences));
                let key = side_to_opt_out(&found, facts).map(|record| (record, Purpose::OptOut));
                (outcome, why, key.zip(by_decision).map(|(key, why)| Asked { key, by_decision: Some(why) }))
            }
        };
        decisions.push((Decision { found, outcome, why, clock, exception: excepted.exception(at) }, asked));
    }
    plan.carry_out_opt_ins(&sentences);
    let (corrections, braked) = plan.finish(&sentences)?;
    for (decision, asked) in &mut decisions {
        let Some(asked) = asked else { continue };
        let Some(correction) = corrections.get(&asked.key) else { continue };
        if let Some(why) = asked.by_decision.take() {
            (decision.outcome, decision.why) = (Outcome::Correct, why);
            decision.clock = decision.found.person.and_then(|person| deadline::clock_of(person, world, facts));
        }
        if let Some(reason) = correction.held.as_deref() {
            decision.outcome = Outcome::Held;
            decision.why = format!("{} Held: {reason}", decision.why);
        }
    }
    Ok(Decided { decisions: decisions.into_iter().map(|(decision, _)| decision).collect(), corrections, braked })
}

/// The persons of whom a discrepancy tells that they are opted out, or that a reviewer has decided so about it: one that
/// nobody leaves as it is.
fn told(found: &[Found], excepted: &Excepted<'_>, world: &World<'_>) -> HashSet<u32> {
    let mut told = HashSet::default();
    if !world.desk.rulings.iter().any(|ruling| ruling.what == What::OptOut) {
        return told;
    }
    for (at, one) in found.iter().enumerate().filter(|(at, _)| excepted.why(*at).is_none()) {
        if RULES[one.rule].clock || excepted.opting_out(at).is_some() {
            let sharers = if let Detail::Contacts(persons) = &one.detail { persons.as_slice() } else { &[] };
            // An office's address opts nobody out, so nothing is due there.
            told.extend(one.person.iter().chain(sharers).filter(|_| !one.office));
        }
    }
    told
}

/// The correction that a discrepancy leads to.
struct Asked {
    key: Key,
    /// The reviewer's decision about its person that leads to it, in words, where there is one.
    by_decision: Option<String>,
}

/// Why a discrepancy that waits for a person waits no more: its person was opted out by a decision about another one.
fn opted_out_by_decision(found: &Found, outcome: Outcome, sentences: &Sentences<'_>) -> Option<String> {
    let Sentences { world, facts } = *sentences;
    let wish = found.person.and_then(|person| world.consent.wishes.get(&person))?;
    let decided = wish.decision == Some(Opt::Out) && wish.outs.iter().any(|ix| facts.decision(*ix).is_some());
    (outcome == Outcome::Review && found.office && decided).then(|| sentences.opted_out(found))
}

/// What one discrepancy asks for, looked at by itself.
enum Wanted {
    Change { record: u32, change: Change, why: String },
    Shown { outcome: Outcome, why: String },
}

/// What becomes of it beside all others.
enum Verdict {
    Correct { key: Key, why: String },
    Shown { outcome: Outcome, why: String },
}

/// One discrepancy: what it is shown as, or the change of a record that it asks for.
fn judge(found: &Found, choices: &Choices, overlooked: &Overlooked, sentences: &Sentences<'_>) -> Wanted {
    let Sentences { world, facts } = *sentences;
    let rule = RULES[found.rule];
    let review = |why: String| Wanted::Shown { outcome: Outcome::Review, why };
    let wish = found.person.and_then(|person| world.consent.wishes.get(&person));
    let decision = wish.and_then(|wish| wish.decision);
    let shown = || {
        let outcome = if rule.severity <= Severity::Medium { Outcome::Review } else { Outcome::Note };
        Wanted::Shown { outcome, why: sentences.shown(found) }
    };
    if found.office {
        return review(sentences.office(found));
    }
    if let Some(mailed) = overlooked.mailed(found) {
        return review(sentences.overlooked(found, mailed));
    }
    let (target, change, why) = match (rule.group(), rule.code) {
        ("OPT", "OPT107") if found.b.is_some_and(|ix| facts.is_out_by_code_alone(ix)) => {
            return review(format!("{} {}", sentences.opted_in(found), sentences.end_the_code(found)));
        }
        ("OPT", "OPT107" | "OPT108") => {
            let proof = wish.and_then(|wish| wish.opted_in).or(found.a).unwrap_or_default();
            (found.b, Change::OptIn { proof }, sentences.opted_in(found))
        }
        ("OPT", "OPT111") if found.subject.is_some() => (found.a, Change::OptOut, sentences.list_barred(found)),
        ("OPT", "OPT111") if decision == Some(Opt::In) => {
            let proof = wish.and_then(|wish| wish.opted_in).unwrap_or_default();
            (found.b, Change::OptIn { proof }, sentences.opted_in(found))
        }
        ("OPT", "OPT112") => (found.a, Change::Unsubscribe, sentences.unbacked(found)),
        ("OPT", code) | ("LST", code @ ("LST401" | "LST402")) => match decision {
            Some(Opt::Out) if code == "OPT110" && !opted_out_there(found.a, facts) => {
                let why = "The enterprise unsubscribe stops every business unit: nothing needs to be loaded.".to_owned();
                return Wanted::Shown { outcome: Outcome::Note, why };
            }
            Some(Opt::Out) => (side_to_opt_out(found, facts), Change::OptOut, sentences.opted_out(found)),
            Some(_) if matches!(code, "OPT101" | "OPT102" | "LST401") => {
                let proof = wish.and_then(|wish| wish.opted_in).unwrap_or_default();
                (found.a, Change::OptIn { proof }, sentences.opted_in(found))
            }
            Some(_) => return Wanted::Shown { outcome: Outcome::Note, why: sentences.opted_in(found) },
            None => {
                let why = "The policy `unit_unsubscribe = \"unit\"` leaves a business unit's unsubscribe in the unit.".to_owned();
                return Wanted::Shown { outcome: Outcome::Note, why };
            }
        },
        ("BNC", "BNC201" | "BNC202" | "BNC204") => {
            let failed = found.a.unwrap_or_default();
            (found.b, Change::Bounced { failed }, sentences.bounced(found))
        }
        ("CAT", "CAT301") => (found.a, Change::CLEARED, sentences.category_cleared(found)),
        ("CAT", "CAT302") => match categories::side_that_is_behind(found, choices, world, facts) {
            Some(behind) => {
                let change = Change::Categories { values: behind.values, right: Some(behind.right) };
                (Some(behind.record), change, sentences.category_moved(found, &behind.because))
            }
            None => return review(sentences.shown(found)),
        },
        ("IDN", "IDN502") => match shared_out(found, world, facts) {
            Some(changed) => (Some(changed), Change::OptOut, sentences.shared(found)),
            None => return review(sentences.shown(found)),
        },
        _ => return shown(),
    };
    match target {
        Some(record) => Wanted::Change { record, change, why },
        None => review(sentences.shown(found)),
    }
}

fn opted_out_there(record: Option<u32>, facts: &Facts<'_>) -> bool {
    record.is_some_and(|ix| facts.opt(ix) == Opt::Out)
}

/// The record that a correction of a discrepancy would change.
fn corrected_side(found: &Found, facts: &Facts<'_>) -> Option<u32> {
    if matches!(RULES[found.rule].group(), "OPT" | "LST") { side_to_opt_out(found, facts) } else { found.a }
}

/// Of a pair that disagrees about an opt-out, the record that is not opted out.
fn side_to_opt_out(found: &Found, facts: &Facts<'_>) -> Option<u32> {
    [found.b, found.a].into_iter().flatten().find(|ix| facts.opt(*ix) != Opt::Out)
}

/// Of an address on contacts that disagree, the first contact that sharing opts out.
fn shared_out(found: &Found, world: &World<'_>, facts: &Facts<'_>) -> Option<u32> {
    let Detail::Contacts(persons) = &found.detail else { return None };
    let wish = |person: &u32| world.consent.wishes.get(person);
    let changed = |person: &&u32| wish(person).is_some_and(|wish| wish.decision == Some(Opt::Out) && wish.own != Some(Opt::Out));
    let record = persons.iter().find(changed).and_then(|person| world.matched.contact(*person)).map(|(ix, _)| ix)?;
    (facts.opt(record) != Opt::Out).then_some(record)
}
