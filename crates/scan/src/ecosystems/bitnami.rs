//! Bitnami's images: an SPDX document beside each component, which names it and what it was built with.

use super::sbom;
use crate::{Ecosystem, File, Found};

/// Reads the documents of Bitnami's components.
pub(crate) struct Bitnami;

impl Ecosystem for Bitnami {
    fn name(&self) -> &'static str {
        "bitnami"
    }

    fn revision(&self) -> u32 {
        1
    }

    /// `opt/bitnami/postgresql/.spdx-postgresql.spdx`.
    fn claims(&self, path: &str, _head: &[u8], _mode: u32) -> bool {
        let name = path.strip_prefix("opt/bitnami/").and_then(|rest| rest.rsplit('/').next());
        name.is_some_and(|name| name.starts_with(".spdx-") && name.ends_with(".spdx"))
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        sbom::read_file(file, found);
    }
}
