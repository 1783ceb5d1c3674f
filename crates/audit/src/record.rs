use crate::{
    Entry, Hash, Kind, Outcome,
    json::Json,
    text::{TEXT_BYTES_MAX, bounded},
};
use aws_lc_rs::digest::{Context, SHA256};
use gantry_words::{AccountId, Region, Timestamp};
use serde_json::Value;

/// The most bytes of a change's own account of itself.
const CHANGE_BYTES_MAX: usize = 4096;
/// The most bytes of a name: an ARN, a repository.
const NAME_BYTES_MAX: usize = 2048;

/// A fact as it is recorded: one, or several that were counted together.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What kind of fact it is.
    pub kind: Kind,
    /// When the first of them was.
    pub first_at: Timestamp,
    /// When the last of them was.
    pub last_at: Timestamp,
    /// How many there were.
    pub count: u64,
    /// The account in whose audit it is.
    pub account: AccountId,
    /// The account whose registry is addressed.
    pub owner: AccountId,
    /// Who acted.
    pub principal: String,
    /// Whether he came with credentials of a session.
    pub is_session: bool,
    /// How he became a role; empty where he did not.
    pub session: Session,
    /// Where from, as text; empty from a Unix socket and for jobs.
    pub source: String,
    /// What the client of the first called itself.
    pub user_agent: String,
    /// What was asked for.
    pub action: String,
    /// The operation of this server.
    pub operation: String,
    /// The repository.
    pub repository: String,
    /// The digest.
    pub digest: String,
    /// The tag of the first.
    pub tag: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Which refusal it was.
    pub error_code: String,
    /// Why it was refused or failed.
    pub error_message: String,
    /// What decided.
    pub statement: String,
    /// The request of the first.
    pub request_id: String,
    /// What was changed by it, act by act.
    pub changes: Vec<Change>,
}

/// How somebody became a role.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Session {
    /// The unique id of the role.
    pub role_id: String,
    /// When the session began.
    pub began_at: Timestamp,
    /// The identity provider that vouched for him.
    pub provider: String,
}

/// What an act changed, as its row of the change trail and its event say.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The act.
    pub act: String,
    /// The event's kind; empty where there was none.
    pub event: String,
    /// What the event says, as JSON; empty where there was none.
    pub body: String,
}

impl Record {
    /// The record of one fact; texts of strangers are bounded and made harmless.
    pub fn of(entry: &Entry<'_>) -> Self {
        let text = |text: &str| bounded(text, TEXT_BYTES_MAX);
        Record {
            kind: entry.kind,
            first_at: entry.at,
            last_at: entry.at,
            count: 1,
            account: entry.account,
            owner: entry.owner,
            principal: bounded(entry.principal, NAME_BYTES_MAX),
            is_session: entry.is_session,
            session: entry.role_session.map_or_else(Session::default, |session| Session {
                role_id: text(session.role_id),
                began_at: session.began_at,
                provider: bounded(session.provider, NAME_BYTES_MAX),
            }),
            source: entry.source.map_or_else(String::new, |address| address.to_string()),
            user_agent: text(entry.user_agent),
            action: text(entry.action),
            operation: text(entry.operation),
            repository: bounded(entry.repository, NAME_BYTES_MAX),
            digest: text(entry.digest),
            tag: text(entry.tag),
            outcome: entry.outcome,
            error_code: text(entry.error_code),
            error_message: bounded(entry.error_message, NAME_BYTES_MAX),
            statement: bounded(entry.statement, NAME_BYTES_MAX),
            request_id: entry.request_id.to_string(),
            changes: vec![],
        }
    }

