//! The exports of a workspace, each written as its system writes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::{DateTime, Days, NaiveDate};

use super::FIRST_DAY;
use super::oracle::Keys;
use super::person::{Box, Constituent, Contact, Means, Membership, Person, State, Suppression};
use super::wanted::{Crm, Source, Wanted};
use crate::generate::ids;

const CONTACTS: &str = "salesforce_contacts_2026-11-21.csv";
const DYNAMICS: &str = "dynamics_contacts_2026-11-21.csv";
const BARRED: &str = "unsubscribes_2026-11-21.csv";
const PREFERENCES: &str = "subscription_preferences_2026-11-21.csv";
const SUBSCRIBERS: &str = "marketing_cloud_subscribers_2026-11-21.csv";
const UNITS: &str = "marketing_cloud_unit_unsubscribes_2026-11-21.csv";
/// ActiveCampaign's export with a row a contact.
pub(super) const BY_CONTACT: &str = "activecampaign_contacts_2026-11-21.csv";
pub(super) const BY_CONTACT_HEADER: [&str; 9] = [
    "Email",
    "Contact ID",
    "Lists",
    "Status",
    "Date Subscribed",
    "Date Unsubscribed",
    "Bounced Hard",
    "Bounced Date",
    "Salesforce Contact ID",
];
const BY_LIST: &str = "activecampaign_by_list_2026-11-21.csv";
const EVENTS: &str = "events_all_2026-11-21.csv";
const SUPPRESSION: &str = "suppression_2026-11-21.csv";

/// One file, open for writing.
struct Table {
    path: PathBuf,
    rows: u64,
    writer: csv::Writer<std::fs::File>,
}

/// All exports, open for writing, and the keys in them.
pub struct Exports {
    crm: Crm,
    owner: Option<Source>,
    keys: ids::Keys,
    folder: PathBuf,
    tables: BTreeMap<String, Table>,
}

impl Exports {
    /// No exports yet; each is made with its first row.
    pub fn new(inbox: &Path, wanted: &Wanted, keys: ids::Keys) -> Exports {
        Exports {
            crm: wanted.crm,
            owner: wanted.sources.first().copied(),
            keys,
            folder: inbox.to_owned(),
            tables: BTreeMap::new(),
        }
    }

    /// Closes them: each with its rows.
    ///
    /// # Errors
    /// The first that could not be written, by name.
    pub fn finish(self) -> Result<Vec<(PathBuf, u64)>> {
        let close = |mut table: Table| -> Result<(PathBuf, u64)> {
            table.writer.flush().with_context(|| format!("could not write {}", table.path.display()))?;
            Ok((table.path, table.rows))
        };
        self.tables.into_values().map(close).collect()
    }

