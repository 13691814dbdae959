//! The README's configuration table is the one that the binary serves.

use std::fmt::Write as _;

const BEGIN: &str = "<!-- configuration: checked by tests/readme.rs -->\n";
const END: &str = "<!-- /configuration -->";

fn table() -> String {
    let mut table = String::from("| variable | default | what it sets |\n|---|---|---|\n");
    for var in switchboard::config::reference() {
        let default = var
            .default
            .map_or("–".to_owned(), |value| format!("`{value}`"));
        writeln!(table, "| `{}` | {default} | {} |", var.name, var.help).unwrap();
    }
    table
}

#[test]
fn the_readme_lists_every_variable_with_its_default() {
    let readme = include_str!("../README.md");
    let (_, rest) = readme.split_once(BEGIN).expect("the table's beginning");
    let (written, _) = rest.split_once(END).expect("the table's end");
    let expected = table();
    assert_eq!(
        written, expected,
        "the README's table should read:\n{expected}"
    );
}
