//! The server from outside: a toy surface behind real sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access_log;
mod client;
mod content;
mod deadlines;
mod pipeline;
mod protocols;
mod sendfile;
mod shutdown;
mod smuggling;
mod toy;
