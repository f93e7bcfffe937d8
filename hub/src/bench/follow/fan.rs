//! A bare server that writes the same bytes to all who have asked: what this machine and these
//! readers can do where nothing is done.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::mpsc as queue,
};

/// What everybody is told first.
const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nretry: 2000\n\n";

/// A server of its own, on a thread of its own.
pub(super) struct Fan {
    pub(super) address: SocketAddr,
    frames: Option<queue::UnboundedSender<Arc<[u8]>>>,
    server: Option<JoinHandle<()>>,
}

impl Fan {
    /// Listens; it writes when so many have come.
    pub(super) fn start(readers: usize) -> io::Result<Self> {
        let (frames, asked) = queue::unbounded_channel();
        let (tell, told) = mpsc::channel();
        let work = move || {
            let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let served = built.and_then(|runtime| {
                let tell = tell.clone();
                runtime.block_on(serve(readers, tell, asked))
            });
            // Once it listens, what goes wrong shows as streams that end.
            let _ = served.map_err(|error| tell.send(Err(error)));
        };
        let server = thread::Builder::new().name("lienthong-fan".to_owned()).spawn(work)?;
        let address = told.recv().map_err(io::Error::other)??;
        Ok(Self { address, frames: Some(frames), server: Some(server) })
    }

    /// Writes something to all.
    pub(super) fn write(&mut self, frame: Arc<[u8]>) -> io::Result<()> {
        let frames = self.frames.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        frames.send(frame).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

async fn serve(
    readers: usize,
    tell: mpsc::Sender<io::Result<SocketAddr>>,
    mut asked: queue::UnboundedReceiver<Arc<[u8]>>,
) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let _ = tell.send(Ok(listener.local_addr()?));
    let mut open: Vec<TcpStream> = Vec::new();
    while open.len() < readers {
        tokio::select! {
            come = listener.accept() => {
                let (mut stream, _) = come?;
                stream.set_nodelay(true)?;
                stream.write_all(HEAD).await?;
                open.push(stream);
            }
            // Nobody writes before all have come: it is over.
            _ = asked.recv() => return Ok(()),
        }
    }
    while let Some(frame) = asked.recv().await {
        for stream in &mut open {
            stream.write_all(&frame).await?;
        }
    }
    Ok(())
}

impl Drop for Fan {
    fn drop(&mut self) {
        drop(self.frames.take());
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}
