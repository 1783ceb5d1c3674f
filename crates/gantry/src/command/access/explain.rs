use super::{or_dash, query};
use crate::{
    output::{Cell, Exit, Failure, Format, OutputFlag, Printer, Table, Tone},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::{AccessDecisionDocument, AccessExplanationDocument, AccessStatementDocument};

/// Say whether somebody may do something, which statement decides, and what is missing where he may not
///
/// Exit code 1: it is denied.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry access explain user/ci push team/app --context aws:SourceIp=192.0.2.7")]
pub(crate) struct ExplainCommand {
    /// Who: user/NAME, robot/NAME, role/NAME, root, anonymous, or an ARN
    principal: String,
    /// What: an action such as ecr:PutImage, or pull, push, delete
    action: String,
    /// To what: a repository, an ARN, or * for the registry as a whole
    resource: String,
    /// What else the request brings, as key=value; may be given more than once
    #[arg(long, value_name = "KEY=VALUE", num_args = 1..)]
    context: Vec<String>,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

impl ExplainCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let members = [("principal", &*self.principal), ("action", &*self.action), ("resource", &*self.resource)];
        let path = format!("/api/v1/access/explain?{}", query(&members, &self.context));
        let found: AccessExplanationDocument = Remote::open(&self.remote)?.get(&path)?;
        let mut printer = Printer::stdout(self.output.format);
        printer.answer(&found, table)?;
        if self.output.format == Format::Table {
            printer.text(&tell(&found))?;
        }
        Ok(if found.is_allowed { Exit::Done } else { Exit::Found })
    }
}

fn table(found: &AccessExplanationDocument) -> Table {
    let mut table = Table::new(["ACTION", "RESOURCE", "OUTCOME", "DECIDED BY"]);
    for decision in &found.decisions {
        let outcome = match decision.is_allowed {
            true => Cell::from("allowed"),
            false => Cell::toned("denied", Tone::Bad),
        };
        table.row([
            decision.action.as_str().into(),
            decision.resource.as_str().into(),
            outcome,
            decision.decided_by.as_str().into(),
        ]);
    }
    table
}

/// What there is to say below the table: notes, advice once each, and the statements that spoke of it.
fn tell(found: &AccessExplanationDocument) -> String {
    let mut lines: Vec<String> = found.notes.iter().map(|note| format!("{note}.")).collect();
    for advice in advised(found).into_iter().flat_map(|decision| &decision.advice) {
        let line = format!("{advice}.");
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let mut text: String = lines.iter().map(|line| format!("\n{line}\n")).collect();
    if let [decision] = &found.decisions[..] {
        text += &statements(decision);
    }
    text
}

/// The decisions whose advice is given: of those of a push that lack the same side it is the last, which needs the most. Each
/// statement that denies has to be told.
fn advised(found: &AccessExplanationDocument) -> Vec<&AccessDecisionDocument> {
    let is_last = |at: usize, decision: &AccessDecisionDocument| {
        decision.missing.as_deref() == Some("explicit deny")
            || found.decisions[at + 1..].iter().all(|later| later.missing != decision.missing)
    };
    let decisions = found.decisions.iter().enumerate();
    decisions.filter(|(at, decision)| !decision.is_allowed && is_last(*at, decision)).map(|(_, found)| found).collect()
}

/// The statements that speak of the action; the others say nothing about it.
fn statements(decision: &AccessDecisionDocument) -> String {
    let speaks = |statement: &&AccessStatementDocument| statement.fails_at.as_deref() != Some("Action");
    let mut table = Table::new(["POLICY", "KIND", "STATEMENT", "SID", "EFFECT", "APPLIES"]).right(&[2]);
    let mut is_empty = true;
    for statement in decision.statements.iter().filter(speaks) {
        is_empty = false;
        let applies = match &statement.fails_at {
            None => "yes".to_string(),
            Some(element) => format!("no: {element}"),
        };
        table.row([
            statement.policy.as_str().into(),
            statement.side.as_str().into(),
            statement.statement.to_string().into(),
            or_dash(statement.sid.as_deref()),
            statement.effect.as_str().into(),
            applies.into(),
        ]);
    }
    if is_empty { String::new() } else { format!("\n{}", table.print(false)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(policy: &str, effect: &str, fails_at: Option<&str>) -> AccessStatementDocument {
        AccessStatementDocument {
            side: "identity-based policy".into(),
            policy: policy.into(),
            statement: 1,
            sid: None,
            effect: effect.into(),
            fails_at: fails_at.map(Into::into),
        }
    }

    fn found() -> AccessExplanationDocument {
        AccessExplanationDocument {
            principal: "arn:aws:iam::000000000000:user/ci".into(),
            is_allowed: false,
            notes: vec!["The user ci has no access key that may be used".into()],
            decisions: vec![AccessDecisionDocument {
                action: "ecr:PutImage".into(),
                resource: "arn:aws:ecr:us-east-1:000000000000:repository/team/app".into(),
                is_allowed: false,
                decided_by: "no identity-based policy allows it".into(),
                missing: Some("identity-based policy".into()),
                message: Some("User: …".into()),
                advice: vec!["No statement allows ecr:PutImage".into()],
                statements: vec![
                    statement("pull", "Allow", Some("Action")),
                    statement("push", "Allow", Some("Resource")),
                    statement("other", "Deny", None),
                ],
            }],
        }
    }

    #[test]
    fn an_explanation_says_what_decided_what_to_do_and_which_statements_spoke_of_it() {
        let found = found();

        insta::assert_snapshot!(format!("{}{}", table(&found).print(false), tell(&found)));
    }

    #[test]
    fn of_a_push_the_advice_is_that_of_its_last_action_and_of_each_statement_that_denies() {
        let mut found = found();
        let first = found.decisions[0].clone();
        let with = |missing: &str, advice: &str| AccessDecisionDocument {
            missing: Some(missing.into()),
            advice: vec![advice.into()],
            ..first.clone()
        };
        found.decisions =
            vec![with("explicit deny", "a"), with("explicit deny", "b"), with("identity", "c"), with("identity", "d")];

        let told: Vec<_> = advised(&found).into_iter().flat_map(|decision| &decision.advice).collect();

        assert_eq!(told, ["a", "b", "d"]);
    }
}
