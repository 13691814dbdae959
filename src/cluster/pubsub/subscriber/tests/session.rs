use super::*;

#[test]
fn sharded_names_go_alone_and_others_together() {
    let key = |verb, number: usize| Key::new(verb, &number.to_string());
    let plain = (0..NAMES_PER_COMMAND + 1).map(|number| key(Verb::Plain, number));
    let sharded = (0..3).map(|number| key(Verb::Shard, number));
    let mut sizes: Vec<_> = group(plain.chain(sharded).collect())
        .iter()
        .map(Vec::len)
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 1, 1, 1, NAMES_PER_COMMAND]);
}
