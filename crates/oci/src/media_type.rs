//! Names of the media types that a registry meets, and the grammar of any (RFC 6838, section 4.2).

/// Docker manifest, version 2 schema 1: refused.
pub const DOCKER_SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+json";
/// Docker manifest, version 2 schema 1, signed: refused.
pub const DOCKER_SCHEMA1_SIGNED: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
/// Docker manifest, version 2 schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker manifest list.
pub const DOCKER_MANIFEST_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker image configuration.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// Docker layer, tar.
pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
/// Docker layer, tar with gzip.
pub const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
/// Docker layer that is fetched from elsewhere, tar.
pub const DOCKER_LAYER_FOREIGN: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar";
/// Docker layer that is fetched from elsewhere, tar with gzip.
pub const DOCKER_LAYER_FOREIGN_GZIP: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
/// OCI image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// OCI image index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// OCI artifact manifest, which was withdrawn before OCI Image 1.1: refused.
pub const OCI_ARTIFACT_MANIFEST: &str = "application/vnd.oci.artifact.manifest.v1+json";
/// OCI image configuration.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// What has no content: the two bytes `{}`.
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// OCI layer, tar.
pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// OCI layer, tar with gzip.
pub const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// OCI layer, tar with Zstandard.
pub const OCI_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
/// OCI layer that may not be distributed, tar.
pub const OCI_LAYER_NONDISTRIBUTABLE: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar";
/// OCI layer that may not be distributed, tar with gzip.
pub const OCI_LAYER_NONDISTRIBUTABLE_GZIP: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
/// OCI layer that may not be distributed, tar with Zstandard.
pub const OCI_LAYER_NONDISTRIBUTABLE_ZSTD: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd";

/// The manifests that are taken, in the order in which people are told of them.
pub const MANIFESTS: [&str; 4] = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_MANIFEST_LIST];

/// The longest media type, in bytes: two names of 127 and the slash between.
const BYTES_MAX: usize = 2 * NAME_BYTES_MAX + 1;
const NAME_BYTES_MAX: usize = 127;

/// Returns whether blobs of this type need not be in the registry: their licence keeps them elsewhere.
pub fn is_nondistributable(media_type: &str) -> bool {
    matches!(
        media_type,
        OCI_LAYER_NONDISTRIBUTABLE
            | OCI_LAYER_NONDISTRIBUTABLE_GZIP
            | OCI_LAYER_NONDISTRIBUTABLE_ZSTD
            | DOCKER_LAYER_FOREIGN
            | DOCKER_LAYER_FOREIGN_GZIP
    )
}

/// Returns whether it has the shape of RFC 6838, section 4.2: two names of at most 127 characters, each beginning with
/// a letter or digit, joined by a slash; no parameters.
pub fn is_well_formed(media_type: &str) -> bool {
    media_type.split_once('/').is_some_and(|(kind, subtype)| is_restricted_name(kind) && is_restricted_name(subtype))
}

/// Returns the type itself, without parameters and the space around it: `a/b` of ` a/b ; charset=utf-8`.
pub fn essence(media_type: &str) -> &str {
    media_type.split_once(';').map_or(media_type, |(essence, _)| essence).trim_matches([' ', '\t'])
}

/// Returns whether a descriptor may have it: as [`is_well_formed`], but parameters of printable ASCII are tolerated,
/// since people put names such as `text/plain; charset=utf-8` on their files.
pub(crate) fn is_tolerable(media_type: &str) -> bool {
    let essence = media_type.split_once(';').map_or(media_type, |(essence, _)| essence.trim_end_matches(' '));
    media_type.len() <= BYTES_MAX
        && is_well_formed(essence)
        && media_type.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn is_restricted_name(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rfc_6838_are_well_formed() {
        let longest = format!("{}/{}", "a".repeat(127), "b".repeat(127));
        let names = [
            "text/plain",
            "application/vnd.dev.sigstore.bundle.v0.3+json",
            "application/vnd.example+type",
            "1/2",
            "a/b!#$&-^_.+",
            &longest,
        ];
        for name in names {
            assert!(is_well_formed(name), "{name:?}");
            assert!(is_tolerable(name), "{name:?}");
        }
    }

    #[test]
    fn other_texts_are_not() {
        let too_long = format!("a/{}", "b".repeat(128));
        for name in ["", "/", "a", "a/", "/b", "a/b/c", ".a/b", "a/ b", "a/b ", "a/b\0", "ä/b", "a/!", "*/*", &too_long]
        {
            assert!(!is_well_formed(name), "{name:?}");
            assert!(!is_tolerable(name), "{name:?}");
        }
    }

    #[test]
    fn parameters_are_tolerated_on_descriptors_only() {
        assert!(is_tolerable("text/plain; charset=utf-8") && !is_well_formed("text/plain; charset=utf-8"));
        assert!(!is_tolerable("text/plain; charset=\n") && !is_tolerable("; charset=utf-8"));
        assert!(!is_tolerable(&format!("text/plain;{}", "x".repeat(300))));
    }

    #[test]
    fn the_essence_is_without_parameters() {
        for (text, expected) in [("a/b", "a/b"), (" a/b ;c=d;e=f", "a/b"), ("a/b;", "a/b"), (";c", ""), ("", "")] {
            assert_eq!(essence(text), expected);
        }
    }

    #[test]
    fn five_layer_types_need_not_be_here() {
        for prefix in
            ["application/vnd.oci.image.layer.nondistributable.v1", "application/vnd.docker.image.rootfs.foreign.diff"]
        {
            assert!(is_nondistributable(&format!("{prefix}.tar")));
        }
        assert!(
            is_nondistributable(OCI_LAYER_NONDISTRIBUTABLE_GZIP)
                && is_nondistributable(OCI_LAYER_NONDISTRIBUTABLE_ZSTD)
        );
        assert!(is_nondistributable(DOCKER_LAYER_FOREIGN_GZIP));
        for other in [OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD, DOCKER_LAYER, DOCKER_LAYER_GZIP, OCI_EMPTY, ""] {
            assert!(!is_nondistributable(other), "{other}");
        }
    }
}
