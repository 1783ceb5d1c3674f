use crate::access::{UnusedDocument, UnusedGrantDocument};
use crate::json;
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Accounts, Granted};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape, is_recorded};
use gantry_chronicle::{Audit, SessionActions};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{Cx, Timestamp};
use http::StatusCode;
use schemars::JsonSchema;
use std::collections::{HashMap, HashSet};

const DAYS_MAX: i64 = 3_650;
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1_000;

/// Lists what policies grant to users, robots and roles and nobody used for some days, as far as the audit tells: it records
/// pulls, logins and changes, and what was counted together when its minute is over.
#[derive(JsonSchema)]
pub struct ListUnusedAccess;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// For how many days it was not used.
    #[schemars(with = "i32", default = "days_default", range(min = 1, max = DAYS_MAX))]
    days: i64,
}

fn days_default() -> i64 {
    90
}

/// For how many days.
pub struct Request(i64);

/// What nobody used.
pub struct Response(UnusedDocument);

impl Operation for ListUnusedAccess {
    type Wire = Rest;
    const NAME: &'static str = "ListUnusedAccess";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/access/unused");
    type Needs = (Accounts, Audit);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers::<UnusedDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        let actions = [action::IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS, action::GANTRY_LIST_AUDIT_RECORDS];
        actions.map(Access::to).into()
    }

    async fn call((accounts, audit): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let since = Timestamp::from_millis(cx.now.millis() - request.0 * DAY_MILLIS);
        let recorded: Vec<_> = action::ALL.iter().filter(|action| is_recorded(**action)).map(|action| action.name()).collect();
        let granted = accounts.grants(cx.account);
        let has_roles = granted.iter().any(|granted| granted.kind == "role");
        let sessions = if has_roles { audit.session_actions(cx.account, since).await? } else { nobody() };
        let mut used: HashMap<String, HashSet<&'static str>> = HashMap::new();
        for granted in granted.iter().filter(|granted| granted.kind != "role") {
            if !used.contains_key(&granted.principal) {
                let done = audit.actions_of(cx.account, &granted.principal, &recorded, since).await?;
                used.insert(granted.principal.clone(), done);
            }
        }
        let is_used = |granted: &Granted, action: &str| match granted.kind {
            "role" => {
                let name = granted.principal.rsplit('/').next().unwrap_or_default();
                sessions.actions.get(name).is_some_and(|done| done.contains(action))
            }
            _ => used.get(&granted.principal).is_some_and(|done| done.contains(action)),
        };
        let is_known = |granted: &Granted| granted.kind != "role" || sessions.is_complete;
        let grants = granted.into_iter().filter(is_known).filter_map(|granted| unused(granted, is_used)).collect();
        Ok(Response(UnusedDocument { since: since.to_string(), grants, are_roles_known: sessions.is_complete }))
    }
}

fn nobody() -> SessionActions {
    SessionActions { is_complete: true, ..SessionActions::default() }
}

/// What of a statement was not used; none where all of it was, or the audit would not tell.
fn unused(granted: Granted, is_used: impl Fn(&Granted, &str) -> bool) -> Option<UnusedGrantDocument> {
    let recorded: Vec<&str> =
        granted.actions.iter().filter(|action| is_recorded(**action)).map(|action| action.name()).collect();
    let unused: Vec<String> =
        recorded.iter().filter(|action| !is_used(&granted, action)).map(ToString::to_string).collect();
    let is_wholly_unused = unused.len() == recorded.len();
    (!unused.is_empty()).then(|| UnusedGrantDocument::of(granted, unused, is_wholly_unused))
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let days = match incoming.query("days") {
            None => days_default(),
            Some(text) => text.parse().ok().filter(|days| (1..=DAYS_MAX).contains(days)).ok_or_else(|| {
                let message = format!("days={text:?} is no number from 1 to {DAYS_MAX}");
                Fault::new(FaultKind::InvalidParameter, message)
            })?,
        };
        Ok(Request(days))
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(actions: &[gantry_access::Action]) -> Granted {
        Granted {
            kind: "user",
            principal: "arn:aws:iam::000000000000:user/ci".into(),
            group: None,
            policy: "own".into(),
            statement: 1,
            sid: None,
            actions: actions.into(),
        }
    }

    #[test]
    fn what_the_audit_records_and_nobody_did_is_unused() {
        let actions = [action::ECR_BATCH_GET_IMAGE, action::ECR_PUT_IMAGE, action::ECR_LIST_IMAGES];

        let found = unused(granted(&actions), |_, action| action == "ecr:BatchGetImage").unwrap();

        assert_eq!((found.unused, found.is_wholly_unused), (vec!["ecr:PutImage".to_string()], false));
        assert!(unused(granted(&actions), |_, _| false).unwrap().is_wholly_unused);
    }

    #[test]
    fn of_what_is_not_recorded_nothing_is_said() {
        let actions = [action::ECR_LIST_IMAGES, action::ECR_TAG_RESOURCE];

        assert_eq!(unused(granted(&actions), |_, _| false), None);
    }
}
