//! What a well-behaved client makes of the events it gets, and what would startle it.
//!
//! It keeps two pictures of the room. `history` follows every event to the letter from the
//! first welcome on: nobody may come who is there, go who is not, or come back after going;
//! a resumption changes nothing in it, the missed events alone must carry it on. `list`
//! starts afresh from every welcome. Whenever no replay is going on both must be the same.

use std::collections::BTreeSet;

use switchboard::core::{Event, PeerId, Welcome};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Picture {
    pub(crate) others: BTreeSet<PeerId>,
    pub(crate) host: PeerId,
}

impl Picture {
    fn of(welcome: &Welcome) -> Self {
        Self {
            others: welcome.peers.iter().map(|info| info.id).collect(),
            host: welcome.host,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Eyes {
    me: PeerId,
    pub(crate) history: Picture,
    list: Picture,
    departed: BTreeSet<PeerId>,
    replaying: usize,
}

impl Eyes {
    pub(crate) fn new(welcome: &Welcome) -> Self {
        let picture = Picture::of(welcome);
        Self {
            me: welcome.peer,
            list: picture.clone(),
            history: picture,
            departed: BTreeSet::new(),
            replaying: 0,
        }
    }

    /// Takes in an event about who is in the room. `gap` says that something may have been
    /// missed for a reason that excuses it, `apart` that nodes may take a peer for gone that is
    /// not. Returns whether nothing is to follow.
    pub(crate) fn see(&mut self, event: &Event<'_>, gap: bool, apart: bool) -> bool {
        match event {
            Event::Relay { .. } | Event::Chat(_) if self.replaying == 0 => return true,
            Event::Joined(welcome) => {
                self.list = Picture::of(welcome);
                self.replaying = 0;
            }
            Event::Resumed { welcome, missed } => {
                self.list = Picture::of(welcome);
                self.replaying = *missed;
            }
            other => {
                self.follow(other, gap, apart);
                self.replaying = self.replaying.saturating_sub(1);
            }
        }
        if self.replaying == 0 {
            if gap {
                self.history = self.list.clone();
            }
            assert!(
                self.list == self.history,
                "two pictures: {} lives {:?}, listed {:?}",
                self.me,
                self.history,
                self.list
            );
        }
        self.replaying == 0
    }

    fn follow(&mut self, event: &Event<'_>, gap: bool, apart: bool) {
        match event {
            Event::PeerJoined(info) => {
                let id = info.id;
                assert!(id != self.me, "met itself: {id}");
                let new = self.history.others.insert(id);
                assert!(new || gap, "came twice: {} saw {id}", self.me);
                let left = self.departed.contains(&id);
                assert!(
                    !left || gap || apart,
                    "came after it left: {} saw {id}",
                    self.me
                );
                self.list.others.insert(id);
            }
            Event::PeerLeft { peer, .. } => {
                let known = self.history.others.remove(peer);
                assert!(known || gap, "left unknown: {} saw {peer}", self.me);
                self.list.others.remove(peer);
                self.departed.insert(*peer);
            }
            Event::HostChanged { host, .. } => {
                let known = *host == self.me || self.history.others.contains(host);
                assert!(known || gap, "unknown host: {} saw {host}", self.me);
                self.history.host = *host;
                self.list.host = *host;
            }
            _ => {}
        }
    }
}
