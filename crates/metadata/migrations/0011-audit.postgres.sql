-- The change trail names the first event of its act, and whether its row has been taken into the audit's chain. Rows from
-- before there was a chain stay outside: nobody could vouch for them.
ALTER TABLE audit ADD COLUMN event BIGINT;
ALTER TABLE audit ADD COLUMN chained BIGINT NOT NULL DEFAULT 1;
CREATE INDEX audit_unchained ON audit(id) WHERE chained = 0;

-- Who writes a chain: a number that follows from its public key, and where the chain begins and ends.
CREATE TABLE audit_writer(
    writer BIGINT PRIMARY KEY,
    public_key TEXT NOT NULL,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL,
    -- The place of the checkpoint that the chain was trimmed at; 0 where it was not.
    root BIGINT NOT NULL,
    -- The last batch that was written, by which one whose commit was not answered is known again.
    batch BIGINT NOT NULL,
    checkpoint_seq BIGINT NOT NULL,
    checkpoint_at BIGINT NOT NULL,
    checkpoint_hash TEXT NOT NULL
);

-- What a record is found by. Names are numbers here: 64 bits of a hash.
CREATE TABLE audit_record(
    writer BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    account BIGINT NOT NULL,
    principal BIGINT NOT NULL,
    repository BIGINT NOT NULL,
    digest BIGINT NOT NULL,
    action BIGINT NOT NULL,
    outcome BIGINT NOT NULL,
    PRIMARY KEY (writer, seq)
);
CREATE INDEX audit_record_time ON audit_record(account, at, writer, seq);
CREATE INDEX audit_record_principal ON audit_record(principal, at, writer, seq);
CREATE INDEX audit_record_repository ON audit_record(repository, at, writer, seq) WHERE repository <> 0;
CREATE INDEX audit_record_digest ON audit_record(digest, at, writer, seq) WHERE digest <> 0;

-- The record itself, as it was hashed.
CREATE TABLE audit_bytes(
    writer BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL,
    bytes TEXT NOT NULL,
    PRIMARY KEY (writer, seq)
);

CREATE TABLE audit_checkpoint(
    writer BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    bytes TEXT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (writer, seq)
);

-- Records that still count, so that a crash does not lose them.
CREATE TABLE audit_open(
    writer BIGINT NOT NULL,
    id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (writer, id)
);
CREATE INDEX audit_open_time ON audit_open(at, writer, id);
