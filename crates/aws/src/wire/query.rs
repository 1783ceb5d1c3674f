use gantry_api::{Challenges, FromWire, Incoming, IntoWire, Outgoing, Payload, Refused, Wire, form};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, RequestId};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::Value;
use std::{collections::BTreeMap, ops::RangeInclusive};

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/xml");
const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
/// What the entries of a map are called; no member of a structure is.
pub(crate) const MAP_ENTRY: &str = "entry";
/// The most parameters of a request.
const PARAMETERS_MAX: usize = 5_000;

/// The AWS query protocol as STS speaks it: a form with its `Action`, XML back. Links may be presigned.
pub struct AwsQuery;

impl Wire for AwsQuery {
    const NAME: &'static str = "aws-query";
    const READS_BODY: bool = true;
    const CHALLENGES: Challenges = Challenges::Basic;
    const SIGNED_FOR: Option<&'static str> = Some("sts");

    fn refuse(refused: &Refused<'_>) -> Outgoing {
        refuse(refused, NAMESPACE)
    }

    fn dress(headers: &mut HeaderMap, request_id: RequestId) {
        super::dress(headers, request_id);
    }
}

/// Says no in the namespace of a service.
pub(super) fn refuse(refused: &Refused<'_>, namespace: &str) -> Outgoing {
    let Fault { kind, message, .. } = refused.fault;
    let row = kind.row();
    let status = match kind {
        FaultKind::NoSuchEntity
        | FaultKind::EntityAlreadyExists
        | FaultKind::DeleteConflict
        | FaultKind::IdentityLimitExceeded
        | FaultKind::ConcurrentModification => StatusCode::from_u16(row.status).unwrap_or(StatusCode::BAD_REQUEST),
        // Here AWS tells who may not from who asks wrongly also by the status.
        _ if row.status == 403 => StatusCode::FORBIDDEN,
        _ => super::status(*kind),
    };
    let mut xml = Xml::default();
    xml.open(&format!("ErrorResponse xmlns=\"{namespace}\""));
    xml.open("Error");
    xml.text("Type", if status.is_server_error() { "Receiver" } else { "Sender" });
    xml.text("Code", row.aws_query());
    xml.text("Message", message);
    xml.close("Error");
    xml.text("RequestId", &refused.request_id.to_string());
    xml.close("ErrorResponse");
    xml.answer(status)
}

/// The parameters of a request, wherever they stand.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the parameters of a request whose body is whole: of a `GET` from its query, else from its body.
    pub(crate) fn of(incoming: &Incoming) -> Form {
        match incoming.method {
            Method::GET => Form(form(incoming.uri.query().unwrap_or_default().as_bytes())),
            _ => Form(form(incoming.body.whole().map_or(&[], |body| body))),
        }
    }

    /// Returns the value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the names and values of all parameters; of those with the same name the first.
    ///
    /// # Errors
    /// There are more than any request has.
    pub(super) fn parameters(&self) -> Result<BTreeMap<&str, &str>, Fault> {
        if self.0.len() > PARAMETERS_MAX {
            let message = format!("The request has {} parameters; at most {PARAMETERS_MAX} are read", self.0.len());
            return Err(Fault::new(FaultKind::Malformed, message));
        }
        Ok(self.0.iter().rev().map(|(name, value)| (name.as_str(), value.as_str())).collect())
    }

    /// Returns a whole number within bounds; `other` where none is given.
    ///
    /// # Errors
    /// It is no such number.
    pub(crate) fn number(&self, name: &str, bounds: RangeInclusive<u64>, other: u64) -> Result<u64, Fault> {
        let Some(text) = self.get(name).filter(|text| !text.is_empty()) else { return Ok(other) };
        text.parse().ok().filter(|number| bounds.contains(number)).ok_or_else(|| {
            let (least, most) = bounds.into_inner();
            let message = format!("{name} is {text:?}; it must be a whole number from {least} to {most}");
            Fault::new(FaultKind::ValidationFailed, message)
        })
    }
}

impl FromWire<AwsQuery> for Form {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Form::of(&incoming))
    }

    /// That of the role that somebody wants to become: it hears of it too.
    fn account(&self) -> Option<AccountId> {
        let is_about_role = self.get("Action").is_some_and(|action| action.starts_with("AssumeRole"));
        let role = self.get("RoleArn").filter(|_| is_about_role)?;
        role.split(':').nth(4)?.parse().ok()
    }
}

/// XML as it is written.
#[derive(Default)]
pub struct Xml(String);

