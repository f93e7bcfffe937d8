//! `lienthong trace`.

use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use super::{Exit, journal};
use crate::{auth::Principal, operations::Operations, store::Store};

pub(super) fn run(
    config: &Path,
    channel: Option<&str>,
    id: &str,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let trace = async |store: Arc<dyn Store>| {
        Operations::of(store).trace(&Principal::Operator, channel, id).await
    };
    let traced = match journal::with_store(config, err, trace)? {
        Ok(done) => done,
        Err(exit) => return Ok(exit),
    };
    match traced {
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
