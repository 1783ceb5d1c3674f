use gantry_accounts::Accounts;
use gantry_words::Cx;
use serde::{Serialize, de::DeserializeOwned};

/// Where lists go on: tokens that clients cannot read or make, good for a day at least, also after a restart, and only for
/// the list they came with. Cheap to clone.
#[derive(Clone)]
pub struct Paging(Accounts);

impl Paging {
    /// Tokens of this site.
    pub fn new(accounts: Accounts) -> Self {
        Paging(accounts)
    }

    /// Makes a token for the place where a list goes on. `list` tells it from other lists of the same operation: what was
    /// asked for, such as the repository and the filter.
    pub fn token(&self, cx: &Cx, list: &str, place: &impl Serialize) -> String {
        let place = serde_json::to_vec(place).expect("places are texts and numbers");
        self.0.seal(&purpose(cx, list), &place, cx.now)
    }

    /// Returns the place a token names; none where it is none of ours, of another list, or old.
    pub fn place<T: DeserializeOwned>(&self, cx: &Cx, list: &str, token: &str) -> Option<T> {
        serde_json::from_slice(&self.0.open_seal(&purpose(cx, list), token)?).ok()
    }

    /// Returns where a list of names goes on after `name`: the name itself where the caller may know it, else a token, which
    /// begins with `~` as no name does.
    pub fn after_name(&self, cx: &Cx, list: &str, name: &str, may_know: bool) -> String {
        if may_know { name.into() } else { format!("{SEALED}{}", self.token(cx, list, &name)) }
    }

    /// Returns the name after which a list goes on, of what [`Paging::after_name`] made or of a name; none where it is a token
    /// that is none of ours, of another list, or old.
    pub fn name_after(&self, cx: &Cx, list: &str, text: &str) -> Option<String> {
        match text.strip_prefix(SEALED) {
            Some(token) => self.place(cx, list, token),
            None => Some(text.into()),
        }
    }
}

/// What tokens begin with where names stand too.
const SEALED: char = '~';

fn purpose(cx: &Cx, list: &str) -> String {
    format!("page\n{}\n{}\n{list}", cx.operation, cx.account)
}
