use crate::{AccountId, Timestamp};
use std::{fmt, net::IpAddr, sync::Arc};

/// Names one request in the answer, the log and both audit trails: 16 random bytes, printed as a UUID.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId([u8; 16]);

impl RequestId {
    /// Makes an id of random bytes.
    pub const fn new(random: [u8; 16]) -> Self {
        RequestId(random)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'-'; 36];
        let mut at = 0;
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                at += 1;
            }
            text[at] = HEX[usize::from(byte >> 4)];
            text[at + 1] = HEX[usize::from(byte & 15)];
            at += 2;
        }
        f.write_str(std::str::from_utf8(&text).expect("hexadecimal digits and hyphens are ASCII"))
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who acts, on what account, in which request and when: fixed for the length of one request or job.
#[derive(Clone, Debug)]
pub struct Cx {
    /// The principal as the audit names it: an ARN, or `gantry:<job>`.
    pub actor: Arc<str>,
    /// The account whose registry is addressed.
    pub account: AccountId,
    /// The operation or job that is running.
    pub operation: &'static str,
    /// The request, or the run of a job.
    pub request_id: RequestId,
    /// Read once, when the request or job began.
    pub now: Timestamp,
    /// Where the request came from; `None` for jobs and for Unix sockets.
    pub source: Option<IpAddr>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_printed_as_a_uuid() {
        let id = RequestId::new([0x1f; 16]);

        assert_eq!(id.to_string(), "1f1f1f1f-1f1f-1f1f-1f1f-1f1f1f1f1f1f");
    }
}
