-- Who holds an image, since when and why: set where hold is 1.
ALTER TABLE manifest ADD COLUMN held_at BIGINT;
ALTER TABLE manifest ADD COLUMN held_by TEXT;
ALTER TABLE manifest ADD COLUMN hold_reason TEXT;
CREATE INDEX manifest_held ON manifest(repository, digest) WHERE hold = 1;

-- Who reports which images he runs, and until when his last report counts.
CREATE TABLE inventory_source(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    reported_at BIGINT NOT NULL,
    reported_by TEXT NOT NULL,
    valid_until BIGINT NOT NULL,
    image_count BIGINT NOT NULL,
    PRIMARY KEY(account, region, name)
);

-- The images of those reports; repository is the name of one, or empty for every repository that holds the digest.
CREATE TABLE inventory_image(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY(account, region, repository, digest, source)
);
CREATE INDEX inventory_image_source ON inventory_image(account, region, source);
