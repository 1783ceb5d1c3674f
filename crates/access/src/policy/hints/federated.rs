//! Trust in identity providers that lets in more than was meant.

use super::{Statement, Test};
use crate::policy::HintSeverity::{self, Error, Warning};
use crate::policy::json::Node;

/// Claims that say of one project, or of one tenant, that it is that and no other, for ever.
const IDS: [&str; 7] = [
    "enterprise_id",
    "kubernetes.io.serviceaccount.uid",
    "namespace_id",
    "oid",
    "project_id",
    "repository_id",
    "repository_owner_id",
];
/// Providers at which anybody may have an account.
const SHARED: [&str; 5] = [
    "accounts.google.com",
    "app.terraform.io",
    "gitlab.com",
    "oidc.circleci.com",
    "token.actions.githubusercontent.com",
];
const GITHUB: &str = "token.actions.githubusercontent.com";
const SERVICE_ACCOUNTS: &str = "system:serviceaccount:";

/// Returns what is wrong with a statement of a trust policy that lets in those whom a provider vouches for.
pub(super) fn hints(statement: &Statement<'_>) -> Vec<(HintSeverity, String)> {
    let providers = statement.node.get("Principal").and_then(|principal| principal.get("Federated"));
    let Some(providers) = providers.and_then(Node::texts).filter(|_| statement.allows) else { return Vec::new() };
    let tests = statement.tests();
    let mut found = Vec::new();
    for provider in &providers {
        let host = provider.split_once(":oidc-provider/").map_or(*provider, |(_, host)| host);
        found.extend(of_provider(host, &Claims::of(host, &tests)));
    }
    let account = |provider: &&str| provider.split(':').nth(4).map(String::from);
    if providers.iter().map(account).any(|one| one != account(&providers[0])) {
        found
            .push((Error, "it trusts providers of several accounts; only those of the role's own are believed".into()));
    }
    found.dedup();
    found
}

/// What a statement asks of a provider's claims.
struct Claims<'a>(Vec<(&'a str, &'a Test<'a>)>);

impl<'a> Claims<'a> {
    /// The tests on keys of `host`. The claim is what stands behind it: its name may itself hold anything, and the host too.
    fn of(host: &str, tests: &'a [Test<'a>]) -> Self {
        let claim = |test: &'a Test<'a>| {
            let (of, claim) = test.key.rsplit_once(':')?;
            of.eq_ignore_ascii_case(host).then_some((claim, test))
        };
        Claims(tests.iter().filter_map(claim).collect())
    }

    fn on(&self, claim: &str) -> impl Iterator<Item = &'a Test<'a>> {
        self.0.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(claim)).map(|(_, test)| *test)
    }

    fn narrows(&self, claim: &str) -> bool {
        let is_there = self.on(claim).any(|test| test.operator == "Null" && test.values == ["false"]);
        self.on(claim).any(|test| test.narrows() || (is_there && test.narrows_where_present()))
    }

    fn values(&self, claim: &str) -> impl Iterator<Item = &'a str> {
        self.on(claim).filter(|test| test.narrows()).flat_map(|test| test.values.iter().copied())
    }
}

fn of_provider(host: &str, claims: &Claims<'_>) -> Vec<(HintSeverity, String)> {
    let mut found = Vec::new();
    let has_id = IDS.iter().any(|claim| claims.narrows(claim));
    if !claims.narrows("sub") && !has_id {
        let is_shared = SHARED.iter().any(|shared| host.split('/').next() == Some(*shared));
        found.push((
            Error,
            match is_shared {
                true => format!("everybody in the world who has an account at {host} may become this role; ask for its sub, or for the id of your organisation or project"),
                false => "whoever the provider knows may become this role; ask for its sub".into(),
            },
        ));
    }
    if !claims.narrows("aud") {
        found.push((Error, format!("tokens that were made for other services open this role; ask for {host}:aud")));
    }
    for claim in ["sub", "aud"] {
        let loose = claims.on(claim).find(|test| test.if_exists || test.operator.contains("Not"));
        found.extend(loose.map(|test| {
            let if_exists = if test.if_exists { "IfExists" } else { "" };
            (
                Error,
                format!(
                    "its {claim} is asked for with {}{if_exists}, which lets in all others; say which may come in",
                    test.operator
                ),
            )
        }));
    }
    found.extend(claims.values("sub").filter_map(of_subject));
    found.extend(of_names(host, claims));
    found
}

