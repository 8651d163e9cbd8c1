//! What the CRM alone can say: bounces, opt-ins, ClickDimensions' records, and an address that two contacts have.

use super::super::FIRST_DAY;
use super::super::exports::{BY_CONTACT, BY_CONTACT_HEADER};
use super::super::person::Preference;
use super::super::wanted::Crm;
use super::{BACK, Case, always, case, cloud, dynamics, salesforce, source};

/// The cases.
pub const CASES: &[Case] = &[
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
            let cells = [person.email.as_str(), "", "Events", "91", "", "", "0", "", "3.00E+17"];
            world.exports.row(BY_CONTACT, &BY_CONTACT_HEADER, &cells)?;
            let email = person.email.clone();
            world.finds_cell("DAT602", &person, &email, "contact_id", ("activecampaign", email.clone()));
            world.plant(&person)
        },
    ),
    // Came back with permission, after everything.
    case(always, |world| {
        let (mut person, day) = (world.active(), world.day());
        world.opt_out_outside_the_box(&mut person, day);
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
            world.opt_out_outside_the_box(&mut person, day);
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
        // A blank preference is In here.
        let blank = world.pick(&["In", ""]);
        for (list, choice) in [("Newsletter", blank), ("Events", "Out"), ("Gala", "In")] {
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
];
