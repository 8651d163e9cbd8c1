//! The names of correction files that hold one list each.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::columns::Purpose;
use crate::decide::{Decided, files_for};
use crate::normalise::{Facts, col};
use crate::systems::CorrectionFile;

/// The names of files that hold one list each. Lists whose names differ only in signs that a file name cannot have get
/// a number, in the order of their names.
pub(super) struct ListFiles(BTreeMap<(usize, String), String>);

impl ListFiles {
    pub fn of(decided: &Decided, facts: &Facts<'_>) -> ListFiles {
        let one_a_list = |(record, purpose): &(u32, Purpose)| files_for(facts, *record, *purpose).any(|spec| spec.one_a_list);
        let keys = decided.corrections.keys().filter(|key| one_a_list(key));
        let lists: BTreeSet<(usize, &str)> =
            keys.map(|(record, _)| (facts.system(*record), facts.text(col::UNIT, *record))).collect();
        let mut taken: BTreeSet<(usize, String)> = BTreeSet::new();
        let mut named = BTreeMap::new();
        for (system, list) in lists {
            let plain: String =
                list.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).flat_map(char::to_lowercase).collect();
            let plain = plain.split('_').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_");
            let plain: String = if plain.is_empty() { "list".to_owned() } else { plain.chars().take(MOST_OF_A_NAME).collect() };
            let numbered = std::iter::once(plain.clone()).chain((2..).map(|count| format!("{plain}_{count}")));
            let free = numbered.map(|name| (system, name)).find(|name| !taken.contains(name)).expect("numbers do not end");
            taken.insert(free.clone());
            named.insert((system, list.to_owned()), free.1);
        }
        ListFiles(named)
    }

    pub fn name<'a>(&self, spec: &'a CorrectionFile, record: u32, facts: &Facts<'_>) -> Cow<'a, str> {
        if !spec.one_a_list {
            return Cow::Borrowed(&spec.file);
        }
        let list = self.0.get(&(facts.system(record), facts.text(col::UNIT, record).to_owned()));
        match (list, spec.file.rsplit_once('.')) {
            (Some(list), Some((stem, ending))) => Cow::Owned(format!("{stem}_{list}.{ending}")),
            _ => Cow::Borrowed(&spec.file),
        }
    }
}

/// Letters of a list's name that its file keeps.
const MOST_OF_A_NAME: usize = 60;
