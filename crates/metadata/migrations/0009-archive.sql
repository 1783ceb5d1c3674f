-- storage_class of a manifest is 'STANDARD', 'ARCHIVE', or 'ACTIVATING' while its blobs are on their way back.
ALTER TABLE manifest ADD COLUMN archived_at BIGINT;
ALTER TABLE manifest ADD COLUMN activated_at BIGINT;
CREATE INDEX manifest_activating ON manifest(repository, digest) WHERE storage_class = 'ACTIVATING';

-- Of the manifests of the repository that name a blob, those in the archive: where that is all of them, the repository does
-- not need its bytes at hand.
ALTER TABLE blob_link ADD COLUMN archived_count BIGINT NOT NULL DEFAULT 0;
CREATE INDEX blob_link_archived ON blob_link(digest, repository) WHERE archived_count > 0;
CREATE INDEX blob_link_archived_repository ON blob_link(repository, size) WHERE archived_count > 0;
CREATE INDEX blob_copy_archive ON blob_copy(digest, id) WHERE storage_class = 'ARCHIVE';

-- Blobs of which it has to be looked whether they lie in the right storage class.
CREATE TABLE blob_move(
    digest TEXT PRIMARY KEY,
    asked_at BIGINT NOT NULL
);
