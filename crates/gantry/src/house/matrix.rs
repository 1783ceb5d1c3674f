//! Every operation of every surface, and which built-in roles may do it: what its door asks for, held to the roles' policies.

use super::*;
use crate::config::Config;
use gantry_access::{
    Access, Facts, Principal,
    policy::{Attached, BUILT_IN_ROLES, BuiltInRole, Caller, Context, Policies, Policy, PolicyPlace},
};
use gantry_api::{Door, Incoming, Lock, Routed};
use gantry_words::{AccountId, Cx, Region};
use http::{HeaderValue, Method};
use serde_json::{Value, json};
use std::fmt::Write;

const PREFIX: &str = "team";
const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const UPLOAD: &str = "0193a4c0-5d3e-7000-8000-000000000000";
const POLICY: &str = "arn:aws:iam::000000000000:policy/p";

/// What the places in addresses are filled with.
const PLACES: [(&str, &str); 22] = [
    ("{name}", "team/app"),
    ("{scope}", "team/*"),
    ("{reference}", "v1"),
    ("{digest}", DIGEST),
    ("{document}", "7"),
    ("{tag}", "v1"),
    ("{pattern}", "v1"),
    ("{source}", "cluster-a"),
    ("{policy}", POLICY),
    ("{account_policy}", "frozen"),
    ("{account}", "111122223333"),
    ("{user}", "ann"),
    ("{group}", "g"),
    ("{role}", "r"),
    ("{robot}", "robot"),
    ("{key}", "AKIAEXAMPLEEXAMPLE12"),
    ("{inline}", "own"),
    ("{provider}", "arn:aws:iam::000000000000:oidc-provider/idp.example"),
    ("{url}", "idp.example"),
    ("{id}", UPLOAD),
    ("{upload}", UPLOAD),
    ("{token}", "6f0a2b3c"),
];

/// All members that requests of ECR must have, each with a value that it takes: what a request does not know it leaves alone.
fn of_ecr() -> Value {
    json!({
        "repositoryName": "team/app", "imageIds": [{"imageTag": "v1"}], "imageId": {"imageTag": "v1", "imageDigest": DIGEST},
        "layerDigests": [DIGEST], "layerDigest": DIGEST, "uploadId": UPLOAD, "partFirstByte": 0, "partLastByte": 0,
        "layerPartBlob": "AA==", "imageManifest": "{}", "tags": [], "tagKeys": ["a"], "policyText": "{}",
        "resourceArn": "arn:aws:ecr:us-east-1:000000000000:repository/team/app", "lifecyclePolicyText": format!("{{}}{:100}", ""),
        "imageTagMutability": "MUTABLE", "imageScanningConfiguration": {}, "ecrRepositoryPrefix": "team",
        "upstreamRegistryUrl": "registry.example", "name": "BASIC_SCAN_TYPE_VERSION", "value": "AWS_NATIVE", "prefix": "team",
        "appliedFor": ["PULL_THROUGH_CACHE"], "replicationConfiguration": {"rules": []}, "scanType": "BASIC",
        "signingConfiguration": {"rules": []}, "principalArn": "arn:aws:iam::000000000000:role/r",
        "targetStorageClass": "ARCHIVE", "repositoryNames": ["team/app"], "subjectId": {"imageDigest": DIGEST},
        "replicationBackfillId": UPLOAD, "backfillId": UPLOAD, "destination": {"region": "us-west-2", "registryId": "000000000000"},
    })
}

/// The same for KMS.
fn of_kms() -> Value {
    json!({
        "KeyId": UPLOAD, "AliasName": "alias/app", "TargetKeyId": UPLOAD, "CiphertextBlob": "AA==", "Plaintext": "AA==",
        "NumberOfBytes": 32, "Policy": "{}", "PolicyName": "default", "SourceKeyId": UPLOAD, "DestinationKeyId": UPLOAD,
        "Tags": [{"TagKey": "a", "TagValue": "b"}], "TagKeys": ["a"], "Description": "d", "GrantId": "g",
        "GranteePrincipal": "arn:aws:iam::000000000000:role/r", "Operations": ["Decrypt"],
    })
}

