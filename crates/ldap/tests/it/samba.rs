use rcgen::{CertificateParams, KeyPair};
use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "Correct-Horse-1";
pub(crate) const SERVICE: &str = "service@example.test";
/// After so many wrong passwords it locks somebody.
pub(crate) const LOCKS_AFTER: &str = "5";

const CONFIGURATION: &str = "[global]
  netbios name = DC
  realm = EXAMPLE.TEST
  workgroup = EXAMPLE
  server role = active directory domain controller
  server services = ldap
  interfaces = ADDRESS/8
  bind interfaces only = yes
  private dir = FOLDER/dc/private
  state directory = FOLDER/dc/state
  lock directory = FOLDER/dc
  cache directory = FOLDER/dc
  pid directory = FOLDER/dc
  ncalrpc dir = FOLDER/dc/ncalrpc
  winbindd socket directory = FOLDER/dc/winbindd
  tls enabled = yes
  tls keyfile = FOLDER/server.key
  tls certfile = FOLDER/server.pem
  tls cafile = FOLDER/server.pem
";

/// Active Directory as Samba has it, on an address of its own of this machine: its ports are 389 and 636, so this takes root. It ends
/// with this.
pub(crate) struct Samba {
    folder: TempDir,
    child: Child,
    address: String,
}

impl Samba {
    /// A domain with `ann` in `inner`, which is in `dev`; with `gone`, who is disabled, and `cyd`, whose e-mail address is a name too.
    pub(crate) fn start() -> Samba {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        // One of 127.77.0.0/16 for each process.
        let [.., high, low] = std::process::id().to_be_bytes();
        let address = format!("127.77.{high}.{}", low.max(1));
        let target = format!("--targetdir={}", path.join("dc").display());
        tool(&[
            "domain",
            "provision",
            "--realm=EXAMPLE.TEST",
            "--domain=EXAMPLE",
            "--server-role=dc",
            "--dns-backend=NONE",
            "--host-name=dc",
            "--adminpass=Administrator-1",
            "--option=interfaces=127.0.0.1",
            &target,
        ]);
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![address.clone()]).unwrap().self_signed(&key).unwrap();
        fs::write(path.join("server.pem"), certificate.pem()).unwrap();
        write_private(&path.join("server.key"), &key.serialize_pem());
        let configuration = CONFIGURATION.replace("FOLDER", path.to_str().unwrap()).replace("ADDRESS", &address);
        let file = path.join("smb.conf");
        fs::write(&file, configuration).unwrap();
        let of_domain = format!("--configfile={}", file.display());
        for line in [
            &["user", "create", "service", PASSWORD][..],
            &["user", "create", "ann", PASSWORD],
            &["user", "create", "cyd", PASSWORD, "--mail-address=cyd@mail.example"],
            &["user", "create", "gone", PASSWORD],
            &["user", "disable", "gone"],
            &["group", "add", "dev"],
            &["group", "add", "inner"],
            &["group", "addmembers", "dev", "inner"],
            &["group", "addmembers", "inner", "ann"],
            &["domain", "passwordsettings", "set", "--account-lockout-threshold", LOCKS_AFTER],
        ] {
            tool(&[line, &[of_domain.as_str()]].concat());
        }
        let mut command = Command::new("/usr/sbin/samba");
        command.args(["--foreground", "--model=single", "--no-process-group", "--debug-stdout", "--configfile"]);
        let child = command.arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        for _ in 0..1500 {
            if TcpStream::connect((address.as_str(), 636)).is_ok() {
                break;
            }
            sleep(Duration::from_millis(20));
        }
        Samba { folder, child, address }
    }

    pub(crate) fn ldap_url(&self) -> String {
        format!("ldap://{}", self.address)
    }

    pub(crate) fn ldaps_url(&self) -> String {
        format!("ldaps://{}", self.address)
    }

    /// The file of its certificate.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.path().join("server.pem")
    }
}

impl Drop for Samba {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs Samba's tool; it must end well.
fn tool(arguments: &[&str]) {
    let output = Command::new("/usr/bin/samba-tool").args(arguments).output();
    let output = output.expect("samba is installed: cargo xtask tools install samba");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn write_private(file: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}
