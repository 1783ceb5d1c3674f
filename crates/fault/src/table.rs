macro_rules! faults {
    ($( $(#[doc = $doc:literal])+ $kind:ident => $status:literal, $oci:literal, $aws:literal; )*) => {
        /// Every refusal Gantry knows, in the order of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum FaultKind { $( $(#[doc = $doc])+ $kind, )* }

        impl FaultKind {
            /// All kinds.
            pub const ALL: &'static [FaultKind] = &[ $( FaultKind::$kind, )* ];

            /// Returns how the wires say it.
            pub const fn row(self) -> Row {
                match self { $( FaultKind::$kind => Row { status: $status, oci: $oci, aws: $aws }, )* }
            }

            /// Returns what it means, in a sentence.
            pub fn about(self) -> &'static str {
                match self { $( FaultKind::$kind => concat!($( $doc ),+).trim(), )* }
            }
        }
    };
}

/// How the wires say a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// HTTP status on the OCI and REST wires. AWS JSON answers 400 for every client fault and 500 for ours.
    pub status: u16,
    /// Error code of OCI Distribution 1.1.1 (table "Error Codes"), or of the Docker registry where that has none.
    pub oci: &'static str,
    /// Error type of the ECR service model.
    pub aws: &'static str,
}

impl Row {
    /// Returns the error code of the AWS query protocol (STS): the type without `Exception`, but for a few with a name of
    /// their own there.
    pub fn aws_query(&self) -> &'static str {
        match self.aws {
            "InvalidSignatureException" => "SignatureDoesNotMatch",
            "UnrecognizedClientException" => "InvalidClientTokenId",
            "UnknownOperationException" => "InvalidAction",
            "InvalidParameterException" | "ValidationException" => "ValidationError",
            "SerializationException" => "MalformedQueryString",
            "ServerException" => "InternalFailure",
            // Of a session that is over STS says the same without the last word.
            "ExpiredTokenException" if self.status == 400 => "ExpiredTokenException",
            other => other.strip_suffix("Exception").unwrap_or(other),
        }
    }
}

