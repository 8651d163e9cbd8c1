//! What several rules' searches have in common.

use anyhow::Result;
use foldhash::{HashMap, HashSet};
use polars::prelude::{BooleanChunked, DataFrame, Expr, IntoLazy, JoinArgs, JoinType, NewChunkedArray, UInt32Chunked, col, lit};

use crate::classify::{Detail, Found, World, member, rows};
use crate::columns::{Method, Opt, Role};
use crate::consent::decided;
use crate::ingest::FileReport;
use crate::matching::{addresses_of, cols, is_method, shared_addresses, word};
use crate::normalise::col as of;
use crate::rules::{Rule, position};
use crate::systems::Grain;
use crate::texts::Text;

/// The members that a predicate holds for, with `a` as the record.
pub fn members_that(world: &World<'_>, predicate: Expr, also: &[&str]) -> Result<DataFrame> {
    let columns = [col(cols::PERSON), col(of::IX).alias("a")].into_iter().chain(also.iter().map(|name| col(*name)));
    Ok(world.members.clone().lazy().filter(predicate).select(columns.collect::<Vec<_>>()).collect()?)
}

/// Of a record that belongs to several persons only the one with the first id keeps it, so that each
/// record and subject is found once.
pub fn once_a_record(world: &World<'_>, found: Vec<Found>) -> Vec<Found> {
    let mut first: HashMap<(Option<u32>, Option<Text>), Found> = HashMap::default();
    for one in found {
        let name = |found: &Found| found.person.and_then(|person| world.name(person)).map(str::to_owned);
        match first.entry((one.a, one.subject)) {
            std::collections::hash_map::Entry::Vacant(entry) => drop(entry.insert(one)),
            std::collections::hash_map::Entry::Occupied(mut entry) => {
                if name(&one) < name(entry.get()) {
                    entry.insert(one);
                }
            }
        }
    }
    let mut found: Vec<Found> = first.into_values().collect();
    found.sort_unstable_by_key(|found| (found.a, found.subject));
    found
}

/// What is found of a contact on several lists is found once, by the membership that failed last, else by the list that
/// comes first by name: an address is the same on all of them.
pub fn once_a_contact(world: &World<'_>, found: Vec<Found>) -> Result<Vec<Found>> {
    let profiles = world.systems.profiles();
    if !profiles.iter().any(|profile| profile.keeps_memberships()) || found.is_empty() {
        return Ok(found);
    }
    let column = |name: &str| -> Result<UInt32Chunked> { Ok(world.records.column(name)?.u32()?.clone()) };
    let (systems, keys, lists) = (column(of::SYSTEM)?, column(of::RECORD)?, column(of::UNIT)?);
    let failed = world.records.column(of::FAILED_FROM)?.i64()?.clone();
    let membership = |ix: Option<u32>| {
        let ix = ix? as usize;
        let system = systems.get(ix)?;
        profiles[system as usize].keeps_memberships().then(|| Some((system, keys.get(ix)?))).flatten()
    };
    // A membership stands for its contact; any other record for itself.
    let named = |ix: Option<u32>| (membership(ix), ix.filter(|ix| membership(Some(*ix)).is_none()));
    let order = |found: &Found| {
        let of = |ix: Option<u32>| {
            let ix = ix.filter(|ix| membership(Some(*ix)).is_some()).map(|ix| ix as usize);
            let list = ix.and_then(|ix| lists.get(ix)).map(|list| world.texts.get(Text::from_number(list)));
            (std::cmp::Reverse(ix.and_then(|ix| failed.get(ix))), list)
        };
        (of(found.a), of(found.b))
    };
    let mut first: HashMap<_, Found> = HashMap::default();
    let mut kept = Vec::new();
    for one in found {
        if membership(one.a).is_none() && membership(one.b).is_none() {
            kept.push(one);
            continue;
        }
        let one = Found { subject: None, ..one };
        match first.entry((one.person, named(one.a), named(one.b))) {
            std::collections::hash_map::Entry::Vacant(entry) => drop(entry.insert(one)),
            std::collections::hash_map::Entry::Occupied(mut entry) => {
                if order(&one) < order(entry.get()) {
                    entry.insert(one);
                }
            }
        }
    }
    kept.extend(first.into_values());
    Ok(kept)
}

