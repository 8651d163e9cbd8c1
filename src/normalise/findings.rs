//! What is wrong with a cell or a row: the DAT group's raw material.

use std::collections::BTreeMap;

use crate::columns::Field;
use crate::ingest::FileReport;
use crate::systems::Systems;
use crate::texts::{Text, Texts};

/// One bad cell or row. The rule is named by its code, the catalogue says the rest.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule's code.
    pub code: &'static str,
    /// Position of the system among the profiles.
    pub system: usize,
    /// The record's own key, where the row has one.
    pub record: Option<Text>,
    /// The record's first address.
    pub email: Option<Text>,
    /// The field that is bad.
    pub field: Field,
    /// What stood there.
    pub value: Option<Text>,
    /// What is wrong, as the rest of a sentence that begins with file, row and column.
    pub reason: Text,
    /// Position of the file among the inputs.
    pub input: u32,
    /// Row of the file.
    pub row: u32,
}

/// What the reason of a date begins with that could be two.
pub(super) const EITHER_WAY: &str = "day and month could be either way round";

/// Of each column with dates that could be two a sentence, with their number.
pub fn dates_of_two_readings(findings: &[Finding], files: &[FileReport], texts: &Texts) -> Vec<String> {
    let mut columns: BTreeMap<(u32, Field), u64> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| texts.get(finding.reason).starts_with(EITHER_WAY)) {
        *columns.entry((finding.input, finding.field)).or_default() += 1;
    }
    let sentence = |((input, field), dates): ((u32, Field), u64)| {
        let file = &files[input as usize];
        let header = file.mapped.iter().find(|column| column.field == field).map_or(field.name(), |column| &column.header);
        let dates = if dates == 1 { "1 date".to_owned() } else { format!("{dates} dates") };
        let system = file.system.as_deref().unwrap_or("NAME");
        format!(
            "{}, {header}: of {dates} {EITHER_WAY}, so they count as unknown. Settle it with date_order = \"mdy\" or \"dmy\" in \
             [systems.{system}].",
            file.file
        )
    };
    columns.into_iter().map(sentence).collect()
}

/// Of each code that the configuration gives no meaning a sentence, with the number of its rows.
pub fn codes_without_meaning(findings: &[Finding], systems: &Systems, texts: &Texts) -> Vec<String> {
    let mut codes: BTreeMap<(usize, &str), u64> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.code == "DAT604" && finding.field == Field::Code) {
        let code = finding.value.map(|value| texts.get(value)).unwrap_or_default();
        *codes.entry((finding.system, code)).or_default() += 1;
    }
    let sentence = |((system, code), rows): ((usize, &str), u64)| {
        let name = &systems.profiles()[system].name;
        let rows = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
        match code {
            "" => format!("{rows} of {name} name no code: their persons' corrections are held until they do."),
            code => format!(
                "The code {code} ({rows}) has no meaning yet: add it to [systems.{name}.codes]; until then its persons' corrections \
                 are held."
            ),
        }
    };
    codes.into_iter().map(sentence).collect()
}
