//! `prefrecon.toml`: every key optional, every key checked.

mod check;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::columns::{Field, Role};
use crate::nearest::parse_toml;
use crate::systems::{BlankMeans, DateOrder, Subscriptions, Systems};
use crate::times::Zone;

/// The whole configuration, defaults filled in.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `[run]`
    pub run: Run,
    /// `[inbox]`
    pub inbox: Inbox,
    /// `[systems.NAME]`: where a system differs from its profile.
    pub systems: BTreeMap<String, System>,
    /// `[[category]]`
    pub category: Vec<Category>,
    /// `[policy]`
    pub policy: Policy,
    /// `[brake]`
    pub brake: Brake,
    /// `[deadline]`
    pub deadline: Deadline,
    /// `[workbook]`
    pub workbook: Workbook,
    /// `[ledger]`
    pub ledger: Ledger,
}

/// `[run]`: who and when.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Run {
    /// Zone of the workbook's times.
    pub timezone: String,
    /// Shown on the workbook.
    pub organisation: String,
    /// Fixes the run's time, for demonstrations; `--as-of` goes first.
    pub as_of: Option<String>,
    /// The CRM whose contacts are the persons, where exports of several are there.
    pub hub: Option<String>,
    /// Run folders older than this many days are removed; none are without it.
    pub keep_days: Option<u32>,
    /// Whether records are made only of persons about whom there may be something to find: what is found is the same.
    pub set_aside: bool,
    /// Megabytes that their records may take in memory; more than that goes to a file without a name in the workspace.
    pub set_aside_mb: u64,
}

impl Default for Run {
    fn default() -> Self {
        Run {
            timezone: "America/Denver".into(),
            organisation: String::new(),
            as_of: None,
            hub: None,
            keep_days: None,
            set_aside: true,
            set_aside_mb: 1024,
        }
    }
}

/// `[inbox]`: what is read and what becomes of it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Inbox {
    /// Whether inputs move to `archive/` after a run.
    pub after_run: AfterRun,
    /// A file that changed less than this many seconds ago is still being copied.
    pub settle_seconds: u64,
    /// An export older than this many days is stale.
    pub max_age_days: u32,
    /// A file with a greater share of rejected rows stops the run.
    pub max_reject_share: f64,
    /// Archived inputs older than this many days are removed; none are without it.
    pub keep_archive_days: Option<u32>,
}

impl Default for Inbox {
    fn default() -> Self {
        Inbox {
            after_run: AfterRun::Archive,
            settle_seconds: 60,
            max_age_days: 8,
            max_reject_share: 0.05,
            keep_archive_days: None,
        }
    }
}

/// What becomes of the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AfterRun {
    /// They move to `archive/<run-id>/`.
    Archive,
    /// They stay.
    Keep,
}

/// `[systems.NAME]`
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct System {
    /// File-name patterns that settle the system.
    pub files: Vec<String>,
    /// What separates the cells of its text files, where it is none of the usual.
    pub delimiter: Option<char>,
    /// The zone of times that carry none.
    pub zone: Option<String>,
    /// The order of day and month.
    pub date_order: Option<DateOrder>,
    /// Whether correction files are written (default yes).
    pub corrections: Option<bool>,
    /// Whether a run without an export of it stops.
    pub required: bool,
    /// Whether absence from the export proves nothing.
    pub partial: bool,
    /// Of a CRM: the source system whose ids its `source_id` holds, where there are several.
    pub source: Option<String>,
    /// What a blank opt-out means.
    pub blank_opt_out: Option<BlankMeans>,
    /// Whether people are on a subscription list until they opt out of it, or once they have opted in.
    pub subscriptions: Option<Subscriptions>,
    /// What separates the lists of a cell; nothing where a cell names one.
    pub list_separators: Option<Vec<String>>,
    /// File-name pattern = the list that the file holds, where no column says it.
    pub lists: BTreeMap<String, String>,
    /// File-name pattern = the word of the state that the file holds, where no column says it.
    pub states: BTreeMap<String, String>,
    /// Canonical field = header, or headers.
    pub columns: BTreeMap<String, OneOrMany>,
    /// Preference code = meaning.
    pub codes: BTreeMap<String, String>,
}

