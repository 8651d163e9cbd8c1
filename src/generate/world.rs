//! Makes people and writes them down: the exports' rows and the truth about them.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::categories::Categories;
use super::files::Files;
use super::ids::Keys;
use super::person::{Constituent, Contact, Person, Side, Subscriber};
use super::truth::Discrepancy;
use super::values::{Address, DAY, Email, Key, When};

/// 2019-01-01; everything happened since.
const FIRST_DAY: i64 = 17_897;
/// Days in which things happened; they end in July 2026, so that a case can let months pass.
const DAYS: u64 = 2_760;

/// Numbers that a seed decides.
pub struct Random(ChaCha8Rng);

impl Random {
    /// The numbers of a seed.
    pub fn seeded(seed: u64) -> Random {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Random(ChaCha8Rng::from_seed(bytes))
    }

    /// A number from 0 to below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}

/// The workspace in the making.
pub struct World {
    /// The exports.
    pub files: Files,
    /// What a correct run finds.
    pub truth: Vec<Discrepancy>,
    random: Random,
    keys: Keys,
    individuals: u64,
}

impl World {
    /// An empty world; the seed decides all that will be in it.
    pub fn new(files: Files, seed: u64) -> World {
        let mut random = Random::seeded(seed);
        let keys = Keys { offset: random.0.next_u64() };
        World { files, truth: Vec::new(), random, keys, individuals: 0 }
    }

    /// A number from 0 to below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.random.below(bound)
    }

    /// One of several.
    pub fn pick<T: Copy>(&mut self, several: &[T]) -> T {
        several[self.below(several.len() as u64) as usize]
    }

    /// A day in the past, counted from 1970.
    pub fn day(&mut self) -> i64 {
        FIRST_DAY + self.below(DAYS) as i64
    }

    /// An instant in the past.
    pub fn moment(&mut self) -> i64 {
        self.day() * DAY + self.below(DAY as u64) as i64
    }

    /// An address that nobody has.
    pub fn address(&mut self) -> Address {
        self.individuals += 1;
        Address { number: self.individuals, words: self.random.0.next_u64() as u16 }
    }

    /// A contact who is mailed, with the same categories and address everywhere.
    pub fn active(&mut self) -> Person {
        let address = self.address();
        let id = self.keys.contact(address.number);
        let source_id = self.keys.constituent(address.number);
        let email = Email::Plain(address);
        let categories = Categories::from_bits(1 + self.below(63) as u8);
        let contact = Contact {
            id,
            lead: false,
            email,
            campus: Email::Blank,
            source_id: Some(source_id),
            opted_out: false,
            bounce_reason: "",
            bounced_at: When::Blank,
            categories,
            opted_in_at: When::Blank,
            opted_in_by: "",
            modified_at: self.moment(),
        };
        let subscriber = Subscriber {
            key: Key::Full(id),
            email,
            status: "Active",
            joined_at: self.moment() - DAYS as i64 * DAY,
            unsubscribed_at: When::Blank,
            undeliverable_at: When::Blank,
        };
        let constituent = Constituent {
            id: source_id,
            contact: Key::Full(id),
            email,
            opt_out: "N",
            opted_out_on: When::Blank,
            email_status: "Active",
            categories,
        };
        Person::new(contact, subscriber, constituent)
    }

    /// A lead who is mailed; the source knows the lead by constituent id alone.
    pub fn lead(&mut self) -> Person {
        let mut lead = self.active();
        lead.contact.id = self.keys.lead(self.individuals);
        lead.contact.lead = true;
        lead.subscriber.key = Key::Full(lead.contact.id);
        lead.constituent.contact = Key::Blank;
        lead
    }

    /// A contact who is opted out everywhere, and whose categories are off.
    pub fn opted_out(&mut self) -> Person {
        let mut person = self.active();
        let at = self.moment();
        person.contact.opted_out = true;
        person.tick_source_box(When::On(at / DAY));
        person.unsubscribe(When::At(at));
        person.clear_categories();
        person
    }

    /// Somebody whom the CRM does not know: a subscriber and a constituent with the same address.
    pub fn stranger(&mut self) -> Person {
        let mut person = self.active();
        person.leave_out(Side::Crm);
        person.constituent.contact = Key::Blank;
        person
    }

    /// A constituent besides the person's own, tied to the same contact.
    pub fn second_constituent(&mut self, person: &Person) -> Constituent {
        let id = self.keys.constituent(self.address().number);
        Constituent { id, contact: Key::Full(person.contact.id), ..person.constituent }
    }

    /// Writes the person's rows and what must be found about them.
    pub fn plant(&mut self, mut person: Person) {
        if person.is_in(Side::Crm) {
            self.files.contact(&person.contact);
        }
        if person.is_in(Side::Marketing) {
            self.files.subscriber(&person.subscriber);
        }
        for unit in &person.units {
            self.files.unit(person.subscriber.key, unit);
        }
        if person.is_in(Side::Source) {
            self.files.constituent(&person.constituent);
            for code in &person.codes {
                self.files.code(person.constituent.id, code);
            }
        }
        self.truth.append(&mut person.take_found());
    }

    /// Writes several people.
    pub fn plant_all(&mut self, people: impl IntoIterator<Item = Person>) {
        people.into_iter().for_each(|person| self.plant(person));
    }
}
