//! CAT302: category differs between CRM and source (stale category).

use std::collections::BTreeSet;

use anyhow::Result;
use polars::prelude::{IntoLazy, JoinArgs, JoinType, col, lit};

use crate::classify::{Detail, Found, World, member, rows};
use crate::columns::Role;
use crate::consent::decided;
use crate::matching::{cols, is_role};
use crate::normalise::col as of;
use crate::texts::Text;
use crate::columns::Severity;
use crate::rules::{Finder, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    code: "CAT302",
    name: "category differs between CRM and source (stale category)",
    severity: Severity::Medium,
    finds: "A category is on in the CRM and off in the source system, or the other way round, for a person who is not opted out.",
    matters: "The person gets mail that was declined, or misses mail that was asked for.",
    action: "Load the categories file of the system that is behind.",
    example: "Salesforce: Alumni News; CU Ascend: Alumni News and Events.",
    clock: false,
    finder: Finder::Search(search),
};

fn search(world: &World<'_>, rule: &'static Rule) -> Result<Vec<Found>> {
    let not_opted_out = || col(decided::OUT).fill_null(lit(false)).not();
    let keeps = || col(of::CATEGORIES).is_not_null();
    let contacts = world.members.clone().lazy().filter(is_role(Role::Crm).and(not_opted_out()).and(keeps())).select([
        col(cols::PERSON),
        col(of::IX).alias("a"),
        col(of::CATEGORIES).alias("ours"),
    ]);
    let constituents =
        world.members.clone().lazy().filter(is_role(Role::Source).and(keeps().or(col(of::CHOSEN).is_not_null()))).select([
            col(cols::PERSON),
            col(of::IX).alias("b"),
            col(of::CATEGORIES).alias("theirs"),
            col(of::CHOSEN),
            col(member::OFFICE).alias("office"),
        ]);
    let differing = contacts
        .join(constituents, [col(cols::PERSON)], [col(cols::PERSON)], JoinArgs::new(JoinType::Inner))
        .filter(col("ours").neq_missing(col("theirs")).or(col(of::CHOSEN).is_not_null()))
        .collect()?;

    let lists = |name: &str| -> Result<Vec<Option<&str>>> {
        let numbers = differing.column(name)?.to_physical_repr();
        Ok(numbers.u32()?.iter().map(|number| number.map(|number| world.texts.get(Text::from_number(number)))).collect())
    };
    let (ours, theirs, chosen) = (lists("ours")?, lists("theirs")?, lists(of::CHOSEN)?);
    let inputs = world.records.column(of::INPUT)?.u32()?;
    let tells = |ix: Option<u32>, category: &str| {
        let input = ix.and_then(|ix| inputs.get(ix as usize));
        input.is_none_or(|input| world.files[input as usize].tells_category(category))
    };
    let mut found = Vec::new();
    for (at, pair) in rows(&differing, rule)?.into_iter().enumerate() {
        let differing = differences(ours[at].unwrap_or_default(), theirs[at], chosen[at].unwrap_or_default());
        let known = |(category, _): &(&str, bool)| tells(pair.a, category) && tells(pair.b, category);
        for (category, on_in_a) in differing.into_iter().filter(known) {
            found.push(Found { subject: Some(world.texts.intern(category)), detail: Detail::Category { on_in_a }, ..pair.clone() });
        }
    }
    Ok(found)
}

/// The categories in which two lists differ, and whether each is on in the first. Codes go before the second
/// list; without a list only the categories that a code chooses are known.
fn differences<'a>(ours: &'a str, theirs: Option<&'a str>, chosen: &'a str) -> BTreeSet<(&'a str, bool)> {
    let names = |list: &'a str| list.split(';').filter(|name| !name.is_empty());
    let ours: BTreeSet<&str> = names(ours).collect();
    let (on, off): (Vec<&str>, Vec<&str>) = names(chosen).partition(|choice| choice.starts_with('+'));
    let (on, off): (BTreeSet<&str>, BTreeSet<&str>) = (on.iter().map(|name| &name[1..]).collect(), off.iter().map(|name| &name[1..]).collect());
    let mut theirs_on: BTreeSet<&str> = theirs.into_iter().flat_map(names).chain(on.iter().copied()).collect();
    // A category that one code turns on and another off is off: doubt goes to silence.
    theirs_on.retain(|name| !off.contains(name));
    let known = |name: &str| theirs.is_some() || on.contains(name) || off.contains(name);
    let only_ours = ours.iter().filter(|name| known(name) && !theirs_on.contains(*name)).map(|name| (*name, true));
    let only_theirs = theirs_on.iter().filter(|name| !ours.contains(*name)).map(|name| (*name, false));
    only_ours.chain(only_theirs).collect()
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
                ("crm active cats=News | source active cats=News+Events", "salesforce ascend Events"),
                ("crm active cats=News | source active cats=", "salesforce ascend News"),
                ("crm active cats=News | source active cats=News | code ALX", "salesforce ascend News"),
                ("crm active cats=News | source active cats= | code ALX", "salesforce ascend News"),
                ("crm active cats= | source active cats=News | code ALX", ""),
                ("crm active cats=News | source active cats=News", ""),
                ("crm out cats=News | source active cats=Events", ""),
                ("crm active cats=Old_News | source active cats=News", ""),
                ("crm active cats=News+Gala | source active cats=News", ""),
                ("crm active cats=News+Zoo | source active cats=News", ""),
                ("crm active cats=News", ""),
                ("source active cats=News", ""),
                ("crm active cats=News | marketing active", ""),
            ],
        );
    }
}
