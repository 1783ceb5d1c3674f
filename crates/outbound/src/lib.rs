//! The one way out: an HTTP client that asks only where it may.
//!
//! Whoever lets others name addresses (an identity provider, a webhook, an upstream) asks through [`Client`]. It looks a
//! name up once, checks every address found, and connects to one of those, at each redirect again: a name that leads
//! elsewhere at the second look leads nowhere. Loopback, private, link-local and multicast targets, and whatever else is
//! not public, are refused unless [`Settings::allow`] names them; plain http goes only to named ones.
//!
//! Deliberately absent: retries, caches, cookies, compression, a pool of connections. Each request has a connection of its
//! own, since those who ask do so seldom.
//!
//! | file | what |
//! |---|---|
//! | `client.rs` | [`Client`]: send, follow redirects, read within limits |
//! | `request.rs` | [`Request`], [`Response`], [`Redirects`] |
//! | `target.rs` | where a URL leads, and whether one may go there |
//! | `connect.rs` | the connection: the proxy, TLS |
//! | `public.rs` | [`is_public`] |
//! | `settings.rs` | [`Settings`] |
//! | `resolver.rs` | [`Resolver`]: names to addresses |
//! | `authorities.rs` | [`Authorities`]: whose certificates are believed |
//! | `challenge.rs` | [`Challenge`]: what a registry wants of who asks |
//! | `registry_token.rs` | [`RegistryToken`]: what it gives for that |
//! | `error.rs` | [`OutboundError`] |

mod authorities;
mod challenge;
mod client;
mod connect;
mod error;
mod public;
mod registry_token;
mod request;
mod resolver;
mod settings;
mod target;

pub use authorities::{AUTHORITIES_BYTES_MAX, Authorities, AuthoritiesError};
pub use challenge::Challenge;
pub use client::Client;
pub use error::OutboundError;
pub use public::is_public;
pub use registry_token::RegistryToken;
pub use request::{REDIRECTS_MAX, Redirects, Request, Response};
pub use resolver::{Resolver, SystemResolver};
pub use settings::Settings;
