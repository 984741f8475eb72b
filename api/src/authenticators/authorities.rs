//! Whom a server's certificate must come from: the authorities that an admin gave as PEM, or the system's.
//!
//! Spec: RFC 5280 (trust anchors). What was given counts alone; the system's are not added to it.

use crate::sign_in::{Denied, Reason};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::sync::{Arc, LazyLock};

/// The authorities of `given`, else the system's.
pub(super) fn authorities(given: Option<&str>) -> Result<Arc<RootCertStore>, Denied> {
    let Some(given) = given else { return system() };
    let misconfigured = |_| Denied::new(Reason::Misconfigured, "the certificates of the authority cannot be read");
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(given.as_bytes()) {
        let certificate = certificate.map_err(|_| misconfigured(()))?;
        store.add(certificate).map_err(|_| misconfigured(()))?;
    }
    Ok(Arc::new(store))
}

/// The same as PEM, for a client that takes no other form.
pub(super) fn authorities_pem(given: Option<&str>) -> Result<Vec<u8>, Denied> {
    static PEM: LazyLock<String> =
        LazyLock::new(|| SYSTEM.1.iter().map(|der| super::pem::encoded("CERTIFICATE", der).to_string()).collect());
    match given {
        Some(given) => Ok(given.as_bytes().to_vec()),
        None => system().map(|_| PEM.as_bytes().to_vec()),
    }
}

/// Read once: they change with an update of the system.
static SYSTEM: LazyLock<(Arc<RootCertStore>, Vec<CertificateDer<'static>>)> = LazyLock::new(|| {
    let mut store = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs().certs;
    let usable = found.into_iter().filter(|certificate| store.add(certificate.clone()).is_ok()).collect();
    (Arc::new(store), usable)
});

fn system() -> Result<Arc<RootCertStore>, Denied> {
    if SYSTEM.0.is_empty() {
        let cause = "this system has no certificates of authorities; give the server's in the usersource";
        return Err(Denied::new(Reason::Misconfigured, cause));
    }
    Ok(Arc::clone(&SYSTEM.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authenticators::sample_keys::CERTIFICATE;

    #[test]
    fn what_was_given_counts_alone() {
        assert_eq!(authorities(Some(CERTIFICATE)).unwrap().len(), 1);
        assert_eq!(authorities_pem(Some(CERTIFICATE)).unwrap(), CERTIFICATE.as_bytes());
        let system = authorities(None).map_or(0, |store| store.len());
        assert!(system == 0 || authorities_pem(None).unwrap().starts_with(b"-----BEGIN CERTIFICATE-----"));
    }
}