    /// Writes all that the systems have of somebody.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&mut self, person: &Person) -> Result<()> {
        if let Some(contact) = &person.contact {
            match self.crm {
                Crm::Salesforce => self.salesforce(person, contact)?,
                Crm::Dynamics => self.dynamics(person, contact)?,
            }
        }
        self.click_dimensions(person)?;
        self.subscriber(person)?;
        self.active_campaign(person)?;
        self.campaign_monitor(person)?;
        person.constituents.iter().try_for_each(|constituent| self.constituent(person, constituent))
    }

    /// One row of a file, which is made where it is not there yet.
    ///
    /// # Errors
    /// The file cannot be made or written.
    pub fn row(&mut self, file: &str, header: &[&str], cells: &[&str]) -> Result<()> {
        if !self.tables.contains_key(file) {
            let path = self.folder.join(file);
            let mut writer = csv::Writer::from_path(&path).with_context(|| format!("could not create {}", path.display()))?;
            writer.write_record(header)?;
            self.tables.insert(file.to_owned(), Table { path, rows: 0, writer });
        }
        let table = self.tables.get_mut(file).expect("just made");
        debug_assert_eq!(header.len(), cells.len());
        table.writer.write_record(cells).with_context(|| format!("could not write {}", table.path.display()))?;
        table.rows += 1;
        Ok(())
    }

    fn salesforce(&mut self, person: &Person, contact: &Contact) -> Result<()> {
        let at = |day: Option<i64>| day.map(|day| format!("{}T16:00:00.000Z", iso(day))).unwrap_or_default();
        let (opted_in, proof) = contact.opted_in.unzip();
        let out = if contact.out { "true" } else { "false" };
        let (reason, since) = if contact.bounced { ("550 user unknown", at(Some(FIRST_DAY))) } else { ("", String::new()) };
        let cells = [
            &Keys::contact(self, person),
            &person.email,
            out,
            reason,
            &since,
            &self.of_owner(person),
            &contact.categories.join(";"),
            &at(opted_in),
            proof.unwrap_or_default(),
        ];
        let header = [
            "Id",
            "Email",
            "HasOptedOutOfEmail",
            "EmailBouncedReason",
            "EmailBouncedDate",
            "Ascend_ID__c",
            "Email_Preferences__c",
            "Email_Opt_In_Date__c",
            "Email_Opt_In_Channel__c",
        ];
        self.row(CONTACTS, &header, &cells)
    }

    fn dynamics(&mut self, person: &Person, contact: &Contact) -> Result<()> {
        // Braces and capitals, as some tools write a GUID.
        let id = Keys::contact(self, person);
        let id = if person.number.is_multiple_of(8) { format!("{{{}}}", id.to_uppercase()) } else { id };
        let word = |barred: bool| if barred { "Do Not Allow" } else { "Allow" };
        let sum = format!("{:08x}==", person.number.wrapping_mul(2_654_435_761));
        let (opted_in, proof) = contact.opted_in.unzip();
        let opted_in = opted_in.map(american).unwrap_or_default();
        let cells = [
            &id,
            &sum,
            "2026-11-20 14:05:06",
            &person.email,
            word(contact.out),
            word(contact.barred),
            &opted_in,
            proof.unwrap_or_default(),
            &self.of_owner(person),
        ];
        let header = [
            "(Do Not Modify) Contact",
            "(Do Not Modify) Row Checksum",
            "(Do Not Modify) Modified On",
            "Email",
            "Do not allow Bulk Emails",
            "Do not allow Emails",
            "Email Opt In Date",
            "Email Opt In Channel",
            "Constituent ID",
        ];
        self.row(DYNAMICS, &header, &cells)
    }

    /// Unsubscribe records and subscription preferences.
    fn click_dimensions(&mut self, person: &Person) -> Result<()> {
        let contact = person.contact.as_ref().map(|_| Keys::contact(self, person)).unwrap_or_default();
        for bar in &person.barred {
            let (linked, status) = if bar.linked { (contact.as_str(), "Active") } else { ("", "Inactive") };
            let header =
                ["(Do Not Modify) Unsubscribe", "Email/Phone", "Linked Contact ID", "Subscription List", "Created On", "Status"];
            self.row(BARRED, &header, &[&bar.id, &bar.email, linked, bar.list, &american(bar.since), status])?;
        }
        for one in &person.preferences {
            let header = ["Subscription Preference", "Linked Contact ID", "Subscription List", "Preference"];
            self.row(PREFERENCES, &header, &[&one.id, &contact, one.list, one.choice])?;
        }
        Ok(())
    }

    fn subscriber(&mut self, person: &Person) -> Result<()> {
        let Some(subscriber) = &person.subscriber else { return Ok(()) };
        let key = if subscriber.by_address { person.email.clone() } else { Keys::contact(self, person) };
        let since = subscriber.since.map(american).unwrap_or_default();
        let out = subscriber.status.to_lowercase().starts_with("unsub");
        let (left, failed) = if out { (since.as_str(), "") } else { ("", since.as_str()) };
        let header = ["SubscriberKey", "EmailAddress", "Status", "DateUnsubscribed", "DateUndeliverable"];
        self.row(SUBSCRIBERS, &header, &[&key, &person.email, subscriber.status, left, failed])?;
        for unit in &subscriber.units {
            let header = ["BusinessUnitID", "UnsubDateUTC", "UnsubReason", "SubscriberID", "SubscriberKey"];
            self.row(UNITS, &header, &[unit, &american(FIRST_DAY), "", &person.number.to_string(), &key])?;
        }
        Ok(())
    }

    /// A row a contact with its lists in one cell, or a row a contact and list.
    fn active_campaign(&mut self, person: &Person) -> Result<()> {
        let lists = &person.active_campaign;
        let Some(first) = lists.first() else { return Ok(()) };
        let numbers = person.number.is_multiple_of(3);
        let words: Vec<&str> = lists.iter().map(|one| of_list(one.state, numbers)).collect();
        let hard = if lists.iter().any(|one| one.state == State::Bounced) { "1" } else { "0" };
        let left = |one: &Membership| one.since.filter(|_| one.state == State::Unsubscribed).map(iso).unwrap_or_default();
        let failed = |one: &Membership| {
            one.since.filter(|_| matches!(one.state, State::Bounced | State::SoftBounced)).map(iso).unwrap_or_default()
        };
        if !person.tagged && !first.list.is_empty() && person.number.is_multiple_of(2) {
            for (one, word) in lists.iter().zip(words) {
                let header = ["E-mail", "List Name", "List Status", "Date Unsubscribed", "Bounced Hard", "Bounced Date"];
                self.row(BY_LIST, &header, &[&person.email, one.list, word, &left(one), hard, &failed(one)])?;
            }
            return Ok(());
        }
        let names: Vec<&str> = lists.iter().map(|one| one.list).filter(|name| !name.is_empty()).collect();
        let status = if words.iter().all(|word| *word == words[0]) { words[0].to_owned() } else { words.join(", ") };
        let find = |of: &dyn Fn(&Membership) -> String| lists.iter().map(of).find(|cell| !cell.is_empty()).unwrap_or_default();
        let id = if person.tagged { Keys::contact(self, person) } else { String::new() };
        let cells = [
            &person.email,
            &person.number.to_string(),
            &names.join(", "),
            &status,
            "2024-01-01 09:00:00",
            &find(&left),
            hard,
            &find(&failed),
            &id,
        ];
        self.row(BY_CONTACT, &BY_CONTACT_HEADER, &cells)
    }

    /// A file a list and state, a file a list, and the suppression list.
    fn campaign_monitor(&mut self, person: &Person) -> Result<()> {
        for one in &person.campaign_monitor {
            let since = one.since.map(|day| format!("{} 10:00:00", iso(day))).unwrap_or_default();
            let own_file = match one.state {
                State::Active => "active-2026-11-21",
                State::Unsubscribed => "unsubscribed-2026-11-21",
                State::Bounced | State::SoftBounced => "bounced-2026-11-21",
                State::Removed => "deleted-2026-11-21",
                State::Unconfirmed | State::Spam | State::Blank => "",
            };
            if one.list == "Alumni News" && !own_file.is_empty() {
                let file = format!("Alumni News-{own_file}.csv");
                self.row(&file, &["EmailAddress", "Name", "Date"], &[&person.email, "", &since])?;
            } else {
                let header = ["Email", "List", "State", "Date", "ListJoinedDate"];
                let cells = [&person.email, one.list, of_state(one.state), &since, "2024-02-01 09:00:00"];
                self.row(EVENTS, &header, &cells)?;
            }
        }
        let Some(why) = person.suppressed else { return Ok(()) };
        let reason = if why == Suppression::Spam { "Marked as spam" } else { "HardBounced" };
        let since = format!("{} 10:00:00", iso(FIRST_DAY));
        let header = ["SuppressionReason", "EmailAddress", "Date", "State"];
        self.row(SUPPRESSION, &header, &[reason, &person.email, &since, "Suppressed"])
    }

    fn constituent(&mut self, person: &Person, constituent: &Constituent) -> Result<()> {
        let source = constituent.source;
        let on = constituent.out_on.map(american).unwrap_or_default();
        self.boxed(person, constituent, word(source, constituent.out), &on)?;
        for code in &constituent.codes {
            let name = source.code(code.means, person.number);
            let [start, end] = [code.start, code.end].map(|day| day.map(american).unwrap_or_default());
            self.code(source, &Keys::constituent(self, person, source), name, &start, &end)?;
        }
        Ok(())
    }

    /// A source's row with cells of one's own for the box and its date.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn boxed(&mut self, person: &Person, constituent: &Constituent, out: &str, on: &str) -> Result<()> {
        let source = constituent.source;
        let id = Keys::constituent(self, person, source);
        let named = person.contact.is_some() && !(source == Source::Ascend && self.crm == Crm::Dynamics);
        let contact = if named { Keys::contact(self, person) } else { String::new() };
        let email = constituent.other_email.as_ref().unwrap_or(&person.email);
        let status = source.address(constituent.bounced);
        let categories: Vec<&str> = constituent.categories.iter().map(|name| source.category(name)).collect();
        let cells = [&id, &contact, email, out, on, status, &categories.join(";")];
        self.row(&format!("{}_constituents_2026-11-21.csv", source.name()), &source.header(self.crm), &cells)
    }

    /// A source's row of a code.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn code(&mut self, source: Source, id: &str, name: &str, start: &str, end: &str) -> Result<()> {
        let (file, header) = source.codes();
        self.row(file, &header, &[id, name, start, end, ""])
    }

    fn of_owner(&self, person: &Person) -> String {
        self.owner
            .filter(|_| !person.constituents.is_empty())
            .map(|owner| Keys::constituent(self, person, owner))
            .unwrap_or_default()
    }
}

