use crate::output::Progress;
use gantry_env::Env;
use std::{
    io::{self, Read},
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

/// How often a server that is busy, or cannot be reached, is asked.
pub(super) const ATTEMPTS_MAX: u32 = 6;
/// The longest wait for a server, whatever it asks for.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// The most that is read at once, so that a slow pace is an even one.
const PIECE_BYTES_MAX: u64 = 64 << 10;

/// So many bytes in a second at most, for all who share it.
pub(crate) struct Pace {
    bytes_per_second: u64,
    env: Env,
    free_at: Mutex<Duration>,
}

impl Pace {
    pub(crate) fn new(bytes_per_second: u64) -> Pace {
        Pace { bytes_per_second: bytes_per_second.max(1), env: Env::real(), free_at: Mutex::new(Duration::ZERO) }
    }

    /// The most that is read at once.
    pub(super) fn piece_bytes_max(&self) -> usize {
        usize::try_from((self.bytes_per_second / 8).clamp(1, PIECE_BYTES_MAX)).unwrap_or(1)
    }

    /// Waits until those who came before are through, and so many bytes more may go.
    pub(super) fn wait(&self, bytes: u64) {
        let wait = {
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            let (next, wait) = reserve(*free_at, self.env.elapsed(), bytes, self.bytes_per_second);
            *free_at = next;
            wait
        };
        thread::sleep(wait);
    }
}

/// Returns when the line is free after these bytes, and how long they have to wait for it.
fn reserve(free_at: Duration, now: Duration, bytes: u64, bytes_per_second: u64) -> (Duration, Duration) {
    let begin = free_at.max(now);
    (begin + Duration::from_secs_f64(bytes as f64 / bytes_per_second as f64), begin - now)
}

/// Decides whether a server is asked again, and after which time: one that said 429 or 503, or that was lost (no status).
pub(crate) fn wait_before(attempt: u32, status: Option<u16>, retry_after: Option<&str>) -> Option<Duration> {
    if attempt >= ATTEMPTS_MAX || !matches!(status, None | Some(429 | 503)) {
        return None;
    }
    // A date is not read: who writes one gets the wait of who writes nothing.
    let asked = retry_after.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    Some(asked.unwrap_or(Duration::from_secs(1 << attempt.min(5))).min(WAIT_MAX))
}

/// Bytes at a pace, counted as they pass.
pub(super) struct Paced<'a, R> {
    pub(super) inner: R,
    pub(super) pace: Option<&'a Pace>,
    pub(super) progress: &'a Progress,
}

impl<R: Read> Read for Paced<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = self.pace.map_or(buffer.len(), |pace| buffer.len().min(pace.piece_bytes_max()));
        let count = self.inner.read(&mut buffer[..wanted])?;
        if let Some(pace) = self.pace {
            pace.wait(count as u64);
        }
        self.progress.advance(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_wait_for_those_before_them_and_idle_time_is_not_saved_up() {
        let second = Duration::from_secs(1);

        assert_eq!(reserve(Duration::ZERO, second * 5, 2000, 1000), (second * 7, Duration::ZERO));
        assert_eq!(reserve(second * 7, second * 6, 500, 1000), (second * 7 + second / 2, second));
    }

    #[test]
    fn a_busy_server_is_asked_again_when_it_says_and_not_for_ever() {
        let seconds = |count| Some(Duration::from_secs(count));

        assert_eq!(wait_before(1, Some(429), Some("7")), seconds(7));
        assert_eq!(wait_before(1, Some(503), Some("86400")), seconds(60));
        assert_eq!(wait_before(2, Some(503), Some("Wed, 21 Oct 2026 07:28:00 GMT")), seconds(4));
        assert_eq!(wait_before(1, None, None), seconds(2));
        assert_eq!(wait_before(ATTEMPTS_MAX, Some(429), Some("1")), None);
        assert_eq!(wait_before(1, Some(404), None), None);
    }
}
