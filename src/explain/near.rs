//! Rules that a person's records could have fired and did not: one [`Near`] is one rule, with the pair of records that
//! came nearest and every part of the condition that does not hold for it.
//!
//! The condition is the rule's own: it is taken apart at its `and`s, and each part is worked out by itself.

use anyhow::Result;
use polars::prelude::{DataFrame, Expr, IntoLazy, JoinArgs, JoinType, Operator, col, lit};
use serde::Serialize;

use crate::classify::World;
use crate::matching::cols;
use crate::normalise::{Facts, col as of};
use crate::rules::predicates::{THE_OPT_IN, parts};
use crate::rules::{Finder, RULES, Rule};

/// A rule that did not fire.
#[derive(Debug, Serialize)]
pub struct Near {
    /// Its code.
    pub rule: &'static str,
    /// What it would have found.
    pub name: &'static str,
    /// The parts of its condition that do not hold, in words.
    pub why: String,
}

/// The rules over pairs that did not fire for a person who has records of both kinds, in code order.
pub(super) fn near(
    world: &World<'_>,
    facts: &Facts<'_>,
    person: u32,
    fired: &[&'static str],
    the_opt_in: &str,
) -> Result<Vec<Near>> {
    let members =
        world.members.clone().lazy().filter(col(cols::PERSON).eq(lit(person))).sort([of::IX], Default::default()).collect()?;
    let pairs = Pairs::of(&members)?;
    let mut near = Vec::new();
    for rule in RULES.iter().filter(|rule| !fired.contains(&rule.code)) {
        let Finder::Pair { a, b, both } = &rule.finder else { continue };
        let (a, b, both) = (Parts::new(a(), &members)?, Parts::new(b(), &members)?, Parts::new(both(), &pairs.frame)?);
        let candidates = pairs.at.iter().enumerate().filter(|(_, (first, second))| a.fits(*first) && b.fits(*second));
        let nearest = candidates.min_by_key(|(at, (first, second))| {
            (a.lacks(*first).count() + b.lacks(*second).count() + both.lacks(*at).count(), *first, *second)
        });
        let Some((at, (first, second))) = nearest else { continue };
        near.push(Near {
            rule: rule.code,
            name: rule.name,
            why: sentence(rule, &pairs, [*first, *second], facts, [&a, &b], &both, at).replace(THE_OPT_IN, the_opt_in),
        });
    }
    Ok(near)
}

fn sentence(
    rule: &Rule,
    pairs: &Pairs,
    places: [usize; 2],
    facts: &Facts<'_>,
    sides: [&Parts; 2],
    both: &Parts,
    at: usize,
) -> String {
    let of_side = |side: usize| {
        let ix = pairs.ixs[places[side]];
        let lacks: Vec<&str> = sides[side].lacks(places[side]).collect();
        (!lacks.is_empty()).then(|| format!("{} {} {}", facts.profile(ix).title, facts.name(ix), lacks.join(" and ")))
    };
    let clauses: Vec<String> = [of_side(0), of_side(1)].into_iter().flatten().chain(both.lacks(at).map(str::to_owned)).collect();
    if clauses.is_empty() { format!("{} looks at other records", rule.code) } else { clauses.join("; ") }
}

/// The conditions of one side or of the pair, and for which rows each holds.
struct Parts {
    parts: Vec<(&'static str, Vec<bool>)>,
}

impl Parts {
    fn new(condition: Expr, frame: &DataFrame) -> Result<Parts> {
        let known = parts();
        let mut worked_out = Vec::new();
        for part in conjuncts(condition) {
            let words = known.iter().find(|(expr, _)| *expr == part).map_or("does not meet the condition", |(_, words)| words);
            let holds = frame.clone().lazy().select([part.alias("holds")]).collect()?;
            let holds = holds.column("holds")?.bool()?;
            // A literal gives one row for all.
            let holds = (0..frame.height()).map(|row| holds.get(row.min(holds.len().saturating_sub(1))) == Some(true)).collect();
            worked_out.push((words, holds));
        }
        Ok(Parts { parts: worked_out })
    }

    /// Whether the rule is about such a record at all.
    fn fits(&self, row: usize) -> bool {
        self.parts.iter().all(|(words, holds)| !words.is_empty() || holds[row])
    }

    /// The words of what does not hold.
    fn lacks(&self, row: usize) -> impl Iterator<Item = &'static str> {
        self.parts.iter().filter(move |(words, holds)| !words.is_empty() && !holds[row]).map(|(words, _)| *words)
    }
}

/// The parts of a condition that must all hold.
fn conjuncts(condition: Expr) -> Vec<Expr> {
    match condition {
        Expr::BinaryExpr { left, op: Operator::And, right } => {
            [left, right].into_iter().flat_map(|side| conjuncts(side.as_ref().clone())).collect()
        }
        part => vec![part],
    }
}

/// Every two records of a person.
struct Pairs {
    ixs: Vec<u32>,
    /// The rows of the two among the members.
    at: Vec<(usize, usize)>,
    frame: DataFrame,
}

impl Pairs {
    fn of(members: &DataFrame) -> Result<Pairs> {
        let numbered = members.clone().lazy().with_row_index("at", None);
        let side = |prefix: &str| {
            let named = members.get_column_names().into_iter().map(|name| name.as_str()).chain(["at"]);
            let columns = named.map(|name| col(name).alias(format!("{prefix}{name}")));
            numbered.clone().select([col(cols::PERSON)].into_iter().chain(columns).collect::<Vec<_>>())
        };
        let frame = side("a_")
            .join(side("b_"), [col(cols::PERSON)], [col(cols::PERSON)], JoinArgs::new(JoinType::Inner))
            .filter(col("a_at").neq(col("b_at")))
            .sort(["a_at", "b_at"], Default::default())
            .collect()?;
        let numbers = |name: &str| -> Result<Vec<usize>> {
            Ok(frame.column(name)?.u32()?.iter().flatten().map(|at| at as usize).collect())
        };
        Ok(Pairs {
            ixs: members.column(of::IX)?.u32()?.iter().flatten().collect(),
            at: numbers("a_at")?.into_iter().zip(numbers("b_at")?).collect(),
            frame,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_every_condition_has_its_words() {
        let known = parts();
        for rule in RULES {
            let Finder::Pair { a, b, both } = &rule.finder else { continue };
            for part in [a(), b(), both()].into_iter().flat_map(conjuncts) {
                assert!(
                    known.iter().any(|(expr, _)| *expr == part),
                    "{}: add words for this part to rules::predicates::parts: {part}",
                    rule.code
                );
            }
        }
    }
}
