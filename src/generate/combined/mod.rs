//! A workspace of any CRM with any marketing platforms and any sources, and the truth about it.
//!
//! A case says what the systems have on file of a person or two; [`oracle`] says what a correct run finds in that.
//! Every case that the systems allow is planted once as long as the contacts last, then by its weight.

mod cases;
mod exports;
mod oracle;
mod person;
mod wanted;

use std::path::{Path, PathBuf};

use anyhow::Result;

pub use wanted::Wanted;

use super::ids;
use super::truth::Discrepancy;
use super::values::Address;
use super::world::Random;
use crate::progress;
use exports::Exports;
use oracle::{Judged, Keys};
use person::{Barred, Box, Constituent, Contact, Membership, Person, State, Subscriber};
use wanted::Crm;

/// 2026-05-01, in days since 1970; what a case dates, it dates from here on.
const FIRST_DAY: i64 = 20_574;
/// The day of the run.
const AS_OF: i64 = 20_779;

/// The workspace in the making.
pub struct World {
    /// Its systems.
    pub wanted: Wanted,
    exports: Exports,
    random: Random,
    truth: Vec<Discrepancy>,
    contacts: u64,
    people: u64,
    records: u64,
}

/// What was written.
pub struct Written {
    /// The exports, with their rows.
    pub exports: Vec<(PathBuf, u64)>,
    /// What a correct run finds.
    pub truth: Vec<Discrepancy>,
}

/// Writes the exports with that many contacts.
///
/// # Errors
/// A file that cannot be written.
pub fn write(inbox: &Path, contacts: u64, seed: u64, wanted: Wanted) -> Result<Written> {
    let mut random = Random::seeded(seed);
    let exports = Exports::new(inbox, &wanted, ids::Keys { offset: random.below(u64::MAX) });
    let mut world = World { wanted, exports, random, truth: Vec::new(), contacts: 0, people: 0, records: 0 };
    let (clean, planted): (Vec<_>, Vec<_>) =
        cases::CASES.into_iter().flatten().filter(|case| (case.needs)(&world.wanted)).partition(|case| case.clean);
    progress::begin("generate", progress::Unit::Count("contacts"), contacts);
    // Files that a loader adds rows to are there from the beginning.
    cases::strangers(&mut world)?;
    for case in &planted {
        if world.contacts + case.contacts <= contacts {
            (case.plant)(&mut world)?;
        }
    }
    let rare: Vec<_> = clean.iter().chain(&planted).collect();
    let all: u64 = rare.iter().map(|case| case.weight).sum();
    while world.contacts < contacts {
        let mut left = world.below(all);
        let drawn = rare.iter().find(|case| {
            let found = left < case.weight;
            left = left.saturating_sub(case.weight);
            found
        });
        match drawn.filter(|case| world.contacts + case.contacts <= contacts) {
            Some(case) => (case.plant)(&mut world)?,
            None => cases::active(&mut world)?,
        }
    }
    Ok(Written { exports: world.exports.finish()?, truth: world.truth })
}

