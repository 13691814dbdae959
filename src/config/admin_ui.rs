//! The Socket.IO Admin UI.

use secrecy::ExposeSecret as _;

use super::{AdminUiConfig, reader::Reader};

/// The shortest password, in bytes: it is tried over the network, a few times each second.
const MIN_PASSWORD: usize = 12;

/// The Admin UI, if there is a user for it. `node` is the name of this node.
pub(super) fn admin_ui(reader: &mut Reader, node: Option<&str>) -> Option<AdminUiConfig> {
    // All are read even if one is missing, so that what is wrong in them is told in the same run.
    let (user, password) = (
        reader.text("ADMIN_UI_USER"),
        reader.secret("ADMIN_UI_PASSWORD"),
    );
    let readonly = reader.switch("ADMIN_UI_READONLY");
    let short = |password: &str| password.len() < MIN_PASSWORD;
    match (&user, &password) {
        (None, Some(_)) => reader.mistake("ADMIN_UI_USER", "is missing, but its password is given"),
        (Some(_), None) if !reader.is_given("ADMIN_UI_PASSWORD_FILE") => {
            reader.mistake("ADMIN_UI_PASSWORD", "is missing");
        }
        (Some(user), _) if user.is_empty() => reader.mistake("ADMIN_UI_USER", "is blank"),
        (_, Some(password)) if short(password.expose_secret()) => {
            let problem = format!("must have at least {MIN_PASSWORD} characters");
            reader.mistake("ADMIN_UI_PASSWORD", problem);
        }
        _ => {}
    }
    Some(AdminUiConfig {
        user: user?,
        password: password?,
        readonly,
        node: node.unwrap_or("switchboard").to_owned(),
    })
}
