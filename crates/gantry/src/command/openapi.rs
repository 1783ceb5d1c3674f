use crate::output::{Exit, Failure, Format, Printer};

/// Print the OpenAPI document of the management API
///
/// A running server gives the same at /api/v1/openapi.json to whoever may come in.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry openapi > openapi.json")]
pub(crate) struct OpenApiCommand {}

impl OpenApiCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        Printer::stdout(Format::Json).text(&gantry_rest::openapi()).map(|()| Exit::Done)
    }
}
