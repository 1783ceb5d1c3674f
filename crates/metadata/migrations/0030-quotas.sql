-- What repositories may hold together. scope: '*' for all of the account and region, 'team/*' for those below a prefix, 'team/app' for
-- one. measure: 'logical' where what several repositories hold counts in each, 'physical' where it counts once. A limit that is NULL is
-- none. used_bytes and used_images are what its repositories hold, reserved_bytes what open uploads to them may still bring or have
-- brought; all three are maintained by the acts that change it.
CREATE TABLE quota(
    id BIGINT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    scope TEXT NOT NULL,
    measure TEXT NOT NULL,
    bytes_hard BIGINT,
    bytes_soft BIGINT,
    images_hard BIGINT,
    images_soft BIGINT,
    used_bytes BIGINT NOT NULL,
    used_images BIGINT NOT NULL,
    reserved_bytes BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    changed_by TEXT NOT NULL,
    UNIQUE(account, region, scope)
);

-- Which repositories a quota is for.
CREATE TABLE quota_repository(
    repository BIGINT NOT NULL,
    quota BIGINT NOT NULL,
    PRIMARY KEY(repository, quota)
);
CREATE INDEX quota_repository_quota ON quota_repository(quota, repository);

-- The blobs under a quota that counts each once, with how many of its repositories link them. domain: their encryption.
CREATE TABLE quota_blob(
    quota BIGINT NOT NULL,
    digest TEXT NOT NULL,
    domain TEXT NOT NULL,
    size BIGINT NOT NULL,
    link_count BIGINT NOT NULL,
    PRIMARY KEY(quota, digest, domain)
);
-- Those that nobody links any more, until the statement that takes them out.
CREATE INDEX quota_blob_unlinked ON quota_blob(quota) WHERE link_count = 0;

-- Under how many quotas a repository is, so that a push to one that is under none asks nothing more.
ALTER TABLE repository ADD COLUMN quota_count BIGINT NOT NULL DEFAULT 0;

-- How many bytes quotas keep for an open upload, those that have come included.
ALTER TABLE upload ADD COLUMN reserved_bytes BIGINT NOT NULL DEFAULT 0;
