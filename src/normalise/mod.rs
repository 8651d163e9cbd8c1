//! Text to records.

mod times;

pub use times::Zone;
