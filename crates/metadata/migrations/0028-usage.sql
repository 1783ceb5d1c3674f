-- unique_bytes: of blob_bytes, those of blobs whose copy no other repository links, so that deleting the repository frees them.
-- Maintained by the acts that change it, as the other counts are.
ALTER TABLE repository ADD COLUMN unique_bytes BIGINT NOT NULL DEFAULT 0;
UPDATE repository SET unique_bytes = COALESCE((
    SELECT CAST(sum(l.size) AS BIGINT) FROM blob_link AS l JOIN blob_copy AS c ON c.id = l.copy
    WHERE l.repository = repository.id AND c.link_count = 1), 0);

-- By how much blob_bytes grows in a day, by the samples of the days before; NULL until two days are known.
ALTER TABLE repository ADD COLUMN growth_bytes_per_day BIGINT;

-- When one of its images was last pulled, as far as that was noted.
ALTER TABLE repository ADD COLUMN last_pulled_at BIGINT;
UPDATE repository SET last_pulled_at =
    (SELECT max(m.last_pulled_at) FROM manifest AS m WHERE m.repository = repository.id);

-- How many bytes a repository linked on a day, when it was looked first. day: days since 1970, of UTC. repository 0: what the
-- store held, each copy once.
CREATE TABLE usage_day(
    repository BIGINT NOT NULL,
    day BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY(repository, day)
);
CREATE INDEX usage_day_by_day ON usage_day(day);
