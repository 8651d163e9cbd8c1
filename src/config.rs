//! `prefrecon.toml`: every key optional, every key checked.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::columns::{Field, Role};
use crate::nearest::{did_you_mean, parse_toml, sentence_hint};
use crate::normalise::Zone;
use crate::systems::{BlankMeans, CodeMeaning, DateOrder, Subscriptions, Systems};

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
    pub holidays: Vec<NaiveDate>,
}

impl Default for Deadline {
    fn default() -> Self {
        Deadline { business_days: 10, run_every_days: 7, holidays: Vec::new() }
    }
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

    fn check(&self, systems: &Systems) -> Result<()> {
        let names = systems.names();
        let known_system = |name: &str, place: &str| -> Result<()> {
            if names.contains(&name) {
                return Ok(());
            }
            bail!("{place}: there is no system `{name}`{} Known are {}", sentence_hint(name, &names), names.join(", "))
        };
        self.timezone()?;
        self.as_of()?;
        if let Some(hub) = &self.run.hub {
            known_system(hub, "[run] hub")?;
            if systems.get(hub).is_some_and(|profile| profile.role != Role::Crm) {
                bail!("[run] hub: `{hub}` is no CRM, so its records are no contacts that others could be matched to");
            }
        }
        share(self.inbox.max_reject_share, "[inbox] max_reject_share")?;
        share(self.brake.max_share, "[brake] max_share")?;
        share(self.brake.max_shrink, "[brake] max_shrink")?;
        for (days, key) in [(self.deadline.business_days, "business_days"), (self.deadline.run_every_days, "run_every_days")] {
            if !(1..=366).contains(&days) {
                bail!("[deadline] {key} must be between 1 and 366");
            }
        }
        if self.policy.max_shared == 0 {
            bail!("[policy] max_shared must be at least 1");
        }
        if !(1..=1_000_000).contains(&self.workbook.max_sheet_rows) {
            bail!("[workbook] max_sheet_rows must be between 1 and 1000000: a sheet has 1,048,576 rows");
        }
        if self.policy.category_authority != "crm" {
            known_system(&self.policy.category_authority, "[policy] category_authority")?;
        }
        // Profiles of later releases may be named ahead of time: the default lists `dynamics`.
        for name in self.policy.opt_in_systems.iter().filter(|name| !Policy::default().opt_in_systems.contains(name)) {
            known_system(name, "[policy] opt_in_systems")?;
        }
        for (name, system) in &self.systems {
            let place = format!("[systems.{name}]");
            known_system(name, &place)?;
            system.check(&place)?;
            if let Some(source) = &system.source {
                known_system(source, &format!("{place} source"))?;
            }
            let profile = systems.get(name).expect("known by its name");
            let words = || profile.kinds.iter().flat_map(|kind| profile.status_of(kind).values().flatten());
            for word in system.states.values() {
                if !words().any(|known| known.eq_ignore_ascii_case(word)) {
                    let known: Vec<&str> = words().map(String::as_str).collect();
                    bail!("{place} states: `{word}` is no state{} Known are {}", sentence_hint(word, &known), known.join(", "));
                }
            }
        }
        for category in &self.category {
            let place = format!("[[category]] \"{}\"", category.name);
            if category.name.trim().is_empty() || category.name.contains(';') {
                bail!("{place}: a category needs a name, without `;`");
            }
            for system in category.systems.keys() {
                if !names.contains(&system.as_str()) {
                    let known = names.iter().copied().chain(["name", "renamed_from", "retired"]);
                    bail!("{place}: `{system}` is neither a key nor a system{}", did_you_mean(system, known));
                }
            }
        }
        for (name, system) in &self.systems {
            for (code, meaning) in &system.codes {
                let meaning = CodeMeaning::parse(meaning).with_context(|| format!("[systems.{name}.codes] {code}"))?;
                if let CodeMeaning::OptOutCategory(category) | CodeMeaning::OptInCategory(category) = meaning {
                    let known: Vec<&str> = self.category.iter().map(|category| category.name.as_str()).collect();
                    if !known.is_empty() && !known.contains(&category.as_str()) {
                        bail!(
                            "[systems.{name}.codes] {code}: there is no [[category]] \"{category}\"{} Known are {}",
                            sentence_hint(&category, &known),
                            known.join(", ")
                        );
                    }
                }
            }
        }
        Ok(())
    }

