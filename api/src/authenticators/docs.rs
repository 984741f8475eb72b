//! The catalogue for programs (`GET /kinds`) and for people (`docs/kinds.md`), both from the kinds themselves.

use super::field::{FieldSpec, FieldType, Presence, Unset};
use super::{Authenticator, KINDS, every};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Every kind with its fields, as `GET /kinds` answers.
pub fn catalogue_json() -> Value {
    let kinds = KINDS.iter().map(|kind| {
        let can = kind.capabilities();
        json!({
            "slug": kind.slug(), "label": kind.label(), "summary": kind.summary(), "display": can.display,
            "sso": can.sso, "silent": can.silent, "built_in": can.built_in,
            "fields": kind.fields().iter().map(|spec| spec.json()).collect::<Vec<_>>(),
        })
    });
    json!({"kinds": kinds.collect::<Vec<_>>()})
}

/// The page `docs/kinds.md`.
pub fn catalogue_markdown() -> String {
    let mut page = String::from(
        "# The kinds of usersource\n\n\
         This page is made from the program: `UPDATE_DOCS=1 cargo test -p gateledger docs` writes it anew.\n\n\
         A secret is sealed before it is stored and shown as a fingerprint only. A field that is set to null is \
         cleared, a field that is left out stays as it is.\n\n\
         ## What every kind has\n",
    );
    table(&mut page, every::EVERY.iter());
    page.push_str("\nA kind that can do single sign-on also has:\n");
    table(&mut page, every::BUTTON.iter());
    for kind in KINDS {
        section(&mut page, *kind);
    }
    page
}

fn section(page: &mut String, kind: &dyn Authenticator) {
    let can = kind.capabilities();
    let _ = write!(page, "\n## {} (`{}`)\n\n{}\n\n", kind.label(), kind.slug(), kind.summary());
    let sso = if can.sso { "can do single sign-on" } else { "no single sign-on" };
    let built_in = if can.built_in { "; built in, once for each audience" } else { "" };
    let _ = writeln!(page, "On the login page: a {}; {sso}{built_in}.", can.display.as_str());
    let settings = || kind.settings().iter().copied().flatten();
    if settings().next().is_some() {
        table(page, settings());
    }
    let outputs = kind.outputs("https://HELPDESK", &"USERSOURCE".into());
    if !outputs.is_empty() {
        page.push_str("\nTo copy to the other side, from the install on:\n\n");
    }
    for output in outputs {
        let _ = writeln!(page, "- {} (`{}`): `{}`", output.label, output.name, output.value);
    }
    let known: Vec<_> = settings().filter_map(|spec| spec.elsewhere.map(|name| (spec, name))).collect();
    if !known.is_empty() {
        let names: Vec<_> = known.iter().map(|(spec, name)| format!("`{}` is {name}", short(spec))).collect();
        let _ = write!(page, "\nIn other helpdesks: {}.\n", names.join("; "));
    }
}

fn table<'a>(page: &mut String, specs: impl Iterator<Item = &'a FieldSpec>) {
    page.push_str("\n| field | takes | needed | if not set | |\n|---|---|---|---|---|\n");
    for spec in specs {
        let risk = spec.risk.map(|risk| format!(" **Warning `{}`:** {}", risk.code, risk.detail)).unwrap_or_default();
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {}: {}{} |",
            short(spec),
            takes(spec),
            needed(spec),
            unset(spec).replace('|', "\\|"),
            spec.label,
            spec.help,
            risk
        );
    }
}

fn short(spec: &FieldSpec) -> &str {
    spec.name.strip_prefix("settings.").unwrap_or(spec.name)
}

fn takes(spec: &FieldSpec) -> String {
    let words = |choices: &[&str]| choices.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    #[expect(clippy::wildcard_enum_match_arm, reason = "a type without bounds or choices is told by its name")]
    match spec.takes {
        FieldType::Choice(choices) => words(choices),
        FieldType::List(items, max) => format!("list of {} (up to {max})", items.as_str()),
        FieldType::Integer(min, max) => format!("integer, {min} to {max}"),
        FieldType::Text(max) | FieldType::Lines(max) | FieldType::Xml(max) => {
            format!("{}, up to {max} characters", spec.takes.as_str())
        }
        FieldType::Secret(1, max) => format!("secret, up to {max} characters"),
        FieldType::Secret(min, max) => format!("secret, {min} to {max} characters"),
        FieldType::PrivateKey => "private_key (secret)".to_owned(),
        other => other.as_str().to_owned(),
    }
}

fn needed(spec: &FieldSpec) -> String {
    let needed = match spec.presence {
        Presence::Optional => "no".to_owned(),
        Presence::Required => "yes".to_owned(),
        Presence::RequiredIf(when) => format!("if {when}"),
    };
    match spec.audiences {
        [only] => format!("{needed} ({only} only)"),
        _ => needed,
    }
}

fn unset(spec: &FieldSpec) -> String {
    match spec.unset {
        Unset::Nothing => String::new(),
        Unset::Flag(flag) => if flag { "on" } else { "off" }.to_owned(),
        Unset::Number(number) => number.to_string(),
        Unset::Text(text) => format!("`{text}`"),
        Unset::List(texts) => texts.join(", "),
        Unset::Told(words) => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn docs_kinds_md_is_what_the_program_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/kinds.md");
        let page = catalogue_markdown();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &page).unwrap();
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(stored == page, "docs/kinds.md is stale: UPDATE_DOCS=1 cargo test -p gateledger docs");
    }

    #[test]
    fn the_catalogue_tells_programs_what_a_form_needs() {
        let catalogue = catalogue_json();
        let kinds = catalogue["kinds"].as_array().unwrap();
        let jwt = kinds.iter().find(|kind| kind["slug"] == "jwt").unwrap();
        assert_eq!((&jwt["display"], &jwt["sso"]), (&json!("button"), &json!(true)));
        let field = |name: &str| jwt["fields"].as_array().unwrap().iter().find(|f| f["name"] == name).unwrap();
        let secret = field("settings.secret");
        assert_eq!((&secret["secret"], &secret["required"]), (&json!(true), &json!(false)));
        assert!(secret["required_if"].is_string());
        assert_eq!(field("settings.algorithm")["choices"][0], "HS256");
        assert_eq!(field("provisioning.auto_agent")["audiences"], json!(["agents"]));
    }
}
