use super::{
    CURRENT, KeptSecret, KeptVersion, SecretValue, Secrets,
    create::check_token,
    done,
    faults::{invalid, version_exists},
    lock,
    name::{Realm, SecretName},
    secret::{Rows, load},
    stages,
};
use gantry_fault::Fault;
use gantry_metadata::{Act, Reader, Tx, secrets, secrets::VersionRow};
use gantry_words::{Cx, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// The longest name of a stage, in characters, and how many a version has at most (Secrets Manager API).
const STAGE_CHARS_MAX: usize = 256;
const STAGES_MAX: usize = 20;

/// A value to be written.
#[derive(Clone, Debug)]
pub struct NewVersion {
    /// Its id: who sends the same request again sends the same.
    pub token: String,
    /// The value.
    pub value: SecretValue,
    /// Its stages; `AWSCURRENT` where there are none.
    pub stages: Vec<String>,
}

/// A value that is written.
#[derive(Clone, Debug)]
pub struct Written {
    /// The secret as it is then.
    pub secret: KeptSecret,
    /// The version.
    pub version: KeptVersion,
}

impl Secrets {
    /// Writes a value, which takes its stages from the versions that had them; what was current becomes `AWSPREVIOUS`. The same
    /// request sent again changes nothing.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::SecretNotFound`], [`gantry_fault::FaultKind::InvalidParameter`];
    /// [`gantry_fault::FaultKind::SecretExists`] where the version is there with another value;
    /// [`gantry_fault::FaultKind::SecretInvalidRequest`] for a secret that is to be deleted;
    /// [`gantry_fault::FaultKind::SecretEncryptionFailed`].
    pub async fn put_value(&self, cx: &Cx, id: &str, new: NewVersion) -> Result<Written, Fault> {
        check_token(&new.token)?;
        new.value.check()?;
        check_stages(&new.stages)?;
        let (realm, name) = (self.realm(cx), self.realm(cx).read(id)?);
        let (place, looked_for) = (realm.clone(), name.clone());
        let held = self.0.metadata.read(move |rows| load(rows, &place, &looked_for)?.alive()).await?;
        let arn = realm.arn(&held.secret.name, &held.secret.suffix);
        let same = match held.versions.into_iter().find(|version| version.id == new.token) {
            Some(version) if self.open(cx, &arn, &version).await?.is_same(&new.value) => Some(version.sealed),
            Some(_) => return Err(version_exists(&new.token)),
            None => None,
        };
        let row = self.seal(cx, (&arn, &new.token), held.secret.kms_key.as_deref(), &new.value).await?;
        let asked = if new.stages.is_empty() { vec![CURRENT.into()] } else { new.stages };
        let act = PutValue { realm, name, row, stages: asked, same, actor: cx.actor.clone() };
        self.0.metadata.perform(cx, act).await
    }
}

fn check_stages(stages: &[String]) -> Result<(), Fault> {
    let is_good = |stage: &String| (1..=STAGE_CHARS_MAX).contains(&stage.chars().count());
    if stages.len() <= STAGES_MAX && stages.iter().all(is_good) {
        return Ok(());
    }
    Err(invalid(format!("VersionStages may be {STAGES_MAX}, of 1 to {STAGE_CHARS_MAX} characters each")))
}

struct PutValue {
    realm: Realm,
    name: SecretName,
    row: VersionRow,
    stages: Vec<String>,
    /// What a version of this id holds, where its value is known to be the same.
    same: Option<Vec<u8>>,
    actor: Arc<str>,
}

/// What is to be written.
struct Plan {
    rows: Rows,
    version: KeptVersion,
    gone: Vec<String>,
}

impl Act for PutValue {
    type Seen = Rows;
    /// Nothing to write where the version is there already: then only what is answered.
    type Plan = Result<Plan, Box<Written>>;
    type Answer = Written;
    const NAME: &'static str = "accounts.put_secret_value";

    fn gather(&self, rows: &mut Reader) -> Result<Rows, Fault> {
        lock(rows, self.realm.account)?;
        load(rows, &self.realm, &self.name)
    }

    fn decide(&self, seen: Rows, now: Timestamp) -> Result<Self::Plan, Fault> {
        let mut rows = seen.alive()?;
        if let Some(held) = rows.versions.iter().find(|version| version.id == self.row.id) {
            if self.same.as_ref() != Some(&held.sealed) {
                return Err(version_exists(&held.id));
            }
            let version = KeptVersion::read(held)?;
            return Ok(Err(Box::new(Written { secret: rows.show(&self.realm)?, version })));
        }
        rows.versions.push(self.row.clone());
        rows.secret.changed_at = now;
        let mut kept = rows.kept()?;
        for stage in &self.stages {
            stages::give(&mut kept, stage, &self.row.id);
        }
        let gone = stages::superfluous(&kept);
        rows.stage(&kept);
        let version = kept.pop().expect("one was added just now");
        Ok(Ok(Plan { rows, version, gone }))
    }

    fn apply(&self, tx: &mut Tx, plan: Self::Plan) -> Result<Written, Fault> {
        let Plan { mut rows, version, gone } = match plan {
            Ok(plan) => plan,
            Err(written) => return Ok(*written),
        };
        rows.write(tx, self.realm.account)?;
        for id in &gone {
            secrets::remove_version(tx, self.realm.account, &rows.secret.name, id)?;
        }
        rows.versions.retain(|version| !gone.contains(&version.id));
        let secret = rows.show(&self.realm)?;
        let body = json!({"arn": secret.arn, "version": version.id, "stages": version.stages});
        done(tx, "secret.value_written", &self.actor, body)?;
        Ok(Written { secret, version })
    }
}

impl Rows {
    /// Takes over the stages of versions in the same order.
    pub(super) fn stage(&mut self, kept: &[KeptVersion]) {
        for (row, version) in self.versions.iter_mut().zip(kept) {
            row.stages = version.print_stages();
        }
    }

    /// Writes the secret and all its versions.
    pub(super) fn write(&self, tx: &mut Tx, account: gantry_words::AccountId) -> Result<(), Fault> {
        secrets::put(tx, account, &self.secret)?;
        self.versions.iter().try_for_each(|version| secrets::put_version(tx, account, &self.secret.name, version))
    }
}
