//! One answer that waits in memory: its bytes, plain and compressed, and the ETag of each.
//!
//! An ETag is strong: it names the bytes. So it covers the version, the program's build, the variant and the body
//! itself, and the compressed form has one of its own.

use std::io::Write as _;
use std::sync::OnceLock;

use actix_web::http::header::HeaderValue;
use actix_web::web::Bytes;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};

/// One form of an answer: what is sent, and its name.
#[derive(Debug, Clone)]
pub struct Encoded {
    /// What is sent.
    pub body: Bytes,
    /// Its strong ETag, in quotes.
    pub etag: HeaderValue,
}

/// An answer as it waits in memory.
#[derive(Debug)]
pub struct Page {
    /// As it is.
    pub plain: Encoded,
    /// The helpdesk's version that it shows.
    pub version: HeaderValue,
    gzip: OnceLock<Option<Encoded>>,
}

impl Page {
    /// Keeps `body`, which shows `version`; `variant` tells it from the other answers of that version.
    pub fn new(body: Vec<u8>, version: u64, variant: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [env!("CARGO_PKG_VERSION").as_bytes(), variant.as_bytes(), &body] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let etag = quoted(&format!("{version}.{}", hex(&hash.finalize(), 8)));
        Self { plain: Encoded { body: body.into(), etag }, version: HeaderValue::from(version), gzip: OnceLock::new() }
    }

    /// The compressed form, made when it is first asked for; `None` if it would not be shorter.
    pub fn gzip(&self) -> Option<&Encoded> {
        let squeeze = || {
            let body = gzip(&self.plain.body)?;
            let etag = self.plain.etag.to_str().unwrap_or_default().trim_matches('"');
            Some(Encoded { body, etag: quoted(&format!("{etag}.gz")) })
        };
        self.gzip.get_or_init(squeeze).as_ref()
    }

    /// The most bytes that this answer will ever hold: the compressed form is shorter than the plain one.
    pub fn weight(&self) -> usize {
        2 * self.plain.body.len() + size_of::<Self>()
    }
}

/// `body` compressed, if that makes it shorter.
pub(super) fn gzip(body: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 2), Compression::best());
    encoder.write_all(body).ok()?;
    let squeezed = encoder.finish().ok()?;
    (squeezed.len() < body.len()).then(|| Bytes::from(squeezed.into_boxed_slice()))
}

/// The first `bytes` of a hash as hexadecimal digits.
pub(super) fn hex(hash: &[u8], bytes: usize) -> String {
    hash.iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
}

fn quoted(tag: &str) -> HeaderValue {
    #[expect(clippy::expect_used, reason = "made of digits, letters and dots only")]
    HeaderValue::from_str(&format!("\"{tag}\"")).expect("an entity tag")
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read as _;

    #[test]
    fn an_etag_changes_with_the_version_the_variant_and_the_body() {
        let etag = |body: &str, version, variant| Page::new(body.into(), version, variant).plain.etag;
        let base = etag("a", 1, "en");
        assert_eq!(base, etag("a", 1, "en"), "the same bytes have the same name");
        assert_ne!(base, etag("b", 1, "en"));
        assert_ne!(base, etag("a", 2, "en"));
        assert_ne!(base, etag("a", 1, "de"));
        assert!(!base.to_str().unwrap().starts_with("W/"), "it is strong");
    }

    #[test]
    fn the_compressed_form_has_its_own_etag_and_the_same_content() {
        let page = Page::new("hello ".repeat(100).into(), 3, "en");
        let gzip = page.gzip().unwrap();
        assert_ne!(gzip.etag, page.plain.etag);
        let mut text = String::new();
        GzDecoder::new(&gzip.body[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text.as_bytes(), &page.plain.body[..]);
        assert!(page.weight() >= page.plain.body.len() + gzip.body.len());
    }

    #[test]
    fn what_compression_would_lengthen_stays_plain() {
        assert!(Page::new(b"x".to_vec(), 1, "en").gzip().is_none());
    }
}
