//! One run beside the ledger: how its discrepancies and corrections stand against earlier runs, and the set it adds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use chrono::{DateTime, Days, Utc};
use foldhash::{HashMap, HashSet};
use polars::prelude::DataFrame;
use rayon::prelude::*;

use crate::columns::{Purpose, Standing};
use crate::history::Figures;
use crate::ledger::answers::{self, Answer, Answers};
use crate::ledger::cases::{self, Case, IDENTITY};
use crate::ledger::fates::{Fates, Judging, Settled, Written, settled_frame};
use crate::ledger::files;
use crate::ledger::manifest::{FORMAT, FileEntry, Known, Manifest, NAME, Reference};
use crate::ledger::observe::{Recalled, Seen};
use crate::ledger::open::{CORRECTIONS, LANDED};
use crate::ledger::opt_outs::OptOuts;
use crate::ledger::parts::Part;
use crate::ledger::present::Present;
use crate::ledger::sets::{CHECKSUM, HIDDEN, Set};
use crate::ledger::signals::{self, Whose};
use crate::ledger::snapshot::{self, Views};
use crate::ledger::{Ledger, SIGNALS, WHOLE_EVERY, rulings};
use crate::workspace::{create_folder, sync_folder};

/// A discrepancy of earlier runs that this run did not find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// The rule's code, contact id, address, subject, and system and record of both sides.
    pub identity: [String; IDENTITY.len()],
    /// How it stands, and since when it is known.
    pub case: Case,
}

/// A discrepancy of this run, as the ledger knows it.
#[derive(Clone, Debug)]
pub struct Found<'a> {
    key: u64,
    /// Its identity but for the kinds of its records.
    identity: [&'a str; IDENTITY.len() - 1],
    kinds: String,
    /// How it stands, and since when it is known.
    pub case: Case,
}

impl Found<'_> {
    fn identity(&self) -> [&str; IDENTITY.len()] {
        std::array::from_fn(|at| self.identity.get(at).copied().unwrap_or(&self.kinds))
    }
}

/// A run as the ledger sees it.
pub struct Sighting<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) present: Present<'a>,
    /// The exports, by system and kind.
    pub parts: Vec<Part>,
    pub(super) seen: Seen,
    pub(super) source: Option<String>,
    /// Lists that this run has not, by the position of their system.
    pub(super) missed: BTreeMap<usize, Vec<String>>,
    pub(super) retain_days: u32,
    pub(super) now: i64,
}

/// The kinds of the records of a discrepancy, as `system/kind`.
fn kinds_of(identity: &[String; IDENTITY.len()]) -> Vec<&str> {
    identity[IDENTITY.len() - 1].split(' ').filter(|kind| !kind.is_empty()).collect()
}

/// Whether a rule is about who is opted out.
fn is_about_consent(rule: &str) -> bool {
    rule.starts_with("OPT") || rule.starts_with("LST")
}

/// What a run adds to the ledger, beside what the ledger itself saw.
#[derive(Debug)]
pub struct Findings<'a> {
    /// The discrepancies of this run.
    pub found: Vec<Found<'a>>,
    /// Those of earlier runs that it did not find.
    pub past: &'a [Past],
    /// The corrections of this run.
    pub written: Vec<Written>,
    /// What the ledger knows the corrections of earlier runs by.
    pub keys: Vec<(u64, Purpose)>,
    /// What became of them, in the same order.
    pub settled: &'a [Settled],
    /// Records of people who are opted out by decision.
    pub out: HashSet<u32>,
    /// The reviewers' decisions that stand, one row a decision.
    pub decisions: DataFrame,
    /// What systems answered to corrections of earlier runs: system, record, file and why it was refused, where it was.
    pub answers: Vec<([String; 3], Option<String>)>,
    /// What the run counted.
    pub figures: Figures,
}

impl<'a> Sighting<'a> {
    /// What earlier runs add to the records of this one; to be taken once.
    pub fn recalled(&mut self) -> Recalled {
        std::mem::take(&mut self.seen.recalled)
    }

