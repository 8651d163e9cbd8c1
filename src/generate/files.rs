//! The six exports, each written as its system writes it. One method call is one row.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::ids::ConstituentId;
use super::person::{Code, Constituent, Contact, Subscriber, Unit};
use super::values::{Clock, Key, When, write_number};

const VENDOR_HOURS: i64 = -6;

/// All exports, open for writing.
pub struct Files {
    /// Contacts as Data Loader exports them.
    pub contacts: Export,
    /// Leads as a report exports them.
    pub leads: Export,
    /// The All Subscribers list.
    pub subscribers: Export,
    /// The business units' unsubscribes.
    pub units: Export,
    /// The source's constituents.
    pub constituents: Export,
    /// The source's long rows.
    pub preferences: Export,
}

impl Files {
    /// Creates the exports, headers written.
    pub fn create(inbox: &Path) -> Result<Files> {
        let open = |name: &str, header: &str| Export::create(inbox.join(name), header);
        Ok(Files {
            contacts: open(
                "salesforce_contacts_2026-11-21.csv",
                "\u{feff}\"Id\",\"Email\",\"UCB_Email__c\",\"HasOptedOutOfEmail\",\"EmailBouncedReason\",\"EmailBouncedDate\",\
                 \"Ascend_ID__c\",\"Email_Preferences__c\",\"Email_Opt_In_Date__c\",\"Email_Opt_In_Channel__c\",\"LastModifiedDate\"",
            )?,
            leads: open(
                "salesforce_leads_report_2026-11-21.csv",
                "\"Lead ID\",\"Email\",\"UCB Email\",\"Email Opt Out\",\"Email Bounced Reason\",\"Email Bounced Date\",\
                 \"Ascend ID\",\"Email Preferences\",\"Email Opt In Date\",\"Email Opt In Channel\"",
            )?,
            subscribers: open(
                "marketing_cloud_subscribers_2026-11-21.csv",
                "SubscriberKey,EmailAddress,Status,DateJoined,DateUnsubscribed,DateUndeliverable",
            )?,
            units: open(
                "marketing_cloud_unit_unsubscribes_2026-11-21.csv",
                "BusinessUnitID,UnsubDateUTC,UnsubReason,SubscriberID,SubscriberKey",
            )?,
            constituents: open(
                "ascend_constituents_2026-11-21.csv",
                "Constituent ID,Salesforce Contact ID,Email,Email Opt Out,Opt Out Date,Email Status,Email Preferences",
            )?,
            preferences: open("ascend_preferences_2026-11-21.csv", "Constituent ID,Code,Description,Start Date,End Date,Status")?,
        })
    }

    /// A row of the contacts, or of the leads.
    pub fn contact(&mut self, contact: &Contact) {
        if contact.lead { self.lead_row(contact) } else { self.contact_row(contact, true) }
    }

    /// A row of the contacts whose id is gone.
    pub fn contact_without_id(&mut self, contact: &Contact) {
        self.contact_row(contact, false);
    }

    fn contact_row(&mut self, contact: &Contact, with_id: bool) {
        let mut row = self.contacts.quoted_row();
        row.cell(|cell| cell.extend_from_slice(if with_id { contact.id.full().as_bytes() } else { b"" }));
        row.cell(|cell| contact.email.write(cell));
        row.cell(|cell| contact.campus.write(cell));
        row.text(if contact.opted_out { "true" } else { "false" });
        row.text(contact.bounce_reason);
        row.cell(|cell| contact.bounced_at.write(cell, Clock::Iso));
        row.constituent(contact.source_id);
        row.cell(|cell| contact.categories.write(cell, ";", |category| category.name));
        row.cell(|cell| contact.opted_in_at.write(cell, Clock::Iso));
        row.text(contact.opted_in_by);
        row.cell(|cell| When::At(contact.modified_at).write(cell, Clock::Iso));
        row.end();
    }

    fn lead_row(&mut self, lead: &Contact) {
        let mut row = self.leads.quoted_row();
        row.text(lead.id.short());
        row.cell(|cell| lead.email.write(cell));
        row.cell(|cell| lead.campus.write(cell));
        row.text(if lead.opted_out { "1" } else { "0" });
        row.text(lead.bounce_reason);
        row.cell(|cell| lead.bounced_at.write(cell, Clock::Day));
        row.constituent(lead.source_id);
        row.cell(|cell| lead.categories.write(cell, "; ", |category| category.name));
        row.cell(|cell| lead.opted_in_at.write(cell, Clock::Day));
        row.text(lead.opted_in_by);
        row.end();
    }

    /// A row of the subscribers.
    pub fn subscriber(&mut self, subscriber: &Subscriber) {
        let vendor = Clock::American(VENDOR_HOURS);
        let mut row = self.subscribers.row();
        row.cell(|cell| subscriber.key.write(cell));
        row.cell(|cell| subscriber.email.write(cell));
        row.text(subscriber.status);
        row.cell(|cell| When::At(subscriber.joined_at).write(cell, vendor));
        row.cell(|cell| subscriber.unsubscribed_at.write(cell, vendor));
        row.cell(|cell| subscriber.undeliverable_at.write(cell, vendor));
        row.end();
    }

