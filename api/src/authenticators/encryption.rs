//! How a connection to somebody's server is encrypted, where this service does it itself.
//!
//! Spec: RFC 8446, RFC 5246; RFC 9525 (the name in the certificate).

use super::authorities::authorities;
use super::unverified::Unverified;
use crate::sign_in::Denied;
use rustls::ClientConfig;
use std::io;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// Whose certificate is believed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Believed<'a> {
    /// One that comes from these authorities, PEM, or the system's, and names the server.
    From(Option<&'a str>),
    /// Any: the admin turned the check off.
    Any,
}

/// Encrypts to a server that is `believed`.
pub(super) fn encryption(believed: Believed<'_>) -> Result<TlsConnector, Denied> {
    let builder = ClientConfig::builder();
    let config = match believed {
        Believed::From(given) => builder.with_root_certificates(authorities(given)?).with_no_client_auth(),
        Believed::Any => {
            let any = Arc::new(Unverified::new(Arc::clone(builder.crypto_provider())));
            builder.dangerous().with_custom_certificate_verifier(any).with_no_client_auth()
        }
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

/// What stood in the way of encryption, if an admin must see to it; anything else may pass.
pub(super) fn standing_in_the_way(error: &io::Error) -> Option<String> {
    let refused = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(if let rustls::Error::InvalidCertificate(why) = refused {
        format!("the server's certificate does not hold: {why}")
    } else {
        format!("no encryption: {refused}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::CertificateError;

    #[test]
    fn a_certificate_that_does_not_hold_needs_an_admin_and_a_connection_that_breaks_does_not() {
        let refused = rustls::Error::InvalidCertificate(CertificateError::Expired);
        assert!(standing_in_the_way(&io::Error::other(refused)).unwrap().contains("certificate does not hold"));
        assert_eq!(standing_in_the_way(&io::ErrorKind::ConnectionReset.into()), None);
    }
}
