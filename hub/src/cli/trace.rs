//! `lienthong trace`.

use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use super::{Exit, block_on, journal};
use crate::{auth::Principal, catalog::Catalog, operations::Operations};

pub(super) fn run(
    config: &Path,
    channel: Option<&str>,
    id: &str,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let Some(store) = journal::open(config, err)? else { return Ok(Exit::Faulty) };
    let catalog = Arc::new(Catalog::default());
    let operations = Operations { catalog, store };
    match block_on(operations.trace(&Principal::Operator, channel, id))? {
        Ok(traces) if traces.is_empty() => {
            writeln!(err, "no message has the id `{id}`")?;
            Ok(Exit::Faulty)
        }
        Ok(traces) => {
            writeln!(out, "{}", serde_json::to_string_pretty(&traces)?)?;
            Ok(Exit::Done)
        }
        Err(error) => {
            writeln!(err, "{error}")?;
            Ok(Exit::Faulty)
        }
    }
}
