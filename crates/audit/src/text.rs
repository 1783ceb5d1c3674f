//! Text that strangers wrote: bounded, and harmless to terminals, logs and whoever reads it.

/// The most bytes kept of a text that came from outside, such as a user agent.
pub const TEXT_BYTES_MAX: usize = 256;

/// Returns up to `bytes_max` bytes of `text`, cut between characters; a cut one ends in `…`.
///
/// Control characters (C0, C1, DEL) and those that change the direction or the joining of what follows (Unicode TR 36,
/// section 2.10) become U+FFFD: a record must not move a terminal's cursor or show a line other than it is.
pub fn bounded(text: &str, bytes_max: usize) -> String {
    let mut kept = String::with_capacity(text.len().min(bytes_max));
    for character in text.chars().map(|character| if is_harmful(character) { '\u{fffd}' } else { character }) {
        if kept.len() + character.len_utf8() > bytes_max {
            while kept.len() + '…'.len_utf8() > bytes_max && kept.pop().is_some() {}
            if bytes_max >= '…'.len_utf8() {
                kept.push('…');
            }
            break;
        }
        kept.push(character);
    }
    kept
}

fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_moves_a_cursor_or_turns_a_line_round_is_taken_out() {
        assert_eq!(
            bounded("curl\u{1b}[2J\r\n\0\u{9b}x\u{202e}y", 64),
            "curl\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}\u{fffd}x\u{fffd}y"
        );
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_shows_it() {
        assert_eq!(bounded("aäöü", 7), "aäöü");
        assert_eq!(bounded("aäöü", 6), "aä…");
        assert_eq!(bounded("abc", 2), "");
    }

    proptest! {
        #[test]
        fn no_text_is_longer_than_its_bound_or_changes_when_bounded_again(text in ".{0,80}", most in 0_usize..64) {
            let once = bounded(&text, most);

            prop_assert!(once.len() <= most);
            prop_assert_eq!(bounded(&once, most), once);
        }
    }
}
