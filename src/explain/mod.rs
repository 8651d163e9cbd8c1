//! One question about one person to everything that is known of the answer: one [`Person`] is one person that a key fits.
//!
//! Nothing is decided here: records, links, signals, rules, decision and corrections are those of a run.

mod history;
mod near;
mod signals;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use foldhash::HashSet;
use polars::prelude::DataFrame;
use serde::Serialize;

use crate::classify::{Detail, World};
use crate::columns::{Method, Opt};
use crate::decide::Sentences;
use crate::matching::{cols, keys, records_with};
use crate::nearest::nearest;
use crate::normalise::{Facts, col, spellings};
use crate::reconcile::Settled;
use crate::report::History;
use crate::rules::RULES;
use crate::texts::Text;
pub use history::{Change, Earlier, Look, OpenFate, Past, PastFound};
pub use near::Near;
pub use signals::Signal;

/// Persons that are shown of a key that fits more.
const MOST_PERSONS: usize = 10;

/// The answer.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// The key that was asked for.
    pub who: String,
    /// The persons that it fits, by id.
    pub persons: Vec<Person>,
    /// How many more there are.
    pub more: usize,
    /// Where it fits nobody: the known key that is most like it.
    pub nearest: Option<String>,
}

/// Everything about one person.
#[derive(Debug, Serialize)]
pub struct Person {
    /// The CRM id; none where no CRM contact is.
    pub contact_id: Option<String>,
    /// The first address.
    pub email: String,
    /// `opted_out`, `opted_in` or `nothing_said`.
    pub decision: &'static str,
    /// Why, in words.
    pub why: String,
    /// The records, by system.
    pub records: Vec<Record>,
    /// What they say of the person's wish, the earliest first.
    pub signals: Vec<Signal>,
    /// The rules that fired.
    pub fired: Vec<Fired>,
    /// The rules that did not, though there are records that they look at.
    pub near: Vec<Near>,
    /// What a run would write, one a record and field.
    pub corrections: Vec<Correction>,
    /// The corrections that finished runs wrote, and what became of them, the latest first.
    #[serde(rename = "earlier_corrections")]
    pub earlier: Vec<Earlier>,
    /// What finished runs saw and found anew, the latest first.
    pub history: Vec<Past>,
    /// The fates of corrections that are open.
    #[serde(skip)]
    pub open: Vec<OpenFate>,
}

/// One record of a person.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "named as in the outputs")]
pub struct Record {
    pub system: String,
    pub title: String,
    pub kind: String,
    pub record: String,
    pub unit: String,
    /// Whether the unit is a list that it is a membership of.
    #[serde(skip)]
    pub is_membership: bool,
    /// Path below the inbox.
    pub file: String,
    pub sheet: Option<String>,
    pub row: u32,
    /// Rows that are part of the record: codes, and repeated keys.
    pub also: Vec<Place>,
    /// How it was tied to the person.
    pub matched_by: &'static str,
    /// The key that it was tied by.
    pub matched_on: String,
    /// `in`, `out`, `blank` or `unreadable`.
    pub preference: &'static str,
    /// The preference in the system's own word.
    pub says: String,
    pub code: String,
    pub delivery: &'static str,
    pub delivery_says: String,
    pub categories: String,
    pub emails: Vec<String>,
    pub contact_id: String,
    pub source_id: String,
}

/// A row of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[allow(missing_docs, reason = "they say it")]
pub struct Place {
    pub file: String,
    pub row: u32,
}

/// One discrepancy of a person.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[allow(missing_docs, reason = "named as in discrepancies.csv")]
pub struct Fired {
    pub rule: &'static str,
    pub name: &'static str,
    pub severity: &'static str,
    pub outcome: &'static str,
    pub subject: String,
    pub a: String,
    pub b: String,
    pub due: Option<String>,
    pub why: String,
}

/// One change that a run would write.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "named as in corrections.csv")]
pub struct Correction {
    pub target: String,
    pub file: String,
    pub row: u32,
    pub record: String,
    pub field: String,
    pub before: String,
    pub after: String,
    pub rules: String,
    pub why: String,
}

