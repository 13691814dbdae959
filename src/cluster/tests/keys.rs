use super::KeyPrefix;

#[test]
fn a_prefix_goes_on_and_comes_off() {
    let prefix = KeyPrefix::new("staging:");
    assert_eq!(prefix.apply("room:{a}:peers"), "staging:room:{a}:peers");
    assert_eq!(prefix.strip("staging:room:1"), Some("room:1"));
    assert_eq!(prefix.strip("room:1"), None);
    assert_eq!(KeyPrefix::default().strip("room:1"), Some("room:1"));
}

#[test]
fn a_prefix_is_literal_in_patterns() {
    let prefix = KeyPrefix::new("a*b[c]:");
    assert_eq!(prefix.apply_to_pattern("user:*"), r"a\*b\[c\]:user:*");
}
