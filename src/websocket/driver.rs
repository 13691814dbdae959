//! One connection from its upgrade to its end.
//!
//! A single task reads, writes and keeps time. Frames take effect in the order sent; while
//! something has to be asked of others, what comes meanwhile waits, and when enough waits no more
//! is read: the client's own network holds it back.

use std::{
    future::poll_fn,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::Stream as _;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use metrics::{counter, gauge};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, Sleep, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message, Utf8Bytes,
        protocol::{Role, WebSocketConfig},
    },
};
use tracing::{debug, error};

use super::{
    Settings,
    client::{Client, Handled, Outcome, Protocol, Work},
    close::{Close, label},
    connection::{Connection, Dialect},
    early::Early,
    frame::PING,
    pipe::Pipe,
};
use crate::{
    hub::{Ending, Session},
    limits::Class,
    protocol::{ErrorCode, WireError},
};

/// How much is read at once, in bytes. Each connection keeps such a buffer.
const READ_BUFFER: usize = 512;

/// How long a client is given to say which peer it was, if its user is in the room already. It
/// includes a round trip, which takes a second on bad networks; whoever says nothing waits for it.
const ASK: Duration = Duration::from_secs(2);

/// How long what is left may take to be sent when a connection is closed.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// How long a client may take to answer a close before the connection is dropped.
const FAREWELL: Duration = Duration::from_secs(2);

/// What happens next on a connection.
enum Step {
    /// Something came.
    Read(Option<Result<Message, Error>>),
    /// It is a frame's turn.
    Frame(Utf8Bytes),
    /// What was asked of others is done.
    Worked(Outcome),
    /// All that the client sent is done, and it will send no more.
    Over(Over),
    /// A time has come.
    Time,
    /// All is sent but the close frame.
    Close(Close),
    /// The connection is broken.
    Broken(io::Error),
}

/// Why no more is read.
#[derive(Debug)]
enum Over {
    /// The close frame that is to be sent.
    Close(Close),
    /// There is nobody left.
    Lost,
}

/// Ends the session with the connection, whatever happens.
struct Hold(Arc<Session>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.close(Ending::Lost);
    }
}

/// An open connection in the figures.
struct Counted(Dialect);

impl Counted {
    fn new(dialect: Dialect) -> Self {
        gauge!("switchboard_websocket_connections", "protocol" => dialect.name()).increment(1.0);
        Self(dialect)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        gauge!("switchboard_websocket_connections", "protocol" => self.0.name()).decrement(1.0);
    }
}

/// One connection.
pub(super) struct Driver {
    socket: WebSocketStream<Pipe>,
    link: Arc<Connection>,
    session: Hold,
    protocol: Box<dyn Protocol>,
    work: Option<Work>,
    early: Early,
    /// More is read; if not, `over` says what comes of it, once all that came before is done.
    reading: bool,
    over: Option<Over>,
    clock: Clock,
}

/// What a connection waits for besides frames.
struct Clock {
    settings: Settings,
    alarm: Pin<Box<Sleep>>,
    ping: Instant,
    /// Until when the client may say which peer it was.
    ask: Option<Instant>,
    /// Until when all has to be sent, once the connection is being closed.
    last_words: Option<Instant>,
}

