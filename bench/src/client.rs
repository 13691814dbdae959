//! A Socket.IO 4 client over a WebSocket, with just what the workloads need.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use memchr::memmem;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Mutex,
    time::timeout,
};

use crate::frames;

/// How long a client waits for an answer, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is read at once, in bytes.
const CHUNK: usize = 16 * 1024;

/// The writing half of a client.
pub(crate) type Writer = Arc<Mutex<OwnedWriteHalf>>;

/// A client that is connected.
pub(crate) struct Client {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
    /// Its peer id, once it has joined a room.
    pub(crate) peer: String,
    /// How many others were there.
    others: usize,
}

impl Client {
    /// Connects with a token in the cookie. `from` is the local address, for many connections.
    pub(crate) async fn connect(to: SocketAddr, from: Option<IpAddr>, token: &str) -> Result<Self> {
        let connecting = async {
            let socket = TcpSocket::new_v4()?;
            if let Some(from) = from {
                socket.bind(SocketAddr::new(from, 0))?;
            }
            let stream = socket.connect(to).await?;
            stream.set_nodelay(true)?;
            Self::open(stream, to, token).await
        };
        timeout(PATIENCE, connecting).await.context("connecting")?
    }

    async fn open(stream: TcpStream, to: SocketAddr, token: &str) -> Result<Self> {
        let (read, mut write) = stream.into_split();
        let request = format!(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {to}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140 Safari/537.36\r\n\
             Accept-Language: en-GB,en;q=0.9\r\nAccept-Encoding: gzip, deflate, br\r\n\
             Cookie: access_token={token}\r\n\r\n"
        );
        write.write_all(request.as_bytes()).await?;
        let writer = Arc::new(Mutex::new(write));
        let mut reader = Reader::new(read, Arc::clone(&writer));
        reader.skip_head().await?;
        reader.await_text(b"0{").await.context("no open packet")?;
        send(&writer, "40").await?;
        reader.await_text(b"40").await.context("not let in")?;
        Ok(Self {
            reader,
            writer,
            peer: String::new(),
            others: 0,
        })
    }

    /// Joins a room.
    pub(crate) async fn join(&mut self, room: &str) -> Result<()> {
        let joining = format!("42[\"join:room\",{{\"roomCode\":\"{room}\"}}]");
        send(&self.writer, &joining).await?;
        let welcome = self.reader.await_text(b"42[\"room:joined\"").await?;
        let field = b"\"peerId\":\"";
        let at = memmem::find(&welcome, field).context("a welcome without a peer id")?;
        let rest = &welcome[at + field.len()..];
        let end = memchr::memchr(b'"', rest).context("a peer id without an end")?;
        self.peer = String::from_utf8(rest[..end].to_vec())?;
        self.others = memmem::find_iter(&welcome, b"{\"id\":\"").count();
        Ok(())
    }

    /// Waits until it has heard of so many peers of its room, itself included.
    pub(crate) async fn await_members(&mut self, count: usize) -> Result<()> {
        while self.others + self.reader.told + 1 < count {
            timeout(PATIENCE, self.reader.read(|_| {}))
                .await
                .context("waiting for others")??;
        }
        Ok(())
    }

    /// Connects and joins.
    pub(crate) async fn enter(
        to: SocketAddr,
        from: Option<IpAddr>,
        token: &str,
        room: &str,
    ) -> Result<Self> {
        let mut client = Self::connect(to, from, token).await?;
        timeout(PATIENCE, client.join(room))
            .await
            .context("joining")??;
        Ok(client)
    }

    /// Says goodbye as a client library does, and waits until the connection is closed.
    pub(crate) async fn leave(mut self) -> Result<()> {
        let mut goodbye = Vec::new();
        frames::encode("42[\"leave:room\"]", &mut goodbye);
        frames::encode("41", &mut goodbye);
        goodbye.extend_from_slice(&frames::CLOSE);
        self.writer.lock().await.write_all(&goodbye).await?;
        let ending = async { while self.reader.read(|_| {}).await.is_ok() {} };
        timeout(PATIENCE, ending).await.context("closing")
    }
}

