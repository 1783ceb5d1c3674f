use crate::{
    download, ecr, iam, kms,
    model::OPERATIONS,
    secrets, sts,
    wire::{AwsQuery, Form, IamQuery},
};
use gantry_api::{ByContent, Incoming, Operation, Params, Routed, Wire};
use gantry_fault::{Fault, FaultKind};
use http::{HeaderMap, Method};

/// What ECR's targets begin with.
const ECR: &str = "AmazonEC2ContainerRegistry_V20150921";
/// Services besides ECR whose operations are named by a target: what the target begins with, what people call the service,
/// and its operations.
const SERVICES: &[(&str, &str, &[&str])] =
    &[("TrentService", "KMS", kms::NAMES), ("secretsmanager", "Secrets Manager", secrets::NAMES)];
const IAM_VERSION: &str = "2010-05-08";
const STS_VERSION: &str = "2011-06-15";
const TARGET: &str = "x-amz-target";

/// Bodies of all operations but these two.
const BODY_BYTES_MAX: usize = 5 << 20;
/// A part of 20 MiB in base64, and what is around it.
const LAYER_PART_BYTES_MAX: usize = 28 << 20;
/// A manifest of 4 MiB as a JSON string, in which every quote has a backslash.
const MANIFEST_BYTES_MAX: usize = 10 << 20;

/// Operations that people ask for, and what they want.
const WANTED: &[(&str, &str)] = &[("CreateRegistry", "PutReplicationConfiguration")];

/// Finds the way for a method and a raw path: all but one share an address, and are told apart by what is in the request.
pub(crate) fn route(method: &Method, path: &str) -> Routed {
    if path == "/" {
        return Routed::ByContent(ByContent { bytes_max, route: look_inside });
    }
    match (path.strip_prefix(download::PREFIX), method) {
        (Some(ticket), &Method::GET | &Method::HEAD) => {
            Routed::To(download::GetLayer::NAME, Params::new().with(download::TICKET, ticket))
        }
        (Some(_), _) => Routed::MethodNotAllowed("GET, HEAD"),
        (None, _) => Routed::NotFound,
    }
}

fn bytes_max(headers: &HeaderMap) -> usize {
    match target(headers).and_then(|target| target.rsplit_once('.')) {
        Some((ECR, "UploadLayerPart")) => LAYER_PART_BYTES_MAX,
        Some((ECR, "PutImage")) => MANIFEST_BYTES_MAX,
        _ => BODY_BYTES_MAX,
    }
}

fn target(headers: &HeaderMap) -> Option<&str> {
    headers.get(TARGET)?.to_str().ok()
}

fn look_inside(incoming: &Incoming) -> Routed {
    if incoming.method == Method::POST
        && let Some(target) = target(&incoming.headers)
    {
        return match target.rsplit_once('.') {
            Some((ECR, operation)) => by_target(operation),
            Some((start, operation)) if let Some(service) = SERVICES.iter().find(|(known, ..)| *known == start) => {
                of_service(service, operation)
            }
            _ => Routed::Refused(unknown(format!("There is no service behind the target {:?}", cut(target)))),
        };
    }
    let form = Form::of(incoming);
    match (form.get("Action"), &incoming.method) {
        (Some(action), &Method::POST | &Method::GET) => match by_action(action, form.get("Version")) {
            // A link tells who somebody is; it changes nothing.
            Routed::To(name, _) if incoming.method == Method::GET && iam::NAMES.contains(&name) => {
                Routed::MethodNotAllowed("POST")
            }
            routed => routed,
        },
        (_, &Method::POST) => {
            let message = "The request names no operation, neither in X-Amz-Target nor as Action";
            Routed::Refused(unknown(message))
        }
        _ => Routed::NotFound,
    }
}

fn by_target(operation: &str) -> Routed {
    if let Some(name) = named(ecr::NAMES, operation) {
        return Routed::To(name, Params::new());
    }
    let is_of_model = OPERATIONS.iter().any(|(name, _)| *name == operation);
    let message = match is_of_model {
        true => format!("{operation} is not there yet"),
        false => format!("There is no operation {:?} in ECR; did you mean {}?", cut(operation), nearest(operation)),
    };
    Routed::Refused(unknown(message))
}

