use bytes::Bytes;
use futures_util::{Stream, stream};
use std::{
    fmt,
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
};
use tokio::{fs::OpenOptions, io::AsyncReadExt, sync::mpsc, task::spawn_blocking};

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 256 << 10;
/// Pieces that are read before the one before them is written.
const PIECES_AHEAD: usize = 4;

/// Opens the bytes of a blob, on a thread that may wait.
pub type OpenBlob = dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync;

/// Where the bytes of a blob are.
#[derive(Clone)]
pub enum BlobPlace {
    /// In a file. It is not followed where it is a link.
    File(PathBuf),
    /// Elsewhere: they come when they are asked for.
    Stream(Arc<OpenBlob>),
}

/// The bytes of a blob on their way.
pub(super) type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

impl BlobPlace {
    /// The file, where it is one.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            BlobPlace::File(path) => Some(path),
            BlobPlace::Stream(_) => None,
        }
    }

    /// Opens the bytes: as many as there should be and one more, so that too many are found out.
    pub(super) async fn pieces(&self, length: u64) -> io::Result<Pieces> {
        let bytes_max = length.saturating_add(1);
        match self {
            BlobPlace::File(path) => {
                let file = OpenOptions::new().read(true).open(path).await?;
                Ok(Box::pin(of_file(file, bytes_max)))
            }
            BlobPlace::Stream(open) => Ok(Box::pin(of_stream(open.clone(), bytes_max))),
        }
    }
}

impl fmt::Debug for BlobPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BlobPlace::File(path) => f.debug_tuple("File").field(path).finish(),
            BlobPlace::Stream(_) => f.write_str("Stream"),
        }
    }
}

fn of_file(file: tokio::fs::File, bytes_max: u64) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::unfold(Some(file.take(bytes_max)), |file| async move {
        let mut file = file?;
        let mut piece = vec![0; PIECE_BYTES];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(count) => {
                piece.truncate(count);
                Some((Ok(piece.into()), Some(file)))
            }
            Err(error) => Some((Err(error), None)),
        }
    })
}

/// Reads on a thread of its own, a few pieces ahead.
fn of_stream(open: Arc<OpenBlob>, bytes_max: u64) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
    spawn_blocking(move || {
        let mut reader = match open() {
            Ok(reader) => reader.take(bytes_max),
            Err(error) => return drop(sender.blocking_send(Err(error))),
        };
        loop {
            let piece = next_piece(&mut reader);
            if matches!(&piece, Ok(piece) if piece.is_empty()) {
                return;
            }
            let is_broken = piece.is_err();
            // Nobody takes it any more where the upload has ended.
            if sender.blocking_send(piece).is_err() || is_broken {
                return;
            }
        }
    });
    stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|piece| (piece, receiver)) })
}

/// Reads a piece, whole but for the last one; an empty one is the end.
fn next_piece(reader: &mut impl Read) -> io::Result<Bytes> {
    let (mut piece, mut filled) = (vec![0; PIECE_BYTES], 0);
    while filled < piece.len() {
        match reader.read(&mut piece[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    piece.truncate(filled);
    Ok(piece.into())
}
