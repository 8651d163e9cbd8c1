//! Which discrepancies people have answered already: by an exception, or by a reviewer's decision about that very one.

use crate::classify::{Detail, Found, World};
use crate::columns::{Opt, Outcome};
use crate::decide::{Verdict, identity};
use crate::decisions::{Ruling, State, What};
use crate::normalise::Facts;
use crate::rules::RULES;

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
        let answer = |found: &Found| {
            let about = |exception: &&crate::decisions::Exception| covers(exception, found);
            // One that holds goes before one that has ended.
            let holding = desk.exceptions.iter().position(|exception| exception.holds() && about(&exception));
            let ended =
                || desk.exceptions.iter().position(|exception| matches!(exception.state, State::Expired(_)) && about(&exception));
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

/// Whether an exception is about a discrepancy: about any contact of an address, or a record that is nobody's.
fn covers(exception: &crate::decisions::Exception, found: &Found) -> bool {
    let sharers = if let Detail::Contacts(persons) = &found.detail { persons.as_slice() } else { &[] };
    let records = [found.a, found.b].into_iter().flatten().filter(|_| found.person.is_none()).collect::<Vec<_>>();
    exception.is_about(found.rule, found.person.iter().chain(sharers), records.iter())
}
