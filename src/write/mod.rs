//! What a run leaves behind, rendered from its [`Report`](crate::report::Report).

pub mod workbook;
