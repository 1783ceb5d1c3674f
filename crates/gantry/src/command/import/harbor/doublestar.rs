//! Patterns as Harbor's rules hold them: globs of the Go package doublestar, version 1, in which `**` is any run of path
//! components, `*` any run of characters within one, `?` one character, `[a-z]` a class and `{a,b}` a choice.
//!
//! Some patterns mean there what nobody expects, such as `a**`, which does not match `a`. Those are not read at all, so that no
//! rule is applied otherwise than Harbor does.

/// Characters of a pattern at most.
const PATTERN_CHARS_MAX: usize = 1024;
/// What the choices of a pattern come to at most.
const ALTERNATIVES_MAX: usize = 64;
/// Wildcards of a pattern of a lifecycle policy at most (ECR, "Tag pattern list").
const WILDCARDS_MAX: usize = gantry_lifecycle::WILDCARDS_MAX;

enum Token {
    /// This character.
    One(char),
    /// Any character.
    Any,
    /// Any run of characters.
    Run,
    /// A character in one of the ranges, or in none of them.
    Class { ranges: Vec<(char, char)>, is_negated: bool },
}

enum Component {
    /// `**`
    Components,
    /// What one component must be, by any of these.
    Choice(Vec<Vec<Token>>),
}

/// Whether a pattern means every text.
pub(super) fn is_all(pattern: &str) -> bool {
    matches!(pattern, "" | "**")
}

/// Returns whether a pattern matches a text; `None` where the pattern is malformed, or one of those that mean what nobody
/// expects.
pub(super) fn matches(pattern: &str, text: &str) -> Option<bool> {
    if pattern.is_empty() {
        return Some(true);
    }
    if pattern.chars().count() > PATTERN_CHARS_MAX {
        return None;
    }
    let components = split(pattern, '/').into_iter().map(read_component).collect::<Option<Vec<_>>>()?;
    let names: Vec<Vec<char>> = text.split('/').map(|name| name.chars().collect()).collect();
    // What the rest of the pattern makes of the rest of the text, from the end on.
    let mut later = vec![false; names.len() + 1];
    later[names.len()] = true;
    for (at, component) in components.iter().enumerate().rev() {
        let is_last = at + 1 == components.len();
        let mut here = vec![false; names.len() + 1];
        for name in (0..names.len()).rev() {
            here[name] = match component {
                Component::Components => is_last || later[name..names.len()].contains(&true),
                Component::Choice(choice) => {
                    later[name + 1] && choice.iter().any(|tokens| is_matched(tokens, &names[name]))
                }
            };
        }
        later = here;
    }
    Some(later[0])
}

