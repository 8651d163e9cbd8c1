//! CAT301: opted out of all, category still on.

use anyhow::Result;
use polars::prelude::{col, lit};

use crate::classify::{Found, World};
use crate::consent::decided;
use crate::normalise::col as of;
use crate::rules::search::{members_that, one_a_name};
use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "CAT301",
    name: "opted out of all, category still on",
    severity: Severity::High,
    finds: "A person who is opted out of all e-mail still has a category on.",
    matters: "An opt-out of all should clear every category box; lists that are drawn by category will include the person.",
    action: "Load the categories file, which clears them.",
    example: "Salesforce: Email Opt Out = true, Email Preferences = Alumni News.",
    clock: false,
    finder: Finder::Search(search),
};

fn search(world: &World<'_>, rule: &'static Rule) -> Result<Vec<Found>> {
    let opted_out = col(decided::OUT).fill_null(lit(false));
    let still_on = members_that(world, opted_out.and(col(of::CATEGORIES_ON).is_not_null()), &[of::CATEGORIES_ON])?;
    one_a_name(world, rule, &still_on, of::CATEGORIES_ON)
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
                ("crm out cats=News", "salesforce News"),
                ("crm out cats=News+Events", "salesforce Events, salesforce News"),
                ("crm active cats=News | source out cats=Events", "ascend Events, salesforce News"),
                ("source out cats=News", "ascend News"),
                ("crm out", ""),
                ("crm active cats=News", ""),
                ("source out | crm out | marketing unsubscribed", ""),
                ("crm active cats=News in=2026-11-05 proof | source out at=2026-11-01 cats=News", ""),
            ],
        );
    }
}
