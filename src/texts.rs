//! One store for all texts of a run: every distinct address, id and word stands once, and frames hold its number.
//!
//! Joins and comparisons are over four bytes instead of a text. The store is the one behind Polars'
//! categoricals, which several threads fill at once; columns hold the bare numbers, because a categorical
//! column looks every number up again when it is made. Numbers depend on the order of arrival: nothing that
//! a person sees may be sorted by them.

use std::num::NonZeroU32;
use std::sync::Arc;

use polars::prelude::{
    CategoricalMapping, CategoricalPhysical, Categories, Column, IntoColumn, NewChunkedArray, PlSmallStr, UInt32Chunked,
};

/// The number of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(NonZeroU32);

impl Text {
    /// The number in columns.
    pub fn number(self) -> u32 {
        self.0.get() - 1
    }

    /// The text with that number in columns.
    pub fn from_number(number: u32) -> Text {
        Text(NonZeroU32::MIN.saturating_add(number))
    }
}

/// The store. Cloning it is cheap and gives the same store.
#[derive(Clone)]
pub struct Texts {
    // The mapping lives as long as its categories.
    _categories: Arc<Categories>,
    mapping: Arc<CategoricalMapping>,
}

impl Default for Texts {
    fn default() -> Self {
        let categories = Categories::random(PlSmallStr::from_static("prefrecon"), CategoricalPhysical::U32);
        Texts { mapping: categories.mapping(), _categories: categories }
    }
}

impl Texts {
    /// The number of a text, given out on first sight.
    ///
    /// # Panics
    /// After four billion distinct texts, which the limits of the reader exclude.
    pub fn intern(&self, text: &str) -> Text {
        Text::from_number(self.mapping.insert_cat(text).expect("fewer than 2^32 distinct texts"))
    }

    /// The text behind a number.
    pub fn get(&self, text: Text) -> &str {
        self.mapping.cat_to_str(text.number()).unwrap_or_default()
    }

    /// More than the greatest number given out so far.
    pub fn len(&self) -> usize {
        self.mapping.num_cats_upper_bound()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A column of texts, by their numbers.
pub fn column(name: &'static str, texts: impl Iterator<Item = Option<Text>>) -> Column {
    UInt32Chunked::from_iter_options(name.into(), texts.map(|text| text.map(Text::number))).into_column()
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Texts({})", self.len())
    }
}
