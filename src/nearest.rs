//! The nearest known name for one that is not known, and TOML errors that say it.

use anyhow::{Result, anyhow};
use serde::de::DeserializeOwned;

/// The known name that is most like `unknown`, if any is like it at all.
pub fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&unknown.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance * 5 <= 2 * name.chars().count().max(3))
        .min_by_key(|(distance, name)| (*distance, name.len()))
        .map(|(_, name)| name)
}

/// `, did you mean …?` for an unknown name, or nothing.
pub fn did_you_mean<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(unknown, known).map(|name| format!(", did you mean `{name}`?")).unwrap_or_default()
}

/// The same as the end of a sentence: a full stop where nothing is near.
pub fn sentence_hint(unknown: &str, known: &[&str]) -> String {
    match did_you_mean(unknown, known.iter().copied()) {
        hint if hint.is_empty() => ".".to_owned(),
        hint => hint,
    }
}

/// Parses TOML; an unknown key is refused with its line and the nearest known one.
pub fn parse_toml<T: DeserializeOwned>(text: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| {
        // serde lists the known keys in the message; there is no structured way to them.
        let mut quoted = error.message().split('`').skip(1).step_by(2);
        let hint = match (error.message().starts_with("unknown"), quoted.next()) {
            (true, Some(unknown)) => did_you_mean(unknown, quoted),
            _ => String::new(),
        };
        anyhow!("{}{hint}", error.to_string().trim_end())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered_and_far_ones_are_not() {
        // unknown | known | offered
        for (unknown, known, offered) in [
            ("max_shar", vec!["max_share", "min_rows"], Some("max_share")),
            ("Emial", vec!["Email", "Id"], Some("Email")),
            ("zzz", vec!["Email", "Id"], None),
            ("", vec!["Email"], None),
        ] {
            assert_eq!(nearest(unknown, known), offered, "{unknown}");
        }
    }
}
