//! What signing in costs, against what it is made of: the signature check, the hash of a password; and what two
//! hundred sign-ins at once do to those who only look at a login page.

use crate::load::{Load, request};
use crate::machine::{SERVING, computed, on_core, resident};
use crate::rounds::{Figure, Goal, median, rounds};
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use black_box::{Installation, JANE, PASSWORD, Server, Store};
use domain::{Audience, Fields, HelpdeskId, SsoMode, Timestamp, values::Usersource};
use gateledger::authenticators::{self, SignIn};
use gateledger::key_ring::KeyRing;
use gateledger::outbound::{AddressPolicy, Outbound};
use gateledger::sign_in::{Answer, Source, Trace};
use gateledger::vault::Vault;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde_json::{Value, json};
use std::hint::black_box;
use std::time::{Duration, Instant};

const NOW: i64 = 1_800_000_000;
/// So many verifications make one measurement.
const VERIFICATIONS: u32 = 2_000;
/// So many people sign in at once.
const CROWD: usize = 200;

/// Measures them all.
pub async fn measure() -> Vec<Figure> {
    let mut figures = vec![token().await, saml().await, password().await];
    figures.extend(crowd().await);
    figures
}

/// A usersource of `kind` with these settings, and all that its kind asks for.
struct Configured {
    helpdesk: HelpdeskId,
    usersource: Usersource,
    vault: Vault,
    outbound: Outbound,
}

impl Configured {
    fn new(kind: &str, settings: Value) -> Self {
        let helpdesk = HelpdeskId::new("default");
        let vault = KeyRing::fresh().map(|ring| Vault::new(&ring)).unwrap_or_else(|e| panic!("no keys: {e}"));
        let vault = vault.unwrap_or_else(|e| panic!("no vault: {e}"));
        let authenticator = authenticators::kind(kind).unwrap_or_else(|| panic!("no kind {kind}"));
        let Value::Object(members) = json!({"title": "Bench", "settings": settings}) else { unreachable!() };
        let input = authenticators::read_input(authenticator, Audience::Users, &members, &Fields::default());
        let input = input.unwrap_or_else(|faults| panic!("{faults:?}"));
        let sealed = authenticators::seal_input(&vault, &helpdesk, &"us_1".into(), input);
        let sealed = sealed.unwrap_or_else(|e| panic!("cannot seal: {e}"));
        let usersource = Usersource {
            id: "us_1".into(),
            kind: kind.to_owned(),
            audience: Audience::Users,
            capabilities: authenticator.capabilities(),
            fields: sealed.into_iter().filter_map(|(field, value)| Some((field, value?))).collect(),
            enabled: true,
            sso: SsoMode::Off,
            sessions_valid_from: None,
            revision: 1,
        };
        let outbound = Outbound::new(AddressPolicy::PublicOnly).unwrap_or_else(|e| panic!("no way out: {e}"));
        Self { helpdesk, usersource, vault, outbound }
    }

    fn source(&self) -> Source<'_> {
        Source {
            helpdesk: &self.helpdesk,
            usersource: &self.usersource,
            base_url: "https://help.example.com",
            now: Timestamp::from_millis(NOW * 1000),
            vault: &self.vault,
            outbound: &self.outbound,
        }
    }
}

