//! `prefrecon init DIR`: a workspace to start with.

use std::path::Path;

use anyhow::Result;

use crate::commands::{DONE, print, require_empty};
use crate::write::private_text;

/// The configuration, every key with its default, as comments.
const CONFIGURATION: &str = include_str!("init.toml");

/// What records staff must know.
const NOTE: &str = include_str!("init.txt");

pub(super) fn init(dir: &Path) -> Result<u8> {
    require_empty(dir)?;
    private_text(&dir.join("prefrecon.toml"), CONFIGURATION)?;
    private_text(&dir.join("inbox").join("README.txt"), NOTE)?;
    print(&format!(
        "A workspace is ready in {0}.\n\n  1. Look through {0}/prefrecon.toml; every key is optional.\n  2. Drop the exports into \
         {0}/inbox.\n  3. prefrecon check {0}   says what each file is taken for.\n  4. prefrecon run {0}     does the job.\n",
        dir.display()
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
