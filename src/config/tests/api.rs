//! Keys of the server API.

use std::io::Write as _;

use secrecy::ExposeSecret as _;

use super::{load, mistakes};

const ONE: &str = "0123456789abcdef";
const TWO: &str = "fedcba9876543210";

fn keys(value: &str) -> Vec<(String, String)> {
    let config = load(&[("DEV", "true"), ("API_KEY", value)], &[]).unwrap();
    let keys = config.api_keys.iter();
    keys.map(|key| (key.name.to_string(), key.key.expose_secret().to_owned()))
        .collect()
}

#[test]
fn without_keys_there_are_none() {
    assert!(load(&[("DEV", "true")], &[]).unwrap().api_keys.is_empty());
}

#[test]
fn keys_may_be_several_and_have_names() {
    let expected = |name: &str, key: &str| (name.to_owned(), key.to_owned());
    assert_eq!(keys(ONE), [expected("api", ONE)]);
    let list = format!("shop:{ONE}, shop:{TWO}");
    assert_eq!(keys(&list), [expected("shop", ONE), expected("shop", TWO)]);
}

#[test]
fn keys_come_from_a_file_too() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "shop:{ONE}").unwrap();
    let path = file.path().to_str().unwrap();
    let config = load(&[("DEV", "true"), ("API_KEY_FILE", path)], &[]).unwrap();
    assert_eq!(config.api_keys.len(), 1);
}

#[test]
fn a_key_that_can_be_guessed_or_sent_by_nobody_is_a_mistake_and_never_shown() {
    let short = format!("{ONE},hunter2");
    let odd = "hunter2 hunter2 hunter2";
    let nameless = ":hunter2hunter2hunter2";
    let twice =
        format!("a:hunter2hunter2hunter2,b:hunter2hunter2hunter2{ONE},c:hunter2hunter2hunter2");
    for wrong in [&short, odd, nameless, &twice] {
        let told = mistakes(&[("DEV", "true"), ("API_KEY", wrong)], &[]);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("entry") && !told[0].contains("hunter2"),
            "{told:?}"
        );
    }
    let config = load(&[("DEV", "true"), ("API_KEY", ONE)], &[]).unwrap();
    assert!(!format!("{config:?}").contains(ONE));
}
