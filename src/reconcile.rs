//! The main job: one line a stage.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};

use crate::classify::{World, classify, members};
use crate::columns::Role;
use crate::consent::weigh;
use crate::decide::{Decided, decide};
use crate::decisions::{self, Desk, Scene};
use crate::history::Week;
use crate::ingest::{FileReport, Ingested, Papers, Reject, Table, Verdict, ingest, read_papers};
use crate::ledger::{Ledger, Sighting};
use crate::loads::{Loads, loads};
use crate::matching::match_records;
use crate::normalise::{Facts, Folded, Quiet, Room, Rows, Rules, Wanted, normalise, read_rows, set_aside, spellings};
use crate::progress::{self, Unit};
use crate::systems::{Grain, Kind, Systems};
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
}

impl<'a> Settled<'a> {
    /// The outputs of a run.
    ///
    /// # Errors
    /// Only what Polars cannot do, which is a defect.
    pub fn report(self) -> Result<Outputs<'a>> {
        let Settled { world, facts, decided, rejected, folded, sighting, loads, past } = self;
        report(decided, world, facts, rejected, folded, write::Weeks { sighting, loads, past })
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
    let rules = Rules { systems, config, as_of: clock.as_of, texts: &texts };
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
    let run = Rules { systems, config, as_of: clock.as_of, texts: &texts };
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
    let mut sighting = stages.run("recall", || ledger.observe(&records, &quiet, &files, systems, config, &texts))?;
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
    then(Settled { world: &world, facts: &facts, decided: &decided, rejected, folded, sighting, loads, past }, stages)
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

/// There must be one hub to match to, and every system that the configuration requires. Gives the profiles with that
/// hub; another CRM is compared as a source system.
fn require_systems(files: &[FileReport], workspace: &Workspace) -> Result<Systems> {
    let used = |name: &str| files.iter().any(|file| file.is_export_of(name, &workspace.systems));
    let crms = || workspace.systems.profiles().iter().filter(|profile| profile.role == Role::Crm);
    let seen = || {
        let refused = files.iter().filter(|file| !file.is_used()).map(|file| match &file.verdict {
            Verdict::Skipped(why) => format!("{} ({why})", file.file),
            Verdict::Refused(why) => format!("{} (refused: {why})", file.file),
            other => format!("{} ({})", file.file, other.word()),
        });
        let refused: Vec<String> = refused.collect();
        if refused.is_empty() { String::new() } else { format!(". Not used: {}", refused.join(", ")) }
    };
    let hub = choose_hub(files, workspace)?;
    let Some(hub) = hub else {
        let titles: Vec<&str> = crms().map(|profile| profile.title.as_str()).collect();
        bail!(
            "no CRM export in {}: drop a contacts export of {} there and run again; `prefrecon check` says what each file is taken for{}",
            workspace.inbox().display(),
            titles.join(" or "),
            seen()
        );
    };
    if let Some(why) = refused_contacts(files, hub, &workspace.systems) {
        bail!(why);
    }
    let missing: Vec<&str> = workspace
        .systems
        .profiles()
        .iter()
        .filter(|profile| workspace.config.system(&profile.name).required && !used(&profile.name))
        .map(|profile| profile.title.as_str())
        .collect();
    if !missing.is_empty() {
        bail!(
            "no export of {} in {}, which the configuration requires{}",
            missing.join(" and "),
            workspace.inbox().display(),
            seen()
        );
    }
    Ok(workspace.systems.with_hub(hub))
}

/// Exports of the hub that earlier runs had must be there, where most of its contacts would be missing without them.
///
/// # Errors
/// The exports that are missing.
pub fn require_known_contacts(files: &[FileReport], systems: &Systems, ledger: &Ledger, workspace: &Workspace) -> Result<()> {
    let Some(hub) = systems.profiles().iter().find(|profile| profile.role == Role::Crm) else { return Ok(()) };
    let (mut known, mut here, mut missing) = (0, 0, Vec::new());
    for kind in hub.kinds.iter().filter(|kind| kind.grain == Grain::Contact) {
        let is_of = |file: &&FileReport| file.is_used() && file.is_taken_for(&hub.name, &kind.name);
        let rows: u64 = files.iter().filter(is_of).map(|file| file.rows).sum();
        let before = ledger.last().and_then(|last| last.known(&hub.name, &kind.name)).map_or(0, |known| known.rows);
        (known, here) = (known + before, here + rows);
        if rows == 0 && before > 0 {
            missing.push(format!("{} ({before} rows)", kind.name.replace('_', " ")));
        }
    }
    if !missing.is_empty() && (here as f64) < known as f64 * (1.0 - workspace.config.brake.max_shrink) {
        bail!(
            "no file in {} has the {} {}, which earlier runs had: without them records would be taken for nobody's, or for \
             somebody else's. Drop that export there too and run again",
            workspace.inbox().display(),
            hub.title,
            missing.join(" and ")
        );
    }
    Ok(())
}

/// What is in the way where a file with contacts of the hub was refused, and no other of its kind is used.
pub fn refused_contacts(files: &[FileReport], hub: &str, systems: &Systems) -> Option<String> {
    let mut contacts = systems.get(hub)?.kinds.iter().filter(|kind| kind.grain == Grain::Contact);
    let of_kind = |kind: &Kind| -> Option<String> {
        let of_it = || files.iter().filter(|file| file.is_taken_for(hub, &kind.name));
        let refused = of_it().find_map(|file| match &file.verdict {
            Verdict::Refused(why) => Some((&file.file, why)),
            _ => None,
        });
        let (file, why) = refused.filter(|_| !of_it().any(FileReport::is_used))?;
        Some(format!(
            "{file} was refused, and no other file has its contacts: without them records would be taken for nobody's, or for \
             somebody else's. Put it right and run again: {why}"
        ))
    };
    contacts.find_map(of_kind)
}

/// The CRM whose contacts are the persons: the one that the configuration names, else the only one with an export.
///
/// # Errors
/// The one that is named has no export, or there are several and none is named.
pub fn choose_hub<'a>(files: &[FileReport], workspace: &'a Workspace) -> Result<Option<&'a str>> {
    let used = |name: &str| files.iter().any(|file| file.is_export_of(name, &workspace.systems));
    let crms = workspace.systems.profiles().iter().filter(|profile| profile.role == Role::Crm && used(&profile.name));
    let (names, titles): (Vec<&str>, Vec<&str>) = crms.map(|profile| (profile.name.as_str(), profile.title.as_str())).unzip();
    match &workspace.config.run.hub {
        Some(hub) if !names.contains(&hub.as_str()) => {
            let title = workspace.systems.get(hub).map_or(hub.as_str(), |profile| profile.title.as_str());
            bail!(
                "no export of {title} in {}, which [run] hub names: drop a contacts export of it there and run again",
                workspace.inbox().display()
            )
        }
        Some(hub) => Ok(Some(hub)),
        None if names.len() > 1 => bail!(
            "there are exports of {}: say in prefrecon.toml whose contacts the others are matched to, such as [run] hub = \"{}\"; \
             the other is then compared as a source system",
            titles.join(" and "),
            names[0]
        ),
        None => Ok(names.first().copied()),
    }
}

