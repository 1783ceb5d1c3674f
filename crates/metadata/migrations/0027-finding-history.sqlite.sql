-- Since when a flaw is in a repository: in any image of it that can be pulled, in whichever version of the package. kind is the
-- package's, in purl's word. gone_at: from when on no image has it; one that comes back keeps its first_seen_at.
CREATE TABLE finding_history(
    repository BIGINT NOT NULL,
    flaw TEXT NOT NULL,
    kind TEXT NOT NULL,
    package TEXT NOT NULL,
    severity TEXT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    gone_at BIGINT,
    PRIMARY KEY(repository, flaw, kind, package)
);
CREATE INDEX finding_history_gone ON finding_history(gone_at) WHERE gone_at IS NOT NULL;

-- How many findings the newest image of a repository had on a day, when it was looked last; suppressed ones are not counted. day:
-- days since 1970, of UTC.
CREATE TABLE finding_day(
    repository BIGINT NOT NULL,
    day BIGINT NOT NULL,
    critical BIGINT NOT NULL,
    high BIGINT NOT NULL,
    medium BIGINT NOT NULL,
    low BIGINT NOT NULL,
    informational BIGINT NOT NULL,
    undefined BIGINT NOT NULL,
    PRIMARY KEY(repository, day)
);
CREATE INDEX finding_day_by_day ON finding_day(day);
