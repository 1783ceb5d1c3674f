//! Images of real packages, scanned by Gantry and by osv-scanner with the same advisories: every difference is explained in
//! `docs/scanning-compared.md`.
//!
//! | file | what |
//! |---|---|
//! | `compared/packages.rs` | packages as the clients of their registries bring them |
//! | `compared/image.rs` | folders as an archive of an image |
//! | `compared/scanners.rs` | what the two scanners say |
//! | `compared/differences.rs` | where they differ, and what the page says of it |

mod differences;
mod image;
mod packages;
mod scanners;

use differences::{Compared, Page};
use gantry_e2e::skipped;
use image::{Layer, Marks};
use scanners::Advisories;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// An image whose folders lie in a temporary one.
struct Image {
    name: &'static str,
    folder: TempDir,
}

impl Image {
    fn new(name: &'static str) -> Image {
        let folder = tempfile::Builder::new().prefix("gantry-compared-").tempdir().unwrap();
        Image { name, folder }
    }

    /// Returns a new folder.
    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Returns the folder whose files are the first layer.
    fn root(&self) -> PathBuf {
        self.folder("root")
    }

    /// Scans it with both, and compares what they say with what the page says about that.
    #[track_caller]
    fn is_told_alike(&self, marks: &Marks, ecosystems: &[&str], plugins: &[&str]) {
        let layers = [Layer::of_folder(&self.root()), marks.layer()];
        let archive = self.folder.path().join("image.tar");
        image::write_archive(&archive, &layers);
        let advisories = Advisories::of(&self.folder("advisories"), ecosystems);

        let gantry = scanners::gantry(&archive, &advisories, &self.folder("cache"));
        let other = scanners::osv_scanner(&archive, &advisories, plugins);

        let page = Page::read();
        assert_eq!(differences::told_twice(&gantry), Vec::<String>::new(), "one flaw of a package is one finding");
        let compared = Compared::of(self.name, &gantry, &other);
        assert_eq!(page.missing(&compared), Vec::<String>::new(), "differences that {} does not explain", Page::PATH);
        assert_eq!(page.gone(&compared), Vec::<String>::new(), "what {} explains, and is no more", Page::PATH);
        assert_eq!(compared.agreed, page.agreed(self.name), "what both say of {}, as {} has it", self.name, Page::PATH);
    }
}

#[test]
fn every_difference_is_explained_in_an_image_of_debian_packages() {
    let image = Image::new("debian");
    let pinned = [
        "bind9-libs=1:9.18.49-1~deb12u1",
        "busybox=1:1.35.0-4+deb12u1+b1",
        "curl=7.88.1-10+deb12u15",
        "libexpat1=2.5.0-1+deb12u2",
        "libpng16-16=1.6.39-2+deb12u5",
        "libssl3=3.0.20-1~deb12u2",
        "libxml2=2.9.14+dfsg-1.3~deb12u6",
        "linux-libc-dev=6.1.176-1",
        "openssl=3.0.20-1~deb12u2",
        "perl-base=5.36.0-7+deb12u3",
        "python3-certifi=2022.9.24-1",
        "python3-idna=3.3-1+deb12u1",
        "python3-requests=2.28.1+dfsg-1",
        "python3-urllib3=1.26.12-1+deb12u4",
        "zlib1g=1:1.2.13.dfsg-1",
    ];

    if let Err(gone) = packages::debian(&image.root(), &image.folder("archives"), &pinned) {
        return skipped(&format!("the Debian packages to compare scanners with are not to be had any more: {gone}"));
    }

    image.is_told_alike(&Marks::none(), &["Debian", "PyPI"], &[]);
}

#[test]
fn every_difference_is_explained_in_an_image_of_python_packages_of_which_a_layer_deletes_some() {
    let image = Image::new("python");
    let pinned = [
        "certifi==2022.6.15",
        "django==2.2",
        "flask==0.12.2",
        "idna==3.3",
        "jinja2==2.10",
        "pip==21.0",
        "pyyaml==5.4b1",
        "requests==2.19.1",
        "setuptools==65.5.0",
        "sqlparse==0.2.4",
        "tornado==6.1",
        "urllib3==1.24.1",
        "werkzeug==0.15.2",
    ];
    let marks = Marks::none().delete("opt/app/Flask-0.12.2.dist-info").empty("opt/old");

    packages::python(&image.root().join("opt/app"), &pinned);
    packages::python(&image.root().join("opt/old"), &["aiohttp==3.8.4"]);

    image.is_told_alike(&marks, &["PyPI"], &[]);
}

#[test]
fn every_difference_is_explained_in_an_image_of_node_packages() {
    let image = Image::new("node");
    let pinned = [
        "axios@0.18.0",
        "handlebars@4.0.5",
        "jquery@3.3.1",
        "jsonwebtoken@8.0.0",
        "lodash@4.17.4",
        "marked@0.3.6",
        "minimist@0.0.8",
        "node-fetch@2.6.0",
        "qs@6.2.0",
        "ws@3.2.0",
    ];

    packages::node(&image.root().join("app"), &pinned);

    image.is_told_alike(&Marks::none(), &["npm"], &[]);
}

#[test]
fn every_difference_is_explained_in_an_image_of_java_archives_one_of_which_holds_others() {
    let image = Image::new("java");
    let pinned = [
        "com.fasterxml.jackson.core:jackson-databind:2.9.8",
        "com.thoughtworks.xstream:xstream:1.4.10",
        "commons-collections:commons-collections:3.2.1",
        "commons-fileupload:commons-fileupload:1.3.1",
        "io.netty:netty-codec-http:4.1.30.Final",
        "org.apache.activemq:activemq-client:5.15.3",
        "org.apache.logging.log4j:log4j-core:2.14.1",
        "org.apache.tomcat.embed:tomcat-embed-core:8.5.30",
        "org.bouncycastle:bcprov-jdk15on:1.55",
        "org.springframework:spring-web:5.2.0.RELEASE",
    ];
    let within = image.folder("within");

    packages::java(&image.root().join("app"), &pinned);
    packages::java(&within.join("WEB-INF/lib"), &["org.apache.struts:struts2-core:2.3.31"]);
    packages::pack(&within, "WEB-INF", &image.root().join("app/shop.war"));

    image.is_told_alike(&Marks::none(), &["Maven"], &[]);
}

#[test]
fn every_difference_is_explained_in_an_image_of_go_programs() {
    let image = Image::new("go");
    let pinned = [
        ("github.com/dgrijalva/jwt-go", "v3.2.0+incompatible"),
        ("golang.org/x/crypto/bcrypt", "v0.0.0-20200622213623-75b288015ac9"),
        ("golang.org/x/text/language", "v0.3.5"),
        ("gopkg.in/yaml.v2", "v2.2.2"),
    ];

    packages::go(&image.root().join("usr/bin"), &image.folder("source"), &pinned);

    image.is_told_alike(&Marks::none(), &["Go"], &[]);
}

#[test]
fn every_difference_is_explained_in_an_image_of_crates() {
    let image = Image::new("crates");
    // Nothing that a registry serves was built with cargo-auditable.
    let auditable = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scan/fixtures/rust-binary/auditable/input");

    packages::crates(&image.root().join("src"));
    packages::program(&auditable.join("usr/local/bin/server"), &image.root().join("usr/local/bin"));

    image.is_told_alike(&Marks::none(), &["crates.io"], &["rust/cargolock"]);
}

#[test]
fn the_page_explains_no_image_that_is_not_compared() {
    let images = Page::read().images();

    assert_eq!(images, ["crates", "debian", "go", "java", "node", "python"]);
}
