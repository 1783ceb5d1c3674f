//! What there is to push, and what is done with it.

use proptest::{collection::vec, option, prelude::*};

/// A case. Its numbers are taken modulo what there is to choose from, so that it shrinks well and prints short.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// How many blobs there are besides the manifests, whose bytes can be pushed as blobs too.
    pub(crate) blobs: u8,
    /// The manifests; one names only blobs and what stands before it.
    pub(crate) manifests: Vec<Draft>,
    /// What is done.
    pub(crate) steps: Vec<Step>,
}

/// A manifest to be.
#[derive(Clone, Debug)]
pub(crate) enum Draft {
    Image { config: u8, layers: Vec<(u8, Layer)>, subject: Option<u8> },
    Index { children: Vec<u8>, subject: Option<u8> },
}

/// Whether a layer may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    Required,
    Nondistributable,
}

/// What may be done. `at` is a repository, which a push creates.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Pushes a manifest after all that it names, of nondistributable layers only where `is_complete`.
    Push {
        at: u8,
        manifest: u8,
        tag: Option<u8>,
        is_complete: bool,
    },
    /// Pushes a manifest by itself.
    Put {
        at: u8,
        manifest: u8,
        tag: Option<u8>,
    },
    Upload {
        at: u8,
        blob: u8,
    },
    Mount {
        from: u8,
        to: u8,
        blob: u8,
    },
    /// Asks whether a blob is there, which renews its grace time.
    Check {
        at: u8,
        blob: u8,
    },
    Untag {
        at: u8,
        tag: u8,
    },
    RemoveManifest {
        at: u8,
        manifest: u8,
    },
    RemoveBlob {
        at: u8,
        blob: u8,
    },
    RemoveRepository {
        at: u8,
        force: bool,
    },
    Restore {
        at: u8,
        manifest: u8,
    },
    /// Destroys what is in the trash: all, or what has been there for its time.
    Empty {
        all: bool,
    },
    /// So many quarters of the grace time pass.
    Pass {
        quarters: u8,
    },
    Collect,
}

/// Any number; small ones choose plainly.
const NUMBER: std::ops::Range<u8> = 0..24;

/// Graphs of a few manifests, and what is done with them.
pub(crate) fn plans() -> impl Strategy<Value = Plan> {
    (1..5u8, vec(drafts(), 1..7), vec(steps(), 1..40)).prop_map(|(blobs, manifests, steps)| Plan {
        blobs,
        manifests,
        steps,
    })
}

fn drafts() -> impl Strategy<Value = Draft> {
    let subject = || option::weighted(0.3, NUMBER);
    let kind = prop_oneof![4 => Just(Layer::Required), 1 => Just(Layer::Nondistributable)];
    prop_oneof![
        3 => (NUMBER, vec((NUMBER, kind), 0..4), subject())
            .prop_map(|(config, layers, subject)| Draft::Image { config, layers, subject }),
        2 => (vec(NUMBER, 0..4), subject()).prop_map(|(children, subject)| Draft::Index { children, subject }),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let (at, tag) = (|| 0..3u8, || 0..3u8);
    prop_oneof![
        6 => (at(), NUMBER, option::of(tag()), any::<bool>())
            .prop_map(|(at, manifest, tag, is_complete)| Step::Push { at, manifest, tag, is_complete }),
        2 => (at(), NUMBER, option::of(tag())).prop_map(|(at, manifest, tag)| Step::Put { at, manifest, tag }),
        2 => (at(), NUMBER).prop_map(|(at, blob)| Step::Upload { at, blob }),
        2 => (at(), at(), NUMBER).prop_map(|(from, to, blob)| Step::Mount { from, to, blob }),
        1 => (at(), NUMBER).prop_map(|(at, blob)| Step::Check { at, blob }),
        2 => (at(), tag()).prop_map(|(at, tag)| Step::Untag { at, tag }),
        5 => (at(), NUMBER).prop_map(|(at, manifest)| Step::RemoveManifest { at, manifest }),
        2 => (at(), NUMBER).prop_map(|(at, blob)| Step::RemoveBlob { at, blob }),
        1 => (at(), any::<bool>()).prop_map(|(at, force)| Step::RemoveRepository { at, force }),
        3 => (at(), NUMBER).prop_map(|(at, manifest)| Step::Restore { at, manifest }),
        1 => any::<bool>().prop_map(|all| Step::Empty { all }),
        2 => (1..6u8).prop_map(|quarters| Step::Pass { quarters }),
        2 => Just(Step::Collect),
    ]
}
