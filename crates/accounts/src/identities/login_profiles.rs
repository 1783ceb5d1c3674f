use super::{Identities, Identity, IdentityKind, done, faults::invalid, identity, lock};
use gantry_access::{check_password, hash_password};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Reader, Tx,
    identities::login_profiles::{self, LoginProfileRow},
};
use gantry_words::{AccountId, Cx, Secret, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// That a user has a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginProfile {
    /// The name of the user.
    pub user: String,
    /// Whether it is only good for choosing another.
    pub must_change: bool,
    /// When the user first had one.
    pub created_at: Timestamp,
}

/// What is to become of a user's password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordChange {
    /// The first: there must be none.
    Create,
    /// Another: there must be one.
    Update,
    /// The first or another.
    Set,
}

impl Identities {
    /// Gives a user a password. What came of the one before is worth nothing then.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`]; [`FaultKind::EntityAlreadyExists`]; [`FaultKind::PasswordPolicyViolation`].
    pub async fn put_password(
        &self,
        cx: &Cx,
        user: &str,
        password: &Secret<String>,
        must_change: bool,
        change: PasswordChange,
    ) -> Result<LoginProfile, Fault> {
        let user = self.load(cx.account, IdentityKind::User, user).await?;
        let hash = self.hash(password, &user.name).await?;
        let row = LoginProfileRow { user_id: user.id, id: self.draw_id("GTPW"), hash, must_change, created_at: cx.now };
        self.change_password(cx, &user.name, Change::Put(row, change)).await
    }

    /// Says that a user's password is only good for choosing another, or that it is good.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn set_password_must_change(
        &self,
        cx: &Cx,
        user: &str,
        must_change: bool,
    ) -> Result<LoginProfile, Fault> {
        self.change_password(cx, user, Change::Mark(must_change)).await
    }

    /// Takes the password from a user.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn delete_password(&self, cx: &Cx, user: &str) -> Result<(), Fault> {
        self.change_password(cx, user, Change::Delete).await.map(drop)
    }

    /// Returns whether a user has a password, and what of it; an error where there is none.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn load_login_profile(&self, account: AccountId, user: &str) -> Result<LoginProfile, Fault> {
        let user = user.to_string();
        let look = move |rows: &mut Reader| {
            let user = identity::load(rows, account, IdentityKind::User, &user)?;
            let found = login_profiles::find(rows, account, &user.id)?;
            found.map(|row| read(&user, &row)).ok_or_else(|| no_login_profile(&user.name))
        };
        self.0.metadata.read(look).await
    }

    /// Hashes a password, away from what must not wait.
    async fn hash(&self, password: &Secret<String>, name: &str) -> Result<String, Fault> {
        check_password(password.reveal(), name)
            .map_err(|error| Fault::new(FaultKind::PasswordPolicyViolation, error.to_string()))?;
        let (password, salt) = (password.clone(), self.0.env.random());
        Ok(self.0.hasher.run(move || hash_password(password.reveal(), &salt)).await?)
    }

    async fn change_password(&self, cx: &Cx, user: &str, change: Change) -> Result<LoginProfile, Fault> {
        let act = ChangePassword { account: cx.account, user: user.into(), change, actor: cx.actor.clone() };
        self.0.metadata.perform(cx, act).await
    }
}

fn read(user: &Identity, row: &LoginProfileRow) -> LoginProfile {
    LoginProfile { user: user.name.clone(), must_change: row.must_change, created_at: row.created_at }
}

fn no_login_profile(user: &str) -> Fault {
    Fault::new(FaultKind::NoSuchEntity, format!("Login Profile for User {user} cannot be found."))
}

enum Change {
    Put(LoginProfileRow, PasswordChange),
    Mark(bool),
    Delete,
}

struct ChangePassword {
    account: AccountId,
    user: String,
    change: Change,
    actor: Arc<str>,
}

impl Act for ChangePassword {
    type Seen = (Identity, Option<LoginProfileRow>);
    type Plan = (Identity, LoginProfileRow, &'static str);
    type Answer = LoginProfile;
    const NAME: &'static str = "accounts.change_password";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        lock(rows, self.account)?;
        let user = identity::load(rows, self.account, IdentityKind::User, &self.user)?;
        let found = login_profiles::find(rows, self.account, &user.id)?;
        Ok((user, found))
    }

    fn decide(&self, (user, found): Self::Seen, _: Timestamp) -> Result<Self::Plan, Fault> {
        let (row, event) = match (&self.change, found) {
            (Change::Put(..), _) if user.robot.is_some() => {
                return Err(invalid("A robot has access keys, not a password"));
            }
            // The name was given away while the password was hashed.
            (Change::Put(row, _), _) if row.user_id != user.id => {
                let message = format!("The user {} was made anew meanwhile; try again", user.name);
                return Err(Fault::new(FaultKind::ConcurrentModification, message));
            }
            (Change::Put(_, PasswordChange::Create), Some(_)) => {
                let message = format!("Login Profile for user {} already exists.", user.name);
                return Err(Fault::new(FaultKind::EntityAlreadyExists, message));
            }
            (Change::Put(_, PasswordChange::Update) | Change::Mark(_) | Change::Delete, None) => {
                return Err(no_login_profile(&user.name));
            }
            (Change::Put(row, _), None) => (row.clone(), "password.created"),
            (Change::Put(row, _), Some(found)) => {
                (LoginProfileRow { created_at: found.created_at, ..row.clone() }, "password.changed")
            }
            (Change::Mark(must_change), Some(found)) => {
                (LoginProfileRow { must_change: *must_change, ..found }, "password.changed")
            }
            (Change::Delete, Some(found)) => (found, "password.deleted"),
        };
        Ok((user, row, event))
    }

    fn apply(&self, tx: &mut Tx, (user, row, event): Self::Plan) -> Result<LoginProfile, Fault> {
        match &self.change {
            Change::Delete => login_profiles::delete(tx, self.account, &user.id)?,
            Change::Put(..) | Change::Mark(_) => login_profiles::put(tx, self.account, &row)?,
        }
        done(tx, self.account, event, &self.actor, json!({"arn": user.arn(), "id": user.id}))?;
        Ok(read(&user, &row))
    }
}
