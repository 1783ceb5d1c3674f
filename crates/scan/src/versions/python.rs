use super::digits;
use pep440_rs::{LocalSegment, Version};
use std::{cmp::Ordering, str::FromStr};

pub(super) fn order(left: &str, right: &str) -> Option<Ordering> {
    Some(Version::from_str(left).ok()?.cmp(&Version::from_str(right).ok()?))
}

/// Bytes that order as [`order`] does (PEP 440, section Summary of permitted suffixes and relative ordering).
pub(super) fn key(text: &str) -> Option<Vec<u8>> {
    let version = Version::from_str(text).ok()?;
    let mut key = Vec::with_capacity(32);
    push_number(&mut key, version.epoch())?;
    let release = version.release();
    let kept = release.len() - release.iter().rev().take_while(|number| **number == 0).count();
    for number in release.iter().take(kept) {
        key.push(1);
        push_number(&mut key, *number)?;
    }
    key.push(0);
    match version.pre() {
        None if version.post().is_none() && version.dev().is_some() => key.push(0),
        None => key.push(4),
        Some(pre) => {
            key.push(1 + pre.kind as u8);
            push_number(&mut key, pre.number)?;
        }
    }
    push_optional(&mut key, version.post(), 0)?;
    push_optional(&mut key, version.dev(), 2)?;
    push_local(&mut key, version.local())?;
    Some(key)
}

fn push_number(key: &mut Vec<u8>, number: u64) -> Option<()> {
    digits::push(key, &number.to_string())
}

/// A number is 1; `absent` says whether none comes before or behind it.
fn push_optional(key: &mut Vec<u8>, number: Option<u64>, absent: u8) -> Option<()> {
    match number {
        Some(number) => {
            key.push(1);
            push_number(key, number)
        }
        None => {
            key.push(absent);
            Some(())
        }
    }
}

fn push_local(key: &mut Vec<u8>, local: &[LocalSegment]) -> Option<()> {
    for segment in local {
        match segment {
            LocalSegment::String(text) => {
                key.push(1);
                key.extend_from_slice(text.as_bytes());
                key.push(0);
            }
            LocalSegment::Number(number) => {
                key.push(2);
                push_number(key, *number)?;
            }
        }
    }
    key.push(0);
    Some(())
}
