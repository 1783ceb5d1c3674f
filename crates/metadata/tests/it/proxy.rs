//! A Unix socket between the metadata and its server, whose connections can be cut.

use std::{
    io::{Read, Write},
    net::Shutdown,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
};

const SOCKET: &str = ".s.PGSQL.5432";

/// The way to a server.
pub(crate) struct Proxy {
    folder: tempfile::TempDir,
    server: PathBuf,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    open: Mutex<Vec<UnixStream>>,
    /// The next answer of the server is swallowed, and every connection cut.
    swallows_answer: AtomicBool,
    /// New connections are cut at once.
    is_down: AtomicBool,
}

impl State {
    fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// What a test does to the connections, from anywhere.
#[derive(Clone)]
pub(crate) struct Scissors(Arc<State>);

impl Scissors {
    pub(crate) fn cut_all(&self) {
        self.0.cut();
    }
    pub(crate) fn cut_at_next_answer(&self) {
        self.0.swallows_answer.store(true, SeqCst);
    }
    pub(crate) fn take_down(&self) {
        self.0.is_down.store(true, SeqCst);
        self.0.cut();
    }
    pub(crate) fn bring_up(&self) {
        self.0.is_down.store(false, SeqCst);
    }
}

impl Proxy {
    /// Leads to the server whose socket lies in `server`.
    pub(crate) fn to(server: &Path) -> Proxy {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let proxy = Proxy { folder, server: server.join(SOCKET), state: Arc::default() };
        let (server, state) = (proxy.server.clone(), proxy.state.clone());
        // Ends with the process: nobody connects to a socket whose folder is gone.
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if !state.is_down.load(SeqCst) {
                    connect(client, &server, &state);
                }
            }
        });
        proxy
    }
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
    pub(crate) fn scissors(&self) -> Scissors {
        Scissors(self.state.clone())
    }
}

fn connect(client: UnixStream, server: &Path, state: &Arc<State>) {
    let Ok(server) = UnixStream::connect(server) else { return };
    let clones = [client.try_clone().unwrap(), server.try_clone().unwrap()];
    state.open.lock().unwrap().extend(clones);
    let (from_client, to_client) = (client.try_clone().unwrap(), client);
    let (from_server, to_server) = (server.try_clone().unwrap(), server);
    thread::spawn(move || forward(from_client, to_server, || false));
    let state = state.clone();
    thread::spawn(move || {
        forward(from_server, to_client, || {
            let cuts = state.swallows_answer.swap(false, SeqCst);
            if cuts {
                state.cut();
            }
            cuts
        });
    });
}

/// Passes bytes on until either end closes, or `stops` says so before the next ones.
fn forward(mut from: UnixStream, mut to: UnixStream, stops: impl Fn() -> bool) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if stops() || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