/// Returns the patterns of a lifecycle policy that mean the same tags together, each by itself; `None` where none do.
pub(super) fn tag_patterns(pattern: &str) -> Option<Vec<String>> {
    if is_all(pattern) || pattern == "*" {
        return Some(vec!["*".to_owned()]);
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-*".contains(c);
    let can_be_said = |text: &String| {
        !text.is_empty()
            && text.chars().all(is_plain)
            && text.matches('*').count() <= WILDCARDS_MAX
            && !text.contains("**")
    };
    alternatives(pattern).filter(|found| found.iter().all(can_be_said))
}

/// Splits at what is not escaped.
fn split(text: &str, at: char) -> Vec<&str> {
    let (mut parts, mut begin, mut is_escaped) = (Vec::new(), 0, false);
    for (place, c) in text.char_indices() {
        if c == at && !is_escaped {
            parts.push(&text[begin..place]);
            begin = place + c.len_utf8();
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    parts.push(&text[begin..]);
    parts
}

fn read_component(text: &str) -> Option<Component> {
    if text == "**" {
        return Some(Component::Components);
    }
    let choice = alternatives(text)?.iter().map(|text| read_tokens(text)).collect::<Option<Vec<_>>>()?;
    Some(Component::Choice(choice))
}

/// Writes out the choices of a pattern.
fn alternatives(pattern: &str) -> Option<Vec<String>> {
    if pattern.chars().count() > PATTERN_CHARS_MAX {
        return None;
    }
    let (mut waiting, mut done) = (vec![(String::new(), pattern.to_owned())], Vec::new());
    while let Some((before, rest)) = waiting.pop() {
        let Some(open) = find(&rest, '{') else {
            done.push(before + &rest);
            continue;
        };
        let inside = &rest[open + 1..];
        let close = find(inside, '}')?;
        let options = split(&inside[..close], ',');
        // An option that may be empty is not, there, at the end of a name.
        let is_odd = |option: &&str| option.contains(['{', '[']) || option.trim_matches('*').is_empty();
        if options.iter().any(is_odd) || done.len() + waiting.len() + options.len() > ALTERNATIVES_MAX {
            return None;
        }
        let (begin, end) = (&rest[..open], &inside[close + 1..]);
        // The last goes first onto the pile, so that they come out in their order.
        waiting.extend(options.iter().rev().map(|option| (format!("{before}{begin}{option}"), end.to_owned())));
    }
    Some(done)
}

/// Finds a character outside of classes that is not escaped.
fn find(text: &str, wanted: char) -> Option<usize> {
    let (mut is_escaped, mut is_in_class) = (false, false);
    for (place, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            ']' => is_in_class = false,
            _ if is_in_class => {}
            _ if c == wanted => return Some(place),
            '[' => is_in_class = true,
            _ => {}
        }
    }
    None
}

fn read_tokens(text: &str) -> Option<Vec<Token>> {
    let (mut tokens, mut rest) = (Vec::new(), text.chars());
    while let Some(c) = rest.next() {
        tokens.push(match c {
            '\\' => Token::One(rest.next()?),
            '?' => Token::Any,
            '*' if matches!(tokens.last(), Some(Token::Run)) => return None,
            '*' => Token::Run,
            '[' => read_class(&mut rest)?,
            c => Token::One(c),
        });
    }
    Some(tokens)
}

fn read_class(rest: &mut std::str::Chars<'_>) -> Option<Token> {
    let is_negated = rest.as_str().starts_with('^');
    if is_negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    loop {
        let low = match rest.next()? {
            ']' if ranges.is_empty() => return None,
            ']' => return Some(Token::Class { ranges, is_negated }),
            '-' => return None,
            '\\' => rest.next()?,
            c => c,
        };
        let high = if rest.as_str().starts_with('-') {
            rest.next();
            match rest.next()? {
                ']' | '-' => return None,
                '\\' => rest.next()?,
                c => c,
            }
        } else {
            low
        };
        ranges.push((low, high));
    }
}

/// Whether tokens match a component, of which they may take all.
fn is_matched(tokens: &[Token], name: &[char]) -> bool {
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for token in tokens {
        let mut next = vec![false; name.len() + 1];
        for (at, _) in reached.iter().enumerate().filter(|(_, is_reached)| **is_reached) {
            if matches!(token, Token::Run) {
                next[at..].fill(true);
                break;
            }
            let is_met = name.get(at).is_some_and(|c| match token {
                Token::One(wanted) => wanted == c,
                Token::Any | Token::Run => true,
                Token::Class { ranges, is_negated } => {
                    ranges.iter().any(|(low, high)| low <= c && c <= high) != *is_negated
                }
            });
            if is_met {
                next[at + 1] = true;
            }
        }
        reached = next;
    }
    reached[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_these_names_and_no_others() {
        let cases: [(&str, &[&str], &[&str]); 12] = [
            ("**", &["app", "team/app", "a/b/c"], &[]),
            ("", &["app"], &[]),
            ("*", &["app"], &["team/app"]),
            ("team/**", &["team/app", "team/a/b"], &["team", "other/app"]),
            ("**/app", &["app", "team/app", "a/b/app"], &["app/x", "team/apps"]),
            ("a/**/z", &["a/z", "a/b/z", "a/b/c/z"], &["a", "z", "a/b"]),
            ("{web,api}-*", &["web-1", "api-", "api-x"], &["web", "db-1", "{web"]),
            ("v[0-9].?", &["v1.0", "v9.x"], &["v10.0", "va.0", "v1."]),
            ("v[^0-9]", &["va"], &["v1", "v"]),
            (r"a\*b", &["a*b"], &["axb"]),
            ("*a*b", &["ab", "xaxb", "aabb"], &["ba", "a"]),
            ("a]}", &["a]}"], &["a"]),
        ];
        for (pattern, meant, others) in cases {
            for name in meant {
                assert_eq!(matches(pattern, name), Some(true), "{pattern} {name}");
            }
            for name in others {
                assert_eq!(matches(pattern, name), Some(false), "{pattern} {name}");
            }
        }
    }

    #[test]
    fn what_is_malformed_or_means_what_nobody_expects_is_not_read() {
        for pattern in ["a**", "**a", "[a", "[]", "[a-]", "[-a]", "{a", "{a,}", "{a,*}", "{a,{b,c}}", r"a\"] {
            assert_eq!(matches(pattern, "a"), None, "{pattern}");
        }
        assert_eq!(matches(&"a".repeat(PATTERN_CHARS_MAX + 1), "a"), None);
        assert_eq!(matches(&"{a,b}".repeat(20), "a"), None);
    }

    #[test]
    fn tags_are_named_by_patterns_of_a_lifecycle_policy_where_those_can_say_it() {
        let said = |pattern: &str| tag_patterns(pattern).map(|patterns| patterns.join(" "));

        assert_eq!(said("**").as_deref(), Some("*"));
        assert_eq!(said("release-*").as_deref(), Some("release-*"));
        assert_eq!(said("{release-*,v*.0,latest}").as_deref(), Some("release-* v*.0 latest"));
        for pattern in ["v?", "v[0-9]*", "a**", "a/b", "a*b*c*d*e*", r"a\*"] {
            assert_eq!(said(pattern), None, "{pattern}");
        }
    }
}