impl Driver {
    pub(super) async fn new(
        upgraded: Upgraded,
        client: Client,
        protocol: Box<dyn Protocol>,
        settings: Settings,
    ) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            // What is written goes to the pipe, which keeps it.
            .write_buffer_size(0)
            .max_message_size(Some(settings.max_message))
            .max_frame_size(Some(settings.max_message));
        let pipe = Pipe::new(TokioIo::new(upgraded));
        let socket = WebSocketStream::from_raw_socket(pipe, Role::Server, Some(config)).await;
        Self {
            socket,
            link: client.link,
            session: Hold(client.session),
            protocol,
            work: None,
            early: Early::new(settings.max_message),
            reading: true,
            over: None,
            clock: Clock::new(settings),
        }
    }

    /// Serves the connection until it ends.
    pub(super) async fn run(mut self, dialect: Dialect) {
        let _counted = Counted::new(dialect);
        self.work = self.protocol.begin();
        let close = loop {
            match poll_fn(|cx| self.poll(cx)).await {
                Step::Read(message) => self.take(message),
                Step::Frame(text) => self.handle(text),
                Step::Worked(outcome) => self.worked(outcome),
                Step::Over(Over::Close(close)) => {
                    self.session.0.close(close.ending);
                    self.link.outbox.close(close);
                }
                Step::Over(Over::Lost) => break None,
                Step::Time => {
                    if let Err(why) = self.on_time() {
                        debug!(why, "connection given up");
                        break None;
                    }
                }
                Step::Close(close) => break Some(close),
                Step::Broken(error) => {
                    debug!(%error, "connection lost");
                    break None;
                }
            }
        };
        counter!("switchboard_websocket_closes_total", "protocol" => dialect.name(), "code" => label(close.as_ref()))
            .increment(1);
        self.end(close).await;
    }

    /// Ends the session, so that whoever hears that the connection is closed can come back at
    /// once; then says goodbye.
    async fn end(self, close: Option<Close>) {
        let ending = match (&close, self.link.outbox.closing()) {
            (Some(close), _) => close.ending,
            (None, Some(closing)) => closing.ending,
            (None, None) => Ending::Lost,
        };
        self.session.0.close(ending);
        let Some(close) = close else { return };
        drop(self.work);
        drop(self.protocol);
        let _ = timeout(FAREWELL, farewell(self.socket, &close)).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let polled = self.poll_once(cx);
        // By looking for more the library may have answered what came before.
        if polled.is_pending() && !self.socket.get_ref().replies.is_empty() {
            return self.poll_write(cx);
        }
        polled
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let written = self.link.outbox.poll_write(self.socket.get_mut(), cx);
        written.map(|written| written.map_or_else(Step::Broken, Step::Close))
    }

    fn poll_once(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        if let Poll::Ready(step) = self.poll_write(cx) {
            return Poll::Ready(step);
        }
        if let Some(work) = &mut self.work {
            let work = AssertUnwindSafe(|| work.future.as_mut().poll(cx));
            match catch_unwind(work) {
                Ok(Poll::Ready(outcome)) => return Poll::Ready(Step::Worked(outcome)),
                Ok(Poll::Pending) => {}
                Err(_) => return Poll::Ready(Step::Worked(self.failed())),
            }
        } else if let Some(text) = self.early.pop() {
            return Poll::Ready(Step::Frame(text));
        } else if let Some(over) = self.over.take() {
            return Poll::Ready(Step::Over(over));
        }
        if self.reading
            && !self.early.is_full()
            && self.socket.get_ref().is_clear()
            && let Poll::Ready(message) = Pin::new(&mut self.socket).poll_next(cx)
        {
            return Poll::Ready(Step::Read(message));
        }
        let closing = self.link.outbox.closing().is_some();
        let heard = self.socket.get_ref().heard;
        self.clock.poll(heard, closing, cx).map(|()| Step::Time)
    }

    /// Takes what came.
    fn take(&mut self, message: Option<Result<Message, Error>>) {
        match message {
            Some(Ok(Message::Text(text))) => {
                if self.link.outbox.closing().is_none() {
                    self.early.push(text);
                }
            }
            Some(Ok(Message::Pong(_))) => {
                if self.session.0.spend(Class::Other).is_ok() {
                    self.session.0.heartbeat();
                }
            }
            // It is answered already: but not for ever.
            Some(Ok(Message::Ping(_) | Message::Frame(_))) => {
                let _ = self.session.0.spend(Class::Other);
            }
            Some(Ok(Message::Binary(_))) => self.over(Over::Close(Close::binary())),
            Some(Ok(Message::Close(content))) => {
                self.over(Over::Close(Close::answer(content.as_ref())));
            }
            Some(Err(error)) => {
                debug!(%error, "connection is not read any more");
                self.over(Close::over(&error).map_or(Over::Lost, Over::Close));
            }
            None => self.over(Over::Lost),
        }
    }

    fn over(&mut self, over: Over) {
        let lost = match &over {
            Over::Close(close) => close.ending == Ending::Lost,
            Over::Lost => true,
        };
        if lost && self.work.as_ref().is_some_and(|work| work.only_for_client) {
            self.work = None;
        }
        self.reading = false;
        self.over = Some(over);
    }

    fn handle(&mut self, text: Utf8Bytes) {
        if self.link.outbox.closing().is_some() {
            return;
        }
        let asked = self.clock.ask.take().is_some();
        let protocol = &mut self.protocol;
        // A panic must not take the other frames with it.
        let handled = catch_unwind(AssertUnwindSafe(|| protocol.handle(&text, asked)));
        match handled {
            Ok(Handled::Done) => {}
            Ok(Handled::After(work)) => self.work = Some(work),
            Ok(Handled::Before(work)) => {
                self.early.put_back(text);
                self.work = Some(work);
            }
            Err(_) => {
                self.failed();
            }
        }
    }

    fn failed(&self) -> Outcome {
        error!("a frame's handler panicked");
        let failed = WireError::new(ErrorCode::Internal, "the gateway failed");
        self.link.refuse(None, &failed);
        Outcome::Done
    }

    fn worked(&mut self, outcome: Outcome) {
        self.work = None;
        match outcome {
            Outcome::Done => {}
            Outcome::Ask if self.reading => self.clock.ask = Some(Instant::now() + ASK),
            // A client that is going and said nothing is not let in first.
            Outcome::Ask | Outcome::GoOn if !self.reading && self.early.is_empty() => {}
            Outcome::Ask | Outcome::GoOn => self.work = self.protocol.go_on(),
        }
    }

    /// Does what is due.
    ///
    /// # Errors
    /// Why the connection is not to go on.
    fn on_time(&mut self) -> Result<(), &'static str> {
        let now = Instant::now();
        let clock = &mut self.clock;
        let pipe = self.socket.get_mut();
        if clock.last_words.is_some_and(|until| until <= now) {
            return Err("it does not take what is left");
        }
        if pipe.heard + clock.settings.ping_interval + clock.settings.ping_timeout <= now {
            return Err("nothing was heard of it");
        }
        if clock.ping <= now {
            clock.ping = now + clock.settings.ping_interval;
            pipe.replies.extend_from_slice(PING);
        }
        if clock.ask.is_some_and(|until| until <= now) {
            clock.ask = None;
            self.work = self.protocol.go_on();
        }
        Ok(())
    }
}

