//! OSV records (OSV schema 1.7).
