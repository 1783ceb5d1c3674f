//! The pages at `/ui`, rendered here: people log in at their identity provider, see who they are and when that ends, let
//! terminals in, get credentials for docker and log out.
//!
//! A page knows a person by a cookie, which nothing but pages reads: the registry and the APIs never do, so that no other site can
//! have a browser do something there. What a page changes it changes by `POST` only, from a page of its own ([`forms`]).
//!
//! | file | what |
//! |---|---|
//! | `operations.rs`, `operations/` | the pages, a file each |
//! | `route.rs` | which address leads where |
//! | `html.rs` | [`Html`]: refusals as pages, and the headers that every page carries |
//! | `page.rs` | [`Page`]: what is answered |
//! | `visit.rs` | what of a request pages look at: cookies, `Origin`, form |
//! | `cookies.rs` | cookies, read and written |
//! | `forms.rs` | whether a form came from a page of ours |

mod cookies;
pub mod forms;
mod html;
mod operations;
mod page;
mod route;
mod visit;

pub use html::Html;
pub use operations::doors;
pub use page::Page;
pub use route::route;
