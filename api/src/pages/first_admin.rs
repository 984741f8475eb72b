//! The page that makes the first admin (R65): opened by the single-use link that the program printed.

use askama::Template;

use super::frame::Frame;

/// Asks for the first admin's e-mail address, name and password.
#[derive(Debug, Template)]
#[template(path = "first_admin.html")]
pub struct FirstAdmin<'a> {
    frame: Frame<'a>,
    action: &'a str,
    token: &'a str,
    email: &'a str,
    name: &'a str,
    min_length: u32,
}

impl<'a> FirstAdmin<'a> {
    /// The form, posting `token`, `email`, `name` and `password` to `action`.
    pub fn new(frame: Frame<'a>, action: &'a str, token: &'a str, min_length: u32) -> Self {
        let frame = frame.headed(frame.texts.first_admin);
        Self { frame, action, token, email: "", name: "", min_length }
    }

    /// The same, with what was typed a moment ago.
    pub fn with_typed(self, email: &'a str, name: &'a str) -> Self {
        Self { email, name, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::frame::tests::{HOSTILE, assert_sound, frame};

    #[test]
    fn the_page_of_the_first_admin_is_sound_and_keeps_what_was_typed() {
        let page = FirstAdmin::new(frame(), "/setup", HOSTILE, 12).with_typed("jane@example.org", HOSTILE);
        let html = page.render().unwrap();
        assert_sound(&html);
        assert!(html.contains("value=\"jane@example.org\"") && html.contains("action=\"/setup\""));
    }
}