/// What is wrong with a value of `sub`. It is matched, never taken apart: a name may hold a colon.
fn of_subject(value: &str) -> Option<(HintSeverity, String)> {
    let fixed = value.split(['*', '?']).next().unwrap_or_default();
    let is_wild = fixed.len() < value.len();
    let project = ["repo:", "project_path:"].into_iter().find_map(|kind| fixed.strip_prefix(kind));
    if let Some(namespace) = fixed.strip_prefix(SERVICE_ACCOUNTS).filter(|_| is_wild)
        && !namespace.contains(':')
    {
        return Some((
            Error,
            format!("{value:?} fits service accounts of other namespaces too; write the namespace out"),
        ));
    }
    let is_open = match project {
        // The owner ends at the slash: before it, team* is team-evil too.
        Some(project) => is_wild && !project.contains('/'),
        None => is_wild && (fixed.is_empty() || value.ends_with(":*") && value.matches(':').count() < 2),
    };
    if is_open {
        return Some((
            Error,
            format!("the sub that it asks for, {value:?}, fits other projects too; say more of it before the *"),
        ));
    }
    if project.is_some_and(|project| is_wild && project.ends_with(':') && project.matches(':').count() == 1) {
        return Some((
            Warning,
            format!("{value:?} fits every branch and every pull request; name the branch or environment"),
        ));
    }
    value.ends_with(":pull_request").then(|| {
        (
            Warning,
            "workflows of pull requests may become this role, and who sends one is not known; let it pull only".into(),
        )
    })
}

/// Claims that say a name, which may be somebody else's tomorrow.
fn of_names(host: &str, claims: &Claims<'_>) -> Vec<(HintSeverity, String)> {
    let mut found = Vec::new();
    for claim in ["actor", "preferred_username"] {
        if claims.on(claim).next().is_some() {
            found.push((Error, format!("it asks for {claim}, which people may choose and change; ask for an id")));
        }
    }
    if claims.on("email").next().is_some() && !claims.narrows("email_verified") {
        found.push((Error, format!("it asks for email, which may be anybody's; ask for {host}:email_verified too")));
    }
    let workflow = claims.values("job_workflow_ref").find(|value| {
        let of = value.split_once('@').map_or("", |(_, of)| of);
        !of.starts_with("refs/") && !is_commit(of)
    });
    found.extend(workflow.map(|value| {
        (Error, format!("the workflow {value:?} fits every branch of its repository; end it in @refs/heads/NAME"))
    }));
    let is_pinned = ["repository_id", "repository_owner_id"].iter().any(|claim| claims.narrows(claim));
    if host == GITHUB && !is_pinned && claims.values("sub").any(has_names_only) {
        found.push((
            Warning,
            "the names in its sub belong to others once the organisation is renamed or deleted; ask for repository_id or \
             repository_owner_id too, or for the sub with ids that newer repositories have, repo:NAME-ID/NAME-ID:…"
                .into(),
        ));
    }
    found
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a sub of GitHub names its owner without the id.
fn has_names_only(value: &str) -> bool {
    let owner = value.strip_prefix("repo:").and_then(|rest| rest.split_once('/')).map(|(owner, _)| owner);
    let id = owner.and_then(|owner| owner.rsplit_once('-')).map(|(_, id)| id);
    owner.is_some() && !id.is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
}
