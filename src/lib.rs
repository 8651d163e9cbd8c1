//! Reconciles e-mail preferences across a CRM, a marketing platform and a source system.

pub mod columns;
pub mod config;
pub mod generate;
pub mod ingest;
mod nearest;
pub mod normalise;
pub mod report;
pub mod rules;
pub mod systems;
