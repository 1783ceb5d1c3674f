use crate::{
    images::store_algorithm,
    keys::KeyDomain,
    link::{LinkBlob, Linked, MarkCorrupt, Source},
    ports::Ports,
    repositories::Repository,
};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{blobs, blobs::SealedRow};
use gantry_oci::Digest;
use gantry_store::{Key, Upload};
use gantry_words::Cx;
use std::time::Duration;

/// Durable bytes become visible within this, or not at all: a sweep may take them as left over an hour after they came
/// ([`crate::orphans::PENDING_MAX`]).
pub(crate) const LINK_WITHIN: Duration = Duration::from_secs(600);

/// Makes the bytes of an upload, whose digest has been checked, a visible blob of a repository.
///
/// Where the site has the bytes already they are linked and the new ones dropped; else they become durable first and
/// visible then. `row` is the upload's row, which ends in the same transaction, and the revision it must still have, if
/// another server could have taken it over.
pub(crate) async fn admit(
    ports: &Ports,
    cx: &Cx,
    repository: &Repository,
    digest: &Digest,
    upload: Upload,
    row: Option<(&str, Option<i64>)>,
) -> Result<(), Fault> {
    make_visible(ports, cx, repository, digest, upload, row).await?;
    ports.note_arrival(cx, repository, digest);
    Ok(())
}

async fn make_visible(
    ports: &Ports,
    cx: &Cx,
    repository: &Repository,
    digest: &Digest,
    upload: Upload,
    row: Option<(&str, Option<i64>)>,
) -> Result<(), Fault> {
    let size = upload.offset();
    let domain = KeyDomain::of(cx.account, &repository.rules);
    let text = domain.as_ref().map(KeyDomain::print).unwrap_or_default();
    // The grace time runs from here, not from the request's beginning: the bytes may have been arriving for days.
    let cx = &Cx { now: ports.env.now(), ..cx.clone() };
    let act = |from| LinkBlob {
        account: cx.account,
        repository: repository.id,
        name: repository.name.clone(),
        digest: digest.clone(),
        size,
        domain: text.clone(),
        from,
        upload: row.map(|(id, _)| id.to_string()),
        hold: row.and_then(|(_, revision)| revision),
        grace: ports.settings.collection.grace.duration(),
    };
    // Where the bytes are here already, nothing else would ask for the key.
    ports.check_key(cx, repository).await?;
    if is_whole_copy_here(ports, cx, digest, &text).await? {
        match ports.metadata.perform(cx, act(Source::Present)).await {
            Ok(Linked::NeedBytes) => {}
            Ok(Linked::Done { .. }) => {
                discard(upload).await;
                return Ok(());
            }
            Err(fault) => {
                if fault.kind == FaultKind::QuotaExceeded {
                    discard(upload).await;
                }
                return Err(fault);
            }
        }
    }
    let id = ports.env.fresh_id();
    let key = location(digest, id)?;
    let sealed = match (&domain, upload.data_key()) {
        (Some(domain), Some(data_key)) => {
            Some(ports.seal_row(cx, domain, digest.as_str(), (data_key, upload.object_bytes())).await?)
        }
        (None, None) => None,
        // Plain bytes are no blob of a repository that is encrypted, however they came here.
        _ => return Err(Fault::internal("an upload is encrypted otherwise than its repository")),
    };
    upload.publish(&key).await.map_err(upload_fault)?;
    link_new(ports, cx, (id, key, sealed), act).await
}

/// Makes durable bytes visible as a new copy, or removes them where they turn out not to be needed.
pub(crate) async fn link_new(
    ports: &Ports,
    cx: &Cx,
    (id, key, sealed): (i64, Key, Option<SealedRow>),
    act: impl Fn(Source) -> LinkBlob,
) -> Result<(), Fault> {
    let linking = ports.metadata.perform(cx, act(Source::New { id, location: key.to_string(), sealed }));
    match ports.env.within(LINK_WITHIN, linking).await.unwrap_or_else(|| Err(link_took_too_long())) {
        Ok(Linked::Done { is_new_copy_used: true }) => Ok(()),
        Ok(Linked::Done { is_new_copy_used: false } | Linked::NeedBytes) => {
            remove_bytes(ports, &key).await;
            Ok(())
        }
        Err(fault) => {
            // Only where the act said no are the bytes surely unused; after any other failure its commit may stand.
            if matches!(
                fault.kind,
                FaultKind::RepositoryNotFound | FaultKind::UploadNotFound | FaultKind::QuotaExceeded
            ) {
                remove_bytes(ports, &key).await;
            }
            Err(fault)
        }
    }
}