    /// A record of what the server did by itself, with what there is to say of it.
    pub fn service(account: AccountId, actor: &str, action: &str, at: Timestamp, body: &Value) -> Self {
        Record {
            kind: Kind::Service,
            first_at: at,
            last_at: at,
            count: 1,
            account,
            owner: account,
            principal: bounded(actor, NAME_BYTES_MAX),
            is_session: false,
            session: Session::default(),
            source: String::new(),
            user_agent: String::new(),
            action: action.into(),
            operation: String::new(),
            repository: String::new(),
            digest: String::new(),
            tag: String::new(),
            outcome: Outcome::Success,
            error_code: String::new(),
            error_message: String::new(),
            statement: String::new(),
            request_id: String::new(),
            changes: vec![Change { act: String::new(), event: String::new(), body: body.to_string() }],
        }
    }

    /// Prints it as it is stored, hashed and exported: a line of JSON in the shape of a CloudTrail record (AWS CloudTrail
    /// User Guide, "CloudTrail record contents"), keys in the order of their bytes. What CloudTrail has no words for stands
    /// below `additionalEventData.gantry`; what is not known is left out. `seq` is its place in the chain of `writer`; both
    /// are in `eventID`.
    pub fn print(&self, region: &Region, writer: i64, seq: u64) -> String {
        let is_service = self.kind == Kind::Service || self.principal.starts_with("gantry:");
        let (service, name) = self.action.split_once(':').unwrap_or(("gantry", &self.action));
        let source = if is_service && self.source.is_empty() { "AWS Internal" } else { &self.source };
        let has_repository = !self.repository.is_empty();
        let mut json = Json::begin();
        json.object("additionalEventData", |json| json.object("gantry", |json| self.print_own(json)));
        json.text("awsRegion", region.as_str());
        json.text("errorCode", &self.error_code);
        json.text("errorMessage", &self.error_message);
        json.text("eventID", &event_id(writer, seq));
        json.text("eventName", name);
        json.text("eventSource", &format!("{service}.amazonaws.com"));
        json.text("eventTime", &seconds(self.first_at));
        json.text("eventType", if is_service { "AwsServiceEvent" } else { "AwsApiCall" });
        json.text("eventVersion", "1.08");
        json.raw("readOnly", if matches!(self.kind, Kind::Change | Kind::Service) { "false" } else { "true" });
        json.text("recipientAccountId", self.account.as_str());
        json.text("requestID", &self.request_id);
        match has_repository {
            false => json.raw("requestParameters", "null"),
            true => json.object("requestParameters", |json| {
                json.text("imageDigest", &self.digest);
                json.text("imageTag", &self.tag);
                json.text("repositoryName", &self.repository);
            }),
        }
        if has_repository {
            json.list("resources", |json| {
                json.item(|json| {
                    json.text("ARN", &format!("arn:aws:ecr:{region}:{}:repository/{}", self.owner, self.repository));
                    json.text("accountId", self.owner.as_str());
                    json.text("type", "AWS::ECR::Repository");
                });
            });
        }
        json.raw("responseElements", "null");
        if self.is_between_accounts() {
            json.text("sharedEventID", &self.request_id);
        }
        json.text("sourceIPAddress", source);
        json.text("userAgent", &self.user_agent);
        json.object("userIdentity", |json| identity(json, &self.principal, &self.session, is_service));
        json.end()
    }

