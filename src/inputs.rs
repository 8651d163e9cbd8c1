//! What a run needs of its inputs before it compares them: which systems and lists are there, whose ids are named, how many
//! rows were rejected; and the sentences that say what is missing.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use foldhash::HashSet;

use crate::columns::{Field, Role};
use crate::config::Config;
use crate::ingest::{FileReport, MappedColumn, Reject, TableRows, Verdict};
use crate::ledger::{Known, Ledger};
use crate::normalise::Rows;
use crate::systems::{Grain, Kind, Profile, Systems};
use crate::texts::{Text, Texts};
use crate::workspace::Workspace;

/// There must be one hub to match to, and every system that the configuration requires. Gives the profiles with that
/// hub; another CRM is compared as a source system.
///
/// # Errors
/// What is missing or was refused, with what to do.
pub fn require_systems(files: &[FileReport], workspace: &Workspace) -> Result<Systems> {
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

/// The source system whose ids the others name: the one that the CRM's section of the configuration says, else the one that
/// it was in the run before, else the first with an export, be it used or refused. The ids of two sources may be alike and
/// mean different people, so it stays the same where its export is late, or where another source comes.
pub fn owner_of_source_ids(files: &[FileReport], systems: &Systems, ledger: &Ledger, config: &Config) -> Option<usize> {
    let profiles = systems.profiles();
    let used = |profile: &Profile| files.iter().any(|file| file.is_export_of(&profile.name, systems));
    let is_refused = |file: &FileReport| matches!(file.verdict, Verdict::Refused(_));
    let refused =
        |profile: &Profile| files.iter().any(|file| is_refused(file) && file.system.as_deref() == Some(profile.name.as_str()));
    let crms = profiles.iter().filter(|profile| profile.role == Role::Crm && used(profile));
    let said = crms.filter_map(|crm| config.systems.get(&crm.name)?.source.as_deref()).next();
    let last = ledger.last();
    said.or_else(|| last?.source.as_deref()).and_then(|name| systems.position(name)).or_else(|| {
        let before = |profile: &Profile| last.is_some_and(|last| last.known.iter().any(|known| known.system == profile.name));
        let sources = || profiles.iter().enumerate().filter(|(_, profile)| profile.has_source_ids());
        let first = sources().find(|(_, profile)| before(profile)).or_else(|| sources().find(|(_, at)| used(at) || refused(at)));
        first.map(|(at, _)| at)
    })
}

/// What to tell where another source than before has an export, and none says whose ids are named.
pub fn note_on_owner(
    owner: Option<usize>,
    files: &[FileReport],
    systems: &Systems,
    ledger: &Ledger,
    config: &Config,
) -> Option<String> {
    let profiles = systems.profiles();
    let used = |profile: &&Profile| files.iter().any(|file| file.is_export_of(&profile.name, systems));
    let is_new =
        |profile: &Profile| ledger.last().is_some_and(|last| !last.known.iter().any(|known| known.system == profile.name));
    let owner = &profiles[owner?];
    let others = || profiles.iter().filter(used).filter(|other| other.has_source_ids() && other.name != owner.name);
    let crm = profiles.iter().filter(used).find(|profile| profile.role == Role::Crm)?;
    if config.systems.get(&crm.name).is_some_and(|crm| crm.source.is_some()) {
        return None;
    }
    let is_late = !used(&owner);
    let other = if is_late { others().next() } else { others().find(|other| is_new(other)) }?;
    let (title, of) = (&owner.title, &other.title);
    let export = if is_late { format!("No export of {title} is used. Export it again. ") } else { String::new() };
    Some(format!(
        "{export}The source ids that others name are taken for those of {title}: records of {of} are tied by contact id and address \
         alone. If they are those of {of}, say so in prefrecon.toml: [systems.{}] source = \"{}\".",
        crm.name, other.name
    ))
}

/// What to tell where a kind of export is not used that earlier runs had: what its records said cannot be compared.
pub fn notes_on_missing(files: &[FileReport], systems: &Systems, ledger: &Ledger, as_of: DateTime<Utc>) -> Vec<String> {
    let known = || ledger.last().into_iter().flat_map(|last| &last.known);
    let mut notes = Vec::new();
    for profile in systems.profiles() {
        let is_missing = |kind: &&Kind| {
            let tells_all = kind.grain != Grain::Answer && !kind.grain.is_log();
            let is_it = |known: &&Known| known.system == profile.name && known.kind == kind.name;
            let used = files.iter().any(|file| file.is_used() && file.is_taken_for(&profile.name, &kind.name));
            tells_all && !used && known().find(is_it).is_some_and(|known| known.is_expected(as_of))
        };
        let missing: Vec<String> = profile.kinds.iter().filter(is_missing).map(|kind| kind.name.replace('_', " ")).collect();
        if !missing.is_empty() {
            notes.push(format!(
                "No export of {} {} is used this time, which earlier runs had: nothing is compared with them, and opt-outs that they \
                 showed still count. Export them and run again.",
                profile.title,
                missing.join(" and ")
            ));
        }
    }
    notes
}

/// Lists that earlier runs had of a platform and this one has not.
#[derive(Debug, Default)]
pub struct Missed {
    /// By the position of the system.
    pub lists: BTreeMap<usize, Vec<String>>,
    /// Who was mailed on one of them, by system and key, and is on other lists of this run.
    pub contacts: HashSet<(usize, Text)>,
}

impl Missed {
    /// Those of the tables of a run.
    pub fn of(tables: &[TableRows<Rows>], ledger: &Ledger, systems: &Systems, as_of: DateTime<Utc>, texts: &Texts) -> Missed {
        let profiles = systems.profiles();
        let of_platforms = || tables.iter().filter(|table| profiles[table.system].keeps_memberships());
        let mut here: BTreeMap<usize, HashSet<String>> = BTreeMap::new();
        for table in of_platforms() {
            here.entry(table.system).or_default().extend(table.rows.lists(texts).into_iter().map(str::to_lowercase));
        }
        let mut missed = Missed::default();
        for known in ledger.last().into_iter().flat_map(|last| &last.known) {
            let Some((system, lists)) = systems.position(&known.system).and_then(|system| here.get_key_value(&system)) else {
                continue;
            };
            let lost = known.lists(as_of).map(|(list, _)| list).filter(|list| !lists.contains(&list.to_lowercase()));
            let lost: Vec<String> = lost.map(str::to_owned).collect();
            if !lost.is_empty() {
                missed.lists.entry(*system).or_default().extend(lost);
            }
        }
        for table in of_platforms() {
            let Some(lists) = missed.lists.get(&table.system) else { continue };
            let profile = &profiles[table.system];
            for (kind, contact) in table.rows.memberships() {
                let kind = &profile.kinds[kind as usize].name;
                if lists.iter().any(|list| ledger.was_on(list, &profile.name, kind, texts.get(contact))) {
                    missed.contacts.insert((table.system, contact));
                }
            }
        }
        missed
    }

    /// What to tell of them, a sentence a system.
    pub fn notes<'a>(&'a self, systems: &'a Systems) -> impl Iterator<Item = String> + 'a {
        self.lists.iter().map(|(system, lists)| {
            let named = lists.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = if lists.len() > 3 { format!(" and {} more", lists.len() - 3) } else { String::new() };
            let (noun, it) = if lists.len() == 1 { ("list", "it") } else { ("lists", "one of them") };
            format!(
                "No row of the {noun} {named}{more} of {}, which earlier runs had, is in this run: who was on {it} is not taken for \
                 unsubscribed from every list. Export all lists. A list that is no more is forgotten after four weeks.",
                systems.profiles()[*system].title
            )
        })
    }
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
    let counted = normalised.iter().fold(BTreeMap::<&str, u64>::new(), |mut counts, reject| {
        *counts.entry(&reject.file).or_default() += 1;
        counts
    });
    for file in files.iter_mut() {
        file.rejected += counted.get(file.file.as_str()).copied().unwrap_or_default();
    }
    read.into_iter().chain(normalised).collect()
}

/// No export may have a greater share of rejected rows than the configuration allows.
///
/// # Errors
/// The file, its first rejected row, and what to do.
pub fn require_few_rejects(files: &[FileReport], rejected: &[Reject], workspace: &Workspace) -> Result<()> {
    let limit = workspace.config.inbox.max_reject_share;
    // Loads of other people's rows may be among the answers, and not one of them concerns us.
    let is_export =
        |file: &FileReport| file.system.as_deref().is_some_and(|system| file.is_export_of(system, &workspace.systems));
    let spoilt = |file: &&FileReport| is_export(file) && file.rejected as f64 > limit * file.rows as f64;
    let Some(file) = files.iter().find(spoilt) else { return Ok(()) };
    let first = rejected.iter().filter(|reject| reject.file == file.file).min();
    let first = first
        .map(|reject| {
            // What stands in a column of words is no secret; elsewhere it may be somebody's.
            let is_of_words = |column: &MappedColumn| {
                column.header == reject.column && matches!(column.field, Field::OptOut | Field::NoEmail | Field::Status)
            };
            let is_word = file.mapped.iter().any(is_of_words) && !reject.value.contains('@');
            let value = if is_word { format!(" \"{}\"", reject.value) } else { String::new() };
            let column = if reject.column.is_empty() { String::new() } else { format!(", {}{value}", reject.column) };
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
