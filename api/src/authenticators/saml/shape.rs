//! What a message may look like before anybody looks at its signature: one assertion in one place, and signatures that
//! cover the element that they stand in.
//!
//! Spec: SAML Core 5.4 (one enveloped reference to the parent's ID, two transforms), SAML Profiles 4.1.4.
//! Stops: signature wrapping in all its forms (XSW1 to XSW8): a second assertion, a copy of the signed one in an odd
//! place, a signature that covers another element; weak and unexpected algorithms (HMAC with a public key, XSLT);
//! RSA PKCS #1 v1.5 key transport (Bleichenbacher).

use super::document::{ASSERTION, DSIG, Node, PROTOCOL, Unusable, XENC};

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const SIGNATURES: [&str; 3] = [
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
];
const DIGESTS: [&str; 3] = [
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
];
const SIGNATURE_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
const DIGEST_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const KEY_TRANSPORTS: [&str; 2] =
    ["http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", "http://www.w3.org/2009/xmlenc11#rsa-oaep"];

/// Which digests a signature may be made over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digests {
    /// SHA-256 and longer.
    Sha2,
    /// SHA-1 too: the usersource has `allow_sha1`.
    Sha1Too,
}

impl Digests {
    /// Refuses a signature algorithm that is not taken.
    pub(super) fn judge_signature(self, algorithm: &str) -> Result<(), Unusable> {
        match algorithm {
            SIGNATURE_SHA1 if self == Self::Sha1Too => Ok(()),
            SIGNATURE_SHA1 => Err(Unusable::new("the signature is made with SHA-1, which allow_sha1 would take")),
            known if SIGNATURES.contains(&known) => Ok(()),
            _ => Err(Unusable::new("the signature's algorithm is not taken; RSA with SHA-256 is")),
        }
    }

    fn judge_digest(self, algorithm: &str) -> Result<(), Unusable> {
        match algorithm {
            DIGEST_SHA1 if self == Self::Sha1Too => Ok(()),
            DIGEST_SHA1 => Err(Unusable::new("the digest is made with SHA-1, which allow_sha1 would take")),
            known if DIGESTS.contains(&known) => Ok(()),
            _ => Err(Unusable::new("the digest's algorithm is not taken; SHA-256 is")),
        }
    }
}

/// The assertion of a response.
pub(super) enum Content<'d> {
    /// As it is.
    Plain(Node<'d>),
    /// Encrypted for us.
    Encrypted,
}

/// The one assertion of the response `root`, in the one place where it may be.
pub(super) fn response<'d>(root: &Node<'d>, digests: Digests) -> Result<Content<'d>, Unusable> {
    if !root.is(PROTOCOL, "Response") {
        return Err(Unusable::new("this is no SAML 2.0 Response"));
    }
    let lookalikes = ["Assertion", "EncryptedAssertion", "Response"];
    if root.descendants().filter(|node| lookalikes.contains(&node.name())).count() > 1 {
        return Err(Unusable::new("the response holds more than one assertion"));
    }
    let plain = root.optional(ASSERTION, "Assertion")?;
    let encrypted = root.optional(ASSERTION, "EncryptedAssertion")?;
    match (plain, encrypted) {
        (Some(assertion), None) => {
            signatures(root, &[*root, assertion], digests)?;
            Ok(Content::Plain(assertion))
        }
        (None, Some(encrypted)) => {
            signatures(root, &[*root], digests)?;
            key_transport(&encrypted)?;
            Ok(Content::Encrypted)
        }
        _ => Err(Unusable::new("the response holds no assertion")),
    }
}

/// Every signature in the message stands right in one of `signed`, at most one in each, and covers just that element.
pub(super) fn signatures(root: &Node<'_>, signed: &[Node<'_>], digests: Digests) -> Result<(), Unusable> {
    let mut seen: Vec<Node<'_>> = Vec::new();
    for signature in root.descendants().filter(|node| node.name() == "Signature") {
        let covers = signature.parent().filter(|parent| signed.iter().any(|node| node.is_same(parent)));
        let Some(covers) = covers.filter(|_| signature.is(DSIG, "Signature")) else {
            return Err(Unusable::new("a signature stands where none belongs"));
        };
        if seen.iter().any(|node| node.is_same(&covers)) {
            return Err(Unusable(format!("{} is signed twice", covers.name())));
        }
        seen.push(covers);
        judge_signature(&signature, &covers, digests)?;
    }
    Ok(())
}

fn judge_signature(signature: &Node<'_>, covers: &Node<'_>, digests: Digests) -> Result<(), Unusable> {
    if signature.elements().any(|node| node.name() == "Object") {
        return Err(Unusable::new("a signature holds an Object"));
    }
    let info = signature.only(DSIG, "SignedInfo")?;
    let canonical = info.only(DSIG, "CanonicalizationMethod")?;
    if canonical.needed("Algorithm")? != EXCLUSIVE {
        return Err(Unusable::new("the signature's canonical form is not the exclusive one"));
    }
    digests.judge_signature(info.only(DSIG, "SignatureMethod")?.needed("Algorithm")?)?;
    let reference = info.only(DSIG, "Reference")?;
    if reference.needed("URI")?.strip_prefix('#') != Some(covers.needed("ID")?) {
        return Err(Unusable::new("a signature covers another element than the one that it stands in"));
    }
    digests.judge_digest(reference.only(DSIG, "DigestMethod")?.needed("Algorithm")?)?;
    if let Some(transforms) = reference.optional(DSIG, "Transforms")? {
        for transform in transforms.elements() {
            let known =
                transform.is(DSIG, "Transform") && [ENVELOPED, EXCLUSIVE].contains(&transform.needed("Algorithm")?);
            if !known {
                return Err(Unusable::new("the signature's transforms are not the two that SAML has"));
            }
        }
    }
    Ok(())
}

fn key_transport(encrypted: &Node<'_>) -> Result<(), Unusable> {
    let keys = encrypted.descendants().filter(|node| node.is(XENC, "EncryptedKey"));
    for key in keys {
        let algorithm = key.only(XENC, "EncryptionMethod")?.needed("Algorithm")?;
        if !KEY_TRANSPORTS.contains(&algorithm) {
            return Err(Unusable::new("the assertion's key is not encrypted with RSA-OAEP"));
        }
    }
    Ok(())
}
