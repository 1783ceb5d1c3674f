use super::*;

/// Examples of FIRST (CVSS v3.1 Examples, CVSS v4.0 Examples) and of the version 2 guide, section 3.3.
#[test]
fn vectors_have_the_scores_that_first_gives_them() {
    for (vector, expected) in [
        ("AV:N/AC:L/Au:N/C:N/I:N/A:C", 7.8),
        ("(AV:N/AC:L/Au:N/C:C/I:C/A:C)", 10.0),
        ("AV:L/AC:H/Au:N/C:C/I:C/A:C", 6.2),
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:H/UI:N/VC:L/VI:L/VA:N/SC:N/SI:N/SA:N", 5.1),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 10.0),
        ("CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.3),
        ("CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.7),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:L/VA:L/SC:N/SI:N/SA:N", 8.8),
    ] {
        assert_eq!(score(vector), Some(expected), "{vector}");
    }
}

#[test]
fn what_is_no_vector_has_no_score() {
    for text in ["", "/", "7.5", "CVSS:3.1/", "CVSS:3.1/AV:N", "CVSS:9.0/AV:N/AC:L", "AV:N/AC:L", &"A".repeat(600)] {
        assert_eq!(score(text), None, "{text}");
    }
}

#[test]
fn words_and_scores_mean_the_same_everywhere() {
    for (word, expected) in [
        ("MODERATE", Some(Severity::Medium)),
        ("Important", Some(Severity::High)),
        ("negligible", Some(Severity::Informational)),
        ("Critical", Some(Severity::Critical)),
        ("untriaged", None),
    ] {
        assert_eq!(parse_word(word), expected, "{word}");
    }
    for (score, expected) in [
        (0.0, Severity::Informational),
        (3.9, Severity::Low),
        (4.0, Severity::Medium),
        (8.9, Severity::High),
        (9.0, Severity::Critical),
    ] {
        assert_eq!(of_score(score), expected, "{score}");
    }
}
