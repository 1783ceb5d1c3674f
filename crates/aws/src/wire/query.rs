use gantry_api::{Challenges, FromWire, Incoming, IntoWire, Outgoing, Payload, Refused, Wire, form};
use gantry_fault::{Fault, FaultKind};
use gantry_words::RequestId;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use std::ops::RangeInclusive;

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/xml");
const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The AWS query protocol as STS speaks it: a form with its `Action`, XML back. Links may be presigned.
pub struct AwsQuery;

impl Wire for AwsQuery {
    const NAME: &'static str = "aws-query";
    const READS_BODY: bool = true;
    const CHALLENGES: Challenges = Challenges::Basic;
    const SIGNED_FOR: Option<&'static str> = Some("sts");

    fn refuse(refused: &Refused<'_>) -> Outgoing {
        let Fault { kind, message, .. } = refused.fault;
        let row = kind.row();
        // Here AWS tells who may not from who asks wrongly also by the status.
        let status = match row.status {
            403 => StatusCode::FORBIDDEN,
            _ => super::status(*kind),
        };
        let mut xml = Xml::default();
        xml.open(&format!("ErrorResponse xmlns=\"{NAMESPACE}\""));
        xml.open("Error");
        xml.text("Type", if status.is_server_error() { "Receiver" } else { "Sender" });
        xml.text("Code", row.aws_query());
        xml.text("Message", message);
        xml.close("Error");
        xml.text("RequestId", &refused.request_id.to_string());
        xml.close("ErrorResponse");
        xml.answer(status)
    }

    fn dress(headers: &mut HeaderMap, request_id: RequestId) {
        super::dress(headers, request_id);
    }
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
                // XML 1.0 has no way to write these.
                c if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
        self.close(element);
    }

    fn answer(self, status: StatusCode) -> Outgoing {
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