/// Sends a text message.
pub(crate) async fn send(writer: &Writer, text: &str) -> Result<()> {
    let mut frame = Vec::with_capacity(text.len() + 14);
    frames::encode(text, &mut frame);
    writer.lock().await.write_all(&frame).await?;
    Ok(())
}

/// The reading half of a client. It answers heartbeats.
pub(crate) struct Reader {
    read: OwnedReadHalf,
    writer: Writer,
    buffer: Vec<u8>,
    /// How much of the buffer has been gone over.
    done: usize,
    /// How many peers it was told of. Some servers tell before they welcome.
    told: usize,
}

impl Reader {
    fn new(read: OwnedReadHalf, writer: Writer) -> Self {
        Self {
            read,
            writer,
            buffer: Vec::new(),
            done: 0,
            told: 0,
        }
    }

    async fn fill(&mut self) -> Result<()> {
        self.buffer.drain(..self.done);
        self.done = 0;
        self.buffer.reserve(CHUNK);
        ensure!(
            self.read.read_buf(&mut self.buffer).await? > 0,
            "the server closed the connection"
        );
        Ok(())
    }

    async fn skip_head(&mut self) -> Result<()> {
        loop {
            self.fill().await?;
            if let Some(end) = memmem::find(&self.buffer, b"\r\n\r\n") {
                let accepted = self.buffer.starts_with(b"HTTP/1.1 101");
                ensure!(
                    accepted,
                    "no WebSocket: {}",
                    String::from_utf8_lossy(&self.buffer)
                );
                self.done = end + 4;
                return Ok(());
            }
        }
    }

    /// The next text, without waiting.
    async fn next(&mut self) -> Result<Option<(usize, usize)>> {
        loop {
            let Some(frame) = frames::decode(&self.buffer[self.done..]) else {
                return Ok(None);
            };
            let (start, end) = (
                self.done + frame.payload.start,
                self.done + frame.payload.end,
            );
            self.done = end;
            match (frame.opcode, &self.buffer[start..end]) {
                (1, b"2") => send(&self.writer, "3").await?,
                (1, text) => {
                    self.told += usize::from(text.starts_with(b"42[\"peer:joined\""));
                    return Ok(Some((start, end)));
                }
                (8, reason) => bail!("the server closed: {}", String::from_utf8_lossy(reason)),
                _ => {}
            }
        }
    }

    /// Waits for something, and gives all messages to `each` that have come whole.
    pub(crate) async fn read(&mut self, mut each: impl FnMut(&[u8])) -> Result<()> {
        let mut some = false;
        loop {
            while let Some((start, end)) = self.next().await? {
                some = true;
                each(&self.buffer[start..end]);
            }
            if some {
                return Ok(());
            }
            self.fill().await?;
        }
    }

    /// Waits for a message that begins like this, and drops what comes before.
    pub(crate) async fn await_text(&mut self, prefix: &[u8]) -> Result<Vec<u8>> {
        let awaiting = async {
            loop {
                while let Some((start, end)) = self.next().await? {
                    let text = &self.buffer[start..end];
                    if text.starts_with(prefix) {
                        return Ok(text.to_vec());
                    }
                    if text.starts_with(b"44") || text.starts_with(b"42[\"error\"") {
                        bail!("refused: {}", String::from_utf8_lossy(text));
                    }
                }
                self.fill().await?;
            }
        };
        timeout(PATIENCE, awaiting).await.context("waiting")?
    }

    /// Answers heartbeats for as long as the connection lives.
    pub(crate) async fn idle(mut self) {
        while self.read(|_| {}).await.is_ok() {
            self.buffer = Vec::new();
            self.done = 0;
        }
    }
}
