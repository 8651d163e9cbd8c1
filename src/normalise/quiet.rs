//! Persons about whom there is nothing to find, set aside before the work begins: one row of [`Quiet`] is one record
//! that says what the others of its person say.
//!
//! Of nearly everybody each system has one record, and they all say the same: active and reached, opted out and without
//! categories, or undeliverable everywhere. No rule can find anything about such a person. So their records are never
//! made: they stay packed, and are only counted and remembered. A person is set aside where
//!
//! - nobody is opted out, or all records are: an opt-in has nothing to beat then, and a blank says nothing;
//! - the categories are the same, and no two records disagree on one address that bounces (see [`delivery`]);
//! - of who is active, no opt-out of earlier runs is known (see [`Wanted`]);
//! - nothing else touches any key of theirs: no other record in any state, no code that does something, no bad cell,
//!   nothing that people decided or that a correction waits for.
//!
//! Keys are ids and addresses of all records of the person, also those that its contact in the CRM has not.
//! What a run writes is the same as if nobody had been set aside; it only takes longer then. Invariant: a record that is
//! set aside shares no key with a record that is not.

mod contacts;
mod delivery;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use rayon::prelude::*;

use crate::columns::{Delivery, Opt, Role};
use crate::ingest::TableRows;
use crate::normalise::packed::{Packed, Plain, Written};
use crate::normalise::rows::{CodeRow, Effect};
use crate::normalise::{Rows, Rules};
use crate::systems::Grain;
use crate::texts::Text;
use crate::times::Moment;
use crate::workspace::Scratch;
use contacts::{Contacts, Expected, Further, MOST_SYSTEMS, NOBODY};

/// Records that were set aside.
#[derive(Debug, Default)]
pub struct Quiet {
    tables: Vec<QuietTable>,
    /// Rows of codes without effect, by input.
    codes: BTreeMap<u32, u64>,
}

/// How much memory the records may take that are set aside, and where they go instead.
#[derive(Clone, Copy, Debug)]
pub struct Room<'a> {
    /// Most bytes in memory.
    pub bytes: u64,
    /// The folder on whose disk the others go, in a file without a name.
    pub folder: &'a Path,
}

/// Records of one table.
#[derive(Debug)]
struct QuietTable {
    input: u32,
    system: usize,
    kind: u32,
    batches: Vec<Kept>,
}

impl QuietTable {
    fn count(&self) -> u64 {
        self.batches.iter().map(|kept| kept.len() as u64).sum()
    }
}

/// The records of one batch, where they are.
#[derive(Debug)]
enum Kept {
    Here(Packed),
    OnDisk(Written),
}

impl Kept {
    /// On the disk where there is such a file; where that is full they stay.
    fn of(packed: Packed, scratch: Option<&Arc<Scratch>>) -> Kept {
        match scratch.map(|scratch| packed.write(scratch)) {
            Some(Ok(written)) => Kept::OnDisk(written),
            _ => Kept::Here(packed),
        }
    }

    fn len(&self) -> usize {
        match self {
            Kept::Here(packed) => packed.len(),
            Kept::OnDisk(written) => written.len(),
        }
    }
}

/// Where a record that was set aside is kept: its table, batch, and position there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietPlace(u32, u32, u32);

impl QuietPlace {
    /// Whether another record is kept in the same batch.
    pub fn is_beside(&self, other: &QuietPlace) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

/// Some records of one table that were set aside.
#[derive(Clone, Copy, Debug)]
pub struct QuietBatch<'a> {
    at: (u32, u32),
    of: (usize, usize),
    kept: &'a Kept,
}

/// The same records, in memory.
#[derive(Debug)]
pub struct OpenBatch<'a> {
    /// Positions of the system and the kind.
    pub of: (usize, usize),
    at: (u32, u32),
    packed: Cow<'a, Packed>,
}

/// One record that was set aside.
#[derive(Clone, Copy, Debug)]
pub struct QuietRecord<'a> {
    /// The system's own key.
    pub record: &'a str,
    /// Its first address.
    pub email: Option<&'a str>,
    /// Its second address.
    pub second: Option<&'a str>,
    /// The key as the system spells it, where that is not the one spelling.
    pub key_cell: Option<&'a str>,
    /// The CRM id that it names.
    pub contact_id: Option<&'a str>,
    /// The source system's id that it names.
    pub source_id: Option<&'a str>,
    /// In or out.
    pub opt: Opt,
    /// When it was opted out, as far as it says.
    pub out: Option<Moment>,
    /// The evidence of an opt-in.
    pub evidence: Option<Text>,
    /// Whether mail arrives.
    pub delivery: Delivery,
    /// The categories that are on, joined by `;`; none where the record keeps none.
    pub categories_on: Option<Text>,
}

