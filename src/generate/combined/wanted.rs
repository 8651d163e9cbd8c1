//! Which systems a workspace has, and what each calls its things.

use anyhow::{Context, Result, bail};

use crate::workspace::Stop;

/// The CRM of a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crm {
    /// Salesforce.
    Salesforce,
    /// Dynamics with ClickDimensions.
    Dynamics,
}

/// A source system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// CU Ascend.
    Ascend,
    /// Ellucian Advance.
    Advance,
    /// Raiser's Edge NXT.
    RaisersEdge,
}

/// The systems of a workspace.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Whose contacts are the persons.
    pub crm: Crm,
    /// Marketing Cloud.
    pub marketing_cloud: bool,
    /// ActiveCampaign.
    pub active_campaign: bool,
    /// Campaign Monitor.
    pub campaign_monitor: bool,
    /// The sources, in the order of the profiles.
    pub sources: Vec<Source>,
}

/// What can be named, beside the CRM.
const BESIDE: [&str; 6] = ["marketing_cloud", "activecampaign", "campaign_monitor", "ascend", "advance", "raisers_edge"];

impl Wanted {
    /// Reads the names of the systems.
    ///
    /// # Errors
    /// [`Stop::Configuration`]: none or two CRMs, a name that is not known or stands twice.
    pub fn parse(names: &[String]) -> Result<Wanted> {
        Wanted::checked(names).context(Stop::Configuration)
    }

    fn checked(names: &[String]) -> Result<Wanted> {
        let all = names.join(", ");
        let offer = format!("name one CRM, salesforce or dynamics, and any of {}", BESIDE.join(", "));
        let known = |name: &String| ["salesforce", "dynamics"].contains(&name.as_str()) || BESIDE.contains(&name.as_str());
        if let Some(unknown) = names.iter().find(|name| !known(name)) {
            bail!("there are no made-up exports of `{unknown}`: {offer}");
        }
        if let Some(twice) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            bail!("{} is named twice: {offer}", twice.1);
        }
        let has = |name: &str| names.iter().any(|system| system == name);
        let crm = match (has("salesforce"), has("dynamics")) {
            (true, false) => Crm::Salesforce,
            (false, true) => Crm::Dynamics,
            _ => bail!("{all} cannot be generated together: {offer}"),
        };
        let sources = [Source::Ascend, Source::Advance, Source::RaisersEdge].into_iter().filter(|source| has(source.name()));
        Ok(Wanted {
            crm,
            marketing_cloud: has("marketing_cloud"),
            active_campaign: has("activecampaign"),
            campaign_monitor: has("campaign_monitor"),
            sources: sources.collect(),
        })
    }

    /// Whether these are the three systems of the example.
    pub fn is_example(&self) -> bool {
        self.crm == Crm::Salesforce
            && self.marketing_cloud
            && !self.active_campaign
            && !self.campaign_monitor
            && self.sources == [Source::Ascend]
    }

    /// Whether any platform keeps a state for each list.
    pub fn keeps_lists(&self) -> bool {
        self.active_campaign || self.campaign_monitor
    }

    /// Whether any platform is there.
    pub fn mails(&self) -> bool {
        self.marketing_cloud || self.keeps_lists()
    }
}

impl Crm {
    /// The name in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Crm::Salesforce => "salesforce",
            Crm::Dynamics => "dynamics",
        }
    }
}

impl Source {
    /// The name in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Source::Ascend => "ascend",
            Source::Advance => "advance",
            Source::RaisersEdge => "raisers_edge",
        }
    }

    /// What it calls a category.
    pub fn category(self, name: &'static str) -> &'static str {
        match (self, name) {
            (Source::RaisersEdge, name) => name,
            (_, "Alumni News") => "ALN",
            (_, "Events") => "EVT",
            (_, "Parents Bulletin") => "PAR",
            (_, other) => other,
        }
    }
}
