//! The load: a process of its own that keeps connections open and asks as fast as it is answered, one request at a
//! time on each.

use crate::child::Child;
use crate::machine::computed;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The start is not counted.
const WARM_UP: Duration = Duration::from_millis(300);

/// What to ask: for each connection its requests, asked in turn, and the status that each answer must have.
#[derive(Debug, Clone)]
pub struct Load {
    /// `127.0.0.1:PORT`.
    pub authority: String,
    /// For each connection, whole requests.
    pub connections: Vec<Vec<String>>,
    /// Any other status ends the benchmark.
    pub status: u16,
    /// For how long.
    pub lasting: Duration,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Answers a second.
    pub rate: f64,
    /// All answers, those at the start too.
    pub answers: f64,
    /// How long the load itself computed for all of them, in seconds.
    pub computed: f64,
    /// The median time from a request to its answer, in milliseconds.
    pub median: f64,
    /// The time that one in a hundred exceeds, in milliseconds.
    pub slow: f64,
}

/// A whole request.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!("{method} {path} HTTP/1.1\r\n");
    headers.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
    if !body.is_empty() {
        text.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
    }
    text + "\r\n" + body
}

impl Load {
    /// Runs it in another process, on the asking core. `folder` takes the process's orders.
    pub fn run(&self, folder: &Path) -> Outcome {
        let orders = folder.join("load.json");
        let text = json!({
            "authority": self.authority, "connections": self.connections, "status": self.status,
            "milliseconds": self.lasting.as_millis() as u64,
        });
        std::fs::write(&orders, text.to_string()).unwrap_or_else(|e| panic!("cannot write the load's orders: {e}"));
        let told = Child::asking(&["load", &orders.display().to_string()]).told();
        let number = |name: &str| told[name].as_f64().unwrap_or_else(|| panic!("the load told nothing: {told}"));
        Outcome {
            rate: number("rate"),
            answers: number("answers"),
            computed: number("computed"),
            median: number("median"),
            slow: number("slow"),
        }
    }
}

/// The process itself: reads its orders, asks, and tells what came of it.
pub async fn ask(orders: &str) -> Value {
    let orders = std::fs::read_to_string(orders).unwrap_or_else(|e| panic!("no orders: {e}"));
    let orders: Value = serde_json::from_str(&orders).unwrap_or_else(|e| panic!("no orders: {e}"));
    let lasting = Duration::from_millis(orders["milliseconds"].as_u64().unwrap_or(1000));
    let authority = orders["authority"].as_str().unwrap_or_default();
    let status = orders["status"].to_string().into_bytes();
    let mut sockets = Vec::new();
    for requests in orders["connections"].as_array().into_iter().flatten() {
        let socket = TcpStream::connect(authority).await.unwrap_or_else(|e| panic!("cannot connect: {e}"));
        let _ = socket.set_nodelay(true);
        let text = |request: &Value| request.as_str().unwrap_or_default().as_bytes().to_vec();
        sockets.push((socket, requests.as_array().into_iter().flatten().map(text).collect::<Vec<_>>()));
    }
    let from = Instant::now() + WARM_UP;
    let talks = sockets.into_iter().map(|(socket, requests)| {
        tokio::task::spawn_local(talk(socket, requests, status.clone(), from, from + lasting))
    });
    let talks: Vec<_> = talks.collect();
    let (mut waits, mut answers) = (Vec::new(), 0_u64);
    for talk in talks {
        let (counted, all) = talk.await.unwrap_or_else(|e| panic!("a connection failed: {e}"));
        waits.extend(counted);
        answers += all;
    }
    waits.sort_unstable();
    let median = waits.get(waits.len() / 2).map_or(0.0, Duration::as_secs_f64);
    let slow = waits.get(waits.len() * 99 / 100).map_or(0.0, Duration::as_secs_f64);
    let (rate, computed) = (waits.len() as f64 / lasting.as_secs_f64(), computed(std::process::id()));
    json!({"rate": rate, "answers": answers, "computed": computed, "median": median * 1e3, "slow": slow * 1e3})
}

async fn talk(
    mut socket: TcpStream,
    requests: Vec<Vec<u8>>,
    status: Vec<u8>,
    from: Instant,
    until: Instant,
) -> (Vec<Duration>, u64) {
    let mut heard = Vec::with_capacity(65_536);
    let (mut waits, mut answers) = (Vec::new(), 0);
    for request in requests.iter().cycle() {
        let asked = Instant::now();
        socket.write_all(request).await.unwrap_or_else(|e| panic!("the connection broke: {e}"));
        heard.clear();
        while answer_length(&heard).is_none_or(|length| heard.len() < length) {
            let read = socket.read_buf(&mut heard).await.unwrap_or_else(|e| panic!("the connection broke: {e}"));
            assert!(read > 0, "the connection was closed");
        }
        assert_eq!(&heard[9..12], status, "{}", String::from_utf8_lossy(&heard));
        let answered = Instant::now();
        answers += 1;
        if answered >= until {
            break;
        }
        if answered >= from {
            waits.push(answered - asked);
        }
    }
    (waits, answers)
}

/// How long the answer is that begins here, once its head is there.
fn answer_length(heard: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length: ";
    let mut length = 0;
    let mut at = 0;
    loop {
        let line = at + heard.get(at..)?.iter().position(|byte| *byte == b'\n')?;
        if line <= at + 1 {
            return Some(line + 1 + length);
        }
        if heard[at..line].get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME)) {
            let digits = heard[at + NAME.len()..line].iter().take_while(|byte| byte.is_ascii_digit());
            length = digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
        }
        at = line + 1;
    }
}
