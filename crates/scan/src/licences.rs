//! Licences: packagers' words as SPDX expressions, and which packages a policy does not let in.

mod names;
mod policy;

#[cfg(test)]
mod tests;

pub use policy::{BreachReason, LicenceBreach, LicencePolicy, LicencePolicyError};

/// Bytes of a licence's words at most; what is longer is a text, not a name.
pub(crate) const WORDS_BYTES_MAX: usize = 256;

/// Returns the SPDX licence expression (SPDX 2.3, Annex D) that a packager's words stand for.
///
/// Takes SPDX expressions in any case, npm's forms, the short names of Debian's copyright format 1.0 and of Fedora, and
/// Python's classifiers. `None` where the words leave a choice (`BSD`, `Apache Software License`, `GPL`) or are unknown:
/// a licence is never guessed.
pub fn spdx_expression(words: &str) -> Option<String> {
    let words = words.trim();
    if words.is_empty() || words.len() > WORDS_BYTES_MAX {
        return None;
    }
    names::phrase(words).map(str::to_owned).or_else(|| expression(words)).or_else(|| choice(words))
}

/// Reads an expression term by term, so that each name is put as SPDX has it.
fn expression(words: &str) -> Option<String> {
    let spaced = words.replace('(', " ( ").replace(')', " ) ");
    let mut terms = Vec::new();
    for term in spaced.split_whitespace() {
        let is_exception = terms.last().is_some_and(|before| before == "WITH");
        terms.push(match term.to_ascii_uppercase().as_str() {
            operator @ ("AND" | "OR" | "WITH") => operator.to_owned(),
            bracket @ ("(" | ")") => bracket.to_owned(),
            _ if is_exception => spdx::exception_id(term)?.name.to_owned(),
            _ => names::licence(term)?,
        });
    }
    let text = terms.join(" ").replace("( ", "(").replace(" )", ")");
    valid(bare(&text))
}

/// Returns what reads as an expression: some names that SPDX has given up do not, nor does what has become too long.
fn valid(text: &str) -> Option<String> {
    let reads = text.len() <= WORDS_BYTES_MAX && spdx::Expression::parse(text).is_ok();
    reads.then(|| text.to_owned())
}

/// Takes off brackets around the whole: npm asks for them.
fn bare(text: &str) -> &str {
    let inner = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    inner.filter(|inner| !inner.contains(['(', ')'])).unwrap_or(text)
}

/// Reads `MIT/Apache-2.0`, the older way of crates and of some npm packages to leave a choice.
fn choice(words: &str) -> Option<String> {
    let names = words.split('/').map(|name| names::licence(name.trim())).collect::<Option<Vec<_>>>()?;
    valid(&names.join(" OR "))
}
