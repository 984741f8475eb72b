//! The stylesheet and the drawings: part of the program, named by their content, so that browsers keep them for good.

use std::sync::LazyLock;

use actix_web::http::header::HeaderValue;
use actix_web::web::Bytes;
use sha2::{Digest as _, Sha256};

use super::answers::{gzip, hex};

/// One file that pages refer to.
#[derive(Debug)]
pub struct Asset {
    source: &'static str,
    /// Where it is served: `/assets/NAME-HASH.EXTENSION`.
    pub path: String,
    /// What it is.
    pub content_type: HeaderValue,
    /// Its content.
    pub body: Bytes,
    /// Its content compressed, if that is shorter.
    pub gzip: Option<Bytes>,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    vec![
        asset("gateledger.css", include_bytes!("../../assets/gateledger.css")),
        asset("onward.js", include_bytes!("../../assets/onward.js")),
        asset("gate.svg", include_bytes!("../../assets/gate.svg")),
        asset("google.svg", include_bytes!("../../assets/google.svg")),
        asset("facebook.svg", include_bytes!("../../assets/facebook.svg")),
        asset("twitter.svg", include_bytes!("../../assets/twitter.svg")),
        asset("person.svg", include_bytes!("../../assets/person.svg")),
    ]
});

fn asset(source: &'static str, content: &'static [u8]) -> Asset {
    let (name, extension) = source.rsplit_once('.').unwrap_or((source, ""));
    let content_type = match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    };
    Asset {
        source,
        path: format!("/assets/{name}-{}.{extension}", hex(&Sha256::digest(content), 8)),
        content_type: HeaderValue::from_static(content_type),
        body: Bytes::from_static(content),
        gzip: gzip(content),
    }
}

/// The asset that is served at `path`.
pub fn at(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

/// Where the asset from the file `source` is served; empty if there is none.
pub fn path(source: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.source == source).map_or("", |asset| &asset.path)
}

/// The drawing of a kind: its own, or that of a person.
pub fn icon(kind: &str) -> &'static str {
    let own = ASSETS.iter().find(|asset| asset.source.strip_suffix(".svg") == Some(kind));
    own.map_or_else(|| path("person.svg"), |asset| &asset.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_is_found_where_it_says_it_is() {
        let css = path("gateledger.css");
        assert!(css.starts_with("/assets/gateledger-") && css.ends_with(".css"));
        assert_eq!(at(css).unwrap().content_type, "text/css; charset=utf-8");
        assert!(at("/assets/gateledger.css").is_none(), "without the hash it could not be kept for good");
        assert!(at("/assets/../Cargo.toml").is_none());
    }

    #[test]
    fn every_kind_has_a_drawing() {
        assert!(icon("google").starts_with("/assets/google-"));
        assert!(icon("something new").starts_with("/assets/person-"));
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        for asset in ASSETS.iter() {
            let text = std::str::from_utf8(&asset.body).unwrap().replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("//") && !text.contains("<script") && !text.contains("@import"), "{}", asset.source);
        }
    }
}