    /// Whether who acts belongs to another account than what he acts on: then each of them has a record of its own.
    fn is_between_accounts(&self) -> bool {
        let account = self.principal.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(3));
        account.is_some_and(|account| !account.is_empty() && account != self.owner.as_str())
    }

    fn print_own(&self, json: &mut Json) {
        json.text("action", &self.action);
        json.list("changes", |json| {
            self.changes.iter().for_each(|change| json.item(|json| print_change(json, change)))
        });
        json.raw("count", &self.count.to_string());
        json.text("digest", &self.digest);
        json.raw("firstAt", &self.first_at.millis().to_string());
        json.text("kind", self.kind.as_str());
        json.raw("lastAt", &self.last_at.millis().to_string());
        json.text("operation", &self.operation);
        json.text("outcome", self.outcome.as_str());
        if self.owner != self.account {
            json.text("owner", self.owner.as_str());
        }
        json.text("principal", &self.principal);
        json.raw("session", if self.is_session { "true" } else { "false" });
        if !self.session.role_id.is_empty() {
            json.raw("sessionAt", &self.session.began_at.millis().to_string());
        }
        json.text("statement", &self.statement);
        json.text("tag", &self.tag);
    }

    /// Prints it as it waits to be chained; [`Record::parse_open`] reads it.
    pub fn print_open(&self, region: &Region) -> String {
        self.print(region, 0, 0)
    }

    /// Reads a record that waited to be chained.
    pub fn parse_open(text: &str) -> Option<Record> {
        let value: Value = serde_json::from_str(text).ok()?;
        let own = &value["additionalEventData"]["gantry"];
        let of = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let account = value["recipientAccountId"].as_str()?.parse().ok()?;
        let context = &value["userIdentity"]["sessionContext"];
        Some(Record {
            kind: Kind::parse(own["kind"].as_str()?)?,
            first_at: Timestamp::from_millis(own["firstAt"].as_i64()?),
            last_at: Timestamp::from_millis(own["lastAt"].as_i64()?),
            count: own["count"].as_u64()?,
            account,
            owner: own["owner"].as_str().map_or(Some(account), |owner| owner.parse().ok())?,
            principal: of(&own["principal"]),
            is_session: own["session"].as_bool()?,
            session: Session {
                role_id: of(&context["sessionIssuer"]["principalId"]),
                began_at: own["sessionAt"].as_i64().map(Timestamp::from_millis).unwrap_or_default(),
                provider: of(&context["webIdFederationData"]["federatedProvider"]),
            },
            source: of(&value["sourceIPAddress"]),
            user_agent: of(&value["userAgent"]),
            action: of(&own["action"]),
            operation: of(&own["operation"]),
            repository: of(&value["requestParameters"]["repositoryName"]),
            digest: of(&own["digest"]),
            tag: of(&own["tag"]),
            outcome: Outcome::parse(own["outcome"].as_str()?)?,
            error_code: of(&value["errorCode"]),
            error_message: of(&value["errorMessage"]),
            statement: of(&own["statement"]),
            request_id: of(&value["requestID"]),
            changes: vec![],
        })
    }
}

fn print_change(json: &mut Json, change: &Change) {
    json.text("act", &change.act);
    match change.body.len() {
        0 => {}
        1..=CHANGE_BYTES_MAX => json.raw("body", &change.body),
        bytes => json.object("body", |json| json.raw("leftOutBytes", &bytes.to_string())),
    }
    json.text("event", &change.event);
}

/// CloudTrail's `userIdentity` of an ARN ("CloudTrail userIdentity element").
fn identity(json: &mut Json, principal: &str, session: &Session, is_service: bool) {
    let mut parts = principal.splitn(6, ':');
    let (account, name) = (parts.nth(4).unwrap_or_default(), parts.next().unwrap_or_default());
    match name.split('/').next().unwrap_or_default() {
        _ if is_service => {
            json.text("invokedBy", "AWS Internal");
            json.text("type", "AWSService");
        }
        "root" => {
            json.text("accountId", account);
            json.text("arn", principal);
            json.text("principalId", account);
            json.text("type", "Root");
        }
        "user" => {
            json.text("accountId", account);
            json.text("arn", principal);
            json.text("type", "IAMUser");
            json.text("userName", name.rsplit('/').next().unwrap_or_default());
        }
        "assumed-role" => {
            let role = name.split('/').nth(1).unwrap_or_default();
            json.text("accountId", account);
            json.text("arn", principal);
            let name = name.split('/').nth(2).unwrap_or_default();
            if !session.role_id.is_empty() {
                json.text("principalId", &format!("{}:{name}", session.role_id));
            }
            json.object("sessionContext", |json| {
                if !session.role_id.is_empty() {
                    json.object("attributes", |json| {
                        json.text("creationDate", &seconds(session.began_at));
                        json.text("mfaAuthenticated", "false");
                    });
                }
                json.object("sessionIssuer", |json| {
                    json.text("accountId", account);
                    json.text("arn", &format!("arn:aws:iam::{account}:role/{role}"));
                    json.text("principalId", &session.role_id);
                    json.text("type", "Role");
                    json.text("userName", role);
                });
                if !session.provider.is_empty() {
                    json.object("webIdFederationData", |json| {
                        json.raw("attributes", "{}");
                        json.text("federatedProvider", &session.provider);
                    });
                }
            });
            json.text("type", "AssumedRole");
        }
        "oidc-provider" => {
            let (provider, subject) = principal.split_once('#').unwrap_or((principal, ""));
            json.text("identityProvider", provider);
            json.text("principalId", principal);
            json.text("type", "WebIdentityUser");
            json.text("userName", subject);
        }
        _ if principal == "anonymous" => {
            json.text("accountId", "ANONYMOUS_PRINCIPAL");
            json.text("principalId", "ANONYMOUS_PRINCIPAL");
            json.text("type", "AWSAccount");
        }
        _ => {
            json.text("arn", principal);
            json.text("type", "Unknown");
        }
    }
}

