//! The ways in which people's records agree and disagree. What is found in each is [`super::oracle`]'s to say.

mod crm;
mod own_word;
mod platforms;
mod rows;

use anyhow::Result;

use super::person::{Box, Code, Means, Person, State, Suppression};
use super::wanted::{Crm, Source, Wanted};
use super::{FIRST_DAY, World};
use crate::generate::truth::Discrepancy;

/// The day of an opt-in that is later than every opt-out.
const BACK: i64 = FIRST_DAY + 60;

/// One way, and how often.
pub struct Case {
    /// Its share among all.
    pub weight: u64,
    /// Contacts of the CRM that it takes.
    pub contacts: u64,
    /// Nothing is wrong; such people are planted only by weight.
    pub clean: bool,
    /// Whether the systems allow it.
    pub needs: fn(&Wanted) -> bool,
    /// Writes one.
    pub plant: fn(&mut World) -> Result<()>,
}

const fn clean(weight: u64, plant: fn(&mut World) -> Result<()>) -> Case {
    Case { weight, contacts: 1, clean: true, needs: always, plant }
}

const fn case(needs: fn(&Wanted) -> bool, plant: fn(&mut World) -> Result<()>) -> Case {
    Case { weight: 1, contacts: 1, clean: false, needs, plant }
}

fn always(_: &Wanted) -> bool {
    true
}

fn source(wanted: &Wanted) -> bool {
    !wanted.sources.is_empty()
}

fn cloud(wanted: &Wanted) -> bool {
    wanted.marketing_cloud
}

fn lists(wanted: &Wanted) -> bool {
    wanted.keeps_lists()
}

fn active_campaign(wanted: &Wanted) -> bool {
    wanted.active_campaign
}

fn campaign_monitor(wanted: &Wanted) -> bool {
    wanted.campaign_monitor
}

fn dynamics(wanted: &Wanted) -> bool {
    wanted.crm == Crm::Dynamics
}

fn salesforce(wanted: &Wanted) -> bool {
    wanted.crm == Crm::Salesforce
}

/// Somebody whom every system mails.
pub fn active(world: &mut World) -> Result<()> {
    let person = world.active();
    world.plant(&person)
}

/// People whom the CRM does not know: one who left a list, one who complained, and one whose address is barred.
pub fn strangers(world: &mut World) -> Result<()> {
    if world.wanted.campaign_monitor {
        let mut person = world.stranger();
        person.leave_everything(FIRST_DAY);
        world.plant(&person)?;
        let mut person = world.stranger();
        person.leave_everything(FIRST_DAY);
        person.suppressed = Some(Suppression::Spam);
        world.plant(&person)?;
    }
    if world.wanted.crm == Crm::Dynamics {
        let mut person = world.stranger();
        person.constituents.clear();
        world.bar(&mut person, "", FIRST_DAY);
        person.barred[0].linked = false;
        world.plant(&person)?;
    }
    if let Some(source) = world.wanted.sources.first().copied() {
        // A code that ended long ago, so that there is a file of codes in which another can be ended.
        let mut person = world.stranger();
        person.constituent(0).codes.push(Code {
            means: Means::NoEmail,
            start: Some(FIRST_DAY - 400),
            end: Some(FIRST_DAY - 300),
        });
        debug_assert_eq!(person.constituents[0].source, source);
        world.plant(&person)?;
    }
    Ok(())
}

/// All cases.
pub const CASES: [&[Case]; 5] = [own_word::CASES, platforms::CASES, crm::CASES, rows::CASES, ANYTHING];

const ANYTHING: &[Case] = &[
    // Anything at all, three of them at the least.
    Case { weight: 8, ..case(always, muddle) },
    Case { weight: 0, ..case(always, muddle) },
    Case { weight: 0, ..case(always, muddle) },
];

