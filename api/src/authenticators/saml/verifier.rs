//! The one door to the crate `saml-rs`: it takes a message and gives back the XML that held, or why it did not.
//!
//! Spec: SAML Core 5, SAML Profiles 4.1.4.3 and 4.4.4, SAML Bindings 3.4.4.1 (the signature over a redirect's query).
//! Stops: unsigned and wrongly signed messages; a key that the message brings; another audience, recipient or
//! destination; messages before or after their time; an answer to another request. Every field of the crate's policy is
//! spelled out here: its defaults are lax, and a new field fails to compile.

use super::agreement::{Agreement, Want};
use super::assertion::SKEW;
use super::document::LONGEST;
use super::shape::Digests;
use crate::sign_in::{Denied, Reason};
use domain::Timestamp;
use saml_rs::metadata::{Endpoint, IdpMetadataConfig, generate_idp_metadata};
use saml_rs::raw::Binding;
use saml_rs::xml::XmlLimits;
use saml_rs::{
    AcsEndpoint, AlgorithmPolicy, AssertionSignaturePolicy, AudienceValidationPolicy, AuthnRequestSigningPolicy,
    BrowserInput, ClockSkew, Credentials, EntityId, FormField, IdpDescriptor, LogoutBinding, LogoutPolicy,
    LogoutRequest, LogoutResponse, LogoutSignaturePolicy, MessageId, MetadataTrustPolicy, NameIdCreationPolicy,
    PendingAuthnRequest, PendingLogoutRequest, PrivateKeyPem, RelayStateParam, ReplayPolicy, ResponseSignaturePolicy,
    Saml, SamlError, SamlValidationContext, SloEndpoint, Sp, SpConfig, SpMetadataConfig, SpValidationPolicy,
    SsoResponse, SsoResponseBinding, TemplatePolicy, XmlEncryptionPolicy, XmlPolicy, XmlSignatureProfile,
};
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// How a message came.
pub(super) enum Came<'a> {
    /// In a form, as base64.
    Posted(&'a str),
    /// In a query, which is kept as it came: the signature is over its bytes.
    Redirected(&'a str),
}

/// Judges what one provider sends.
pub(super) struct Verifier {
    sp: Saml<Sp>,
    idp: IdpDescriptor,
    acs: AcsEndpoint,
    now: SystemTime,
}

impl Verifier {
    /// For messages under this agreement. With a key, the assertion must be encrypted; without one, it must not.
    pub(super) fn new(
        agreement: &Agreement<'_>,
        key: Option<&Zeroizing<String>>,
        now: Timestamp,
    ) -> Result<Self, Denied> {
        let build = || {
            let acs = AcsEndpoint::post(&agreement.acs_url)?;
            Ok(Self { sp: Saml::sp(ours(agreement, &acs, key)?)?, idp: theirs(agreement)?, acs, now: moment(now) })
        };
        build().map_err(|error: SamlError| Denied::new(Reason::Misconfigured, error.to_string()))
    }

    /// The response, with its assertion decrypted, if it answers `request`; without a request it must answer none.
    pub(super) fn response(&self, posted: &str, request: Option<&str>) -> Result<String, Denied> {
        let input = BrowserInput::<SsoResponse>::post(vec![FormField::new("SAMLResponse", posted)]);
        let session = match request {
            Some(id) => {
                self.pending(id).and_then(|pending| self.sp.finish_sso(&self.idp, &pending, input, self.judged()))
            }
            None => self.sp.accept_unsolicited_sso(&self.idp, input, self.judged()),
        };
        Ok(session.map_err(refused)?.raw_flow().saml_content.clone())
    }

    /// A log-out request.
    pub(super) fn log_out_request(&self, came: &Came<'_>) -> Result<String, Denied> {
        let input = match came {
            Came::Posted(posted) => BrowserInput::<LogoutRequest>::post(vec![FormField::new("SAMLRequest", *posted)]),
            Came::Redirected(query) => BrowserInput::<LogoutRequest>::redirect(*query),
        };
        let received = self.sp.receive_slo(&self.idp, input, self.judged()).map_err(refused)?;
        Ok(received.message().raw_flow().saml_content.clone())
    }

    /// A log-out response that answers `request`.
    pub(super) fn log_out_response(
        &self,
        came: &Came<'_>,
        request: &str,
        relay_state: Option<&str>,
    ) -> Result<(), Denied> {
        let (input, binding) = match came {
            Came::Posted(posted) => {
                let relay_state = relay_state.map(|value| FormField::new("RelayState", value));
                let fields = [FormField::new("SAMLResponse", *posted)].into_iter().chain(relay_state).collect();
                (BrowserInput::<LogoutResponse>::post(fields), LogoutBinding::Post)
            }
            Came::Redirected(query) => (BrowserInput::<LogoutResponse>::redirect(*query), LogoutBinding::Redirect),
        };
        let finished = || {
            let (id, relay_state) = (MessageId::try_new(request)?, RelayStateParam::try_from_option(relay_state)?);
            let pending = PendingLogoutRequest::try_new(id, relay_state, binding, self.idp.entity_id().clone())?;
            self.sp.finish_slo(&self.idp, &pending, input, self.judged())
        };
        finished().map(|_| ()).map_err(refused)
    }

    fn pending(&self, request: &str) -> Result<PendingAuthnRequest, SamlError> {
        let (id, nothing) = (MessageId::try_new(request)?, RelayStateParam::absent());
        let provider = self.idp.entity_id().clone();
        PendingAuthnRequest::try_new(id, nothing, self.acs.clone(), SsoResponseBinding::Post, provider)
    }

    /// That nothing is used twice is seen to where all nodes look: the ids go out with the arrival.
    fn judged(&self) -> SamlValidationContext<'static> {
        let skew = SKEW.saturating_mul(1000);
        SamlValidationContext::new(self.now, ReplayPolicy::DisabledForCompatibility)
            .with_clock_skew(ClockSkew::from_millis(-skew, skew))
    }
}

