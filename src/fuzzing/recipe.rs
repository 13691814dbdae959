//! Inputs made out of others: what a test mutates with.

use std::ops::Range;

use proptest::{collection::vec, prelude::*, sample::Index};

/// The longest input that is made.
const MAX_INPUT: usize = 16 * 1024;

/// How often a piece may be repeated: enough to come to the bounds of nesting.
const MAX_TIMES: usize = 400;

/// How to make an input: which one to begin with, and what to do with it.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    seed: Index,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    /// Another piece, of whatever input, in place of one.
    Replace(Index, Index),
    /// Another piece before one.
    Insert(Index, Index),
    /// Pieces that are left out.
    Remove(Index, usize),
    /// Pieces that are there several times.
    Repeat(Index, usize, usize),
    /// Another input's end from here on.
    Splice(Index, Index, Index),
    /// One bit.
    Flip(Index, u8),
    /// Bytes of any kind.
    Noise(Index, Vec<u8>),
    /// The end is left out.
    Cut(Index),
}

/// All recipes.
pub(super) fn recipes() -> impl Strategy<Value = Recipe> {
    let index = any::<Index>;
    let step = prop_oneof![
        6 => (index(), index()).prop_map(|(at, piece)| Step::Replace(at, piece)),
        4 => (index(), index()).prop_map(|(at, piece)| Step::Insert(at, piece)),
        2 => (index(), 1..6_usize).prop_map(|(at, count)| Step::Remove(at, count)),
        1 => (index(), 1..6_usize, 2..MAX_TIMES)
            .prop_map(|(at, count, times)| Step::Repeat(at, count, times)),
        2 => (index(), index(), index()).prop_map(|(at, other, from)| Step::Splice(at, other, from)),
        2 => (index(), 0..8_u8).prop_map(|(at, bit)| Step::Flip(at, bit)),
        1 => (index(), vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Step::Noise(at, bytes)),
        1 => index().prop_map(Step::Cut),
    ];
    (index(), vec(step, 1..5)).prop_map(|(seed, steps)| Recipe { seed, steps })
}

/// What inputs are made of.
pub(super) struct Larder {
    seeds: Vec<Vec<u8>>,
    pieces: Vec<Vec<u8>>,
}

impl Larder {
    /// `seeds` must not be empty.
    pub(super) fn new(seeds: Vec<Vec<u8>>) -> Self {
        let mut pieces: Vec<_> = seeds
            .iter()
            .flat_map(|seed| split(seed).map(|range| seed[range].to_vec()))
            .collect();
        pieces.extend(CURIOUS.iter().map(|piece| piece.as_bytes().to_vec()));
        pieces.sort();
        pieces.dedup();
        Self { seeds, pieces }
    }

    pub(super) fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    pub(super) fn make(&self, recipe: &Recipe) -> Vec<u8> {
        let mut input = recipe.seed.get(&self.seeds).clone();
        for step in &recipe.steps {
            self.take(step, &mut input);
            input.truncate(MAX_INPUT);
        }
        input
    }

    fn take(&self, step: &Step, input: &mut Vec<u8>) {
        let place = |at: &Index, input: &[u8]| -> Range<usize> {
            let ranges: Vec<_> = split(input).collect();
            if ranges.is_empty() {
                0..0
            } else {
                at.get(&ranges).clone()
            }
        };
        match step {
            Step::Replace(at, piece) => {
                let range = place(at, input);
                input.splice(range, piece.get(&self.pieces).iter().copied());
            }
            Step::Insert(at, piece) => {
                let start = place(at, input).start;
                input.splice(start..start, piece.get(&self.pieces).iter().copied());
            }
            Step::Remove(at, count) => {
                input.drain(several(place(at, input), *count, input));
            }
            Step::Repeat(at, count, times) => {
                let range = several(place(at, input), *count, input);
                let end = range.end;
                let again = input[range].repeat(*times);
                input.splice(end..end, again);
            }
            Step::Splice(at, other, from) => {
                input.truncate(place(at, input).start);
                let other = other.get(&self.seeds);
                let start = place(from, other).start;
                input.extend_from_slice(&other[start..]);
            }
            Step::Flip(at, bit) if !input.is_empty() => {
                let at = at.index(input.len());
                input[at] ^= 1 << bit;
            }
            Step::Flip(..) => {}
            Step::Noise(at, bytes) => {
                let at = at.index(input.len() + 1);
                input.splice(at..at, bytes.iter().copied());
            }
            Step::Cut(at) => input.truncate(at.index(input.len() + 1)),
        }
    }
}

/// A range of so many pieces.
fn several(first: Range<usize>, count: usize, input: &[u8]) -> Range<usize> {
    let more = split(&input[first.end..]).take(count - 1).last();
    first.start..first.end + more.map_or(0, |last| last.end)
}

/// The pieces of an input: the texts, numbers and signs of JSON, which are what headers, URLs and
/// binary forms hold too.
fn split(input: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = input.get(start..).filter(|rest| !rest.is_empty())?;
        let range = start..start + piece(rest);
        start = range.end;
        Some(range)
    })
}

fn piece(rest: &[u8]) -> usize {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-+.".contains(byte);
    match rest[0] {
        b'"' => {
            let mut escaped = false;
            let end = rest.iter().skip(1).position(|byte| {
                let ends = *byte == b'"' && !escaped;
                escaped = *byte == b'\\' && !escaped;
                ends
            });
            end.map_or(1, |end| end + 2)
        }
        first if word(&first) => rest.iter().take_while(|byte| word(byte)).count(),
        _ => 1,
    }
}

/// Pieces that have been the end of many a parser.
const CURIOUS: [&str; 34] = [
    "null",
    "true",
    "0",
    "-0",
    "-1",
    "1e999",
    "1.5",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775807",
    "-9223372036854775808",
    "\"\"",
    "\" \"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\uD83D\\uDE00\"",
    "\"__proto__\"",
    "\"constructor\"",
    "{}",
    "[]",
    "[[[[",
    "{\"a\":",
    "\"a\":1,",
    "\u{feff}",
    "\u{202e}",
    "\r\n",
    "\u{1b}[2J",
    "..",
    "../",
    "%2e%2e%2f",
    "{room}",
    "*",
    "\u{1e}",
    "\\",
];
