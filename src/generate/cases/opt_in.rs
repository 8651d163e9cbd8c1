//! OPT107 and OPT108: opted back in with proof; and the opt-ins that prove nothing.

use super::super::person::Person;
use super::super::person::Side::{Crm, Marketing, Source};
use super::super::values::{DAY, HOUR, When};
use super::super::world::World;
use super::{Case, case};

pub static CASES: &[Case] = &[
    case("opted back in, source still out by the box", 12, 1, &["OPT107"], |world| {
        let day = world.day();
        let mut person = world.active();
        person.tick_source_box(When::On(day));
        person.opt_in(When::At((day + 30) * DAY));
        person.finds("OPT107", Crm, Source);
        world.plant(person);
    }),
    case("opted back in, source still out by a dated code", 6, 1, &["OPT107"], |world| {
        let day = world.day();
        let mut person = world.active();
        person.add_code("NE", When::On(day));
        person.opt_in(When::At((day + 30) * DAY + HOUR));
        person.finds("OPT107", Crm, Source);
        world.plant(person);
    }),
    case("opted back in two midnights after a bare date's end", 4, 1, &["OPT107"], |world| {
        let day = world.day();
        let mut person = world.active();
        person.tick_source_box(When::On(day));
        person.opt_in(When::At((day + 3) * DAY));
        person.finds("OPT107", Crm, Source);
        world.plant(person);
    }),
    case("lead opted back in the day after, two bare dates", 4, 0, &["OPT107"], |world| {
        let day = world.day();
        let mut lead = world.lead();
        lead.tick_source_box(When::On(day));
        lead.opt_in(When::On(day + 1));
        lead.finds("OPT107", Crm, Source);
        world.plant(lead);
    }),
    case("opted back in, source and marketing still out", 10, 1, &["OPT107", "OPT108"], |world| {
        let day = world.day();
        let mut person = world.active();
        person.tick_source_box(When::On(day));
        person.unsubscribe(When::At(day * DAY + 15 * HOUR));
        person.opt_in(When::At((day + 60) * DAY));
        person.finds("OPT107", Crm, Source);
        person.finds("OPT108", Crm, Marketing);
        world.plant(person);
    }),
    case("opted back in, still unsubscribed", 12, 1, &["OPT108"], |world| {
        unsubscribed_then_opted_in(world, 20 * DAY, true);
    }),
    case("opted back in 26 hours after the unsubscribe", 4, 1, &["OPT108"], |world| {
        unsubscribed_then_opted_in(world, 26 * HOUR, true);
    }),
    case("opted in 20 hours after the unsubscribe", 4, 1, &["OPT105", "OPT106", "CAT301"], |world| {
        unsubscribed_then_opted_in(world, 20 * HOUR, false);
    }),
    case("opted in exactly 24 hours after the unsubscribe", 3, 1, &["OPT105", "OPT106", "CAT301"], |world| {
        unsubscribed_then_opted_in(world, 24 * HOUR, false);
    }),
    case("opted in before the unsubscribe", 10, 1, &["OPT105", "OPT106", "CAT301"], |world| {
        unsubscribed_then_opted_in(world, -40 * DAY, false);
    }),
    case("opted in, unsubscribe undated", 6, 1, &["OPT105", "OPT106", "CAT301"], |world| {
        let at = world.moment();
        let mut person = world.active();
        person.unsubscribe(When::Blank);
        person.opt_in(When::At(at));
        loses_to_marketing(&mut person);
        world.plant(person);
    }),
    case("opted back in, held before", 6, 1, &["OPT108"], |world| {
        let at = world.moment();
        let mut person = held(world, at);
        person.opt_in(When::At(at + 30 * DAY));
        person.constituent.email_status = "Bounced";
        person.finds("OPT108", Crm, Marketing);
        world.plant(person);
    }),
    case("opted in, held since", 6, 1, &["BNC202", "BNC204"], |world| {
        let at = world.moment();
        let mut person = held(world, at);
        person.opt_in(When::At(at - 30 * DAY));
        person.finds("BNC202", Marketing, Crm);
        person.finds("BNC204", Marketing, Source);
        world.plant(person);
    }),
    case("opted in, bounced at an unknown time", 6, 1, &["BNC201"], |world| {
        let at = world.moment();
        let mut person = world.active();
        person.subscriber.status = "Bounced";
        person.constituent.email_status = "Bounced";
        person.opt_in(When::At(at));
        person.finds("BNC201", Marketing, Crm);
        world.plant(person);
    }),
    case("opt-in without evidence", 10, 1, &["OPT103", "OPT104", "CAT301"], |world| {
        let day = world.day();
        let mut person = world.active();
        person.tick_source_box(When::On(day));
        person.contact.opted_in_at = When::At((day + 30) * DAY);
        loses_to_source(&mut person);
        world.plant(person);
    }),
    case("opt-in against an undated box", 8, 1, &["OPT103", "OPT104", "CAT301"], |world| {
        let at = world.moment();
        let mut person = world.active();
        person.tick_source_box(When::Blank);
        person.opt_in(When::At(at));
        loses_to_source(&mut person);
        world.plant(person);
    }),
    case("opt-in against an undated code", 4, 1, &["OPT103", "OPT104", "CAT301"], |world| {
        let at = world.moment();
        let mut person = world.active();
        person.add_code("NE", When::Blank);
        person.opt_in(When::At(at));
        loses_to_source(&mut person);
        world.plant(person);
    }),
    // The day ends in Denver at 06:00 or 07:00 UTC; 20:00 UTC is later by less than a day.
    case("opted in the evening after a bare date", 4, 1, &["OPT103", "OPT104", "CAT301"], |world| {
        let day = world.day();
        let mut person = world.active();
        person.tick_source_box(When::On(day));
        person.opt_in(When::At((day + 1) * DAY + 20 * HOUR));
        loses_to_source(&mut person);
        world.plant(person);
    }),
    case("lead opted in the same day, two bare dates", 3, 0, &["OPT103", "OPT104", "CAT301"], |world| {
        let day = world.day();
        let mut lead = world.lead();
        lead.tick_source_box(When::On(day));
        lead.opt_in(When::On(day));
        loses_to_source(&mut lead);
        world.plant(lead);
    }),
    case("opt-in beats the source but not the unsubscribe", 6, 1, &["OPT103", "OPT105"], |world| {
        let day = world.day();
        let mut person = world.active();
        person.clear_categories();
        person.tick_source_box(When::On(day));
        person.opt_in(When::At((day + 30) * DAY));
        person.unsubscribe(When::At((day + 50) * DAY));
        person.finds("OPT103", Source, Crm);
        person.finds("OPT105", Marketing, Crm);
        world.plant(person);
    }),
    case("opt-in beside a status that nobody can read", 4, 1, &["OPT103", "DAT604"], |world| {
        let day = world.day();
        let mut person = world.active();
        person.clear_categories();
        person.tick_source_box(When::On(day));
        person.opt_in(When::At((day + 30) * DAY));
        person.subscriber.status = "Actif";
        person.finds("OPT103", Source, Crm);
        person.finds_alone("DAT604", "status", Marketing);
        world.plant(person);
    }),
];

fn unsubscribed_then_opted_in(world: &mut World, later: i64, wins: bool) {
    let at = world.moment();
    let mut person = world.active();
    person.unsubscribe(When::At(at));
    person.opt_in(When::At(at + later));
    if wins {
        person.finds("OPT108", Crm, Marketing);
    } else {
        loses_to_marketing(&mut person);
    }
    world.plant(person);
}

fn loses_to_marketing(person: &mut Person) {
    person.finds("OPT105", Marketing, Crm);
    person.finds("OPT106", Marketing, Source);
    person.finds_categories_on();
}

fn loses_to_source(person: &mut Person) {
    person.finds("OPT103", Source, Crm);
    person.finds("OPT104", Source, Marketing);
    person.finds_categories_on();
}

fn held(world: &mut World, at: i64) -> Person {
    let mut person = world.active();
    person.subscriber.status = "Held";
    person.subscriber.undeliverable_at = When::At(at);
    person
}
