//! IDN503 to IDN506: keys and addresses that point elsewhere, or nowhere.

use super::super::person::Person;
use super::super::person::Side::{Crm, Marketing, Source};
use super::super::values::{Email, Key, When};
use super::{Case, case};

pub static CASES: &[Case] = &[
    case("another address in marketing", 30, 1, &["IDN503"], |world| {
        let mut person = world.active();
        person.subscriber.email = Email::Plain(world.address());
        person.finds("IDN503", Crm, Marketing);
        world.plant(person);
    }),
    case("another address in source", 30, 1, &["IDN503"], |world| {
        let mut person = world.active();
        person.constituent.email = Email::Plain(world.address());
        person.finds("IDN503", Crm, Source);
        world.plant(person);
    }),
    case("another address in source, known by constituent id alone", 10, 1, &["IDN503"], |world| {
        let mut person = world.active();
        person.constituent.contact = Key::Blank;
        person.constituent.email = Email::Plain(world.address());
        person.finds("IDN503", Crm, Source);
        world.plant(person);
    }),
    case("another address in marketing and source", 10, 1, &["IDN503"], |world| {
        let mut person = world.active();
        let elsewhere = Email::Plain(world.address());
        person.subscriber.email = elsewhere;
        person.constituent.email = elsewhere;
        person.finds("IDN503", Crm, Marketing);
        person.finds("IDN503", Crm, Source);
        world.plant(person);
    }),
    case("another address in marketing, unsubscribed there", 8, 1, &["IDN503", "OPT105", "OPT106"], |world| {
        let at = world.moment();
        let mut person = world.active();
        person.clear_categories();
        person.subscriber.email = Email::Plain(world.address());
        person.unsubscribe(When::At(at));
        person.finds("IDN503", Crm, Marketing);
        person.finds("OPT105", Marketing, Crm);
        person.finds("OPT106", Marketing, Source);
        world.plant(person);
    }),
    case("a subscriber with another contact's address", 10, 2, &["IDN504"], |world| {
        let (mut one, other) = (world.active(), world.active());
        one.subscriber.email = other.contact.email;
        one.finds_alone("IDN504", "", Marketing);
        world.plant_all([one, other]);
    }),
    case("a constituent of one contact that another names", 8, 2, &["IDN504"], |world| {
        let (mut one, mut other) = (world.active(), world.active());
        other.contact.source_id = one.contact.source_id.take();
        one.finds_alone("IDN504", "", Source);
        world.plant_all([one, other]);
    }),
    case("a constituent by its id with another contact's address", 8, 2, &["IDN504"], |world| {
        let (mut one, other) = (world.active(), world.active());
        one.constituent.contact = Key::Blank;
        one.constituent.email = other.contact.email;
        one.finds_alone("IDN504", "", Source);
        world.plant_all([one, other]);
    }),
    case("a subscriber whose contact is gone", 30, 0, &["IDN505"], |world| {
        let mut person = world.stranger();
        person.leave_out(Source);
        person.finds_alone("IDN505", "", Marketing);
        world.plant(person);
    }),
    case("a subscriber by address that CRM does not know", 20, 0, &["IDN505"], |world| {
        let mut person = world.stranger();
        person.leave_out(Source);
        keyed_by_address(&mut person);
        person.unsubscribe(When::Blank);
        person.finds_alone("IDN505", "", Marketing);
        world.plant(person);
    }),
    case("a constituent that CRM does not know", 30, 0, &["IDN505"], |world| {
        let mut person = world.stranger();
        person.leave_out(Marketing);
        person.finds_alone("IDN505", "", Source);
        world.plant(person);
    }),
    case("a constituent without an address that CRM does not know", 8, 0, &["IDN505"], |world| {
        let mut person = world.stranger();
        person.leave_out(Marketing);
        person.constituent.email = Email::Blank;
        person.finds_alone("IDN505", "", Source);
        world.plant(person);
    }),
    case("constituent and subscriber that CRM does not know", 10, 0, &["IDN505"], |world| {
        let mut person = world.stranger();
        unknown_twice(&mut person);
        world.plant(person);
    }),
    case("opted out in source, mailed, unknown to CRM", 12, 0, &["OPT104", "CAT301", "IDN505"], |world| {
        let on = When::On(world.day());
        let mut person = world.stranger();
        keyed_by_address(&mut person);
        person.tick_source_box(on);
        person.finds("OPT104", Source, Marketing);
        person.finds_categories_on();
        unknown_twice(&mut person);
        world.plant(person);
    }),
    case("unsubscribed, active in source, unknown to CRM", 12, 0, &["OPT106", "CAT301", "IDN505"], |world| {
        let at = world.moment();
        let mut person = world.stranger();
        person.unsubscribe(When::At(at));
        person.finds("OPT106", Marketing, Source);
        person.finds_categories_on();
        unknown_twice(&mut person);
        world.plant(person);
    }),
    case("a contact without a constituent", 40, 1, &["IDN506"], |world| {
        let mut person = world.active();
        without_constituent(&mut person);
        world.plant(person);
    }),
    case("a lead without a constituent", 20, 0, &["IDN506"], |world| {
        let mut lead = world.lead();
        without_constituent(&mut lead);
        world.plant(lead);
    }),
    case("a contact that names a constituent who is not there", 8, 1, &["IDN506"], |world| {
        let mut person = world.active();
        person.leave_out(Source);
        person.finds_alone("IDN506", "", Crm);
        world.plant(person);
    }),
    case("an unsubscribed contact without a constituent", 12, 1, &["IDN506", "OPT105", "CAT301"], |world| {
        let at = world.moment();
        let mut person = world.active();
        without_constituent(&mut person);
        person.unsubscribe(When::At(at));
        person.finds("OPT105", Marketing, Crm);
        person.finds_categories_on();
        world.plant(person);
    }),
];

fn keyed_by_address(person: &mut Person) {
    person.subscriber.key = Key::Address(person.subscriber.email.address().expect("strangers have one"));
}

fn unknown_twice(person: &mut Person) {
    person.finds_alone("IDN505", "", Marketing);
    person.finds_alone("IDN505", "", Source);
}

fn without_constituent(person: &mut Person) {
    person.contact.source_id = None;
    person.leave_out(Source);
    person.finds_alone("IDN506", "", Crm);
}
