//! Whom a discrepancy is about, and how that person's records stand: both worked out from its identity alone, so that
//! the run that shows it and the run that reads the decision say the same.

use std::collections::BTreeSet;

use anyhow::Result;
use foldhash::{HashMap, HashSet};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::columns::{Delivery, Method, Opt};
use crate::decisions::{Scene, What};
use crate::matching::cols;
use crate::normalise::col;
use crate::texts::Text;
use crate::times::Moment;

/// Rule, contact id, address, subject, and system and record of both sides, as `discrepancies.csv` has them.
pub type Identity = [String; 8];

/// Rules that are about all contacts of an address.
const OF_AN_ADDRESS: [&str; 2] = ["IDN501", "IDN502"];

/// The persons of identities and the states of their records.
#[derive(Debug, Default)]
pub struct People {
    of: HashMap<Identity, About>,
    /// Of an address on more contacts nobody is opted out.
    max_shared: usize,
}

/// Whom one identity is about.
#[derive(Debug)]
struct About {
    persons: Vec<u32>,
    /// Whether each is certainly the person that was meant: the contact that is named, or whoever an id ties the record to
    /// where no contact is named.
    is_certain: bool,
    /// Where the contact that is named is gone, or nobody is left: they, and whoever has the address.
    heirs: Vec<u32>,
    state: String,
}

impl People {
    /// Looks up all identities at once.
    ///
    /// # Errors
    /// Only what Polars cannot do, which is a defect.
    pub fn new<'i>(identities: impl IntoIterator<Item = &'i Identity>, scene: Scene<'_>) -> Result<People> {
        let identities: BTreeSet<&Identity> = identities.into_iter().collect();
        if identities.is_empty() {
            return Ok(People::default());
        }
        let lookup = Lookup::new(&identities, scene)?;
        let named = identities.iter().flat_map(|identity| lookup.records(identity));
        let records: HashSet<u32> = named.chain(lookup.holders.values().flatten().copied()).collect();
        let by_record = lookup.persons_of(&records)?;
        let of_each: Vec<(&Identity, About)> =
            identities.iter().map(|identity| (*identity, lookup.about(identity, &by_record))).collect();
        let wanted: HashSet<u32> = of_each.iter().flat_map(|(_, about)| &about.persons).copied().collect();
        let records_of = lookup.records_of(&wanted)?;
        let of = of_each.into_par_iter().map(|(identity, about)| {
            let ixs = about.persons.iter().filter_map(|person| records_of.get(person)).flatten().copied();
            let state = lookup.state(identity, ixs.chain(lookup.records(identity)).collect())?;
            Ok((identity.clone(), About { state, ..about }))
        });
        Ok(People { of: of.collect::<Result<_>>()?, max_shared: scene.config.policy.max_shared as usize })
    }

    /// The persons of an identity.
    pub fn persons(&self, identity: &Identity) -> &[u32] {
        self.of.get(identity).map(|about| about.persons.as_slice()).unwrap_or_default()
    }

    /// Those of them for whom a decision counts. A permission is that of one person, who must be the one that was meant; an
    /// opt-out of who is there no more is that of whoever has the address.
    pub fn decided(&self, identity: &Identity, what: What) -> &[u32] {
        let Some(about) = self.of.get(identity) else { return &[] };
        match what {
            What::OptIn if about.is_certain && about.persons.len() == 1 => &about.persons,
            What::OptIn | What::Leave => &[],
            What::OptOut if !about.heirs.is_empty() && about.heirs.len() <= self.max_shared => &about.heirs,
            What::OptOut => &about.persons,
        }
    }

    /// A number that stands for how the records of these persons stand.
    pub fn state(&self, identity: &Identity) -> &str {
        self.of.get(identity).map(|about| about.state.as_str()).unwrap_or_default()
    }
}

/// A person of a record, and whether an id ties them.
#[derive(Clone, Copy)]
struct Tied {
    person: u32,
    by_id: bool,
}

struct Lookup<'a> {
    scene: Scene<'a>,
    contacts: HashMap<String, u32>,
    addresses: HashMap<String, Vec<u32>>,
    records: HashMap<(String, String), Vec<u32>>,
    /// The records that have an address.
    holders: HashMap<String, Vec<u32>>,
}

