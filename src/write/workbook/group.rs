//! One sheet a group of rules: one row a discrepancy, the worst first.

use anyhow::Result;
use rust_xlsxwriter::Workbook;

use super::context::Context;
use super::detail::columns;
use super::found::Of;
use super::listing::Listing;

/// Rules whose codes begin alike.
#[derive(Debug)]
pub struct Group {
    /// The first letters of their codes.
    pub prefix: &'static str,
    /// The sheet's name.
    pub title: &'static str,
    /// What the subject of its discrepancies is.
    pub subject: &'static str,
    /// Whether the sheet is there even when nothing was found.
    pub always: bool,
    table: &'static str,
    about: &'static str,
}

impl Group {
    /// Whether the rule is one of its own.
    pub fn has(&self, code: &str) -> bool {
        code.starts_with(self.prefix)
    }
}

/// Every group, in code order of urgency.
pub const GROUPS: [Group; 6] = [
    Group {
        prefix: "OPT",
        title: "Opt-outs",
        subject: "Business unit",
        always: true,
        table: "OptOuts",
        about: "People whose wish to get no e-mail, or to get it again, is not the same in every system.",
    },
    Group {
        prefix: "BNC",
        title: "Bounces",
        subject: "Subject",
        always: true,
        table: "Bounces",
        about: "Addresses that mail does not reach in one system and that look good in another. Says nothing about anybody's wish.",
    },
    Group {
        prefix: "CAT",
        title: "Categories",
        subject: "Category",
        always: true,
        table: "Categories",
        about: "Subscriptions to single categories that are stale, unknown or do not fit the person's opt-out.",
    },
    Group {
        prefix: "LST",
        title: "Lists",
        subject: "List",
        always: false,
        table: "Lists",
        about: "Memberships of mailing lists that do not fit the person's opt-out.",
    },
    Group {
        prefix: "IDN",
        title: "Identities",
        subject: "Subject",
        always: true,
        table: "Identities",
        about: "Records whose ids and addresses do not tell clearly which person they belong to.",
    },
    Group {
        prefix: "DAT",
        title: "Data",
        subject: "Field",
        always: true,
        table: "DataQuality",
        about: "Cells and rows of the exports that could not be used as they are.",
    },
];

/// Adds the group's sheet.
pub fn write(book: &mut Workbook, context: &Context, group: &Group) -> Result<()> {
    let found = &context.found;
    let mut rows: Vec<usize> =
        (0..found.rows).filter(|&row| found.get(row, Of::Rule).is_some_and(|code| group.has(code))).collect();
    rows.sort_by_key(|&row| found.severity(row));
    let listing = Listing {
        name: group.title,
        table: group.table,
        about: format!("{} The worst come first. Times are those of {}.", group.about, context.report.timezone),
        columns: columns(context, &rows, group.subject),
        rows: rows.len(),
        rest: "discrepancies.csv and discrepancies.parquet",
        empty: "Nothing found. All is well here.",
    };
    listing.write(book, context)?;
    Ok(())
}
