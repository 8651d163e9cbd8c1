//! People about whom there is nothing to say, and near misses: odd at first sight, and right.

use super::super::categories::{ALUMNI_NEWS, ATHLETICS, Categories, EVENTS};
use super::super::person::Person;
use super::super::person::Side::Marketing;
use super::super::values::{Address, DAY, Email, Key, When};
use super::super::world::World;
use super::unit::leave_a_unit;
use super::{Case, case};

const NOTHING: &[&str] = &[];

/// By weight; the most frequent first.
pub static CLEAN: &[Case] = &[
    case("mailed", 5500, 1, NOTHING, |world| {
        let person = world.active();
        world.plant(person);
    }),
    case("mailed, with a code of no concern", 800, 1, NOTHING, |world| {
        let start = When::On(world.day());
        let mut person = world.active();
        person.add_code(world.pick(&["NES", "NS", "MAG"]), start);
        world.plant(person);
    }),
    case("opted out", 800, 1, NOTHING, |world| {
        let person = world.opted_out();
        world.plant(person);
    }),
    case("opted out, left a business unit too", 150, 1, NOTHING, |world| {
        let mut person = world.opted_out();
        leave_a_unit(world, &mut person);
        world.plant(person);
    }),
    case("opted out, in the source by code", 150, 1, NOTHING, |world| {
        let start = When::On(world.day());
        let mut person = world.opted_out();
        person.constituent.opt_out = world.pick(&["", "N", "Y"]);
        person.constituent.opted_out_on = When::Blank;
        person.add_code(world.pick(&["NE", "NC", "AWR1", "AWR2"]), start);
        world.plant(person);
    }),
    case("opted out, not or no longer a subscriber", 150, 1, NOTHING, |world| {
        let mut person = world.opted_out();
        person.subscriber.unsubscribed_at = When::Blank;
        person.subscriber.status = "Deleted";
        if world.below(2) == 0 {
            person.leave_out(Marketing);
        }
        world.plant(person);
    }),
    case("opted out, after an opt-in", 50, 1, NOTHING, |world| {
        let at = world.moment();
        let mut person = world.opted_out();
        person.opt_in(When::At(at));
        world.plant(person);
    }),
    case("opted out, dates unknown", 50, 1, NOTHING, |world| {
        let mut person = world.opted_out();
        person.constituent.opted_out_on = When::Words("(null)");
        person.subscriber.unsubscribed_at = When::Blank;
        world.plant(person);
    }),
    case("bounced everywhere", 200, 1, NOTHING, |world| {
        let status = world.pick(&["Bounced", "bounced", "Bounced (Returned)"]);
        let person = undeliverable(world, status);
        world.plant(person);
    }),
    case("held everywhere", 120, 1, NOTHING, |world| {
        let status = world.pick(&["Held", "Undeliverable", "Held (Undeliverable)"]);
        let at = When::At(world.moment());
        let mut person = undeliverable(world, status);
        person.subscriber.undeliverable_at = at;
        world.plant(person);
    }),
    case("bounced at the campus address", 40, 1, NOTHING, |world| {
        let mut person = world.active();
        let campus = Email::Plain(world.address());
        person.contact.campus = campus;
        person.subscriber.email = campus;
        person.subscriber.status = "Bounced";
        world.plant(person);
    }),
    case("never a subscriber", 250, 1, NOTHING, |world| {
        let mut person = world.active();
        person.leave_out(Marketing);
        world.plant(person);
    }),
    case("removed from marketing", 80, 1, NOTHING, |world| {
        let mut person = world.active();
        person.subscriber.status = "Deleted";
        world.plant(person);
    }),
    case("an opt-out code that has ended", 150, 1, NOTHING, |world| {
        let day = world.day();
        let mut person = world.active();
        person.add_code(world.pick(&["NE", "NC", "AWR1", "ZZQ"]), When::On(day));
        match world.below(2) {
            0 => person.codes[0].end = When::On(day + 60),
            _ => person.codes[0].status = "Inactive",
        }
        world.plant(person);
    }),
    case("a category off by code, and off everywhere", 60, 1, NOTHING, |world| {
        let start = When::On(world.day());
        let mut person = world.active();
        person.set_categories(person.contact.categories.without(ALUMNI_NEWS).with(EVENTS));
        person.add_code("ALX", start);
        world.plant(person);
    }),
    case("a category off by code until that ended, on everywhere", 30, 1, NOTHING, |world| {
        let day = world.day();
        let mut person = world.active();
        person.set_categories(person.contact.categories.with(ALUMNI_NEWS));
        person.add_code("ALX", When::On(day));
        person.codes[0].end = When::On(day + 60);
        world.plant(person);
    }),
    case("a category on by code, on everywhere", 60, 1, NOTHING, |world| {
        let start = When::On(world.day());
        let mut person = world.active();
        person.contact.categories = Categories::of(&[EVENTS, ATHLETICS]);
        person.constituent.categories = Categories::of(&[ATHLETICS]);
        person.add_code("EVI", start);
        world.plant(person);
    }),
    case("mailed at the campus address", 250, 1, NOTHING, |world| {
        let mut person = world.active();
        let campus = Email::Plain(world.address());
        person.contact.campus = campus;
        person.subscriber.email = campus;
        world.plant(person);
    }),
    case("known to the source by address alone", 80, 1, NOTHING, |world| {
        let mut person = world.active();
        person.contact.source_id = None;
        person.constituent.contact = world.pick(&[Key::Blank, Key::Words("-"), Key::Words("NULL")]);
        world.plant(person);
    }),
    case("known to the source by constituent id alone", 80, 1, NOTHING, |world| {
        let mut person = world.active();
        person.constituent.contact = Key::Blank;
        world.plant(person);
    }),
    case("known to the source by contact id alone", 80, 1, NOTHING, |world| {
        let mut person = world.active();
        person.contact.source_id = None;
        world.plant(person);
    }),
    case("ids with 15 characters or without their case", 150, 1, NOTHING, |world| {
        let mut person = world.active();
        let id = person.contact.id;
        let forms = [Key::Short(id), Key::Upper(id), Key::Lower(id)];
        person.constituent.contact = world.pick(&forms);
        person.subscriber.key = world.pick(&forms);
        world.plant(person);
    }),
    case("a subscriber under an address or a number", 150, 1, NOTHING, |world| {
        let mut person = world.active();
        let address = address(&person);
        person.subscriber.key = world.pick(&[Key::Address(address), Key::Number(address.number)]);
        world.plant(person);
    }),
    case("a subscriber under the id of a contact that is gone", 30, 1, NOTHING, |world| {
        let (mut person, gone) = (world.active(), world.active());
        person.subscriber.key = Key::Full(gone.contact.id);
        world.plant(person);
    }),
    case("a constituent with the id of a contact that is gone", 30, 1, NOTHING, |world| {
        let (mut person, gone) = (world.active(), world.active());
        person.constituent.contact = Key::Full(gone.contact.id);
        world.plant(person);
    }),
    case("blank in source, nobody opted out", 100, 1, NOTHING, |world| {
        let mut person = world.active();
        person.constituent.opt_out = world.pick(&["", "-", "NULL"]);
        world.plant(person);
    }),
    case("blank in marketing, nobody opted out", 30, 1, NOTHING, |world| {
        let mut person = world.active();
        person.subscriber.status = "";
        world.plant(person);
    }),
    case("opted in, nothing to beat", 120, 1, NOTHING, |world| {
        let at = world.moment();
        let mut person = world.active();
        person.opt_in(When::At(at));
        world.plant(person);
    }),
    case("no address in CRM", 40, 1, NOTHING, |world| {
        let mut person = world.active();
        person.contact.email = Email::Blank;
        world.plant(person);
    }),
    case("no address in source", 60, 1, NOTHING, |world| {
        let mut person = world.active();
        person.constituent.email = Email::Blank;
        world.plant(person);
    }),
    case("an address in other clothes", 120, 1, NOTHING, |world| {
        let mut person = world.active();
        let address = address(&person);
        person.constituent.email = world.pick(&[Email::Shouted(address), Email::Wrapped(address)]);
        person.subscriber.email = Email::Shouted(address);
        world.plant(person);
    }),
    case("other words for the same", 100, 1, NOTHING, |world| {
        let mut person = world.active();
        person.subscriber.status = world.pick(&["Normal", "active", "ACTIVE"]);
        person.constituent.opt_out = world.pick(&["No", "n", "false", "0"]);
        person.constituent.email_status = world.pick(&["Valid", "", "active"]);
        world.plant(person);
    }),
    case("a second constituent who agrees", 30, 1, NOTHING, |world| {
        let person = world.active();
        let second = world.second_constituent(&person);
        world.files.constituent(&second);
        world.plant(person);
    }),
];

/// A lead on top of the contacts, known to the source by constituent id or by address.
pub fn plant_lead(world: &mut World) {
    let mut lead = world.lead();
    match world.below(8) {
        0 => {
            lead.contact.opted_out = true;
            lead.unsubscribe(When::Blank);
            lead.tick_source_box(When::Blank);
            lead.clear_categories();
        }
        1 => lead.contact.source_id = None,
        2 => lead.constituent.contact = Key::Full(lead.contact.id),
        3 => lead.opt_in(When::On(world.day())),
        4 => lead.leave_out(Marketing),
        _ => {}
    }
    world.plant(lead);
}

/// Known everywhere as undeliverable, and mailed.
fn undeliverable(world: &mut World, status: &'static str) -> Person {
    let at = world.moment();
    let mut person = world.active();
    person.flag_in_crm(When::At(at / DAY * DAY));
    person.subscriber.status = status;
    person.constituent.email_status = world.pick(&["Bounced", "Invalid", "Undeliverable"]);
    person
}

fn address(person: &Person) -> Address {
    person.contact.email.address().expect("active people have one")
}
