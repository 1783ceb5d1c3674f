use super::{
    Identities, Identity, IdentityKind, done,
    faults::{invalid, malformed, quota},
    identity, lock,
};
use crate::Person;
use gantry_access::{
    personal_token, personal_token_hash,
    policy::{Policy, PolicyPlace},
};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Reader, Trail, Tx, Write, identities,
    identities::personal_tokens::{self, PersonalTokenRow},
};
use gantry_words::{AccountId, Cx, Period, Secret, Timestamp};
use serde_json::json;
use std::{sync::Arc, time::Duration};

/// The most personal tokens of a user.
pub const PERSONAL_TOKENS_MAX: usize = 50;
/// The longest name of a personal token, in characters.
pub const PERSONAL_TOKEN_NAME_CHARS_MAX: usize = 64;
/// The longest policy that one is narrowed to, in characters.
const POLICY_CHARS_MAX: usize = 2_048;
const LIFETIME_MIN: Period = Period::minutes(1);

/// A personal token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonalToken {
    /// Its id, `GTPT…`.
    pub id: String,
    /// The name of its user, or of its person: the user of `docker login`.
    pub user: String,
    /// Of somebody from outside: who vouched for him, `ldap` or the URL of an identity provider.
    pub provider: Option<String>,
    /// What its owner calls it.
    pub name: String,
    /// The policy that it is narrowed to; `None` where it may what its owner may.
    pub policy: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
    /// When it was last used, to the minute.
    pub used_at: Option<Timestamp>,
}

/// Whose personal tokens are meant.
#[derive(Clone, Debug)]
pub enum TokenOwner {
    /// Those of the user of this name.
    User(String),
    /// Those of somebody from outside, who is as he has just logged in. His groups go with what he makes.
    Person(Arc<Person>),
    /// Everybody's: to be listed, and to be revoked by their ids.
    Anybody,
}

impl From<&str> for TokenOwner {
    fn from(user: &str) -> Self {
        TokenOwner::User(user.into())
    }
}

/// The owner of tokens, as he was found.
struct Owner {
    /// What his tokens are kept under.
    id: String,
    name: String,
    provider: Option<String>,
    /// Of a user.
    arn: Option<String>,
    is_robot: bool,
}

impl Owner {
    fn of_user(user: Identity) -> Self {
        let (arn, is_robot) = (Some(user.arn()), user.robot.is_some());
        Owner { id: user.id, name: user.name, provider: None, arn, is_robot }
    }

    fn of_person(person: &Person) -> Self {
        let (id, provider) = (person.key(), Some(person.provider.clone()));
        Owner { id, name: person.name.clone(), provider, arn: None, is_robot: false }
    }

    /// The owner of a token that is there.
    fn find(rows: &mut Reader, account: AccountId, row: &PersonalTokenRow) -> Result<Option<Self>, Fault> {
        if let Some(text) = &row.person {
            let read = serde_json::from_str::<Person>(text);
            let person =
                read.map_err(|error| Fault::internal(format!("the person of a token cannot be read: {error}")))?;
            return Ok(Some(Owner::of_person(&person)));
        }
        let found = identities::by_id(rows, account, &row.user_id)?;
        found.map(|row| Identity::read(account, row).map(Owner::of_user)).transpose()
    }
}

/// What a personal token is to be.
#[derive(Clone, Debug)]
pub struct NewPersonalToken {
    /// Whose it is.
    pub owner: TokenOwner,
    /// What it is called.
    pub name: String,
    /// How long it lives.
    pub lifetime: Duration,
    /// How long it may live at most.
    pub lifetime_max: Period,
    /// The policy that it is narrowed to.
    pub policy: Option<String>,
}

impl PersonalToken {
    fn read(owner: &Owner, row: PersonalTokenRow) -> Self {
        PersonalToken {
            id: row.id,
            user: owner.name.clone(),
            provider: owner.provider.clone(),
            name: row.name,
            policy: row.policy,
            created_at: row.created_at,
            expires_at: row.expires_at,
            used_at: row.used_at,
        }
    }
}

