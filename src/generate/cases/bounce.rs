//! BNC201 to BNC204: what the systems know of undeliverable addresses.

use super::super::person::Person;
use super::super::person::Side::{Crm, Marketing, Source};
use super::super::values::{Key, When};
use super::super::world::World;
use super::{Case, case};

pub static CASES: &[Case] = &[
    case("bounced in marketing, known to source", 40, 1, &["BNC201"], |world| {
        let mut person = bounced(world);
        person.constituent.email_status = "Invalid";
        person.finds("BNC201", Marketing, Crm);
        world.plant(person);
    }),
    case("bounced in marketing, known to nobody", 40, 1, &["BNC201", "BNC204"], |world| {
        let mut person = bounced(world);
        person.finds("BNC201", Marketing, Crm);
        person.finds("BNC204", Marketing, Source);
        world.plant(person);
    }),
    case("bounced under an address as key", 15, 1, &["BNC201", "BNC204"], |world| {
        let mut person = bounced(world);
        person.subscriber.status = "Bounced (Returned)";
        person.subscriber.key = Key::Address(person.contact.email.address().expect("active people have one"));
        person.finds("BNC201", Marketing, Crm);
        person.finds("BNC204", Marketing, Source);
        world.plant(person);
    }),
    case("held in marketing, known to source", 40, 1, &["BNC202"], |world| {
        let mut person = held(world);
        person.constituent.email_status = "Bounced";
        person.finds("BNC202", Marketing, Crm);
        world.plant(person);
    }),
    case("held in marketing, blank in source", 40, 1, &["BNC202", "BNC204"], |world| {
        let mut person = held(world);
        person.constituent.email_status = "";
        person.finds("BNC202", Marketing, Crm);
        person.finds("BNC204", Marketing, Source);
        world.plant(person);
    }),
    case("flagged in CRM, active in marketing", 40, 1, &["BNC203"], |world| {
        let at = When::At(world.moment());
        let mut person = world.active();
        person.flag_in_crm(at);
        person.finds("BNC203", Crm, Marketing);
        world.plant(person);
    }),
    case("flagged in CRM by the reason alone", 15, 1, &["BNC203"], |world| {
        let mut person = world.active();
        person.flag_in_crm(When::Blank);
        person.finds("BNC203", Crm, Marketing);
        world.plant(person);
    }),
    case("flagged in CRM by the date alone", 15, 1, &["BNC203"], |world| {
        let at = world.moment();
        let mut person = world.active();
        person.contact.bounced_at = When::At(at);
        person.finds("BNC203", Crm, Marketing);
        world.plant(person);
    }),
    case("bounced in marketing, flagged in CRM, good in source", 30, 1, &["BNC204"], |world| {
        let at = When::At(world.moment());
        let mut person = bounced(world);
        person.flag_in_crm(at);
        person.constituent.email_status = "Valid";
        person.finds("BNC204", Marketing, Source);
        world.plant(person);
    }),
    case("held in marketing, flagged in CRM, good in source", 30, 1, &["BNC204"], |world| {
        let at = When::At(world.moment());
        let mut person = held(world);
        person.flag_in_crm(at);
        person.finds("BNC204", Marketing, Source);
        world.plant(person);
    }),
    case("bounced in marketing, opted out elsewhere", 10, 1, &["OPT102", "OPT104", "BNC201"], |world| {
        let mut person = world.opted_out();
        person.subscriber.status = "Bounced";
        person.subscriber.unsubscribed_at = When::Blank;
        person.constituent.email_status = "Bounced";
        person.finds("OPT102", Crm, Marketing);
        person.finds("OPT104", Source, Marketing);
        person.finds("BNC201", Marketing, Crm);
        world.plant(person);
    }),
    case("held in marketing, opted out elsewhere", 10, 1, &["BNC202"], |world| {
        let at = When::At(world.moment());
        let mut person = world.opted_out();
        person.subscriber.status = "Undeliverable";
        person.subscriber.unsubscribed_at = When::Blank;
        person.subscriber.undeliverable_at = at;
        person.constituent.email_status = "Bounced";
        person.finds("BNC202", Marketing, Crm);
        world.plant(person);
    }),
    case("bounced in marketing, good in source, unknown to CRM", 10, 0, &["BNC204", "IDN505"], |world| {
        let mut person = world.stranger();
        person.subscriber.status = "Bounced";
        person.finds("BNC204", Marketing, Source);
        person.finds_alone("IDN505", "", Marketing);
        person.finds_alone("IDN505", "", Source);
        world.plant(person);
    }),
];

fn bounced(world: &mut World) -> Person {
    let mut person = world.active();
    person.subscriber.status = "Bounced";
    person
}

fn held(world: &mut World) -> Person {
    let at = When::At(world.moment());
    let mut person = world.active();
    person.subscriber.status = "Held";
    person.subscriber.undeliverable_at = at;
    person
}
