//! `lienthong`: one binary, its roles and tools are subcommands.

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hub::cli::run(hub::cli::Arguments::parse())
}