impl<'a> Lookup<'a> {
    fn new(identities: &BTreeSet<&Identity>, scene: Scene<'a>) -> Result<Lookup<'a>> {
        let wanted = |at: &[usize]| -> HashSet<u32> {
            let cells = identities.iter().flat_map(|identity| at.iter().map(|at| identity[*at].as_str()));
            cells.filter(|cell| !cell.is_empty()).map(|cell| scene.texts.intern(cell).number()).collect()
        };
        let name = |number: u32| scene.texts.get(Text::from_number(number)).to_owned();
        let (contact_ids, emails, keys) = (wanted(&[1]), wanted(&[2]), wanted(&[5, 7]));
        let mut lookup = Lookup {
            scene,
            contacts: HashMap::default(),
            addresses: HashMap::default(),
            records: HashMap::default(),
            holders: HashMap::default(),
        };
        for column in col::EMAILS {
            for (ix, email) in scene.records.column(column)?.u32()?.iter().enumerate() {
                if let Some(email) = email.filter(|email| emails.contains(email)) {
                    lookup.holders.entry(name(email)).or_default().push(ix as u32);
                }
            }
        }
        for (person, (_, id)) in
            scene.matched.contacts.iter().enumerate().filter(|(_, (_, id))| contact_ids.contains(&id.number()))
        {
            lookup.contacts.entry(name(id.number())).or_insert(person as u32);
        }
        let (persons, addresses) =
            (scene.matched.addresses.column(cols::PERSON)?.u32()?, scene.matched.addresses.column("address")?.u32()?);
        for (person, address) in persons.iter().zip(addresses.iter()) {
            if let (Some(person), Some(address)) = (person, address.filter(|address| emails.contains(address))) {
                lookup.addresses.entry(name(address)).or_default().push(person);
            }
        }
        let (systems, records, first) = (
            scene.records.column(col::SYSTEM)?.u32()?,
            scene.records.column(col::RECORD)?.u32()?,
            scene.records.column(col::EMAILS[0])?.u32()?,
        );
        for (ix, ((system, record), email)) in systems.iter().zip(records.iter()).zip(first.iter()).enumerate() {
            if let Some(key) = record.or(email).filter(|key| keys.contains(key)) {
                let system = scene.systems.profiles()[system.unwrap_or_default() as usize].name.clone();
                lookup.records.entry((system, name(key))).or_default().push(ix as u32);
            }
        }
        Ok(lookup)
    }

    /// The contacts that it names.
    fn persons(&self, identity: &Identity) -> Vec<u32> {
        if OF_AN_ADDRESS.contains(&identity[0].as_str()) {
            return self.addresses.get(&identity[2]).cloned().unwrap_or_default();
        }
        self.contacts.get(&identity[1]).map(|person| vec![*person]).unwrap_or_default()
    }

    /// The records that it names.
    fn records(&self, [_, _, _, _, a_system, a_record, b_system, b_record]: &Identity) -> Vec<u32> {
        let sides = [(a_system, a_record), (b_system, b_record)];
        sides
            .iter()
            .filter_map(|(system, record)| self.records.get(&((*system).clone(), (*record).clone())))
            .flatten()
            .copied()
            .collect()
    }

    /// Whom an identity is about; how they stand is not looked at here.
    fn about(&self, identity: &Identity, by_record: &HashMap<u32, Vec<Tied>>) -> About {
        let about = |persons: Vec<u32>, is_certain: bool, heirs: Vec<u32>| {
            let once = |persons: Vec<u32>| persons.into_iter().collect::<BTreeSet<u32>>().into_iter().collect();
            About { persons: once(persons), is_certain, heirs: once(heirs), state: String::new() }
        };
        let named = self.persons(identity);
        if !named.is_empty() {
            return about(named, true, Vec::new());
        }
        let of =
            |records: &[u32]| -> Vec<Tied> { records.iter().filter_map(|ix| by_record.get(ix)).flatten().copied().collect() };
        let tied = of(&self.records(identity));
        let persons: Vec<u32> = tied.iter().map(|tied| tied.person).collect();
        let names_contact = !identity[1].is_empty();
        let holders = self.holders.get(&identity[2]).map(|holders| of(holders)).unwrap_or_default();
        // A record that was of the contact may be left behind, and be nobody's now.
        let heirs = if names_contact || persons.is_empty() {
            holders.iter().map(|tied| tied.person).chain(persons.iter().copied()).collect()
        } else {
            Vec::new()
        };
        about(persons, !names_contact && tied.iter().all(|tied| tied.by_id), heirs)
    }

    /// The persons of records.
    fn persons_of(&self, records: &HashSet<u32>) -> Result<HashMap<u32, Vec<Tied>>> {
        let by_address = [Method::Email, Method::SharedEmail].map(|method| Some(method as u8));
        let methods = self.scene.matched.links.column(cols::METHOD)?.to_physical_repr();
        let mut persons: HashMap<u32, Vec<Tied>> = HashMap::default();
        for ((ix, person), method) in self.links()?.zip(methods.u8()?.iter()).filter(|((ix, _), _)| records.contains(ix)) {
            persons.entry(ix).or_default().push(Tied { person, by_id: !by_address.contains(&method) });
        }
        Ok(persons)
    }

    fn records_of(&self, persons: &HashSet<u32>) -> Result<HashMap<u32, Vec<u32>>> {
        let mut records: HashMap<u32, Vec<u32>> = HashMap::default();
        for (ix, person) in self.links()?.filter(|(_, person)| persons.contains(person)) {
            records.entry(person).or_default().push(ix);
        }
        Ok(records)
    }

    fn links(&self) -> Result<impl Iterator<Item = (u32, u32)> + 'a> {
        let links = &self.scene.matched.links;
        let (ixs, persons) = (links.column(col::IX)?.u32()?, links.column(cols::PERSON)?.u32()?);
        Ok(ixs.iter().flatten().zip(persons.iter().flatten()))
    }

