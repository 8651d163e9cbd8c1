//! The catalogue: every rule with its words, its condition and its tests, one file a rule.
//!
//! [`RULES`] feeds the run, `prefrecon rules`, the README's table, the workbook's Guide and the tests.

pub mod predicates;
mod search;
#[cfg(test)]
pub(crate) mod testing;

use anyhow::Result;
use polars::prelude::Expr;

use crate::classify::{Found, World};
use crate::columns::Severity;
pub use opt_out_undone::beside_decisions;
pub use search::without_unsubscribe_record;
pub(crate) use search::{once_a_contact, once_a_subject};

/// One kind of disagreement between records.
#[derive(Debug)]
pub struct Rule {
    /// Its code: a group of three letters and a number.
    pub code: &'static str,
    /// The defect in a few words.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it finds.
    pub finds: &'static str,
    /// Why it matters.
    pub matters: &'static str,
    /// What to do about it.
    pub action: &'static str,
    /// A row that it finds, in words.
    pub example: &'static str,
    /// Whether the legal clock runs: an opt-out is not honoured.
    pub clock: bool,
    /// How it is found.
    pub finder: Finder,
}

impl Rule {
    /// The three letters of its group.
    pub fn group(&self) -> &'static str {
        &self.code[..3]
    }
}

/// How a rule finds what it names.
#[derive(Debug)]
pub enum Finder {
    /// Two records of one person: what each is, and what must hold between them (columns `a_…` and `b_…`).
    Pair {
        /// The record that the rule's name says first.
        a: fn() -> Expr,
        /// The other record.
        b: fn() -> Expr,
        /// What must hold between them.
        both: fn() -> Expr,
    },
    /// A search of its own.
    Search(fn(&World<'_>, &'static Rule) -> Result<Vec<Found>>),
    /// Bad cells and rows, noted under the rule's code while they were read.
    Noted,
}

/// Declares the modules of the rules and lists them in code order.
macro_rules! catalogue {
    ($($module:ident),+ $(,)?) => {
        $(mod $module;)+

        /// Every rule, in code order.
        pub static RULES: &[&Rule] = &[$(&$module::RULE),+];
    };
}

catalogue![
    opted_out_in_crm_active_in_source,
    opted_out_in_crm_active_in_marketing,
    opted_out_in_source_active_in_crm,
    opted_out_in_source_active_in_marketing,
    unsubscribed_in_marketing_active_in_crm,
    unsubscribed_in_marketing_active_in_source,
    opted_back_in_in_crm_still_out_in_source,
    opted_back_in_in_crm_still_stopped_in_marketing,
    blank_here_known_elsewhere,
    unsubscribed_in_unit_active_at_enterprise,
    allowed_but_unsubscribe_record,
    not_allowed_without_unsubscribe_record,
    opt_out_undone,
    bounced_in_marketing_not_flagged_in_crm,
    held_in_marketing_not_flagged_in_crm,
    flagged_in_crm_active_in_marketing,
    bounced_in_marketing_good_in_source,
    opted_out_category_still_on,
    category_differs,
    category_retired_renamed_or_unknown,
    every_category_blank,
    opted_out_active_list_membership,
    unsubscribed_from_every_list_not_opted_out,
    mixed_list_states,
    address_on_several_contacts,
    address_on_contacts_that_disagree,
    same_contact_different_address,
    keys_point_at_different_contacts,
    no_crm_contact,
    no_source_record,
    bad_address,
    bad_id,
    no_usable_key,
    unknown_word,
    unreadable_date,
    date_in_the_future,
    key_repeated,
    stale_export,
];

/// The rule with that code, in any case.
pub fn find(code: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.code.eq_ignore_ascii_case(code))
}

/// The position of a rule in [`RULES`].
pub fn position(code: &str) -> usize {
    RULES.iter().position(|rule| rule.code == code).expect("rules are named by the catalogue's codes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        assert!(RULES.windows(2).all(|pair| pair[0].code[3..] < pair[1].code[3..]));
    }

    #[test]
    fn every_rule_is_documented_in_sentences() {
        for rule in RULES {
            for text in [rule.finds, rule.matters, rule.action, rule.example] {
                assert!(text.ends_with('.') && text.len() > 20, "{}: {text}", rule.code);
            }
            assert!(rule.name.len() <= 80 && !rule.name.ends_with('.'), "{}", rule.code);
        }
    }

    #[test]
    fn every_rule_tests_itself() {
        for rule in RULES.iter().filter(|rule| !matches!(rule.finder, Finder::Noted)) {
            let file = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules")).unwrap().flatten().find(|entry| {
                std::fs::read_to_string(entry.path()).is_ok_and(|text| text.contains(&format!("code: \"{}\"", rule.code)))
            });
            let text = std::fs::read_to_string(file.expect("a rule has a file").path()).unwrap();
            assert!(text.contains("#[test]"), "{} has no test beside it", rule.code);
        }
    }
}