impl Identities {
    /// Makes a personal token for a user, or for somebody from outside; it is shown this once.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`]; [`FaultKind::InvalidInput`]: name or lifetime cannot be; [`FaultKind::MalformedPolicyDocument`];
    /// [`FaultKind::IdentityLimitExceeded`] beyond [`PERSONAL_TOKENS_MAX`].
    pub async fn create_personal_token(
        &self,
        cx: &Cx,
        new: NewPersonalToken,
    ) -> Result<(PersonalToken, Secret<String>), Fault> {
        new.check()?;
        let secret = personal_token(|| u64::from_le_bytes(self.0.env.random()));
        let person = match &new.owner {
            TokenOwner::Person(person) => Some(serde_json::to_string(&**person).map_err(Fault::internal)?),
            TokenOwner::User(_) | TokenOwner::Anybody => None,
        };
        let row = PersonalTokenRow {
            id: self.draw_id("GTPT"),
            user_id: String::new(),
            name: new.name,
            hash: personal_token_hash(secret.reveal()).expect("it has just been made"),
            policy: new.policy,
            created_at: cx.now,
            expires_at: cx.now.plus(new.lifetime),
            used_at: None,
            person,
        };
        let (account, actor) = (cx.account, cx.actor.clone());
        let act = ChangePersonalTokens { account, owner: new.owner, change: Change::Create(row), actor };
        Ok((self.0.metadata.perform(cx, act).await?, secret))
    }

    /// Returns the personal tokens of somebody: at most [`PERSONAL_TOKENS_MAX`], or all there are.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn list_personal_tokens(
        &self,
        account: AccountId,
        owner: impl Into<TokenOwner>,
    ) -> Result<Vec<PersonalToken>, Fault> {
        let owner = owner.into();
        let look = move |rows: &mut Reader| {
            let Some((owner, found)) = owner.look(rows, account)? else {
                let owned = personal_tokens::all(rows, account)?.into_iter().map(|row| {
                    let owner = Owner::find(rows, account, &row)?;
                    Ok(owner.map(|owner| PersonalToken::read(&owner, row)))
                });
                return owned.filter_map(Result::transpose).collect();
            };
            Ok(found.into_iter().map(|row| PersonalToken::read(&owner, row)).collect())
        };
        self.0.metadata.read_long(look).await
    }

    /// Removes a personal token of somebody. With it goes all that came of it, at once.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], also where it is somebody else's.
    pub async fn revoke_personal_token(
        &self,
        cx: &Cx,
        owner: impl Into<TokenOwner>,
        id: &str,
    ) -> Result<PersonalToken, Fault> {
        let (change, owner) = (Change::Revoke(id.into()), owner.into());
        let act = ChangePersonalTokens { account: cx.account, owner, change, actor: cx.actor.clone() };
        self.0.metadata.perform(cx, act).await
    }

    /// Notes that personal tokens were used, each at its time. To be called now and then, not with every request.
    ///
    /// # Errors
    /// The metadata cannot be written.
    pub async fn note_personal_token_uses(&self, cx: &Cx, uses: Vec<(Box<str>, Timestamp)>) -> Result<(), Fault> {
        match uses.is_empty() {
            true => Ok(()),
            false => self.0.metadata.perform(cx, NotePersonalTokenUses { account: cx.account, uses }).await,
        }
    }
}

impl NewPersonalToken {
    fn check(&self) -> Result<(), Fault> {
        let chars = self.name.chars().count();
        if !(1..=PERSONAL_TOKEN_NAME_CHARS_MAX).contains(&chars) || self.name.chars().any(char::is_control) {
            let message = format!(
                "A personal token has a name of 1 to {PERSONAL_TOKEN_NAME_CHARS_MAX} characters without control characters"
            );
            return Err(invalid(message));
        }
        let most = self.lifetime_max;
        if !(LIFETIME_MIN.duration()..=most.duration()).contains(&self.lifetime) {
            return Err(invalid(format!(
                "A personal token lives {LIFETIME_MIN} to {most} here; give another lifetime"
            )));
        }
        let Some(text) = &self.policy else { return Ok(()) };
        if text.chars().count() > POLICY_CHARS_MAX {
            let message = format!("The policy of a personal token has at most {POLICY_CHARS_MAX} characters");
            return Err(malformed(message));
        }
        let parsed = Policy::parse(text, PolicyPlace::Identity);
        parsed.map(drop).map_err(|error| malformed(format!("Syntax errors in policy. {error}")))
    }
}

