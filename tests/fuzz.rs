//! Damaged files by the thousand: whatever the bytes, reading ends, nothing panics, and every row is counted.
//!
//! A few seconds of it belong to every test run; `scripts/fuzz` goes on for as long as it is told. Seeds are the program's
//! own exports and, where it is there, the corpus; the mutations come from a generator whose seed is printed.

mod files;

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant, SystemTime};

use files::{Workspace, corpus, gzip, program, utf16, zip};
use polars::prelude::DataFrame;
use prefrecon::config::Config;
use prefrecon::ingest::spreadsheet::{Workbook, read_with};
use prefrecon::ingest::{Table, Verdict, ingest};
use prefrecon::systems::Systems;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Seconds for each of the two tests.
fn seconds() -> u64 {
    std::env::var("PREFRECON_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

fn generator() -> ChaCha8Rng {
    let seed = std::env::var("PREFRECON_FUZZ_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(2026);
    println!("PREFRECON_FUZZ_SEED={seed}");
    ChaCha8Rng::seed_from_u64(seed)
}

/// What breaks readers of text, and a little of everything else.
const SPICE: [&[u8]; 16] = [
    b"\"",
    b"\"\"",
    b",",
    b";",
    b"\t",
    b"\r",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xc3",
    b"\xe9",
    b"Total",
    b"=1",
    b"PK\x03\x04",
];

fn mutate(bytes: &mut Vec<u8>, random: &mut ChaCha8Rng) {
    for _ in 0..random.random_range(1..8) {
        let length = bytes.len();
        let at = random.random_range(0..=length);
        let until = (at + random.random_range(0..64)).min(length);
        match random.random_range(0..7) {
            0 => drop(bytes.splice(at..at, SPICE.choose(random).unwrap().iter().copied())),
            1 => drop(bytes.drain(at..until)),
            2 => bytes.truncate(at),
            3 => {
                let piece = bytes[at..until].to_vec();
                drop(bytes.splice(at..at, piece));
            }
            4 if at < length => bytes[at] = random.next_u32() as u8,
            5 if at < length => bytes[at] ^= 1 << random.random_range(0..8),
            _ => bytes[at..until].reverse(),
        }
    }
}

#[test]
fn text_and_archives() {
    let generated = Workspace::generated(20, 1);
    let mut seeds: Vec<Vec<u8>> =
        fs::read_dir(generated.path("inbox")).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    let texts: Vec<String> = seeds.iter().map(|bytes| String::from_utf8(bytes.clone()).unwrap()).collect();
    for text in &texts {
        seeds.push(utf16(text, true, false));
        seeds.push(text.replace(',', "\t").into_bytes());
        seeds.push(gzip(text.as_bytes()));
        seeds.push(zip(&[("a.csv", text.as_str()), ("b.csv", "Id,Email,HasOptedOutOfEmail\n")]));
    }
    seeds.extend(corpus("csv").iter().map(|path| fs::read(path).unwrap()));

    let systems = Systems::built_in().unwrap();
    let config = Config::parse("[inbox]\nsettle_seconds = 0", &systems).unwrap();
    let mut random = generator();
    let begun = Instant::now();
    let (mut rounds, mut used) = (0, 0);
    while begun.elapsed() < Duration::from_secs(seconds()) {
        let folder = tempfile::tempdir().unwrap();
        for at in 0..16 {
            let mut bytes = seeds.choose(&mut random).unwrap().clone();
            mutate(&mut bytes, &mut random);
            fs::write(folder.path().join(format!("{at}.csv")), bytes).unwrap();
        }
        let as_of = "2026-11-22T06:00:00Z".parse().unwrap();
        let ingested = ingest(folder.path(), &config, &systems, &HashMap::new(), as_of, SystemTime::now(), rows_of).unwrap();
        rounds += 1;
        for table in &ingested.tables {
            let file = &ingested.files[table.file];
            assert_eq!(file.verdict, Verdict::Used);
            let rows = &table.rows;
            let rejected: Vec<u64> =
                ingested.rejects.iter().filter(|reject| reject.file == file.file).map(|reject| reject.row).collect();
            assert_eq!(file.rows, (rows.len() + rejected.len()) as u64);
            assert!(rows.is_sorted_by(|a, b| a < b), "{}: rows out of order", file.file);
            assert!(rejected.iter().all(|row| !rows.iter().any(|other| u64::from(*other) == *row)), "{}: read twice", file.file);
            used += 1;
        }
        assert!(ingested.files.iter().all(|file| file.is_used() || !file.verdict.word().is_empty()));
    }
    println!("{} files, {used} tables", rounds * 16);
    assert!(used > 0);
}

/// The lines of a table's rows.
fn rows_of(table: &Table<'_>) -> anyhow::Result<Vec<u32>> {
    let lines = |batch: &DataFrame| batch.column("row").unwrap().u32().unwrap().into_no_null_iter().collect::<Vec<_>>();
    Ok(table.batches(lines)?.concat())
}

#[test]
fn workbooks() {
    read_with(program());
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for row in 0..20 {
        sheet.write_string(row, 0, "Id").unwrap().write_number(row, 1, f64::from(row)).unwrap();
    }
    let mut seeds = vec![workbook.save_to_buffer().unwrap()];
    let small = corpus("spreadsheets").into_iter().map(|path| fs::read(path).unwrap()).filter(|bytes| bytes.len() < 50_000);
    seeds.extend(small);

    let mut random = generator();
    let begun = Instant::now();
    let (mut rounds, mut read) = (0, 0);
    while begun.elapsed() < Duration::from_secs(seconds()) {
        let mut bytes = seeds.choose(&mut random).unwrap().clone();
        if bytes.starts_with(b"PK") && random.random_bool(0.8) {
            bytes = damaged_part(&bytes, &mut random).unwrap_or(bytes);
        } else {
            mutate(&mut bytes, &mut random);
        }
        let outcome = Workbook::open(&bytes).and_then(|(workbook, heads)| match heads.first() {
            Some(head) => workbook.read(&head.name, |_, _| Ok(())),
            None => Ok(()),
        });
        match outcome {
            Ok(()) => read += 1,
            Err(error) => assert!(!format!("{error:#}").contains("said what it cannot say"), "{error:#}"),
        }
        rounds += 1;
    }
    println!("{rounds} workbooks, {read} of them read");
    assert!(rounds > read);
}

/// The workbook with one of its parts damaged: below the packing, where readers live.
fn damaged_part(bytes: &[u8], random: &mut ChaCha8Rng) -> Option<Vec<u8>> {
    use std::io::Read;
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).ok()?;
    let victim = random.random_range(0..archive.len());
    let mut parts = Vec::new();
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).ok()?;
        let name = entry.name().ok()?.into_owned();
        let mut part = Vec::new();
        entry.read_to_end(&mut part).ok()?;
        if at == victim {
            mutate(&mut part, random);
        }
        parts.push((name, part));
    }
    let parts: Vec<(&str, &Vec<u8>)> = parts.iter().map(|(name, part)| (name.as_str(), part)).collect();
    Some(zip(&parts))
}
