//! Colours, formats and the page: everything that gives the sheets one look.

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder, Worksheet};

use crate::columns::Severity;

/// Headers and titles.
pub const NAVY: Color = Color::RGB(0x1F3A5F);
/// Quiet text.
pub const GREY: Color = Color::RGB(0x5F6B7A);
/// Hair lines.
pub const LINE: Color = Color::RGB(0xD5DBE3);
/// Cells that a person fills in.
const INPUT: Color = Color::RGB(0xFFF9DB);
const WHITE: Color = Color::RGB(0xFFFFFF);

/// Background and ink of a severity.
pub fn severity_colours(severity: Severity) -> (Color, Color) {
    match severity {
        Severity::Critical => (Color::RGB(0xF9D6D5), Color::RGB(0x8A1C1C)),
        Severity::High => (Color::RGB(0xFCE3CC), Color::RGB(0x7D3C00)),
        Severity::Medium => (Color::RGB(0xFDF3C8), Color::RGB(0x665000)),
        Severity::Low => (Color::RGB(0xE1EDF8), Color::RGB(0x1C4A75)),
        Severity::Info => (Color::RGB(0xEEF0F2), Color::RGB(0x4A545E)),
    }
}

/// The colour of a severity in a chart.
pub fn severity_bar(severity: Severity) -> Color {
    match severity {
        Severity::Critical => Color::RGB(0xB3261E),
        Severity::High => Color::RGB(0xE07B24),
        Severity::Medium => Color::RGB(0xE8C33A),
        Severity::Low => Color::RGB(0x6FA3D3),
        Severity::Info => Color::RGB(0xB5BDC6),
    }
}

/// The formats of the cells.
pub struct Style {
    /// A sheet's name at its top.
    pub title: Format,
    /// The sentence below it.
    pub about: Format,
    /// A heading within a sheet.
    pub heading: Format,
    /// A link to another sheet.
    pub link: Format,
    /// A table's header.
    pub header: Format,
    /// What every row of a table has besides.
    pub row: Format,
    /// A cell on one line.
    pub text: Format,
    /// A cell whose text is longer than its column.
    pub wrapped: Format,
    /// A whole number.
    pub number: Format,
    /// A position in a file, as it is typed.
    pub place: Format,
    /// A bare date.
    pub day: Format,
    /// A date with its time.
    pub moment: Format,
    /// A cell that a person fills in, also where the sheet is protected.
    pub input: Format,
    /// The same for a day.
    pub input_day: Format,
    /// A severity, in the order of [`Severity::ALL`].
    pub severity: Vec<Format>,
}

impl Style {
    /// The one look.
    pub fn new() -> Style {
        let cell = Format::new().set_align(FormatAlign::Top);
        let input = cell
            .clone()
            .set_background_color(INPUT)
            .set_border(FormatBorder::Thin)
            .set_border_color(LINE)
            .set_text_wrap()
            .set_unlocked();
        let header = Format::new().set_bold().set_font_color(WHITE).set_background_color(NAVY);
        Style {
            title: Format::new().set_bold().set_font_size(16).set_font_color(NAVY),
            about: Format::new().set_font_color(GREY),
            heading: Format::new().set_bold().set_font_size(12).set_font_color(NAVY),
            link: Format::new().set_hyperlink(),
            header: header
                .set_text_wrap()
                .set_align(FormatAlign::VerticalCenter)
                .set_border(FormatBorder::Thin)
                .set_border_color(LINE),
            row: Format::new().set_border_bottom(FormatBorder::Thin).set_border_bottom_color(LINE),
            wrapped: cell.clone().set_text_wrap(),
            number: cell.clone().set_num_format("#,##0").set_align(FormatAlign::Right).set_indent(1),
            place: cell.clone().set_num_format("0").set_align(FormatAlign::Right).set_indent(1),
            day: cell.clone().set_num_format("yyyy-mm-dd").set_align(FormatAlign::Left),
            moment: cell.clone().set_num_format("yyyy-mm-dd hh:mm").set_align(FormatAlign::Left),
            input_day: input.clone().set_num_format("yyyy-mm-dd").set_align(FormatAlign::Left),
            input: input.set_num_format("@"),
            severity: Severity::ALL.iter().map(|&severity| badge(cell.clone(), severity)).collect(),
            text: cell,
        }
    }
}

/// That format in the colours of a severity.
fn badge(format: Format, severity: Severity) -> Format {
    let (background, ink) = severity_colours(severity);
    format.set_background_color(background).set_font_color(ink).set_bold()
}

/// Landscape, one page wide, with the sheet's name and page numbers at the foot.
pub fn page(sheet: &mut Worksheet, organisation: &str) {
    const LETTER: u8 = 1;
    // The space keeps a name that begins with a digit out of the font size.
    let organisation: String = organisation.chars().take(100).collect::<String>().replace('&', "&&");
    sheet
        .set_landscape()
        .set_paper_size(LETTER)
        .set_print_fit_to_pages(1, 0)
        .set_margins(0.4, 0.4, 0.5, 0.6, 0.3, 0.3)
        .set_footer(format!("&L&9 {organisation}&C&9&A&R&9Page &P of &N"))
        .set_screen_gridlines(false);
}
