use super::{Identities, Identity, IdentityKind, OidcProvider, access_keys::purpose, built_in::BuiltIn};
use crate::Person;
use gantry_access::sealed;
use gantry_fault::Fault;
use gantry_metadata::{
    Reader, identities,
    identities::{
        access_keys, access_keys::AccessKeyRow, login_profiles, personal_tokens, policies, providers, sessions,
    },
};
use gantry_words::{AccountId, Secret, Timestamp};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Everything of an account that decisions need, as it was at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The account.
    pub account: AccountId,
    /// What [`Identities::revision`] returned at that moment.
    pub revision: u64,
    /// Users, groups and roles, by their unique ids.
    pub identities: Vec<SnapshotIdentity>,
    /// The text that counts of each managed policy of the account, and of the built-in ones that somebody has or that bound
    /// somebody, by ARN.
    pub policies: BTreeMap<String, Arc<str>>,
    /// Access keys whose secrets open. Also those of robots that have ended, and those that are switched off.
    pub access_keys: Vec<SnapshotKey>,
    /// Passwords.
    pub passwords: Vec<SnapshotPassword>,
    /// Personal tokens, also those that have ended.
    pub personal_tokens: Vec<SnapshotToken>,
    /// Who vouches for identities from outside.
    pub oidc_providers: Vec<OidcProvider>,
    /// Roles whose sessions were revoked, by their unique ids, and before when they began.
    pub revoked: Vec<(String, Timestamp)>,
}

/// A user, group or role with what is attached to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotIdentity {
    /// Who it is.
    pub identity: Identity,
    /// ARNs of its managed policies.
    pub attached: Vec<String>,
    /// Names and texts of its inline policies.
    pub inline: Vec<(String, Arc<str>)>,
    /// Of a user: the unique ids of his groups.
    pub groups: Vec<String>,
}

/// An access key with its secrets.
#[derive(Clone, Debug)]
pub struct SnapshotKey {
    /// Its id.
    pub id: String,
    /// The unique id of its user.
    pub user_id: String,
    /// Its secret.
    pub secret: Secret<String>,
    /// The secret before it, and until when it is good.
    pub previous: Option<(Secret<String>, Timestamp)>,
    /// Whether it may be used.
    pub is_active: bool,
}

/// A password, as it is kept.
#[derive(Clone, Debug)]
pub struct SnapshotPassword {
    /// What tells it from the one before.
    pub id: String,
    /// The unique id of its user.
    pub user_id: String,
    /// Its hash.
    pub hash: Secret<String>,
    /// Whether it is only good for choosing another.
    pub must_change: bool,
}

/// A personal token, as it is kept.
#[derive(Clone, Debug)]
pub struct SnapshotToken {
    /// Its id.
    pub id: String,
    /// The unique id of its user.
    pub user_id: String,
    /// Its SHA-256, in hex.
    pub hash: String,
    /// What it is narrowed to.
    pub policy: Option<Arc<str>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
    /// Of somebody from outside: who he is.
    pub person: Option<Arc<Person>>,
}

/// The rows of an account.
struct Rows {
    revision: u64,
    identities: Vec<identities::IdentityRow>,
    memberships: Vec<(String, String)>,
    attachments: Vec<[String; 2]>,
    inline: Vec<[String; 3]>,
    policies: Vec<[String; 2]>,
    keys: Vec<AccessKeyRow>,
    passwords: Vec<login_profiles::LoginProfileRow>,
    tokens: Vec<personal_tokens::PersonalTokenRow>,
    providers: Vec<providers::ProviderRow>,
    revoked: Vec<(String, Timestamp)>,
}

fn look(rows: &mut Reader, account: AccountId) -> Result<Rows, Fault> {
    Ok(Rows {
        revision: identities::revision(rows, account)?,
        identities: identities::all(rows, account)?,
        memberships: identities::memberships(rows, account)?,
        attachments: policies::attachments(rows, account)?,
        inline: policies::all_inline(rows, account)?,
        policies: policies::defaults(rows, account)?,
        keys: access_keys::all(rows, account)?,
        passwords: login_profiles::all(rows, account)?,
        tokens: personal_tokens::all(rows, account)?,
        providers: providers::all(rows, account)?,
        revoked: sessions::revoked(rows, account)?,
    })
}

