//! The workspace's `prefrecon.toml`.

/// Fits the exports that this module writes. Opt-ins grow with the contacts, so their limit does too.
pub fn text(contacts: u64) -> String {
    TEXT.replace("{max_opt_ins}", &(contacts / 100).max(200).to_string())
}

/// The same for a workspace of other systems.
pub fn combined(contacts: u64) -> String {
    COMBINED.replace("{max_opt_ins}", &(contacts / 5).max(200).to_string())
}

const COMBINED: &str = r#"# A made-up workspace: its exports are in inbox/, and truth.csv lists what a correct run finds.

[run]
organisation = "Example University"
timezone = "America/Denver"
as_of = "2026-11-22T06:00:00Z"

[inbox]
after_run = "keep"
settle_seconds = 0
max_reject_share = 0.5

[systems.dynamics]
date_order = "mdy"

[systems.activecampaign]
files = ["activecampaign_*.csv"]

[systems.campaign_monitor]
files = ["Alumni News-*.csv", "events_*.csv", "suppression_*.csv"]

[systems.ascend]
files = ["ascend_*.csv"]
date_order = "mdy"

[systems.advance]
files = ["advance_*.csv"]
date_order = "mdy"

[systems.raisers_edge]
files = ["raisers_edge_*.csv"]
date_order = "mdy"

[[category]]
name = "Alumni News"
ascend = "ALN"
advance = "ALN"

[[category]]
name = "Events"
ascend = "EVT"
advance = "EVT"

[[category]]
name = "Parents Bulletin"
ascend = "PAR"
advance = "PAR"
retired = true

# A small workspace holds every case once, which is a large share of it.
[brake]
max_share = 1.0
max_opt_ins = {max_opt_ins}
"#;

const TEXT: &str = r#"# A made-up workspace: its exports are in inbox/, and truth.csv lists what a correct run finds.

[run]
organisation = "Example University"
timezone = "America/Denver"
as_of = "2026-11-22T06:00:00Z"

[inbox]
after_run = "keep"
settle_seconds = 0

[systems.salesforce]
date_order = "mdy"

[systems.salesforce.columns]
email = ["Email", "UCB_Email__c", "UCB Email"]
source_id = ["Ascend_ID__c", "Ascend ID"]
categories = ["Email_Preferences__c", "Email Preferences"]
opt_in_at = ["Email_Opt_In_Date__c", "Email Opt In Date"]
opt_in_evidence = ["Email_Opt_In_Channel__c", "Email Opt In Channel"]

[systems.ascend]
date_order = "mdy"

[systems.ascend.codes]
NE = "opt_out_all"
NES = "solicit_only"
ALX = "opt_out:Alumni News"
EVI = "opt_in:Events"
MAG = "ignore"

[[category]]
name = "Alumni News"
salesforce = "Alumni News"
ascend = "ALN"
renamed_from = ["Alumni Update"]

[[category]]
name = "Events"
salesforce = "Events"
ascend = "EVT"

[[category]]
name = "Athletics"
salesforce = "Athletics"
ascend = "ATH"

[[category]]
name = "Arts and Culture"
salesforce = "Arts and Culture"
ascend = "ARC"

[[category]]
name = "Research Digest"
salesforce = "Research Digest"
ascend = "RSD"

[[category]]
name = "Volunteer Notes"
salesforce = "Volunteer Notes"
ascend = "VOL"

[[category]]
name = "Parents Bulletin"
salesforce = "Parents Bulletin"
ascend = "PAR"
retired = true

# A small workspace holds every case once, which is a large share of it.
[brake]
min_rows = 250
max_opt_ins = {max_opt_ins}
"#;