impl Keys for Exports {
    fn contact(&self, person: &Person) -> String {
        match self.crm {
            Crm::Salesforce => self.keys.contact(person.number).full().to_owned(),
            Crm::Dynamics => super::guid(8, person.number),
        }
    }

    /// The ids of the first source are those that the CRM keeps. The ids of another are those of other people there.
    fn constituent(&self, person: &Person, source: Source) -> String {
        let apart = if Some(source) == self.owner { 0 } else { source as u64 };
        format!("{:010}", 1_000_000 + person.number + apart)
    }
}

impl Source {
    fn header(self, crm: Crm) -> [&'static str; 7] {
        let contact = if crm == Crm::Salesforce { "Salesforce Contact ID" } else { "Dynamics Contact ID" };
        match self {
            Source::Ascend => [
                "Constituent ID",
                "Salesforce Contact ID",
                "Email",
                "Email Opt Out",
                "Opt Out Date",
                "Email Status",
                "Email Preferences",
            ],
            Source::Advance => {
                ["ID Number", contact, "Email Address", "No Email Ind", "No Email Date", "Email Status Code", "Mailing Lists"]
            }
            Source::RaisersEdge => [
                "Lookup ID",
                contact,
                "Email address",
                "Requests no email",
                "Requests no email date",
                "Email inactive",
                "Email Preferences",
            ],
        }
    }

