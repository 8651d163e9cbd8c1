//! What a file may hold at most. A file or row beyond a limit is refused by name, never cut silently.

/// Columns of a table: what a sheet has.
pub const MAX_COLUMNS: usize = 16_384;

/// Characters of a cell that is read: what a spreadsheet's cell holds.
pub const MAX_CELL_CHARS: usize = 32_767;

/// Data rows of one file.
pub const MAX_ROWS: u64 = 500_000_000;

/// Rows of a sheet.
pub const MAX_SHEET_ROWS: u32 = 1_048_576;

/// Rows from the top among which the header is looked for.
pub const HEADER_DEPTH: usize = 30;

/// Rows from the top that are looked at before the whole file is read: the header and what tells kinds apart.
pub const HEAD_ROWS: usize = 400;

/// Bytes of a text in which these rows must end.
pub const HEAD_BYTES: usize = 4 << 20;

/// Bytes of a text that are read at a time; several such pieces are read side by side.
pub const PIECE_BYTES: usize = 1 << 20;

/// Bytes that a row of a text usually takes.
pub const USUAL_ROW_BYTES: usize = 128;

/// Bytes of a file up to which it is read beside others.
pub const SMALL_FILE_BYTES: u64 = 32 << 20;

/// Rows of a workbook that are handed on at a time.
pub const BATCH_ROWS: usize = 16_384;

/// Rows of a footer.
pub const MAX_FOOTER_ROWS: usize = 50;

/// Lines that one row of a text file may cover. A quotation mark that is never closed covers more.
pub const MAX_ROW_LINES: u64 = 200;

/// Quotation marks without an end before a file is given up.
pub const MAX_OPEN_QUOTES: usize = 1_000;

/// Characters of a rejected row that are quoted in the list of rejects.
pub const MAX_QUOTED_CHARS: usize = 200;

/// Files in an archive.
pub const MAX_ENTRIES: usize = 1_000;

/// Bytes that the content of one archive, or of one workbook, may take unpacked.
pub const MAX_UNPACKED_BYTES: u64 = 8 << 30;

/// How many times its packed size a content may take unpacked. Exports take up to some dozen times.
pub const MAX_EXPANSION: u64 = 200;

/// Bytes that a content may take unpacked whatever its packed size.
pub const FREE_UNPACKED_BYTES: u64 = 64 << 20;

/// Sheets of a workbook that are looked at.
pub const MAX_SHEETS: usize = 1_000;

/// Address space of the process that reads a workbook.
pub const WORKBOOK_MEMORY_BYTES: u64 = 2 << 30;

/// Processor time of the process that reads a workbook, whatever its size.
pub const WORKBOOK_SECONDS: u64 = 5;

/// Further processor time for each megabyte that the workbook takes unpacked.
pub const WORKBOOK_SECONDS_PER_MEGABYTE: u64 = 1;

/// Bytes that a packed content may take unpacked.
pub fn unpacked_limit(packed: u64) -> u64 {
    packed.saturating_mul(MAX_EXPANSION).clamp(FREE_UNPACKED_BYTES, MAX_UNPACKED_BYTES)
}

/// Bytes of a file with decisions or exceptions.
pub const MAX_PAPER_BYTES: u64 = 256 << 20;

/// Rows of one.
pub const MAX_PAPER_ROWS: usize = 200_000;