impl Clock {
    fn new(settings: Settings) -> Self {
        let ping = Instant::now() + settings.ping_interval;
        Self {
            settings,
            alarm: Box::pin(sleep_until(ping)),
            ping,
            ask: None,
            last_words: None,
        }
    }

    /// Completes when something is due.
    fn poll(&mut self, heard: Instant, closing: bool, cx: &mut Context<'_>) -> Poll<()> {
        if closing && self.last_words.is_none() {
            self.last_words = Some(Instant::now() + LAST_WORDS);
        }
        let deadline = heard + self.settings.ping_interval + self.settings.ping_timeout;
        let due = [Some(deadline), self.ask, self.last_words];
        let due = due.into_iter().flatten().fold(self.ping, Instant::min);
        // Set only if it has to be sooner: what is heard moves the deadline all the time.
        if due < self.alarm.deadline() || self.alarm.is_elapsed() {
            self.alarm.as_mut().reset(due);
        }
        self.alarm.as_mut().poll(cx)
    }
}

/// Sends the close frame, and waits for the client to go: were the connection dropped with
/// something unread in it, the client might lose what it was sent.
async fn farewell(socket: WebSocketStream<Pipe>, close: &Close) -> io::Result<()> {
    let mut pipe = socket.into_inner();
    poll_fn(|cx| pipe.poll_replies(cx)).await?;
    let io = pipe.io();
    io.write_all(&close.frame).await?;
    io.flush().await?;
    io.shutdown().await?;
    let mut waste = [0; READ_BUFFER];
    while io.read(&mut waste).await? > 0 {}
    Ok(())
}