fn of_service((_, service, names): &(&str, &str, &[&'static str]), operation: &str) -> Routed {
    if let Some(name) = named(names, operation) {
        return Routed::To(name, Params::new());
    }
    let distance = |name: &str| strsim::damerau_levenshtein(&cut(operation), name);
    let known = names.iter().filter_map(|name| Some(name.split_once(':')?.1));
    let nearest = known.min_by_key(|name| distance(name)).unwrap_or_default();
    let message = format!("There is no operation {:?} in {service}; did you mean {nearest}?", cut(operation));
    Routed::Refused(unknown(message))
}

fn by_action(action: &str, version: Option<&str>) -> Routed {
    // Their versions tell the services apart; and where none is given, no name is in both.
    let services = [(STS_VERSION, sts::NAMES), (IAM_VERSION, iam::NAMES)];
    let asked = services.iter().filter(|(known, _)| version.is_none_or(|version| version == *known));
    if let Some(name) = asked.clone().find_map(|(_, names)| named(names, action)) {
        return Routed::To(name, Params::new());
    }
    let distance = |name: &str| strsim::damerau_levenshtein(&cut(action), name);
    let known = asked.flat_map(|(_, names)| *names).filter_map(|name| Some(name.split_once(':')?.1));
    let hint = known.min_by_key(|name| distance(name)).map_or(String::new(), |name| format!("; did you mean {name}?"));
    let (action, shown) = (cut(action), cut(version.unwrap_or_default()));
    let fault = unknown(format!("Could not find operation {action} for version {shown}{hint}"));
    Routed::RefusedBy(fault, if version == Some(IAM_VERSION) { IamQuery::refuse } else { AwsQuery::refuse })
}

/// Finds an operation by its name without the service's.
fn named(names: &[&'static str], operation: &str) -> Option<&'static str> {
    names.iter().copied().find(|name| name.split_once(':').is_some_and(|(_, name)| name == operation))
}

/// The operation that was probably meant, as the API and as the command line call it.
fn nearest(operation: &str) -> String {
    let wanted = WANTED.iter().find(|(asked, _)| *asked == operation).map(|(_, wanted)| *wanted);
    let name = wanted.or_else(|| {
        let distance = |name: &str| strsim::damerau_levenshtein(&cut(operation), name);
        OPERATIONS.iter().map(|(name, _)| *name).min_by_key(|name| distance(name))
    });
    let name = name.unwrap_or_default();
    let mut command = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !command.is_empty() {
            command.push('-');
        }
        command.extend(c.to_lowercase());
    }
    format!("{name} (aws ecr {command})")
}

fn unknown(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::OperationUnknown, message)
}

/// As much of a name as is worth repeating.
fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn posted(target: &str) -> Routed {
        let mut incoming = Incoming::new(Method::POST, "/");
        incoming.headers.insert(TARGET, HeaderValue::from_str(target).unwrap());
        look_inside(&incoming)
    }

    fn refusal(routed: Routed) -> String {
        match routed {
            Routed::Refused(fault) | Routed::RefusedBy(fault, _) => {
                assert_eq!(fault.kind, FaultKind::OperationUnknown);
                fault.message
            }
            other => panic!("{other:?} is no refusal"),
        }
    }

    #[test]
    fn an_operation_is_found_by_its_target() {
        let routed = posted("AmazonEC2ContainerRegistry_V20150921.DescribeRegistry");

        assert!(matches!(routed, Routed::To("ecr:DescribeRegistry", _)), "{routed:?}");
    }

    #[test]
    fn an_operation_of_another_service_is_found_by_its_own_target() {
        assert!(matches!(posted("TrentService.ListKeys"), Routed::To("kms:ListKeys", _)));
        assert!(matches!(posted("secretsmanager.ListSecrets"), Routed::To("secretsmanager:ListSecrets", _)));
        let message = refusal(posted("TrentService.ListKey"));
        assert_eq!(message, "There is no operation \"ListKey\" in KMS; did you mean ListKeys?");
    }

    #[test]
    fn an_unknown_operation_is_answered_with_the_nearest() {
        for (asked, named) in [
            ("ListImage", "ListImages (aws ecr list-images)"),
            ("DescribeRepository", "DescribeRepositories (aws ecr describe-repositories)"),
            ("CreateRegistry", "PutReplicationConfiguration (aws ecr put-replication-configuration)"),
        ] {
            let message = refusal(posted(&format!("AmazonEC2ContainerRegistry_V20150921.{asked}")));
            assert!(message.contains(named), "{message}");
        }
    }

    #[test]
    fn another_service_is_not_here() {
        for target in ["", "x", "TrentServices.ListKeys", "AmazonEC2ContainerRegistry_V20150921"] {
            refusal(posted(target));
        }
    }

    #[test]
    fn an_action_is_found_in_its_version() {
        let get = |uri| look_inside(&Incoming::new(Method::GET, uri));

        assert!(matches!(get("/?Action=GetCallerIdentity&Version=2011-06-15"), Routed::To("sts:GetCallerIdentity", _)));
        let message = refusal(get("/?Action=GetCallerIdentity&Version=2010-05-08"));
        assert_eq!(
            message,
            "Could not find operation GetCallerIdentity for version 2010-05-08; did you mean GetRolePolicy?"
        );
        assert!(refusal(get("/?Action=Nothing")).starts_with("Could not find operation Nothing"));
    }

    #[test]
    fn the_version_tells_iam_from_sts() {
        let post = |body: &'static str| {
            let mut incoming = Incoming::new(Method::POST, "/");
            incoming.body = bytes::Bytes::from_static(body.as_bytes()).into();
            look_inside(&incoming)
        };

        for body in ["Action=GetUser&Version=2010-05-08", "Action=GetUser"] {
            assert!(matches!(post(body), Routed::To("iam:GetUser", _)), "{body}");
        }
        let elsewhere = refusal(post("Action=GetUser&Version=2011-06-15"));
        assert!(elsewhere.starts_with("Could not find operation GetUser for version 2011-06-15"), "{elsewhere}");
        assert!(refusal(post("Action=GetUsers&Version=2010-05-08")).ends_with("did you mean GetUser?"));
        assert_eq!(refusal(post("Action=GetUser&Version=1")), "Could not find operation GetUser for version 1");
    }

    #[test]
    fn a_link_changes_no_identity() {
        let link = Incoming::new(Method::GET, "/?Action=DeleteUser&UserName=ann&Version=2010-05-08");

        assert!(matches!(look_inside(&link), Routed::MethodNotAllowed("POST")));
    }

    #[test]
    fn who_asks_for_no_operation_finds_nothing() {
        assert!(matches!(look_inside(&Incoming::new(Method::GET, "/")), Routed::NotFound));
        assert!(matches!(look_inside(&Incoming::new(Method::PUT, "/?Action=GetCallerIdentity")), Routed::NotFound));
        refusal(look_inside(&Incoming::new(Method::POST, "/?Action=GetCallerIdentity")));
        assert!(matches!(route(&Method::GET, "/other"), Routed::NotFound));
    }

    #[test]
    fn only_layers_and_manifests_are_large() {
        let most = |operation: &str| {
            let target = HeaderValue::from_str(&format!("{ECR}.{operation}")).unwrap();
            bytes_max(&HeaderMap::from_iter([(http::HeaderName::from_static(TARGET), target)]))
        };

        assert!(most("UploadLayerPart") > 20 * 1024 * 1024 * 4 / 3);
        assert!(most("PutImage") > 2 * 4 * 1024 * 1024);
        assert_eq!((most("ListImages"), bytes_max(&HeaderMap::new())), (5 << 20, 5 << 20));
    }
}
