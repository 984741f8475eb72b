//! Single log-out: we ask the provider, it answers; it asks us, we answer.
//!
//! Spec: SAML Core 3.7, SAML Profiles 4.4 (front channel; every message is signed), SAML Bindings 3.4 and 3.5.
//! Stops: anybody but the provider ending somebody's sessions: its requests must be signed, fresh and sent to us.

use super::agreement::Agreement;
use super::document::{self, ASSERTION, Node, PROTOCOL, Unusable};
use super::name_id::NameId;
use super::redirect_binding::{self, Message};
use super::requests::{fresh_id, issuer};
use super::responses::decoded;
use super::shape;
use super::signing_keys::SigningKey;
use super::verifier::{Came, Verifier};
use crate::sign_in::{Answer, Denied, LogOut, ProviderSession, Reason, Source};
use flate2::read::DeflateDecoder;
use std::io::Read as _;
use uppsala::XmlWriter;
use url::Url;

/// How old a provider's request may be, in seconds.
const FRESH: i64 = 10 * 60;
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

/// Where the browser goes to sign out at the provider too; nowhere if the provider has no address for that.
pub(super) fn sign_out(source: &Source<'_>, session: &ProviderSession) -> Result<Option<Url>, Denied> {
    let Some(to) = source.text("slo_url") else { return Ok(None) };
    let Some(name_id) = session.name_id.as_ref().and_then(NameId::from_json) else { return Ok(None) };
    let mut xml = begun(source, "samlp:LogoutRequest", &fresh_id(), to, None);
    name_id.write(&mut xml);
    if let Some(index) = &session.index {
        xml.start_element("samlp:SessionIndex", &[]);
        xml.text(index);
        xml.end_element("samlp:SessionIndex");
    }
    xml.end_element("samlp:LogoutRequest");
    let key = SigningKey::of(source)?;
    redirect_binding::url(to, Message::Request, &xml.into_string(), None, key.as_ref()).map(Some)
}

/// What came to our log-out address.
pub(super) fn log_out(source: &Source<'_>, answer: &Answer) -> Result<LogOut, Denied> {
    let member = |name: &str| {
        answer
            .form(name)
            .map(Came::Posted)
            .or_else(|| answer.query(name).map(|_| Came::Redirected(answer.raw_query.as_str())))
    };
    match (member("SAMLRequest"), member("SAMLResponse")) {
        (Some(request), None) => asked(source, answer, &request),
        (None, Some(response)) => answered(source, answer, &response),
        _ => Err(Denied::new(Reason::Invalid, "this is neither a log-out request nor a log-out response")),
    }
}

/// The provider asks.
fn asked(source: &Source<'_>, answer: &Answer, came: &Came<'_>) -> Result<LogOut, Denied> {
    let agreement = Agreement::of(source)?;
    judge(&agreement, answer, came, "SAMLRequest")?;
    let held = Verifier::new(&agreement, None, source.now)?.log_out_request(came)?;
    let document = document::parse(&held)?;
    let root = Node::root(&document)?;
    let sent =
        root.moment("IssueInstant")?.ok_or_else(|| Unusable::new("the request does not say when it was sent"))?;
    if sent.plus_seconds(FRESH) < source.now || sent > source.now.plus_seconds(super::assertion::SKEW) {
        return Err(Denied::new(Reason::Invalid, "the log-out request is too old, or from the future"));
    }
    let name_id = NameId::read(&root.only(ASSERTION, "NameID")?)?;
    let indexes = root.all(PROTOCOL, "SessionIndex").map(|index| index.text()).collect::<Result<_, _>>()?;
    Ok(LogOut::Asked {
        issuer: agreement.provider.to_owned(),
        subject: name_id.subject(agreement.provider, &agreement.entity_id)?,
        indexes,
        back: done(source, root.needed("ID")?, relay_state(answer))?,
        once: (root.needed("ID")?.to_owned(), sent.plus_seconds(FRESH + super::assertion::SKEW)),
    })
}

/// The provider answers. Nobody's sessions depend on it: ours ended before we asked. So it may name any request.
fn answered(source: &Source<'_>, answer: &Answer, came: &Came<'_>) -> Result<LogOut, Denied> {
    let agreement = Agreement::of(source)?;
    let request = judge(&agreement, answer, came, "SAMLResponse")?;
    let request = request.ok_or_else(|| Unusable::new("the log-out response answers no request"))?;
    Verifier::new(&agreement, None, source.now)?.log_out_response(came, &request, relay_state(answer))?;
    Ok(LogOut::Done)
}

fn relay_state(answer: &Answer) -> Option<&str> {
    answer.form("RelayState").or_else(|| answer.query("RelayState"))
}

/// Refuses a message of an odd shape or with a weak signature; tells which request it answers, if it answers one.
fn judge(agreement: &Agreement<'_>, answer: &Answer, came: &Came<'_>, member: &str) -> Result<Option<String>, Denied> {
    let xml = match came {
        Came::Posted(posted) => decoded(posted)?,
        Came::Redirected(_) => {
            agreement.digests.judge_signature(answer.query("SigAlg").unwrap_or_default())?;
            inflated(answer.query(member).unwrap_or_default())?
        }
    };
    let document = document::parse(&xml)?;
    let root = Node::root(&document)?;
    shape::signatures(&root, &[root], agreement.digests)?;
    Ok(root.attribute("InResponseTo").map(str::to_owned))
}

fn inflated(value: &str) -> Result<String, Unusable> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let longest = u64::try_from(document::LONGEST).unwrap_or(u64::MAX);
    let bytes = STANDARD.decode(value).map_err(|_| Unusable::new("the message is no base64"))?;
    let mut xml = String::new();
    let read = DeflateDecoder::new(bytes.as_slice()).take(longest).read_to_string(&mut xml);
    read.map_err(|_| Unusable::new("the message is not deflated UTF-8"))?;
    Ok(xml)
}

/// Where the browser tells the provider that it is done.
fn done(source: &Source<'_>, request: &str, relay_state: Option<&str>) -> Result<Url, Denied> {
    let to = source.needed("slo_url")?;
    let mut xml = begun(source, "samlp:LogoutResponse", &fresh_id(), to, Some(request));
    xml.start_element("samlp:Status", &[]);
    xml.empty_element("samlp:StatusCode", &[("Value", SUCCESS)]);
    xml.end_element("samlp:Status");
    xml.end_element("samlp:LogoutResponse");
    let key = SigningKey::of(source)?;
    redirect_binding::url(to, Message::Response, &xml.into_string(), relay_state, key.as_ref())
}

fn begun(source: &Source<'_>, name: &str, id: &str, to: &str, in_response_to: Option<&str>) -> XmlWriter {
    let now = source.now.to_string();
    let mut attributes = vec![
        ("xmlns:samlp", PROTOCOL),
        ("xmlns:saml", ASSERTION),
        ("ID", id),
        ("Version", "2.0"),
        ("IssueInstant", &now),
        ("Destination", to),
    ];
    attributes.extend(in_response_to.map(|id| ("InResponseTo", id)));
    let mut xml = XmlWriter::new();
    xml.start_element(name, &attributes);
    issuer(&mut xml, &source.url("metadata"));
    xml
}
