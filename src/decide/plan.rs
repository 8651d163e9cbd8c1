//! The corrections: what is asked for by discrepancies, and what else an opted-out person needs.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use foldhash::{HashMap, HashSet};
use polars::prelude::{IntoLazy, col as column, lit};
use rayon::prelude::*;

use crate::classify::{Detail, Found, World, member};
use crate::columns::{Delivery, Opt, Purpose};
use crate::consent::decided;
use crate::decide::brake;
use crate::decide::sentence::Sentences;
use crate::decide::strangers::Strangers;
use crate::decide::{Change, Correction, Key};
use crate::decisions::What;
use crate::matching::{cols, word};
use crate::normalise::{Facts, col};
use crate::rules::{RULES, position, without_unsubscribe_record};
use crate::systems::{CorrectionFile, Grain, Take, is_formula};

/// Corrections as they are collected.
pub(super) struct Plan<'a> {
    world: &'a World<'a>,
    facts: &'a Facts<'a>,
    corrections: BTreeMap<Key, Correction>,
    /// Records of opted-out persons that have any discrepancy.
    of_opted_out: Vec<(u32, u32)>,
    /// Records that an opted-out person has a part in: they count as opted out.
    out_records: HashSet<u32>,
    /// What was found of each person, by rule.
    noticed: HashMap<u32, BTreeSet<&'static str>>,
    /// Contacts of opted-out persons whose address no unsubscribe record bars.
    unbacked: HashSet<u32>,
    /// Records that belong to several persons.
    shared: HashSet<u32>,
    strangers: Strangers<'a>,
    /// Records whose keys point at different contacts: nobody is opted in on the strength of them.
    contradictory: HashSet<u32>,
    /// Records that an exception leaves as they are, each for one person.
    withheld: HashSet<(u32, u32)>,
    /// Persons whom a reviewer has opted out: no exception for something else keeps them in.
    ruled_out: HashSet<u32>,
    /// Persons of an address with an exception, whom nothing but sharing it opts out.
    spared: HashSet<u32>,
}

