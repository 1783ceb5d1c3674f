use aws_lc_rs::digest::{Context, SHA256, SHA512};
use gantry_oci::{Algorithm, Digest};
use std::io::{self, Read};

const BUFFER_BYTES: usize = 64 << 10;

/// Makes a digest of bytes that come in pieces.
pub(crate) struct Hasher {
    algorithm: Algorithm,
    context: Context,
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Hasher {
        let function = match algorithm {
            Algorithm::Sha256 => &SHA256,
            Algorithm::Sha512 => &SHA512,
        };
        Hasher { algorithm, context: Context::new(function) }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    pub(crate) fn finish(self) -> Digest {
        Digest::from_hash(self.algorithm, self.context.finish().as_ref())
    }
}

/// Returns the digest of bytes.
pub(crate) fn digest_of(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}

/// Reads to the end; returns the digest and how many bytes there were. `seen` learns of each piece.
pub(crate) fn hash(algorithm: Algorithm, reader: &mut dyn Read, seen: &dyn Fn(u64)) -> io::Result<(Digest, u64)> {
    let mut hasher = Hasher::new(algorithm);
    let (mut buffer, mut length) = (vec![0; BUFFER_BYTES], 0);
    loop {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            return Ok((hasher.finish(), length));
        }
        hasher.update(&buffer[..count]);
        length += count as u64;
        seen(count as u64);
    }
}

/// Passes on `length` bytes that must be those of a digest. The last piece comes only if they are: who sends them on has
/// not sent them whole otherwise.
pub(crate) struct Checked<R> {
    inner: R,
    digest: Digest,
    length: u64,
    left: u64,
    /// Until all bytes were seen.
    hasher: Option<Hasher>,
    problem: Option<String>,
}

impl<R: Read> Checked<R> {
    pub(crate) fn new(inner: R, digest: &Digest, length: u64) -> Checked<R> {
        let hasher = Some(Hasher::new(digest.algorithm()));
        Checked { inner, digest: digest.clone(), length, left: length, hasher, problem: None }
    }

    /// What is wrong with the bytes, once that was seen.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    fn fail(&mut self, problem: String) -> io::Error {
        let error = io::Error::new(io::ErrorKind::InvalidData, problem.clone());
        self.problem = Some(problem);
        error
    }

    fn compare(&mut self) -> io::Result<()> {
        let Some(hasher) = self.hasher.take() else { return Ok(()) };
        let found = hasher.finish();
        if found == self.digest { Ok(()) } else { Err(self.fail(format!("its bytes are those of {found}"))) }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(problem) = &self.problem {
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem.clone()));
        }
        if self.left == 0 {
            return self.compare().map(|()| 0);
        }
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let count = match self.inner.read(&mut buffer[..wanted]) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => return Err(self.fail(format!("it cannot be read: {error}"))),
        };
        if count == 0 && wanted > 0 {
            let (seen, length) = (self.length - self.left, self.length);
            return Err(self.fail(format!("it ends after {seen} of {length} bytes")));
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..count]);
        }
        self.left -= count as u64;
        if self.left == 0 {
            self.compare()?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], of: &[u8], length: u64) -> (Vec<u8>, Option<String>) {
        let mut checked = Checked::new(bytes, &digest_of(Algorithm::Sha256, of), length);
        let (mut got, mut buffer) = (Vec::new(), [0; 3]);
        while let Ok(count @ 1..) = checked.read(&mut buffer) {
            got.extend_from_slice(&buffer[..count]);
        }
        (got, checked.problem().map(str::to_owned))
    }

    #[test]
    fn the_bytes_of_a_digest_pass() {
        assert_eq!(read(b"hello world", b"hello world", 11), (b"hello world".to_vec(), None));
        assert_eq!(read(b"", b"", 0), (vec![], None));
    }

    #[test]
    fn the_last_piece_of_other_bytes_does_not() {
        let (got, problem) = read(b"hello World", b"hello world", 11);

        assert_eq!(got, b"hello Wor");
        assert!(problem.unwrap().starts_with("its bytes are those of sha256:"));
        assert!(read(b"", b"x", 0).1.is_some());
    }

    #[test]
    fn bytes_that_end_early_are_none() {
        assert_eq!(read(b"hell", b"hello", 5).1.unwrap(), "it ends after 4 of 5 bytes");
    }
}
