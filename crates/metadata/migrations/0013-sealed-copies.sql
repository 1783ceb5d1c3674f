-- What lies on the disk encrypted. encryption_key of a copy says whose blobs it may be shared with: '' where it is plain, else the
-- kind of encryption and the account or the ARN of the key. The key of its bytes is kept wrapped under that key; stored_size is how
-- many bytes it takes on the disk, NULL where that is its size.
ALTER TABLE blob_copy ADD COLUMN data_key BYTEA;
ALTER TABLE blob_copy ADD COLUMN stored_size BIGINT;
CREATE INDEX blob_copy_encrypted ON blob_copy(encryption_key, id) WHERE encryption_key <> '';

-- The same for bytes that are still arriving.
ALTER TABLE upload ADD COLUMN encryption_key TEXT NOT NULL DEFAULT '';
ALTER TABLE upload ADD COLUMN data_key BYTEA;
