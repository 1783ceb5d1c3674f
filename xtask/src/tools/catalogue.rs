//! The tools that the tests need: each with its version, and how it comes.
//!
//! A new tool is one entry here. The order is the order of installation: what the tests ask for first comes first.

/// One tool.
#[derive(Debug)]
pub(crate) struct Tool {
    /// Its name, which is also the name of its program in the folder of tools (Debian's lie where Debian puts them).
    pub(crate) name: &'static str,
    /// The version that is installed; Debian's packages have the version of the Debian release.
    pub(crate) version: &'static str,
    /// How it comes.
    pub(crate) source: Source,
    /// The arguments that show it alive.
    pub(crate) alive: &'static [&'static str],
}

/// Where a tool comes from.
#[derive(Debug)]
pub(crate) enum Source {
    /// A package of Debian, and the program by which it is known to be there.
    Debian {
        /// The packages to install.
        packages: &'static [&'static str],
        /// The program that comes with them, looked up in `PATH`.
        program: &'static str,
    },
    /// A Go package, with the name of the program that `go install` makes of it.
    Go {
        /// The package, without its version.
        package: &'static str,
        /// What `go install` calls the program.
        program: &'static str,
    },
    /// A package of a Go module that `go install` refuses, built from the module's own sources.
    Module {
        /// The module, without its version.
        module: &'static str,
        /// The package within it.
        package: &'static str,
        /// The build tags, with commas; none where it is empty.
        tags: &'static str,
    },
    /// An archive of sources among those handed over beside the checkout.
    Archive {
        /// The file below `clients/`.
        archive: &'static str,
        /// The module's folder within it.
        module: &'static str,
        /// What is built there.
        make: Make,
    },
    /// Packages of Python, each with its version, in an environment of their own; the program is its interpreter.
    Python {
        /// As pip takes them.
        packages: &'static [&'static str],
    },
    /// A package of Node.js, in a folder of its own; the program is node, which finds the package from there.
    Node {
        /// Its name; the version is the tool's.
        package: &'static str,
    },
    /// A crate with a program, with the features asked for.
    Crate {
        /// Features beside the default ones.
        features: &'static [&'static str],
    },
}

/// What is made of a Go module.
#[derive(Debug)]
pub(crate) enum Make {
    /// `go build` of this package.
    Program(&'static str),
    /// `go test -c`: the tests as a program.
    Tests,
}

/// Every tool, in the order of installation.
pub(crate) const TOOLS: &[Tool] = &[
    Tool {
        name: "conformance-1.1.1",
        version: "1.1.1",
        source: Source::Archive { archive: "oci-conformance-1.1.1.tar.xz", module: "conformance", make: Make::Tests },
        alive: &["-test.list", "."],
    },
    Tool {
        name: "conformance-head",
        version: "967efdc",
        source: Source::Archive {
            archive: "oci-conformance-head-967efdc.tar.xz",
            module: "conformance",
            make: Make::Program("."),
        },
        alive: &[],
    },
    go("crane", "v0.22.1", "github.com/google/go-containerregistry/cmd/crane", "crane", &["version"]),
    go("regctl", "v0.11.7", "github.com/regclient/regclient/cmd/regctl", "regctl", &["version"]),
    Tool {
        name: "oras",
        version: "1.3.3",
        source: Source::Archive { archive: "oras-1.3.3.tar.xz", module: ".", make: Make::Program("./cmd/oras") },
        alive: &["version"],
    },
    go("helm", "v3.22.0", "helm.sh/helm/v3/cmd/helm", "helm", &["version", "--short"]),
    Tool {
        name: "notation",
        version: "v1.3.2",
        // Its proxy lists no versions, so `go install` finds none; the module itself can be had.
        source: Source::Module { module: "github.com/notaryproject/notation", package: "./cmd/notation", tags: "" },
        alive: &["version"],
    },
    go("distribution", "v3.1.2", "github.com/distribution/distribution/v3/cmd/registry", "registry", &["--version"]),
    Tool {
        name: "zot",
        // The newest that the proxy has under a name from which it can be had; it calls itself by another. It is for its folders,
        // not for its speed: what is measured is a newer one.
        version: "v1.4.3",
        source: Source::Module {
            module: "github.com/project-zot/zot",
            package: "./cmd/zot",
            // Without it, it wants a library of C.
            tags: "containers_image_openpgp",
        },
        alive: &["--version"],
    },
    go("versitygw", "v1.8.0", "github.com/versity/versitygw/cmd/versitygw", "versitygw", &["--version"]),
    go("cosign", "v3.1.3", "github.com/sigstore/cosign/v3/cmd/cosign", "cosign", &["version"]),
    go("osv-scanner", "v2.5.0", "github.com/google/osv-scanner/v2/cmd/osv-scanner", "osv-scanner", &["--version"]),
    debian("dockerd", &["docker.io"], &["--version"]),
    debian("podman", &["podman"], &["--version"]),
    debian("skopeo", &["skopeo"], &["--version"]),
    debian("buildah", &["buildah"], &["--version"]),
    debian("containerd", &["containerd"], &["--version"]),
    debian("nginx", &["nginx-light"], &["-v"]),
    debian("postgres", &["postgresql"], &["--version"]),
    debian("slapd", &["slapd"], &["-VV"]),
    debian("wrk", &["wrk"], &["--version"]),
    debian("eatmydata", &["eatmydata"], &["echo", "wraps"]),
    debian("runc", &["runc"], &["--version"]),
    debian("systemd-analyze", &["systemd"], &["--version"]),
    debian("strace", &["strace"], &["--version"]),
    debian("curl", &["curl"], &["--version"]),
    debian("openssl", &["openssl"], &["version"]),
    debian("sqlite3", &["sqlite3"], &["-version"]),
    Tool {
        name: "python-aws",
        version: "1.44.8",
        // The command line is `python-aws -m awscli`; it has a botocore of its own.
        source: Source::Python { packages: &["botocore==1.44.8", "boto3==1.44.8", "awscli==1.46.3"] },
        alive: &["-c", "import awscli, boto3; print(boto3.__version__, awscli.__version__)"],
    },
    debian("node", &["nodejs"], &["--version"]),
    debian("npm", &["npm"], &["--version"]),
    debian("mvn", &["maven"], &["--version"]),
    Tool {
        name: "oidc-provider",
        version: "9.13.3",
        source: Source::Node { package: "oidc-provider" },
        alive: &["--input-type=module", "--eval", "import 'oidc-provider'; console.log(process.version)"],
    },
    Tool { name: "cargo-deny", version: "0.20.2", source: Source::Crate { features: &[] }, alive: &["--version"] },
    Tool { name: "cargo-fuzz", version: "0.13.2", source: Source::Crate { features: &[] }, alive: &["--version"] },
];

const fn go(
    name: &'static str,
    version: &'static str,
    package: &'static str,
    program: &'static str,
    alive: &'static [&'static str],
) -> Tool {
    Tool { name, version, source: Source::Go { package, program }, alive }
}

const fn debian(program: &'static str, packages: &'static [&'static str], alive: &'static [&'static str]) -> Tool {
    Tool { name: program, version: "Debian's", source: Source::Debian { packages, program }, alive }
}

/// Returns the tool of this name.
pub(crate) fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_tools_share_a_name() {
        let names: BTreeSet<_> = TOOLS.iter().map(|tool| tool.name).collect();

        assert_eq!(names.len(), TOOLS.len());
    }
}
