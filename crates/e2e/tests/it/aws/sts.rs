//! Sessions of roles, spoken by boto3: what is handed on from one to the next, and what narrows them.

use super::Boto;
use gantry_e2e::Server;
use serde_json::{Value, json};

const FIRST: &str = "arn:aws:iam::000000000000:role/first";
const SECOND: &str = "arn:aws:iam::000000000000:role/second";

fn policy(statement: Value) -> String {
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

fn may(actions: Value, resource: &str) -> String {
    policy(json!({"Effect": "Allow", "Action": actions, "Resource": resource}))
}

/// A site where the account may take the role `first`, and this the role `second`, which makes repositories below the name of its
/// team.
struct Site {
    _server: Server,
    boto: Boto,
}

impl Site {
    fn start() -> Site {
        let server = Server::start();
        let mut boto = Boto::of(&server);
        let mut make = |name: &str, principal: &str, document: String| {
            let trust = policy(json!({
                "Effect": "Allow", "Principal": {"AWS": principal}, "Action": ["sts:AssumeRole", "sts:TagSession"],
            }));
            let role = json!({"RoleName": name, "AssumeRolePolicyDocument": trust});
            boto.ask("iam", "create_role", role).unwrap();
            let inline = json!({"RoleName": name, "PolicyName": "own", "PolicyDocument": document});
            boto.ask("iam", "put_role_policy", inline).unwrap();
        };
        make("first", "000000000000", may(json!(["sts:*", "ecr:*"]), "*"));
        let own = "arn:aws:ecr:us-east-1:000000000000:repository/${aws:PrincipalTag/team}/*";
        make("second", FIRST, may(json!("ecr:CreateRepository"), own));
        Site { _server: server, boto }
    }

    /// Takes a role with these keys, those of the root where they are none.
    fn assume(&mut self, keys: &Value, role: &str, more: Value) -> Result<Value, super::Refused> {
        let mut asked = json!({"RoleArn": role, "RoleSessionName": "one"});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = self.boto.ask_as(keys.clone(), "sts", "assume_role", asked)?;
        let keys = &answer["Credentials"];
        Ok(json!({
            "aws_access_key_id": keys["AccessKeyId"], "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        }))
    }

    /// Makes a repository; returns the code of the refusal, or nothing.
    fn create(&mut self, keys: &Value, name: &str) -> String {
        let made = self.boto.ask_as(keys.clone(), "ecr", "create_repository", json!({"repositoryName": name}));
        made.map_or_else(|refused| refused.code, |_| String::new())
    }
}

#[test]
fn a_transitive_tag_is_handed_on_and_cannot_be_changed() {
    let mut site = Site::start();
    let tags = json!([{"Key": "team", "Value": "blue"}, {"Key": "stage", "Value": "test"}]);
    let root = json!({});

    let plain = site.assume(&root, FIRST, json!({"Tags": tags})).unwrap();
    let handing_on = site.assume(&root, FIRST, json!({"Tags": tags, "TransitiveTagKeys": ["team"]})).unwrap();
    let untagged = site.assume(&plain, SECOND, json!({})).unwrap();
    let tagged = site.assume(&handing_on, SECOND, json!({})).unwrap();
    let changed = site.assume(&handing_on, SECOND, json!({"Tags": [{"Key": "Team", "Value": "red"}]})).unwrap_err();
    let absent = site.assume(&root, FIRST, json!({"TransitiveTagKeys": ["team"]})).unwrap_err();

    assert_eq!(site.create(&untagged, "blue/app"), "AccessDeniedException");
    assert_eq!(site.create(&tagged, "blue/app"), "");
    assert_eq!(site.create(&tagged, "red/app"), "AccessDeniedException");
    assert_eq!((changed.code.as_str(), absent.code.as_str()), ("ValidationError", "ValidationError"));
}

#[test]
fn what_a_session_is_narrowed_by_is_all_that_it_keeps_of_its_role() {
    let mut site = Site::start();
    let root = json!({});
    let make = may(json!("ecr:CreateRepository"), "arn:aws:ecr:*:*:repository/team/*");
    let made = site.boto.ask("iam", "create_policy", json!({"PolicyName": "make", "PolicyDocument": make})).unwrap();
    let arn = made["Policy"]["Arn"].clone();
    let beyond = may(json!("ecr:CreateRepository"), "arn:aws:ecr:*:*:repository/other/*");
    let managed = json!([{"arn": arn}, {"arn": "arn:aws:iam::aws:policy/gantry/read-only"}]);

    let by_arns = site.assume(&root, FIRST, json!({"PolicyArns": managed})).unwrap();
    let by_both = site.assume(&root, FIRST, json!({"PolicyArns": managed, "Policy": beyond})).unwrap();
    let unknown = json!({"PolicyArns": [{"arn": "arn:aws:iam::000000000000:policy/nothing"}]});
    let refused = site.assume(&root, FIRST, unknown).unwrap_err();

    assert_eq!(site.create(&by_arns, "team/app"), "");
    assert_eq!(site.create(&by_arns, "other/app"), "AccessDeniedException");
    assert!(site.boto.ask_as(by_arns.clone(), "ecr", "describe_repositories", json!({})).is_ok());
    assert!(site.boto.ask_as(by_arns.clone(), "iam", "list_users", json!({})).is_err());
    assert_eq!(site.create(&by_both, "other/app"), "");
    assert_eq!(refused.code, "ValidationError");
    site.boto.ask("iam", "delete_policy", json!({"PolicyArn": arn})).unwrap();
    assert_eq!(site.create(&by_arns, "team/two"), "AccessDeniedException");
}

#[test]
fn who_somebody_says_that_he_is_stays_with_the_sessions_that_begin_from_his() {
    let mut site = Site::start();
    let root = json!({});

    let ann = site.assume(&root, FIRST, json!({"SourceIdentity": "ann"})).unwrap();
    let other = site.assume(&ann, SECOND, json!({"SourceIdentity": "bob"})).unwrap_err();
    let asked = json!({"RoleArn": SECOND, "RoleSessionName": "one"});
    let same = site.boto.ask_as(ann, "sts", "assume_role", asked).unwrap();

    assert_eq!(other.code, "ValidationError");
    assert_eq!(same["SourceIdentity"], "ann");
}
