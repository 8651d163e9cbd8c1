//! One store for all texts of a run: every distinct address, id and word stands once, and frames hold its number.
//!
//! The store is a Polars `Categories`, so its numbers are the physical values of categorical columns: joins
//! compare four bytes, and a cast to String gives the text back. Numbers depend on the order of arrival;
//! nothing that a person sees may be sorted by them.

use std::num::NonZeroU32;
use std::sync::Arc;

use polars::prelude::{
    Categorical32Type, CategoricalChunked, CategoricalMapping, CategoricalPhysical, Categories, Column, DataType, IntoSeries,
    PlSmallStr, UInt32Chunked,
};

/// The number of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(NonZeroU32);

impl Text {
    /// The number in categorical columns.
    pub fn number(self) -> u32 {
        self.0.get() - 1
    }

    /// The text with that number in categorical columns.
    pub fn from_number(number: u32) -> Text {
        Text(NonZeroU32::MIN.saturating_add(number))
    }
}

/// The store. Cloning it is cheap and gives the same store.
#[derive(Clone)]
pub struct Texts {
    dtype: DataType,
    mapping: Arc<CategoricalMapping>,
}

impl Default for Texts {
    fn default() -> Self {
        let categories = Categories::random(PlSmallStr::from_static("prefrecon"), CategoricalPhysical::U32);
        Texts { mapping: categories.mapping(), dtype: DataType::from_categories(categories) }
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

    /// The type of columns that hold these texts.
    pub fn dtype(&self) -> DataType {
        self.dtype.clone()
    }

    /// A categorical column of texts.
    pub fn column(&self, name: &'static str, texts: impl Iterator<Item = Option<Text>>) -> Column {
        let numbers: UInt32Chunked = texts.map(|text| text.map(Text::number)).collect();
        let numbers = numbers.with_name(PlSmallStr::from_static(name));
        CategoricalChunked::<Categorical32Type>::from_cats_and_dtype(numbers, self.dtype()).into_series().into()
    }
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Texts({})", self.len())
    }
}
