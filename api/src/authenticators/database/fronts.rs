//! What stands where PostgreSQL or MySQL should: one that encrypts, and some that are hostile.

use super::ground::{Ground, RIGHT};
use crate::authenticators::sample_keys::CERTIFICATE;
use crate::sign_in::Reason;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The port of a server that does `work` with each connection.
async fn front<F: Future<Output = std::io::Result<()>> + Send>(
    work: impl Fn(TcpStream) -> F + Send + Sync + 'static,
) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let _ = work(socket).await;
        }
    });
    port
}

/// A certificate for `localhost` in `folder`, and the authority's beside it.
fn certificate(folder: &Path) -> TlsAcceptor {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/peers/authority");
    assert!(std::process::Command::new(script).arg(folder).status().unwrap().success());
    let chain = CertificateDer::pem_file_iter(folder.join("server.pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    TlsAcceptor::from(Arc::new(
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap(),
    ))
}

#[tokio::test]
async fn postgresql_behind_encryption_is_asked_if_it_proves_itself() {
    let ground = Ground::postgresql().await;
    let folder = std::env::temp_dir().join(format!("gateledger-{}", uuid::Uuid::new_v4().simple()));
    std::fs::create_dir(&folder).unwrap();
    let acceptor = certificate(&folder);
    let real = ground.settings(json!({}))["port"].as_u64().unwrap();
    let port = front(move |mut socket| {
        let acceptor = acceptor.clone();
        async move {
            let mut request = [0; 8];
            socket.read_exact(&mut request).await?;
            assert_eq!(&request, b"\0\0\0\x08\x04\xd2\x16\x2f");
            socket.write_all(b"S").await?;
            let mut encrypted = acceptor.accept(socket).await?;
            let mut server = TcpStream::connect(format!("127.0.0.1:{real}")).await?;
            tokio::io::copy_bidirectional(&mut encrypted, &mut server).await.map(drop)
        }
    })
    .await;
    let authority = std::fs::read_to_string(folder.join("ca.pem")).unwrap();
    let with = |tls: &str, host: &str, authority: &str| json!({"tls": tls, "host": host, "port": port, "ca_certificates": authority});
    for right in [with("verify", "localhost", &authority), with("unverified", "127.0.0.1", CERTIFICATE)] {
        assert!(ground.ask(right, "Jane", RIGHT).await.unwrap().is_some());
    }
    for wrong in [with("verify", "127.0.0.1", &authority), with("verify", "localhost", CERTIFICATE)] {
        let denied = ground.ask(wrong, "Jane", RIGHT).await.unwrap_err();
        assert!(denied.reason == Reason::Misconfigured && denied.cause.contains("certificate"), "{denied}");
    }
    std::fs::remove_dir_all(folder).unwrap();
    ground.end().await;
}

/// Why nothing came of a server that says `hello` at once and then sends `more` without end.
async fn hostile(ground: &Ground, tls: &str, hello: &'static [u8], more: &'static [u8]) -> Reason {
    let port = front(move |mut socket| async move {
        socket.write_all(hello).await?;
        while !more.is_empty() {
            socket.write_all(more).await?;
        }
        socket.read_to_end(&mut Vec::new()).await.map(drop)
    })
    .await;
    let changes: Value = json!({"port": port, "tls": tls});
    let begun = Instant::now();
    let denied = ground.ask(changes, "Jane", RIGHT).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(5), "{denied}");
    denied.reason
}

#[tokio::test]
async fn a_hostile_server_gets_no_room_and_no_time() {
    let postgresql = Ground::postgresql().await;
    let endless: &[u8] = &[0; 65_536];
    for (what, tls, hello, more) in [
        ("a message of four gigabytes", "off", b"R\xff\xff\xff\xff".as_slice(), b"".as_slice()),
        ("a message of no length", "off", b"R\0\0\0\0", b""),
        ("another protocol", "off", b"HTTP/1.1 400 Bad Request\r\n\r\n", b""),
        ("notices without end", "off", b"", b"N\0\0\0\x05\0"),
        ("neither yes nor no", "unverified", b"X", b""),
    ] {
        assert_eq!(hostile(&postgresql, tls, hello, more).await, Reason::Invalid, "{what}");
    }
    postgresql.end().await;
    let mysql = Ground::mysql().await;
    assert_eq!(hostile(&mysql, "off", b"\xff\xff\xff\0", endless).await, Reason::Invalid);
    mysql.end().await;
}
