use http::HeaderValue;

use super::*;

fn check(require_origin: bool, headers: &[(HeaderName, &[u8])]) -> Result<(), OriginRefused> {
    let allowed = ["http://app.example", "https://app.example:8443"];
    let allowed = allowed
        .iter()
        .map(|text| Origin::parse(text).unwrap())
        .collect();
    let policy = OriginPolicy::new(&OriginConfig {
        allowed,
        require_origin,
    });
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name.clone(), HeaderValue::from_bytes(value).unwrap());
    }
    policy.check(&map)
}

#[test]
fn only_the_allowed_origins_pass() {
    use OriginRefused::{Invalid, NotAllowed};
    for (origin, expected) in [
        (&b"http://app.example"[..], Ok(())),
        (b"http://app.example:80", Ok(())),
        (b"https://app.example:8443", Ok(())),
        (b"HTTP://APP.EXAMPLE", Ok(())),
        (b"http://evil.example", Err(NotAllowed)),
        (b"http://app.example.evil.com", Err(NotAllowed)),
        (b"http://evilapp.example", Err(NotAllowed)),
        (b"http://app.exampl", Err(NotAllowed)),
        (b"http://sub.app.example", Err(NotAllowed)),
        (b"http://app.example.", Err(NotAllowed)),
        (b"http://app.example:8080", Err(NotAllowed)),
        (b"https://app.example", Err(NotAllowed)),
        (b"http://app.example:8443", Err(NotAllowed)),
        (b"null", Err(Invalid)),
        (b"NULL", Err(Invalid)),
        (b"", Err(Invalid)),
        (b"*", Err(Invalid)),
        (b"app.example", Err(Invalid)),
        (b"http://app.example/", Err(Invalid)),
        (b"http://app.example/x", Err(Invalid)),
        (b"http://app.example@evil.com", Err(Invalid)),
        (b"http://evil.com#app.example", Err(Invalid)),
        (b"http://app.example, http://evil.com", Err(Invalid)),
        (b"http://app.example http://evil.com", Err(Invalid)),
        (b"http://app.ex\xc3\xa4mple", Err(Invalid)),
        (b"file://", Err(Invalid)),
        (b"chrome-extension://abc", Err(Invalid)),
    ] {
        let name = String::from_utf8_lossy(origin);
        assert_eq!(check(false, &[(ORIGIN, origin)]), expected, "{name}");
    }
}

#[test]
fn the_gateways_own_origin_passes() {
    for (origin, host) in [
        (&b"http://gw.example:3000"[..], &b"gw.example:3000"[..]),
        (b"https://gw.example", b"gw.example"),
        (b"https://gw.example", b"GW.example:443"),
        (b"http://[::1]:3000", b"[::1]:3000"),
    ] {
        let name = String::from_utf8_lossy(origin).into_owned();
        assert_eq!(
            check(false, &[(ORIGIN, origin), (HOST, host)]),
            Ok(()),
            "{name}"
        );
    }
}

#[test]
fn another_host_is_not_the_gateways_own() {
    for (origin, host) in [
        (&b"http://gw.example"[..], &b"gw.example:3000"[..]),
        (b"http://gw.example:3000", b"gw.example"),
        (b"http://evil.example", b"gw.example"),
        (b"http://evil.example", b"gw.example@evil.example"),
        (b"http://evil.example", b"evil.example/"),
        (b"http://evil.example", b""),
    ] {
        let name = String::from_utf8_lossy(origin).into_owned();
        let refusal = check(false, &[(ORIGIN, origin), (HOST, host)]);
        assert_eq!(refusal, Err(OriginRefused::NotAllowed), "{name}");
    }
    let evil: (HeaderName, &[u8]) = (ORIGIN, b"http://evil.com");
    let two_hosts = [evil, (HOST, b"evil.com"), (HOST, b"gw.example")];
    assert_eq!(check(false, &two_hosts), Err(OriginRefused::NotAllowed));
}

#[test]
fn several_origins_are_refused_even_if_equal() {
    let twice: [(HeaderName, &[u8]); 2] = [
        (ORIGIN, b"http://app.example"),
        (ORIGIN, b"http://app.example"),
    ];
    assert_eq!(check(false, &twice), Err(OriginRefused::Several));
}

#[test]
fn without_an_origin_the_site_and_the_setting_decide() {
    let site = |value: &'static [u8]| [(SEC_FETCH_SITE, value)];
    assert!(check(false, &[]).is_ok());
    assert_eq!(check(true, &[]), Err(OriginRefused::Missing));
    assert!(check(false, &site(b"same-origin")).is_ok());
    assert!(check(false, &site(b"none")).is_ok());
    assert_eq!(
        check(false, &site(b"cross-site")),
        Err(OriginRefused::CrossSite)
    );
    assert_eq!(
        check(true, &site(b"same-origin")),
        Err(OriginRefused::Missing)
    );
}

#[test]
fn a_cross_site_request_needs_a_configured_origin() {
    let cross: (HeaderName, &[u8]) = (SEC_FETCH_SITE, b"cross-site");
    assert!(check(true, &[cross.clone(), (ORIGIN, b"http://app.example")]).is_ok());
    let own: [(HeaderName, &[u8]); 3] = [
        cross.clone(),
        (ORIGIN, b"http://gw.example"),
        (HOST, b"gw.example"),
    ];
    assert_eq!(check(false, &own), Err(OriginRefused::CrossSite));
    let foreign = check(false, &[cross, (ORIGIN, b"http://evil.com")]);
    assert_eq!(foreign, Err(OriginRefused::NotAllowed));
}