/// All rejects of a run, and their number with each file.
pub fn count_rejected(files: &mut [FileReport], read: Vec<Reject>, normalised: Vec<Reject>) -> Vec<Reject> {
    let counted = normalised.iter().fold(std::collections::BTreeMap::<&str, u64>::new(), |mut counts, reject| {
        *counts.entry(&reject.file).or_default() += 1;
        counts
    });
    for file in files.iter_mut() {
        file.rejected += counted.get(file.file.as_str()).copied().unwrap_or_default();
    }
    read.into_iter().chain(normalised).collect()
}

fn require_few_rejects(files: &[FileReport], rejected: &[Reject], workspace: &Workspace) -> Result<()> {
    let limit = workspace.config.inbox.max_reject_share;
    // Loads of other people's rows may be among the answers, and not one of them concerns us.
    let is_export =
        |file: &FileReport| file.system.as_deref().is_some_and(|system| file.is_export_of(system, &workspace.systems));
    let spoilt = |file: &&FileReport| is_export(file) && file.rejected as f64 > limit * file.rows as f64;
    let Some(file) = files.iter().find(spoilt) else { return Ok(()) };
    let first = rejected.iter().filter(|reject| reject.file == file.file).min();
    let first = first
        .map(|reject| {
            let column = if reject.column.is_empty() { String::new() } else { format!(", {}", reject.column) };
            format!("; the first is row {}{column}: {}", reject.row, reject.reason)
        })
        .unwrap_or_default();
    bail!(
        "{}: {} of {} rows are rejected, more than [inbox] max_reject_share = {limit} allows{first}. Export the file again, or raise the \
         share if this is expected; `prefrecon check` lists more",
        file.file,
        file.rejected,
        file.rows
    )
}
