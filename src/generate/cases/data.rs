//! DAT601 to DAT607: cells and rows that cannot be taken as they are.

use super::super::person::Side::{Crm, Marketing, Source};
use super::super::person::{Constituent, Contact, Person, Subscriber};
use super::super::truth::Discrepancy;
use super::super::values::{DAY, Email, Key, When};
use super::super::world::World;
use super::{Case, case};

/// A day in 2031, long after the run.
const FUTURE: i64 = 22_400;

pub static CASES: &[Case] = &[
    case("a bad address in CRM", 15, 1, &["DAT601"], |world| {
        let mut person = world.active();
        person.contact.email = bad_address(world);
        person.finds_alone("DAT601", "email", Crm);
        world.plant(person);
    }),
    case("a bad campus address in CRM", 8, 1, &["DAT601"], |world| {
        let mut person = world.active();
        person.contact.campus = bad_address(world);
        person.finds_alone("DAT601", "email", Crm);
        world.plant(person);
    }),
    case("a bad address in marketing", 15, 1, &["DAT601"], |world| {
        let mut person = world.active();
        person.subscriber.email = bad_address(world);
        person.finds_alone("DAT601", "email", Marketing);
        world.plant(person);
    }),
    case("a bad address in source", 15, 1, &["DAT601"], |world| {
        let mut person = world.active();
        person.constituent.email = bad_address(world);
        person.finds_alone("DAT601", "email", Source);
        world.plant(person);
    }),
    case("two addresses in one cell of the source", 10, 1, &["DAT601"], |world| {
        let mut person = world.active();
        person.constituent.email = Email::Pair(world.address(), world.address());
        person.finds_alone("DAT601", "email", Source);
        world.plant(person);
    }),
    case("a damaged contact id in source", 20, 1, &["DAT602"], |world| {
        let mut person = world.active();
        person.constituent.contact = Key::Words(world.pick(&["003Hs00000", "003Hs0000#4aBcDe", "3.00E+17"]));
        person.finds_alone("DAT602", "contact_id", Source);
        world.plant(person);
    }),
    case("a contact known by address alone", 6, 1, &["DAT602"], |world| {
        let person = world.active();
        world.files.contact_without_id(&person.contact);
        known_by_address(world, &["DAT602"], &person, "salesforce", "record_id");
    }),
    case("a subscriber known by address alone", 6, 0, &["DAT602", "IDN505"], |world| {
        let person = world.active();
        world.files.subscriber(&Subscriber { key: Key::Blank, ..person.subscriber });
        known_by_address(world, &["DAT602", "IDN505"], &person, "marketing_cloud", "subscriber_key");
    }),
    case("a constituent known by address alone", 6, 0, &["DAT602", "IDN505"], |world| {
        let mut person = world.active();
        person.constituent.contact = Key::Blank;
        world.files.constituent_without_id(&person.constituent);
        known_by_address(world, &["DAT602", "IDN505"], &person, "ascend", "source_id");
    }),
    case("a contact without any key", 6, 1, &["DAT603"], |world| {
        let person = world.active();
        let nobody = Contact { email: Email::Blank, campus: Email::Blank, source_id: None, ..person.contact };
        world.files.contact_without_id(&nobody);
        world.truth.push(Discrepancy::keyless("salesforce", "record_id"));
    }),
    case("a subscriber without any key", 6, 0, &["DAT603"], |world| {
        let person = world.active();
        world.files.subscriber(&Subscriber { key: Key::Blank, email: Email::Blank, ..person.subscriber });
        world.truth.push(Discrepancy::keyless("marketing_cloud", "subscriber_key"));
    }),
    case("a constituent without any key", 6, 0, &["DAT603"], |world| {
        let person = world.active();
        world.files.constituent_without_id(&Constituent { contact: Key::Blank, email: Email::Blank, ..person.constituent });
        world.truth.push(Discrepancy::keyless("ascend", "source_id"));
    }),
    case("an unknown status in marketing", 15, 1, &["DAT604"], |world| {
        let mut person = world.active();
        person.subscriber.status = world.pick(&["Actif", "Pending review"]);
        person.finds_alone("DAT604", "status", Marketing);
        world.plant(person);
    }),
    case("an unknown opt-out word in a second constituent", 8, 1, &["DAT604"], |world| {
        let person = world.active();
        let mut second = world.second_constituent(&person);
        second.opt_out = "Maybe";
        world.files.constituent(&second);
        let mut seen = Person::new(person.contact, person.subscriber, second);
        seen.finds_alone("DAT604", "opt_out", Source);
        world.truth.append(&mut seen.take_found());
        world.plant(person);
    }),
    case("an unknown e-mail status in source", 10, 1, &["DAT604"], |world| {
        let mut person = world.active();
        person.constituent.email_status = "Questionable";
        person.finds_alone("DAT604", "status", Source);
        world.plant(person);
    }),
    case("a code that the table lacks", 20, 1, &["DAT604"], |world| {
        let mut person = world.active();
        let start = When::On(world.day());
        person.add_code("ZZQ", start);
        person.finds_alone("DAT604", "code", Source);
        world.plant(person);
    }),
    case("two codes that the table lacks, opted out everywhere", 8, 1, &["DAT604"], |world| {
        let mut person = world.opted_out();
        person.add_code("ZZQ", When::Blank);
        person.add_code("X17", When::Blank);
        person.finds_alone("DAT604", "code", Source);
        world.plant(person);
    }),
    case("an unreadable opt-out date in marketing", 15, 1, &["DAT605"], |world| {
        let mut person = world.opted_out();
        person.subscriber.unsubscribed_at = When::Words("13/45/2025 1:00:00 AM");
        person.finds_alone("DAT605", "opt_out_at", Marketing);
        world.plant(person);
    }),
    case("an unreadable opt-out date in source", 15, 1, &["DAT605"], |world| {
        let mut person = world.opted_out();
        person.constituent.opted_out_on = When::Words(world.pick(&["02/30/2025", "see memo"]));
        person.finds_alone("DAT605", "opt_out_at", Source);
        world.plant(person);
    }),
    case("an unreadable opt-in date in CRM", 10, 1, &["DAT605"], |world| {
        let mut person = world.active();
        person.opt_in(When::Words("sometime in May"));
        person.finds_alone("DAT605", "opt_in_at", Crm);
        world.plant(person);
    }),
    case("an unreadable opt-in date against a dated opt-out", 5, 1, &["DAT605", "OPT103", "OPT104", "CAT301"], |world| {
        let day = world.day();
        let mut person = world.active();
        person.tick_source_box(When::On(day));
        person.opt_in(When::Words("sometime in May"));
        person.finds_alone("DAT605", "opt_in_at", Crm);
        person.finds("OPT103", Source, Crm);
        person.finds("OPT104", Source, Marketing);
        person.finds_categories_on();
        world.plant(person);
    }),
    case("an unreadable bounce date in CRM", 8, 1, &["DAT605"], |world| {
        let mut person = world.active();
        person.flag_in_crm(When::Words("2025-02-30T10:00:00.000Z"));
        person.subscriber.status = "Bounced";
        person.constituent.email_status = "Bounced";
        person.finds_alone("DAT605", "bounced_at", Crm);
        world.plant(person);
    }),
    case("an unreadable start of a code", 8, 1, &["DAT605"], |world| {
        let mut person = world.opted_out();
        person.add_code("NE", When::Words("00/00/2019"));
        person.finds_alone("DAT605", "code_start", Source);
        world.plant(person);
    }),
    case("a future opt-out date in marketing", 10, 1, &["DAT606"], |world| {
        let mut person = world.opted_out();
        person.subscriber.unsubscribed_at = When::At(FUTURE * DAY);
        person.finds_alone("DAT606", "opt_out_at", Marketing);
        world.plant(person);
    }),
    case("a future opt-out date in source", 10, 1, &["DAT606"], |world| {
        let mut person = world.opted_out();
        person.constituent.opted_out_on = When::On(FUTURE);
        person.finds_alone("DAT606", "opt_out_at", Source);
        world.plant(person);
    }),
    case("a future opt-in date in CRM", 8, 1, &["DAT606"], |world| {
        let mut person = world.active();
        person.opt_in(When::At(FUTURE * DAY));
        person.finds_alone("DAT606", "opt_in_at", Crm);
        world.plant(person);
    }),
    case("a contact twice, opted out once", 8, 2, &["DAT607"], |world| {
        let mut person = world.opted_out();
        let mut again = person.contact;
        again.opted_out = false;
        world.files.contact(&again);
        person.finds_alone("DAT607", "record_id", Crm);
        world.plant(person);
    }),
    case("a subscriber twice, alike", 10, 1, &["DAT607"], |world| {
        let mut person = world.active();
        world.files.subscriber(&person.subscriber);
        person.finds_alone("DAT607", "subscriber_key", Marketing);
        world.plant(person);
    }),
    case("a subscriber twice, with 15 and 18 characters", 8, 1, &["DAT607"], |world| {
        let mut person = world.active();
        world.files.subscriber(&Subscriber { key: Key::Short(person.contact.id), ..person.subscriber });
        person.finds_alone("DAT607", "subscriber_key", Marketing);
        world.plant(person);
    }),
    case("a subscriber twice, unsubscribed once", 8, 1, &["DAT607", "OPT105", "OPT106"], |world| {
        let at = world.moment();
        let mut person = world.active();
        person.clear_categories();
        world.files.subscriber(&person.subscriber);
        person.unsubscribe(When::At(at));
        person.finds_alone("DAT607", "subscriber_key", Marketing);
        person.finds("OPT105", Marketing, Crm);
        person.finds("OPT106", Marketing, Source);
        world.plant(person);
    }),
    case("a constituent twice, opted out once", 8, 1, &["DAT607"], |world| {
        let mut person = world.opted_out();
        let mut again = person.constituent;
        again.opt_out = "N";
        again.opted_out_on = When::Blank;
        world.files.constituent(&again);
        person.finds_alone("DAT607", "source_id", Source);
        world.plant(person);
    }),
];

fn bad_address(world: &mut World) -> Email {
    Email::Words(world.pick(&["ana.keller@", "ben dahl@example.org", "no e-mail", "kira@@example.com"]))
}

/// A row whose own id is gone, and whose address nobody else has.
fn known_by_address(world: &mut World, rules: &[&'static str], person: &Person, system: &'static str, key_field: &'static str) {
    let address = person.contact.email.address().expect("active people have one").text();
    for rule in rules {
        let subject = if rule.starts_with("DAT") { key_field } else { "" };
        let found =
            Discrepancy::new(rule, String::new(), address.clone(), subject, (system, address.clone()), ("", String::new()));
        world.truth.push(found);
    }
}