    /// What must be the same for a decision to hold: the preferences, their times and evidence, the addresses; of
    /// rules about delivery and categories those too.
    fn state(&self, identity: &Identity, ixs: BTreeSet<u32>) -> Result<String> {
        let records = self.scene.records;
        let text = |name: &str, ix: u32| -> Result<&str> {
            let number = records.column(name)?.u32()?.get(ix as usize);
            Ok(number.map(|number| self.scene.texts.get(Text::from_number(number))).unwrap_or_default())
        };
        let time = |from: &str, until: &str, ix: u32| -> Result<Option<Moment>> {
            let of = |name: &str| -> Result<Option<i64>> { Ok(records.column(name)?.i64()?.get(ix as usize)) };
            Ok(of(from)?.zip(of(until)?).map(|(from, until)| Moment { from, until }))
        };
        let word = |name: &str, ix: u32| -> Result<u8> {
            Ok(records.column(name)?.to_physical_repr().u8()?.get(ix as usize).unwrap_or_default())
        };
        let mut lines = BTreeSet::new();
        for ix in ixs {
            let system = records.column(col::SYSTEM)?.u32()?.get(ix as usize).unwrap_or_default();
            let mut parts = vec![
                self.scene.systems.profiles()[system as usize].name.clone(),
                Opt::ALL[usize::from(word(col::OPT, ix)?)].word().to_owned(),
                format!("{:?}", time(col::OUT_FROM, col::OUT_UNTIL, ix)?),
                format!("{:?}", time(col::IN_FROM, col::IN_UNTIL, ix)?),
            ];
            let mut texts = vec![col::RECORD, col::CONTACT_ID, col::SOURCE_ID, col::UNIT, col::CODE, col::EVIDENCE];
            texts.extend(col::EMAILS);
            match &identity[0][..3] {
                "BNC" => {
                    parts.push(Delivery::ALL[usize::from(word(col::DELIVERY, ix)?)].word().to_owned());
                    parts.push(format!("{:?}", time(col::FAILED_FROM, col::FAILED_UNTIL, ix)?));
                }
                "CAT" => texts.extend([col::CATEGORIES_CELL, col::CHOSEN]),
                _ => {}
            }
            for name in texts {
                parts.push(text(name, ix)?.to_owned());
            }
            lines.insert(parts.join("\u{1f}"));
        }
        let mut hasher = Sha256::new();
        for line in lines {
            hasher.update(line.as_bytes());
            hasher.update([b'\n']);
        }
        Ok(crate::hash::hexadecimal(&hasher.finalize()[..8]))
    }
}