    /// A discrepancy of this run, by its identity without the kinds of its records, and these.
    pub fn found<'t>(&self, identity: [&'t str; IDENTITY.len() - 1], kinds: String) -> Found<'t> {
        let (now, key) = (self.now, cases::key_of(identity));
        let case = match self.ledger.cases.get(key) {
            None => Case { standing: Standing::New, first_seen: now, since: now, last_seen: None },
            Some(known) if known.standing == Standing::Resolved => {
                Case { standing: Standing::Reopened, since: now, last_seen: None, ..known }
            }
            Some(known) => Case { standing: Standing::Persisting, last_seen: None, ..known },
        };
        Found { key, identity, kinds, case }
    }

    /// The time of the latest earlier run.
    pub fn last_run(&self) -> Option<DateTime<Utc>> {
        self.ledger.last().map(|last| last.as_of)
    }

    /// What is wrong with the ledger, a sentence each.
    pub fn troubles(&self) -> Vec<String> {
        self.ledger.troubles()
    }

    /// Runs from a time until this one, both included.
    pub fn runs_since(&self, since: i64) -> u32 {
        self.run_times().iter().filter(|run| **run >= since).count() as u32 + 1
    }

    /// The times of the earlier runs. All manifests are read, so a set that stands alone cuts off none.
    fn run_times(&self) -> Vec<i64> {
        let times = self.ledger.sets.all.iter().map(|set| set.manifest.as_of).filter(|as_of| *as_of < self.ledger.as_of);
        let mut times: Vec<i64> = times.map(|as_of| as_of.timestamp_millis()).collect();
        times.sort_unstable();
        times.dedup();
        times
    }

    /// The discrepancies of earlier runs that this run did not find, sorted by identity.
    pub fn past(&self, found: &[Found<'_>]) -> Vec<Past> {
        let consent = found.iter().filter(|found| is_about_consent(found.identity[0]));
        let about: HashSet<&str> = consent.map(|found| found.identity[1]).filter(|contact| !contact.is_empty()).collect();
        let found: HashSet<u64> = found.iter().map(|found| found.key).collect();
        let last = self.ledger.last().map_or(self.now, |last| last.as_of.timestamp_millis());
        let mut past: Vec<Past> = Vec::new();
        for (key, case, row) in self.ledger.cases.all() {
            if found.contains(&key) || case.standing == Standing::Resolved {
                continue;
            }
            let identity = self.ledger.cases.identity(row);
            // A log or an extract has each record once: what it showed is not over while the contact is still to be opted out.
            let goes_on =
                || is_about_consent(&identity[0]) && about.contains(identity[1].as_str()) && self.rests_on_extract(&identity);
            let is_over = self.is_compared(&identity) && !goes_on();
            let standing = if is_over { Standing::Resolved } else { Standing::NotCompared };
            past.push(Past { identity, case: Case { standing, last_seen: case.last_seen.or(Some(last)), ..case } });
        }
        past.sort_by(|one, other| one.identity.cmp(&other.identity));
        past
    }

    /// Whether this run had all exports that a discrepancy rests on: those of its two records; without a second
    /// record, all that earlier runs had.
    fn is_compared(&self, identity: &[String; IDENTITY.len()]) -> bool {
        let kinds = kinds_of(identity);
        // What was found of a list that is missing, or of all lists of a contact, may be so still.
        let list = identity[3].as_str();
        let misses = |part: &Part| {
            let lists = self.missed.get(&part.at.0);
            lists.is_some_and(|lists| list.is_empty() || lists.iter().any(|missed| missed == list))
                && self.is_any_of(part, &kinds)
        };
        if identity[0].starts_with("LST") && self.parts.iter().any(misses) {
            return false;
        }
        let is_known = |part: &&Part| part.known.is_some() && (kinds.len() < 2 || self.is_any_of(part, &kinds));
        self.parts.iter().filter(is_known).all(|part| part.input.is_some() && !part.is_older() && !part.shrunken)
    }

    /// Whether one of its records was of an export that does not have every record.
    fn rests_on_extract(&self, identity: &[String; IDENTITY.len()]) -> bool {
        let kinds = kinds_of(identity);
        let is_extract = |part: &&Part| part.input.as_ref().is_some_and(|input| !input.complete);
        self.parts.iter().filter(is_extract).any(|part| self.is_any_of(part, &kinds))
    }

    fn is_any_of(&self, part: &Part, kinds: &[&str]) -> bool {
        let (system, kind) = self.name(part);
        kinds.iter().any(|known| known.split_once('/') == Some((&system, &kind)))
    }

    /// The last answer of a system to a correction of an earlier run, as earlier runs read it.
    pub fn answer(&self, settled: &Settled) -> Option<&Answer> {
        self.ledger.answers.get(&[settled.system.clone(), settled.record.clone(), settled.file.clone()])
    }

    /// What became of the corrections of earlier runs.
    pub fn fates(&self, written: &[Written], out: &HashSet<u32>) -> Fates {
        let runs = self.run_times();
        self.judging(&runs, out).settle(written)
    }

    fn judging<'s>(&'s self, runs: &'s [i64], out: &'s HashSet<u32>) -> Judging<'s> {
        Judging { present: &self.present, parts: &self.parts, opens: &self.ledger.opens, runs, out, now: self.now }
    }

    /// The set that this run adds.
    ///
    /// # Errors
    /// Only what Polars cannot do, which is a defect, or an earlier set that changed meanwhile.
    pub fn pages(self, findings: Findings<'_>) -> Result<Pages<'a>> {
        let ledger = self.ledger;
        let expired = self.expired();
        let sets: Vec<(&Set, u32)> = ledger.chain_of_runs().zip(ledger.firsts.iter().copied()).collect();
        let whole = sets.is_empty()
            || sets.len() > WHOLE_EVERY
            || !ledger.sound
            || sets.iter().any(|(set, _)| expired.contains(&set.manifest.run));
        let runs = self.run_times();
        let judging = self.judging(&runs, &findings.out);
        let Findings { written, keys, settled, .. } = &findings;
        let (corrections, cases) =
            rayon::join(|| judging.corrections(written, keys, settled, whole), || self.cases(&findings, whole));
        let (corrections, cases, landed) = (corrections?, cases?, settled_frame(keys, settled)?);
        let pruned: Vec<Reference> = ledger.sets.entries_of(|run| expired.contains(run));
        let (sequence, previous) = ledger.sets.next();
        let manifest = Manifest {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            run: String::new(),
            as_of: ledger.as_of,
            sequence,
            previous,
            base: ledger.last().filter(|_| !whole).map(|last| last.run.clone()),
            inputs: self.parts.iter().filter_map(|part| part.input.clone()).collect(),
            parts: self.parts.iter().map(|part| self.name(part)).collect(),
            known: self.known_parts(),
            source: self.source.clone(),
            files: BTreeMap::new(),
            pruned,
            damage: ledger.troubles.clone(),
            lost: ledger.decisions.lost.clone(),
            figures: findings.figures,
        };
        let mut frames = vec![(cases::FILE, cases), (CORRECTIONS, corrections), (LANDED, landed)];
        // Most weeks nobody has ever decided anything.
        if findings.decisions.height() > 0 {
            frames.push((rulings::FILE, findings.decisions));
        }
        // A whole set says again what was answered to corrections that are still open.
        let kept = ledger.answers.iter().filter(|(of, _)| whole && ledger.opens.values().any(|open| open.is_of(of)));
        let kept = kept.map(|(of, answer)| (of.clone(), answer.clone())).collect();
        Ok(Pages { whole, manifest, frames, kept, answers: findings.answers, sighting: self })
    }

    /// Sets that are too old to be kept; none where a run of an earlier time is repeated.
    fn expired(&self) -> HashSet<String> {
        let sets = &self.ledger.sets.all;
        if sets.iter().any(|set| set.manifest.as_of >= self.ledger.as_of) {
            return HashSet::default();
        }
        let limit = self.ledger.as_of.checked_sub_days(Days::new(u64::from(self.retain_days)));
        let is_old = |set: &&Set| limit.is_some_and(|limit| set.manifest.as_of < limit);
        sets.iter().filter(is_old).map(|set| set.manifest.run.clone()).collect()
    }

    /// Runs whose sets go once this one is there, because of their age.
    pub fn prunes(&self) -> Vec<String> {
        let mut runs: Vec<String> = self.expired().into_iter().collect();
        runs.sort();
        runs
    }

    fn name(&self, part: &Part) -> (String, String) {
        let profile = &self.present.systems.profiles()[part.at.0];
        (profile.name.clone(), profile.kinds[part.at.1].name.clone())
    }

    /// What the next run knows of the exports of each system and kind.
    fn known_parts(&self) -> Vec<Known> {
        let profiles = self.present.systems.profiles();
        let mut lists: HashMap<(usize, usize), BTreeSet<&str>> = HashMap::default();
        for ix in (0..self.present.len()).filter(|ix| profiles[self.present.of(*ix).0].keeps_memberships()) {
            lists.entry(self.present.of(ix)).or_default().extend(self.present.unit(ix));
        }
        self.parts.iter().filter_map(|part| self.known(part, lists.get(&part.at).into_iter().flatten())).collect()
    }

    fn known<'l>(&self, part: &Part, lists: impl Iterator<Item = &'l &'l str>) -> Option<Known> {
        let before = part.known.as_ref();
        let counted = part.input.as_ref().filter(|input| input.counted).map(|input| {
            let (system, kind) = self.name(part);
            // A file that was cut short is no measure for the next one, and neither is an extract.
            let rows = if part.shrunken || part.partial { before.map_or(input.rows, |known| known.rows) } else { input.rows };
            let missed = before.into_iter().flat_map(|known| known.lists(self.ledger.as_of));
            let lists = missed.chain(lists.map(|list| (*list, self.ledger.as_of)));
            let lists = lists.map(|(list, seen)| (list.to_owned(), seen)).collect();
            Known { system, kind, as_of: input.as_of, rows, lists }
        });
        counted.or_else(|| before.cloned())
    }

    /// The signals to be written, but for those of records that were set aside: what changed; with all others that
    /// count, where the set is to be whole.
    fn signals(&self, whole: bool) -> Result<Vec<signals::Change<'_>>> {
        let changed = self.seen.changed.iter().map(|(key, signal, whose)| (*key, signal.as_ref(), *whose));
        if !whole {
            return Ok(changed.collect());
        }
        let (opt_outs, signals) = (self.opt_outs(), &self.ledger.signals);
        let mut written = vec![false; signals.rows()];
        let quiet = if signals.rows() > 0 { opt_outs.quiet_keys(&self.seen.quiet)? } else { Vec::new() };
        for (_, row) in
            quiet.into_iter().chain(self.seen.changed.iter().map(|(key, _, _)| *key)).filter_map(|key| signals.find(key))
        {
            written[row as usize] = true;
        }
        let kept = signals.all_but(&written).into_iter().map(|(key, signal, row)| (key, Some(signal), Whose::Earlier(row)));
        Ok(changed.filter(|(_, signal, _)| signal.is_some()).chain(kept).collect())
    }

    fn opt_outs(&self) -> OptOuts<'_> {
        self.ledger.opt_outs(&self.present, &self.parts)
    }

    fn cases(&self, findings: &Findings<'_>, whole: bool) -> Result<DataFrame> {
        let known = &self.ledger.cases;
        let limit = self.now - i64::from(self.retain_days) * 86_400_000;
        let is_kept = |case: &Case| case.standing == Standing::Resolved && case.last_seen.is_none_or(|last| last >= limit);
        let earlier = if whole { known.all() } else { Vec::new() };
        let earlier: Vec<(u64, Case, [String; IDENTITY.len()])> = earlier
            .into_iter()
            .filter(|(_, case, _)| is_kept(case))
            .map(|(key, case, row)| (key, case, known.identity(row)))
            .collect();
        let found = findings.found.iter().map(|found| (found.key, found.case, found.identity()));
        let past = findings.past.iter().map(|past| (key(&past.identity), past.case, texts(&past.identity)));
        let is_change = |(key, case, _): &cases::Row<'_>| whole || known.get(*key).is_none_or(|known| changes(&known, case));
        let mut rows: Vec<cases::Row<'_>> = found.chain(past).filter(is_change).collect();
        let here: HashSet<u64> = rows.iter().map(|(key, _, _)| *key).collect();
        let rest = earlier.iter().filter(|(key, _, _)| !here.contains(key));
        rows.extend(rest.map(|(key, case, identity)| (*key, *case, texts(identity))));
        rows.par_sort_by(|one, other| one.2.cmp(&other.2));
        rows.dedup_by(|one, other| one.0 == other.0);
        cases::frame(&rows)
    }
}

