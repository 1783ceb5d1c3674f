//! The binary form of the claims. Numbers are big-endian; texts are a byte of length and their bytes.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | 1: this form |
//! | 4 | the key's number |
//! | 1 | kind: 0 anonymous, 1 root, 2 user, 3 session of a role |
//! | 12 | account |
//! | 8, 8 | issued at, expires at, in milliseconds |
//! | text, text | audience, id |
//! | 2, n | of a session of a role: length, and how it travels |
//! | 1 | 1 with the catalogue, else 0 |
//! | 1 | how many repositories follow |
//! | 1, 1, n | for each, in the order of their names: verbs, length of the name less one, name |

use super::Claims;
use crate::{PrincipalKind, ROLE_SESSION_BYTES_MAX, RoleSession, Scopes, VerbSet};
use gantry_words::Timestamp;

const FORM: u8 = 1;

pub(super) fn write(kid: u32, claims: &Claims, scopes: &Scopes) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    bytes.push(FORM);
    bytes.extend(kid.to_be_bytes());
    bytes.push(match claims.kind {
        PrincipalKind::Anonymous => 0,
        PrincipalKind::Root => 1,
        PrincipalKind::User => 2,
        PrincipalKind::Session => 3,
    });
    bytes.extend(claims.account.as_str().as_bytes());
    bytes.extend(claims.issued_at.millis().to_be_bytes());
    bytes.extend(claims.expires_at.millis().to_be_bytes());
    for text in [&claims.audience, &claims.id] {
        // A longer one than is allowed makes a token that is for nobody.
        let text = &text.as_bytes()[..text.len().min(usize::from(u8::MAX))];
        bytes.push(u8::try_from(text.len()).expect("cut to what a byte counts"));
        bytes.extend(text);
    }
    if let Some(session) = &claims.role_session {
        // A longer one than is allowed makes a token that is nobody's.
        let session =
            Some(session.print()).filter(|session| session.len() <= ROLE_SESSION_BYTES_MAX).unwrap_or_default();
        bytes.extend(u16::try_from(session.len()).expect("not longer than is allowed").to_be_bytes());
        bytes.extend(session);
    }
    bytes.push(scopes.has_catalog().into());
    bytes.push(u8::try_from(scopes.repositories().len()).expect("scopes that fit into a token are at most 100"));
    for (name, verbs) in scopes.repositories() {
        let length = name.as_str().len();
        bytes.push(verbs.bits());
        bytes.push(u8::try_from(length - 1).expect("a repository name has 1 to 256 bytes"));
        bytes.extend(name.as_str().as_bytes());
    }
    bytes
}

/// The number of the key, which stands at a fixed place.
pub(super) fn kid(payload: &[u8]) -> Option<u32> {
    let mut rest = Rest(payload);
    (rest.byte()? == FORM).then_some(())?;
    Some(u32::from_be_bytes(rest.array()?))
}

/// Reads claims; `None` where a byte is missing, left over, or not as it would have been written.
pub(super) fn read(payload: &[u8]) -> Option<Claims> {
    let mut rest = Rest(payload);
    let [FORM, ..] = rest.array::<5>()? else { return None };
    let kind = match rest.byte()? {
        0 => PrincipalKind::Anonymous,
        1 => PrincipalKind::Root,
        2 => PrincipalKind::User,
        3 => PrincipalKind::Session,
        _ => return None,
    };
    let account = str::from_utf8(rest.take(12)?).ok()?.parse().ok()?;
    let issued_at = Timestamp::from_millis(i64::from_be_bytes(rest.array()?));
    let expires_at = Timestamp::from_millis(i64::from_be_bytes(rest.array()?));
    let audience = rest.text()?.into();
    let id = rest.text()?.into();
    let role_session = match kind {
        PrincipalKind::Session => Some(rest.role_session()?),
        PrincipalKind::Anonymous | PrincipalKind::Root | PrincipalKind::User => None,
    };
    let scopes = rest.scopes()?;
    rest.0.is_empty().then_some(Claims { kind, id, account, audience, role_session, scopes, issued_at, expires_at })
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.byte()?;
        str::from_utf8(self.take(length.into())?).ok()
    }

    fn role_session(&mut self) -> Option<RoleSession> {
        let length = u16::from_be_bytes(self.array()?);
        RoleSession::parse(self.take(length.into())?)
    }

    fn scopes(&mut self) -> Option<Scopes> {
        let has_catalog = match self.byte()? {
            0 => false,
            1 => true,
            _ => return None,
        };
        let count = usize::from(self.byte()?);
        let mut repositories = Vec::with_capacity(count);
        for _ in 0..count {
            let verbs = VerbSet::from_bits(self.byte()?)?;
            let length = usize::from(self.byte()?) + 1;
            let name = str::from_utf8(self.take(length)?).ok()?.parse().ok()?;
            repositories.push((name, verbs));
        }
        Scopes::from_sorted(has_catalog, repositories)
    }
}
