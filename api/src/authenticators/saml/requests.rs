//! What we send to the provider: the request to authenticate, and its address.
//!
//! Spec: SAML Core 3.4, SAML Profiles 4.1.4.1, SAML Bindings 3.4 (redirect).

use super::document::{ASSERTION, PROTOCOL};
use super::name_id::{EMAIL_ADDRESS, PERSISTENT};
use super::redirect_binding::{self, Message};
use super::signing_keys::SigningKey;
use crate::sign_in::{Begin, Denied, Departure, Reason, Source, Trace};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uppsala::XmlWriter;

const HTTP_POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// What the end of an attempt needs of its beginning.
#[derive(Serialize, Deserialize)]
pub(super) struct Memory {
    /// The request's id, which the response must name.
    pub request: String,
    /// Whether the provider was told to ask again (R41).
    pub asked_again: bool,
}

impl Memory {
    /// What `begin` left.
    pub(super) fn read(kept: &Value) -> Result<Self, Denied> {
        Self::deserialize(kept).map_err(|_| Denied::new(Reason::Invalid, "the attempt's memory is not that of SAML"))
    }
}

/// A name for a message of ours: it begins like an XML name and has 122 bits that nobody can guess.
pub(super) fn fresh_id() -> String {
    format!("_{}", uuid::Uuid::new_v4().simple())
}

/// The beginning of an attempt.
pub(super) fn begin(source: &Source<'_>, wish: &Begin, trace: &mut Trace) -> Result<Departure, Denied> {
    let to = source.needed("sso_url")?;
    let key = if source.flag("sign_requests") {
        let missing = "sign_requests is on, and this usersource has no key pair; give it one or turn sign_requests off";
        Some(SigningKey::of(source)?.ok_or_else(|| Denied::new(Reason::Misconfigured, missing))?)
    } else {
        None
    };
    let id = fresh_id();
    let xml = authn_request(source, wish, to, &id);
    let departure = redirect_binding::url(to, Message::Request, &xml, Some(&wish.attempt), key.as_ref())?;
    trace.note("Asked the provider to authenticate", || json!({"url": to, "request": xml, "signed": key.is_some()}));
    let memory = json!(Memory { request: id, asked_again: wish.ask_again });
    Ok(Departure { to: departure, post: Vec::new(), memory })
}

fn authn_request(source: &Source<'_>, wish: &Begin, to: &str, id: &str) -> String {
    let (now, acs_url) = (source.now.to_string(), source.callback_url());
    let mut attributes = vec![
        ("xmlns:samlp", PROTOCOL),
        ("xmlns:saml", ASSERTION),
        ("ID", id),
        ("Version", "2.0"),
        ("IssueInstant", &now),
        ("Destination", to),
        ("ProtocolBinding", HTTP_POST),
        ("AssertionConsumerServiceURL", &acs_url),
    ];
    if wish.ask_again {
        attributes.push(("ForceAuthn", "true"));
    }
    if wish.silent {
        attributes.push(("IsPassive", "true"));
    }
    let mut xml = XmlWriter::new();
    xml.start_element("samlp:AuthnRequest", &attributes);
    issuer(&mut xml, &source.url("metadata"));
    let mut policy = vec![("AllowCreate", "true")];
    policy.extend(name_id_format(source).map(|format| ("Format", format)));
    xml.empty_element("samlp:NameIDPolicy", &policy);
    xml.end_element("samlp:AuthnRequest");
    xml.into_string()
}

/// The issuer of a message of ours.
pub(super) fn issuer(xml: &mut XmlWriter, entity_id: &str) {
    xml.start_element("saml:Issuer", &[]);
    xml.text(entity_id);
    xml.end_element("saml:Issuer");
}

/// The format that we ask for; none if any will do.
pub(super) fn name_id_format(source: &Source<'_>) -> Option<&'static str> {
    match source.text("name_id_format") {
        Some("persistent") => Some(PERSISTENT),
        Some("email_address") => Some(EMAIL_ADDRESS),
        _ => None,
    }
}
