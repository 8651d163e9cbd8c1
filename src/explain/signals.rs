//! What a person's records say of the person's wish, and why each counts or does not.

use anyhow::Result;
use serde::Serialize;

use super::Explain;
use crate::columns::Opt;
use crate::consent::{Standing, beats, signals_of};
use crate::normalise::col;
use crate::times::{Moment, Zone};

/// One opt-out or opt-in.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Signal {
    /// When it was made, as outputs write it; empty where nobody knows.
    pub at: String,
    /// `opt_out` or `opt_in`.
    pub signal: &'static str,
    /// What was said, where and when, in words.
    pub says: String,
    /// Whether it counts.
    pub counts: bool,
    /// Why it counts or does not, in words.
    pub why: String,
}

impl Explain<'_> {
    /// The signals of a person, the earliest first, those without a time last.
    pub(super) fn signals(&self, person: u32) -> Result<Vec<Signal>> {
        let (world, facts) = (self.world, self.facts);
        let mut signals = Vec::new();
        let wish = world.consent.wishes.get(&person);
        // What earlier runs saw, and no record shows any more.
        let remembered = |says: String| Signal {
            at: String::new(),
            signal: "opt_out",
            says,
            counts: true,
            why: "an earlier run saw it, and no opt-in that counts has ended it".to_owned(),
        };
        let undone: &[u32] = wish.map(|wish| wish.undone.as_slice()).unwrap_or_default();
        signals.extend(undone.iter().map(|ix| remembered(self.sentences.signal(*ix))));
        let absent = wish.into_iter().flat_map(|wish| &wish.absent);
        signals.extend(absent.map(|at| remembered(self.sentences.absent(*at))));
        for signal in signals_of(person, world.records, world.matched, world.config, world.systems)? {
            let ix = signal.ix;
            if let Some(standing) = signal.out.filter(|_| !undone.contains(&ix)) {
                let says = match standing {
                    Standing::Unreadable => format!("{} says \"{}\"", self.sentences.title(ix), facts.text(col::WORD, ix)),
                    _ => self.sentences.signal(ix),
                };
                let (counts, why) = (standing == Standing::Counts, self.why_out(person, ix, standing));
                signals.push(Signal { at: facts.written(facts.out_at(ix), ix), signal: "opt_out", says, counts, why });
            }
            if let (Some(standing), Some(at)) = (signal.opted_in, facts.in_at(ix)) {
                let evidence = facts.text(col::EVIDENCE, ix);
                let evidence = if evidence.is_empty() { String::new() } else { format!(" (evidence: {evidence})") };
                let says = format!("opted in in {} on {}{evidence}", self.sentences.title(ix), self.sentences.when(at, ix));
                let (counts, why) = self.why_in(person, ix, at, standing);
                signals.push(Signal { at: facts.written(Some(at), ix), signal: "opt_in", says, counts, why });
            }
        }
        let ruled = world.desk.ruled(world.records.height(), Zone::Named(world.config.timezone()?));
        for ruled in ruled.iter().filter(|ruled| ruled.person == person) {
            let (ix, at) = (ruled.ix, facts.out_at(ruled.ix).or(facts.in_at(ruled.ix)));
            let (signal, says, (counts, why)) = match ruled.opted_in {
                None => ("opt_out", self.sentences.signal(ix), (true, self.why_out(person, ix, Standing::Counts))),
                Some((at, _)) => {
                    let said = facts.decision(ix).map(|said| (said.by, said.evidence)).unwrap_or_default();
                    let says =
                        format!("opted in by decision of {} on {} (evidence: {})", said.0, self.sentences.when(at, ix), said.1);
                    ("opt_in", says, self.why_in(person, ix, at, Standing::Counts))
                }
            };
            signals.push(Signal { at: facts.written(at, ix), signal, says, counts, why });
        }
        signals.sort_by(|one, other| (one.at.is_empty(), one).cmp(&(other.at.is_empty(), other)));
        Ok(signals)
    }

    fn why_out(&self, person: u32, ix: u32, standing: Standing) -> String {
        let policy = &self.world.config.policy;
        match standing {
            Standing::OfOneList => "it is of one list among others, or another record of this contact stands for it".to_owned(),
            Standing::StaysInUnit => "[policy] unit_unsubscribe = \"unit\" leaves it in the business unit".to_owned(),
            Standing::OfOffice => {
                let contacts = self.links.of_person(person).find(|link| link.ix == ix).map_or(0, |link| link.belongs);
                format!("the address is on {contacts} contacts, more than [policy] max_shared = {}", policy.max_shared)
            }
            Standing::Unreadable => "nobody knows the word; as long as it stands no opt-in of this person wins".to_owned(),
            _ => match self.world.consent.wishes.get(&person).and_then(|wish| wish.opted_in) {
                Some(opt_in) if self.beaten(opt_in, ix) => format!("but the opt-in of {} is later", self.opt_in_day(opt_in)),
                Some(_) if self.facts.out_at(ix).is_none() => "it has no date, so no opt-in is provably later".to_owned(),
                Some(opt_in) => {
                    format!(
                        "the opt-in of {} is not later by more than {} hours",
                        self.opt_in_day(opt_in),
                        policy.clock_tolerance_hours
                    )
                }
                None => "no opt-in stands against it".to_owned(),
            },
        }
    }

    fn why_in(&self, person: u32, ix: u32, at: Moment, standing: Standing) -> (bool, String) {
        let policy = &self.world.config.policy;
        let no = |why: &str| (false, why.to_owned());
        match standing {
            Standing::Overruled => no("the record itself is opted out now"),
            Standing::NotActive => no("the membership is not active: it is unconfirmed, removed or bounced"),
            Standing::OtherSystem => (false, format!("[policy] opt_in_systems does not name {}", self.facts.profile(ix).name)),
            Standing::ByAddress => no("only its address ties the record to this person"),
            Standing::OfSeveral => no("several contacts have the record's id"),
            Standing::Unproven => no("it has no evidence of permission"),
            Standing::Counts | Standing::OfOneList | Standing::StaysInUnit | Standing::OfOffice | Standing::Unreadable => {
                let wish = self.world.consent.wishes.get(&person);
                if wish.and_then(|wish| wish.opted_in) != Some(ix) {
                    return no("a later opt-in is there");
                }
                let (own, decision) = (wish.and_then(|wish| wish.own), wish.and_then(|wish| wish.decision));
                let unbeaten = wish.into_iter().flat_map(|wish| &wish.outs).any(|out| !self.beats(at, ix, *out));
                match (own, decision) {
                    (_, Some(Opt::In)) => (true, "it wins: it is later than every opt-out".to_owned()),
                    (Some(Opt::In), _) => no("the opt-out of somebody at the same address is not provably earlier"),
                    _ if self.world.consent.stopped.contains(&person) => {
                        no("a preference code without a meaning may be an opt-out")
                    }
                    _ if unbeaten => {
                        (false, format!("it is not later than every opt-out by more than {} hours", policy.clock_tolerance_hours))
                    }
                    _ => no("a preference of this person cannot be read, and may be an opt-out"),
                }
            }
        }
    }

    fn beaten(&self, opt_in: u32, out: u32) -> bool {
        self.facts.in_at(opt_in).is_some_and(|at| self.beats(at, opt_in, out))
    }

    fn beats(&self, at: Moment, opt_in: u32, out: u32) -> bool {
        let facts = self.facts;
        beats((at, facts.zone(opt_in)), (facts.out_at(out), facts.zone(out), facts.is_box(out)), self.world.config)
    }

    fn opt_in_day(&self, opt_in: u32) -> String {
        self.facts.in_at(opt_in).map(|at| self.sentences.when(at, opt_in)).unwrap_or_default()
    }
}