/// The same for Secrets Manager.
fn of_secrets() -> Value {
    json!({
        "Name": "ecr-pullthroughcache/hub", "SecretId": "ecr-pullthroughcache/hub", "SecretString": "s", "VersionStage": "AWSCURRENT",
        "Tags": [{"Key": "a", "Value": "b"}], "TagKeys": ["a"], "ResourcePolicy": "{}", "PasswordLength": 32,
    })
}

/// The same for IAM and STS, as a form.
fn of_iam() -> String {
    let pairs = [
        ("UserName", "ann"),
        ("GroupName", "g"),
        ("RoleName", "r"),
        ("PolicyName", "p"),
        ("PolicyArn", POLICY),
        ("PolicyDocument", "{}"),
        ("AssumeRolePolicyDocument", "{}"),
        ("PermissionsBoundary", POLICY),
        ("AccessKeyId", "AKIAEXAMPLEEXAMPLE12"),
        ("Status", "Inactive"),
        ("VersionId", "v1"),
        ("Url", "https://idp.example"),
        ("OpenIDConnectProviderArn", "arn:aws:iam::000000000000:oidc-provider/idp.example"),
        ("ClientID", "c"),
        ("ThumbprintList.member.1", "990f4193972f2becf12ddeda5237f9c952f20d9e"),
        ("AccountAlias", "alias"),
        ("Tags.member.1.Key", "k"),
        ("Tags.member.1.Value", "v"),
        ("TagKeys.member.1", "k"),
        ("Description", "d"),
        ("RoleArn", "arn:aws:iam::000000000000:role/r"),
        ("RoleSessionName", "s1"),
        ("PolicySourceArn", "arn:aws:iam::000000000000:user/ann"),
        ("PolicyInputList.member.1", "{}"),
        ("ActionNames.member.1", "ecr:PutImage"),
        ("OldPassword", "correct horse"),
        ("NewPassword", "battery staple"),
        ("Password", "battery staple"),
    ];
    pairs.map(|(key, value)| format!("{key}={value}")).join("&")
}

