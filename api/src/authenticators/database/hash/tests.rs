//! Every sort of hash, made by other programs (PHP 8.2, Apache's htpasswd, Python's hashlib): right and wrong.

use super::*;
use std::time::{Duration, Instant};

const RIGHT: &str = "jörg's secret";

fn stored(hash: &str) -> Stored {
    Stored { hash: Zeroizing::new(hash.to_owned()), salt: Salt::Before(String::new()) }
}

fn verify(sort: Hash, stored: &Stored, password: &str) -> Result<bool, Unusable> {
    sort.matches(stored, password.as_bytes())
}

const MADE: &[(Hash, &str)] = &[
    (Hash::Argon2, "$argon2i$v=19$m=1024,t=2,p=1$ekdFZTJIeWNES0dIajJvag$O5zmKcBfj1vtnz/91e76LbOe3ODgdANFPOeL8k4WE24"),
    (Hash::Argon2, "$argon2id$v=19$m=1024,t=2,p=1$czNPb3JTWUNrOGRSd0pTUg$TMqZdYVnxe9kgPXRLC4l4RtjBA/J8oKP7/CkiNoDvDU"),
    (
        Hash::Argon2,
        "argon2$argon2id$v=19$m=1024,t=2,p=1$czNPb3JTWUNrOGRSd0pTUg$TMqZdYVnxe9kgPXRLC4l4RtjBA/J8oKP7/CkiNoDvDU",
    ),
    (Hash::Bcrypt, "$2y$04$0qbNU64NLE2CJd0GLAzNluvgoJ533QEl90n5RmKjouFRJvJJBUHfC"),
    (Hash::Bcrypt, "$2a$04$0qbNU64NLE2CJd0GLAzNluvgoJ533QEl90n5RmKjouFRJvJJBUHfC"),
    (Hash::Bcrypt, "$2b$04$X173cRifxl3Ubi2JJ94KpevPdFTEZg42uI5fYHExMgmtNjZue1.UW"),
    (Hash::Bcrypt, "bcrypt$$2b$04$X173cRifxl3Ubi2JJ94KpevPdFTEZg42uI5fYHExMgmtNjZue1.UW"),
    (Hash::Scrypt, "$scrypt$ln=10,r=8,p=1$c2l4dGVlbiBieXRlcyBvaw$MgGXz48+HfivYjVlRkRc4CrqmeFFSaK8aY6H2LK/wFs"),
    (Hash::Pbkdf2, "$pbkdf2-sha1$i=1000,l=32$c2l4dGVlbiBieXRlcyBvaw$WozrZTL5507uSKEb7FdYuxZWBnnJQVIoyK4B/vPMjKA"),
    (Hash::Pbkdf2, "$pbkdf2-sha256$i=1000,l=32$c2l4dGVlbiBieXRlcyBvaw$nIGpkeTjQxCDHQ9mpnfOQagJOX9XGqeQCuGtmm/9L14"),
    (Hash::Pbkdf2, "$pbkdf2-sha512$1000$c2l4dGVlbiBieXRlcyBvaw$kpi1HyFPLk35RXGvp22/XJCsDt/AN5.1i5G/VhE23Ok"),
    (Hash::Pbkdf2, "pbkdf2_sha256$1000$saltsalt$3gb9Sp3X0DSYNqs7EJ7HnGTWQO+8FrAYs43SwtKRdQI="),
    (Hash::Pbkdf2, "pbkdf2_sha1$1000$saltsalt$gqBRRJojb9hbQi8JvunKcIgflzM="),
    (
        Hash::Sha512Crypt,
        "$6$rounds=1000$saltsaltsalt$YvII7eOWM8AYrRDeLGA.xn.qhE42dTNTz.sGbO43Qd/YTH.nf6gtFoMdYKfvXNQ4nVBcOYtZYsOUFl.s/FwtQ0",
    ),
    (
        Hash::Sha512Crypt,
        "$6$short$W6KFRbrmIFQMuYc46hsJvSYBcyJ9gfCWRc73DslzsCVlYgZaRlBpIQySyKu3I0E5f5HA9glfXek9vtlddc03v/",
    ),
    (Hash::Phpass, "$P$7abcdefghqecaALWma9w0jd3w.sg6i1"),
    (Hash::Phpass, "$H$7abcdefghqecaALWma9w0jd3w.sg6i1"),
    (Hash::Md5, "d085b8836390cd1517aa7fa28e5f9652"),
    (Hash::Md5, "D085B8836390CD1517AA7FA28E5F9652"),
    (Hash::Sha1, "c523fa27bdb22642bdd72750dbb49529b1d7363a"),
    (Hash::Sha256, "494369f7a75bb0e857b20ffe6457de0a9b6780b8ae143b1a8e7310ec06410fa4"),
];

