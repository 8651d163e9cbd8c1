//! Reconciles e-mail preferences across a CRM, a marketing platform and a source system.
//!
//! One pass, one direction; each stage takes the value that the one before returned:
//!
//! ```text
//! inbox -> ingest -> normalise -> match -> weigh -> classify -> decide -> write
//!             ^ profiles              ^ ledger (read)        ledger (append) ^
//! ```

pub mod classify;
pub mod cli;
mod column_cells;
pub mod columns;
pub mod commands;
pub mod config;
pub mod consent;
pub mod decide;
pub mod decisions;
pub mod explain;
pub mod generate;
mod hardest;
mod hash;
pub mod history;
pub mod ingest;
pub mod inputs;
pub mod ledger;
pub mod loads;
pub mod matching;
mod nearest;
pub mod normalise;
pub mod progress;
pub mod reconcile;
pub mod report;
pub mod rules;
pub mod schedule;
pub mod systems;
mod texts;
mod times;
mod wording;
pub mod workspace;
pub mod write;