/// Of what is found of one contact of a platform with lists and of the same list, once, by the record that is opted out
/// before others: the address is the key of all of them, so nothing would tell the discrepancies apart.
pub fn once_a_subject(world: &World<'_>, found: Vec<Found>) -> Result<Vec<Found>> {
    let profiles = world.systems.profiles();
    let (systems, keys) = (world.records.column(of::SYSTEM)?.u32()?, world.records.column(of::RECORD)?.u32()?);
    let opts = world.records.column(of::OPT)?.to_physical_repr();
    let opts = opts.u8()?;
    let membership = |ix: Option<u32>| {
        let ix = ix? as usize;
        let system = systems.get(ix).filter(|system| profiles[*system as usize].keeps_memberships())?;
        Some((system, keys.get(ix)?))
    };
    let named = |ix: Option<u32>| (membership(ix), ix.filter(|ix| membership(Some(*ix)).is_none()));
    let (of_lists, mut kept): (Vec<Found>, Vec<Found>) =
        found.into_iter().partition(|one| membership(one.a).is_some() || membership(one.b).is_some());
    let is_out = |ix: Option<u32>| ix.is_some_and(|ix| opts.get(ix as usize) == Some(Opt::Out as u8));
    let mut first: HashMap<_, Found> = HashMap::default();
    for one in of_lists {
        match first.entry((one.person, named(one.a), named(one.b), one.subject)) {
            std::collections::hash_map::Entry::Vacant(entry) => drop(entry.insert(one)),
            std::collections::hash_map::Entry::Occupied(mut entry) => {
                if is_out(one.b) && !is_out(entry.get().b) {
                    entry.insert(one);
                }
            }
        }
    }
    let mut of_lists: Vec<Found> = first.into_values().collect();
    of_lists.sort_unstable_by_key(|one| (one.person, one.a, one.b));
    kept.extend(of_lists);
    Ok(kept)
}

/// One discrepancy a record and name in a column of names joined by `;`.
pub fn one_a_name(world: &World<'_>, rule: &'static Rule, frame: &DataFrame, names: &str) -> Result<Vec<Found>> {
    let lists = frame.column(names)?.to_physical_repr();
    let found = rows(frame, rule)?;
    let each = found.into_iter().zip(lists.u32()?.iter()).flat_map(|(found, list)| {
        let list = list.map(|list| world.texts.get(Text::from_number(list))).unwrap_or_default();
        list.split(';')
            .filter(|name| !name.is_empty())
            .map(move |name| Found { subject: Some(world.texts.intern(name)), ..found.clone() })
            .collect::<Vec<_>>()
    });
    Ok(once_a_record(world, each.collect()))
}

/// Whether a complete export of a system with that role is there: only then does absence prove anything.
pub fn is_complete(world: &World<'_>, role: Role) -> bool {
    let mut exports = world
        .systems
        .profiles()
        .iter()
        .filter(|profile| profile.role == role)
        .filter(|profile| world.files.iter().any(|file| file.is_used() && file.system.as_deref() == Some(&profile.name)));
    let mut any = false;
    exports.all(|profile| {
        any = true;
        let of_it = || world.files.iter().filter(|file| file.is_used() && file.system.as_deref() == Some(&profile.name));
        let kind = |file: &FileReport| profile.kind(file.kind.as_deref()?);
        // Preferences alone are there of some constituents only.
        let lists_everybody = |file: &FileReport| kind(file).is_some_and(|kind| kind.grain == Grain::Contact);
        of_it().any(lists_everybody) && !of_it().any(|file| file.partial)
    }) && any
}

/// A record that no unsubscribe record backs.
pub struct Unbacked {
    /// The record as a discrepancy: a contact with an address, or a preference that is Out with its list.
    pub found: Found,
    /// Whether the record itself is opted out; else only its person is, by another record.
    pub is_out: bool,
}

