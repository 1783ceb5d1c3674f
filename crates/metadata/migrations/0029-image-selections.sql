-- Images that somebody chose by a query, to do one thing to all of them: a list that is shown first, and run as it was shown. id: a
-- random text that only he is told. owner: his ARN. action, images: JSON. state: 'ready', 'running', 'finished'. touched_at: when it
-- last went on. ends_at: from when on it is forgotten. done, changed, failed: how many images have come to what.
CREATE TABLE image_selection(
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    owner TEXT NOT NULL,
    query TEXT NOT NULL,
    action TEXT NOT NULL,
    images TEXT NOT NULL,
    image_count BIGINT NOT NULL,
    made_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    touched_at BIGINT NOT NULL,
    done BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    failed BIGINT NOT NULL
);
CREATE INDEX image_selection_owner ON image_selection(account, owner, made_at, id);
CREATE INDEX image_selection_end ON image_selection(ends_at);

-- Those of them that it was not done to, or not at once. place: where in the list. outcome: 'changed', 'failed', 'waiting'.
CREATE TABLE image_selection_leftover(
    selection TEXT NOT NULL,
    place BIGINT NOT NULL,
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY(selection, place)
);