const ALL: [Hash; 9] = [
    Hash::Argon2,
    Hash::Bcrypt,
    Hash::Scrypt,
    Hash::Pbkdf2,
    Hash::Sha512Crypt,
    Hash::Phpass,
    Hash::Sha256,
    Hash::Sha1,
    Hash::Md5,
];

#[test]
fn every_sort_of_hash_takes_the_right_password_and_no_other() {
    for (sort, hash) in MADE {
        assert_eq!(verify(*sort, &stored(hash), RIGHT), Ok(true), "{hash}");
        for wrong in ["", "wrong", "jörg's secret ", "Jörg's secret"] {
            assert_eq!(verify(*sort, &stored(hash), wrong), Ok(false), "{hash} {wrong}");
        }
    }
    assert_eq!(verify(Hash::Phpass, &stored("$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"), "test12345"), Ok(true));
}

#[test]
fn another_sort_a_damaged_hash_and_plain_text_are_unreadable() {
    for sort in ALL {
        for (made, hash) in MADE.iter().filter(|(made, _)| *made != sort) {
            assert_eq!(verify(sort, &stored(hash), RIGHT), Err(Unusable::Unreadable), "{sort:?} {made:?}");
        }
        for plain in
            ["", "!", RIGHT, "secret", &"x".repeat(600), "$argon2id$", "$2y$", "$6$", "$P$", "pbkdf2_sha256$$$"]
        {
            assert_eq!(verify(sort, &stored(plain), plain), Err(Unusable::Unreadable), "{sort:?} {plain}");
        }
    }
    // The first bytes of a result of PBKDF2 are a result of it.
    for (sort, hash) in MADE.iter().filter(|(sort, _)| *sort != Hash::Pbkdf2) {
        let cut = &hash[..hash.len() - 12];
        assert_ne!(verify(*sort, &stored(cut), RIGHT), Ok(true), "{cut}");
    }
}

#[test]
fn a_result_so_short_that_chance_meets_it_is_unreadable() {
    for (sort, hash) in [
        (Hash::Scrypt, "$scrypt$ln=10,r=8,p=1$c2l4dGVlbiBieXRlcyBvaw$MgGXz48+HfivYg"),
        (Hash::Pbkdf2, "pbkdf2_sha256$1000$saltsalt$"),
        (Hash::Pbkdf2, "pbkdf2_sha256$1000$saltsalt$3g=="),
    ] {
        assert_eq!(verify(sort, &stored(hash), RIGHT), Err(Unusable::Unreadable), "{hash}");
    }
}

