use crate::Action;
use gantry_words::{AccountId, Region, RepositoryName};

/// What is asked for: an action on a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// What is to be done.
    pub action: Action,
    /// To what.
    pub resource: Resource,
    /// Another action that is as good: either one allowed is enough.
    pub alternative: Option<Action>,
}

/// What an action is done to, in the account that is addressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// One repository.
    Repository(RepositoryName),
    /// The registry as a whole: `*` in policies.
    Registry,
}

impl Access {
    /// An action on a repository, which need not exist.
    pub fn on(action: Action, repository: &RepositoryName) -> Self {
        Access { action, resource: Resource::Repository(repository.clone()), alternative: None }
    }

    /// An action on the registry as a whole.
    pub const fn to(action: Action) -> Self {
        Access { action, resource: Resource::Registry, alternative: None }
    }

    /// The same, also satisfied by `action` on the same resource.
    #[must_use]
    pub fn or(self, action: Action) -> Self {
        Access { alternative: Some(action), ..self }
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action;

    #[test]
    fn a_resource_is_named_as_in_policies() {
        let name = "team/app".parse().unwrap();
        let arn = |access: Access| access.arn(&Region::default(), AccountId::DEFAULT);

        assert_eq!(
            arn(Access::on(action::ECR_PUT_IMAGE, &name)),
            "arn:aws:ecr:us-east-1:000000000000:repository/team/app"
        );
        assert_eq!(arn(Access::to(action::ECR_GET_AUTHORIZATION_TOKEN)), "*");
    }
}