/// A moment as CloudTrail prints it: whole seconds of UTC.
fn seconds(at: Timestamp) -> String {
    let text = at.to_string();
    text.split_once('.').map_or_else(|| text.clone(), |(whole, _)| format!("{whole}Z"))
}

/// A UUID made of writer and place.
fn event_id(writer: i64, seq: u64) -> String {
    let digits = format!("{writer:016x}{seq:016x}");
    format!("{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
}

/// Where a record says it belongs, by its `eventID`.
pub(crate) fn place(event_id: &str) -> Option<(i64, u64)> {
    let digits: String = event_id.split('-').collect();
    let (writer, seq) = (digits.get(..16)?, digits.get(16..32)?);
    let writer = u64::from_str_radix(writer, 16).ok()?;
    Some((i64::from_ne_bytes(writer.to_ne_bytes()), u64::from_str_radix(seq, 16).ok()?))
}

/// What a record is found by: numbers for the columns of the database. They follow from the record's bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Milliseconds since 1970 of the first fact.
    pub at: i64,
    /// The account's number.
    pub account: i64,
    /// [`key`] of the principal.
    pub principal: i64,
    /// [`key`] of the repository.
    pub repository: i64,
    /// [`key`] of the digest.
    pub digest: i64,
    /// [`key`] of the action.
    pub action: i64,
    /// [`Outcome::number`].
    pub outcome: i64,
}

impl Columns {
    /// Returns the columns of a record: those that its bytes have, without reading them.
    pub fn of_record(record: &Record) -> Columns {
        let key_of = |text: &str| key(record.account, text);
        Columns {
            at: record.first_at.millis(),
            account: number(record.account),
            principal: key_of(&record.principal),
            repository: key_of(&record.repository),
            digest: key_of(&record.digest),
            action: key_of(&record.action),
            outcome: record.outcome.number(),
        }
    }

    /// Returns the columns of a record as it is stored; `None` where it is no record.
    pub fn of(bytes: &str) -> Option<Columns> {
        let value: Value = serde_json::from_str(bytes).ok()?;
        Columns::of_value(&value)
    }

    pub(crate) fn of_value(value: &Value) -> Option<Columns> {
        let own = &value["additionalEventData"]["gantry"];
        let account: AccountId = value["recipientAccountId"].as_str()?.parse().ok()?;
        let key_of = |value: &Value| key(account, value.as_str().unwrap_or_default());
        Some(Columns {
            at: own["firstAt"].as_i64()?,
            account: number(account),
            principal: key_of(&own["principal"]),
            repository: key_of(&value["requestParameters"]["repositoryName"]),
            digest: key_of(&own["digest"]),
            action: key_of(&own["action"]),
            outcome: Outcome::parse(own["outcome"].as_str()?)?.number(),
        })
    }
}

/// The number of an account.
pub fn number(account: AccountId) -> i64 {
    account.as_str().parse().unwrap_or_default()
}