#[test]
fn parameters_that_would_take_gigabytes_or_minutes_are_refused_at_once() {
    let (salt, result) = ("c2l4dGVlbiBieXRlcyBvaw", "MgGXz48+HfivYjVlRkRc4CrqmeFFSaK8aY6H2LK/wFs");
    let (short, crypted) = ("A".repeat(53), "x".repeat(86));
    for (sort, hash) in [
        (Hash::Argon2, format!("$argon2id$v=19$m=4194304,t=1,p=1${salt}${result}")),
        (Hash::Argon2, format!("$argon2id$v=19$m=524288,t=1,p=1${salt}${result}")),
        (Hash::Argon2, format!("$argon2id$v=19$m=262144,t=5,p=1${salt}${result}")),
        (Hash::Argon2, format!("$argon2id$v=19$m=1024,t=4000000,p=1${salt}${result}")),
        (Hash::Argon2, format!("$argon2id$v=19$m=1024,t=1,p=100${salt}${result}")),
        (Hash::Scrypt, format!("$scrypt$ln=19,r=8,p=1${salt}${result}")),
        (Hash::Scrypt, format!("$scrypt$ln=63,r=8,p=1${salt}${result}")),
        (Hash::Scrypt, format!("$scrypt$ln=200,r=8,p=1${salt}${result}")),
        (Hash::Scrypt, format!("$scrypt$ln=10,r=4294967295,p=1${salt}${result}")),
        (Hash::Scrypt, format!("$scrypt$ln=10,r=8,p=4294967295${salt}${result}")),
        (Hash::Pbkdf2, format!("$pbkdf2-sha256$i=2000001,l=32${salt}${result}")),
        (Hash::Pbkdf2, format!("pbkdf2_sha256$4000000000$salt${result}")),
        (Hash::Bcrypt, format!("$2y$16${short}")),
        (Hash::Bcrypt, format!("$2y$31${short}")),
        (Hash::Sha512Crypt, format!("$6$rounds=999999999$salt${crypted}")),
        (Hash::Phpass, format!("$P$J{}", ".".repeat(30))),
    ] {
        let begun = Instant::now();
        assert_eq!(verify(sort, &stored(&hash), RIGHT), Err(Unusable::TooCostly), "{hash}");
        assert!(begun.elapsed() < Duration::from_millis(50), "{hash}");
    }
}

#[test]
fn a_salt_stands_where_the_setting_says() {
    let with = |hash: &str, salt| Stored { salt, ..stored(hash) };
    let before = || Salt::Before("pepper".to_owned());
    let after = || Salt::After("pepper".to_owned());
    let md5 = "6a3d62cc43f0c3e98d7e26d5c53f4580";
    let sha1 = "3afc17ed5394be953c9f27181e5fa9b79537e16a";
    let sha256 = "4d8a1960c0eaa8f1781fc81036130046d95598b04b57670765f5d33613f926f8";
    for (sort, hash, right, wrong) in [
        (Hash::Md5, md5, before(), after()),
        (Hash::Sha1, sha1, after(), before()),
        (Hash::Sha256, sha256, before(), after()),
    ] {
        assert_eq!(verify(sort, &with(hash, right), RIGHT), Ok(true), "{sort:?}");
        assert_eq!(verify(sort, &with(hash, wrong), RIGHT), Ok(false), "{sort:?}");
    }
}

#[test]
fn a_password_that_nobody_can_have_set_fits_nothing() {
    let long = "x".repeat(LONGEST + 1);
    let made: String = {
        use md5::{Digest as _, Md5};
        Md5::digest(&long.as_bytes()[..LONGEST]).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let whole = |password: &str| Hash::Md5.verify_or_work(Some(&stored(&made)), None, password.as_bytes());
    assert_eq!((whole(&long[..LONGEST]), whole(&long)), (Ok(true), Ok(false)));
}

#[test]
fn the_hash_of_nobody_is_worked_on_and_fits_nobody() {
    for sort in ALL {
        assert_eq!(sort.matches(&stored(&sort.of_nobody()), b"anything"), Ok(false), "{sort:?}");
    }
}

#[tokio::test]
async fn r26_without_a_hash_the_work_of_another_ones_is_done() {
    let costly = stored("$2y$08$0qbNU64NLE2CJd0GLAzNluvgoJ533QEl90n5RmKjouFRJvJJBUHfC");
    let cases = [
        (Some(costly.clone()), None),
        (None, Some(costly.clone())),
        (Some(stored("!")), Some(costly.clone())),
        (Some(stored(&format!("$2y$31${}", ".".repeat(53)))), Some(costly)),
    ];
    let mut fastest = [Duration::MAX; 4];
    for _ in 0..9 {
        for (fastest, (stored, other)) in fastest.iter_mut().zip(cases.clone()) {
            let begun = Instant::now();
            let typed = Zeroizing::new("wrong".to_owned());
            assert!(!Hash::Bcrypt.verify(stored, other, typed).await.is_ok_and(|matches| matches));
            *fastest = (*fastest).min(begun.elapsed());
        }
    }
    let known = fastest[0];
    // No work at all would be a thousand times faster, and the usual cost sixteen times slower.
    assert!(fastest.iter().all(|each| *each * 4 > known && known * 4 > *each), "{fastest:?}");
}
