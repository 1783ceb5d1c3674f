use super::{Bench, Broken, Checked, LARGE, pattern, pieces, sha256};
use crate::{Algorithm, Error, Key, Side, Whereabouts, hash_bytes, sealed::DataKey};
use bytes::Bytes;
use futures_util::StreamExt;
use std::sync::Arc;
use zeroize::Zeroizing;

impl Bench<'_> {
    fn data_key(&self) -> Arc<DataKey> {
        Arc::new(DataKey::new(Zeroizing::new(self.store.env().random())))
    }

    fn two_data_keys(&self) -> Arc<DataKey> {
        let draw = || Zeroizing::new(self.store.env().random());
        Arc::new(DataKey::two_layers(draw(), draw()))
    }

    /// Publishes `bytes`, sealed, of which each part comes in a body of its own; returns how many bytes the disk has.
    async fn publish_sealed(&self, place: u32, parts: &[Bytes], data_key: &Arc<DataKey>) -> Result<(Key, u64), Broken> {
        let key = self.key(place);
        let mut upload = self.store.begin_sealed(&self.id(place), Algorithm::Sha256, data_key.clone()).await?;
        for part in parts {
            let (grown, appended) = upload.append(pieces(part), part.len() as u64).await;
            appended?;
            upload = grown;
        }
        let bytes = parts.concat();
        expect!(upload.hash() == sha256(&bytes), "the hash is not that of the plain bytes");
        let on_disk = upload.object_bytes();
        let published = upload.publish(&key).await?;
        expect!(published == bytes.len() as u64, "{published} bytes were published, not {}", bytes.len());
        let found = self.store.exists(&key).await?;
        expect!(found == Some(on_disk), "on the disk are {found:?} bytes, not {on_disk}");
        Ok((key, on_disk))
    }

    async fn read_sealed(
        &self,
        key: &Key,
        length: u64,
        from: u64,
        to: u64,
        of: &Arc<DataKey>,
    ) -> Result<Bytes, Broken> {
        let mut body = self.store.open_sealed(key, length, of.clone()).await?.body(from..to);
        expect!(body.as_file_range().is_none(), "the kernel could send what is sealed");
        let mut read = Vec::new();
        while let Some(piece) = body.next().await {
            read.extend_from_slice(&piece?);
        }
        expect!(body.remaining() == 0, "{} bytes remain of a body that ended", body.remaining());
        Ok(read.into())
    }

    pub(super) async fn sealed_bytes_come_back(&self) -> Checked {
        let bytes = pattern(LARGE + 17);
        let end = bytes.len() as u64;
        for data_key in [self.data_key(), self.two_data_keys()] {
            for cuts in [&[0, LARGE + 17][..], &[0, 10, 70_000, 70_000, LARGE + 17]] {
                let parts: Vec<Bytes> = cuts.windows(2).map(|cut| bytes.slice(cut[0]..cut[1])).collect();
                let (key, on_disk) = self.publish_sealed(0, &parts, &data_key).await?;
                for (from, to) in
                    [(0, end), (0, 1), (9, 11), (end - 1, end), (5, 5), (65_000, 2_500_000), (end - 3, end + 9)]
                {
                    let read = self.read_sealed(&key, end, from, to, &data_key).await?;
                    expect!(read == bytes[from as usize..to.min(end) as usize], "bytes {from} to {to} are others");
                }
                let hash = self.store.hash_sealed(&key, end, data_key.clone(), Algorithm::Sha512, |_| {}).await?;
                expect!(hash == hash_bytes(Algorithm::Sha512, &bytes), "the hash is another");
                let (found, hash) = self.store.hash(&key, Whereabouts::Served, Algorithm::Sha256, |_| {}).await?;
                expect!(found == on_disk && hash != sha256(&bytes), "it lies there in plain");
                self.store.delete(&[key]).await?;
            }
            let (empty, _) = self.publish_sealed(1, &[], &data_key).await?;
            expect!(self.read_sealed(&empty, 0, 0, 1, &data_key).await?.is_empty(), "an empty blob has bytes");
            self.store.delete(&[empty]).await?;
        }
        Ok(())
    }

    pub(super) async fn sealed_uploads_go_on(&self) -> Checked {
        let (bytes, data_key) = (pattern(LARGE), self.data_key());
        let upload = self.store.begin_sealed(&self.id(0), Algorithm::Sha256, data_key.clone()).await?;
        let (upload, appended) = upload.append(pieces(&bytes.slice(..100_000)), 100_000).await;
        appended?;
        let (upload, long) = upload.append(pieces(&bytes), 200_000).await;
        expect!(long.is_err() && upload.offset() == 100_000, "of a body that is too long {long:?} was kept");
        let id = upload.suspend();
        let upload = self.store.resume_sealed(&id, Algorithm::Sha256, data_key.clone()).await?;
        expect!(upload.offset() == 100_000, "resumed it has {} bytes", upload.offset());
        let (upload, appended) = upload.append(pieces(&bytes.slice(100_000..)), LARGE as u64).await;
        appended?;
        let upload = upload.rehash(Algorithm::Sha512).await?;
        expect!(upload.hash() == hash_bytes(Algorithm::Sha512, &bytes), "the hash is another");
        let upload = upload.close().await?.open().await?.catch_up().await?;
        expect!(upload.offset() == LARGE as u64, "caught up it has {} bytes", upload.offset());
        let key = self.key(0);
        upload.publish(&key).await?;
        let read = self.read_sealed(&key, LARGE as u64, 0, LARGE as u64, &data_key).await?;
        expect!(read == bytes, "other bytes were published");
        Ok(self.store.delete(&[key]).await?)
    }

    pub(super) async fn sealed_bytes_need_their_key(&self) -> Checked {
        let (bytes, data_key) = (pattern(LARGE), self.data_key());
        let end = LARGE as u64;
        let (key, _) = self.publish_sealed(0, &[bytes], &data_key).await?;
        for (other, length) in [(self.data_key(), end), (self.two_data_keys(), end), (data_key, end - 1)] {
            let Ok(reading) = self.store.open_sealed(&key, length, other).await else { continue };
            let read = reading.body(0..length).next().await;
            expect!(matches!(read, Some(Err(_))), "it is read without its key, or as {length} of {end} bytes");
        }
        Ok(self.store.delete(&[key]).await?)
    }

    pub(super) async fn copies_change_keys(&self) -> Checked {
        let bytes = pattern(LARGE + 17);
        let end = bytes.len() as u64;
        let keys = [None, Some(self.data_key()), Some(self.two_data_keys()), None];
        self.publish(0, &bytes).await?;
        for (place, pair) in (0u32..).zip(keys.windows(2)) {
            let (from, to) = (self.key(place), self.key(place + 1));
            let (from, to) =
                (Side { key: &from, data_key: pair[0].as_ref() }, Side { key: &to, data_key: pair[1].as_ref() });
            let copied = self.store.copy_between((from, end), to, &self.id(place + 1), Algorithm::Sha256).await?;
            let found = self.store.exists(to.key).await?;
            expect!(copied.hash == sha256(&bytes) && copied.length == end, "{} other bytes arrived", copied.length);
            expect!(found == Some(copied.object_bytes), "on the disk are {found:?}, not {}", copied.object_bytes);
            let again = self.store.copy_between((from, end), to, &self.id(place + 1), Algorithm::Sha256).await;
            expect!(matches!(again, Err(Error::Exists { .. })), "a place is used twice: {again:?}");
        }
        expect!(self.read(&self.key(3), bytes.len(), 0, bytes.len()).await? == bytes, "they did not come back");
        let places: Vec<Key> = (0..4).map(|place| self.key(place)).collect();
        Ok(self.store.delete(&places).await?)
    }
}
