use std::future::poll_fn;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use super::*;

async fn pair() -> (Wire, Arc<WireControl>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    let control = Arc::new(WireControl::default());
    (
        Wire::new(accepted.unwrap().0, Arc::clone(&control)),
        control,
        client.unwrap(),
    )
}

#[tokio::test]
async fn a_cut_ends_a_read_that_waits() {
    let (mut wire, control, _client) = pair().await;
    let reading = tokio::spawn(async move { wire.read_u8().await });
    tokio::task::yield_now().await;
    control.cut();
    let error = reading.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
}

#[tokio::test]
async fn a_cut_ends_a_write_that_nobody_reads() {
    let (mut wire, control, _client) = pair().await;
    let (stuck, is_stuck) = oneshot::channel();
    let mut stuck = Some(stuck);
    let writing = tokio::spawn(poll_fn(move |cx| {
        loop {
            match Pin::new(&mut wire).poll_write(cx, &[0; 65_536]) {
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(error),
                Poll::Pending => {
                    stuck.take().map(|stuck| stuck.send(()));
                    return Poll::Pending;
                }
            }
        }
    }));
    is_stuck.await.unwrap();
    control.cut();
    assert_eq!(
        writing.await.unwrap().kind(),
        io::ErrorKind::ConnectionAborted
    );
}

#[tokio::test]
async fn a_watched_connection_tells_once_that_it_is_lost() {
    let (mut wire, control, client) = pair().await;
    let losses = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&losses);
    control.watch(move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    drop(client);
    let mut buf = [0; 8];
    assert_eq!(wire.read(&mut buf).await.unwrap(), 0);
    assert_eq!(wire.read(&mut buf).await.unwrap(), 0);
    assert_eq!(losses.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn messages_are_counted_from_the_upgrade_on() {
    let (mut wire, control, _client) = pair().await;
    wire.write_all(b"HTTP/1.1 200 OK\r\n\r\n\x81\x0242")
        .await
        .unwrap();
    assert_eq!(control.messages(), 0);
    control.watch(|| {});
    wire.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        .await
        .unwrap();
    wire.write_all(b"\x81\x0242\x81\x012\x81\x0243")
        .await
        .unwrap();
    assert_eq!(control.messages(), 2);
}
