//! The server from outside: a toy surface behind real sockets.

mod client;
mod deadlines;
mod pipeline;
mod protocols;
mod sendfile;
mod shutdown;
mod smuggling;
mod toy;
