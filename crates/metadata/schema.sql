-- Generated from an empty database by `UPDATE_SCHEMA=1 cargo test -p gantry-metadata`.

CREATE TABLE access_change(
    account TEXT PRIMARY KEY,
    revision BIGINT NOT NULL
);

CREATE INDEX access_change_revision ON access_change(revision);

CREATE TABLE access_key(
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    user_id TEXT NOT NULL,
    secret TEXT NOT NULL,
    previous TEXT,
    previous_until BIGINT,
    is_active BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT,
    used_service TEXT,
    used_region TEXT
);

CREATE INDEX access_key_user ON access_key(account, user_id, id);

CREATE TABLE account(
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    root_key_id TEXT NOT NULL UNIQUE,
    root_secret TEXT NOT NULL,
    root_key_made_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL
);

CREATE TABLE account_alias(
    account TEXT PRIMARY KEY,
    alias TEXT NOT NULL UNIQUE
);

CREATE TABLE audit(
    id BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    account TEXT NOT NULL,
    actor TEXT NOT NULL,
    act TEXT NOT NULL,
    operation TEXT NOT NULL,
    request_id TEXT NOT NULL,
    source TEXT
, event BIGINT, chained BIGINT NOT NULL DEFAULT 1);

CREATE INDEX audit_unchained ON audit(id) WHERE chained = 0;

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

CREATE TABLE audit_delivery(
    writer BIGINT PRIMARY KEY,
    seq BIGINT NOT NULL,
    checkpoint_seq BIGINT NOT NULL
);

CREATE TABLE audit_open(
    writer BIGINT NOT NULL,
    id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    body TEXT NOT NULL, account BIGINT NOT NULL DEFAULT 0, principal BIGINT NOT NULL DEFAULT 0, repository BIGINT NOT NULL DEFAULT 0, digest BIGINT NOT NULL DEFAULT 0, action BIGINT NOT NULL DEFAULT 0, outcome BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (writer, id)
);

CREATE INDEX audit_open_time ON audit_open(at, writer, id);

CREATE TABLE audit_person(
    token TEXT PRIMARY KEY,
    -- Empty for a name; of an address, the token of who came from there.
    owner TEXT NOT NULL,
    value TEXT NOT NULL,
    salt TEXT NOT NULL
, named_at BIGINT NOT NULL DEFAULT 0);

CREATE INDEX audit_person_named ON audit_person(named_at, token);

CREATE UNIQUE INDEX audit_person_value ON audit_person(owner, value);

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
) WITHOUT ROWID;

CREATE INDEX audit_record_action ON audit_record(action, at, writer, seq);

CREATE INDEX audit_record_digest ON audit_record(digest, at, writer, seq) WHERE digest <> 0;

CREATE INDEX audit_record_outcome ON audit_record(account, outcome, at, writer, seq) WHERE outcome <> 0;

CREATE INDEX audit_record_principal ON audit_record(principal, at, writer, seq);

CREATE INDEX audit_record_principal_outcome ON audit_record(principal, outcome, at, writer, seq) WHERE outcome <> 0;

CREATE INDEX audit_record_repository ON audit_record(repository, at, writer, seq) WHERE repository <> 0;

CREATE INDEX audit_record_repository_outcome ON audit_record(repository, outcome, at, writer, seq)
    WHERE outcome <> 0 AND repository <> 0;

CREATE INDEX audit_record_repository_principal ON audit_record(repository, principal, at, writer, seq)
    WHERE repository <> 0;

CREATE INDEX audit_record_time ON audit_record(account, at, writer, seq);

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

CREATE TABLE blob_copy(
    id BIGINT PRIMARY KEY,
    digest TEXT NOT NULL,
    size BIGINT NOT NULL,
    location TEXT NOT NULL UNIQUE,
    encryption_key TEXT NOT NULL,
    storage_class TEXT NOT NULL,
    state TEXT NOT NULL,
    link_count BIGINT NOT NULL,
    created_at BIGINT NOT NULL
, data_key BYTEA, stored_size BIGINT);

CREATE INDEX blob_copy_absent ON blob_copy(digest, id) WHERE state <> 'present';

CREATE INDEX blob_copy_archive ON blob_copy(digest, id) WHERE storage_class = 'ARCHIVE';

CREATE INDEX blob_copy_deleting ON blob_copy(id) WHERE state = 'deleting';

