use secrecy::SecretString;

use super::*;

fn credentials(user: &str, password: &str) -> Credentials {
    Credentials::new(&AdminUiConfig {
        user: user.into(),
        password: SecretString::from(password),
        readonly: true,
        node: "n1".into(),
    })
}

#[test]
fn only_the_right_user_with_the_right_password_may_look() {
    let credentials = credentials("admin", "a long password");
    assert!(credentials.fit("admin", "a long password"));
    for (user, password) in [
        ("admin", "a long passworD"),
        ("admin", ""),
        ("", "a long password"),
        ("Admin", "a long password"),
        ("admina", " long password"),
    ] {
        assert!(!credentials.fit(user, password), "{user} {password}");
    }
}

#[test]
fn a_session_id_is_good_on_every_node_until_its_time_or_the_password_ends() {
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let session = credentials("admin", "a long password").session(now);
    let elsewhere = credentials("admin", "a long password");
    assert!(elsewhere.knows(&session, now));
    assert!(elsewhere.knows(&session, now + SESSION - Duration::from_secs(1)));
    assert!(!elsewhere.knows(&session, now + SESSION));
    assert!(!credentials("admin", "another password").knows(&session, now));
    assert!(!credentials("root", "a long password").knows(&session, now));
}

#[test]
fn a_session_id_that_was_not_given_out_is_unknown() {
    let now = SystemTime::now();
    let credentials = credentials("admin", "a long password");
    let mut forged = URL_SAFE_NO_PAD.decode(credentials.session(now)).unwrap();
    forged[7] ^= 1;
    let forged = URL_SAFE_NO_PAD.encode(forged);
    let short = URL_SAFE_NO_PAD.encode([0xff; TIME]);
    for session in ["", "x", "????", &*short, &*forged] {
        assert!(!credentials.knows(session, now), "{session}");
    }
}
