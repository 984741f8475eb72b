//! Who gets in by a filter, and what no filter can do.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn person(claims: serde_json::Value) -> Person {
    let serde_json::Value::Object(claims) = claims else { panic!("claims are an object") };
    Person { issuer: "i".into(), subject: "s".into(), email: None, name: None, claims }
}

fn alice() -> Person {
    person(json!({
        "sub": "u-1", "email": "alice@example.com", "level": 7, "ratio": 0.5, "big": u64::MAX, "admin": true,
        "groups": ["staff", "support"], "manager": null, "address": {"country": "NZ"}, "claims": "mine",
        "https://shop.example/plan": "gold", "address.country": "AU", "claims.admin": false, "size": 3,
    }))
}

async fn verdict(expression: &str) -> Result<bool, String> {
    admits(expression, &alice()).await
}

#[tokio::test]
async fn r32_only_true_lets_a_person_in() {
    for (expression, admitted) in [
        (r#"email.endsWith("@example.com")"#, true),
        (r#"email.endsWith("@example.org")"#, false),
        (r#""staff" in groups && level >= 5"#, true),
        (r#"groups.exists(g, g == "sales")"#, false),
        (r#"groups.all(g, g.startsWith("s"))"#, true),
        (r#"size(groups.filter(g, g == "staff")) == 1 && groups.map(g, g)[0] == "staff""#, true),
        (r#"groups.exists(g, ["support", "sales"].exists(x, x == g))"#, true),
        (r#"claims["https://shop.example/plan"] == "gold""#, true),
        (r#"has(claims.groups) && !has(claims.department)"#, true),
        (r#""NZ" in [address].map(a, a.country) && ["x"] == groups.map(g, g == "staff", g) || admin"#, true),
        (r#"address.country == "NZ""#, true),
        ("claims.admin", true),
        ("level == 7 && level < 8.5 && ratio < 1 && big > 7", true),
        ("manager == null", true),
        (r#"email.matches("^[a-z]+@example[.]com$")"#, true),
        (r#"sub + "/" + email == "u-1/alice@example.com""#, true),
        ("admin", true),
        ("!admin", false),
        ("// whoever has an account\n true", true),
    ] {
        assert_eq!(check(expression), Ok(()), "{expression}");
        assert_eq!(verdict(expression).await, Ok(admitted), "{expression}");
    }
}

#[tokio::test]
async fn r32_an_error_or_anything_but_true_and_false_lets_nobody_in() {
    for expression in [
        "department == \"sales\"",
        "claims.department == \"sales\"",
        "email",
        "level",
        "[true]",
        "null",
        "groups[7] == \"staff\"",
        "email > 5",
        "email.unknown()",
        "unknown(email)",
        "1 / 0 == 1",
        "big + 1u > 0u",
        "groups.exists(g, g > 5)",
        "int(email) == 7",
        "\"true\"",
        "1",
    ] {
        assert!(verdict(expression).await.is_err(), "{expression}");
    }
}

#[tokio::test]
async fn r32_what_went_wrong_is_told_without_any_claim() {
    let told = verdict("department == 1").await.unwrap_err();
    assert_eq!(told, "there is no claim and no function department");
    for expression in ["email > 5", "claims[email]", "int(email) == 1", "email.unknown()", "groups[email]", "email"] {
        let told = verdict(expression).await.unwrap_err();
        assert!(!told.contains("alice") && !told.contains("staff"), "{told}");
    }
}

#[test]
fn r32_a_syntax_error_is_told_with_its_place_and_without_what_was_typed() {
    assert_eq!(check("email ==").unwrap_err(), "this is no CEL expression: see line 1, column 9");
    assert_eq!(check("true &&\n  planted planted").unwrap_err(), "this is no CEL expression: see line 2, column 11");
    for wrong in ["", "  ", "(", "email = 'x'", "has(planted)", "'planted", "planted ? 1", "`planted`", "\0planted"] {
        let told = check(wrong).unwrap_err();
        assert!(told.starts_with("this is no CEL expression") && !told.contains("planted"), "{wrong}: {told}");
    }
}

#[test]
fn r32_an_expression_of_any_depth_is_refused_and_takes_no_thread_down() {
    let within = |open: &str, close: &str| {
        format!(
            "{}email{}",
            open.repeat(3900 / (open.len() + close.len())),
            close.repeat(3900 / (open.len() + close.len()))
        )
    };
    let row = |link: &str| format!("{}email", link.repeat(3900 / link.len()));
    for deep in [
        within("(", ")"),
        within("[", "]"),
        within("{1:", "}"),
        within("f(", ")"),
        within("a[", "]"),
        within("a.exists(x,", ")"),
        within("a{b:", "}"),
        row("a?b:"),
        row("1-"),
        row("a<"),
        row("a."),
        row("a+"),
        "(".repeat(3900),
        "[".repeat(3900),
        format!("a{}", "[0]".repeat(1200)),
        format!("a{}", ".f()".repeat(900)),
        "x".repeat(4001),
    ] {
        let told = check(&deep).unwrap_err();
        assert!(told.len() < 200, "{told}");
    }
    assert_eq!(check(&row("email == 'x' || ")), Ok(()), "a long row of alternatives is not deep");
}

#[test]
fn r32_what_might_run_long_or_grow_without_end_is_refused() {
    let chain = |link: &str, times: usize| format!("groups{} == []", link.repeat(times));
    for endless in [
        "groups.all(a, groups.all(b, groups.all(c, groups.all(d, a + b == c + d))))".to_owned(),
        "groups.all(a, groups.all(b, groups.all(c, groups.all(d, a == d))))".to_owned(),
        chain(".map(x, [x, x, x])", 30),
        chain(".map(x, {1: x, 2: x})", 30),
        chain(".map(x, x + x)", 30),
        "groups.map(a, claims).all(c, c == claims)".to_owned(),
        "groups.map(a, a == 'x', claims).all(c, c == claims)".to_owned(),
        "groups.map(a, claims[a]) == []".to_owned(),
        "groups.map(a, groups.map(b, b)) == []".to_owned(),
        "groups.map(a, groups.filter(b, true)) == []".to_owned(),
        "groups.all(a, groups.map(b, b.name) == [])".to_owned(),
        format!("({}groups).all(x, true)", "groups + ".repeat(400)),
        format!("[{}groups].all(x, true)", "groups, ".repeat(400)),
        r#"email.matches("(((a{1,99}){1,99}){1,99}){1,99}")"#.to_owned(),
        format!("email.matches('{}')", "a?".repeat(1000)),
        "groups.all(a, a + email != '')".to_owned(),
        "groups.all(a, [a, email] != [])".to_owned(),
        format!("[{}email] != []", "email, ".repeat(20)),
        "email.matches(sub)".to_owned(),
        "email.matches('(')".to_owned(),
        "matches(email, sub)".to_owned(),
    ] {
        assert!(check(&endless).is_err(), "{endless}");
    }
}

#[tokio::test]
async fn r32_a_person_with_too_many_claims_for_the_filter_is_not_let_in() {
    let groups = |count: usize| person(json!({"groups": vec!["g"; count]}));
    let pairs = "groups.all(a, groups.all(b, a == b))";
    assert_eq!(check(pairs), Ok(()));
    assert_eq!(admits(pairs, &groups(40)).await, Ok(true));
    assert!(admits(pairs, &groups(4000)).await.unwrap_err().contains("too long"));
    assert_eq!(admits("'g' in groups", &groups(4000)).await, Ok(true));
    assert!(admits("'g' in groups", &groups(6000)).await.unwrap_err().contains("more claims"));
    assert!(admits("true", &person(json!({"a": "x".repeat(300_000)}))).await.is_err());
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
    assert!(admits("true", &person(json!({"a": deep}))).await.unwrap_err().contains("deep"));
}

#[tokio::test]
async fn r32_the_dearest_filters_that_pass_are_done_in_time() {
    let words: Vec<String> = (0..60).map(|n| format!("group-{n}-{}", "x".repeat(40))).collect();
    let person = person(json!({"groups": words}));
    for expression in [
        "groups.all(a, groups.all(b, a.contains('group') && b.size() > 3))",
        "groups.all(a, a.matches('^group-[0-9]+-x*$'))",
        "groups.all(a, groups.exists(b, b == a))",
    ] {
        assert_eq!(check(expression), Ok(()), "{expression}");
        assert_eq!(admits(expression, &person).await, Ok(true), "{expression}");
    }
}

#[tokio::test]
async fn r32_work_that_breaks_off_or_takes_long_lets_nobody_in_and_the_program_goes_on() {
    let work = apart(|| -> Result<(), String> { panic!("as a fault in the interpreter would") }).unwrap();
    assert_eq!(done(work), Err(BROKE_OFF.to_owned()));
    let held = TURNS.acquire_many(8).await.unwrap();
    assert_eq!(verdict("true").await, Err("the filter was not done in time".to_owned()));
    drop(held);
    assert_eq!(verdict("true").await, Ok(true));
}

/// Expressions that can be read, whatever they mean.
fn expression() -> impl Strategy<Value = String> {
    let leaves = [
        "email",
        "groups",
        "claims",
        "level",
        "x",
        "true",
        "null",
        "-1",
        "2.5",
        "1u",
        "'a'",
        "\"é😀\"",
        "b'\\xff'",
        "[]",
        "{}",
        "9223372036854775807",
        "1e300",
        "'2026-01-01T00:00:00Z'",
        "'3s'",
        "address.country",
        "has(claims.groups)",
    ];
    let leaf = prop::sample::select(leaves.to_vec()).prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let operators = ["==", "!=", "<", ">=", "&&", "||", "-", "+", "*", "/", "%", "in"];
        let functions = [
            "size",
            "int",
            "uint",
            "double",
            "string",
            "bytes",
            "bool",
            "type",
            "dyn",
            "timestamp",
            "duration",
            "!",
            "-",
        ];
        let members = ["exists(x, ", "all(x, ", "map(x, ", "filter(x, ", "exists_one(x, ", "contains(", "startsWith("];
        let methods = ["size()", "getFullYear()", "getHours('NZ')", "matches('^a+$')", "country", "x"];
        prop_oneof![
            (inner.clone(), prop::sample::select(operators.to_vec()), inner.clone())
                .prop_map(|(left, operator, right)| format!("({left} {operator} {right})")),
            (prop::sample::select(functions.to_vec()), inner.clone()).prop_map(|(name, of)| format!("{name}({of})")),
            (inner.clone(), prop::sample::select(members.to_vec()), inner.clone())
                .prop_map(|(of, name, what)| format!("({of}).{name}{what})")),
            (inner.clone(), prop::sample::select(methods.to_vec())).prop_map(|(of, name)| format!("({of}).{name}")),
            (inner.clone(), inner.clone()).prop_map(|(of, index)| format!("({of})[{index}]")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("[{a}, {b}, {{{a}: {b}}}]")),
        ]
    })
}

/// Pieces of which some expressions are made.
fn piece() -> impl Strategy<Value = String> {
    let words = [
        "email",
        "x",
        "1",
        "'a'",
        "\"é😀\"",
        "r'\\'",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "?",
        ".",
        "==",
        "<",
        "&&",
        "!",
        "-",
        " in ",
        ".exists(x, ",
        ".map(",
        "has(",
        "optional.of(",
        "\n",
        "//",
        "@",
        "\\",
        "1e999",
        "'\\u{110000}'",
        "'\\ud800'",
        ".?a",
        "[?0]",
        "`a`",
        "a.b{c: 1}",
        "99999999999999999999",
        "0x",
        "b'",
        "\u{0}",
        "\u{feff}",
    ];
    prop_oneof![8 => prop::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => ".{0,6}"]
}

proptest! {
    #[test]
    fn r32_no_expression_breaks_anything_off(
        expression in expression(),
        pieces in prop::collection::vec(piece(), 0..20),
        text in ".{0,80}",
    ) {
        let waiting = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        for expression in [expression, pieces.concat(), text] {
            let checked = check(&expression);
            let admitted = waiting.block_on(verdict(&expression));
            prop_assert!(checked.as_ref().err().is_none_or(|told| told != BROKE_OFF), "{}", expression);
            prop_assert!(admitted.as_ref().err().is_none_or(|told| told != BROKE_OFF), "{}", expression);
            prop_assert!(checked.is_ok() || admitted.is_err(), "{}", expression);
        }
    }
}
