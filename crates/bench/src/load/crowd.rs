//! A crowd of clients that cost their server memory and nothing else: they rest, or read very slowly.

use crate::{
    error::{BenchError, Outcome, While},
    field::Target,
    servers::Running,
};
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    runtime::Runtime,
    sync::{Semaphore, mpsc},
    task::JoinHandle,
};

/// What each of the crowd does after its first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Takes the whole answer and rests, keeping the connection.
    Rest,
    /// Takes a kilobyte of the answer every second.
    ReadSlowly,
}

/// A crowd that is there; gone when dropped.
pub(crate) struct Crowd {
    runtime: Runtime,
    tasks: Vec<JoinHandle<()>>,
    errors: mpsc::UnboundedReceiver<io::Error>,
    bytes: Arc<AtomicU64>,
}

/// Small, or the kernel would take megabytes for each client that reads nothing.
const RECEIVE_BYTES: u32 = 4096;
const CONNECTING_MAX: usize = 128;
const NICE: i32 = 10;
const SLOW_BYTES: usize = 1024;
const SLOW_EVERY: Duration = Duration::from_secs(1);

impl Crowd {
    /// Connects so many clients, each with its first request, and returns when all are there.
    ///
    /// # Errors
    /// When one cannot connect, or is answered otherwise than with 200.
    pub(crate) fn gather(server: &Running, target: &Target, count: u64, habit: Habit) -> Outcome<Self> {
        let authorization = server.bearer(std::slice::from_ref(&target.scope))?;
        let authorization = authorization.map(|value| format!("Authorization: {value}\r\n")).unwrap_or_default();
        let accept = target.accept.map(|value| format!("Accept: {value}\r\n")).unwrap_or_default();
        let request =
            format!("GET {} HTTP/1.1\r\nHost: {}\r\n{authorization}{accept}\r\n", target.path, server.address);
        let request: Arc<[u8]> = request.into_bytes().into();
        // It stands behind the server and those who ask meanwhile: what it costs itself must not look like their cost.
        let step_back = || {
            let _ = rustix::process::nice(NICE);
        };
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).on_thread_start(step_back).enable_all().build();
        let runtime = runtime.while_trying("start a thread")?;
        let (address, permits) = (server.address, Arc::new(Semaphore::new(CONNECTING_MAX)));
        let bytes = Arc::new(AtomicU64::new(0));
        let (complain, errors) = mpsc::unbounded_channel();
        let (arrive, mut arrived) = mpsc::unbounded_channel();
        let mut tasks = Vec::new();
        for _ in 0..count {
            let (request, permits, bytes) = (request.clone(), permits.clone(), bytes.clone());
            let (arrive, complain) = (arrive.clone(), complain.clone());
            tasks.push(runtime.spawn(async move {
                let joined = async {
                    let _permit = permits.acquire().await.map_err(io::Error::other)?;
                    join(address, &request, habit).await
                };
                let lived = match joined.await {
                    Ok(stream) => {
                        let _ = arrive.send(());
                        live(stream, habit, &bytes).await
                    }
                    Err(error) => Err(error),
                };
                // Nobody listens any more once the crowd is dropped.
                let _ =
                    complain.send(lived.err().unwrap_or_else(|| io::Error::other("the server closed a connection")));
            }));
        }
        let mut crowd = Self { runtime, tasks, errors, bytes };
        for _ in 0..count {
            let next = crowd.runtime.block_on(async {
                tokio::select! {
                    Some(()) = arrived.recv() => None,
                    error = crowd.errors.recv() => error,
                }
            });
            if let Some(error) = next {
                return Err(error).while_trying(format!("gather {count} clients"));
            }
        }
        Ok(crowd)
    }

    /// Returns how many bytes they have read since they came.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Sees that all are still there.
    ///
    /// # Errors
    /// When the server sent one away.
    pub(crate) fn check(&mut self) -> Outcome<()> {
        match self.errors.try_recv() {
            Ok(error) => Err(BenchError::program("the crowd", error)),
            Err(_) => Ok(()),
        }
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn join(address: SocketAddr, request: &[u8], habit: Habit) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if habit == Habit::ReadSlowly {
        socket.set_recv_buffer_size(RECEIVE_BYTES)?;
    }
    let mut stream = socket.connect(address).await?;
    stream.write_all(request).await?;
    let mut buffer = vec![0; 1024];
    let read = stream.read(&mut buffer).await?;
    if !buffer[..read].starts_with(b"HTTP/1.1 200 ") {
        return Err(io::Error::other(String::from_utf8_lossy(&buffer[..read.min(64)]).into_owned()));
    }
    Ok(stream)
}

/// Ends when the server closes.
async fn live(mut stream: TcpStream, habit: Habit, bytes: &AtomicU64) -> io::Result<()> {
    let mut buffer = [0; SLOW_BYTES];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            read => bytes.fetch_add(read as u64, Ordering::Relaxed),
        };
        if habit == Habit::ReadSlowly {
            tokio::time::sleep(SLOW_EVERY).await;
        }
    }
}
