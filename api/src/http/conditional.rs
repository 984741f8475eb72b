//! Whether the client already has it, and whether it takes it compressed.
//!
//! Spec: RFC 9110 §13.1.2 (If-None-Match, weak comparison), §12.5.3 (Accept-Encoding).

use actix_web::http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue, IF_NONE_MATCH};

/// Whether `If-None-Match` names `etag`, which is what would be sent: then 304. A list that is malformed names nothing
/// from the fault on, so the client is sent the whole.
pub fn already_has(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let Some(etag) = etag.to_str().ok().map(opaque) else { return false };
    headers.get_all(IF_NONE_MATCH).filter_map(|value| value.to_str().ok()).any(|list| names(list.trim(), etag))
}

fn names(list: &str, etag: &str) -> bool {
    if list == "*" {
        return true;
    }
    let mut rest = list;
    loop {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        let Some(quoted) = opaque(rest).strip_prefix('"') else { return false };
        let Some((tag, after)) = quoted.split_once('"') else { return false };
        if etag.strip_prefix('"').and_then(|e| e.strip_suffix('"')) == Some(tag) {
            return true;
        }
        rest = after.trim_start_matches([' ', '\t']);
        if !rest.starts_with(',') {
            return false;
        }
    }
}

/// The tag without the mark of a weak one: this comparison does not look at it.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// Whether the client takes gzip. What is named counts before `*`, and a quality of zero is a no.
pub fn takes_gzip(headers: &HeaderMap) -> bool {
    let mut any = false;
    let lists = headers.get_all(ACCEPT_ENCODING).filter_map(|value| value.to_str().ok());
    for item in lists.flat_map(|list| list.split(',')) {
        let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
        let (coding, wanted) = (coding.trim(), !refused(parameters));
        if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") {
            return wanted;
        }
        any |= coding == "*" && wanted;
    }
    any
}

/// Whether the parameters say `q=0`, in any of its spellings.
fn refused(parameters: &str) -> bool {
    let quality = parameters.split(';').find_map(|p| {
        let (name, value) = p.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    quality.is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn has(lists: &[&str]) -> bool {
        let mut request = TestRequest::default();
        for list in lists {
            request = request.append_header((IF_NONE_MATCH, *list));
        }
        already_has(request.to_http_request().headers(), &HeaderValue::from_static("\"17.ab\""))
    }

    #[test]
    fn a_tag_is_found_in_every_form_that_the_standard_allows() {
        for lists in [
            &["\"17.ab\""][..],
            &["W/\"17.ab\""],
            &["\"x\", \"17.ab\""],
            &["\"x\",W/\"17.ab\" , \"y\""],
            &["\"with, comma\" , \"17.ab\""],
            &[", ,\"17.ab\""],
            &["*"],
            &[" * "],
            &["\"x\"", "\"17.ab\""],
        ] {
            assert!(has(lists), "{lists:?}");
        }
    }

    #[test]
    fn what_is_not_that_tag_is_not_found() {
        for lists in [
            &[][..],
            &[""],
            &["\"17.abc\""],
            &["17.ab"],
            &["\"17.ab"],
            &["w/\"17.ab\""],
            &["\"x\" \"17.ab\""],
            &["\"x, 17.ab\""],
            &["\"17.AB\""],
            &["**"],
        ] {
            assert!(!has(lists), "{lists:?}");
        }
    }

    #[test]
    fn gzip_is_taken_when_it_is_named_and_not_refused() {
        let takes = |list: &str| {
            let request = TestRequest::default().insert_header((ACCEPT_ENCODING, list)).to_http_request();
            takes_gzip(request.headers())
        };
        for yes in ["gzip", "deflate, gzip, br", "GZIP;q=0.5", "*", "br;q=1, *;q=0.1", "x-gzip", "*;q=0, gzip"] {
            assert!(takes(yes), "{yes}");
        }
        for no in ["", "br", "gzip;q=0", "gzip; q=0.000", "*;q=0", "gzip;q=0, *", "identity", "gzipped"] {
            assert!(!takes(no), "{no}");
        }
    }
}
