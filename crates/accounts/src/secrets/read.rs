use super::{
    CURRENT, KeptSecret, KeptVersion, SecretValue, Secrets,
    faults::{invalid, no_value},
    secret::load,
    stages,
};
use gantry_fault::Fault;
use gantry_words::Cx;

/// Which version is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionName {
    /// The one of this id.
    pub id: Option<String>,
    /// The one at this stage; `AWSCURRENT` where neither is said. Where both are, both must hold.
    pub stage: Option<String>,
}

/// A value that was read.
#[derive(Clone, Debug)]
pub struct VersionRead {
    /// The secret it is of.
    pub secret: KeptSecret,
    /// The version.
    pub version: KeptVersion,
    /// The value.
    pub value: SecretValue,
}

impl Secrets {
    /// Returns a value of a secret.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::SecretNotFound`], [`gantry_fault::FaultKind::InvalidParameter`];
    /// [`gantry_fault::FaultKind::SecretInvalidRequest`] for a secret that is to be deleted;
    /// [`gantry_fault::FaultKind::SecretDecryptionFailed`] where its key cannot be used.
    pub async fn value(&self, cx: &Cx, id: &str, wanted: &VersionName) -> Result<VersionRead, Fault> {
        let realm = self.realm(cx);
        let (place, name) = (realm.clone(), realm.read(id)?);
        let rows = self.0.metadata.read(move |rows| load(rows, &place, &name)?.alive()).await?;
        let secret = rows.show(&realm)?;
        let version = choose(&secret.versions, wanted)?.clone();
        let row = rows.versions.iter().find(|row| row.id == version.id).expect("it was chosen from these");
        let value = self.open(cx, &secret.arn, row).await?;
        Ok(VersionRead { secret, version, value })
    }
}

fn choose<'a>(versions: &'a [KeptVersion], wanted: &VersionName) -> Result<&'a KeptVersion, Fault> {
    let Some(id) = &wanted.id else {
        let stage = wanted.stage.as_deref().unwrap_or(CURRENT);
        return stages::holder(versions, stage).ok_or_else(|| no_value(&format!("staging label: {stage}")));
    };
    let found = versions.iter().find(|version| version.id == *id);
    let version = found.ok_or_else(|| no_value(&format!("VersionId: {id}")))?;
    match &wanted.stage {
        Some(stage) if !version.stages.contains(stage) => {
            Err(invalid(format!("The version {id} is not at the stage {stage}; give one of both")))
        }
        _ => Ok(version),
    }
}