/// One text or a list of them.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OneOrMany {
    /// All of them.
    pub fn all(&self) -> &[String] {
        match self {
            OneOrMany::One(text) => std::slice::from_ref(text),
            OneOrMany::Many(texts) => texts,
        }
    }
}

/// `[[category]]`: one name across systems.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Category {
    /// The name in reports.
    pub name: String,
    /// Former names that count as this one.
    #[serde(default)]
    pub renamed_from: Vec<String>,
    /// No longer offered.
    #[serde(default)]
    pub retired: bool,
    /// System = its value, or the header of its checkbox.
    #[serde(flatten)]
    pub systems: BTreeMap<String, OneOrMany>,
}

/// `[policy]`: who is right.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// An opt-in needs evidence.
    pub require_permission: bool,
    /// How far clocks of two systems may be apart, in hours.
    pub clock_tolerance_hours: u32,
    /// Whether a business unit's unsubscribe speaks for the person.
    pub unit_unsubscribe: UnitUnsubscribe,
    /// Systems whose explicit opt-ins count.
    pub opt_in_systems: Vec<String>,
    /// An address on more contacts is an office's.
    pub max_shared: u32,
    /// How an opt-out spreads over a shared address.
    pub shared_address: SharedAddress,
    /// Whose categories hold when no time decides.
    pub category_authority: String,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            require_permission: true,
            clock_tolerance_hours: 24,
            unit_unsubscribe: UnitUnsubscribe::All,
            opt_in_systems: vec!["salesforce".into(), "dynamics".into()],
            max_shared: 10,
            shared_address: SharedAddress::MostRestrictive,
            category_authority: "crm".into(),
        }
    }
}

/// What a business unit's unsubscribe means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UnitUnsubscribe {
    /// The person said no to everything.
    All,
    /// It stays in the unit.
    Unit,
}

/// How an opt-out spreads over a shared address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SharedAddress {
    /// To every contact with that address.
    MostRestrictive,
    /// Not at all.
    Separate,
}

/// `[brake]`: when corrections are held.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Brake {
    /// Of the target's records.
    pub max_share: f64,
    /// Never trips at or below this many.
    pub min_rows: usize,
    /// Most opt-ins of one target.
    pub max_opt_ins: usize,
    /// An input that shrank by more than this share holds what rests on it.
    pub max_shrink: f64,
}

impl Default for Brake {
    fn default() -> Self {
        Brake { max_share: 0.05, min_rows: 100, max_opt_ins: 200, max_shrink: 0.5 }
    }
}

/// `[deadline]`: the legal clock.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deadline {
    /// Business days to honour an opt-out (16 CFR 316.4(a): ten).
    pub business_days: u32,
    /// Days from one run to the next: what falls due before the next is shown first.
    pub run_every_days: u32,
    /// Days that are no business days, besides Saturday and Sunday.
    #[serde(deserialize_with = "days")]
    pub holidays: Vec<NaiveDate>,
}

impl Default for Deadline {
    fn default() -> Self {
        Deadline { business_days: 10, run_every_days: 7, holidays: Vec::new() }
    }
}

/// Days in a list, or one.
fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<NaiveDate>, D::Error> {
    let written = OneOrMany::deserialize(deserializer)
        .map_err(|_| D::Error::custom("write days in quotes, such as [\"2026-11-26\", \"2026-12-25\"]"))?;
    let day = |text: &String| text.parse().map_err(|_| D::Error::custom(format!("`{text}` is no day: write \"2026-11-26\"")));
    written.all().iter().map(day).collect()
}

/// `[workbook]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Workbook {
    /// Rows a sheet shows at most; the CSV has all.
    pub max_sheet_rows: usize,
}

impl Default for Workbook {
    fn default() -> Self {
        Workbook { max_sheet_rows: 100_000 }
    }
}

