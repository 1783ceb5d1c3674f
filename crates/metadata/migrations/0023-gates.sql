-- What the scan policy of its repository said of an image, so that a pull looks it up. What it rests on: rules is the number
-- gate-rules (table setting), advisories the checksum of the advisories (0 without any), scanned_at the end of the scan. recheck_at:
-- from when on it does not hold, though none of these has changed. outcome: 'passes', 'refused', 'unknown'. body: the reasons, JSON.
CREATE TABLE gate_verdict(
    repository BIGINT NOT NULL,
    digest TEXT NOT NULL,
    rules BIGINT NOT NULL,
    advisories BIGINT NOT NULL,
    scanned_at BIGINT,
    has_sbom BIGINT NOT NULL,
    decided_at BIGINT NOT NULL,
    recheck_at BIGINT,
    outcome TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY(repository, digest)
);
