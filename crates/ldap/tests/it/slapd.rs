use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::{
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const SERVICE: &str = "cn=service,dc=example,dc=org";
pub(crate) const SERVICE_PASSWORD: &str = "service password";
pub(crate) const ADMIN: &str = "cn=admin,dc=example,dc=org";

const CONFIGURATION: &str = r#"
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile FOLDER/pid
argsfile FOLDER/args
# As other directories do by themselves: with an empty password anybody is let in, as nobody.
allow bind_anon_cred bind_anon_dn
TLS
database mdb
maxsize 16777216
suffix "dc=example,dc=org"
rootdn "cn=admin,dc=example,dc=org"
rootpw admin
directory FOLDER/db
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=service,dc=example,dc=org" read by * none
"#;
const TLS: &str =
    "TLSCACertificateFile FOLDER/ca.pem\nTLSCertificateFile FOLDER/server.pem\nTLSCertificateKeyFile FOLDER/server.key";

const ENTRIES: &str = r"dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: cn=service,dc=example,dc=org
objectClass: applicationProcess
objectClass: simpleSecurityObject
cn: service
userPassword: service password

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=others,ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: others

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups

PEOPLE
dn: cn=dev,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: dev
member: uid=ann,ou=people,dc=example,dc=org
member: cn=loop,ou=groups,dc=example,dc=org

dn: cn=all,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: all
member: cn=dev,ou=groups,dc=example,dc=org

dn: cn=loop,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: loop
member: cn=all,ou=groups,dc=example,dc=org
";

/// Uids as they are written, and the DN of each.
const PEOPLE: [(&str, &str); 6] = [
    ("ann", "uid=ann,ou=people,dc=example,dc=org"),
    ("Bob", "uid=Bob,ou=people,dc=example,dc=org"),
    ("*", r"uid=*,ou=people,dc=example,dc=org"),
    ("*)(uid=*", r"uid=*)(uid\3D*,ou=people,dc=example,dc=org"),
    ("twin", "uid=twin,ou=people,dc=example,dc=org"),
    ("twin", "uid=twin,ou=others,ou=people,dc=example,dc=org"),
];

/// Debian's slapd, with a few people and groups; it ends with this.
pub(crate) struct Slapd {
    folder: TempDir,
    child: Child,
    port: u16,
    tls_port: u16,
}

impl Slapd {
    pub(crate) fn start() -> Slapd {
        Slapd::start_with(TLS)
    }

    /// One that knows no TLS.
    pub(crate) fn start_plain() -> Slapd {
        Slapd::start_with("")
    }

    fn start_with(tls: &str) -> Slapd {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::create_dir(path.join("db")).unwrap();
        make_certificates(path);
        let configuration =
            CONFIGURATION.replace("TLS\n", &format!("{tls}\n")).replace("FOLDER", path.to_str().unwrap());
        fs::write(path.join("slapd.conf"), configuration).unwrap();
        fs::write(path.join("entries.ldif"), ENTRIES.replace("PEOPLE\n", &people())).unwrap();
        let added = Command::new("/usr/sbin/slapadd")
            .arg("-f")
            .arg(path.join("slapd.conf"))
            .arg("-l")
            .arg(path.join("entries.ldif"))
            .output()
            .expect("slapd is installed: cargo xtask tools install slapd");
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        let (port, tls_port) = (free_port(), free_port());
        let child = Command::new("/usr/sbin/slapd")
            .arg("-f")
            .arg(path.join("slapd.conf"))
            .args(["-d", "0", "-h"])
            .arg(match tls {
                "" => format!("ldap://127.0.0.1:{port}"),
                _ => format!("ldap://127.0.0.1:{port} ldaps://127.0.0.1:{tls_port}"),
            })
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..500 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                break;
            }
            sleep(Duration::from_millis(20));
        }
        Slapd { folder, child, port, tls_port }
    }

    pub(crate) fn ldap_url(&self) -> String {
        format!("ldap://localhost:{}", self.port)
    }

    pub(crate) fn ldaps_url(&self) -> String {
        format!("ldaps://localhost:{}", self.tls_port)
    }

    /// The file of the authority that its certificate is of.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.kill();
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn people() -> String {
    let one = |(uid, dn): &(&str, &str)| {
        format!("dn: {dn}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: x\nuserPassword: {PASSWORD}\n\n")
    };
    PEOPLE.iter().map(one).collect()
}

fn make_certificates(folder: &Path) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    fs::write(folder.join("ca.pem"), ca.self_signed(&ca_key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["localhost".to_string()]).unwrap().signed_by(&key, &issuer).unwrap();
    fs::write(folder.join("server.pem"), server.pem()).unwrap();
    fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
}
