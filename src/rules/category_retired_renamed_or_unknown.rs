//! CAT303: category retired, renamed or unknown.

use anyhow::Result;
use polars::prelude::col;

use crate::classify::{Found, World};
use crate::normalise::col as of;
use crate::rules::search::{members_that, one_a_name};
use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "CAT303",
    name: "category retired, renamed or unknown",
    severity: Severity::Low,
    finds: "A record has a category value that the configuration lists as retired or renamed, or does not list at all.",
    matters: "Nobody can tell what the person asked for; such values are never compared.",
    action: "Correct the value in that system, or add it to [[category]].",
    example: "Salesforce: Email Preferences = Alumni Update, called Alumni News now.",
    clock: false,
    finder: Finder::Search(search),
};

fn search(world: &World<'_>, rule: &'static Rule) -> Result<Vec<Found>> {
    let odd = members_that(world, col(of::CATEGORIES_ODD).is_not_null(), &[of::CATEGORIES_ODD])?;
    one_a_name(world, rule, &odd, of::CATEGORIES_ODD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::check;

    #[test]
    fn fires_and_does_not() {
        check(
            &RULE,
            &[
                // records | found
                ("crm active cats=Gala", "salesforce Gala"),
                ("crm active cats=Old_News", "salesforce Old News"),
                ("source active cats=Zoo+News", "ascend Zoo"),
                ("crm out cats=Zoo", "salesforce Zoo"),
                ("crm active cats=News", ""),
                ("crm active cats=", ""),
                ("crm active", ""),
            ],
        );
    }
}
