//! A person in the three systems, and what a correct run must say of them.

use super::categories::Categories;
use super::ids::{ConstituentId, SalesforceId};
use super::truth::{Discrepancy, Named};
use super::values::{Email, Key, When};

/// The three systems, in the order of [`Person`]'s records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The hub.
    Crm,
    /// What is mailed.
    Marketing,
    /// The system of record.
    Source,
}

/// One individual: one record a system, each of which can be left out. The few who have more records in a
/// system get them from their case.
pub struct Person {
    /// The CRM's row.
    pub contact: Contact,
    /// The marketing platform's row.
    pub subscriber: Subscriber,
    /// The source's row.
    pub constituent: Constituent,
    /// Long rows that fold into the constituent.
    pub codes: Vec<Code>,
    /// Business units that the person left.
    pub units: Vec<Unit>,
    absent: [bool; 3],
    found: Vec<Discrepancy>,
}

/// A contact or a lead.
#[derive(Clone, Copy)]
pub struct Contact {
    /// Its id; leads have another prefix.
    pub id: SalesforceId,
    /// Which of the two files it is in.
    pub lead: bool,
    /// The first address.
    pub email: Email,
    /// The campus address.
    pub campus: Email,
    /// The constituent that it came from.
    pub source_id: Option<ConstituentId>,
    /// The opt-out box.
    pub opted_out: bool,
    /// Filled: flagged as bounced.
    pub bounce_reason: &'static str,
    /// Filled: flagged as bounced.
    pub bounced_at: When,
    /// The picklist.
    pub categories: Categories,
    /// When the person asked to be mailed again.
    pub opted_in_at: When,
    /// By which channel.
    pub opted_in_by: &'static str,
    /// Of no meaning for anything.
    pub modified_at: i64,
}

/// A subscriber of the enterprise.
#[derive(Clone, Copy)]
pub struct Subscriber {
    /// The contact's id, or an address or number in older accounts.
    pub key: Key,
    /// The address that is mailed.
    pub email: Email,
    /// The status word.
    pub status: &'static str,
    /// Of no meaning for anything; before all else.
    pub joined_at: i64,
    /// When the person unsubscribed.
    pub unsubscribed_at: When,
    /// When the platform stopped mailing.
    pub undeliverable_at: When,
}

/// A constituent.
#[derive(Clone, Copy)]
pub struct Constituent {
    /// Its id.
    pub id: ConstituentId,
    /// The contact that it knows.
    pub contact: Key,
    /// Its address.
    pub email: Email,
    /// The opt-out cell.
    pub opt_out: &'static str,
    /// When the person opted out.
    pub opted_out_on: When,
    /// The word on the address.
    pub email_status: &'static str,
    /// The list of codes.
    pub categories: Categories,
}

/// A long row of the source.
#[derive(Clone, Copy)]
pub struct Code {
    /// The code.
    pub code: &'static str,
    /// From when.
    pub start: When,
    /// Until when.
    pub end: When,
    /// Whether it holds.
    pub status: &'static str,
}

/// A business unit that somebody left.
#[derive(Clone, Copy)]
pub struct Unit {
    /// The unit's number.
    pub unit: &'static str,
    /// When.
    pub at: When,
    /// Why.
    pub reason: &'static str,
}

impl Person {
    /// A person with one record a system and nothing to say about them.
    pub fn new(contact: Contact, subscriber: Subscriber, constituent: Constituent) -> Person {
        Person { contact, subscriber, constituent, codes: Vec::new(), units: Vec::new(), absent: [false; 3], found: Vec::new() }
    }

    /// Takes the person out of one system's export.
    pub fn leave_out(&mut self, side: Side) {
        self.absent[side as usize] = true;
    }

    /// Whether a system's export holds the person.
    pub fn is_in(&self, side: Side) -> bool {
        !self.absent[side as usize]
    }

    /// The source's box, with the date that it was ticked.
    pub fn tick_source_box(&mut self, on: When) {
        self.constituent.opt_out = "Y";
        self.constituent.opted_out_on = on;
    }