/// Everything about the persons that a key fits: an address, or an id of any system in any spelling that an export may have.
///
/// # Errors
/// Only what Polars cannot do, which is a defect.
pub fn explain(who: &str, settled: Settled<'_>) -> Result<Explanation> {
    let (world, facts, decided, folded) = (settled.world, settled.facts, settled.decided, settled.folded);
    let wanted: HashSet<u32> = spellings(who, world.systems).iter().map(|key| world.texts.intern(key).number()).collect();
    let records = records_with(&[wanted], world.records)?.remove(0);
    let links = Links::of(world)?;
    let mut persons: Vec<u32> = links.persons_of(&records);
    persons.sort_by_cached_key(|person| (world.name(*person).is_none(), world.name(*person), links.first_name(*person, facts)));
    let more = persons.len().saturating_sub(MOST_PERSONS);
    persons.truncate(MOST_PERSONS);
    let nearest = if persons.is_empty() { nearest_key(who, world)? } else { None };
    let mut also: BTreeMap<(u32, Text), BTreeSet<Place>> = BTreeMap::new();
    for folded in folded {
        let file = world.files[folded.input as usize].file.clone();
        also.entry((folded.system, folded.record)).or_default().insert(Place { file, row: folded.row });
    }
    let report = settled.report()?.report;
    let corrections = &report.corrections;
    let fates = &report.history;

    let one = Explain { world, facts, sentences: Sentences { world, facts }, links: &links, also: &also, corrections, fates };
    let persons: Result<Vec<Person>> = persons
        .into_iter()
        .map(|person| {
            let involved = |found: &crate::classify::Found| {
                found.person == Some(person)
                    || matches!(&found.detail, Detail::Contacts(persons) if persons.contains(&person))
                    || found.person.is_none() && found.a.is_some_and(|ix| links.of_person(person).any(|link| link.ix == ix))
            };
            let fired: Vec<_> = decided.decisions.iter().filter(|decision| involved(&decision.found)).collect();
            one.person(person, &fired)
        })
        .collect();
    Ok(Explanation { who: who.trim().to_owned(), persons: persons?, more, nearest })
}

/// The known key that is most like one that nobody has.
fn nearest_key(who: &str, world: &World<'_>) -> Result<Option<String>> {
    let who = who.trim();
    let length = who.chars().count();
    let mut known: HashSet<u32> = HashSet::default();
    for name in keys() {
        known.extend(world.records.column(name)?.u32()?.iter().flatten());
    }
    let is_near = |key: &&str| key.chars().count().abs_diff(length) <= 3;
    let known = known.into_iter().map(|key| world.texts.get(Text::from_number(key)));
    let mut near: BTreeSet<String> = known.filter(is_near).map(str::to_owned).collect();
    for batch in world.quiet.batches() {
        for (_, record) in batch.open()?.records() {
            let ids = [Some(record.record), record.key_cell, record.contact_id, record.source_id];
            let keys = ids.into_iter().chain([record.email, record.second]).flatten();
            near.extend(keys.filter(is_near).map(str::to_owned));
        }
    }
    Ok(nearest(who, near.iter().map(String::as_str)).map(str::to_owned))
}

/// Who belongs to whom.
struct Links {
    /// By person, then by record.
    links: Vec<Link>,
}

/// One record of one person.
#[derive(Clone, Copy)]
struct Link {
    person: u32,
    ix: u32,
    method: Method,
    belongs: u32,
}

impl Links {
    fn of(world: &World<'_>) -> Result<Links> {
        let links = &world.matched.links;
        let methods = links.column(cols::METHOD)?.to_physical_repr();
        let numbers = |name: &str| -> Result<Vec<u32>> { Ok(links.column(name)?.u32()?.iter().flatten().collect()) };
        let (ixs, persons, belongs) = (numbers(col::IX)?, numbers(cols::PERSON)?, numbers(cols::BELONGS)?);
        let methods = methods.u8()?.iter().map(|method| Method::ALL[usize::from(method.unwrap_or_default())]);
        let mut links: Vec<Link> = methods
            .enumerate()
            .map(|(at, method)| Link { person: persons[at], ix: ixs[at], method, belongs: belongs[at] })
            .collect();
        links.sort_unstable_by_key(|link| (link.person, link.ix));
        Ok(Links { links })
    }

