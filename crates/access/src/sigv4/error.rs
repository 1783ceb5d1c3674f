use super::{CLOCK_SKEW_MAX, date};
use gantry_words::Timestamp;

/// Why a signature is not taken. The messages are for the client; they show nothing that he did not send.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The header or the query lacks a part, or a part cannot be read.
    #[error("{place} requires {part}")]
    Incomplete {
        /// `Authorization header`, or `AWS query-string parameters`.
        place: &'static str,
        /// What is missing or malformed.
        part: &'static str,
    },
    /// The request brings a signature twice: which one was meant?
    #[error("The request carries more than one signature; sign it once, in the Authorization header or in the query")]
    Several,
    /// It is signed for another service.
    #[error("Credential should be scoped to correct service: '{wanted}', not '{found}'.")]
    Service {
        /// What the credential says.
        found: String,
        /// What was asked.
        wanted: String,
    },
    /// It is signed for another region.
    #[error(
        "Credential should be scoped to a valid region, not '{found}'. This site serves '{wanted}': set AWS_REGION to it."
    )]
    Region {
        /// What the credential says.
        found: String,
        /// What this site serves.
        wanted: String,
    },
    /// The credential is of another day than the request.
    #[error("Date in Credential scope does not match YYYYMMDD from the date of the request: '{scope}' != '{date}'.")]
    Day {
        /// What the credential says.
        scope: String,
        /// What the request says.
        date: String,
    },
    /// It was signed too long ago.
    #[error(
        "Signature expired: {} is now earlier than {} ({} - 15 min.)",
        date::print(*signed_at), date::print(now.minus(CLOCK_SKEW_MAX)), date::print(*now)
    )]
    Expired {
        /// When it was signed.
        signed_at: Timestamp,
        /// When it came.
        now: Timestamp,
    },
    /// It was signed in the future.
    #[error(
        "Signature not yet current: {} is still later than {} ({} + 15 min.)",
        date::print(*signed_at), date::print(now.plus(CLOCK_SKEW_MAX)), date::print(*now)
    )]
    NotYetCurrent {
        /// When it was signed.
        signed_at: Timestamp,
        /// When it came.
        now: Timestamp,
    },
    /// The link was good for some time, which is over.
    #[error("Signature expired: the link was good until {}, and it is {}", date::print(*expired_at), date::print(*now))]
    LinkExpired {
        /// Until when it was good.
        expired_at: Timestamp,
        /// When it came.
        now: Timestamp,
    },
    /// A header that says what is asked for could have been changed on the way.
    #[error("'{header}' must be a 'SignedHeader' in the AWS Authorization.")]
    Unsigned {
        /// Its name.
        header: &'static str,
    },
    /// A header that was signed has not arrived.
    #[error("The signed header '{header}' did not arrive; does a proxy take it out?")]
    Missing {
        /// Its name, as the client sent it.
        header: String,
    },
    /// The body is not the one that was signed.
    #[error("The value of x-amz-content-sha256 is not the SHA-256 of the body that arrived")]
    Payload,
    /// A body that anybody could have changed.
    #[error("UNSIGNED-PAYLOAD is taken over TLS only; sign the body, or use https")]
    UnsignedPayload,
    /// Another secret, or another request.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
         and signing method. Consult the service documentation for details."
    )]
    Mismatch,
}
