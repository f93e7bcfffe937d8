//! Being told to end: every loop asks here, so that what was started is ended and removed.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use tokio::signal::unix::{SignalKind, signal};

use super::BenchError;

static TOLD: AtomicBool = AtomicBool::new(false);

/// From now on SIGINT and SIGTERM are heard here. Else they would leave folders and hubs behind.
pub(super) fn listen() {
    let wait = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Ok(runtime) = runtime
            && runtime.block_on(signalled()).is_ok()
        {
            TOLD.store(true, Ordering::Relaxed);
        }
    };
    // Where no thread can be had, they end the process as they always did.
    let _ = thread::Builder::new().name("lienthong-bench-stop".to_owned()).spawn(wait);
}

async fn signalled() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        heard = tokio::signal::ctrl_c() => heard,
        _ = terminate.recv() => Ok(()),
    }
}

/// Whether to end.
pub(super) fn told() -> bool {
    TOLD.load(Ordering::Relaxed)
}

/// Goes on, or ends.
pub(super) fn check() -> Result<(), BenchError> {
    if told() { Err(BenchError::Stopped) } else { Ok(()) }
}
