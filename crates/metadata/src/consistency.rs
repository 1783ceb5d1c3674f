//! Questions that walk everything: what is maintained, compared with what it is maintained from. For repair only.

use crate::{Query, Reader, Row, query, values};
use gantry_fault::Fault;

/// A count that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongCount {
    /// The repository, or the quota; 0 where it belongs to none.
    pub repository: i64,
    /// What is counted: a digest, or the number of a copy.
    pub what: String,
    /// The count that is stored.
    pub stored: i64,
    /// The count that is right.
    pub right: i64,
}

/// A name for something that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dangling {
    /// The repository.
    pub repository: i64,
    /// What names it: a tag, or the digest of a manifest.
    pub from: String,
    /// The digest that is named.
    pub to: String,
}

static LINK_COUNTS: Query = query(
    "WITH named AS (SELECT repository, child, count(DISTINCT parent) AS parents FROM edge
         WHERE kind IN ('config', 'layer') GROUP BY repository, child)
     SELECT l.repository, l.digest, l.manifest_count, coalesce(n.parents, 0)
     FROM blob_link AS l LEFT JOIN named AS n ON n.repository = l.repository AND n.child = l.digest
     WHERE l.manifest_count <> coalesce(n.parents, 0) LIMIT $1",
);
static LINK_ARCHIVED: Query = query(
    "WITH named AS (SELECT e.repository, e.child, count(DISTINCT e.parent) AS parents
         FROM edge AS e JOIN manifest AS m ON m.repository = e.repository AND m.digest = e.parent
         WHERE e.kind IN ('config', 'layer') AND m.storage_class = 'ARCHIVE' GROUP BY e.repository, e.child)
     SELECT l.repository, l.digest, l.archived_count, coalesce(n.parents, 0)
     FROM blob_link AS l LEFT JOIN named AS n ON n.repository = l.repository AND n.child = l.digest
     WHERE l.archived_count <> coalesce(n.parents, 0) LIMIT $1",
);
static LINK_STATES: Query = query(
    "SELECT repository, digest, manifest_count, manifest_count FROM blob_link
     WHERE (manifest_count = 0 AND candidate_since IS NULL) OR (manifest_count > 0 AND candidate_since IS NOT NULL) LIMIT $1",
);
static COPY_COUNTS: Query = query(
    "WITH linked AS (SELECT copy, count(*) AS links FROM blob_link GROUP BY copy)
     SELECT CAST(0 AS BIGINT), CAST(c.id AS TEXT), c.link_count, coalesce(l.links, 0)
     FROM blob_copy AS c LEFT JOIN linked AS l ON l.copy = c.id WHERE c.link_count <> coalesce(l.links, 0) LIMIT $1",
);
static TAG_COUNTS: Query = query(
    "WITH tagged AS (SELECT repository, digest, count(*) AS tags FROM tag GROUP BY repository, digest)
     SELECT m.repository, m.digest, m.tag_count, coalesce(t.tags, 0)
     FROM manifest AS m LEFT JOIN tagged AS t ON t.repository = m.repository AND t.digest = m.digest
     WHERE m.tag_count <> coalesce(t.tags, 0) LIMIT $1",
);
static PARENT_COUNTS: Query = query(
    "WITH named AS (SELECT e.repository, e.child, count(DISTINCT e.parent) AS parents
         FROM edge AS e JOIN manifest AS p ON p.repository = e.repository AND p.digest = e.parent
         WHERE e.kind = 'child' AND p.state = 'live' AND p.storage_class <> 'ARCHIVE' GROUP BY e.repository, e.child)
     SELECT m.repository, m.digest, m.parent_count, coalesce(n.parents, 0)
     FROM manifest AS m LEFT JOIN named AS n ON n.repository = m.repository AND n.child = m.digest
     WHERE m.parent_count <> coalesce(n.parents, 0) LIMIT $1",
);
static IMAGE_COUNTS: Query = query(
    "WITH held AS (SELECT repository, count(*) AS images FROM manifest WHERE state = 'live' GROUP BY repository)
     SELECT r.id, r.name, r.image_count, coalesce(h.images, 0)
     FROM repository AS r LEFT JOIN held AS h ON h.repository = r.id WHERE r.image_count <> coalesce(h.images, 0) LIMIT $1",
);
static REPOSITORY_TAG_COUNTS: Query = query(
    "WITH held AS (SELECT repository, count(*) AS tags FROM tag GROUP BY repository)
     SELECT r.id, r.name, r.tag_count, coalesce(h.tags, 0)
     FROM repository AS r LEFT JOIN held AS h ON h.repository = r.id WHERE r.tag_count <> coalesce(h.tags, 0) LIMIT $1",
);
static BLOB_BYTES: Query = query(
    "WITH held AS (SELECT repository, CAST(sum(size) AS BIGINT) AS bytes FROM blob_link GROUP BY repository)
     SELECT r.id, r.name, r.blob_bytes, coalesce(h.bytes, 0)
     FROM repository AS r LEFT JOIN held AS h ON h.repository = r.id WHERE r.blob_bytes <> coalesce(h.bytes, 0) LIMIT $1",
);
static UNIQUE_BYTES: Query = query(
    "WITH sole AS (SELECT min(repository) AS repository, min(size) AS size FROM blob_link GROUP BY copy HAVING count(*) = 1),
         held AS (SELECT repository, CAST(sum(size) AS BIGINT) AS bytes FROM sole GROUP BY repository)
     SELECT r.id, r.name, r.unique_bytes, coalesce(h.bytes, 0)
     FROM repository AS r LEFT JOIN held AS h ON h.repository = r.id WHERE r.unique_bytes <> coalesce(h.bytes, 0) LIMIT $1",
);
static QUOTA_BYTES: Query = query(
    "WITH held AS (SELECT m.quota, CAST(sum(r.blob_bytes) AS BIGINT) AS bytes
         FROM quota_repository AS m JOIN repository AS r ON r.id = m.repository GROUP BY m.quota)
     SELECT q.id, q.scope, q.used_bytes, coalesce(h.bytes, 0)
     FROM quota AS q LEFT JOIN held AS h ON h.quota = q.id
     WHERE q.measure <> 'physical' AND q.used_bytes <> coalesce(h.bytes, 0) LIMIT $1",
);
// Of each blob the links, and of each quota the bytes.
static QUOTA_PHYSICAL: Query = query(
    "WITH linked AS (SELECT q.id AS quota, l.digest, c.encryption_key AS domain, min(l.size) AS size, count(*) AS links
             FROM quota AS q JOIN quota_repository AS m ON m.quota = q.id JOIN blob_link AS l ON l.repository = m.repository
                 JOIN blob_copy AS c ON c.id = l.copy
             WHERE q.measure = 'physical' GROUP BY q.id, l.digest, c.encryption_key),
         held AS (SELECT quota, CAST(sum(size) AS BIGINT) AS bytes FROM linked GROUP BY quota)
     SELECT b.quota, b.digest, b.link_count, coalesce(k.links, 0)
     FROM quota_blob AS b LEFT JOIN linked AS k ON k.quota = b.quota AND k.digest = b.digest AND k.domain = b.domain
     WHERE b.link_count <> coalesce(k.links, 0)
     UNION ALL
     SELECT k.quota, k.digest, 0, k.links
     FROM linked AS k LEFT JOIN quota_blob AS b ON b.quota = k.quota AND b.digest = k.digest AND b.domain = k.domain
     WHERE b.quota IS NULL
     UNION ALL
     SELECT q.id, q.scope, q.used_bytes, coalesce(h.bytes, 0)
     FROM quota AS q LEFT JOIN held AS h ON h.quota = q.id
     WHERE q.measure = 'physical' AND q.used_bytes <> coalesce(h.bytes, 0)
     LIMIT $1",
);
static QUOTA_IMAGES: Query = query(
    "WITH held AS (SELECT m.quota, CAST(sum(r.image_count) AS BIGINT) AS images
         FROM quota_repository AS m JOIN repository AS r ON r.id = m.repository GROUP BY m.quota)
     SELECT q.id, q.scope, q.used_images, coalesce(h.images, 0)
     FROM quota AS q LEFT JOIN held AS h ON h.quota = q.id WHERE q.used_images <> coalesce(h.images, 0) LIMIT $1",
);
static QUOTA_RESERVED: Query = query(
    "WITH kept AS (SELECT m.quota, CAST(sum(u.reserved_bytes) AS BIGINT) AS bytes
         FROM upload AS u JOIN quota_repository AS m ON m.repository = u.repository GROUP BY m.quota)
     SELECT q.id, q.scope, q.reserved_bytes, coalesce(k.bytes, 0)
     FROM quota AS q LEFT JOIN kept AS k ON k.quota = q.id WHERE q.reserved_bytes <> coalesce(k.bytes, 0) LIMIT $1",
);
static TAGS_WITHOUT_IMAGE: Query = query(
    "SELECT t.repository, t.name, t.digest
     FROM tag AS t LEFT JOIN manifest AS m ON m.repository = t.repository AND m.digest = t.digest AND m.state = 'live'
     WHERE m.digest IS NULL LIMIT $1",
);
static EDGES_WITHOUT_BLOB: Query = query(
    "SELECT e.repository, e.parent, e.child
     FROM edge AS e LEFT JOIN blob_link AS l ON l.repository = e.repository AND l.digest = e.child
     WHERE e.kind IN ('config', 'layer') AND e.required = 1 AND l.digest IS NULL LIMIT $1",
);
static EDGES_WITHOUT_CHILD: Query = query(
    "SELECT e.repository, e.parent, e.child
     FROM edge AS e JOIN manifest AS p ON p.repository = e.repository AND p.digest = e.parent
         LEFT JOIN manifest AS m ON m.repository = e.repository AND m.digest = e.child
     WHERE e.kind = 'child' AND p.storage_class <> 'ARCHIVE' AND (m.digest IS NULL OR (m.state <> 'live' AND p.state = 'live')) LIMIT $1",
);
static TRASH_WITHOUT_IMAGE: Query = query(
    "SELECT t.repository, t.name, t.digest
     FROM trash AS t LEFT JOIN manifest AS m ON m.repository = t.repository AND m.digest = t.digest AND m.state = 'trash'
     WHERE m.digest IS NULL
     UNION ALL
     SELECT m.repository, m.media_type, m.digest
     FROM manifest AS m LEFT JOIN trash AS t ON t.repository = m.repository AND t.digest = m.digest
     WHERE m.state = 'trash' AND t.digest IS NULL LIMIT $1",
);
static LINKS_WITHOUT_COPY: Query = query(
    "SELECT l.repository, l.digest, l.digest
     FROM blob_link AS l LEFT JOIN blob_copy AS c ON c.id = l.copy WHERE c.id IS NULL LIMIT $1",
);
static LINKS_TO_CORRUPT: Query = query(
    "SELECT l.repository, l.digest, l.digest
     FROM blob_link AS l JOIN blob_copy AS c ON c.id = l.copy WHERE c.state <> 'present' LIMIT $1",
);

