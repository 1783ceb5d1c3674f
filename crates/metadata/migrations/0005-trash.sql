-- Images in the trash: from where, since when, and by whom. The manifest, its edges and the links of its blobs stay in
-- their tables, under the number that the repository had; it may be deleted meanwhile, and another may bear its name.
CREATE TABLE trash(
    repository BIGINT NOT NULL,
    digest TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    trashed_at BIGINT NOT NULL,
    trashed_by TEXT NOT NULL,
    PRIMARY KEY(repository, digest)
);
CREATE INDEX trash_account ON trash(account, region, trashed_at, repository, digest);
CREATE INDEX trash_name ON trash(account, region, name, trashed_at, repository, digest);
CREATE INDEX trash_time ON trash(trashed_at, repository, digest);

-- The tags that an image lost when it went there.
CREATE TABLE trash_tag(
    repository BIGINT NOT NULL,
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY(repository, digest, name)
);
