//! Times the hot parts by themselves, on a made-up workspace: `cargo bench`, or `cargo bench -- match` for those whose
//! names hold a word. `CONTACTS` sets the size of the workspace (20000).
//!
//! What each part needs is made before its time begins. The whole program is timed by `scripts/bench/run`.

use std::collections::HashMap;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use polars::prelude::DataFrame;
use prefrecon::classify::classify;
use prefrecon::consent::weigh;
use prefrecon::decide::decide;
use prefrecon::generate::generate;
use prefrecon::ingest::{Ingested, MappedColumn, Table, TableRows, ingest};
use prefrecon::matching::match_records;
use prefrecon::normalise::{Rows, Rules, normalise, read_rows};
use prefrecon::reconcile::{Clock, Settled, read_decisions, read_inbox, settled};
use prefrecon::workspace::Workspace;
use prefrecon::write::{workbook, write};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let contacts = std::env::var("CONTACTS").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let folder = tempfile::tempdir()?;
    let root = folder.path().join("workspace");
    generate(&root, contacts, 1)?;
    let workspace = Workspace::open(&root, None)?;
    let as_of = workspace.config.as_of()?.expect("generated workspaces fix the time of a run");
    let clock = Clock { as_of, now: SystemTime::now() };
    let bench = Bench { wanted: std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect() };

    println!("{contacts} contacts\n\n| part | of | median | fastest | each |\n| --- | ---: | ---: | ---: | ---: |");
    let read = read_inbox(&workspace, clock)?;
    let decisions = read_decisions(&workspace, clock)?;
    settled(&workspace, read, decisions, clock, None, |settled| parts(&bench, &workspace, clock, settled, folder.path()))
}

fn parts(bench: &Bench, workspace: &Workspace, clock: Clock, settled: Settled<'_>, folder: &Path) -> Result<()> {
    let (world, facts) = (settled.world, settled.facts);
    let (config, systems) = (world.config, world.systems);
    let owner = systems.profiles().iter().position(|profile| profile.has_source_ids());
    let rules = Rules { owner, ..Rules::new(systems, config, clock.as_of, world.texts) };
    let earlier = HashMap::new();

    let columns = |table: &Table<'_>| Ok((table.kind, table.columns.clone(), table.batches(DataFrame::clone)?));
    let read = || ingest(&workspace.inbox(), config, systems, &earlier, clock.as_of, clock.now, columns);
    let Ingested { files, tables, .. } = read()?;
    let rows = files.iter().map(|file| file.rows).sum();
    bench.time("CSV to columns", rows, || (), |()| read())?;

    let normalised = || tables.iter().map(|table| read_columns(table, &rules)).collect::<Result<Vec<_>>>();
    bench.time("columns to rows: addresses, ids, words, dates", rows, || (), |()| normalised())?;
    bench.time("rows to records", rows, normalised, |tables| normalise(tables?, &rules))?;

    let records = world.records.height() as u64;
    bench.time("match", records, || (), |()| match_records(world.records, world.texts))?;
    let weigh = || weigh(world.records, world.matched, Default::default(), config, systems, world.texts, &[]);
    bench.time("weigh", records, || (), |()| weigh())?;
    bench.time("classify", records, || (), |()| classify(world))?;
    bench.time("decide", records, || classify(world), |found| decide(found?, world, facts))?;

    let outputs = settled.report()?;
    let discrepancies = outputs.report.discrepancies.height() as u64;
    let book = folder.join("discrepancies.xlsx");
    bench.time("workbook", discrepancies, || (), |()| workbook::write(&outputs.report, &config.workbook, &book))?;
    let run = workspace.begin_run(clock.as_of)?;
    bench.time("run folder, workbook included", discrepancies, || (), |()| write(&outputs, config, &run))
}

/// A table of columns, as `ingest` hands it on, to its rows.
type Columns = (usize, Vec<MappedColumn>, Vec<DataFrame>);

fn read_columns(table: &TableRows<Columns>, rules: &Rules<'_>) -> Result<TableRows<Rows>> {
    let (kind, columns, batches) = &table.rows;
    let open = Table::of_batches("export.csv", "", (table.system, *kind), columns.clone(), batches.clone());
    Ok(TableRows { file: table.file, system: table.system, rows: read_rows(&open, rules)? })
}

/// Times parts and prints a line for each.
struct Bench {
    /// Words of which a part's name must hold one; all parts where there are none.
    wanted: Vec<String>,
}

/// Runs of a part at least, and for how long at least.
const RUNS: usize = 10;
const TIME: Duration = Duration::from_secs(1);

impl Bench {
    /// Times a part that works on so many rows, records or discrepancies.
    fn time<S, T>(&self, name: &str, of: u64, set_up: impl Fn() -> S, part: impl Fn(S) -> Result<T>) -> Result<()> {
        if !self.wanted.is_empty() && !self.wanted.iter().any(|word| name.contains(word.as_str())) {
            return Ok(());
        }
        black_box(part(set_up())?);
        let mut times = Vec::new();
        while times.len() < RUNS || times.iter().sum::<Duration>() < TIME {
            let given = set_up();
            let begun = Instant::now();
            let made = black_box(part(given)?);
            times.push(begun.elapsed());
            drop(made);
        }
        times.sort_unstable();
        let (median, fastest) = (times[times.len() / 2], times[0]);
        let each = median.as_secs_f64() * 1e9 / of.max(1) as f64;
        println!("| {name} | {of} | {:.2} ms | {:.2} ms | {each:.0} ns |", milliseconds(median), milliseconds(fastest));
        Ok(())
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
