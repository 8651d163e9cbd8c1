//! The systems: what their exports look like and what their words mean, as data.
//!
//! Every spelling of a vendor lives in a TOML file of this folder or of the workspace's `systems/`;
//! no other module knows a source header or a status word.

mod profile;

pub use profile::{
    BlankMeans, Booleans, CodeMeaning, CorrectionColumn, CorrectionFile, DateOrder, Grain, IdShape, Kind, Profile, Reloadable,
    State, Subscriptions, Take, fold_header, is_formula,
};

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::columns::Role;

const BUILT_IN: [(&str, &str); 8] = [
    ("salesforce", include_str!("salesforce.toml")),
    ("marketing_cloud", include_str!("marketing_cloud.toml")),
    ("ascend", include_str!("ascend.toml")),
    ("advance", include_str!("advance.toml")),
    ("raisers_edge", include_str!("raisers_edge.toml")),
    ("dynamics", include_str!("dynamics.toml")),
    ("activecampaign", include_str!("activecampaign.toml")),
    ("campaign_monitor", include_str!("campaign_monitor.toml")),
];

/// Whether a text in a column for the evidence of an opt-in says that there is none, or that there was an opt-out.
pub fn says_none(evidence: &str) -> bool {
    const NONE: [&str; 9] = ["", "na", "null", "nil", "n", "false", "f", "0", "notapplicable"];
    const DENIED: [&str; 18] = [
        "not",
        "none",
        "never",
        "without",
        "declined",
        "denied",
        "refused",
        "rejected",
        "revoked",
        "withdrawn",
        "unknown",
        "tbd",
        "tbc",
        "missing",
        "pending",
        "blank",
        "dont",
        "unsub",
    ];
    const LEFT: [&str; 4] = ["optout", "optedout", "unsubscribe", "donot"];
    // Most texts begin as none of these do.
    if evidence.chars().find(|c| c.is_alphanumeric()).is_some_and(|first| !"nufotmpbwdr0".contains(first.to_ascii_lowercase())) {
        return false;
    }
    let mut words = evidence.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase);
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let letters = format!("{first}{second}{}", words.collect::<String>());
    NONE.contains(&letters.as_str())
        || DENIED.contains(&first.as_str())
        // `No. 17` is a number.
        || first == "no" && !second.starts_with(|c: char| c.is_ascii_digit())
        || [("n", "a"), ("don", "t")].contains(&(first.as_str(), second.as_str()))
        || LEFT.iter().any(|left| letters.starts_with(left))
}

/// All profiles of a run, built-in ones first, then the workspace's own by name.
#[derive(Clone, Debug)]
pub struct Systems {
    profiles: Vec<Profile>,
    texts: Vec<String>,
}

impl Systems {
    /// The built-in profiles alone.
    pub fn built_in() -> Result<Systems> {
        let mut systems = Systems { profiles: Vec::new(), texts: Vec::new() };
        for (name, text) in BUILT_IN {
            systems.add(text, &format!("the built-in profile `{name}`"))?;
        }
        Ok(systems)
    }

    /// The built-in profiles and those of a workspace's `systems/` folder, given as (file name, text).
    ///
    /// # Errors
    /// A profile that does not parse or is not consistent, named with its file; a name that is taken.
    pub fn with_own(own: &[(String, String)]) -> Result<Systems> {
        let mut systems = Systems::built_in()?;
        for (file, text) in own {
            systems.add(text, &format!("the profile {}", Path::new(file).display()))?;
        }
        Ok(systems)
    }

    fn add(&mut self, text: &str, origin: &str) -> Result<()> {
        let profile = Profile::parse(text).with_context(|| format!("could not read {origin}"))?;
        if self.profiles.iter().any(|known| known.name == profile.name) {
            bail!("{origin} is named `{}`, and so is another profile: give it a name of its own", profile.name);
        }
        for known in &self.profiles {
            let files = |profile: &Profile| -> BTreeSet<String> {
                profile.corrections.iter().map(|correction| correction.file.to_lowercase()).collect()
            };
            if let Some(file) = files(&profile).intersection(&files(known)).next() {
                bail!(
                    "{origin}: its correction file {file} is that of `{}` too, and one would replace the other: give each of its files a \
                     name of its own",
                    known.name
                );
            }
        }
        self.profiles.push(profile);
        self.texts.push(text.to_owned());
        Ok(())
    }

    /// Every profile, in order.
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// The profiles, to be adjusted by the configuration.
    pub fn profiles_mut(&mut self) -> &mut [Profile] {
        &mut self.profiles
    }

    /// The same with one CRM as the hub; the contacts of the others are compared as those of a source system.
    pub fn with_hub(&self, hub: &str) -> Systems {
        let mut systems = self.clone();
        for profile in systems.profiles.iter_mut().filter(|profile| profile.role == Role::Crm && profile.name != hub) {
            profile.role = Role::Source;
        }
        systems
    }

    /// The names of all profiles.
    pub fn names(&self) -> Vec<&str> {
        self.profiles.iter().map(|profile| profile.name.as_str()).collect()
    }

    /// The profile with that name.
    pub fn get(&self, name: &str) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.name == name)
    }

    /// The position of the profile with that name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.profiles.iter().position(|profile| profile.name == name)
    }

    /// The TOML text of a profile, to start an own one from.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.position(name).map(|at| self.texts[at].as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_profiles_have_no_correction_file_in_common() {
        let copy = Systems::built_in().unwrap().text("ascend").unwrap().replace("name = \"ascend\"", "name = \"giving\"");
        let error = format!("{:#}", Systems::with_own(&[("giving.toml".to_owned(), copy)]).unwrap_err());
        assert!(error.contains("its correction file ascend_bounced.csv is that of `ascend` too"), "{error}");
    }

    #[test]
    fn words_for_none_are_no_evidence() {
        for (text, expected) in [
            ("n/a", true),
            ("None", true),
            ("--None--", true),
            ("--", true),
            ("false", true),
            ("0", true),
            ("No", true),
            ("Unknown", true),
            ("not known", true),
            ("Nora's form", false),
            ("Web form", false),
            ("0423", false),
            ("No. 17", false),
            ("Notre Dame reunion", false),
            ("Optical mark form", false),
            ("N/A - migrated", true),
            ("Not recorded", true),
            ("No consent", true),
            ("Declined", true),
            ("Opt-out", true),
            ("opted out by phone", true),
            ("Unsubscribed", true),
            ("Do not e-mail", true),
            ("TBD", true),
            ("Declined 2026-11-02", true),
            ("Revoked 11/02/2026", true),
            ("None 2026", true),
            ("Unknown (migrated)", true),
            ("Pending confirmation", true),
            ("Don't e-mail", true),
            ("Rejected", true),
            ("Donor form", false),
            ("Donte Example's form", false),
            ("Paper card 12", false),
        ] {
            assert_eq!(says_none(text), expected, "{text}");
        }
    }

    #[test]
    fn built_in_profiles_are_consistent_and_named_as_their_files() {
        let systems = Systems::built_in().unwrap();
        for ((file, _), profile) in BUILT_IN.iter().zip(systems.profiles()) {
            assert_eq!(*file, profile.name);
        }
    }

    #[test]
    fn a_profile_with_an_unknown_key_names_the_nearest() {
        let text = include_str!("ascend.toml").replace("blank_opt_out =", "blank_optout =");
        let error = format!("{:#}", Systems::with_own(&[("own.toml".into(), text)]).unwrap_err());
        assert!(error.contains("own.toml") && error.contains("did you mean `blank_opt_out`"), "{error}");
    }
}