/// A kind of count that is maintained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Manifests of a repository that name a blob.
    LinkManifests,
    /// Manifests in the archive that name a blob of their repository.
    LinkArchived,
    /// Links that are neither named nor candidates, or both.
    LinkStates,
    /// Links to a copy.
    CopyLinks,
    /// Tags of an image.
    ImageTags,
    /// Indexes that name an image.
    ImageParents,
    /// Images of a repository.
    RepositoryImages,
    /// Tags of a repository.
    RepositoryTags,
    /// Bytes linked in a repository.
    RepositoryBytes,
    /// Bytes linked in a repository alone.
    RepositoryUnique,
    /// Bytes of the repositories under a quota that counts what several hold in each.
    QuotaBytes,
    /// Blobs of the repositories under a quota that counts each once, and their bytes.
    QuotaPhysical,
    /// Images of the repositories under a quota.
    QuotaImages,
    /// Bytes that a quota keeps for open uploads.
    QuotaReserved,
}

impl Counted {
    /// All of them, in the order in which they can be mended.
    pub const ALL: [Counted; 14] = [
        Counted::LinkManifests,
        Counted::LinkArchived,
        Counted::LinkStates,
        Counted::CopyLinks,
        Counted::ImageTags,
        Counted::ImageParents,
        Counted::RepositoryImages,
        Counted::RepositoryTags,
        Counted::RepositoryBytes,
        Counted::RepositoryUnique,
        Counted::QuotaBytes,
        Counted::QuotaPhysical,
        Counted::QuotaImages,
        Counted::QuotaReserved,
    ];
}

