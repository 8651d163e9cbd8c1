//! OPT109: blank here, opted out there.

use super::super::person::Side::{Crm, Marketing, Source};
use super::super::values::{DAY, When};
use super::{Case, case};

pub static CASES: &[Case] = &[
    case("blank in source, opted out in CRM and marketing", 30, 1, &["OPT109"], |world| {
        let mut person = world.opted_out();
        person.constituent.opt_out = "";
        person.constituent.opted_out_on = When::Blank;
        person.finds("OPT109", Source, Crm);
        person.finds("OPT109", Source, Marketing);
        world.plant(person);
    }),
    case("blank in source by a placeholder, opted out in CRM", 15, 1, &["OPT109"], |world| {
        let mut person = world.opted_out();
        person.leave_out(Marketing);
        person.constituent.opt_out = "N/A";
        person.constituent.opted_out_on = When::Words("-");
        person.finds("OPT109", Source, Crm);
        world.plant(person);
    }),
    case("blank in marketing, opted out in CRM and source", 15, 1, &["OPT109"], |world| {
        let mut person = world.opted_out();
        person.subscriber.status = "";
        person.subscriber.unsubscribed_at = When::Blank;
        person.finds("OPT109", Marketing, Crm);
        person.finds("OPT109", Marketing, Source);
        world.plant(person);
    }),
    case("blank in source and marketing, opted out in CRM", 10, 1, &["OPT109"], |world| {
        let mut person = world.opted_out();
        person.constituent.opt_out = "";
        person.constituent.opted_out_on = When::Blank;
        person.subscriber.status = "";
        person.subscriber.unsubscribed_at = When::Blank;
        person.finds("OPT109", Source, Crm);
        person.finds("OPT109", Marketing, Crm);
        world.plant(person);
    }),
    case("blank in source, unsubscribed, active in CRM", 20, 1, &["OPT105", "OPT109", "CAT301"], |world| {
        let at = world.moment();
        let mut person = world.active();
        person.constituent.opt_out = "";
        person.unsubscribe(When::At(at));
        person.finds("OPT105", Marketing, Crm);
        person.finds("OPT109", Source, Marketing);
        person.finds_categories_on();
        world.plant(person);
    }),
    case("blank in marketing, opted out in source, active in CRM", 10, 1, &["OPT103", "OPT109"], |world| {
        let mut person = world.opted_out();
        person.contact.opted_out = false;
        person.subscriber.status = "";
        person.subscriber.unsubscribed_at = When::Blank;
        person.finds("OPT103", Source, Crm);
        person.finds("OPT109", Marketing, Source);
        world.plant(person);
    }),
    case("blank in source, opted back in after the unsubscribe", 5, 1, &["OPT108"], |world| {
        let at = world.moment();
        let mut person = world.active();
        person.constituent.opt_out = "";
        person.unsubscribe(When::At(at));
        person.opt_in(When::At(at + 30 * DAY));
        person.finds("OPT108", Crm, Marketing);
        world.plant(person);
    }),
    case("blank in source, unsubscribed, unknown to CRM", 10, 0, &["OPT109", "IDN505"], |world| {
        let at = world.moment();
        let mut person = world.stranger();
        person.clear_categories();
        person.constituent.opt_out = "";
        person.unsubscribe(When::At(at));
        person.finds("OPT109", Source, Marketing);
        person.finds_alone("IDN505", "", Source);
        person.finds_alone("IDN505", "", Marketing);
        world.plant(person);
    }),
];
