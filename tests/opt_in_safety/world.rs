//! Exports of made-up islands of people, whose cells may say anything at all.

use std::collections::BTreeMap;

use chrono::{Duration, NaiveDate};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::common::Table;
use crate::common::importer::{Exports, full_id};

/// Exports full of surprises.
pub struct World {
    pub exports: Exports,
}

impl World {
    pub fn random(islands: usize, rng: &mut ChaCha8Rng) -> World {
        let mut exports: Exports = [
            (
                "salesforce_contacts_2026-11-21.csv",
                &[
                    "Id",
                    "Email",
                    "Campus_Email__c",
                    "HasOptedOutOfEmail",
                    "Ascend_ID__c",
                    "Email_Opt_In_Date__c",
                    "Email_Opt_In_Channel__c",
                ][..],
            ),
            (
                "salesforce_leads_2026-11-21.csv",
                &["Lead ID", "Email", "Email Opt Out", "Email Opt In Date", "Email Opt In Channel"],
            ),
            ("marketing_cloud_subscribers_2026-11-21.csv", &["SubscriberKey", "EmailAddress", "Status", "DateUnsubscribed"]),
            ("marketing_cloud_unit_unsubscribes_2026-11-21.csv", &["BusinessUnitID", "UnsubDateUTC", "SubscriberKey"]),
            (
                "ascend_constituents_2026-11-21.csv",
                &[
                    "Constituent ID",
                    "Salesforce Contact ID",
                    "Email",
                    "Email Opt Out",
                    "Opt Out Date",
                    "Email Status",
                    "Email Preferences",
                ],
            ),
            ("ascend_preferences_2026-11-21.csv", &["Constituent ID", "Code", "Start Date", "End Date", "Status"]),
        ]
        .map(|(file, header)| (file.to_owned(), Table::new(header)))
        .into();
        // The kinds are told apart by their ids, and a file needs a row for that.
        let files: Vec<String> = exports.keys().cloned().collect();
        for number in 0..islands {
            Island { number, rng, exports: &mut exports, files: &files }.settle();
        }
        World { exports }
    }
}

/// A few contacts and what other systems say of them; nothing on one island is on another.
struct Island<'a> {
    number: usize,
    rng: &'a mut ChaCha8Rng,
    exports: &'a mut Exports,
    files: &'a [String],
}

