-- Tags that were pushed and are not set yet: their images have no verdict, or a bad one. One row for each tag; a later push takes
-- the place of an earlier one, and id rises with each. previous, previous_at: where the tag pointed at the push, and since when; a
-- tag that was moved since stays where it is. request_id: of the push. state: 'waiting', 'refused'. reasons: why, JSON.
CREATE TABLE quarantined_tag(
    repository BIGINT NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    digest TEXT NOT NULL,
    previous TEXT,
    previous_at BIGINT,
    pushed_by TEXT NOT NULL,
    pushed_at BIGINT NOT NULL,
    request_id TEXT NOT NULL,
    state TEXT NOT NULL,
    reasons TEXT NOT NULL,
    PRIMARY KEY(repository, tag)
);
CREATE INDEX quarantined_tag_waiting ON quarantined_tag(repository, tag) WHERE state = 'waiting';
