//! LST403: mixed list states, one box cannot say it.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::classify::{Detail, Found, World, rows};
use crate::columns::Severity;
use crate::matching::cols;
use crate::normalise::col as of;
use crate::rules::predicates::{active_membership, not_decided_out, unsubscribed_from_a_list};
use crate::rules::search::members_that;
use crate::rules::{Finder, Rule};
use crate::texts::Text;

/// The rule.
pub static RULE: Rule = Rule {
    code: "LST403",
    name: "mixed list states, one box cannot say it",
    severity: Severity::Info,
    finds: "A person who is not opted out is active on one list of the platform and unsubscribed from another; one discrepancy a contact of the platform, with the first list of each sort by name.",
    matters: "One opt-out box cannot say this, and need not: the person chose between lists. A box that is not ticked is right.",
    action: "Nothing is to be done; do not tick the box because of it.",
    example: "Campaign Monitor: Active on Alumni News, Unsubscribed from Events; Salesforce: Email Opt Out = false.",
    clock: false,
    finder: Finder::Search(search),
};

/// The active memberships of a contact, and those unsubscribed: list and record.
type Lists<'a> = [Vec<(&'a str, u32)>; 2];

fn search(world: &World<'_>, rule: &'static Rule) -> Result<Vec<Found>> {
    let mut contacts: BTreeMap<(u32, u32), (Option<u32>, Lists<'_>)> = BTreeMap::new();
    for (at, predicate) in [active_membership(), unsubscribed_from_a_list()].into_iter().enumerate() {
        let members = members_that(world, predicate.and(not_decided_out()), &[of::SYSTEM, of::RECORD, of::UNIT])?;
        let numbers = |name: &str| -> Result<Vec<Option<u32>>> { Ok(members.column(name)?.u32()?.iter().collect()) };
        let (systems, keys, lists, persons) = (numbers(of::SYSTEM)?, numbers(of::RECORD)?, numbers(of::UNIT)?, numbers(cols::PERSON)?);
        for (row, found) in rows(&members, rule)?.into_iter().enumerate() {
            let (Some(contact), Some(list), Some(ix)) = (systems[row].zip(keys[row]), lists[row], found.a) else { continue };
            let (person, memberships) = contacts.entry(contact).or_default();
            // Of several persons the first by id has it; each brings the same memberships.
            let name = |person: Option<u32>| person.and_then(|person| world.name(person));
            if person.is_none() || name(persons[row]) < name(*person) {
                *person = persons[row];
            }
            memberships[at].push((world.texts.get(Text::from_number(list)), ix));
        }
    }
    let mixed = contacts.into_values().filter_map(|(person, mut lists)| {
        lists.iter_mut().for_each(|lists| {
            lists.sort_unstable();
            lists.dedup();
        });
        let [active, unsubscribed] = lists;
        let (a, b) = (active.first()?.1, unsubscribed.first()?.1);
        let mut all: Vec<(&str, u32)> = active.into_iter().chain(unsubscribed).collect();
        all.sort_unstable();
        let detail = Detail::Lists(all.into_iter().map(|(_, ix)| ix).collect());
        let rule = crate::rules::position(rule.code);
        Some(Found { rule, person, a: Some(a), b: Some(b), subject: None, email: None, office: false, detail })
    });
    Ok(mixed.collect())
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
                ("crm active | member News active | member Events unsubscribed", "campaign_monitor campaign_monitor"),
                ("crm active | ac News;Events;Gala 1;2;1", "activecampaign activecampaign"),
                ("member News active | member Events unsubscribed", "campaign_monitor campaign_monitor"),
                ("crm out | member News active | member Events unsubscribed", ""),
                ("crm active | member News unconfirmed | member Events unsubscribed", ""),
                ("crm active | member News active | member Events removed", ""),
                ("crm active | member News active | member Events bounced", ""),
                ("crm active | member News active | member Events spam", ""),
                ("crm active | member News active", ""),
                ("crm active | member News active | ac Events unsubscribed", ""),
                ("crm active | marketing active | unit 7", ""),
            ],
        );
    }
}
