//! What is asked of the feed, and where in it somebody is.

use super::FeedEvent;
use gantry_metadata::EVENT_KINDS;
use gantry_words::Timestamp;
use std::{fmt, str::FromStr, time::Duration};

/// Up to where somebody has read: printed `<number>-<id>`, both in hexadecimal. He need not know what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventCursor {
    /// The number of the last event in the feed of its account; 0 before the first.
    pub number: i64,
    /// Its id, which tells a feed from what it was before a restore; 0 where that is not known.
    pub id: i64,
}

/// A text is no cursor.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is no cursor of events; give what an answer gave as cursor")]
pub struct EventCursorError(String);

impl EventCursor {
    /// Before all events.
    pub const START: EventCursor = EventCursor { number: 0, id: 0 };
}

impl fmt::Display for EventCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.number, self.id)
    }
}

impl FromStr for EventCursor {
    type Err = EventCursorError;

    fn from_str(text: &str) -> Result<Self, EventCursorError> {
        let number = |digits: &str| {
            // The parser of numbers would take a sign.
            let is_plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            i64::from_str_radix(digits, 16).ok().filter(|_| is_plain)
        };
        let read = || {
            let (number_digits, id_digits) = text.split_once('-')?;
            Some(EventCursor { number: number(number_digits)?, id: number(id_digits)? })
        };
        read().ok_or_else(|| EventCursorError(text.chars().take(80).collect()))
    }
}

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventStart {
    /// With the oldest event that there is.
    Oldest,
    /// After the latest one.
    Latest,
    /// With the first that did not happen before this moment.
    Since(Timestamp),
    /// Where a page ended.
    After(EventCursor),
}

/// Kinds that are asked for: `image.pushed`, or all of one subject, as `finding.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventKinds(String);

/// There is no such kind.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("kind={0:?} is no kind of event; write one as image.pushed, or all of a subject as finding.*")]
pub struct EventKindsError(String);

impl EventKinds {
    /// Whether this is one of them.
    fn holds(&self, kind: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(subject) => kind.starts_with(subject),
            None => kind == self.0,
        }
    }
}

impl FromStr for EventKinds {
    type Err = EventKindsError;

    fn from_str(text: &str) -> Result<Self, EventKindsError> {
        let kinds = EventKinds(text.into());
        let is_whole = text.strip_suffix('*').is_none_or(|subject| subject.ends_with('.'));
        match is_whole && EVENT_KINDS.iter().any(|kind| kinds.holds(kind)) {
            true => Ok(kinds),
            false => Err(EventKindsError(text.chars().take(80).collect())),
        }
    }
}

/// What is asked of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventQuestion {
    /// Where reading begins.
    pub start: EventStart,
    /// Only of these kinds; of all where there are none.
    pub kinds: Vec<EventKinds>,
    /// Only in repositories whose name begins so; of all, and of what is in none, where it is empty.
    pub prefix: String,
    /// How many events a page may have.
    pub count: usize,
    /// How long to wait for one, at the most [`EVENTS_WAIT_MAX`](super::EVENTS_WAIT_MAX).
    pub wait: Duration,
}

impl EventQuestion {
    /// Whether an event is asked for.
    pub(super) fn asks_for(&self, event: &FeedEvent) -> bool {
        let is_of_kind = self.kinds.is_empty() || self.kinds.iter().any(|kinds| kinds.holds(&event.kind));
        let is_named_so = || event.repository.as_ref().is_some_and(|name| name.starts_with(&self.prefix));
        is_of_kind && (self.prefix.is_empty() || is_named_so())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_printed() {
        for cursor in [EventCursor::START, EventCursor { number: 17, id: i64::MAX }] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
    }

    #[test]
    fn what_is_no_cursor_is_not_taken_for_one() {
        for text in ["", "1", "-", "1-", "-1", "+1-1", "1-+1", "1--1", "1-8000000000000000", "latest", "é-1"] {
            assert!(text.parse::<EventCursor>().is_err(), "{text}");
        }
    }

    #[test]
    fn kinds_are_named_one_by_one_or_by_their_subject() {
        let one: EventKinds = "image.pushed".parse().unwrap();
        let all: EventKinds = "finding.*".parse().unwrap();

        assert!(one.holds("image.pushed") && !one.holds("image.purged"));
        assert!(all.holds("finding.gone") && !all.holds("image.scanned"));
        for text in ["", "*", "image", "image.push", "image.push*", "nothing.*"] {
            assert!(text.parse::<EventKinds>().is_err(), "{text}");
        }
    }
}