CREATE INDEX blob_copy_encrypted ON blob_copy(encryption_key, id) WHERE encryption_key <> '';

CREATE UNIQUE INDEX blob_copy_present ON blob_copy(digest, encryption_key, storage_class) WHERE state = 'present';

CREATE TABLE blob_link(
    repository BIGINT NOT NULL,
    digest TEXT NOT NULL,
    copy BIGINT NOT NULL,
    size BIGINT NOT NULL,
    manifest_count BIGINT NOT NULL,
    candidate_since BIGINT, archived_count BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY(repository, digest)
);

CREATE INDEX blob_link_archived ON blob_link(digest, repository) WHERE archived_count > 0;

CREATE INDEX blob_link_archived_repository ON blob_link(repository, size) WHERE archived_count > 0;

CREATE INDEX blob_link_candidate ON blob_link(candidate_since, repository, digest) WHERE candidate_since IS NOT NULL;

CREATE INDEX blob_link_digest ON blob_link(digest, repository);

CREATE TABLE blob_move(
    digest TEXT PRIMARY KEY,
    asked_at BIGINT NOT NULL
);

CREATE TABLE device_login(
    device_hash TEXT PRIMARY KEY,
    user_hash TEXT NOT NULL,
    account TEXT NOT NULL,
    program TEXT NOT NULL,
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    polled_at BIGINT NOT NULL,
    interval_seconds BIGINT NOT NULL,
    approver TEXT
);

CREATE INDEX device_login_end ON device_login(ends_at);

CREATE INDEX device_login_source ON device_login(source);

CREATE UNIQUE INDEX device_login_user ON device_login(user_hash);

CREATE TABLE document(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    repository BIGINT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    changed_by TEXT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY(account, region, repository, kind, name)
);

CREATE INDEX document_lifecycle ON document(repository) WHERE kind = 'lifecycle-policy';

CREATE INDEX document_repository ON document(repository) WHERE repository <> 0;

CREATE TABLE edge(
    repository BIGINT NOT NULL,
    parent TEXT NOT NULL,
    kind TEXT NOT NULL,
    position BIGINT NOT NULL,
    child TEXT NOT NULL,
    size BIGINT NOT NULL,
    required BIGINT NOT NULL,
    PRIMARY KEY(repository, parent, kind, position)
);

CREATE INDEX edge_child ON edge(repository, child, parent) WHERE kind = 'child';

CREATE INDEX edge_optional ON edge(repository, child, parent) WHERE required = 0 AND kind IN ('config', 'layer');

CREATE TABLE event(
    id BIGINT PRIMARY KEY,
    account TEXT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    repository BIGINT,
    body TEXT NOT NULL,
    handled BIGINT NOT NULL
);

CREATE INDEX event_feed_number ON event(account, handled, id);

CREATE TABLE event_feed(
    account TEXT PRIMARY KEY,
    last BIGINT NOT NULL
);

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

CREATE TABLE finding_history(
    repository BIGINT NOT NULL,
    flaw TEXT NOT NULL,
    kind TEXT NOT NULL,
    package TEXT NOT NULL,
    severity TEXT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    gone_at BIGINT, told TEXT,
    PRIMARY KEY(repository, flaw, kind, package)
);

CREATE INDEX finding_history_gone ON finding_history(gone_at) WHERE gone_at IS NOT NULL;

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

CREATE TABLE identity(
    account TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    path TEXT NOT NULL,
    description TEXT NOT NULL,
    boundary TEXT,
    tags TEXT NOT NULL,
    trust TEXT,
    trust_bindings TEXT,
    session_seconds_max BIGINT NOT NULL,
    is_robot BIGINT NOT NULL,
    expires_at BIGINT,
    networks TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY(account, id)
);

CREATE INDEX identity_boundary ON identity(account, boundary) WHERE boundary IS NOT NULL;

CREATE INDEX identity_id ON identity(id);

CREATE UNIQUE INDEX identity_name ON identity(account, kind, name_key);

CREATE TABLE identity_revision(
    account TEXT PRIMARY KEY,
    revision BIGINT NOT NULL
);

CREATE TABLE identity_token(
    account TEXT NOT NULL,
    provider TEXT NOT NULL,
    hash TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY(account, provider, hash)
);

CREATE INDEX identity_token_end ON identity_token(expires_at);

