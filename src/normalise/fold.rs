//! Rows that are not records of their own: codes, repeated keys, logs; and records that learn from others ([`teach`]).

mod teach;

use foldhash::{HashMap, HashSet};

use crate::columns::{Delivery, Field, Opt, Role};
use crate::ingest::Reject;
use crate::normalise::System;
use crate::normalise::findings::Finding;
use crate::normalise::ids;
use crate::normalise::records::Record;
use crate::normalise::rows::{Answer, CodeRow, Effect, Read};
use crate::systems::Grain;
use crate::texts::{Text, Texts};
use crate::times::Moment;

/// A row that became part of another row's record.
#[derive(Clone, Copy, Debug)]
pub struct Folded {
    /// Position of its file among the inputs.
    pub input: u32,
    /// Row of the file.
    pub row: u32,
    /// Position of the system among the profiles.
    pub system: u32,
    /// The key of the record that it is part of.
    pub record: Text,
}

/// What makes rows the same record: kind, key, business unit and list.
type Key = (u32, Text, [Option<Text>; 2]);

/// All records of one system.
pub(super) struct Part {
    pub records: Vec<Record>,
    pub folded: Vec<Folded>,
    pub answers: Vec<Answer>,
    pub findings: Vec<Finding>,
    pub rejects: Vec<Reject>,
}

impl Part {
    /// Ids of this source are no ids of the source that the other systems name, whatever they look like.
    pub fn set_ids_apart(&mut self, system: &str, texts: &Texts) {
        for record in &mut self.records {
            record.source_id = record.source_id.map(|id| texts.intern(&format!("{system}:{}", texts.get(id))));
        }
    }
}

/// Puts the tables of one system together.
pub(super) fn fold(read: Vec<Read>, system: &System<'_>) -> Part {
    let mut part =
        Part { records: Vec::new(), folded: Vec::new(), answers: Vec::new(), findings: Vec::new(), rejects: Vec::new() };
    let mut codes = Vec::new();
    part.records.reserve_exact(read.iter().flat_map(|table| &table.records).map(Vec::len).sum());
    for table in read {
        part.records.extend(table.records.into_iter().flatten());
        codes.extend(table.codes);
        part.answers.extend(table.answers);
        part.findings.extend(table.findings);
        part.rejects.extend(table.rejects);
    }
    if system.profile.keeps_memberships() {
        part.spell_lists_alike(system.texts);
    }
    part.tell_short_keys_apart(system);
    part.keep_most_restrictive(system);
    part.leave_the_name_to_one();
    part.fold_codes(codes, system);
    part.fold_events(system);
    part.teach_units(system.texts);
    part.teach_preferences();
    if system.profile.role != Role::Crm {
        part.teach_links();
    }
    if system.profile.keeps_memberships() {
        part.settle_memberships(system);
    }
    part
}

impl Part {
    /// A list that files spell with other capitals is one list, under the first of its spellings.
    fn spell_lists_alike(&mut self, texts: &Texts) {
        let lists: HashSet<Text> = self.records.iter().filter_map(|record| record.unit).collect();
        let mut spellings: HashMap<String, &str> = HashMap::default();
        for list in lists.iter().map(|list| texts.get(*list)) {
            spellings.entry(list.to_lowercase()).and_modify(|first| *first = list.min(first)).or_insert(list);
        }
        if spellings.len() == lists.len() {
            return;
        }
        for record in self.records.iter_mut().filter(|record| record.unit.is_some()) {
            record.unit = record.unit.map(|list| texts.intern(spellings[&texts.get(list).to_lowercase()]));
        }
    }

