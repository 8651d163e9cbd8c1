//! The main job: one line a stage.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};

use crate::classify::{World, classify, members};
use crate::columns::Role;
use crate::consent::weigh;
use crate::decide::{Decided, decide};
use crate::decisions::{self, Desk, Scene};
use crate::history::Week;
use crate::ingest::{Ingested, Papers, Reject, Table, ingest, read_papers};
use crate::inputs::{
    Missed, count_rejected, note_on_owner, notes_on_missing, owner_of_source_ids, require_few_rejects, require_known_contacts,
    require_systems,
};
use crate::ledger::{Ledger, Scope, Sighting};
use crate::loads::{Loads, loads};
use crate::matching::match_records;
use crate::normalise::{Facts, Folded, Quiet, Room, Rows, Rules, Wanted, normalise, read_rows, set_aside, spellings};
use crate::progress::{self, Unit};
use crate::texts::Texts;
use crate::times::Zone;
use crate::workspace::{Stop, Workspace};
use crate::write::{self, Outputs, Stage, report};

/// When a run takes place.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The run's time: what is stale, active, due or in the future.
    pub as_of: DateTime<Utc>,
    /// The real time, read once: which files are still being copied.
    pub now: SystemTime,
}

/// Reads the inbox, works out everything that a run writes, and gives it to `then` with the stages so far; writes nothing.
///
/// # Errors
/// [`Stop::Inputs`]: no CRM export, or one that was refused or is missing, a required system missing, a file with too many
/// rejected rows. And what `then` says.
pub fn reconcile<T>(workspace: &Workspace, clock: Clock, then: impl FnOnce(Outputs<'_>, Vec<Stage>) -> Result<T>) -> Result<T> {
    let mut stages = Stages::default();
    let exports = stages.run("ingest", || read_inbox(workspace, clock))?;
    let papers = read_decisions(workspace, clock)?;
    settle(workspace, exports, papers, clock, None, &mut stages, |settled, stages| {
        let outputs = stages.run("report", || settled.report())?;
        then(outputs, std::mem::take(&mut stages.done))
    })
}

/// Everything that a run finds and decides, before it is written down.
pub struct Settled<'a> {
    /// What the rules looked at.
    pub world: &'a World<'a>,
    /// The records, one by one.
    pub facts: &'a Facts<'a>,
    /// Outcomes and corrections.
    pub decided: &'a Decided,
    rejected: Vec<Reject>,
    /// Rows that are part of the record of another row.
    pub folded: &'a [Folded],
    /// What the ledger makes of it.
    pub sighting: Sighting<'a>,
    loads: Loads,
    past: Vec<Week>,
    /// What else a person must read, a sentence each.
    notes: Vec<String>,
}

impl<'a> Settled<'a> {
    /// The outputs of a run.
    ///
    /// # Errors
    /// Only what Polars cannot do, which is a defect.
    pub fn report(self) -> Result<Outputs<'a>> {
        let Settled { world, facts, decided, rejected, folded, sighting, loads, past, notes } = self;
        report(decided, world, facts, rejected, folded, write::Weeks { sighting, loads, past, notes })
    }
}

