//! How far the work is, for a person who watches: the stage, what it is at, and how much is done of how much.
//!
//! There is one meter a process, as there is one terminal: the stages tell it how far they are, and [`now`] reads it.
//! Telling costs an addition, and is done for some thousands of rows at a time, never for each. Nothing that a run
//! works out depends on it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Rows after which a loop tells how far it is.
const ROWS_AT_ONCE: usize = 1 << 12;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of files.
    Bytes,
    /// Things of that name, in the plural: `rows`.
    Count(&'static str),
}

/// How far the work is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The stage.
    pub stage: &'static str,
    /// What it is at, such as a file; empty where there is nothing to name.
    pub at: String,
    /// What is counted.
    pub unit: Unit,
    /// How much is done.
    pub done: u64,
    /// How much there is, as far as is known; 0 where nothing is.
    pub all: u64,
    /// Since the stage began.
    pub took: Duration,
}

/// Begins a stage in which `all` is to be done; 0 where that is not known yet.
pub fn begin(stage: &'static str, unit: Unit, all: u64) {
    *of_stage() = Some(Stage { name: stage, unit, at: String::new(), begun: Instant::now() });
    DONE.store(0, Relaxed);
    ALL.store(all, Relaxed);
}

/// Names what the stage is at.
pub fn at(what: &str) {
    if let Some(stage) = of_stage().as_mut() {
        what.clone_into(&mut stage.at);
    }
}

/// There is so much more to do.
pub fn expect(more: u64) {
    ALL.fetch_add(more, Relaxed);
}

/// So much more is done.
pub fn advance(more: u64) {
    DONE.fetch_add(more, Relaxed);
}

/// Counts from 0 through as many rows, which are expected as it begins and told of as it goes.
pub fn rows(count: usize) -> impl Iterator<Item = usize> {
    expect(count as u64);
    (0..count).inspect(move |row| {
        if let Some(batch) = batch_that_ends(row + 1, count) {
            advance(batch as u64);
        }
    })
}

/// The size of the batch that is complete when so many rows are done.
fn batch_that_ends(done: usize, count: usize) -> Option<usize> {
    match done % ROWS_AT_ONCE {
        0 => Some(ROWS_AT_ONCE),
        rest => (done == count).then_some(rest),
    }
}

/// How far the work is; nothing before the first stage.
pub fn now() -> Option<Progress> {
    let stage = of_stage().clone()?;
    let (done, all) = (DONE.load(Relaxed), ALL.load(Relaxed));
    Some(Progress { stage: stage.name, at: stage.at, unit: stage.unit, done: done.min(all), all, took: stage.begun.elapsed() })
}

#[derive(Clone)]
struct Stage {
    name: &'static str,
    unit: Unit,
    at: String,
    begun: Instant,
}

static STAGE: Mutex<Option<Stage>> = Mutex::new(None);
static DONE: AtomicU64 = AtomicU64::new(0);
static ALL: AtomicU64 = AtomicU64::new(0);

fn of_stage() -> MutexGuard<'static, Option<Stage>> {
    STAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_told_of_once() {
        for count in [0, 1, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, 3 * ROWS_AT_ONCE + 7] {
            let told: usize = (1..=count).filter_map(|done| batch_that_ends(done, count)).sum();
            assert_eq!(told, count);
        }
    }
}
