-- What records that still count are found by, as those of the chain are.
ALTER TABLE audit_open ADD COLUMN account BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audit_open ADD COLUMN principal BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audit_open ADD COLUMN repository BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audit_open ADD COLUMN digest BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audit_open ADD COLUMN action BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audit_open ADD COLUMN outcome BIGINT NOT NULL DEFAULT 0;

-- Up to which record, and up to the checkpoint of which, a writer's chain has been delivered to the webhook.
CREATE TABLE audit_delivery(
    writer BIGINT PRIMARY KEY,
    seq BIGINT NOT NULL,
    checkpoint_seq BIGINT NOT NULL
);

-- Names of people and the addresses they came from. Records hold commitments to them: where a row is removed, nobody can tell any
-- more whom a record speaks of, and the records stay what they were.
CREATE TABLE audit_person(
    token TEXT PRIMARY KEY,
    -- Empty for a name; of an address, the token of who came from there.
    owner TEXT NOT NULL,
    value TEXT NOT NULL,
    salt TEXT NOT NULL
);
CREATE UNIQUE INDEX audit_person_value ON audit_person(owner, value);
