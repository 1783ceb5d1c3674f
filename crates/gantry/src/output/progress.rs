use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal};

const BYTES: &str = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
const BYTES_WITHOUT_END: &str = "{msg} {spinner} {bytes} {bytes_per_sec}";
const ITEMS: &str = "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}";
const ITEMS_WITHOUT_END: &str = "{msg} {spinner} {human_pos} {per_sec}";
const DRAWS_PER_SECOND_MAX: u8 = 10;

/// How far a long work has come: a bar on standard error where that is a terminal, nothing elsewhere.
///
/// Standard output stays free for the answer. The bar is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    template: &'static str,
}

impl Progress {
    /// Counts bytes, of `total` where that is known.
    pub(crate) fn bytes(what: &str, total: Option<u64>) -> Progress {
        Progress::new(what, total, BYTES, BYTES_WITHOUT_END)
    }

    /// Counts things, of `total` where that is known.
    pub(crate) fn items(what: &str, total: Option<u64>) -> Progress {
        Progress::new(what, total, ITEMS, ITEMS_WITHOUT_END)
    }

    fn new(what: &str, total: Option<u64>, template: &'static str, template_without_end: &'static str) -> Progress {
        let target = if io::stderr().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND_MAX)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(total, target);
        bar.set_style(style(if total.is_some() { template } else { template_without_end }));
        bar.set_message(what.to_owned());
        Progress { bar, template }
    }

    /// Says that `count` more are done.
    pub(crate) fn advance(&self, count: u64) {
        self.bar.inc(count);
    }

    /// Says how much is done in all, and of how much: a total may be learned on the way.
    pub(crate) fn set(&self, done: u64, total: u64) {
        if self.bar.length().is_none() {
            self.bar.set_style(style(self.template));
        }
        self.bar.set_length(total);
        self.bar.set_position(done);
    }

    /// How much is done.
    pub(crate) fn done(&self) -> u64 {
        self.bar.position()
    }

    /// Prints a line above the bar, on standard error; where there is no bar too.
    pub(crate) fn note(&self, line: &str) {
        if self.bar.is_hidden() {
            eprintln!("{line}");
        } else {
            self.bar.println(line);
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates above are well formed")
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_counts_with_and_without_a_known_end() {
        for progress in [Progress::bytes("hashing", Some(100)), Progress::items("collecting", None)] {
            progress.advance(40);
            progress.advance(2);

            assert_eq!(progress.done(), 42);
        }
    }

    #[test]
    fn a_total_may_be_learned_on_the_way() {
        let progress = Progress::items("checking", None);

        progress.set(7, 1000);

        assert_eq!(progress.done(), 7);
    }
}
