//! Pasted public keys, each parsed once: parsing costs more than checking a signature.

use super::super::signed_tokens::{Algorithm, Keys, TokenFault};
use papaya::HashMap;
use std::sync::{Arc, LazyLock};

/// Most keys that are kept, about 2 KB each. When there are more, all are parsed anew.
const MOST: usize = 5000;

static PARSED: LazyLock<HashMap<(Algorithm, String), Arc<Keys>>> = LazyLock::new(HashMap::new);

/// The key of `pem` for `algorithm`. It is found by its whole text, so a setting that changes never meets an old key.
pub(super) fn parsed(pem: &str, algorithm: Algorithm) -> Result<Arc<Keys>, TokenFault> {
    let name = (algorithm, pem.to_owned());
    let kept = PARSED.pin();
    if let Some(keys) = kept.get(&name) {
        return Ok(Arc::clone(keys));
    }
    let keys = Arc::new(Keys::pem(pem, algorithm)?);
    if kept.len() >= MOST {
        kept.clear();
    }
    kept.insert(name, Arc::clone(&keys));
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authenticators::sample_keys::{P256, RSA};

    #[test]
    fn a_key_is_parsed_once_for_each_algorithm() {
        let first = parsed(RSA, Algorithm::RS256).unwrap();
        assert!(Arc::ptr_eq(&first, &parsed(RSA, Algorithm::RS256).unwrap()));
        assert!(!Arc::ptr_eq(&first, &parsed(RSA, Algorithm::PS256).unwrap()));
        assert!(parsed(P256, Algorithm::RS256).is_err());
        assert!(parsed(P256, Algorithm::RS256).is_err(), "a fault is not kept as a key");
    }
}