    /// A contact's id in 15 characters and in 18 is one contact, but where a platform keeps whatever text is loaded as its
    /// key, these are two subscribers, and both are mailed. Where both stand among them, the short one keeps its own name.
    fn tell_short_keys_apart(&mut self, system: &System<'_>) {
        let short = |record: &Record| record.said().key_cell.filter(|cell| system.texts.get(*cell).len() == ids::SHORT);
        let is_own = |record: &Record| record.main && !record.event;
        let shortened: HashSet<Text> = self
            .records
            .iter()
            .filter(|record| is_own(record) && short(record).is_some())
            .filter_map(|record| record.record)
            .collect();
        if shortened.is_empty() {
            return;
        }
        let whole = self.records.iter().filter(|record| is_own(record) && short(record).is_none());
        let both: HashSet<Text> = whole.filter_map(|record| record.record).filter(|key| shortened.contains(key)).collect();
        let mut renamed: HashMap<(u32, u32), Text> = HashMap::default();
        let mut doubled = HashMap::default();
        for record in self.records.iter_mut().filter(|record| record.record.is_some_and(|key| both.contains(&key))) {
            let Some(cell) = short(record) else { continue };
            if is_own(record) {
                doubled.insert(record.record, (record.kind, record.emails[0], record.input, record.row));
            }
            record.record = Some(cell);
            renamed.insert((record.input, record.row), cell);
        }
        for finding in self.findings.iter_mut().filter(|finding| finding.record.is_some()) {
            finding.record = renamed.get(&(finding.input, finding.row)).copied().or(finding.record);
        }
        let reason = "the id stands in this export with 15 and with 18 characters: two subscribers of one contact";
        self.findings.extend(doubled.into_iter().map(|(key, (kind, email, input, row))| Finding {
            code: "DAT607",
            system: system.position,
            record: key,
            email,
            field: system.profile.kinds[kind as usize].key,
            value: key,
            reason: system.texts.intern(reason),
            input,
            row,
        }));
    }

    /// Of rows with the same key the most restrictive one counts; the others are folded into it. A key that
    /// stands twice in an export of contacts is a finding; one that a unit's log names twice is not.
    fn keep_most_restrictive(&mut self, system: &System<'_>) {
        let mut dropped = HashSet::default();
        for ((kind, key, _), rows) in self.repeated(system) {
            let strictest = rows.iter().copied().max_by_key(|at| self.records[*at].strictness(system)).unwrap_or(rows[0]);
            let mut others: Vec<usize> = rows.iter().copied().filter(|at| *at != strictest).collect();
            others.sort_by_cached_key(|at| self.records[*at].strictness(system));
            for at in others {
                dropped.insert(at);
                let other = self.records[at].clone();
                self.records[strictest].learn(&other);
            }
            let kind = &system.profile.kinds[kind as usize];
            if let (Some(((input, row), times)), Grain::Contact | Grain::Membership) = (self.times(&rows, kind.grain), kind.grain)
            {
                let reason = format!("the key stands on {times} rows of this export: the most restrictive row counts");
                self.findings.push(Finding {
                    code: "DAT607",
                    system: system.position,
                    record: Some(key),
                    email: self.records[strictest].emails[0],
                    field: kind.key,
                    value: Some(key),
                    reason: system.texts.intern(&reason),
                    input,
                    row,
                });
            }
        }
        if !dropped.is_empty() {
            self.fold_dropped(&dropped, system);
        }
    }

    /// The records that have a key in common, in the order of their first rows.
    fn repeated(&self, system: &System<'_>) -> Vec<(Key, Vec<usize>)> {
        let mut seen = vec![false; system.texts.len()];
        let mut repeated = HashSet::default();
        let readable = |record: &Record| record.opt != Opt::Unreadable;
        for record in self.records.iter().filter(|record| readable(record)) {
            let Some(key) = record.record else { continue };
            if std::mem::replace(&mut seen[key.number() as usize], true) {
                repeated.insert(key);
            }
        }
        if repeated.is_empty() {
            return Vec::new();
        }
        let mut groups: HashMap<Key, Vec<usize>> = HashMap::default();
        for (at, record) in self.records.iter().enumerate().filter(|(_, record)| readable(record)) {
            if let Some(key) = record.record.filter(|key| repeated.contains(key)) {
                groups.entry((record.kind, key, [record.unit, record.list])).or_default().push(at);
            }
        }
        let mut groups: Vec<(Key, Vec<usize>)> = groups.into_iter().filter(|(_, rows)| rows.len() > 1).collect();
        groups.sort_unstable_by_key(|(_, rows)| rows[0]);
        groups
    }