/// The body of a request to the management API.
fn of_rest(operation: &str) -> Value {
    match operation {
        "CreateRepository" => json!({"name": "team/app"}),
        "SelectImages" => json!({"q": "untagged", "action": "delete"}),
        "PutTag" => json!({"image": "v1"}),
        "HoldImage" => json!({"reason": "r"}),
        "LabelImage" => json!({"labels": {"team": "blue"}}),
        "ImportPast" => json!({"source": "harbor"}),
        "PreviewLifecyclePolicy" => json!({"policy": "{}"}),
        "PutQuota" => json!({"bytesHard": 1}),
        "PutInventory" => json!({"images": []}),
        "SetStorageClass" => json!({"storageClass": "ARCHIVE"}),
        "RollbackTag" => json!({"steps": 1}),
        "LintPolicy" => json!({"policy": "{}"}),
        "CreateAccount" => json!({"accountId": "111122223333"}),
        "CreateUser" | "CreateGroup" | "CreateToken" => json!({"name": "ann"}),
        "CreateRole" => json!({"name": "r", "trustPolicy": "{}"}),
        "CreateRobot" => json!({"name": "robot"}),
        "CreatePolicy" => json!({"name": "p", "document": "{}"}),
        "CreateProvider" => json!({"url": "https://idp.example"}),
        "PutPassword" => json!({"password": "correct horse battery"}),
        "PutUserPolicy" | "PutGroupPolicy" | "PutRolePolicy" | "SetTrustPolicy" | "UpdatePolicy" => {
            json!({"document": "{}"})
        }
        "SetAccessKeyState" | "SetRobotState" | "SetAccountState" => json!({"state": "active"}),
        "GrantRole" => json!({"principal": "user/ann", "role": "push"}),
        "CreateScanException" => {
            json!({"scope": "team/*", "vulnerability": "CVE-2099-0001", "reason": "r", "holdsFor": "1d"})
        }
        "CreateScanOverride" => json!({"scope": "team/*", "reason": "r", "holdsFor": "1h"}),
        "ReleaseQuarantine" => json!({"reason": "r"}),
        "PutAccountPolicy" => {
            json!({"policy": r#"{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}"#})
        }
        _ => json!({}),
    }
}

/// A request that this door takes.
fn sample(door: &Door) -> Incoming {
    let (method, pattern) = door.route;
    let method: Method = method.parse().unwrap();
    let Some(path) = Some(pattern).filter(|pattern| pattern.starts_with("/v2/") || pattern.starts_with("/api/")) else {
        let mut incoming = Incoming::new(Method::POST, "/");
        let body = match door.name.split(':').next() {
            Some("ecr") => of_ecr().to_string(),
            Some("kms") => of_kms().to_string(),
            Some("secretsmanager") => of_secrets().to_string(),
            _ => of_iam(),
        };
        if body.starts_with('{') {
            incoming.headers.insert("x-amz-target", HeaderValue::from_static(pattern));
        }
        incoming.body = bytes::Bytes::from(body).into();
        return incoming;
    };
    let path = PLACES.iter().fold(path.to_string(), |path, (place, value)| path.replace(place, value));
    let query = format!("digest={DIGEST}&principal=user/ann&role=push&action=pull&resource=team/app&days=1");
    let mut incoming = Incoming::new(method.clone(), &format!("{path}?{query}"));
    let routed =
        if path.starts_with("/v2/") { gantry_v2::route(&method, &path) } else { gantry_rest::route(&method, &path) };
    let Routed::To(found, params) = routed else { panic!("{method} {path} leads nowhere") };
    assert_eq!(found, door.name, "{method} {path}");
    incoming.params = params;
    if path.starts_with("/api/") && !method.is_safe() {
        incoming.body = bytes::Bytes::from(of_rest(door.name).to_string()).into();
    }
    incoming
}

/// Whether somebody with only this role, for the prefix, may do all of `needs`.
fn may(role: &BuiltInRole, prefix: &str, needs: &[Access]) -> bool {
    let account = AccountId::DEFAULT;
    let policy = Policy::parse(&role.policy_text(account, prefix), PolicyPlace::Identity).unwrap();
    let identity = [Attached { name: role.name, policy: &policy }];
    let principal =
        Principal::user(account, Arc::new(Caller::user(account, "/", "ann", "AIDAANNANNANNANNANN1")), "".into());
    let (region, context) = (Region::default(), Context::of(&principal.caller));
    let policies = Policies { identity: &identity, ..Policies::default() };
    let facts = Facts { account, region: &region, policies, context: &context };
    needs.iter().all(|access| gantry_access::judge(&principal, access, &facts).is_ok())
}

#[tokio::test]
async fn every_operation_is_open_to_these_roles() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { data_dir: folder.path().into(), ..Config::default() };
    let env = Env::real();
    let root = RootCredentials::generate(&env);
    let cx = Cx {
        actor: "arn:aws:iam::000000000000:user/ann".into(),
        account: AccountId::DEFAULT,
        operation: "test",
        request_id: env.request_id(),
        now: env.now(),
        source: None,
    };
    let house = House::open(&config, env).unwrap();
    let house = house.serve(&config, root, SigningKey::from_seed(&[0; 32])).await.unwrap();
    let mut doors: Vec<Door> = gantry_v2::doors(&house);
    doors.extend(gantry_rest::doors(&house));
    doors.extend(gantry_aws::surface(&house).doors);
    doors.retain(|door| door.lock == Lock::Access);

    let mut matrix = String::from(
        "Operations with a request about team/app, and whether a role for `team` is enough; the last is admin without a prefix\n\n",
    );
    let names: Vec<_> = BUILT_IN_ROLES.iter().map(|role| role.name).collect();
    writeln!(matrix, "{:46} {} admin-of-all", "", names.join(" ")).unwrap();
    let mut unread = Vec::new();
    for door in &doors {
        let needs = match door.needs(sample(door), &cx).await {
            Ok(needs) => needs,
            Err(fault) => {
                unread.push(format!("{}: {}", door.name, fault.message));
                continue;
            }
        };
        assert!(!needs.is_empty(), "{} asks for nothing", door.name);
        write!(matrix, "{:46}", door.name).unwrap();
        for role in &BUILT_IN_ROLES {
            let mark = if may(role, PREFIX, &needs) { "yes" } else { "-" };
            write!(matrix, " {mark:width$}", width = role.name.len()).unwrap();
        }
        let admin = BuiltInRole::find("admin").unwrap();
        writeln!(matrix, " {}", if may(admin, "", &needs) { "yes" } else { "-" }).unwrap();
    }

    assert!(unread.is_empty(), "no request of ours is read by:\n{}", unread.join("\n"));
    insta::assert_snapshot!(matrix);
}
