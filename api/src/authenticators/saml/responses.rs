//! What comes back: from the posted response to the person, or why nobody.
//!
//! Spec: SAML Profiles 4.1.4.3 and 4.1.5 (unsolicited), SAML Core 3.2.2.2 (status codes), SAML Bindings 3.5 (POST; the
//! redirect binding is not for responses).
//! Stops: reading anything that no signature covered: the assertion is looked for by its one place, judged by the
//! verifier, and read again from the bytes that held, by the parser that verified them.

use super::agreement::Agreement;
use super::assertion::Assertion;
use super::document::{self, ASSERTION, Node, PROTOCOL, Unusable};
use super::person::person;
use super::requests::Memory;
use super::shape::{self, Content};
use super::verifier::Verifier;
use crate::sign_in::{Answer, Arrival, Denied, ProviderSession, Reason, Source, Trace};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use domain::Timestamp;
use serde_json::{Value, json};

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
/// What providers send as base64 may lack its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The end of an attempt.
pub(super) fn finish(
    source: &Source<'_>,
    memory: Option<&Value>,
    answer: &Answer,
    trace: &mut Trace,
) -> Result<Arrival, Denied> {
    let arrival = read(source, memory, answer, trace);
    if let Err(denied) = &arrival {
        trace.failed(
            "The provider's answer is refused",
            || json!({"reason": denied.reason.as_str(), "cause": denied.cause}),
        );
    }
    arrival
}

fn read(source: &Source<'_>, memory: Option<&Value>, answer: &Answer, trace: &mut Trace) -> Result<Arrival, Denied> {
    let memory = memory.map(Memory::read).transpose()?;
    if memory.is_none() && !source.flag("allow_idp_initiated") {
        return Err(Denied::new(Reason::Invalid, "nobody asked for this response, and allow_idp_initiated is off"));
    }
    let posted = answer.form("SAMLResponse");
    let posted = posted.ok_or_else(|| Denied::new(Reason::Invalid, "no SAMLResponse came by POST"))?;
    let agreement = Agreement::of(source)?;
    let request = memory.as_ref().map(|memory| memory.request.as_str());
    let held = held(source, &agreement, posted, request, trace)?;
    let document = document::parse(&held)?;
    let root = Node::root(&document)?;
    let Content::Plain(element) = shape::response(&root, agreement.digests)? else {
        return Err(Denied::new(Reason::Invalid, "the assertion is encrypted more than once"));
    };
    let assertion = Assertion::read(&element, source.now)?;
    if assertion.issuer != agreement.provider {
        return Err(Denied::new(Reason::Invalid, "the assertion is another issuer's"));
    }
    let person = person(source, &assertion, &agreement.entity_id)?;
    trace.note("The provider says who it is", || Value::Object(person.claims.clone()));
    let asked_again = memory.is_some_and(|memory| memory.asked_again);
    Ok(Arrival {
        person,
        asked_again_at: proven(&assertion, asked_again, source.now),
        once: vec![(assertion.id, assertion.accepted_until)],
        session: Some(ProviderSession {
            index: assertion.session,
            name_id: Some(assertion.name_id.to_json()),
            id_token: None,
        }),
    })
}

/// When the person proved themselves, if they had to (R41); never later than now.
fn proven(assertion: &Assertion, asked_again: bool, now: Timestamp) -> Option<Timestamp> {
    asked_again.then(|| assertion.authenticated_at.min(now))
}

/// The XML of the response whose signatures hold, with its assertion decrypted.
fn held(
    source: &Source<'_>,
    agreement: &Agreement<'_>,
    posted: &str,
    request: Option<&str>,
    trace: &mut Trace,
) -> Result<String, Denied> {
    let xml = decoded(posted)?;
    let document = document::parse(&xml)?;
    let root = Node::root(&document)?;
    let status = Status::of(&root)?;
    trace.note(
        "The provider answered",
        || json!({"status": status.code, "detail": status.detail, "says": status.message}),
    );
    status.judge()?;
    let issuer = root.optional(ASSERTION, "Issuer")?.map(|issuer| issuer.text()).transpose()?;
    if issuer.is_some_and(|issuer| issuer != agreement.provider) {
        return Err(Denied::new(Reason::Invalid, "the response is another issuer's"));
    }
    let key = match shape::response(&root, agreement.digests)? {
        Content::Plain(_) => None,
        Content::Encrypted => Some(source.secret("sp_private_key")?.ok_or_else(|| {
            Denied::new(Reason::Misconfigured, "the assertion is encrypted, and this usersource has no key pair")
        })?),
    };
    let encrypted = key.is_some();
    let held = Verifier::new(agreement, key.as_ref(), source.now)?.response(posted, request)?;
    trace.note("The response holds", || json!({"encrypted": encrypted, "answers": request}));
    Ok(held)
}

/// The XML in base64, which may be broken into lines.
pub(super) fn decoded(posted: &str) -> Result<String, Unusable> {
    let compact: Vec<u8> = posted.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = BASE64.decode(compact).map_err(|_| Unusable::new("the message is no base64"))?;
    String::from_utf8(bytes).map_err(|_| Unusable::new("the message is no UTF-8"))
}

/// Whether the provider did what it was asked to do.
struct Status {
    code: String,
    detail: Option<String>,
    message: Option<String>,
}

impl Status {
    fn of(root: &Node<'_>) -> Result<Self, Unusable> {
        let status = root.only(PROTOCOL, "Status")?;
        let code = status.only(PROTOCOL, "StatusCode")?;
        let detail = code.optional(PROTOCOL, "StatusCode")?.map(|inner| inner.needed("Value")).transpose()?;
        let message = status.optional(PROTOCOL, "StatusMessage")?.map(|message| message.deep_text());
        Ok(Self { code: code.needed("Value")?.to_owned(), detail: detail.map(str::to_owned), message })
    }

    fn judge(&self) -> Result<(), Denied> {
        let last = |uri: &str| uri.rsplit(':').next().unwrap_or_default().chars().take(60).collect::<String>();
        if self.code == SUCCESS {
            return Ok(());
        }
        let (code, detail) = (last(&self.code), self.detail.as_deref().map(last).unwrap_or_default());
        let reason = match (code.as_str(), detail.as_str()) {
            (_, "NoPassive") => Reason::NotSilent,
            (_, "InvalidNameIDPolicy") => Reason::Misconfigured,
            ("Requester" | "Responder", _) => Reason::Cancelled,
            _ => Reason::Invalid,
        };
        Err(Denied::new(reason, format!("the provider answered {code} {detail}")))
    }
}