    fn codes(self) -> (&'static str, [&'static str; 5]) {
        match self {
            Source::Ascend => {
                ("ascend_preferences_2026-11-21.csv", ["Constituent ID", "Code", "Start Date", "End Date", "Status"])
            }
            Source::Advance => (
                "advance_mail_control_2026-11-21.csv",
                ["ID Number", "Mail Control Code", "Start Date", "Stop Date", "Mail Control Status"],
            ),
            Source::RaisersEdge => (
                "raisers_edge_solicit_codes_2026-11-21.csv",
                ["Lookup ID", "Solicit Code", "Start Date", "End Date", "Solicit code status"],
            ),
        }
    }

    fn address(self, bounced: bool) -> &'static str {
        match (self, bounced) {
            (Source::Ascend, true) => "Bounced",
            (Source::Ascend, false) => "Active",
            (Source::Advance, true) => "B",
            (Source::Advance, false) => "A",
            (Source::RaisersEdge, true) => "Yes",
            (Source::RaisersEdge, false) => "No",
        }
    }

    fn code(self, means: Means, number: u64) -> &'static str {
        let pick = |names: [&'static str; 2]| names[number as usize % 2];
        match (self, means) {
            (Source::RaisersEdge, Means::NoEmail) => pick(["Do not email", "Requests no e-mail"]),
            (Source::RaisersEdge, Means::NoContact) => pick(["Do not contact", "No contact"]),
            (Source::RaisersEdge, Means::SolicitOnly) => pick(["Do not solicit", "Do not email solicitations"]),
            (Source::Advance, Means::NoEmail) => pick(["NE", "NEM"]),
            (_, Means::NoEmail) => "NE",
            (Source::Ascend, Means::NoContact) => pick(["NC", "AWRX"]),
            (_, Means::NoContact) => "NC",
            (_, Means::SolicitOnly) => pick(["NES", "NS"]),
            (_, Means::Nothing) => pick(["ZZQ", "X17"]),
        }
    }
}

/// The box of a source.
fn word(source: Source, out: Box) -> &'static str {
    match (source, out) {
        (_, Box::Blank) => "",
        (Source::RaisersEdge, Box::Yes) => "Yes",
        (Source::RaisersEdge, Box::No) => "No",
        (_, Box::Yes) => "Y",
        (_, Box::No) => "N",
    }
}

/// ActiveCampaign's word or number.
fn of_list(state: State, number: bool) -> &'static str {
    let [word, digits] = match state {
        State::Active => ["Active", "1"],
        State::Unconfirmed => ["Unconfirmed", "0"],
        State::Unsubscribed | State::Spam => ["Unsubscribed", "2"],
        State::Bounced | State::SoftBounced => ["Bounced", "3"],
        State::Removed => ["Removed", "91"],
        State::Blank => ["", ""],
    };
    if number { digits } else { word }
}

/// Campaign Monitor's word.
fn of_state(state: State) -> &'static str {
    match state {
        State::Active => "Active",
        State::Unconfirmed => "Unconfirmed",
        State::Unsubscribed => "Unsubscribed",
        State::Bounced | State::SoftBounced => "Bounced",
        State::Removed => "Deleted",
        State::Spam => "Spam",
        State::Blank => "",
    }
}

fn date(day: i64) -> NaiveDate {
    DateTime::UNIX_EPOCH.date_naive().checked_add_days(Days::new(day as u64)).expect("made-up days lie in this century")
}

fn iso(day: i64) -> String {
    date(day).to_string()
}

fn american(day: i64) -> String {
    date(day).format("%m/%d/%Y").to_string()
}
