//! `lienthong serve`.

use std::{
    io::{self, Write},
    path::Path,
};

use super::{Exit, block_on};
use crate::{
    hub::{Hub, ToldToEnd, configuration},
    telemetry,
};

pub(super) fn run(config: &Path, err: &mut impl Write) -> io::Result<Exit> {
    let config = match configuration(config) {
        Ok(config) => config,
        Err(error) => {
            writeln!(err, "{error}")?;
            return Ok(Exit::Faulty);
        }
    };
    telemetry::init_logging(&config.log, config.log_json);
    let ended = block_on(async {
        let mut told = match ToldToEnd::new() {
            Ok(told) => told,
            Err(error) => return Ok(Err(error)),
        };
        let hub = tokio::select! {
            started = Hub::start(&config) => started?,
            // Nothing was taken yet.
            () = told.wait() => return Ok(Ok(())),
        };
        Ok::<_, crate::hub::HubError>(hub.run(told).await)
    })?;
    match ended {
        Ok(done) => done.map(|()| Exit::Done),
        Err(error) => {
            writeln!(err, "{error}")?;
            Ok(Exit::Faulty)
        }
    }
}
