-- What people write and get back as they wrote it: policies, configurations, rules by their names, tags of resources.
-- repository is 0 for those of the registry as a whole; name is empty where there is only one of a kind.
CREATE TABLE document(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    repository BIGINT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    changed_by TEXT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY(account, region, repository, kind, name)
);
CREATE INDEX document_repository ON document(repository) WHERE repository <> 0;

-- Lists of images that have a tag, or none, in the order of their pushes.
CREATE INDEX manifest_tagged ON manifest(repository, pushed_at, digest) WHERE state = 'live' AND tag_count > 0;
CREATE INDEX manifest_untagged ON manifest(repository, pushed_at, digest) WHERE state = 'live' AND tag_count = 0;
