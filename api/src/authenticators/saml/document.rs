//! Reading XML that somebody else wrote, with the very parser that verifies its signatures.
//!
//! Spec: XML 1.0 (fifth edition), Namespaces in XML 1.0.
//! Stops: two parsers that see two documents in one text (CVE-2025-25291); entities and document types; a comment that
//! cuts a name in two (CVE-2017-11427); elements that only look alike, of other namespaces.

use crate::sign_in::{Denied, Reason};
use domain::Timestamp;
use uppsala::{Document, NodeId, NodeKind, Parser};

/// Namespace of SAML's messages.
pub(super) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// Namespace of assertions.
pub(super) const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// Namespace of metadata.
pub(super) const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
/// Namespace of XML signatures.
pub(super) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
/// Namespace of XML encryption.
pub(super) const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";

/// Longest document, in bytes.
pub(super) const LONGEST: usize = 262_144;
/// Deepest nesting of elements.
const DEEPEST: u32 = 64;

/// Why a document cannot be used, as a sentence. It quotes names, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unusable(pub String);

impl Unusable {
    /// With its sentence.
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl From<Unusable> for Denied {
    fn from(unusable: Unusable) -> Self {
        Self::new(Reason::Invalid, unusable.0)
    }
}

/// The document in `text`; one with a document type is refused.
pub(super) fn parse(text: &str) -> Result<Document<'_>, Unusable> {
    if text.len() > LONGEST {
        return Err(Unusable::new(format!("the document is longer than {LONGEST} bytes")));
    }
    let parser = Parser::new().with_forbid_dtd(true).with_forbid_entities(true).with_max_depth(DEEPEST);
    parser.parse(text).map_err(|error| Unusable(format!("this is no XML that is taken: {error}")))
}

/// An element of a document.
#[derive(Clone, Copy)]
pub(super) struct Node<'d> {
    document: &'d Document<'d>,
    id: NodeId,
}

impl<'d> Node<'d> {
    /// The outermost element.
    pub(super) fn root(document: &'d Document<'d>) -> Result<Self, Unusable> {
        let id = document.document_element().ok_or_else(|| Unusable::new("the document is empty"))?;
        Ok(Self { document, id })
    }

    /// Its name without a prefix.
    pub(super) fn name(&self) -> &'d str {
        self.document.element(self.id).map_or("", |element| &element.name.local_name)
    }

    /// Whether it is the element `name` of `namespace`.
    pub(super) fn is(&self, namespace: &str, name: &str) -> bool {
        self.document.element(self.id).is_some_and(|element| element.matches_name_ns(namespace, name))
    }

    /// The elements right in it.
    pub(super) fn elements(&self) -> impl Iterator<Item = Self> + use<'d> {
        let document = self.document;
        let children = document.children_iter(self.id);
        children.filter(move |id| document.element(*id).is_some()).map(move |id| Self { document, id })
    }

    /// The elements `name` of `namespace` right in it.
    pub(super) fn all(&self, namespace: &'static str, name: &'static str) -> impl Iterator<Item = Self> + use<'d> {
        self.elements().filter(move |element| element.is(namespace, name))
    }

    /// The one element `name` of `namespace` right in it, if there is one; two are refused.
    pub(super) fn optional(&self, namespace: &'static str, name: &'static str) -> Result<Option<Self>, Unusable> {
        let mut found = self.all(namespace, name);
        let first = found.next();
        match found.next() {
            None => Ok(first),
            Some(_) => Err(Unusable(format!("{} has more than one {name}", self.name()))),
        }
    }

    /// The one element `name` of `namespace` right in it.
    pub(super) fn only(&self, namespace: &'static str, name: &'static str) -> Result<Self, Unusable> {
        self.optional(namespace, name)?.ok_or_else(|| Unusable(format!("{} has no {name}", self.name())))
    }

    /// All elements below it.
    pub(super) fn descendants(&self) -> impl Iterator<Item = Self> + use<'d> {
        let document = self.document;
        let below = document.descendants(self.id).into_iter();
        let own = self.id;
        below.filter(move |id| *id != own && document.element(*id).is_some()).map(move |id| Self { document, id })
    }

    /// The element that it is in.
    pub(super) fn parent(&self) -> Option<Self> {
        let id = self.document.parent(self.id)?;
        self.document.element(id).map(|_| Self { document: self.document, id })
    }

    /// Whether both are the same place in the document.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.id == other.id
    }

    /// The value of the attribute `name` that has no namespace.
    pub(super) fn attribute(&self, name: &str) -> Option<&'d str> {
        let element = self.document.element(self.id)?;
        let mut found = element.attributes.iter();
        let attribute = found.find(|a| a.name.namespace_uri.is_none() && a.name.local_name == name)?;
        Some(&attribute.value)
    }

    /// The value of an attribute without which the element means nothing.
    pub(super) fn needed(&self, name: &str) -> Result<&'d str, Unusable> {
        let value = self.attribute(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| Unusable(format!("{} has no {name}", self.name())))
    }

    /// The moment in the attribute `name`, if there is one.
    pub(super) fn moment(&self, name: &str) -> Result<Option<Timestamp>, Unusable> {
        let parse =
            |text| Timestamp::parse(text).ok_or_else(|| Unusable(format!("{name} of {} is no time", self.name())));
        self.attribute(name).map(parse).transpose()
    }

    /// Its text, without white space around it. It may hold nothing but text: a comment within is refused.
    pub(super) fn text(&self) -> Result<String, Unusable> {
        let mut text = String::new();
        for id in self.document.children_iter(self.id) {
            match self.document.node_kind(id) {
                Some(NodeKind::Text(part) | NodeKind::CData(part)) => text.push_str(part),
                _ => return Err(Unusable(format!("{} holds something else than text", self.name()))),
            }
        }
        Ok(text.trim().to_owned())
    }

    /// Its text and all text below it, for values that may be structured.
    pub(super) fn deep_text(&self) -> String {
        self.document.text_content_deep(self.id).trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(xml: &str) -> Result<String, Unusable> {
        Node::root(&parse(xml)?)?.text()
    }

    #[test]
    fn a_comment_never_cuts_a_text_in_two() {
        assert_eq!(text_of("<a> x&amp;<![CDATA[y]]> </a>").unwrap(), "x&y");
        for xml in ["<a>admin<!-- -->.evil</a>", "<a>x<?y z?></a>", "<a>x<b/></a>"] {
            assert!(text_of(xml).is_err(), "{xml}");
        }
    }

    #[test]
    fn document_types_and_endless_documents_are_refused() {
        let deep = "<a>".repeat(70) + &"</a>".repeat(70);
        let long = format!("<a>{}</a>", "x".repeat(LONGEST));
        for xml in ["<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "<a>&b;</a>", "<a>", &deep, &long] {
            assert!(parse(xml).is_err());
        }
    }

    #[test]
    fn names_count_with_their_namespaces_and_twins_are_refused() {
        let xml = "<r xmlns='urn:x' xmlns:y='urn:y'><a y:k='1'/><y:a/><b k='2'/><b/></r>";
        let document = parse(xml).unwrap();
        let root = Node::root(&document).unwrap();
        assert!(root.is("urn:x", "r") && !root.is("urn:y", "r"));
        let a = root.only("urn:x", "a").unwrap();
        assert_eq!((a.attribute("k"), root.elements().count()), (None, 4));
        assert!(root.only("urn:x", "b").is_err());
        assert!(root.only("urn:x", "c").is_err());
        assert!(a.parent().unwrap().is_same(&root));
    }
}
