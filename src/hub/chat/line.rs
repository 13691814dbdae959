//! What one client says, in the order in which it says it.

use std::{collections::VecDeque, fmt, sync::Arc};

use parking_lot::Mutex;
use uuid::Uuid;

use super::speak::Wish;
use crate::{
    cluster::chat::Stamp,
    protocol::{ErrorCode, WireError},
};

/// The most messages of one client that are not answered yet. It takes Redis a moment to answer;
/// a client that is so far ahead does not wait for anything.
const MAX_UNANSWERED: usize = 4_096;

/// What a client gets for a message that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The id of the message.
    pub id: Uuid,
    /// When it was said, in milliseconds since the Unix epoch.
    pub timestamp: u64,
}

impl From<Stamp> for Receipt {
    fn from(Stamp { id, timestamp }: Stamp) -> Self {
        Self { id, timestamp }
    }
}

/// Brings the answer to the client. Called once, perhaps while a room is locked: it may only
/// queue.
pub type Answer = Box<dyn FnOnce(Result<Receipt, WireError>) + Send>;

/// Keeps what one client says in order, and the answers.
#[derive(Default)]
pub(in crate::hub) struct Line {
    answers: Mutex<Answers>,
    wishes: Mutex<Wishes>,
}

#[derive(Default)]
struct Answers {
    slots: VecDeque<Slot>,
    /// How many slots were given away before those that are there.
    gone: u64,
}

struct Slot {
    answer: Answer,
    outcome: Option<Result<Receipt, WireError>>,
}

#[derive(Default)]
struct Wishes {
    waiting: VecDeque<Wish>,
    /// A task looks after them.
    attended: bool,
}

/// The right to answer one message. One that is dropped answers that the gateway failed: what
/// was said after it must not wait for ever.
#[derive(Debug)]
pub(super) struct Ticket {
    line: Arc<Line>,
    number: u64,
    settled: bool,
}

impl Ticket {
    /// Answers, as soon as all that came before it is answered.
    pub(super) fn settle(mut self, outcome: Result<Receipt, WireError>) {
        self.settled = true;
        self.line.settle(self.number, outcome);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.settled {
            let failed = WireError::new(ErrorCode::Internal, "the gateway failed");
            self.line.settle(self.number, Err(failed));
        }
    }
}

/// What becomes of a wish.
pub(super) enum Turn {
    /// It is its turn.
    Now(Wish),
    /// It waits for others, and the task that looks after them has to be started.
    First,
    /// It waits for others.
    Later,
}

impl Line {
    /// Takes a place for an answer; gives it back if there is none.
    pub(super) fn enter(self: &Arc<Self>, answer: Answer) -> Result<Ticket, Answer> {
        let mut answers = self.answers.lock();
        if answers.slots.len() >= MAX_UNANSWERED {
            return Err(answer);
        }
        let number = answers.gone + answers.slots.len() as u64;
        answers.slots.push_back(Slot {
            answer,
            outcome: None,
        });
        Ok(Ticket {
            line: Arc::clone(self),
            number,
            settled: false,
        })
    }

    fn settle(&self, number: u64, outcome: Result<Receipt, WireError>) {
        let mut answers = self.answers.lock();
        let place = usize::try_from(number - answers.gone).unwrap_or(usize::MAX);
        if let Some(slot) = answers.slots.get_mut(place) {
            slot.outcome = Some(outcome);
        }
        // Under the lock: who answers next comes after this.
        while answers
            .slots
            .front()
            .is_some_and(|slot| slot.outcome.is_some())
        {
            answers.gone += 1;
            if let Some(Slot {
                answer,
                outcome: Some(outcome),
            }) = answers.slots.pop_front()
            {
                answer(outcome);
            }
        }
    }

    /// Lets a wish wait if others do, or if it has something to wait for itself.
    pub(super) fn queue(&self, wish: Wish) -> Turn {
        let mut wishes = self.wishes.lock();
        if !wishes.attended && !wish.has_to_ask() {
            return Turn::Now(wish);
        }
        wishes.waiting.push_back(wish);
        if std::mem::replace(&mut wishes.attended, true) {
            Turn::Later
        } else {
            Turn::First
        }
    }

    /// The next wish that waits; if there is none, nobody looks after them any more.
    pub(super) fn next(&self) -> Option<Wish> {
        let mut wishes = self.wishes.lock();
        let next = wishes.waiting.pop_front();
        wishes.attended = next.is_some();
        next
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("unanswered", &self.answers.lock().slots.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "../tests/line.rs"]
mod tests;