/// The whole of what the kind `jwt` does with an answer, against the bare check of the same token's signature.
async fn token() -> Figure {
    let (private_key, public_key) = key_pair();
    let settings = json!({"login_url": "https://shop.example/login", "algorithm": "RS256", "public_key": public_key});
    let configured = Configured::new("jwt", settings);
    let claims = json!({"aud": "https://help.example.com/auth/us_1/callback", "iat": NOW, "exp": NOW + 60, "jti": "1",
                        "sub": "7", "email": "alice@example.com", "name": "Alice Archer"});
    let key = EncodingKey::from_rsa_pem(private_key.as_bytes()).unwrap_or_else(|e| panic!("no key: {e}"));
    let token = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key).unwrap_or_else(|e| panic!("{e}"));
    let answer =
        Answer { query: vec![("state".into(), "x".into()), ("jwt".into(), token.clone())], ..Answer::default() };
    let kind = match authenticators::kind("jwt").map(authenticators::Authenticator::sign_in) {
        Some(SignIn::Redirect(kind)) => kind,
        _ => panic!("jwt does not redirect"),
    };
    let public = DecodingKey::from_rsa_pem(public_key.as_bytes()).unwrap_or_else(|e| panic!("no key: {e}"));
    let (message, signature) = token.rsplit_once('.').unwrap_or_default();
    let memory = json!({});
    let measured = rounds(&mut [
        &mut |_| {
            timed(VERIFICATIONS, || {
                let held =
                    jsonwebtoken::crypto::verify(signature, black_box(message).as_bytes(), &public, Algorithm::RS256);
                assert!(matches!(held, Ok(true)));
            })
        },
        &mut |_| {
            timed(VERIFICATIONS, || {
                let mut trace = Trace::off();
                let source = configured.source();
                let arrived = kind.finish(&source, Some(&memory), black_box(&answer), &mut trace);
                let arrived = futures::executor::block_on(arrived);
                assert!(arrived.is_ok_and(|arrival| arrival.person.subject == "7"));
            })
        },
    ]);
    let limit = (measured[0].as_slice(), "the bare signature check");
    Figure::ratio("an answer with a JWT, RS256", "µs", &measured[1], limit, Goal::AtMost(1.3))
}

/// All that the kind `saml` does with a response of the usual size.
async fn saml() -> Figure {
    let moment = |seconds| Timestamp::from_millis((NOW + seconds) * 1000).to_string();
    let (response, certificate) = crate::saml_response::signed(&moment(-10), &moment(290));
    let settings = json!({"sso_url": "https://idp.example/sso", "idp_entity_id": crate::saml_response::PROVIDER,
                          "certificates": certificate});
    let configured = Configured::new("saml", settings);
    let kind = match authenticators::kind("saml").map(authenticators::Authenticator::sign_in) {
        Some(SignIn::Redirect(kind)) => kind,
        _ => panic!("saml does not redirect"),
    };
    eprintln!("a response of {} bytes", response.len() / 4 * 3);
    let answer = Answer { form: vec![("SAMLResponse".into(), response)], ..Answer::default() };
    let memory = json!({"request": crate::saml_response::REQUEST, "asked_again": false});
    let took = timed(100, || {
        let source = configured.source();
        let mut trace = Trace::off();
        let arrived = kind.finish(&source, Some(&memory), black_box(&answer), &mut trace);
        let arrived = futures::executor::block_on(arrived);
        assert!(arrived.is_ok_and(|arrival| arrival.person.subject == "jane"));
    });
    Figure::size("a SAML response of 8 kB", "ms", took / 1e3, Goal::AtMost(2.0))
}

/// An RSA key pair of 2,048 bits, as PEM.
fn key_pair() -> (String, String) {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap_or_else(|e| panic!("no key pair: {e}"));
    let private: Pkcs8V1Der<'_> = pair.as_der().unwrap_or_else(|e| panic!("no private key: {e}"));
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap_or_else(|e| panic!("no public key: {e}"));
    (pem("PRIVATE KEY", private.as_ref()), pem("PUBLIC KEY", public.as_ref()))
}

fn pem(what: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", lines.join("\n"))
}

/// The median of a few takes, in microseconds for one.
fn timed(times: u32, mut work: impl FnMut()) -> f64 {
    let takes: Vec<f64> = (0..5)
        .map(|_| {
            let began = Instant::now();
            (0..times).for_each(|_| work());
            began.elapsed().as_secs_f64() * 1e6 / f64::from(times)
        })
        .collect();
    median(&takes)
}