impl Island<'_> {
    fn settle(mut self) {
        let contacts: Vec<String> = (0..self.rng.random_range(1..5)).map(|at| self.id("003", at)).collect();
        for id in &contacts {
            let id = if self.one_in(40) { String::new() } else { id.clone() };
            let (address, campus, source) = (self.address(), self.address_or_none(), self.constituent_or_none());
            for _ in 0..if self.one_in(20) { 2 } else { 1 } {
                let says = self.word(&["true", "false", "false", "false", "false", "", "0", "0", "dunno"]);
                let (opted_in_at, evidence) = self.opt_in();
                let cells = [id.clone(), address.clone(), campus.clone(), says, source.clone(), opted_in_at, evidence];
                self.push("salesforce_contacts", cells);
            }
        }
        if self.one_in(4) {
            let (opted_in_at, evidence) = self.opt_in();
            let cells = [self.id("00Q", 0)[..15].to_owned(), self.address(), self.word(&["0", "0", "1"]), opted_in_at, evidence];
            self.push("salesforce_leads", cells);
        }
        let mut keys: BTreeMap<String, String> = BTreeMap::new();
        for at in 0..self.rng.random_range(0..4) {
            let key = match self.rng.random_range(0..4) {
                0 => format!("{}-{at}", self.number),
                1 => self.id("003", 9),
                _ => contacts.choose(self.rng).unwrap().clone(),
            };
            let address = self.address_or_none();
            // Rows of one key differ in what they say, not in whom they mean.
            let address = keys.entry(key.clone()).or_insert(address).clone();
            for _ in 0..if self.one_in(15) { 2 } else { 1 } {
                let status = self.word(&[
                    "Active",
                    "Active",
                    "active",
                    "Unsubscribed",
                    "Unsubscribed",
                    "Bounced",
                    "Held",
                    "Deleted",
                    "",
                    "Paused",
                ]);
                let since = self.time(Clock::Vendor);
                self.push("marketing_cloud_subscribers", [key.clone(), address.clone(), status, since]);
            }
        }
        if self.one_in(20) {
            let status = self.word(&["Active", "Unsubscribed"]);
            self.push("marketing_cloud_subscribers", [String::new(), String::new(), status, String::new()]);
        }
        if self.one_in(4) {
            let keys: Vec<&String> = keys.keys().chain(&contacts[..1]).collect();
            let key = (*keys.choose(self.rng).unwrap()).clone();
            let (unit, since) = (self.word(&["7221001", "7221002"]), self.time(Clock::Utc));
            self.push("marketing_cloud_unit_unsubscribes", [unit, since, key]);
        }
        for at in 0..self.rng.random_range(0..4) {
            let contact = match self.rng.random_range(0..4) {
                0 => String::new(),
                1 => self.id("003", 9),
                _ => contacts.choose(self.rng).unwrap().clone(),
            };
            let says = self.word(&["N", "N", "N", "Y", "Y", "", "-", "Maybe"]);
            let cells = [
                self.constituent(at),
                contact,
                self.address_or_none(),
                says,
                self.time(Clock::Day),
                String::new(),
                String::new(),
            ];
            self.push("ascend_constituents", cells);
        }
        for _ in 0..[0, 0, 1, 2][self.rng.random_range(0..4)] {
            let at = self.rng.random_range(0..3);
            let code = if self.one_in(8) { "X17".to_owned() } else { self.word(&["NE", "NC", "AWR4", "NES", "ALX"]) };
            let end = if self.one_in(3) { self.time(Clock::Day) } else { String::new() };
            let cells = [self.constituent(at), code, self.time(Clock::Day), end, self.word(&["Active", "", "Ended", "Dormant"])];
            self.push("ascend_preferences", cells);
        }
    }

    fn push(&mut self, export: &str, cells: impl IntoIterator<Item = String>) {
        let file = self.files.iter().find(|file| file.starts_with(export)).unwrap();
        let cells: Vec<String> = cells.into_iter().collect();
        self.exports.get_mut(file).unwrap().push(&cells.iter().map(String::as_str).collect::<Vec<_>>());
    }

    fn id(&self, prefix: &str, at: usize) -> String {
        full_id(&format!("{prefix}Hs{:08}a{at}", self.number))
    }

    fn constituent(&self, at: usize) -> String {
        format!("{:08}{at:02}", self.number)
    }

    fn constituent_or_none(&mut self) -> String {
        let at = self.rng.random_range(0..3);
        if self.one_in(3) { String::new() } else { self.constituent(at) }
    }

    fn address(&mut self) -> String {
        format!("{}{}@example.org", ["ana", "ben", "cleo", "dan", "eve"][self.rng.random_range(0..5)], self.number)
    }

    fn address_or_none(&mut self) -> String {
        if self.one_in(5) { String::new() } else { self.address() }
    }

    fn word(&mut self, words: &[&str]) -> String {
        (*words.choose(self.rng).unwrap()).to_owned()
    }

    fn one_in(&mut self, chances: u32) -> bool {
        self.rng.random_range(0..chances) == 0
    }

    fn opt_in(&mut self) -> (String, String) {
        if self.one_in(2) {
            return Default::default();
        }
        let clock = if self.one_in(2) { Clock::Day } else { Clock::Utc };
        (self.time_in(clock, 14), self.word(&["Web form", "Phone call", ""]))
    }

    /// A time of the week in which clocks changed.
    fn time(&mut self, clock: Clock) -> String {
        self.time_in(clock, 7)
    }

    /// A time of so many days, as a system writes it; now and then none, or none that can be read.
    fn time_in(&mut self, clock: Clock, days: i64) -> String {
        if self.one_in(6) {
            return self.word(&["", "", "", "soon", "2031-05-01"]);
        }
        let day = NaiveDate::from_ymd_opt(2026, 10, 29).unwrap() + Duration::days(self.rng.random_range(0..days));
        let second = [0, 0, 1][self.rng.random_range(0..3)];
        let at = day.and_hms_opt([0, 5, 6, 7, 12, 23][self.rng.random_range(0..6)], 0, second).unwrap();
        match clock {
            Clock::Day => day.to_string(),
            Clock::Utc => at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            Clock::Vendor => at.format("%-m/%-d/%Y %-I:%M:%S %p").to_string(),
        }
    }
}

#[derive(Clone, Copy)]
enum Clock {
    Day,
    Utc,
    /// UTC-6 all year.
    Vendor,
}
