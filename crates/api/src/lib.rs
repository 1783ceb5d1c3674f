//! What every operation of every surface passes through, and the HTTP server around it.
//!
//! An operation is declared once ([`Operation`]): its request and response, the rooms it enters, what must be allowed,
//! and the call. [`operations!`] mounts a list of them as [`Door`]s, a [`Surface`] says which address leads to which
//! door, and the [`Server`] does the rest in one order: route, identify, read, authorise, call, write; with limits,
//! figures and the access log. Knows no operation, decides nothing, and holds no rule of a room.
//!
//! | file | what |
//! |---|---|
//! | `operation.rs` | [`Operation`], [`FromWire`], [`IntoWire`], [`Pick`] |
//! | `wire.rs`, `oci.rs`, `rest.rs` | [`Wire`], [`WireFacts`], [`Refused`]; how [`Oci`] and [`Rest`] refuse |
//! | `openapi.rs` | [`Signature`], [`Shape`]: what an operation says of itself; the OpenAPI document |
//! | `door.rs` | [`Door`]: an operation with its types forgotten; the order of the pipeline |
//! | `guard.rs` | [`Guard`]: who may; from its verdicts to faults and challenges |
//! | `audit.rs` | what the audit is told of a call |
//! | `surface.rs` | [`Surface`], [`Routed`], [`ByContent`], [`Params`] |
//! | `incoming.rs`, `body.rs`, `buffers.rs`, `origin.rs`, `forwarded.rs` | what comes in: request, body with its deadlines and what bodies may take together, the address the client used |
//! | `outgoing.rs`, `sending.rs`, `ending.rs` | what goes out, how it is sent, and what is counted and logged afterwards |
//! | `paging.rs` | [`Paging`]: where lists go on |
//! | `porch.rs` | what all connections share; the way of one request |
//! | `server.rs`, `listener.rs`, `connection.rs`, `link.rs`, `socket.rs` | accepting, serving, deadlines, shutting down |
//! | `sendfile.rs` | blobs from the page cache to the socket without passing through this process |
//! | `tls.rs` | certificates, read again when they change |
//! | `metrics.rs`, `probes.rs` | `/metrics`, `/healthz`, `/readyz` |
//! | `span.rs` | what a trace shows of a request |
//! | `settings.rs`, `trusted_proxy.rs` | what can be set |

mod audit;
mod body;
mod buffers;
mod connection;
mod door;
mod ending;
mod forwarded;
mod guard;
mod incoming;
mod link;
mod listener;
mod metrics;
mod oci;
mod openapi;
mod operation;
mod origin;
mod outgoing;
mod paging;
mod porch;
mod probes;
mod rest;
mod sendfile;
mod sending;
mod server;
mod settings;
mod socket;
mod span;
mod surface;
mod tls;
mod trusted_proxy;
mod wire;

pub use audit::{Audit, is_recorded};
pub use body::{Body, BodyError};
pub use buffers::Held;
pub use door::{Door, Lock, call, open_doors};
pub use forwarded::{Forwarded, forwarded};
pub use guard::Guard;
pub use incoming::{Incoming, form};
pub use listener::{ListenError, Listener};
pub use metrics::{Figures, Gauges};
pub use oci::Oci;
pub use openapi::{Shape, Signature, openapi};
pub use operation::{FromWire, IntoWire, Operation, Pick};
pub use origin::{Origin, OriginError};
pub use outgoing::{Outgoing, Payload};
pub use paging::Paging;
pub use rest::Rest;
pub use server::{Server, ServerError};
pub use settings::{Settings, TlsSettings};
pub use surface::{ByContent, Params, Route, Routed, Surface};
pub use tls::{TlsError, install_cryptography};
pub use trusted_proxy::{TrustedProxy, TrustedProxyError};
pub use wire::{Challenges, Refused, Wire, WireFacts};
