//! What the system tells a hub's process.

use std::{
    io,
    path::{Path, PathBuf},
};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT, heard from the moment it is made: make it before the hub listens, so that
/// who hears it answer can end it in good order.
pub struct ToldToEnd {
    terminate: Signal,
    interrupt: Signal,
}

impl ToldToEnd {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the system does not let it.
    pub fn new() -> io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits until one of them comes.
    pub async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// SIGHUP, heard from the moment it is made, which would end the process otherwise; and the file
/// that is read again then.
pub struct ToldToReload {
    hang_up: Signal,
    config: PathBuf,
}

impl ToldToReload {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the system does not let it.
    pub fn new(config: &Path) -> io::Result<Self> {
        Ok(Self { hang_up: signal(SignalKind::hangup())?, config: config.to_owned() })
    }

    /// Waits until it comes; gives the file. Those that came while nobody waited are one.
    pub(super) async fn wait(&mut self) -> PathBuf {
        if self.hang_up.recv().await.is_none() {
            // There is none any more.
            std::future::pending::<()>().await;
        }
        self.config.clone()
    }
}
