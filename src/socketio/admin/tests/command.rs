use serde_json::json;

use super::*;

fn read(frame: &serde_json::Value) -> Result<serde_json::Value, NoCommand> {
    let command = Command::read(&frame.to_string())?;
    Ok(serde_json::to_value(command).unwrap())
}

#[test]
fn commands_say_what_is_to_be_done_with_whom() {
    let all = json!({ "rooms": [], "except": [] });
    let room = json!({ "rooms": ["a"], "except": [] });
    let cases = [
        (
            json!(["emit", "/", "a", "hi", 1, { "b": 2 }]),
            json!({ "emit": { "who": room, "event": "hi", "args": [1, { "b": 2 }] } }),
        ),
        (
            json!(["emit", "/", null, "hi"]),
            json!({ "emit": { "who": all, "event": "hi", "args": [] } }),
        ),
        (
            json!(["join", "/", "x", "a"]),
            json!({ "join": { "who": room, "room": "x" } }),
        ),
        (
            json!(["join", "/", "x"]),
            json!({ "join": { "who": all, "room": "x" } }),
        ),
        (
            json!(["leave", "/", "x", ""]),
            json!({ "leave": { "who": all, "room": "x" } }),
        ),
        (
            json!(["_disconnect", "/", true, "a"]),
            json!({ "disconnect": { "who": room, "whole": true } }),
        ),
        (
            json!(["_disconnect", "/", false]),
            json!({ "disconnect": { "who": all, "whole": false } }),
        ),
    ];
    for (frame, expected) in cases {
        assert_eq!(read(&frame), Ok(expected), "{frame}");
    }
}

#[test]
fn what_is_no_command_is_refused_with_the_reason() {
    use NoCommand::{Arguments, Namespace, Unknown};
    let long = "x".repeat(MAX_NAME + 1);
    let cases = [
        (json!("text"), Unknown),
        (json!([]), Unknown),
        (json!([1]), Unknown),
        (json!(["shutdown", "/"]), Unknown),
        (json!(["join"]), Arguments),
        (json!(["join", "/other", "x"]), Namespace),
        (json!(["join", "/"]), Arguments),
        (json!(["join", "/", 5]), Arguments),
        (json!(["join", "/", long]), Arguments),
        (json!(["emit", "/", "a"]), Arguments),
        (json!(["emit", "/", "a", "disconnect"]), Arguments),
        // To be about one, and then about all, would be the worst of mistakes.
        (json!(["_disconnect", "/", true, 5]), Arguments),
        (json!(["_disconnect", "/", true, ["a"]]), Arguments),
        (json!(["_disconnect", "/", "a"]), Arguments),
    ];
    for (frame, reason) in cases {
        assert_eq!(read(&frame), Err(reason), "{frame}");
    }
}
