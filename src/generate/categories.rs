//! The categories, and the cells that list them.

/// A category: its name, which is also the CRM's value, and the source's code.
pub struct Category {
    /// In reports and in the CRM.
    pub name: &'static str,
    /// In the source.
    pub code: &'static str,
}

/// The categories that are on offer, then one that is retired.
pub const CATEGORIES: [Category; 7] = [
    Category { name: "Alumni News", code: "ALN" },
    Category { name: "Events", code: "EVT" },
    Category { name: "Athletics", code: "ATH" },
    Category { name: "Arts and Culture", code: "ARC" },
    Category { name: "Research Digest", code: "RSD" },
    Category { name: "Volunteer Notes", code: "VOL" },
    Category { name: "Parents Bulletin", code: "PAR" },
];

/// Positions in [`CATEGORIES`] that cases name.
pub const ALUMNI_NEWS: u8 = 0;
/// A category that the source can opt in to by code.
pub const EVENTS: u8 = 1;
/// The first category without a code of its own.
pub const ATHLETICS: u8 = 2;
/// The retired one.
pub const PARENTS_BULLETIN: u8 = 6;

/// The categories that are on in a record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Categories {
    /// One bit a known category.
    on: u8,
    /// One more value, as the record writes it: a former name, or one that nobody knows.
    pub extra: &'static str,
}

impl Categories {
    /// These known ones.
    pub fn of(positions: &[u8]) -> Categories {
        Categories { on: positions.iter().map(|position| 1 << position).sum(), extra: "" }
    }

    /// Known ones, one bit each.
    pub fn from_bits(on: u8) -> Categories {
        Categories { on, extra: "" }
    }

    /// One more.
    pub fn with(self, position: u8) -> Categories {
        Categories { on: self.on | 1 << position, ..self }
    }

    /// One less.
    pub fn without(self, position: u8) -> Categories {
        Categories { on: self.on & !(1 << position), ..self }
    }

    /// One value more that is no known category.
    pub fn with_extra(self, extra: &'static str) -> Categories {
        Categories { extra, ..self }
    }

    /// The known ones.
    pub fn known(self) -> impl Iterator<Item = &'static Category> {
        CATEGORIES.iter().enumerate().filter(move |(position, _)| self.on & 1 << position != 0).map(|(_, category)| category)
    }

    /// Writes the cell with names or with codes.
    pub fn write(self, row: &mut Vec<u8>, separator: &str, word: impl Fn(&Category) -> &'static str) {
        let extra = Some(self.extra).filter(|extra| !extra.is_empty());
        for (at, value) in self.known().map(word).chain(extra).enumerate() {
            if at > 0 {
                row.extend_from_slice(separator.as_bytes());
            }
            row.extend_from_slice(value.as_bytes());
        }
    }
}