impl Identities {
    /// Returns everything of an account that decisions need.
    ///
    /// An access key whose secret does not open (another sealing key, a row that was tampered with) is left out, and the log
    /// says so.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn snapshot(&self, account: AccountId) -> Result<Snapshot, Fault> {
        let rows = self.0.metadata.read_long(move |rows| look(rows, account)).await?;
        let identities = gathered(account, rows.identities, rows.memberships, rows.attachments, rows.inline)?;
        let own = rows.policies.into_iter().map(|[arn, text]| (arn, text.into()));
        let used = identities.iter().flat_map(|one| one.attached.iter().chain(&one.identity.boundary));
        let built_in = used.filter_map(|arn| Some((arn.clone(), BuiltIn::find(arn)?.text(account).into())));
        let policies = own.chain(built_in).collect();
        let keys_count = rows.keys.len();
        let access_keys: Vec<_> = rows.keys.into_iter().filter_map(|row| self.open_key(account, row)).collect();
        if access_keys.len() < keys_count {
            let lost = keys_count - access_keys.len();
            tracing::error!(
                account = %account,
                lost,
                "{lost} access keys do not open with this site's key: it is not the one that they were sealed with"
            );
        }
        Ok(Snapshot {
            account,
            revision: rows.revision,
            identities,
            policies,
            access_keys,
            passwords: rows.passwords.into_iter().map(SnapshotPassword::read).collect(),
            personal_tokens: rows.tokens.into_iter().map(SnapshotToken::read).collect(),
            oidc_providers: rows.providers.into_iter().map(OidcProvider::read).collect::<Result<_, _>>()?,
            revoked: rows.revoked,
        })
    }

    /// Opens a secret that was sealed for `purpose`; none where it was not, or with another key.
    pub(crate) fn open(&self, purpose: &str, text: &str) -> Option<Secret<String>> {
        String::from_utf8(sealed::open(&self.0.keys, purpose, text)?).ok().map(Secret::new)
    }

    fn open_key(&self, account: AccountId, row: AccessKeyRow) -> Option<SnapshotKey> {
        let purpose = purpose(account, &row.user_id, &row.id);
        let open = |text: &str| self.open(&purpose, text);
        Some(SnapshotKey {
            secret: open(&row.secret)?,
            previous: row.previous.as_deref().and_then(open).zip(row.previous_until),
            id: row.id,
            user_id: row.user_id,
            is_active: row.is_active,
        })
    }
}

impl SnapshotPassword {
    fn read(row: login_profiles::LoginProfileRow) -> Self {
        let (hash, must_change) = (Secret::new(row.hash), row.must_change);
        SnapshotPassword { id: row.id, user_id: row.user_id, hash, must_change }
    }
}

impl SnapshotToken {
    /// Of somebody who cannot be read it is nobody's.
    fn read(row: personal_tokens::PersonalTokenRow) -> Self {
        let (policy, created_at, expires_at) = (row.policy.map(Into::into), row.created_at, row.expires_at);
        let person = row.person.and_then(|text| serde_json::from_str(&text).ok()).map(Arc::new);
        SnapshotToken { id: row.id, user_id: row.user_id, hash: row.hash, policy, created_at, expires_at, person }
    }
}

/// Puts to each identity what is its own.
fn gathered(
    account: AccountId,
    rows: Vec<identities::IdentityRow>,
    memberships: Vec<(String, String)>,
    attachments: Vec<[String; 2]>,
    inline: Vec<[String; 3]>,
) -> Result<Vec<SnapshotIdentity>, Fault> {
    let read = |row| {
        let identity = Identity::read(account, row)?;
        Ok(SnapshotIdentity { identity, attached: vec![], inline: vec![], groups: vec![] })
    };
    let mut all = rows.into_iter().map(read).collect::<Result<Vec<_>, Fault>>()?;
    let places: HashMap<String, usize> =
        all.iter().enumerate().map(|(place, one)| (one.identity.id.clone(), place)).collect();
    for role in all.iter_mut().filter_map(|one| one.identity.role.as_mut()) {
        role.bindings.settle(account, |id| places.contains_key(id));
    }
    for (user, group) in memberships {
        if let Some(place) = places.get(&user) {
            all[*place].groups.push(group);
        }
    }
    for [id, arn] in attachments {
        if let Some(place) = places.get(&id) {
            all[*place].attached.push(arn);
        }
    }
    for [id, name, text] in inline {
        if let Some(place) = places.get(&id) {
            all[*place].inline.push((name, text.into()));
        }
    }
    Ok(all)
}

impl Snapshot {
    /// Returns those of a kind.
    pub fn of_kind(&self, kind: IdentityKind) -> impl Iterator<Item = &SnapshotIdentity> {
        self.identities.iter().filter(move |one| one.identity.kind == kind)
    }
}