CREATE TABLE image_label(
    repository BIGINT NOT NULL,
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY(repository, digest, name)
) WITHOUT ROWID;

CREATE INDEX image_label_value ON image_label(name, value, repository, digest);

CREATE TABLE image_order(
    repository BIGINT NOT NULL,
    digest TEXT NOT NULL,
    pushed_at BIGINT NOT NULL,
    tagged_at BIGINT NOT NULL,
    pulled_at BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY(repository, digest)
) WITHOUT ROWID;

CREATE INDEX image_order_bytes ON image_order(bytes, digest, repository);

CREATE INDEX image_order_pulled ON image_order(pulled_at, digest, repository);

CREATE INDEX image_order_pushed ON image_order(pushed_at, digest, repository);

CREATE INDEX image_order_tagged ON image_order(tagged_at, digest, repository);

CREATE TABLE image_property(
    repository BIGINT NOT NULL,
    digest TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY(repository, digest, kind, name)
) WITHOUT ROWID;

CREATE INDEX image_property_value ON image_property(kind, name, value, repository, digest);

CREATE TABLE image_scan(
    repository BIGINT NOT NULL,
    digest TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    try_at BIGINT NOT NULL,
    finished_at BIGINT,
    revision BIGINT NOT NULL,
    inventory BYTEA NOT NULL,
    PRIMARY KEY(repository, digest)
);

CREATE INDEX image_scan_pending ON image_scan(try_at, repository, digest) WHERE state = 'pending';

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

CREATE INDEX image_selection_end ON image_selection(ends_at);

CREATE INDEX image_selection_owner ON image_selection(account, owner, made_at, id);

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

CREATE TABLE image_unread(
    repository BIGINT NOT NULL,
    digest TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    PRIMARY KEY(repository, digest)
) WITHOUT ROWID;

CREATE INDEX image_unread_due ON image_unread(due_at, repository, digest);

CREATE TABLE inline_policy(
    account TEXT NOT NULL,
    identity_id TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY(account, identity_id, name)
);

CREATE TABLE inventory_image(
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY(account, region, repository, digest, source)
);

CREATE INDEX inventory_image_source ON inventory_image(account, region, source);

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

CREATE TABLE kms_alias(
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    key_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY(account, name)
);

CREATE INDEX kms_alias_key ON kms_alias(account, key_id, name);

CREATE TABLE kms_key(
    account TEXT NOT NULL,
    id TEXT NOT NULL,
    description TEXT NOT NULL,
    spec TEXT NOT NULL,
    usage TEXT NOT NULL,
    manager TEXT NOT NULL,
    state TEXT NOT NULL,
    deletion_at BIGINT,
    rotation_days BIGINT NOT NULL,
    next_rotation_at BIGINT,
    version BIGINT NOT NULL,
    policy TEXT NOT NULL,
    tags TEXT NOT NULL,
    created_at BIGINT NOT NULL, policy_at BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY(account, id)
);

CREATE INDEX kms_key_deletion ON kms_key(deletion_at) WHERE deletion_at IS NOT NULL;

CREATE INDEX kms_key_rotation ON kms_key(next_rotation_at) WHERE next_rotation_at IS NOT NULL;

CREATE TABLE kms_material(
    account TEXT NOT NULL,
    key_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    wrapped BYTEA NOT NULL,
    is_on_demand BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY(account, key_id, version)
);

CREATE TABLE layer_content(
    digest TEXT PRIMARY KEY,
    revision BIGINT NOT NULL,
    content BYTEA NOT NULL
, path_filter BYTEA);

CREATE TABLE lease(
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until BIGINT NOT NULL
);