fn moment(now: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(now.millis()).unwrap_or_default())
}

fn ours(agreement: &Agreement<'_>, acs: &AcsEndpoint, key: Option<&Zeroizing<String>>) -> Result<SpConfig, SamlError> {
    Ok(SpConfig {
        entity_id: EntityId::try_new(agreement.entity_id.as_str())?,
        metadata: SpMetadataConfig {
            name_id_format: Vec::new(),
            single_logout_service: vec![
                SloEndpoint::redirect(&agreement.slo_url)?,
                SloEndpoint::post(&agreement.slo_url)?,
            ],
            assertion_consumer_service: vec![acs.clone()],
            elements_order: None,
        },
        credentials: Credentials {
            signing_key: None,
            signing_key_passphrase: None,
            signing_certificate: None,
            encryption_certificate: None,
            decryption_key: key.map(|key| PrivateKeyPem::new(key.as_str())),
            decryption_key_passphrase: None,
        },
        validation: policy(agreement),
        // What is sent is made elsewhere: nothing of these two is used.
        algorithms: AlgorithmPolicy::default(),
        templates: TemplatePolicy::default(),
        xml: XmlPolicy {
            clock_drifts: (0, 0), // each judgement brings its own
            redirect_inflate_max_bytes: LONGEST,
            limits: XmlLimits {
                max_bytes: LONGEST,
                max_depth: 64,
                max_nodes: 10_000,
                max_attributes_per_element: 64,
                max_attribute_value_bytes: 16_384,
                max_text_bytes: LONGEST,
            },
            encryption: match key {
                Some(_) => XmlEncryptionPolicy::encrypt_assertions(),
                None => XmlEncryptionPolicy::default(),
            },
        },
    })
}

fn policy(agreement: &Agreement<'_>) -> SpValidationPolicy {
    SpValidationPolicy {
        assertions: match agreement.want {
            Want::Assertion => AssertionSignaturePolicy::RequireSigned,
            Want::Response | Want::Either => AssertionSignaturePolicy::AllowUnsignedForCompatibility,
        },
        responses: match agreement.want {
            Want::Response => ResponseSignaturePolicy::RequireSigned,
            // CBC does not authenticate: what is encrypted so must not be opened before a signature has held.
            Want::Assertion | Want::Either => ResponseSignaturePolicy::RequireForEncryptedCbc,
        },
        xml_signatures: match agreement.digests {
            Digests::Sha2 => XmlSignatureProfile::StrictRsaSha2,
            // The message's shape was judged before: SHA-1 is all that this adds.
            Digests::Sha1Too => XmlSignatureProfile::AllowProviderSupportedForCompatibility,
        },
        authn_requests: AuthnRequestSigningPolicy::DoNotSignForCompatibility,
        audience: AudienceValidationPolicy::Validate,
        name_id_creation: NameIdCreationPolicy::AllowCreate,
        logout: LogoutPolicy {
            requests: LogoutSignaturePolicy::RequireSigned,
            responses: LogoutSignaturePolicy::RequireSigned,
        },
    }
}

/// The provider as the crate wants it: metadata made from our settings, so that nothing else is trusted.
fn theirs(agreement: &Agreement<'_>) -> Result<IdpDescriptor, SamlError> {
    // The crate asks for an address to send to; nothing is sent by it.
    let nowhere = Endpoint::new(Binding::Redirect, "https://invalid");
    let xml = generate_idp_metadata(&IdpMetadataConfig {
        entity_id: agreement.provider.to_owned(),
        signing_certs: agreement.certificates.clone(),
        encrypt_certs: Vec::new(),
        want_authn_requests_signed: false,
        name_id_format: Vec::new(),
        single_sign_on_service: vec![nowhere],
        single_logout_service: Vec::new(),
        elements_order: None,
    });
    let provider = EntityId::try_new(agreement.provider)?;
    IdpDescriptor::from_metadata_xml_for(provider, &xml, MetadataTrustPolicy::UnsignedForCompatibility)
}

/// The crate's refusal as ours. Its sentences quote names of the message, no secret and nothing that was typed.
fn refused(error: SamlError) -> Denied {
    let cause: String = error.to_string().chars().filter(|c| !c.is_control()).take(300).collect();
    Denied::new(Reason::Invalid, cause)
}
