//! Pasted certificates and keys: brought into one form before they are judged (R6).
//!
//! Spec: RFC 7468 is what is stored; what is taken is whatever people paste: other line ends, blank lines,
//! indentation, text around the blocks, `\n` written out, headers missing, several certificates in one paste.
//! Stops: a private key that is stored where only a certificate belongs, and a key too weak to sign with.

use super::text::Problem;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RsaKeyPair,
};
use base64::alphabet;
use base64::engine::{DecodePaddingMode, Engine as _, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD};
use domain::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

/// Most certificates in one field.
const MOST: usize = 10;
/// Shortest RSA key, in bytes of its modulus.
const SHORTEST_RSA: usize = 256;
/// Takes base64 with its padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A DER value, which may be a secret.
pub(super) type Der = Zeroizing<Vec<u8>>;

/// What a public key signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// RSA of 2048 bits or more.
    Rsa,
    /// ECDSA on P-256.
    P256,
    /// Ed25519.
    Ed25519,
}

/// One or more certificates as PEM, each once, in the order of the paste.
pub(super) fn certificates(pasted: &str) -> Result<String, Problem> {
    let mut found: Vec<Der> = Vec::new();
    for (label, der) in blocks(pasted)? {
        if !matches!(label, None | Some("CERTIFICATE" | "X509 CERTIFICATE")) {
            return Err(unexpected(label, "certificate"));
        }
        if whole_certificate(&der).is_none() {
            return Err(Problem::invalid("this is not an X.509 certificate; paste the whole block of the certificate"));
        }
        if !found.contains(&der) {
            found.push(der);
        }
    }
    Ok(found.iter().map(|der| encoded("CERTIFICATE", der).to_string()).collect())
}

/// A public key as PEM; a certificate gives its key.
pub(super) fn public_key(pasted: &str) -> Result<String, Problem> {
    let found = blocks(pasted)?;
    let [(label, der)] = found.as_slice() else {
        return Err(Problem::invalid("paste one public key"));
    };
    if *label == Some("RSA PUBLIC KEY") {
        return Err(Problem::invalid(
            "this is an RSA key in its older form; convert it: openssl rsa -RSAPublicKey_in -in FILE -pubout",
        ));
    }
    if !matches!(label, None | Some("PUBLIC KEY" | "CERTIFICATE" | "X509 CERTIFICATE")) {
        return Err(unexpected(*label, "public key"));
    }
    let key = whole_certificate(der).map_or(der.as_slice(), |certificate| certificate.tbs_certificate.subject_pki.raw);
    if algorithm_of(key).is_none() {
        return Err(Problem::invalid("give an RSA key of at least 2048 bits, a P-256 key or an Ed25519 key"));
    }
    Ok(encoded("PUBLIC KEY", key).to_string())
}

/// A private key as PEM.
pub(super) fn private_key(pasted: &str) -> Result<Zeroizing<String>, Problem> {
    if pasted.contains("ENCRYPTED") {
        return Err(Problem::invalid(
            "this key is protected by a pass phrase; take that away first: openssl pkey -in FILE",
        ));
    }
    let found = blocks(pasted)?;
    let [(label, der)] = found.as_slice() else {
        return Err(Problem::invalid("paste one private key and nothing else"));
    };
    if !matches!(label, None | Some("PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY")) {
        return Err(unexpected(*label, "private key"));
    }
    let rsa = RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der));
    let strong_rsa = rsa.is_ok_and(|key| key.public_modulus_len() >= SHORTEST_RSA);
    let other = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der).is_ok()
        || Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).is_ok();
    if !strong_rsa && !other {
        return Err(Problem::invalid("give a private RSA key of at least 2048 bits, a P-256 key or an Ed25519 key"));
    }
    // All three forms begin with a version; what follows tells them apart.
    let after_version = header(der).and_then(|(start, _)| der.get(start + 3));
    let label = match after_version {
        Some(0x02) => "RSA PRIVATE KEY",
        Some(0x04) => "EC PRIVATE KEY",
        _ => "PRIVATE KEY",
    };
    Ok(encoded(label, der))
}

/// The DER of a stored private key.
pub(super) fn private_der(stored: &str) -> Option<Zeroizing<Vec<u8>>> {
    blocks(stored).ok()?.into_iter().next().map(|(_, der)| der)
}

/// When each certificate of a stored field ends.
pub(super) fn expiries(stored: &str) -> Vec<Timestamp> {
    let ends = |(_, der): (Option<&str>, Der)| {
        whole_certificate(&der).map(|certificate| certificate.validity().not_after.timestamp())
    };
    let found = blocks(stored).unwrap_or_default();
    found.into_iter().filter_map(ends).map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1000))).collect()
}

/// The DER values of a stored field.
pub(super) fn ders(stored: &str) -> Vec<Der> {
    blocks(stored).unwrap_or_default().into_iter().map(|(_, der)| der).collect()
}

/// What a stored public key signs with.
pub(super) fn key_algorithm(stored: &str) -> Option<KeyAlgorithm> {
    blocks(stored).ok()?.first().and_then(|(_, der)| algorithm_of(der))
}

