//! Workbooks made of their parts, as the system's own writer and as a spreadsheet program store them.

use super::*;

const SHARED: &str = r#"<?xml version="1.0"?><sst xmlns="m" count="9" uniqueCount="7"><si><t>Id</t></si><si><t>Bulk</t></si><si><t>a</t></si><si><t>b</t></si><si><t>Allow</t></si><si><r><t>rich</t></r></si><si><t>c</t></si></sst>"#;

/// A sheet of three contacts, its texts shared; or inline and with a prefix.
fn sheet(prefixed: bool) -> String {
    let rows = ["Id Bulk", "a Allow", "b Allow", "c "];
    let shared = ["Id", "Bulk", "a", "b", "Allow", "rich", "c"];
    let p = if prefixed { "x:" } else { "" };
    let cell = |column: usize, row: usize, text: &str| {
        let place = format!("{}{}", ["A", "B"][column], row + 1);
        match (text, shared.iter().position(|known| *known == text)) {
            ("", _) => String::new(),
            (_, Some(at)) if !prefixed => format!(r#"<c r="{place}" s="3" t="s"><v>{at}</v></c>"#),
            _ => format!(r#"<x:c r="{place}" s="3" t="inlineStr"><x:is><x:t>{text}</x:t></x:is></x:c>"#),
        }
    };
    let rows: String = rows
        .iter()
        .enumerate()
        .map(|(row, cells)| {
            let cells: String = cells.split(' ').enumerate().map(|(column, text)| cell(column, row, text)).collect();
            format!(r#"<{p}row r="{}" spans="1:2">{cells}</{p}row>"#, row + 1)
        })
        .collect();
    format!(
        r#"<?xml version="1.0"?><{p}worksheet xmlns:x="m"><{p}dimension ref="A1:B4"/><{p}cols><{p}col min="1" hidden="1"/></{p}cols><{p}sheetData>{rows}</{p}sheetData><{p}dataValidations><{p}dataValidation sqref="B2:B1048576"/></{p}dataValidations></{p}worksheet>"#
    )
}

fn workbook(prefixed: bool) -> Vec<u8> {
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    let relation =
        |id: &str, kind: &str, target: &str| format!(r#"<Relationship Id="{id}" Type="http://r/{kind}" Target="{target}"/>"#);
    let parts = [
        ("xl/workbook.xml", r#"<workbook><sheet name="hiddenSheet" sheetId="2" state="veryHidden" r:id="rId9"/><sheet name="A &amp; B" sheetId="1" r:id="rId1"/></workbook>"#.to_owned()),
        ("xl/_rels/workbook.xml.rels", format!("<Relationships>{}{}</Relationships>", relation("rId1", "worksheet", "/xl/worksheets/sheet1.xml"), relation("rId2", "sharedStrings", "sharedStrings.xml"))),
        ("xl/worksheets/sheet1.xml", sheet(prefixed)),
        ("xl/worksheets/_rels/sheet1.xml.rels", format!("<Relationships>{}</Relationships>", relation("rId1", "table", "../tables/table1.xml"))),
        ("xl/tables/table1.xml", r#"<table id="1" ref="A1:B4"><autoFilter ref="A1:B4"/></table>"#.to_owned()),
        ("xl/sharedStrings.xml", SHARED.to_owned()),
        ("xl/worksheets/sheet2.xml", r#"<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>5</v></c></row></sheetData></worksheet>"#.to_owned()),
        ("xl/hidden.xml", "contact:checksum".to_owned()),
    ];
    for (name, text) in parts {
        out.start_file(name, SimpleFileOptions::default()).unwrap();
        out.write_all(text.as_bytes()).unwrap();
    }
    out.finish().unwrap().into_inner()
}

fn text(bytes: &[u8], name: &str) -> String {
    let mut text = String::new();
    ZipArchive::new(Cursor::new(bytes)).unwrap().by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn change(row: u32, text: &str) -> Change {
    (row, vec![("bulk".to_owned(), text.to_owned())])
}

#[test]
fn the_changed_rows_are_left_and_nothing_else_is_touched() {
    let header = StringRecord::from(vec!["Id", "Bulk"]);
    for prefixed in [false, true] {
        let bytes = workbook(prefixed);
        let parts = cut_bytes(&bytes, "A & B", 1, &header, &[change(4, "Do Not <Allow>"), change(2, "Do Not Allow")]).unwrap();
        assert_eq!((parts.len(), parts[0].rows, parts[0].first_row), (1, 2, 2));
        let part = &parts[0].bytes;
        let sheet = text(part, "xl/worksheets/sheet1.xml");
        let p = if prefixed { "x:" } else { "" };
        let changed = |place: &str, style: &str, text: &str| {
            format!("<{p}c r=\"{place}\"{style} t=\"inlineStr\"><{p}is><{p}t>{text}</{p}t></{p}is></{p}c>")
        };
        assert!(sheet.contains(&changed("B2", "", "Do Not &lt;Allow&gt;")), "{sheet}");
        assert!(sheet.contains(&changed("B3", " s=\"3\"", "Do Not Allow")), "{sheet}");
        assert!(sheet.contains("ref=\"A1:B3\"") && sheet.contains("hidden=\"1\"") && sheet.contains("B2:B1048576"), "{sheet}");
        assert_eq!(sheet.matches("row r=").count(), 3);
        assert_eq!(text(part, "xl/tables/table1.xml"), r#"<table id="1" ref="A1:B3"><autoFilter ref="A1:B3"/></table>"#);
        assert_eq!(text(part, "xl/hidden.xml"), "contact:checksum");
        let shared = text(part, "xl/sharedStrings.xml");
        match prefixed {
            true => assert!(sheet.contains("<x:t>c</x:t>") && sheet.contains("<x:t>a</x:t>") && !sheet.contains("<x:t>b</x:t>")),
            false => {
                assert_eq!(
                    shared,
                    r#"<?xml version="1.0"?><sst xmlns="m"><si><t>Id</t></si><si><t>Bulk</t></si><si><t>a</t></si><si><t/></si><si><t/></si><si><r><t>rich</t></r></si><si><t>c</t></si></sst>"#
                );
                assert!(sheet.contains(r#"<c r="A2" s="3" t="s"><v>6</v></c>"#), "{sheet}");
            }
        }
        assert_eq!(
            cut_bytes(&bytes, "A & B", 1, &header, &[change(2, "x")]).unwrap()[0].bytes,
            cut_bytes(&bytes, "A & B", 1, &header, &[change(2, "x")]).unwrap()[0].bytes
        );
    }
}

#[test]
fn a_file_that_would_be_too_big_is_split() {
    let header = StringRecord::from(vec!["Id", "Bulk"]);
    let bytes = workbook(false);
    let changes = [change(2, "x"), change(3, "y"), change(4, "z")];
    let whole = cut_bytes(&bytes, "A & B", 1, &header, &changes).unwrap();
    let size = whole[0].bytes.len();
    let book = Book::read(&bytes, "A & B", 1, &header, &changes).unwrap();
    let mut parts = Vec::new();
    book.split(0, 3, size, &mut parts).unwrap();
    assert_eq!(parts.iter().map(|part| part.rows).collect::<Vec<_>>(), [1, 2]);
    assert!(text(&parts[1].bytes, "xl/worksheets/sheet1.xml").contains("ref=\"A1:B3\""));
    assert!(book.split(0, 3, 10, &mut Vec::new()).is_err());
}

#[test]
fn what_is_not_there_is_named() {
    let header = StringRecord::from(vec!["Id", "Bulk"]);
    let bytes = workbook(false);
    let said = |sheet: &str, change: Change| format!("{:#}", cut_bytes(&bytes, sheet, 1, &header, &[change]).unwrap_err());
    assert!(said("Nowhere", change(2, "x")).contains("the sheet Nowhere"));
    assert!(said("A & B", change(9, "x")).contains("row 9"));
    assert!(said("A & B", (2, vec![("Gone".to_owned(), String::new())])).contains("the column Gone"));
    assert!(cut_bytes(b"no zip", "A & B", 1, &header, &[change(2, "x")]).is_err());
}
