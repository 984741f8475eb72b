//! Messages as directories send them, and as none may.

use super::*;
use crate::authenticators::ldap::forged::{answer, entry, result, sequence, value};
use ldap3::SearchEntry;
use ldap3::asn1::{PL, parse_tag};
use proptest::prelude::*;

fn nested(levels: usize) -> Vec<u8> {
    (0..levels).fold(Vec::new(), |inner, _| value(SEQUENCE, &inner))
}

/// Judged by what it claims to answer.
fn message(buffer: &[u8]) -> Result<Option<usize>, Unfit> {
    let of = |asked| super::message(buffer, asked);
    of(Asked::Bind).or_else(|_| of(Asked::Search)).or_else(|_| of(Asked::Extended))
}

#[test]
fn messages_of_the_protocol_pass_and_are_waited_for_to_their_end() {
    let control = sequence(&[value(OCTETS, b"1.2.3"), value(0x01, &[0xff]), value(OCTETS, b"x")]);
    for whole in [
        answer(1, value(BIND_RESULT, &result(49))),
        answer(1, value(SEARCH_RESULT, &result(0))),
        answer(1, value(EXTENDED_RESULT, &[result(0), value(0x8a, b"1.3.6")].concat())),
        answer(1, value(BIND_RESULT, &[result(10), value(0xa3, &value(OCTETS, b"ldap://x"))].concat())),
        answer(1, entry("cn=M\u{fc}ller".as_bytes(), &[b"text", &[0xff, 0x00]])),
        answer(1, value(REFERENCE, &value(OCTETS, b"ldap://elsewhere"))),
        sequence(&[value(INTEGER, &[1]), value(BIND_RESULT, &result(0)), value(CONTROLS, &control)]),
        sequence(&[value(INTEGER, &[0]), value(EXTENDED_RESULT, &result(52)), value(MISPLACED_NAME, b"1.3")]),
        b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00".to_vec(),
    ] {
        let after = [whole.as_slice(), b"more"].concat();
        assert_eq!(message(&after), Ok(Some(whole.len())), "{whole:02x?}");
        for end in 0..whole.len() {
            assert_eq!(message(&whole[..end]), Ok(None), "{end} of {whole:02x?}");
        }
    }
}

#[test]
fn no_message_is_deep_endless_long_or_of_another_shape() {
    let long = answer(1, entry(b"cn=x", &[&vec![b'x'; LONGEST]]));
    for wrong in [
        answer(1, value(SEARCH_RESULT, &[result(0), nested(12)].concat())),
        answer(1, nested(10_000)),
        long[..20].to_vec(),
        b"\x30\x80".to_vec(),
        b"\x30\x85\x01\x01\x01\x01\x01".to_vec(),
        b"HTTP/1.1 400 Bad Request".to_vec(),
        sequence(&[]),
        sequence(&[value(INTEGER, &[1])]),
        sequence(&[value(BIND_RESULT, &result(0)), value(INTEGER, &[1])]),
        answer(1, value(BIND_RESULT, b"")),
        answer(1, value(BIND_RESULT, &[value(ENUMERATED, b""), value(OCTETS, b""), value(OCTETS, b"")].concat())),
        answer(1, value(BIND_RESULT, &[value(ENUMERATED, &[0]), value(OCTETS, b"\xff"), value(OCTETS, b"")].concat())),
        answer(1, entry(b"cn=\xff", &[b"x"])),
        answer(1, value(ENTRY, &value(OCTETS, b"cn=x"))),
        answer(1, value(0x60, &result(0))),
        answer(1, value(REFERENCE, &value(OCTETS, b"\xff"))),
        sequence(&[value(INTEGER, &[1]), value(BIND_RESULT, &result(0)), value(CONTROLS, &value(SEQUENCE, b""))]),
    ] {
        assert_eq!(message(&wrong), Err(Unfit), "{:02x?}", &wrong[..wrong.len().min(60)]);
    }
}

#[test]
fn only_what_was_asked_is_answered_notices_apart() {
    let answers = [
        (Asked::Bind, answer(1, value(BIND_RESULT, &result(0)))),
        (Asked::Search, answer(1, value(SEARCH_RESULT, &result(0)))),
        (Asked::Search, answer(1, entry(b"cn=x", &[]))),
        (Asked::Extended, answer(1, value(EXTENDED_RESULT, &result(0)))),
    ];
    let notice = sequence(&[value(INTEGER, &[0]), value(EXTENDED_RESULT, &result(52))]);
    for asked in [Asked::Bind, Asked::Search, Asked::Extended] {
        assert!(super::message(&notice, asked).is_ok());
        for (to, answer) in &answers {
            assert_eq!(super::message(answer, asked).is_ok(), *to == asked, "{asked:?} {answer:02x?}");
        }
    }
}

#[test]
fn the_code_of_an_extended_operation_is_found() {
    assert_eq!(extended_result(&answer(1, value(EXTENDED_RESULT, &result(2)))), Some(2));
    assert_eq!(extended_result(&answer(1, value(BIND_RESULT, &result(0)))), None);
}

proptest! {
    /// What passes is read by the library to the same end, and turned into an entry without a panic.
    #[test]
    fn what_passes_is_what_the_library_reads(
        name in "[a-z=,é]{0,12}",
        values in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..4),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        let mut bytes = answer(1, entry(name.as_bytes(), &values));
        let whole = message(&bytes);
        prop_assert_eq!(whole, Ok(Some(bytes.len())));
        let changed = at.index(bytes.len());
        bytes[changed] = byte;
        if let Ok(Some(end)) = message(&bytes) {
            let (rest, tag) = parse_tag(&bytes).unwrap();
            prop_assert_eq!(bytes.len() - rest.len(), end);
            let PL::C(mut parts) = tag.payload else { panic!("no sequence") };
            let operation = parts.remove(1);
            if operation.id == 4 {
                SearchEntry::construct(ldap3::ResultEntry::new(operation));
            }
        }
    }
}
