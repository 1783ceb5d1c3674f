//! The IAM API, spoken by boto3.

use super::{Boto, Refused};
use gantry_e2e::Server;
use serde_json::{Value, json};

const ACCOUNT: &str = "000000000000";

/// A client that asks IAM only.
struct Iam(Boto);

impl Iam {
    fn of(server: &Server) -> Iam {
        Iam(Boto::of(server))
    }

    #[track_caller]
    fn done(&mut self, operation: &str, arguments: Value) -> Value {
        let told = arguments.to_string();
        self.0.ask("iam", operation, arguments).unwrap_or_else(|refused| panic!("{operation} {told}: {refused:?}"))
    }

    /// Status and code of a refusal.
    #[track_caller]
    fn refused(&mut self, operation: &str, arguments: Value) -> (u64, String) {
        let told = arguments.to_string();
        match self.0.ask("iam", operation, arguments) {
            Ok(answer) => panic!("{operation} {told} was answered: {answer}"),
            Err(Refused { status, code, .. }) => (status, code),
        }
    }
}

fn pull() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["ecr:BatchGetImage"], "Resource": "arn:aws:ecr:*:*:repository/team/*"}],
    })
}

fn trust(principal: Value) -> String {
    let statement = json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"});
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

#[test]
fn the_life_of_a_user_with_keys_groups_and_policies() {
    let server = Server::start();
    let mut iam = Iam::of(&server);
    let ci = json!({"UserName": "ci"});
    let named = |more: Value| {
        let mut arguments = json!({"UserName": "ci"});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };

    let tags = json!([{"Key": "team", "Value": "größe 1"}]);
    let made = iam.done("create_user", named(json!({"Path": "/team/", "Tags": tags})))["User"].clone();
    assert_eq!(made["Arn"], format!("arn:aws:iam::{ACCOUNT}:user/team/ci"));
    assert_eq!(iam.done("get_user", ci.clone())["User"]["Tags"], tags);
    assert_eq!(iam.refused("create_user", json!({"UserName": "CI"})), (409, "EntityAlreadyExists".into()));

    let key = iam.done("create_access_key", ci.clone())["AccessKey"].clone();
    let id = key["AccessKeyId"].clone();
    iam.done("update_access_key", named(json!({"AccessKeyId": id, "Status": "Inactive"})));
    let listed = iam.done("list_access_keys", ci.clone());
    assert_eq!(
        (&listed["AccessKeyMetadata"][0]["AccessKeyId"], &listed["AccessKeyMetadata"][0]["Status"]),
        (&id, &json!("Inactive"))
    );
    assert_eq!(iam.done("get_access_key_last_used", json!({"AccessKeyId": id}))["UserName"], "ci");
    iam.done("create_access_key", ci.clone());
    assert_eq!(iam.refused("create_access_key", ci.clone()), (409, "LimitExceeded".into()));

    iam.done("create_group", json!({"GroupName": "builders"}));
    iam.done("add_user_to_group", named(json!({"GroupName": "builders"})));
    assert_eq!(iam.done("get_group", json!({"GroupName": "builders"}))["Users"][0]["UserId"], made["UserId"]);
    assert_eq!(iam.done("list_groups_for_user", ci.clone())["Groups"][0]["GroupName"], "builders");

    iam.done("put_user_policy", named(json!({"PolicyName": "pull", "PolicyDocument": pull().to_string()})));
    let written = iam.done("get_user_policy", named(json!({"PolicyName": "pull"})));
    assert_eq!(written["PolicyDocument"], pull());
    let arn = "arn:aws:iam::aws:policy/gantry/push";
    iam.done("attach_user_policy", named(json!({"PolicyArn": arn})));
    assert_eq!(iam.done("list_attached_user_policies", ci.clone())["AttachedPolicies"][0]["PolicyArn"], arn);

    iam.done("update_user", named(json!({"NewUserName": "robot"})));
    assert_eq!(iam.refused("get_user", ci), (404, "NoSuchEntity".into()));
    let robot = json!({"UserName": "robot"});
    assert_eq!(iam.done("list_user_policies", robot.clone())["PolicyNames"], json!(["pull"]));
    assert_eq!(iam.refused("delete_user", robot.clone()), (409, "DeleteConflict".into()));
    iam.done("detach_user_policy", json!({"UserName": "robot", "PolicyArn": arn}));
    iam.done("delete_user_policy", json!({"UserName": "robot", "PolicyName": "pull"}));
    iam.done("remove_user_from_group", json!({"UserName": "robot", "GroupName": "builders"}));
    for key in iam.done("list_access_keys", robot.clone())["AccessKeyMetadata"].as_array().unwrap() {
        iam.done("delete_access_key", json!({"UserName": "robot", "AccessKeyId": key["AccessKeyId"]}));
    }
    iam.done("delete_user", robot);
    iam.done("delete_group", json!({"GroupName": "builders"}));
}

#[test]
fn the_life_of_a_policy_and_a_role() {
    let server = Server::start();
    let mut iam = Iam::of(&server);

    let text = pull().to_string();
    let made = iam.done("create_policy", json!({"PolicyName": "pull", "PolicyDocument": text}))["Policy"].clone();
    let arn = made["Arn"].clone();
    iam.done("create_policy_version", json!({"PolicyArn": arn, "PolicyDocument": text, "SetAsDefault": true}));
    let version = iam.done("get_policy_version", json!({"PolicyArn": arn, "VersionId": "v2"}))["PolicyVersion"].clone();
    assert_eq!((&version["Document"], &version["IsDefaultVersion"]), (&pull(), &json!(true)));

    let role = json!({"RoleName": "deploy"});
    let document = trust(json!({"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}));
    let create = |document: &str| json!({"RoleName": "deploy", "AssumeRolePolicyDocument": document, "MaxSessionDuration": 7200, "PermissionsBoundary": arn});
    let nobody = trust(json!({"AWS": format!("arn:aws:iam::{ACCOUNT}:user/nobody")}));
    assert_eq!(iam.refused("create_role", create(&nobody)), (400, "MalformedPolicyDocument".into()));
    iam.done("create_role", create(&document));
    iam.done("attach_role_policy", json!({"RoleName": "deploy", "PolicyArn": arn}));
    let found = iam.done("get_role", role.clone())["Role"].clone();
    assert_eq!(found["AssumeRolePolicyDocument"], serde_json::from_str::<Value>(&document).unwrap());
    assert_eq!(
        (&found["MaxSessionDuration"], &found["PermissionsBoundary"]["PermissionsBoundaryArn"]),
        (&json!(7200), &arn)
    );
    assert_eq!(iam.done("list_entities_for_policy", json!({"PolicyArn": arn}))["PolicyRoles"][0]["RoleName"], "deploy");
    assert_eq!(iam.done("list_instance_profiles_for_role", role.clone())["InstanceProfiles"], json!([]));

    assert_eq!(iam.refused("delete_role", role.clone()), (409, "DeleteConflict".into()));
    assert_eq!(iam.refused("delete_policy", json!({"PolicyArn": arn})), (409, "DeleteConflict".into()));
    iam.done("detach_role_policy", json!({"RoleName": "deploy", "PolicyArn": arn}));
    iam.done("delete_role", role);
    iam.done("delete_policy_version", json!({"PolicyArn": arn, "VersionId": "v1"}));
    iam.done("delete_policy", json!({"PolicyArn": arn}));
}

#[test]
fn the_life_of_an_identity_provider() {
    let server = Server::start();
    let mut iam = Iam::of(&server);
    let thumbprint = "0123456789abcdef0123456789abcdef01234567";

    let new = json!({"Url": "https://token.example.com", "ClientIDList": ["sts.amazonaws.com"], "ThumbprintList": [thumbprint]});
    let arn = iam.done("create_open_id_connect_provider", new.clone())["OpenIDConnectProviderArn"].clone();
    assert_eq!(arn, format!("arn:aws:iam::{ACCOUNT}:oidc-provider/token.example.com"));
    assert_eq!(iam.refused("create_open_id_connect_provider", new), (409, "EntityAlreadyExists".into()));

    let named = json!({"OpenIDConnectProviderArn": arn});
    iam.done(
        "add_client_id_to_open_id_connect_provider",
        json!({"OpenIDConnectProviderArn": arn, "ClientID": "gantry"}),
    );
    iam.done(
        "tag_open_id_connect_provider",
        json!({"OpenIDConnectProviderArn": arn, "Tags": [{"Key": "a", "Value": "b"}]}),
    );
    let found = iam.done("get_open_id_connect_provider", named.clone());
    assert_eq!((&found["Url"], &found["ThumbprintList"]), (&json!("token.example.com"), &json!([thumbprint])));
    assert_eq!(found["ClientIDList"].as_array().unwrap().len(), 2);
    iam.done("delete_open_id_connect_provider", named.clone());
    assert_eq!(iam.refused("get_open_id_connect_provider", named), (404, "NoSuchEntity".into()));
}

#[test]
fn users_are_listed_page_by_page() {
    let server = Server::start();
    let mut iam = Iam::of(&server);
    for number in 0..7 {
        iam.done(
            "create_user",
            json!({"UserName": format!("user-{number}"), "Path": if number < 5 { "/team/" } else { "/" }}),
        );
    }

    let (mut names, mut marker) = (Vec::new(), Value::Null);
    loop {
        let page = iam.done("list_users", json!({"PathPrefix": "/team/", "MaxItems": 2, "Marker": marker}));
        names.extend(
            page["Users"].as_array().unwrap().iter().map(|user| user["UserName"].as_str().unwrap().to_string()),
        );
        marker = page["Marker"].clone();
        assert_eq!(page["IsTruncated"], json!(!marker.is_null()));
        if marker.is_null() {
            break;
        }
    }

    assert_eq!(names, ["user-0", "user-1", "user-2", "user-3", "user-4"]);
}

#[test]
fn what_is_wrong_is_refused_at_once_with_its_code() {
    let server = Server::start();
    let mut iam = Iam::of(&server);

    for (operation, arguments, status, code) in [
        ("create_user", json!({"UserName": "a b"}), 400, "ValidationError"),
        ("create_user", json!({}), 400, "ValidationError"),
        ("list_users", json!({"MaxItems": 0}), 400, "ValidationError"),
        ("create_policy", json!({"PolicyName": "a", "PolicyDocument": "{}"}), 400, "MalformedPolicyDocument"),
        ("delete_policy", json!({"PolicyArn": "arn:aws:iam::aws:policy/gantry/push"}), 400, "UnmodifiableEntity"),
        ("create_account_alias", json!({"AccountAlias": "a--b"}), 400, "InvalidInput"),
        ("get_login_profile", json!({"UserName": "nobody"}), 404, "NoSuchEntity"),
        ("create_saml_provider", json!({"Name": "a", "SAMLMetadataDocument": "b"}), 400, "InvalidAction"),
    ] {
        assert_eq!(iam.refused(operation, arguments.clone()), (status, code.into()), "{operation} {arguments}");
    }
    let mut stranger = Iam(Boto::with(&server, "AKIANOBODYNOBODYNOBO", "x"));
    assert_eq!(stranger.refused("list_users", json!({})), (403, "InvalidClientTokenId".into()));
}