impl TokenOwner {
    /// Returns the owner with all his tokens; none where everybody is meant.
    fn look(&self, rows: &mut Reader, account: AccountId) -> Result<Option<(Owner, Vec<PersonalTokenRow>)>, Fault> {
        let owner = match self {
            TokenOwner::User(name) => Owner::of_user(identity::load(rows, account, IdentityKind::User, name)?),
            TokenOwner::Person(person) => Owner::of_person(person),
            TokenOwner::Anybody => return Ok(None),
        };
        let tokens = personal_tokens::list(rows, account, &owner.id)?;
        Ok(Some((owner, tokens)))
    }
}

enum Change {
    /// Of the owner whom the act finds.
    Create(PersonalTokenRow),
    Revoke(String),
}

struct ChangePersonalTokens {
    account: AccountId,
    owner: TokenOwner,
    change: Change,
    actor: Arc<str>,
}

impl Act for ChangePersonalTokens {
    /// `None` where it is nobody's.
    type Seen = Option<(Owner, Vec<PersonalTokenRow>)>;
    type Plan = (Owner, PersonalTokenRow);
    type Answer = PersonalToken;
    const NAME: &'static str = "accounts.change_personal_tokens";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        lock(rows, self.account)?;
        if let Some(found) = self.owner.look(rows, self.account)? {
            return Ok(Some(found));
        }
        let token = match &self.change {
            Change::Revoke(id) => personal_tokens::find(rows, self.account, id)?,
            Change::Create(_) => None,
        };
        let Some(token) = token else { return Ok(None) };
        Ok(Owner::find(rows, self.account, &token)?.map(|owner| (owner, vec![token])))
    }

    fn decide(&self, seen: Self::Seen, _: Timestamp) -> Result<Self::Plan, Fault> {
        let Some((owner, tokens)) = seen else {
            return Err(Fault::new(FaultKind::NoSuchEntity, "There is no such personal token"));
        };
        let token = match &self.change {
            Change::Create(_) if owner.is_robot => {
                return Err(invalid("A robot has access keys, not personal tokens"));
            }
            Change::Create(_) if tokens.len() >= PERSONAL_TOKENS_MAX => {
                return Err(quota("PersonalTokensPerUser", PERSONAL_TOKENS_MAX));
            }
            Change::Create(row) => PersonalTokenRow { user_id: owner.id.clone(), ..row.clone() },
            Change::Revoke(id) => tokens.into_iter().find(|token| token.id == *id).ok_or_else(|| {
                let message = format!("{} has no personal token {id}", owner.name);
                Fault::new(FaultKind::NoSuchEntity, message)
            })?,
        };
        Ok((owner, token))
    }

    fn apply(&self, tx: &mut Tx, (owner, token): Self::Plan) -> Result<PersonalToken, Fault> {
        let event = match &self.change {
            Change::Create(_) => {
                personal_tokens::insert(tx, self.account, &token)?;
                "personal_token.created"
            }
            Change::Revoke(id) => {
                personal_tokens::delete(tx, self.account, id)?;
                "personal_token.revoked"
            }
        };
        let body = json!({
            "arn": owner.arn, "id": owner.id, "provider": owner.provider, "token": token.id, "name": token.name,
        });
        done(tx, self.account, event, &self.actor, body)?;
        Ok(PersonalToken::read(&owner, token))
    }
}

struct NotePersonalTokenUses {
    account: AccountId,
    uses: Vec<(Box<str>, Timestamp)>,
}

impl Write for NotePersonalTokenUses {
    type Answer = ();
    const NAME: &'static str = "accounts.note_personal_token_uses";
    const TRAIL: Trail = Trail::Housekeeping;
    const UNLOCKED: &'static str = "it asks nothing, and each of its statements keeps the later of two uses";

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        self.uses.iter().try_for_each(|(id, at)| personal_tokens::note_use(tx, self.account, id, *at))
    }
}