impl<'a> Plan<'a> {
    /// A plan for what was found.
    pub fn new<'f>(world: &'a World<'a>, facts: &'a Facts<'a>, found: impl Iterator<Item = &'f Found>) -> Result<Plan<'a>> {
        let mut noticed: HashMap<u32, BTreeSet<&'static str>> = HashMap::default();
        let (mut contradictory, mut undone) = (HashSet::default(), HashSet::default());
        for one in found {
            let rule = RULES[one.rule].code;
            // Whoever is opted out by sharing an address is part of that address's discrepancy.
            let sharers = if let Detail::Contacts(persons) = &one.detail { persons.as_slice() } else { &[] };
            for person in one.person.iter().chain(sharers) {
                noticed.entry(*person).or_default().insert(rule);
            }
            match rule {
                "IDN504" => contradictory.extend(one.a),
                "OPT113" => undone.extend(one.a),
                _ => {}
            }
        }
        // It is found once a record, and is everybody's whom the record is about.
        for person in persons_by_record(&undone, world)?.into_values().flatten() {
            noticed.entry(person).or_default().insert("OPT113");
        }
        // What a reviewer decided is put right whether or not the records disagree among themselves.
        let mut ruled_out: HashSet<u32> = HashSet::default();
        for (ruling, persons) in
            world.desk.rulings.iter().zip(&world.desk.persons).filter(|(ruling, _)| ruling.what == What::OptOut)
        {
            ruled_out.extend(persons);
            let rule = crate::rules::find(&ruling.key.identity[0]).map(|rule| rule.code);
            for person in persons {
                noticed.entry(*person).or_default().extend(rule);
            }
        }
        // An opt-out that is put right in a shared record must be put right in everybody's, or it would be next week.
        let wishes = &world.consent.wishes;
        let sharers = wishes.iter().filter_map(|(person, wish)| Some((*person, noticed.get(&wish.root?)?.clone())));
        for (person, rules) in sharers.collect::<Vec<_>>() {
            noticed.entry(person).or_insert(rules);
        }
        let opted_out = world
            .members
            .clone()
            .lazy()
            .filter(column(decided::OUT).fill_null(lit(false)).and(column(member::OFFICE).not()))
            .select([column(col::IX), column(cols::PERSON)])
            .collect()?;
        let (ixs, persons) = (opted_out.column(col::IX)?.u32()?.clone(), opted_out.column(cols::PERSON)?.u32()?.clone());
        let links = world.matched.links.clone().lazy().filter(column(cols::BELONGS).gt(lit(1u32)));
        let shared = links.select([column(col::IX)]).collect()?;
        let unbacked = without_unsubscribe_record(world, RULES[position("OPT112")])?;
        let mut all: Vec<(u32, u32)> = ixs.iter().flatten().zip(persons.iter().flatten()).collect();
        all.extend(unreadable_of_opted_out(world, facts)?);
        Ok(Plan {
            world,
            facts,
            corrections: BTreeMap::new(),
            out_records: all.iter().map(|(ix, _)| *ix).collect(),
            of_opted_out: all.into_iter().filter(|(_, person)| noticed.contains_key(person)).collect(),
            noticed,
            contradictory,
            strangers: Strangers::of(world, facts)?,
            shared: shared.column(col::IX)?.u32()?.iter().flatten().collect(),
            unbacked: unbacked.into_iter().filter_map(|unbacked| unbacked.found.a).collect(),
            withheld: HashSet::default(),
            ruled_out,
            spared: HashSet::default(),
        })
    }

    /// Asks for a correction.
    ///
    /// # Errors
    /// The obstacle, as a sentence.
    pub fn ask(
        &mut self,
        record: u32,
        person: Option<u32>,
        rule: &'static str,
        change: Change,
        why: &str,
    ) -> Result<Key, String> {
        let purpose = change.purpose();
        if purpose == Purpose::OptIn && self.out_records.contains(&record) {
            return Err("The record is shared with a person who is opted out, so it stays so.".to_owned());
        }
        if matches!(change, Change::Categories { right: Some(_), .. }) && self.shared.contains(&record) {
            return Err(
                "The record belongs to several contacts, who may want different categories: settle it by hand.".to_owned()
            );
        }
        if let Change::OptIn { proof } = change
            && (self.contradictory.contains(&record) || self.contradictory.contains(&proof))
        {
            return Err("Its keys point at different contacts, so nobody can say whose opt-in it is.".to_owned());
        }
        if let Some(doubt) = person.filter(|_| purpose == Purpose::OptIn).and_then(|person| self.strangers.doubt(record, person))
        {
            return Err(doubt);
        }
        self.can_write(record, &change)?;
        let facts = self.facts;
        let correction = self.corrections.entry((record, purpose)).or_insert_with(|| Correction {
            change: change.clone(),
            rules: Default::default(),
            persons: Default::default(),
            why: why.to_owned(),
            held: None,
        });
        // The order of discrepancies follows the rows; what is written must not.
        let latest =
            |failed: u32| (facts.failed_at(failed).map(|at| at.from), facts.name(failed), facts.profile(failed).name.as_str());
        let name = |person: &u32| self.world.name(*person);
        let is_first = person.is_some_and(|person| correction.persons.iter().all(|known| name(&person) < name(known)));
        match (&mut correction.change, change) {
            // Of several people who opted back in, the one whose id is written is the one whose permission is.
            (Change::OptIn { proof: known }, Change::OptIn { proof }) if is_first => *known = proof,
            (Change::Bounced { failed: known }, Change::Bounced { failed }) if latest(failed) > latest(*known) => *known = failed,
            (Change::Categories { values, right: known }, Change::Categories { values: other, right }) => {
                *values = merged(values, other, record, facts);
                let place = |ix: u32| (facts.name(ix), facts.profile(ix).name.as_str());
                *known = known.iter().copied().chain(right).min_by_key(|ix| place(*ix));
            }
            _ => {}
        }
        if (rule, why) < (correction.rules.first().copied().unwrap_or("~"), correction.why.as_str()) {
            why.clone_into(&mut correction.why);
        }
        correction.rules.insert(rule);
        correction.persons.extend(person);
        Ok((record, purpose))
    }

    /// Whether a correction file can take the record.
    fn can_write(&self, record: u32, change: &Change) -> Result<(), String> {
        let (profile, purpose) = (self.facts.profile(record), change.purpose());
        if !self.world.config.corrects(&profile.name) {
            return Err(format!(
                "Corrections of {} are switched off ([systems.{}] corrections = false).",
                profile.title, profile.name
            ));
        }
        let Some(file) = file_for(self.facts, record, purpose) else {
            return Err(format!("There is no correction file for this in {}: change it by hand.", profile.title));
        };
        if !self.facts.has(col::RECORD, record) {
            return Err(format!("The record has no usable key in {}: change it by hand.", profile.title));
        }
        let takes = |take: Take| file.columns.iter().any(|column| column.take == Some(take));
        let written = [
            (takes(Take::RecordId), self.facts.own_key(record)),
            (takes(Take::Email), self.facts.text(col::EMAILS[0], record)),
            (takes(Take::List), self.facts.text(col::UNIT, record)),
        ];
        let written = written.into_iter().filter(|(is_taken, _)| *is_taken).map(|(_, text)| text);
        let values = if let Change::Categories { values, .. } = change { values.as_slice() } else { &[] };
        if let Some(formula) = written.chain(values.iter().map(String::as_str)).find(|value| is_formula(value)) {
            return Err(format!("A spreadsheet would take \"{formula}\" for a formula: change it by hand in {}.", profile.title));
        }
        let needs_address = file.columns.iter().any(|column| column.required && column.take == Some(Take::Email));
        if needs_address && !self.facts.has(col::EMAILS[0], record) {
            return Err(format!("{} takes no row without an address: change it by hand.", profile.title));
        }
        Ok(())
    }

    /// Leaves a record as it is, as far as one discrepancy of its person goes.
    pub fn withhold(&mut self, found: &Found, record: Option<u32>) {
        self.withheld.extend(record.zip(found.person));
        if let (Detail::Contacts(persons), "IDN502") = (&found.detail, RULES[found.rule].code) {
            let wish = |person: &u32| self.world.consent.wishes.get(person);
            // Of another address that the person shares nobody made an exception.
            let shares_more = |person: &&u32| self.noticed.get(*person).is_some_and(|rules| rules.contains("IDN502"));
            let sharers = persons.iter().filter(|person| wish(person).is_some_and(|wish| wish.own != Some(Opt::Out)));
            self.spared.extend(sharers.filter(|person| !shares_more(person)));
        }
    }

    /// Opts back in whom a reviewer's decision opts in, in every record that is still opted out.
    pub fn carry_out_opt_ins(&mut self, sentences: &Sentences<'_>) {
        let desk = self.world.desk;
        let opt_ins = desk.rulings.iter().zip(&desk.persons).filter(|(ruling, _)| ruling.what == What::OptIn);
        for (ruling, persons) in opt_ins {
            let Some(rule) = crate::rules::find(&ruling.key.identity[0]) else { continue };
            for person in persons {
                let wish = self.world.consent.wishes.get(person).filter(|wish| wish.decision == Some(Opt::In));
                let Some(proof) = wish.and_then(|wish| wish.opted_in).filter(|ix| self.facts.decision(*ix).is_some()) else {
                    continue;
                };
                let why = sentences.wish(*person);
                for out in wish.map(|wish| wish.outs.clone()).unwrap_or_default() {
                    // What stands in the way is known to the reviewer, who sees the row again.
                    let own = self.facts.decision(out).is_none()
                        && (self.facts.is_main(out) || self.facts.kind(out).grain == Grain::Unsubscribe);
                    if own && !self.facts.is_out_by_code_alone(out) {
                        let _ = self.ask(out, Some(*person), rule.code, Change::OptIn { proof }, &why);
                    }
                }
            }
        }
    }

    /// Everything an opted-out person needs, and what the brake keeps back.
    pub fn finish(mut self, sentences: &Sentences<'_>) -> Result<(BTreeMap<Key, Correction>, BTreeMap<usize, String>)> {
        let mut of_opted_out = std::mem::take(&mut self.of_opted_out);
        // By the persons' ids, or the first names of their records: of several with a part in a record, the first one's reason
        // is written.
        let mut names: HashMap<u32, &str> = HashMap::default();
        for (record, person) in of_opted_out.iter().filter(|(_, person)| self.world.name(*person).is_none()) {
            let name = self.facts.name(*record);
            names.entry(*person).and_modify(|known| *known = name.min(known)).or_insert(name);
        }
        let name = |person: u32| self.world.name(person).or_else(|| names.get(&person).copied());
        of_opted_out.par_sort_by_key(|(_, person)| (name(*person), *person));
        let persons: Vec<&[(u32, u32)]> = of_opted_out.chunk_by(|one, other| one.1 == other.1).collect();
        let why: Vec<String> = persons.par_iter().map(|records| sentences.decision(records[0].1)).collect();
        let records = persons.into_iter().zip(&why).flat_map(|(records, why)| records.iter().map(move |record| (*record, why)));
        for ((record, person), why) in records {
            let is_left = self.withheld.contains(&(record, person)) || self.spared.contains(&person);
            if is_left && !self.ruled_out.contains(&person) {
                continue;
            }
            // Platforms that keep memberships mail no bounced one.
            let stopped = match self.facts.delivery(record) {
                Delivery::Held | Delivery::Removed => true,
                Delivery::Bounced => self.facts.profile(record).keeps_memberships(),
                Delivery::Ok | Delivery::Unknown => false,
            };
            if self.facts.opt(record) != Opt::Out && !stopped && self.facts.is_main(record) {
                self.add(record, person, Change::OptOut, why);
            }
            if !self.facts.text(col::CATEGORIES_ON, record).is_empty() {
                self.add(record, person, Change::CLEARED, why);
            }
            if self.unbacked.contains(&record) {
                self.add(record, person, Change::Unsubscribe, why);
            }
        }
        self.bar_lists()?;
        let braked = brake::hold(&mut self.corrections, self.world, self.facts)?;
        Ok((self.corrections, braked))
    }

    /// A record that bars a list bars it for everybody at its address, and for whom it is linked to: their preferences of the
    /// list are set out with it.
    fn bar_lists(&mut self) -> Result<()> {
        let facts = self.facts;
        let (list, email) = (|ix: u32| facts.text(col::LIST, ix), |ix: u32| facts.text(col::EMAILS[0], ix));
        let is_preference = |ix: u32| facts.kind(ix).grain == Grain::Preference;
        let is_bar = |(record, purpose): &Key| *purpose == Purpose::Unsubscribe && is_preference(*record);
        // In the order of their reasons, for the first one's is written.
        let mut bars: Vec<(&str, u32, &BTreeSet<u32>)> = Vec::new();
        for ((record, _), correction) in self.corrections.iter().filter(|(key, _)| is_bar(key)) {
            bars.push((&correction.why, *record, &correction.persons));
        }
        if bars.is_empty() {
            return Ok(());
        }
        bars.sort_by_key(|(why, record, _)| (*why, facts.name(*record)));
        let mut at_address: HashMap<(&str, &str), usize> = HashMap::default();
        let mut of_person: HashMap<(&str, u32), usize> = HashMap::default();
        for (at, (_, bar, persons)) in bars.iter().enumerate() {
            at_address.entry((list(*bar), email(*bar))).or_insert(at);
            for person in persons.iter() {
                of_person.entry((list(*bar), *person)).or_insert(at);
            }
        }
        let open = |ix: &u32| is_preference(*ix) && facts.opt(*ix) == Opt::In;
        let preferences: HashSet<u32> = (0..self.world.records.height() as u32).filter(open).collect();
        let mut wanted: Vec<(u32, u32, String)> = Vec::new();
        for (ix, of) in persons_by_record(&preferences, self.world)? {
            let theirs = of.iter().filter_map(|person| of_person.get(&(list(ix), *person)));
            let Some(first) = at_address.get(&(list(ix), email(ix))).into_iter().chain(theirs).min() else { continue };
            let (why, _, persons) = bars[*first];
            wanted.extend(persons.iter().map(|person| (ix, *person, why.to_owned())));
        }
        wanted.sort_unstable();
        wanted.iter().for_each(|(ix, person, why)| self.add(*ix, *person, Change::OptOut, why));
        Ok(())
    }

    fn add(&mut self, record: u32, person: u32, change: Change, why: &str) {
        let key = (record, change.purpose());
        if !self.corrections.contains_key(&key) && self.can_write(record, &change).is_err() {
            return;
        }
        let found = self.noticed.get(&person).cloned().unwrap_or_default();
        let correction = self.corrections.entry(key).or_insert_with(|| Correction {
            change: change.clone(),
            // Nothing was found of this very record: the rules that opt the person out stand for it, else all.
            rules: match found
                .iter()
                .copied()
                .filter(|rule| rule.starts_with("OPT") || rule.starts_with("LST") || *rule == "IDN502")
                .collect::<BTreeSet<_>>()
            {
                opting if opting.is_empty() => found,
                opting => opting,
            },
            persons: Default::default(),
            why: why.to_owned(),
            held: None,
        });
        if change == Change::CLEARED {
            correction.change = change;
        }
        correction.persons.insert(person);
    }
}

