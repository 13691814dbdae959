//! How many connections the system lets a process have: each is an open file.

use std::io;

/// What else the process has open: listeners, the ways to Redis and to services, connections that are
/// being refused, and logs.
const SPARE: u64 = 512;

/// Lets the process have as many open files as `connections` need, as far as it may, and returns how
/// many connections that is. Above the limit accepting fails for everybody, with nobody told why.
///
/// # Errors
/// What the system says.
pub fn make_room_for(connections: usize) -> io::Result<usize> {
    let wanted = u64::try_from(connections)
        .unwrap_or(u64::MAX)
        .saturating_add(SPARE);
    let (soft, _) = rlimit::Resource::NOFILE.get()?;
    let files = if soft < wanted {
        rlimit::increase_nofile_limit(wanted)?
    } else {
        soft
    };
    // Where there is next to none, half of them for clients is still something.
    let room = files.saturating_sub(SPARE).max(files / 2).max(1);
    Ok(connections.min(usize::try_from(room).unwrap_or(usize::MAX)))
}