/// In systems that keep unsubscribe records: contacts of opted-out persons, and preferences that are Out, for which
/// there is none. One that bars everything serves for every list.
///
/// # Errors
/// Only what Polars cannot do, which is a defect.
pub fn without_unsubscribe_record(world: &World<'_>, rule: &'static Rule) -> Result<Vec<Unbacked>> {
    let keeping: Vec<u32> =
        (0..world.systems.profiles().len()).filter(|at| keeps_unsubscribes(world, *at)).map(|at| at as u32).collect();
    if keeping.is_empty() {
        return Ok(Vec::new());
    }
    let of_them = keeping.iter().map(|at| col(of::SYSTEM).eq(lit(*at))).reduce(|one, other| one.or(other)).unwrap_or(lit(false));
    let out = col(of::OPT).eq(word(Opt::Out.word(), Opt::dtype()));
    let of_out_person = col(of::MAIN).and(col(decided::OUT).fill_null(lit(false))).and(col(of::EMAILS[0]).is_not_null());
    let preference = col(of::BARS).not().and(col(of::LIST).is_not_null()).and(col(of::MAIN).not()).and(out.clone());
    let members = world.members.clone().lazy().filter(of_them.and(col(of::BARS).or(of_out_person).or(preference))).select([
        col(cols::PERSON),
        col(of::IX).alias("a"),
        col(of::LIST).alias("subject"),
        col(member::OFFICE).alias("office"),
        col(of::SYSTEM),
        col(of::BARS),
        out.alias("out"),
        col(decided::OUT).not().fill_null(lit(false)).alias("opted_in"),
    ]);
    let members = members.collect()?;
    let flags =
        |name: &str| -> Result<Vec<bool>> { Ok(members.column(name)?.bool()?.iter().map(|flag| flag == Some(true)).collect()) };
    let systems: Vec<Option<u32>> = members.column(of::SYSTEM)?.u32()?.iter().collect();
    let (bars, out, opted_in) = (flags(of::BARS)?, flags("out")?, flags("opted_in")?);
    let found = rows(&members, rule)?;
    let mut barred: HashSet<(Option<u32>, Option<u32>, Option<Text>)> = HashSet::default();
    // What bars everything of a person whose opt-in wins is removed, and serves for no list any more.
    let stays = |at: usize, one: &Found| one.subject.is_some() || !opted_in[at];
    for (at, one) in found.iter().enumerate().filter(|(at, one)| bars[*at] && stays(*at, one)) {
        barred.insert((systems[at], one.person, one.subject));
    }
    let is_backed =
        |at: usize, one: &Found| [None, one.subject].into_iter().any(|list| barred.contains(&(systems[at], one.person, list)));
    let unbacked = found.into_iter().enumerate().filter(|(at, one)| !bars[*at] && !is_backed(*at, one));
    let unbacked: Vec<Unbacked> = unbacked.map(|(at, found)| Unbacked { found, is_out: out[at] }).collect();
    Ok(unbacked)
}

/// Whether a complete export of its unsubscribe records is there.
fn keeps_unsubscribes(world: &World<'_>, system: usize) -> bool {
    let profile = &world.systems.profiles()[system];
    let is_of = |kind: &str| profile.kind(kind).is_some_and(|kind| kind.grain == Grain::Unsubscribe);
    let used = |file: &FileReport| file.system.as_deref() == Some(&profile.name) && file.kind.as_deref().is_some_and(is_of);
    world.files.iter().any(|file| file.is_used() && used(file) && !file.partial)
}

/// Every address that several contacts have, with all of them in the order of their ids.
pub fn shared_by_contacts(world: &World<'_>, rule: &'static Rule) -> Result<Vec<(Found, Vec<u32>)>> {
    let shared = shared_addresses(world.matched)?.collect()?;
    let persons: &UInt32Chunked = shared.column(cols::PERSON)?.u32()?;
    let addresses = shared.column("address")?.to_physical_repr();
    let mut by_address: HashMap<Text, Vec<u32>> = HashMap::default();
    for (person, address) in persons.iter().flatten().zip(addresses.u32()?.iter().flatten()) {
        by_address.entry(Text::from_number(address)).or_default().push(person);
    }
    let record_of = |person: u32| world.matched.contact(person).map(|(ix, _)| ix);
    let one = |(address, mut persons): (Text, Vec<u32>)| {
        persons.sort_unstable_by_key(|person| world.name(*person));
        let found = Found {
            rule: position(rule.code),
            person: Some(persons[0]),
            a: record_of(persons[0]),
            b: record_of(persons[1]),
            subject: None,
            email: Some(address),
            office: persons.len() > world.config.policy.max_shared as usize,
            detail: Detail::Contacts(persons.clone()),
        };
        (found, persons)
    };
    Ok(by_address.into_iter().map(one).collect())
}

