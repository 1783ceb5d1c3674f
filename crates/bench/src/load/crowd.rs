//! A crowd of clients that cost their server memory and nothing else: they rest, or read very slowly.

use crate::{
    error::{BenchError, Outcome, While},
    field::Target,
    servers::Running,
};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
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
}

/// Small, or the kernel would take megabytes for each client that reads nothing.
const RECEIVE_BYTES: u32 = 4096;
const CONNECTING_MAX: usize = 128;
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
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.while_trying("start a thread")?;
        let (address, permits) = (server.address, Arc::new(Semaphore::new(CONNECTING_MAX)));
        let (complain, errors) = mpsc::unbounded_channel();
        let (arrive, mut arrived) = mpsc::unbounded_channel();
        let mut tasks = Vec::new();
        for _ in 0..count {
            let (request, permits, arrive, complain) =
                (request.clone(), permits.clone(), arrive.clone(), complain.clone());
            tasks.push(runtime.spawn(async move {
                let joined = async {
                    let _permit = permits.acquire().await.map_err(io::Error::other)?;
                    join(address, &request, habit).await
                };
                let lived = match joined.await {
                    Ok(stream) => {
                        let _ = arrive.send(());
                        live(stream, habit).await
                    }
                    Err(error) => Err(error),
                };
                // Nobody listens any more once the crowd is dropped.
                let _ =
                    complain.send(lived.err().unwrap_or_else(|| io::Error::other("the server closed a connection")));
            }));
        }
        let mut crowd = Self { runtime, tasks, errors };
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
async fn live(mut stream: TcpStream, habit: Habit) -> io::Result<()> {
    let mut buffer = [0; SLOW_BYTES];
    loop {
        if stream.read(&mut buffer).await? == 0 {
            return Ok(());
        }
        if habit == Habit::ReadSlowly {
            tokio::time::sleep(SLOW_EVERY).await;
        }
    }
}
