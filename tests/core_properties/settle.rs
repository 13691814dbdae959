//! What must hold after every step.

use std::collections::HashSet;

use switchboard::core::{CutReason, Event, LeaveReason, PeerId, Sent};

use crate::{
    model::{Away, Claim, Effect, Place},
    outbox::{Conn, FakeOutbox, Sending},
};

/// A peer to whom less than this waits may not be given up.
const LEAST_KEPT: usize = 512 * 1024;

/// No more than this may wait for a peer.
const MOST_KEPT: usize = 2560 * 1024;

/// What came to light while a step was followed.
#[derive(Default)]
struct Findings {
    /// Peers whose connection did not take an event.
    clogged: HashSet<PeerId>,
    /// Peers that nothing may be sent to any more.
    silent: HashSet<PeerId>,
    /// Who was said to have left, and why.
    announced: Vec<(PeerId, LeaveReason)>,
}

/// Follows what a room sent in one step, brings the model up to date, and holds the room to
/// it. Returns the claims that have become void.
pub(crate) fn settle(place: &mut Place, out: &mut FakeOutbox, effect: &Effect) -> Vec<Claim> {
    let sendings = std::mem::take(&mut out.sendings);
    let cuts = std::mem::take(&mut out.cuts);
    if effect.none {
        assert!(sendings.is_empty(), "a refused step sends {sendings:?}");
        assert!(cuts.is_empty(), "a refused step cuts {cuts:?}");
    }
    let mut found = Findings::default();
    if let Some((peer, LeaveReason::Left | LeaveReason::Disconnected)) = effect.gone {
        found.silent.insert(peer);
    }
    for sending in &sendings {
        follow(place, sending, &mut found);
    }
    let dropped = dropped(place, effect, &found);
    check_reasons(effect, &found, &dropped);
    check_cuts(place, effect, &found, cuts);
    let mut void = Vec::new();
    for peer in dropped {
        if let Some(stay) = place.find(peer) {
            void.push(place.claim(stay));
        }
        place.dismiss(peer);
    }
    check_room(place);
    check_clients(place);
    for claim in &void {
        assert!(!place.room.holds(claim.seat()), "{claim:?} still holds");
        assert!(place.room.view(claim.peer).is_none());
    }
    void
}

/// One event: to somebody in the room, who is reachable as far as the room can know.
fn follow(place: &mut Place, sending: &Sending, found: &mut Findings) {
    let Sending { to, event, answer } = sending;
    let stay = place.stays.iter_mut().find(|stay| stay.conn == *to);
    assert!(stay.is_some(), "an event leaves the room: {sending:?}");
    let Some(stay) = stay else { return };
    let peer = stay.peer;
    assert!(!found.silent.contains(&peer), "{peer} is gone: {sending:?}");
    assert_eq!(
        stay.away,
        Away::No,
        "sent to a lost connection: {sending:?}"
    );
    match event {
        // What is replayed is no news.
        Event::PeerLeft { peer, reason, .. } if stay.client.replaying == 0 => {
            found.announced.push((*peer, *reason));
            found.silent.insert(*peer);
        }
        Event::Kicked { room, .. } => {
            assert_eq!(*room, place.id);
            found.silent.insert(peer);
        }
        Event::Joined(welcome) | Event::Resumed { welcome, .. } => {
            assert_eq!((welcome.peer, &welcome.room), (peer, &place.id));
            assert_eq!(
                (welcome.resume.peer, &welcome.resume.room),
                (peer, &place.id)
            );
            assert!(welcome.resume.secret.matches(&stay.secret));
        }
        _ => {}
    }
    match answer {
        Sent::Queued if found.clogged.contains(&peer) => {}
        Sent::Queued => stay.client.hear(event),
        Sent::Gone => stay.away = Away::Noticed,
        Sent::Full => {
            found.clogged.insert(peer);
        }
    }
}

/// Everybody that this step removes: as asked, for not reading, or for too much waiting.
fn dropped(place: &Place, effect: &Effect, found: &Findings) -> HashSet<PeerId> {
    let mut dropped = found.clogged.clone();
    dropped.extend(effect.gone.map(|(peer, _)| peer));
    for stay in &place.stays {
        let there = place.room.view(stay.peer).is_some();
        if there || dropped.contains(&stay.peer) {
            continue;
        }
        let owed = stay.client.owed_bytes();
        assert!(
            stay.away != Away::No,
            "{} is dropped while it reads",
            stay.peer
        );
        assert!(
            owed >= LEAST_KEPT,
            "{} is dropped for {owed} bytes",
            stay.peer
        );
        dropped.insert(stay.peer);
    }
    dropped
}

