use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What the metrics show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Acts that wait for a connection now.
    pub acts_waiting: usize,
    /// Reads that wait for a connection now.
    pub reads_waiting: usize,
    /// Acts that were run since the start, refused ones too.
    pub acts: u64,
    /// Transactions since the start: on SQLite several acts share one.
    pub transactions: u64,
    /// Acts that ran again after a conflict, since the start.
    pub conflicts: u64,
    /// Sessions that broke while an act was under way, since the start.
    pub connections_lost: u64,
    /// Requests refused because too many waited, since the start.
    pub refused: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    acts: AtomicU64,
    transactions: AtomicU64,
    conflicts: AtomicU64,
    connections_lost: AtomicU64,
    refused: AtomicU64,
}

impl Counters {
    pub(crate) fn group(&self, acts: usize) {
        self.acts.fetch_add(acts as u64, Relaxed);
        self.transactions.fetch_add(1, Relaxed);
    }
    pub(crate) fn conflict(&self) {
        self.conflicts.fetch_add(1, Relaxed);
    }
    pub(crate) fn connection_lost(&self) {
        self.connections_lost.fetch_add(1, Relaxed);
    }
    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }
    pub(crate) fn transactions(&self) -> u64 {
        self.transactions.load(Relaxed)
    }
    pub(crate) fn figures(&self, acts_waiting: usize, reads_waiting: usize) -> Figures {
        Figures {
            acts_waiting,
            reads_waiting,
            acts: self.acts.load(Relaxed),
            transactions: self.transactions.load(Relaxed),
            conflicts: self.conflicts.load(Relaxed),
            connections_lost: self.connections_lost.load(Relaxed),
            refused: self.refused.load(Relaxed),
        }
    }
}
