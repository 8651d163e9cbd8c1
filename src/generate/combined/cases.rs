//! The ways in which people's records agree and disagree. What is found in each is [`super::oracle`]'s to say.

use anyhow::Result;

use super::person::{Box, Code, Means, Membership, Person, Preference, State, Suppression};
use super::wanted::{Crm, Source, Wanted};
use super::{AS_OF, FIRST_DAY, World};
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
pub const CASES: &[Case] = &[
    clean(60, active),
    clean(12, |world| {
        let person = world.gone();
        world.plant(&person)
    }),
    // In the CRM alone, as far as the person's own word goes.
    case(always, |world| {
        let mut person = world.active();
        person.contact.as_mut().expect("a contact").out = true;
        if world.wanted.crm == Crm::Dynamics {
            world.bar(&mut person, "", FIRST_DAY);
        }
        world.plant(&person)
    }),
    // Opted out long ago, only the categories were left on.
    case(salesforce, |world| {
        let mut person = world.gone();
        person.contact.as_mut().expect("a contact").categories.push("Events");
        world.plant(&person)
    }),
    case(source, |world| {
        let (mut person, day) = (world.active(), world.day());
        let of = world.one_of(&person);
        (person.constituent(of).out, person.constituent(of).out_on) = (Box::Yes, Some(day));
        world.plant(&person)
    }),
    // Nobody knows since when.
    case(source, |world| {
        let mut person = world.active();
        let of = world.one_of(&person);
        person.constituent(of).out = Box::Yes;
        world.opt_in(&mut person, BACK, "Web form");
        world.plant(&person)
    }),
    case(source, |world| {
        let mut person = world.active();
        let of = world.one_of(&person);
        let (means, start) = (world.pick(&[Means::NoEmail, Means::NoContact]), Some(world.day()));
        person.constituent(of).codes.push(Code { means, start, end: None });
        world.plant(&person)
    }),
    // Codes that say nothing now: no solicitation, and one that has ended.
    case(source, |world| {
        let mut person = world.active();
        let of = world.one_of(&person);
        let ended = Some(FIRST_DAY + 90);
        person.constituent(of).codes.push(Code { means: Means::SolicitOnly, start: Some(FIRST_DAY), end: None });
        person.constituent(of).codes.push(Code { means: Means::NoEmail, start: Some(FIRST_DAY), end: ended });
        debug_assert!(ended < Some(AS_OF));
        world.plant(&person)
    }),
    // A code that the table lacks: the person's corrections wait.
    case(source, |world| {
        let mut person = world.active();
        let of = world.one_of(&person);
        person.constituent(of).codes.push(Code { means: Means::Nothing, start: None, end: None });
        let record = world.record_of(&person, of);
        let email = person.email.clone();
        world.finds_cell("DAT604", &person, &email, "code", record);
        world.plant(&person)
    }),
    case(source, |world| {
        let mut person = world.gone();
        let of = world.one_of(&person);
        (person.constituent(of).out, person.constituent(of).out_on) = (Box::Blank, None);
        world.plant(&person)
    }),
    // Blank here, and nobody said anything elsewhere.
    case(source, |world| {
        let mut person = world.active();
        let of = world.one_of(&person);
        person.constituent(of).out = Box::Blank;
        world.plant(&person)
    }),
    case(source, |world| {
        let mut person = world.active();
        let of = world.one_of(&person);
        person.constituent(of).categories = world.pick(&[&["Alumni News"][..], &["Events"], &[]]).to_vec();
        world.plant(&person)
    }),
    case(
        |wanted| source(wanted) || salesforce(wanted),
        |world| {
            let mut person = world.active();
            person.clear_categories();
            world.plant(&person)
        },
    ),
    case(source, |world| {
        let mut person = world.active();
        let of = world.one_of(&person);
        person.constituent(of).categories.push("Parents Bulletin");
        world.plant(&person)
    }),
    // Nobody has that other address.
    case(source, |world| {
        let mut person = world.active();
        let of = world.one_of(&person);
        person.constituent(of).other_email = Some(world.address());
        let record = world.record_of(&person, of);
        world.finds_pair("IDN503", &person, record);
        world.plant(&person)
    }),
    case(source, |world| {
        let mut person = world.active();
        person.constituents.clear();
        world.plant(&person)
    }),
    case(
        |wanted| source(wanted) || wanted.mails(),
        |world| {
            let mut person = world.stranger();
            let day = world.day();
            match world.below(4) {
                0 => person.leave_everything(day),
                1 => person.leave_lists(day),
                2 => person.constituents.iter_mut().for_each(|one| (one.out, one.out_on) = (Box::Yes, Some(day))),
                _ => {}
            }
            world.plant(&person)
        },
    ),
    // Marketing Cloud.
    case(cloud, |world| {
        let (mut person, day) = (world.active(), world.day());
        let subscriber = person.subscriber.as_mut().expect("a subscriber");
        subscriber.since = Some(day);
        subscriber.status = world.pick(&["Unsubscribed", "unsub"]);
        world.plant(&person)
    }),
    case(cloud, |world| {
        let mut person = world.active();
        let status = world.pick(&["Held", "Undeliverable", "Bounced", "Deleted"]);
        let subscriber = person.subscriber.as_mut().expect("a subscriber");
        (subscriber.status, subscriber.since) = (status, Some(FIRST_DAY));
        world.plant(&person)
    }),
    // Held, and the CRM says no: nothing is mailed. Or bounced: the platform goes on mailing.
    case(cloud, |world| {
        let mut person = world.gone();
        let status = world.pick(&["Held", "Deleted", "Bounced", "Active"]);
        let subscriber = person.subscriber.as_mut().expect("a subscriber");
        (subscriber.status, subscriber.since) = (status, None);
        world.plant(&person)
    }),
    case(cloud, |world| {
        let mut person = world.active();
        person.subscriber.as_mut().expect("a subscriber").units.push("7100022");
        world.plant(&person)
    }),
    case(cloud, |world| {
        let mut person = world.gone();
        let subscriber = person.subscriber.as_mut().expect("a subscriber");
        (subscriber.status, subscriber.since) = ("", None);
        world.plant(&person)
    }),
    case(cloud, |world| {
        let mut person = world.active();
        let subscriber = person.subscriber.take().expect("a subscriber");
        let key = if subscriber.by_address { person.email.clone() } else { world.contact_of(&person) };
        let header = ["SubscriberKey", "EmailAddress", "Status", "DateUnsubscribed", "DateUndeliverable"];
        world.exports.row("marketing_cloud_subscribers_2026-11-21.csv", &header, &[&key, &person.email, "Actif", "", ""])?;
        let email = person.email.clone();
        world.finds_cell("DAT604", &person, &email, "status", ("marketing_cloud", key));
        world.plant(&person)
    }),
    // Platforms with lists.
    case(lists, |world| {
        let (mut person, day) = (world.active(), world.day());
        person.leave_lists(day);
        world.plant(&person)
    }),
    case(lists, |world| {
        let (mut person, since) = (world.active(), Some(world.day()));
        for lists in [&mut person.active_campaign, &mut person.campaign_monitor] {
            lists.iter_mut().take(1).for_each(|one| (one.state, one.since) = (State::Unsubscribed, since));
        }
        world.plant(&person)
    }),
    // On one list still, or again, of a person who said no.
    case(lists, |world| {
        let mut person = world.gone();
        for lists in [&mut person.active_campaign, &mut person.campaign_monitor] {
            lists.iter_mut().take(1).for_each(|one| (one.state, one.since) = (State::Active, None));
        }
        world.plant(&person)
    }),
    // Off the lists without having left: neither mailed nor opted out.
    case(lists, |world| {
        let mut person = world.active();
        let state = world.pick(&[State::Removed, State::Unconfirmed]);
        for one in person.active_campaign.iter_mut().chain(&mut person.campaign_monitor) {
            one.state = state;
        }
        world.plant(&person)
    }),
    case(active_campaign, |world| {
        let mut person = world.active();
        let state = world.pick(&[State::Bounced, State::SoftBounced]);
        person.active_campaign.truncate(1);
        (person.active_campaign[0].state, person.active_campaign[0].since) = (state, Some(FIRST_DAY));
        world.plant(&person)
    }),
    // No list is named: all of them.
    case(active_campaign, |world| {
        let mut person = world.active();
        let state = world.pick(&[State::Active, State::Unsubscribed]);
        person.active_campaign = vec![Membership { list: "", state, since: None }];
        world.plant(&person)
    }),
    case(active_campaign, |world| {
        let mut person = world.active();
        person.active_campaign.clear();
        let header = ["E-mail", "List Name", "List Status", "Date Unsubscribed", "Bounced Hard", "Bounced Date"];
        let cells = [person.email.as_str(), "Events", "Snoozed", "", "0", ""];
        world.exports.row("activecampaign_by_list_2026-11-21.csv", &header, &cells)?;
        let email = person.email.clone();
        world.finds_cell("DAT604", &person, &email, "status", ("activecampaign", email.clone()));
        world.plant(&person)
    }),
    case(campaign_monitor, |world| {
        let mut person = world.active();
        person.campaign_monitor.iter_mut().for_each(|one| (one.state, one.since) = (State::Bounced, Some(FIRST_DAY)));
        world.plant(&person)
    }),
    case(campaign_monitor, |world| {
        let mut person = world.active();
        (person.campaign_monitor[1].state, person.campaign_monitor[1].since) = (State::Spam, Some(FIRST_DAY));
        world.plant(&person)
    }),
    case(campaign_monitor, |world| {
        let mut person = world.active();
        person.suppressed = Some(world.pick(&[Suppression::Spam, Suppression::Bounced]));
        world.plant(&person)
    }),
    // Deleted addresses, which an import would make active again, of a person who said no.
    case(campaign_monitor, |world| {
        let mut person = world.gone();
        person.campaign_monitor.iter_mut().for_each(|one| (one.state, one.since) = (State::Removed, None));
        world.plant(&person)
    }),
    case(campaign_monitor, |world| {
        let mut person = world.gone();
        person.campaign_monitor.remove(0);
        (person.campaign_monitor[0].state, person.campaign_monitor[0].since) = (State::Blank, None);
        world.plant(&person)
    }),
    case(campaign_monitor, |world| {
        let header = ["Email", "List", "State", "Date", "ListJoinedDate"];
        world.exports.row("events_all_2026-11-21.csv", &header, &["no address", "Events", "Active", "", ""])?;
        world.truth.push(Discrepancy::keyless("campaign_monitor", "email"));
        active(world)
    }),
    // Salesforce.
    case(
        |wanted| salesforce(wanted) && wanted.mails(),
        |world| {
            let mut person = world.active();
            person.contact.as_mut().expect("a contact").bounced = true;
            world.plant(&person)
        },
    ),
    case(
        |wanted| source(wanted) && wanted.mails(),
        |world| {
            let mut person = world.active();
            person.constituents.iter_mut().for_each(|one| one.bounced = true);
            world.plant(&person)
        },
    ),
    case(
        |wanted| salesforce(wanted) && wanted.active_campaign,
        |world| {
            let mut person = world.active();
            person.active_campaign.clear();
            let header = [
                "Email",
                "Contact ID",
                "Lists",
                "Status",
                "Date Subscribed",
                "Date Unsubscribed",
                "Bounced Hard",
                "Bounced Date",
                "Salesforce Contact ID",
            ];
            let cells = [person.email.as_str(), "", "Events", "91", "", "", "0", "", "3.00E+17"];
            world.exports.row("activecampaign_contacts_2026-11-21.csv", &header, &cells)?;
            let email = person.email.clone();
            world.finds_cell("DAT602", &person, &email, "contact_id", ("activecampaign", email.clone()));
            world.plant(&person)
        },
    ),
    // Came back with permission, after everything.
    case(always, |world| {
        let (mut person, day) = (world.active(), world.day());
        person.leave_lists(day);
        person.constituents.iter_mut().for_each(|one| (one.out, one.out_on) = (Box::Yes, Some(day)));
        if let Some(subscriber) = &mut person.subscriber {
            (subscriber.status, subscriber.since) = ("Unsubscribed", Some(day));
        }
        if world.wanted.crm == Crm::Dynamics {
            world.bar(&mut person, "", day);
        }
        world.opt_in(&mut person, BACK, "Web form");
        world.plant(&person)
    }),
    // Came back after a bounce; the platform still stops the address.
    case(cloud, |world| {
        let mut person = world.active();
        let status = world.pick(&["Held", "Bounced"]);
        let subscriber = person.subscriber.as_mut().expect("a subscriber");
        (subscriber.status, subscriber.since) = (status, Some(FIRST_DAY));
        world.opt_in(&mut person, BACK, "Phone call");
        world.plant(&person)
    }),
    // Came back, it is said, and nobody can show it; or before the last no.
    case(
        |wanted| source(wanted) || wanted.mails() || dynamics(wanted),
        |world| {
            let (mut person, day) = (world.active(), world.day());
            person.leave_lists(day);
            person.constituents.iter_mut().for_each(|one| (one.out, one.out_on) = (Box::Yes, Some(day)));
            if let Some(subscriber) = &mut person.subscriber {
                (subscriber.status, subscriber.since) = ("Unsubscribed", Some(day));
            }
            if world.wanted.crm == Crm::Dynamics {
                world.bar(&mut person, "", day);
            }
            let (on, proof) = world.pick(&[(BACK, ""), (FIRST_DAY - 30, "Web form")]);
            world.opt_in(&mut person, on, proof);
            world.plant(&person)
        },
    ),
    // Dynamics with ClickDimensions.
    case(dynamics, |world| {
        let mut person = world.active();
        world.bar(&mut person, "", FIRST_DAY);
        world.plant(&person)
    }),
    // Neither linked nor active any more, and written in capitals.
    case(dynamics, |world| {
        let mut person = world.active();
        world.bar(&mut person, "", FIRST_DAY);
        person.barred[0].linked = false;
        person.barred[0].email = person.email.to_uppercase();
        world.plant(&person)
    }),
    // The contact has moved to another address since.
    case(dynamics, |world| {
        let mut person = world.active();
        world.bar(&mut person, "", FIRST_DAY);
        person.barred[0].email = world.address();
        world.plant(&person)
    }),
    case(dynamics, |world| {
        let mut person = world.gone();
        person.barred.clear();
        world.plant(&person)
    }),
    // All e-mail is barred, bulk e-mail is not.
    case(dynamics, |world| {
        let mut person = world.active();
        person.contact.as_mut().expect("a contact").barred = true;
        world.bar(&mut person, "", FIRST_DAY);
        world.plant(&person)
    }),
    // Preferences of single lists.
    case(dynamics, |world| {
        let mut person = world.active();
        world.bar(&mut person, "Newsletter", FIRST_DAY);
        for (list, choice) in [("Newsletter", "In"), ("Events", "Out"), ("Gala", "In")] {
            let id = world.guid(10);
            person.preferences.push(Preference { id, list, choice });
        }
        world.plant(&person)
    }),
    // Two contacts with one address, one of them made anew.
    Case {
        contacts: 2,
        ..case(always, |world| {
            let (mut person, twin) = world.twins();
            person.contact.as_mut().expect("a contact").out = true;
            world.plant_twins(&person, &twin)
        })
    },
    Case {
        contacts: 2,
        ..case(always, |world| {
            let (mut person, twin) = world.twins();
            let day = world.day();
            person.leave_everything(day);
            if world.wanted.crm == Crm::Dynamics {
                world.bar(&mut person, "", day);
            }
            world.plant_twins(&person, &twin)
        })
    },
    Case {
        contacts: 2,
        ..case(always, |world| {
            let (person, twin) = world.twins();
            world.plant_twins(&person, &twin)
        })
    },
    // Dates and rows that cannot be taken as they are.
    case(source, |world| {
        let mut person = world.gone();
        let of = world.one_of(&person);
        let (rule, cell) = world.pick(&[("DAT605", "see memo"), ("DAT606", "05/01/2031")]);
        let mut constituent = person.constituents.remove(of);
        constituent.out_on = None;
        world.exports.boxed(&person, &constituent, if constituent.source == Source::RaisersEdge { "Yes" } else { "Y" }, cell)?;
        let record = world.record_at(&person, constituent.source);
        let email = person.email.clone();
        world.finds_cell(rule, &person, &email, "opt_out_at", record);
        world.plant_beside(&person, constituent)
    }),
    case(source, |world| {
        let person = world.active();
        let of = world.one_of(&person);
        let constituent = person.constituents[of].clone();
        let no = if constituent.source == Source::RaisersEdge { "No" } else { "N" };
        world.exports.boxed(&person, &constituent, no, "")?;
        let (record, email) = (world.record_of(&person, of), person.email.clone());
        world.finds_cell("DAT607", &person, &email, "source_id", record);
        world.plant(&person)
    }),
    // Anything at all.
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
