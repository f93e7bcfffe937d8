//! A bare axum handler: what this machine and this load generator can do where nothing is done.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::mpsc,
    thread::{self, JoinHandle},
};

use axum::{Router, http::header::CONTENT_TYPE};
use bytes::Bytes;
use tokio::{net::TcpListener, sync::oneshot};

/// A server of its own that reads every request whole and answers the same bytes.
pub(super) struct Bare {
    pub(super) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl Bare {
    pub(super) fn start(answer: Vec<u8>) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let answer = Bytes::from(answer);
        let work = move || {
            let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
            let served = built.and_then(|runtime| {
                let tell = tell.clone();
                runtime.block_on(serve(answer, tell, stopped))
            });
            // Once it listens, what goes wrong shows as answers that do not come.
            let _ = served.map_err(|error| tell.send(Err(error)));
        };
        let server = thread::Builder::new().name("lienthong-bare".to_owned()).spawn(work)?;
        let address = told.recv().map_err(io::Error::other)??;
        Ok(Self { address, stop: Some(stop), server: Some(server) })
    }
}

async fn serve(
    answer: Bytes,
    tell: mpsc::Sender<io::Result<SocketAddr>>,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let handler = move |_: Bytes| {
        let answer = answer.clone();
        async move { ([(CONTENT_TYPE, "application/json")], answer) }
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let _ = tell.send(Ok(address));
    // Connections are dropped with the runtime: nobody waits for them.
    tokio::select! {
        served = axum::serve(listener, Router::new().fallback(handler)) => served,
        _ = stopped => Ok(()),
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}