fn link_took_too_long() -> Fault {
    Fault::new(FaultKind::Unavailable, "The registry's database did not answer in time; push the blob again")
}

/// Where a copy of a blob lies in the store. The number makes the place unique for ever.
pub(crate) fn location(digest: &Digest, copy: i64) -> Result<Key, Fault> {
    let text =
        format!("{}/{}/{}.{copy:x}", store_algorithm(digest.algorithm()).as_str(), &digest.hex()[..2], digest.hex());
    parse_key(&text)
}

/// Reads the place of a copy as it is stored.
pub(crate) fn parse_key(location: &str) -> Result<Key, Fault> {
    location.parse().map_err(|error| Fault::internal(format!("{location}: {error}")))
}

/// Whether there is a copy of this encryption with its bytes in place. One whose bytes are missing or cut is taken out of service, so that
/// what is being pushed now heals it.
pub(crate) async fn is_whole_copy_here(ports: &Ports, cx: &Cx, digest: &Digest, domain: &str) -> Result<bool, Fault> {
    let (wanted, domain) = (digest.as_str().to_string(), domain.to_string());
    let Some(copy) = ports.metadata.read(move |rows| blobs::present_copy(rows, &wanted, &domain)).await? else {
        return Ok(false);
    };
    let key = parse_key(&copy.location)?;
    if ports.store.exists(&key).await.map_err(store_fault)? == Some(copy.stored_size()) {
        return Ok(true);
    }
    mark_corrupt(ports, cx, &key, digest).await?;
    Ok(false)
}

/// Takes a copy out of service, here and in every process that remembers where it lies; says whether it was in service.
pub(crate) async fn take_out(ports: &Ports, cx: &Cx, key: &Key) -> Result<bool, Fault> {
    let is_taken = ports.metadata.perform(cx, MarkCorrupt { location: key.to_string() }).await?;
    if let Some(caches) = ports.caches.as_ref().filter(|_| is_taken) {
        // Any repository may link it, and which do is not worth a question: this is rare.
        caches.links.clear();
    }
    Ok(is_taken)
}

pub(crate) async fn mark_corrupt(ports: &Ports, cx: &Cx, key: &Key, digest: &Digest) -> Result<(), Fault> {
    if take_out(ports, cx, key).await? {
        tracing::error!(
            blob.digest = %digest, location = %key,
            "the bytes of {digest} are missing or damaged; it is no longer served. Push it again to heal it, and run: gantry fsck"
        );
    }
    Ok(())
}

/// Removes the bytes of an upload that has ended, one way or the other.
pub(crate) async fn discard(upload: Upload) {
    if let Err(error) = upload.abort().await {
        tracing::warn!(%error, "a temporary file could not be removed; the collection will take it");
    }
}

pub(crate) async fn remove_bytes(ports: &Ports, key: &Key) {
    if let Err(error) = ports.store.delete(std::slice::from_ref(key)).await {
        tracing::warn!(%error, location = %key, "bytes that were not needed could not be removed; gantry fsck --repair will");
    }
}

/// What a failure of the store means for an upload: bytes that are gone were collected.
pub(crate) fn upload_fault(error: gantry_store::Error) -> Fault {
    if error.is_missing() {
        let message = "The upload has expired or was cancelled while its last bytes arrived; start a new one";
        return Fault::new(FaultKind::UploadNotFound, message).because(error);
    }
    store_fault(error)
}

pub(crate) fn store_fault(error: gantry_store::Error) -> Fault {
    if error.is_full() {
        let message = "The registry's disk is full or down to its reserve, so it takes no pushes; pulls go on. Free some space (gantry gc), or lower storage.min_free";
        return Fault::new(FaultKind::StorageFull, message).because(error);
    }
    if error.is_transient() {
        return Fault::new(FaultKind::Unavailable, "The registry's storage does not answer just now; try again")
            .because(error);
    }
    Fault::internal(error)
}
