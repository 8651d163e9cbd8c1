//! Records to persons: one row of `links` is one record of one person.
//!
//! The CRM is the hub: every contact or lead is a person. Another record belongs to a person by contact id,
//! else by source id, else by address, where it may fit several and stays one record linked to all of them.
//! What fits no contact is matched by source id, else by address, with the source system as hub, and what is left by address;
//! a record belongs besides to the constituent that names the same contact.
//! A record of the source that names a contact by id, and whose source id other contacts have too, belongs to them as well.
//! An unsubscribe record belongs to everybody with its address, see [`by_address`].
//! Matching is never transitive beyond that and never fuzzy. Invariant: every record has at least one link.

mod by_address;

use anyhow::Result;
use foldhash::{HashMap, HashSet};
use polars::prelude::{
    DataFrame, DataType, Expr, IntoColumn, IntoLazy, JoinArgs, JoinType, LazyFrame, NewChunkedArray, PolarsResult, UInt32Chunked,
    UnionArgs, UniqueKeepStrategy, by_name, coalesce, col, concat, len, lit, when,
};

use crate::columns::{Method, Role};
use crate::matching::by_address::tie_barred;
use crate::normalise::col as of;
use crate::texts::{Text, Texts};

/// The columns that matching adds.
pub mod cols {
    /// Number of the person (u32); those of the hub come first.
    pub const PERSON: &str = "person";
    /// How the record was tied to the person.
    pub const METHOD: &str = "method";
    /// To how many persons it was tied (u32).
    pub const BELONGS: &str = "belongs";
    /// Whether the person is a CRM contact (bool).
    pub const IN_HUB: &str = "in_hub";
}

/// Records and the persons they belong to.
#[derive(Debug)]
pub struct Matched {
    /// One row a record and person: `ix`, `person`, `method`, `belongs`, `in_hub`.
    pub links: DataFrame,
    /// One row an address of a CRM contact: `person`, `address`.
    pub addresses: DataFrame,
    /// The CRM record and id of each person of the hub, by the person's number.
    pub contacts: Vec<(u32, Text)>,
}

impl Matched {
    /// The record (`ix`) and the id of a person's CRM contact.
    pub fn contact(&self, person: u32) -> Option<(u32, Text)> {
        self.contacts.get(person as usize).copied()
    }

    /// Records that nothing but an address ties to anybody.
    ///
    /// # Errors
    /// Only what Polars cannot do, which is a defect.
    pub fn by_address_alone(&self) -> Result<HashSet<u32>> {
        let tied = self.links.clone().lazy().group_by([col(of::IX)]).agg([is_by_address().not().any(true).alias("by_id")]);
        let alone = tied.filter(col("by_id").not()).select([col(of::IX)]).collect()?;
        Ok(alone.column(of::IX)?.u32()?.iter().flatten().collect())
    }
}

/// Ties every record to its person or persons.
///
/// # Errors
/// Only what Polars cannot do, which is a defect.
pub fn match_records(records: &DataFrame, texts: &Texts) -> Result<Matched> {
    let slim: Vec<Expr> = [of::IX, of::ROLE, of::RECORD, of::CONTACT_ID, of::SOURCE_ID, of::MAIN, of::BARS]
        .into_iter()
        .chain(of::EMAILS)
        .map(col)
        .collect();
    let keys = records.clone().lazy().select(slim);
    let is_hub = || is_role(Role::Crm).and(col(of::RECORD).is_not_null()).and(col(of::MAIN));

    let contacts = keys.clone().filter(is_hub()).with_row_index(cols::PERSON, None).collect()?;
    let everything_else = keys.filter(is_hub().not()).collect()?;
    let barred = everything_else.clone().lazy().filter(col(of::BARS)).collect()?;
    let others = everything_else.clone().lazy().filter(col(of::BARS).not()).collect()?;
    let by_contact = tie(&others, &contacts, Some((of::CONTACT_ID, of::RECORD)), texts)?;
    let by_contact = with_doubles(by_contact, &others, &contacts)?;
    let by_bar = tie_barred(&barred, &contacts, texts)?;
    let by_contact = concat([by_contact.lazy(), by_bar.lazy()], UnionArgs::default())?.collect()?;

    let leftover = without(&everything_else, &by_contact)?;
    let constituents = leftover
        .clone()
        .lazy()
        .filter(is_role(Role::Source).and(col(of::SOURCE_ID).is_not_null()))
        .with_row_index(cols::PERSON, Some(contacts.height() as u32))
        .collect()?;
    let rest = without(&leftover, &constituents)?;
    let by_constituent = tie(&rest, &constituents, None, texts)?;

    let first_free = (contacts.height() + constituents.height()) as u32;
    let alone = without(&rest, &by_constituent)?;
    let grouped = by_address_alone(&alone, first_free, texts)?;
    // What the ids say comes on top: a contact that both name is not there, and an opt-out of either is the other's too.
    let by_contact_id = tie_by_id(&rest, &constituents, (of::CONTACT_ID, of::CONTACT_ID), Method::ContactId)?;
    let outside = together([by_contact_id.lazy(), by_constituent.lazy(), grouped.lazy()])?;

    let hub = |persons: &DataFrame| {
        persons.clone().lazy().select([
            col(of::IX),
            col(cols::PERSON),
            method(Method::Hub),
            lit(1u32).cast(DataType::UInt32).alias(cols::BELONGS),
        ])
    };
    let in_hub = |links: LazyFrame, yes: bool| links.with_column(lit(yes).alias(cols::IN_HUB));
    let links = concat(
        [
            in_hub(hub(&contacts), true),
            in_hub(by_contact.lazy(), true),
            in_hub(hub(&constituents), false),
            in_hub(outside, false),
        ],
        UnionArgs::default(),
    )?
    // Joins give their rows in any order.
    .sort([of::IX, cols::PERSON], Default::default())
    .collect()?;
    let (ixs, ids) = (contacts.column(of::IX)?.u32()?, contacts.column(of::RECORD)?.to_physical_repr());
    let numbered = ixs.iter().flatten().zip(ids.u32()?.iter().flatten().map(Text::from_number)).collect();
    Ok(Matched { links, addresses: addresses_of(&contacts, cols::PERSON)?.collect()?, contacts: numbered })
}

