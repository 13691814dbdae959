use serde_json::json;

use super::*;

fn servers(uris: &[&str]) -> IceServers {
    let all: Vec<String> = uris.iter().map(|uri| (*uri).to_owned()).collect();
    let (relays, open) = all.iter().cloned().partition(|uri| uri.starts_with("turn"));
    IceServers {
        uris: Arc::new(TurnUris { all, open, relays }),
        username: "1700003600:ann".to_owned(),
        password: "c2VjcmV0".to_owned(),
        ttl: 3_600,
        expires_at: 1_700_003_600,
    }
}

#[test]
fn stun_servers_come_without_credentials_and_turn_servers_with_them() {
    let servers = servers(&["turn:a?transport=udp", "stun:a", "turns:a"]);
    let expected = json!([
        {"urls": ["stun:a"]},
        {"urls": ["turn:a?transport=udp", "turns:a"], "username": "1700003600:ann", "credential": "c2VjcmV0"},
    ]);
    assert_eq!(serde_json::to_value(&servers).unwrap(), expected);
    let answer = serde_json::to_value(TurnCredentials::from(&servers)).unwrap();
    assert_eq!(
        answer,
        json!({
            "username": "1700003600:ann",
            "password": "c2VjcmV0",
            "ttl": 3_600,
            "uris": ["turn:a?transport=udp", "stun:a", "turns:a"],
            "iceServers": expected,
        })
    );
    let event = serde_json::to_value(IceServersPayload::from(&servers)).unwrap();
    assert_eq!(
        event,
        json!({"iceServers": expected, "ttl": 3_600, "expiresAt": 1_700_003_600_u64})
    );
}

#[test]
fn without_a_stun_server_there_is_one_entry() {
    let list = serde_json::to_value(servers(&["turn:a"])).unwrap();
    assert_eq!(list.as_array().map(Vec::len), Some(1));
}

#[test]
fn a_password_is_not_shown_in_logs() {
    assert!(!format!("{:?}", servers(&["turn:a"])).contains("c2VjcmV0"));
}
