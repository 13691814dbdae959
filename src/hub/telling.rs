//! What backends tell rooms and users, and whom they send away, on all nodes.

use std::sync::Arc;

use serde_json::value::RawValue;
use tracing::info;

use super::{Hub, Notice};
use crate::{
    cluster::{Cluster, SubscribeError, Subscription, Told, Unavailable},
    core::UserId,
};

/// Who is to be told something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom<'w> {
    /// All peers of a room, which is named by its id or its code.
    Room(&'w str),
    /// All connections of a user.
    User(&'w str),
}

impl Hub {
    /// Tells an event to a room or a user, on all nodes: to whoever is connected at this moment,
    /// once. Returns how many of this node that are, when it is on its way to all.
    ///
    /// # Errors
    /// [`Unavailable`]: Redis is away. Then nobody is told, unless it was lost in the middle.
    pub async fn tell(
        self: &Arc<Self>,
        whom: Whom<'_>,
        event: &str,
        data: &RawValue,
    ) -> Result<usize, Unavailable> {
        let told = match whom {
            Whom::Room(room) => Told::Room {
                room: room.into(),
                event: event.into(),
                data,
            },
            Whom::User(user) => Told::User {
                user: user.into(),
                event: event.into(),
                data,
            },
        };
        self.tell_all_nodes(told).await
    }

    /// Ends all connections of a user on all nodes, as if it had left, and waits no more for those
    /// that were lost. Returns how many connections to this node that are.
    ///
    /// # Errors
    /// See [`Self::tell`].
    pub async fn disconnect_user(self: &Arc<Self>, user: &str) -> Result<usize, Unavailable> {
        self.tell_all_nodes(Told::End { user: user.into() }).await
    }

    async fn tell_all_nodes(self: &Arc<Self>, told: Told<'_>) -> Result<usize, Unavailable> {
        let Some(cluster) = self.cluster() else {
            return Ok(self.tell_here(&told));
        };
        // This node hears it as the others do: so what is told by way of several nodes comes in
        // one order everywhere.
        let here = self.count_here(&told);
        cluster.tell(&told).await?;
        Ok(here)
    }

    /// Hears what backends tell by way of any node.
    pub(super) async fn hear_told(
        self: &Arc<Self>,
        cluster: &Cluster,
    ) -> Result<Subscription, SubscribeError> {
        let hub = Arc::downgrade(self);
        let hear = move |told: Told<'_>| {
            if let Some(hub) = hub.upgrade() {
                hub.tell_here(&told);
            }
        };
        cluster.hear_told(hear).await
    }

    /// How many of this node it concerns.
    fn count_here(&self, told: &Told<'_>) -> usize {
        match told {
            Told::Room { room, .. } => {
                let cell = self.rooms.named(room);
                cell.map_or(0, |cell| cell.look(|room| room.speakers().count()))
            }
            Told::User { user, .. } | Told::End { user } => {
                self.audiences.of_user(&UserId::from(&**user)).len()
            }
        }
    }

    fn tell_here(self: &Arc<Self>, told: &Told<'_>) -> usize {
        let notice = |name, data| Notice {
            name,
            data,
            about: None,
        };
        match told {
            Told::Room { room, event, data } => self.tell_room(room, &notice(event, data)),
            Told::User { user, event, data } => {
                self.tell_user(&UserId::from(&**user), &notice(event, data))
            }
            Told::End { user } => self.end_user(&UserId::from(&**user)),
        }
    }

    /// Tells those on this node that are in a room, which is named by its id or its code. Returns
    /// how many that are.
    pub fn tell_room(&self, room: &str, notice: &Notice<'_>) -> usize {
        let Some(cell) = self.rooms.named(room) else {
            return 0;
        };
        // Under the lock, which keeps the order with all else that the room says.
        cell.look(|room| {
            let mut count = 0;
            for conn in room.speakers() {
                conn.link().notify(notice);
                count += 1;
            }
            count
        })
    }

    /// Ends all connections that a user has to this node, as if it had left, and all windows in
    /// which this node waits for it. Returns how many connections that are.
    pub fn end_user(self: &Arc<Self>, user: &UserId) -> usize {
        let conns = self.audiences.of_user(user);
        let sessions = conns.iter().filter_map(|conn| self.session(conn.id()));
        let connections = sessions.map(|session| session.dismiss(true)).count();
        let windows = self.end_windows(user);
        if connections + windows > 0 {
            info!(%user, connections, windows, "user sent away");
        }
        connections
    }
}

#[cfg(test)]
#[path = "tests/telling.rs"]
mod tests;