impl Quiet {
    /// How many records were set aside.
    pub fn len(&self) -> u64 {
        self.tables.iter().map(QuietTable::count).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Records of a system that were set aside; each is the person's own.
    pub fn records_of(&self, system: usize) -> u64 {
        self.tables.iter().filter(|table| table.system == system).map(QuietTable::count).sum()
    }

    /// Rows of an input that were set aside; each is tied to a CRM contact.
    pub fn rows_of(&self, input: usize) -> u64 {
        let of_it = self.tables.iter().filter(|table| table.input as usize == input);
        of_it.map(QuietTable::count).sum::<u64>() + self.codes.get(&(input as u32)).copied().unwrap_or_default()
    }

    /// The records, in the order of the inputs and their rows.
    pub fn batches(&self) -> impl Iterator<Item = QuietBatch<'_>> {
        let of_table = move |at: usize| (0..self.tables[at].batches.len()).map(move |batch| self.batch(at, batch));
        (0..self.tables.len()).flat_map(of_table)
    }

    /// The batch that a record is kept in.
    pub fn batch_of(&self, place: QuietPlace) -> QuietBatch<'_> {
        self.batch(place.0 as usize, place.1 as usize)
    }

    fn batch(&self, table: usize, batch: usize) -> QuietBatch<'_> {
        let QuietTable { system, kind, batches, .. } = &self.tables[table];
        let at = (table as u32, batch as u32);
        QuietBatch { at, of: (*system, *kind as usize), kept: &batches[batch] }
    }
}

impl<'a> QuietBatch<'a> {
    /// How many records it has.
    pub fn len(self) -> usize {
        self.kept.len()
    }

    /// Whether it has none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Brings it into memory, where it is not there.
    ///
    /// # Errors
    /// The disk cannot be read.
    pub fn open(self) -> Result<OpenBatch<'a>> {
        let packed = match self.kept {
            Kept::Here(packed) => Cow::Borrowed(packed),
            Kept::OnDisk(written) => Cow::Owned(written.read()?),
        };
        Ok(OpenBatch { of: self.of, at: self.at, packed })
    }
}

impl OpenBatch<'_> {
    /// Its records.
    pub fn records(&self) -> impl Iterator<Item = (QuietPlace, QuietRecord<'_>)> {
        let (table, batch) = self.at;
        (0..).zip(self.packed.iter()).map(move |(at, plain)| (QuietPlace(table, batch, at), plain.into()))
    }

    /// One of them.
    pub fn get(&self, place: QuietPlace) -> QuietRecord<'_> {
        self.packed.get(place.2 as usize).into()
    }
}

impl<'a> From<Plain<'a>> for QuietRecord<'a> {
    fn from(plain: Plain<'a>) -> QuietRecord<'a> {
        QuietRecord {
            record: plain.record,
            email: plain.email,
            second: plain.second,
            key_cell: plain.key_cell,
            contact_id: plain.contact_id,
            source_id: plain.source_id,
            opt: plain.manner.opt,
            out: plain.out,
            evidence: plain.manner.evidence,
            delivery: plain.manner.delivery,
            categories_on: plain.manner.categories.map(|read| read.on),
        }
    }
}

/// Ids and addresses, in the spelling of records.
#[derive(Debug, Default)]
pub struct Wanted<'a> {
    /// Those whose records are needed whatever they say.
    pub always: Vec<&'a str>,
    /// Those of each record that earlier runs saw opted out. Whoever has one is needed while active, and in any state
    /// where another key of that record is somebody else's: if the record is gone, its opt-out is the first one's and not
    /// the other's.
    pub opted_out: Vec<[Option<&'a str>; 4]>,
}

/// Sets aside whom there is nothing to find about; the rows of everybody else become records.
pub fn set_aside(tables: &mut [TableRows<Rows>], run: &Rules<'_>, wanted: &Wanted<'_>, room: Room<'_>) -> Quiet {
    if !can_be_told(tables, run) {
        return Quiet::default();
    }
    let (contacts, owners) = tie(tables, run);
    wanted.always.par_iter().for_each(|text| contacts.spoil_all(text));
    wanted.opted_out.par_iter().for_each(|keys| contacts.remember(keys));
    for table in tables.iter() {
        spoil_others(&table.rows, &contacts, run);
    }
    let keeps_unsubscribes =
        |table: &TableRows<Rows>| run.systems.profiles()[table.system].kinds.iter().any(|kind| kind.grain == Grain::Unsubscribe);
    let expected = Expected {
        source: tables.iter().any(|table| role_of(table, run) == Role::Source),
        unsubscribe_record: tables.iter().any(keeps_unsubscribes),
    };
    let is_quiet = |contact: u32| contact != NOBODY && contacts.is_quiet(contact, expected);

    let size: usize = tables.iter().flat_map(|table| &table.rows.0.packed).map(Packed::size).sum();
    let scratch = if size as u64 > room.bytes { Scratch::create(room.folder).ok().map(Arc::new) } else { None };
    let mut quiet = Quiet::default();
    for (table, owners) in tables.iter_mut().zip(owners) {
        let packed = std::mem::take(&mut table.rows.0.packed);
        let masks: Vec<Vec<bool>> = owners.into_par_iter().map(|owners| owners.into_iter().map(is_quiet).collect()).collect();
        table.rows.0.unpack(&packed, |batch, at| !masks[batch][at], run.texts);
        let codes = &mut table.rows.0.codes;
        let before = codes.len();
        codes.retain(|code| !(code.effect == Effect::Nothing && is_quiet(contacts.of_source_id(run.texts.get(code.source_id)))));
        if codes.len() < before {
            quiet.codes.insert(table.file as u32, (before - codes.len()) as u64);
        }
        let kind = packed.first().map(Packed::kind).unwrap_or_default();
        let keep = |(packed, mask): (Packed, &Vec<bool>)| Kept::of(packed.only(mask), scratch.as_ref());
        let batches: Vec<Kept> = packed.into_par_iter().zip(&masks).map(keep).collect();
        quiet.tables.push(QuietTable { input: table.file as u32, system: table.system, kind, batches });
    }
    quiet
}

