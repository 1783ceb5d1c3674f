//! What policies would allow, asked as the IAM API has it.

use super::Boto;
use gantry_e2e::Server;
use serde_json::{Value, json};

const ANN: &str = "arn:aws:iam::000000000000:user/ann";
const APP: &str = "arn:aws:ecr:us-east-1:000000000000:repository/team/app";

fn statement(effect: &str, action: &str, resource: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": resource}]})
        .to_string()
}

/// What was decided, action by action.
fn decided(answer: &Value) -> Vec<(&str, &str)> {
    let results = answer["EvaluationResults"].as_array().unwrap().iter();
    results.map(|one| (one["EvalActionName"].as_str().unwrap(), one["EvalDecision"].as_str().unwrap())).collect()
}

#[test]
fn a_simulation_says_what_the_request_would_be_told() {
    let server = Server::start();
    let mut boto = Boto::of(&server);
    boto.ask("iam", "create_user", json!({"UserName": "ann"})).unwrap();
    let pull = json!({"UserName": "ann", "PolicyArn": "arn:aws:iam::aws:policy/gantry/team/pull"});
    boto.ask("iam", "attach_user_policy", pull).unwrap();
    let actions = ["ecr:BatchGetImage", "ecr:PutImage"];

    let asked = json!({"PolicySourceArn": ANN, "ActionNames": actions, "ResourceArns": [APP]});
    let as_is = boto.ask("iam", "simulate_principal_policy", asked.clone()).unwrap();
    let mut with_more = asked;
    with_more["PolicyInputList"] =
        json!([statement("Allow", "ecr:*", "*"), statement("Deny", "ecr:BatchGetImage", APP)]);
    let supposed = boto.ask("iam", "simulate_principal_policy", with_more).unwrap();

    assert_eq!(decided(&as_is), [("ecr:BatchGetImage", "allowed"), ("ecr:PutImage", "implicitDeny")]);
    assert_eq!(decided(&supposed), [("ecr:BatchGetImage", "explicitDeny"), ("ecr:PutImage", "allowed")]);
    let matched = &as_is["EvaluationResults"][0]["MatchedStatements"][0];
    assert_eq!(matched["SourcePolicyId"], "arn:aws:iam::aws:policy/gantry/team/pull");
    let told = boto.ask("iam", "get_context_keys_for_principal_policy", json!({"PolicySourceArn": ANN})).unwrap();
    assert_eq!(told["ContextKeyNames"], json!([]));
}
