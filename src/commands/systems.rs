//! `prefrecon systems [list|show NAME]`: the profiles.

use std::path::Path;

use anyhow::{Context, Result, anyhow};

use crate::cli::SystemsCommand;
use crate::commands::{DONE, print};
use crate::nearest::sentence_hint;
use crate::workspace::{Stop, profiles};
use crate::write::table;

pub(super) fn systems(what: Option<SystemsCommand>) -> Result<u8> {
    let systems = profiles(Path::new(".")).context(Stop::Configuration)?;
    match what {
        None | Some(SystemsCommand::List) => {
            let mut list = table(["name", "role", "exports", "correction files"], 0..0);
            for profile in systems.profiles() {
                let kinds: Vec<&str> = profile.kinds.iter().map(|kind| kind.name.as_str()).collect();
                let files: Vec<&str> = profile.corrections.iter().map(|file| file.file.as_str()).collect();
                for at in 0..kinds.len().max(files.len()) {
                    let of = |list: &[&str]| list.get(at).copied().unwrap_or_default().to_owned();
                    let first = |text: &str| if at == 0 { text.to_owned() } else { String::new() };
                    list.add_row([first(&profile.name), first(profile.role.word()), of(&kinds), of(&files)]);
                }
            }
            print(&format!(
                "{}\n\nOne system's profile, to start an own one from: prefrecon systems show NAME\n",
                list.trim_fmt()
            ))?;
        }
        Some(SystemsCommand::Show { name }) => {
            let hint = sentence_hint(&name, &systems.names());
            let known = systems.names().join(", ");
            let unknown = || anyhow!("there is no system `{name}`{hint} Known are {known}");
            print(systems.text(&name).with_context(unknown).context(Stop::Configuration)?)?;
        }
    }
    Ok(DONE)
}