impl Change {
    /// Which of a record's changes this is.
    pub fn purpose(&self) -> Purpose {
        match self {
            Change::OptOut => Purpose::OptOut,
            Change::Unsubscribe => Purpose::Unsubscribe,
            Change::OptIn { .. } => Purpose::OptIn,
            Change::Bounced { .. } => Purpose::Bounced,
            Change::Categories { .. } => Purpose::Categories,
        }
    }
}

/// The persons that records belong to, but for those of an office.
fn persons_by_record(records: &HashSet<u32>, world: &World<'_>) -> Result<BTreeMap<u32, Vec<u32>>> {
    let mut persons: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    if records.is_empty() {
        return Ok(persons);
    }
    let links = &world.matched.links;
    let belongs = links.column(cols::BELONGS)?.u32()?.iter().map(|belongs| belongs <= Some(world.config.policy.max_shared));
    let pairs = links.column(col::IX)?.u32()?.iter().flatten().zip(links.column(cols::PERSON)?.u32()?.iter().flatten());
    for ((ix, person), _) in pairs.zip(belongs).filter(|((ix, _), few)| *few && records.contains(ix)) {
        persons.entry(ix).or_default().push(person);
    }
    Ok(persons)
}

/// Records whose preference nobody can read, of persons who are opted out by another record or over a shared address:
/// silence is what the person wants, whatever the cell was to say. A platform with lists may mean by it that the address
/// is off the list, and an import would put it back on.
fn unreadable_of_opted_out(world: &World<'_>, facts: &Facts<'_>) -> Result<Vec<(u32, u32)>> {
    let unreadable = column(col::OPT).eq(word(Opt::Unreadable.word(), Opt::dtype()));
    let unreadable = world.records.clone().lazy().filter(unreadable).select([column(col::IX)]).collect()?;
    let ixs: HashSet<u32> = unreadable.column(col::IX)?.u32()?.iter().flatten().collect();
    if ixs.is_empty() {
        return Ok(Vec::new());
    }
    let links = &world.matched.links;
    let (of, persons) = (links.column(col::IX)?.u32()?, links.column(cols::PERSON)?.u32()?);
    let is_out = |person: u32| world.consent.wishes.get(&person).is_some_and(|wish| wish.decision == Some(Opt::Out));
    let belongs = links.column(cols::BELONGS)?.u32()?;
    let few = |belongs: Option<u32>| belongs.is_some_and(|belongs| belongs <= world.config.policy.max_shared);
    let tied = of.iter().zip(persons.iter()).zip(belongs.iter()).filter(|(_, belongs)| few(*belongs));
    Ok(tied
        .filter_map(|((ix, person), _)| ix.zip(person))
        .filter(|(ix, person)| ixs.contains(ix) && is_out(*person) && !facts.profile(*ix).keeps_memberships())
        .collect())
}

