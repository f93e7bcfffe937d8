//! A web server of an office: what it does with a page is the page's name.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::sleep,
};

/// A request as it came, and when it was over.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) at: Instant,
    pub(super) ended: Option<Instant>,
}

#[derive(Default)]
struct Book {
    all: Vec<Asked>,
    mended: BTreeSet<String>,
}

/// The server.
pub(super) struct Site {
    pub(super) url: String,
    book: Arc<Mutex<Book>>,
    accepting: JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Site {
    pub(super) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let book = Arc::<Mutex<Book>>::default();
        let books = book.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((line, _)) = listener.accept().await {
                tokio::spawn(served(line, books.clone()));
            }
        });
        Self { url, book, accepting }
    }

    /// What was asked, in order.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.book.lock().unwrap().all.clone()
    }

    /// Has a page answer from now on.
    pub(super) fn mend(&self, path: &str) {
        self.book.lock().unwrap().mended.insert(path.to_owned());
    }
}

/// What is answered: status and `Location`; nothing where nothing is.
fn answer(method: &str, path: &str) -> Option<(u16, &'static str)> {
    Some(match path {
        "/gone" => (404, ""),
        "/broken" => (500, ""),
        "/lies" if method == "HEAD" => (404, ""),
        "/no-head" if method == "HEAD" => (405, ""),
        "/locked" => (403, ""),
        "/moved" => (302, "/ok"),
        "/loop" => (302, "/loop"),
        "/inward" => (302, "http://169.254.169.254/latest/meta-data"),
        "/script" => (302, "javascript:alert(1)"),
        "/clear" => (302, "http://dichvucong.example.vn/"),
        "/hang" | "/cut" => return None,
        _ => (200, ""),
    })
}

async fn served(mut line: TcpStream, book: Arc<Mutex<Book>>) {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    while !bytes.ends_with(b"\r\n\r\n") {
        match line.read(&mut buffer).await {
            Ok(read) if read > 0 => bytes.extend_from_slice(&buffer[..read]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let mut words = head.split(' ').map(ToOwned::to_owned);
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let (place, mended) = {
        let mut book = book.lock().unwrap();
        let one =
            Asked { method: method.clone(), path: path.clone(), at: Instant::now(), ended: None };
        book.all.push(one);
        (book.all.len() - 1, book.mended.contains(&path))
    };
    let told = if mended { Some((200, "")) } else { answer(&method, &path) };
    match told {
        None if path == "/hang" => sleep(Duration::from_secs(60)).await,
        None => {}
        Some((status, leads)) => {
            let leads = if leads.is_empty() { "" } else { &format!("location: {leads}\r\n") };
            let text = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n{leads}\r\n"
            );
            // Noted before it is told: who asks again on hearing it asks later.
            book.lock().unwrap().all[place].ended = Some(Instant::now());
            let _ = line.write_all(text.as_bytes()).await;
        }
    }
}