/// How the keys of a record can disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// Its address is nobody's, while its contact has another.
    OtherAddress,
    /// Its source id or its address is another contact's and not its own contact's.
    OtherContact,
}

/// Records that are tied to a contact by an id and whose other keys say otherwise.
pub fn contradictions(world: &World<'_>, rule: &'static Rule, wanted: Contradiction) -> Result<Vec<Found>> {
    let tied = doubtful(world)?;
    let persons: Vec<u32> = tied.column(cols::PERSON)?.u32()?.iter().flatten().collect();
    let ixs: Vec<u32> = tied.column(of::IX)?.u32()?.iter().flatten().collect();
    let mut own: HashMap<u32, HashSet<u32>> = HashMap::default();
    let links = &world.matched.links;
    let doubtful: HashSet<u32> = ixs.iter().copied().collect();
    for (ix, person) in links.column(of::IX)?.u32()?.iter().flatten().zip(links.column(cols::PERSON)?.u32()?.iter().flatten()) {
        if doubtful.contains(&ix) {
            own.entry(ix).or_default().insert(person);
        }
    }
    let owners: HashSet<u32> = persons.into_iter().collect();
    let addressed =
        world.matched.addresses.column(cols::PERSON)?.u32()?.iter().flatten().filter(|person| owners.contains(person));
    let addressed: HashSet<u32> = addressed.collect();
    let by_address = Claims::by_address(world, &tied, &own)?;
    let by_source = Claims::by_source(world, &tied, &own)?;
    let mut found = Vec::new();
    for one in rows(&tied, rule)? {
        let (Some(ix), Some(person)) = (one.a, one.person) else { continue };
        let elsewhere = by_address.elsewhere(ix) || by_source.elsewhere(ix);
        let nobodys = by_address.is_nobodys(ix) && addressed.contains(&person);
        match wanted {
            Contradiction::OtherContact if elsewhere => {
                let (key, claims) = if by_address.elsewhere(ix) { ("address", &by_address) } else { ("source id", &by_source) };
                let mut persons = claims.other[&ix].clone();
                persons.sort_unstable_by_key(|person| world.name(*person));
                persons.dedup();
                found.push(Found { detail: Detail::PointsAt { key, persons }, ..one });
            }
            Contradiction::OtherAddress if nobodys => {
                found.push(Found { a: world.matched.contact(person).map(|(ix, _)| ix), b: Some(ix), ..one });
            }
            _ => {}
        }
    }
    once_a_contact(world, if wanted == Contradiction::OtherContact { once_a_record(world, found) } else { found })
}

