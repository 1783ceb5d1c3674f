//! Logins of people at an identity provider, and the tickets that browsers and terminals carry afterwards: what may follow from
//! what came back, decided without clock, network or database.
//!
//! | file | what |
//! |---|---|
//! | `attempt.rs` | [`LoginAttempt`]: a login under way (RFC 6749, RFC 7636, OpenID Connect Core) |
//! | `callback.rs` | [`Callback`]: what the provider sends the browser back with, and whether it belongs to the attempt (RFC 9207) |
//! | `person.rs` | [`ProviderPerson`]: who it is, by a token whose signature has been checked |
//! | `ticket.rs` | [`Ticket`]: random, kept as a hash; what pages prove themselves with |
//! | `user_code.rs` | [`UserCode`]: what a person types for a terminal (RFC 8628) |
//! | `problem.rs` | [`LoginProblem`] |

mod attempt;
mod callback;
mod person;
mod problem;
mod ticket;
mod user_code;

pub use attempt::{ATTEMPT_LIFETIME, LoginAttempt, return_path};
pub use callback::{Callback, admit_callback};
pub use person::{PersonClaims, ProviderPerson, admit_person};
pub use problem::LoginProblem;
pub use ticket::Ticket;
pub use user_code::{USER_CODE_LETTERS, UserCode};

#[cfg(test)]
mod tests;