impl World {
    /// A number from 0 to below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.random.below(bound)
    }

    /// One of several.
    fn pick<T: Copy>(&mut self, several: &[T]) -> T {
        several[self.below(several.len() as u64) as usize]
    }

    /// A day on which somebody leaves; opt-ins of the cases are later than all of them.
    fn day(&mut self) -> i64 {
        FIRST_DAY + self.below(30) as i64
    }

    /// An address that nobody has.
    fn address(&mut self) -> String {
        self.records += 1;
        Address { number: 1_000_000_000 + self.records, words: self.below(1 << 16) as u16 }.text()
    }

    /// Somebody whom the CRM knows and every system mails.
    fn active(&mut self) -> Person {
        self.contacts += 1;
        let mut person = self.mailed();
        let categories = self.pick(&[&["Alumni News"][..], &["Events"], &["Alumni News", "Events"]]).to_vec();
        person.constituents.iter_mut().for_each(|constituent| constituent.categories.clone_from(&categories));
        person.contact = Some(Contact { out: false, barred: false, opted_in: None, bounced: false, categories });
        let own_keys = self.wanted.crm == Crm::Salesforce;
        if let Some(subscriber) = &mut person.subscriber {
            subscriber.by_address = !own_keys || self.random.below(10) == 0;
        }
        person.tagged = own_keys && self.random.below(2) == 0;
        person
    }

    /// Somebody whom the CRM does not know: a subscriber of every platform, and a constituent of one source.
    fn stranger(&mut self) -> Person {
        let mut person = self.mailed();
        person.constituents.truncate(1);
        person
    }

    fn mailed(&mut self) -> Person {
        self.people += 1;
        let number = self.people;
        let email = Address { number, words: self.below(1 << 16) as u16 }.text();
        let list = |list| Membership { list, state: State::Active, since: None };
        let lists = |there: bool| if there { vec![list("Alumni News"), list("Events")] } else { Vec::new() };
        let constituent = |source: &wanted::Source| Constituent {
            source: *source,
            out: Box::No,
            out_on: None,
            bounced: false,
            other_email: None,
            categories: Vec::new(),
            codes: Vec::new(),
        };
        let subscriber = Subscriber { status: "Active", since: None, by_address: true, units: Vec::new() };
        Person {
            number,
            email,
            contact: None,
            subscriber: self.wanted.marketing_cloud.then_some(subscriber),
            active_campaign: lists(self.wanted.active_campaign),
            tagged: false,
            campaign_monitor: lists(self.wanted.campaign_monitor),
            suppressed: None,
            constituents: self.wanted.sources.iter().map(constituent).collect(),
            barred: Vec::new(),
            preferences: Vec::new(),
        }
    }

    /// Somebody who left everything, and whom ClickDimensions' record bars besides.
    fn gone(&mut self) -> Person {
        let mut person = self.active();
        let day = self.day();
        person.leave_everything(day);
        if self.wanted.crm == Crm::Dynamics {
            self.bar(&mut person, "", day);
        }
        person
    }

    /// Opts the person out in every list, platform and source, and by an unsubscribe record, but not in the CRM's box.
    fn opt_out_outside_the_box(&mut self, person: &mut Person, day: i64) {
        person.leave_lists(day);
        person.constituents.iter_mut().for_each(|one| (one.out, one.out_on) = (Box::Yes, Some(day)));
        if let Some(subscriber) = &mut person.subscriber {
            (subscriber.status, subscriber.since) = ("Unsubscribed", Some(day));
        }
        if self.wanted.crm == Crm::Dynamics {
            self.bar(person, "", day);
        }
    }

    /// Adds an unsubscribe record that is linked to the person.
    fn bar(&mut self, person: &mut Person, list: &'static str, since: i64) {
        self.records += 1;
        person.barred.push(Barred { id: guid(9, self.records), email: person.email.clone(), linked: true, list, since });
    }

    /// The GUID of a record beside the contacts.
    fn guid(&mut self, kind: u64) -> String {
        self.records += 1;
        guid(kind, self.records)
    }

    /// Writes somebody's rows, and what must be found.
    fn plant(&mut self, person: &Person) -> Result<()> {
        let found = Judged::of(person, &self.wanted, &self.exports).found();
        self.truth.extend(found);
        self.exports.write(person)
    }

    /// The same of two contacts who have one address, the second of whom has nothing else.
    fn plant_twins(&mut self, person: &Person, twin: &Person) -> Result<()> {
        let mut first = Judged::of(person, &self.wanted, &self.exports);
        let mut second = first.twin(twin, &self.exports);
        let out = [first.is_out(), second.is_out()];
        if out[0] != out[1] {
            first.shares_an_opt_out();
            second.shares_an_opt_out();
        }
        let mut ids = [first.contact(), second.contact()].map(str::to_owned);
        ids.sort_unstable();
        let crm = self.wanted.crm.name();
        let shared = |rule| {
            let [a, b] = ids.clone();
            Discrepancy::new(rule, a.clone(), person.email.clone(), "", (crm, a), (crm, b))
        };
        self.truth.push(shared("IDN501"));
        if out[0] != out[1] {
            self.truth.push(shared("IDN502"));
        }
        let found: Vec<Discrepancy> = [first.found(), second.found()].concat();
        self.truth.extend(found);
        self.exports.write(person)?;
        self.exports.write(twin)
    }

    /// What a bad cell of somebody's record is found as.
    fn finds_cell(
        &mut self,
        rule: &'static str,
        person: &Person,
        email: &str,
        field: &'static str,
        record: (&'static str, String),
    ) {
        let contact = self.exports.contact(person);
        let found = Discrepancy::new(rule, contact, email.to_owned(), field, record, ("", String::new()));
        self.truth.push(found);
    }
}

/// Contacts, unsubscribe records and preferences have GUIDs of their own.
fn guid(kind: u64, number: u64) -> String {
    format!("0a1b2c3d-0000-4000-{kind:x}000-{number:012x}")
}
