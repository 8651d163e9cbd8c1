//! One profile: the TOML format of a system, parsed and checked.

mod corrections;

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use crate::columns::{Field, Role};
use crate::nearest::parse_toml;
pub use corrections::{CorrectionColumn, CorrectionFile, Reloadable, Take};

/// A system's exports, words and correction files.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The name that configuration and outputs use.
    pub name: String,
    /// The name that people use.
    pub title: String,
    /// What the system is for.
    pub role: Role,
    /// The zone of times that carry none: an IANA name or a fixed offset such as `-06:00`.
    pub zone: String,
    /// The order of day and month in dates such as 03/04/2026, where the vendor fixes it.
    #[serde(default)]
    pub date_order: Option<DateOrder>,
    /// What a blank opt-out or status cell means.
    pub blank_opt_out: BlankMeans,
    /// What a subscription preference means that is blank or not there.
    #[serde(default)]
    pub subscriptions: Subscriptions,
    /// What separates the values of a categories cell.
    #[serde(default = "semicolon")]
    pub category_separator: String,
    /// What separates the lists of one cell, the first of them that occurs in it.
    #[serde(default)]
    pub list_separators: Vec<String>,
    /// Whether an address that bounced for good counts as opted out.
    #[serde(default)]
    pub hard_bounce_opts_out: bool,
    /// Whether the date of a subscription is an explicit opt-in, without `[policy] opt_in_systems` naming the system.
    #[serde(default)]
    pub subscribing_opts_in: bool,
    /// Cells that stand for a blank.
    #[serde(default)]
    pub placeholders: Vec<String>,
    /// The words of yes and no.
    pub booleans: Booleans,
    /// The words of a status column that tells the preference, by what they mean.
    #[serde(default)]
    pub status: BTreeMap<State, Vec<String>>,
    /// The words of a status column that speaks of the address alone.
    #[serde(default)]
    pub email_status: BTreeMap<State, Vec<String>>,
    /// The words that say whether a code row is active.
    #[serde(default)]
    pub code_status: Booleans,
    /// The words of a bounce's category: whether it is for good.
    #[serde(default)]
    pub hard_bounce: Booleans,
    /// What staff call each state (Marketing Cloud's shirt colours).
    #[serde(default)]
    pub shirts: BTreeMap<State, String>,
    /// What each preference code means; a trailing `*` matches any ending.
    #[serde(default)]
    pub codes: BTreeMap<String, String>,
    /// The kinds of export.
    pub kinds: Vec<Kind>,
    /// The files that put records right.
    #[serde(default)]
    pub corrections: Vec<CorrectionFile>,
}

fn semicolon() -> String {
    ";".to_owned()
}

/// Words of yes and no, any case.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Booleans {
    /// Words that mean yes.
    #[serde(rename = "true", default)]
    pub yes: Vec<String>,
    /// Words that mean no.
    #[serde(rename = "false", default)]
    pub no: Vec<String>,
}

/// The order of day and month in a slashed date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DateOrder {
    /// Month first, as in the United States.
    Mdy,
    /// Day first.
    Dmy,
    /// Year first.
    Ymd,
}

/// What a blank preference cell means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BlankMeans {
    /// Not opted out: a checkbox that is not ticked.
    Active,
    /// Nobody knows.
    Unknown,
}

/// How a system's subscription lists work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subscriptions {
    /// Whoever has not opted out of a list is on it.
    #[default]
    OptOut,
    /// Whoever has not opted in to a list is not on it.
    OptIn,
}

/// What a status word means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Mailed.
    Active,
    /// Mail bounced; the vendor still mails it.
    Bounced,
    /// The vendor stopped mailing it.
    Held,
    /// The person said no.
    OptedOut,
    /// Deleted: no statement about consent.
    Removed,
    /// Asked to be on a list and never confirmed it: neither mailed nor opted out.
    Unconfirmed,
    /// A complaint or the suppression list: the address gets no mail from any list.
    Suppressed,
}

/// What one row of a kind is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grain {
    /// One row a contact, subscriber or constituent.
    Contact,
    /// One row a subscriber and business unit that unsubscribed.
    UnitUnsubscribe,
    /// One row a constituent and preference code; folds into the constituent.
    Code,
    /// One row a bounce; folds into its subscriber.
    Bounce,
    /// One row an unsubscribe of a log: dates its subscriber's, or stands for the business unit that was left.
    UnsubscribeEvent,
    /// One row an unsubscribe record: it bars an address, from one list or from everything.
    Unsubscribe,
    /// One row a contact and subscription list.
    Preference,
    /// One row a record that a correction file was to change: what the system's loader answers. No record.
    Answer,
    /// One row an address and list, or an address and the lists in one cell.
    Membership,
}

impl Grain {
    /// Whether it is a log of events: its rows are of those to whom something happened.
    pub fn is_log(self) -> bool {
        matches!(self, Grain::Bounce | Grain::UnsubscribeEvent)
    }
}

