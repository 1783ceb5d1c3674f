//! The ecosystems, one file each.

pub(crate) mod apk;
pub(crate) mod dpkg;
pub(crate) mod os_release;
pub(crate) mod rpm;
