use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal};

const WITH_END: &str = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
const WITHOUT_END: &str = "{msg} {spinner} {bytes} {bytes_per_sec}";
const ITEMS: &str = "{msg} {wide_bar} {pos}/{len} {eta}";
const DRAWS_PER_SECOND_MAX: u8 = 10;

/// How far a long work has come: a bar on standard error where that is a terminal, nothing elsewhere.
///
/// Standard output stays free for the answer. The bar is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Counts bytes, of `total` where that is known.
    pub(crate) fn bytes(what: &str, total: Option<u64>) -> Progress {
        Progress::new(what, total, if total.is_some() { WITH_END } else { WITHOUT_END })
    }

    /// Counts things, of `total`.
    pub(crate) fn items(what: &str, total: u64) -> Progress {
        Progress::new(what, Some(total), ITEMS)
    }

    fn new(what: &str, total: Option<u64>, template: &str) -> Progress {
        let target = if io::stderr().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND_MAX)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(total, target);
        bar.set_style(style(template));
        bar.set_message(what.to_owned());
        Progress(bar)
    }

    /// Learns of how many bytes there will be.
    pub(crate) fn expect(&self, total: u64) {
        if self.0.length() != Some(total) {
            self.0.set_style(style(WITH_END));
            self.0.set_length(total);
        }
    }

    /// Says that `count` more are done.
    pub(crate) fn advance(&self, count: u64) {
        self.0.inc(count);
    }

    /// Says how many are done.
    pub(crate) fn reach(&self, count: u64) {
        self.0.set_position(count);
    }

    /// How much is done.
    pub(crate) fn done(&self) -> u64 {
        self.0.position()
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates above are well formed")
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_counts_with_and_without_a_known_end() {
        for progress in [Progress::bytes("hashing", Some(100)), Progress::bytes("copying", None)] {
            progress.advance(40);
            progress.advance(2);

            assert_eq!(progress.done(), 42);
        }
    }
}
