use super::{Home, print};
use gantry_e2e::{tool, until};
use std::{
    fs::{self, File},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// Within this time a docker engine is up, or is gone after it was asked to go.
const ENGINE_LIMIT: Duration = Duration::from_secs(60);

/// A docker engine of its own, apart from any other of the machine: no network, no container, files in its home.
pub(crate) struct Engine {
    child: Child,
    home: Home,
}

impl Engine {
    /// Starts one, and waits until it answers.
    pub(crate) fn start() -> Engine {
        let home = Home::new();
        let folder = |name| print(&home.path(name));
        let mut command = Command::new(tool("dockerd"));
        home.settle(&mut command);
        command.args([
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
            "--ip-forward=false",
            "--ip-masq=false",
        ]);
        command.args(["--storage-driver=vfs", "--data-root", &folder("data"), "--exec-root", &folder("exec")]);
        command.args(["--pidfile", &folder("docker.pid"), "--host", &format!("unix://{}", folder("docker.sock"))]);
        let log = File::create(home.path("engine.log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut child = command.spawn().expect("dockerd starts; run this as root");
        let is_up = || {
            let gone = child.try_wait().expect("our own child can be waited for").is_some();
            gone || home.run("docker version").succeeded
        };
        let waited = until(ENGINE_LIMIT, is_up);
        let engine = Engine { child, home };
        assert!(
            waited && engine.home.run("docker version").succeeded,
            "no docker engine; run this as root:\n{}",
            engine.log()
        );
        engine
    }

    /// Returns its home, where `docker` finds it.
    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// Returns the socket of its containerd.
    pub(crate) fn containerd(&self) -> String {
        print(&self.home.path("exec/containerd/containerd.sock"))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.path("engine.log")).unwrap_or_default()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).expect("process ids fit");
        // Asked politely, it ends its containerd too.
        // SAFETY: a signal to our own child, which is not waited for before it has ended.
        unsafe { libc::kill(pid, libc::SIGTERM) };
        if !until(ENGINE_LIMIT, || self.child.try_wait().is_ok_and(|ended| ended.is_some())) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
