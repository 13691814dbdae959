use std::str::FromStr as _;

use secrecy::SecretString;

use super::*;

fn issuer(secret: &str) -> Issuer {
    let uris = ["stun:a", "turn:a?transport=udp", "turns:[::1]:5349"];
    Issuer::new(&TurnConfig {
        uris: uris.map(|uri| TurnUri::from_str(uri).unwrap()).to_vec(),
        secret: SecretString::from(secret),
        ttl: Duration::from_secs(3_600),
    })
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

#[test]
fn a_password_is_the_mac_of_the_expiry_and_the_user() {
    // By openssl dgst -sha1 -hmac north -binary | base64.
    let ann = issuer("north").issue(&UserId::from("ann"), at(1_700_000_000));
    assert_eq!(ann.username, "1700003600:ann");
    assert_eq!(ann.password, "TwqKCcbzejRFa1sgGqGS7SEzCGg=");
    assert_eq!((ann.ttl, ann.expires_at), (3_600, 1_700_003_600));
    let user = UserId::from("Zoë:☃");
    let zoe = issuer("north").issue(&user, at(1_700_000_000));
    assert_eq!(zoe.username, "1700003600:Zoë:☃");
    assert_eq!(zoe.password, "DonLDCQiCwbKJHJ5hG4F0D7+Fps=");
}

#[test]
fn another_user_time_or_secret_gives_another_password() {
    let password = |secret: &str, user: &str, time: u64| {
        issuer(secret).issue(&UserId::from(user), at(time)).password
    };
    let first = password("north", "ann", 1_000);
    assert_eq!(password("north", "ann", 1_000), first);
    assert_ne!(password("north", "anna", 1_000), first);
    assert_ne!(password("north", "ann", 1_001), first);
    assert_ne!(password("south", "ann", 1_000), first);
}

#[test]
fn servers_are_told_apart_and_keep_their_order() {
    let servers = issuer("north").issue(&UserId::from("ann"), at(0));
    assert_eq!(servers.uris.open, ["stun:a"]);
    let relays = ["turn:a?transport=udp", "turns:[::1]:5349"];
    assert_eq!(servers.uris.relays, relays);
    assert_eq!(servers.uris.all.len(), 3);
}

#[test]
fn the_secret_is_not_shown() {
    assert!(!format!("{:?}", issuer("north")).contains("north"));
}
