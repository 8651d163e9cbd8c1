//! Columns whose cells are looked up one by one.

use polars::prelude::{ChunkedArray, PolarsDataType, StaticArray};

/// A column in one piece: a cell is found without asking which piece it is in, as often as rows are looked at.
pub struct ColumnCells<T: PolarsDataType>(T::Array);

impl<T: PolarsDataType> ColumnCells<T> {
    /// The cells of a column.
    pub fn of(column: &ChunkedArray<T>) -> ColumnCells<T> {
        ColumnCells(column.rechunk().downcast_as_array().clone())
    }

    /// A cell, unless it is blank.
    pub fn get(&self, row: usize) -> Option<T::Physical<'_>> {
        self.0.get(row)
    }

    /// All of them, from top to bottom.
    pub fn iter(&self) -> impl Iterator<Item = Option<T::Physical<'_>>> {
        self.0.iter()
    }
}

impl<T: PolarsDataType> std::fmt::Debug for ColumnCells<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ColumnCells")
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
        let cells = ColumnCells::of(&column);
        assert_eq!([0, 1, 2, 3, 4].map(|row| cells.get(row)), [Some(3), None, None, Some(7), None]);
    }
}
