//! Who shares an address or a record with whom: opt-outs spread along.

use anyhow::Result;
use foldhash::HashMap;
use polars::prelude::{DataFrame, IntoLazy, JoinArgs, JoinType, coalesce, col, lit};

use crate::columns::Method;
use crate::matching::{Matched, cols, is_method};
use crate::normalise::col as of;
use crate::texts::Text;

/// CRM contacts that share an address, and persons that share a record, with another: a record counts as opted out if one of its
/// persons is, and then speaks for the others.
pub(super) struct Neighbours {
    pub of_person: HashMap<u32, Vec<usize>>,
    /// What is shared, by its address or the key of the record, and by whom.
    shared: Vec<(Text, Vec<u32>)>,
    /// The keys of those of them who are no contacts of the CRM.
    others: HashMap<u32, Text>,
}

impl Neighbours {
    pub fn of(records: &DataFrame, matched: &Matched, max_shared: u32) -> Result<Neighbours> {
        let few = |count: &str| col(count).gt(lit(1u32)).and(col(count).lt_eq(lit(max_shared)));
        let addresses = crate::matching::shared_addresses(matched)?.filter(few("contacts")).select([
            col(cols::PERSON),
            col("address").alias("shared"),
            col("address").alias("key"),
        ]);
        // What is said of one list is not said of those who share it otherwise.
        let names = records.clone().lazy().filter(col(of::LIST).is_null());
        let names = names.select([col(of::IX), coalesce(&[col(of::RECORD), col(of::EMAILS[0])]).alias("key")]);
        let tied = matched
            .links
            .clone()
            .lazy()
            .filter(few(cols::BELONGS))
            .join(names.clone(), [col(of::IX)], [col(of::IX)], JoinArgs::new(JoinType::Inner))
            .filter(col("key").is_not_null())
            .select([col(cols::PERSON), col(of::IX).alias("shared"), col("key")]);
        let tied = tied.collect()?;
        let sharers = tied.clone().lazy().select([col(cols::PERSON)]);
        let others = matched
            .links
            .clone()
            .lazy()
            .filter(col(cols::IN_HUB).not().and(is_method(Method::Hub)))
            .join(sharers, [col(cols::PERSON)], [col(cols::PERSON)], JoinArgs::new(JoinType::Semi))
            .join(names, [col(of::IX)], [col(of::IX)], JoinArgs::new(JoinType::Inner))
            .collect()?;
        let named = numbers(&others, cols::PERSON)?.into_iter().zip(numbers(&others, "key")?.into_iter().map(Text::from_number));
        let mut neighbours = Neighbours { of_person: HashMap::default(), shared: Vec::new(), others: named.collect() };
        for pairs in [addresses.collect()?, tied] {
            let (persons, shared, keys) = (numbers(&pairs, cols::PERSON)?, numbers(&pairs, "shared")?, numbers(&pairs, "key")?);
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

    /// The id of a person who shares something.
    pub fn name(&self, person: u32, matched: &Matched) -> Option<Text> {
        matched.contact(person).map(|(_, id)| id).or_else(|| self.others.get(&person).copied())
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

fn numbers(frame: &DataFrame, name: &str) -> Result<Vec<u32>> {
    Ok(frame.column(name)?.u32()?.iter().flatten().collect())
}