/// A column that tells a kind by its values.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Only {
    /// Its field.
    pub field: Field,
    /// Its values.
    pub values: Vec<String>,
}

impl Only {
    /// Whether a value is one of them.
    pub fn allows(&self, value: &str) -> bool {
        self.values.iter().any(|known| known.eq_ignore_ascii_case(value.trim()))
    }
}

/// The shape that an id has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdShape {
    /// A Salesforce id of 15 or 18 characters.
    Salesforce,
    /// The id of a contact in a CRM, which may be either: a Salesforce id, or a GUID as Dynamics has them.
    SalesforceOrGuid,
    /// One of these where it looks like it, any text where it does not.
    SalesforceOrText,
    /// A GUID, with or without braces.
    Guid,
    /// Digits, zero-padded to a width.
    Number(usize),
    /// Any text.
    Text,
}

/// A kind of export: how it is recognised and what its columns mean.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Its name, as `run.json` and `check` use it.
    pub name: String,
    /// What one row is called in messages.
    pub noun: String,
    /// What one row is.
    pub grain: Grain,
    /// The field that names the record in its own system.
    pub key: Field,
    /// Fields without which a file is not of this kind.
    pub required: Vec<Field>,
    /// Fields of which at least one must be there too.
    #[serde(default)]
    pub marks: Vec<Field>,
    /// Headers that rule the kind out.
    #[serde(default)]
    pub excludes: Vec<String>,
    /// What a column holds in every row of it, where other exports have the same headers.
    #[serde(default)]
    pub only: Option<Only>,
    /// Headers that only an extract has which leaves out whoever nothing happened to.
    #[serde(default)]
    pub partial_with: Vec<String>,
    /// What the key's values start with, where two kinds share their headers.
    #[serde(default)]
    pub id_prefix: Option<String>,
    /// Words of which the cells of a field must be, where the headers alone do not tell the kind.
    #[serde(default)]
    pub words: BTreeMap<Field, Vec<String>>,
    /// Whether a file is of this kind only where no other kind fits: its headers are those of many files.
    #[serde(default)]
    pub fallback: bool,
    /// Fields that the file's name or the configuration tells where no column does: the status, or the status and
    /// the list. A file that says neither is refused.
    #[serde(default)]
    pub from_name: Vec<Field>,
    /// Whether a state's word in the file's name is enough to tell the kind, where the headers have no mark of it.
    #[serde(default)]
    pub known_by_name: bool,
    /// The words of its status column, where they are not those of the system.
    #[serde(default)]
    pub status: BTreeMap<State, Vec<String>>,
    /// What a row is whose status is blank or a word that nobody knows: being in the file says it.
    #[serde(default)]
    pub default_state: Option<State>,
    /// Whether several files of this kind are parts of one export.
    #[serde(default)]
    pub parts: bool,
    /// Headers of the opt-out under which yes and no say nothing: only the first pair of booleans counts there.
    #[serde(default)]
    pub mute_headers: Vec<String>,
    /// The shapes of ids, by field.
    #[serde(default)]
    pub shapes: BTreeMap<Field, String>,
    /// Headers of each field. All that a file has are read as addresses, and as links of unsubscribe records and preferences;
    /// of others the first.
    pub columns: BTreeMap<Field, Vec<String>>,
}

impl Kind {
    /// The shape of a field's ids.
    pub fn shape(&self, field: Field) -> IdShape {
        self.shapes.get(&field).map_or(IdShape::Text, |text| parse_shape(text).expect("checked when the profile was read"))
    }
}

/// What a preference code means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeMeaning {
    /// Opted out of all e-mail.
    OptOutAll,
    /// No contact of any sort; opts out of e-mail too.
    NoContact,
    /// Opted out of one category.
    OptOutCategory(String),
    /// Opted in to one category.
    OptInCategory(String),
    /// No solicitation; not an opt-out.
    SolicitOnly,
    /// Of no concern here.
    Ignore,
}

impl CodeMeaning {
    /// Reads `opt_out_all`, `opt_out:<category>`, `opt_in:<category>`, `solicit_only`, `no_contact` or `ignore`.
    pub fn parse(text: &str) -> Result<CodeMeaning> {
        Ok(match text.trim() {
            "opt_out_all" => CodeMeaning::OptOutAll,
            "no_contact" => CodeMeaning::NoContact,
            "solicit_only" => CodeMeaning::SolicitOnly,
            "ignore" => CodeMeaning::Ignore,
            other => match other.split_once(':') {
                Some(("opt_out", category)) if !category.trim().is_empty() => {
                    CodeMeaning::OptOutCategory(category.trim().to_owned())
                }
                Some(("opt_in", category)) if !category.trim().is_empty() => {
                    CodeMeaning::OptInCategory(category.trim().to_owned())
                }
                _ => bail!(
                    "`{other}` is no meaning of a code: write `opt_out_all`, `opt_out:<category>`, `opt_in:<category>`, \
                     `solicit_only`, `no_contact` or `ignore`"
                ),
            },
        })
    }
}

