//! What all pages have in common: language, helpdesk, heading and, at most, one notice.

use domain::Surface;

use super::assets;
use super::texts::Texts;

/// A sentence above the page's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice<'a> {
    /// Something went wrong: read out at once.
    Problem(&'a str),
    /// Something is worth knowing.
    Told(&'a str),
}

/// The frame around a page's content.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    pub(super) texts: &'static Texts,
    pub(super) helpdesk: &'a str,
    pub(super) heading: &'a str,
    pub(super) notice: Option<Notice<'a>>,
    pub(super) surface: Option<Surface>,
}

impl<'a> Frame<'a> {
    /// A page of the helpdesk of this name.
    pub fn new(texts: &'static Texts, helpdesk: &'a str) -> Self {
        Self { texts, helpdesk, heading: "", notice: None, surface: None }
    }

    /// The same with a notice.
    pub fn with_notice(self, notice: Notice<'a>) -> Self {
        Self { notice: Some(notice), ..self }
    }

    /// The same, naming the surface that it belongs to.
    pub fn at(self, surface: Surface) -> Self {
        Self { surface: Some(surface), ..self }
    }

    /// The same under this heading, which is the page's title too.
    pub(super) fn headed(self, heading: &'a str) -> Self {
        Self { heading, ..self }
    }

    pub(super) fn stylesheet(&self) -> &'static str {
        assets::path("gateledger.css")
    }

    pub(super) fn favicon(&self) -> &'static str {
        assets::path("gate.svg")
    }

    /// What the surface is called; the portal is where everybody is, and needs no word.
    pub(super) fn surface_name(&self) -> Option<&'static str> {
        match self.surface? {
            Surface::Portal => None,
            Surface::Agent => Some(self.texts.agents),
            Surface::Admin => Some(self.texts.admins),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::pages::texts::Language;

    /// A helpdesk with a name that would like to be a script.
    pub const HOSTILE: &str = "<script>alert(1)</script>\"'&";

    /// The frame of a page of a hostile helpdesk.
    pub fn frame() -> Frame<'static> {
        Frame::new(Language::English.texts(), HOSTILE)
    }

    /// What every page owes its readers, and what it must never contain.
    pub fn assert_sound(html: &str) {
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"), "{html}");
        assert_eq!(html.matches("<h1>").count(), 1, "one heading: {html}");
        let title = html.split("<title>").nth(1).unwrap().split("</title>").next().unwrap();
        assert!(!title.trim().is_empty() && !title.starts_with(' '));
        assert!(html.contains("<main>") && html.contains("name=\"viewport\""));
        for input in html.split("<input ").skip(1).map(|rest| rest.split('>').next().unwrap()) {
            let id = input.split("id=\"").nth(1).map(|rest| rest.split('"').next().unwrap());
            let labelled = id.is_some_and(|id| html.contains(&format!("<label for=\"{id}\">")));
            assert!(labelled || input.contains("type=\"hidden\""), "no label: {input}");
        }
        for image in html.split("<img ").skip(1) {
            assert!(image.split('>').next().unwrap().contains("alt="), "no alternative: {image}");
        }
        let markup = html.to_lowercase();
        for never in ["<script", "<style", " style=", "javascript:", " onclick", " onload", "http://", "https://"] {
            assert!(!markup.contains(never), "{never} in {html}");
        }
        let ids: Vec<_> = html.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert!(ids.iter().enumerate().all(|(at, id)| !ids[..at].contains(id)), "an id twice: {ids:?}");
    }
}
