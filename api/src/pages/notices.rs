//! The small pages: signed out, who you are, a message.

use askama::Template;

use super::frame::Frame;

/// Says that one is signed out. It does not redirect by itself (R27).
#[derive(Debug, Template)]
#[template(path = "signed_out.html")]
pub struct SignedOut<'a> {
    frame: Frame<'a>,
    login: &'a str,
}

impl<'a> SignedOut<'a> {
    /// The page; `login` is where one signs in again.
    pub fn new(frame: Frame<'a>, login: &'a str) -> Self {
        Self { frame: frame.headed(frame.texts.signed_out), login }
    }
}

/// Says who is signed in, and offers to sign out.
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub struct Home<'a> {
    frame: Frame<'a>,
    name: &'a str,
    email: Option<&'a str>,
    usersource: &'a str,
    own_password: Option<&'a str>,
}

impl<'a> Home<'a> {
    /// The page of somebody called `name`, who signed in through the usersource of this title.
    pub fn new(frame: Frame<'a>, name: &'a str, email: Option<&'a str>, usersource: &'a str) -> Self {
        let frame = frame.headed(frame.texts.signed_in);
        Self { frame, name, email, usersource, own_password: None }
    }

    /// The same with a link to change the password (R24).
    pub fn with_own_password(self, path: &'a str) -> Self {
        Self { own_password: Some(path), ..self }
    }
}

/// A title and a sentence: an error, or news.
#[derive(Debug, Template)]
#[template(path = "message.html")]
pub struct Message<'a> {
    frame: Frame<'a>,
    sentence: &'a str,
    link: Option<(&'a str, &'a str)>,
}

impl<'a> Message<'a> {
    /// The page.
    pub fn new(frame: Frame<'a>, title: &'a str, sentence: &'a str) -> Self {
        Self { frame: frame.headed(title), sentence, link: None }
    }

    /// The same with a link: where to, and what it says.
    pub fn with_link(self, path: &'a str, text: &'a str) -> Self {
        Self { link: Some((path, text)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::frame::tests::{HOSTILE, assert_sound, frame};

    #[test]
    fn all_small_pages_are_sound() {
        let home = Home::new(frame(), HOSTILE, Some(HOSTILE), HOSTILE).with_own_password("/change-password");
        let pages = [
            SignedOut::new(frame(), "/login").render().unwrap(),
            home.render().unwrap(),
            Message::new(frame(), HOSTILE, HOSTILE).with_link("/login", HOSTILE).render().unwrap(),
        ];
        pages.iter().for_each(|html| assert_sound(html));
        assert!(pages[1].contains("action=\"/logout\"") && pages[1].contains("method=\"post\""));
    }

    #[test]
    fn r27_the_page_after_signing_out_stays_where_it_is() {
        let html = SignedOut::new(frame(), "/login").render().unwrap();
        assert!(!html.contains("http-equiv"));
    }
}
