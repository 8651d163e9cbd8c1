//! CAT301 to CAT304: categories that are on, off or unknown.

use super::super::categories::{ALUMNI_NEWS, ATHLETICS, Categories, EVENTS, PARENTS_BULLETIN};
use super::super::person::Person;
use super::super::person::Side::{Crm, Marketing, Source};
use super::super::values::When;
use super::super::world::World;
use super::{Case, case};

/// The former name of the first category.
const FORMER: &str = "Alumni Update";

pub static CASES: &[Case] = &[
    case("opted out, categories on in CRM", 40, 1, &["CAT301"], |world| {
        let mut person = world.opted_out();
        person.contact.categories = Categories::of(&[ALUMNI_NEWS, EVENTS]);
        person.finds_categories_on();
        world.plant(person);
    }),
    case("opted out, a category on in source", 30, 1, &["CAT301"], |world| {
        let mut person = world.opted_out();
        person.constituent.categories = Categories::of(&[ATHLETICS]);
        person.finds_categories_on();
        world.plant(person);
    }),
    case("opted out, categories on in both", 20, 1, &["CAT301"], |world| {
        let mut person = world.opted_out();
        person.contact.categories = Categories::of(&[EVENTS]);
        person.constituent.categories = Categories::of(&[EVENTS, ATHLETICS]);
        person.finds_categories_on();
        world.plant(person);
    }),
    case("opted out, a retired category on in CRM", 10, 1, &["CAT301", "CAT303"], |world| {
        let mut person = world.opted_out();
        person.contact.categories = Categories::of(&[PARENTS_BULLETIN]);
        person.finds_categories_on();
        person.finds_alone("CAT303", "Parents Bulletin", Crm);
        world.plant(person);
    }),
    case("opted out, a former name on in CRM", 10, 1, &["CAT301", "CAT303"], |world| {
        let mut person = world.opted_out();
        person.contact.categories = Categories::default().with_extra(FORMER);
        person.finds_alone("CAT301", "Alumni News", Crm);
        person.finds_alone("CAT303", FORMER, Crm);
        world.plant(person);
    }),
    case("opted out, an unknown category on in source", 10, 1, &["CAT301", "CAT303"], |world| {
        let mut person = world.opted_out();
        person.constituent.categories = Categories::default().with_extra("QQQ");
        person.finds_alone("CAT301", "QQQ", Source);
        person.finds_alone("CAT303", "QQQ", Source);
        world.plant(person);
    }),
    case("a category on in CRM alone", 50, 1, &["CAT302"], |world| {
        let mut person = world.active();
        person.contact.categories = Categories::of(&[EVENTS, ATHLETICS]);
        person.constituent.categories = Categories::of(&[EVENTS]);
        person.finds_on("CAT302", "Athletics", Crm, Source);
        world.plant(person);
    }),
    case("a category on in source alone", 50, 1, &["CAT302"], |world| {
        let mut person = world.active();
        person.contact.categories = Categories::of(&[EVENTS]);
        person.constituent.categories = Categories::of(&[EVENTS, ALUMNI_NEWS]);
        person.finds_on("CAT302", "Alumni News", Crm, Source);
        world.plant(person);
    }),
    case("other categories here than there", 20, 1, &["CAT302"], |world| {
        let mut person = world.active();
        person.contact.categories = Categories::of(&[ATHLETICS]);
        person.constituent.categories = Categories::of(&[EVENTS]);
        person.finds_on("CAT302", "Athletics", Crm, Source);
        person.finds_on("CAT302", "Events", Crm, Source);
        world.plant(person);
    }),
    case("an empty list in source", 20, 1, &["CAT302"], |world| {
        let mut person = world.active();
        person.contact.categories = Categories::of(&[ALUMNI_NEWS, EVENTS]);
        person.constituent.categories = Categories::default();
        person.finds_on("CAT302", "Alumni News", Crm, Source);
        person.finds_on("CAT302", "Events", Crm, Source);
        world.plant(person);
    }),
    case("a lead's category on in CRM alone", 10, 0, &["CAT302"], |world| {
        let mut lead = world.lead();
        lead.contact.categories = Categories::of(&[EVENTS, ATHLETICS]);
        lead.constituent.categories = Categories::of(&[EVENTS]);
        lead.finds_on("CAT302", "Athletics", Crm, Source);
        world.plant(lead);
    }),
    case("a category off by code in source", 20, 1, &["CAT302"], |world| {
        let mut person = coded(world, "ALX");
        person.contact.categories = Categories::of(&[ALUMNI_NEWS, EVENTS]);
        person.constituent.categories = Categories::of(&[EVENTS]);
        person.finds_on("CAT302", "Alumni News", Crm, Source);
        world.plant(person);
    }),
    case("a category on by code in source", 10, 1, &["CAT302"], |world| {
        let mut person = coded(world, "EVI");
        person.set_categories(Categories::of(&[ATHLETICS]));
        person.finds_on("CAT302", "Events", Crm, Source);
        world.plant(person);
    }),
    case("a former name in CRM, the new one in source", 15, 1, &["CAT303"], |world| {
        let mut person = world.active();
        person.contact.categories = Categories::of(&[EVENTS]).with_extra(FORMER);
        person.constituent.categories = Categories::of(&[EVENTS, ALUMNI_NEWS]);
        person.finds_alone("CAT303", FORMER, Crm);
        world.plant(person);
    }),
    case("a former name in CRM, nothing like it in source", 10, 1, &["CAT302", "CAT303"], |world| {
        let mut person = world.active();
        person.contact.categories = Categories::of(&[EVENTS]).with_extra(FORMER);
        person.constituent.categories = Categories::of(&[EVENTS]);
        person.finds_on("CAT302", "Alumni News", Crm, Source);
        person.finds_alone("CAT303", FORMER, Crm);
        world.plant(person);
    }),
    case("a retired category in CRM", 15, 1, &["CAT303"], |world| {
        let mut person = world.active();
        person.contact.categories = person.contact.categories.with(PARENTS_BULLETIN);
        person.finds_alone("CAT303", "Parents Bulletin", Crm);
        world.plant(person);
    }),
    case("a retired category in both", 10, 1, &["CAT303"], |world| {
        let mut person = world.active();
        person.set_categories(person.contact.categories.with(PARENTS_BULLETIN));
        person.finds_alone("CAT303", "Parents Bulletin", Crm);
        person.finds_alone("CAT303", "PAR", Source);
        world.plant(person);
    }),
    case("an unknown category in CRM", 15, 1, &["CAT303"], |world| {
        let mut person = world.active();
        person.contact.categories = person.contact.categories.with_extra("Legacy List");
        person.finds_alone("CAT303", "Legacy List", Crm);
        world.plant(person);
    }),
    case("an unknown category in source", 10, 1, &["CAT303"], |world| {
        let mut person = world.active();
        person.constituent.categories = person.constituent.categories.with_extra("QQQ");
        person.finds_alone("CAT303", "QQQ", Source);
        world.plant(person);
    }),
    case("an unknown category in source, unknown to CRM", 5, 0, &["CAT303", "IDN505"], |world| {
        let mut person = world.stranger();
        person.constituent.categories = person.constituent.categories.with_extra("QQQ");
        person.finds_alone("CAT303", "QQQ", Source);
        person.finds_alone("IDN505", "", Marketing);
        person.finds_alone("IDN505", "", Source);
        world.plant(person);
    }),
    case("no category anywhere", 40, 1, &["CAT304"], |world| {
        let mut person = world.active();
        person.clear_categories();
        person.finds_alone("CAT304", "", Crm);
        world.plant(person);
    }),
    case("no category anywhere, blank in source", 10, 1, &["CAT304"], |world| {
        let mut person = world.active();
        person.clear_categories();
        person.constituent.opt_out = "";
        person.finds_alone("CAT304", "", Crm);
        world.plant(person);
    }),
];

fn coded(world: &mut World, code: &'static str) -> Person {
    let start = When::On(world.day());
    let mut person = world.active();
    person.add_code(code, start);
    person
}
