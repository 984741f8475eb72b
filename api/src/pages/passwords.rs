//! The pages of people's own passwords (R24): lost, reset, changed.

use askama::Template;
use domain::Surface;

use super::frame::Frame;
use super::options::{change_password_path, lost_password_path};

/// Asks for the address to which a link is sent.
#[derive(Debug, Template)]
#[template(path = "lost_password.html")]
pub struct LostPassword<'a> {
    frame: Frame<'a>,
    surface: Surface,
}

impl<'a> LostPassword<'a> {
    /// The form, as it is reached from the login page of `surface`.
    pub fn new(frame: Frame<'a>, surface: Surface) -> Self {
        Self { frame: frame.headed(frame.texts.lost_password), surface }
    }

    fn back(&self) -> &'static str {
        self.surface.login_path()
    }

    fn action(&self) -> &'static str {
        lost_password_path(self.surface)
    }
}

/// Says that a link was sent: the same words whether or not there is such an account.
#[derive(Debug, Template)]
#[template(path = "lost_password_sent.html")]
pub struct LostPasswordSent<'a> {
    frame: Frame<'a>,
    back: &'a str,
}

impl<'a> LostPasswordSent<'a> {
    /// The page; `back` is a login page.
    pub fn new(frame: Frame<'a>, back: &'a str) -> Self {
        Self { frame: frame.headed(frame.texts.check_your_mail), back }
    }
}

/// Asks for a new password, given a link from a mail.
#[derive(Debug, Template)]
#[template(path = "reset_password.html")]
pub struct ResetPassword<'a> {
    frame: Frame<'a>,
    action: &'a str,
    token: &'a str,
    min_length: u32,
}

impl<'a> ResetPassword<'a> {
    /// The form, posting `token` and `password` to `action`.
    pub fn new(frame: Frame<'a>, action: &'a str, token: &'a str, min_length: u32) -> Self {
        Self { frame: frame.headed(frame.texts.new_password_heading), action, token, min_length }
    }
}

/// Asks somebody who is signed in for the present and a new password.
#[derive(Debug, Template)]
#[template(path = "change_password.html")]
pub struct ChangePassword<'a> {
    frame: Frame<'a>,
    surface: Surface,
    login: &'a str,
    min_length: u32,
}

impl<'a> ChangePassword<'a> {
    /// The form, posting `current_password` and `password`; `login` is for password managers.
    pub fn new(frame: Frame<'a>, surface: Surface, login: &'a str, min_length: u32) -> Self {
        Self { frame: frame.headed(frame.texts.change_password), surface, login, min_length }
    }

    fn action(&self) -> &'static str {
        change_password_path(self.surface)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::frame::tests::{HOSTILE, assert_sound, frame};

    #[test]
    fn all_pages_of_passwords_are_sound() {
        let pages = [
            LostPassword::new(frame(), Surface::Portal).render().unwrap(),
            LostPasswordSent::new(frame(), "/login").render().unwrap(),
            ResetPassword::new(frame(), "/reset-password", HOSTILE, 12).render().unwrap(),
            ChangePassword::new(frame(), Surface::Agent, HOSTILE, 12).render().unwrap(),
        ];
        pages.iter().for_each(|html| assert_sound(html));
    }

    #[test]
    fn new_passwords_say_how_long_they_must_be() {
        let html = ResetPassword::new(frame(), "/reset-password", "t", 14).render().unwrap();
        assert!(
            html.contains("14") && html.contains("minlength=\"14\"") && html.contains("autocomplete=\"new-password\"")
        );
        assert!(html.contains("name=\"token\" value=\"t\""));
    }
}