/// The columns that hold a key of a record: ids and addresses.
pub fn keys() -> impl Iterator<Item = &'static str> {
    [of::RECORD, of::KEY_CELL, of::CONTACT_ID, of::SOURCE_ID].into_iter().chain(of::EMAILS)
}

/// The records (`ix`) that have one of the keys anywhere, for each set of keys: all sets in one pass.
///
/// # Errors
/// A column that is missing or of another type, which is a defect.
pub fn records_with(wanted: &[HashSet<u32>], records: &DataFrame) -> Result<Vec<HashSet<u32>>> {
    let mut found = vec![HashSet::default(); wanted.len()];
    let mut sets: HashMap<u32, Vec<usize>> = HashMap::default();
    for (set, keys) in wanted.iter().enumerate() {
        for key in keys {
            sets.entry(*key).or_default().push(set);
        }
    }
    for name in keys().filter(|_| !sets.is_empty()) {
        for (ix, key) in records.column(name)?.u32()?.iter().enumerate() {
            for set in key.and_then(|key| sets.get(&key)).into_iter().flatten() {
                found[*set].insert(ix as u32);
            }
        }
    }
    Ok(found)
}

/// Whether a record is of a system with that role.
pub fn is_role(role: Role) -> Expr {
    col(of::ROLE).eq(word(role.word(), Role::dtype()))
}

/// Whether a record was tied to its person in that way.
pub fn is_method(method: Method) -> Expr {
    col(cols::METHOD).eq(word(method.word(), Method::dtype()))
}

/// Whether nothing but an address ties a record to its person.
pub fn is_by_address() -> Expr {
    is_method(Method::Email).or(is_method(Method::SharedEmail))
}

/// Whether a record is tied to its person by the address of an office, which is on more contacts than that.
pub fn is_of_office(max_shared: u32) -> Expr {
    is_method(Method::SharedEmail).and(col(cols::BELONGS).gt(lit(max_shared)))
}

/// A word of a small vocabulary, as a literal.
pub fn word(word: &'static str, dtype: DataType) -> Expr {
    lit(word).cast(dtype)
}

fn method(method: Method) -> Expr {
    word(method.word(), Method::dtype()).alias(cols::METHOD)
}

/// Links of `members` to the persons of a hub: by the pair of id columns, else by source id, else by address.
fn tie(members: &DataFrame, hub: &DataFrame, ids: Option<(&str, &str)>, texts: &Texts) -> Result<DataFrame> {
    let mut found = Vec::new();
    let mut left = members.clone();
    let by_source = ((of::SOURCE_ID, of::SOURCE_ID), Method::SourceId);
    for (ids, how) in ids.into_iter().map(|ids| (ids, Method::ContactId)).chain([by_source]) {
        let tied = tie_by_id(&left, hub, ids, how)?;
        left = without(&left, &tied)?;
        found.push(tied.lazy());
    }
    let shared = word(Method::SharedEmail.word(), Method::dtype());
    let by_address = inner(addresses_of(&left, of::IX)?, limited(addresses_of(hub, cols::PERSON)?, hub, texts)?, "address")
        .group_by([col(of::IX), col(cols::PERSON)])
        .agg([col(CROWD).max()])
        .with_column(count_over_record()?)
        .with_column(when(col(CROWD).gt(lit(MOST_LINKED))).then(col(CROWD)).otherwise(col(cols::BELONGS)).alias(cols::BELONGS))
        .select([
            col(of::IX),
            col(cols::PERSON),
            when(col(cols::BELONGS).gt(lit(1u32)))
                .then(shared)
                .otherwise(word(Method::Email.word(), Method::dtype()))
                .alias(cols::METHOD),
            col(cols::BELONGS),
        ]);
    found.push(by_address);
    Ok(concat(found, UnionArgs::default())?.collect()?)
}

