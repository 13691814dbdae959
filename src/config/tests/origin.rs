use super::*;

#[test]
fn equal_origins_have_one_form() {
    for (text, normal) in [
        ("http://localhost:5173", "http://localhost:5173"),
        ("HTTPS://App.Example", "https://app.example"),
        ("https://app.example:443", "https://app.example"),
        ("http://app.example:80", "http://app.example"),
        ("https://app.example:80", "https://app.example:80"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ] {
        assert_eq!(Origin::parse(text).unwrap().as_str(), normal, "{text}");
    }
}

#[test]
fn anything_but_an_origin_is_refused() {
    for text in [
        "",
        "null",
        "*",
        "app.example",
        "//app.example",
        "ftp://app.example",
        "file:///etc/passwd",
        "http://",
        "http://*.example",
        "http://app.example/",
        "http://app.example/x",
        "http://app.example?x",
        "http://app.example#x",
        "http://user@app.example",
        "http://app.example\\@evil.example",
        "http://app.example\t",
        " http://app.example",
        "http://app.example:99999",
        "http://app.example:port",
        "http://a b",
        "http://[::1",
        "http://app.example,http://b",
        "http://app%2eexample",
        "http:app.example",
    ] {
        assert!(Origin::parse(text).is_err(), "{text:?}");
    }
}