    /// On how many rows of one export records stand, where that is more than one, and the last of these rows. In the extracts
    /// of two weeks a key may stand once each; the files of a list's states are parts of one export.
    fn times(&self, records: &[usize], grain: Grain) -> Option<((u32, u32), usize)> {
        let is_membership = grain == Grain::Membership;
        let together = |one: &usize, other: &usize| is_membership || self.records[*one].input == self.records[*other].input;
        let mut repeated = records.chunk_by(together).filter_map(|of_export| {
            let mut rows: Vec<(u32, u32)> = of_export.iter().map(|at| self.records[*at].place()).collect();
            rows.sort_unstable();
            rows.dedup();
            Some((*rows.last()?, rows.len())).filter(|(_, rows)| *rows > 1)
        });
        repeated.next_back()
    }

    /// Takes records out whose rows are part of others. A row of several lists is folded only where all of its memberships are.
    fn fold_dropped(&mut self, dropped: &HashSet<usize>, system: &System<'_>) {
        let kept: HashSet<(u32, u32)> = (0..self.records.len())
            .filter(|at| !dropped.contains(at) && self.is_of_several(*at))
            .map(|at| self.records[at].place())
            .collect();
        let mut rows = HashSet::default();
        let mut in_order: Vec<usize> = dropped.iter().copied().collect();
        in_order.sort_unstable();
        for at in in_order {
            let record = &self.records[at];
            if let Some(key) = record.record.filter(|_| !kept.contains(&record.place()) && rows.insert(record.place())) {
                self.folded.push(Folded { input: record.input, row: record.row, system: system.position as u32, record: key });
            }
        }
        let mut at = 0;
        self.records.retain(|_| {
            at += 1;
            !dropped.contains(&(at - 1))
        });
    }

    /// Whether a record stands beside another of its row.
    fn is_of_several(&self, at: usize) -> bool {
        let same = |other: Option<&Record>| {
            other.is_some_and(|other| (other.input, other.row) == (self.records[at].input, self.records[at].row))
        };
        same(at.checked_sub(1).and_then(|before| self.records.get(before))) || same(self.records.get(at + 1))
    }

    /// A rejected row whose key stands on another row too belongs to that record by its ids, and is none of its own.
    fn leave_the_name_to_one(&mut self) {
        let is_rejected = |record: &&Record| record.opt == Opt::Unreadable;
        let name = |record: &Record| record.record.map(|key| (record.kind, key));
        let wanted: HashSet<(u32, Text)> = self.records.iter().filter(is_rejected).filter_map(name).collect();
        let readable = self.records.iter().filter(|record| !is_rejected(record)).filter_map(name);
        let mut taken: HashSet<(u32, Text)> = readable.filter(|name| wanted.contains(name)).collect();
        for record in self.records.iter_mut().filter(|record| record.opt == Opt::Unreadable) {
            if name(record).is_some_and(|name| !taken.insert(name)) {
                record.record = None;
            }
        }
    }