/// Every system says something of its own.
fn muddle(world: &mut World) -> Result<()> {
    let mut person = world.active();
    let day = |world: &mut World| if world.below(5) == 0 { None } else { Some(world.day()) };
    let dynamics = world.wanted.crm == Crm::Dynamics;
    let (out, barred, bounced) = (world.below(5) == 0, dynamics && world.below(8) == 0, world.below(5) == 0);
    let contact = person.contact.as_mut().expect("a contact");
    (contact.out, contact.barred, contact.bounced) = (out, barred, bounced);
    if world.below(3) == 0 {
        let (on, proof) = (world.pick(&[BACK, BACK, FIRST_DAY - 30]), world.pick(&["Web form", "Phone", ""]));
        world.opt_in(&mut person, on, proof);
    }
    if dynamics && world.below(3) == 0 {
        let (list, since) = (world.pick(&["", "", "Newsletter"]), world.day());
        world.bar(&mut person, list, since);
    }
    if let Some(subscriber) = &mut person.subscriber {
        subscriber.status = world.pick(&["Active", "active", "Bounced", "Held", "Unsubscribed", "Deleted", ""]);
        subscriber.since = if ["Active", "active", "Deleted", ""].contains(&subscriber.status) { None } else { day(world) };
        if world.below(6) == 0 {
            subscriber.units.push("7100022");
        }
    }
    use State::{Active, Bounced, Removed, SoftBounced, Spam, Unconfirmed, Unsubscribed};
    let since = day(world);
    let hard = world.below(2) == 0;
    for one in &mut person.active_campaign {
        let state = world.pick(&[Active, Active, Unsubscribed, Unsubscribed, Bounced, Removed, Unconfirmed]);
        one.state = if state == Bounced && !hard { SoftBounced } else { state };
        one.since = since.filter(|_| matches!(one.state, Unsubscribed | Bounced | SoftBounced));
    }
    for one in &mut person.campaign_monitor {
        one.state = world.pick(&[Active, Active, Unsubscribed, Unsubscribed, Bounced, Removed, Unconfirmed, Spam]);
        one.since = if matches!(one.state, Unsubscribed | Bounced | Spam) { day(world) } else { None };
    }
    // One file holds each list and state: an address stands in one of them.
    if !person.campaign_monitor.is_empty() && world.below(6) == 0 {
        person.suppressed = Some(world.pick(&[Suppression::Spam, Suppression::Bounced]));
    }
    for at in 0..person.constituents.len() {
        let out = world.pick(&[Box::No, Box::No, Box::Yes, Box::Blank]);
        let on = day(world).filter(|_| out == Box::Yes);
        let bounced = world.below(4) == 0;
        let constituent = person.constituent(at);
        (constituent.out, constituent.out_on, constituent.bounced) = (out, on, bounced);
        if world.below(4) == 0 {
            let (means, start) = (world.pick(&[Means::NoEmail, Means::NoContact, Means::SolicitOnly]), day(world));
            person.constituent(at).codes.push(Code { means, start, end: None });
        }
        if world.below(3) == 0 {
            person.constituent(at).categories =
                world.pick(&[&["Alumni News"][..], &["Events", "Parents Bulletin"], &[]]).to_vec();
        }
    }
    world.plant(&person)
}

impl World {
    /// One of the constituents.
    fn one_of(&mut self, person: &Person) -> usize {
        let count = person.constituents.len();
        self.below(count as u64) as usize
    }

    /// Two contacts with one address, the second of whom nobody else knows.
    fn twins(&mut self) -> (Person, Person) {
        let (person, mut twin) = (self.active(), self.active());
        twin.email.clone_from(&person.email);
        twin.subscriber = None;
        twin.active_campaign.clear();
        twin.campaign_monitor.clear();
        twin.constituents.clear();
        twin.tagged = false;
        (person, twin)
    }

    fn opt_in(&mut self, person: &mut Person, on: i64, proof: &'static str) {
        person.contact.as_mut().expect("a contact").opted_in = Some((on, proof));
    }

    fn contact_of(&self, person: &Person) -> String {
        super::oracle::Keys::contact(&self.exports, person)
    }

    fn record_of(&self, person: &Person, at: usize) -> (&'static str, String) {
        self.record_at(person, person.constituents[at].source)
    }

    fn record_at(&self, person: &Person, source: Source) -> (&'static str, String) {
        (source.name(), super::oracle::Keys::constituent(&self.exports, person, source))
    }

    /// A discrepancy between the contact and a record.
    fn finds_pair(&mut self, rule: &'static str, person: &Person, record: (&'static str, String)) {
        let contact = self.contact_of(person);
        let own = (self.wanted.crm.name(), contact.clone());
        self.truth.push(Discrepancy::new(rule, contact, person.email.clone(), "", own, record));
    }

    /// Somebody of whom one constituent is written already.
    fn plant_beside(&mut self, person: &Person, constituent: super::person::Constituent) -> Result<()> {
        let mut whole = person.clone();
        whole.constituents.push(constituent);
        let found = super::oracle::Judged::of(&whole, &self.wanted, &self.exports).found();
        self.truth.extend(found);
        self.exports.write(person)
    }
}
