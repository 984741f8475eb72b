//! The provider's name for a person, and which of its parts make it the name of nobody else.
//!
//! Spec: SAML Core 2.2.3 and 8.3. A persistent name is unique only together with its qualifiers (8.3.7).
//! Stops: a person who becomes another because the same text came in another format; an account bound to a name that
//! is new every time (R30: a transient name id identifies nobody).

use super::document::{Node, Unusable};
use crate::sign_in::{Denied, Reason};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uppsala::XmlWriter;

/// Format of names that say nothing of their kind.
pub(super) const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
/// Format of names that are addresses.
pub(super) const EMAIL_ADDRESS: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
/// Format of names that never change and mean nothing elsewhere.
pub(super) const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

/// Longest name, in bytes.
const LONGEST: usize = 1000;

/// A name as the provider gave it. A log-out request must give it back in all its parts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NameId {
    /// The name itself.
    pub value: String,
    /// What kind of name it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name_qualifier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sp_name_qualifier: Option<String>,
}

impl NameId {
    /// Reads a `NameID` element.
    pub(super) fn read(element: &Node<'_>) -> Result<Self, Unusable> {
        let owned = |name: &str| element.attribute(name).filter(|text| !text.is_empty()).map(str::to_owned);
        let value = element.text()?;
        if value.is_empty() || value.len() > LONGEST {
            return Err(Unusable::new("the name id is empty or too long"));
        }
        Ok(Self {
            value,
            format: owned("Format"),
            name_qualifier: owned("NameQualifier"),
            sp_name_qualifier: owned("SPNameQualifier"),
        })
    }

    /// The text that identifies the person at this provider for ever. A plain name is itself; any other
    /// begins with `!` and names its format and qualifiers, those that are left out by their meaning.
    pub(super) fn subject(&self, provider: &str, ours: &str) -> Result<String, Denied> {
        let format = self.format.as_deref().unwrap_or(UNSPECIFIED);
        let value = &self.value;
        match format {
            TRANSIENT => Err(Denied::new(
                Reason::Misconfigured,
                "the provider sends a transient name id, which identifies nobody; let it send a persistent one",
            )),
            UNSPECIFIED if !value.starts_with('!') => Ok(value.clone()),
            PERSISTENT => {
                let by = self.name_qualifier.as_deref().unwrap_or(provider);
                let at = self.sp_name_qualifier.as_deref().unwrap_or(ours);
                Ok(format!("!{format}!{by}!{at}!{value}"))
            }
            _ => Ok(format!("!{format}!{value}")),
        }
    }

    /// As it is kept with a session.
    pub(super) fn to_json(&self) -> Value {
        json!(self)
    }

    /// As it was kept with a session.
    pub(super) fn from_json(kept: &Value) -> Option<Self> {
        Self::deserialize(kept).ok()
    }

    /// The same element again.
    pub(super) fn write(&self, xml: &mut XmlWriter) {
        let parts = [
            ("Format", &self.format),
            ("NameQualifier", &self.name_qualifier),
            ("SPNameQualifier", &self.sp_name_qualifier),
        ];
        let attributes: Vec<_> = parts.iter().filter_map(|(name, part)| Some((*name, part.as_deref()?))).collect();
        xml.start_element("saml:NameID", &attributes);
        xml.text(&self.value);
        xml.end_element("saml:NameID");
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::parse;
    use super::*;

    fn read(attributes: &str, value: &str) -> Result<NameId, Unusable> {
        let xml = format!("<NameID {attributes}>{value}</NameID>");
        let document = parse(&xml)?;
        NameId::read(&Node::root(&document)?)
    }

    fn subject(attributes: &str, value: &str) -> Result<String, Denied> {
        read(attributes, value).unwrap().subject("urn:idp", "urn:us")
    }

    #[test]
    fn r30_a_transient_name_identifies_nobody() {
        let denied = subject(&format!("Format='{TRANSIENT}'"), "_123").unwrap_err();
        assert_eq!(denied.reason, Reason::Misconfigured);
    }

    #[test]
    fn r30_the_same_text_in_another_format_is_another_person() {
        let formats = [UNSPECIFIED, EMAIL_ADDRESS, PERSISTENT, "urn:custom"].map(|format| format!("Format='{format}'"));
        let subjects: std::collections::BTreeSet<_> = formats.iter().map(|f| subject(f, "jane").unwrap()).collect();
        assert_eq!(subjects.len(), 4);
        assert_eq!(subject("", "jane").unwrap(), "jane");
        let persistent = subject(&formats[2], "jane").unwrap();
        assert_ne!(subject("", &persistent).unwrap(), persistent, "nobody writes themselves into another format");
    }

    #[test]
    fn r30_qualifiers_that_are_left_out_mean_the_two_sides() {
        let bare = subject(&format!("Format='{PERSISTENT}'"), "x1").unwrap();
        let full = format!("Format='{PERSISTENT}' NameQualifier='urn:idp' SPNameQualifier='urn:us'");
        assert_eq!(subject(&full, "x1").unwrap(), bare);
        let other = format!("Format='{PERSISTENT}' NameQualifier='urn:other'");
        assert_ne!(subject(&other, "x1").unwrap(), bare);
    }

    #[test]
    fn a_name_is_kept_whole_and_written_as_it_came() {
        let name = read("Format='urn:f' NameQualifier='a&amp;b'", " x&lt;y ").unwrap();
        let kept = NameId::from_json(&name.to_json()).unwrap();
        let mut xml = XmlWriter::new();
        kept.write(&mut xml);
        let expected = "<saml:NameID Format=\"urn:f\" NameQualifier=\"a&amp;b\">x&lt;y</saml:NameID>";
        assert_eq!(xml.into_string(), expected);
    }

    #[test]
    fn an_empty_and_an_endless_name_are_refused() {
        assert!(read("", " ").is_err());
        assert!(read("", &"x".repeat(LONGEST + 1)).is_err());
    }
}