/// Records that are tied to a contact by an id, but for those whose first address and source id are the
/// contact's own or blank, which nearly all are: they contradict nothing.
fn doubtful(world: &World<'_>) -> Result<DataFrame> {
    let numbers = |name: &str| -> Result<UInt32Chunked> { Ok(world.members.column(name)?.u32()?.rechunk().into_owned()) };
    let (persons, ixs, emails, sources) =
        (numbers(cols::PERSON)?, numbers(of::IX)?, numbers(of::EMAILS[0])?, numbers(of::SOURCE_ID)?);
    let methods = world.members.column(cols::METHOD)?.to_physical_repr();
    let methods = methods.u8()?.rechunk().into_owned();
    let of_record = |name: &str| -> Result<UInt32Chunked> { Ok(world.records.column(name)?.u32()?.rechunk().into_owned()) };
    let (record_emails, record_sources) = (of_record(of::EMAILS[0])?, of_record(of::SOURCE_ID)?);
    let by_id = [Method::ContactId as u8, Method::SourceId as u8];
    let is_doubtful = (0..world.members.height()).map(|at| {
        let contact = persons.get(at).and_then(|person| world.matched.contact(person));
        let (Some((contact, _)), true) = (contact, methods.get(at).is_some_and(|method| by_id.contains(&method))) else {
            return false;
        };
        let same = |own: Option<u32>, of_contact: &UInt32Chunked| own == of_contact.get(contact as usize);
        let address = emails.get(at).is_some() && same(emails.get(at), &record_emails);
        let source = sources.get(at).is_none() || same(sources.get(at), &record_sources);
        ixs.get(at).is_some() && !(address && source)
    });
    let mask = BooleanChunked::from_iter_values("doubtful".into(), is_doubtful);
    let columns = [col(cols::PERSON), col(of::IX), col(of::IX).alias("a"), col(of::SOURCE_ID)];
    Ok(world.members.filter(&mask)?.lazy().filter(col(of::MAIN)).select(columns).collect()?)
}

/// Which records have a key, and whose contacts' key it is too.
struct Claims {
    named: HashSet<u32>,
    own: HashSet<u32>,
    /// The contacts that have it, by record.
    other: HashMap<u32, Vec<u32>>,
}

impl Claims {
    /// Whether the key is another contact's and not the record's own contact's.
    fn elsewhere(&self, ix: u32) -> bool {
        self.other.contains_key(&ix) && !self.own.contains(&ix)
    }

    /// Whether the record has the key and no contact does.
    fn is_nobodys(&self, ix: u32) -> bool {
        self.named.contains(&ix) && !self.own.contains(&ix) && !self.other.contains_key(&ix)
    }

    fn by_address(world: &World<'_>, tied: &DataFrame, own: &HashMap<u32, HashSet<u32>>) -> Result<Claims> {
        let ixs = tied.clone().lazy().select([col(of::IX)]);
        let emails = [of::IX].into_iter().chain(of::EMAILS).map(col).collect::<Vec<_>>();
        let records = world
            .records
            .clone()
            .lazy()
            .select(emails)
            .join(ixs, [col(of::IX)], [col(of::IX)], JoinArgs::new(JoinType::Semi))
            .collect()?;
        let keys = addresses_of(&records, of::IX)?.collect()?;
        Claims::of(&keys, &world.matched.addresses, "address", own)
    }

    fn by_source(world: &World<'_>, tied: &DataFrame, own: &HashMap<u32, HashSet<u32>>) -> Result<Claims> {
        let with_source = |frame: &DataFrame| frame.clone().lazy().filter(col(of::SOURCE_ID).is_not_null());
        let keys = with_source(tied).select([col(of::IX), col(of::SOURCE_ID)]).collect()?;
        let hub = is_method(Method::Hub).and(col(cols::IN_HUB));
        let contacts = with_source(&world.members).filter(hub).select([col(cols::PERSON), col(of::SOURCE_ID)]).collect()?;
        Claims::of(&keys, &contacts, of::SOURCE_ID, own)
    }

    fn of(keys: &DataFrame, contacts: &DataFrame, key: &str, own: &HashMap<u32, HashSet<u32>>) -> Result<Claims> {
        let pairs = keys
            .clone()
            .lazy()
            .join(contacts.clone().lazy(), [col(key)], [col(key)], JoinArgs::new(JoinType::Inner))
            .collect()?;
        let mut claims = Claims {
            named: keys.column(of::IX)?.u32()?.iter().flatten().collect(),
            own: HashSet::default(),
            other: HashMap::default(),
        };
        for (ix, person) in pairs.column(of::IX)?.u32()?.iter().flatten().zip(pairs.column(cols::PERSON)?.u32()?.iter().flatten())
        {
            let is_own = own.get(&ix).is_some_and(|persons| persons.contains(&person));
            if is_own {
                claims.own.insert(ix);
            } else {
                claims.other.entry(ix).or_default().push(person);
            }
        }
        Ok(claims)
    }
}
