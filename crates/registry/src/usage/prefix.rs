//! Which repositories a prefix means, as scopes of quotas do: pure.

/// Returns the names that a prefix means, in the order of their bytes: from the first of each pair to before the second.
///
/// `team/app` means the repository of that name and those below it, not `team/app2`; `team/` those below it alone; an empty one all.
pub(super) fn ranges(prefix: &str) -> Vec<(String, String)> {
    // No name has a character that comes before `!`, and none that comes after `~`.
    let below = |folder: &str| (folder.to_string(), format!("{folder}~"));
    match prefix.is_empty() || prefix.ends_with('/') {
        true => vec![below(prefix)],
        false => vec![(prefix.into(), format!("{prefix}!")), below(&format!("{prefix}/"))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_means_a_repository_and_those_below_it_and_none_that_only_begins_so() {
        let names = [
            "team",
            "team-b/app",
            "team.b",
            "team/app",
            "team/app-b",
            "team/app/x",
            "team/app/x/y",
            "team/app2",
            "teams",
        ];
        let means = |prefix: &str| -> Vec<&str> {
            let ranges = ranges(prefix);
            let is_meant =
                |name: &&str| ranges.iter().any(|(first, end)| first.as_str() <= *name && *name < end.as_str());
            names.into_iter().filter(is_meant).collect()
        };

        assert_eq!(means("team/app"), ["team/app", "team/app/x", "team/app/x/y"]);
        assert_eq!(means("team/app/"), ["team/app/x", "team/app/x/y"]);
        assert_eq!(means("team"), ["team", "team/app", "team/app-b", "team/app/x", "team/app/x/y", "team/app2"]);
        assert_eq!(means(""), names);
        assert_eq!(means("tea"), [""; 0]);
    }
}
