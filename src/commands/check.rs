//! `prefrecon check`: what each file of the inbox is taken for, before the night.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result};

use crate::cli::{Common, Format};
use crate::columns::Role;
use crate::commands::progress::Display;
use crate::commands::{DONE, LOOK, coloured, print};
use crate::ingest::{AsOfFrom, FileReport, Ingested, Reject, Verdict, ingest};
use crate::inputs::{choose_hub, count_rejected, notes_on_missing, refused_contacts, require_known_contacts};
use crate::ledger::Ledger;
use crate::normalise::{Rules, codes_without_meaning, dates_of_two_readings, masked, normalise, read_rows};
use crate::progress::{self, Unit};
use crate::reconcile::Clock;
use crate::texts::Texts;
use crate::wording::capital;
use crate::workspace::Workspace;

/// First rejected rows that are shown of a file.
const SHOWN_REJECTS: usize = 3;

/// The exit status that says that the inputs cannot be used.
const UNUSABLE: u8 = 4;

pub(super) fn check(workspace: &Workspace, clock: Clock, format: Format, common: &Common) -> Result<u8> {
    workspace.require_workspace()?;
    let Workspace { config, systems, .. } = workspace;
    let earlier = workspace.earlier_inputs(clock.as_of)?;
    let texts = Texts::default();
    let run = Rules::new(systems, config, clock.as_of, &texts);
    let display = Display::start(common);
    let ingested = ingest(&workspace.inbox(), config, systems, &earlier, clock.as_of, clock.now, |table| read_rows(table, &run))?;
    let Ingested { mut files, tables, rejects } = ingested;
    let hub = choose_hub(&files, workspace);
    let systems = &match &hub {
        Ok(Some(hub)) => systems.with_hub(hub),
        _ => systems.clone(),
    };
    progress::begin("normalise", Unit::Count("rows"), files.iter().map(|file| file.rows).sum());
    let normalised = normalise(tables, &Rules { systems, ..run })?;
    drop(display);
    let mut rejects = count_rejected(&mut files, rejects, normalised.rejects);
    rejects.sort();

    let mut missing = missing(&files, workspace);
    match hub {
        Ok(Some(hub)) => {
            let ledger = Ledger::open(&workspace.ledger(), &workspace.runs(), clock.as_of)?;
            let lost =
                || require_known_contacts(&files, systems, &ledger, workspace).err().map(|lost| capital(&format!("{lost}.")));
            missing.blocking.extend(refused_contacts(&files, hub, systems).or_else(lost));
            missing.worth_knowing.extend(notes_on_missing(&files, systems, &ledger, clock.as_of));
        }
        Ok(None) => {}
        Err(error) => missing.blocking.push(capital(&format!("{error}."))),
    }
    let is_export = |file: &FileReport| file.system.as_deref().is_some_and(|system| file.is_export_of(system, systems));
    let unusable =
        |file: &&FileReport| is_export(file) && file.rejected as f64 > config.inbox.max_reject_share * file.rows as f64;
    let look = files.iter().any(FileReport::needs_a_look);
    let stale = files.iter().any(|file| file.is_used() && file.stale);
    let status = if !missing.blocking.is_empty() || files.iter().any(|file| unusable(&file)) {
        UNUSABLE
    } else if look {
        LOOK
    } else {
        DONE
    };
    if format == Format::Json {
        print(&(serde_json::to_string_pretty(&files).context("the reports are no JSON")? + "\n"))?;
        return Ok(status);
    }
    let paint = Paint(coloured(common));
    let mut text = String::new();
    for file in &files {
        describe(&mut text, file, &files, &rejects, workspace, paint);
    }
    if files.is_empty() {
        let _ = writeln!(text, "{} is empty.\n", workspace.inbox().display());
    }
    for file in files.iter().filter(unusable) {
        let share = format!(
            "{}: {} of {} rows are rejected, more than [inbox] max_reject_share = {} allows.",
            file.file, file.rejected, file.rows, config.inbox.max_reject_share
        );
        let _ = writeln!(text, "{}", paint.bad(&share));
    }
    for sentence in missing.blocking.iter().map(|sentence| paint.bad(sentence)).chain(missing.worth_knowing) {
        let _ = writeln!(text, "{sentence}");
    }
    let codes = codes_without_meaning(&normalised.findings, systems, &texts);
    for sentence in codes.into_iter().chain(dates_of_two_readings(&normalised.findings, &files, &texts)) {
        let _ = writeln!(text, "{}", paint.warn(&sentence));
    }
    let verdict = match status {
        DONE if stale => paint.warn("Ready, but a stale export is among the files: what rests on it alone would be held."),
        DONE => paint.good("Ready: a run would use these files."),
        LOOK => paint.warn("A run would go through, but somebody should look at the files marked above."),
        _ => paint.bad("A run would stop: see above."),
    };
    let _ = writeln!(text, "{verdict}");
    print(&text)?;
    Ok(status)
}

