//! `prefrecon init DIR`: a workspace to start with.

use std::path::Path;

use anyhow::Result;

use crate::commands::{DONE, print, require_empty};
use crate::schedule::for_shell;
use crate::write::private_text;

/// The configuration, every key with its default, as comments.
const CONFIGURATION: &str = include_str!("init.toml");

/// What records staff must know.
const NOTE: &str = include_str!("init.txt");

/// What reviewers must know.
const DECISIONS_NOTE: &str = include_str!("init_decisions.txt");

pub(super) fn init(dir: &Path) -> Result<u8> {
    require_empty(dir)?;
    private_text(&dir.join("prefrecon.toml"), CONFIGURATION)?;
    private_text(&dir.join("inbox").join("README.txt"), NOTE)?;
    private_text(&dir.join("decisions").join("README.txt"), DECISIONS_NOTE)?;
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let (shown, typed) = (dir.display(), for_shell(&dir));
    print(&format!(
        "A workspace is ready in {shown}.\n\n\
         \x20 1. Drop the week's exports into {shown}/inbox; the README.txt there tells staff which.\n\
         \x20 2. Wait a minute, then see what each file is taken for:   prefrecon check {typed}\n\
         \x20 3. See what a run would find, and write nothing:          prefrecon run --dry-run {typed}\n\
         \x20 4. Run it; what it leaves is in {shown}/runs/latest:\n\
         \x20                                                            prefrecon run {typed}\n\
         \x20 5. Let it run every week, by cron or systemd:             prefrecon schedule {typed}\n\n\
         What is particular to your systems (headers, codes, categories, time zone) goes into prefrecon.toml: every key is\n\
         optional and explained there.\n"
    ))?;
    Ok(DONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::systems::Systems;

    #[test]
    fn the_configuration_parses_as_it_stands_and_with_every_comment_taken_off() {
        let systems = Systems::built_in().unwrap();
        let as_it_stands = Config::parse(CONFIGURATION, &systems).unwrap();
        let bare: String =
            CONFIGURATION.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line)).collect::<Vec<_>>().join("\n");
        let uncommented = Config::parse(&bare, &systems).unwrap();
        assert_eq!(toml::to_string(&as_it_stands.policy).unwrap(), toml::to_string(&uncommented.policy).unwrap());
        assert_eq!(toml::to_string(&as_it_stands.brake).unwrap(), toml::to_string(&uncommented.brake).unwrap());
        assert_eq!(uncommented.category.len(), 1);
    }
}
