//! IDN501 and IDN502: one address on several contacts, who agree or not.

use super::super::ids::SalesforceId;
use super::super::person::Person;
use super::super::person::Side::{Crm, Marketing, Source};
use super::super::truth::Discrepancy;
use super::super::values::{Address, DAY, Email, Key, When};
use super::super::world::World;
use super::{Case, case};

/// The most contacts that one address may have and still be a household's.
const MOST_SHARED: usize = 10;

pub static CASES: &[Case] = &[
    case("spouses with one address", 25, 2, &["IDN501"], |world| {
        let spouses = household(world, 2);
        shared(world, &["IDN501"], &spouses);
        world.plant_all(spouses);
    }),
    case("three with one address, all opted out", 5, 3, &["IDN501"], |world| {
        let mut household = household(world, 3);
        household.iter_mut().for_each(|person| opt_out(world, person));
        shared(world, &["IDN501"], &household);
        world.plant_all(household);
    }),
    case("one contact's campus address is another's own", 10, 2, &["IDN501"], |world| {
        let (mut one, other) = (world.active(), world.active());
        one.contact.campus = other.contact.email;
        let found = Discrepancy::shared("IDN501", address(&other), &[one.contact.id, other.contact.id]);
        world.truth.push(found);
        world.plant_all([one, other]);
    }),
    case("spouses, one of them opted out", 15, 2, &["IDN501", "IDN502", "CAT301"], |world| {
        let mut spouses = household(world, 2);
        opt_out(world, &mut spouses[0]);
        spouses[1].finds_categories_on();
        shared(world, &["IDN501", "IDN502"], &spouses);
        world.plant_all(spouses);
    }),
    case("spouses, one of them opted out, no categories", 15, 2, &["IDN501", "IDN502"], |world| {
        let mut spouses = household(world, 2);
        opt_out(world, &mut spouses[1]);
        spouses[0].clear_categories();
        shared(world, &["IDN501", "IDN502"], &spouses);
        world.plant_all(spouses);
    }),
    case("spouses, one opted in after the other unsubscribed", 5, 2, &["IDN501", "IDN502", "OPT105", "OPT106"], |world| {
        let at = world.moment();
        let mut spouses = household(world, 2);
        spouses[0].clear_categories();
        spouses[0].unsubscribe(When::At(at));
        spouses[0].finds("OPT105", Marketing, Crm);
        spouses[0].finds("OPT106", Marketing, Source);
        spouses[1].opt_in(When::At(at + 30 * DAY));
        shared(world, &["IDN501", "IDN502"], &spouses);
        world.plant_all(spouses);
    }),
    case("spouses with one subscriber, unsubscribed", 8, 2, &["IDN501", "OPT105", "OPT106"], |world| {
        let at = world.moment();
        let mut spouses = household(world, 2);
        one_subscriber(&mut spouses);
        for spouse in &mut spouses {
            spouse.clear_categories();
            spouse.unsubscribe(When::At(at));
            spouse.finds("OPT105", Marketing, Crm);
            spouse.finds("OPT106", Marketing, Source);
        }
        shared(world, &["IDN501"], &spouses);
        world.plant_all(spouses);
    }),
    case("spouses with one subscriber, one opted out", 8, 2, &["IDN501", "IDN502", "OPT102", "OPT104"], |world| {
        let mut spouses = household(world, 2);
        opt_out(world, &mut spouses[0]);
        one_subscriber(&mut spouses);
        spouses[0].finds("OPT102", Crm, Marketing);
        spouses[0].finds("OPT104", Source, Marketing);
        spouses[1].clear_categories();
        shared(world, &["IDN501", "IDN502"], &spouses);
        world.plant_all(spouses);
    }),
    case("contact and lead with one address", 10, 1, &["IDN501"], |world| {
        let pair = contact_and_lead(world);
        shared(world, &["IDN501"], &pair);
        world.plant_all(pair);
    }),
    case("contact and lead with one address, the lead without a constituent", 8, 1, &["IDN501", "IDN506"], |world| {
        let mut pair = contact_and_lead(world);
        pair[1].contact.source_id = None;
        pair[1].leave_out(Source);
        pair[1].finds_alone("IDN506", "", Crm);
        shared(world, &["IDN501"], &pair);
        world.plant_all(pair);
    }),
    case("contact opted out, lead with its address not", 10, 1, &["IDN501", "IDN502", "CAT301"], |world| {
        let mut pair = contact_and_lead(world);
        opt_out(world, &mut pair[0]);
        pair[1].finds_categories_on();
        shared(world, &["IDN501", "IDN502"], &pair);
        world.plant_all(pair);
    }),
    case("as many as a household may be, one opted out", 1, MOST_SHARED as u64, &["IDN501", "IDN502", "CAT301"], |world| {
        let mut household = household(world, MOST_SHARED);
        opt_out(world, &mut household[4]);
        household.iter_mut().for_each(Person::finds_categories_on);
        shared(world, &["IDN501", "IDN502"], &household);
        world.plant_all(household);
    }),
    case("an office, one opted out", 1, MOST_SHARED as u64 + 1, &["IDN501", "IDN502"], |world| {
        let mut office = household(world, MOST_SHARED + 1);
        opt_out(world, &mut office[2]);
        shared(world, &["IDN501", "IDN502"], &office);
        world.plant_all(office);
    }),
    case("an office whose one subscriber unsubscribed", 1, MOST_SHARED as u64 + 1, &["IDN501", "OPT105", "OPT106"], |world| {
        let at = world.moment();
        let mut office = household(world, MOST_SHARED + 1);
        one_subscriber(&mut office);
        for person in &mut office {
            person.unsubscribe(When::At(at));
            person.finds("OPT105", Marketing, Crm);
            person.finds("OPT106", Marketing, Source);
        }
        shared(world, &["IDN501"], &office);
        world.plant_all(office);
    }),
];

/// Contacts with the address of the first, each known to every system by id.
fn household(world: &mut World, size: usize) -> Vec<Person> {
    let mut people: Vec<Person> = (0..size).map(|_| world.active()).collect();
    let (first, others) = people.split_first_mut().expect("nobody plants an empty household");
    others.iter_mut().for_each(|person| person.share_address(first));
    people
}

fn contact_and_lead(world: &mut World) -> Vec<Person> {
    let contact = world.active();
    let mut lead = world.lead();
    lead.share_address(&contact);
    vec![contact, lead]
}

fn opt_out(world: &mut World, person: &mut Person) {
    let at = world.moment();
    person.contact.opted_out = true;
    person.tick_source_box(When::On(at / DAY));
    person.unsubscribe(When::At(at));
    person.clear_categories();
}

/// The household has a single subscriber, keyed by the address, which only the first one's rows carry.
fn one_subscriber(household: &mut [Person]) {
    let address = address(&household[0]);
    for (at, person) in household.iter_mut().enumerate() {
        person.subscriber.key = Key::Address(address);
        person.subscriber.email = Email::Plain(address);
        person.subscriber.status = "Active";
        person.subscriber.unsubscribed_at = When::Blank;
        if at > 0 {
            person.leave_out(Marketing);
        }
    }
}

/// What is found about the address itself.
fn shared(world: &mut World, rules: &[&'static str], household: &[Person]) {
    let ids: Vec<SalesforceId> = household.iter().map(|person| person.contact.id).collect();
    world.truth.extend(rules.iter().map(|rule| Discrepancy::shared(rule, address(&household[0]), &ids)));
}

fn address(person: &Person) -> Address {
    person.contact.email.address().expect("active people have one")
}
