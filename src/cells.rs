//! Columns whose cells are looked up one by one.

use polars::prelude::{ChunkedArray, PolarsDataType, PolarsNumericType, StaticArray};

/// A column of numbers in one piece: a cell is found without asking which piece it is in, as often as rows are looked at.
#[derive(Debug)]
pub struct Cells<T: PolarsNumericType>(<T as PolarsDataType>::Array);

impl<T: PolarsNumericType> Cells<T> {
    /// The cells of a column.
    pub fn of(column: &ChunkedArray<T>) -> Cells<T> {
        Cells(column.rechunk().downcast_as_array().clone())
    }

    /// A cell, unless it is blank.
    pub fn get(&self, row: usize) -> Option<T::Native> {
        StaticArray::get(&self.0, row)
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::{NewChunkedArray, UInt32Chunked};

    use super::*;

    #[test]
    fn cells_are_those_of_the_column_however_many_pieces_it_has() {
        let mut column = UInt32Chunked::from_iter_options("n".into(), [Some(3), None].into_iter());
        column.append(&UInt32Chunked::from_iter_options("n".into(), [None, Some(7)].into_iter())).unwrap();
        let cells = Cells::of(&column);
        assert_eq!([0, 1, 2, 3, 4].map(|row| cells.get(row)), [Some(3), None, None, Some(7), None]);
    }
}
