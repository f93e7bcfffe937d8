//! The tests of the whole product, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed, and says where by stopping there"
)]

mod altered;
mod authority;
mod backend;
mod backups;
mod bench;
mod bus;
mod channel;
mod clock;
mod cluster;
mod commands;
mod connections;
mod corpus;
mod counted;
mod deadline;
mod declared;
mod delivery;
mod demo;
mod dependencies;
mod dialect;
mod differential;
mod drift;
mod drop;
mod exchange;
mod exports;
mod faults;
mod feedback;
mod finding;
mod follow;
mod full;
mod harness;
mod histories;
mod hostile;
mod ingest;
mod kills;
mod ledger;
mod lienthong;
mod load;
mod lookups;
mod migrate;
mod moves;
mod onboarding;
mod openapi;
mod permutations;
mod polls;
mod postgres;
mod preload;
mod processes;
mod proposing;
mod prune;
mod quota;
mod random;
mod recount;
mod reload;
mod repeated;
mod report;
mod reporting;
mod retractions;
mod roadmap;
mod roles;
mod samples;
mod scaled;
mod search;
mod sender;
mod simulate;
mod soak;
mod soap;
mod sweep;
mod tidy;
mod timeliness;
mod units;
mod webhooks;
