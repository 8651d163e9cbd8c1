//! What a run needs of its inputs before it compares them: which systems and lists are there, whose ids are named, how many
//! rows were rejected; and the sentences that say what is missing.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};

use crate::columns::Role;
use crate::config::Config;
use crate::ingest::{FileReport, Reject, TableRows, Verdict};
use crate::ledger::Ledger;
use crate::normalise::{self, Rows};
use crate::systems::{Grain, Kind, Profile, Systems};
use crate::texts::Texts;
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

/// The source system whose ids the others name. It is still that where its export is late, or was refused.
pub fn owner_of_source_ids(files: &[FileReport], systems: &Systems, ledger: &Ledger, config: &Config) -> Option<usize> {
    let name = |at: usize| systems.profiles()[at].name.as_str();
    let used = |at: usize| files.iter().any(|file| file.is_export_of(name(at), systems));
    let here = |at: usize| files.iter().any(|file| file.system.as_deref() == Some(name(at)));
    let before = |at: usize| ledger.last().is_some_and(|last| last.known.iter().any(|known| known.system == name(at)));
    normalise::owner_of_source_ids(used, |at| here(at) || before(at), systems, config)
}

/// What to tell where ids are those of a source that has no export in this run.
pub fn late_owner(owner: Option<usize>, files: &[FileReport], systems: &Systems) -> Option<String> {
    let profiles = systems.profiles();
    let used = |profile: &&Profile| files.iter().any(|file| file.is_export_of(&profile.name, systems));
    let owner = &profiles[owner?];
    let other = profiles.iter().filter(used).find(|other| other.has_source_ids() && other.name != owner.name)?;
    let crm = profiles.iter().filter(used).find(|profile| profile.role == Role::Crm)?;
    (!used(&owner)).then(|| {
        format!(
            "No export of {title} is used: the ids of it that others name are not those of {other}, whose records are tied by \
             contact id and address alone. Export {title} again. If {other} has taken its place, say so in prefrecon.toml: \
             [systems.{crm}] source = \"{name}\".",
            title = owner.title,
            other = other.title,
            crm = crm.name,
            name = other.name
        )
    })
}

/// The lists that earlier runs had of a platform and this one has not, by the position of the system: somebody may be on one.
pub fn missed_lists(
    tables: &[TableRows<Rows>],
    ledger: &Ledger,
    systems: &Systems,
    as_of: DateTime<Utc>,
    texts: &Texts,
) -> BTreeMap<usize, Vec<String>> {
    let mut here: BTreeMap<usize, HashSet<&str>> = BTreeMap::new();
    for table in tables.iter().filter(|table| systems.profiles()[table.system].keeps_memberships()) {
        here.entry(table.system).or_default().extend(table.rows.lists(texts));
    }
    let mut missed: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for known in ledger.last().into_iter().flat_map(|last| &last.known) {
        let Some((system, lists)) = systems.position(&known.system).and_then(|system| here.get_key_value(&system)) else {
            continue;
        };
        let lost = known.lists(as_of).map(|(list, _)| list).filter(|list| !lists.contains(list));
        let lost: Vec<String> = lost.map(str::to_owned).collect();
        if !lost.is_empty() {
            missed.entry(*system).or_default().extend(lost);
        }
    }
    missed
}

/// What to tell of lists that are missing.
pub fn missing(system: usize, lists: &[String], systems: &Systems) -> String {
    let named = lists.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if lists.len() > 3 { format!(" and {} more", lists.len() - 3) } else { String::new() };
    format!(
        "No row of {named}{more}, which earlier runs had as lists of {}, is in this run: nobody is taken for unsubscribed from every \
         list of it. Export all lists. A list that is no more is forgotten after four weeks.",
        systems.profiles()[system].title
    )
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
