use crate::{identity, json};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, OidcProviderOptions};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Says how the tokens of an OIDC provider are taken: what IAM's own API has no words for. All of it is set anew.
#[derive(JsonSchema)]
pub struct PutOidcProviderOptions;

/// Of which provider, and how.
pub struct Request {
    arn: String,
    options: OidcProviderOptions,
}

/// How its tokens are taken.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct OidcProviderOptionsDocument {
    /// Its keys, a JWK set as text of at most 32 KiB, in place of asking it: for a cluster that cannot be asked from here.
    key_set: Option<String>,
    /// Certificates in PEM that are believed in place of the machine's when it is asked.
    authorities: Option<String>,
    /// Whether each token is taken once, by `sts:AssumeRoleWithWebIdentity`; such tokens are no passwords.
    single_use: bool,
}

/// The options as they are now.
pub struct Response(OidcProviderOptions);

impl Operation for PutOidcProviderOptions {
    type Wire = Rest;
    const NAME: &'static str = "PutOidcProviderOptions";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/providers/{provider}/options");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<OidcProviderOptionsDocument>();
        shape.answers::<OidcProviderOptionsDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidInput, FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        // It says whose keys are believed, as thumbprints do.
        vec![Access::on_arn(action::IAM_UPDATE_OPENID_CONNECT_PROVIDER_THUMBPRINT, &*request.arn)]
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        identities.set_oidc_options(cx, &request.arn, request.options.clone()).await?;
        Ok(Response(request.options))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let arn = identity::place(&incoming, "provider");
        let body: OidcProviderOptionsDocument = json::body(incoming).await?;
        let options = OidcProviderOptions {
            key_set: body.key_set,
            authorities: body.authorities,
            is_single_use: body.single_use,
        };
        Ok(Request { arn, options })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        let OidcProviderOptions { key_set, authorities, is_single_use } = self.0;
        json::answer(StatusCode::OK, &OidcProviderOptionsDocument { key_set, authorities, single_use: is_single_use })
    }
}