/// Adds links of the source's records to whoever else has the source id of the contact that they name: a lead beside its
/// contact, or a contact that was made twice. What the record says is said for all of them.
fn with_doubles(tied: DataFrame, members: &DataFrame, contacts: &DataFrame) -> Result<DataFrame> {
    const SHARERS: &str = "sharers";
    let doubles = contacts
        .clone()
        .lazy()
        .filter(col(of::SOURCE_ID).is_not_null())
        .with_column(len().over([col(of::SOURCE_ID)])?.alias(SHARERS))
        .filter(col(SHARERS).gt(lit(1u32)))
        .select([col(cols::PERSON), col(of::SOURCE_ID)])
        .collect()?;
    if doubles.height() == 0 {
        return Ok(tied);
    }
    let both = [col(cols::PERSON), col(of::SOURCE_ID)];
    let named = inner(
        members.clone().lazy().filter(is_role(Role::Source)).select([col(of::IX), col(of::SOURCE_ID)]),
        tied.clone().lazy().filter(is_method(Method::ContactId)),
        of::IX,
    )
    .join(doubles.clone().lazy(), both.clone(), both, JoinArgs::new(JoinType::Semi))
    .select([col(of::IX), col(of::SOURCE_ID)]);
    let further = inner(named, doubles.lazy(), of::SOURCE_ID).select([
        col(of::IX),
        col(cols::PERSON),
        method(Method::SourceId),
        lit(1u32).cast(DataType::UInt32).alias(cols::BELONGS),
    ]);
    Ok(together([tied.lazy(), further])?.collect()?)
}

/// Links of the same records, each once a person, the first of them before those that follow. A record that ids tie to
/// several persons is all of theirs.
fn together<const LINKS: usize>(links: [LazyFrame; LINKS]) -> Result<LazyFrame> {
    const SHARERS: &str = "sharers";
    Ok(concat(links, UnionArgs::default())?
        .unique_stable(Some(by_name([of::IX, cols::PERSON], true, false)), UniqueKeepStrategy::First)
        .with_column(len().over([col(of::IX)])?.cast(DataType::UInt32).alias(SHARERS))
        .with_column(when(is_by_address()).then(col(cols::BELONGS)).otherwise(col(SHARERS)).alias(cols::BELONGS))
        .select([of::IX, cols::PERSON, cols::METHOD, cols::BELONGS].map(col)))
}

/// Links of `members` to the persons of a hub by one pair of id columns, theirs and the hub's.
fn tie_by_id(members: &DataFrame, hub: &DataFrame, (theirs, ours): (&str, &str), how: Method) -> Result<DataFrame> {
    let hub_keys = hub.clone().lazy().filter(col(ours).is_not_null()).select([col(ours).alias("key"), col(cols::PERSON)]);
    let member_keys = members.clone().lazy().filter(col(theirs).is_not_null()).select([col(of::IX), col(theirs).alias("key")]);
    Ok(inner(member_keys, hub_keys, "key")
        .select([col(of::IX), col(cols::PERSON), method(how), count_over_record()?])
        .collect()?)
}

/// Records that neither a contact nor a constituent claims: those with one address are one person, and an unsubscribe record
/// belongs to everybody among them whom it bars.
fn by_address_alone(alone: &DataFrame, first_free: u32, texts: &Texts) -> Result<DataFrame> {
    let barred = alone.clone().lazy().filter(col(of::BARS)).collect()?;
    if barred.height() == 0 {
        return grouped(alone, first_free);
    }
    let others = alone.clone().lazy().filter(col(of::BARS).not()).collect()?;
    let persons = grouped(&others, first_free)?;
    let hub = inner(others.lazy(), persons.clone().lazy().select([col(of::IX), col(cols::PERSON)]), of::IX).collect()?;
    let tied = tie_barred(&barred, &hub, texts)?;
    let next = persons.column(cols::PERSON)?.u32()?.iter().flatten().max().map_or(first_free, |last| last + 1);
    let left = grouped(&without(&barred, &tied)?, next)?;
    Ok(concat([persons.lazy(), tied.lazy(), left.lazy()], UnionArgs::default())?.collect()?)
}

