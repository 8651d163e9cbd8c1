//! OPT110: a business unit's unsubscribe, which speaks for the person, beside the enterprise's status.

use super::super::person::Person;
use super::super::person::Side::{Crm, Marketing, Source};
use super::super::person::Unit;
use super::super::values::{DAY, When};
use super::super::world::World;
use super::{Case, case};

/// The numbers of the business units.
pub const UNITS: [&str; 3] = ["7221001", "7221002", "7221003"];

pub static CASES: &[Case] = &[
    case("unsubscribed in a unit, active elsewhere", 25, 1, &["OPT105", "OPT106", "OPT110"], |world| {
        let mut person = world.active();
        person.clear_categories();
        let unit = leave_a_unit(world, &mut person);
        at_odds_with_all(&mut person, unit);
        world.plant(person);
    }),
    case("unsubscribed in a unit, categories still on", 20, 1, &["OPT105", "OPT106", "OPT110", "CAT301"], |world| {
        let mut person = world.active();
        let unit = leave_a_unit(world, &mut person);
        at_odds_with_all(&mut person, unit);
        person.finds_categories_on();
        world.plant(person);
    }),
    case("unsubscribed in two units", 10, 1, &["OPT105", "OPT106", "OPT110"], |world| {
        let mut person = world.active();
        person.clear_categories();
        for unit in [UNITS[0], UNITS[2]] {
            leave(world, &mut person, unit);
            at_odds_with_all(&mut person, unit);
        }
        world.plant(person);
    }),
    case("unsubscribed in a unit, opted out in CRM and source", 15, 1, &["OPT102", "OPT104", "OPT110"], |world| {
        let mut person = world.opted_out();
        person.subscriber.status = "Active";
        person.subscriber.unsubscribed_at = When::Blank;
        let unit = leave_a_unit(world, &mut person);
        person.finds("OPT102", Crm, Marketing);
        person.finds("OPT104", Source, Marketing);
        person.finds_on("OPT110", unit, Marketing, Marketing);
        world.plant(person);
    }),
    case("unsubscribed in a unit, blank in source", 8, 1, &["OPT105", "OPT109", "OPT110"], |world| {
        let mut person = world.active();
        person.clear_categories();
        person.constituent.opt_out = "";
        let unit = leave_a_unit(world, &mut person);
        person.finds_on("OPT105", unit, Marketing, Crm);
        person.finds_on("OPT109", unit, Source, Marketing);
        person.finds_on("OPT110", unit, Marketing, Marketing);
        world.plant(person);
    }),
    case("unsubscribed in a unit, bounced at the enterprise", 8, 1, &["OPT105", "OPT106", "OPT110"], |world| {
        let mut person = undeliverable(world, "Bounced");
        let unit = leave_a_unit(world, &mut person);
        at_odds_with_all(&mut person, unit);
        world.plant(person);
    }),
    case("unsubscribed in a unit, held at the enterprise", 8, 1, &["OPT105", "OPT106"], |world| {
        let mut person = undeliverable(world, "Held");
        let unit = leave_a_unit(world, &mut person);
        person.finds_on("OPT105", unit, Marketing, Crm);
        person.finds_on("OPT106", unit, Marketing, Source);
        world.plant(person);
    }),
    case("unsubscribed in a unit, blank at the enterprise", 5, 1, &["OPT105", "OPT106"], |world| {
        let mut person = world.active();
        person.clear_categories();
        person.subscriber.status = "";
        let unit = leave_a_unit(world, &mut person);
        person.finds_on("OPT105", unit, Marketing, Crm);
        person.finds_on("OPT106", unit, Marketing, Source);
        world.plant(person);
    }),
    case("unsubscribed in a unit, not in the enterprise's export", 5, 1, &["OPT105", "OPT106"], |world| {
        let mut person = world.active();
        person.clear_categories();
        person.leave_out(Marketing);
        let unit = leave_a_unit(world, &mut person);
        person.finds_on("OPT105", unit, Marketing, Crm);
        person.finds_on("OPT106", unit, Marketing, Source);
        world.plant(person);
    }),
    case("unsubscribed in a unit, opted back in since", 6, 1, &["OPT108", "OPT110"], |world| {
        let at = world.moment();
        let mut person = world.active();
        person.units.push(Unit { unit: UNITS[1], at: When::At(at), reason: "Unsubscribe link" });
        person.opt_in(When::At(at + 30 * DAY));
        person.finds_on("OPT108", UNITS[1], Crm, Marketing);
        person.finds_on("OPT110", UNITS[1], Marketing, Marketing);
        world.plant(person);
    }),
];

/// Puts the person on the list of those who left a unit, and says which.
pub fn leave_a_unit(world: &mut World, person: &mut Person) -> &'static str {
    let unit = world.pick(&UNITS);
    leave(world, person, unit);
    unit
}

fn leave(world: &mut World, person: &mut Person, unit: &'static str) {
    let at = When::At(world.moment());
    let reason = world.pick(&["Unsubscribe link", "Complaint", ""]);
    person.units.push(Unit { unit, at, reason });
}

fn at_odds_with_all(person: &mut Person, unit: &'static str) {
    person.finds_on("OPT105", unit, Marketing, Crm);
    person.finds_on("OPT106", unit, Marketing, Source);
    person.finds_on("OPT110", unit, Marketing, Marketing);
}

/// Known everywhere as undeliverable, without categories.
fn undeliverable(world: &mut World, status: &'static str) -> Person {
    let at = When::At(world.moment());
    let mut person = world.active();
    person.clear_categories();
    person.flag_in_crm(at);
    person.subscriber.status = status;
    person.constituent.email_status = "Bounced";
    person
}
