//! What a file's name or the configuration says of all its rows where no column does: the list and the state. They
//! become columns of the table, so that later stages know no difference.

use super::MappedColumn;
use super::recognise::pattern_of;
use crate::columns::Field;
use crate::config::Config;
use crate::systems::{Kind, Profile, State};

/// Adds the columns that a kind expects of the name or of the configuration; gives the list and the state where one of
/// them came from there.
///
/// # Errors
/// What neither says, with the choice to make and the line to add.
pub fn tell(
    profile: &Profile,
    kind: &Kind,
    names: &[&str],
    config: &Config,
    mapped: &mut Vec<(usize, MappedColumn)>,
) -> Result<Option<(String, String)>, String> {
    if kind.from_name.is_empty() {
        return Ok(None);
    }
    let in_name = state_in_name(profile, kind, names);
    let section = config.systems.get(&profile.name);
    let configured = |patterns: fn(&crate::config::System) -> &std::collections::BTreeMap<String, String>| {
        let fitting = patterns(section?).iter().filter(|(pattern, _)| names.iter().any(|name| fits(pattern, name)));
        // The longest pattern says it most exactly.
        fitting.max_by_key(|(pattern, _)| pattern.len()).map(|(_, value)| (value.clone(), "the configuration"))
    };
    let by_name = |text: &Option<String>| text.clone().map(|text| (text, "the file's name"));
    let state = configured(|section| &section.states).or_else(|| by_name(&in_name.as_ref().map(|(_, state)| state.clone())));
    let list = configured(|section| &section.lists).or_else(|| by_name(&in_name.as_ref().and_then(|(list, _)| list.clone())));
    let stops_all = state.as_ref().is_some_and(|(word, _)| is_word_of(profile, kind, word, State::Suppressed));
    let mut missing = Vec::new();
    let (mut list_told, mut state_told) = (String::new(), String::new());
    for (field, value, said) in [(Field::List, list, &mut list_told), (Field::Status, state, &mut state_told)] {
        if !kind.columns.contains_key(&field) || mapped.iter().any(|(_, column)| column.field == field) {
            continue;
        }
        match value {
            Some((value, by)) => {
                let name = field.name();
                let header = format!("{value} (from {by})");
                let column = MappedColumn { name: name.to_owned(), field, header, constant: Some(value.clone()) };
                mapped.push((usize::MAX, column));
                *said = value;
            }
            None if kind.from_name.contains(&field) && !(field == Field::List && stops_all) => missing.push(field),
            None => {}
        }
    }
    if missing.is_empty() {
        return Ok((!list_told.is_empty() || !state_told.is_empty()).then_some((list_told, state_told)));
    }
    Err(refusal(profile, kind, names, &missing))
}

/// The list, where one stands before it, and the state that a file's name tells: `<list>-unsubscribed-….csv`.
pub fn state_in_name(profile: &Profile, kind: &Kind, names: &[&str]) -> Option<(Option<String>, String)> {
    let words = || profile.status_of(kind).values().flatten();
    let told = |name: &str| {
        let mut end = name.len();
        // From the back: what stands before the state is the list, and may hold such a word itself.
        for token in name.rsplit(|c: char| !c.is_alphanumeric()) {
            let start = end - token.len();
            if token.chars().any(char::is_alphabetic)
                && let Some(word) = words().find(|word| word.eq_ignore_ascii_case(token))
            {
                let list = name[..start].trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '_' | '.'));
                return Some(((!list.is_empty()).then(|| list.to_owned()), word.clone()));
            }
            end = start.saturating_sub(name[..start].chars().next_back().map_or(0, char::len_utf8));
        }
        None
    };
    names.iter().find_map(|name| told(name))
}

fn is_word_of(profile: &Profile, kind: &Kind, word: &str, state: State) -> bool {
    profile.status_of(kind).get(&state).is_some_and(|words| words.iter().any(|known| known.eq_ignore_ascii_case(word)))
}

fn fits(pattern: &str, name: &str) -> bool {
    let case = glob::MatchOptions { case_sensitive: false, ..glob::MatchOptions::new() };
    // Patterns were checked with the configuration.
    glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches_with(name, case))
}

fn refusal(profile: &Profile, kind: &Kind, names: &[&str], missing: &[Field]) -> String {
    let pattern = pattern_of(names.first().copied().unwrap_or_default());
    let known: Vec<&str> = profile.status_of(kind).values().flatten().map(String::as_str).collect();
    let what: Vec<&str> = missing.iter().map(|field| if *field == Field::List { "which list" } else { "which state" }).collect();
    let lines: Vec<String> = missing
        .iter()
        .map(|field| match field {
            Field::List => format!("[systems.{}.lists] \"{pattern}\" = \"the list's name\"", profile.name),
            _ => format!("[systems.{}.states] \"{pattern}\" = \"{}\"", profile.name, known.first().copied().unwrap_or_default()),
        })
        .collect();
    format!(
        "neither a column nor its name nor the configuration says {} its {}s are in. Name it as in \"News-Unsubscribed-2026-11-21.csv\", \
         or add to prefrecon.toml: {} (the states are {})",
        what.join(" and "),
        kind.noun,
        lines.join(" and "),
        known.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::Systems;

    #[test]
    fn the_list_and_the_state_are_read_from_a_name() {
        let systems = Systems::built_in().unwrap();
        let profile = systems.get("campaign_monitor").unwrap();
        // name | list, state
        for (name, told) in [
            ("Alumni News-unsubscribed-2026-11-21.csv", Some((Some("Alumni News"), "Unsubscribed"))),
            ("Alumni-News_Bounced.csv", Some((Some("Alumni-News"), "Bounced"))),
            ("Alumni News - Active.csv.gz", Some((Some("Alumni News"), "Active"))),
            ("Active Alumni-deleted.csv", Some((Some("Active Alumni"), "Deleted"))),
            ("unconfirmed.csv", Some((None, "Unconfirmed"))),
            ("Événements_Spam_2026.csv", Some((Some("Événements"), "Spam"))),
            ("Alumni News 2026-11-21.csv", None),
            ("activecampaign.csv", None),
        ] {
            let expected = told.map(|(list, state): (Option<&str>, &str)| (list.map(str::to_owned), state.to_owned()));
            assert_eq!(state_in_name(profile, &profile.kinds[0], &[name]), expected, "{name}");
        }
    }
}
