use super::date;
use super::{
    ALGORITHM, CredentialScope, PRESIGNED_MAX, Signature, SignatureError, SignedRequest, TERMINATOR, canonical,
};
use std::time::Duration;

/// The longest `Authorization` header with a signature.
pub const AUTHORIZATION_BYTES_MAX: usize = 4 * 1024;
/// The most headers a signature covers.
pub const SIGNED_HEADERS_MAX: usize = 64;
/// The longest access key id.
const ACCESS_KEY_ID_BYTES_MAX: usize = 128;

const HEADER: &str = "Authorization header";
const QUERY: &str = "AWS query-string parameters";

/// The parts of a signature, wherever they stood.
struct Parts<'a> {
    place: &'static str,
    credential: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

pub(super) fn find(request: &SignedRequest<'_>) -> Result<Option<Signature>, SignatureError> {
    let is_presigned = request.query.contains("X-Amz-Signature");
    let mut headers = request.values("authorization");
    match (headers.next(), headers.next()) {
        (Some(_), Some(_)) => Err(SignatureError::Several),
        (Some(_), None) if is_presigned => Err(SignatureError::Several),
        (Some(value), None) => from_header(request, value).map(Some),
        (None, _) if is_presigned => from_query(request).map(Some),
        (None, _) => Ok(None),
    }
}

/// `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`: the parts in any order, commas with or without blanks.
fn from_header(request: &SignedRequest<'_>, value: &[u8]) -> Result<Signature, SignatureError> {
    let lacks = |part| SignatureError::Incomplete { place: HEADER, part };
    let text = std::str::from_utf8(value)
        .ok()
        .filter(|text| text.len() <= AUTHORIZATION_BYTES_MAX && text.is_ascii())
        .ok_or_else(|| lacks("visible ASCII of at most 4 KiB."))?;
    let rest = text.trim().strip_prefix(ALGORITHM).filter(|rest| rest.starts_with(' '));
    let rest = rest.ok_or_else(|| lacks("the algorithm 'AWS4-HMAC-SHA256'."))?;
    let [mut credential, mut signed_headers, mut signature] = [None; 3];
    for part in rest.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').ok_or_else(|| lacks("parameters of the form name=value."))?;
        let slot = match name {
            "Credential" => &mut credential,
            "SignedHeaders" => &mut signed_headers,
            "Signature" => &mut signature,
            _ => return Err(lacks("no parameters but 'Credential', 'SignedHeaders' and 'Signature'.")),
        };
        if slot.replace(value).is_some() {
            return Err(lacks("each parameter once."));
        }
    }
    let parts = Parts {
        place: HEADER,
        credential: credential.ok_or_else(|| lacks("'Credential' parameter."))?,
        signed_headers: signed_headers.ok_or_else(|| lacks("'SignedHeaders' parameter."))?,
        signature: signature.ok_or_else(|| lacks("'Signature' parameter."))?,
    };
    let read = read(&parts)?;
    let signed_at = match request.values("x-amz-date").next() {
        Some(_) => request.header("x-amz-date").and_then(date::parse),
        None => request.header("date").and_then(date::parse_header),
    };
    let signed_at = signed_at.ok_or_else(|| lacks("existence of either a 'X-Amz-Date' or a 'Date' header."))?;
    let session_token = match request.values("x-amz-security-token").next() {
        Some(_) => Some(request.header("x-amz-security-token").ok_or_else(|| lacks("one 'X-Amz-Security-Token'."))?),
        None => None,
    };
    Ok(Signature { signed_at, session_token: session_token.map(str::to_string), ..read })
}

/// The same in the query of a link.
fn from_query(request: &SignedRequest<'_>) -> Result<Signature, SignatureError> {
    let lacks = |part| SignatureError::Incomplete { place: QUERY, part };
    let parameter = |name: &str, part| {
        let mut values = canonical::pairs(request.query).filter(|(known, _)| **known == *name.as_bytes());
        let value = values.next().and_then(|(_, value)| String::from_utf8(value.into_owned()).ok());
        value.filter(|_| values.next().is_none()).ok_or_else(|| lacks(part))
    };
    if parameter("X-Amz-Algorithm", "one 'X-Amz-Algorithm'.")? != ALGORITHM {
        return Err(lacks("the algorithm 'AWS4-HMAC-SHA256'."));
    }
    let [credential, signed_headers, signature] = [
        parameter("X-Amz-Credential", "one 'X-Amz-Credential'.")?,
        parameter("X-Amz-SignedHeaders", "one 'X-Amz-SignedHeaders'.")?,
        parameter("X-Amz-Signature", "one 'X-Amz-Signature'.")?,
    ];
    let read =
        read(&Parts { place: QUERY, credential: &credential, signed_headers: &signed_headers, signature: &signature })?;
    let signed_at = date::parse(&parameter("X-Amz-Date", "one 'X-Amz-Date'.")?);
    let expires_in = parameter("X-Amz-Expires", "one 'X-Amz-Expires'.")?.parse().ok().map(Duration::from_secs);
    let expires_in = expires_in.filter(|expires_in| (Duration::from_secs(1)..=PRESIGNED_MAX).contains(expires_in));
    let has_token = canonical::pairs(request.query).any(|(name, _)| *name == *b"X-Amz-Security-Token");
    let token = has_token.then(|| parameter("X-Amz-Security-Token", "one 'X-Amz-Security-Token'.")).transpose()?;
    Ok(Signature {
        signed_at: signed_at.ok_or_else(|| lacks("a valid 'X-Amz-Date'."))?,
        expires_in: Some(expires_in.ok_or_else(|| lacks("an 'X-Amz-Expires' from 1 to 604800 seconds."))?),
        session_token: token,
        ..read
    })
}

/// Reads what stands the same way in both places.
fn read(parts: &Parts<'_>) -> Result<Signature, SignatureError> {
    let lacks = |part| SignatureError::Incomplete { place: parts.place, part };
    let form = "a Credential of the form access-key-id/YYYYMMDD/region/service/aws4_request.";
    // From the right: an access key id may hold slashes, nothing else may.
    let mut fields = parts.credential.rsplitn(5, '/');
    let [terminator, service, region, day, id] = std::array::from_fn(|_| fields.next().unwrap_or_default());
    let is_word =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_day = day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit());
    let is_id = (1..=ACCESS_KEY_ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    if terminator != TERMINATOR || !is_word(service) || !is_word(region) || !is_day || !is_id {
        return Err(lacks(form));
    }
    let mut signed_headers: Vec<String> = parts.signed_headers.split(';').map(str::to_string).collect();
    let is_name = |name: &String| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase() && byte != b':')
    };
    if signed_headers.len() > SIGNED_HEADERS_MAX || !signed_headers.iter().all(is_name) {
        return Err(lacks("'SignedHeaders' of at most 64 names in lower case, parted by semicolons."));
    }
    signed_headers.sort_unstable();
    let count = signed_headers.len();
    signed_headers.dedup();
    if signed_headers.len() < count {
        return Err(lacks("'SignedHeaders' without repetitions."));
    }
    let mut signature = [0; 32];
    let is_lower = !parts.signature.bytes().any(|byte| byte.is_ascii_uppercase());
    if !is_lower || hex::decode_to_slice(parts.signature, &mut signature).is_err() {
        return Err(lacks("a 'Signature' of 64 hexadecimal digits in lower case."));
    }
    Ok(Signature {
        access_key_id: id.into(),
        session_token: None,
        scope: CredentialScope { day: day.into(), region: region.into(), service: service.into() },
        signed_headers,
        signature,
        signed_at: gantry_words::Timestamp::default(),
        expires_in: None,
    })
}
