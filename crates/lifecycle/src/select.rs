use crate::{Pattern, Rule, TagSelection};

/// The tag selections of a policy's rules, laid out so that few patterns are tried on a tag. A rule is a bit, by its place.
pub(crate) struct Selector<'a> {
    any: u64,
    untagged: u64,
    /// The patterns of rules with one, by the byte that their tags begin with.
    by_first_byte: Vec<Vec<One<'a>>>,
    /// Those whose tags begin with any byte.
    by_no_byte: Vec<One<'a>>,
    /// Rules with several patterns.
    several: Vec<(u64, &'a TagSelection)>,
}

type One<'a> = (u64, &'a Pattern);

impl<'a> Selector<'a> {
    pub(crate) fn make(rules: &[&'a Rule]) -> Selector<'a> {
        let by_first_byte = vec![vec![]; 256];
        let mut selector = Selector { any: 0, untagged: 0, by_first_byte, by_no_byte: vec![], several: vec![] };
        for (at, rule) in rules.iter().enumerate() {
            let bit = 1 << at;
            match rule.tags() {
                TagSelection::Any => selector.any |= bit,
                TagSelection::Untagged => selector.untagged |= bit,
                TagSelection::Patterns(patterns) | TagSelection::Prefixes(patterns) => match &patterns[..] {
                    [pattern] => match pattern.first_byte() {
                        Some(byte) => selector.by_first_byte[usize::from(byte)].push((bit, pattern)),
                        None => selector.by_no_byte.push((bit, pattern)),
                    },
                    _ => selector.several.push((bit, rule.tags())),
                },
            }
        }
        selector
    }

    /// Returns the rules that select an image with these tags.
    pub(crate) fn select<'t>(&self, tags: impl ExactSizeIterator<Item = &'t str> + Clone) -> u64 {
        let mut selected = self.any;
        if tags.len() == 0 {
            return selected | self.untagged;
        }
        for tag in tags.clone() {
            let by_byte = tag.as_bytes().first().map_or(&[][..], |byte| &self.by_first_byte[usize::from(*byte)]);
            for (bit, pattern) in by_byte.iter().chain(&self.by_no_byte) {
                if selected & bit == 0 && pattern.matches(tag) {
                    selected |= bit;
                }
            }
        }
        for (bit, selection) in &self.several {
            if selection.selects(tags.clone()) {
                selected |= bit;
            }
        }
        selected
    }
}
