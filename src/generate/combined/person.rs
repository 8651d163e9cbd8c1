//! One made-up person: what every system of the workspace has on file.

use super::wanted::Source;

/// One person. What is `None` or empty, its system does not have.
#[derive(Clone, Debug)]
pub struct Person {
    /// Unique in the workspace; every key comes from it.
    pub number: u64,
    /// The address everywhere.
    pub email: String,
    /// In the CRM.
    pub contact: Option<Contact>,
    /// In Marketing Cloud.
    pub subscriber: Option<Subscriber>,
    /// In ActiveCampaign.
    pub active_campaign: Vec<Membership>,
    /// Whether ActiveCampaign knows the Salesforce id.
    pub tagged: bool,
    /// In Campaign Monitor.
    pub campaign_monitor: Vec<Membership>,
    /// On Campaign Monitor's suppression list.
    pub suppressed: Option<Suppression>,
    /// In the source systems.
    pub constituents: Vec<Constituent>,
    /// ClickDimensions' unsubscribe records.
    pub barred: Vec<Barred>,
    /// ClickDimensions' subscription preferences.
    pub preferences: Vec<Preference>,
}

/// The CRM's contact.
#[derive(Clone, Debug)]
pub struct Contact {
    /// Bulk e-mail is not allowed, or the box is ticked.
    pub out: bool,
    /// No e-mail at all is allowed (Dynamics).
    pub barred: bool,
    /// The day of an opt-in, and how it is known.
    pub opted_in: Option<(i64, &'static str)>,
    /// The bounce fields are filled (Salesforce).
    pub bounced: bool,
    /// Categories that are on (Salesforce).
    pub categories: Vec<&'static str>,
}

/// Marketing Cloud's subscriber.
#[derive(Clone, Debug)]
pub struct Subscriber {
    /// The status, as the platform writes it.
    pub status: &'static str,
    /// The day of an unsubscribe, a hold or a bounce, where it is known.
    pub since: Option<i64>,
    /// The key is the address, as in older accounts.
    pub by_address: bool,
    /// Business units that the person left.
    pub units: Vec<&'static str>,
}

/// What a list says of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Mailed.
    Active,
    /// Never confirmed.
    Unconfirmed,
    /// The person left.
    Unsubscribed,
    /// Mail bounced; a hard bounce in ActiveCampaign.
    Bounced,
    /// Mail bounced for now (ActiveCampaign).
    SoftBounced,
    /// Off the list.
    Removed,
    /// A complaint (Campaign Monitor).
    Spam,
    /// No word.
    Blank,
}

/// One list of a platform.
#[derive(Clone, Debug)]
pub struct Membership {
    /// The list; empty where ActiveCampaign names none.
    pub list: &'static str,
    /// What it says.
    pub state: State,
    /// Since when, where it is known.
    pub since: Option<i64>,
}

/// Why Campaign Monitor suppresses an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suppression {
    /// A complaint.
    Spam,
    /// It bounced for good.
    Bounced,
}

/// A source system's record.
#[derive(Clone, Debug)]
pub struct Constituent {
    /// The system.
    pub source: Source,
    /// The box.
    pub out: Box,
    /// The day in the box's own column.
    pub out_on: Option<i64>,
    /// The address is known to be bad.
    pub bounced: bool,
    /// Another address than the person's.
    pub other_email: Option<String>,
    /// Categories that are on, by name.
    pub categories: Vec<&'static str>,
    /// Code rows.
    pub codes: Vec<Code>,
}

/// A box of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Box {
    /// Ticked.
    Yes,
    /// Not ticked.
    No,
    /// Nobody asked.
    Blank,
}

/// A row of a code.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// What it means.
    pub means: Means,
    /// From when on.
    pub start: Option<i64>,
    /// Until when.
    pub end: Option<i64>,
}

/// What a code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// No e-mail.
    NoEmail,
    /// No contact, by a code that a wildcard covers.
    NoContact,
    /// No solicitation, which is no opt-out.
    SolicitOnly,
    /// Nobody has said.
    Nothing,
}

/// An unsubscribe record.
#[derive(Clone, Debug)]
pub struct Barred {
    /// Its GUID.
    pub id: String,
    /// The address that it bars, as it is written.
    pub email: String,
    /// Whether it is linked to the contact.
    pub linked: bool,
    /// The subscription list; empty for everything.
    pub list: &'static str,
    /// The day it was made.
    pub since: i64,
}

/// A subscription preference.
#[derive(Clone, Debug)]
pub struct Preference {
    /// Its GUID.
    pub id: String,
    /// The list.
    pub list: &'static str,
    /// In, Out, or nothing.
    pub choice: &'static str,
}

impl Person {
    /// The person's record in a source; the case is for people who have one.
    pub fn constituent(&mut self, at: usize) -> &mut Constituent {
        &mut self.constituents[at]
    }

    /// Leaves everything that the workspace has.
    pub fn leave_everything(&mut self, day: i64) {
        if let Some(contact) = &mut self.contact {
            contact.out = true;
            contact.categories.clear();
        }
        if let Some(subscriber) = &mut self.subscriber {
            (subscriber.status, subscriber.since) = ("Unsubscribed", Some(day));
        }
        self.leave_lists(day);
        for constituent in &mut self.constituents {
            (constituent.out, constituent.out_on) = (Box::Yes, Some(day));
            constituent.categories.clear();
        }
    }

    /// Leaves every list of every platform.
    pub fn leave_lists(&mut self, day: i64) {
        for membership in self.active_campaign.iter_mut().chain(&mut self.campaign_monitor) {
            (membership.state, membership.since) = (State::Unsubscribed, Some(day));
        }
    }

    /// Turns every category off.
    pub fn clear_categories(&mut self) {
        self.contact.iter_mut().for_each(|contact| contact.categories.clear());
        self.constituents.iter_mut().for_each(|constituent| constituent.categories.clear());
    }
}
