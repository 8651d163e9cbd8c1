//! CAT304: not opted out, every category blank.

use anyhow::Result;
use polars::prelude::{IntoLazy, IntoSeries, JoinArgs, JoinType, col, lit, UInt32Chunked};

use crate::classify::{Found, World, rows};
use crate::columns::Method;
use crate::consent::decided;
use crate::matching::{cols, is_method};
use crate::normalise::col as of;
use crate::texts::Text;
use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "CAT304",
    name: "not opted out, every category blank",
    severity: Severity::Low,
    finds: "A person is not opted out and every record that keeps categories has none on.",
    matters: "The person will be in no list: either a silent opt-out, or preferences that were lost.",
    action: "Ask the person, or look whether a load cleared the boxes.",
    example: "Salesforce: Email Opt Out = false, Email Preferences blank; CU Ascend: Email Preferences blank.",
    clock: false,
    finder: Finder::Search(search),
};

fn search(world: &World<'_>, rule: &'static Rule) -> Result<Vec<Found>> {
    let keeps = col(of::CATEGORIES_ON).is_not_null().or(col(of::CHOSEN).is_not_null());
    let nothing = lit(world.texts.intern("").number());
    // The codes of a list are sorted, so one that turns a category on stands first.
    let lists = world.members.column(of::CHOSEN)?.unique()?;
    let turned_on = lists.u32()?.iter().flatten().filter(|list| world.texts.get(Text::from_number(*list)).starts_with('+'));
    let turned_on: UInt32Chunked = turned_on.map(Some).collect();
    let turned_on = col(of::CHOSEN).is_in(lit(turned_on.into_series()).implode(false), false);
    let on = col(of::CATEGORIES_ON).neq(nothing).or(turned_on).fill_null(lit(false));
    let not_opted_out = col(decided::OUT).fill_null(lit(false)).not();
    let blank = world
        .members
        .clone()
        .lazy()
        .filter(col(cols::IN_HUB).and(not_opted_out).and(keeps))
        .group_by([col(cols::PERSON)])
        .agg([on.any(true).alias("any_on")])
        .filter(col("any_on").not());
    let hub = is_method(Method::Hub);
    let contacts =
        world.members.clone().lazy().filter(hub.and(col(cols::IN_HUB))).select([col(cols::PERSON), col(of::IX).alias("a")]);
    let found = contacts.join(blank, [col(cols::PERSON)], [col(cols::PERSON)], JoinArgs::new(JoinType::Inner)).collect()?;
    rows(&found, rule)
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
                ("crm active cats=", "salesforce"),
                ("crm active cats= | source active cats=", "salesforce"),
                ("crm active | source active cats=", "salesforce"),
                ("crm active cats=News", ""),
                ("crm active cats= | source active cats=News", ""),
                ("crm out cats=", ""),
                ("crm active", ""),
                ("crm active cats=Gala", ""),
                ("source active cats=", ""),
                ("crm active cats= | source out cats=", ""),
            ],
        );
    }
}
