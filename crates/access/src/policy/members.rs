//! What statements of a policy say alike, kept once: a decision asks it once, however many statements say it.

use std::collections::BTreeMap;

/// Gathers members as they are read.
pub(super) struct Gathering<T> {
    members: Vec<T>,
    /// By what is written, the number of the member that says it.
    numbers: BTreeMap<String, usize>,
}

impl<T> Default for Gathering<T> {
    fn default() -> Self {
        Gathering { members: Vec::new(), numbers: BTreeMap::new() }
    }
}

impl<T> Gathering<T> {
    /// Returns the number, from 0, of the member that is written so; `read` reads it where none was yet.
    ///
    /// # Errors
    /// Those of `read`.
    pub(super) fn number<E>(&mut self, written: String, read: impl FnOnce() -> Result<T, E>) -> Result<usize, E> {
        if let Some(number) = self.numbers.get(&written) {
            return Ok(*number);
        }
        self.members.push(read()?);
        let number = self.members.len() - 1;
        self.numbers.insert(written, number);
        Ok(number)
    }

    /// Returns the members, each at its number.
    pub(super) fn done(self) -> Box<[T]> {
        self.members.into()
    }
}

const WORDS: usize = 4;

/// What members say of one request, as far as they were asked. The first 256 of a policy are remembered; those beyond are asked
/// each time.
#[derive(Default)]
pub(super) struct Answers {
    known: [u64; WORDS],
    yes: [u64; WORDS],
}

impl Answers {
    /// Returns what the member of this number says.
    #[inline]
    pub(super) fn of(&mut self, number: usize, ask: impl FnOnce() -> bool) -> bool {
        let (word, bit) = (number / 64, 1_u64 << (number % 64));
        match self.known.get(word) {
            Some(known) if known & bit != 0 => self.yes[word] & bit != 0,
            Some(_) => {
                let says = ask();
                self.known[word] |= bit;
                self.yes[word] |= if says { bit } else { 0 };
                says
            }
            None => ask(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_alike_is_read_once() {
        let mut gathering = Gathering::default();

        let numbers = ["a", "b", "a"].map(|text| gathering.number(text.into(), || Ok::<_, ()>(text.len())));

        assert_eq!(numbers, [Ok(0), Ok(1), Ok(0)]);
        assert_eq!(gathering.done().len(), 2);
    }

    #[test]
    fn a_member_is_asked_once_and_those_beyond_what_is_remembered_each_time() {
        let (mut answers, mut asked) = (Answers::default(), 0);

        for number in [3, 3, 255, 255, 256, 256] {
            let says = answers.of(number, || {
                asked += 1;
                number != 255
            });
            assert_eq!(says, number != 255, "{number}");
        }

        assert_eq!(asked, 4);
    }
}
