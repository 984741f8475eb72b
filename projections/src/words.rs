//! The words of a text, as the audit trail's index knows them (R52).
//!
//! A word is a run of letters, marks and digits of any script, in lower case; what cannot be seen (joiners, bidirectional
//! controls, soft hyphens) is passed over, so that it can neither hide a word nor split one. Texts and questions go
//! through the same function.

use std::collections::BTreeSet;

/// Longer words are found by their beginning.
const LONGEST: usize = 40;

/// The distinct words of `texts`, in the order of their first appearance, at most `most`.
pub(crate) fn words<'a>(texts: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for text in texts {
        let mut visible = String::with_capacity(text.len());
        for c in text.chars() {
            // Most of what is written is ASCII, where there is less to know.
            if c.is_ascii() {
                visible.push(c.to_ascii_lowercase());
            } else if !is_unseen(c) {
                visible.extend(lower(c));
            }
        }
        for word in visible.split(|c: char| !is_part(c)) {
            let word: String = word.chars().take(LONGEST).collect();
            if found.len() >= most {
                return found;
            }
            if !word.is_empty() && seen.insert(word.clone()) {
                found.push(word);
            }
        }
    }
    found
}

/// The first text after every text that begins with `word`, byte by byte.
pub(crate) fn end_of(word: &str) -> String {
    format!("{word}{}", char::MAX)
}

/// Letter by letter, so that a beginning is in lower case what it is within the word; hence the one sigma.
fn lower(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase().map(|c| if c == 'ς' { 'σ' } else { c })
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}')
}

fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r52_words_are_lower_case_runs_of_letters_and_digits() {
        assert_eq!(
            words(["Disabled Deskpro, settings.sso_url: ÄÖ-42!"], 64),
            ["disabled", "deskpro", "settings", "sso", "url", "äö", "42"]
        );
        assert_eq!(words(["a b a c", "b d"], 3), ["a", "b", "c"]);
        assert_eq!(words(["  --- "], 9), Vec::<String>::new());
    }

    #[test]
    fn r52_bidirectional_controls_neither_hide_nor_split_a_word() {
        assert_eq!(
            words(["\u{202e}adm\u{200f}in\u{202c}", "مرحبا بالعالم", "می\u{200c}خواهم"], 9),
            ["admin", "مرحبا", "بالعالم", "میخواهم"]
        );
    }

    #[test]
    fn r52_a_beginning_is_in_lower_case_what_it_is_within_the_word() {
        assert_eq!(words(["ΟΔΟΣ ΟΔΟΣΗΜΑ"], 9), ["οδοσ", "οδοσημα"]);
        assert_eq!(words(["x".repeat(100).as_str()], 9), ["x".repeat(40)]);
    }

    #[test]
    fn what_begins_with_a_word_comes_before_its_end() {
        for longer in ["ab", "abz", "ab\u{10ffff}", "ab文"] {
            assert!(longer >= "ab" && *longer <= *end_of("ab"), "{longer}");
        }
        assert!(*end_of("ab") < *"ac");
    }
}
