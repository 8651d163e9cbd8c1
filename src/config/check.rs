//! What a configuration may say: each mistake is named with its place and with what is known.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};

use super::{Category, Config, Policy, System};
use crate::columns::{Field, Role};
use crate::nearest::sentence_hint;
use crate::systems::{CodeMeaning, Systems};
use crate::times::Zone;

fn known_system(name: &str, place: &str, systems: &Systems) -> Result<()> {
    let names = systems.names();
    if names.contains(&name) {
        return Ok(());
    }
    bail!("{place}: there is no system `{name}`{} Known are {}", sentence_hint(name, &names), names.join(", "))
}

impl Config {
    pub(super) fn check(&self, systems: &Systems) -> Result<()> {
        self.timezone()?;
        self.as_of()?;
        if let Some(hub) = &self.run.hub {
            known_system(hub, "[run] hub", systems)?;
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
        let authority = self.policy.category_authority.as_str();
        let authorities: Vec<&str> = ["crm"].into_iter().chain(systems.names()).collect();
        if !authorities.contains(&authority) {
            bail!(
                "[policy] category_authority: there is no system `{authority}`{} Known are {}",
                sentence_hint(authority, &authorities),
                authorities.join(", ")
            );
        }
        // Profiles of later releases may be named ahead of time: the default lists `dynamics`.
        for name in self.policy.opt_in_systems.iter().filter(|name| !Policy::default().opt_in_systems.contains(name)) {
            known_system(name, "[policy] opt_in_systems", systems)?;
        }
        self.check_systems(systems)?;
        self.check_categories(systems)?;
        self.check_codes()
    }

    fn check_systems(&self, systems: &Systems) -> Result<()> {
        for (name, system) in &self.systems {
            let place = format!("[systems.{name}]");
            known_system(name, &place, systems)?;
            system.check(&place)?;
            let profile = systems.get(name).expect("known by its name");
            if let Some(source) = &system.source {
                known_system(source, &format!("{place} source"), systems)?;
                let has_role = |name: &str, role: Role| systems.get(name).is_some_and(|profile| profile.role == role);
                if !has_role(name, Role::Crm) {
                    bail!("{place} source: `{name}` is no CRM: say in the section of the CRM whose source ids it names");
                }
                if !has_role(source, Role::Source) && !has_role(source, Role::Crm) || source == name {
                    bail!("{place} source: `{source}` is no source system, so it has no ids that the CRM names");
                }
            }
            let words = || profile.kinds.iter().flat_map(|kind| profile.status_of(kind).values().flatten());
            for word in system.states.values() {
                if !words().any(|known| known.eq_ignore_ascii_case(word)) {
                    let known: BTreeSet<&str> = words().map(String::as_str).collect();
                    let known: Vec<&str> = known.into_iter().collect();
                    bail!("{place} states: `{word}` is no state{} Known are {}", sentence_hint(word, &known), known.join(", "));
                }
            }
        }
        Ok(())
    }

    fn check_categories(&self, systems: &Systems) -> Result<()> {
        let names = systems.names();
        for category in &self.category {
            let place = format!("[[category]] \"{}\"", category.name);
            if category.name.trim().is_empty() || category.name.contains(';') {
                bail!("{place}: a category needs a name, without `;`");
            }
            for system in category.systems.keys() {
                if !names.contains(&system.as_str()) {
                    let known: Vec<&str> = ["name", "renamed_from", "retired"].into_iter().chain(names.iter().copied()).collect();
                    bail!(
                        "{place}: `{system}` is neither a key nor a system{} Known are {}",
                        sentence_hint(system, &known),
                        known.join(", ")
                    );
                }
            }
        }
        self.check_that_categories_differ(systems)
    }

    /// A value of a system must be one category, and so must a former name.
    fn check_that_categories_differ(&self, systems: &Systems) -> Result<()> {
        let folded = |word: &str| word.trim().to_lowercase();
        let mut names: BTreeMap<String, &Category> = BTreeMap::new();
        for category in &self.category {
            if names.insert(folded(&category.name), category).is_some() {
                bail!("[[category]] \"{}\" is there twice, whatever its capitals: put the two into one", category.name);
            }
        }
        let twice = |one: &Category, other: &str, word: &str, system: &str| {
            bail!(
                "[[category]] \"{}\" and \"{other}\": both are `{word}`{system}, so nobody can tell which is meant: give each a value or \
                 a former name of its own",
                one.name
            )
        };
        for system in systems.names() {
            let mut known: BTreeMap<String, &str> = BTreeMap::new();
            for category in &self.category {
                let own = category.systems.get(system).map_or(std::slice::from_ref(&category.name), |values| values.all());
                for word in own.iter().map(|word| folded(word)).collect::<BTreeSet<_>>() {
                    if let Some(other) = known.insert(word.clone(), &category.name) {
                        return twice(category, other, &word, &format!(" in {system}"));
                    }
                }
            }
        }
        let mut former: BTreeMap<String, &str> = BTreeMap::new();
        for category in &self.category {
            for word in category.renamed_from.iter().map(|word| folded(word)).collect::<BTreeSet<_>>() {
                // One that has values of its own, or is no more, may have taken a name that another one had.
                let named =
                    names.get(&word).filter(|other| other.systems.is_empty() && !other.retired && other.name != category.name);
                if let Some(other) = named.map(|other| other.name.as_str()).or(former.insert(word.clone(), &category.name)) {
                    return twice(category, other, &word, "");
                }
            }
        }
        Ok(())
    }

    fn check_codes(&self) -> Result<()> {
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
}

impl System {
    fn check(&self, place: &str) -> Result<()> {
        if let Some(delimiter) = self.delimiter.filter(|c| !c.is_ascii() || c.is_ascii_alphanumeric() || "\"\r\n\0".contains(*c))
        {
            bail!(
                "{place} delimiter: {delimiter:?} cannot separate cells: write one ASCII character that is no letter, digit or quote"
            );
        }
        if self.list_separators.iter().flatten().any(|separator| separator.trim().is_empty()) {
            bail!("{place} list_separators: a blank separates no lists; [] says that a cell names one list");
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
            ("[deadline]\nholidays = ['11/26/2026']", "`11/26/2026` is no day"),
            ("[deadline]\nholidays = [2026-11-26]", "write days in quotes"),
            (
                "[[category]]\nname = 'News'\nrenamed = 'Old'",
                "`renamed` is neither a key nor a system. Known are name, renamed_from,",
            ),
            ("[systems.activecampaign]\nlist_separators = ['']", "[systems.activecampaign] list_separators"),
            ("[[category]]\nname = 'News'\nsalesforc = 'News'", "did you mean `salesforce`?"),
            ("[[category]]\nname = 'News'\n[systems.ascend.codes]\nX = 'opt_out:Nws'", "did you mean `News`?"),
            ("[policy]\nunit_unsubscribe = 'al'", "did you mean `all`?"),
            ("[run]\nhub = 'dynamic'", "did you mean `dynamics`?"),
            ("[run]\nhub = 'ascend'", "`ascend` is no CRM"),
            ("[systems.salesforce]\nsource = 'marketing_cloud'", "[systems.salesforce] source: `marketing_cloud` is no source"),
            ("[systems.salesforce]\nsource = 'salesforce'", "`salesforce` is no source system"),
            ("[systems.ascend]\nsource = 'advance'", "[systems.ascend] source: `ascend` is no CRM"),
            ("[policy]\ncategory_authority = 'hub'", "Known are crm, salesforce"),
            ("[[category]]\nname = 'News'\n[[category]]\nname = 'news'", "[[category]] \"news\" is there twice"),
            (
                "[[category]]\nname = 'News'\nascend = 'N'\n[[category]]\nname = 'Events'\nascend = 'n'",
                "\"Events\" and \"News\": both are `n` in ascend",
            ),
            (
                "[[category]]\nname = 'News'\n[[category]]\nname = 'Events'\nrenamed_from = ['News']",
                "\"Events\" and \"News\": both are `news`",
            ),
        ] {
            let error = format!("{:#}", Config::parse(text, &Systems::built_in().unwrap()).unwrap_err());
            assert!(error.contains(said), "{text}\nsaid: {error}");
        }
    }

    #[test]
    fn a_new_category_may_take_the_former_name_of_another() {
        let former = "[[category]]\nname = 'Alumni News'\nrenamed_from = ['Newsletter']\n[[category]]\nname = 'Newsletter'\n";
        for own in ["salesforce = 'NL'\nascend = 'NLT'", "retired = true"] {
            Config::parse(&format!("{former}{own}"), &Systems::built_in().unwrap()).unwrap();
        }
    }
}