CREATE TABLE lifecycle_run(
    repository BIGINT PRIMARY KEY,
    began_at BIGINT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE login_profile(
    account TEXT NOT NULL,
    user_id TEXT NOT NULL,
    id TEXT NOT NULL,
    hash TEXT NOT NULL,
    must_change BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY(account, user_id)
);

CREATE TABLE managed_policy(
    account TEXT NOT NULL,
    arn TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    path TEXT NOT NULL,
    description TEXT NOT NULL,
    tags TEXT NOT NULL,
    default_version BIGINT NOT NULL,
    last_version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY(account, arn)
);

CREATE UNIQUE INDEX managed_policy_name ON managed_policy(account, name_key);

CREATE TABLE managed_policy_version(
    account TEXT NOT NULL,
    arn TEXT NOT NULL,
    number BIGINT NOT NULL,
    document TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY(account, arn, number)
);

CREATE TABLE manifest(
    repository BIGINT NOT NULL,
    digest TEXT NOT NULL,
    kind TEXT NOT NULL,
    media_type TEXT NOT NULL,
    artifact_type TEXT,
    subject TEXT,
    size BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    tag_count BIGINT NOT NULL,
    parent_count BIGINT NOT NULL,
    state TEXT NOT NULL,
    trashed_at BIGINT,
    hold BIGINT NOT NULL,
    storage_class TEXT NOT NULL,
    pushed_at BIGINT NOT NULL,
    pushed_at_precision TEXT NOT NULL,
    pushed_by TEXT NOT NULL,
    tagged_at BIGINT,
    tagged_at_precision TEXT NOT NULL,
    last_pulled_at BIGINT,
    last_pulled_at_precision TEXT NOT NULL,
    revision BIGINT NOT NULL,
    annotations TEXT NOT NULL,
    body BYTEA NOT NULL, held_at BIGINT, held_by TEXT, hold_reason TEXT, archived_at BIGINT, activated_at BIGINT,
    PRIMARY KEY(repository, digest)
);

CREATE INDEX manifest_activating ON manifest(repository, digest) WHERE storage_class = 'ACTIVATING';

CREATE INDEX manifest_held ON manifest(repository, digest) WHERE hold = 1;

CREATE INDEX manifest_pushed ON manifest(repository, pushed_at, digest);

CREATE INDEX manifest_subject ON manifest(repository, subject, digest) WHERE subject IS NOT NULL;

CREATE INDEX manifest_tagged ON manifest(repository, pushed_at, digest) WHERE state = 'live' AND tag_count > 0;

CREATE INDEX manifest_trash ON manifest(trashed_at) WHERE state = 'trash';

CREATE INDEX manifest_untagged ON manifest(repository, pushed_at, digest) WHERE state = 'live' AND tag_count = 0;

CREATE TABLE membership(
    account TEXT NOT NULL,
    group_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY(account, group_id, user_id)
);

CREATE INDEX membership_user ON membership(account, user_id, group_id);

CREATE TABLE migration(number BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, at BIGINT NOT NULL);

CREATE TABLE oidc_provider(
    account TEXT NOT NULL,
    arn TEXT NOT NULL,
    url TEXT NOT NULL,
    client_ids TEXT NOT NULL,
    thumbprints TEXT NOT NULL,
    tags TEXT NOT NULL,
    created_at BIGINT NOT NULL, key_set TEXT, authorities TEXT, is_single_use BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY(account, arn)
);

CREATE TABLE page_session(
    hash TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    groups TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);

CREATE INDEX page_session_end ON page_session(ends_at);

CREATE TABLE personal_token(
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    policy TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
, person TEXT);

CREATE INDEX personal_token_user ON personal_token(account, user_id, id);

CREATE TABLE policy_attachment(
    account TEXT NOT NULL,
    identity_id TEXT NOT NULL,
    policy_arn TEXT NOT NULL,
    PRIMARY KEY(account, identity_id, policy_arn)
);

CREATE INDEX policy_attachment_policy ON policy_attachment(account, policy_arn, identity_id);

CREATE TABLE quarantined_tag(
    repository BIGINT NOT NULL,
    tag TEXT NOT NULL,
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

CREATE TABLE quota(
    id BIGINT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    scope TEXT NOT NULL,
    measure TEXT NOT NULL,
    bytes_hard BIGINT,
    bytes_soft BIGINT,
    images_hard BIGINT,
    images_soft BIGINT,
    used_bytes BIGINT NOT NULL,
    used_images BIGINT NOT NULL,
    reserved_bytes BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    changed_by TEXT NOT NULL,
    UNIQUE(account, region, scope)
);

CREATE TABLE quota_blob(
    quota BIGINT NOT NULL,
    digest TEXT NOT NULL,
    domain TEXT NOT NULL,
    size BIGINT NOT NULL,
    link_count BIGINT NOT NULL,
    PRIMARY KEY(quota, digest, domain)
);

CREATE INDEX quota_blob_unlinked ON quota_blob(quota) WHERE link_count = 0;

CREATE TABLE quota_repository(
    repository BIGINT NOT NULL,
    quota BIGINT NOT NULL,
    PRIMARY KEY(repository, quota)
);

CREATE INDEX quota_repository_quota ON quota_repository(quota, repository);

CREATE TABLE repository(
    id BIGINT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    image_count BIGINT NOT NULL,
    tag_count BIGINT NOT NULL,
    blob_bytes BIGINT NOT NULL,
    settings TEXT NOT NULL,
    revision BIGINT NOT NULL, losses BIGINT NOT NULL DEFAULT 0, unique_bytes BIGINT NOT NULL DEFAULT 0, growth_bytes_per_day BIGINT, last_pulled_at BIGINT, quota_count BIGINT NOT NULL DEFAULT 0,
    UNIQUE(account, region, name)
);

CREATE TABLE secret(
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    suffix TEXT NOT NULL,
    description TEXT NOT NULL,
    kms_key TEXT,
    policy TEXT,
    policy_at BIGINT NOT NULL,
    tags TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    deleted_at BIGINT,
    erased_at BIGINT,
    PRIMARY KEY(account, name)
);

CREATE INDEX secret_erasure ON secret(erased_at) WHERE erased_at IS NOT NULL;

CREATE TABLE secret_version(
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    stages TEXT NOT NULL,
    wrapped_key BYTEA NOT NULL,
    key_arn TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY(account, name, id)
);

CREATE TABLE session_revocation(
    account TEXT NOT NULL,
    role_id TEXT NOT NULL,
    revoked_before BIGINT NOT NULL,
    PRIMARY KEY(account, role_id)
);

CREATE TABLE setting(
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE tag(
    repository BIGINT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    tagged_at BIGINT NOT NULL,
    tagged_at_precision TEXT NOT NULL,
    tagged_by TEXT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY(repository, name)
);

CREATE INDEX tag_digest ON tag(repository, digest, name);

CREATE TABLE tag_history(
    id BIGINT PRIMARY KEY,
    repository BIGINT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT,
    previous TEXT,
    at BIGINT NOT NULL,
    at_precision TEXT NOT NULL,
    actor TEXT NOT NULL,
    request_id TEXT NOT NULL
);

CREATE INDEX tag_history_name ON tag_history(repository, name, id);

CREATE TABLE traffic_day(
    repository BIGINT NOT NULL,
    day BIGINT NOT NULL,
    digest TEXT NOT NULL,
    actor TEXT NOT NULL,
    network TEXT NOT NULL,
    pulls BIGINT NOT NULL,
    uncounted_pulls BIGINT NOT NULL,
    pushes BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY(repository, day, digest, actor, network)
);

CREATE INDEX traffic_day_by_day ON traffic_day(day);

CREATE TABLE trash(
    repository BIGINT NOT NULL,
    digest TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    trashed_at BIGINT NOT NULL,
    trashed_by TEXT NOT NULL,
    PRIMARY KEY(repository, digest)
);

CREATE INDEX trash_account ON trash(account, region, trashed_at, repository, digest);

CREATE INDEX trash_name ON trash(account, region, name, trashed_at, repository, digest);

CREATE INDEX trash_time ON trash(trashed_at, repository, digest);

CREATE TABLE trash_tag(
    repository BIGINT NOT NULL,
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY(repository, digest, name)
);

CREATE TABLE upload(
    id TEXT PRIMARY KEY,
    repository BIGINT NOT NULL,
    algorithm TEXT NOT NULL,
    opened_by TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    touched_at BIGINT NOT NULL
, holder TEXT, held_until BIGINT, revision BIGINT NOT NULL DEFAULT 0, encryption_key TEXT NOT NULL DEFAULT '', data_key BYTEA, reserved_bytes BIGINT NOT NULL DEFAULT 0);

CREATE INDEX upload_repository ON upload(repository, id);

CREATE INDEX upload_touched ON upload(touched_at, id);

CREATE TABLE usage_day(
    repository BIGINT NOT NULL,
    day BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY(repository, day)
);

CREATE INDEX usage_day_by_day ON usage_day(day);

CREATE TABLE vex_document(
    id BIGINT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    prefix TEXT NOT NULL,
    name TEXT NOT NULL,
    statements BIGINT NOT NULL,
    uploaded_at BIGINT NOT NULL,
    uploaded_by TEXT NOT NULL,
    body BYTEA NOT NULL
);

CREATE INDEX vex_document_of ON vex_document(account, region, id);