    fn persons_of(&self, records: &HashSet<u32>) -> Vec<u32> {
        let mut persons: Vec<u32> = self.links.iter().filter(|link| records.contains(&link.ix)).map(|link| link.person).collect();
        persons.dedup();
        persons
    }

    fn of_person(&self, person: u32) -> impl Iterator<Item = &Link> {
        let from = self.links.partition_point(|link| link.person < person);
        self.links[from..].iter().take_while(move |link| link.person == person)
    }

    fn first_name<'a>(&self, person: u32, facts: &Facts<'a>) -> Option<&'a str> {
        self.of_person(person).map(|link| facts.name(link.ix)).min()
    }
}

/// What every part of an answer is taken from.
struct Explain<'a> {
    world: &'a World<'a>,
    facts: &'a Facts<'a>,
    sentences: Sentences<'a>,
    links: &'a Links,
    also: &'a BTreeMap<(u32, Text), BTreeSet<Place>>,
    corrections: &'a DataFrame,
    fates: &'a History,
}

impl Explain<'_> {
    fn person(&self, person: u32, fired: &[&crate::decide::Decision]) -> Result<Person> {
        let mut links: Vec<Link> = self.links.of_person(person).copied().collect();
        let place = |link: &Link| {
            (self.facts.system(link.ix), self.facts.name(link.ix), self.facts.text(col::UNIT, link.ix), self.facts.row(link.ix))
        };
        links.sort_by_cached_key(place);
        let records: Vec<Record> = links.iter().map(|link| self.record(person, *link)).collect::<Result<_>>()?;
        let wish = self.world.consent.wishes.get(&person);
        let mut why = self.sentences.wish(person);
        if self.world.consent.stopped.contains(&person) {
            why.push_str(" A preference code of this person has no meaning yet, so corrections are held.");
        }
        let the_opt_in = wish.and_then(|wish| wish.opted_in).and_then(|ix| {
            Some(format!("of {} in {}", self.sentences.when(self.facts.in_at(ix)?, ix), self.sentences.title(ix)))
        });
        let codes: Vec<&'static str> = fired.iter().map(|decision| RULES[decision.found.rule].code).collect();
        let mut fired: Vec<Fired> = fired.iter().map(|decision| self.fired(decision)).collect();
        fired.sort();
        Ok(Person {
            contact_id: self.world.name(person).map(str::to_owned),
            email: records.iter().flat_map(|record| record.emails.first()).next().cloned().unwrap_or_default(),
            decision: match wish.and_then(|wish| wish.decision) {
                Some(Opt::Out) => "opted_out",
                Some(Opt::In) => "opted_in",
                _ => "nothing_said",
            },
            why,
            signals: self.signals(person)?,
            near: near::near(self.world, self.facts, person, &codes, &the_opt_in.unwrap_or_default())?,
            corrections: self.corrections(&links)?,
            earlier: Vec::new(),
            history: Vec::new(),
            open: self
                .fates
                .corrections
                .iter()
                .zip(&self.fates.answers)
                .filter(|(one, _)| records.iter().any(|record| record.system == one.system && record.record == one.record))
                .map(|(one, answer)| (one.clone(), answer.clone()))
                .collect(),
            fired,
            records,
        })
    }

    fn record(&self, person: u32, link: Link) -> Result<Record> {
        let (facts, ix) = (self.facts, link.ix);
        let text = |name: &str| -> Result<String> {
            let number = self.world.records.column(name)?.u32()?.get(ix as usize);
            Ok(number.map(|number| self.world.texts.get(Text::from_number(number)).to_owned()).unwrap_or_default())
        };
        let emails: Vec<String> = col::EMAILS.into_iter().map(text).collect::<Result<_>>()?;
        let emails: Vec<String> = emails.into_iter().filter(|email| !email.is_empty()).collect();
        let file = &self.world.files[facts.input(ix)];
        let key = self.world.records.column(col::RECORD)?.u32()?.get(ix as usize).map(Text::from_number);
        let also = key.filter(|_| facts.is_main(ix)).and_then(|key| self.also.get(&(facts.system(ix) as u32, key)));
        Ok(Record {
            system: facts.profile(ix).name.clone(),
            title: facts.profile(ix).title.clone(),
            kind: facts.kind(ix).name.clone(),
            record: facts.name(ix).to_owned(),
            unit: text(col::UNIT)?,
            is_membership: self.facts.profile(ix).keeps_memberships(),
            file: file.file.clone(),
            sheet: file.sheet.clone(),
            row: facts.row(ix),
            also: also.into_iter().flatten().cloned().collect(),
            matched_by: link.method.word(),
            matched_on: self.key_of(person, link, &emails)?,
            preference: facts.opt(ix).word(),
            says: text(col::WORD)?,
            code: text(col::CODE)?,
            delivery: facts.delivery(ix).word(),
            delivery_says: text(col::DELIVERY_WORD)?,
            categories: text(col::CATEGORIES_CELL)?,
            contact_id: text(col::CONTACT_ID)?,
            source_id: text(col::SOURCE_ID)?,
            emails,
        })
    }

    /// The key that ties a record to its person.
    fn key_of(&self, person: u32, link: Link, emails: &[String]) -> Result<String> {
        let cell = |name: &str, ix: u32| -> Result<Option<&str>> {
            Ok(self
                .world
                .records
                .column(name)?
                .u32()?
                .get(ix as usize)
                .map(|number| self.world.texts.get(Text::from_number(number))))
        };
        let of_hub = self.links.of_person(person).find(|other| other.method == Method::Hub).map(|hub| hub.ix);
        Ok(match link.method {
            Method::Hub => self.facts.name(link.ix).to_owned(),
            Method::ContactId => cell(col::CONTACT_ID, link.ix)?.unwrap_or_default().to_owned(),
            Method::SourceId => cell(col::SOURCE_ID, link.ix)?.unwrap_or_default().to_owned(),
            Method::Email | Method::SharedEmail => {
                let ours: Vec<Option<&str>> =
                    col::EMAILS.into_iter().map(|name| of_hub.map_or(Ok(None), |hub| cell(name, hub))).collect::<Result<_>>()?;
                let common = emails.iter().find(|email| ours.contains(&Some(email.as_str())));
                common.cloned().unwrap_or_default()
            }
        })
    }

    fn fired(&self, decision: &crate::decide::Decision) -> Fired {
        let found = &decision.found;
        let rule = RULES[found.rule];
        let record =
            |ix: Option<u32>| ix.map(|ix| format!("{} {}", self.sentences.title(ix), self.facts.name(ix))).unwrap_or_default();
        Fired {
            rule: rule.code,
            name: rule.name,
            severity: rule.severity.word(),
            outcome: decision.outcome.word(),
            subject: found.subject.map(|subject| self.world.texts.get(subject).to_owned()).unwrap_or_default(),
            a: record(found.a),
            b: record(found.b),
            due: decision.clock.map(|clock| clock.due.to_string()),
            why: decision.why.clone(),
        }
    }

    /// The corrections of these records.
    fn corrections(&self, links: &[Link]) -> Result<Vec<Correction>> {
        let records: BTreeSet<(&str, &str)> =
            links.iter().map(|link| (self.facts.profile(link.ix).name.as_str(), self.facts.name(link.ix))).collect();
        let column = |name: &str| -> Result<Vec<&str>> {
            Ok(self.corrections.column(name)?.str()?.iter().map(Option::unwrap_or_default).collect())
        };
        let (target, record) = (column("target")?, column("record")?);
        let [file, field, before, after, rules, why] = ["file", "field", "before", "after", "rules", "why"].map(column);
        let (file, field, before, after, rules, why) = (file?, field?, before?, after?, rules?, why?);
        let row = self.corrections.column("row")?.u32()?;
        let ours = (0..self.corrections.height()).filter(|at| records.contains(&(target[*at], record[*at])));
        Ok(ours
            .map(|at| Correction {
                target: target[at].to_owned(),
                file: file[at].to_owned(),
                row: row.get(at).unwrap_or_default(),
                record: record[at].to_owned(),
                field: field[at].to_owned(),
                before: before[at].to_owned(),
                after: after[at].to_owned(),
                rules: rules[at].to_owned(),
                why: why[at].to_owned(),
            })
            .collect())
    }
}