/// What a text of an account is found by: the first 64 bits of a SHA-256 over both; 0 for none.
///
/// Two texts may share a key, by an accident of 1 in 2^64: who searches by it looks at the record too.
pub fn key(account: AccountId, text: &str) -> i64 {
    if text.is_empty() {
        return 0;
    }
    let mut context = Context::new(&SHA256);
    context.update(account.as_str().as_bytes());
    context.update(&[0]);
    context.update(text.as_bytes());
    let hash = context.finish();
    hash.as_ref().first_chunk().copied().map_or(0, i64::from_be_bytes)
}

/// Prints a hash.
pub fn print_hash(hash: &Hash) -> String {
    hex::encode(hash)
}

/// Reads a hash: 64 hexadecimal digits in lower case.
pub fn parse_hash(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok()?;
    (print_hash(&hash) == text).then_some(hash)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use gantry_words::RequestId;

    pub(crate) fn entry() -> Entry<'static> {
        Entry {
            kind: Kind::Pull,
            at: Timestamp::from_millis(1_800_000_000_123),
            account: AccountId::DEFAULT,
            owner: AccountId::DEFAULT,
            principal: "arn:aws:iam::000000000000:user/ci",
            is_session: false,
            role_session: None,
            source: Some([10, 0, 0, 7].into()),
            user_agent: "docker/28.0",
            action: "ecr:BatchGetImage",
            operation: "GetManifest",
            repository: "team/app",
            digest: "sha256:aa",
            tag: "v1",
            outcome: Outcome::Success,
            error_code: "",
            error_message: "",
            statement: "ci-pull/0",
            request_id: RequestId::new([1; 16]),
        }
    }

    #[test]
    fn a_record_has_the_shape_of_cloudtrail_and_what_that_lacks_below_its_own_name() {
        let text = Record::of(&entry()).print(&Region::default(), 0x1234, 7);

        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["eventName"], "BatchGetImage");
        assert_eq!(value["eventSource"], "ecr.amazonaws.com");
        assert_eq!(value["eventTime"], "2027-01-15T08:00:00Z");
        assert_eq!(value["eventID"], "00000000-0000-1234-0000-000000000007");
        assert_eq!(value["userIdentity"]["type"], "IAMUser");
        assert_eq!(value["userIdentity"]["userName"], "ci");
        assert_eq!(value["resources"][0]["ARN"], "arn:aws:ecr:us-east-1:000000000000:repository/team/app");
        assert_eq!(value["additionalEventData"]["gantry"]["statement"], "ci-pull/0");
        assert_eq!(value.to_string(), text, "printed again it is the same");
        assert_eq!(place(value["eventID"].as_str().unwrap()), Some((0x1234, 7)));
    }

    #[test]
    fn principals_are_told_apart_as_cloudtrail_does() {
        let identity = |principal| {
            let mut json = Json::begin();
            identity(&mut json, principal, &Session::default(), false);
            serde_json::from_str::<Value>(&json.end()).unwrap()
        };
        let kind = |principal| identity(principal)["type"].clone();

        assert_eq!(kind("arn:aws:iam::000000000000:root"), "Root");
        assert_eq!(kind("arn:aws:sts::000000000000:assumed-role/deploy/s1"), "AssumedRole");
        assert_eq!(kind("arn:aws:iam::000000000000:oidc-provider/ci.example.com/x#repo:a/b"), "WebIdentityUser");
        assert_eq!(kind("anonymous"), "AWSAccount");
        assert_eq!(kind(""), "Unknown");
        let session = identity("arn:aws:sts::000000000000:assumed-role/deploy/s1");
        assert_eq!(session["sessionContext"]["sessionIssuer"]["arn"], "arn:aws:iam::000000000000:role/deploy");
    }

    fn session() -> Entry<'static> {
        let provider = "arn:aws:iam::111111111111:oidc-provider/token.actions.example.com";
        let began_at = Timestamp::from_millis(1_799_999_000_000);
        Entry {
            principal: "arn:aws:sts::111111111111:assumed-role/deploy/run-7",
            is_session: true,
            role_session: Some(crate::RoleSession { role_id: "AROAEXAMPLE", began_at, provider }),
            ..entry()
        }
    }

    #[test]
    fn a_session_of_a_role_says_whose_it_is_since_when_and_who_vouched_for_it() {
        let text = Record::of(&session()).print(&Region::default(), 1, 1);

        let identity = &serde_json::from_str::<Value>(&text).unwrap()["userIdentity"];
        assert_eq!(identity["principalId"], "AROAEXAMPLE:run-7");
        let context = &identity["sessionContext"];
        assert_eq!(context["sessionIssuer"]["principalId"], "AROAEXAMPLE");
        assert_eq!(context["attributes"]["creationDate"], "2027-01-15T07:43:20Z");
        let provider = "arn:aws:iam::111111111111:oidc-provider/token.actions.example.com";
        assert_eq!(context["webIdFederationData"]["federatedProvider"], provider);
    }

    #[test]
    fn a_request_between_accounts_leaves_a_record_in_each_and_both_say_that_they_are_one() {
        let caller: AccountId = "111111111111".parse().unwrap();
        let print = |account| {
            let text = Record::of(&Entry { account, ..session() }).print(&Region::default(), 1, 1);
            serde_json::from_str::<Value>(&text).unwrap()
        };

        let (of_owner, of_caller) = (print(AccountId::DEFAULT), print(caller));

        for (record, recipient) in [(&of_owner, "000000000000"), (&of_caller, "111111111111")] {
            assert_eq!(record["recipientAccountId"], recipient);
            assert_eq!(record["resources"][0]["accountId"], "000000000000");
            assert_eq!(record["sharedEventID"], RequestId::new([1; 16]).to_string());
        }
        assert_eq!(of_caller["additionalEventData"]["gantry"]["owner"], "000000000000");
        let within: Value = serde_json::from_str(&Record::of(&entry()).print(&Region::default(), 1, 1)).unwrap();
        assert!(within["sharedEventID"].is_null() && within["additionalEventData"]["gantry"]["owner"].is_null());
    }

    #[test]
    fn a_record_that_waited_is_the_same_record() {
        let record = Record { count: 3, ..Record::of(&entry()) };
        let account = "111111111111".parse().unwrap();
        let between = Record::of(&Entry { account, ..session() });

        assert_eq!(Record::parse_open(&record.print_open(&Region::default())), Some(record));
        assert_eq!(Record::parse_open(&between.print_open(&Region::default())), Some(between));
        assert_eq!(Record::parse_open("{}"), None);
    }

    #[test]
    fn whatever_a_record_says_its_keys_are_in_order() {
        let region = Region::default();
        let change = Change { act: "push".into(), event: "image.pushed".into(), body: "{\"digest\":\"a\"}".into() };
        let long = Change { act: String::new(), event: String::new(), body: format!("\"{}\"", "x".repeat(5000)) };
        for principal in ["gantry:lifecycle", "anonymous", "unidentified", "arn:aws:sts::000000000000:assumed-role/a/b"]
        {
            let odd = Entry { principal, user_agent: "\"\\\u{7}ä", error_code: "a", error_message: "b", ..session() };
            let mut record = Record::of(&odd);
            record.changes = vec![change.clone(), long.clone()];

            let text = record.print(&region, 1, 2);

            assert_eq!(serde_json::from_str::<Value>(&text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn the_columns_follow_from_the_bytes() {
        let record = Record::of(&entry());
        let columns = Columns::of(&record.print(&Region::default(), 1, 1)).unwrap();

        assert_eq!(columns, Columns::of_record(&record));

        assert_eq!(columns.repository, key(AccountId::DEFAULT, "team/app"));
        assert_eq!(columns.at, 1_800_000_000_123);
        assert_eq!(Columns::of("{}"), None);
    }
}
