use super::*;

fn refused(others: usize, bytes: usize) -> Option<ErrorCode> {
    check_fan_out(others, bytes).err().map(|error| error.code)
}

#[test]
fn what_is_for_all_is_bounded_by_their_number_and_by_what_its_copies_come_to() {
    for fits in [
        (0, usize::MAX),
        (1, MAX_FAN_OUT_BYTES),
        (9, 28 * 1024),
        (MAX_FAN_OUT, 2_500),
    ] {
        assert_eq!(refused(fits.0, fits.1), None, "{fits:?}");
    }
    for exceeds in [
        (1, MAX_FAN_OUT_BYTES + 1),
        (9, 30_000),
        (MAX_FAN_OUT, 3_000),
        (MAX_FAN_OUT + 1, 1),
        (2, usize::MAX),
    ] {
        let code = refused(exceeds.0, exceeds.1);
        assert_eq!(code, Some(ErrorCode::Forbidden), "{exceeds:?}");
    }
}
