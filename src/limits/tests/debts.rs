use std::time::Duration;

use super::*;
use crate::limits::{Class, Rate, Spending, Spent};

const SECOND: u64 = 1_000_000_000;

fn limits() -> Spending {
    let rooms = Rate::new(60, Duration::from_secs(60), 60);
    Spending::new(|_| Rate::per_second(10, 5), rooms, Rate::per_second(1, 2))
}

fn spend_all(allowance: &Allowance, now: u64) -> usize {
    let spend = |_: &usize| allowance.spend(&limits(), Class::Relay, now) == Spent::Yes;
    (0..).take_while(spend).count()
}

fn user(name: &str) -> UserId {
    UserId::from(name)
}

#[test]
fn whoever_comes_back_has_what_it_had_left() {
    let (debts, anna) = (Debts::default(), user("anna"));
    let first = debts.open(&anna);
    assert_eq!(spend_all(&first, SECOND), 5);
    debts.close(&anna, &first, SECOND);
    assert_eq!(spend_all(&debts.open(&anna), SECOND), 0);
    assert_eq!(spend_all(&debts.open(&user("bert")), SECOND), 5);
}

#[test]
fn what_is_owed_is_paid_with_time_and_then_forgotten() {
    let (debts, anna) = (Debts::default(), user("anna"));
    let first = debts.open(&anna);
    spend_all(&first, 0);
    debts.close(&anna, &first, 0);
    let second = debts.open(&anna);
    assert_eq!(spend_all(&second, SECOND / 10), 1);
    debts.close(&anna, &second, 10 * SECOND);
    assert!(debts.users.is_empty());
}

#[test]
fn one_that_was_sent_away_has_no_refusals_left_when_it_comes_back() {
    let (debts, anna) = (Debts::default(), user("anna"));
    let first = debts.open(&anna);
    spend_all(&first, 0);
    while first.spend(&limits(), Class::Relay, 0) != Spent::TooMuch {}
    debts.close(&anna, &first, 0);
    let second = debts.open(&anna);
    assert_eq!(second.spend(&limits(), Class::Relay, 0), Spent::TooMuch);
}

#[test]
fn of_several_connections_the_largest_debt_counts() {
    let (debts, anna) = (Debts::default(), user("anna"));
    let (idle, busy) = (debts.open(&anna), debts.open(&anna));
    spend_all(&busy, 0);
    debts.close(&anna, &busy, 0);
    debts.close(&anna, &idle, 0);
    assert_eq!(spend_all(&debts.open(&anna), 0), 0);
}

#[test]
fn debtors_are_bounded_and_those_that_owe_nothing_make_place() {
    let debts = Debts::default();
    let visit = |name: String, now| {
        let allowance = debts.open(&user(&name));
        spend_all(&allowance, now);
        debts.close(&user(&name), &allowance, now);
    };
    for n in 0..MAX_DEBTORS + 10 {
        visit(n.to_string(), SECOND);
    }
    assert_eq!(debts.users.len(), MAX_DEBTORS);
    visit("late".to_owned(), 3 * SECOND);
    assert_eq!(debts.users.len(), 1);
}
