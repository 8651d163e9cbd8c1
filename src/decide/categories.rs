//! Which side of a category that differs is behind, and what its cell becomes.

use anyhow::Result;
use foldhash::HashMap;
use polars::prelude::{IntoLazy, col as column};

use crate::classify::{Detail, Found, World};
use crate::columns::Role;
use crate::matching::cols;
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
///
/// Where codes of one person contradict each other, the later one wins, and without times the one that says no; what a
/// losing code says is for a person to decide, or the category would flip from week to week.
pub(super) fn side_that_is_behind(found: &Found, choices: &Choices, world: &World<'_>, facts: &Facts<'_>) -> Option<Behind> {
    let (ours, theirs) = (found.a?, found.b?);
    let Detail::Category { on_in_a } = found.detail else { return None };
    let category = world.texts.get(found.subject?);
    let chosen = facts.text(col::CHOSEN, theirs).split(';').any(|choice| choice.get(1..) == Some(category));
    let authority = world.config.category_authority(world.systems);
    let named = [ours, theirs].into_iter().find(|ix| facts.profile(*ix).name == authority);
    let hub = || [ours, theirs].into_iter().find(|ix| facts.profile(*ix).role == Role::Crm);
    if chosen && choices.loses(found.person?, category, !on_in_a, facts.chosen_at(theirs)) {
        return None;
    }
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

/// What codes choose for each person and category: on or off, and since when.
pub(super) struct Choices(HashMap<(u32, String), Vec<Choice>>);

/// On or off, and since when.
type Choice = (bool, Option<i64>);

impl Choices {
    /// The choices of a run.
    pub fn new(world: &World<'_>, facts: &Facts<'_>) -> Result<Choices> {
        let chosen = world.members.clone().lazy().filter(column(col::CHOSEN).is_not_null());
        let chosen = chosen.select([column(col::IX), column(cols::PERSON)]).collect()?;
        let (ixs, persons) = (chosen.column(col::IX)?.u32()?.iter(), chosen.column(cols::PERSON)?.u32()?.iter());
        let mut choices: HashMap<(u32, String), Vec<Choice>> = HashMap::default();
        for (ix, person) in ixs.flatten().zip(persons.flatten()) {
            for choice in facts.text(col::CHOSEN, ix).split(';') {
                let (sign, category) = choice.split_at(choice.len().min(1));
                choices.entry((person, category.to_owned())).or_default().push((sign == "+", facts.chosen_at(ix)));
            }
        }
        Ok(Choices(choices))
    }

    /// Whether another code of the person says the opposite and goes first.
    fn loses(&self, person: u32, category: &str, on: bool, since: Option<i64>) -> bool {
        let others = self.0.get(&(person, category.to_owned())).into_iter().flatten().filter(|(other, _)| *other != on);
        others.into_iter().any(|(_, other)| match (since, *other) {
            (Some(since), Some(other)) if since != other => other > since,
            _ => on,
        })
    }
}

/// What the values of a record's categories stand for.
pub(super) fn book_of(record: u32, world: &World<'_>, facts: &Facts<'_>) -> CategoryBook {
    let has_boxes = world.files[facts.input(record)].has_checkboxes();
    let book = if has_boxes { CategoryBook::of_boxes } else { CategoryBook::new };
    book(facts.profile(record), world.config)
}

/// The values of a record's cell with one category turned on or off; everything else stays as it is spelled.
fn values_with(record: u32, category: &str, on: bool, world: &World<'_>, facts: &Facts<'_>) -> Vec<String> {
    let profile = facts.profile(record);
    let book = book_of(record, world, facts);
    let mut values: Vec<String> = book.split(facts.text(col::CATEGORIES_CELL, record)).map(str::to_owned).collect();
    let is = |value: &String| book.name_of(value).map_or(value == category, |name| name == category);
    if !on {
        values.retain(|value| !is(value));
    } else if !values.iter().any(is) {
        let known = world.config.category.iter().find(|known| known.name == category);
        let value = known.and_then(|known| own_values(known, &profile.name).next()).filter(|value| book.name_of(value).is_some());
        values.push(value.unwrap_or(category).to_owned());
    }
    values
}
