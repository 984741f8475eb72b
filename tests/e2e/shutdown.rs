//! SIGTERM: whoever is being served is served, then the service ends, and says that all went well.

use black_box::{Server, Stage, Store, on_both_stores, raw};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

on_both_stores!(a_request_in_flight_is_finished_and_the_exit_code_is_0);

const PATIENCE: Duration = Duration::from_secs(30);

async fn a_request_in_flight_is_finished_and_the_exit_code_is_0(store: Store) {
    let mut stage = Stage::set(store).await;
    let before = stage.admin.version().await;
    let body = r#"{"kind": "saml", "audience": "users", "title": "In flight"}"#;
    let (first_half, second_half) = body.split_at(20);
    let head = format!(
        "POST /api/helpdesks/default/usersources HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{first_half}",
        stage.server.authority(),
        stage.admin.authorization(),
        body.len(),
    );
    let mut socket = TcpStream::connect(stage.server.authority()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(300));

    stage.server.ask_to_end();
    std::thread::sleep(Duration::from_millis(500));
    socket.write_all(second_half.as_bytes()).unwrap();
    let mut heard = String::new();
    socket.read_to_string(&mut heard).unwrap();
    assert_eq!(raw::status(&heard), Some(201), "{heard}");

    let ended = stage.server.ended(PATIENCE);
    assert_eq!(ended.code(), Some(0), "{}", stage.server.said());
    assert!(TcpStream::connect(stage.server.authority()).is_err(), "nobody listens any more");

    let stage = stage.again(Server::kill);
    assert_eq!(stage.admin.version().await, before + 1, "what was answered is there");
}
