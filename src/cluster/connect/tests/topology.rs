use super::*;

#[test]
fn slots_are_those_of_the_specification() {
    assert_eq!(crc16(b"123456789"), 0x31C3);
    assert_eq!(slot("foo"), 12182);
    assert_eq!(slot("channel:room:{foo}"), 12182);
    assert_eq!(slot("{foo}{bar}"), 12182);
    assert_eq!(slot("a{}b"), crc16(b"a{}b") % SLOTS);
    assert_eq!(slot("a{b"), crc16(b"a{b") % SLOTS);
}

#[test]
fn a_slot_map_finds_the_node_of_each_slot() {
    let range = |first, last, host: &str, port| {
        let host = Value::BulkString(host.into());
        let node = Value::Array(vec![host, Value::Int(port)]);
        Value::Array(vec![Value::Int(first), Value::Int(last), node])
    };
    let answer = Value::Array(vec![range(100, 200, "", 2), range(0, 99, "a", 1)]);
    let asked = Address::new("asked", 9);
    let map = SlotMap::parse(answer, &asked).unwrap();
    assert_eq!(map.node(0), Some(&Address::new("a", 1)));
    assert_eq!(map.node(99), Some(&Address::new("a", 1)));
    assert_eq!(map.node(100), Some(&Address::new("asked", 2)));
    assert_eq!(map.node(201), None);
    assert_eq!(map.nodes().len(), 2);
    assert_eq!(SlotMap::parse(Value::Int(1), &asked), None);
}
