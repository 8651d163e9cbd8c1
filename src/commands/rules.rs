//! `prefrecon rules [CODE]`: the catalogue, or one rule's whole text.

use anyhow::{Context, Result, anyhow};

use crate::commands::{DONE, print};
use crate::nearest::sentence_hint;
use crate::rules::{RULES, find};
use crate::workspace::Stop;
use crate::write::table;

pub(super) fn rules(code: Option<&str>) -> Result<u8> {
    let Some(code) = code else {
        let mut catalogue = table(["code", "severity", "name"], 0..0);
        for rule in RULES {
            catalogue.add_row([rule.code, rule.severity.word(), rule.name]);
        }
        print(&format!("{}\n\nThe whole text of one: prefrecon rules CODE\n", catalogue.trim_fmt()))?;
        return Ok(DONE);
    };
    let codes: Vec<&str> = RULES.iter().map(|rule| rule.code).collect();
    let unknown = || anyhow!("there is no rule {code}{} `prefrecon rules` lists all", sentence_hint(code, &codes));
    let rule = find(code).with_context(unknown).context(Stop::Configuration)?;
    let clock = if rule.clock { "\n\nThe legal clock runs: ten business days from the opt-out." } else { "" };
    print(&format!(
        "{}  {}\nseverity: {}\n\nWhat it finds\n  {}\n\nWhy it matters\n  {}\n\nWhat to do\n  {}\n\nExample\n  {}{clock}\n",
        rule.code, rule.name, rule.severity, rule.finds, rule.matters, rule.action, rule.example
    ))?;
    Ok(DONE)
}
