//! Who shares an address or a record with whom: opt-outs spread along.

use anyhow::Result;
use foldhash::HashMap;
use polars::prelude::{DataFrame, IntoLazy, JoinArgs, JoinType, coalesce, col, lit};

use crate::matching::{Matched, cols};
use crate::normalise::col as of;
use crate::texts::Text;

/// CRM contacts that share an address or a record with another: a record counts as opted out if one of its
/// persons is, and then speaks for the others.
pub(super) struct Neighbours {
    pub of_person: HashMap<u32, Vec<usize>>,
    /// What is shared, by its address or the key of the record, and by whom.
    shared: Vec<(Text, Vec<u32>)>,
}

impl Neighbours {
    pub fn of(records: &DataFrame, matched: &Matched, max_shared: u32) -> Result<Neighbours> {
        let few = |count: &str| col(count).gt(lit(1u32)).and(col(count).lt_eq(lit(max_shared)));
        let addresses = crate::matching::shared_addresses(matched)?.filter(few("contacts")).select([
            col(cols::PERSON),
            col("address").alias("shared"),
            col("address").alias("key"),
        ]);
        let names = records.clone().lazy().select([col(of::IX), coalesce(&[col(of::RECORD), col(of::EMAILS[0])]).alias("key")]);
        let tied = matched
            .links
            .clone()
            .lazy()
            .filter(col(cols::IN_HUB).and(few(cols::BELONGS)))
            .join(names, [col(of::IX)], [col(of::IX)], JoinArgs::new(JoinType::Inner))
            .filter(col("key").is_not_null())
            .select([col(cols::PERSON), col(of::IX).alias("shared"), col("key")]);
        let mut neighbours = Neighbours { of_person: HashMap::default(), shared: Vec::new() };
        for pairs in [addresses.collect()?, tied.collect()?] {
            let numbers = |name: &str| -> Result<Vec<u32>> { Ok(pairs.column(name)?.u32()?.iter().flatten().collect()) };
            let (persons, shared, keys) = (numbers(cols::PERSON)?, numbers("shared")?, numbers("key")?);
            let mut at: HashMap<u32, usize> = HashMap::default();
            for row in 0..persons.len() {
                let group = *at.entry(shared[row]).or_insert_with(|| {
                    neighbours.shared.push((Text::from_number(keys[row]), Vec::new()));
                    neighbours.shared.len() - 1
                });
                neighbours.shared[group].1.push(persons[row]);
                neighbours.of_person.entry(persons[row]).or_default().push(group);
            }
        }
        Ok(neighbours)
    }

    /// Everybody who shares something with a person, and what.
    pub fn around(&self, person: u32) -> Vec<(u32, Text)> {
        let groups = self.of_person.get(&person).into_iter().flatten().map(|group| &self.shared[*group]);
        groups
            .flat_map(|(key, persons)| persons.iter().map(|other| (*other, *key)))
            .filter(|(other, _)| *other != person)
            .collect()
    }
}
