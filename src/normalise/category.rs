//! Category cells: the values of one system under the names that all systems share.

use std::collections::BTreeSet;

use foldhash::HashMap;

use crate::config::{Category, Config};
use crate::systems::Profile;
use crate::texts::{Text, Texts};

/// What one value of a categories cell is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Known {
    Current(String),
    Renamed(String),
    Retired(String),
}

impl Known {
    fn by_name(category: &Category) -> Known {
        let name = category.name.clone();
        if category.retired { Known::Retired(name) } else { Known::Current(name) }
    }
}

/// The categories of one system: its values, and the names that all systems share.
#[derive(Clone, Debug)]
pub struct CategoryBook {
    values: HashMap<String, Known>,
    separator: String,
    cells: HashMap<String, CategoryCell>,
}

/// A categories cell, read. Each text is a list joined by `;`, empty for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CategoryCell {
    /// Current categories by name, sorted, renamed ones under their new name: what systems are compared by.
    pub current: Text,
    /// Everything that is on, by name where there is one, sorted.
    pub on: Text,
    /// Values that are retired, renamed or unknown, as the cell spells them, sorted.
    pub odd: Text,
}

impl CategoryBook {
    /// The book of a system. Without any `[[category]]` every value is a category of its own name.
    pub fn new(profile: &Profile, config: &Config) -> CategoryBook {
        let mut values = HashMap::default();
        for category in &config.category {
            for old in &category.renamed_from {
                values.insert(old.to_lowercase(), Known::Renamed(category.name.clone()));
            }
            let known = Known::by_name(category);
            for value in own_values(category, &profile.name) {
                values.insert(value.to_lowercase(), known.clone());
            }
        }
        CategoryBook { values, separator: profile.category_separator.clone(), cells: HashMap::default() }
    }

    /// The book of tables in which each category has a box of its own: what is ticked goes by the category's name there.
    pub fn of_boxes(profile: &Profile, config: &Config) -> CategoryBook {
        let values = config.category.iter().map(|category| (category.name.to_lowercase(), Known::by_name(category))).collect();
        CategoryBook { values, separator: profile.category_separator.clone(), cells: HashMap::default() }
    }

    /// Reads a cell; `None` and blank are no category at all.
    pub fn read(&mut self, cell: Option<&str>, texts: &Texts) -> CategoryCell {
        let cell = cell.unwrap_or_default();
        if let Some(known) = self.cells.get(cell) {
            return *known;
        }
        let (mut current, mut on, mut odd) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for value in self.split(cell) {
            match self.values.get(&value.to_lowercase()) {
                Some(Known::Current(name)) => {
                    current.insert(name.as_str());
                    on.insert(name.as_str());
                }
                Some(Known::Renamed(name)) => {
                    current.insert(name.as_str());
                    on.insert(name.as_str());
                    odd.insert(value);
                }
                Some(Known::Retired(name)) => {
                    on.insert(name.as_str());
                    odd.insert(value);
                }
                None if self.values.is_empty() => {
                    current.insert(value);
                    on.insert(value);
                }
                None => {
                    on.insert(value);
                    odd.insert(value);
                }
            }
        }
        let joined = |set: BTreeSet<&str>| texts.intern(&set.into_iter().collect::<Vec<_>>().join(";"));
        let read = CategoryCell { current: joined(current), on: joined(on), odd: joined(odd) };
        self.cells.insert(cell.to_owned(), read);
        read
    }

    /// The values of a cell, in its order.
    pub fn split<'a>(&self, cell: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
        let separator = self.separator.clone();
        let parts: Vec<&str> = cell.split(separator.as_str()).map(str::trim).filter(|value| !value.is_empty()).collect();
        parts.into_iter()
    }

    /// The category that a value stands for now, if it stands for one.
    pub fn name_of(&self, value: &str) -> Option<&str> {
        match self.values.get(&value.to_lowercase()) {
            Some(Known::Current(name) | Known::Renamed(name)) => Some(name),
            _ => None,
        }
    }

    /// Why a value is odd.
    pub fn oddity(&self, value: &str) -> String {
        match self.values.get(&value.to_lowercase()) {
            Some(Known::Renamed(name)) => format!("the category is called \"{name}\" now"),
            Some(Known::Retired(_)) => "the category is retired".to_owned(),
            _ => "no [[category]] of the configuration has this value".to_owned(),
        }
    }
}

/// The values of a category in one system: those given for it, else its name.
pub fn own_values<'a>(category: &'a Category, system: &str) -> impl Iterator<Item = &'a str> {
    let given = category.systems.get(system).map(|values| values.all());
    given.unwrap_or(std::slice::from_ref(&category.name)).iter().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::Systems;

    fn book(text: &str, system: &str) -> CategoryBook {
        let systems = Systems::built_in().unwrap();
        CategoryBook::new(systems.get(system).unwrap(), &Config::parse(text, &systems).unwrap())
    }

    #[test]
    fn categories_are_read_by_name_whatever_the_system_calls_them() {
        let text = "[[category]]\nname = 'Alumni News'\nascend = 'ALN'\nrenamed_from = ['Alumni Update']\n\
                    [[category]]\nname = 'Gala'\nretired = true";
        let texts = Texts::default();
        // system | cell | current | on | odd
        for (system, cell, current, on, odd) in [
            ("ascend", "ALN", "Alumni News", "Alumni News", ""),
            ("salesforce", "Alumni News; Gala", "Alumni News", "Alumni News;Gala", "Gala"),
            ("salesforce", "alumni update", "Alumni News", "Alumni News", "alumni update"),
            ("salesforce", "Zoo;Alumni News", "Alumni News", "Alumni News;Zoo", "Zoo"),
            ("salesforce", "", "", "", ""),
        ] {
            let read = book(text, system).read(Some(cell), &texts);
            let read = [read.current, read.on, read.odd].map(|text| texts.get(text).to_owned());
            assert_eq!(read, [current, on, odd], "{system} {cell}");
        }
    }

    #[test]
    fn boxes_go_by_name_whatever_their_header_is() {
        let text = "[[category]]\nname = 'Alumni News'\nsalesforce = 'Pref_Alumni_News__c'\n\
                    [[category]]\nname = 'Gala'\nsalesforce = 'Pref_Gala__c'\nretired = true";
        let (systems, texts) = (Systems::built_in().unwrap(), Texts::default());
        let config = Config::parse(text, &systems).unwrap();
        let mut book = CategoryBook::of_boxes(systems.get("salesforce").unwrap(), &config);
        let read = book.read(Some("Alumni News;Gala"), &texts);
        assert_eq!([read.current, read.on, read.odd].map(|text| texts.get(text)), ["Alumni News", "Alumni News;Gala", "Gala"]);
        assert_eq!(book.oddity("Gala"), "the category is retired");
    }

    #[test]
    fn without_a_table_every_value_is_known() {
        let texts = Texts::default();
        let read = book("", "salesforce").read(Some("B;A"), &texts);
        assert_eq!((texts.get(read.current), texts.get(read.odd)), ("A;B", ""));
    }
}
