-- The last run of each repository's lifecycle policy. A run that did not end is in no row: it is begun again.
CREATE TABLE lifecycle_run(
    repository BIGINT PRIMARY KEY,
    began_at BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX document_lifecycle ON document(repository) WHERE kind = 'lifecycle-policy';

-- How often an image of the repository may have lost its place among those that a rule counts: it was removed, lost a tag, or
-- became the child of an index. Whoever counted before knows by it how far his count still holds.
ALTER TABLE repository ADD COLUMN losses BIGINT NOT NULL DEFAULT 0;