fn texts(identity: &[String; IDENTITY.len()]) -> [&str; IDENTITY.len()] {
    identity.each_ref().map(String::as_str)
}

/// Whether a case needs a row of its own after its last one.
fn changes(known: &Case, now: &Case) -> bool {
    use Standing::{New, NotCompared, Persisting, Reopened, Resolved};
    !matches!(
        (known.standing, now.standing),
        (New | Persisting | Reopened, Persisting) | (NotCompared, NotCompared) | (Resolved, Resolved)
    )
}

fn key(identity: &[String; IDENTITY.len()]) -> u64 {
    cases::key_of(identity.iter().map(String::as_str))
}

/// The set of one run, not yet written.
pub struct Pages<'a> {
    sighting: Sighting<'a>,
    /// Whether it is to stand alone.
    whole: bool,
    manifest: Manifest,
    frames: Vec<(&'static str, DataFrame)>,
    kept: Answers,
    answers: Vec<([String; 3], Option<String>)>,
}

/// A set that is written, under a name that does not count yet.
#[derive(Debug)]
pub struct HiddenSet {
    hidden: PathBuf,
    shown: PathBuf,
}

impl Pages<'_> {
    /// The run's time.
    pub fn as_of(&self) -> DateTime<Utc> {
        self.manifest.as_of
    }

    /// Writes the set and brings it to the disk.
    ///
    /// # Errors
    /// What cannot be written, by its path.
    pub fn write(&self, run: &str) -> Result<HiddenSet> {
        let Sighting { ledger, present, parts, now, .. } = &self.sighting;
        let hidden = ledger.folder.join(format!("{HIDDEN}{run}"));
        create_folder(&hidden)?;
        let mut manifest = Manifest { run: run.to_owned(), ..self.manifest.clone() };
        let mut add = |name: &str, file: FileEntry| manifest.files.insert(name.to_owned(), file);
        let sets: Vec<(&Set, u32)> = ledger.chain_of_runs().zip(ledger.firsts.iter().copied()).collect();
        let views = Views { present, state: &ledger.state, parts, sets: &sets, now: *now };
        let (snapshot, signals) = rayon::join(
            || views.write(self.whole, &hidden.join(snapshot::FILE)),
            || {
                let changed = self.sighting.signals(self.whole)?;
                signals::write(&self.sighting.seen.quiet, &changed, &self.sighting.opt_outs(), &hidden.join(SIGNALS))
            },
        );
        add(snapshot::FILE, snapshot?);
        add(SIGNALS, signals?);
        let frames = self.frames.par_iter().map(|(name, frame)| Ok((*name, files::write(frame.clone(), &hidden.join(name))?)));
        for (name, file) in frames.collect::<Result<Vec<_>>>()? {
            add(name, file);
        }
        let mut answers = self.kept.clone();
        for (of, refused) in &self.answers {
            answers.insert(of.clone(), Answer { run: run.to_owned(), refused: refused.clone() });
        }
        if !answers.is_empty() {
            add(answers::FILE, files::write(answers::frame(&answers)?, &hidden.join(answers::FILE))?);
        }
        files::write_manifest(&manifest, &hidden, NAME, CHECKSUM)?;
        sync_folder(&hidden)?;
        sync_folder(&ledger.folder)?;
        Ok(HiddenSet { hidden, shown: ledger.folder.join(run) })
    }
}

impl HiddenSet {
    /// Gives the set its name, once its run folder has appeared.
    ///
    /// # Errors
    /// It cannot be renamed; it counts all the same, and the next run renames it.
    pub fn appear(self) -> Result<()> {
        let cannot = || format!("cannot rename {} to {}", self.hidden.display(), self.shown.display());
        fs::rename(&self.hidden, &self.shown).with_context(cannot)?;
        sync_folder(self.shown.parent().unwrap_or(&self.shown))
    }
}
