use crate::{Incoming, Lock, Outgoing, Shape, Wire};
use gantry_access::{Access, Principal};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, Cx};
use std::{future::Future, sync::Arc};

/// How a request type comes out of what a client sent.
pub trait FromWire<W: Wire>: Sized + Send + 'static {
    /// Reads the request.
    ///
    /// On a wire that does not collect bodies ([`Wire::READS_BODY`]) this looks at address and headers only and keeps
    /// the body for the call: the caller is not known to be allowed anything yet.
    ///
    /// # Errors
    /// What is wrong with the request, as its wire says it.
    fn read(incoming: Incoming) -> impl Future<Output = Result<Self, Fault>> + Send;

    /// The account whose registry is asked, where the request names one.
    fn account(&self) -> Option<AccountId> {
        None
    }
}

/// How a response becomes what a client gets.
pub trait IntoWire<W: Wire> {
    /// Which refusal it is, where it is one: some carry more than a [`Fault`] can, and write themselves. They are counted
    /// as the others are.
    fn refusal(&self) -> Option<FaultKind> {
        None
    }

    /// Who it turned out to be, where the call itself found that out: for the audit.
    fn actor(&self) -> Option<Arc<str>> {
        None
    }

    /// Writes the response.
    fn write(self) -> Outgoing;
}

/// One thing a client can ask for: declared once, and routing, authorisation, limits, figures and logs follow.
pub trait Operation: 'static {
    /// The protocol it speaks.
    type Wire: Wire;
    /// Its name: route target, metric label, audit name.
    const NAME: &'static str;
    /// Method and address pattern, for documentation.
    const ROUTE: (&'static str, &'static str);
    /// What it takes to get in. Anything but [`Lock::Access`] is listed by [`open_doors`](crate::open_doors).
    const LOCK: Lock = Lock::Access;
    /// The rooms it enters; it can see no others.
    type Needs: Clone + Send + Sync + 'static;
    /// What is asked.
    type Request: FromWire<Self::Wire>;
    /// What is answered.
    type Response: IntoWire<Self::Wire> + Send + 'static;

    /// Says what it takes, answers and refuses, for the OpenAPI document. Nothing where its protocol is written elsewhere.
    fn shape(shape: &mut Shape<'_>) {
        let _ = shape;
    }

    /// What must be allowed before `call` runs. Pure: everything comes from the request and `cx`.
    fn access(request: &Self::Request, cx: &Cx) -> Vec<Access>;

    /// Does it. Authorisation has happened. Where the method changes state this runs in a task of its own, so that a
    /// client that hangs up cannot stop it half-way; the body then ends with an error.
    fn call(
        needs: &Self::Needs,
        cx: &Cx,
        principal: &Principal,
        request: Self::Request,
    ) -> impl Future<Output = Result<Self::Response, Fault>> + Send;
}

/// Taken from the house `H` when an operation is mounted. Rooms are cheap handles.
pub trait Pick<H>: Clone + Send + Sync + 'static {
    /// Takes this room out of the house.
    fn pick(house: &H) -> Self;
}

impl<H> Pick<H> for () {
    fn pick(_: &H) {}
}

impl<H, A: Pick<H>, B: Pick<H>> Pick<H> for (A, B) {
    fn pick(house: &H) -> Self {
        (A::pick(house), B::pick(house))
    }
}

impl<H, A: Pick<H>, B: Pick<H>, C: Pick<H>> Pick<H> for (A, B, C) {
    fn pick(house: &H) -> Self {
        (A::pick(house), B::pick(house), C::pick(house))
    }
}

/// Declares the module of each operation and mounts them all.
///
/// `operations! { get_blob::GetBlob, … }` makes `pub mod get_blob;` and
/// `pub fn doors<H>(house: &H) -> Vec<Door>` for every house that has the rooms they need,
/// `pub fn signatures() -> Vec<Signature>`, and lists their `NAMES`.
#[macro_export]
macro_rules! operations {
    ($( $module:ident :: $operation:ident ),* $(,)?) => {
        $( #[allow(missing_docs, reason = "what is in it says what it is")] pub mod $module; )*

        /// Mounts every operation of this surface on the rooms of `house`.
        pub fn doors<H>(house: &H) -> Vec<$crate::Door>
        where $( <$module::$operation as $crate::Operation>::Needs: $crate::Pick<H>, )*
        {
            vec![ $( {
                // Of no type of the house: so what it takes to run an operation is compiled with its surface, and not with each
                // house once more. It is most of the program.
                #[inline(never)]
                fn mount(needs: <$module::$operation as $crate::Operation>::Needs) -> $crate::Door {
                    $crate::Door::of::<$module::$operation>(needs)
                }
                mount($crate::Pick::pick(house))
            }, )* ]
        }

        /// What can be said of every operation of this surface without a house.
        #[allow(dead_code, reason = "only a surface that documents itself asks for it")]
        pub fn signatures() -> Vec<$crate::Signature> {
            vec![ $( $crate::Signature::of::<$module::$operation>(), )* ]
        }

        /// The names of all of them, in their order.
        pub const NAMES: &[&str] = &[ $( <$module::$operation as $crate::Operation>::NAME ),* ];
    };
}
