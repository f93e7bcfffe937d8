//! `lienthong serve`.

use std::{
    io::{self, Write},
    path::Path,
};

use super::{Exit, block_on};
use crate::{
    hub::{Hub, configuration},
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
        let hub = Hub::start(&config).await?;
        Ok::<_, crate::hub::HubError>(hub.run().await)
    })?;
    match ended {
        Ok(done) => done.map(|()| Exit::Done),
        Err(error) => {
            writeln!(err, "{error}")?;
            Ok(Exit::Faulty)
        }
    }
}
