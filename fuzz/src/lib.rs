//! The program's own readers, compiled on their own.

#![allow(dead_code, reason = "only readers are called")]

pub mod ingest;