    /// A long row that holds from a day on.
    pub fn add_code(&mut self, code: &'static str, start: When) {
        self.codes.push(Code { code, start, end: When::Blank, status: "Active" });
    }

    /// The enterprise's unsubscribe.
    pub fn unsubscribe(&mut self, at: When) {
        self.subscriber.status = "Unsubscribed";
        self.subscriber.unsubscribed_at = at;
    }

    /// An explicit opt-in, with its evidence.
    pub fn opt_in(&mut self, at: When) {
        self.contact.opted_in_at = at;
        self.contact.opted_in_by = "Web form";
    }

    /// The CRM's word that mail to the first address bounced.
    pub fn flag_in_crm(&mut self, at: When) {
        self.contact.bounce_reason = "550 5.1.1 user unknown";
        self.contact.bounced_at = at;
    }

    /// The same categories in every record that keeps some.
    pub fn set_categories(&mut self, categories: Categories) {
        self.contact.categories = categories;
        self.constituent.categories = categories;
    }

    /// No categories anywhere.
    pub fn clear_categories(&mut self) {
        self.set_categories(Categories::default());
    }

    /// The same address in every record as another person has.
    pub fn share_address(&mut self, other: &Person) {
        self.contact.email = other.contact.email;
        self.subscriber.email = other.contact.email;
        self.constituent.email = other.contact.email;
    }

    /// A rule that finds two of the person's records at odds.
    pub fn finds(&mut self, rule: &'static str, a: Side, b: Side) {
        self.finds_on(rule, "", a, b);
    }

    /// The same about one category or business unit.
    pub fn finds_on(&mut self, rule: &'static str, subject: &'static str, a: Side, b: Side) {
        let (a, b) = (self.record(a), self.record(b));
        let email = self.hub_email().unwrap_or(a.email);
        let found = Discrepancy::new(rule, self.hub_id(), email, subject, (a.system, a.record), (b.system, b.record));
        self.found.push(found);
    }

    /// A rule that finds one record wrong. DAT speaks of the record's own address, the others of the person's.
    pub fn finds_alone(&mut self, rule: &'static str, subject: &'static str, a: Side) {
        let a = self.record(a);
        let email = if rule.starts_with("DAT") { a.email } else { self.hub_email().unwrap_or(a.email) };
        let found = Discrepancy::new(rule, self.hub_id(), email, subject, (a.system, a.record), ("", String::new()));
        self.found.push(found);
    }

    /// CAT301 for every category that is still on; retired, renamed and unknown ones are the case's own to add.
    pub fn finds_categories_on(&mut self) {
        for side in [Side::Crm, Side::Source].into_iter().filter(|side| self.is_in(*side)).collect::<Vec<_>>() {
            let categories = if side == Side::Crm { self.contact.categories } else { self.constituent.categories };
            for category in categories.known() {
                self.finds_alone("CAT301", category.name, side);
            }
        }
    }

    /// All that must be found, taken out.
    pub fn take_found(&mut self) -> Vec<Discrepancy> {
        std::mem::take(&mut self.found)
    }

    fn hub_id(&self) -> String {
        if self.is_in(Side::Crm) { self.contact.id.full().to_owned() } else { String::new() }
    }

    /// `None` where the CRM does not know the person.
    fn hub_email(&self) -> Option<String> {
        self.is_in(Side::Crm).then(|| self.record(Side::Crm).email)
    }

    /// How reports name the person's record in a system.
    fn record(&self, side: Side) -> Named {
        let (system, record, email) = match side {
            Side::Crm => ("salesforce", self.contact.id.full().to_owned(), self.contact.email),
            Side::Marketing => ("marketing_cloud", self.subscriber.key.record(), self.subscriber.email),
            Side::Source => ("ascend", self.constituent.id.text(), self.constituent.email),
        };
        Named { system, record, email: email.address().map(|address| address.text()).unwrap_or_default() }
    }
}
