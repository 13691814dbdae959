use http::HeaderValue;
use proptest::prelude::*;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn proxies(header: ForwardedBy) -> TrustedProxies {
    let networks = ["10.0.0.0/8", "2001:db8:1::/48"];
    let networks = networks.iter().map(|network| network.parse().unwrap());
    TrustedProxies::new(networks.collect(), header)
}

fn client(header: ForwardedBy, peer: &str, lines: &[(&'static str, &str)]) -> String {
    let mut headers = HeaderMap::new();
    for (name, line) in lines {
        headers.append(*name, HeaderValue::from_str(line).unwrap());
    }
    proxies(header).client_of(ip(peer), &headers).to_string()
}

fn by_xff(peer: &str, lines: &[&str]) -> String {
    let lines: Vec<_> = lines
        .iter()
        .map(|line| ("x-forwarded-for", *line))
        .collect();
    client(ForwardedBy::XForwardedFor, peer, &lines)
}

fn by_rfc(peer: &str, lines: &[&str]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| ("forwarded", *line)).collect();
    client(ForwardedBy::Forwarded, peer, &lines)
}

#[test]
fn who_is_no_trusted_proxy_may_claim_what_it_likes() {
    assert_eq!(by_xff("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
    assert_eq!(by_rfc("203.0.113.9", &["for=198.51.100.1"]), "203.0.113.9");
    let nobody = TrustedProxies::default();
    let mut headers = HeaderMap::new();
    headers.insert("x-forwarded-for", HeaderValue::from_static("1.2.3.4"));
    assert_eq!(nobody.client_of(ip("127.0.0.1"), &headers), ip("127.0.0.1"));
}

#[test]
fn a_trusted_proxy_is_believed_about_whom_it_saw_and_no_further() {
    assert_eq!(by_xff("10.1.2.3", &["198.51.100.1"]), "198.51.100.1");
    assert_eq!(
        by_xff("10.1.2.3", &["6.6.6.6, 198.51.100.1"]),
        "198.51.100.1"
    );
    assert_eq!(
        by_xff("10.1.2.3", &["6.6.6.6", "198.51.100.1, 10.9.9.9"]),
        "198.51.100.1"
    );
    assert_eq!(
        by_rfc(
            "10.1.2.3",
            &[
                "for=6.6.6.6",
                "For=198.51.100.1;proto=https, for=10.9.9.9;by=10.1.2.3"
            ]
        ),
        "198.51.100.1"
    );
}

#[test]
fn what_a_proxy_does_not_say_leaves_the_proxy() {
    for line in [
        "",
        "unknown",
        "_hidden",
        "6.6.6.6, garbage",
        "1.2.3",
        "6.6.6.6,",
    ] {
        assert_eq!(by_xff("10.1.2.3", &[line]), "10.1.2.3", "{line}");
    }
    for line in [
        "",
        "for=unknown",
        "for=_hidden",
        "for=6.6.6.6, proto=http",
        "for=6.6.6.6,for",
    ] {
        assert_eq!(by_rfc("10.1.2.3", &[line]), "10.1.2.3", "{line}");
    }
    assert_eq!(by_xff("10.1.2.3", &[]), "10.1.2.3");
}

#[test]
fn an_open_quote_of_a_client_does_not_swallow_what_the_proxy_says() {
    let line = "for=\"6.6.6.6, for=198.51.100.1";
    assert_eq!(by_rfc("10.1.2.3", &[line]), "198.51.100.1");
}

#[test]
fn bytes_of_a_client_that_are_no_text_do_not_hide_what_the_proxy_says() {
    for (header, name, line) in [
        (
            ForwardedBy::XForwardedFor,
            "x-forwarded-for",
            &b"\xff, \xc3(, 198.51.100.1"[..],
        ),
        (
            ForwardedBy::Forwarded,
            "forwarded",
            &b"for=\xe9, for=198.51.100.1"[..],
        ),
    ] {
        let mut headers = HeaderMap::new();
        headers.append(name, HeaderValue::from_bytes(line).unwrap());
        let client = proxies(header).client_of(ip("10.1.2.3"), &headers);
        assert_eq!(client, ip("198.51.100.1"), "{name}");
    }
}

#[test]
fn only_the_header_that_is_configured_is_read() {
    let both = [
        ("x-forwarded-for", "198.51.100.1"),
        ("forwarded", "for=6.6.6.6"),
    ];
    assert_eq!(
        client(ForwardedBy::XForwardedFor, "10.0.0.1", &both),
        "198.51.100.1"
    );
    assert_eq!(client(ForwardedBy::Forwarded, "10.0.0.1", &both), "6.6.6.6");
}

#[test]
fn addresses_come_in_brackets_and_with_ports() {
    assert_eq!(by_xff("10.0.0.1", &["198.51.100.1:4711"]), "198.51.100.1");
    assert_eq!(by_xff("10.0.0.1", &["[2001:db8::1]:4711"]), "2001:db8::1");
    assert_eq!(by_xff("10.0.0.1", &["[2001:db8::1]"]), "2001:db8::1");
    assert_eq!(by_xff("10.0.0.1", &["::ffff:198.51.100.1"]), "198.51.100.1");
    assert_eq!(
        by_rfc("10.0.0.1", &["for=\"[2001:db8::1]:4711\""]),
        "2001:db8::1"
    );
    assert_eq!(by_xff("::ffff:10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
    assert_eq!(by_xff("2001:db8:1::9", &["198.51.100.1"]), "198.51.100.1");
}

#[test]
fn a_chain_without_end_is_not_followed() {
    let mut line = "198.51.100.1".to_owned();
    for _ in 0..10_000 {
        line.push_str(", 10.0.0.2");
    }
    assert_eq!(by_xff("10.0.0.1", &[&line]), "10.0.0.2");
}

#[test]
fn neighbours_of_ipv6_are_one_network_and_those_of_ipv4_are_not() {
    let network = |text| Network::from(ip(text));
    assert!(network("2001:db8::1") == network("2001:db8::ffff:ffff:ffff:ffff"));
    assert!(network("2001:db8::1") != network("2001:db8:0:1::1"));
    assert!(network("198.51.100.1") != network("198.51.100.2"));
    assert!(network("198.51.100.1") == network("::ffff:198.51.100.1"));
}

proptest! {
    /// Whatever a client writes before what the proxy appends, it is taken for whom the proxy saw.
    #[test]
    fn nothing_that_a_client_writes_changes_who_it_is(junk in "[ -~\u{a0}-\u{ff}]{0,60}") {
        let xff = format!("{junk}, 198.51.100.1");
        prop_assert_eq!(by_xff("10.0.0.1", &[&xff]), "198.51.100.1");
        let rfc = format!("{junk}, for=198.51.100.1");
        prop_assert_eq!(by_rfc("10.0.0.1", &[&rfc]), "198.51.100.1");
        prop_assert_eq!(by_xff("203.0.113.9", &[&junk]), "203.0.113.9");
    }
}
