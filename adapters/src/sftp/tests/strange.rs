//! Servers that OpenSSH is not: one that asks for a password, and some that lie.

use std::{
    collections::HashMap,
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Command, Stdio},
    sync::Arc,
};

use russh::{
    Channel, ChannelId,
    keys::{PrivateKey, decode_secret_key},
    server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Session},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{Line, Server};
use crate::{file::Ready, suite::Scripted};

/// What a strange server does on the line on which files are asked for.
#[derive(Clone, Copy)]
enum Does {
    /// What OpenSSH's own program does.
    Serves,
    /// Boasts of a packet of 4 GiB.
    Boasts,
    /// Answers what was not asked.
    Mistakes,
    /// Breaks off.
    Ends,
}

/// One that lets in who knows the password.
struct Door {
    does: Does,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

const PASSWORD: &str = "mật khẩu của Sở";

impl Handler for Door {
    type Error = russh::Error;

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, russh::Error> {
        Ok(if password == PASSWORD { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        assert_eq!(name, "sftp");
        session.channel_success(id)?;
        let channel = self.channels.remove(&id).unwrap();
        tokio::spawn(answer(channel, self.does));
        Ok(())
    }
}

async fn answer(channel: Channel<Msg>, does: Does) {
    let mut line = channel.into_stream();
    let said: &[u8] = match does {
        Does::Serves => {
            let (ours, theirs) = UnixStream::pair().unwrap();
            let theirs = OwnedFd::from(theirs);
            let mut program = Command::new("/usr/lib/openssh/sftp-server");
            program.stdin(Stdio::from(theirs.try_clone().unwrap())).stdout(Stdio::from(theirs));
            let mut running = program.spawn().unwrap();
            drop(program);
            ours.set_nonblocking(true).unwrap();
            let mut ours = tokio::net::UnixStream::from_std(ours).unwrap();
            let _ = tokio::io::copy_bidirectional(&mut line, &mut ours).await;
            drop(ours);
            running.wait().unwrap();
            return;
        }
        Does::Boasts => &[0xff, 0xff, 0xff, 0xff, 2],
        // A version, and then a handle for another question.
        Does::Mistakes => &[0, 0, 0, 5, 2, 0, 0, 0, 3, 0, 0, 0, 9, 102, 9, 9, 9, 9, 0, 0, 0, 0],
        Does::Ends => &[0, 0, 0, 5, 2, 0, 0, 0, 3],
    };
    let mut greeting = [0; 9];
    line.read_exact(&mut greeting).await.unwrap();
    line.write_all(said).await.unwrap();
    line.shutdown().await.unwrap();
}

/// A line to a strange server, with a key that a real one has.
async fn line(does: Does, password: &str) -> Line {
    let server = Server::shared();
    let key: PrivateKey = decode_secret_key(&server.told("host_key"), None).unwrap();
    let config = Arc::new(Config { keys: vec![key], ..Config::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = server.settings(Ready::Rename);
    settings.server.port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let door = Door { does, channels: HashMap::new() };
        let _ = russh::server::run_stream(config, stream, door).await.unwrap().await;
    });
    Line::of(settings, password, Scripted::new([]))
}

#[tokio::test]
async fn a_password_opens_what_a_password_closes() {
    let line = line(Does::Serves, PASSWORD).await;
    line.put("a.csv", "1");
    assert_eq!(line.desk.turn().await.unwrap().taken, 1);
    assert_eq!(line.files(), ["done/a.csv", "done/a.csv.receipt.json"]);
}

#[tokio::test]
async fn a_wrong_password_is_told_to_be_mended() {
    let line = line(Does::Serves, "khác").await;
    assert_eq!(line.desk.turn().await.unwrap_err().code, "credentials-refused");
}

#[tokio::test]
async fn a_server_that_lies_costs_no_memory_and_no_panic() {
    for does in [Does::Boasts, Does::Mistakes, Does::Ends] {
        let line = line(does, PASSWORD).await;
        assert_eq!(line.desk.turn().await.unwrap_err().code, "connection-lost");
    }
}
