use crate::{
    Action, action,
    policy::{FINDING_SEVERITY, ImageKeys, SIGNED},
};
use gantry_words::{AccountId, Region, RepositoryName};
use std::borrow::Cow;

const IMAGE_TAG: &str = "gantry:ImageTag";
const IMAGE_DIGEST: &str = "gantry:ImageDigest";

/// What is asked for: an action on a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// What is to be done.
    pub action: Action,
    /// To what.
    pub resource: Resource,
    /// Another action that is as good: either one allowed is enough.
    pub alternative: Option<Action>,
    /// What policies can ask of the request because of what it is about: keys such as `gantry:ImageTag`, with their values.
    pub context: Vec<(Cow<'static, str>, Vec<Box<str>>)>,
}

/// What an action is done to, in the account that is addressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// One repository.
    Repository(RepositoryName),
    /// The registry as a whole: `*` in policies.
    Registry,
    /// Whichever repositories somebody may see: a list, which shows no others.
    Repositories,
    /// Anything else, of the account that is addressed.
    Owned {
        /// What ARNs call its service, such as `kms`.
        service: &'static str,
        /// What it is called there, such as `key/1234abcd-12ab-34cd-56ef-1234567890ab`.
        path: String,
    },
    /// Whatever has this ARN, of any account.
    Arn(String),
}

impl Access {
    /// An action on a repository, which need not exist.
    pub fn on(action: Action, repository: &RepositoryName) -> Self {
        Access { action, resource: Resource::Repository(repository.clone()), ..Access::to(action) }
    }

    /// An action on the registry as a whole.
    pub const fn to(action: Action) -> Self {
        Access { action, resource: Resource::Registry, alternative: None, context: Vec::new() }
    }

    /// An action on whichever repositories somebody may see: whoever has credentials may ask for such a list, and what it shows
    /// is decided for each of them.
    pub const fn to_list(action: Action) -> Self {
        Access { action, resource: Resource::Repositories, alternative: None, context: Vec::new() }
    }

    /// An action on something that is no repository, which need not exist: of the account that is addressed.
    pub fn of(action: Action, service: &'static str, path: impl Into<String>) -> Self {
        Access { resource: Resource::Owned { service, path: path.into() }, ..Access::to(action) }
    }

    /// An action on something that is no repository, by its whole ARN.
    pub fn on_arn(action: Action, arn: impl Into<String>) -> Self {
        Access { resource: Resource::Arn(arn.into()), ..Access::to(action) }
    }

    /// The same, also satisfied by `action` on the same resource.
    #[must_use]
    pub fn or(self, action: Action) -> Self {
        Access { alternative: Some(action), ..self }
    }

    /// The same, with the values of a key that policies can ask for.
    #[must_use]
    pub fn with(
        mut self,
        key: impl Into<Cow<'static, str>>,
        values: impl IntoIterator<Item = impl Into<Box<str>>>,
    ) -> Self {
        self.context.push((key.into(), values.into_iter().map(Into::into).collect()));
        self
    }

    /// The same, with the tags that a request brings: `aws:RequestTag/…`, `aws:TagKeys`.
    #[must_use]
    pub fn with_tags<'a>(self, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut keys: Vec<&str> = Vec::new();
        let mut access = self;
        for (key, value) in tags {
            keys.push(key);
            access = access.with(format!("aws:RequestTag/{key}"), [value]);
        }
        access.with("aws:TagKeys", keys)
    }

    /// The same, about an image with this tag or digest: `gantry:ImageTag`, `gantry:ImageDigest`.
    #[must_use]
    pub fn with_image(self, tag: Option<&str>, digest: Option<&str>) -> Self {
        let tagged = match tag {
            Some(tag) => self.with(IMAGE_TAG, [tag]),
            None => self,
        };
        match digest {
            Some(digest) => tagged.with(IMAGE_DIGEST, [digest]),
            None => tagged,
        }
    }

    /// The tag and the digest of the image it is about, each where it names one; `None` where it is about no image that is there
    /// already. What a push brings may have the tag of another image.
    pub fn image(&self) -> Option<(Option<&str>, Option<&str>)> {
        let value = |key| self.values(key).and_then(|values| values.first()).map(AsRef::as_ref);
        let (tag, digest) = (value(IMAGE_TAG), value(IMAGE_DIGEST));
        let is_there = self.action != action::ECR_PUT_IMAGE && (tag.is_some() || digest.is_some());
        is_there.then_some((tag, digest))
    }

    /// Returns which keys it has no values of, and not that there are none either, though it is about an image: those that are to
    /// be looked up.
    pub fn lacking_keys(&self) -> ImageKeys {
        let lacks = |key| self.image().is_some() && self.values(key).is_none();
        ImageKeys { severity: lacks(FINDING_SEVERITY), signed: lacks(SIGNED) }
    }

    fn values(&self, key: &str) -> Option<&[Box<str>]> {
        self.context.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, values)| &**values)
    }

    /// Returns the actions of which one must be allowed.
    pub fn actions(&self) -> impl Iterator<Item = Action> + use<> {
        std::iter::once(self.action).chain(self.alternative)
    }

    /// Returns the resource as policies name it.
    pub fn arn(&self, region: &Region, account: AccountId) -> String {
        self.resource.arn(region, account)
    }
}