/// For each plain record of a table, batch by batch, the contact that it is or is tied to, else [`NOBODY`].
type Owners = Vec<Vec<u32>>;

/// The contacts, with all keys by which somebody who may be set aside is known, and whose each plain record is. Records
/// that are tied to nobody spoil whoever has a key of theirs.
fn tie(tables: &[TableRows<Rows>], run: &Rules<'_>) -> (Contacts, Vec<Owners>) {
    let is_of_crm = |table: &&TableRows<Rows>| role_of(table, run) == Role::Crm;
    let mut contacts = Contacts::of(tables.iter().filter(is_of_crm).flat_map(|table| &table.rows.0.packed));
    let mut systems: Vec<usize> = tables.iter().filter(|table| !is_of_crm(table)).map(|table| table.system).collect();
    systems.sort_unstable();
    systems.dedup();
    let (mut next, mut further) = (0, Vec::new());
    let owners_of = |table: &TableRows<Rows>| -> Owners {
        let packed = &table.rows.0.packed;
        let Some(number) = systems.iter().position(|system| *system == table.system) else {
            return packed.iter().map(|packed| numbered(&mut next, packed)).collect();
        };
        let of_batch = |packed: &Packed| -> (Vec<u32>, Vec<Further>) {
            let mut further = Vec::new();
            let tied = contacts.tie_all(packed, number, role_of(table, run), &mut further);
            (tied, further)
        };
        let (owners, known): (Owners, Vec<_>) = packed.par_iter().map(of_batch).unzip();
        further.extend(known.into_iter().flatten());
        owners
    };
    let owners: Vec<Owners> = tables.iter().map(owners_of).collect();
    contacts.know(further);
    for (table, owners) in tables.iter().zip(&owners) {
        table.rows.0.packed.par_iter().zip(owners).for_each(|(packed, owners)| spoil_untied(packed, owners, &contacts));
    }
    (contacts, owners)
}

/// The numbers of the contacts in a batch of the CRM: their order among all of them.
fn numbered(next: &mut u32, packed: &Packed) -> Vec<u32> {
    let first = std::mem::replace(next, *next + packed.len() as u32);
    (first..*next).collect()
}

fn role_of(table: &TableRows<Rows>, run: &Rules<'_>) -> Role {
    run.systems.profiles()[table.system].role
}

/// Whether it can be told by keys alone who belongs together: where one CRM and one source name each other's ids.
fn can_be_told(tables: &[TableRows<Rows>], run: &Rules<'_>) -> bool {
    let profiles = run.systems.profiles();
    let used = |at: usize| tables.iter().any(|table| table.system == at);
    let with_role = |role: Role| (0..profiles.len()).filter(|at| used(*at) && profiles[*at].role == role).count();
    let apart = |at: usize| used(at) && profiles[at].has_source_ids() && run.owner.is_some_and(|owner| owner != at);
    with_role(Role::Crm) == 1
        && with_role(Role::Source) <= 1
        && (0..profiles.len()).filter(|at| used(*at)).count() <= MOST_SYSTEMS
        && !(0..profiles.len()).any(apart)
}

/// Whoever has a key of a plain record that is tied to nobody is not set aside.
fn spoil_untied(packed: &Packed, tied: &[u32], contacts: &Contacts) {
    let untied = tied.iter().enumerate().filter(|(_, contact)| **contact == NOBODY);
    untied.for_each(|(at, _)| contacts.spoil_by(&packed.get(at)));
}

/// Whoever a row is about that is not plain is not set aside.
fn spoil_others(rows: &Rows, contacts: &Contacts, run: &Rules<'_>) {
    let texts = run.texts;
    rows.0.records.par_iter().flatten().for_each(|record| {
        let ids = [record.record, record.contact_id, record.source_id];
        ids.into_iter().chain(record.emails).flatten().for_each(|text| contacts.spoil_all(texts.get(text)));
    });
    let does_something = |code: &&CodeRow| code.effect != Effect::Nothing;
    rows.0.codes.iter().filter(does_something).for_each(|code| contacts.spoil_all(texts.get(code.source_id)));
    for text in rows.0.findings.iter().flat_map(|finding| [finding.record, finding.email]).flatten() {
        contacts.spoil_all(texts.get(text));
    }
}
