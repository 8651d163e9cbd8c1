//! OPT101 to OPT106: opted out here, active there.

use super::super::categories::{ATHLETICS, Categories, EVENTS};
use super::super::person::Person;
use super::super::person::Side::{Crm, Marketing, Source};
use super::super::values::{Email, Key, When};
use super::super::world::World;
use super::{Case, case};

pub static CASES: &[Case] = &[
    case("opted out in CRM alone", 45, 1, &["OPT101", "OPT102"], |world| {
        let mut person = world.active();
        person.contact.opted_out = true;
        person.clear_categories();
        person.finds("OPT101", Crm, Source);
        person.finds("OPT102", Crm, Marketing);
        world.plant(person);
    }),
    case("opted out in CRM alone, categories still on", 40, 1, &["OPT101", "OPT102", "CAT301"], |world| {
        let mut person = world.active();
        person.contact.opted_out = true;
        person.set_categories(Categories::of(&[EVENTS, ATHLETICS]));
        person.finds("OPT101", Crm, Source);
        person.finds("OPT102", Crm, Marketing);
        person.finds_categories_on();
        world.plant(person);
    }),
    case("lead opted out in CRM alone", 15, 0, &["OPT101", "OPT102"], |world| {
        let mut lead = world.lead();
        lead.contact.opted_out = true;
        lead.clear_categories();
        lead.finds("OPT101", Crm, Source);
        lead.finds("OPT102", Crm, Marketing);
        world.plant(lead);
    }),
    case("opted out in CRM, source active, never a subscriber", 30, 1, &["OPT101"], |world| {
        let mut person = world.active();
        person.contact.opted_out = true;
        person.clear_categories();
        person.leave_out(Marketing);
        person.finds("OPT101", Crm, Source);
        world.plant(person);
    }),
    case("opted out in CRM, source active, removed from marketing", 15, 1, &["OPT101"], |world| {
        let mut person = world.active();
        person.contact.opted_out = true;
        person.clear_categories();
        person.subscriber.status = "Deleted";
        person.finds("OPT101", Crm, Source);
        world.plant(person);
    }),
    case("opted out in CRM, source active, held in marketing", 15, 1, &["OPT101"], |world| {
        let at = When::At(world.moment());
        let mut person = world.active();
        person.contact.opted_out = true;
        person.clear_categories();
        person.flag_in_crm(at);
        person.subscriber.status = "Held";
        person.subscriber.undeliverable_at = at;
        person.constituent.email_status = "Bounced";
        person.finds("OPT101", Crm, Source);
        world.plant(person);
    }),
    case("opted out in CRM and marketing, source active", 40, 1, &["OPT101", "OPT106"], |world| {
        let at = world.moment();
        let mut person = world.active();
        person.contact.opted_out = true;
        person.clear_categories();
        person.unsubscribe(When::At(at));
        person.finds("OPT101", Crm, Source);
        person.finds("OPT106", Marketing, Source);
        world.plant(person);
    }),
    case("opted out in CRM and source, marketing active", 45, 1, &["OPT102", "OPT104"], |world| {
        let mut person = world.opted_out();
        person.subscriber.status = "Active";
        person.subscriber.unsubscribed_at = When::Blank;
        person.finds("OPT102", Crm, Marketing);
        person.finds("OPT104", Source, Marketing);
        world.plant(person);
    }),
    case("opted out in CRM and source, bounced in marketing", 15, 1, &["OPT102", "OPT104"], |world| {
        let at = When::At(world.moment());
        let mut person = world.opted_out();
        person.flag_in_crm(at);
        person.subscriber.status = "Bounced";
        person.subscriber.unsubscribed_at = When::Blank;
        person.constituent.email_status = "Bounced";
        person.finds("OPT102", Crm, Marketing);
        person.finds("OPT104", Source, Marketing);
        world.plant(person);
    }),
    case("opted out in source by the box", 40, 1, &["OPT103", "OPT104", "CAT301"], |world| {
        let on = When::On(world.day());
        source_alone(world, "Y", on, &[]);
    }),
    case("opted out in source by the box, undated", 25, 1, &["OPT103", "OPT104", "CAT301"], |world| {
        source_alone(world, "Y", When::Blank, &[]);
    }),
    case("opted out in source by code NE", 25, 1, &["OPT103", "OPT104", "CAT301"], |world| {
        source_alone(world, "N", When::Blank, &["NE"]);
    }),
    case("opted out in source by code NC, box blank", 15, 1, &["OPT103", "OPT104", "CAT301"], |world| {
        source_alone(world, "", When::Blank, &["NC"]);
    }),
    case("opted out in source by a code of the AWR series", 15, 1, &["OPT103", "OPT104", "CAT301"], |world| {
        source_alone(world, "N", When::Blank, &["AWR1"]);
    }),
    case("opted out in source by one of two codes", 10, 1, &["OPT103", "OPT104", "CAT301"], |world| {
        source_alone(world, "N", When::Blank, &["NES", "NE"]);
    }),
    case("opted out in source by a code that ends later", 10, 1, &["OPT103", "OPT104"], |world| {
        let start = When::On(world.day());
        let mut person = world.active();
        person.clear_categories();
        person.add_code("NE", start);
        person.codes[0].end = When::On(21_000);
        person.codes[0].status = "";
        person.finds("OPT103", Source, Crm);
        person.finds("OPT104", Source, Marketing);
        world.plant(person);
    }),
    case("opted out in source, active in CRM, never a subscriber", 20, 1, &["OPT103"], |world| {
        let on = When::On(world.day());
        let mut person = world.active();
        person.clear_categories();
        person.leave_out(Marketing);
        person.tick_source_box(on);
        person.finds("OPT103", Source, Crm);
        world.plant(person);
    }),
    case("opted out in source and marketing, active in CRM", 40, 1, &["OPT103", "OPT105"], |world| {
        let mut person = world.opted_out();
        person.contact.opted_out = false;
        person.finds("OPT103", Source, Crm);
        person.finds("OPT105", Marketing, Crm);
        world.plant(person);
    }),
    case("unsubscribed in marketing alone", 50, 1, &["OPT105", "OPT106"], |world| {
        let mut person = world.active();
        person.clear_categories();
        marketing_alone(&mut person, world.moment());
        world.plant(person);
    }),
    case("unsubscribed in marketing alone, categories still on", 50, 1, &["OPT105", "OPT106", "CAT301"], |world| {
        let mut person = world.active();
        marketing_alone(&mut person, world.moment());
        person.finds_categories_on();
        world.plant(person);
    }),
    case("unsubscribed in marketing alone, undated", 15, 1, &["OPT105", "OPT106"], |world| {
        let mut person = world.active();
        person.clear_categories();
        marketing_alone(&mut person, 0);
        person.subscriber.unsubscribed_at = When::Blank;
        person.subscriber.status = "unsub";
        world.plant(person);
    }),
    case("unsubscribed lead, active elsewhere", 10, 0, &["OPT105", "OPT106"], |world| {
        let mut lead = world.lead();
        lead.clear_categories();
        marketing_alone(&mut lead, world.moment());
        world.plant(lead);
    }),
    case("unsubscribed under a key of 15 characters", 15, 1, &["OPT105", "OPT106"], |world| {
        let mut person = world.active();
        person.clear_categories();
        person.subscriber.key = Key::Short(person.contact.id);
        marketing_alone(&mut person, world.moment());
        world.plant(person);
    }),
    case("unsubscribed under a key that lost its case", 15, 1, &["OPT105", "OPT106"], |world| {
        let mut person = world.active();
        person.clear_categories();
        let id = person.contact.id;
        person.subscriber.key = world.pick(&[Key::Upper(id), Key::Lower(id)]);
        marketing_alone(&mut person, world.moment());
        world.plant(person);
    }),
    case("unsubscribed under an address as key", 15, 1, &["OPT105", "OPT106"], |world| {
        let mut person = world.active();
        person.clear_categories();
        person.subscriber.key = Key::Address(person.contact.email.address().expect("active people have one"));
        marketing_alone(&mut person, world.moment());
        world.plant(person);
    }),
    case("unsubscribed at the campus address", 15, 1, &["OPT105", "OPT106"], |world| {
        let mut person = world.active();
        let campus = world.address();
        person.clear_categories();
        person.contact.campus = Email::Plain(campus);
        person.subscriber.email = Email::Plain(campus);
        person.subscriber.key = Key::Number(campus.number);
        marketing_alone(&mut person, world.moment());
        world.plant(person);
    }),
];

fn source_alone(world: &mut World, cell: &'static str, on: When, codes: &[&'static str]) {
    let mut person = world.active();
    person.constituent.opt_out = cell;
    person.constituent.opted_out_on = on;
    for &code in codes {
        let start = When::On(world.day());
        person.add_code(code, start);
    }
    person.finds("OPT103", Source, Crm);
    person.finds("OPT104", Source, Marketing);
    person.finds_categories_on();
    world.plant(person);
}

fn marketing_alone(person: &mut Person, at: i64) {
    person.unsubscribe(When::At(at));
    person.finds("OPT105", Marketing, Crm);
    person.finds("OPT106", Marketing, Source);
}
