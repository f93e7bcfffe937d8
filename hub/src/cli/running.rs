//! Running what waits, for commands.

use std::io;

/// Runs asynchronous work to its end.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    // What is still at work by then is given up; a hub that ends has waited for its own.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    Ok(done)
}
