//! Whatever stands in a file of AWS's command line, a setting is a line of it, without blanks at its ends, or none; what is asked for
//! in a profile that is written anew behind it all is found there.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for profile in ["default", "work"] {
        if let Some(found) = gantry::read_aws_profile(text, profile, "aws_access_key_id") {
            assert!(!found.is_empty() && found.trim() == found && !found.contains('\n') && text.contains(&found));
        }
    }
    if text.lines().count() < 1000 {
        let longer = format!("{text}\n[profile work]\nregion = eu-west-1\n");
        assert_eq!(gantry::read_aws_profile(&longer, "work", "region").as_deref(), Some("eu-west-1"));
    }
});