fn algorithm_of(spki: &[u8]) -> Option<KeyAlgorithm> {
    let (rest, key) = SubjectPublicKeyInfo::from_der(spki).ok()?;
    let (algorithm, verification): (_, &'static dyn aws_lc_rs::signature::VerificationAlgorithm) =
        match key.algorithm.algorithm.to_id_string().as_str() {
            "1.2.840.113549.1.1.1" => (KeyAlgorithm::Rsa, &RSA_PKCS1_2048_8192_SHA256),
            "1.2.840.10045.2.1" => (KeyAlgorithm::P256, &ECDSA_P256_SHA256_FIXED),
            "1.3.101.112" => (KeyAlgorithm::Ed25519, &ED25519),
            _ => return None,
        };
    let short = matches!(key.parsed().ok()?, PublicKey::RSA(rsa) if rsa.key_size() < SHORTEST_RSA * 8);
    let sound = rest.is_empty() && !short && ParsedPublicKey::new(verification, spki).is_ok();
    sound.then_some(algorithm)
}

fn whole_certificate(der: &[u8]) -> Option<X509Certificate<'_>> {
    X509Certificate::from_der(der).ok().filter(|(rest, _)| rest.is_empty()).map(|(_, certificate)| certificate)
}

/// Says what was found instead; never more than its label, and that only if it is one of the usual ones.
fn unexpected(label: Option<&str>, wanted: &str) -> Problem {
    let detail = match label {
        Some(label) if label.contains("PRIVATE KEY") => {
            format!("there is a private key in this paste; give the {wanted} alone, and take care who sees that key")
        }
        Some("CERTIFICATE") => format!("this is a certificate; paste the {wanted}"),
        Some("PUBLIC KEY") => format!("this is a public key; paste the {wanted}"),
        _ => format!("this is something else; paste the {wanted}"),
    };
    Problem::invalid(detail)
}

/// The blocks of a paste with their labels; a block may lack its first or last line, or both.
fn blocks(pasted: &str) -> Result<Vec<(Option<&str>, Der)>, Problem> {
    let mut bodies: Vec<(Option<&str>, &str)> = Vec::new();
    let (mut open, mut loose) = (None, None);
    for piece in pasted.split("-----") {
        let piece = piece.trim();
        if let Some(label) = piece.strip_prefix("BEGIN ") {
            (open, loose) = (Some(label), None);
        } else if let Some(label) = piece.strip_prefix("END ") {
            bodies.extend(loose.take().map(|body| (Some(label), body)));
            open = None;
        } else if let Some(label) = open.take() {
            bodies.push((Some(label), piece));
        } else if !piece.is_empty() {
            loose = Some(piece);
        }
    }
    if bodies.is_empty() {
        bodies.push((None, pasted));
    }
    let mut found = Vec::new();
    for (label, body) in bodies {
        if label == Some("EC PARAMETERS") {
            continue;
        }
        let ders = decoded(body).ok_or_else(|| {
            Problem::invalid("this is not PEM: paste the block whole, from -----BEGIN to the last -----")
        })?;
        found.extend(ders.into_iter().map(|der| (label, der)));
        if found.len() > MOST {
            return Err(Problem { code: "too_long", detail: format!("give at most {MOST} certificates") });
        }
    }
    Ok(found)
}

/// Base64 of one or more DER values in a row. Each value tells its own length, so no line has to.
fn decoded(body: &str) -> Option<Vec<Der>> {
    let unescaped = Zeroizing::new(body.replace("\\r", "").replace("\\n", ""));
    let compact: Der = Zeroizing::new(unescaped.bytes().filter(|b| !b.is_ascii_whitespace()).collect());
    let mut rest = compact.as_slice();
    let mut found = Vec::new();
    while !rest.is_empty() && found.len() <= MOST {
        let begin = Zeroizing::new(BASE64.decode(rest.get(..8)?).ok()?);
        let (start, length) = header(&begin)?;
        let total = start + length;
        let (this, others) = rest.split_at(rest.len().min(total.div_ceil(3) * 4));
        let der = Zeroizing::new(BASE64.decode(this).ok()?);
        (der.len() == total).then(|| found.push(der))?;
        rest = others;
    }
    (!found.is_empty()).then_some(found)
}

/// Where the content of a DER sequence begins, and how long it is.
fn header(der: &[u8]) -> Option<(usize, usize)> {
    match *der {
        [0x30, length @ 0..=0x7f, ..] => Some((2, length.into())),
        [0x30, 0x81, length, ..] => Some((3, length.into())),
        [0x30, 0x82, high, low, ..] => Some((4, u16::from_be_bytes([high, low]).into())),
        _ => None,
    }
}

/// One block of PEM.
pub(super) fn encoded(label: &str, der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(STANDARD.encode(der));
    let mut pem = Zeroizing::new(String::with_capacity(base64.len() + base64.len() / 32 + 100));
    pem.push_str(&format!("-----BEGIN {label}-----\n"));
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, others) = rest.split_at_checked(64).unwrap_or((rest, ""));
        pem.push_str(line);
        pem.push('\n');
        rest = others;
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}

#[cfg(test)]
#[path = "pem_tests.rs"]
mod tests;
