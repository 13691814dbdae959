//! What reaches people, and what they make of it.

use switchboard::core::Event;

use crate::{
    client::Phase,
    eyes::Eyes,
    post::{ConnId, Line},
    world::World,
};

impl World {
    pub(crate) fn drain(&mut self, conn: ConnId) {
        if matches!(self.post.conns[conn].line, Line::Stalled | Line::Clogged) {
            self.post.conns[conn].line = Line::Open;
            for event in std::mem::take(&mut self.post.conns[conn].unsent) {
                self.show(conn, &event);
            }
        }
    }

    /// Something arrives at a client.
    pub(crate) fn show(&mut self, conn: ConnId, event: &Event<'static>) {
        let number = self.post.conns[conn].client;
        self.tell(|_| format!("    u{number} c{conn} gets {}", brief(event)));
        let now = self.now;
        let client = &mut self.clients[number];
        assert!(
            client.conn == Some(conn),
            "outside: u{number} c{conn} {event:?}"
        );
        let stay = client.stay.as_mut();
        let stay = stay.unwrap();
        let me = stay.peer;
        match event {
            Event::Joined(welcome) => {
                client.phase = Phase::In;
                stay.secret = welcome.resume.secret;
                stay.eyes.get_or_insert_with(|| Eyes::new(welcome));
            }
            Event::Resumed { welcome, .. } => {
                stay.secret = welcome.resume.secret;
                client.phase = Phase::In;
                client.tries = 0;
                let gone = self.ledger.gone.get(&me);
                assert!(gone.is_none(), "resumed and gone: {me} {gone:?}");
                if self.ledger.gap_of(me) == Some(u64::MAX) {
                    self.ledger.excuse(me, now);
                }
            }
            Event::Relay { from, to, body, .. } => {
                assert_eq!(*to, me, "for somebody else");
                self.ledger
                    .receive((*from, me), body.get().parse().unwrap(), false);
            }
            Event::Chat(said) => {
                self.ledger
                    .receive((said.peer, me), said.content.parse().unwrap(), true);
            }
            _ => {}
        }
        let gap = self
            .ledger
            .gap_of(me)
            .is_some_and(|until| until >= stay.sure);
        if stay.eyes.as_mut().unwrap().see(event, gap) {
            stay.sure = now + 1;
        }
        if matches!(event, Event::Kicked { .. }) {
            client.go_out();
            self.post.conns[conn].line = Line::Lost { failing: false };
        }
    }

    /// The node closes a connection.
    pub(crate) fn hang_up(&mut self, conn: ConnId) {
        self.tell(|_| format!("    c{conn} is cut"));
        let line = &mut self.post.conns[conn];
        line.line = Line::Closed;
        let client = &mut self.clients[line.client];
        if client.conn == Some(conn) {
            client.conn = None;
            client.phase = Phase::Lost;
        }
    }

    pub(crate) fn refused_to_join(&mut self, conn: ConnId) {
        self.tell(|_| format!("    c{conn} is refused"));
        self.post.conns[conn].line = Line::Closed;
        let number = self.post.conns[conn].client;
        let client = &mut self.clients[number];
        if client.conn == Some(conn) {
            client.go_out();
        }
    }

    pub(crate) fn refused_to_resume(&mut self, conn: ConnId) {
        self.tell(|_| format!("    c{conn} may not resume"));
        let again = self.random.chance(70);
        self.post.conns[conn].line = Line::Closed;
        let number = self.post.conns[conn].client;
        let client = &mut self.clients[number];
        if client.conn != Some(conn) {
            return;
        }
        client.tries += 1;
        if again && client.tries < 4 {
            client.conn = None;
            client.phase = Phase::Lost;
        } else {
            client.go_out();
        }
    }

    /// Its node died.
    pub(crate) fn bereave(&mut self, conn: ConnId) {
        self.post.conns[conn].line = Line::Closed;
        let client = &mut self.clients[self.post.conns[conn].client];
        if client.conn == Some(conn) {
            match client.phase {
                Phase::Joining | Phase::Out => client.go_out(),
                _ => {
                    client.conn = None;
                    client.phase = Phase::Lost;
                    client.rests_until = self.now + self.random.between(0, 4_000);
                }
            }
        }
    }
}

fn brief(event: &Event<'_>) -> String {
    let mut text = match event {
        Event::Joined(welcome) => format!(
            "Joined({:?} host {})",
            welcome
                .peers
                .iter()
                .map(|p| p.id.to_string())
                .collect::<Vec<_>>(),
            welcome.host
        ),
        Event::Resumed { welcome, missed } => format!(
            "Resumed({missed}, {:?} host {})",
            welcome
                .peers
                .iter()
                .map(|p| p.id.to_string())
                .collect::<Vec<_>>(),
            welcome.host
        ),
        Event::Chat(message) => format!("Chat({} by {})", message.content, message.peer),
        other => format!("{other:?}"),
    };
    text.truncate(900);
    text
}