/// A kind of name that must lead somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A tag's image.
    TagImage,
    /// A manifest's config or layer.
    ManifestBlob,
    /// An index's child.
    IndexChild,
    /// An image that is in the trash, and known to be there.
    TrashImage,
    /// A link's copy.
    LinkCopy,
    /// A link's copy, which must not be corrupt.
    LinkWholeCopy,
}

impl Named {
    /// All of them.
    pub const ALL: [Named; 6] = [
        Named::TagImage,
        Named::ManifestBlob,
        Named::IndexChild,
        Named::TrashImage,
        Named::LinkCopy,
        Named::LinkWholeCopy,
    ];
}

/// Returns up to `count` counts of a kind that are wrong.
pub fn wrong_counts(rows: &mut Reader, counted: Counted, count: usize) -> Result<Vec<WrongCount>, Fault> {
    let question = match counted {
        Counted::LinkManifests => &LINK_COUNTS,
        Counted::LinkArchived => &LINK_ARCHIVED,
        Counted::LinkStates => &LINK_STATES,
        Counted::CopyLinks => &COPY_COUNTS,
        Counted::ImageTags => &TAG_COUNTS,
        Counted::ImageParents => &PARENT_COUNTS,
        Counted::RepositoryImages => &IMAGE_COUNTS,
        Counted::RepositoryTags => &REPOSITORY_TAG_COUNTS,
        Counted::RepositoryBytes => &BLOB_BYTES,
        Counted::RepositoryUnique => &UNIQUE_BYTES,
        Counted::QuotaBytes => &QUOTA_BYTES,
        Counted::QuotaPhysical => &QUOTA_PHYSICAL,
        Counted::QuotaImages => &QUOTA_IMAGES,
        Counted::QuotaReserved => &QUOTA_RESERVED,
    };
    let wrong = |row: &Row| {
        Ok(WrongCount { repository: row.int(0)?, what: row.text(1)?.into(), stored: row.int(2)?, right: row.int(3)? })
    };
    rows.all(question, values![count as i64])?.iter().map(wrong).collect()
}

/// Returns up to `count` names of a kind that lead nowhere.
pub fn dangling(rows: &mut Reader, named: Named, count: usize) -> Result<Vec<Dangling>, Fault> {
    let question = match named {
        Named::TagImage => &TAGS_WITHOUT_IMAGE,
        Named::ManifestBlob => &EDGES_WITHOUT_BLOB,
        Named::IndexChild => &EDGES_WITHOUT_CHILD,
        Named::TrashImage => &TRASH_WITHOUT_IMAGE,
        Named::LinkCopy => &LINKS_WITHOUT_COPY,
        Named::LinkWholeCopy => &LINKS_TO_CORRUPT,
    };
    let lost = |row: &Row| Ok(Dangling { repository: row.int(0)?, from: row.text(1)?.into(), to: row.text(2)?.into() });
    rows.all(question, values![count as i64])?.iter().map(lost).collect()
}
