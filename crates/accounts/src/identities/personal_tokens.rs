use super::{
    Identities, Identity, IdentityKind, done,
    faults::{invalid, malformed, quota},
    identity, lock,
};
use gantry_access::{
    personal_token, personal_token_hash,
    policy::{Policy, PolicyPlace},
};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Reader, Trail, Tx, Write,
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
    /// The name of its user.
    pub user: String,
    /// What its user calls it.
    pub name: String,
    /// The policy that it is narrowed to; `None` where it may what its user may.
    pub policy: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
    /// When it was last used, to the minute.
    pub used_at: Option<Timestamp>,
}

/// What a personal token is to be.
#[derive(Clone, Debug)]
pub struct NewPersonalToken {
    /// The name of its user.
    pub user: String,
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
    fn read(user: &Identity, row: PersonalTokenRow) -> Self {
        PersonalToken {
            id: row.id,
            user: user.name.clone(),
            name: row.name,
            policy: row.policy,
            created_at: row.created_at,
            expires_at: row.expires_at,
            used_at: row.used_at,
        }
    }
}

impl Identities {
    /// Makes a personal token for a user; it is shown this once.
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
        let row = PersonalTokenRow {
            id: self.draw_id("GTPT"),
            user_id: String::new(),
            name: new.name,
            hash: personal_token_hash(secret.reveal()).expect("it has just been made"),
            policy: new.policy,
            created_at: cx.now,
            expires_at: cx.now.plus(new.lifetime),
            used_at: None,
        };
        let (account, actor) = (cx.account, cx.actor.clone());
        let act = ChangePersonalTokens { account, user: new.user, change: Change::Create(row), actor };
        Ok((self.0.metadata.perform(cx, act).await?, secret))
    }

    /// Returns the personal tokens of a user: at most [`PERSONAL_TOKENS_MAX`].
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn list_personal_tokens(&self, account: AccountId, user: &str) -> Result<Vec<PersonalToken>, Fault> {
        let user = user.to_string();
        let look = move |rows: &mut Reader| {
            let user = identity::load(rows, account, IdentityKind::User, &user)?;
            let found = personal_tokens::list(rows, account, &user.id)?;
            Ok(found.into_iter().map(|row| PersonalToken::read(&user, row)).collect())
        };
        self.0.metadata.read(look).await
    }

    /// Removes a personal token of a user. With it goes all that came of it, at once.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], also where it is another user's.
    pub async fn revoke_personal_token(&self, cx: &Cx, user: &str, id: &str) -> Result<PersonalToken, Fault> {
        let change = Change::Revoke(id.into());
        let act = ChangePersonalTokens { account: cx.account, user: user.into(), change, actor: cx.actor.clone() };
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

enum Change {
    /// Of the user whom the act finds.
    Create(PersonalTokenRow),
    Revoke(String),
}

struct ChangePersonalTokens {
    account: AccountId,
    user: String,
    change: Change,
    actor: Arc<str>,
}

impl Act for ChangePersonalTokens {
    type Seen = (Identity, Vec<PersonalTokenRow>);
    type Plan = (Identity, PersonalTokenRow);
    type Answer = PersonalToken;
    const NAME: &'static str = "accounts.change_personal_tokens";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        lock(rows, self.account)?;
        let user = identity::load(rows, self.account, IdentityKind::User, &self.user)?;
        let tokens = personal_tokens::list(rows, self.account, &user.id)?;
        Ok((user, tokens))
    }

    fn decide(&self, (user, tokens): Self::Seen, _: Timestamp) -> Result<Self::Plan, Fault> {
        let token = match &self.change {
            Change::Create(_) if user.robot.is_some() => {
                return Err(invalid("A robot has access keys, not personal tokens"));
            }
            Change::Create(_) if tokens.len() >= PERSONAL_TOKENS_MAX => {
                return Err(quota("PersonalTokensPerUser", PERSONAL_TOKENS_MAX));
            }
            Change::Create(row) => PersonalTokenRow { user_id: user.id.clone(), ..row.clone() },
            Change::Revoke(id) => tokens.into_iter().find(|token| token.id == *id).ok_or_else(|| {
                let message = format!("The user {} has no personal token {id}", user.name);
                Fault::new(FaultKind::NoSuchEntity, message)
            })?,
        };
        Ok((user, token))
    }

    fn apply(&self, tx: &mut Tx, (user, token): Self::Plan) -> Result<PersonalToken, Fault> {
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
        let body = json!({"arn": user.arn(), "id": user.id, "token": token.id, "name": token.name});
        done(tx, self.account, event, &self.actor, body)?;
        Ok(PersonalToken::read(&user, token))
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
