//! A look-alike of a provider, for tests: a small HTTP server on a port of its own that answers as it is told, and that
//! can misbehave as no well-kept server will.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What it was asked.
pub(crate) struct Asked {
    /// `GET` or `POST`.
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// The body.
    pub(crate) body: String,
}

/// What it answers.
#[derive(Clone)]
pub(crate) enum Told {
    /// Status, header lines, body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// The same, after some time.
    Late(Duration, Box<Told>),
    /// Nothing, for ever.
    Hang,
    /// A body without end.
    Endless,
    /// The headers, and then a byte of the body now and then.
    Drip,
}

impl Told {
    /// 200 and this JSON.
    pub(crate) fn json(value: &serde_json::Value) -> Self {
        Self::Answer(200, vec![("content-type", "application/json".to_owned())], value.to_string())
    }

    /// A status and nothing more.
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer(status, Vec::new(), String::new())
    }
}

/// The server. It ends with the test's runtime.
pub(crate) struct StandIn {
    /// `http://127.0.0.1:PORT`.
    pub(crate) address: String,
    asked: Arc<AtomicUsize>,
}

impl StandIn {
    /// Starts it. Each connection carries one request.
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Told + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let (count, answer) = (Arc::clone(&asked), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (count, answer) = (Arc::clone(&count), Arc::clone(&answer));
                tokio::spawn(async move {
                    let mut connection = BufReader::new(connection);
                    let Some(asked) = read(&mut connection).await else { return };
                    count.fetch_add(1, Ordering::SeqCst);
                    tell(connection.into_inner(), answer(&asked)).await;
                });
            }
        });
        Self { address, asked }
    }

    /// How many requests came so far.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn read(connection: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut first = lines.first()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let mut headers = lines.iter().filter_map(|line| line.split_once(": "));
    let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.map_or(0, |(_, length)| length.parse().unwrap());
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await.ok()?;
    Some(Asked { method, target, body: String::from_utf8(body).unwrap() })
}

async fn tell(mut connection: TcpStream, told: Told) {
    const OPEN: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    match told {
        Told::Answer(status, headers, body) => {
            let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let length = body.len();
            let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n");
            let _ = connection.write_all(format!("{head}{body}").as_bytes()).await;
        }
        Told::Late(after, told) => {
            tokio::time::sleep(after).await;
            Box::pin(tell(connection, *told)).await;
        }
        Told::Hang => tokio::time::sleep(Duration::from_secs(600)).await,
        Told::Endless => {
            let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
            let _ = connection.write_all(OPEN.as_bytes()).await;
            while connection.write_all(chunk.as_bytes()).await.is_ok() {}
        }
        Told::Drip => {
            let _ = connection.write_all(OPEN.as_bytes()).await;
            while connection.write_all(b"1\r\nx\r\n").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}
