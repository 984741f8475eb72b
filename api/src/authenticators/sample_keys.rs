//! Certificates and public keys for tests. Their private halves were thrown away.

/// P-256, until 2126-10-30.
pub(crate) const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBhDCCASugAwIBAgIULOawihyNjpIJOWn7h43lhHBneQswCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMaWRwMS5leGFtcGxlMCAXDTI2MTEyMzA2MDIyMVoYDzIxMjYx
MDMwMDYwMjIxWjAXMRUwEwYDVQQDDAxpZHAxLmV4YW1wbGUwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAAQQlvzcYnVTg1/zEBMnErMjeZ/TXLq6Vm4P3GGESs0pPN8n
yTemKg8E3lKkZkBEkl8CQJ7GG03FQ5rhvUUzxMfWo1MwUTAdBgNVHQ4EFgQUQbXY
sMoKIXVuvracpGSJhz9r2A8wHwYDVR0jBBgwFoAUQbXYsMoKIXVuvracpGSJhz9r
2A8wDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiBbXRvuSi1wtg/6
YKtr3IubWpKOKqd6hMLx+T1Np5i5NAIgKLWL/3/kva+Azf3ret3K8oq9YBv5AGL9
OwSo0a6BvZ4=
-----END CERTIFICATE-----
";

/// P-256, until 2031-01-01T06:02:21Z.
pub(crate) const CERTIFICATE_2031: &str = "\
-----BEGIN CERTIFICATE-----
MIIBgjCCASmgAwIBAgIUYfiIN4/FRMyNlp8YmK21s1J6+i4wCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMaWRwMi5leGFtcGxlMB4XDTI2MTEyMzA2MDIyMVoXDTMxMDEw
MTA2MDIyMVowFzEVMBMGA1UEAwwMaWRwMi5leGFtcGxlMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAE/aoM8D1vC0HHt8MElGpgiU6ijhuZ4S6LcxUFrrLte3n/5SHX
RGjxOOblbzMo+dpEGud55xXXbYTjAsU6sFdkYqNTMFEwHQYDVR0OBBYEFJdCKUYX
MJXJFt3PoLt1/Qyf3gUMMB8GA1UdIwQYMBaAFJdCKUYXMJXJFt3PoLt1/Qyf3gUM
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgUVHvp5iQ4EfivP+K
cKd2yEZLsaElnJsj6Rx+kjQY53oCIGHCN4PaaF69RGYcqE/xqoA8x92wRH3wEDNv
OYu5GKyz
-----END CERTIFICATE-----
";

/// RSA, 2048 bits.
pub(crate) const RSA: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAquv3U54p9XKsi0PfY+TH
1j7pl2kEssmACPkSNLh7+AXvh7sg8ueS0aqADnj+x4C/Pi36QhX198rfgATiB77T
EuqlGB6mnFHt50E+HBUEUBKeWUVmuaTgZ9qP4UOKgtMtewqUlsqKHppgSo+DdORU
B0g2t8Y5mHaEoSo8Cf2EELR6xef2YhqtnDJmBPNWcW8P5r6yzq+7gofbJblaDeCQ
u6l16fFmMvQujwr23x0Eak0H9ex904AGtDjTV+otnW0aos/DVKlDPQLiNLBIjcFv
18ABMqv0GXjEz/Ek8rfED7bkmloDgYUAxFCZVlSnsMuFQcyOBGoqridFYLsAqwO8
1QIDAQAB
-----END PUBLIC KEY-----
";

/// RSA, 1024 bits: too short.
pub(crate) const SHORT_RSA: &str = "\
-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCoMXHnPmAEXyPlqtd+Zdkeoggj
qW68CZsxU63CFjEMjxCuNOdWDm4lbFUFxX+TUdiNfmlYPjEzfbO58tI0UC4hAss+
NLt7YmLWta6QRljtLc9TinAlRGpiQkvNU2pIkDeB1xH11KP8q5k1KouZVBXzRvWl
RmvkaJHsIyn5ZpN7DwIDAQAB
-----END PUBLIC KEY-----
";

/// P-256: the key of [`CERTIFICATE`].
pub(crate) const P256: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEJb83GJ1U4Nf8xATJxKzI3mf01y6
ulZuD9xhhErNKTzfJ8k3pioPBN5SpGZARJJfAkCexhtNxUOa4b1FM8TH1g==
-----END PUBLIC KEY-----
";

/// Ed25519.
pub(crate) const ED25519: &str = "\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAyHLIshklfIrspHYi/UJknh5aG9bTTKU8BaWXyKSSDj4=
-----END PUBLIC KEY-----
";

/// A fresh private key, P-256, PKCS #8.
pub(crate) fn private_key() -> String {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let chance = aws_lc_rs::rand::SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &chance).unwrap();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", STANDARD.encode(key.as_ref()))
}