/// Records with one address as one person each.
fn grouped(alone: &DataFrame, first_free: u32) -> Result<DataFrame> {
    let others = [of::RECORD, of::SOURCE_ID, of::CONTACT_ID].into_iter().chain(of::EMAILS[1..].iter().copied());
    let keys: Vec<Expr> = std::iter::once(of::EMAILS[0]).chain(others).map(col).collect();
    let keyed = alone.clone().lazy().select([col(of::IX), coalesce(&keys).alias("key")]);
    let persons = keyed.clone().group_by_stable([col("key")]).agg([]).with_row_index(cols::PERSON, Some(first_free));
    Ok(inner(keyed, persons, "key")
        .select([col(of::IX), col(cols::PERSON), method(Method::Hub), lit(1u32).cast(DataType::UInt32).alias(cols::BELONGS)])
        .collect()?)
}

/// Contacts of one address to which a record is tied one by one. A record of a more crowded address is tied
/// to the first of them by id and counts as belonging to all: thousands times thousands of links say no more.
const MOST_LINKED: u32 = 200;

/// On how many contacts an address is (u32).
const CROWD: &str = "crowd";

/// The addresses of a hub with their crowd, crowded ones on one person only.
fn limited(addresses: LazyFrame, hub: &DataFrame, texts: &Texts) -> Result<LazyFrame> {
    let counted = addresses.with_column(len().over([col("address")])?.cast(DataType::UInt32).alias(CROWD)).collect()?;
    let crowded = counted.clone().lazy().filter(col(CROWD).gt(lit(MOST_LINKED)));
    let names = hub.clone().lazy().select([col(cols::PERSON), col(of::RECORD)]);
    let crowded = inner(crowded, names, cols::PERSON).collect()?;
    let numbers = |name: &str| -> Result<Vec<Option<u32>>> { Ok(crowded.column(name)?.u32()?.iter().collect()) };
    let (persons, names, at) = (numbers(cols::PERSON)?, numbers(of::RECORD)?, numbers("address")?);
    let mut first: HashMap<Option<u32>, (Option<&str>, usize)> = HashMap::default();
    for row in 0..crowded.height() {
        let named = (names[row].map(|name| texts.get(Text::from_number(name))), row);
        let known = first.entry(at[row]).or_insert(named);
        *known = (*known).min(named);
    }
    let kept: Vec<(u32, u32)> = first.iter().filter_map(|(address, (_, row))| Some((persons[*row]?, (*address)?))).collect();
    let kept = DataFrame::new(
        kept.len(),
        vec![
            UInt32Chunked::from_iter_values(cols::PERSON.into(), kept.iter().map(|pair| pair.0)).into_column(),
            UInt32Chunked::from_iter_values("address".into(), kept.iter().map(|pair| pair.1)).into_column(),
        ],
    )?;
    let columns = [cols::PERSON, "address", CROWD].map(col);
    let on = [col(cols::PERSON), col("address")];
    let first = counted.clone().lazy().join(kept.lazy(), on.clone(), on, JoinArgs::new(JoinType::Semi));
    let usual = counted.lazy().filter(col(CROWD).lt_eq(lit(MOST_LINKED)));
    Ok(concat(
        [usual.select(columns.clone()), first.filter(col(CROWD).gt(lit(MOST_LINKED))).select(columns)],
        UnionArgs::default(),
    )?)
}

fn count_over_record() -> PolarsResult<Expr> {
    Ok(len().over([col(of::IX)])?.cast(DataType::UInt32).alias(cols::BELONGS))
}

fn inner(one: LazyFrame, other: LazyFrame, key: &str) -> LazyFrame {
    one.join(other, [col(key)], [col(key)], JoinArgs::new(JoinType::Inner))
}

fn without(members: &DataFrame, tied: &DataFrame) -> Result<DataFrame> {
    Ok(members
        .clone()
        .lazy()
        .join(tied.clone().lazy().select([col(of::IX)]), [col(of::IX)], [col(of::IX)], JoinArgs::new(JoinType::Anti))
        .collect()?)
}

/// One row an owner and address, each pair once.
pub fn addresses_of(frame: &DataFrame, owner: &str) -> Result<LazyFrame> {
    let columns = of::EMAILS
        .map(|email| frame.clone().lazy().filter(col(email).is_not_null()).select([col(owner), col(email).alias("address")]));
    let several = of::EMAILS[1..].iter().any(|email| frame.column(email).is_ok_and(|column| column.null_count() < column.len()));
    let all = concat(columns, UnionArgs::default())?;
    Ok(if several { all.unique(None, UniqueKeepStrategy::Any) } else { all })
}

/// The addresses that are on several CRM contacts: `person`, `address`, and on how many (`contacts`).
pub fn shared_addresses(matched: &Matched) -> Result<LazyFrame> {
    let count = len().over([col("address")])?.alias("contacts");
    Ok(matched.addresses.clone().lazy().with_column(count).filter(col("contacts").gt(lit(1u32))))
}
