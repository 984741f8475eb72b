//! A directory for tests that sends exactly what it is told, and remembers what it was asked.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// One value.
pub(super) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84], length.as_slice(), content].concat()
}

pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    value(0x30, &parts.concat())
}

/// The parts of a result.
pub(super) fn result(code: u8) -> Vec<u8> {
    result_with(code, "grün")
}

pub(super) fn result_with(code: u8, text: &str) -> Vec<u8> {
    [value(0x0a, &[code]), value(0x04, b""), value(0x04, text.as_bytes())].concat()
}

/// A whole message with this number.
pub(super) fn answer(id: u8, operation: Vec<u8>) -> Vec<u8> {
    sequence(&[value(0x02, &[id]), operation])
}

pub(super) fn bound(id: u8, code: u8) -> Vec<u8> {
    answer(id, value(0x61, &result(code)))
}

pub(super) fn searched(id: u8, code: u8) -> Vec<u8> {
    answer(id, value(0x65, &result(code)))
}

/// An entry with one attribute, `cn`.
pub(super) fn entry(name: &[u8], values: &[&[u8]]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|bytes| value(0x04, bytes)).collect();
    let attribute = sequence(&[value(0x04, b"cn"), value(0x31, &values)]);
    value(0x64, &[value(0x04, name), sequence(&[attribute])].concat())
}

/// A directory that answers each request with the next of `answers`, on every connection anew.
pub(super) struct Forged {
    /// Where it listens.
    pub(super) url: String,
    /// The tags of the operations that it was asked for.
    pub(super) asked: Arc<Mutex<Vec<u8>>>,
}

impl Forged {
    pub(super) async fn start(answers: &[Vec<u8>]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ldap://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answers, remember) = (answers.to_vec(), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (answers, remember) = (answers.clone(), Arc::clone(&remember));
                tokio::spawn(async move {
                    let mut answers = answers.into_iter();
                    let mut request = [0; 4096];
                    while let Ok(1..) = socket.read(&mut request).await {
                        remember.lock().unwrap().push(operation(&request));
                        let Some(answer) = answers.next() else { continue };
                        let _ = socket.write_all(&answer).await;
                    }
                });
            }
        });
        Self { url, asked }
    }

    pub(super) fn asked(&self) -> Vec<u8> {
        self.asked.lock().unwrap().clone()
    }
}

/// The tag behind the length and the number of a message.
fn operation(request: &[u8]) -> u8 {
    let more = if request[1] < 0x80 { 0 } else { request[1] & 0x7f };
    request[2 + usize::from(more) + 3]
}
