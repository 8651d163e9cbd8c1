//! Which discrepancies people have answered already: by an exception, or by a reviewer's decision about that very one.

use foldhash::HashMap;

use crate::classify::{Detail, Found, World};
use crate::columns::{Opt, Outcome, Role};
use crate::decide::{Verdict, identity};
use crate::decisions::{Ruling, State, What};
use crate::normalise::Facts;
use crate::rules::{RULES, position};
use crate::systems::Profile;

/// The answers, by the position of the discrepancy.
pub(super) struct Excepted<'a> {
    world: &'a World<'a>,
    answers: Vec<Answer<'a>>,
}

#[derive(Clone, Copy, Default)]
struct Answer<'a> {
    exception: Option<usize>,
    holds: Option<&'a crate::decisions::Exception>,
    ruling: Option<&'a Ruling>,
    person: Option<u32>,
}

impl<'a> Excepted<'a> {
    pub fn of(found: &[Found], world: &'a World<'a>, facts: &Facts<'_>) -> Excepted<'a> {
        let desk = world.desk;
        if desk.exceptions.is_empty() && desk.rulings.is_empty() {
            return Excepted { world, answers: Vec::new() };
        }
        let ruled: Vec<bool> = RULES.iter().map(|rule| desk.has_ruled_on(rule.code)).collect();
        let mut by_subject: [HashMap<u32, Vec<usize>>; 2] = Default::default();
        for (at, exception) in desk.exceptions.iter().enumerate() {
            for (known, subjects) in by_subject.iter_mut().zip(exception.subjects()) {
                subjects.iter().for_each(|subject| known.entry(*subject).or_default().push(at));
            }
        }
        let is_any_of = |rule: Option<usize>, exceptions: &[usize]| {
            exceptions.iter().any(|at| rule.is_some_and(|rule| desk.exceptions[*at].is_of_rule(rule)))
        };
        // One for what shows nothing any more leaves nothing of what another export says, which is only late. What is excepted by
        // the rule that finds it while it shows is not put right because an export is late.
        let covers = |at: usize, found: &Found, about: &[usize]| {
            let Unshown { is_undone, gone, late } = Unshown::of(found, world, facts);
            if desk.exceptions[at].is_of_rule(found.rule) {
                return !is_undone && gone.is_empty() || late.iter().all(|rule| is_any_of(*rule, about));
            }
            let mut rules = gone.iter().chain(&late).peekable();
            !is_undone && rules.peek().is_some() && rules.all(|rule| is_any_of(*rule, &[at]))
        };
        let answer = |found: &Found| {
            let (persons, records) = subjects(found);
            let of = |known: &HashMap<u32, Vec<usize>>, subjects: &[u32]| -> Vec<usize> {
                subjects.iter().filter_map(|subject| known.get(subject)).flatten().copied().collect()
            };
            let mut about = of(&by_subject[0], &persons);
            about.extend(of(&by_subject[1], &records));
            let named = about.clone();
            about.retain(|at| covers(*at, found, &named));
            about.sort_unstable();
            // One that holds goes before one that has ended.
            let first = |is: fn(&State) -> bool| about.iter().copied().find(|at| is(&desk.exceptions[*at].state));
            let holding = first(|state| matches!(state, State::Holds(_)));
            let ended = || first(|state| matches!(state, State::Expired(_)));
            let ruling = if ruled[found.rule] { desk.about(&identity(found, world, facts)) } else { None };
            Answer {
                exception: holding.or_else(ended),
                holds: holding.map(|at| &desk.exceptions[at]),
                ruling,
                person: found.person,
            }
        };
        Excepted { world, answers: found.iter().map(answer).collect() }
    }

    fn answer(&self, at: usize) -> Answer<'a> {
        self.answers.get(at).copied().unwrap_or_default()
    }

    /// Whether an exception leaves it as it is: then it asks for no correction. What a reviewer leaves is only not
    /// asked again; what else its person needs is put right.
    pub fn is_withheld(&self, at: usize) -> bool {
        self.answer(at).holds.is_some()
    }

    /// The exception that covers it, by its position in the list.
    pub fn exception(&self, at: usize) -> Option<usize> {
        self.answer(at).exception
    }

    /// Why it is left as it is.
    pub fn why(&self, at: usize) -> Option<String> {
        let answer = self.answer(at);
        if let Some(exception) = answer.holds {
            let until = if let State::Holds(day) = exception.state { day.to_string() } else { String::new() };
            return Some(format!(
                "An exception of {} until {until}: {}.",
                exception.owner,
                exception.reason.trim_end_matches('.')
            ));
        }
        let ruling = answer.ruling.filter(|ruling| ruling.what == What::Leave)?;
        Some(format!("{}, to leave it until its records change: {}.", self.decided(ruling), ruling.reason.trim_end_matches('.')))
    }

