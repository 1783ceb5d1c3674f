use std::net::IpAddr;
use std::{io, time::Duration};

/// Why there is no answer. Messages name hosts, never paths or queries, where secrets may stand.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// It is no URL that can be asked.
    #[error("the address is no URL that can be asked: {0}")]
    Url(&'static str),
    /// It leads where nobody may go.
    #[error("{host} leads to {address}, which is not public; if that is meant, name it in outbound.allow")]
    NotPublic {
        /// What was asked.
        host: String,
        /// Where it leads.
        address: IpAddr,
    },
    /// Plain http, to somebody who is not named.
    #[error("{host} was to be asked over plain http; use https, or name its address in outbound.allow")]
    PlainHttp {
        /// What was asked.
        host: String,
    },
    /// The name leads nowhere.
    #[error("cannot find the address of {host}")]
    Resolve {
        /// What was asked.
        host: String,
        /// Why, where it is known.
        source: Option<io::Error>,
    },
    /// Nobody answers there, or not as a server of TLS does whose certificate is believed.
    #[error("cannot connect to {host}")]
    Connect {
        /// What was asked.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// The proxy does not connect.
    #[error("the proxy does not connect to {host}: {what}")]
    Proxy {
        /// What was asked.
        host: String,
        /// What it says.
        what: String,
    },
    /// What was said is not HTTP, or ended too soon.
    #[error("the exchange with {host} failed")]
    Http {
        /// What was asked.
        host: String,
        /// Why.
        source: hyper::Error,
    },
    /// A redirect that is not followed.
    #[error("{host} sends elsewhere, which is not followed: {what}")]
    Redirect {
        /// Who redirects.
        host: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The answer is longer than is read.
    #[error("the answer of {host} is longer than {bytes_max} bytes")]
    TooLong {
        /// Who answers.
        host: String,
        /// The length it may have.
        bytes_max: usize,
    },
    /// What it sends is not taken any more by who asked.
    #[error("what {host} sends cannot be kept")]
    Unwanted {
        /// Who answers.
        host: String,
    },
    /// It took too long.
    #[error("{host} did not answer within {deadline:?}")]
    Deadline {
        /// What was asked first.
        host: String,
        /// The time it had.
        deadline: Duration,
    },
}
