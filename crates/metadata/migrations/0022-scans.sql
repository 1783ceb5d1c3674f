-- Images that are to be scanned, or were. state: 'pending', 'complete', 'failed', 'unsupported'. try_at: from when on a pending
-- one may be taken; who takes it sets it ahead, so that nobody else does meanwhile. inventory: what the image holds, packed, as
-- the readers of that revision saw it. Findings are not kept: they are matched when somebody asks.
CREATE TABLE image_scan(
    repository BIGINT NOT NULL,
    digest TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    try_at BIGINT NOT NULL,
    finished_at BIGINT,
    revision BIGINT NOT NULL,
    inventory BYTEA NOT NULL,
    PRIMARY KEY(repository, digest)
);
CREATE INDEX image_scan_pending ON image_scan(try_at, repository, digest) WHERE state = 'pending';

-- What a layer holds, packed, by the digest of its blob: read once, however many images share it.
CREATE TABLE layer_content(
    digest TEXT PRIMARY KEY,
    revision BIGINT NOT NULL,
    content BYTEA NOT NULL
);
