//! `lienthong`: one binary, its roles and tools are subcommands.

use std::process::ExitCode;

use clap::Parser;

/// A hub makes and drops many small texts on several threads; the system's allocator spends a
/// tenth of its time on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hub::cli::run(hub::cli::Arguments::parse())
}
