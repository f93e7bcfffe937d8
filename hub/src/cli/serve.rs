//! `lienthong serve`.

use std::{
    io::{self, Write},
    path::Path,
};

use super::{Exit, block_on};
use crate::{
    hub::{Hub, ToldToEnd, ToldToReload, configuration},
    telemetry,
};

pub(super) fn run(file: &Path, err: &mut impl Write) -> io::Result<Exit> {
    let config = match configuration(file) {
        Ok(config) => config,
        Err(error) => {
            writeln!(err, "{error}")?;
            return Ok(Exit::Faulty);
        }
    };
    telemetry::init_logging(&config.log, config.log_json);
    let ended = block_on(async {
        let told = ToldToEnd::new().and_then(|told| Ok((told, ToldToReload::new(file)?)));
        let (mut told, reloads) = match told {
            Ok(told) => told,
            Err(error) => return Ok(Err(error)),
        };
        let hub = tokio::select! {
            started = Hub::start(&config) => started?,
            // Nothing was taken yet.
            () = told.wait() => return Ok(Ok(())),
        };
        Ok::<_, crate::hub::HubError>(hub.run(told, Some(reloads)).await)
    })?;
    match ended {
        Ok(done) => done.map(|()| Exit::Done),
        Err(error) => {
            writeln!(err, "{error}")?;
            Ok(Exit::Faulty)
        }
    }
}