/// Works out what a run over these exports would decide, and gives it to `then`; writes nothing. `who` is a key whose
/// records are needed whatever they say.
///
/// # Errors
/// As [`reconcile`], and what `then` says.
pub fn settled<T>(
    workspace: &Workspace,
    exports: Exports,
    papers: Papers,
    clock: Clock,
    who: Option<&str>,
    then: impl FnOnce(Settled<'_>) -> Result<T>,
) -> Result<T> {
    let mut stages = Stages::default();
    settle(workspace, exports, papers, clock, who, &mut stages, |settled, _| then(settled))
}

/// Exports whose rows were read, and the store of their texts.
pub struct Exports {
    /// The files, and what their rows are.
    pub ingested: Ingested<Rows>,
    texts: Texts,
}

/// Reads the inbox.
///
/// # Errors
/// [`Stop::Inputs`]: the inbox itself cannot be read.
pub fn read_inbox(workspace: &Workspace, clock: Clock) -> Result<Exports> {
    let earlier = workspace.earlier_inputs(clock.as_of)?;
    read_exports(workspace, &workspace.inbox(), &earlier, clock)
}

/// Reads the exports in a folder. `earlier` are the contents that earlier runs used, by SHA-256 with the run.
///
/// # Errors
/// [`Stop::Inputs`]: the folder itself cannot be read.
pub fn read_exports(workspace: &Workspace, folder: &Path, earlier: &HashMap<String, String>, clock: Clock) -> Result<Exports> {
    let Workspace { config, systems, .. } = workspace;
    let texts = Texts::default();
    let rules = Rules::new(systems, config, clock.as_of, &texts);
    let read = |table: &Table<'_>| read_rows(table, &rules);
    let ingested = ingest(folder, config, systems, earlier, clock.as_of, clock.now, read).context(Stop::Inputs)?;
    Ok(Exports { ingested, texts })
}

/// Reads what reviewers dropped.
///
/// # Errors
/// [`Stop::Inputs`]: the folder is there and cannot be read.
pub fn read_decisions(workspace: &Workspace, clock: Clock) -> Result<Papers> {
    let settle = Duration::from_secs(workspace.config.inbox.settle_seconds);
    read_papers(&workspace.decisions(), settle, clock.now).context(Stop::Inputs)
}

fn settle<T>(
    workspace: &Workspace,
    exports: Exports,
    papers: Papers,
    clock: Clock,
    who: Option<&str>,
    stages: &mut Stages,
    then: impl FnOnce(Settled<'_>, &mut Stages) -> Result<T>,
) -> Result<T> {
    let config = &workspace.config;
    let Exports { ingested, texts } = exports;
    let ledger = stages.run("remember", || Ledger::open(&workspace.ledger(), &workspace.runs(), clock.as_of))?;
    let Ingested { mut files, mut tables, rejects } = ingested;
    let systems = &require_systems(&files, workspace).context(Stop::Inputs)?;
    require_known_contacts(&files, systems, &ledger, workspace).context(Stop::Inputs)?;
    let owner = owner_of_source_ids(&files, systems, &ledger, config);
    let missed = Missed::of(&tables, &ledger, systems, clock.as_of, &texts);
    let whose_ids = note_on_owner(owner, &files, systems, &ledger, config);
    let missing = notes_on_missing(&files, systems, &ledger, clock.as_of);
    let notes = missing.into_iter().chain(whose_ids).chain(missed.notes(systems)).collect();
    let Missed { lists: missed, contacts: on_missed_lists } = missed;
    let run = Rules { owner, on_missed_lists, ..Rules::new(systems, config, clock.as_of, &texts) };
    let standing = decisions::recall(ledger.decisions()).context(Stop::Inputs)?;
    let (quiet, normalised) = stages.run("normalise", || {
        let quiet = if config.run.set_aside {
            let spelled = who.map(|who| spellings(who, systems)).unwrap_or_default();
            let decided = decisions::named(&papers, &standing.rulings, systems);
            let always = ledger.awaited().chain(decided.iter().chain(&spelled).map(String::as_str)).collect();
            let room = Room { bytes: config.run.set_aside_mb << 20, folder: &workspace.root };
            set_aside(&mut tables, &run, &Wanted { always, opted_out: ledger.opted_out() }, room)
        } else {
            Quiet::default()
        };
        let normalised = normalise(tables, &run)?;
        texts.settle();
        Ok((quiet, normalised))
    })?;
    let rejected = count_rejected(&mut files, rejects, normalised.rejects);
    require_few_rejects(&files, &rejected, workspace).context(Stop::Inputs)?;
    let loads = loads(&normalised.answers, &files, systems, workspace, clock.as_of, &texts)?;
    let past = ledger.weeks();
    let records = normalised.records;
    stages.records = records.height() as u64 + quiet.len();
    let mut sighting = stages.run("recall", || {
        ledger.observe(&records, &quiet, Scope { files: &files, systems, config, texts: &texts, owner, missed })
    })?;
    let matched = stages.run("match", || match_records(&records, &texts))?;
    let desk = Desk::settle(
        &papers,
        standing,
        Scene { records: &records, matched: &matched, config, systems, texts: &texts, as_of: clock.as_of },
    )?;
    let zone = Zone::Named(config.timezone()?);
    let ruled = desk.ruled(records.height(), zone);
    let consent = stages.run("weigh", || weigh(&records, &matched, sighting.recalled(), config, systems, &texts, &ruled))?;
    let members = stages.run("gather", || members(&records, &matched, &consent, config, systems))?;
    let world = World {
        members,
        records: &records,
        matched: &matched,
        consent: &consent,
        findings: &normalised.findings,
        files: &files,
        config,
        systems,
        texts: &texts,
        as_of: clock.as_of,
        desk: &desk,
        quiet: &quiet,
    };
    let hub = systems.profiles().iter().position(|profile| profile.role == Role::Crm).unwrap_or_default();
    let facts = Facts::new(&records, systems, &texts)?.with_decisions(desk.said(zone), hub, zone);
    let found = stages.run("classify", || classify(&world))?;
    let decided = stages.run("decide", || decide(found, &world, &facts))?;
    let folded = &normalised.folded;
    then(Settled { world: &world, facts: &facts, decided: &decided, rejected, folded, sighting, loads, past, notes }, stages)
}

#[derive(Default)]
struct Stages {
    /// What the stages work on, once it is known.
    records: u64,
    done: Vec<Stage>,
}

impl Stages {
    fn run<T>(&mut self, name: &'static str, stage: impl FnOnce() -> Result<T>) -> Result<T> {
        progress::begin(name, Unit::Count("records"), self.records);
        let begun = Instant::now();
        let value = stage()?;
        self.done.push(Stage::ended(name, begun.elapsed()));
        Ok(value)
    }
}
