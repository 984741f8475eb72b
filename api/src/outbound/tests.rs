//! The way out against providers that hang, send without end, redirect, fail and come back.

use super::stand_in::{Asked, StandIn, Told};
use super::*;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Short, so that tests wait little.
const LIMITS: Limits = Limits {
    connect: Duration::from_millis(500),
    total: Duration::from_millis(400),
    longest: 100_000,
    at_once: 4,
    turn: Duration::from_millis(50),
    kept: Duration::from_millis(300),
    stale: Duration::from_secs(20),
    patience: Duration::from_millis(100),
    back_off: Duration::from_millis(300),
    long_back_off: Duration::from_millis(600),
    floor: Duration::from_millis(300),
    ..Limits::SERVICE
};

fn outbound(limits: Limits) -> Outbound {
    under(AddressPolicy::PrivateToo, limits)
}

fn under(policy: AddressPolicy, limits: Limits) -> Outbound {
    Outbound::within(policy, limits).unwrap()
}

async fn get(outbound: &Outbound, url: &str) -> Result<http::Response<Vec<u8>>, OutboundError> {
    outbound.send(http::Request::get(url).body(Vec::new()).unwrap(), Schemes::HttpToo).await
}

fn read(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|_| "this is no JSON".to_owned())
}

async fn document(outbound: &Outbound, url: &str) -> Result<Arc<Value>, OutboundError> {
    outbound.document(url, Schemes::HttpToo, read).await
}

/// Tells the number of each request, and from `working` on only what `otherwise` says, until `again`.
async fn counting(working: usize, otherwise: Told, again: usize) -> StandIn {
    let count = AtomicUsize::new(0);
    StandIn::start(move |_: &Asked| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        if number <= working || number > again { Told::json(&json!(number)) } else { otherwise.clone() }
    })
    .await
}

#[tokio::test]
async fn what_was_asked_comes_back_whole_whatever_its_status() {
    let provider = StandIn::start(|asked| match asked.method.as_str() {
        "POST" => Told::Answer(418, vec![("x-told", asked.body.clone())], asked.target.clone()),
        _ => Told::status(500),
    })
    .await;
    let outbound = outbound(LIMITS);
    let url = format!("{}/a?b=c", provider.address);
    let request = http::Request::post(&url).body(b"body".to_vec()).unwrap();
    let answer = outbound.send(request, Schemes::HttpToo).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["x-told"].to_str().unwrap()), (418, "body"));
    assert_eq!(answer.body(), b"/a?b=c");
    assert_eq!(get(&outbound, &url).await.unwrap().status().as_u16(), 500);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_never_followed() {
    let other = StandIn::start(|_| Told::json(&json!("secret"))).await;
    let to = other.address.clone();
    let provider = StandIn::start(move |_| Told::Answer(302, vec![("location", to.clone())], String::new())).await;
    let outbound = outbound(LIMITS);
    assert_eq!(get(&outbound, &provider.address).await.unwrap().status().as_u16(), 302);
    assert!(matches!(document(&outbound, &provider.address).await, Err(OutboundError::Unusable(_))));
    assert_eq!(other.asked(), 0);
}

