//! The README's configuration table is the one that the binary serves.

const BEGIN: &str = "<!-- configuration: checked by tests/readme.rs -->\n";
const END: &str = "<!-- /configuration -->";

fn table() -> String {
    let rows = switchboard::config::reference().into_iter().map(|var| {
        let default = var
            .default
            .map_or("–".to_owned(), |value| format!("`{value}`"));
        format!("| `{}` | {default} | {} |\n", var.name, var.help)
    });
    let head = "| variable | default | what it sets |\n|---|---|---|\n".to_owned();
    std::iter::once(head).chain(rows).collect()
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
