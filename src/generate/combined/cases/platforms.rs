//! What the platforms say: one state a subscriber, or one a list.

use super::super::FIRST_DAY;
use super::super::person::{Membership, State, Suppression};
use super::{Case, active, active_campaign, campaign_monitor, case, cloud, lists};
use crate::generate::truth::Discrepancy;

/// The cases.
pub const CASES: &[Case] = &[
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
];