fn parse_shape(text: &str) -> Result<IdShape> {
    Ok(match text {
        "salesforce" => IdShape::Salesforce,
        "salesforce_or_guid" => IdShape::SalesforceOrGuid,
        "salesforce_or_text" => IdShape::SalesforceOrText,
        "guid" => IdShape::Guid,
        "text" => IdShape::Text,
        other => match other.strip_prefix("number:").and_then(|width| width.parse().ok()) {
            Some(width) if (1..=20).contains(&width) => IdShape::Number(width),
            _ => bail!(
                "`{other}` is no id shape: write `salesforce`, `salesforce_or_guid`, `salesforce_or_text`, `guid`, `number:WIDTH` or `text`"
            ),
        },
    })
}

/// Whether a spreadsheet would take a cell for a formula (OWASP, CSV injection).
pub fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\0'])
}

/// A header as it is compared: without case, spaces, underscores, quotes and byte-order mark.
pub fn fold_header(header: &str) -> String {
    header
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '_' | '"' | '\'' | '\u{feff}' | '\u{200b}' | '\u{a0}'))
        .flat_map(char::to_lowercase)
        .collect()
}

impl Profile {
    /// Reads a profile and checks that it is consistent.
    ///
    /// # Errors
    /// An unknown key (with the nearest known one), an unknown shape, code meaning or kind, a correction
    /// column that says not exactly one of `take`, `set`, `write`, `keep`, `blank`; two entries of one file that differ
    /// in their headers.
    pub fn parse(text: &str) -> Result<Profile> {
        let profile: Profile = parse_toml(text)?;
        profile.check()?;
        Ok(profile)
    }

    /// Whether its records are named by ids of its own that other systems name too: a source system's.
    pub fn has_source_ids(&self) -> bool {
        self.kinds.iter().any(|kind| kind.key == Field::SourceId)
    }

    /// Whether it keeps a state for each list: the rules on list memberships then answer for it.
    pub fn keeps_memberships(&self) -> bool {
        self.kinds.iter().any(|kind| kind.grain == Grain::Membership)
    }

    /// Whether a word of a kind's status column stops every list.
    pub fn suppresses(&self, kind: &Kind, word: &str) -> bool {
        let is = |words: &Vec<String>| words.iter().any(|known| known.eq_ignore_ascii_case(word));
        self.status_of(kind).get(&State::Suppressed).is_some_and(is) || kind.default_state == Some(State::Suppressed)
    }

    /// The words of a kind's status column.
    pub fn status_of<'a>(&'a self, kind: &'a Kind) -> &'a BTreeMap<State, Vec<String>> {
        if kind.status.is_empty() { &self.status } else { &kind.status }
    }

    /// The kind with that name.
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.name == name)
    }

    fn check(&self) -> Result<()> {
        let by_address = |kind: &&Kind| kind.grain != Grain::Membership || kind.key == Field::Email;
        if let Some(kind) = self.kinds.iter().find(|kind| !by_address(kind)) {
            bail!("the kind `{}` is of memberships, so its key must be `email`: an address and a list name one", kind.name);
        }
        crate::times::Zone::parse(&self.zone)?;
        if self.kinds.is_empty() {
            bail!("it has no [[kinds]]: say what exports the system writes");
        }
        for kind in &self.kinds {
            for shape in kind.shapes.values() {
                parse_shape(shape)?;
            }
            for field in kind.required.iter().chain(&kind.marks).chain(kind.words.keys()).chain([&kind.key]) {
                if !kind.columns.contains_key(field) {
                    bail!("the kind `{}` needs `{field}`, but [kinds.columns] has no headers for it", kind.name);
                }
            }
        }
        for meaning in self.codes.values() {
            CodeMeaning::parse(meaning)?;
        }
        for correction in &self.corrections {
            let headers = |file: &CorrectionFile| file.columns.iter().map(|column| column.header.clone()).collect::<Vec<_>>();
            let same = |other: &&CorrectionFile| other.file == correction.file && headers(other) != headers(correction);
            if self.corrections.iter().any(|other| same(&other)) {
                bail!("the entries of the correction file {} must have the same headers in the same order", correction.file);
            }
            if let Some(unknown) = correction.kinds.iter().find(|kind| self.kind(kind).is_none()) {
                let known: Vec<&str> = self.kinds.iter().map(|kind| kind.name.as_str()).collect();
                bail!("the correction file {} is for the kind `{unknown}`; known are {}", correction.file, known.join(", "));
            }
            for column in &correction.columns {
                let said =
                    [column.take.is_some(), column.set.is_some(), column.write.is_some(), column.keep.is_some(), column.blank];
                if said.iter().filter(|said| **said).count() != 1 {
                    bail!(
                        "the column `{}` of {} must say exactly one of `take`, `set`, `write`, `keep` and `blank`",
                        column.header,
                        correction.file
                    );
                }
            }
        }
        Ok(())
    }
}
