//! What people really paste, and what becomes of it (R6).

use super::*;
use crate::authenticators::sample_keys::{
    CERTIFICATE, CERTIFICATE_2031, ED25519 as ED25519_KEY, P256, RSA, SHORT_RSA, private_key as fresh_private_key,
};
use proptest::prelude::*;

fn body(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with('-')).map(|line| format!("{line}\n")).collect()
}

#[test]
fn r6_whatever_way_a_certificate_is_pasted_it_is_stored_in_one_form() {
    let ways = [
        CERTIFICATE.to_owned(),
        CERTIFICATE.replace('\n', "\r\n"),
        CERTIFICATE.replace('\n', "\r"),
        CERTIFICATE.replace('\n', "\n\n"),
        CERTIFICATE.replace('\n', "\n    "),
        CERTIFICATE.replace('\n', " "),
        CERTIFICATE.replace('\n', "\\n"),
        CERTIFICATE.replace("CERTIFICATE", "X509 CERTIFICATE"),
        body(CERTIFICATE),
        body(CERTIFICATE).replace('\n', ""),
        body(CERTIFICATE).trim_end().trim_end_matches('=').to_owned(),
        CERTIFICATE.lines().skip(1).collect(),
        CERTIFICATE.replace("-----END CERTIFICATE-----", ""),
        format!("Bag Attributes\n  friendlyName: idp\nsubject=/CN=x\n{CERTIFICATE}\nthe end"),
        format!("{CERTIFICATE}{CERTIFICATE}"),
    ];
    for (number, way) in ways.iter().enumerate() {
        assert_eq!(certificates(way).unwrap(), CERTIFICATE, "way {number}: {way}");
    }
}

#[test]
fn r6_several_certificates_are_kept_in_order_with_headers_or_without() {
    let both = format!("{CERTIFICATE}{CERTIFICATE_2031}");
    assert_eq!(certificates(&both).unwrap(), both);
    assert_eq!(certificates(&format!("{}\n\n{}", body(CERTIFICATE), body(CERTIFICATE_2031))).unwrap(), both);
    let millis: Vec<_> = expiries(&both).iter().map(ToString::to_string).collect();
    assert_eq!(millis, ["2126-10-30T06:02:21.000Z", "2031-01-01T06:02:21.000Z"]);
}

#[test]
fn r6_what_is_no_certificate_is_refused_and_a_private_key_never_stored_plain() {
    let private = fresh_private_key();
    let with_key = format!("{CERTIFICATE}{private}");
    for paste in [private.as_str(), with_key.as_str()] {
        let detail = certificates(paste).unwrap_err().detail;
        assert!(detail.contains("private key"), "{detail}");
    }
    let cut = CERTIFICATE.replace("MIIBhDCC", "MIIBhDC");
    let halved: String = CERTIFICATE.lines().take(4).collect();
    for paste in [RSA, "rubbish", "", "MIIBhDCC", cut.as_str(), halved.as_str(), &body(&private)] {
        assert!(certificates(paste).is_err(), "{paste}");
    }
}

#[test]
fn public_keys_are_taken_alone_or_out_of_a_certificate_and_weak_ones_are_not() {
    for (pasted, stored, algorithm) in [
        (RSA, RSA, KeyAlgorithm::Rsa),
        (ED25519_KEY, ED25519_KEY, KeyAlgorithm::Ed25519),
        (P256, P256, KeyAlgorithm::P256),
        (CERTIFICATE, P256, KeyAlgorithm::P256),
        (body(RSA).as_str(), RSA, KeyAlgorithm::Rsa),
    ] {
        assert_eq!(public_key(pasted).unwrap(), stored);
        assert_eq!(key_algorithm(stored), Some(algorithm));
    }
    let private = fresh_private_key();
    for paste in [SHORT_RSA, private.as_str(), "rubbish", &format!("{RSA}{P256}"), &body(&private)] {
        assert!(public_key(paste).is_err(), "{paste}");
    }
}

#[test]
fn private_keys_are_normalised_and_protected_ones_refused() {
    let key = fresh_private_key();
    let stored = private_key(&key).unwrap();
    assert!(stored.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert_eq!(*private_key(&body(&key)).unwrap(), *stored, "without its headers");
    assert_eq!(*private_key(&stored.replace('\n', "\r\n\r\n")).unwrap(), *stored);
    for paste in [RSA, CERTIFICATE, "-----BEGIN ENCRYPTED PRIVATE KEY-----", &format!("{key}{CERTIFICATE}")] {
        assert!(private_key(paste).is_err(), "{paste}");
    }
}

proptest! {
    #[test]
    fn no_paste_makes_it_panic(paste in any::<String>(), at in 0usize..600, inserted in "[-\\s\\PC]{0,9}") {
        let _ = (certificates(&paste), public_key(&paste), private_key(&paste), expiries(&paste));
        let mut broken: String = CERTIFICATE.chars().take(at).collect();
        broken.push_str(&inserted);
        broken.extend(CERTIFICATE.chars().skip(at));
        let _ = (certificates(&broken), public_key(&broken), private_key(&broken));
    }
}
