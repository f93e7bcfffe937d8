//! `lienthong`: one binary, its roles and tools are subcommands.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    hub::cli::run(hub::cli::Arguments::parse())
}
