//! Where a visitor goes after signing in: a path of our own, as a browser reads it.
//!
//! Spec: WHATWG URL §4.4 (browsers take `\` for `/`, and drop tabs and newlines before they parse).
//! Stops: open redirects: `//evil.example`, `/\evil.example`, `/<tab>/evil.example`, `https:evil.example`.
//!
//! Stricter than needed, on purpose: visible ASCII only (a browser's own paths are percent-encoded), no `\` anywhere,
//! and no empty segment, so that no normaliser on the way (`/.//evil.example`) can bring `//` to the front.

/// The longest path that is kept.
const MAX_LENGTH: usize = 2000;

/// A path that stays on our origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// `path`, if it is one of ours. Otherwise there is nowhere to return to, and nothing to complain about.
    pub fn parse(path: &str) -> Option<Self> {
        let (route, _) = path.split_once(['?', '#']).unwrap_or((path, ""));
        let ours = path.len() <= MAX_LENGTH
            && path.starts_with('/')
            && !route.contains("//")
            && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        ours.then(|| Self(path.to_owned()))
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use url::Url;

    #[test]
    fn paths_of_our_own_are_kept() {
        for path in
            ["/", "/tickets/1", "/a?b=c&d=//x", "/a#b", "/%2F%2Fevil.example", "/@evil", "/a:b", "/.well-known/x"]
        {
            assert_eq!(ReturnTo::parse(path).as_ref().map(ReturnTo::as_str), Some(path));
        }
        assert!(ReturnTo::parse(&format!("/{}", "a".repeat(1999))).is_some());
    }

    #[test]
    fn everything_that_leads_away_is_refused() {
        for path in [
            "",
            "tickets",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "/a\\b",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r\nSet-Cookie: a=b",
            "/a\0",
            "/a b",
            "/\u{a0}",
            "/ä",
            "/\u{202e}",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "user@evil.example",
            " /a",
            "\t/a",
            "/.//evil.example",
            "/..//evil.example",
            "/a/..//evil.example",
            "?a",
            "#a",
        ] {
            assert_eq!(ReturnTo::parse(path), None, "{path:?}");
        }
        assert!(ReturnTo::parse(&format!("/{}", "a".repeat(2000))).is_none());
    }

    proptest! {
        /// The `url` crate reads as browsers do, and is the judge.
        #[test]
        fn what_is_kept_stays_on_our_origin_as_a_browser_reads_it(
            path in prop_oneof![
                "/[/\\\\.%?#@:a2eE\t\n\r ]{0,12}",
                "/[/\\\\@:.]{0,4}evil[.]example[:/@]{0,2}",
                "/(%2e|%2E|[.]){0,3}/(%2f|/|\\\\){0,2}[a-z?#@:]{0,6}",
                ".{0,20}",
                "/\\PC{0,20}",
            ],
        ) {
            let base = Url::parse("https://own.example/deep/login").unwrap();
            if let Some(kept) = ReturnTo::parse(&path) {
                let read = base.join(kept.as_str()).unwrap();
                prop_assert_eq!(read.origin(), base.origin());
                prop_assert!(read.username().is_empty() && read.password().is_none());
                prop_assert!(!read.path().starts_with("//"), "{} became {}", kept.as_str(), read.path());
                let again = base.join(read.path()).unwrap();
                prop_assert_eq!(again.origin(), base.origin(), "normalised and read once more");
            }
        }
    }
}
