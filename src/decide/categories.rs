//! Which side of a category that differs is behind, and what its cell becomes.

use crate::classify::{Detail, Found, World};
use crate::columns::Role;
use crate::normalise::{CategoryBook, Facts, col, own_values};

/// The record that changes.
pub(super) struct Behind {
    /// Its number.
    pub record: u32,
    /// All values of its categories cell from now on, with the system's own spelling.
    pub values: Vec<String>,
    /// The record that is right.
    pub right: u32,
    /// Why the other side is right.
    pub because: String,
}

/// The later explicit change wins; without times, the system that the policy names. Only codes are explicit
/// and dated: a cell of categories has no time of its own. An undated code is still a choice that somebody
/// made, and wins over a cell.
pub(super) fn side_that_is_behind(found: &Found, world: &World<'_>, facts: &Facts<'_>) -> Option<Behind> {
    let (ours, theirs) = (found.a?, found.b?);
    let Detail::Category { on_in_a } = found.detail else { return None };
    let category = world.texts.get(found.subject?);
    let chosen = facts.text(col::CHOSEN, theirs).split(';').any(|choice| choice.get(1..) == Some(category));
    let authority = world.config.category_authority(world.systems);
    let named = [ours, theirs].into_iter().find(|ix| facts.profile(*ix).name == authority);
    let hub = || [ours, theirs].into_iter().find(|ix| facts.profile(*ix).role == Role::Crm);
    let (right, because) = if chosen {
        let since = facts.chosen_at(theirs).and_then(chrono::DateTime::from_timestamp_millis);
        let since = since.map(|at| format!(" since {}", facts.zone(theirs).day_of(at))).unwrap_or_default();
        (theirs, format!("a code of {} says so explicitly{since}", facts.profile(theirs).title))
    } else {
        let right = named.or_else(hub)?;
        (right, format!("neither side has a time, and {} is the authority for categories", facts.profile(right).title))
    };
    let record = if right == ours { theirs } else { ours };
    let wanted_on = if right == ours { on_in_a } else { !on_in_a };
    Some(Behind { record, right, values: values_with(record, category, wanted_on, world, facts), because })
}

/// The values of a record's cell with one category turned on or off; everything else stays as it is spelled.
fn values_with(record: u32, category: &str, on: bool, world: &World<'_>, facts: &Facts<'_>) -> Vec<String> {
    let profile = facts.profile(record);
    let book = CategoryBook::new(profile, world.config);
    let mut values: Vec<String> = book.split(facts.text(col::CATEGORIES_CELL, record)).map(str::to_owned).collect();
    let is = |value: &String| book.name_of(value).map_or(value == category, |name| name == category);
    if !on {
        values.retain(|value| !is(value));
    } else if !values.iter().any(is) {
        let known = world.config.category.iter().find(|known| known.name == category);
        let value = known.and_then(|known| own_values(known, &profile.name).next()).unwrap_or(category);
        values.push(value.to_owned());
    }
    values
}
