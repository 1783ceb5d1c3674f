//! Which of a package's licence texts are SPDX's.

/// What a licence text is.
pub(super) enum Licence<'a> {
    /// The id of one licence on SPDX's list.
    Id(&'a str),
    /// An SPDX licence expression.
    Expression(&'a str),
    /// The packager's own words.
    Words(&'a str),
}

/// Bytes of a text that is taken for an expression at most.
const EXPRESSION_BYTES_MAX: usize = 1024;

/// Tells what a licence text is; nothing is guessed, `GPLv2+` are words.
pub(super) fn classify(text: &str) -> Licence<'_> {
    if spdx::license_id(text).is_some_and(|id| id.name == text) {
        return Licence::Id(text);
    }
    // Parentheses nest, so what is taken for an expression is bounded.
    let is_expression = text.len() <= EXPRESSION_BYTES_MAX && spdx::Expression::parse(text).is_ok();
    if is_expression { Licence::Expression(text) } else { Licence::Words(text) }
}