/// The first correction file that takes a record's change.
pub(crate) fn file_for<'a>(facts: &Facts<'a>, record: u32, purpose: Purpose) -> Option<&'a CorrectionFile> {
    files_for(facts, record, purpose).next()
}

/// All correction files that take a record's change.
pub(crate) fn files_for<'a>(facts: &Facts<'a>, record: u32, purpose: Purpose) -> impl Iterator<Item = &'a CorrectionFile> {
    let kind = &facts.kind(record).name;
    facts.profile(record).corrections.iter().filter(move |file| file.purpose == purpose && file.kinds.contains(kind))
}

/// Two wanted lists of one cell, each with one category changed: both changes.
fn merged(values: &[String], other: Vec<String>, record: u32, facts: &Facts<'_>) -> Vec<String> {
    let separator = facts.profile(record).category_separator.as_str();
    let present: Vec<&str> =
        facts.text(col::CATEGORIES_CELL, record).split(separator).map(str::trim).filter(|value| !value.is_empty()).collect();
    let dropped = |list: &[String], value: &str| !list.iter().any(|kept| kept == value);
    let kept = present.iter().filter(|value| !dropped(values, value) && !dropped(&other, value)).map(|value| (*value).to_owned());
    let mut added: Vec<String> =
        values.iter().chain(&other).filter(|value| !present.contains(&value.as_str())).cloned().collect();
    added.sort_unstable();
    added.dedup();
    kept.chain(added).collect()
}
