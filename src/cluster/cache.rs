//! Answers of the Room Service in Redis, as other services may read and remove them.
//!
//! | key | what |
//! |---|---|
//! | `room:{roomId}` | the room as JSON, for an hour; also under the code by which it was asked for |

use std::time::Duration;

use redis::{FromRedisValue as _, cmd};

use super::{Cluster, records::Unavailable, users::millis};

impl Cluster {
    /// What is kept of a room.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn cached_room(&self, room: &str) -> Result<Option<String>, Unavailable> {
        if !self.is_up() {
            return Err(Unavailable);
        }
        let mut get = cmd("GET");
        get.arg(self.room_key(room));
        let kept = self.command(&get).await?;
        Option::<String>::from_redis_value(kept).map_err(|_| Unavailable)
    }

    /// Keeps what is known of a room.
    pub async fn cache_room(&self, room: &str, json: &str, lasting: Duration) {
        let mut set = cmd("SET");
        set.arg(self.room_key(room)).arg(json);
        set.arg("PX").arg(millis(lasting));
        self.all([set]).await;
    }

    fn room_key(&self, room: &str) -> String {
        self.prefix().apply(&format!("room:{{{room}}}"))
    }
}
