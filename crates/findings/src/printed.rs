//! Findings of images as they were printed, so that those of who asks again are sent as they are.

use crate::scans::{ImageFindings, Scans};
use bytes::Bytes;
use gantry_fault::Fault;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// Bytes of all that is kept.
const PRINTED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What was printed lately, the last first.
#[derive(Default)]
pub(crate) struct Printed(Mutex<VecDeque<Print>>);

/// Findings of an image that was named so. They are known by where they are: as long as this is kept nothing else comes there.
struct Print {
    of: Weak<ImageFindings>,
    name: String,
    bytes: Bytes,
}

impl Print {
    fn is_of(&self, name: &str, found: &Arc<ImageFindings>) -> bool {
        std::ptr::eq(self.of.as_ptr(), Arc::as_ptr(found)) && self.name == name
    }
}

impl Printed {
    fn find(&self, name: &str, found: &Arc<ImageFindings>) -> Option<Bytes> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|print| print.is_of(name, found))?;
        let print = kept.remove(at)?;
        let bytes = print.bytes.clone();
        kept.push_front(print);
        Some(bytes)
    }

    /// Keeps what was printed of findings as long as these are remembered, and nothing younger needs its room.
    fn keep(&self, name: String, found: &Arc<ImageFindings>, bytes: Bytes, bytes_max: usize) {
        if bytes.len() > bytes_max {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|print| print.of.strong_count() > 0 && !print.is_of(&name, found));
        kept.push_front(Print { of: Arc::downgrade(found), name, bytes });
        let mut room = bytes_max;
        kept.retain(|print| {
            let left = room.checked_sub(print.bytes.len());
            room = left.unwrap_or_default();
            left.is_some()
        });
    }
}

impl Scans {
    /// Returns the findings of an image that is named so as they are printed, where they were printed before, and prints them
    /// otherwise: `print` must make the same of the same.
    ///
    /// # Errors
    /// `print` panics.
    pub async fn printed(
        &self,
        name: String,
        found: &Arc<ImageFindings>,
        print: impl FnOnce(String, &ImageFindings) -> Bytes + Send + 'static,
    ) -> Result<Bytes, Fault> {
        if let Some(bytes) = self.printed.find(&name, found) {
            return Ok(bytes);
        }
        let (own_name, own) = (name.clone(), found.clone());
        let bytes = tokio::task::spawn_blocking(move || print(own_name, &own)).await.map_err(Fault::internal)?;
        self.printed.keep(name, found, bytes.clone(), PRINTED_BYTES_MAX);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found() -> Arc<ImageFindings> {
        Arc::default()
    }

    fn keep(printed: &Printed, name: &str, found: &Arc<ImageFindings>, bytes: &'static str) {
        printed.keep(name.into(), found, Bytes::from_static(bytes.as_bytes()), 8);
    }

    #[test]
    fn what_was_printed_is_found_by_the_same_findings_and_name() {
        let (printed, one, other) = (Printed::default(), found(), found());

        keep(&printed, "app:v1", &one, "one");

        assert_eq!(printed.find("app:v1", &one).as_deref(), Some(&b"one"[..]));
        assert_eq!(printed.find("app:v2", &one), None);
        assert_eq!(printed.find("app:v1", &other), None);
    }

    #[test]
    fn where_there_is_no_room_what_was_asked_for_longest_ago_goes() {
        let (printed, found) = (Printed::default(), found());
        keep(&printed, "app:v1", &found, "one1");
        keep(&printed, "app:v2", &found, "two2");

        printed.find("app:v1", &found).unwrap();
        keep(&printed, "app:v3", &found, "thr3");
        keep(&printed, "app:v4", &found, "more than there is room for");

        let is_kept = |name: &str| printed.find(name, &found).is_some();
        assert_eq!(["app:v1", "app:v2", "app:v3", "app:v4"].map(is_kept), [true, false, true, false]);
    }

    #[test]
    fn what_was_printed_of_findings_that_nobody_remembers_makes_room() {
        let (printed, gone, found) = (Printed::default(), found(), found());
        keep(&printed, "app:v1", &gone, "one");
        drop(gone);

        keep(&printed, "app:v2", &found, "two");

        assert_eq!(printed.0.lock().unwrap().len(), 1);
    }
}