    /// A row of the business units' unsubscribes.
    pub fn unit(&mut self, key: Key, unit: &Unit) {
        let number = self.units.rows + 40_000_001;
        let mut row = self.units.row();
        row.text(unit.unit);
        row.cell(|cell| unit.at.write(cell, Clock::American(0)));
        row.text(unit.reason);
        row.cell(|cell| write_number(cell, number, 1));
        row.cell(|cell| key.write(cell));
        row.end();
    }

    /// A row of the constituents.
    pub fn constituent(&mut self, constituent: &Constituent) {
        self.constituent_row(constituent, Some(constituent.id));
    }

    /// A row of the constituents whose id is gone.
    pub fn constituent_without_id(&mut self, constituent: &Constituent) {
        self.constituent_row(constituent, None);
    }

    fn constituent_row(&mut self, constituent: &Constituent, id: Option<ConstituentId>) {
        let mut row = self.constituents.row();
        row.constituent(id);
        row.cell(|cell| constituent.contact.write(cell));
        row.cell(|cell| constituent.email.write(cell));
        row.text(constituent.opt_out);
        row.cell(|cell| constituent.opted_out_on.write(cell, Clock::Day));
        row.text(constituent.email_status);
        row.cell(|cell| constituent.categories.write(cell, ";", |category| category.code));
        row.end();
    }

    /// A long row of the source.
    pub fn code(&mut self, constituent: ConstituentId, code: &Code) {
        let mut row = self.preferences.row();
        row.constituent(Some(constituent));
        row.text(code.code);
        row.text(describe(code.code));
        row.cell(|cell| code.start.write(cell, Clock::Day));
        row.cell(|cell| code.end.write(cell, Clock::Day));
        row.text(code.status);
        row.end();
    }

    /// Closes all exports, the report with its footer.
    ///
    /// # Errors
    /// The first that could not be written, by name.
    pub fn finish(mut self) -> Result<Vec<(PathBuf, u64)>> {
        for line in [
            "",
            "\"Leads and their e-mail preferences\"",
            "\"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved.\"",
            "\"Confidential Information - Do Not Distribute\"",
            "\"Generated By: Robin Records 11/21/2026 6:02 AM\"",
            "\"Example University\"",
        ] {
            self.leads.line(line);
        }
        [self.contacts, self.leads, self.subscribers, self.units, self.constituents, self.preferences]
            .into_iter()
            .map(Export::finish)
            .collect()
    }
}

fn describe(code: &str) -> &'static str {
    match code {
        "NE" => "No e-mail",
        "NC" => "No contact",
        "NES" => "No e-mail solicitation",
        "NS" => "No solicitation",
        "AWR1" => "No contact - regional office 1",
        "ALX" => "Not Alumni News",
        "EVI" => "Events by request",
        "MAG" => "Magazine by post",
        _ => "Imported in 2009",
    }
}

/// One file, written through a buffer. The first error is kept for the end: rows are written by the million.
pub struct Export {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    error: Option<io::Error>,
    /// Data rows so far.
    pub rows: u64,
}

impl Export {
    fn create(path: PathBuf, header: &str) -> Result<Export> {
        let file = File::create_new(&path).with_context(|| format!("could not create {}", path.display()))?;
        let mut export = Export { path, file, buffer: Vec::with_capacity(BUFFER + 4096), error: None, rows: 0 };
        export.line(header);
        Ok(export)
    }

    fn line(&mut self, line: &str) {
        self.buffer.extend_from_slice(line.as_bytes());
        self.buffer.push(b'\n');
    }

    fn row(&mut self) -> Row<'_> {
        Row { export: self, quote: b"", cells: 0 }
    }

    fn quoted_row(&mut self) -> Row<'_> {
        Row { export: self, quote: b"\"", cells: 0 }
    }

    fn flush(&mut self) {
        if self.error.is_none() {
            self.error = self.file.write_all(&self.buffer).err();
        }
        self.buffer.clear();
    }

    fn finish(mut self) -> Result<(PathBuf, u64)> {
        self.flush();
        match self.error {
            Some(error) => Err(error).with_context(|| format!("could not write {}", self.path.display())),
            None => Ok((self.path, self.rows)),
        }
    }
}

const BUFFER: usize = 1 << 20;

/// A row that is being written.
struct Row<'a> {
    export: &'a mut Export,
    quote: &'static [u8],
    cells: usize,
}

impl Row<'_> {
    fn cell(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let buffer = &mut self.export.buffer;
        if self.cells > 0 {
            buffer.push(b',');
        }
        buffer.extend_from_slice(self.quote);
        write(buffer);
        buffer.extend_from_slice(self.quote);
        self.cells += 1;
    }

    fn text(&mut self, text: &str) {
        self.cell(|cell| cell.extend_from_slice(text.as_bytes()));
    }

    fn constituent(&mut self, id: Option<ConstituentId>) {
        self.cell(|cell| {
            if let Some(id) = id {
                id.write(cell);
            }
        });
    }

    fn end(self) {
        self.export.buffer.push(b'\n');
        self.export.rows += 1;
        if self.export.buffer.len() >= BUFFER {
            self.export.flush();
        }
    }
}