impl Resource {
    /// Returns the name policies know it by: an ARN, or `*` for the registry as a whole.
    pub fn arn(&self, region: &Region, account: AccountId) -> String {
        match self {
            Resource::Repository(name) => format!("arn:aws:ecr:{region}:{account}:repository/{name}"),
            Resource::Registry => "*".into(),
            Resource::Repositories => format!("arn:aws:ecr:{region}:{account}:repository/*"),
            // What IAM has is the same in all regions, and its ARNs name none.
            Resource::Owned { service: service @ ("iam" | "sts"), path } => {
                format!("arn:aws:{service}::{account}:{path}")
            }
            Resource::Owned { service, path } => format!("arn:aws:{service}:{region}:{account}:{path}"),
            Resource::Arn(arn) => arn.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_an_image_is_wanted_of_one_that_is_there_and_not_of_one_that_is_pushed() {
        let on = |action| Access::on(action, &"team/app".parse().unwrap());
        let pull = on(action::ECR_BATCH_GET_IMAGE).with_image(Some("v1"), None);

        assert_eq!(pull.image(), Some((Some("v1"), None)));
        assert_eq!(pull.lacking_keys(), ImageKeys::ALL);
        let signed_only = ImageKeys { severity: false, signed: true };
        assert_eq!(pull.clone().with(FINDING_SEVERITY, ["HIGH"]).lacking_keys(), signed_only);
        let unknown = pull.with(FINDING_SEVERITY, [""; 0]);
        assert_eq!(unknown.lacking_keys(), signed_only, "it was looked up, and nothing is known");
        assert_eq!(unknown.with("gantry:signed", ["false"]).lacking_keys(), ImageKeys::NONE);
        assert_eq!(on(action::ECR_BATCH_GET_IMAGE).lacking_keys(), ImageKeys::NONE);
        assert_eq!(on(action::ECR_PUT_IMAGE).with_image(Some("v1"), None).lacking_keys(), ImageKeys::NONE);
    }

    #[test]
    fn a_resource_is_named_as_in_policies() {
        let name = "team/app".parse().unwrap();
        let arn = |access: Access| access.arn(&Region::default(), AccountId::DEFAULT);

        assert_eq!(
            arn(Access::on(action::ECR_PUT_IMAGE, &name)),
            "arn:aws:ecr:us-east-1:000000000000:repository/team/app"
        );
        assert_eq!(arn(Access::to(action::ECR_GET_AUTHORIZATION_TOKEN)), "*");
        assert_eq!(
            arn(Access::of(action::IAM_GET_USER, "iam", "user/team/ann")),
            "arn:aws:iam::000000000000:user/team/ann"
        );
        assert_eq!(
            arn(Access::of(action::KMS_DESCRIBE_KEY, "kms", "key/1234abcd")),
            "arn:aws:kms:us-east-1:000000000000:key/1234abcd"
        );
        let role = "arn:aws:iam::222222222222:role/deploy";
        assert_eq!(arn(Access::on_arn(action::STS_ASSUME_ROLE, role)), role);
    }
}