fn describe(text: &mut String, file: &FileReport, files: &[FileReport], rejects: &[Reject], workspace: &Workspace, paint: Paint) {
    let verdict = match &file.verdict {
        Verdict::Used => paint.good("used"),
        Verdict::Superseded(_) => paint.warn("superseded"),
        Verdict::Refused(_) => paint.bad("refused"),
        Verdict::Skipped(_) => paint.warn("skipped"),
    };
    let _ = writeln!(text, "{}: {verdict}", file.file);
    for sentence in file.warnings() {
        let _ = writeln!(text, "  {}", paint.warn(&sentence));
    }
    match &file.verdict {
        Verdict::Superseded(by) => drop(writeln!(text, "  {}", file.superseded(by, files))),
        Verdict::Refused(why) | Verdict::Skipped(why) => drop(writeln!(text, "  {why}")),
        Verdict::Used => {}
    }
    let known = file.system.as_deref().and_then(|name| workspace.systems.get(name));
    if let (Some(profile), Some(kind)) = (known, &file.kind) {
        let _ = writeln!(text, "  taken for   {} {}", profile.title, kind.replace('_', " "));
    }
    if matches!(file.verdict, Verdict::Used | Verdict::Superseded(_)) {
        let sheet = file.sheet.as_ref().map(|sheet| format!(", sheet {sheet}")).unwrap_or_default();
        let header = file.header_row.map(|row| format!(", header in row {row}")).unwrap_or_default();
        let _ = writeln!(text, "  format      {}{sheet}{header}", file.format);
        if let Some(as_of) = file.as_of {
            let zone = workspace.config.timezone().expect("checked when the configuration was read");
            let from = match file.as_of_from {
                AsOfFrom::Name => "its name",
                AsOfFrom::Content => "its content",
                AsOfFrom::File => "the file's own time",
            };
            let stale = if file.stale { paint.warn(", stale: export it again") } else { String::new() };
            let _ = writeln!(text, "  made        {}, by {from}{stale}", as_of.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z"));
        }
        if let Some(run) = &file.seen_in {
            let _ = writeln!(
                text,
                "  seen        {}",
                paint.warn(&format!("the run {run} used the same content: is it the newest export?"))
            );
        }
        let _ = writeln!(text, "  rows        {}, of which {} rejected", file.rows, file.rejected);
        if file.partial {
            let _ = writeln!(text, "  part        absence from it proves nothing");
        }
        let mapped: Vec<String> = file.mapped.iter().map(|column| format!("{} = {}", column.name, column.header)).collect();
        let _ = writeln!(text, "  columns     {}", mapped.join(", "));
        let unmapped: Vec<String> = file
            .unmapped
            .iter()
            .map(|column| match &column.did_you_mean {
                Some(known) => format!("{} (did you mean {known}?)", column.header),
                None => column.header.clone(),
            })
            .collect();
        if !unmapped.is_empty() {
            let _ = writeln!(text, "  not used    {}", unmapped.join(", "));
        }
        for reject in rejects.iter().filter(|reject| reject.file == file.file).take(SHOWN_REJECTS) {
            let column = if reject.column.is_empty() { String::new() } else { format!(", {}", reject.column) };
            let value = if reject.value.is_empty() { String::new() } else { format!(" \"{}\"", masked(&reject.value)) };
            let _ = writeln!(text, "  rejected    row {}{column}{value}: {}", reject.row, reject.reason);
        }
    }
    let _ = writeln!(text);
}

struct Missing {
    blocking: Vec<String>,
    worth_knowing: Vec<String>,
}

/// What a run would lack.
fn missing(files: &[FileReport], workspace: &Workspace) -> Missing {
    let used = |name: &str| files.iter().any(|file| file.is_export_of(name, &workspace.systems));
    let mut by_role: BTreeMap<Role, Vec<&str>> = BTreeMap::new();
    let mut missing = Missing { blocking: Vec::new(), worth_knowing: Vec::new() };
    for profile in workspace.systems.profiles() {
        by_role.entry(profile.role).or_default().push(&profile.name);
        if workspace.config.system(&profile.name).required && !used(&profile.name) {
            missing.blocking.push(format!("No export of {}, which the configuration requires.", profile.title));
        }
    }
    for (role, names) in by_role.into_iter().filter(|(_, names)| !names.iter().any(|name| used(name))) {
        let names = names.join(", ");
        match role {
            Role::Crm => missing.blocking.push(format!("No CRM export ({names}): there is nothing to match the others to.")),
            Role::Marketing => {
                missing.worth_knowing.push(format!("No export of a marketing platform ({names}): nothing is compared with it."))
            }
            Role::Source => {
                missing.worth_knowing.push(format!("No export of a source system ({names}): nothing is compared with it."))
            }
        }
    }
    missing
}

/// Colours, where they are wanted.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    fn warn(self, text: &str) -> String {
        self.with("33", text)
    }

    fn bad(self, text: &str) -> String {
        self.with("31", text)
    }
}
