use super::faults::invalid;
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_words::Secret;

/// The longest password that is drawn, in characters (Secrets Manager API, `PasswordLengthType`).
pub const PASSWORD_CHARS_MAX: usize = 4096;
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// What a password is to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordRules {
    /// How many characters it has, 1 to 4096.
    pub length: usize,
    /// Characters that are not in it.
    pub without: String,
    /// Whether small letters may be in it.
    pub lower: bool,
    /// Whether capital letters may.
    pub upper: bool,
    /// Whether digits may.
    pub digits: bool,
    /// Whether punctuation may.
    pub punctuation: bool,
    /// Whether the space may.
    pub space: bool,
    /// Whether one of each of these must be in it, but for the space.
    pub each: bool,
}

impl Default for PasswordRules {
    fn default() -> Self {
        PasswordRules {
            length: 32,
            without: String::new(),
            lower: true,
            upper: true,
            digits: true,
            punctuation: true,
            space: false,
            each: true,
        }
    }
}

/// Draws a password, each that the rules allow as likely as any other.
///
/// # Errors
/// [`gantry_fault::FaultKind::InvalidParameter`]: no password is like that.
pub(super) fn draw_password(env: &Env, rules: &PasswordRules) -> Result<Secret<String>, Fault> {
    if !(1..=PASSWORD_CHARS_MAX).contains(&rules.length) {
        return Err(invalid(format!("PasswordLength must be 1 to {PASSWORD_CHARS_MAX}")));
    }
    let kinds = [(rules.lower, LOWER), (rules.upper, UPPER), (rules.digits, DIGITS), (rules.punctuation, PUNCTUATION)];
    let left = |letters: &str| -> Vec<char> { letters.chars().filter(|c| !rules.without.contains(*c)).collect() };
    let kinds: Vec<_> = kinds.into_iter().filter(|(is_in, _)| *is_in).map(|(_, letters)| left(letters)).collect();
    let space = if rules.space { left(" ") } else { Vec::new() };
    let all: Vec<char> = kinds.iter().flatten().copied().chain(space).collect();
    if all.is_empty() {
        return Err(invalid("Nothing is left that a password could be made of; exclude less"));
    }
    if rules.each && (kinds.len() > rules.length || kinds.iter().any(Vec::is_empty)) {
        return Err(invalid("The password cannot have a character of each type; make it longer, or exclude less"));
    }
    // Whole passwords are drawn until one fits: to put missing characters in would make some likelier than others.
    for _ in 0..TRIES_MAX {
        let drawn: String = (0..rules.length).map(|_| all[below(env, all.len())]).collect();
        if !rules.each || kinds.iter().all(|kind| drawn.contains(|c| kind.contains(&c))) {
            return Ok(Secret::new(drawn));
        }
    }
    Err(invalid("Hardly any password is like that; make it longer, or exclude less"))
}

/// How many passwords are drawn at most. Of four letters one in twenty has one of each type.
const TRIES_MAX: usize = 10_000;

/// Draws a number below `count`, which is at most 256, each as likely as any other.
fn below(env: &Env, count: usize) -> usize {
    let limit = 256 - 256 % count;
    loop {
        let [byte] = env.random::<1>();
        if usize::from(byte) < limit {
            return usize::from(byte) % count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(rules: &PasswordRules) -> String {
        draw_password(&Env::real(), rules).unwrap().reveal().clone()
    }

    #[test]
    fn a_password_has_something_of_each_type() {
        let password = drawn(&PasswordRules { length: 4, ..PasswordRules::default() });

        for kind in [LOWER, UPPER, DIGITS, PUNCTUATION] {
            assert!(password.contains(|c| kind.contains(c)), "{kind}: {password}");
        }
        assert_eq!(password.len(), 4);
    }

    #[test]
    fn what_is_excluded_is_not_in_it() {
        let rules = PasswordRules { without: "0123456789abc".into(), digits: false, length: 500, ..Default::default() };

        assert!(!drawn(&rules).contains(|c: char| c.is_ascii_digit() || "abc".contains(c)));
    }

    #[test]
    fn a_password_that_cannot_be_is_refused() {
        let nothing =
            PasswordRules { lower: false, upper: false, digits: false, punctuation: false, ..Default::default() };
        let short = PasswordRules { length: 3, ..Default::default() };
        let hollow = PasswordRules { without: DIGITS.into(), ..Default::default() };

        for rules in [nothing, short, hollow, PasswordRules { length: 0, ..Default::default() }] {
            assert!(draw_password(&Env::real(), &rules).is_err(), "{rules:?}");
        }
    }
}