    /// The zone of the workbook.
    pub fn timezone(&self) -> Result<Tz> {
        self.run.timezone.parse().map_err(|_| {
            anyhow::anyhow!("[run] timezone: `{}` is no zone of the IANA database, such as America/Denver", self.run.timezone)
        })
    }

    /// The run's time, where the configuration fixes it.
    pub fn as_of(&self) -> Result<Option<DateTime<Utc>>> {
        self.run.as_of.as_deref().map(|text| parse_as_of(text).context("[run] as_of")).transpose()
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

    fn check(&self, place: &str) -> Result<()> {
        if let Some(delimiter) = self.delimiter.filter(|c| !c.is_ascii() || c.is_ascii_alphanumeric() || "\"\r\n\0".contains(*c))
        {
            bail!(
                "{place} delimiter: {delimiter:?} cannot separate cells: write one ASCII character that is no letter, digit or quote"
            );
        }
        if let Some(zone) = &self.zone {
            Zone::parse(zone).with_context(|| format!("{place} zone"))?;
        }
        let patterns = self.files.iter().map(|pattern| ("files", pattern));
        let lists = self.lists.keys().map(|pattern| ("lists", pattern));
        for (key, pattern) in patterns.chain(lists).chain(self.states.keys().map(|pattern| ("states", pattern))) {
            glob::Pattern::new(pattern).with_context(|| format!("{place} {key}: `{pattern}` is no file-name pattern"))?;
        }
        for (field, headers) in &self.columns {
            if Field::from_name(field).is_none() {
                let known: Vec<&str> = Field::ALL.iter().map(|field| field.name()).collect();
                bail!("{place} columns: `{field}` is no field{} Known are {}", sentence_hint(field, &known), known.join(", "));
            }
            if headers.all().is_empty() {
                bail!("{place} columns: `{field}` names no header");
            }
        }
        Ok(())
    }
}

fn share(value: f64, place: &str) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    bail!("{place} is a share between 0 and 1, such as 0.05, not {value}")
}

/// Reads a moment: RFC 3339, or a date, which means its beginning in UTC.
pub fn parse_as_of(text: &str) -> Result<DateTime<Utc>> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(moment.with_timezone(&Utc));
    }
    match text.parse::<NaiveDate>() {
        Ok(date) => Ok(date.and_time(chrono::NaiveTime::MIN).and_utc()),
        Err(_) => bail!("`{text}` is no time: write 2026-11-22T06:00:00Z or 2026-11-22"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_named_with_what_is_known() {
        // configuration | what the message must say
        for (text, said) in [
            ("[brake]\nmax_shar = 0.1", "did you mean `max_share`?"),
            ("[systems.salesforc]", "did you mean `salesforce`?"),
            ("[systems.salesforce.columns]\nemial = 'E-mail'", "did you mean `email`?"),
            ("[brake]\nmax_share = 5", "between 0 and 1"),
            ("[run]\ntimezone = 'Denver'", "America/Denver"),
            ("[systems.ascend.codes]\nNE = 'optout'", "`opt_out_all`"),
            ("[systems.ascend]\nzone = 'Mars'", "[systems.ascend] zone"),
            ("[systems.ascend]\ndelimiter = 'x'", "[systems.ascend] delimiter"),
            ("[[category]]\nname = 'News'\nsalesforc = 'News'", "did you mean `salesforce`?"),
            ("[[category]]\nname = 'News'\n[systems.ascend.codes]\nX = 'opt_out:Nws'", "did you mean `News`?"),
            ("[policy]\nunit_unsubscribe = 'al'", "did you mean `all`?"),
            ("[run]\nhub = 'dynamic'", "did you mean `dynamics`?"),
            ("[run]\nhub = 'ascend'", "`ascend` is no CRM"),
        ] {
            let error = format!("{:#}", Config::parse(text, &Systems::built_in().unwrap()).unwrap_err());
            assert!(error.contains(said), "{text}\nsaid: {error}");
        }
    }

    #[test]
    fn an_empty_file_is_the_defaults() {
        let config = Config::parse("", &Systems::built_in().unwrap()).unwrap();
        assert_eq!(config.inbox.max_age_days, 8);
        assert_eq!(config.brake.max_opt_ins, 200);
        assert!(config.corrects("ascend"));
    }
}