fn form(server: &Server, login: &str, password: &str) -> String {
    let body = format!("login={}&password={}", login.replace('@', "%40"), password.replace(' ', "+"));
    let length = body.len().to_string();
    let headers = [
        ("host", server.authority()),
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-length", &length),
        ("sec-fetch-site", "same-origin"),
    ];
    request("POST", "/admin/login", &headers, "") + &body
}

/// What a sign-in with a password costs the service's core, against the hash alone.
async fn password() -> Figure {
    let installation = Installation::fresh(Store::Sqlite).await;
    let server = on_core(SERVING, || installation.serve());
    installation.admin(&server, "default");
    let load = Load {
        authority: server.authority().to_owned(),
        connections: vec![vec![form(&server, JANE, PASSWORD)]; 2],
        status: 303,
        lasting: Duration::from_secs(3),
    };
    let folder = installation.folder().path();
    let hash = stored_hash();
    let hash = PasswordHash::new(&hash).unwrap_or_else(|e| panic!("no hash: {e}"));
    let measured = rounds(&mut [
        &mut |_| {
            on_core(SERVING, || {
                let began = Instant::now();
                for _ in 0..40 {
                    let held = argon2::Argon2::default().verify_password(black_box(PASSWORD).as_bytes(), &hash);
                    assert!(held.is_ok());
                }
                began.elapsed().as_secs_f64() * 1e3 / 40.0
            })
        },
        &mut |_| {
            let before = computed(server.id());
            let outcome = load.run(folder);
            (computed(server.id()) - before) * 1e3 / outcome.answers
        },
    ]);
    let limit = (measured[0].as_slice(), "argon2 alone");
    Figure::ratio("a sign-in with a password", "ms of a core", &measured[1], limit, Goal::AtMost(1.1))
}

fn stored_hash() -> String {
    let hash: PasswordHash =
        argon2::Argon2::default().hash_password(PASSWORD.as_bytes()).unwrap_or_else(|e| panic!("cannot hash: {e}"));
    hash.to_string()
}

/// Two hundred sign-ins at once: what the slowest visitors of a login page notice, and what it takes of memory.
async fn crowd() -> Vec<Figure> {
    let installation = Installation::fresh(Store::Sqlite).await;
    let server = installation.serve();
    let admin = installation.admin(&server, "default");
    // The crowd comes from one address, which would be slowed.
    admin.change_policy("agents", "lockout_failures", 1_000).await.done();
    let visit = Load {
        authority: server.authority().to_owned(),
        connections: vec![vec![request("GET", "/login", &[("host", server.authority())], "")]; 2],
        status: 200,
        lasting: Duration::from_secs(3),
    };
    let signing_in = Load {
        connections: vec![vec![form(&server, JANE, PASSWORD)]; CROWD],
        status: 303,
        lasting: Duration::from_secs(6),
        ..visit.clone()
    };
    let folder = installation.folder().path().to_owned();
    let crowd_folder = folder.join("crowd");
    std::fs::create_dir_all(&crowd_folder).unwrap_or_else(|e| panic!("no folder: {e}"));
    let mut most = 0.0_f64;
    let measured = rounds(&mut [&mut |_| visit.run(&folder).slow, &mut |_| {
        std::thread::scope(|scope| {
            let crowd = scope.spawn(|| signing_in.run(&crowd_folder));
            std::thread::sleep(Duration::from_millis(1_500));
            let slow = visit.run(&folder).slow;
            most = most.max(resident(server.id()));
            let outcome = crowd.join().unwrap_or_else(|_| panic!("the crowd fell over"));
            eprintln!("{:.1} sign-ins/s beside it", outcome.rate);
            slow
        })
    }]);
    let limit = (measured[0].as_slice(), "nobody signs in");
    vec![
        Figure::ratio("a login page while 200 sign in, p99", "ms", &measured[1], limit, Goal::AtMost(2.0)),
        Figure::size("memory while 200 sign in", "MB", most, Goal::AtMost(150.0)),
    ]
}
