use crate::{Access, Resource, ScopeVerb};
use gantry_words::RepositoryName;
use std::{collections::BTreeMap, sync::Arc};

/// Scopes one token may have.
const SCOPES_MAX: usize = 100;
/// Bytes of all scopes asked for together.
const BYTES_MAX: usize = 8 * 1024;

const PULL: u8 = 1;
const PUSH: u8 = 2;
const DELETE: u8 = 4;
const CATALOG: u8 = 8;

/// What a docker token was asked for: verbs on repositories, and the catalog. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes {
    repositories: Arc<BTreeMap<RepositoryName, u8>>,
    catalog: bool,
}

impl Scopes {
    /// Reads scopes as clients ask for them: `repository:<name>:<verb>,<verb>`, several joined by blanks, several texts.
    ///
    /// The name may hold a colon, so the type is split at the first and the verbs at the last one. What is unknown or
    /// malformed grants nothing and fails nothing; scopes of one repository are joined. Past a hundred scopes, or eight
    /// kilobytes, the rest grants nothing.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Scopes {
        let mut repositories: BTreeMap<RepositoryName, u8> = BTreeMap::new();
        let (mut catalog, mut bytes) = (false, 0);
        for scope in texts.into_iter().flat_map(|text| text.split(' ')).filter(|scope| !scope.is_empty()) {
            bytes += scope.len();
            if bytes > BYTES_MAX || repositories.len() >= SCOPES_MAX {
                break;
            }
            let Some((kind, rest)) = scope.split_once(':') else { continue };
            let Some((name, verbs)) = rest.rsplit_once(':') else { continue };
            let kind = kind.split_once('(').map_or(kind, |(kind, _)| kind);
            let verbs = verbs.split(',').fold(0, |bits, verb| bits | bits_of(verb));
            match kind {
                "registry" if name == "catalog" => catalog |= verbs & CATALOG != 0,
                "repository" if verbs & (PULL | PUSH | DELETE) != 0 => {
                    if let Ok(name) = name.parse() {
                        *repositories.entry(name).or_default() |= verbs & (PULL | PUSH | DELETE);
                    }
                }
                _ => {}
            }
        }
        Scopes { repositories: Arc::new(repositories), catalog }
    }

    /// Prints the scopes as clients ask for them, in the order of the names.
    pub fn print(&self) -> String {
        let verbs = |bits: u8| {
            let all = [(PULL, "pull"), (PUSH, "push"), (DELETE, "delete")];
            all.into_iter().filter(|(bit, _)| bits & bit != 0).map(|(_, verb)| verb).collect::<Vec<_>>().join(",")
        };
        let catalog = self.catalog.then(|| "registry:catalog:*".to_string());
        let repositories = self.repositories.iter().map(|(name, bits)| format!("repository:{name}:{}", verbs(*bits)));
        catalog.into_iter().chain(repositories).collect::<Vec<_>>().join(" ")
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.repositories.is_empty() && !self.catalog
    }

    /// Whether anything but pulls was asked for.
    pub fn has_pushes(&self) -> bool {
        self.repositories.values().any(|bits| bits & (PUSH | DELETE) != 0)
    }

    /// Whether a token with these scopes may try this.
    pub fn allows(&self, access: &Access) -> bool {
        let verbs = access.action.scope_verbs();
        match &access.resource {
            Resource::Registry => self.catalog && verbs.contains(&ScopeVerb::Catalog),
            Resource::Repository(name) => {
                let held = self.repositories.get(name).copied().unwrap_or(0);
                let bit = |verb: &ScopeVerb| match verb {
                    ScopeVerb::Pull => PULL,
                    ScopeVerb::Push => PUSH,
                    ScopeVerb::Delete => DELETE,
                    // Who may list repositories may see each of them.
                    ScopeVerb::Catalog if self.catalog => u8::MAX,
                    ScopeVerb::Catalog => PULL,
                };
                let wanted = verbs.iter().fold(0, |bits, verb| bits | bit(verb));
                held & wanted != 0 || (self.catalog && verbs.contains(&ScopeVerb::Catalog))
            }
        }
    }
}

fn bits_of(verb: &str) -> u8 {
    match verb {
        "pull" => PULL,
        "push" => PUSH,
        "delete" => DELETE,
        "*" => PULL | PUSH | DELETE | CATALOG,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action;

    #[test]
    fn scopes_are_joined_by_repository_whatever_way_they_come() {
        let scopes = Scopes::parse(["repository:b:push,pull repository:a:pull", "repository:a:delete"]);

        assert_eq!(scopes.print(), "repository:a:pull,delete repository:b:pull,push");
        assert_eq!(Scopes::parse([scopes.print().as_str()]), scopes);
    }

    #[test]
    fn a_star_is_every_verb() {
        assert_eq!(Scopes::parse(["repository:a:*"]).print(), "repository:a:pull,push,delete");
        assert_eq!(Scopes::parse(["registry:catalog:*"]).print(), "registry:catalog:*");
    }

    #[test]
    fn what_is_unknown_grants_nothing_and_fails_nothing() {
        for text in [
            "",
            ":",
            "repository",
            "repository:a",
            "repository:A:pull",
            "repository:a:fly",
            "plugin:a:pull",
            "x:y:z:pull",
        ] {
            assert!(Scopes::parse([text]).is_empty(), "{text}");
        }
        assert_eq!(Scopes::parse(["repository(plugin):a:pull"]).print(), "repository:a:pull");
    }

    #[test]
    fn a_name_with_a_port_is_no_repository_of_ours() {
        assert!(Scopes::parse(["repository:host:5000/a:pull"]).is_empty());
    }

    #[test]
    fn more_than_a_hundred_scopes_grant_no_more() {
        let many: String = (0..500).map(|number| format!("repository:r{number}:pull ")).collect();

        assert_eq!(Scopes::parse([many.as_str()]).repositories.len(), SCOPES_MAX);
    }

    #[test]
    fn either_of_two_verbs_may_ask_whether_a_blob_is_there() {
        let name = "a".parse().unwrap();
        let check = Access::on(action::ECR_BATCH_CHECK_LAYER_AVAILABILITY, &name);

        assert!(Scopes::parse(["repository:a:pull"]).allows(&check));
        assert!(Scopes::parse(["repository:a:push"]).allows(&check));
        assert!(!Scopes::parse(["repository:a:delete"]).allows(&check));
        assert!(!Scopes::parse(["repository:b:pull"]).allows(&check));
    }

    #[test]
    fn the_catalog_is_its_own_scope() {
        let list = Access::to(action::ECR_DESCRIBE_REPOSITORIES);

        assert!(Scopes::parse(["registry:catalog:*"]).allows(&list));
        assert!(!Scopes::parse(["repository:a:*"]).allows(&list));
    }
}