faults! {
    /// No credentials, or wrong ones.
    Unauthenticated => 401, "UNAUTHORIZED", "UnrecognizedClientException";
    /// A request that must be signed is not.
    SignatureMissing => 403, "UNAUTHORIZED", "MissingAuthenticationTokenException";
    /// The signature of a request cannot be read.
    SignatureIncomplete => 400, "UNAUTHORIZED", "IncompleteSignatureException";
    /// The signature of a request is not right, or no longer.
    SignatureInvalid => 403, "UNAUTHORIZED", "InvalidSignatureException";
    /// The access key or the session token is none of ours.
    AccessKeyUnknown => 403, "UNAUTHORIZED", "UnrecognizedClientException";
    /// The session is over.
    SessionExpired => 403, "UNAUTHORIZED", "ExpiredTokenException";
    /// The caller may not do this; the message names the action and the resource.
    AccessDenied => 403, "DENIED", "AccessDeniedException";
    /// Too many requests at once; try later.
    TooManyRequests => 429, "TOOMANYREQUESTS", "ThrottlingException";

    /// The name breaks the grammar.
    NameInvalid => 400, "NAME_INVALID", "InvalidParameterException";
    /// No repository of this name in this registry.
    RepositoryNotFound => 404, "NAME_UNKNOWN", "RepositoryNotFoundException";
    /// A repository of this name exists already.
    RepositoryExists => 409, "DENIED", "RepositoryAlreadyExistsException";
    /// The repository still holds images.
    RepositoryNotEmpty => 409, "DENIED", "RepositoryNotEmptyException";

    /// No image with this tag or digest.
    ImageNotFound => 404, "MANIFEST_UNKNOWN", "ImageNotFoundException";
    /// The manifest cannot be read, or contradicts itself.
    ManifestInvalid => 400, "MANIFEST_INVALID", "InvalidParameterException";
    /// The manifest is beyond the size limit.
    ManifestTooLarge => 413, "SIZE_INVALID", "InvalidParameterException";
    /// The manifest is of a kind this registry does not take.
    ManifestUnsupported => 415, "UNSUPPORTED", "UnsupportedImageTypeException";
    /// A manifest names a blob that this repository does not hold.
    LayersNotFound => 404, "MANIFEST_BLOB_UNKNOWN", "LayersNotFoundException";
    /// An index names a manifest that this repository does not hold.
    ReferencedImagesNotFound => 404, "MANIFEST_BLOB_UNKNOWN", "ReferencedImagesNotFoundException";
    /// The tag breaks the grammar. The specification's table has no code for tags.
    TagInvalid => 400, "MANIFEST_INVALID", "InvalidParameterException";
    /// The image is a child of a living index.
    ImageReferenced => 405, "UNSUPPORTED", "ImageReferencedByManifestList";

    /// The image is in the archive, or on its way back from there.
    ImageArchived => 404, "MANIFEST_UNKNOWN", "ImageArchivedException";

    /// The image is on hold, or hangs on one that is.
    ImageHeld => 403, "DENIED", "AccessDeniedException";
    /// The tag is protected, and with it the image that it names.
    TagProtected => 403, "DENIED", "AccessDeniedException";
    /// The image is not as it was when it was chosen, so nothing was done to it.
    ImageChanged => 409, "DENIED", "InvalidParameterException";
    /// No images were chosen under this token, by whoever asks, or its time is over.
    SelectionNotFound => 404, "UNSUPPORTED", "InvalidParameterException";
    /// What was chosen under this token was run already.
    SelectionUsed => 409, "DENIED", "InvalidParameterException";
    /// The scan policy of the repository does not let the image through.
    GateRefused => 403, "DENIED", "AccessDeniedException";

    /// No blob of this digest in this repository.
    BlobNotFound => 404, "BLOB_UNKNOWN", "LayerInaccessibleException";
    /// A manifest of this repository still names the blob.
    BlobReferenced => 405, "UNSUPPORTED", "InvalidParameterException";
    /// The digest is malformed, of an unknown algorithm, or not that of the bytes.
    DigestInvalid => 400, "DIGEST_INVALID", "InvalidLayerException";
    /// The length given is not the length received, or beyond the limit.
    SizeInvalid => 400, "SIZE_INVALID", "InvalidLayerException";
    /// The range lies outside the blob.
    RangeNotSatisfiable => 416, "UNSUPPORTED", "InvalidLayerPartException";

    /// The tag names another image and cannot be moved.
    TagImmutable => 400, "TAG_INVALID", "ImageTagAlreadyExistsException";
    /// This image is there already, under this tag.
    ImageExists => 409, "DENIED", "ImageAlreadyExistsException";
    /// The digest given is not that of the manifest.
    ImageDigestDiffers => 400, "DIGEST_INVALID", "ImageDigestDoesNotMatchException";
    /// The layer is there already.
    LayerExists => 409, "DENIED", "LayerAlreadyExistsException";
    /// No layer of this digest in this repository.
    LayerNotFound => 404, "BLOB_UNKNOWN", "LayersNotFoundException";
    /// The upload ended without a byte.
    UploadEmpty => 400, "BLOB_UPLOAD_INVALID", "EmptyUploadException";

    /// The repository has no lifecycle policy.
    LifecyclePolicyNotFound => 404, "UNSUPPORTED", "LifecyclePolicyNotFoundException";
    /// No preview of a lifecycle policy was started in the repository.
    LifecyclePreviewNotFound => 404, "UNSUPPORTED", "LifecyclePolicyPreviewNotFoundException";
    /// The repository has no policy.
    RepositoryPolicyNotFound => 404, "UNSUPPORTED", "RepositoryPolicyNotFoundException";
    /// The registry has no policy.
    RegistryPolicyNotFound => 404, "UNSUPPORTED", "RegistryPolicyNotFoundException";
    /// A resource has as many tags as it may.
    ResourceTagsTooMany => 400, "UNSUPPORTED", "TooManyTagsException";
    /// A tag of a resource is malformed.
    ResourceTagInvalid => 400, "UNSUPPORTED", "InvalidTagParameterException";
    /// A creation template of this prefix exists already.
    TemplateExists => 409, "UNSUPPORTED", "TemplateAlreadyExistsException";
    /// No creation template of this prefix.
    TemplateNotFound => 404, "UNSUPPORTED", "TemplateNotFoundException";
    /// No replication backfill of this id.
    BackfillNotFound => 404, "UNSUPPORTED", "ReplicationBackfillNotFoundException";
    /// The replication backfill has ended.
    BackfillInvalidStatus => 400, "UNSUPPORTED", "ReplicationBackfillInvalidStatusException";
    /// Nothing is to be signed.
    SigningConfigurationNotFound => 404, "UNSUPPORTED", "SigningConfigurationNotFoundException";
    /// A cache rule of this prefix exists already.
    CacheRuleExists => 409, "UNSUPPORTED", "PullThroughCacheRuleAlreadyExistsException";
    /// No cache rule of this prefix.
    CacheRuleNotFound => 404, "UNSUPPORTED", "PullThroughCacheRuleNotFoundException";
    /// His pulls do not count already.
    ExclusionExists => 409, "UNSUPPORTED", "ExclusionAlreadyExistsException";
    /// His pulls do count.
    ExclusionNotFound => 404, "UNSUPPORTED", "ExclusionNotFoundException";
    /// It is not known what the image holds: it was never scanned, or that goes on or failed.
    ScanNotFound => 404, "UNSUPPORTED", "ScanNotFoundException";
    /// The image cannot be moved to this storage class.
    StorageClassUpdateUnsupported => 400, "UNSUPPORTED", "ImageStorageClassUpdateNotSupportedException";
    /// Nobody of this name reports which images he runs.
    InventorySourceNotFound => 404, "UNSUPPORTED", "InvalidParameterException";
    /// A token of an identity provider is none that is taken.
    IdentityTokenInvalid => 400, "UNAUTHORIZED", "InvalidIdentityTokenException";
    /// A token of an identity provider is past its time.
    IdentityTokenExpired => 400, "UNAUTHORIZED", "ExpiredTokenException";
    /// There are as many of these as there may be.
    LimitExceeded => 400, "DENIED", "LimitExceededException";

    /// No user, group, role, policy, access key or identity provider of this name.
    NoSuchEntity => 404, "UNSUPPORTED", "NoSuchEntityException";
    /// One of this name exists already; case does not count.
    EntityAlreadyExists => 409, "DENIED", "EntityAlreadyExistsException";
    /// Something still belongs to it.
    DeleteConflict => 409, "DENIED", "DeleteConflictException";
    /// An account has as many of these as it may, or one is as large as it may be.
    IdentityLimitExceeded => 409, "DENIED", "LimitExceededException";
    /// The text is no policy of its kind; the message names line, statement and member.
    MalformedPolicyDocument => 400, "UNSUPPORTED", "MalformedPolicyDocumentException";
    /// The password is not one that may be chosen.
    PasswordPolicyViolation => 400, "UNSUPPORTED", "PasswordPolicyViolationException";
    /// A parameter of the request about identities is wrong.
    InvalidInput => 400, "UNSUPPORTED", "InvalidInputException";
    /// This cannot be changed by anybody, such as a built-in policy.
    UnmodifiableEntity => 400, "UNSUPPORTED", "UnmodifiableEntityException";
    /// The policy can be attached to nobody here.
    PolicyNotAttachable => 400, "UNSUPPORTED", "PolicyNotAttachableException";
    /// The key that the repository's blobs are encrypted under is disabled, to be deleted or gone.
    RepositoryKeyUnavailable => 403, "DENIED", "KmsException";
    /// The key that a new repository is to be encrypted under is not there, or does not encrypt.
    RepositoryKeyRefused => 400, "DENIED", "KmsException";
    /// The secret with the credentials for an upstream is not there.
    CredentialNotFound => 404, "UNSUPPORTED", "SecretNotFoundException";
    /// No key or alias of this name.
    KmsNotFound => 404, "DENIED", "NotFoundException";
    /// The key is disabled.
    KmsKeyDisabled => 403, "DENIED", "DisabledException";
    /// The key is to be deleted, or otherwise not in a state for this.
    KmsInvalidState => 403, "DENIED", "KMSInvalidStateException";
    /// There is an alias of this name already.
    KmsAliasExists => 409, "UNSUPPORTED", "AlreadyExistsException";
    /// The text does not decrypt: it was changed, or was encrypted in another context.
    KmsInvalidCiphertext => 400, "UNSUPPORTED", "InvalidCiphertextException";
    /// The text was encrypted under another key than the request names.
    KmsIncorrectKey => 400, "UNSUPPORTED", "IncorrectKeyException";
    /// Keys for this use are not made here.
    KmsUnsupportedOperation => 400, "UNSUPPORTED", "UnsupportedOperationException";
    /// The key cannot be used so: it is another kind of key.
    KmsInvalidKeyUsage => 400, "UNSUPPORTED", "InvalidKeyUsageException";
    /// The marker is of no page of this list.
    KmsInvalidMarker => 400, "UNSUPPORTED", "InvalidMarkerException";
    /// There is no such grant.
    KmsInvalidGrant => 400, "UNSUPPORTED", "InvalidGrantIdException";
    /// The name is none that an alias may have.
    KmsInvalidAliasName => 400, "UNSUPPORTED", "InvalidAliasNameException";
    /// The key must be named by its id or ARN here.
    KmsInvalidArn => 400, "UNSUPPORTED", "InvalidArnException";
    /// There are as many keys, aliases or rotations as there may be.
    KmsLimitExceeded => 400, "DENIED", "LimitExceededException";
    /// A tag of a key cannot be taken.
    KmsTagInvalid => 400, "UNSUPPORTED", "TagException";
    /// No secret of this name, or none of its values.
    SecretNotFound => 404, "UNSUPPORTED", "ResourceNotFoundException";
    /// There is a secret of this name already, or a version of it with another value.
    SecretExists => 409, "UNSUPPORTED", "ResourceExistsException";
    /// The secret is not in a state for this: it is to be deleted.
    SecretInvalidRequest => 400, "UNSUPPORTED", "InvalidRequestException";
    /// The token is of no page of this list.
    SecretInvalidToken => 400, "UNSUPPORTED", "InvalidNextTokenException";
    /// The policy lets in anybody, and must not.
    SecretPolicyPublic => 400, "UNSUPPORTED", "PublicPolicyException";
    /// The key of a secret encrypts nothing: it is off or gone.
    SecretEncryptionFailed => 400, "DENIED", "EncryptionFailure";
    /// The key of a secret decrypts nothing: it is off or gone.
    SecretDecryptionFailed => 400, "DENIED", "DecryptionFailure";
    /// Another request changed the same; try again.
    ConcurrentModification => 409, "DENIED", "ConcurrentModificationException";

    /// No such upload, or it has expired.
    UploadNotFound => 404, "BLOB_UPLOAD_UNKNOWN", "UploadNotFoundException";
    /// The chunk does not begin where the upload ends.
    UploadOutOfOrder => 416, "BLOB_UPLOAD_INVALID", "InvalidLayerPartException";
    /// The upload is in use by another request, or the request breaks its rules.
    UploadInvalid => 400, "BLOB_UPLOAD_INVALID", "InvalidLayerPartException";
    /// Another request writes to this upload.
    UploadBusy => 409, "BLOB_UPLOAD_INVALID", "InvalidLayerPartException";

    /// A parameter of the request is wrong.
    InvalidParameter => 400, "UNSUPPORTED", "InvalidParameterException";
    /// A parameter of the request is wrong in a way its form does not show.
    ValidationFailed => 400, "UNSUPPORTED", "ValidationException";
    /// The body is not of the operation's shape.
    Malformed => 400, "UNSUPPORTED", "SerializationException";
    /// There is no operation of this name.
    OperationUnknown => 400, "UNSUPPORTED", "UnknownOperationException";
    /// Nothing lives at this address.
    RouteNotFound => 404, "UNSUPPORTED", "UnknownOperationException";
    /// The address exists, but not for this method.
    MethodNotAllowed => 405, "UNSUPPORTED", "UnknownOperationException";
    /// The request took longer than it may, or its body stopped.
    RequestTimeout => 408, "UNSUPPORTED", "RequestTimeoutException";
    /// The address is longer than any that leads somewhere.
    AddressTooLong => 414, "UNSUPPORTED", "InvalidParameterException";
    /// The body is larger than this operation takes.
    BodyTooLarge => 413, "SIZE_INVALID", "InvalidParameterException";

    /// A quota allows no more bytes, or no more images; the message names it, and how much is used.
    QuotaExceeded => 413, "DENIED", "LimitExceededException";
    /// The disk is full, or down to its reserve.
    StorageFull => 507, "DENIED", "LimitExceededException";
    /// A part this needs does not answer; try later. The specification's table has no code for it. Clients go by the status:
    /// docker, containerd and crane try again, and those that show the code say what is true.
    Unavailable => 503, "UNAVAILABLE", "ServerException";
    /// Our failure; the cause goes to the log, never to the client. The specification's table has no code for it; docker
    /// tries again after this one, and gives up after `UNSUPPORTED` or `DENIED`.
    Internal => 500, "UNKNOWN", "ServerException";
}
