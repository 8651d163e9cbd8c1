//! Reconciles e-mail preferences across a CRM, a marketing platform and a source system.

pub mod classify;
pub mod columns;
pub mod config;
pub mod consent;
pub mod decide;
pub mod generate;
pub mod ingest;
pub mod matching;
mod nearest;
pub mod normalise;
pub mod report;
pub mod rules;
pub mod systems;
mod texts;
pub mod write;
