//! As much of a page as a story needs: its forms and its links. For pages of our own, not for the web's.

/// A form as it stands on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Where it is sent.
    pub action: String,
    /// Its inputs, with the values that the page gave them.
    pub fields: Vec<(String, String)>,
    /// The names of those that are for passwords.
    passwords: Vec<String>,
    /// The names of those that are for other words.
    texts: Vec<String>,
}

impl Form {
    /// The form on `page` whose action begins with `action`; a panic shows the page without it.
    #[track_caller]
    pub fn on(page: &str, action: &str) -> Self {
        let form = forms(page).into_iter().find(|form| form.action.starts_with(action));
        form.unwrap_or_else(|| panic!("the page has no form to {action}:\n{page}"))
    }

    /// Types into the input `name`.
    #[track_caller]
    pub fn fill(mut self, name: &str, value: &str) -> Self {
        let field = self.fields.iter_mut().find(|(n, _)| n == name);
        field.unwrap_or_else(|| panic!("the form has no input {name}")).1 = value.to_owned();
        self
    }

    /// The same with one more field, as a button adds when it is pressed.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Types into the only input that takes words and is not for a password, whatever it is called.
    #[track_caller]
    pub fn fill_only_text(self, value: &str) -> Self {
        let [name] = self.texts.as_slice() else { panic!("the form has not just one text input: {self:?}") };
        let name = name.clone();
        self.fill(&name, value)
    }

    /// Types the same into every input for a password.
    #[track_caller]
    pub fn fill_passwords(mut self, password: &str) -> Self {
        assert!(!self.passwords.is_empty(), "the form asks for no password: {self:?}");
        for name in std::mem::take(&mut self.passwords) {
            self = self.fill(&name, password);
        }
        self
    }
}

/// Every form on the page that is sent by POST.
pub fn forms(page: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut open = false;
    for tag in tags(page) {
        match tag.name {
            "form" => {
                open = tag.attribute("method").is_some_and(|method| method.eq_ignore_ascii_case("post"));
                if open {
                    let action = tag.attribute("action").unwrap_or_default();
                    forms.push(Form { action, fields: Vec::new(), passwords: Vec::new(), texts: Vec::new() });
                }
            }
            "/form" => open = false,
            "input" if open => {
                let (Some(form), Some(name)) = (forms.last_mut(), tag.attribute("name")) else { continue };
                match tag.attribute("type").as_deref() {
                    Some("password") => form.passwords.push(name.clone()),
                    None | Some("text" | "email") => form.texts.push(name.clone()),
                    Some(_) => {}
                }
                form.fields.push((name, tag.attribute("value").unwrap_or_default()));
            }
            _ => {}
        }
    }
    forms
}

/// Where the page's links go.
pub fn links(page: &str) -> Vec<String> {
    tags(page).filter(|tag| tag.name == "a").filter_map(|tag| tag.attribute("href")).collect()
}

struct Tag<'a> {
    name: &'a str,
    rest: &'a str,
}

/// What stands between `<` and `>`. Our pages write `>` in a value as `&gt;`.
fn tags(page: &str) -> impl Iterator<Item = Tag<'_>> {
    page.split('<').skip(1).filter_map(|piece| {
        let inside = piece.split('>').next()?.trim_end_matches('/');
        let (name, rest) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
        Some(Tag { name, rest })
    })
}

impl Tag<'_> {
    fn attribute(&self, wanted: &str) -> Option<String> {
        let mut rest = self.rest;
        loop {
            rest = rest.trim_start();
            let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            if name.is_empty() {
                return None;
            }
            let (value, after) = match after.strip_prefix('=') {
                None => ("", after),
                Some(quoted) if quoted.starts_with(['"', '\'']) => quoted[1..].split_once(&quoted[..1])?,
                Some(bare) => bare.split_at(bare.find(char::is_whitespace).unwrap_or(bare.len())),
            };
            if name.eq_ignore_ascii_case(wanted) {
                return Some(unescape(value));
            }
            rest = after;
        }
    }
}

fn unescape(value: &str) -> String {
    [("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&lt;", "<"), ("&#60;", "<"), ("&gt;", ">")]
        .iter()
        .chain(&[("&#62;", ">"), ("&#x2F;", "/"), ("&#38;", "&"), ("&amp;", "&")])
        .fold(value.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<a href="/lost-password">Lost?</a><form method="get" action="/search"><input name="q"></form>
        <form class='f' method="POST" action="/login?a=1&amp;b=2">
          <input type="hidden" name="token" value="x&quot;y"/><input name=login required>
          <input type="password" name="password"></form><input name="outside">"#;

    #[test]
    fn a_form_has_its_action_and_its_inputs_and_can_be_filled_in() {
        let form = Form::on(PAGE, "/login").fill_only_text("jane").fill_passwords("secret");
        let fields: Vec<_> = form.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(form.action, "/login?a=1&b=2");
        assert_eq!(fields, [("token", "x\"y"), ("login", "jane"), ("password", "secret")]);
        assert_eq!(links(PAGE), ["/lost-password"]);
    }

    #[test]
    #[should_panic(expected = "no input nickname")]
    fn an_input_that_is_not_there_cannot_be_filled_in() {
        let _ = Form::on(PAGE, "/login").fill("nickname", "J");
    }
}
