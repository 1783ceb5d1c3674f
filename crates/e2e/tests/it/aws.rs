//! The AWS protocols, spoken by AWS's own clients: boto3, the command line, and requests signed by hand.

mod cli;
mod errors;
mod every;
mod iam;
mod images;
mod kms;
mod lifecycle;
mod pages;
mod repositories;
mod scripts;
mod secrets;
mod settings;
mod signatures;
mod simulate;
mod sts;
mod templates;

use crate::clients::Home;
use gantry_e2e::{PASSWORD, Server, USER, tool};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// Reads calls from its input, one JSON object a line, and writes what boto3 says to each.
const BRIDGE: &str = include_str!("aws/bridge.py");

/// A boto3 client that lives for a test.
pub(crate) struct Boto {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    _home: Home,
}

/// What was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The exception.
    pub(crate) code: String,
    /// What it says.
    pub(crate) message: String,
    /// The status it came with.
    pub(crate) status: u64,
    /// All else that it says.
    pub(crate) more: Value,
}

impl Boto {
    /// A client with the root's key.
    pub(crate) fn of(server: &Server) -> Boto {
        Boto::with(server, USER, PASSWORD)
    }

    /// A client with any key.
    pub(crate) fn with(server: &Server, key: &str, secret: &str) -> Boto {
        let home = Home::new();
        let mut command = Command::new(tool("python-aws"));
        home.settle(&mut command);
        settle(&mut command, server, key, secret);
        Boto::spawn(command, home)
    }

    fn spawn(mut command: Command, home: Home) -> Boto {
        command.args(["-c", BRIDGE]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Boto { child, input, output, _home: home }
    }

    /// A client without keys, which gets them itself for the token in a file, as AWS's programs do for a role.
    pub(crate) fn by_token(server: &Server, role: &str, file: &Path) -> Boto {
        let home = Home::new();
        let mut command = Command::new(tool("python-aws"));
        home.settle(&mut command);
        settle(&mut command, server, "", "");
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        command.env("AWS_ROLE_ARN", role).env("AWS_WEB_IDENTITY_TOKEN_FILE", file);
        Boto::spawn(command, home)
    }

    /// Calls an operation of a service, as boto3 names it.
    pub(crate) fn ask(&mut self, service: &str, operation: &str, arguments: Value) -> Result<Value, Refused> {
        self.ask_as(json!({}), service, operation, arguments)
    }

    /// Returns what the model of a service says of its operations: for each `errors` and `members`, the members of its
    /// request.
    pub(crate) fn model(&mut self, service: &str) -> Value {
        self.say(&json!({"service": service, "operation": null}))["answer"].take()
    }

    /// The same as [`Boto::ask`] with other keys than the client's own, as boto3 takes them.
    pub(crate) fn ask_as(
        &mut self,
        keys: Value,
        service: &str,
        operation: &str,
        arguments: Value,
    ) -> Result<Value, Refused> {
        let said = self.say(&json!({"keys": keys, "service": service, "operation": operation, "arguments": arguments}));
        match said.get("answer") {
            Some(answer) => Ok(answer.clone()),
            None => Err(Refused {
                code: said["code"].as_str().unwrap().into(),
                message: said["message"].as_str().unwrap().into(),
                status: said["status"].as_u64().unwrap(),
                more: said["more"].clone(),
            }),
        }
    }

    fn say(&mut self, call: &Value) -> Value {
        writeln!(self.input, "{call}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("boto3 said {line:?} to {call}"))
    }

    /// Calls an operation of ECR.
    pub(crate) fn ecr(&mut self, operation: &str, arguments: Value) -> Result<Value, Refused> {
        self.ask("ecr", operation, arguments)
    }

    /// The same, and it must be answered.
    #[track_caller]
    pub(crate) fn done(&mut self, operation: &str, arguments: Value) -> Value {
        let told = arguments.to_string();
        self.ecr(operation, arguments).unwrap_or_else(|refused| panic!("{operation} {told}: {refused:?}"))
    }

    /// The same, and it must be refused; returns the exception.
    #[track_caller]
    pub(crate) fn refused(&mut self, operation: &str, arguments: Value) -> Refused {
        let told = arguments.to_string();
        match self.ecr(operation, arguments) {
            Ok(answer) => panic!("{operation} {told} was answered: {answer}"),
            Err(refused) => {
                assert_eq!(refused.status, 400, "{operation} {told}: {refused:?}");
                refused
            }
        }
    }
}

impl Drop for Boto {
    fn drop(&mut self) {
        self.child.kill().expect("our own child can be killed");
        self.child.wait().expect("our own child can be waited for");
    }
}

/// Tells AWS's clients where to go and as whom.
pub(crate) fn settle(command: &mut Command, server: &Server, key: &str, secret: &str) {
    command.env("AWS_ENDPOINT_URL", format!("http://{}", server.address())).env("AWS_REGION", "us-east-1");
    command.env("AWS_ACCESS_KEY_ID", key).env("AWS_SECRET_ACCESS_KEY", secret).env("AWS_DEFAULT_REGION", "us-east-1");
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("AWS_PAGER", "").env("PYTHONWARNINGS", "ignore");
}
