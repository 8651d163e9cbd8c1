//! A person's own word: in the CRM, in a source, by a code; categories; who is known where.

use super::super::person::{Box, Code, Means};
use super::super::wanted::Crm;
use super::super::{AS_OF, FIRST_DAY};
use super::{BACK, Case, active, always, case, clean, salesforce, source};

/// The cases.
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
    case(source, |world| {
        let mut person = world.active();
        let of = world.one_of(&person);
        person.constituent(of).other_email = Some("no e-mail".to_owned());
        let record = world.record_of(&person, of);
        world.finds_cell("DAT601", &person, "", "email", record);
        world.plant(&person)
    }),
    // The address is somebody else's.
    Case {
        contacts: 2,
        ..case(source, |world| {
            let (mut person, other) = (world.active(), world.active());
            let of = world.one_of(&person);
            person.constituent(of).other_email = Some(other.email.clone());
            let (record, email) = (world.record_of(&person, of), person.email.clone());
            world.finds_cell("IDN504", &person, &email, "", record);
            world.plant(&person)?;
            world.plant(&other)
        })
    },
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
];
