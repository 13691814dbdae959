//! Parts of commands that need no process of their own.

use super::{check, command, health};
use crate::config::{Setting, Source};

#[test]
fn the_command_line_is_consistent() {
    command().debug_assert();
}

#[test]
fn a_gateway_that_listens_everywhere_is_asked_on_the_loopback_address() {
    let url = |host, port| health::url_of("http", host, port).unwrap().to_string();
    assert_eq!(url("0.0.0.0", 3000), "http://127.0.0.1:3000/");
    assert_eq!(url("::", 3000), "http://[::1]:3000/");
    assert_eq!(url("fd00::7", 1), "http://[fd00::7]:1/");
    assert_eq!(url("10.0.0.1", 80), "http://10.0.0.1/");
    assert_eq!(
        url("gateway.internal", 3000),
        "http://gateway.internal:3000/"
    );
}

#[test]
fn settings_stand_in_columns() {
    let setting = |name, value: Option<&str>, source| Setting {
        name,
        value: value.map(str::to_owned),
        source,
    };
    let table = check::table(&[
        setting("PORT", Some("3000"), Source::Default),
        setting("JWKS_URL", None, Source::Unset),
        setting("HOST", Some("::1"), Source::Environment),
    ]);
    let expected = "\
        PORT      default      3000\n\
        JWKS_URL  not set      –\n\
        HOST      environment  ::1";
    assert_eq!(table, expected);
}