/// Nobody is said to have left who has not, nor for another reason than the true one.
fn check_reasons(effect: &Effect, found: &Findings, dropped: &HashSet<PeerId>) {
    for (peer, reason) in &found.announced {
        assert!(dropped.contains(peer), "{peer} is said to have left");
        let asked = effect.gone == Some((*peer, *reason));
        let unreachable = *reason == LeaveReason::Disconnected
            && (found.clogged.contains(peer) || effect.gone.is_none_or(|(gone, _)| gone != *peer));
        // A dismissal that cannot be delivered, or kept, may count as a loss.
        let undelivered = *reason == LeaveReason::Disconnected
            && effect.gone == Some((*peer, LeaveReason::Kicked));
        assert!(
            asked || unreachable || undelivered,
            "{peer} is said to have gone because {reason:?}"
        );
    }
}

/// Exactly those connections are cut that do not read or were replaced, once each.
fn check_cuts(place: &Place, effect: &Effect, found: &Findings, cuts: Vec<(Conn, CutReason)>) {
    let clogged = place
        .stays
        .iter()
        .filter(|stay| found.clogged.contains(&stay.peer))
        .map(|stay| (stay.conn, CutReason::SlowReader));
    let replaced = effect.replaced.map(|conn| (conn, CutReason::Replaced));
    let mut expected: Vec<_> = clogged.chain(replaced).collect();
    let mut actual = cuts;
    expected.sort_by_key(|(conn, _)| *conn);
    actual.sort_by_key(|(conn, _)| *conn);
    assert_eq!(actual, expected, "cut connections");
}

/// The room is what the model says.
fn check_room(place: &Place) {
    let room = &place.room;
    assert_eq!(room.len(), place.stays.len(), "room size");
    assert_eq!(room.is_empty(), place.stays.is_empty());
    assert_eq!(room.host(), place.host, "host");
    assert!(place.host.is_none_or(|host| place.find(host).is_some()));
    assert!(place.capacity.is_none_or(|most| room.len() <= most));
    check_names(place);
    for stay in &place.stays {
        let claim = place.claim(stay);
        assert!(room.holds(claim.seat()), "{} lost its seat", stay.peer);
        let view = room.view(stay.peer);
        assert!(view.is_some(), "{} is not in its room", stay.peer);
        let (Some(view), Some(picture)) = (view, place.picture(stay.peer)) else {
            continue;
        };
        assert_eq!(view.peers, picture.peers, "{}'s list", stay.peer);
        assert_eq!(view.host, picture.host);
    }
}

/// Each peer is found by its id, and by the name that it chose unless a user has that id: then it is
/// the user that is meant. Nobody finds itself.
fn check_names(place: &Place) {
    let (Some(first), Some(last)) = (place.stays.first(), place.stays.last()) else {
        return;
    };
    for stay in &place.stays {
        let asks = if stay.peer == last.peer { first } else { last };
        let seat = place.claim(asks);
        let find = |name: &str| place.room.find(seat.seat(), name).to_vec();
        let find_by_id = |id: &str| place.room.find_by_id(seat.seat(), id).to_vec();
        let but_itself = |peers: &[PeerId]| -> Vec<PeerId> {
            let others = peers.iter().filter(|peer| **peer != asks.peer);
            others.copied().collect()
        };
        let of_user = |user: &str| -> Vec<PeerId> {
            let stays = place.stays.iter();
            let of_user = stays.filter(|stay| stay.member.user.as_str() == user);
            of_user.map(|stay| stay.peer).collect()
        };
        let (id, user) = (stay.peer.to_string(), stay.member.user.as_str());
        for find in [&find as &dyn Fn(&str) -> Vec<PeerId>, &find_by_id] {
            assert_eq!(find(&id), but_itself(&[stay.peer]));
            assert_eq!(find(user), but_itself(&of_user(user)), "user {user}");
        }
        if let Some(alias) = stay.member.alias.as_deref() {
            let users = of_user(alias);
            let meant = if users.is_empty() {
                vec![stay.peer]
            } else {
                users.clone()
            };
            assert_eq!(find(alias), but_itself(&meant), "{alias} is {}", stay.peer);
            assert_eq!(find_by_id(alias), but_itself(&users));
        }
    }
}

/// Those that can be reached know all; for the others, it waits within the bounds.
fn check_clients(place: &Place) {
    for stay in &place.stays {
        let (peer, client) = (stay.peer, &stay.client);
        assert!(!client.kicked, "{peer} was dismissed and is still there");
        if stay.away == Away::No {
            let picture = place.picture(peer);
            assert_eq!(Some(&client.history), picture.as_ref(), "{peer}'s picture");
            assert_eq!(client.owed(), 0, "{peer} did not get all");
            assert_eq!(client.replaying, 0, "{peer} missed fewer events");
        } else {
            assert!(
                client.owed_bytes() <= MOST_KEPT,
                "too much waits for {peer}"
            );
        }
    }
}