impl Xml {
    /// The answer to an action: `fill` writes what stands in its result.
    pub(crate) fn response(action: &str, request_id: RequestId, fill: impl FnOnce(&mut Xml)) -> Xml {
        let mut xml = Xml::default();
        xml.open(&format!("{action}Response xmlns=\"{NAMESPACE}\""));
        xml.open(&format!("{action}Result"));
        fill(&mut xml);
        xml.close(&format!("{action}Result"));
        xml.open("ResponseMetadata");
        xml.text("RequestId", &request_id.to_string());
        xml.close("ResponseMetadata");
        xml.close(&format!("{action}Response"));
        xml
    }

    /// The answer to an action as a service's model has it; nothing stands in it where there is no result.
    pub(super) fn reply(action: &str, namespace: &str, request_id: RequestId, result: Option<&Value>) -> Xml {
        let mut xml = Xml::default();
        xml.open(&format!("{action}Response xmlns=\"{namespace}\""));
        if let Some(result) = result {
            xml.value(&format!("{action}Result"), result);
        }
        xml.open("ResponseMetadata");
        xml.text("RequestId", &request_id.to_string());
        xml.close("ResponseMetadata");
        xml.close(&format!("{action}Response"));
        xml
    }

    /// An element that holds a value: items of lists as `member`, members of structures by their names.
    fn value(&mut self, element: &str, value: &Value) {
        match value {
            Value::Null => {}
            Value::Bool(is) => self.text(element, if *is { "true" } else { "false" }),
            Value::Number(number) => self.text(element, &number.to_string()),
            Value::String(text) => self.text(element, text),
            Value::Array(items) => {
                self.open(element);
                items.iter().for_each(|item| self.value("member", item));
                self.close(element);
            }
            Value::Object(members) => {
                self.open(element);
                for (name, value) in members {
                    match value {
                        Value::Array(entries) if name == MAP_ENTRY => {
                            entries.iter().for_each(|entry| self.value(name, entry));
                        }
                        _ => self.value(name, value),
                    }
                }
                self.close(element);
            }
        }
    }

    /// Opens an element.
    pub(crate) fn open(&mut self, element: &str) {
        self.0.push('<');
        self.0.push_str(element);
        self.0.push('>');
    }

    /// Closes it.
    pub(crate) fn close(&mut self, element: &str) {
        self.0.push_str("</");
        self.0.push_str(element);
        self.0.push('>');
    }

    /// An element that holds a text.
    pub(crate) fn text(&mut self, element: &str, text: &str) {
        self.open(element);
        for c in text.chars() {
            match c {
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '&' => self.0.push_str("&amp;"),
                // Readers make a line feed of it where it stands as it is.
                '\r' => self.0.push_str("&#13;"),
                // XML 1.0 has no way to write these.
                c if c.is_control() && !matches!(c, '\t' | '\n') => self.0.push('\u{fffd}'),
                '\u{fffe}' | '\u{ffff}' => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
        self.close(element);
    }

    pub(super) fn answer(self, status: StatusCode) -> Outgoing {
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
        Outgoing { status, headers, body: Payload::Bytes(self.0.into()) }
    }
}

impl IntoWire<AwsQuery> for Xml {
    fn write(self) -> Outgoing {
        self.answer(StatusCode::OK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_xml_with_its_code() {
        let fault = Fault::new(FaultKind::SignatureInvalid, "a < b & c\u{1}");

        let outgoing = AwsQuery::refuse(&Refused {
            fault: &fault,
            challenges: &[],
            allow: None,
            retry_after_seconds: None,
            request_id: RequestId::new([0; 16]),
        });

        assert_eq!(outgoing.status, 403);
        let Payload::Bytes(body) = outgoing.body else { panic!("a refusal has a body") };
        assert_eq!(
            std::str::from_utf8(&body).unwrap(),
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
             <Code>SignatureDoesNotMatch</Code><Message>a &lt; b &amp; c\u{fffd}</Message></Error>\
             <RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
        );
    }

    #[test]
    fn parameters_stand_in_the_query_of_a_link_and_in_the_body_of_a_form() {
        let link = Incoming::new(Method::GET, "/?Action=GetCallerIdentity&Version=2011-06-15");
        let mut posted = Incoming::new(Method::POST, "/?Action=Other");
        posted.body = bytes::Bytes::from_static(b"Action=GetSessionToken&DurationSeconds=900").into();

        assert_eq!(Form::of(&link).get("Action"), Some("GetCallerIdentity"));
        assert_eq!(Form::of(&posted).get("Action"), Some("GetSessionToken"));
        assert_eq!(Form::of(&posted).number("DurationSeconds", 900..=3600, 7).unwrap(), 900);
        assert_eq!(Form::of(&link).number("DurationSeconds", 900..=3600, 7).unwrap(), 7);
        assert!(Form::of(&posted).number("DurationSeconds", 901..=3600, 7).is_err());
    }
}