    /// What the codes of each constituent do to its record; a constituent that only the codes know gets one.
    fn fold_codes(&mut self, codes: Vec<CodeRow>, system: &System<'_>) {
        if codes.is_empty() {
            return;
        }
        let mut by_source: HashMap<Text, Vec<CodeRow>> = HashMap::default();
        for row in codes {
            by_source.entry(row.source_id).or_default().push(row);
        }
        for record in self.records.iter_mut().filter(|record| record.opt != Opt::Unreadable) {
            let Some(mut rows) = record.record.and_then(|key| by_source.remove(&key)) else { continue };
            record.apply(&mut rows, system);
            self.folded.extend(rows.iter().map(|row| row.folded(system)));
        }
        let mut said_by_codes = Vec::new();
        for record in self.records.iter_mut().filter(|record| record.opt == Opt::Unreadable) {
            let Some(mut rows) = record.record.and_then(|key| by_source.remove(&key)) else { continue };
            if rows.iter().all(|row| row.effect != Effect::OptOut) {
                record.apply(&mut rows, system);
                self.folded.extend(rows.iter().map(|row| row.folded(system)));
                continue;
            }
            // The row is rejected, but its codes can be read, and their opt-out is not lost with it.
            self.folded.extend(rows[1..].iter().map(|row| row.folded(system)));
            let mut own = Record::blank(rows[0].input, rows[0].row, record.kind);
            (own.record, own.source_id) = (record.record, record.source_id);
            (own.contact_id, own.emails) = (record.contact_id, record.emails);
            own.apply(&mut rows, system);
            said_by_codes.push(own);
        }
        self.records.extend(said_by_codes);
        let mut orphans: Vec<Vec<CodeRow>> = by_source.into_values().collect();
        orphans.iter_mut().for_each(|rows| rows.sort_by_key(|row| (row.input, row.row)));
        orphans.sort_by_key(|rows| (rows[0].input, rows[0].row));
        let kinds = &system.profile.kinds;
        let own = kinds.iter().position(|kind| kind.grain == Grain::Contact && kind.key == Field::SourceId);
        for mut rows in orphans {
            // The first row is the record, the others are folded into it.
            self.folded.extend(rows[1..].iter().map(|row| row.folded(system)));
            let mut record = Record::blank(rows[0].input, rows[0].row, own.map_or(rows[0].kind, |own| own as u32));
            (record.record, record.source_id) = (Some(rows[0].source_id), Some(rows[0].source_id));
            record.apply(&mut rows, system);
            self.records.push(record);
        }
    }

    /// What logs say goes to the subscriber's own row: when it bounced or unsubscribed, and of a status that is blank
    /// also that it bounced. A row of the log of unsubscribes stays for whoever is not unsubscribed now.
    fn fold_events(&mut self, system: &System<'_>) {
        if !self.records.iter().any(|record| record.event) {
            return;
        }
        let (mut events, others): (Vec<Record>, Vec<Record>) =
            std::mem::take(&mut self.records).into_iter().partition(|record| record.event);
        self.records = others;
        let readable = self.records.iter().enumerate().filter(|(_, record)| record.main && record.opt != Opt::Unreadable);
        let subscribers: HashMap<Text, usize> = readable.filter_map(|(at, record)| Some((record.record?, at))).collect();
        // Of several units the latest dates the subscriber's row.
        let latest = |moment: Option<Moment>| std::cmp::Reverse(moment.map(|moment| moment.until));
        events.sort_by_key(|event| (latest(event.said().out), latest(event.said().failed)));
        for mut event in events {
            let is_bounce = system.profile.kinds[event.kind as usize].grain == Grain::Bounce;
            let own = event.record.and_then(|key| Some((key, *subscribers.get(&key)?)));
            match own {
                Some((key, at)) if self.records[at].hears(&event, is_bounce) => {
                    self.folded.push(Folded { input: event.input, row: event.row, system: system.position as u32, record: key });
                }
                _ => {
                    event.main = is_bounce;
                    self.records.push(event);
                }
            }
        }
    }
}

impl CodeRow {
    fn folded(&self, system: &System<'_>) -> Folded {
        Folded { input: self.input, row: self.row, system: system.position as u32, record: self.source_id }
    }
}

impl Record {
    /// The row that it was read from: the input and the number there.
    fn place(&self) -> (u32, u32) {
        (self.input, self.row)
    }

