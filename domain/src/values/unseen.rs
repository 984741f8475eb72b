//! Characters that nobody sees and that make a text say something else than it shows.
//!
//! Spec: Unicode Standard Annex 9 (bidirectional controls), Technical Report 36 §2 (visual spoofing).
//! Stops: a title, name or reason in the ledger that reads one way and is another. The joiners U+200C and U+200D stay:
//! Persian, Hindi and others cannot be written without them.

/// The first character of `text` that must not be in a one-line text that people read, if there is one.
pub fn unseen(text: &str) -> Option<char> {
    text.chars().find(|c| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            || matches!(
                c,
                '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2064}' | '\u{feff}'
            )
            || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_or_hides_is_found_and_languages_are_left_alone() {
        for hidden in
            ["a\0b", "a\nb", "\u{202e}gpj.exe", "a\u{2066}b", "a\u{200b}b", "\u{feff}a", "a\u{2028}b", "a\u{e0041}"]
        {
            assert!(unseen(hidden).is_some(), "{hidden:?}");
        }
        for plain in ["Grüße, 東京", "نمی\u{200c}خواهم", "क\u{200d}ष", "👩\u{200d}🚀", "<b>\"';--"]
        {
            assert_eq!(unseen(plain), None, "{plain}");
        }
    }
}