    /// Why its person is opted out, where a reviewer has decided so.
    pub fn opting_out(&self, at: usize) -> Option<String> {
        self.answer(at).ruling.filter(|ruling| ruling.what == What::OptOut).map(|ruling| self.said(ruling))
    }

    fn said(&self, ruling: &Ruling) -> String {
        format!("{} ({}): {}.", self.decided(ruling), ruling.what.word(), ruling.reason.trim_end_matches('.'))
    }

    fn decided(&self, ruling: &Ruling) -> String {
        let zone = self.world.config.timezone().unwrap_or(chrono_tz::UTC);
        format!("Decided by {} on {}", ruling.by, ruling.decided_at.with_timezone(&zone).format("%Y-%m-%d"))
    }

    /// What becomes of a discrepancy that a reviewer has decided by opting the person out or in: nobody is asked again.
    pub fn answered(&self, at: usize, verdict: Verdict) -> Verdict {
        let (Some(ruling), Verdict::Shown { outcome: Outcome::Review, why }) = (self.answer(at).ruling, &verdict) else {
            return verdict;
        };
        let decision =
            self.answer(at).person.and_then(|person| self.world.consent.wishes.get(&person)).and_then(|wish| wish.decision);
        let said = self.said(ruling);
        match (ruling.what, decision) {
            (What::OptOut, _) => Verdict::Shown { outcome: Outcome::Note, why: said },
            (What::OptIn, Some(Opt::In)) => Verdict::Shown { outcome: Outcome::Note, why: said },
            _ => {
                let stands = "An opt-out stands against it, which it is not provably later than.";
                Verdict::Shown { outcome: Outcome::Review, why: format!("{said} {stands} {why}") }
            }
        }
    }
}

/// The opt-outs behind an OPT113 that no record shows, each by the rule that finds it while one does.
#[derive(Default)]
struct Unshown {
    /// Whether a record that was opted out shows that it is not any more.
    is_undone: bool,
    /// Of records that are gone.
    gone: Vec<Option<usize>>,
    /// Of records whose export is missing, late or stale.
    late: Vec<Option<usize>>,
}

impl Unshown {
    fn of(found: &Found, world: &World<'_>, facts: &Facts<'_>) -> Unshown {
        let wish = found.person.and_then(|person| world.consent.wishes.get(&person));
        let (Some(wish), Some(active), "OPT113") = (wish, found.a, RULES[found.rule].code) else { return Unshown::default() };
        let recalled = &world.consent.recalled;
        let active = facts.profile(active);
        let rule = |said: &Profile| {
            let code = match (said.role, active.role) {
                (Role::Crm, Role::Source) => "OPT101",
                (Role::Crm, Role::Marketing) if active.keeps_memberships() => "LST401",
                (Role::Crm, Role::Marketing) => "OPT102",
                (Role::Source, Role::Crm) => "OPT103",
                (Role::Source, Role::Marketing) => "OPT104",
                (Role::Marketing, Role::Crm) if said.keeps_memberships() => "LST402",
                (Role::Marketing, Role::Crm) => "OPT105",
                (Role::Marketing, Role::Source) => "OPT106",
                _ => return None,
            };
            Some(position(code))
        };
        let undone = |ix: &&u32| recalled.undone(**ix).is_some();
        let absent = |is_gone: bool| {
            let absent = wish.absent.iter().map(|at| &recalled.absent[*at]).filter(move |absent| absent.gone == is_gone);
            absent.map(|absent| rule(&world.systems.profiles()[absent.system]))
        };
        let shown_late = wish.undone.iter().filter(|ix| !undone(ix)).map(|ix| rule(facts.profile(*ix)));
        Unshown {
            is_undone: wish.undone.iter().any(|ix| undone(&ix)),
            gone: absent(true).collect(),
            late: shown_late.chain(absent(false)).collect(),
        }
    }
}

/// Whom an exception may name to be about a discrepancy: any contact of an address, or the records that are nobody's.
fn subjects(found: &Found) -> (Vec<u32>, Vec<u32>) {
    let sharers = if let Detail::Contacts(persons) = &found.detail { persons.as_slice() } else { &[] };
    let records = [found.a, found.b].into_iter().flatten().filter(|_| found.person.is_none());
    (found.person.iter().chain(sharers).copied().collect(), records.collect())
}
