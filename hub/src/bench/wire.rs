//! HTTP/1.1 by hand: one connection that is kept, one request at a time, no copies.
//!
//! A client library would cost more than the hub's own work and so measure itself.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{net::TcpStream, time::timeout};

/// How long one answer may take.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(120);
/// Room for one read.
const READ_BYTES: usize = 16 * 1024;

/// A connection to a hub.
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Bytes of the buffer that hold the present answer.
    filled: usize,
}

/// An answer, in the connection's buffer.
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) head: &'a str,
    pub(super) body: &'a [u8],
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the answer {what}"))
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; READ_BYTES], filled: 0 })
    }

    /// Sends a request and waits for its answer.
    pub(super) async fn ask(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        let (status, head, end) = timeout(ANSWER_MAX, self.exchange(request))
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let text = self.buffer.get(..head).unwrap_or_default();
        let head_text = std::str::from_utf8(text).map_err(|_| bad("has a head of no text"))?;
        Ok(Answer { status, head: head_text, body: self.buffer.get(head..end).unwrap_or_default() })
    }

    /// The status, where the body begins and where it ends.
    async fn exchange(&mut self, request: &[u8]) -> io::Result<(u16, usize, usize)> {
        self.write(request).await?;
        self.filled = 0;
        let head = loop {
            self.read().await?;
            let got = self.buffer.get(..self.filled).unwrap_or_default();
            if let Some(at) = got.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let got = self.buffer.get(..head).unwrap_or_default();
        let status = got.get(9..12).and_then(|text| std::str::from_utf8(text).ok());
        let status =
            status.and_then(|text| text.parse().ok()).ok_or_else(|| bad("has no status"))?;
        let length = content_length(got).ok_or_else(|| bad("does not say how long it is"))?;
        while self.filled < head + length {
            self.read().await?;
        }
        Ok((status, head, head + length))
    }

    async fn write(&mut self, mut rest: &[u8]) -> io::Result<()> {
        while !rest.is_empty() {
            match self.stream.try_write(rest) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stream.writable().await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn read(&mut self) -> io::Result<()> {
        if self.buffer.len() - self.filled < READ_BYTES {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        loop {
            self.stream.readable().await?;
            match self.stream.try_read(self.buffer.get_mut(self.filled..).unwrap_or_default()) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.filled += count;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    let line = head
        .split(|byte| *byte == b'\n')
        .find(|line| line.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME)))?;
    std::str::from_utf8(line.get(NAME.len()..)?).ok()?.trim().parse().ok()
}

/// A request to read a path.
pub(super) fn get(path: &str, key: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"GET ");
    out.extend_from_slice(path.as_bytes());
    authorized(key, out);
    out.extend_from_slice(b"\r\n");
}

/// A request that sends a message.
pub(super) fn post(channel: &str, key: &str, id: &str, payload: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"POST /v1/channels/");
    out.extend_from_slice(channel.as_bytes());
    out.extend_from_slice(b"/messages");
    authorized(key, out);
    out.extend_from_slice(b"Content-Type: application/xml\r\nIdempotency-Key: ");
    out.extend_from_slice(id.as_bytes());
    let length = format!("\r\nContent-Length: {}\r\n\r\n", payload.len());
    out.extend_from_slice(length.as_bytes());
    out.extend_from_slice(payload.as_bytes());
}

/// A request of the portal to look a dossier up for whom asks from an address.
pub(super) fn look_up(asked: &str, key: &str, from: Ipv4Addr, out: &mut Vec<u8>) {
    out.extend_from_slice(b"POST /v1/lookups");
    authorized(key, out);
    let length = asked.len();
    let head = format!(
        "X-Forwarded-For: {from}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(asked.as_bytes());
}

fn authorized(key: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b" HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer ");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// One request on a connection of its own: status, head and body.
pub(super) fn once(
    address: SocketAddr,
    request: &[u8],
    longest: Duration,
) -> io::Result<(u16, String, Vec<u8>)> {
    let asked = async {
        let mut connection = Connection::open(address).await?;
        let answer = connection.ask(request).await?;
        Ok((answer.status, answer.head.to_owned(), answer.body.to_vec()))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        timeout(longest, asked).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    })
}
