//! The readers that need neither profiles nor Polars, and a table that only checks its rows.

#[path = "../../src/ingest/decode.rs"]
pub mod decode;
#[path = "../../src/ingest/delimited.rs"]
pub mod delimited;
#[path = "../../src/ingest/limits.rs"]
pub mod limits;
#[path = "../../src/ingest/spreadsheet/mod.rs"]
pub mod spreadsheet;

pub mod table {
    //! Stands in for the table that rows go to.

    use anyhow::Result;
    use csv::StringRecord;

    /// Keeps the row numbers, which must go up.
    pub struct Builder {
        width: usize,
        pub rows: Vec<(u32, bool)>,
    }

    impl Builder {
        pub fn new(width: usize) -> Builder {
            Builder { width, rows: Vec::new() }
        }

        pub fn width(&self) -> usize {
            self.width
        }

        pub fn push(&mut self, _cells: &StringRecord, row: u32, _after_blank: bool) -> Result<()> {
            self.add(row, true)
        }

        pub fn reject_row(&mut self, row: u32, _text: &str, _reason: &str) -> Result<()> {
            self.add(row, false)
        }

        fn add(&mut self, row: u32, taken: bool) -> Result<()> {
            assert!(self.rows.last().is_none_or(|(last, _)| *last < row), "row {row} after {:?}", self.rows.last());
            self.rows.push((row, taken));
            Ok(())
        }
    }
}