#[tokio::test]
async fn a_provider_that_hangs_or_drips_is_given_up_in_time() {
    let outbound = outbound(LIMITS);
    for told in [Told::Hang, Told::Drip] {
        let provider = StandIn::start(move |_| told.clone()).await;
        let began = Instant::now();
        assert!(matches!(get(&outbound, &provider.address).await, Err(OutboundError::Unreachable(_))));
        assert!(began.elapsed() < 3 * LIMITS.total, "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_read_to_its_end() {
    let outbound = outbound(Limits { total: Duration::from_secs(60), ..LIMITS });
    let endless = StandIn::start(|_| Told::Endless).await;
    assert!(matches!(get(&outbound, &endless.address).await, Err(OutboundError::Unusable(_))));
    for (length, fits) in [(LIMITS.longest, true), (LIMITS.longest + 1, false)] {
        let provider = StandIn::start(move |_| Told::Answer(200, Vec::new(), "x".repeat(length))).await;
        assert_eq!(get(&outbound, &provider.address).await.is_ok(), fits, "{length}");
    }
}

#[tokio::test]
async fn only_https_leaves_unless_http_is_allowed_and_nothing_else_ever_does() {
    let provider = StandIn::start(|_| Told::status(200)).await;
    let outbound = outbound(LIMITS);
    let refused = |url: String, schemes| {
        let request = http::Request::get(url).body(Vec::new()).unwrap();
        let outbound = &outbound;
        async move { matches!(outbound.send(request, schemes).await, Err(OutboundError::Forbidden(_))) }
    };
    assert!(refused(provider.address.clone(), Schemes::Https).await);
    assert!(refused(format!("{}/keys", provider.address).replace("http", "ftp"), Schemes::HttpToo).await);
    assert!(!refused(provider.address.clone(), Schemes::HttpToo).await);
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn an_address_of_our_own_network_is_not_asked_in_any_spelling() {
    let provider = StandIn::start(|_| Told::status(200)).await;
    let port = provider.address.rsplit(':').next().unwrap().to_owned();
    let closed = under(AddressPolicy::PublicOnly, LIMITS);
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ] {
        let answer = get(&closed, &format!("http://{host}:{port}/")).await;
        assert!(matches!(answer, Err(OutboundError::Forbidden(_))), "{host}: {answer:?}");
    }
    assert!(matches!(closed.resolve("localhost", 80).await, Err(OutboundError::Forbidden(_))));
    assert_eq!(provider.asked(), 0);
    assert!(get(&outbound(LIMITS), &format!("http://localhost:{port}/")).await.is_ok());
}

#[tokio::test]
async fn a_hanging_provider_holds_up_nobody_but_itself() {
    let hanging = StandIn::start(|_| Told::Hang).await;
    let working = StandIn::start(|_| Told::status(200)).await;
    let outbound = Arc::new(outbound(Limits { total: Duration::from_secs(30), ..LIMITS }));
    let stuck: Vec<_> = (0..LIMITS.at_once)
        .map(|_| {
            let (outbound, url) = (Arc::clone(&outbound), hanging.address.clone());
            tokio::spawn(async move { get(&outbound, &url).await })
        })
        .collect();
    while hanging.asked() < LIMITS.at_once {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(matches!(get(&outbound, &hanging.address).await, Err(OutboundError::Unreachable(_))));
    assert_eq!(hanging.asked(), LIMITS.at_once);
    assert!(get(&outbound, &working.address).await.is_ok());
    stuck.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn many_who_want_a_document_at_once_ask_once_and_it_is_kept_for_a_while() {
    let late = Told::Late(Duration::from_millis(100), Box::new(Told::json(&json!(1))));
    let provider = StandIn::start(move |_| late.clone()).await;
    let outbound = outbound(LIMITS);
    let all = futures::future::join_all((0..20).map(|_| document(&outbound, &provider.address))).await;
    let first = all[0].as_ref().unwrap();
    assert!(all.iter().all(|one| Arc::ptr_eq(one.as_ref().unwrap(), first)));
    assert!(Arc::ptr_eq(&document(&outbound, &provider.address).await.unwrap(), first));
    assert_eq!(provider.asked(), 1);
    tokio::time::sleep(LIMITS.kept).await;
    document(&outbound, &provider.address).await.unwrap();
    assert_eq!(provider.asked(), 2);
}

#[tokio::test]
async fn a_provider_that_is_down_is_answered_from_what_was_kept_and_asked_seldom() {
    for otherwise in [Told::Hang, Told::status(500), Told::Answer(200, Vec::new(), "<html>".to_owned())] {
        let provider = counting(1, otherwise, 2).await;
        let outbound = outbound(LIMITS);
        assert_eq!(*document(&outbound, &provider.address).await.unwrap(), json!(1));
        tokio::time::sleep(LIMITS.kept).await;
        let began = Instant::now();
        for _ in 0..5 {
            assert_eq!(*document(&outbound, &provider.address).await.unwrap(), json!(1), "what was kept");
        }
        assert!(began.elapsed() < LIMITS.total, "{:?}", began.elapsed());
        assert_eq!(provider.asked(), 2);
        tokio::time::sleep(LIMITS.long_back_off).await;
        assert_eq!(*document(&outbound, &provider.address).await.unwrap(), json!(3), "it is back");
    }
}

#[tokio::test]
async fn what_is_too_old_is_believed_no_more() {
    let provider = counting(1, Told::status(503), usize::MAX).await;
    let outbound = outbound(Limits { stale: 2 * LIMITS.kept, ..LIMITS });
    document(&outbound, &provider.address).await.unwrap();
    tokio::time::sleep(2 * LIMITS.kept).await;
    assert!(matches!(document(&outbound, &provider.address).await, Err(OutboundError::Unusable(_))));
}

#[tokio::test]
async fn where_nothing_was_kept_a_failure_is_told_at_once_for_a_while() {
    let provider = counting(0, Told::Hang, 1).await;
    let outbound = outbound(LIMITS);
    let all = futures::future::join_all((0..20).map(|_| document(&outbound, &provider.address)));
    let began = Instant::now();
    assert!(all.await.iter().all(Result::is_err));
    assert!(began.elapsed() < 2 * LIMITS.total, "{:?}", began.elapsed());
    assert!(document(&outbound, &provider.address).await.is_err());
    assert_eq!(provider.asked(), 1);
    tokio::time::sleep(LIMITS.back_off).await;
    assert_eq!(*document(&outbound, &provider.address).await.unwrap(), json!(2));
}

#[tokio::test]
async fn a_newer_document_is_read_anew_but_not_more_often_than_the_floor_allows() {
    let provider = counting(usize::MAX, Told::Hang, usize::MAX).await;
    let outbound = outbound(Limits { kept: Duration::from_secs(60), ..LIMITS });
    let newer = |than: Arc<Value>| {
        let outbound = &outbound;
        let url = provider.address.clone();
        async move { outbound.newer_document(&url, Schemes::HttpToo, read, &than).await.unwrap() }
    };
    let first = document(&outbound, &provider.address).await.unwrap();
    assert!(Arc::ptr_eq(&newer(Arc::clone(&first)).await, &first), "it was read a moment ago");
    tokio::time::sleep(LIMITS.floor).await;
    let both = futures::future::join(newer(Arc::clone(&first)), newer(Arc::clone(&first))).await;
    assert_eq!((&*both.0, &*both.1), (&json!(2), &json!(2)), "two who miss something ask once");
    assert!(Arc::ptr_eq(&newer(first).await, &both.0), "somebody has read it since");
    assert_eq!(*document(&outbound, &provider.address).await.unwrap(), json!(2));
    assert_eq!(provider.asked(), 2);
}

#[tokio::test]
async fn documents_are_told_apart_by_what_they_are_read_as_and_by_schemes() {
    let provider = counting(usize::MAX, Told::Hang, usize::MAX).await;
    let outbound = outbound(Limits { kept: Duration::from_secs(60), ..LIMITS });
    document(&outbound, &provider.address).await.unwrap();
    let as_text = |body: &[u8]| String::from_utf8(body.to_vec()).map_err(|error| error.to_string());
    let text: Arc<String> = outbound.document(&provider.address, Schemes::HttpToo, as_text).await.unwrap();
    assert_eq!(*text, "2");
    assert_eq!(*document(&outbound, &provider.address).await.unwrap(), json!(1), "both are kept");
    // What came over http is not believed where http is not allowed.
    assert!(outbound.document(&provider.address, Schemes::Https, read).await.is_err());
}

#[tokio::test]
async fn what_is_kept_is_bounded_and_what_was_used_longest_ago_goes_first() {
    let provider = StandIn::start(|asked| Told::json(&json!(asked.target))).await;
    for bounds in [Limits { documents: 3, ..LIMITS }, Limits { bytes: 100, ..LIMITS }] {
        let outbound = outbound(Limits { kept: Duration::from_secs(60), ..bounds });
        let before = provider.asked();
        let url = |name: &str| format!("{}/{name}", provider.address);
        for name in ["a", "b", "c", "a", "d", "a"] {
            document(&outbound, &url(name)).await.unwrap();
        }
        assert_eq!(provider.asked() - before, 4, "all that were new");
        document(&outbound, &url("b")).await.unwrap();
        assert_eq!(provider.asked() - before, 5, "b had gone");
        document(&outbound, &url("a")).await.unwrap();
        assert_eq!(provider.asked() - before, 5, "a had stayed");
    }
}

#[tokio::test]
async fn no_error_tells_what_the_query_holds() {
    let provider = StandIn::start(|_| Told::status(500)).await;
    let outbound = outbound(LIMITS);
    let told = document(&outbound, &format!("{}/keys?appid=planted-secret", provider.address)).await.unwrap_err();
    assert!(told.to_string().contains("/keys") && !told.to_string().contains("planted-secret"), "{told}");
    let nobody = document(&outbound, "http://127.0.0.1:1/keys?appid=planted-secret").await.unwrap_err();
    assert!(!nobody.to_string().contains("planted-secret"), "{nobody}");
}