/// `[ledger]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ledger {
    /// Days that the ledger keeps a run.
    pub retain_days: u32,
}

impl Default for Ledger {
    fn default() -> Self {
        Ledger { retain_days: 1100 }
    }
}

impl Config {
    /// Reads a configuration and checks it against the systems.
    ///
    /// # Errors
    /// The first thing that is wrong: an unknown key, system, field, zone, code meaning or category, each
    /// with what is known; a number outside its range.
    pub fn parse(text: &str, systems: &Systems) -> Result<Config> {
        let config: Config = parse_toml(text)?;
        config.check(systems)?;
        Ok(config)
    }

    /// The zone of the workbook.
    pub fn timezone(&self) -> Result<Tz> {
        self.run.timezone.parse().map_err(|_| {
            anyhow::anyhow!("[run] timezone: `{}` is no zone of the IANA database, such as America/Denver", self.run.timezone)
        })
    }

    /// The run's time, where the configuration fixes it.
    pub fn as_of(&self) -> Result<Option<DateTime<Utc>>> {
        let zone = self.timezone()?;
        self.run.as_of.as_deref().map(|text| parse_as_of(text, zone).context("[run] as_of")).transpose()
    }

    /// The section of a system, empty where there is none.
    pub fn system(&self, name: &str) -> System {
        self.systems.get(name).cloned().unwrap_or_default()
    }

    /// Whether correction files are written for a system.
    pub fn corrects(&self, name: &str) -> bool {
        self.systems.get(name).and_then(|system| system.corrections).unwrap_or(true)
    }

    /// The system whose categories hold when no time decides, by name; `crm` is the hub.
    pub fn category_authority<'a>(&'a self, systems: &'a Systems) -> &'a str {
        match self.policy.category_authority.as_str() {
            "crm" => systems.profiles().iter().find(|profile| profile.role == Role::Crm).map_or("crm", |profile| &profile.name),
            name => name,
        }
    }

    /// The profiles as this configuration adjusts them: zones, orders, blanks, headers and codes.
    pub fn adjust(&self, mut systems: Systems) -> Systems {
        for profile in systems.profiles_mut() {
            let Some(section) = self.systems.get(&profile.name) else { continue };
            if let Some(zone) = &section.zone {
                profile.zone.clone_from(zone);
            }
            profile.date_order = section.date_order.or(profile.date_order);
            profile.blank_opt_out = section.blank_opt_out.unwrap_or(profile.blank_opt_out);
            profile.subscriptions = section.subscriptions.unwrap_or(profile.subscriptions);
            if let Some(separators) = &section.list_separators {
                profile.list_separators.clone_from(separators);
            }
            profile.codes.extend(section.codes.clone());
            for (field, headers) in &section.columns {
                let field = Field::from_name(field).expect("checked when the configuration was read");
                for kind in &mut profile.kinds {
                    kind.columns.insert(field, headers.all().to_vec());
                }
            }
        }
        systems
    }
}

impl System {
    /// The delimiter as the byte that it is.
    pub fn delimiter(&self) -> Option<u8> {
        self.delimiter.and_then(|delimiter| u8::try_from(delimiter).ok())
    }
}

/// Reads a moment: RFC 3339, or a date, which means its beginning where people are.
pub fn parse_as_of(text: &str, zone: Tz) -> Result<DateTime<Utc>> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(moment.with_timezone(&Utc));
    }
    match text.parse::<NaiveDate>() {
        Ok(date) => Ok(Zone::Named(zone).to_utc(date.and_time(chrono::NaiveTime::MIN))),
        Err(_) => bail!("`{text}` is no time: write 2026-11-22T06:00:00Z or 2026-11-22"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_defaults() {
        let config = Config::parse("", &Systems::built_in().unwrap()).unwrap();
        assert_eq!(config.inbox.max_age_days, 8);
        assert_eq!(config.brake.max_opt_ins, 200);
        assert!(config.corrects("ascend"));
    }
}
