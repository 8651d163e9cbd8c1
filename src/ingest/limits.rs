//! What a file may hold at most. A file or row beyond a limit is refused by name, never cut silently.

/// Columns of a table: what a sheet has.
pub const MAX_COLUMNS: usize = 16_384;

/// Characters of a cell that is read: what a spreadsheet's cell holds.
pub const MAX_CELL_CHARS: usize = 32_767;

/// Data rows of one file.
pub const MAX_ROWS: usize = 500_000_000;

/// Rows of a sheet.
pub const MAX_SHEET_ROWS: u32 = 1_048_576;

/// Rows from the top among which the header is looked for.
pub const HEADER_DEPTH: usize = 30;

/// Rows from the top that are looked at before the whole file is read: the header and what tells kinds apart.
pub const HEAD_ROWS: usize = 400;

/// Bytes of a text in which these rows must end.
pub const HEAD_BYTES: usize = 4 << 20;

/// Rows of a footer.
pub const MAX_FOOTER_ROWS: usize = 50;

/// Lines that one row of a text file may cover. A quotation mark that is never closed covers more.
pub const MAX_ROW_LINES: u64 = 200;

/// Quotation marks without an end before a file is given up.
pub const MAX_OPEN_QUOTES: usize = 1_000;

/// Characters of a rejected row that are quoted in the list of rejects.
pub const MAX_QUOTED_CHARS: usize = 200;