    /// Takes over what a log says; false where that is news which the record's own state does not know.
    fn hears(&mut self, event: &Record, is_bounce: bool) -> bool {
        if self.emails[0].is_none() {
            self.add_addresses(event.emails);
        }
        if is_bounce {
            if self.opt == Opt::Blank && event.delivery == Delivery::Bounced {
                self.delivery = Delivery::Bounced;
            }
            // The row's own date is the platform's; where it has none, the latest bounce.
            if matches!(self.delivery, Delivery::Bounced | Delivery::Held) && self.said().failed.is_none() {
                self.say().failed = event.said().failed;
                self.delivery_word = self.delivery_word.or(event.delivery_word);
            }
            return true;
        }
        if self.opt == Opt::Out && self.said().out.is_none() {
            self.say().out = event.said().out;
        }
        self.opt == Opt::Out
    }

    /// The order of restriction among rows of one key; the rest makes the choice the same in any row order.
    fn strictness<'t>(&self, system: &System<'t>) -> impl Ord + use<'t> {
        let opt = match self.opt {
            Opt::Out => 3,
            Opt::Unreadable => 2,
            Opt::Blank => 1,
            Opt::In => 0,
        };
        let delivery = match self.delivery {
            Delivery::Held => 3,
            Delivery::Bounced => 2,
            Delivery::Removed => 1,
            Delivery::Ok | Delivery::Unknown => 0,
        };
        let text = |text: Option<Text>| text.map(|text| system.texts.get(text)).unwrap_or_default();
        let said = self.said();
        let keys = [self.emails[0], self.emails[1], self.contact_id, self.source_id, said.key_cell];
        let rest = [self.word, self.categories_cell, said.evidence];
        (
            (opt, said.out.is_none(), said.out.map(|out| out.until), delivery, said.failed),
            (said.opted_in.is_none() || said.evidence.is_none(), said.opted_in.map(|opted_in| std::cmp::Reverse(opted_in.from))),
            (keys.map(text), rest.map(text)),
        )
    }

    /// Takes over the keys of another row of the same record: whom it is about does not depend on which row counts.
    fn learn(&mut self, other: &Record) {
        self.contact_id = self.contact_id.or(other.contact_id);
        self.source_id = self.source_id.or(other.source_id);
        self.stopped |= other.stopped;
        self.of_all |= other.of_all && other.opt == self.opt;
        if let (Some(out), Some(also)) = (self.said().out, other.said().out) {
            let first =
                [self.said().first_out, other.said().first_out, Some(out.from), Some(also.from)].into_iter().flatten().min();
            let said = self.say();
            (said.out, said.first_out) = (Some(out.later(also)), first);
        }
        self.add_addresses(other.emails);
    }

    /// Applies the codes of this constituent.
    fn apply(&mut self, codes: &mut [CodeRow], system: &System<'_>) {
        codes.sort_by_key(|row| (system.texts.get(row.code), row.start));
        let outs: Vec<&CodeRow> = codes.iter().filter(|row| row.effect == Effect::OptOut).collect();
        if let Some(first) = outs.first() {
            let boxed = (self.opt == Opt::Out).then_some(self.said().out);
            let times: Vec<Option<Moment>> = outs.iter().map(|row| row.start).chain(boxed).collect();
            // An opt-in must be later than all of them, so one without a time leaves the whole without.
            let latest = times.iter().copied().reduce(|one, other| Some(one?.later(other?))).flatten();
            let said = self.say();
            said.code_alone = boxed.is_none();
            said.out = latest;
            said.first_out = times.iter().flatten().map(|out| out.from).min();
            said.code = Some(first.code);
            said.code_from = first.start.map(|start| start.from);
            self.opt = Opt::Out;
        }
        let mut chosen = Vec::new();
        for row in codes.iter() {
            match &row.effect {
                Effect::Choose { category, on } => {
                    let text = system.texts.get(*category);
                    chosen.push(if *on { format!("+{text}") } else { format!("-{text}") });
                    let latest = self.said().chosen_from.max(row.start.map(|start| start.from));
                    self.say().chosen_from = latest;
                }
                Effect::Stop => self.stopped = true,
                Effect::Nothing | Effect::OptOut => {}
            }
        }
        if !chosen.is_empty() {
            chosen.sort_unstable();
            chosen.dedup();
            self.say().chosen = Some(system.texts.intern(&chosen.join(";")));
        }
    }
}
